// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>

namespace dist {

// The distribution of positive numbers seen lately: a histogram over buckets that grow by an eighth
// of an octave, so a quantile is right within 9 %. Older numbers count half after each kHalfLife
// newer ones.
class Quantiles {
 public:
  static constexpr double kHalfLife = 512;

  void add(double value);
  // How much was seen, after decay.
  double count() const { return count_; }
  // A number that the share `q` (0 to 1) of those seen does not exceed; 0 when nothing was seen.
  double at(double q) const;

 private:
  static constexpr std::size_t kBuckets = 512;  // 64 octaves from 1 on.

  std::array<float, kBuckets> buckets_ = {};
  double count_ = 0;
  double since_decay_ = 0;
};

}  // namespace dist
