// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a simulated world is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gst/lease/verification.h"
#include "tests/sim/worker.h"

namespace dist::sim {

inline constexpr Instant kPause = 300 * kOneSecond;

// What a store has of a job that says what it wants, and how it answers. Chances in percent.
struct StorePlan {
  bool is_there = false;
  unsigned has = 0;            // A rendition of a segment.
  unsigned in_other_form = 0;  // An answer's renditions, than workers make.
  unsigned wrong = 0;          // An answer has a flaw.
  unsigned silent = 0;         // A question gets no answer.
  Instant answers_within = 0;
};

struct JobPlan {
  std::uint64_t segments = 1;
  std::size_t segment_size = 100;  // Bytes of payload at most.
  std::uint64_t window_segments = 16;
  std::uint64_t window_bytes = 64u << 20;
  std::uint64_t max_bytes = 256u << 20;
  unsigned max_attempts = 3;
  std::vector<RenditionSpec> renditions;  // Empty: it does not say what it wants.
  bool mixed_encoders = false;
  Verification::Config verification = {};
  StorePlan store = {};
  Instant begins_at = 0;
  Instant produce_every = 0;  // Upstream brings a segment so often; 0: at once.
  Instant consume_every = 0;  // Downstream takes a result so often; 0: at once.
  Instant pause_at = kNever;  // Downstream takes nothing for kPause.
  Instant seek_at = kNever;   // Everything begins anew, as another stream.
};

struct Scenario {
  std::string kind;
  std::vector<JobPlan> jobs;
  std::vector<WorkerPlan> workers;
  // Jobs may end with an error, by the rules in dispatcher.h. In all other scenarios either more
  // attempts are allowed than there can be faults that hit one segment, or no end of them; but what
  // no honest worker can make may be given up.
  bool may_fail = false;
  // Nothing goes wrong and nobody waits for anything but workers: the efficiency means something.
  bool is_calm = false;
  // With many segments open, all leases are compared once in so many steps as segments are open,
  // divided by this: what it costs for a step does not grow with them.
  std::size_t leases_compared_each_step = 4;

  // No segment of the job and no result is larger.
  std::uint64_t largest(const JobPlan& job) const;
};

Scenario draw_scenario(std::uint64_t seed);
// Lets some of the jobs say what they want, and gives the workers encoders.
void add_renditions(Random& random, Scenario& scenario);
// Gives some of those jobs a store.
void add_stores(Random& random, Scenario& scenario);

}  // namespace dist::sim
