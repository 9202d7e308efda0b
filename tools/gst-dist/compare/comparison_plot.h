// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A drawing of how far apart two films are over time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/gst-dist/compare/comparison_report.h"

namespace dist::tool {

// A picture as JPEG.
struct Thumbnail {
  std::string jpeg;  // Empty: there is none.
  unsigned width = 1;
  unsigned height = 1;
};

// The two pictures of a pair.
struct Specimen {
  std::size_t pair = 0;  // Of the comparison.
  Thumbnail a;
  Thumbnail b;
};

// How many specimens there is room for.
inline constexpr std::size_t kMaxSpecimens = 5;

// An SVG document that needs no other file. At most kMaxSpecimens, in the order of their times.
std::string draw(const CompareReport& report, const std::vector<Specimen>& specimens);

}  // namespace dist::tool
