// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The cut rule (docs/design/cut.md): where a stream is cut into segments, and which access units
// each segment needs. Pure: it sees timestamps and kinds, never a buffer.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "gst/cut/access_unit.h"
#include "gst/cut/segment.h"

namespace dist {

class Cutter {
 public:
  struct Config {
    // A segment is at least this long.
    Time segment_duration = kSecond;
    // Where the next random-access point is further away, the cut goes inside the GOP. kNoTime:
    // never.
    Time max_segment_duration = 4 * kSecond;
    // If not 0, such cuts are evenly spaced, and so few that no more is decoded than so many times
    // what there is (gop_cuts.h), for which the GOP has to be here as a whole. Else they come as
    // soon as they can.
    double max_decoding = 0;
    // If not 0, the stream is cut at times so far apart, and the three above do not count
    // (cut_grid.h); where presentation times are missing, at the next suitable random-access point.
    Time grid = 0;
    // See max_reorder_depth().
    unsigned max_reorder = 0;
    // The stream's own segment: frames outside it are not presented.
    Time clip_start = 0;
    Time clip_stop = kNoTime;
    // Duration of a frame where the stream does not tell; 0 if unknown.
    Time frame_duration = 0;
  };

  // One access unit as it arrives, in decode order.
  struct Unit {
    Time pts = kNoTime;
    Time dts = kNoTime;
    Time duration = kNoTime;
    std::uint32_t flags = 0;
    std::uint64_t size = 0;
    UnitKind kind;
  };

  // A finished segment: units [first_unit, first_unit + units.size()) of the stream's decode order.
  // Its times are those of its section: of units that came in an earlier one, only the order
  // counts.
  struct Cut {
    std::uint64_t index = 0;
    std::uint64_t section = 0;
    Time start = 0;
    Time stop = 0;
    bool last = false;
    std::uint64_t first_unit = 0;
    std::vector<AccessUnit> units;
  };

  // Starts a part of the stream that shares nothing with what came before, because decoders begin
  // anew. Everything before must have been taken out with finish(). Indices and unit numbers go on.
  // Returns the number of the section that begins.
  std::uint64_t begin(const Config& config);

  // Starts a section within the part: the units that follow have another time segment, or caps that
  // matter to what is shown only. Decoders go on, so these units may refer to those before. A unit
  // at time t of the section before runs at t + `shift` in this one. Returns the section's number.
  std::uint64_t go_on(const Config& config, std::int64_t shift);

  // Takes the next unit and returns the segments that became complete with it.
  std::vector<Cut> push(const Unit& unit);

  // No unit follows in this part; `last`: nor in the stream. Returns the remaining segments. Where
  // nothing remains, no segment can carry the mark `last`, so an empty stream has none.
  std::vector<Cut> finish(bool last);

  // Forgets the units that are in no segment yet; those that come are numbered in their place.
  // Needs begin() before the next.
  void abandon();

  // Forgets everything, as after a flush: the next segment has index 0.
  void reset();

  // Units before this number will not be part of any later segment.
  std::uint64_t first_needed_unit() const { return base_; }

 private:
  struct Held {
    Unit unit;
    std::uint64_t section = 0;
    Time time = 0;        // Presentation, estimated where the stream is silent.
    Time show = kNoTime;  // Presentation after clipping, kNoTime: not presented.
    bool done = false;    // Presented in an earlier segment.
  };
  struct Section {
    std::uint64_t number = 0;
    Config config;
    std::int64_t shift = 0;
  };

  Held hold(const Unit& unit, const Section& section) const;
  void note(const Held& held);
  static bool jumps(const Section& section);
  bool is_here(const Held& held) const;
  bool may_stop_before(std::size_t position) const;
  void recount();
  Time threshold() const;
  Time least_stop() const;
  Time stop_inside_gop() const;
  Time last_gop_before(Time end) const;
  bool next_is_settled() const;
  void take_over(const Section& next);
  void enter_next(std::vector<Cut>& cuts);
  void close_all(std::vector<Cut>& cuts);
  std::uint64_t decode_start(std::uint64_t first_member, Time start) const;
  std::uint64_t section_start() const;
  std::optional<Time> earliest_open(Time from) const;
  Cut close(Time stop, bool end_of_section);
  Time end_of_section() const;

  Section here_;                  // Whose segments are being cut.
  std::deque<Section> sections_;  // Those that follow.
  std::deque<Held> units_;
  std::uint64_t base_ = 0;     // Number of units_[0].
  std::uint64_t cut_end_ = 0;  // Number of the first unit that no segment has.
  std::uint64_t next_index_ = 0;
  std::optional<Time> grid_origin_;  // None before the first segment is complete.

  // Of the segment being gathered: its start, the first random-access point at which it may stop,
  // and how many units shown in this section lie at or beyond threshold().
  Time start_ = kNoTime;
  bool start_fixed_ = false;
  bool ended_ = false;      // finish() was called: no unit of this part follows.
  bool closing_ = false;    // No unit of this section follows.
  bool lacks_pts_ = false;  // Some unit of this part came without a PTS.
  Time random_access_stop_ = kNoTime;
  unsigned ahead_ = 0;
};

}  // namespace dist
