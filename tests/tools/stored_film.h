// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A film whose results are kept in a store, what is in that store, and runs that make the film's
// ladder.
#pragma once

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <algorithm>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

namespace tool {

inline constexpr unsigned kSegments = 9;  // Of the film, which has a keyframe each second.
inline constexpr unsigned kRungs = 4;     // Three, and the thumbnails.
// x264 repeats its bytes where there are no B-frames (docs/limits.md), and one thread in each lane.
inline constexpr char kLadder[] =
    " --json --local-workers=2 --thumbnails=1 -r big:h264:bframes=0:speed=fast "
    "-r middle:h264:240x134:bframes=0:speed=fast -r small:h264:160x90:bframes=0:speed=fast ";

inline std::string film_of(const Folder& folder, const std::string& name = "film.mp4") {
  return make(
      folder, name,
      "-f lavfi -i testsrc2=size=320x180:rate=25:duration=9 -f lavfi -i sine=duration=9 "
      "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -keyint_min 25 -sc_threshold 0 "
      "-c:a aac -shortest");
}

inline std::string line(const std::string& film, const std::string& out, const std::string& more) {
  return command() + "transcode " + film + " -o " + out + "/" + kLadder + more;
}

// Renditions of segments that workers made, as the JSON of a run says.
inline unsigned encoded(const std::string& json) {
  static const std::regex kDone(
      "\"event\":\"dist-segment-done\".*\"attempt\":([0-9]+),.*\"renditions\":([0-9]+)");
  unsigned count = 0;
  for (std::size_t begin = 0; begin < json.size();) {
    const std::size_t end = std::min(json.find('\n', begin), json.size());
    std::smatch match;
    const std::string text = json.substr(begin, end - begin);
    if (std::regex_search(text, match, kDone) && match[1] != "0")
      count += static_cast<unsigned>(std::stoul(match[2]));
    begin = end + 1;
  }
  return count;
}

inline std::vector<fs::path> blobs_of(const std::string& store) {
  std::vector<fs::path> blobs;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(store) / "blobs"))
    if (entry.is_regular_file())
      blobs.push_back(entry.path());
  std::ranges::sort(blobs);
  return blobs;
}

// Every file below, by its name.
inline std::map<std::string, std::string> files_in(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = bytes_of(entry.path().string());
  return files;
}

inline void expect_same(const std::string& folder, const std::string& other) {
  const auto files = files_in(folder);
  const auto others = files_in(other);
  ck_assert_uint_ge(files.size(), kRungs);
  ck_assert_uint_eq(files.size(), others.size());
  for (const auto& [name, bytes] : files)
    ck_assert_msg(others.contains(name) && others.at(name) == bytes, "%s differs", name.c_str());
}

// Everything that a process prints until so many segments are done, and after that it is killed.
inline std::string killed_after(const std::string& run, unsigned segments) {
  farm::Process process(run);
  std::string seen;
  char bytes[4096];
  const auto done = [&seen] {
    unsigned count = 0;
    for (std::size_t at = 0; (at = seen.find("dist-segment-done", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  gssize count = 1;
  while (count > 0 && done() < segments) {
    count = g_input_stream_read(process.stream(), bytes, sizeof bytes, nullptr, nullptr);
    seen.append(bytes, static_cast<std::size_t>(std::max<gssize>(count, 0)));
  }
  process.kill();
  while ((count = g_input_stream_read(process.stream(), bytes, sizeof bytes, nullptr, nullptr)) > 0)
    seen.append(bytes, static_cast<std::size_t>(count));
  return seen;
}

}  // namespace tool
