// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/segment_play.h"

namespace dist {
namespace {

// Access units that only help decoding are moved this far away from the segment, so that a
// decoder's clipping drops their frames whole, whatever their rounding.
constexpr Time kGap = 1000 * GST_SECOND;

}  // namespace

GstSegment play_segment(const SegmentHeader& header) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = header.start + kPlayBase;
  segment.stop = header.stop + kPlayBase;
  segment.time = header.start;
  segment.position = segment.start;
  return segment;
}

void PlayTimes::set(GstBuffer* buffer, const AccessUnit& unit) {
  Time shift = kPlayBase;
  const Time time = unit.show != kNoTime ? unit.show : presentation_estimate(unit.pts, unit.dts);
  begun_ = begun_ || unit.show != kNoTime;
  if (unit.show == kNoTime && time != kNoTime) {
    if (time >= header_.stop)
      shift = kPlayBase + kGap;
    else if (time < header_.start || !begun_)
      shift = kPlayBase - kGap;
  }
  // A unit without a PTS stays without: the decoder derives one as it would undistributed.
  GST_BUFFER_PTS(buffer) = unit.pts != kNoTime ? time + shift : GST_CLOCK_TIME_NONE;
  GST_BUFFER_DTS(buffer) = unit.dts != kNoTime ? unit.dts + shift : GST_CLOCK_TIME_NONE;
}

}  // namespace dist
