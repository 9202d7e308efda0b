// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Commands that are run to their end, and what they print.
#pragma once

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <sstream>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "tests/common/film.h"

namespace command {

using farm::output_of;
using farm::Ran;
using farm::run;

// It says in one line what is wrong.
inline void assert_refused(const std::string& line, int code, const std::string& text) {
  const Ran result = run(line);
  ck_assert_msg(result.code == code, "%s: exit code %d", line.c_str(), result.code);
  ck_assert_msg(result.output.find(text) != std::string::npos, "%s: %s", line.c_str(),
                result.output.c_str());
  ck_assert_msg(result.output.find('\n') + 1 == result.output.size(), "%s: %s", line.c_str(),
                result.output.c_str());
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream input(text);
  for (std::string line; std::getline(input, line);)
    lines.push_back(line);
  return lines;
}

// A real film where there is one, else one that the tests make.
inline std::string film_like(const std::string& real) {
  const auto found = film::clips(real);
  return found.empty() ? film::clips("h264-closed.mp4").front() : found.front();
}

inline std::size_t frames_in(const std::string& path) {
  return film::record("filesrc location=" + path +
                      " ! decodebin ! video/x-raw(ANY) ! appsink name=out")
      .items.size();
}

// Decodes all of a stream of the file or playlist, without a complaint, and counts.
inline std::size_t count(const std::string& path, const std::string& stream) {
  const std::string text =
      output_of("ffprobe -v warning -count_frames -select_streams " + stream +
                " -show_entries stream=nb_read_frames -of default=nw=1:nk=1 " + path);
  std::size_t end = 0;
  const std::size_t frames = std::stoul(text, &end);
  // Players and probes name a stream of a program twice.
  for (const std::string& line : lines_of(text))
    ck_assert_msg(line == std::to_string(frames), "%s: %s", path.c_str(), text.c_str());
  return frames;
}

}  // namespace command
