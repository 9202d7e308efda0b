// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/scale_plan.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

namespace dist {
namespace {

constexpr Fraction kSquare{1, 1};

std::uint64_t area(const ScaleStep& step) {
  return std::uint64_t{step.width} * step.height;
}

bool holds(const PictureSize& outer, const PictureSize& inner) {
  return outer.width >= inner.width && outer.height >= inner.height;
}

// A step that other pictures may be made from.
bool is_whole(const ScaleStep& step, const PictureSize& size) {
  return step.width == size.width && step.height == size.height &&
         step.pixel_aspect_ratio == kSquare && !step.fps;
}

// Full rate before reduced rates, then the largest first.
bool comes_before(const ScaleStep& a, const ScaleStep& b) {
  return a.fps.has_value() != b.fps.has_value() ? !a.fps : area(a) > area(b);
}

std::vector<ScaleStep> steps_of(const std::vector<RenditionSpec>& specs) {
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
  return steps;
}

// Those of the spec's `via` that are not larger than the source.
std::vector<PictureSize> path_of(const RenditionSpec& spec, const PictureSize& source) {
  std::vector<PictureSize> path;
  std::ranges::copy_if(spec.via, std::back_inserter(path),
                       [&](const PictureSize& size) { return holds(source, size); });
  return path;
}

// A peer may send any sizes: their number is bounded.
void add_sizes_between(const std::vector<RenditionSpec>& specs, const PictureSize& source,
                       std::vector<ScaleStep>& steps) {
  std::size_t added = 0;
  for (const RenditionSpec& spec : specs)
    for (const PictureSize& size : path_of(spec, source)) {
      const bool known =
          std::ranges::any_of(steps, [&](const ScaleStep& step) { return is_whole(step, size); });
      if (known || added == kMaxRenditions)
        continue;
      ScaleStep& step = steps.emplace_back();
      step.width = size.width;
      step.height = size.height;
      ++added;
    }
}

// Makes `step` from the step of this size if there is one before it.
void link(std::vector<ScaleStep>& steps, std::size_t step, const PictureSize& size) {
  if (steps[step].from || !holds(size, {steps[step].width, steps[step].height}))
    return;
  for (std::size_t i = 0; i < step; ++i)
    if (is_whole(steps[i], size))
      steps[step].from = i;
}

}  // namespace

std::vector<ScaleStep> plan_scaling(const std::vector<RenditionSpec>& specs, unsigned source_width,
                                    unsigned source_height) {
  const PictureSize source{source_width, source_height};
  std::vector<ScaleStep> steps = steps_of(specs);
  add_sizes_between(specs, source, steps);
  std::ranges::stable_sort(steps, comes_before);

  const auto find = [&](const PictureSize& size) {
    return static_cast<std::size_t>(
        std::ranges::find_if(steps, [&](const ScaleStep& step) { return is_whole(step, size); }) -
        steps.begin());
  };
  for (std::size_t i = 0; i < steps.size(); ++i)
    for (const std::size_t rendition : steps[i].renditions) {
      const auto path = path_of(specs[rendition], source);
      for (std::size_t j = 1; j < path.size(); ++j)
        if (const std::size_t step = find(path[j]); step < steps.size())
          link(steps, step, path[j - 1]);
      if (!path.empty())
        link(steps, i, path.back());
    }
  return steps;
}

void set_scaling_paths(std::vector<RenditionSpec>& specs, unsigned source_width,
                       unsigned source_height) {
  std::vector<ScaleStep> steps = steps_of(specs);
  std::ranges::stable_sort(steps, comes_before);
  std::vector<std::vector<PictureSize>> paths(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const PictureSize size{steps[i].width, steps[i].height};
    for (std::size_t j = 0; j < i && !steps[j].fps; ++j) {
      const PictureSize other{steps[j].width, steps[j].height};
      // What was scaled up has nothing that the source has not.
      if (!is_whole(steps[j], other) || !holds(other, size) ||
          !holds({source_width, source_height}, other))
        continue;
      paths[i] = paths[j];
      paths[i].push_back(other);
    }
    for (const std::size_t rendition : steps[i].renditions)
      specs[rendition].via = paths[i];
  }
}

}  // namespace dist
