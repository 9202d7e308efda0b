// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `transcode` would do with a film if nothing else were asked of it.
#pragma once

#include <string>
#include <vector>

#include "tools/gst-dist/inspect/inspect_report.h"

namespace dist::tool {

// Sentences; of a film that has no video to work on, none.
std::vector<std::string> forecast(const Inspection& inspection);

}  // namespace dist::tool
