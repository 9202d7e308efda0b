// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/picture_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <span>

namespace dist {
namespace {

constexpr unsigned kSide = 64;
constexpr std::size_t kSamples = std::size_t{kSide} * kSide;
constexpr unsigned kBlock = 8;
constexpr std::size_t kBlocks = (kSide / kBlock) * (kSide / kBlock);

// --- Limits, from docs/design/verify.md

constexpr unsigned kMinQuality = 50;
constexpr float kMaxLuma = 12;
constexpr float kMaxPatch = 30;
// A share of the source's fine structure, as the median of all frames.
constexpr float kMinDetail = 0.15f;
constexpr float kMaxColour = 14;
constexpr float kMinMotion = 3;
constexpr float kMinFollows = 0.35f;
// So many frames do not follow, and at least this part of those that move.
constexpr std::size_t kMinStill = 2;
constexpr std::size_t kStillPart = 4;
// Brightness and contrast may differ so much, as when a range was mistaken.
constexpr float kMaxGain = 1.25f;
constexpr float kMaxOffset = 24;
// Less structure than this, of 255, is noise.
constexpr float kMinStructure = 1;
constexpr float kFlatDeviation = 3;
// Another picture fits when it differs by less than this part of what the right one does.
constexpr float kFits = 0.5f;

using Grid = std::array<float, kSamples>;

// --- Measures

Grid grid_of(const LumaCells& cells) {
  Grid grid;
  for (unsigned y = 0; y < kSide; ++y)
    for (unsigned x = 0; x < kSide; ++x) {
      const std::uint8_t* cell = &cells[std::size_t{2} * y * kLumaCells + 2 * x];
      grid[y * kSide + x] =
          static_cast<float>(cell[0] + cell[1] + cell[kLumaCells] + cell[kLumaCells + 1]) / 4;
    }
  return grid;
}

float mean_of(const Grid& grid) {
  return std::accumulate(grid.begin(), grid.end(), 0.0f) / static_cast<float>(kSamples);
}

float deviation_of(const Grid& grid) {
  const float mean = mean_of(grid);
  float sum = 0;
  for (float sample : grid)
    sum += (sample - mean) * (sample - mean);
  return std::sqrt(sum / static_cast<float>(kSamples));
}

// Root of the mean square.
float difference(const Grid& a, const Grid& b) {
  float sum = 0;
  for (std::size_t i = 0; i < kSamples; ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<float>(kSamples));
}

// The mean difference in each block, once the source has the other's brightness and contrast.
std::array<float, kBlocks> block_differences(const Grid& source, const Grid& rendition) {
  const float source_mean = mean_of(source);
  const float rendition_mean = mean_of(rendition);
  float common = 0;
  float square = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    common += (source[i] - source_mean) * (rendition[i] - rendition_mean);
    square += (source[i] - source_mean) * (source[i] - source_mean);
  }
  const bool flat = square < kFlatDeviation * kFlatDeviation * static_cast<float>(kSamples);
  const float gain = flat ? 1 : std::clamp(common / square, 1 / kMaxGain, kMaxGain);
  const float offset = std::clamp(rendition_mean - gain * source_mean, -kMaxOffset, kMaxOffset);
  std::array<float, kBlocks> blocks{};
  for (unsigned y = 0; y < kSide; ++y)
    for (unsigned x = 0; x < kSide; ++x) {
      const std::size_t i = y * kSide + x;
      blocks[(y / kBlock) * (kSide / kBlock) + x / kBlock] +=
          std::abs(rendition[i] - gain * source[i] - offset) / (kBlock * kBlock);
    }
  std::ranges::sort(blocks);
  return blocks;
}

float mean_of(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0f) / static_cast<float>(values.size());
}

// What the cells have and 64 x 64 samples, spread to as many, do not: structure that a picture
// scaled up from those lacks, however smoothly it was done.
std::vector<float> structure_of(const LumaCells& cells, const Grid& grid) {
  std::vector<float> structure(cells.size());
  const auto at = [&grid](int y, int x) {
    const int last = static_cast<int>(kSide) - 1;
    return grid[static_cast<std::size_t>(std::clamp(y, 0, last)) * kSide +
                static_cast<std::size_t>(std::clamp(x, 0, last))];
  };
  for (unsigned y = 0; y < kLumaCells; ++y)
    for (unsigned x = 0; x < kLumaCells; ++x) {
      const int row = static_cast<int>(y / 2);
      const int column = static_cast<int>(x / 2);
      const int near_row = y % 2 ? row + 1 : row - 1;
      const int near_column = x % 2 ? column + 1 : column - 1;
      const float smooth = 0.5625f * at(row, column) + 0.1875f * at(near_row, column) +
                           0.1875f * at(row, near_column) + 0.0625f * at(near_row, near_column);
      const std::size_t i = std::size_t{y} * kLumaCells + x;
      structure[i] = static_cast<float>(cells[i]) - smooth;
    }
  return structure;
}

float detail_of(const FrameLook& source, const Grid& source_grid, const FrameLook& rendition,
                const Grid& rendition_grid) {
  if (std::min({source.width, source.height, rendition.width, rendition.height}) < kLumaCells)
    return -1;
  const auto s = structure_of(source.luma, source_grid);
  const auto r = structure_of(rendition.luma, rendition_grid);
  float common = 0;
  float square = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    common += s[i] * r[i];
    square += s[i] * s[i];
  }
  if (square < kMinStructure * kMinStructure * static_cast<float>(s.size()))
    return -1;
  return std::max(0.0f, common / square);
}

float mean_difference(const ChromaCells& a, const ChromaCells& b) {
  int sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::abs(a[i] - b[i]);
  return static_cast<float>(sum) / static_cast<float>(a.size());
}

void measure_colour(const FrameLook& source, const FrameLook& rendition, FrameMeasures& m) {
  if (!source.has_chroma)
    return;
  ChromaCells gray;
  gray.fill(128);
  const ChromaCells& u = rendition.has_chroma ? rendition.u : gray;
  const ChromaCells& v = rendition.has_chroma ? rendition.v : gray;
  m.colour = (mean_difference(source.u, u) + mean_difference(source.v, v)) / 2;
  m.swapped_colour = (mean_difference(source.u, v) + mean_difference(source.v, u)) / 2;
  m.source_colour = (mean_difference(source.u, gray) + mean_difference(source.v, gray)) / 2;
}

// A frame of both, with what is computed only once.
struct Pair {
  const FrameLook* source = nullptr;
  const FrameLook* rendition = nullptr;
  Grid source_grid{};
  Grid rendition_grid{};
};

std::vector<Pair> pairs_of(const std::vector<FrameLook>& source,
                           const std::vector<FrameLook>& rendition) {
  std::vector<Pair> pairs;
  auto at = source.begin();
  for (const FrameLook& frame : rendition) {
    at = std::find_if(at, source.end(), [&](const FrameLook& s) { return s.time >= frame.time; });
    if (at != source.end() && at->time == frame.time)
      pairs.push_back({&*at, &frame, grid_of(at->luma), grid_of(frame.luma)});
  }
  return pairs;
}

void measure_motion(const Pair& before, const Pair& now, FrameMeasures& m) {
  float common = 0;
  float square = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const float s = now.source_grid[i] - before.source_grid[i];
    common += s * (now.rendition_grid[i] - before.rendition_grid[i]);
    square += s * s;
  }
  m.motion = std::sqrt(square / static_cast<float>(kSamples));
  m.follows = square > 0 ? common / square : 1;
}

std::vector<FrameMeasures> measure(const std::vector<Pair>& pairs) {
  std::vector<FrameMeasures> all;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Pair& pair = pairs[i];
    FrameMeasures m;
    m.time = pair.source->time;
    m.distance = distance(pair.source->hash, pair.rendition->hash);
    m.quality = std::min(pair.source->quality, pair.rendition->quality);
    const auto blocks = block_differences(pair.source_grid, pair.rendition_grid);
    m.luma = mean_of(blocks);
    m.patch = mean_of(std::span(blocks).last<kBlocks / 16>());
    m.detail = detail_of(*pair.source, pair.source_grid, *pair.rendition, pair.rendition_grid);
    measure_colour(*pair.source, *pair.rendition, m);
    if (i > 0)
      measure_motion(pairs[i - 1], pair, m);
    all.push_back(m);
  }
  return all;
}

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
  if (source < kMinMotion || rendition > source / 4)
    return {};
  return Finding{MismatchKind::kFrozen, "stands still"};
}

// The time of the source's picture that frame `i` of the rendition shows, if it is another one.
std::optional<std::size_t> shown_instead(const std::vector<Pair>& pairs, std::size_t i) {
  float best = kFits * difference(pairs[i].source_grid, pairs[i].rendition_grid);
  std::optional<std::size_t> found;
  for (std::size_t j = 0; j < pairs.size(); ++j)
    if (j != i)
      if (const float d = difference(pairs[j].source_grid, pairs[i].rendition_grid); d < best) {
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
  if (worst < kMaxPatch / 2 || most > worst / 4)
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
  if (m.quality >= kMinQuality && threshold > 0)
    worst = std::max(worst, static_cast<float>(m.distance) / static_cast<float>(threshold));
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

std::optional<Mismatch> check_motion(const std::vector<Pair>& pairs,
                                     const std::vector<FrameMeasures>& measures) {
  std::size_t moving = 0;
  std::vector<std::size_t> still;
  for (std::size_t i = 0; i < measures.size(); ++i)
    if (measures[i].motion >= kMinMotion) {
      ++moving;
      if (measures[i].follows < kMinFollows)
        still.push_back(i);
    }
  if (still.size() < kMinStill || still.size() * kStillPart < moving)
    return {};
  const std::size_t worst =
      *std::ranges::max_element(still, {}, [&](std::size_t i) { return measures[i].motion; });
  Finding finding = find(pairs, worst);
  if (finding.kind == MismatchKind::kOther)
    finding.text = "does not move as the source does";
  return report(pairs[worst], finding);
}

std::optional<Mismatch> check_detail(const std::vector<Pair>& pairs,
                                     const std::vector<FrameMeasures>& measures) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < measures.size(); ++i)
    if (measures[i].detail >= 0)
      order.push_back(i);
  if (order.empty())
    return {};
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  std::ranges::nth_element(order, middle, {}, [&](std::size_t i) { return measures[i].detail; });
  if (measures[*middle].detail >= kMinDetail)
    return {};
  return report(pairs[*middle],
                {MismatchKind::kBlurred, "is scaled up from a much smaller picture"});
}

std::optional<Mismatch> check_colour(const std::vector<Pair>& pairs,
                                     const std::vector<FrameMeasures>& measures) {
  const auto worst = std::ranges::max_element(measures, {}, &FrameMeasures::colour);
  if (worst->colour < 0)
    return {};
  const Pair& pair = pairs[static_cast<std::size_t>(worst - measures.begin())];
  if (worst->colour > kMaxColour / 2 && worst->swapped_colour < worst->colour * kFits)
    return report(pair, {MismatchKind::kColours, "has its colours swapped"});
  if (worst->colour > kMaxColour)
    return report(pair, {MismatchKind::kColours, "has other colours"});
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
  if (auto mismatch = check_motion(pairs, measures))
    return mismatch;
  if (auto mismatch = check_detail(pairs, measures))
    return mismatch;
  return check_colour(pairs, measures);
}

}  // namespace dist
