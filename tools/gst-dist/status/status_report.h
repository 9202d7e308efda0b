// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `gst-dist-1.0 status` says, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "gst/io/store_jobs.h"
#include "gst/wire/farm_status.h"

namespace dist::tool {

// Lines of at most 80 columns.
std::string status_for_people(const std::string& place, const FarmStatus& status);
// One object, as docs/gst-dist-1.0.md describes it.
std::string status_for_programs(const FarmStatus& status, bool pretty);

// The same of the jobs that use the store of a folder, with what happened to each.
std::string jobs_for_people(const std::string& folder, const std::vector<StoreJob>& jobs);
std::string jobs_for_programs(const std::string& folder, const std::vector<StoreJob>& jobs,
                              bool pretty);

}  // namespace dist::tool
