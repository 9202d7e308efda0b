// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether the timestamps of a stream's access units tell when a decoder would show them
// (docs/design/cut.md, "Films that are decoded first").
#pragma once

#include <deque>

#include "gst/cut/cutter.h"

namespace dist {

class UnitTimes {
 public:
  // As in Cutter::Config.
  explicit UnitTimes(unsigned max_reorder = 0) : max_reorder_(max_reorder) {}

  // Takes the units in decode order. False if the time at which this one is shown has to be
  // guessed, is that of another one, or before what was shown already: only a decoder knows what it
  // makes of them.
  bool trusts(const Cutter::Unit& unit);

 private:
  unsigned max_reorder_;
  bool timed_ = false;       // A unit had a time,
  bool presented_ = false;   // one of presentation,
  bool silent_ = false;      // one none of these.
  std::deque<Time> latest_;  // Presentation times of units that may be out of order.
  Time shown_ = 0;           // The latest of those before.
};

}  // namespace dist
