// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a process occupies, job after job, and whether that grows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace soak {

struct Sample {
  double mib = 0;  // Resident.
  double threads = 0;
  double descriptors = 0;
};

// Of a process that runs, from /proc.
std::optional<Sample> sample_of(int pid);

// The samples of one process, one after each job.
class Trail {
 public:
  // By then it has loaded what it needs: what it occupies after so many jobs is what it may occupy.
  static constexpr std::size_t kSettled = 30;
  // The least of so many samples is compared, because threads that wait for work come and go.
  static constexpr std::size_t kCompared = 10;
  // What may be added in spite of that: an allocator's memory has holes, which jobs differ in.
  static constexpr Sample kAllowance = {.mib = 8, .threads = 1, .descriptors = 1};

  void add(const Sample& sample) { samples_.push_back(sample); }
  bool empty() const { return samples_.empty(); }
  const Sample& last() const { return samples_.back(); }
  // Long enough for the two to be compared.
  bool is_long() const { return samples_.size() >= kSettled + kCompared; }
  Sample settled() const { return least(kSettled - kCompared); }
  Sample latest() const { return least(samples_.size() - kCompared); }
  // Empty, or what has grown.
  std::string growth() const;

 private:
  Sample least(std::size_t from) const;

  std::vector<Sample> samples_;
};

}  // namespace soak
