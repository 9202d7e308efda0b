// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which fragments make up a media segment. The answer depends only on when the fragments of the
// picture start, so it is the same for all rungs and in every run.
#pragma once

#include <cstdint>
#include <optional>

namespace dist::publish {

class Grouping {
 public:
  // Nanoseconds.
  explicit Grouping(std::uint64_t segment_duration) : duration_(segment_duration) {}

  // A fragment starts at that presentation time in nanoseconds; whether a media segment begins with
  // it. That is so for the first fragment at or behind each multiple of the duration.
  bool begins(std::uint64_t start) {
    const std::uint64_t slot = (start + kTolerance) / duration_;
    const bool begins = !slot_ || slot > *slot_;
    if (begins)
      slot_ = slot;
    return begins;
  }

 private:
  // Timescales of containers round times, by less than this.
  static constexpr std::uint64_t kTolerance = 1'000'000;

  const std::uint64_t duration_;
  std::optional<std::uint64_t> slot_;  // Of the media segment that was begun last.
};

}  // namespace dist::publish
