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
  // Indices into the specs; none: other steps are made from it.
  std::vector<std::size_t> renditions;

  bool operator==(const ScaleStep&) const = default;
};

// Every size once at the full rate, largest first, then those at reduced rates, each made from the
// last of its `via`, or from the source. What would be scaled up on the way is left out: it has
// nothing that the source has not. `specs` are resolved ones, all of a job's or some.
std::vector<ScaleStep> plan_scaling(const std::vector<RenditionSpec>& specs, unsigned source_width,
                                    unsigned source_height);

// Sets `via` of each of a job's renditions, whose sizes are set: a picture is made from the
// smallest one that has all frames, has square pixels, is not larger than the source and not
// smaller than itself.
void set_scaling_paths(std::vector<RenditionSpec>& specs, unsigned source_width,
                       unsigned source_height);

}  // namespace dist
