// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/dispatcher.h"

#include <algorithm>

namespace dist {

void Dispatcher::add_segment(std::uint64_t segment) {
  if (segments_.try_emplace(segment).second)
    queued_.insert(segment);
}

void Dispatcher::add_worker(WorkerId worker, unsigned capacity, std::string name) {
  capacity = std::max(capacity, 1u);
  if (workers_.try_emplace(worker, Worker{capacity, std::move(name), {}}).second)
    free_.emplace(0, worker);
}

void Dispatcher::set_load(WorkerId id, Worker& worker, bool add, LeaseId lease) {
  free_.erase({worker.leases.size(), id});
  if (add)
    worker.leases.insert(lease);
  else
    worker.leases.erase(lease);
  if (worker.leases.size() < worker.capacity)
    free_.emplace(worker.leases.size(), id);
}

Dispatcher::Failure Dispatcher::end_lease(const Grant& grant, const std::string& worker,
                                          const std::string& reason, bool counts) {
  Failure failure{grant, reason, {}};
  leases_.erase(grant.lease);
  Segment& segment = segments_[grant.segment];
  if (counts) {
    ++segment.failures;
    segment.failed_on.insert(grant.worker);
    segment.history += (segment.history.empty() ? "" : "; ") + std::string("attempt ") +
                       std::to_string(grant.attempt) + " on " + worker + ": " + reason;
  }
  if (segment.failures < config_.max_attempts) {
    queued_.insert(grant.segment);
  } else {
    failure.given_up = "segment " + std::to_string(grant.segment) + ": given up after " +
                       std::to_string(segment.failures) + " failed attempts (" + segment.history +
                       ")";
    segments_.erase(grant.segment);
  }
  return failure;
}

std::vector<Dispatcher::Failure> Dispatcher::remove_worker(WorkerId id, bool in_good_order,
                                                           const std::string& reason) {
  std::vector<Failure> failures;
  const auto found = workers_.find(id);
  if (found == workers_.end())
    return failures;
  Worker worker = std::move(found->second);
  free_.erase({worker.leases.size(), id});
  workers_.erase(found);
  bool counts = !in_good_order;
  for (LeaseId lease : worker.leases) {
    failures.push_back(end_lease(Grant(leases_.at(lease)), worker.name, reason, counts));
    counts = false;
  }
  return failures;
}

std::optional<WorkerId> Dispatcher::choose_worker(const Segment& segment) const {
  const auto untried = [&](const auto& worker) {
    return segment.failed_on.count(worker.second) == 0;
  };
  const auto best = std::find_if(free_.begin(), free_.end(), untried);
  if (best != free_.end())
    return best->second;
  // Every free worker failed it before: wait for another one if there is one.
  const bool another = std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    return segment.failed_on.count(worker.first) == 0;
  });
  if (another || free_.empty())
    return std::nullopt;
  return free_.begin()->second;
}

std::optional<Dispatcher::Grant> Dispatcher::next_grant() {
  if (free_.empty())
    return std::nullopt;
  for (std::uint64_t index : queued_) {
    Segment& segment = segments_.at(index);
    const auto worker = choose_worker(segment);
    if (!worker)
      continue;
    const Grant grant{next_lease_++, *worker, index, ++segment.attempts};
    leases_.emplace(grant.lease, grant);
    set_load(*worker, workers_.at(*worker), true, grant.lease);
    queued_.erase(index);
    return grant;
  }
  return std::nullopt;
}

const Dispatcher::Grant* Dispatcher::find(WorkerId worker, LeaseId lease) const {
  const auto found = leases_.find(lease);
  return found != leases_.end() && found->second.worker == worker ? &found->second : nullptr;
}

bool Dispatcher::complete(WorkerId worker, LeaseId lease) {
  const Grant* grant = find(worker, lease);
  if (!grant)
    return false;
  segments_.erase(grant->segment);
  set_load(worker, workers_.at(worker), false, lease);
  leases_.erase(lease);
  return true;
}

std::optional<Dispatcher::Failure> Dispatcher::fail(WorkerId worker, LeaseId lease,
                                                    const std::string& reason) {
  const Grant* grant = find(worker, lease);
  if (!grant)
    return std::nullopt;
  Worker& holder = workers_.at(worker);
  set_load(worker, holder, false, lease);
  return end_lease(Grant(*grant), holder.name, reason, true);
}

std::vector<Dispatcher::Grant> Dispatcher::cancel_all() {
  std::vector<Grant> cancelled;
  for (const auto& [lease, grant] : leases_) {
    cancelled.push_back(grant);
    set_load(grant.worker, workers_.at(grant.worker), false, lease);
  }
  leases_.clear();
  segments_.clear();
  queued_.clear();
  return cancelled;
}

}  // namespace dist
