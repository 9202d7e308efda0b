// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "gst/base/result.h"

namespace dist {

// The secret that a user gave: `secret` itself, else the first line of the file, else the value of
// the environment variable GST_DIST_SECRET, else an empty one. An error if the file has none.
// Nor is a file taken that others than its owner, or whoever shares its group with root, can read.
Result<std::string> find_secret(const std::string& secret, const std::string& file);

// Why it is none for a place that strangers reach; empty: it is one.
std::string flaw_of_secret(const std::string& secret);

// Whether it is in this process's command line, which every user of the machine can read.
bool is_in_command_line(const std::string& secret);

}  // namespace dist
