// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How far the segments of a job are, those too that are being worked on. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>

#include "gst/cut/segment.h"

namespace dist {

class JobProgress {
 public:
  struct Amount {
    double time = 0;  // Of film, in nanoseconds.
    double frames = 0;
  };

  void submitted(std::uint64_t segment, Time duration, std::uint64_t frames) {
    const Amount amount{static_cast<double>(duration), static_cast<double>(frames)};
    open_[segment] = {amount, 0};
    submitted_ += amount.time;
  }
  // The segment has these units of the film's, some of them perhaps for another time.
  void to_decode(std::uint64_t first_unit, std::uint64_t units) {
    to_decode_ += static_cast<double>(units);
    units_ = std::max(units_, first_unit + units);
  }
  // So much of the segment, of 1, went through some worker. What was reached stays, also if the
  // segment has to be begun anew.
  void advanced(std::uint64_t segment, double share) {
    if (const auto at = open_.find(segment); at != open_.end())
      at->second.share = std::max(at->second.share, std::min(share, 1.0));
  }
  void completed(std::uint64_t segment) { open_.erase(segment); }
  // No segment follows.
  void ended() { whole_ = true; }
  void clear() { *this = JobProgress(); }

  // Segments that are not complete.
  std::size_t open() const { return open_.size(); }
  // Time of all segments so far; whether these are all.
  double submitted() const { return submitted_; }
  // Time of those that are complete.
  double done() const {
    double time = submitted_;
    for (const auto& [_, segment] : open_)
      time -= segment.all.time;
    return time;
  }
  bool whole() const { return whole_; }
  // How many times a unit is decoded, on average; 1 without any.
  double decoding() const { return units_ > 0 ? to_decode_ / static_cast<double>(units_) : 1; }
  // Of the segments that are not complete.
  Amount begun() const {
    Amount sum;
    for (const auto& [_, segment] : open_) {
      sum.time += segment.share * segment.all.time;
      sum.frames += segment.share * segment.all.frames;
    }
    return sum;
  }

 private:
  struct Segment {
    Amount all;
    double share = 0;
  };
  std::map<std::uint64_t, Segment> open_;
  double submitted_ = 0;
  double to_decode_ = 0;  // Units of all segments.
  std::uint64_t units_ = 0;
  bool whole_ = false;
};

}  // namespace dist
