// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a worker's answer must satisfy before it counts as the segment.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gst/base/instant.h"
#include "gst/base/result.h"
#include "gst/cut/segment.h"

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

// Checks one job's results. Remembers what it must compare with later ones, so that all segments of
// a rendition fit together.
class ResultCheck {
 public:
  // What a rendition must hold: these presentation times, ascending.
  struct Expected {
    std::string rendition;
    std::vector<Time> times;
  };
  // Success if `result` (one header for each rendition the worker made) answers `source`; the error
  // says what is wrong with it. `expected` has at least the renditions of the result; empty: nobody
  // has said what shall be made, so all results have to hold all frames in the same renditions. A
  // result with too few frames is refused at first, but accepted with a note once another attempt
  // gives the very same frames, and one of them from a worker that has made all frames of some
  // other segment: then it is the source that lacks them, and an undistributed decode would lack
  // them too. As long as nobody has made a whole segment two workers suffice, after six attempts.
  // `worker` is any number that tells workers apart. `doubtful`: refused because it lacks frames,
  // and nothing is known yet of those who say so.
  struct Verdict {
    Status status;
    std::string note;
    bool doubtful = false;
    bool lacks_frames = false;  // That is why it was refused.
    bool other_form = false;    // It was: other caps or renditions than the results before.
  };
  Verdict check(std::uint64_t worker, const SegmentHeader& source,
                const std::vector<SegmentHeader>& result,
                const std::vector<Expected>& expected = {});

  // A worker whose result has another form: the SHA-256 of its caps.
  struct Rival {
    std::string voucher;
    std::array<std::uint8_t, 32> caps = {};
  };
  // The form that a rendition has: the caps of its first accepted result, which all later ones must
  // have. The caller says whose word stands for it, and forgets a form that no one can go on with.
  struct Form {
    std::string caps;
    std::set<std::string> vouchers = {};  // Whose results have it; see vouch().
    std::uint64_t results = 0;            // How many have it.
    Instant latest = 0;                   // When the latest of them came.
    bool settled = false;                 // No result of it is held back any more.
    // What the latest refused result of each of some others had, the oldest first.
    std::deque<Rival> rivals = {};
    std::optional<Instant> abandoned = {};  // When none of its vouchers was there any more.
  };
  // By rendition; of this source caps.
  using Forms = std::map<std::string, Form>;
  Forms& forms(const std::string& source_caps) { return forms_[source_caps]; }
  std::map<std::string, Forms>& all_forms() { return forms_; }
  const std::map<std::string, Forms>& all_forms() const { return forms_; }
  // An accepted result, or a refused one of another form, is that of `voucher`: any text that stays
  // the same when a worker connects again.
  void vouch(const std::string& voucher, const SegmentHeader& source,
             const std::vector<SegmentHeader>& result, Instant now);
  void note_rival(const std::string& voucher, const SegmentHeader& source,
                  const std::vector<SegmentHeader>& result);
  // Those of whom it is known that they would rather have these caps.
  static std::set<std::string> rivals_with(const Form& form, const std::string& caps);
  // The renditions of the result that do not have the form of those before; of a result with other
  // renditions all that there are.
  std::set<std::string> other_than(const SegmentHeader& source,
                                   const std::vector<SegmentHeader>& result, bool same_set) const;

  // The segment is delivered; what was remembered for it can go.
  void forget(std::uint64_t index) { refused_frames_.erase(index); }

 private:
  Status check_same_renditions(const SegmentHeader& source,
                               const std::vector<SegmentHeader>& result) const;
  bool is_confirmed(std::uint64_t worker, std::uint64_t index, const std::string& frames);

  std::map<std::string, Forms> forms_;  // By source caps.
  // For each segment, the presentation times of refused answers, as text, and who gave them.
  struct Refused {
    std::string frames;
    std::uint64_t worker = 0;
  };
  std::map<std::uint64_t, std::vector<Refused>> refused_frames_;
  std::set<std::uint64_t> complete_workers_;  // They have made all frames of a segment.
};

}  // namespace dist
