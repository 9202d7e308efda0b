// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture/frame_look.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace dist {
namespace {

// A plane to reduce, and how its samples become values of 0 to 255.
struct Plane {
  const std::uint8_t* data = nullptr;
  std::ptrdiff_t stride = 0;
  unsigned step = 1;
  unsigned width = 0;
  unsigned height = 0;
  float scale = 1;
  float offset = 0;
};

// Which samples of `size` cell `cell` of `cells` covers; at its ends only in part.
struct Cover {
  unsigned first = 0;
  unsigned last = 0;
  float first_weight = 1;  // Of 1; those in between count in full.
  float last_weight = 0;   // 0 if first is last.

  float weight(unsigned i) const { return i == first ? first_weight : i == last ? last_weight : 1; }
};

Cover cover_of(unsigned cell, unsigned cells, unsigned size) {
  const double from = static_cast<double>(cell) * size / cells;
  const double to = static_cast<double>(cell + 1) * size / cells;
  Cover cover;
  cover.first = std::min(size - 1, static_cast<unsigned>(from));
  cover.last = std::min(size - 1, static_cast<unsigned>(std::ceil(to)) - 1);
  if (cover.first == cover.last) {
    cover.first_weight = static_cast<float>(to - from);
  } else {
    cover.first_weight = static_cast<float>(cover.first + 1 - from);
    cover.last_weight = static_cast<float>(to - cover.last);
  }
  return cover;
}

template <typename Sample>
void add_row(const std::uint8_t* data, unsigned step, unsigned width, float weight, float* sums) {
  if (step == 1)
    for (unsigned x = 0; x < width; ++x)
      sums[x] += weight * static_cast<float>(sample_at<Sample>(data, x));
  else
    for (unsigned x = 0; x < width; ++x)
      sums[x] += weight * static_cast<float>(sample_at<Sample>(data, std::size_t{x} * step));
}

// The mean of each of cells x cells equal parts of the plane.
template <typename Sample>
void reduce(const Plane& plane, unsigned cells, std::vector<float>& sums,
            std::span<std::uint8_t> out) {
  if (plane.width == 0 || plane.height == 0)
    return;
  for (unsigned cell_y = 0; cell_y < cells; ++cell_y) {
    const Cover rows = cover_of(cell_y, cells, plane.height);
    sums.assign(plane.width, 0);
    for (unsigned y = rows.first; y <= rows.last; ++y)
      add_row<Sample>(plane.data + static_cast<std::ptrdiff_t>(y) * plane.stride, plane.step,
                      plane.width, rows.weight(y), sums.data());
    for (unsigned cell_x = 0; cell_x < cells; ++cell_x) {
      const Cover columns = cover_of(cell_x, cells, plane.width);
      float sum = 0;
      for (unsigned x = columns.first; x <= columns.last; ++x)
        sum += columns.weight(x) * sums[x];
      const float mean = sum * static_cast<float>(cells) * static_cast<float>(cells) /
                         (static_cast<float>(plane.width) * static_cast<float>(plane.height));
      out[std::size_t{cell_y} * cells + cell_x] = static_cast<std::uint8_t>(
          std::lround(std::clamp(mean * plane.scale + plane.offset, 0.0f, 255.0f)));
    }
  }
}

float step_of(unsigned depth) {
  return 255.0f / static_cast<float>((1u << depth) - 1);
}

ChromaCells reduce_chroma(const ChromaPlane& chroma, std::vector<float>& sums) {
  Plane plane{chroma.data,
              chroma.stride,
              chroma.step,
              chroma.width,
              chroma.height,
              step_of(chroma.depth) * (chroma.full_range ? 1 : 255.0f / 224),
              chroma.full_range ? 0 : 128 - 128 * 255.0f / 224};
  ChromaCells cells{};
  if (chroma.depth > 8)
    reduce<std::uint16_t>(plane, kChromaCells, sums, cells);
  else
    reduce<std::uint8_t>(plane, kChromaCells, sums, cells);
  return cells;
}

}  // namespace

FrameLook FrameLooker::look(Time time, const LumaPlane& luma, const ChromaPlane* u,
                            const ChromaPlane* v) {
  FrameLook look;
  look.time = time;
  look.width = width_;
  look.height = height_;
  const HashedPicture hashed = hasher_.hash(luma);
  look.hash = hashed.hash;
  look.quality = hashed.quality;
  const Plane plane{luma.data,
                    luma.stride,
                    1,
                    width_,
                    height_,
                    step_of(luma.depth) * (luma.full_range ? 1 : 255.0f / 219),
                    luma.full_range ? 0 : -16 * 255.0f / 219};
  if (luma.depth > 8)
    reduce<std::uint16_t>(plane, kLumaCells, sums_, look.luma);
  else
    reduce<std::uint8_t>(plane, kLumaCells, sums_, look.luma);
  if (u && v) {
    look.has_chroma = true;
    look.u = reduce_chroma(*u, sums_);
    look.v = reduce_chroma(*v, sums_);
  }
  return look;
}

}  // namespace dist
