// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a film is damaged, as far as its decoders can tell: frames at which they had to guess, and
// frames that did not come out.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "gst/cut/segment.h"

namespace dist {

struct SegmentDamage {
  std::uint64_t guessed = 0;
  std::uint64_t missing = 0;
  // From the first of these frames to the end of the last one.
  Time start = 0;
  Time stop = 0;

  bool any() const { return guessed + missing > 0; }
};

// What is damaged in a rendition that should have frames at these of the source's times, ascending.
SegmentDamage damage_of(const SegmentHeader& source, std::span<const Time> times,
                        const SegmentHeader& rendition);

// Gathers the damage of a film's segments, in any order.
class FilmDamage {
 public:
  void add(std::uint64_t segment, const SegmentDamage& damage);
  // One sentence without a full stop; empty if there was none. Neighbours are one stretch.
  std::string text() const;

 private:
  std::map<std::uint64_t, SegmentDamage> segments_;
};

}  // namespace dist
