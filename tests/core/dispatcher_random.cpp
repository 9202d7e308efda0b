// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A farm in which workers come, fail, answer and vanish at random, and a ledger of what has to be
// true of it after each step.
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "gst/dist/core/dispatcher.h"
#include "tests/core/support.h"

namespace {

using namespace dist;
using namespace dist::test;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : seed_(seed),
        random_(seed),
        max_attempts_(static_cast<unsigned>(random_.between(1, 4))),
        dispatcher_({.max_attempts = max_attempts_}) {}

  void run() {
    for (int step = 0; step < 1500; ++step) {
      do_something();
      grant_all();
      check();
    }
    finish();
  }

 private:
  struct Worker {
    unsigned capacity = 0;
    std::set<LeaseId> leases;
  };
  struct Segment {
    unsigned attempts = 0;
    unsigned failures = 0;
    std::set<WorkerId> failed_on;
    std::optional<LeaseId> lease;
  };

#define require(condition) \
  require_often(condition, "seed %" G_GUINT64_FORMAT ": not (%s)", seed_, #condition)

  void do_something() {
    const std::uint64_t dice = random_.below(100);
    if (dice < 40)
      add_segment();
    else if (dice < 44)
      join();
    else if (dice < 47)
      leave();
    else if (dice < 60)
      fail();
    else if (dice < 97)
      complete();
    else if (dice < 99)
      nonsense();
    else if (random_.chance(10))
      cancel_all();
  }

  void add_segment() {
    if (segments_.size() > 50)
      return;
    segments_[next_segment_];
    dispatcher_.add_segment(next_segment_++);
  }

  void join() {
    if (workers_.size() > 12)
      return;
    const unsigned capacity = static_cast<unsigned>(random_.between(1, 3));
    workers_[next_worker_].capacity = capacity;
    dispatcher_.add_worker(next_worker_, capacity, "w" + std::to_string(next_worker_));
    ++next_worker_;
  }

  void leave() {
    if (workers_.empty())
      return;
    const auto worker = pick_worker();
    const bool in_good_order = random_.chance(40);
    const std::set<LeaseId> leases = worker->second.leases;
    const WorkerId id = worker->first;
    workers_.erase(worker);
    const auto failures = dispatcher_.remove_worker(id, in_good_order, "gone");
    require(failures.size() == leases.size());
    bool first = true;
    for (const auto& failure : failures) {
      require(leases.count(failure.grant.lease) == 1);
      // The oldest lease has the lowest number.
      require(!first || failure.grant.lease == *leases.begin());
      settle_failure(failure, !in_good_order && first);
      first = false;
    }
  }

  void fail() {
    const auto grant = pick_lease();
    if (!grant)
      return;
    const auto failure = dispatcher_.fail(grant->worker, grant->lease, "stuck");
    require(failure.has_value());
    workers_.at(grant->worker).leases.erase(grant->lease);
    settle_failure(*failure, true);
  }

  void complete() {
    const auto grant = pick_lease();
    if (!grant)
      return;
    require(dispatcher_.complete(grant->worker, grant->lease));
    workers_.at(grant->worker).leases.erase(grant->lease);
    leases_.erase(grant->lease);
    // Exactly once.
    require(segments_.erase(grant->segment) == 1);
    ++delivered_;
  }

  // Late, repeated and invented answers change nothing.
  void nonsense() {
    const LeaseId lease = random_.below(next_lease_bound_ + 10);
    const WorkerId worker = random_.below(next_worker_ + 2);
    const auto held = leases_.find(lease);
    if (held != leases_.end() && held->second.worker == worker)
      return;
    require(dispatcher_.find(worker, lease) == nullptr);
    require(!dispatcher_.complete(worker, lease));
    require(!dispatcher_.fail(worker, lease, "nonsense"));
  }

  void cancel_all() {
    const auto cancelled = dispatcher_.cancel_all();
    require(cancelled.size() == leases_.size());
    for (const auto& grant : cancelled)
      require(leases_.erase(grant.lease) == 1);
    for (auto& [id, worker] : workers_)
      worker.leases.clear();
    forgotten_ += segments_.size();
    segments_.clear();
  }

  void settle_failure(const Dispatcher::Failure& failure, bool counts) {
    leases_.erase(failure.grant.lease);
    Segment& segment = segments_.at(failure.grant.segment);
    segment.lease.reset();
    if (counts) {
      ++segment.failures;
      segment.failed_on.insert(failure.grant.worker);
    }
    require(failure.given_up.empty() == (segment.failures < max_attempts_));
    if (failure.given_up.empty())
      return;
    segments_.erase(failure.grant.segment);
    ++given_up_;
  }

  void grant_all() {
    while (const auto grant = dispatcher_.next_grant()) {
      require(segments_.count(grant->segment) == 1);
      Segment& segment = segments_.at(grant->segment);
      require(!segment.lease);
      require(grant->attempt == ++segment.attempts);
      check_choice(*grant, segment);
      Worker& worker = workers_.at(grant->worker);
      worker.leases.insert(grant->lease);
      require(worker.leases.size() <= worker.capacity);
      require(leases_.emplace(grant->lease, *grant).second);
      require(grant->lease >= next_lease_bound_);
      next_lease_bound_ = grant->lease + 1;
      segment.lease = grant->lease;
    }
    // Whoever is still free has nothing to do but what failed there, and waits for others then.
    for (const auto& [index, segment] : segments_)
      require(segment.lease || !suitable(segment));
  }

  bool untried_exists(const Segment& segment) const {
    for (const auto& [id, worker] : workers_)
      if (segment.failed_on.count(id) == 0)
        return true;
    return false;
  }

  // Whether a worker could take the segment now.
  bool suitable(const Segment& segment) const {
    const bool wants_untried = untried_exists(segment);
    for (const auto& [id, worker] : workers_)
      if (worker.leases.size() < worker.capacity &&
          (!wants_untried || segment.failed_on.count(id) == 0))
        return true;
    return false;
  }

  // Called before the grant is entered.
  void check_choice(const Dispatcher::Grant& grant, const Segment& segment) const {
    const Worker& chosen = workers_.at(grant.worker);
    const bool wants_untried = untried_exists(segment);
    require(!wants_untried || segment.failed_on.count(grant.worker) == 0);
    for (const auto& [id, worker] : workers_)
      if (worker.leases.size() < worker.capacity &&
          (!wants_untried || segment.failed_on.count(id) == 0))
        require(chosen.leases.size() <= worker.leases.size());
    for (const auto& [index, earlier] : segments_) {
      if (index >= grant.segment)
        break;
      require(earlier.lease || !suitable(earlier));
    }
  }

  void check() {
    require(dispatcher_.open_segments() == segments_.size());
    require(delivered_ + given_up_ + forgotten_ + segments_.size() == next_segment_);
    require(dispatcher_.workers() == workers_.size());
    for (const auto& [lease, grant] : leases_) {
      require(workers_.at(grant.worker).leases.count(lease) == 1);
      require(segments_.at(grant.segment).lease == lease);
      const auto* found = dispatcher_.find(grant.worker, lease);
      require(found && found->segment == grant.segment);
    }
  }

  // With workers that only succeed everything is delivered.
  void finish() {
    add_segment();
    join();
    grant_all();
    while (!leases_.empty()) {
      complete();
      grant_all();
      check();
    }
    require(segments_.empty());
    require(delivered_ > 0);
  }

  std::map<WorkerId, Worker>::iterator pick_worker() {
    return std::next(workers_.begin(), static_cast<std::ptrdiff_t>(random_.below(workers_.size())));
  }

  std::optional<Dispatcher::Grant> pick_lease() {
    if (leases_.empty())
      return std::nullopt;
    return std::next(leases_.begin(), static_cast<std::ptrdiff_t>(random_.below(leases_.size())))
        ->second;
  }

  const std::uint64_t seed_;
  Random random_;
  const unsigned max_attempts_;
  Dispatcher dispatcher_;
  std::map<WorkerId, Worker> workers_;
  std::map<std::uint64_t, Segment> segments_;  // Not yet over.
  std::uint64_t delivered_ = 0;
  std::uint64_t given_up_ = 0;
  std::uint64_t forgotten_ = 0;
  std::map<LeaseId, Dispatcher::Grant> leases_;
  WorkerId next_worker_ = 1;
  std::uint64_t next_segment_ = 0;
  LeaseId next_lease_bound_ = 0;  // Lease numbers are never used again.
};

}  // namespace

GST_START_TEST(test_dispatcher_keeps_its_promises_in_any_farm) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed)
    Simulation(seed).run();
}
GST_END_TEST

static Suite* dispatcher_random_suite() {
  Suite* suite = suite_create("dispatcher_random");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_dispatcher_keeps_its_promises_in_any_farm);
  return suite;
}

GST_CHECK_MAIN(dispatcher_random)
