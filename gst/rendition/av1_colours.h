// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an AV1 stream says of its colours (AV1 bitstream specification, 5.5.2, 5.8.3 and 5.8.4), for
// encoders that leave it out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dist {

// Of the display on which a film was graded; the units are those of SMPTE ST 2086 in H.265.
struct MasteringDisplay {
  struct Point {
    std::uint16_t x = 0;  // 0.00002.
    std::uint16_t y = 0;
  };
  std::array<Point, 3> primaries;  // Red, green, blue.
  Point white;
  std::uint32_t max_luminance = 0;  // 0.0001 cd/m2.
  std::uint32_t min_luminance = 0;
};

struct ContentLight {
  std::uint16_t max_content = 0;  // cd/m2.
  std::uint16_t max_average = 0;
};

// Numbers are those of ISO/IEC 23091-2 (CICP); 2: unspecified.
struct Av1Colours {
  std::uint8_t primaries = 2;
  std::uint8_t transfer = 2;
  std::uint8_t matrix = 2;
  bool full_range = false;
  // Follow each sequence header as metadata.
  std::optional<MasteringDisplay> display = {};
  std::optional<ContentLight> light = {};
};

// A temporal unit whose sequence headers say this, or the OBUs of an AV1 configuration record; all
// else stays as it is. None if there is nothing to change, or if it cannot be understood.
std::optional<std::vector<std::uint8_t>> with_colours(std::span<const std::uint8_t> obus,
                                                      const Av1Colours& colours);

}  // namespace dist
