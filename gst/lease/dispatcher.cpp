// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/dispatcher.h"

#include <algorithm>
#include <bit>

namespace dist {
namespace {

// What sending and decoding a part costs, as a share of the largest rendition.
constexpr double kDecoding = 0.25;
// Where some have shown that they can work, those that have not hold no more leases together than a
// crowd does, or than so many for each that has.
constexpr std::size_t kTrialsEach = 2;

}  // namespace

// --- Jobs and segments

void Dispatcher::add_job(JobId id, unsigned max_attempts, std::vector<double> weights) {
  Queue& queue = queues_[id];
  queue.max_attempts = std::max(max_attempts, 1u);
  queue.weights = std::move(weights);
}

std::vector<Dispatcher::Grant> Dispatcher::clear(const QueueId& id, Instant now) {
  std::vector<Grant> cancelled;
  Queue& queue = queues_.at(id);
  while (!queue.parts.empty()) {
    const SegmentKey key = queue.parts.begin()->first;
    for (LeaseId lease : std::vector<LeaseId>(part(key).leases)) {
      cancelled.push_back(leases_.at(lease).grant);
      end(cancelled.back(), now);
    }
    forget_part(key);
  }
  return cancelled;
}

std::vector<Dispatcher::Grant> Dispatcher::clear_job(JobId id, Instant now) {
  std::vector<Grant> cancelled = clear(id, now);
  for (const WorkerId examinee : std::set<WorkerId>(queues_.at(id).examinees))
    if (const auto lease = end_exam(id, examinee, now))
      cancelled.push_back(*lease);
  Queue& queue = queues_.at(id);
  queue.blocked = false;
  queue.exams_stopped = false;
  queue.throttle = Throttle::kNone;
  return cancelled;
}

std::vector<Dispatcher::Grant> Dispatcher::remove_job(JobId id, Instant now) {
  std::vector<Grant> cancelled = clear_job(id, now);
  for (auto& [worker_id, worker] : workers_) {
    std::erase_if(worker.silence, [&](const auto& entry) { return entry.first.first == id; });
    set_ability(worker_id, id, ~RenditionSet{0});
  }
  queues_.erase(id);
  return cancelled;
}

void Dispatcher::stop_exams(JobId job, bool stopped) {
  queues_.at(job).exams_stopped = stopped;
}

void Dispatcher::set_blocked(JobId job, bool blocked) {
  queues_.at(job).blocked = blocked;
}

void Dispatcher::set_throttle(JobId job, Throttle throttle) {
  queues_.at(job).throttle = throttle;
}

void Dispatcher::add_segment(SegmentKey key, double work, RenditionSet renditions) {
  if (is_open(key.job, key.index))
    return;
  ++queues_.at(key).open_segments;
  Part part;
  part.renditions = renditions;
  part.work = std::max(work, 1e-9);
  enqueue(add_part(key, std::move(part)));
}

void Dispatcher::reopen(SegmentKey key, double work, RenditionSet renditions) {
  if (!is_open(key.job, key.index))
    return add_segment(key, work, renditions);
  Part part;
  part.renditions = renditions;
  part.work = std::max(work, 1e-9);
  enqueue(add_part(key, std::move(part)));
}

SegmentKey Dispatcher::add_part(SegmentKey key, Part part) {
  key.first = std::countr_zero(part.renditions);
  for (WorkerId worker : part.failed_on)
    workers_.at(worker).failed.insert(key);
  if (part.kept_until != kNever)
    kept_.emplace(part.kept_until, key);
  queues_.at(key).parts.emplace(key, std::move(part));
  return key;
}

Dispatcher::Part Dispatcher::take_part(SegmentKey key) {
  dequeue(key);
  auto node = queues_.at(key).parts.extract(key);
  for (WorkerId worker : node.mapped().failed_on)
    workers_.at(worker).failed.erase(key);
  kept_.erase({node.mapped().kept_until, key});
  return std::move(node.mapped());
}

void Dispatcher::forget_part(SegmentKey key) {
  Queue& queue = queues_.at(key);
  take_part(key);
  if (count_parts(key) == 0)
    --queue.open_segments;
}

// Makes two parts of one without leases and queues the one without `taken`. Returns the other's
// key.
SegmentKey Dispatcher::split(SegmentKey key, RenditionSet taken) {
  Part one = take_part(key);
  Part other = one;
  one.renditions &= taken;
  other.renditions &= ~taken;
  enqueue(add_part(key, std::move(other)));
  return add_part(key, std::move(one));
}

void Dispatcher::enqueue(SegmentKey key) {
  Queue& queue = queues_.at(key);
  queue.queued[part(key).renditions].insert(key);
  turns_.insert(turn(key, queue));
}

void Dispatcher::dequeue(SegmentKey key) {
  Queue& queue = queues_.at(key);
  const auto queued = queue.queued.find(part(key).renditions);
  if (queued == queue.queued.end() || queued->second.erase(key) == 0)
    return;
  if (queued->second.empty())
    queue.queued.erase(queued);
  if (queue.queued.empty())
    turns_.erase(turn(key, queue));
}

double Dispatcher::work_of(const Queue& queue, const Part& part) {
  double weight = kDecoding * *std::max_element(queue.weights.begin(), queue.weights.end());
  for (std::size_t i = 0; i < queue.weights.size(); ++i)
    weight += (part.renditions >> i & 1) != 0 ? queue.weights[i] : 0;
  return part.work * weight;
}

std::size_t Dispatcher::open_parts(JobId id, std::uint64_t index) const {
  return count_parts({id, index});
}

std::size_t Dispatcher::count_parts(const SegmentKey& key) const {
  const std::uint64_t index = key.index;
  const auto& parts = queues_.at(key).parts;
  std::size_t count = 0;
  for (auto at = parts.lower_bound({.job = key.job, .index = index});
       at != parts.end() && at->first.index == index; ++at)
    ++count;
  return count;
}

std::vector<Dispatcher::Grant> Dispatcher::leases_held(WorkerId id) const {
  std::vector<Grant> grants;
  const Worker& worker = workers_.at(id);
  for (const auto* leases : {&worker.answered, &worker.leases})
    for (LeaseId lease : *leases)
      grants.push_back(leases_.at(lease).grant);
  return grants;
}

std::optional<std::uint64_t> Dispatcher::earliest(JobId id) const {
  const auto job = queues_.find(id);
  if (job == queues_.end() || job->second.parts.empty())
    return std::nullopt;
  return job->second.parts.begin()->first.index;
}

std::size_t Dispatcher::leases(JobId id) const {
  const auto job = queues_.find(id);
  return job != queues_.end() ? job->second.leases : 0;
}

std::size_t Dispatcher::open_segments(JobId id) const {
  const auto job = queues_.find(id);
  return job != queues_.end() ? job->second.open_segments : 0;
}

// --- Granting

// Whether anything queued may be granted now to a worker of that group.
bool Dispatcher::has_work(const Groups::value_type& group) const {
  return std::any_of(turns_.begin(), turns_.end(), [&](const Turn& turn) {
    const QueueId& id = std::get<QueueId>(turn);
    const Queue& queue = queues_.at(id);
    const RenditionSet able = ability_of(group, id);
    return !is_stopped(id, queue) && (!id.examinee || is_free(*id.examinee, group.second)) &&
           std::any_of(queue.queued.begin(), queue.queued.end(), [&](const auto& entry) {
             const auto& [renditions, keys] = entry;
             return (renditions & able) != 0 &&
                    (queue.throttle == Throttle::kNone ||
                     keys.begin()->index == queue.parts.begin()->first.index);
           });
  });
}

// Whether the worker is of that group, and has room.
bool Dispatcher::is_free(WorkerId id, const Group& group) const {
  const auto worker = workers_.find(id);
  return worker != workers_.end() && group.free.count(worker->second.key) != 0;
}

// Workers that could make some of it.
std::size_t Dispatcher::count_able(SegmentKey key, const Part& part) const {
  if (key.examinee)
    return workers_.count(*key.examinee);
  std::size_t able = 0;
  for (const auto& group : groups_)
    if ((ability_of(group, key) & part.renditions) != 0)
      able += group.second.members.size();
  return able;
}

// Whether all of those have failed it.
bool Dispatcher::failed_by_all(SegmentKey key, const Part& part) const {
  if (key.examinee)
    return part.failed_on.count(*key.examinee) != 0;
  // The failure of a worker that is not able any more does not count.
  const auto failed = std::count_if(part.failed_on.begin(), part.failed_on.end(), [&](WorkerId id) {
    return (ability(id, key.job) & part.renditions) != 0;
  });
  return static_cast<std::size_t>(failed) >= count_able(key, part);
}

// A worker that has completed more leases goes first: broken workers under many names must not use
// up all attempts while a good worker is still busy.
bool Dispatcher::is_next_to_try(WorkerId id, SegmentKey key, const Part& part) const {
  const std::uint64_t completed = workers_.at(id).completed;
  const auto has_it = [&](WorkerId other) {
    return std::ranges::any_of(
        part.leases, [&](LeaseId lease) { return leases_.at(lease).grant.worker == other; });
  };
  return std::ranges::none_of(workers_, [&](const auto& entry) {
    const auto& [other, worker] = entry;
    const bool goes_before =
        worker.completed > completed || (worker.completed == completed && other < id);
    return goes_before && worker.capacity != 0 && worker.suspended_until == 0 &&
           part.failed_on.count(other) == 0 && !has_it(other) &&
           (ability_of(*worker.group, key) & part.renditions) != 0;
  });
}

bool Dispatcher::has_trials_left() const {
  return proven_workers_ == 0 || trials_ < std::max(kCrowd, kTrialsEach * proven_workers_);
}

bool Dispatcher::may_take(WorkerId id, SegmentKey key, const Part& part) const {
  if (key.examinee)
    return *key.examinee == id;
  if (part.failed_on.count(id) != 0)
    return (part.kept_until == kNever || part.doubtful) && failed_by_all(key, part);
  return part.failures < queues_.at(key).max_attempts || is_next_to_try(id, key, part);
}

// Passes over those parts only that this worker failed, or that wait for another one. What it
// failed in a way that did not count comes after everything else.
std::optional<SegmentKey> Dispatcher::queued_for(WorkerId worker, RenditionSet able,
                                                 const QueueId& id) const {
  const Queue& queue = queues_.at(id);
  std::optional<SegmentKey> earliest;
  std::optional<SegmentKey> doubtful;
  if (is_stopped(id, queue))
    return earliest;
  for (const auto& [renditions, keys] : queue.queued) {
    if ((renditions & able) == 0)
      continue;
    for (const SegmentKey& key : keys) {
      if ((earliest && *earliest < key) || (queue.throttle == Throttle::kEarliestOnly &&
                                            key.index != queue.parts.begin()->first.index))
        break;
      const Part& part = queue.parts.at(key);
      if (!may_take(worker, key, part))
        continue;
      if (!part.doubtful || part.failed_on.count(worker) == 0) {
        earliest = key;
        break;
      }
      doubtful = std::min(key, doubtful.value_or(key));
    }
  }
  return earliest ? earliest : doubtful;
}

std::optional<Dispatcher::Grant> Dispatcher::next_grant(Instant now) {
  end_suspensions(now);
  hedge_at_ = kNever;
  std::optional<std::pair<double, WorkerId>> best;
  SegmentKey chosen;
  const auto look_for = [&](const Groups::value_type& group) {
    for (const auto& worker : group.second.free) {
      if (best && *best < worker)
        return;
      const bool proven = workers_.at(worker.second).proven;
      for (const Turn& turn : turns_) {
        const QueueId& id = std::get<QueueId>(turn);
        if (!proven && !id.examinee && !has_trials_left())
          continue;
        if (const auto key = queued_for(worker.second, ability_of(group, id), id)) {
          best = worker;
          chosen = *key;
          return;
        }
      }
    }
  };
  for (const auto& group : groups_)
    if (has_work(group))
      look_for(group);
  if (!best)
    return hedge(now);
  dequeue(chosen);
  const RenditionSet able = ability_of(*workers_.at(best->second).group, chosen);
  if ((part(chosen).renditions & ~able) != 0)
    chosen = split(chosen, able);
  return begin(best->second, chosen, now);
}

Dispatcher::Grant Dispatcher::begin(WorkerId id, SegmentKey key, Instant now) {
  Queue& queue = queues_.at(key);
  Part& part = queue.parts.at(key);
  const Grant grant{next_lease_++,        id, key, part.renditions, ++part.attempts,
                    !part.leases.empty(), now};
  turns_.erase(turn(key, queue));
  ++queue.leases;
  queue.served = ++grants_;
  if (!queue.queued.empty())
    turns_.insert(turn(key, queue));

  Worker& worker = workers_.at(id);
  unlist(worker);
  worker.tried = true;
  const bool is_trial = !worker.proven && !grant.is_exam();
  trials_ += is_trial ? 1 : 0;
  leases_[grant.lease] = {.grant = grant, .is_trial = is_trial};
  worker.leases.push_back(grant.lease);
  part.leases.push_back(grant.lease);
  start_front(worker, now);
  update_newest(part, queue);
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
  update_newest(part(key), queues_.at(key));
}

// --- Questions

const Dispatcher::Grant* Dispatcher::find(WorkerId worker, LeaseId lease) const {
  const auto found = leases_.find(lease);
  return found != leases_.end() && found->second.grant.worker == worker ? &found->second.grant
                                                                        : nullptr;
}

std::vector<Dispatcher::Grant> Dispatcher::leases_of(SegmentKey key) const {
  std::vector<Grant> grants;
  const auto queue = queues_.find(key);
  if (queue == queues_.end())
    return grants;
  const auto part = queue->second.parts.find(key);
  if (part == queue->second.parts.end())
    return grants;
  for (LeaseId lease : part->second.leases)
    grants.push_back(leases_.at(lease).grant);
  return grants;
}

std::vector<Dispatcher::Grant> Dispatcher::leases_of(JobId id) const {
  return leases_in(id);
}

std::vector<Dispatcher::Grant> Dispatcher::leases_in(const QueueId& id) const {
  std::vector<Grant> grants;
  const auto queue = queues_.find(id);
  if (queue == queues_.end())
    return grants;
  grants.reserve(queue->second.leases);
  for (const auto& entry : queue->second.parts)
    for (LeaseId lease : entry.second.leases)
      grants.push_back(leases_.at(lease).grant);
  return grants;
}

}  // namespace dist
