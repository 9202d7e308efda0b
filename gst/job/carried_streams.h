// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What goes past the workers: sound and subtitles.
#pragma once

#include <cstddef>
#include <vector>

#include "gst/base/result.h"
#include "gst/job/plan.h"

namespace dist {

// What becomes of the sound, which goes into the outputs `sound`, and of the subtitles, which go
// into all that have video. Adds to what the plan carries and leaves out.
Status plan_carried_streams(Plan& plan, const std::vector<std::size_t>& sound);

}  // namespace dist
