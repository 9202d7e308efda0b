// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The parts that measure() and compare() are made of, see picture_check.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "gst/picture/frame_look.h"
#include "gst/picture/picture_check.h"

namespace dist {

// A picture in 64 rows of 64 samples, in blocks of 8 x 8.
inline constexpr unsigned kSide = 64;
inline constexpr std::size_t kSamples = std::size_t{kSide} * kSide;
inline constexpr unsigned kBlock = 8;
inline constexpr std::size_t kBlocks = (kSide / kBlock) * (kSide / kBlock);
using Grid = std::array<float, kSamples>;

// A standard deviation of less than this, of 255, is that of a flat picture.
inline constexpr float kFlatDeviation = 3;
// One with less than this, as it fades, is like many others.
inline constexpr float kMinContrast = 8;

// A frame of both, with what is computed only once.
struct Pair {
  const FrameLook* source = nullptr;
  const FrameLook* rendition = nullptr;
  Grid source_grid{};
  Grid rendition_grid{};
};

float mean_of(const Grid& grid);
float mean_of(std::span<const float> values);
float deviation_of(const Grid& grid);
// Root of the mean square.
float difference(const Grid& a, const Grid& b);
// The mean difference in each block, ascending, once the source has the rendition's brightness and
// contrast.
std::array<float, kBlocks> block_differences(const Grid& source, const Grid& rendition);
// The mean of these.
float fitted_difference(const Grid& source, const Grid& rendition);

// The frames at the same times, which ascend in both lists; they must outlive the pairs.
std::vector<Pair> pairs_of(const std::vector<FrameLook>& source,
                           const std::vector<FrameLook>& rendition);
std::vector<FrameMeasures> measure(const std::vector<Pair>& pairs);

}  // namespace dist
