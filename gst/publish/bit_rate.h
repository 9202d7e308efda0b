// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bit rates as Apple's HLS authoring specification measures them (rules 1.26 to 1.30).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gst/publish/presentation.h"

namespace dist::publish {

// Bits a second.
struct BitRate {
  std::uint64_t average = 0;
  std::uint64_t peak = 0;
};

// Of tracks that are played together, whose segments begin with the same number. The peak is that
// of all runs of segments with 0.5 to 1.5 times `target` seconds, by the duration of the first
// track; the average if there is no such run. Gaps count in no run.
BitRate measure(std::span<const TrackListing* const> together, unsigned target);

// The keyframes of a track as segments of a playlist: those of a fragment end where the next one
// begins. `bytes` is that of the byte range, whose offset is in `fragments`.
std::vector<MediaSegment> keyframes(const TrackListing& listing);

}  // namespace dist::publish
