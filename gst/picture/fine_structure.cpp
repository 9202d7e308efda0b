// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture/fine_structure.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace dist {
namespace {

// Half waves in the picture. 64 is the most that 64 samples carry; a slow filter lets a little more
// through in place. Much higher ones a low bitrate does not carry either.
constexpr unsigned kFirst = 68;
constexpr unsigned kCount = 28;

using Cells = std::array<float, std::size_t{kLumaCells} * kLumaCells>;
// One frequency of all columns.
using Line = std::array<float, kLumaCells>;

using Cosines = std::array<Line, kLumaCells>;

// Of a DCT-II, by frequency.
Cosines make_cosines() {
  Cosines cosines;
  for (unsigned k = 0; k < kLumaCells; ++k)
    for (unsigned x = 0; x < kLumaCells; ++x)
      cosines[k][x] =
          static_cast<float>(std::sqrt(2.0 / kLumaCells) *
                             std::cos(std::numbers::pi / 2 / kLumaCells * k * (2 * x + 1)));
  return cosines;
}

Line transform(const Cells& cells, unsigned k) {
  static const Cosines cosines = make_cosines();
  Line line{};
  for (unsigned y = 0; y < kLumaCells; ++y)
    for (unsigned x = 0; x < kLumaCells; ++x)
      line[x] += cosines[k][y] * cells[std::size_t{y} * kLumaCells + x];
  return line;
}

float product(const Line& a, const Line& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0f);
}

// Of all columns.
void append_structure(const Cells& cells, Structure& structure) {
  for (unsigned k = kFirst; k < kFirst + kCount; ++k) {
    const Line line = transform(cells, k);
    const Line mirror = transform(cells, kLumaCells - k);
    // What the line has in common with its mirror image is taken out of it. Whatever filter scaled
    // a picture up, its lines are multiples of these, by the same factor in all columns.
    const float square = product(mirror, mirror);
    const float factor = square > 0 ? product(line, mirror) / square : 0;
    for (unsigned x = 0; x < kLumaCells; ++x) {
      structure.fine.push_back(line[x] - factor * mirror[x]);
      structure.coarse.push_back(mirror[x]);
    }
  }
}

}  // namespace

Structure structure_of(const LumaCells& cells) {
  Cells upright;
  Cells turned;
  for (unsigned y = 0; y < kLumaCells; ++y)
    for (unsigned x = 0; x < kLumaCells; ++x) {
      const auto cell = static_cast<float>(cells[std::size_t{y} * kLumaCells + x]);
      upright[std::size_t{y} * kLumaCells + x] = cell;
      turned[std::size_t{x} * kLumaCells + y] = cell;
    }
  Structure structure;
  append_structure(upright, structure);
  append_structure(turned, structure);
  return structure;
}

}  // namespace dist
