// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a worker's answer must satisfy before it counts as the segment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/cut/segment.h"
#include "gst/lease/rendition_forms.h"

namespace dist {

// Maps the presentation times of encoded frames, which passed through a decoder and an encoder,
// back to the exact ones they came from: the nearest of `expected` (ascending), each at most once,
// and nearer than half the distance to its neighbours. Returns, for each of `seen`, in its order,
// the exact time, or none for a frame that should not be there.
std::vector<std::optional<Time>> match_times(std::span<const Time> expected,
                                             std::span<const Time> seen);

// How many frames decoding runs ahead of presentation in a list of presentation times in decode
// order.
std::uint32_t reorder_depth(std::span<const Time> decode_order);

// Checks one job's results. Remembers which workers have made whole segments, and which frames the
// refused results of a segment had.
class ResultCheck {
 public:
  // What a rendition must hold: these presentation times, ascending.
  struct Expected {
    std::string rendition;
    std::vector<Time> times;
  };
  // Success if `result` (one header for each rendition the worker made) answers `source` and has
  // the form of the results before; the error says what is wrong with it. `expected` has at least
  // the renditions of the result; empty: the job has not said what shall be made, so all results
  // have to hold all frames in the same renditions. A result with too few frames is refused at
  // first, but accepted with a note once another attempt gives the very same frames, and one of
  // them from a worker that has made all frames of some other segment: then it is the source that
  // lacks them, and an undistributed decode would lack them too. As long as no worker has made a
  // whole segment two workers suffice, after six attempts. `worker` is any number that tells
  // workers apart. `doubtful`: refused because it lacks frames, and nothing is known yet of those
  // who say so.
  struct Verdict {
    Status status;
    std::string note;
    bool doubtful = false;
    bool lacks_frames = false;  // That is why it was refused.
    bool other_form = false;    // It was: other caps or renditions than the results before.
  };
  Verdict check(std::uint64_t worker, const RenditionForms& forms, const SegmentHeader& source,
                const std::vector<SegmentHeader>& result,
                const std::vector<Expected>& expected = {});

  // The segment is delivered; what was remembered for it can go.
  void forget(std::uint64_t index) { refused_frames_.erase(index); }

 private:
  bool is_confirmed(std::uint64_t worker, std::uint64_t index, const std::string& frames);

  // For each segment, the presentation times of refused answers, as text, and their workers.
  struct Refused {
    std::string frames;
    std::uint64_t worker = 0;
  };
  std::map<std::uint64_t, std::vector<Refused>> refused_frames_;
  std::set<std::uint64_t> complete_workers_;  // They have made all frames of a segment.
};

}  // namespace dist
