// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a GOP that is long is cut: a segment that begins inside it decodes all of it up to there
// once more, so the cuts are few, and evenly spaced. Pure.
#pragma once

#include "gst/cut/segment.h"

namespace dist {

struct GopCutRule {
  // A segment is at least this long.
  Time segment_duration = kSecond;
  // A GOP that is not longer than this is not cut. kNoTime: none is.
  Time max_segment_duration = 4 * kSecond;
  // So many times all frames of a GOP are decoded at most, unless its segments would be too long.
  double max_decoding = 2;
  // Longer segments have results that a primary does not take.
  Time longest = 40 * kSecond;
};

// How many segments a GOP of that length is cut into.
unsigned gop_parts(const GopCutRule& rule, Time length);

// Where the segment that begins at `from`, inside the GOP that is shown from `start` to `end`,
// stops at the latest; kNoTime: at the end of the GOP.
Time next_gop_cut(const GopCutRule& rule, Time start, Time end, Time from);

}  // namespace dist
