// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is kept of a decoded frame to tell whether another one shows the same, see picture_check.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gst/cut/segment.h"
#include "gst/picture/visual_hash.h"

namespace dist {

// The picture in equal cells, whatever its size, rows first: the mean of each cell, 0 to 255.
inline constexpr unsigned kLumaCells = 128;
inline constexpr unsigned kChromaCells = 16;
using LumaCells = std::array<std::uint8_t, std::size_t{kLumaCells} * kLumaCells>;
using ChromaCells = std::array<std::uint8_t, std::size_t{kChromaCells} * kChromaCells>;

// What is kept of a look.
struct FrameHash {
  Time time = kNoTime;  // Of presentation.
  VisualHash hash{};
  unsigned quality = 0;  // See HashedPicture.
};

struct FrameLook {
  Time time = kNoTime;  // Of presentation.
  unsigned width = 0;   // Pixels.
  unsigned height = 0;
  VisualHash hash{};
  unsigned quality = 0;  // Of the hash, see HashedPicture.
  LumaCells luma{};      // 0 is black, 255 white.
  bool has_chroma = false;
  ChromaCells u{};  // 128 is gray.
  ChromaCells v{};
};

// One plane of chroma samples, borrowed.
struct ChromaPlane {
  const std::uint8_t* data = nullptr;
  std::ptrdiff_t stride = 0;  // From row to row, in bytes.
  unsigned step = 1;          // From sample to sample, in samples: 2 where U and V alternate.
  unsigned width = 0;
  unsigned height = 0;
  unsigned depth = 8;  // As LumaPlane has it.
  bool full_range = false;
};

// Looks at frames of one size. Not for two threads at a time.
class FrameLooker {
 public:
  FrameLooker(unsigned width, unsigned height)
      : width_(width), height_(height), hasher_(width, height) {}

  // Of pictures without colours `u` and `v` are null. The luma's size is the looker's.
  FrameLook look(Time time, const LumaPlane& luma, const ChromaPlane* u, const ChromaPlane* v);

 private:
  unsigned width_;
  unsigned height_;
  VisualHasher hasher_;
  std::vector<float> sums_;  // One row of cells in the width of the picture.
};

}  // namespace dist
