// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Subtitles in words, as containers have them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dist {

struct Cue {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::string text;
};

// For containers in which one cue ends before the next one begins: where several are on the screen
// they become one, with the lines of all.
class SeparateCues {
 public:
  // In the order of their starts. Returns what is known to be complete.
  std::vector<Cue> add(Cue cue);
  std::vector<Cue> finish();

 private:
  std::vector<Cue> until(std::int64_t time);

  std::vector<Cue> shown_;
  std::int64_t now_ = 0;
};

// As a sample of an MP4 (3GPP TS 26.245), and as WebVTT has it.
std::string as_mp4_sample(const std::string& text);
std::string as_webvtt(std::string_view text);

}  // namespace dist
