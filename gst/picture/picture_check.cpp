// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture/picture_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>

#include "gst/picture/picture_measures.h"

namespace dist {
namespace {

// --- Limits, from docs/design/verify.md

// Coarse encodes of small pictures have hashes beyond the threshold, but are still alike.
constexpr float kMinLikeness = 0.6f;
constexpr float kMinLikenessAlone = 0.4f;  // Where the source has contrast.
constexpr float kMaxLuma = 24;
constexpr float kMaxPatch = 45;
// Less, where the rest of the picture fits so much better.
constexpr float kMinPatch = 24;
constexpr float kPatchOfRest = 10;
// The median of the frames.
constexpr float kMinDetail = 0.15f;
// Medians too.
constexpr float kMaxColour = 14;
constexpr float kMaxColourPart = 0.75f;  // Of what colour the source has, if it has so much:
constexpr float kMinColour = 5;
constexpr float kMinSwapped = 3;
// The median of the frames that move so much, if they are so many. Coarse encodes lag behind.
constexpr float kMinMotion = 8;
constexpr float kMinFollows = 0.2f;
constexpr std::size_t kMinMoving = 8;
// Two frames that show another time, which fits by so much better.
constexpr float kMaxElsewhere = 0.4f;
constexpr std::size_t kMinElsewhere = 2;
// So many frames that stand still where the source moves, and show the source's frame before.
constexpr float kMinStep = 1.5f;
constexpr float kMaxSteps = 0.2f;
constexpr float kMaxStale = 0.5f;
constexpr std::size_t kMinRepeated = 3;
// A source whose pictures differ by less, of 255, may stand still itself.
constexpr float kMinChange = 3;
// Another picture fits when it differs by less than this part of what the right one does.
constexpr float kFits = 0.5f;

// --- What is wrong, once something is

Grid flipped(const Grid& grid, bool across, bool down) {
  Grid out;
  for (unsigned y = 0; y < kSide; ++y)
    for (unsigned x = 0; x < kSide; ++x)
      out[y * kSide + x] = grid[(down ? kSide - 1 - y : y) * kSide + (across ? kSide - 1 - x : x)];
  return out;
}

struct Finding {
  MismatchKind kind = MismatchKind::kOther;
  std::string text = "shows something else";
};

std::optional<Finding> as_flat(const Pair& pair) {
  if (deviation_of(pair.rendition_grid) > kFlatDeviation)
    return {};
  const float mean = mean_of(pair.rendition_grid);
  return Finding{MismatchKind::kFlat, mean < 16 ? "is black" : "is of one colour"};
}

std::optional<Finding> as_flipped(const Pair& pair) {
  const float limit = kFits * difference(pair.source_grid, pair.rendition_grid);
  const struct {
    bool across, down;
    const char* text;
  } ways[] = {{true, false, "is mirrored"},
              {false, true, "is mirrored from top to bottom"},
              {true, true, "is upside down"}};
  for (const auto& way : ways)
    if (difference(pair.source_grid, flipped(pair.rendition_grid, way.across, way.down)) < limit)
      return Finding{MismatchKind::kFlipped, way.text};
  return {};
}

// The source stays in motion, and the rendition at its first picture.
std::optional<Finding> as_frozen(const std::vector<Pair>& pairs) {
  float source = 0;
  float rendition = 0;
  for (const Pair& pair : pairs) {
    source = std::max(source, difference(pair.source_grid, pairs.front().source_grid));
    rendition = std::max(rendition, difference(pair.rendition_grid, pairs.front().rendition_grid));
  }
  if (source < kMinChange || rendition > source / 4)
    return {};
  return Finding{MismatchKind::kFrozen, "stands still"};
}

// The time of the source's picture that frame `i` of the rendition shows, if it is another one.
std::optional<std::size_t> shown_instead(const std::vector<Pair>& pairs, std::size_t i) {
  float best = kFits * fitted_difference(pairs[i].source_grid, pairs[i].rendition_grid);
  std::optional<std::size_t> found;
  for (std::size_t j = 0; j < pairs.size(); ++j)
    if (j != i)
      if (const float d = fitted_difference(pairs[j].source_grid, pairs[i].rendition_grid);
          d < best) {
        best = d;
        found = j;
      }
  return found;
}

std::string seconds(Time time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", static_cast<double>(time) / 1e9);
  return text;
}

std::optional<Finding> as_other_time(const std::vector<Pair>& pairs, std::size_t i) {
  const auto instead = shown_instead(pairs, i);
  if (!instead)
    return {};
  const std::string text = "shows the picture of " + seconds(pairs[*instead].source->time);
  // The one before is shown again.
  if (i > 0 && *instead < i &&
      4 * difference(pairs[i].rendition_grid, pairs[i - 1].rendition_grid) <
          difference(pairs[i].source_grid, pairs[i - 1].source_grid))
    return Finding{MismatchKind::kRepeated, text + " again"};
  return Finding{MismatchKind::kOtherTime, text};
}

std::optional<Finding> as_patch(const Pair& pair) {
  const auto blocks = block_differences(pair.source_grid, pair.rendition_grid);
  const float most = mean_of(std::span(blocks).first<kBlocks / 2>());
  const float worst = mean_of(std::span(blocks).last<kBlocks / 16>());
  if (worst < kMinPatch || most > worst / 4)
    return {};
  return Finding{MismatchKind::kPatch, "shows something else in a part of the picture"};
}

Finding find(const std::vector<Pair>& pairs, std::size_t i) {
  if (auto finding = as_flat(pairs[i]))
    return *finding;
  if (auto finding = as_flipped(pairs[i]))
    return *finding;
  if (auto finding = as_frozen(pairs))
    return *finding;
  if (auto finding = as_other_time(pairs, i))
    return *finding;
  if (auto finding = as_patch(pairs[i]))
    return *finding;
  return {};
}

Mismatch report(const Pair& pair, const Finding& finding) {
  Mismatch mismatch;
  mismatch.kind = finding.kind;
  mismatch.time = pair.source->time;
  mismatch.distance = distance(pair.source->hash, pair.rendition->hash);
  mismatch.source_hash = pair.source->hash;
  mismatch.rendition_hash = pair.rendition->hash;
  mismatch.reason = finding.text + " at " + seconds(mismatch.time) + " (" +
                    std::to_string(mismatch.distance) + " of 256 bits differ)";
  return mismatch;
}

// --- What is wrong at all

// How far a frame is beyond the limits of a single picture; up to 1 is within.
float excess(const FrameMeasures& m, unsigned threshold) {
  float worst = std::max(m.luma / kMaxLuma, m.patch / kMaxPatch);
  if (m.patch > kPatchOfRest * m.rest)
    worst = std::max(worst, m.patch / kMinPatch);
  // Up to 2, the less alike the more.
  const bool far = m.quality >= kMinHashQuality && m.distance > threshold;
  if (m.contrast >= kMinContrast && m.likeness < (far ? kMinLikeness : kMinLikenessAlone))
    worst = std::max(worst, 1.5f - m.likeness / 2);
  return worst;
}

std::optional<Mismatch> check_pictures(const std::vector<Pair>& pairs,
                                       const std::vector<FrameMeasures>& measures,
                                       unsigned threshold) {
  const auto worst = std::ranges::max_element(
      measures, {}, [&](const FrameMeasures& m) { return excess(m, threshold); });
  if (excess(*worst, threshold) <= 1)
    return {};
  const auto i = static_cast<std::size_t>(worst - measures.begin());
  return report(pairs[i], find(pairs, i));
}

// The frame in the middle of those that count, as `value` orders them.
template <class Counts>
std::optional<std::size_t> median(const std::vector<FrameMeasures>& measures,
                                  float FrameMeasures::*value, Counts counts) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < measures.size(); ++i)
    if (counts(measures[i]))
      order.push_back(i);
  if (order.empty())
    return {};
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  std::ranges::nth_element(order, middle, {}, [&](std::size_t i) { return measures[i].*value; });
  return *middle;
}

std::optional<Mismatch> check_repeated(const std::vector<Pair>& pairs,
                                       const std::vector<FrameMeasures>& measures) {
  const auto is_repeated = [](const FrameMeasures& m) {
    return m.step >= kMinStep && m.contrast >= kMinContrast && m.steps < kMaxSteps &&
           m.stale < kMaxStale;
  };
  if (static_cast<std::size_t>(std::ranges::count_if(measures, is_repeated)) < kMinRepeated)
    return {};
  const auto first = std::ranges::find_if(measures, is_repeated) - measures.begin();
  const auto i = static_cast<std::size_t>(first);
  if (auto finding = as_frozen(pairs))
    return report(pairs[i], *finding);
  return report(pairs[i],
                {MismatchKind::kRepeated,
                 "shows the picture of " + seconds(pairs[i - 1].source->time) + " again"});
}

std::optional<Mismatch> check_motion(const std::vector<Pair>& pairs,
                                     const std::vector<FrameMeasures>& measures) {
  const auto is_elsewhere = [](const FrameMeasures& m) { return m.elsewhere < kMaxElsewhere; };
  const auto moves = [](const FrameMeasures& m) {
    return m.motion >= kMinMotion && m.contrast >= kMinContrast;
  };
  if (static_cast<std::size_t>(std::ranges::count_if(measures, is_elsewhere)) >= kMinElsewhere) {
    const auto worst = std::ranges::min_element(measures, {}, &FrameMeasures::elsewhere);
    const auto i = static_cast<std::size_t>(worst - measures.begin());
    return report(pairs[i], find(pairs, i));
  }
  const auto middle = median(measures, &FrameMeasures::follows, moves);
  if (!middle || measures[*middle].follows >= kMinFollows ||
      static_cast<std::size_t>(std::ranges::count_if(measures, moves)) < kMinMoving)
    return {};
  Finding finding = find(pairs, *middle);
  if (finding.kind == MismatchKind::kOther)
    finding.text = "does not move as the source does";
  return report(pairs[*middle], finding);
}

std::optional<Mismatch> check_detail(const std::vector<Pair>& pairs,
                                     const std::vector<FrameMeasures>& measures) {
  const auto middle = median(measures, &FrameMeasures::detail,
                             [](const FrameMeasures& m) { return m.detail >= 0; });
  if (!middle || measures[*middle].detail >= kMinDetail)
    return {};
  // Pictures that are about symmetric differ in nothing else.
  if (auto finding = as_flipped(pairs[*middle]))
    return report(pairs[*middle], *finding);
  return report(pairs[*middle],
                {MismatchKind::kBlurred, "is scaled up from a much smaller picture"});
}

std::optional<Mismatch> check_colour(const std::vector<Pair>& pairs,
                                     const std::vector<FrameMeasures>& measures) {
  const auto middle = median(measures, &FrameMeasures::colour,
                             [](const FrameMeasures& m) { return m.colour >= 0; });
  if (!middle)
    return {};
  const FrameMeasures& m = measures[*middle];
  if (m.colour > kMinSwapped && m.swapped_colour < m.colour * kFits)
    return report(pairs[*middle], {MismatchKind::kColours, "has its colours swapped"});
  if (m.colour > kMaxColour ||
      (m.source_colour > kMinColour && m.colour > m.source_colour * kMaxColourPart))
    return report(pairs[*middle], {MismatchKind::kColours, "has other colours"});
  return {};
}

}  // namespace

const char* to_string(MismatchKind kind) {
  switch (kind) {
    case MismatchKind::kNoFrames:
      return "no-frames";
    case MismatchKind::kFlat:
      return "flat";
    case MismatchKind::kFlipped:
      return "flipped";
    case MismatchKind::kFrozen:
      return "frozen";
    case MismatchKind::kRepeated:
      return "repeated";
    case MismatchKind::kOtherTime:
      return "other-time";
    case MismatchKind::kPatch:
      return "patch";
    case MismatchKind::kBlurred:
      return "blurred";
    case MismatchKind::kColours:
      return "colours";
    case MismatchKind::kOther:
      break;
  }
  return "other";
}

std::vector<FrameMeasures> measure(const std::vector<FrameLook>& source,
                                   const std::vector<FrameLook>& rendition) {
  return measure(pairs_of(source, rendition));
}

std::optional<Mismatch> compare(const std::vector<FrameLook>& source,
                                const std::vector<FrameLook>& rendition, unsigned threshold) {
  if (rendition.empty())
    return {};
  const auto pairs = pairs_of(source, rendition);
  if (pairs.empty()) {
    Mismatch mismatch;
    mismatch.kind = MismatchKind::kNoFrames;
    mismatch.reason = "has no frame at a time of the source's";
    mismatch.time = rendition.front().time;
    return mismatch;
  }
  const auto measures = measure(pairs);
  if (auto mismatch = check_pictures(pairs, measures, threshold))
    return mismatch;
  if (auto mismatch = check_repeated(pairs, measures))
    return mismatch;
  if (auto mismatch = check_motion(pairs, measures))
    return mismatch;
  if (auto mismatch = check_detail(pairs, measures))
    return mismatch;
  return check_colour(pairs, measures);
}

}  // namespace dist
