// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// For how long a job stands still: no segment of it is done although workers are there, which may
// say for ever that they go on. Pure.
#pragma once

#include <optional>

#include "gst/base/instant.h"

namespace dist {

class Standstill {
 public:
  // A job may stand still for so long; 0: for ever.
  explicit Standstill(Instant limit) : limit_(limit) {}

  // kPaused: nothing can be done, for want of workers or of room, which takes none of the time.
  enum class State { kNothingToDo, kPaused, kWorking };
  struct Told {
    Instant duration = 0;
    bool given_up = false;  // The limit has passed; told once, and nothing after it.
  };
  // How the job is now. Returns what there is to tell: once on the way, and when the limit passes.
  std::optional<Told> look(State state, Instant now);
  // A segment, or a part of it, is done.
  void moved(Instant now);
  // When to look again at the latest.
  Instant next_wakeup() const { return wakeup_; }

 private:
  Instant limit_;
  Instant before_ = 0;            // How long it stood still before the last pause.
  std::optional<Instant> since_;  // And since when it does now.
  Instant wakeup_ = kNever;
  bool told_ = false;
  bool given_up_ = false;
};

}  // namespace dist
