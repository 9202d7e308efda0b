// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What belongs to a film beside its streams, and which outputs cannot have it.
#pragma once

#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/job/transcode_pipeline.h"

namespace dist {

// Adds to `left_out` what the containers do not take.
void plan_details(Plan& plan);

// Writes into finished files, one for each output, what the muxers do not.
Status write_details(const Plan& plan, const std::vector<std::string>& paths);

}  // namespace dist
