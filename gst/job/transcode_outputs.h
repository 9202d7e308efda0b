// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a transcode writes, by the name that -o gives.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "gst/job/job_error.h"
#include "gst/job/transcode_pipeline.h"
#include "gst/rendition/rendition.h"

namespace dist {

// What is made if nothing is asked for.
std::string default_rendition(const std::string& output);

// Where everything goes. An error is of the request.
std::optional<JobError> plan_outputs(const std::string& output,
                                     const std::vector<RenditionSpec>& specs, Plan& plan);

// Adds thumbnails, one each so many milliseconds, in a folder of their own beside what is there.
void add_thumbnails(const std::string& output, unsigned interval, Plan& plan);

// The outputs that get the sound. If it goes into one of its own that is added.
std::vector<std::size_t> outputs_with_sound(const std::string& output, bool separate, Plan& plan);

// In the order of the plan.
std::vector<std::string> names_of(const Plan& plan);

// All that is written: those, then the record and its signature.
std::vector<std::string> files_of(const Plan& plan);

// Those that are told when all is done: of thumbnails that of their track.
std::vector<std::string> results_of(const Plan& plan);

// What elements that write files there take for their location. Folders end with '/'.
std::vector<std::string> locations_of(const std::vector<std::string>& paths);

}  // namespace dist
