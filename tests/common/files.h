// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace test {

// "" if the file cannot be read.
std::string bytes_of(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

}  // namespace test
