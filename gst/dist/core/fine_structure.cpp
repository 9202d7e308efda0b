// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/fine_structure.h"

#include <cmath>
#include <numbers>

namespace dist {
namespace {

// Half waves in the picture. 64 is the most that 64 samples carry; a slow filter lets a little more
// through in place. Much higher ones a low bitrate does not carry either.
constexpr unsigned kFirst = 68;
constexpr unsigned kCount = 28;

using Cosines = std::array<std::array<float, kLumaCells>, kCount>;

Cosines make_cosines() {
  Cosines cosines;
  for (unsigned k = 0; k < kCount; ++k)
    for (unsigned x = 0; x < kLumaCells; ++x)
      cosines[k][x] = static_cast<float>(
          std::sqrt(2.0 / kLumaCells) *
          std::cos(std::numbers::pi / 2 / kLumaCells * (kFirst + k) * (2 * x + 1)));
  return cosines;
}

// Of all columns at a time.
void transform(const std::array<float, std::size_t{kLumaCells} * kLumaCells>& cells, float* out) {
  static const Cosines cosines = make_cosines();
  for (unsigned k = 0; k < kCount; ++k)
    for (unsigned y = 0; y < kLumaCells; ++y) {
      const float factor = cosines[k][y];
      for (unsigned x = 0; x < kLumaCells; ++x)
        out[std::size_t{k} * kLumaCells + x] += factor * cells[std::size_t{y} * kLumaCells + x];
    }
}

}  // namespace

std::vector<float> fine_structure(const LumaCells& cells) {
  std::array<float, std::size_t{kLumaCells} * kLumaCells> upright;
  std::array<float, std::size_t{kLumaCells} * kLumaCells> turned;
  for (unsigned y = 0; y < kLumaCells; ++y)
    for (unsigned x = 0; x < kLumaCells; ++x) {
      const auto cell = static_cast<float>(cells[std::size_t{y} * kLumaCells + x]);
      upright[std::size_t{y} * kLumaCells + x] = cell;
      turned[std::size_t{x} * kLumaCells + y] = cell;
    }
  std::vector<float> structure(std::size_t{2} * kCount * kLumaCells);
  transform(upright, structure.data());
  transform(turned, structure.data() + std::size_t{kCount} * kLumaCells);
  return structure;
}

}  // namespace dist
