// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The command gst-dist-1.0, and a folder to let it write into.
#pragma once

#include <gio/gio.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "tests/common/farm.h"

namespace tool {

namespace fs = std::filesystem;

inline std::string command() {
  return std::string(g_getenv("DIST_BUILD_ROOT")) + "/tools/gst-dist-1.0 ";
}

// A folder for one test.
class Folder {
 public:
  Folder()
      : path_(fs::path(g_getenv("DIST_BUILD_ROOT")) / "tests" /
              ("tool-" + std::to_string(getpid()) + "-" + std::to_string(++made_))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  // Everything in it, temporary files too.
  std::size_t size() const {
    return static_cast<std::size_t>(
        std::distance(fs::recursive_directory_iterator(path_), fs::recursive_directory_iterator()));
  }

 private:
  static inline int made_ = 0;
  fs::path path_;
};

// Reads what a process prints until it says this. False if it ends before.
inline bool wait_for(const farm::Process& process, const std::string& text) {
  std::string seen;
  char bytes[4096];
  while (seen.find(text) == std::string::npos) {
    const gssize count =
        g_input_stream_read(process.stream(), bytes, sizeof bytes, nullptr, nullptr);
    if (count <= 0)
      return false;
    seen.append(bytes, static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace tool
