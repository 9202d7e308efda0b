// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether two films show the same, from what is kept of each of their frames. Knows no decoder.
// Times are those of A, since its first frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/gst-dist/compare/film_marks.h"

namespace dist::tool {

// Bits of a visual hash that may differ in pictures that show the same.

// Two frames that are compared.
struct FramePair {
  std::size_t a = 0;  // Among the frames of its film.
  std::size_t b = 0;
  Time time = 0;          // Of the comparison; one of the two frames may be of another one.
  unsigned distance = 0;  // Bits of 256.
  unsigned contrast = 0;  // Difference of brightness in the part where it is largest, of 255.
  // They have too little detail for their hashes to mean something; their brightness decides.
  bool flat = false;
  // There was no frame at this time in one of the films, so that what it shows then counts.
  bool unpaired = false;
  bool differs = false;

  // What ranks, and draws, all pairs: the distance; of flat ones 0 if they show the same.
  unsigned score() const;
};

// Frames that differ one after another.
struct Difference {
  Time start = 0;
  Time stop = 0;
  std::size_t frames = 0;
  unsigned worst = 0;  // FramePair::score().
  Time worst_time = 0;
};

struct Comparison {
  unsigned threshold = kSameHashDistance;
  std::vector<FramePair> pairs;  // In the order of their times.
  std::int64_t shift = 0;        // B shows the same so much later, or earlier if below 0.
  Time a_end = 0;
  Time b_end = 0;
  std::vector<Difference> differences;
  bool other_time = false;  // The shift is more than a change of the rate explains.
  bool other_length = false;
  std::size_t unpaired = 0;  // How many pairs.
  std::size_t flat = 0;
  std::size_t differing = 0;
  // Of the distances of all pairs that are not flat.
  double mean = 0;
  unsigned median = 0;
  unsigned nearly_all = 0;  // 99 of 100 are not larger.
  unsigned worst = 0;
  Time worst_time = 0;

  bool same() const { return differences.empty() && !other_time && !other_length; }
  Time length() const { return a_end > b_end ? a_end : b_end; }
};

// Moves B to where it shows what A shows, by a second at most, if that makes them much more alike.
// Then compares each frame of the film that has fewer with the one of the other film that is
// nearest in time. Where the films have other rates, frames beside that one count too, since
// converters take either.
//
// Two frames are the same if their distance is no more than the threshold. Coarse encodes go beyond
// it: up to twice the threshold they are the same if their brightness is. Neither film is empty.
Comparison compare(const FilmMarks& a, const FilmMarks& b, unsigned threshold);

// The pairs of one second.
struct Second {
  Time start = 0;
  std::size_t frames = 0;
  double mean = 0;  // Distances of those that are not flat.
  unsigned worst = 0;
  Time worst_time = 0;
  std::size_t flat = 0;
  std::size_t unpaired = 0;
  std::size_t differing = 0;
};
// Only those in which there are pairs.
std::vector<Second> seconds_of(const Comparison& comparison);

// At most so many pairs, those with the largest scores of each difference and then of all, apart
// from each other and in the order of their times; none that are exactly the same.
std::vector<std::size_t> worst_pairs(const Comparison& comparison, std::size_t count);

}  // namespace dist::tool
