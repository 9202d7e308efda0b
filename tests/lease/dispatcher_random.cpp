// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A farm in which jobs and workers come, fail, answer and vanish at random while time goes by, and
// a ledger of what has to be true of it after each step.
#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "gst/lease/dispatcher.h"
#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;
using Grant = Dispatcher::Grant;
using Throttle = Dispatcher::Throttle;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : seed_(seed),
        random_(seed),
        max_attempts_(static_cast<unsigned>(random_.between(1, 4))),
        dispatcher_({}) {
    add_job();
  }

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
    bool own = false;
    bool proven = false;
    std::uint64_t completed = 0;
    bool probation = false;
    Instant suspended_until = 0;
    std::set<LeaseId> leases;
  };
  struct Segment {
    unsigned attempts = 0;
    unsigned failures = 0;
    std::set<WorkerId> failed_on;
    std::set<std::string> failed_by;
    Instant first_failed = kNever;
    bool failed_by_own = false;
    Instant kept_until = kNever;
    std::set<LeaseId> leases;
  };
  struct Job {
    std::map<std::uint64_t, Segment> segments;
    std::size_t leases = 0;
    std::uint64_t next = 0;
    Throttle throttle = Throttle::kNone;
  };
  struct Lease {
    Grant grant;
    Instant heard = 0;
    bool confirmed = false;
  };

#define require(condition) \
  require_often(condition, "seed %" G_GUINT64_FORMAT ": not (%s)", seed_, #condition)

  void do_something() {
    const std::uint64_t dice = random_.below(1000);
    if (dice < 350)
      add_segment();
    else if (dice < 380)
      join();
    else if (dice < 405)
      leave();
    else if (dice < 480)
      fail();
    else if (dice < 800)
      complete();
    else if (dice < 830)
      release();
    else if (dice < 930)
      pass();
    else if (dice < 970)
      show_life();
    else if (dice < 980)
      nonsense();
    else if (dice < 990)
      switch_limits();
    else if (dice < 995)
      add_job();
    else
      end_job();
  }

  // --- What happens

  void add_job() {
    if (jobs_.size() > 3)
      return;
    jobs_[next_job_];
    dispatcher_.add_job(next_job_++, max_attempts_);
  }

  void end_job() {
    const JobId id = pick(jobs_)->first;
    Job& job = jobs_.at(id);
    const bool remove = jobs_.size() > 1 && random_.chance(50);
    const auto cancelled =
        remove ? dispatcher_.remove_job(id, now_) : dispatcher_.clear_job(id, now_);
    require(cancelled.size() == job.leases);
    for (const Grant& grant : cancelled)
      drop_lease(grant);
    job = Job{.segments = {}, .next = job.next};
    if (remove)
      jobs_.erase(id);
  }

  void add_segment() {
    const auto job = pick(jobs_);
    if (job->second.segments.size() > 30)
      return;
    job->second.segments[job->second.next];
    dispatcher_.add_segment({job->first, job->second.next++},
                            static_cast<double>(1 + random_.below(100)));
  }

  void join() {
    if (workers_.size() > 12)
      return;
    const unsigned capacity = static_cast<unsigned>(random_.between(1, 3));
    const bool own = random_.chance(30);
    workers_[next_worker_].capacity = capacity;
    workers_[next_worker_].own = own;
    dispatcher_.add_worker(next_worker_, capacity, "w" + std::to_string(next_worker_), {}, {}, own);
    ++next_worker_;
  }

  void leave() {
    if (workers_.empty())
      return;
    const auto [id, worker] = *pick(workers_);
    const bool in_good_order = random_.chance(40);
    workers_.erase(id);
    for (auto& [_, job] : jobs_)
      for (auto& [index, segment] : job.segments)
        segment.failed_on.erase(id);
    const auto failures = dispatcher_.remove_worker(id, in_good_order, "gone", now_);
    require(failures.size() == worker.leases.size());
    for (const auto& failure : failures) {
      require(worker.leases.count(failure.grant.lease) == 1);
      require(failure.suspended == 0 && failure.cancelled.empty());
    }
    // It was at its oldest lease, the one with the lowest number.
    const LeaseId blamed = worker.leases.empty() ? 0 : *worker.leases.begin();
    const bool counts = !in_good_order && blamed != 0 && leases_.at(blamed).confirmed;
    // All leases end before it is decided what becomes of their segments.
    for (const auto& failure : failures)
      drop_lease(failure.grant);
    for (const auto& failure : failures)
      settle(
          failure, worker,
          counts && failure.grant.lease == blamed && segment(failure.grant.segment).leases.empty());
  }

  void fail() {
    if (leases_.empty())
      return;
    const Grant grant = pick(leases_)->second.grant;
    const auto failure = dispatcher_.fail(grant.worker, grant.lease, "stuck", now_);
    require(failure.has_value());
    fail_lease(*failure, true);
  }

  void fail_lease(const Dispatcher::Failure& failure, bool counts) {
    drop_lease(failure.grant);
    Worker& worker = workers_.at(failure.grant.worker);
    segment(failure.grant.segment).failed_on.insert(failure.grant.worker);
    settle(failure, worker, counts);
    require(failure.suspended == 0 || worker.leases.size() == failure.cancelled.size());
    require(failure.suspended != 0 || failure.cancelled.empty());
    require(failure.suspended != 0 || !worker.probation);
    for (const Grant& grant : failure.cancelled)
      drop_lease(grant);
    if (failure.suspended == 0)
      return;
    worker.probation = true;
    worker.suspended_until = now_ + failure.suspended;
  }

  void complete() {
    if (leases_.empty())
      return;
    const Grant grant = pick(leases_)->second.grant;
    const auto cancelled = dispatcher_.complete(grant.worker, grant.lease, now_);
    require(cancelled.has_value());
    drop_lease(grant);
    Worker& worker = workers_.at(grant.worker);
    worker.proven = true;
    ++worker.completed;
    worker.probation = false;
    require(cancelled->size() == segment(grant.segment).leases.size());
    for (const Grant& other : *cancelled)
      drop_lease(other);
    // Exactly once.
    require(jobs_.at(grant.segment.job).segments.erase(grant.segment.index) == 1);
    ++delivered_;
  }

  void release() {
    if (leases_.empty())
      return;
    const Grant grant = pick(leases_)->second.grant;
    require(dispatcher_.release(grant.worker, grant.lease, now_)->lease == grant.lease);
    drop_lease(grant);
  }

  void pass() {
    now_ += random_.chance(10) ? random_.below(100'000) * kMillisecond
                               : random_.below(1'000) * kMillisecond;
    if (random_.chance(20) && dispatcher_.next_wakeup() != kNever)
      now_ = std::max(now_, dispatcher_.next_wakeup());
    while (const auto failure = dispatcher_.expire(now_)) {
      const Lease lease = leases_.at(failure->grant.lease);
      // Never by a multiple of anything alone.
      require(failure->reason.starts_with("takes far longer") ||
              now_ - lease.heard >= Dispatcher::Config().deadline_floor);
      require(failure->grant.lease == *workers_.at(failure->grant.worker).leases.begin());
      require(failure->suspended > 0);
      fail_lease(*failure, lease.confirmed && segment(lease.grant.segment).leases.size() == 1);
    }
    give_up();
  }

  // What was kept for newcomers, and none came that is at it or could try it.
  void give_up() {
    while (const auto given_up = dispatcher_.give_up(now_)) {
      const Segment& kept = segment(given_up->last.segment);
      require(kept.kept_until <= now_ && kept.leases.empty() && !kept.failed_by_own);
      require(kept.failures >= max_attempts_ && !workers_.empty() && all_failed(kept));
      require(given_up->reason.find("given up after") != std::string::npos);
      jobs_.at(given_up->last.segment.job).segments.erase(given_up->last.segment.index);
    }
    for (auto& [_, job] : jobs_)
      for (auto& [index, segment] : job.segments)
        if (segment.kept_until <= now_) {
          require(!segment.leases.empty() || workers_.empty() || !all_failed(segment));
          segment.kept_until = kNever;
        }
  }

  void show_life() {
    if (leases_.empty())
      return;
    Lease& lease = pick(leases_)->second;
    dispatcher_.progress(lease.grant.worker, lease.grant.lease, now_);
    lease.heard = now_;
    lease.confirmed = true;
  }

  // Late, repeated and invented answers change nothing.
  void nonsense() {
    const LeaseId lease = random_.below(next_lease_bound_ + 10);
    const WorkerId worker = random_.below(next_worker_ + 2);
    const auto held = leases_.find(lease);
    if (held != leases_.end() && held->second.grant.worker == worker)
      return;
    require(dispatcher_.find(worker, lease) == nullptr);
    require(!dispatcher_.complete(worker, lease, now_));
    require(!dispatcher_.fail(worker, lease, "nonsense", now_));
    require(!dispatcher_.release(worker, lease, now_));
    dispatcher_.progress(worker, lease, now_);
  }

  void switch_limits() {
    const auto job = pick(jobs_);
    dispatcher_.set_blocked(job->first, random_.chance(50));
    job->second.throttle = static_cast<Throttle>(random_.below(3));
    dispatcher_.set_throttle(job->first, job->second.throttle);
  }

  // --- The ledger

  void drop_lease(const Grant& grant) {
    require(leases_.erase(grant.lease) == 1);
    segment(grant.segment).leases.erase(grant.lease);
    --jobs_.at(grant.segment.job).leases;
    const auto worker = workers_.find(grant.worker);
    if (worker != workers_.end())
      worker->second.leases.erase(grant.lease);
  }

  void settle(const Dispatcher::Failure& failure, const Worker& worker, bool counts) {
    Segment& failed = segment(failure.grant.segment);
    // A lease that takes too long is no attempt.
    counts = counts && !failure.reason.starts_with("takes far longer");
    if (counts) {
      failed.first_failed = std::min(failed.first_failed, now_);
      failed.failed_by_own = failed.failed_by_own || worker.own;
      const std::string& who = std::to_string(failure.grant.worker);
      const bool again = !failed.failed_by.insert(who).second;
      failed.failures += !again || !failed.leases.empty() || all_failed(failed) ? 1 : 0;
    }
    const bool often = failed.failures >= 10 * max_attempts_;
    const bool enough = workers_.empty()
                            ? often && now_ >= failed.first_failed + 60'000 * kMillisecond
                            : often || (failed.failures >= max_attempts_ && all_failed(failed));
    const bool over = counts && failed.leases.empty() && enough;
    const Instant kept_until = failed.first_failed + 10'000 * kMillisecond;
    const bool kept = over && !failed.failed_by_own && now_ < kept_until;
    if (kept)
      failed.kept_until = kept_until;
    require(!failure.given_up.empty() == (over && !kept));
    if (!failure.given_up.empty())
      jobs_.at(failure.grant.segment.job).segments.erase(failure.grant.segment.index);
  }

  void grant_all() {
    while (const auto grant = dispatcher_.next_grant(now_)) {
      check_choice(*grant);
      Segment& granted = segment(grant->segment);
      require(grant->attempt == ++granted.attempts);
      require(leases_.emplace(grant->lease, Lease{*grant, now_, false}).second);
      require(grant->lease >= next_lease_bound_);
      next_lease_bound_ = grant->lease + 1;
      workers_.at(grant->worker).leases.insert(grant->lease);
      granted.leases.insert(grant->lease);
      ++jobs_.at(grant->segment.job).leases;
    }
    // Whoever is still free has nothing to do but what failed there, and waits for others then.
    for (const auto& [id, worker] : workers_)
      for (const auto& [_, job] : jobs_)
        require(!has_room(worker) || !next_of(job, id) || (!worker.proven && some_proven()));
  }

  // Then those that are not have to wait for their turn.
  bool some_proven() const {
    return std::ranges::any_of(workers_, [](const auto& entry) { return entry.second.proven; });
  }

  bool all_failed(const Segment& s) const {
    return s.failed_on.size() >= workers_.size();
  }

  bool has_room(const Worker& worker) const {
    return now_ >= worker.suspended_until &&
           worker.leases.size() < (worker.probation ? 1 : worker.capacity);
  }

  bool may_take(WorkerId id, const Segment& s) const {
    if (s.failed_on.count(id) != 0)
      return s.kept_until == kNever && all_failed(s);
    if (s.failures < max_attempts_)
      return true;
    // Nobody who has done more, or been there longer, could still do it.
    const std::uint64_t done = workers_.at(id).completed;
    return std::all_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
      return worker.second.completed < done ||
             (worker.second.completed == done && worker.first >= id) ||
             s.failed_on.count(worker.first) != 0 || now_ < worker.second.suspended_until;
    });
  }

  // The earliest queued segment of the job that the worker may take now.
  std::optional<std::uint64_t> next_of(const Job& job, WorkerId id) const {
    if (job.throttle == Throttle::kStopped)
      return std::nullopt;
    for (const auto& [index, s] : job.segments) {
      if (s.leases.empty() && may_take(id, s))
        return index;
      if (job.throttle == Throttle::kEarliestOnly)
        break;
    }
    return std::nullopt;
  }

  // Called before the grant is entered.
  void check_choice(const Grant& grant) {
    const Job& job = jobs_.at(grant.segment.job);
    require(has_room(workers_.at(grant.worker)));
    const Segment& granted = segment(grant.segment);
    require(job.throttle != Throttle::kStopped);
    require(job.throttle == Throttle::kNone || grant.segment.index == job.segments.begin()->first);
    if (grant.hedge) {
      require(!granted.leases.empty());
      require(workers_.at(grant.worker).leases.empty());
      // Its last attempt is kept for somebody else.
      require(granted.failed_on.count(grant.worker) == 0 || granted.failures + 1 < max_attempts_);
      return;
    }
    require(granted.leases.empty());
    require(next_of(job, grant.worker) == grant.segment.index);
    // No job with fewer leases has something for this worker.
    for (const auto& [_, other] : jobs_)
      require(other.leases >= job.leases || !next_of(other, grant.worker));
  }

  void check() {
    std::size_t open = 0;
    for (const auto& [id, job] : jobs_) {
      require(dispatcher_.open_segments(id) == job.segments.size());
      require(dispatcher_.leases(id) == job.leases);
      require(dispatcher_.earliest(id).has_value() == !job.segments.empty());
      require(job.segments.empty() || *dispatcher_.earliest(id) == job.segments.begin()->first);
      open += job.leases;
      // Each copy beyond four takes twice as long as the one before to be given.
      for (const auto& [index, s] : job.segments)
        require(s.leases.size() <= 8);
    }
    require(leases_.size() == open);
    require(dispatcher_.workers() == workers_.size());
    for (const auto& [lease, entry] : leases_) {
      require(workers_.at(entry.grant.worker).leases.count(lease) == 1);
      const Grant* found = dispatcher_.find(entry.grant.worker, lease);
      require(found && found->segment == entry.grant.segment);
    }
    require(dispatcher_.next_wakeup() > now_);
  }

  // With workers that only succeed everything is delivered.
  void finish() {
    for (auto& [id, job] : jobs_) {
      job.throttle = Throttle::kNone;
      dispatcher_.set_throttle(id, Throttle::kNone);
    }
    add_segment();
    join();
    const auto left = [this] {
      return std::any_of(jobs_.begin(), jobs_.end(),
                         [](const auto& job) { return !job.second.segments.empty(); });
    };
    for (int step = 0; left(); ++step) {
      require(step < 10'000);
      grant_all();
      if (leases_.empty())
        now_ = dispatcher_.next_wakeup();
      else
        complete();
      give_up();
    }
    require(delivered_ > 0);
  }

  Segment& segment(SegmentKey key) {
    return jobs_.at(key.job).segments.at(key.index);
  }

  template <class Map>
  typename Map::iterator pick(Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(random_.below(map.size())));
  }

  const std::uint64_t seed_;
  Random random_;
  const unsigned max_attempts_;
  Dispatcher dispatcher_;
  Instant now_ = 0;
  std::map<JobId, Job> jobs_;
  std::map<WorkerId, Worker> workers_;
  std::map<LeaseId, Lease> leases_;
  std::uint64_t delivered_ = 0;
  JobId next_job_ = 1;
  WorkerId next_worker_ = 1;
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
