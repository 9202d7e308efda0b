// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films with bytes that are wrong or missing, and what transcode may make of them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/common/frame_list.h"

namespace film {

// A film without damage.
struct GoodFilm {
  std::string path;
  FrameList list;
  std::vector<std::int64_t> keyframes;  // Running times, in order.
  // Where its pictures lie in the file: the offset, and the running time.
  std::vector<std::pair<std::uint64_t, std::int64_t>> places;
};

// Decodes and reads the film. Its list is empty if that fails.
GoodFilm look_at_good(const std::string& path);

struct Damage {
  std::string text;  // What was done, for people.
  // First byte, and the one after the last, of each place in the good film.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
};

// Writes the film with one to four places of damage to `path`: bytes are flipped, overwritten or
// cut out, or the end is. The same seed does the same.
Damage write_damaged(const GoodFilm& good, const std::string& path, std::uint32_t seed);

struct Verdict {
  std::string fault;    // Empty if the promise was kept.
  std::string outcome;  // What happened, in a few words that are the same for the like.
};

// The promise: no crash, an end within a minute, a result wherever decodebin comes to the end, and
// its frames, but for those of GOPs that are damaged. `scratch` is a name for files that are
// removed.
Verdict judge_damaged(const GoodFilm& good, const Damage& damage, const std::string& path,
                      const std::string& scratch);

}  // namespace film
