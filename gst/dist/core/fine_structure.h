// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a picture has and one scaled up from 64 x 64 samples does not.
#pragma once

#include <vector>

#include "gst/dist/core/frame_look.h"

namespace dist {

// The frequencies just above those that 64 samples can carry, of each row and of each column of the
// cells. What scaling up leaves there is a mirror image of lower ones, which has nothing to do with
// the original.
std::vector<float> fine_structure(const LumaCells& cells);

}  // namespace dist
