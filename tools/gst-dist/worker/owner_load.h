// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When a worker gives way to the owner of its machine. Pure: knows no clock and no machine.
#pragma once

#include <deque>

namespace dist::tool {

// The owner's load is what all processes but the worker take of the processors, in cores, on
// average over some seconds. Above the limit the owner is busy, and no more once it was well below
// it for longer: a worker that comes and goes each second helps nobody.
class OwnerLoad {
 public:
  // Processor time that was used since any moment, in seconds.
  struct Sample {
    double at = 0;    // Of any clock that goes forward, seconds.
    double busy = 0;  // By all processes together.
    double own = 0;   // By the worker.
  };

  static constexpr double kGiveWayAfter = 5;  // Seconds.
  static constexpr double kTakeUpAfter = 10;
  static constexpr double kTakeUpBelow = 0.8;  // Of the limit.

  explicit OwnerLoad(double limit) : limit_(limit) {}

  // To be called about once a second. True if is_busy() is another now.
  bool add(const Sample& sample);
  bool is_busy() const { return busy_; }
  // The average that add() looked at last; 0 if it was too short yet.
  double load() const { return load_; }

 private:
  const double limit_;
  std::deque<Sample> samples_;  // Those of the time that counts, and one before.
  double load_ = 0;
  bool busy_ = false;
};

}  // namespace dist::tool
