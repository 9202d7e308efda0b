// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is kept of the frames of a film to compare it with another one. Knows no decoder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gst/cut/segment.h"
#include "gst/picture/visual_hash.h"

namespace dist::tool {

// The mean of each of 8 x 8 equal parts of a picture, rows first: 0 is black, 255 white.
using Brightness = std::array<std::uint8_t, 64>;

// What is kept of a frame.
struct FrameMark {
  Time time = 0;  // Since the first frame of its film.
  VisualHash hash{};
  unsigned quality = 0;  // Of the hash, see HashedPicture.
  Brightness brightness{};
};

struct FilmMarks {
  std::vector<FrameMark> frames;  // In the order of their times, the first one at 0.
  Time end = 0;                   // Of the last one.
};

// How long a frame lasts that is neither one of the shortest nor of the longest.
Time usual_duration(const FilmMarks& film);
// The first frame that is later than this.
std::size_t first_after(const FilmMarks& film, Time time);
// The one that is on the screen then.
std::size_t shown_at(const FilmMarks& film, Time time);
// The one whose time is nearest.
std::size_t nearest(const FilmMarks& film, Time time);

// Films whose frames do not last equally long.
bool have_other_rates(const FilmMarks& a, const FilmMarks& b);

// Frames with little detail: their hashes mean nothing. Not so if only one of them has little.
bool are_flat(const FrameMark& a, const FrameMark& b);

// By how much B shows later what A shows, or earlier if below 0; 0 unless that makes them much more
// alike. At most a second.
std::int64_t shift_between(const FilmMarks& a, const FilmMarks& b);

}  // namespace dist::tool
