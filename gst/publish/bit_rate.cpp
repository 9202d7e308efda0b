// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/bit_rate.h"

#include <algorithm>
#include <cmath>

namespace dist::publish {
namespace {

// Of segments in a row, in one track.
struct Run {
  double bits = 0;
  double seconds = 0;

  void add(const Track& track, const MediaSegment& segment) {
    bits += 8 * static_cast<double>(segment.bytes);
    seconds += static_cast<double>(segment.duration) / track.timescale;
  }
  double rate() const { return seconds > 0 ? bits / seconds : 0; }
};

double rate_of(const std::vector<Run>& runs) {
  double rate = 0;
  for (const Run& run : runs)
    rate += run.rate();
  return rate;
}

// Adds segment `index` of each track. False at the end of the first track, and at a gap.
bool extend(std::vector<Run>& runs, std::span<const TrackListing* const> together,
            std::size_t index) {
  if (index >= together.front()->segments.size() || together.front()->segments[index].gap)
    return false;
  for (std::size_t i = 0; i < together.size(); ++i)
    if (index < together[i]->segments.size())
      runs[i].add(together[i]->track, together[i]->segments[index]);
  return true;
}

std::uint64_t rounded_up(double rate) {
  return static_cast<std::uint64_t>(std::ceil(rate));
}

}  // namespace

BitRate measure(std::span<const TrackListing* const> together, unsigned target) {
  // Sums of durations that are exact in the timescale are off by less in floating point.
  constexpr double kTolerance = 1e-6;
  double peak = 0;
  std::vector<Run> whole(together.size());
  for (std::size_t first = 0; first < together.front()->segments.size(); ++first) {
    (void)extend(whole, together, first);
    std::vector<Run> runs(together.size());
    for (std::size_t next = first; extend(runs, together, next); ++next) {
      if (runs.front().seconds > 1.5 * target + kTolerance)
        break;
      if (runs.front().seconds >= 0.5 * target - kTolerance)
        peak = std::max(peak, rate_of(runs));
    }
  }
  const double average = rate_of(whole);
  return {rounded_up(average), rounded_up(std::max(peak, average))};
}

std::vector<MediaSegment> keyframes(const TrackListing& listing) {
  std::vector<MediaSegment> list;
  for (const MediaSegment& segment : listing.segments)
    for (std::size_t i = 0; i < segment.fragments.size(); ++i) {
      const Fragment& fragment = segment.fragments[i];
      const std::uint64_t end =
          i + 1 < segment.fragments.size() ? segment.fragments[i + 1].start : segment.end();
      list.push_back({.number = segment.number,
                      .start = fragment.start,
                      .duration = end - fragment.start,
                      .bytes = fragment.keyframe_bytes,
                      .fragments = {fragment}});
    }
  return list;
}

}  // namespace dist::publish
