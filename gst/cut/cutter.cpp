// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/cutter.h"

#include <algorithm>

#include "gst/cut/cut_grid.h"
#include "gst/cut/gop_cuts.h"

namespace dist {
namespace {

// Time segments of one clock, as demuxers correct them, do not move its times by more nanoseconds.
constexpr std::int64_t kMaxDrift = kSecond;
// A GOP that is longer than so many of the longest segments.
constexpr Time kLongestParts = 3;

Time add(Time a, Time b) {
  return b > kNoTime - a ? kNoTime : a + b;
}

// At 0 at the earliest.
Time moved(Time time, std::int64_t shift) {
  if (time == kNoTime || shift >= 0)
    return time == kNoTime ? time : add(time, static_cast<Time>(shift));
  return time - std::min(time, Time{0} - static_cast<Time>(shift));
}

// 0: unknown, or that of a unit that is not shown. Containers that do not know a duration may write
// 0 too.
Time duration_of(const Cutter::Unit& unit, const Cutter::Config& config) {
  const bool known = unit.duration != kNoTime && (unit.duration > 0 || !unit.kind.shown);
  return known ? unit.duration : config.frame_duration;
}

// A segment cannot stop where it starts.
Cutter::Config sane(Cutter::Config config) {
  config.segment_duration = std::max<Time>(config.segment_duration, 1);
  config.max_segment_duration = std::max(config.max_segment_duration, config.segment_duration);
  return config;
}

}  // namespace

std::uint64_t Cutter::begin(const Config& config) {
  here_ = {.number = here_.number + 1, .config = sane(config)};
  sections_.clear();
  base_ += units_.size();
  units_.clear();
  start_ = kNoTime;
  start_fixed_ = false;
  lacks_pts_ = false;
  recount();
  return here_.number;
}

std::uint64_t Cutter::go_on(const Config& config, std::int64_t shift) {
  const std::uint64_t before = sections_.empty() ? here_.number : sections_.back().number;
  sections_.push_back({.number = before + 1, .config = sane(config), .shift = shift});
  return before + 1;
}

void Cutter::abandon() {
  sections_.clear();
  units_.clear();
  base_ = cut_end_;
  start_ = kNoTime;
  recount();
}

void Cutter::reset() {
  begin(here_.config);
  here_.number = 0;
  base_ = 0;
  cut_end_ = 0;
  next_index_ = 0;
  grid_origin_.reset();
}

Cutter::Held Cutter::hold(const Unit& unit, const Section& section) const {
  const Config& config = section.config;
  Held held{.unit = unit, .section = section.number};
  held.time = presentation_estimate(unit.pts, unit.dts);
  if (held.time == kNoTime) {
    const Held* before = units_.empty() ? nullptr : &units_.back();
    held.time = before ? add(before->time, duration_of(before->unit, config)) : config.clip_start;
  }
  const bool before_start = held.time < config.clip_start &&
                            add(held.time, duration_of(unit, config)) <= config.clip_start;
  if (unit.kind.shown && !before_start && held.time < config.clip_stop)
    held.show = std::max(held.time, config.clip_start);
  return held;
}

// Whether it has another clock than the section before, so that times tell no order between them.
bool Cutter::jumps(const Section& section) {
  return section.shift > kMaxDrift || section.shift < -kMaxDrift;
}

// Presented in the section whose segments are being cut.
bool Cutter::is_here(const Held& held) const {
  return held.section == here_.number && held.show != kNoTime;
}

// Where the segment stops at the latest: the first suitable random-access point, or the limit
// inside the GOP.
Time Cutter::threshold() const {
  if (start_ == kNoTime)
    return kNoTime;
  // Decode times tell which frames lie before a random-access point, but not which lie before
  // another.
  if (lacks_pts_ && here_.config.max_reorder > 0)
    return random_access_stop_;
  return here_.config.grid > 0 ? least_stop() : std::min(random_access_stop_, stop_inside_gop());
}

// The segment does not stop before.
Time Cutter::least_stop() const {
  const Config& config = here_.config;
  if (config.grid == 0)
    return add(start_, config.segment_duration);
  return next_grid_cut(grid_step(config.grid, config.frame_duration), grid_origin_.value_or(start_),
                       start_);
}

// kNoTime: nowhere, or nobody knows yet.
Time Cutter::stop_inside_gop() const {
  const Config& config = here_.config;
  if (config.max_decoding <= 0)
    return add(start_, config.max_segment_duration);
  const GopCutRule rule{.segment_duration = config.segment_duration,
                        .max_segment_duration = config.max_segment_duration,
                        .max_decoding = config.max_decoding};
  if (random_access_stop_ == kNoTime && !closing_) {
    // So long a GOP is cut at the longest segments wherever it ends: it need not be held as a
    // whole.
    const bool longer = config.max_segment_duration != kNoTime && !units_.empty() &&
                        units_.back().time > add(start_, kLongestParts * rule.longest);
    return longer ? add(start_, rule.longest) : kNoTime;
  }
  const Time end = random_access_stop_ != kNoTime ? random_access_stop_ : end_of_section();
  return next_gop_cut(rule, last_gop_before(end), end, start_);
}

// Where the GOP begins that `end` ends. Shorter ones may lie before it in the segment.
Time Cutter::last_gop_before(Time end) const {
  for (auto held = units_.rbegin(); held != units_.rend(); ++held)
    if (held->unit.kind.random_access != RandomAccess::kNone && held->time < end)
      return held->time;
  return std::min(units_.front().time, start_);
}

// Whether the unit, units_[position], is a random-access point at which a segment may stop.
bool Cutter::may_stop_before(std::size_t position) const {
  const Held& held = units_[position];
  if (held.unit.kind.random_access == RandomAccess::kNone || !is_here(held) ||
      held.show < least_stop())
    return false;
  if (!lacks_pts_ || here_.config.max_reorder == 0)
    return true;
  // Without presentation times nobody knows which of the units that follow are presented before it.
  const bool followed = position + 1 < units_.size();
  return held.unit.kind.random_access == RandomAccess::kClean &&
         (followed ? !units_[position + 1].unit.kind.leading : ended_);
}

// Accounts for the unit that came last.
void Cutter::note(const Held& held) {
  const std::size_t position = units_.size() - 1;
  const bool new_start =
      is_here(held) && (start_ == kNoTime || (!start_fixed_ && held.show < start_));
  if (new_start)
    start_ = held.show;
  // Whether the unit before is suitable may depend on this one.
  const bool new_stop =
      start_ != kNoTime && ((may_stop_before(position) && held.show < random_access_stop_) ||
                            (position > 0 && may_stop_before(position - 1) &&
                             units_[position - 1].show < random_access_stop_));
  if (new_start || new_stop)
    recount();
  else if (is_here(held) && held.show >= threshold())
    ++ahead_;
}

void Cutter::recount() {
  random_access_stop_ = kNoTime;
  ahead_ = 0;
  if (start_ == kNoTime)
    return;
  for (std::size_t i = 0; i < units_.size(); ++i)
    if (may_stop_before(i))
      random_access_stop_ = std::min(random_access_stop_, units_[i].show);
  const Time limit = threshold();
  for (const Held& held : units_)
    if (is_here(held) && held.show >= limit)
      ++ahead_;
}

std::vector<Cutter::Cut> Cutter::push(const Unit& unit) {
  if (unit.pts == kNoTime && !lacks_pts_) {
    lacks_pts_ = true;
    recount();
  }
  units_.push_back(hold(unit, sections_.empty() ? here_ : sections_.back()));
  std::vector<Cut> cuts;
  if (sections_.empty())
    note(units_.back());
  while (next_is_settled())
    enter_next(cuts);
  while (sections_.empty() && ahead_ > here_.config.max_reorder)
    cuts.push_back(close(*earliest_open(threshold()), false));
  return cuts;
}

std::vector<Cutter::Cut> Cutter::finish(bool last) {
  std::vector<Cut> cuts;
  ended_ = true;
  while (!sections_.empty())
    enter_next(cuts);
  recount();
  close_all(cuts);
  if (!cuts.empty())
    cuts.back().last = last;
  base_ += units_.size();
  units_.clear();
  ended_ = false;
  return cuts;
}

// No unit can come any more that a decoder would show before the next section begins.
bool Cutter::next_is_settled() const {
  if (sections_.empty())
    return false;
  const Section& next = sections_.front();
  const auto follow = std::ranges::count_if(units_, [&](const Held& held) {
    return held.section >= next.number && held.show != kNoTime;
  });
  return static_cast<std::uint64_t>(follow) > next.config.max_reorder;
}

// A decoder changes to the next time segment with the first frame that it shows of those which came
// with it, or after it. Frames that came before and are shown later are of the next section too.
void Cutter::take_over(const Section& next) {
  const Held* first_unit = nullptr;
  Time first = kNoTime;
  for (const Held& held : units_) {
    if (held.section != next.number)
      continue;
    first_unit = first_unit ? first_unit : &held;
    if (held.unit.kind.shown)
      first = std::min(first, held.time);
  }
  const bool closed = first_unit && first_unit->time == first &&
                      first_unit->unit.kind.random_access == RandomAccess::kClean;
  if (next.config.max_reorder == 0 || closed || jumps(next))
    return;
  for (Held& held : units_)
    if (is_here(held) && !held.done && held.time > first && held.unit.pts != kNoTime)
      held = hold(held.unit, next);
}

// Completes the segments of this section and goes over to the next.
void Cutter::enter_next(std::vector<Cut>& cuts) {
  const Section next = sections_.front();
  take_over(next);
  // The frame with which the segment began may be of the next section now.
  if (const auto earliest = earliest_open(0))
    start_ = std::max(start_, *earliest);
  recount();
  close_all(cuts);
  sections_.pop_front();
  here_ = next;
  if (grid_origin_)
    grid_origin_ = moved(*grid_origin_, here_.shift);
  start_ = kNoTime;
  start_fixed_ = false;
  for (Held& held : units_)
    if (is_here(held))
      start_ = std::min(start_, held.show);
  for (Held& held : units_) {
    if (held.section >= here_.number)
      continue;
    // Before all that is shown here, whatever came of its time.
    const auto before = [&](Time time) {
      return time == kNoTime ? time : std::min(moved(time, here_.shift), start_);
    };
    held.time = before(held.time);
    held.unit.pts = before(held.unit.pts);
    held.unit.dts = before(held.unit.dts);
    held.show = kNoTime;
  }
  recount();
}

void Cutter::close_all(std::vector<Cut>& cuts) {
  closing_ = true;
  recount();
  while (ahead_ > 0)
    cuts.push_back(close(*earliest_open(threshold()), false));
  if (earliest_open(0))
    cuts.push_back(close(end_of_section(), true));
  closing_ = false;
}

std::optional<Time> Cutter::earliest_open(Time from) const {
  std::optional<Time> earliest;
  for (const Held& held : units_)
    if (is_here(held) && !held.done && held.show >= from)
      earliest = std::min(earliest.value_or(kNoTime), held.show);
  return earliest;
}

Time Cutter::end_of_section() const {
  Time last = 0;
  Time before = 0;
  Time duration = 0;
  for (const Held& held : units_) {
    if (!is_here(held))
      continue;
    if (held.show >= last) {
      before = last;
      last = held.show;
      duration = duration_of(held.unit, here_.config);
    } else {
      before = std::max(before, held.show);
    }
  }
  if (duration == 0)
    duration = last - before;
  // The last frame is before the end, whatever is known of it.
  return std::max(std::min(add(last, duration), here_.config.clip_stop), add(last, 1));
}

// Number of the unit at which decoding has to begin for a segment whose first unit in decode order
// is `first_member`, so that all it shows is exact. `start` is its start if it is of this section.
std::uint64_t Cutter::decode_start(std::uint64_t first_member, Time start) const {
  const std::uint64_t section = units_[first_member - base_].section;
  const bool next = section != here_.number;
  if (next) {
    start = kNoTime;
    for (const Held& held : units_)
      if (held.section == section)
        start = std::min(start, held.show);
  }
  // What leads a random-access point can be so far behind it; times of another clock do not tell.
  const Section& its = next ? *std::ranges::find(sections_, section, &Section::number) : here_;
  const std::uint64_t lead = jumps(its) ? its.config.max_reorder : 0;
  std::uint64_t number = base_;
  std::uint64_t previous = base_;
  std::uint64_t before_previous = base_;
  RandomAccess kind = RandomAccess::kClean;
  for (std::uint64_t i = 0; i < units_.size() && base_ + i <= first_member; ++i) {
    const Held& held = units_[i];
    // Without presentation times nobody knows which of the units that follow are shown before it.
    const bool led = lacks_pts_ && here_.config.max_reorder > 0 && i + 1 < units_.size() &&
                     units_[i + 1].unit.kind.leading;
    if (held.unit.kind.random_access == RandomAccess::kNone || led ||
        (held.section == section || lead == 0 ? held.time > start
                                              : base_ + i + lead > first_member))
      continue;
    before_previous = previous;
    previous = number;
    number = base_ + i;
    kind = held.unit.kind.random_access;
    if (kind == RandomAccess::kClean)
      before_previous = previous = number;
  }
  if (kind == RandomAccess::kGradual)
    return before_previous;
  return kind == RandomAccess::kRecovery ? previous : number;
}

// Where decoding of the next section has to begin.
std::uint64_t Cutter::section_start() const {
  const auto first = std::ranges::find_if(units_, [this](const Held& held) {
    return held.section > here_.number && held.show != kNoTime;
  });
  const std::uint64_t number = base_ + static_cast<std::uint64_t>(first - units_.begin());
  return first == units_.end() ? number : decode_start(number, 0);
}

Cutter::Cut Cutter::close(Time stop, bool end_of_section) {
  Cut cut;
  cut.index = next_index_++;
  cut.section = here_.number;
  cut.stop = stop;
  cut.start = start_;
  grid_origin_ = grid_origin_.value_or(start_);
  // Decoding begins with the first unit that was kept for this segment; with the first of all in
  // the first one, so that the segments together hold every unit.
  cut.first_unit = base_;
  const std::uint64_t all = base_ + units_.size();
  std::uint64_t last_member = base_;
  std::uint64_t next_member = all;
  const auto belongs = [&](const Held& held) {
    return is_here(held) && !held.done && (held.show < stop || end_of_section);
  };
  for (std::uint64_t i = 0; i < units_.size(); ++i) {
    const Held& held = units_[i];
    if (held.show == kNoTime || held.done)
      continue;
    if (belongs(held)) {
      last_member = base_ + i;
      // Damaged timestamps: a frame that comes too late still belongs to some segment.
      cut.start = std::min(cut.start, held.show);
    } else if (next_member == all) {
      next_member = base_ + i;
    }
  }

  const std::uint64_t next_start = next_member == all ? all : decode_start(next_member, stop);
  // Units that nobody presents may lie between the two; they must not fall through.
  const std::uint64_t end = std::max(last_member + 1, next_start);
  for (std::uint64_t number = cut.first_unit; number < end; ++number) {
    Held& held = units_[number - base_];
    AccessUnit unit{.pts = held.unit.pts,
                    .dts = held.unit.dts,
                    .duration = held.unit.duration,
                    .flags = held.unit.flags,
                    .size = held.unit.size};
    if (belongs(held)) {
      unit.show = held.show;
      held.done = true;
    }
    cut.units.push_back(unit);
  }

  cut_end_ = std::max(cut_end_, end);
  const std::uint64_t keep = std::min({next_start, section_start(), all});
  units_.erase(units_.begin(), units_.begin() + static_cast<std::ptrdiff_t>(keep - base_));
  base_ = keep;
  start_ = end_of_section ? kNoTime : stop;
  start_fixed_ = !end_of_section;
  recount();
  return cut;
}

}  // namespace dist
