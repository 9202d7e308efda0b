// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/picture_size.h"

#include <cstddef>

namespace dist {
namespace {

using Unit = std::span<const std::uint8_t>;

unsigned big_endian(Unit unit, std::size_t at) {
  return static_cast<unsigned>(unit[at] << 8 | unit[at + 1]);
}

std::optional<PictureSize> size_of_vp8(Unit unit) {
  constexpr unsigned kSize = 0x3fff;  // Without the bits that scale.
  if (unit.size() < 10 || (unit[0] & 1) != 0)
    return std::nullopt;
  const auto little_endian = [&](std::size_t at) {
    return static_cast<unsigned>(unit[at] | unit[at + 1] << 8);
  };
  return PictureSize{little_endian(6) & kSize, little_endian(8) & kSize};
}

bool is_frame_header(unsigned marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

// Up to the first scan.
std::optional<PictureSize> size_of_jpeg(Unit unit) {
  constexpr unsigned kStart = 0xd8;
  constexpr unsigned kScan = 0xda;
  std::size_t at = 0;
  while (at + 4 <= unit.size()) {
    const unsigned marker = unit[at + 1];
    // Decoders skip what is none, and bytes that fill.
    if (unit[at] != 0xff || marker == 0xff || marker == 0) {
      ++at;
      continue;
    }
    if (marker == kScan)
      return std::nullopt;
    if (marker == kStart || (marker >= 0xd0 && marker <= 0xd7) || marker == 1) {
      at += 2;
      continue;
    }
    if (is_frame_header(marker) && at + 9 <= unit.size())
      return PictureSize{big_endian(unit, at + 7), big_endian(unit, at + 5)};
    at += 2 + big_endian(unit, at + 2);
  }
  return std::nullopt;
}

}  // namespace

std::optional<PictureSize> stated_size(Codec codec, std::span<const std::uint8_t> unit) {
  if (codec == Codec::kVp8)
    return size_of_vp8(unit);
  if (codec == Codec::kJpeg)
    return size_of_jpeg(unit);
  return std::nullopt;
}

}  // namespace dist
