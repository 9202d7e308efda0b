// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How long a worker waits before it dials its primary again. Pure: the random number is an
// argument.
#pragma once

#include <algorithm>

#include "gst/base/instant.h"

namespace dist {

class Redial {
 public:
  // A worker is back at the latest after twice the time for which its primary was away.
  static constexpr Instant kFirst = 50 * kMillisecond;
  static constexpr Instant kLast = 5'000 * kMillisecond;
  // A primary whose job is done is there for as long as it writes its files, and has nothing to do.
  static constexpr Instant kAfterJob = 2'000 * kMillisecond;

  void leased() { after_ = kFirst; }
  void job_done() { after_ = std::max(after_, kAfterJob); }

  // `random`, from 0.5 to 1, so that not all workers of a farm come at the same moment.
  Instant next(double random) {
    const auto wait = static_cast<Instant>(random * static_cast<double>(after_));
    after_ = std::min(2 * after_, kLast);
    return wait;
  }

 private:
  Instant after_ = kFirst;
};

}  // namespace dist
