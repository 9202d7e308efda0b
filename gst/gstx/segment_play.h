// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a segment is played into a decoder as a complete stream, so that exactly its presented frames
// come out; see docs/design/cut.md.
#pragma once

#include <gst/gst.h>

#include "gst/cut/segment.h"

namespace dist {

// What is played is later than in the source by this, so that there is room below.
inline constexpr Time kPlayBase = 3600 * GST_SECOND;

// The SEGMENT to push before the access units.
GstSegment play_segment(const SegmentHeader& header);

// Gives the buffers of a segment, in decode order, the times with which they are played.
class PlayTimes {
 public:
  // `header` outlives this.
  explicit PlayTimes(const SegmentHeader& header) : header_(header) {}
  void set(GstBuffer* buffer, const AccessUnit& unit);

 private:
  const SegmentHeader& header_;
  bool begun_ = false;  // A frame of the segment was among the units.
};

}  // namespace dist
