// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/scale_plan.h"

#include <algorithm>
#include <cstdint>

namespace dist {
namespace {

std::uint64_t area(const ScaleStep& step) {
  return std::uint64_t{step.width} * step.height;
}

}  // namespace

std::vector<ScaleStep> plan_scaling(const std::vector<RenditionSpec>& specs, unsigned source_width,
                                    unsigned source_height) {
  std::vector<ScaleStep> steps;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const RenditionSpec& spec = specs[i];
    auto same = std::find_if(steps.begin(), steps.end(), [&](const ScaleStep& step) {
      return step.width == spec.width && step.height == spec.height &&
             step.pixel_aspect_ratio == spec.pixel_aspect_ratio && step.fps == spec.fps;
    });
    if (same == steps.end())
      same = steps.insert(steps.end(), {.width = spec.width,
                                        .height = spec.height,
                                        .pixel_aspect_ratio = spec.pixel_aspect_ratio,
                                        .fps = spec.fps,
                                        .from = std::nullopt,
                                        .renditions = {}});
    same->renditions.push_back(i);
  }
  std::stable_sort(steps.begin(), steps.end(), [](const ScaleStep& a, const ScaleStep& b) {
    return a.fps.has_value() != b.fps.has_value() ? !a.fps : area(a) > area(b);
  });

  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (std::size_t j = 0; j < i && !steps[j].fps; ++j) {
      const bool large_enough =
          steps[j].width >= steps[i].width && steps[j].height >= steps[i].height;
      // What was scaled up has nothing that the source has not.
      const bool enlarged = steps[j].width > source_width || steps[j].height > source_height;
      if (large_enough && !enlarged)
        steps[i].from = j;
    }
  }
  return steps;
}

}  // namespace dist
