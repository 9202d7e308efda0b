// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/io/secret.h"

#include <cstdlib>
#include <fstream>

namespace dist {

Result<std::string> find_secret(const std::string& secret, const std::string& file) {
  if (!secret.empty())
    return secret;
  if (file.empty()) {
    const char* value = std::getenv("GST_DIST_SECRET");
    return std::string(value ? value : "");
  }
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line))
    return Error{"secret-file '" + file + "': cannot be read"};
  if (line.ends_with('\r'))
    line.pop_back();
  if (line.empty())
    return Error{"secret-file '" + file + "': its first line is empty"};
  return line;
}

}  // namespace dist
