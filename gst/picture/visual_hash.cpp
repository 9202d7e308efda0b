// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture/visual_hash.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace dist {
namespace {

constexpr unsigned kGrid = 64;
constexpr unsigned kFrequencies = 16;
constexpr unsigned kWholeSum = 256;  // 255 * 256 still fits 16 bits.
// The reference reduces photographs to 512 samples, frames of a film not at all; with this neither
// is far from it (docs/design/visualhash.md has figures).
constexpr unsigned kMaxSize = 1536;

// The machine's own vectors, chosen when the program starts: for ThreadSanitizer that is too early.
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_THREAD__)
#define DIST_FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define DIST_FOR_EACH_CPU
#endif

// So many columns at a time: the sums stay in registers.
constexpr unsigned kBlock = 64;

// Sums `count` rows of a block, each times its weight.
template <typename Sample, typename Sum>
inline __attribute__((always_inline)) void sum_block(const std::uint8_t* data,
                                                     std::ptrdiff_t stride,
                                                     const std::uint16_t* weights,
                                                     std::size_t count, float scale, float* out) {
  Sum sums[kBlock] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* row = data + static_cast<std::ptrdiff_t>(i) * stride;
    const Sum weight = weights[i];
    for (unsigned x = 0; x < kBlock; ++x)
      sums[x] = static_cast<Sum>(sums[x] + static_cast<Sum>(sample_at<Sample>(row, x) * weight));
  }
  for (unsigned x = 0; x < kBlock; ++x)
    out[x] = static_cast<float>(sums[x]) * scale;
}

DIST_FOR_EACH_CPU void sum_rows_8(const std::uint8_t* data, std::ptrdiff_t stride,
                                  const std::uint16_t* weights, std::size_t count, unsigned blocks,
                                  float scale, float* out) {
  for (unsigned i = 0; i < blocks; ++i)
    sum_block<std::uint8_t, std::uint16_t>(data + i * kBlock, stride, weights, count, scale,
                                           out + i * kBlock);
}

DIST_FOR_EACH_CPU void sum_rows_16(const std::uint8_t* data, std::ptrdiff_t stride,
                                   const std::uint16_t* weights, std::size_t count, unsigned blocks,
                                   float scale, float* out) {
  for (unsigned i = 0; i < blocks; ++i)
    sum_block<std::uint16_t, std::uint32_t>(data + i * kBlock * 2, stride, weights, count, scale,
                                            out + i * kBlock);
}

// The columns behind the last whole block.
template <typename Sample>
void sum_rest(const std::uint8_t* data, std::ptrdiff_t stride, const std::uint16_t* weights,
              std::size_t count, unsigned first, unsigned width, float scale, float* out) {
  for (unsigned x = first; x < width; ++x) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < count; ++i)
      sum += sample_at<Sample>(data + static_cast<std::ptrdiff_t>(i) * stride, x) *
             std::uint32_t{weights[i]};
    out[x] = static_cast<float>(sum) * scale;
  }
}

// The luma of pixels.
template <unsigned kPixel>
inline __attribute__((always_inline)) void add_shares(const float* pixels, const float* shares,
                                                      unsigned width, float* luma) {
  for (unsigned x = 0; x < width; ++x) {
    float sum = 0;
    for (unsigned i = 0; i < kPixel; ++i)
      sum += pixels[x * kPixel + i] * shares[i];
    luma[x] = sum;
  }
}

DIST_FOR_EACH_CPU void to_luma(const float* pixels, unsigned samples, const float* shares,
                               unsigned width, float* luma) {
  if (samples == 2)
    add_shares<2>(pixels, shares, width, luma);
  else if (samples == 3)
    add_shares<3>(pixels, shares, width, luma);
  else
    add_shares<4>(pixels, shares, width, luma);
}

DIST_FOR_EACH_CPU float weighted_sum(const float* samples, const float* weights,
                                     std::size_t count) {
  // Lanes, so that the order of additions does not depend on the machine's vectors.
  float lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (unsigned lane = 0; lane < 8; ++lane)
      lanes[lane] += samples[i + lane] * weights[i + lane];
  float sum = 0;
  for (; i < count; ++i)
    sum += samples[i] * weights[i];
  for (float lane : lanes)
    sum += lane;
  return sum;
}

// Samples that follow one another, and how much each counts.
struct Span {
  unsigned first = 0;
  std::vector<double> weights;
};

// What sample i of the 64 is made of, after a box has gone twice over `size` samples. At the edges
// the box is smaller.
Span blurred_sample(unsigned i, unsigned size) {
  const int box = static_cast<int>((size + 2 * kGrid - 1) / (2 * kGrid));
  const int after = box / 2;
  const int before = box - 1 - after;
  const int last = static_cast<int>(size) - 1;
  const int center = static_cast<int>((2 * i + 1) * size / (2 * kGrid));
  const int first = std::max(0, center - 2 * before);
  const int stop = std::min(last, center + 2 * after) + 1;
  Span span;
  span.first = static_cast<unsigned>(first);
  span.weights.resize(static_cast<std::size_t>(stop - first));
  const int outer_first = std::max(0, center - before);
  const int outer_last = std::min(last, center + after);
  for (int middle = outer_first; middle <= outer_last; ++middle) {
    const int inner_first = std::max(0, middle - before);
    const int inner_last = std::min(last, middle + after);
    const double weight = 1.0 / (outer_last - outer_first + 1) / (inner_last - inner_first + 1);
    for (int x = inner_first; x <= inner_last; ++x)
      span.weights[static_cast<std::size_t>(x - first)] += weight;
  }
  return span;
}

// The same of `size` samples, of which the `reduced` ones are the averages over equal parts.
Span spread_by_area(const Span& span, unsigned reduced, unsigned size) {
  const double part = static_cast<double>(size) / reduced;
  const auto begin = [part](std::size_t sample) { return static_cast<double>(sample) * part; };
  const std::size_t end = span.first + span.weights.size();
  Span spread;
  spread.first = static_cast<unsigned>(begin(span.first));
  spread.weights.resize(
      std::min<std::size_t>(size, static_cast<std::size_t>(std::ceil(begin(end)))) - spread.first);
  for (std::size_t i = 0; i < span.weights.size(); ++i) {
    const double from = begin(span.first + i);
    const double to = begin(span.first + i + 1);
    for (std::size_t x = 0; x < spread.weights.size(); ++x) {
      const auto left = static_cast<double>(spread.first + x);
      const double common = std::min(left + 1, to) - std::max(left, from);
      if (common > 0)
        spread.weights[x] += span.weights[i] * common / part;
    }
  }
  return spread;
}

unsigned reduced(unsigned size, unsigned longer) {
  return longer <= kMaxSize ? size : std::max(1u, size * kMaxSize / longer);
}

// The 16 lowest frequencies of a discrete cosine transform but the constant one.
using Cosines = std::array<std::array<float, kGrid>, kFrequencies>;

Cosines make_cosines() {
  Cosines cosines;
  for (unsigned i = 0; i < kFrequencies; ++i)
    for (unsigned j = 0; j < kGrid; ++j)
      cosines[i][j] = static_cast<float>(
          std::sqrt(2.0 / kGrid) * std::cos(std::numbers::pi / 2 / kGrid * (i + 1) * (2 * j + 1)));
  return cosines;
}

// How much neighbours differ, in hundredths of the range.
unsigned quality_of(const LumaGrid& grid) {
  int sum = 0;
  for (unsigned y = 0; y < kGrid; ++y)
    for (unsigned x = 0; x < kGrid; ++x) {
      if (y + 1 < kGrid)
        sum += std::abs(static_cast<int>((grid[y][x] - grid[y + 1][x]) * 100 / 255));
      if (x + 1 < kGrid)
        sum += std::abs(static_cast<int>((grid[y][x] - grid[y][x + 1]) * 100 / 255));
    }
  return std::min(100u, static_cast<unsigned>(sum) / 90);
}

}  // namespace

unsigned distance(const VisualHash& a, const VisualHash& b) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    bits += static_cast<unsigned>(std::popcount(static_cast<unsigned>(a[i] ^ b[i])));
  return bits;
}

std::string to_hex(const VisualHash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<VisualHash> visual_hash_from_hex(std::string_view digits) {
  VisualHash hash{};
  if (digits.size() != 2 * hash.size())
    return {};
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const char digit = digits[i];
    unsigned value = 0;
    if (digit >= '0' && digit <= '9')
      value = static_cast<unsigned>(digit - '0');
    else if (digit >= 'a' && digit <= 'f')
      value = static_cast<unsigned>(digit - 'a' + 10);
    else if (digit >= 'A' && digit <= 'F')
      value = static_cast<unsigned>(digit - 'A' + 10);
    else
      return {};
    hash[i / 2] = static_cast<std::uint8_t>(hash[i / 2] * 16u + value);
  }
  return hash;
}

VisualHasher::VisualHasher(unsigned width, unsigned height)
    : width_(width),
      height_(height),
      columns_(taps_of(width, reduced(width, std::max(width, height)))),
      rows_(taps_of(height, reduced(height, std::max(width, height)))),
      line_(width) {}

// The reference blurs the whole picture, twice with a box, and then takes 64 samples of a row. What
// one of these is made of can be told beforehand.
std::array<VisualHasher::Taps, 64> VisualHasher::taps_of(unsigned size, unsigned reduced) {
  std::array<Taps, kGrid> all;
  for (unsigned i = 0; i < kGrid && size > 0; ++i) {
    Span span = blurred_sample(i, reduced);
    if (reduced != size)
      span = spread_by_area(span, reduced, size);
    Taps& taps = all[i];
    taps.first = span.first;
    // Rounded so that the error does not add up.
    double sum = 0;
    unsigned given = 0;
    for (double weight : span.weights) {
      sum += weight;
      const auto due = static_cast<unsigned>(std::lround(sum * kWholeSum));
      taps.weights.push_back(static_cast<float>(weight));
      taps.whole.push_back(static_cast<std::uint16_t>(due - given));
      given = due;
    }
  }
  return all;
}

// Rows first, while samples are bytes: what is one after another can be added at once, and after
// that only 64 lines are left to make luma of.
const LumaGrid& VisualHasher::reduce(const PixelPlane& pixels) {
  const LumaPlane& plane = pixels.first;
  const double highest = static_cast<double>((1u << plane.depth) - 1);
  const double range = plane.full_range ? 255.0 : 255.0 * 255 / 219;
  const float offset = plane.full_range ? 0 : static_cast<float>(16.0 * 255 / 219);
  const auto scale = static_cast<float>(range / highest / kWholeSum);
  const bool wide = plane.depth > 8;
  const unsigned width = width_ * pixels.samples;
  const unsigned blocks = width / kBlock;
  if (pixels.samples > 1)
    pixels_.resize(width);
  float* const line = pixels.samples > 1 ? pixels_.data() : line_.data();
  for (unsigned y = 0; y < kGrid; ++y) {
    const Taps& taps = rows_[y];
    const std::uint8_t* data = plane.data + static_cast<std::ptrdiff_t>(taps.first) * plane.stride;
    const std::size_t count = taps.whole.size();
    (wide ? sum_rows_16 : sum_rows_8)(data, plane.stride, taps.whole.data(), count, blocks, scale,
                                      line);
    (wide ? sum_rest<std::uint16_t> : sum_rest<std::uint8_t>)(data, plane.stride, taps.whole.data(),
                                                              count, blocks * kBlock, width, scale,
                                                              line);
    if (pixels.samples > 1)
      to_luma(line, pixels.samples, pixels.shares.data(), width_, line_.data());
    for (unsigned x = 0; x < kGrid; ++x) {
      const Taps& column = columns_[x];
      grid_[y][x] = std::clamp(
          weighted_sum(line_.data() + column.first, column.weights.data(), column.weights.size()) -
              offset,
          0.0f, 255.0f);
    }
  }
  return grid_;
}

HashedPicture VisualHasher::hash(const PixelPlane& pixels) {
  if (std::min(width_, height_) < kMinSize)
    return {};
  return hash_of(reduce(pixels));
}

HashedPicture VisualHasher::hash_of(const LumaGrid& grid) {
  static const Cosines cosines = make_cosines();
  std::array<std::array<float, kGrid>, kFrequencies> half{};
  for (unsigned i = 0; i < kFrequencies; ++i)
    for (unsigned y = 0; y < kGrid; ++y)
      for (unsigned x = 0; x < kGrid; ++x)
        half[i][x] += cosines[i][y] * grid[y][x];
  std::array<float, std::size_t{kFrequencies} * kFrequencies> parts;
  for (unsigned i = 0; i < kFrequencies; ++i)
    for (unsigned j = 0; j < kFrequencies; ++j)
      parts[i * kFrequencies + j] = weighted_sum(half[i].data(), cosines[j].data(), kGrid);

  // The lower of the two in the middle, as the reference has it.
  auto sorted = parts;
  const auto middle = sorted.begin() + (sorted.size() - 1) / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  HashedPicture picture;
  picture.quality = quality_of(grid);
  for (unsigned bit = 0; bit < parts.size(); ++bit)
    if (parts[bit] > *middle)
      picture.hash[picture.hash.size() - 1 - bit / 8] |= static_cast<std::uint8_t>(1u << bit % 8);
  return picture;
}

}  // namespace dist
