// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/unit_times.h"

#include <algorithm>

namespace dist {

bool UnitTimes::trusts(const Cutter::Unit& unit) {
  if (!unit.kind.shown)
    return true;
  const bool silent = unit.pts == kNoTime;
  // Whether there is a time at all, or never was one: then one frame follows the other.
  const bool known = !silent || unit.dts != kNoTime || !timed_;
  timed_ = timed_ || !silent || unit.dts != kNoTime;
  (silent ? silent_ : presented_) = true;
  // Decode times alone tell the order of GOPs; beside presentation times they contradict them.
  if (!known || (max_reorder_ > 0 && silent_ && presented_))
    return false;
  if (silent)
    return true;
  const bool twice = std::ranges::find(latest_, unit.pts) != latest_.end();
  if (latest_.size() > max_reorder_) {
    shown_ = std::max(shown_, latest_.front());
    latest_.pop_front();
  }
  latest_.push_back(unit.pts);
  return !twice && unit.pts >= shown_;
}

}  // namespace dist
