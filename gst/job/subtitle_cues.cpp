// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/subtitle_cues.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace dist {

std::vector<Cue> SeparateCues::until(std::int64_t time) {
  std::vector<Cue> complete;
  while (!shown_.empty() && now_ < time) {
    Cue cue{.start = now_, .end = time, .text = {}};
    for (const Cue& shown : shown_) {
      cue.end = std::min(cue.end, shown.end);
      cue.text += (cue.text.empty() ? "" : "\n") + shown.text;
    }
    std::erase_if(shown_, [&](const Cue& shown) { return shown.end <= cue.end; });
    now_ = cue.end;
    if (cue.end > cue.start)
      complete.push_back(std::move(cue));
  }
  return complete;
}

std::vector<Cue> SeparateCues::add(Cue cue) {
  auto complete = until(cue.start);
  now_ = std::max(now_, cue.start);
  if (cue.end > now_)
    shown_.push_back(std::move(cue));
  return complete;
}

std::vector<Cue> SeparateCues::finish() {
  return until(std::numeric_limits<std::int64_t>::max());
}

std::string as_mp4_sample(const std::string& text) {
  const std::size_t size = std::min<std::size_t>(text.size(), 0xffff);
  std::string sample{static_cast<char>(size >> 8 & 0xff), static_cast<char>(size & 0xff)};
  return sample + text.substr(0, size);
}

std::string as_webvtt(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '&')
      escaped += "&amp;";
    else if (letter == '<')
      escaped += "&lt;";
    else if (letter == '>')
      escaped += "&gt;";
    else
      escaped += letter;
  }
  return escaped;
}

}  // namespace dist
