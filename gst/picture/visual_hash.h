// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// PDQ, a perceptual hash of a picture: 256 bits that stay nearly the same when the picture is
// scaled or compressed. After Facebook's "The TMK+PDQF Video-Hashing Algorithm and the PDQ
// Image-Hashing Algorithm" (2019) and its reference implementation; docs/design/visualhash.md tells
// how and where this one differs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dist {

// Two pictures whose hashes differ in no more bits than this show the same, if the quality of both
// is no less than this.
inline constexpr unsigned kSameHashDistance = 31;
inline constexpr unsigned kMinHashQuality = 50;

// As it is written in hex, the first digit in the upper half of the first byte.
using VisualHash = std::array<std::uint8_t, 32>;

// Bits that differ, 0 to 256.
unsigned distance(const VisualHash& a, const VisualHash& b);
// 64 digits, lower case.
std::string to_hex(const VisualHash& hash);
std::optional<VisualHash> visual_hash_from_hex(std::string_view digits);

// One plane of luma samples, borrowed; aligned in no way.
struct LumaPlane {
  const std::uint8_t* data = nullptr;
  std::ptrdiff_t stride = 0;  // From row to row, in bytes; negative if the last row comes first.
  unsigned width = 0;
  unsigned height = 0;
  // Of a sample, 8 to 16. More than 8 are a 16-bit word in the order of this machine, in its lower
  // bits.
  unsigned depth = 8;
  bool full_range = false;  // Else black is 16 and white 235, of 255.
};

// One of the samples that begin there.
template <typename Sample>
inline Sample sample_at(const std::uint8_t* data, std::size_t i) {
  Sample sample;
  std::memcpy(&sample, data + i * sizeof(Sample), sizeof(Sample));
  return sample;
}

// Pixels of some samples each, one after another: packed YUV, or RGB.
struct PixelPlane {
  LumaPlane first;       // The first sample of each pixel.
  unsigned samples = 1;  // Of a pixel, 1 to 4.
  // How much each of them is of the luma.
  std::array<float, 4> shares = {1};
};

// The picture in 64 rows of 64 samples, 0 for black to 255 for white.
using LumaGrid = std::array<std::array<float, 64>, 64>;

struct HashedPicture {
  VisualHash hash{};
  unsigned quality = 0;  // 0 (flat) to 100; below kMinHashQuality the hash means little.
};

// For pictures of one size; keeps what depends on that. Not for two threads at a time.
class VisualHasher {
 public:
  // The smallest picture that has a hash; of others it is 0, with quality 0.
  static constexpr unsigned kMinSize = 5;

  VisualHasher(unsigned width, unsigned height);

  // The plane's size is the hasher's. The grid is valid until the next call.
  const LumaGrid& reduce(const PixelPlane& pixels);
  HashedPicture hash(const PixelPlane& pixels);
  HashedPicture hash(const LumaPlane& plane) { return hash(PixelPlane{plane}); }
  static HashedPicture hash_of(const LumaGrid& grid);

 private:
  // The samples that make one of the 64, and how much each of them counts.
  struct Taps {
    unsigned first = 0;
    std::vector<float> weights;        // Their sum is 1.
    std::vector<std::uint16_t> whole;  // The same, with a sum of 256.
  };
  static std::array<Taps, 64> taps_of(unsigned size, unsigned reduced);

  unsigned width_;
  unsigned height_;
  std::array<Taps, 64> columns_;
  std::array<Taps, 64> rows_;
  // One row of the 64, in the width of the picture: its luma, and the samples of its pixels.
  std::vector<float> line_;
  std::vector<float> pixels_;
  LumaGrid grid_{};
};

}  // namespace dist
