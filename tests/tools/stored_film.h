// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A film whose results are kept in a store, and what is in that store.
#pragma once

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "tests/tools/tool.h"

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

}  // namespace tool
