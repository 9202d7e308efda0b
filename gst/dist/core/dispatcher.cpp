// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/dispatcher.h"

#include <algorithm>

namespace dist {

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
