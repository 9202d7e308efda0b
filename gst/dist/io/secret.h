// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "gst/dist/core/result.h"

namespace dist {

// The secret that a user gave: `secret` itself, else the first line of the file, else the value of
// the environment variable GST_DIST_SECRET, else an empty one. An error if the file has none.
Result<std::string> find_secret(const std::string& secret, const std::string& file);

}  // namespace dist
