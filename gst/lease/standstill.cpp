// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/standstill.h"

#include <algorithm>

namespace dist {

std::optional<Standstill::Told> Standstill::look(State state, Instant now) {
  constexpr Instant kTold = 60'000 * kMillisecond;
  wakeup_ = kNever;
  if (limit_ == 0 || given_up_)
    return std::nullopt;
  if (state != State::kWorking) {
    before_ = state == State::kPaused ? before_ + (now - since_.value_or(now)) : 0;
    since_.reset();
    told_ = told_ && state == State::kPaused;
    return std::nullopt;
  }
  since_ = since_.value_or(now);
  const Instant stood = before_ + (now - *since_);
  const Instant tell = std::min(kTold, limit_ / 2);
  given_up_ = stood >= limit_;
  const bool tells = given_up_ || (stood >= tell && !told_);
  told_ = told_ || tells;
  if (!given_up_)
    wakeup_ = now + (told_ ? limit_ : tell) - stood;
  return tells ? std::optional(Told{stood, given_up_}) : std::nullopt;
}

void Standstill::moved(Instant now) {
  before_ = 0;
  since_ = now;
  told_ = false;
}

}  // namespace dist
