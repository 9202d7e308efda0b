// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A dispatcher with a clock, one job and some workers, in few words.
#pragma once

#include <string>
#include <vector>

#include "gst/lease/dispatcher.h"
#include "tests/common/support.h"

namespace dist::test {

constexpr JobId kJob = 1;
constexpr Instant kOneSecond = 1'000 * kMillisecond;

// Workers 1 to `workers` and the segments 0 to `segments` - 1 of kJob, each one unit of work.
struct Farm : Dispatcher {
  struct Shape {
    std::uint64_t segments = 0;
    unsigned workers = 2;
    unsigned capacity = 1;
    unsigned max_attempts = 3;
    bool own = true;  // For what workers of this process fail no newcomer is awaited.
  };
  explicit Farm(const Shape& shape, const Config& config = {}) : Dispatcher(config) {
    constexpr const char* kNames[] = {"anna", "bert", "cora", "dora", "emil", "fred"};
    add_job(kJob, shape.max_attempts);
    add_segments(kJob, 0, shape.segments);
    for (unsigned i = 0; i < shape.workers; ++i)
      add_worker(i + 1, shape.capacity, kNames[i % std::size(kNames)], {}, {}, shape.own);
  }

  void add_segments(JobId job, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t i = first; i < first + count; ++i)
      add_segment({job, i}, 1);
  }

  // All that can be granted now, as "segment>worker", with a "+" behind a hedge. Segments of other
  // jobs than kJob are written "job:segment".
  std::string grants() {
    std::vector<Grant> all;
    while (const auto grant = next_grant(now))
      all.push_back(*grant);
    return text(all);
  }

  static std::string text(const std::vector<Grant>& grants) {
    std::string text;
    for (const Grant& grant : grants)
      text += (text.empty() ? "" : " ") +
              (grant.segment.job != kJob ? std::to_string(grant.segment.job) + ":" : "") +
              std::to_string(grant.segment.index) + ">" + std::to_string(grant.worker) +
              (grant.hedge ? "+" : "");
    return text;
  }

  // The worker's lease of that segment.
  LeaseId lease(std::uint64_t index, WorkerId worker, JobId job = kJob) const {
    for (const Grant& grant : leases_of({job, index}))
      if (grant.worker == worker)
        return grant.lease;
    ck_abort_msg("worker %u has no lease of segment %u", static_cast<unsigned>(worker),
                 static_cast<unsigned>(index));
    return 0;
  }

  // What is cancelled because of it.
  std::string finish(std::uint64_t index, WorkerId worker, JobId job = kJob) {
    return text(complete(worker, lease(index, worker, job), now).value());
  }
  Failure flunk(std::uint64_t index, WorkerId worker, const std::string& reason = "stuck") {
    return fail(worker, lease(index, worker), reason, now).value();
  }
  void show_life(std::uint64_t index, WorkerId worker) {
    progress(worker, lease(index, worker), now);
  }
  void pass(Instant time) { now += time; }

  // The workers do `rounds` segments each, from segment `first` on, and take `time` for each.
  void practise(std::uint64_t first, unsigned rounds, Instant time) {
    for (unsigned i = 0; i < rounds; ++i) {
      add_segments(kJob, first + i * workers(), workers());
      std::vector<Grant> all;
      while (const auto grant = next_grant(now))
        all.push_back(*grant);
      pass(time);
      for (const Grant& grant : all)
        complete(grant.worker, grant.lease, now);
    }
  }

  Instant now = 1'000 * kOneSecond;
};

inline std::string text(const std::vector<Dispatcher::Failure>& failures) {
  std::vector<Dispatcher::Grant> grants;
  for (const Dispatcher::Failure& failure : failures)
    grants.push_back(failure.grant);
  return Farm::text(grants);
}

}  // namespace dist::test
