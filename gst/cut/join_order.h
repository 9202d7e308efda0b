// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The order in which segments leave distjoin, and the times at which their access units are
// decoded.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gst/base/result.h"
#include "gst/cut/segment.h"

namespace dist {

// Puts the segments of one rendition back in order. Holds headers only; the caller keeps the
// payloads under the same index.
class JoinOrder {
 public:
  // Of the source if the rendition has no name.
  explicit JoinOrder(std::string rendition = {}) : rendition_(std::move(rendition)) {}

  // Takes a segment in any order. Refuses one that was there before or that contradicts the others;
  // the error names it.
  Status add(std::shared_ptr<const SegmentHeader> header);

  // The next segment in order, if it is there. Fails if it does not continue the one before.
  Result<std::shared_ptr<const SegmentHeader>> next();

  // Called at the end of the stream: fails with the missing segments unless every one up to the
  // last was handed out by next().
  Status finish() const;

 private:
  std::map<std::uint64_t, std::shared_ptr<const SegmentHeader>> waiting_;
  std::uint64_t next_index_ = 0;
  std::optional<std::uint64_t> last_index_;
  std::string stream_id_;
  std::string rendition_;
};

// Gives the access units of a rendition decode times that grow strictly and never lie after their
// presentation times, across all segments: with D frames of reordering, the unit at position n of
// the stream is decoded when frame n - D is presented, and the first D units before the first
// frame.
class DecodeTimes {
 public:
  // The decode time of each unit of the next segment in order, shift() included, or an error naming
  // the segment. Not for segments without units, which change nothing.
  Result<std::vector<Time>> next(const SegmentHeader& header);

  // Timestamps are unsigned. Where the stream begins too early for decode times before its first
  // frame, all its timestamps have to be moved up by this much, and its time segment with them,
  // which leaves running time as it was. Known, and fixed, after the first next().
  Time shift() const { return shift_; }

 private:
  Time decode_time(std::uint64_t position) const;

  std::deque<Time> recent_;  // Presentation times from position first_recent_ of the stream on.
  std::uint64_t first_recent_ = 0;
  std::uint64_t position_ = 0;
  std::uint32_t depth_ = 0;
  Time first_ = 0;           // The first frame,
  Time first_duration_ = 0;  // and how long it is shown.
  Time shift_ = 0;
  std::optional<Time> previous_;
};

}  // namespace dist
