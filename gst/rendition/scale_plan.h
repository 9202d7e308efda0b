// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// In which order a worker scales a picture to the sizes of several renditions.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "gst/rendition/rendition.h"

namespace dist {

// One picture that is made: its size, how often, what from and what for.
struct ScaleStep {
  unsigned width = 0;
  unsigned height = 0;
  Fraction pixel_aspect_ratio{1, 1};
  std::optional<Fraction> fps;
  // The step whose pictures are scaled, one before this one; none: the source's.
  std::optional<std::size_t> from;
  std::vector<std::size_t> renditions;  // Indices into the specs; never empty.

  bool operator==(const ScaleStep&) const = default;
};

// Every size once at the full rate, largest first, then those at reduced rates. A step takes the
// smallest picture that has all frames and is not smaller than itself; one that is larger than the
// source is not taken. `specs` are resolved ones.
std::vector<ScaleStep> plan_scaling(const std::vector<RenditionSpec>& specs, unsigned source_width,
                                    unsigned source_height);

}  // namespace dist
