// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a picture has and one scaled up from 64 x 64 samples does not.
#pragma once

#include <vector>

#include "gst/picture/frame_look.h"

namespace dist {

// Of each row and of each column of the cells.
struct Structure {
  // The frequencies just above those that 64 samples can carry, without what is a mirror image of
  // lower ones. Scaling up leaves mirror images only: the spectrum of 64 samples repeats itself
  // there, and the filter just weighs it.
  std::vector<float> fine;
  // Those lower ones: as many, just below.
  std::vector<float> coarse;
};

Structure structure_of(const LumaCells& cells);

}  // namespace dist
