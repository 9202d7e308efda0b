// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a segment is played into a decoder as a complete stream, so that exactly its presented frames
// come out; see docs/design/cut.md.
#pragma once

#include <gst/gst.h>

#include "gst/dist/core/segment.h"

namespace dist {

// What is played is later than in the source by this, so that there is room below.
inline constexpr Time kPlayBase = 3600 * GST_SECOND;

// The SEGMENT to push before the access units.
GstSegment play_segment(const SegmentHeader& header);

// Gives a buffer of the segment the times with which it is played.
void set_play_times(GstBuffer* buffer, const SegmentHeader& header, const AccessUnit& unit);

}  // namespace dist
