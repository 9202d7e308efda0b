// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture/picture_measures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "gst/picture/fine_structure.h"

namespace dist {
namespace {

// About so many are looked at for fine structure, which takes longest.
constexpr std::size_t kDetailFrames = 8;
// Brightness and contrast may differ so much, as when a range was mistaken.
constexpr float kMaxGain = 1.25f;
constexpr float kMaxOffset = 16;
// Pictures of fewer samples on a side than this cannot carry fine structure, as fine_structure.cpp
// has it: thumbnails.
constexpr unsigned kMinFineSide = 120;
// At low rates smaller pictures have no more structure than 64 samples. But then what coarser
// structure they have is distorted too.
constexpr unsigned kMinSide = 288;
constexpr float kMinCoarseLikeness = 0.8f;
constexpr float kMinSmallStructure = 4;  // Less may be grain, which encoders take for noise.
// Less structure than this, of 255, is noise.
constexpr float kMinStructure = 1;
// A frame that differs by less from its own one, of 255, is not searched for elsewhere.
constexpr float kMinOther = 4;
// So many frames before and after it a frame is searched for.
constexpr std::size_t kNeighbours = 30;

struct Products {
  float common = 0;
  float a_square = 0;
  float b_square = 0;
};

Products products(std::span<const float> a, std::span<const float> b) {
  Products p;
  for (std::size_t i = 0; i < a.size(); ++i) {
    p.common += a[i] * b[i];
    p.a_square += a[i] * a[i];
    p.b_square += b[i] * b[i];
  }
  return p;
}

Grid grid_of(const LumaCells& cells) {
  Grid grid;
  for (unsigned y = 0; y < kSide; ++y)
    for (unsigned x = 0; x < kSide; ++x) {
      const std::uint8_t* cell = &cells[std::size_t{2} * y * kLumaCells + 2 * x];
      grid[y * kSide + x] =
          static_cast<float>(cell[0] + cell[1] + cell[kLumaCells] + cell[kLumaCells + 1]) / 4;
    }
  return grid;
}

void measure_structure(const Pair& pair, FrameMeasures& m) {
  const FrameLook& source = *pair.source;
  const FrameLook& rendition = *pair.rendition;
  const auto s = structure_of(source.luma);
  const auto r = structure_of(rendition.luma);
  const Products p = products(s.fine, r.fine);
  m.source_structure = std::sqrt(p.a_square / static_cast<float>(s.fine.size()));
  if (m.source_structure < kMinStructure || m.contrast < kMinContrast)
    return;
  const unsigned side = std::min({source.width, source.height, rendition.width, rendition.height});
  if (side < kMinFineSide)
    return;
  if (side < kMinSide) {
    const Products coarse = products(s.coarse, r.coarse);
    if (m.source_structure < kMinSmallStructure ||
        coarse.common < kMinCoarseLikeness * std::sqrt(coarse.a_square * coarse.b_square))
      return;
  }
  m.detail = std::max(0.0f, p.common / p.a_square);
}

float mean_difference(const ChromaCells& a, const ChromaCells& b) {
  int sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::abs(a[i] - b[i]);
  return static_cast<float>(sum) / static_cast<float>(a.size());
}

void measure_colour(const FrameLook& source, const FrameLook& rendition, FrameMeasures& m) {
  if (!source.has_chroma)
    return;
  ChromaCells gray;
  gray.fill(128);
  const ChromaCells& u = rendition.has_chroma ? rendition.u : gray;
  const ChromaCells& v = rendition.has_chroma ? rendition.v : gray;
  m.colour = (mean_difference(source.u, u) + mean_difference(source.v, v)) / 2;
  m.swapped_colour = (mean_difference(source.u, v) + mean_difference(source.v, u)) / 2;
  m.source_colour = (mean_difference(source.u, gray) + mean_difference(source.v, gray)) / 2;
}

Grid minus(const Grid& a, const Grid& b) {
  Grid out;
  std::ranges::transform(a, b, out.begin(), std::minus<>());
  return out;
}

Grid minus_mean(const Grid& grid) {
  Grid mean;
  mean.fill(mean_of(grid));
  return minus(grid, mean);
}

std::array<float, kBlocks> block_means(const Grid& grid) {
  std::array<float, kBlocks> blocks{};
  for (unsigned y = 0; y < kSide; ++y)
    for (unsigned x = 0; x < kSide; ++x)
      blocks[(y / kBlock) * (kSide / kBlock) + x / kBlock] +=
          grid[y * kSide + x] / (kBlock * kBlock);
  return blocks;
}

float contrast_of(const Grid& grid) {
  const auto blocks = block_means(grid);
  const float mean = mean_of(blocks);
  float sum = 0;
  for (float block : blocks)
    sum += (block - mean) * (block - mean);
  return std::sqrt(sum / kBlocks);
}

// What an encoder at a low rate leaves of noise is other noise, of the same mean.
bool is_noise(const Grid& grid) {
  return contrast_of(grid) < kMinContrast && deviation_of(grid) >= kMinContrast;
}

std::array<float, kBlocks> mean_differences(const Grid& source, const Grid& rendition) {
  auto blocks = block_means(source);
  std::ranges::transform(blocks, block_means(rendition), blocks.begin(),
                         [](float a, float b) { return std::abs(a - b); });
  std::ranges::sort(blocks);
  return blocks;
}

float likeness_of(const Pair& pair) {
  const float flat = kFlatDeviation * kFlatDeviation * static_cast<float>(kSamples);
  const Products p = products(minus_mean(pair.source_grid), minus_mean(pair.rendition_grid));
  if (std::max(p.a_square, p.b_square) < flat)
    return 1;
  return p.common / std::max(std::sqrt(p.a_square * p.b_square), 1.0f);
}

// The mean of all frames in time.
Grid mean_frame(const std::vector<Pair>& pairs, Grid Pair::*which) {
  Grid mean{};
  for (const Pair& pair : pairs)
    for (std::size_t i = 0; i < kSamples; ++i)
      mean[i] += (pair.*which)[i] / static_cast<float>(pairs.size());
  return mean;
}

void measure_motion(const std::vector<Pair>& pairs, std::vector<FrameMeasures>& measures) {
  const Grid source = mean_frame(pairs, &Pair::source_grid);
  const Grid rendition = mean_frame(pairs, &Pair::rendition_grid);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    FrameMeasures& m = measures[i];
    const Products p =
        products(minus(pairs[i].source_grid, source), minus(pairs[i].rendition_grid, rendition));
    m.motion = std::sqrt(p.a_square / static_cast<float>(kSamples));
    m.follows = p.a_square > 0 ? p.common / p.a_square : 1;
    if (i > 0) {
      m.step = difference(pairs[i].source_grid, pairs[i - 1].source_grid);
      if (m.step > 0)
        m.steps = difference(pairs[i].rendition_grid, pairs[i - 1].rendition_grid) / m.step;
      if (m.luma > 0)
        m.stale = fitted_difference(pairs[i - 1].source_grid, pairs[i].rendition_grid) / m.luma;
    }
    const float own = m.luma;
    const std::size_t first = i - std::min(i, kNeighbours);
    const std::size_t end = std::min(pairs.size(), i + kNeighbours + 1);
    for (std::size_t j = first; j < end && own >= kMinOther; ++j)
      if (j != i && measures[j].contrast >= kMinContrast)
        m.elsewhere = std::min(
            m.elsewhere, fitted_difference(pairs[j].source_grid, pairs[i].rendition_grid) / own);
  }
}

}  // namespace

float mean_of(const Grid& grid) {
  return std::accumulate(grid.begin(), grid.end(), 0.0f) / static_cast<float>(kSamples);
}

float mean_of(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0f) / static_cast<float>(values.size());
}

float deviation_of(const Grid& grid) {
  const float mean = mean_of(grid);
  float sum = 0;
  for (float sample : grid)
    sum += (sample - mean) * (sample - mean);
  return std::sqrt(sum / static_cast<float>(kSamples));
}

float difference(const Grid& a, const Grid& b) {
  float sum = 0;
  for (std::size_t i = 0; i < kSamples; ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<float>(kSamples));
}

std::array<float, kBlocks> block_differences(const Grid& source, const Grid& rendition) {
  const float source_mean = mean_of(source);
  const float rendition_mean = mean_of(rendition);
  float common = 0;
  float square = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    common += (source[i] - source_mean) * (rendition[i] - rendition_mean);
    square += (source[i] - source_mean) * (source[i] - source_mean);
  }
  const bool flat = square < kFlatDeviation * kFlatDeviation * static_cast<float>(kSamples);
  const float gain = flat ? 1 : std::clamp(common / square, 1 / kMaxGain, kMaxGain);
  // At the mean: of a bright picture that is nearly flat the contrast says nothing.
  const float mean =
      source_mean + std::clamp(rendition_mean - source_mean, -kMaxOffset, kMaxOffset);
  std::array<float, kBlocks> blocks{};
  for (unsigned y = 0; y < kSide; ++y)
    for (unsigned x = 0; x < kSide; ++x) {
      const std::size_t i = y * kSide + x;
      blocks[(y / kBlock) * (kSide / kBlock) + x / kBlock] +=
          std::abs(rendition[i] - mean - gain * (source[i] - source_mean)) / (kBlock * kBlock);
    }
  std::ranges::sort(blocks);
  return blocks;
}

float fitted_difference(const Grid& source, const Grid& rendition) {
  return mean_of(block_differences(source, rendition));
}

std::vector<Pair> pairs_of(const std::vector<FrameLook>& source,
                           const std::vector<FrameLook>& rendition) {
  std::vector<Pair> pairs;
  auto at = source.begin();
  for (const FrameLook& frame : rendition) {
    at = std::find_if(at, source.end(), [&](const FrameLook& s) { return s.time >= frame.time; });
    if (at != source.end() && at->time == frame.time)
      pairs.push_back({&*at, &frame, grid_of(at->luma), grid_of(frame.luma)});
  }
  return pairs;
}

std::vector<FrameMeasures> measure(const std::vector<Pair>& pairs) {
  std::vector<FrameMeasures> all;
  const std::size_t closely = (pairs.size() + kDetailFrames - 1) / kDetailFrames;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Pair& pair = pairs[i];
    FrameMeasures m;
    m.time = pair.source->time;
    m.distance = distance(pair.source->hash, pair.rendition->hash);
    m.quality = std::min(pair.source->quality, pair.rendition->quality);
    const auto blocks = is_noise(pair.source_grid)
                            ? mean_differences(pair.source_grid, pair.rendition_grid)
                            : block_differences(pair.source_grid, pair.rendition_grid);
    m.luma = mean_of(blocks);
    m.patch = mean_of(std::span(blocks).last<kBlocks / 16>());
    m.rest = mean_of(std::span(blocks).first<kBlocks / 2>());
    m.contrast = contrast_of(pair.source_grid);
    m.likeness = likeness_of(pair);
    if (i % closely == closely / 2)
      measure_structure(pair, m);
    measure_colour(*pair.source, *pair.rendition, m);
    all.push_back(m);
  }
  measure_motion(pairs, all);
  return all;
}

}  // namespace dist
