// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "gst/base/instant.h"

namespace dist::sim {

constexpr Instant kOneSecond = 1'000 * kMillisecond;

// The same numbers for the same seed with every standard library, unlike its distributions. As it
// is Steele, Lea and Flood's SplitMix64, one for each of a million things costs nothing.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return bits() % limit; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  bool chance(unsigned percent) { return below(100) < percent; }
  // Above 0, up to 1.
  double share() { return (static_cast<double>(bits() >> 11) + 1) * 0x1p-53; }
  double normal() {
    return std::sqrt(-2 * std::log(share())) * std::cos(2 * std::numbers::pi * share());
  }
  double exponential(double mean) { return -mean * std::log(share()); }

 private:
  std::uint64_t state_;
};

// How long a worker takes for a unit of work.
struct Service {
  enum class Kind { kConstant, kLogNormal, kPareto };

  Kind kind = Kind::kConstant;
  double mean = 1;  // In seconds.

  Instant draw(Random& random) const {
    // Sigma 0.8, and alpha 1.5 up to 100 times the least: so the means are right.
    constexpr double kSigma = 0.8;
    constexpr double kAlpha = 1.5;
    double seconds = mean;
    if (kind == Kind::kLogNormal)
      seconds *= std::exp(kSigma * random.normal() - kSigma * kSigma / 2);
    else if (kind == Kind::kPareto)
      seconds *= std::min(std::pow(random.share(), -1 / kAlpha), 100.0) / 2.8;
    return static_cast<Instant>(seconds * 1e9) + 1;
  }
};

}  // namespace dist::sim
