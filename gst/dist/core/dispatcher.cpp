// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/dispatcher.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gst/dist/core/bytes.h"

namespace dist {
namespace {

// Failures in a row that suspend a worker.
constexpr unsigned kFailuresToSuspend = 3;
// A segment is not tried more often than this times max_attempts, whoever fails it.
constexpr unsigned kUnprovenFactor = 10;
// How late a lease has to be against the others of its job before it is hedged: the share of leases
// that were faster. The earliest segment is worth more while everybody waits for it.
constexpr double kLateShare = 0.75;
constexpr double kBlockingShare = 0.5;
constexpr double kLeastSamples = 4;
// Leases of a segment at a time. With service times of a heavy tail two are not enough: among
// thousands of segments there is always one whose two leases are late, and the window waits for it.
constexpr std::size_t kMaxCopies = 4;
// How many times later than that before a worker tries it that failed the segment already.
constexpr double kVeryLate = 4;
// Without anything to compare it with a lease is late after this many first silences.
constexpr double kUnknownLate = 4;
// How many late leases of a job are looked at for one that an idle worker has not failed yet.
constexpr std::size_t kHedgeChoices = 4;
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

}  // namespace

// --- Jobs and segments

void Dispatcher::add_job(JobId id, unsigned max_attempts) {
  jobs_[id].max_attempts = std::max(max_attempts, 1u);
}

std::vector<Dispatcher::Grant> Dispatcher::clear_job(JobId id, Instant now) {
  std::vector<Grant> cancelled;
  Job& job = jobs_.at(id);
  while (!job.segments.empty()) {
    const SegmentKey key{id, job.segments.begin()->first};
    for (LeaseId lease : std::vector<LeaseId>(segment(key).leases)) {
      cancelled.push_back(leases_.at(lease).grant);
      end(cancelled.back(), now);
    }
    forget_segment(key);
  }
  job.blocked = false;
  job.throttle = Throttle::kNone;
  return cancelled;
}

std::vector<Dispatcher::Grant> Dispatcher::remove_job(JobId id, Instant now) {
  std::vector<Grant> cancelled = clear_job(id, now);
  jobs_.erase(id);
  for (auto& [_, worker] : workers_)
    worker.silence.erase(id);
  return cancelled;
}

void Dispatcher::set_blocked(JobId job, bool blocked) {
  jobs_.at(job).blocked = blocked;
}

void Dispatcher::set_throttle(JobId job, Throttle throttle) {
  jobs_.at(job).throttle = throttle;
}

void Dispatcher::add_segment(SegmentKey key, double work) {
  Job& job = jobs_.at(key.job);
  const auto [at, added] = job.segments.try_emplace(key.index);
  if (!added)
    return;
  at->second.work = std::max(work, 1e-9);
  queue(key.job, job, key.index);
}

void Dispatcher::queue(JobId id, Job& job, std::uint64_t index) {
  job.queued.insert(index);
  turns_.insert(turn(id, job));
}

void Dispatcher::forget_segment(SegmentKey key) {
  Job& job = jobs_.at(key.job);
  const auto node = job.segments.extract(key.index);
  for (WorkerId worker : node.mapped().failed_on)
    workers_.at(worker).failed.erase(key);
  job.queued.erase(key.index);
  if (job.queued.empty())
    turns_.erase(turn(key.job, job));
}

std::optional<std::uint64_t> Dispatcher::earliest(JobId id) const {
  const auto job = jobs_.find(id);
  if (job == jobs_.end() || job->second.segments.empty())
    return std::nullopt;
  return job->second.segments.begin()->first;
}

std::size_t Dispatcher::leases(JobId id) const {
  const auto job = jobs_.find(id);
  return job != jobs_.end() ? job->second.leases : 0;
}

std::size_t Dispatcher::open_segments(JobId id) const {
  const auto job = jobs_.find(id);
  return job != jobs_.end() ? job->second.segments.size() : 0;
}

// --- Workers

void Dispatcher::add_worker(WorkerId id, unsigned capacity, std::string name) {
  const auto [at, added] = workers_.try_emplace(id);
  if (!added)
    return;
  at->second.capacity = std::max(capacity, 1u);
  at->second.name = std::move(name);
  list(id, at->second);
}

// Puts the worker where it belongs among those that can take a lease. One of unknown speed is
// tried first.
void Dispatcher::list(WorkerId id, Worker& worker) {
  const unsigned capacity = worker.on_probation ? 1 : worker.capacity;
  if (worker.suspended_until != 0 || worker.leases.size() >= capacity)
    return;
  const double load = static_cast<double>(worker.leases.size() + 1);
  worker.key = {load * std::max(worker.nanoseconds, 1.0), id};
  free_.insert(worker.key);
  if (worker.leases.empty())
    idle_.insert(worker.key);
}

void Dispatcher::unlist(const Worker& worker) {
  free_.erase(worker.key);
  idle_.erase(worker.key);
}

std::vector<Dispatcher::Failure> Dispatcher::remove_worker(WorkerId id, bool in_good_order,
                                                           const std::string& reason) {
  std::vector<Failure> failures;
  const auto found = workers_.find(id);
  if (found == workers_.end())
    return failures;
  unlist(found->second);
  suspended_.erase({found->second.suspended_until, id});
  for (SegmentKey key : found->second.failed)
    segment(key).failed_on.erase(id);
  found->second.failed.clear();
  const std::vector<LeaseId> held = found->second.leases;
  bool counts = !in_good_order && !held.empty() && leases_.at(held.front()).confirmed;
  for (LeaseId lease : held) {
    failures.push_back(
        {.grant = leases_.at(lease).grant, .reason = std::string(clip(reason, kMaxReason))});
    end(failures.back().grant, kNever);
  }
  const Worker worker = std::move(found->second);
  workers_.erase(found);
  for (Failure& failure : failures) {
    settle_failure(failure, worker, counts && segment(failure.grant.segment).leases.empty());
    counts = false;
  }
  return failures;
}

void Dispatcher::suspend(WorkerId id, Failure& failure, Instant now) {
  Worker& worker = workers_.at(id);
  unlist(worker);
  for (LeaseId lease : std::vector<LeaseId>(worker.leases)) {
    failure.cancelled.push_back(leases_.at(lease).grant);
    const SegmentKey key = failure.cancelled.back().segment;
    end(failure.cancelled.back(), now);
    requeue(key);
  }
  unlist(worker);
  failure.suspended = config_.suspension;
  for (unsigned i = 0; i < worker.suspensions && failure.suspended < config_.longest_suspension;
       ++i)
    failure.suspended *= 2;
  failure.suspended = std::min(failure.suspended, config_.longest_suspension);
  ++worker.suspensions;
  worker.failures = 0;
  worker.on_probation = true;
  worker.suspended_until = now + failure.suspended;
  suspended_.emplace(worker.suspended_until, id);
}

void Dispatcher::end_suspensions(Instant now) {
  while (!suspended_.empty() && suspended_.begin()->first <= now) {
    const WorkerId id = suspended_.begin()->second;
    suspended_.erase(suspended_.begin());
    Worker& worker = workers_.at(id);
    worker.suspended_until = 0;
    list(id, worker);
  }
}

// --- Granting

// Whether any queued segment may be granted now.
bool Dispatcher::has_work() const {
  return std::any_of(turns_.begin(), turns_.end(), [this](const Turn& turn) {
    const Job& job = jobs_.at(std::get<2>(turn));
    return job.throttle == Throttle::kNone || (job.throttle == Throttle::kEarliestOnly &&
                                               job.queued.count(job.segments.begin()->first) != 0);
  });
}

bool Dispatcher::may_take(WorkerId id, const Segment& segment, const Job& job) const {
  if (segment.failed_on.count(id) != 0)
    return segment.failed_on.size() >= workers_.size();
  // Whoever starts a broken worker again and again must not use up all attempts while a good one is
  // still busy: from here on only the worker that has been there longest goes before proven ones.
  if (segment.failures < job.max_attempts || workers_.at(id).proven)
    return true;
  const auto first = std::find_if(workers_.begin(), workers_.end(), [&](const auto& worker) {
    return segment.failed_on.count(worker.first) == 0;
  });
  return first->first == id;
}

// Passes over those segments only that this worker failed, or that wait for another one. What it
// failed in a way that did not count comes after everything else.
std::optional<std::uint64_t> Dispatcher::queued_for(WorkerId worker, const Job& job) const {
  if (job.throttle == Throttle::kStopped)
    return std::nullopt;
  std::optional<std::uint64_t> last;
  for (std::uint64_t index : job.queued) {
    if (job.throttle == Throttle::kEarliestOnly && index != job.segments.begin()->first)
      break;
    const Segment& segment = job.segments.at(index);
    if (!may_take(worker, segment, job))
      continue;
    if (!segment.doubtful || segment.failed_on.count(worker) == 0)
      return index;
    last = last.value_or(index);
  }
  return last;
}

std::optional<Dispatcher::Grant> Dispatcher::next_grant(Instant now) {
  end_suspensions(now);
  hedge_at_ = kNever;
  if (has_work())
    for (const auto& [_, worker] : free_)
      for (const auto& [leases, served, id] : turns_)
        if (const auto index = queued_for(worker, jobs_.at(id)))
          return begin(worker, {id, *index}, now);
  return hedge(now);
}

Dispatcher::Grant Dispatcher::begin(WorkerId id, SegmentKey key, Instant now) {
  Job& job = jobs_.at(key.job);
  Segment& segment = job.segments.at(key.index);
  const Grant grant{next_lease_++, id, key, ++segment.attempts, !segment.leases.empty(), now};
  turns_.erase(turn(key.job, job));
  job.queued.erase(key.index);
  ++job.leases;
  job.served = ++grants_;
  if (!job.queued.empty())
    turns_.insert(turn(key.job, job));

  Worker& worker = workers_.at(id);
  unlist(worker);
  leases_[grant.lease] = {.grant = grant};
  worker.leases.push_back(grant.lease);
  segment.leases.push_back(grant.lease);
  start_front(worker, now);
  update_newest(segment, job);
  list(id, worker);
  return grant;
}

// The deadline of a lease runs from when its worker can begin with it.
void Dispatcher::start_front(Worker& worker, Instant now) {
  if (worker.leases.empty())
    return;
  Lease& lease = leases_.at(worker.leases.front());
  if (lease.began != kNever)
    return;
  lease.began = lease.heard = now;
  renew(lease, worker);
  const SegmentKey key = lease.grant.segment;
  update_newest(segment(key), jobs_.at(key.job));
}

// Of a segment's leases the newest is watched: when that is late too there shall be one more.
void Dispatcher::update_newest(const Segment& segment, Job& job) {
  for (LeaseId id : segment.leases) {
    job.newest.erase(id);
    job.waiting.erase(id);
    job.crowded.erase(id);
  }
  if (segment.leases.empty())
    return;
  const LeaseId id = segment.leases.back();
  if (segment.leases.size() >= kMaxCopies) {
    job.crowded.insert(id);
    return;
  }
  job.newest.insert(id);
  if (leases_.at(id).began == kNever)
    job.waiting.insert(id);
}

// Whether the lease is so many times later than that share of the leases. If not, notes when to
// look again.
bool Dispatcher::is_late(const Job& job, LeaseId id, double share, double times, Instant now) {
  const Lease& lease = leases_.at(id);
  const double work = job.segments.at(lease.grant.segment.index).work;
  // For what everybody waits for, one is enough to go by.
  const bool known = job.times.count() >= (share < kLateShare ? 1 : kLeastSamples);
  const double late = known ? job.times.at(share) * work
                            : kUnknownLate * static_cast<double>(config_.first_silence);
  const Instant at = lease.grant.granted + static_cast<Instant>(std::ceil(late * times));
  if (now >= at)
    return true;
  hedge_at_ = std::min(hedge_at_, at);
  return false;
}

// Leases that shall be hedged now, the most urgent first.
std::vector<LeaseId> Dispatcher::late_leases(const Job& job, Instant now) {
  std::vector<LeaseId> urgent;
  if (job.segments.empty() || job.throttle == Throttle::kStopped)
    return urgent;
  const Segment& first = job.segments.begin()->second;
  const bool throttled = job.throttle != Throttle::kNone;
  if (!first.leases.empty() && first.leases.size() < kMaxCopies && (job.blocked || throttled)) {
    const LeaseId id = first.leases.back();
    if (job.waiting.count(id) != 0 || is_late(job, id, kBlockingShare, 1, now))
      urgent.push_back(id);
  }
  // Each further copy is given later and later: whoever holds these may only pretend to go on.
  for (LeaseId id : job.crowded) {
    const auto& leases = segment(leases_.at(id).grant.segment).leases;
    const auto beyond = static_cast<double>(leases.size() - kMaxCopies + 1);
    if (is_late(job, id, kLateShare, std::exp2(beyond), now))
      urgent.push_back(id);
  }
  if (throttled)
    return urgent;
  // An idle worker begins at once with what waits behind another lease.
  for (LeaseId id : job.waiting) {
    if (urgent.size() >= kHedgeChoices)
      return urgent;
    urgent.push_back(id);
  }
  for (LeaseId id : job.newest) {
    if (urgent.size() >= kHedgeChoices || !is_late(job, id, kLateShare, 1, now))
      return urgent;
    urgent.push_back(id);
  }
  return urgent;
}

// The idle worker to try a late lease's segment too: one that has shown that it can work; else one
// that is new; and if the lease is very late one that failed the segment, as long as that is not
// the last attempt.
std::optional<WorkerId> Dispatcher::hedger(const Job& job, LeaseId late, Instant now) {
  const Segment& segment = job.segments.at(leases_.at(late).grant.segment.index);
  const auto find = [&](auto fits) -> std::optional<WorkerId> {
    const auto at = std::find_if(idle_.begin(), idle_.end(),
                                 [&](const auto& idle) { return fits(idle.second); });
    return at != idle_.end() ? std::optional(at->second) : std::nullopt;
  };
  const auto fresh = [&](WorkerId id) {
    return segment.failed_on.count(id) == 0 && may_take(id, segment, job);
  };
  if (const auto worker = find([&](WorkerId id) { return workers_.at(id).proven && fresh(id); }))
    return worker;
  if (const auto worker = find(fresh))
    return worker;
  if (segment.failures + 1 < job.max_attempts && is_late(job, late, kLateShare, kVeryLate, now))
    return find([](WorkerId) { return true; });
  return std::nullopt;
}

std::optional<Dispatcher::Grant> Dispatcher::hedge(Instant now) {
  if (idle_.empty())
    return std::nullopt;
  for (const auto& entry : jobs_)
    for (LeaseId late : late_leases(entry.second, now))
      if (const auto worker = hedger(entry.second, late, now))
        return begin(*worker, leases_.at(late).grant.segment, now);
  return std::nullopt;
}

// --- The end of a lease

// Takes the lease away from its segment and its worker, which is not listed until it resumes.
Dispatcher::Lease Dispatcher::take_away(const Grant& grant) {
  const Lease lease = leases_.extract(grant.lease).mapped();
  deadlines_.erase({lease.listed, grant.lease});
  Job& job = jobs_.at(grant.segment.job);
  const Turn before = turn(grant.segment.job, job);
  --job.leases;
  if (turns_.erase(before) != 0)
    turns_.insert(turn(grant.segment.job, job));
  job.newest.erase(grant.lease);
  job.waiting.erase(grant.lease);
  job.crowded.erase(grant.lease);
  Segment& segment = job.segments.at(grant.segment.index);
  std::erase(segment.leases, grant.lease);
  update_newest(segment, job);

  Worker& worker = workers_.at(grant.worker);
  unlist(worker);
  std::erase(worker.leases, grant.lease);
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
  if (now == kNever)
    return;
  Worker& worker = workers_.at(grant.worker);
  // However it ended, the worker was not faster than this.
  if (lease.began != kNever)
    worker.nanoseconds = std::max(
        worker.nanoseconds, static_cast<double>(now - lease.began) / segment(grant.segment).work);
  resume(grant.worker, worker, now);
}

std::optional<std::vector<Dispatcher::Grant>> Dispatcher::complete(WorkerId id, LeaseId lease_id,
                                                                   Instant now) {
  const Grant* found = find(id, lease_id);
  if (!found)
    return std::nullopt;
  const Grant grant = *found;
  const Lease lease = take_away(grant);
  Worker& worker = workers_.at(id);
  Job& job = jobs_.at(grant.segment.job);
  const double work = segment(grant.segment).work;
  const Instant began = lease.began != kNever ? lease.began : grant.granted;
  const double nanoseconds = static_cast<double>(now - began) / work;
  // Before the next lease begins, whose deadline depends on it.
  learn_silence(worker, lease, now);
  worker.nanoseconds = worker.proven
                           ? worker.nanoseconds + kNewest * (nanoseconds - worker.nanoseconds)
                           : nanoseconds;
  worker.proven = true;
  worker.failures = 0;
  if (worker.on_probation) {
    worker.on_probation = false;
    worker.suspensions /= 2;
  }
  resume(id, worker, now);
  job.times.add(static_cast<double>(now - grant.granted) / work);

  std::vector<Grant> cancelled;
  for (LeaseId other : std::vector<LeaseId>(segment(grant.segment).leases)) {
    cancelled.push_back(leases_.at(other).grant);
    end(cancelled.back(), now);
  }
  forget_segment(grant.segment);
  return cancelled;
}

void Dispatcher::requeue(SegmentKey key) {
  if (segment(key).leases.empty())
    queue(key.job, jobs_.at(key.job), key.index);
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
                                                    bool counts) {
  const Grant* grant = find(id, lease);
  if (!grant)
    return std::nullopt;
  segment(grant->segment).doubtful = !counts;
  Failure failure = fail_lease(Grant(*grant), reason, counts, now);
  Worker& worker = workers_.at(id);
  if (counts && (++worker.failures >= kFailuresToSuspend || worker.on_probation))
    suspend(id, failure, now);
  return failure;
}

Dispatcher::Failure Dispatcher::fail_lease(const Grant& grant, const std::string& reason,
                                           bool counts, Instant now) {
  Failure failure{.grant = grant, .reason = std::string(clip(reason, kMaxReason))};
  end(grant, now);
  Worker& worker = workers_.at(grant.worker);
  segment(grant.segment).failed_on.insert(grant.worker);
  worker.failed.insert(grant.segment);
  settle_failure(failure, worker, counts);
  return failure;
}

// Decides what becomes of the segment of a lease that ended without a result.
void Dispatcher::settle_failure(Failure& failure, const Worker& worker, bool counts) {
  const SegmentKey key = failure.grant.segment;
  Job& job = jobs_.at(key.job);
  Segment& segment = job.segments.at(key.index);
  if (segment.history.size() < kMaxHistory)
    segment.history += (segment.history.empty() ? "" : "; ") + std::string("attempt ") +
                       std::to_string(failure.grant.attempt) + " on " + worker.name + ": " +
                       std::string(clip(failure.reason, kMaxKept)) +
                       (counts ? "" : " (does not count)");
  if (!counts)
    return requeue(key);
  ++segment.failures;
  segment.proven_failures += worker.proven ? 1 : 0;
  if (!segment.leases.empty())
    return;
  const bool nobody_left = segment.failed_on.size() >= workers_.size();
  if (segment.proven_failures < job.max_attempts &&
      (segment.failures < job.max_attempts || !nobody_left) &&
      segment.failures < kUnprovenFactor * job.max_attempts) {
    queue(key.job, job, key.index);
    return;
  }
  failure.given_up = "segment " + std::to_string(key.index) + ": given up after " +
                     std::to_string(segment.failures) + " failed attempts (" + segment.history +
                     ")";
  forget_segment(key);
}

// --- Deadlines

Instant Dispatcher::silence_of(const Worker& worker, JobId job) const {
  const auto known = worker.silence.find(job);
  return known != worker.silence.end() ? std::min(known->second, config_.longest_silence)
                                       : config_.first_silence;
}

void Dispatcher::learn_silence(Worker& worker, const Lease& lease, Instant now) {
  if (lease.began == kNever)
    return;
  Instant& silence = worker.silence[lease.grant.segment.job];
  const Instant newest = std::max(lease.silence, now - lease.heard);
  silence =
      std::max(newest, silence - static_cast<Instant>(static_cast<double>(silence) * kNewest));
}

// Moves the deadline away. Its entry in the list is moved only when its turn comes, so a sign of
// life costs nothing.
void Dispatcher::renew(Lease& lease, const Worker& worker) {
  const Instant silence = silence_of(worker, lease.grant.segment.job);
  lease.deadline = lease.heard + config_.deadline_floor +
                   static_cast<Instant>(config_.deadline_factor * static_cast<double>(silence));
  if (lease.listed <= lease.deadline)
    return;
  deadlines_.erase({lease.listed, lease.grant.lease});
  lease.listed = lease.deadline;
  deadlines_.emplace(lease.listed, lease.grant.lease);
}

void Dispatcher::progress(WorkerId id, LeaseId lease_id, Instant now) {
  const auto found = leases_.find(lease_id);
  if (found == leases_.end() || found->second.grant.worker != id)
    return;
  Lease& lease = found->second;
  lease.confirmed = true;
  // What is fetched ahead says nothing of the lease that the worker is at.
  if (lease.began == kNever)
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
    // If it was not dead but slow, it has more time next time.
    const Instant silence = silence_of(worker, grant.segment.job);
    worker.silence[grant.segment.job] =
        std::max(silence, std::min(2 * silence, config_.longest_silence));
    Failure failure = fail_lease(grant, "no sign of progress for " + seconds(now - lease.heard),
                                 lease.confirmed && segment(grant.segment).leases.size() == 1, now);
    suspend(grant.worker, failure, now);
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
  return at;
}

// --- Questions

const Dispatcher::Grant* Dispatcher::find(WorkerId worker, LeaseId lease) const {
  const auto found = leases_.find(lease);
  return found != leases_.end() && found->second.grant.worker == worker ? &found->second.grant
                                                                        : nullptr;
}

std::vector<Dispatcher::Grant> Dispatcher::leases_of(SegmentKey key) const {
  std::vector<Grant> grants;
  const auto job = jobs_.find(key.job);
  if (job == jobs_.end())
    return grants;
  const auto segment = job->second.segments.find(key.index);
  if (segment == job->second.segments.end())
    return grants;
  for (LeaseId lease : segment->second.leases)
    grants.push_back(leases_.at(lease).grant);
  return grants;
}

std::vector<Dispatcher::Grant> Dispatcher::leases_of(JobId id) const {
  std::vector<Grant> grants;
  const auto job = jobs_.find(id);
  if (job == jobs_.end())
    return grants;
  grants.reserve(job->second.leases);
  for (const auto& entry : job->second.segments)
    for (LeaseId lease : entry.second.leases)
      grants.push_back(leases_.at(lease).grant);
  return grants;
}

}  // namespace dist
