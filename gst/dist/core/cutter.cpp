// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/cutter.h"

#include <algorithm>

namespace dist {
namespace {

Time add(Time a, Time b) {
  return b > kNoTime - a ? kNoTime : a + b;
}

}  // namespace

void Cutter::begin(const Config& config) {
  config_ = config;
  // A segment cannot stop where it starts.
  config_.segment_duration = std::max<Time>(config.segment_duration, 1);
  config_.max_segment_duration = std::max(config.max_segment_duration, config_.segment_duration);
  base_ += units_.size();
  units_.clear();
  start_ = kNoTime;
  start_fixed_ = false;
  lacks_pts_ = false;
  recount();
}

void Cutter::reset() {
  begin(config_);
  base_ = 0;
  next_index_ = 0;
}

Cutter::Held Cutter::hold(const Unit& unit) const {
  Held held{.unit = unit};
  held.time = presentation_estimate(unit.pts, unit.dts);
  if (held.time == kNoTime) {
    const Held* before = units_.empty() ? nullptr : &units_.back();
    held.time = before
                    ? add(before->time, before->unit.duration != kNoTime ? before->unit.duration
                                                                         : config_.frame_duration)
                    : config_.clip_start;
  }
  const Time duration = unit.duration != kNoTime ? unit.duration : config_.frame_duration;
  const bool before_start =
      held.time < config_.clip_start && add(held.time, duration) <= config_.clip_start;
  if (unit.kind.shown && !before_start && held.time < config_.clip_stop)
    held.show = std::max(held.time, config_.clip_start);
  return held;
}

// Where the segment stops at the latest: the first suitable random-access point, or the limit
// inside the GOP.
Time Cutter::threshold() const {
  if (start_ == kNoTime)
    return kNoTime;
  // Decode times tell which frames lie before a random-access point, but not which lie before
  // another.
  if (lacks_pts_ && config_.max_reorder > 0)
    return random_access_stop_;
  return std::min(random_access_stop_, add(start_, config_.max_segment_duration));
}

// Whether the unit, units_[position], is a random-access point at which a segment may stop.
bool Cutter::may_stop_before(std::size_t position) const {
  const Held& held = units_[position];
  if (held.unit.kind.random_access == RandomAccess::kNone || held.show == kNoTime ||
      held.show < add(start_, config_.segment_duration))
    return false;
  if (!lacks_pts_ || config_.max_reorder == 0)
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
      held.show != kNoTime && (start_ == kNoTime || (!start_fixed_ && held.show < start_));
  if (new_start)
    start_ = held.show;
  // Whether the unit before is suitable may depend on this one.
  const bool new_stop =
      start_ != kNoTime && ((may_stop_before(position) && held.show < random_access_stop_) ||
                            (position > 0 && may_stop_before(position - 1) &&
                             units_[position - 1].show < random_access_stop_));
  if (new_start || new_stop)
    recount();
  else if (held.show != kNoTime && held.show >= threshold())
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
    if (held.show != kNoTime && held.show >= limit)
      ++ahead_;
}

std::vector<Cutter::Cut> Cutter::push(const Unit& unit) {
  if (unit.pts == kNoTime && !lacks_pts_) {
    lacks_pts_ = true;
    recount();
  }
  units_.push_back(hold(unit));
  note(units_.back());
  std::vector<Cut> cuts;
  while (ahead_ > config_.max_reorder)
    cuts.push_back(close(*earliest_open(threshold()), false));
  return cuts;
}

std::vector<Cutter::Cut> Cutter::finish(bool last) {
  std::vector<Cut> cuts;
  ended_ = true;
  recount();
  while (ahead_ > 0)
    cuts.push_back(close(*earliest_open(threshold()), false));
  if (earliest_open(0)) {
    cuts.push_back(close(end_of_part(), true));
    cuts.back().last = last;
  }
  base_ += units_.size();
  units_.clear();
  ended_ = false;
  return cuts;
}

std::optional<Time> Cutter::earliest_open(Time from) const {
  std::optional<Time> earliest;
  for (const Held& held : units_)
    if (held.show != kNoTime && !held.done && held.show >= from)
      earliest = std::min(earliest.value_or(kNoTime), held.show);
  return earliest;
}

Time Cutter::end_of_part() const {
  Time last = 0;
  Time before = 0;
  Time duration = kNoTime;
  for (const Held& held : units_) {
    if (held.show == kNoTime)
      continue;
    if (held.show >= last) {
      before = last;
      last = held.show;
      duration = held.unit.duration;
    } else {
      before = std::max(before, held.show);
    }
  }
  if (duration == kNoTime)
    duration = config_.frame_duration > 0 ? config_.frame_duration : last - before;
  return std::min(add(last, duration), std::max(config_.clip_stop, last));
}

// Number of the unit at which decoding has to begin so that everything from `start` on is exact.
std::uint64_t Cutter::decode_start(Time start, std::uint64_t first_member) const {
  std::uint64_t number = base_;
  std::uint64_t previous = base_;
  std::uint64_t before_previous = base_;
  RandomAccess kind = RandomAccess::kClean;
  for (std::uint64_t i = 0; i < units_.size() && base_ + i <= first_member; ++i) {
    const Held& held = units_[i];
    if (held.unit.kind.random_access == RandomAccess::kNone || held.time > start)
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

Cutter::Cut Cutter::close(Time stop, bool end_of_part) {
  Cut cut;
  cut.index = next_index_++;
  cut.stop = stop;
  cut.start = start_;
  // Decoding begins with the first unit that was kept for this segment; with the first of all in
  // the first one, so that the segments together hold every unit.
  cut.first_unit = base_;
  std::uint64_t last_member = base_;
  std::uint64_t next_member = base_ + units_.size();
  for (std::uint64_t i = 0; i < units_.size(); ++i) {
    const Held& held = units_[i];
    if (held.show == kNoTime || held.done)
      continue;
    if (held.show < stop || end_of_part) {
      last_member = base_ + i;
      // Damaged timestamps: a frame that comes too late still belongs to some segment.
      cut.start = std::min(cut.start, held.show);
    } else {
      next_member = std::min(next_member, base_ + i);
    }
  }

  const std::uint64_t next_start =
      end_of_part ? base_ + units_.size() : decode_start(stop, next_member);
  // Units that nobody presents may lie between the two; they must not fall through.
  const std::uint64_t end = std::max(last_member + 1, next_start);
  for (std::uint64_t number = cut.first_unit; number < end; ++number) {
    Held& held = units_[number - base_];
    AccessUnit unit{.pts = held.unit.pts,
                    .dts = held.unit.dts,
                    .duration = held.unit.duration,
                    .flags = held.unit.flags,
                    .size = held.unit.size};
    if (held.show != kNoTime && !held.done && (held.show < stop || end_of_part)) {
      unit.show = held.show;
      held.done = true;
    }
    cut.units.push_back(unit);
  }

  const std::uint64_t keep = std::min(next_start, base_ + units_.size());
  units_.erase(units_.begin(), units_.begin() + static_cast<std::ptrdiff_t>(keep - base_));
  base_ = keep;
  start_ = end_of_part ? kNoTime : stop;
  start_fixed_ = !end_of_part;
  recount();
  return cut;
}

}  // namespace dist
