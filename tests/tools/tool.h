// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The command gst-dist-1.0, and a folder to let it write into.
#pragma once

#include <gio/gio.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <string>

#include "tests/common/farm.h"
#include "tests/common/files.h"

namespace tool {

namespace fs = std::filesystem;
using farm::ffmpeg;
using farm::output_of;
using farm::Ran;
using farm::run;
using test::bytes_of;
using test::write_file;

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

// Makes a film in the folder by ffmpeg; returns its path.
inline std::string make(const Folder& folder, const std::string& name,
                        const std::string& arguments) {
  const std::string path = folder / name;
  ffmpeg(arguments + " '" + path + "'");
  return path;
}

// Reads what a process prints until it has said each of these, in whatever order. False if it ends
// before. What it said beyond is lost: one call for all that is waited for.
inline bool wait_for(const farm::Process& process, std::initializer_list<const char*> texts) {
  std::string seen;
  char bytes[4096];
  const auto said = [&seen](const char* text) { return seen.find(text) != std::string::npos; };
  while (!std::all_of(texts.begin(), texts.end(), said)) {
    const gssize count =
        g_input_stream_read(process.stream(), bytes, sizeof bytes, nullptr, nullptr);
    if (count <= 0)
      return false;
    seen.append(bytes, static_cast<std::size_t>(count));
  }
  return true;
}

inline bool wait_for(const farm::Process& process, const std::string& text) {
  return wait_for(process, {text.c_str()});
}

}  // namespace tool
