// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How leases end: by a result, a failure, a deadline, or because their worker leaves.
#include "gst/lease/dispatcher.h"

#include <algorithm>
#include <cstdio>

#include "gst/base/bytes.h"

namespace dist {
namespace {

// Failures in a row that suspend a worker.
constexpr unsigned kFailuresToSuspend = 3;
// A segment is not tried more often than this times max_attempts, by whichever workers.
constexpr unsigned kUnprovenFactor = 10;
// However often the segment failed, an able worker may still come within this time. It is not
// awaited for ever: the segment may break all workers.
constexpr Instant kLongTried = 60'000 * kMillisecond;
// For so long after its first failure a segment that every connected worker has failed is kept for
// a worker that comes.
constexpr Instant kKept = 10'000 * kMillisecond;
// A lease may take so many times as long as nine in ten of the others, but always so much, however
// often its worker says that it goes on.
constexpr double kTooSlow = 20;
constexpr double kMostShare = 0.9;
constexpr double kLeastSamples = 4;
constexpr Instant kLeastTime = 60'000 * kMillisecond;
constexpr unsigned kMostDoublings = 10;
// Weight of the newest time in the mean, and of the newest silence in the decay of the longest.
constexpr double kNewest = 0.25;
// Bytes of a reason, which a worker may have given; of what a segment keeps of it; and of all that
// a segment keeps.
constexpr std::size_t kMaxReason = 4096;
constexpr std::size_t kMaxKept = 300;
constexpr std::size_t kMaxHistory = 16u << 10;

std::string seconds(Instant time) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f s", static_cast<double>(time) / 1e9);
  return text;
}

std::string describe_failures(SegmentKey key, unsigned failures, const std::string& history) {
  return "segment " + std::to_string(key.index) + ": given up after " + std::to_string(failures) +
         (failures == 1 ? " failed attempt (" : " failed attempts (") + history + ")";
}

}  // namespace

// --- The end of a lease

// The worker is through with the lease. It is not listed until it resumes.
void Dispatcher::lay_down(Lease& lease) {
  const Grant& grant = lease.grant;
  deadlines_.erase({lease.listed, grant.lease});
  lease.deadline = lease.listed = kNever;
  trials_ -= lease.is_trial ? 1 : 0;
  Queue& queue = queues_.at(grant.segment);
  const Turn before = turn(grant.segment, queue);
  --queue.leases;
  if (turns_.erase(before) != 0)
    turns_.insert(turn(grant.segment, queue));
  Worker& worker = workers_.at(grant.worker);
  unlist(worker);
  std::erase(worker.leases, grant.lease);
}

// Takes the lease away from its part and its worker, which is not listed until it resumes.
Dispatcher::Lease Dispatcher::take_away(const Grant& grant) {
  Lease lease = leases_.at(grant.lease);
  if (lease.answered == kNever) {
    lay_down(lease);
  } else if (const auto worker = workers_.find(grant.worker); worker != workers_.end()) {
    unlist(worker->second);
    std::erase(worker->second.answered, grant.lease);
  }
  Queue& queue = queues_.at(grant.segment);
  queue.newest.erase(grant.lease);
  queue.waiting.erase(grant.lease);
  queue.crowded.erase(grant.lease);
  Part& part = queue.parts.at(grant.segment);
  std::erase(part.leases, grant.lease);
  leases_.erase(grant.lease);
  update_newest(part, queue);
  return lease;
}

// The worker goes on with its next lease, or waits for one.
void Dispatcher::resume(WorkerId id, Worker& worker, Instant now) {
  start_front(worker, now);
  list(id, worker);
}

// With a time, the worker's next lease begins.
void Dispatcher::end(const Grant& grant, Instant now) {
  const Lease lease = take_away(grant);
  const auto found = workers_.find(grant.worker);
  if (now == kNever || found == workers_.end())
    return;
  Worker& worker = found->second;
  // However it ended, the worker was not faster than this.
  const double work = work_of(queues_.at(grant.segment), part(grant.segment));
  if (lease.began != kNever && lease.answered == kNever)
    worker.nanoseconds =
        std::max(worker.nanoseconds, static_cast<double>(now - lease.began) / work);
  resume(grant.worker, worker, now);
}

void Dispatcher::answered(WorkerId id, LeaseId lease_id, Instant now) {
  const auto found = leases_.find(lease_id);
  if (found == leases_.end() || found->second.grant.worker != id ||
      found->second.answered != kNever)
    return;
  Lease& lease = found->second;
  const Grant& grant = lease.grant;
  Worker& worker = workers_.at(id);
  Queue& queue = queues_.at(grant.segment);
  const Part& part = queue.parts.at(grant.segment);
  lay_down(lease);
  lease.answered = now;
  worker.answered.push_back(lease_id);
  update_newest(part, queue);
  // Before the next lease begins, whose deadline depends on it.
  learn_silence(worker, lease, now);
  const Instant began = lease.began != kNever ? lease.began : grant.granted;
  const double nanoseconds = static_cast<double>(now - began) / work_of(queue, part);
  worker.nanoseconds = worker.proven
                           ? worker.nanoseconds + kNewest * (nanoseconds - worker.nanoseconds)
                           : nanoseconds;
  resume(id, worker, now);
}

std::optional<std::vector<Dispatcher::Grant>> Dispatcher::complete(WorkerId id, LeaseId lease_id,
                                                                   Instant now, RenditionSet made) {
  const Grant* found = find(id, lease_id);
  if (!found)
    return std::nullopt;
  answered(id, lease_id, now);
  const Grant grant = *found;
  const Lease lease = take_away(grant);
  Queue& queue = queues_.at(grant.segment);
  if (const auto at = workers_.find(id); at != workers_.end()) {
    Worker& worker = at->second;
    proven_workers_ += worker.proven ? 0 : 1;
    worker.proven = true;
    ++worker.completed;
    worker.failures = 0;
    if (worker.on_probation) {
      worker.on_probation = false;
      worker.suspensions /= 2;
    }
    resume(id, worker, now);
  }
  queue.times.add(static_cast<double>(lease.answered - grant.granted) /
                  work_of(queue, part(grant.segment)));

  std::vector<Grant> cancelled;
  for (LeaseId other : std::vector<LeaseId>(part(grant.segment).leases)) {
    cancelled.push_back(leases_.at(other).grant);
    end(cancelled.back(), now);
  }
  forget_part((grant.renditions & ~made) != 0 ? split(grant.segment, made) : grant.segment);
  return cancelled;
}

void Dispatcher::requeue(SegmentKey key) {
  if (part(key).leases.empty())
    enqueue(key);
}

std::optional<Dispatcher::Grant> Dispatcher::release(WorkerId id, LeaseId lease, Instant now) {
  const Grant* found = find(id, lease);
  if (!found)
    return std::nullopt;
  const Grant grant = *found;
  end(grant, now);
  requeue(grant.segment);
  return grant;
}

std::optional<Dispatcher::Failure> Dispatcher::fail(WorkerId id, LeaseId lease,
                                                    const std::string& reason, Instant now,
                                                    Blame blame) {
  const Grant* grant = find(id, lease);
  if (!grant)
    return std::nullopt;
  const bool counts = blame == Blame::kAttempt;
  part(grant->segment).doubtful = !counts;
  Failure failure = fail_lease(Grant(*grant), reason, counts, now);
  const auto worker = workers_.find(id);
  if (blame != Blame::kNobody && worker != workers_.end() &&
      (++worker->second.failures >= kFailuresToSuspend || worker->second.on_probation))
    suspend_for(failure, now);
  return failure;
}

Dispatcher::Failure Dispatcher::fail_lease(const Grant& grant, const std::string& reason,
                                           bool counts, Instant now) {
  Failure failure{.grant = grant, .reason = std::string(clip(reason, kMaxReason))};
  end(grant, now);
  const auto worker = workers_.find(grant.worker);
  if (worker == workers_.end()) {
    settle_failure(failure, nullptr, counts, now);
    return failure;
  }
  part(grant.segment).failed_on.insert(grant.worker);
  worker->second.failed.insert(grant.segment);
  settle_failure(failure, &worker->second, counts, now);
  return failure;
}

// Decides what becomes of the part of a lease that ended without a result. Null: the worker left
// after it had answered.
void Dispatcher::settle_failure(Failure& failure, const Worker* worker, bool counts, Instant now) {
  const SegmentKey key = failure.grant.segment;
  Part& part = this->part(key);
  if (part.history.size() < kMaxHistory)
    part.history +=
        (part.history.empty() ? "" : "; ") + std::string("attempt ") +
        std::to_string(failure.grant.attempt) + " on " + (worker ? worker->name : "one that left") +
        ": " + std::string(clip(failure.reason, kMaxKept)) + (counts ? "" : " (does not count)");
  if (!counts)
    return requeue(key);
  part.first_failed = std::min(part.first_failed, now);
  part.last_failed = failure.grant;
  part.last_failed_by = worker ? worker->name : "one that left";
  part.failed_by_own = part.failed_by_own || (worker && worker->own);
  const bool again = worker && !part.failed_by.insert(worker->identity).second;
  part.failures += !again || !part.leases.empty() || failed_by_all(key, part) ? 1 : 0;
  if (!part.leases.empty())
    return;
  if (!is_hopeless(key, part, now) || keep_for_newcomers(key, part, now))
    return enqueue(key);
  failure.given_up = describe_failures(key, part.failures, part.history);
  forget_part(key);
}

bool Dispatcher::is_hopeless(SegmentKey key, const Part& part, Instant now) const {
  const Queue& queue = queues_.at(key);
  const bool often = part.failures >= kUnprovenFactor * queue.max_attempts &&
                     now >= part.first_failed + kLongTried;
  return often || (part.failures >= queue.max_attempts && count_able(key, part) > 0 &&
                   failed_by_all(key, part));
}

// Whether a worker that still comes may try it.
bool Dispatcher::keep_for_newcomers(SegmentKey key, Part& part, Instant now) {
  if (key.examinee || part.failed_by_own || now >= part.first_failed + kKept)
    return false;
  part.kept_until = part.first_failed + kKept;
  kept_.emplace(part.kept_until, key);
  return true;
}

std::optional<Dispatcher::GivenUp> Dispatcher::give_up(Instant now) {
  while (!kept_.empty() && kept_.begin()->first <= now) {
    const SegmentKey key = kept_.begin()->second;
    kept_.erase(kept_.begin());
    Part& part = this->part(key);
    part.kept_until = kNever;
    // A worker that came is at it or about to try, or none is left and the job waits for one.
    if (!part.leases.empty() || !is_hopeless(key, part, now))
      continue;
    GivenUp given_up{part.last_failed, part.last_failed_by,
                     describe_failures(key, part.failures, part.history)};
    forget_part(key);
    return given_up;
  }
  return std::nullopt;
}

// --- Deadlines

Instant Dispatcher::silence_of(const Worker& worker, const Grant& grant) const {
  const auto known = worker.silence.find({grant.segment, grant.renditions});
  return known != worker.silence.end() ? std::min(known->second, config_.longest_silence)
                                       : config_.first_silence;
}

void Dispatcher::learn_silence(Worker& worker, const Lease& lease, Instant now) {
  if (lease.began == kNever)
    return;
  Instant& silence = worker.silence[{lease.grant.segment, lease.grant.renditions}];
  const Instant newest = std::max(lease.silence, now - lease.heard);
  silence =
      std::max(newest, silence - static_cast<Instant>(static_cast<double>(silence) * kNewest));
}

// Moves the deadline away. Its entry in the list is moved only when its turn comes, so a sign of
// life costs nothing.
void Dispatcher::renew(Lease& lease, const Worker& worker) {
  const Instant silence = silence_of(worker, lease.grant);
  lease.deadline = lease.heard + config_.deadline_floor +
                   static_cast<Instant>(config_.deadline_factor * static_cast<double>(silence));
  if (const Instant longest = longest_lease(lease.grant); longest != kNever)
    lease.deadline = std::min(lease.deadline, std::max(lease.began + longest, lease.heard));
  if (lease.listed <= lease.deadline)
    return;
  deadlines_.erase({lease.listed, lease.grant.lease});
  lease.listed = lease.deadline;
  deadlines_.emplace(lease.listed, lease.grant.lease);
}

// Twice as long each time that this ended a lease of the segment: it may be the worker that is
// slow, or the segment that is large.
Instant Dispatcher::longest_lease(const Grant& grant) const {
  const Queue& queue = queues_.at(grant.segment);
  if (queue.times.count() < kLeastSamples)
    return kNever;
  const Part& part = queue.parts.at(grant.segment);
  const double usual = queue.times.at(kMostShare) * work_of(queue, part);
  const double longest = std::max(kTooSlow * usual, static_cast<double>(kLeastTime)) *
                         static_cast<double>(1u << std::min(part.too_slow, kMostDoublings));
  return static_cast<Instant>(longest);
}

void Dispatcher::progress(WorkerId id, LeaseId lease_id, Instant now) {
  const auto found = leases_.find(lease_id);
  if (found == leases_.end() || found->second.grant.worker != id)
    return;
  Lease& lease = found->second;
  lease.confirmed = true;
  // What is fetched ahead says nothing of the lease that the worker is at.
  if (lease.began == kNever || lease.answered != kNever)
    return;
  lease.silence = std::max(lease.silence, now - lease.heard);
  lease.heard = now;
  renew(lease, workers_.at(id));
}

std::optional<Dispatcher::Failure> Dispatcher::expire(Instant now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const LeaseId id = deadlines_.begin()->second;
    Lease& lease = leases_.at(id);
    if (lease.deadline > now) {
      deadlines_.erase(deadlines_.begin());
      lease.listed = lease.deadline;
      deadlines_.emplace(lease.listed, id);
      continue;
    }
    const Grant grant = lease.grant;
    Worker& worker = workers_.at(grant.worker);
    if (const Instant longest = longest_lease(grant);
        longest != kNever && now >= lease.began + longest) {
      ++part(grant.segment).too_slow;
      Failure failure = fail_lease(
          grant, "takes far longer than others, " + seconds(now - lease.began) + " so far", false,
          now);
      suspend_for(failure, now);
      return failure;
    }
    // If it was not dead but slow, it has more time next time.
    const Instant silence = silence_of(worker, grant);
    worker.silence[{grant.segment, grant.renditions}] =
        std::max(silence, std::min(2 * silence, config_.longest_silence));
    Failure failure = fail_lease(grant, "no sign of progress for " + seconds(now - lease.heard),
                                 lease.confirmed && part(grant.segment).leases.size() == 1, now);
    suspend_for(failure, now);
    return failure;
  }
  return std::nullopt;
}

Instant Dispatcher::next_wakeup() const {
  Instant at = hedge_at_;
  if (!deadlines_.empty())
    at = std::min(at, deadlines_.begin()->first);
  if (!suspended_.empty())
    at = std::min(at, suspended_.begin()->first);
  if (!kept_.empty())
    at = std::min(at, kept_.begin()->first);
  return at;
}

// --- Workers that leave or have to pause

std::vector<Dispatcher::Failure> Dispatcher::remove_worker(WorkerId id, bool in_good_order,
                                                           const std::string& reason, Instant now) {
  std::vector<Failure> failures;
  const auto found = workers_.find(id);
  if (found == workers_.end())
    return failures;
  std::vector<JobId> exams;
  for (const auto& [queue, _] : queues_)
    if (queue.examinee == id)
      exams.push_back(queue.job);
  for (const JobId job : exams)
    (void)end_exam(job, id, now);
  suspended_.erase({found->second.suspended_until, id});
  for (SegmentKey key : found->second.failed)
    part(key).failed_on.erase(id);
  found->second.failed.clear();
  const std::vector<LeaseId> held = found->second.leases;
  bool counts = !in_good_order && !held.empty() && leases_.at(held.front()).confirmed;
  for (LeaseId lease : held) {
    failures.push_back(
        {.grant = leases_.at(lease).grant, .reason = std::string(clip(reason, kMaxReason))});
    end(failures.back().grant, kNever);
  }
  leave_group(id, found->second);
  proven_workers_ -= found->second.proven ? 1 : 0;
  const Worker worker = std::move(found->second);
  workers_.erase(found);
  for (Failure& failure : failures) {
    settle_failure(failure, &worker, counts && part(failure.grant.segment).leases.empty(), now);
    counts = false;
  }
  return failures;
}

std::vector<Dispatcher::Grant> Dispatcher::retire(WorkerId id, const std::vector<LeaseId>& kept,
                                                  Instant now) {
  std::vector<Grant> given_back;
  const auto found = workers_.find(id);
  if (found == workers_.end())
    return given_back;
  Worker& worker = found->second;
  unlist(worker);
  worker.capacity = 0;
  for (LeaseId lease : std::vector<LeaseId>(worker.leases))
    if (std::find(kept.begin(), kept.end(), lease) == kept.end())
      given_back.push_back(release(id, lease, now).value());
  return given_back;
}

Dispatcher::Suspension Dispatcher::suspend(WorkerId id, Instant duration, Instant now) {
  Worker& worker = workers_.at(id);
  Suspension suspension{.duration = duration, .cancelled = {}};
  unlist(worker);
  std::vector<LeaseId> held = worker.leases;
  held.insert(held.end(), worker.answered.begin(), worker.answered.end());
  for (LeaseId lease : held) {
    suspension.cancelled.push_back(leases_.at(lease).grant);
    const SegmentKey key = suspension.cancelled.back().segment;
    end(suspension.cancelled.back(), now);
    requeue(key);
  }
  unlist(worker);
  ++worker.suspensions;
  worker.failures = 0;
  worker.on_probation = true;
  suspended_.erase({worker.suspended_until, id});
  worker.suspended_until = now + duration;
  suspended_.emplace(worker.suspended_until, id);
  return suspension;
}

Dispatcher::Suspension Dispatcher::suspend(WorkerId worker, Instant now) {
  return suspend(worker, config_.longest_suspension, now);
}

// After repeated failures; each time longer.
void Dispatcher::suspend_for(Failure& failure, Instant now) {
  const Worker& worker = workers_.at(failure.grant.worker);
  failure.suspended = config_.suspension;
  for (unsigned i = 0; i < worker.suspensions && failure.suspended < config_.longest_suspension;
       ++i)
    failure.suspended *= 2;
  failure.suspended = std::min(failure.suspended, config_.longest_suspension);
  const auto cancelled = suspend(failure.grant.worker, failure.suspended, now).cancelled;
  failure.cancelled.insert(failure.cancelled.end(), cancelled.begin(), cancelled.end());
}

}  // namespace dist
