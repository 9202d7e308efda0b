// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/quantiles.h"

#include <algorithm>
#include <cmath>

namespace dist {
namespace {

constexpr double kBucketsPerOctave = 8;

}  // namespace

void Quantiles::add(double value) {
  const double bucket = std::floor(std::log2(std::max(value, 1.0)) * kBucketsPerOctave);
  buckets_[std::min(static_cast<std::size_t>(bucket), kBuckets - 1)] += 1;
  count_ += 1;
  if (++since_decay_ < kHalfLife)
    return;
  since_decay_ = 0;
  count_ /= 2;
  for (float& n : buckets_)
    n /= 2;
}

double Quantiles::at(double q) const {
  if (count_ <= 0)
    return 0;
  double seen = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (buckets_[i] <= 0)
      continue;
    last = i;
    seen += static_cast<double>(buckets_[i]);
    if (seen >= q * count_)
      break;
  }
  return std::exp2(static_cast<double>(last + 1) / kBucketsPerOctave);
}

}  // namespace dist
