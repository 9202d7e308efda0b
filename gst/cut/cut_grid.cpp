// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/cut_grid.h"

#include <algorithm>

namespace dist {

Time grid_step(Time grid, Time frame_duration) {
  if (frame_duration == 0)
    return grid;
  const Time frames = std::max<Time>(
      grid / frame_duration + (grid % frame_duration > frame_duration / 2 ? 1 : 0), 1);
  // Frames that are longer than all films: there is no grid of them.
  return frames > kNoTime / frame_duration ? grid : frames * frame_duration;
}

Time next_grid_cut(Time step, Time origin, Time from) {
  // The clock went back.
  const Time passed = from > origin ? from - origin : 0;
  // A step need not be longer than the tolerance.
  const Time tolerance = std::min(kGridTolerance, step / 2);
  const Time cell = passed > kNoTime - tolerance ? passed / step : (passed + tolerance) / step;
  const Time begin = from > origin ? origin : from;
  if (cell + 1 > (kNoTime - begin) / step)
    return kNoTime;
  return begin + (cell + 1) * step - tolerance;
}

}  // namespace dist
