// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a stream is cut that is published: at even times, so that the segments of a packager add up
// to the same durations whatever the GOPs are. Pure.
#pragma once

#include "gst/cut/segment.h"

namespace dist {

// Frames are on the grid that are earlier by less: containers round timestamps to milliseconds.
inline constexpr Time kGridTolerance = 2'000'000;

// The distance of the cuts: `grid`, as a whole number of frames, since an encoder puts its
// keyframes so. `frame_duration` 0: not known.
Time grid_step(Time grid, Time frame_duration);

// The earliest time of a frame with which the segment behind the one that begins at `from` may
// begin. The first segment begins at `origin`.
Time next_grid_cut(Time step, Time origin, Time from);

}  // namespace dist
