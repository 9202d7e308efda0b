// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The workers of the dispatcher: what they can make, and which of them have room.
#include <algorithm>
#include <utility>

#include "gst/lease/dispatcher.h"

namespace dist {

void Dispatcher::add_worker(WorkerId id, unsigned capacity, std::string name, std::string process,
                            std::string identity, bool own) {
  const auto [at, added] = workers_.try_emplace(id);
  if (!added)
    return;
  at->second.capacity = std::max(capacity, 1u);
  at->second.name = std::move(name);
  at->second.process = std::move(process);
  at->second.own = own;
  // Numbers are no names of hosts.
  at->second.identity = identity.empty() ? std::to_string(id) : std::move(identity);
  // What it failed before others try first.
  for (auto& [_, queue] : queues_)
    for (auto& [key, part] : queue.parts)
      if (part.failed_by.contains(at->second.identity)) {
        part.failed_on.insert(id);
        at->second.failed.insert(key);
      }
  join_group(id, at->second, {});
}

void Dispatcher::set_ability(WorkerId id, JobId job, RenditionSet renditions) {
  const auto found = workers_.find(id);
  if (found == workers_.end())
    return;
  Worker& worker = found->second;
  Abilities abilities = worker.group->first;
  const RenditionSet all = ~RenditionSet{0} >> (32 - queues_.at(job).weights.size());
  if ((all & ~renditions) == 0)
    abilities.erase(job);
  else
    abilities[job] = renditions;
  if (abilities == worker.group->first)
    return;
  leave_group(id, worker);
  join_group(id, worker, std::move(abilities));
}

RenditionSet Dispatcher::ability(WorkerId worker, JobId job) const {
  return ability_of(*workers_.at(worker).group, job);
}

RenditionSet Dispatcher::unable(JobId id) const {
  RenditionSet missing = 0;
  for (const auto& [renditions, _] : queues_.at(id).queued)
    missing |= renditions;
  for (const auto& group : groups_)
    missing &= ~ability_of(group, id);
  return missing;
}

// An exam asks for nothing that its worker cannot make.
RenditionSet Dispatcher::ability_of(const Groups::value_type& group, const QueueId& queue) {
  const auto known = queue.examinee ? group.first.end() : group.first.find(queue.job);
  return known != group.first.end() ? known->second : ~RenditionSet{0};
}

void Dispatcher::join_group(WorkerId id, Worker& worker, Abilities abilities) {
  worker.group = groups_.try_emplace(std::move(abilities)).first;
  worker.group->second.members.insert(id);
  list(id, worker);
}

void Dispatcher::leave_group(WorkerId id, const Worker& worker) {
  unlist(worker);
  worker.group->second.members.erase(id);
  if (worker.group->second.members.empty())
    groups_.erase(worker.group);
}

// Puts the worker where it belongs among those that can take a lease. One of unknown speed is
// tried first.
void Dispatcher::list(WorkerId id, Worker& worker) {
  const std::size_t most = std::max(worker.leases.size(), worker.answered.size());
  if (worker.suspended_until != 0 || most >= worker.capacity || (worker.on_probation && most != 0))
    return;
  const double load = static_cast<double>(worker.leases.size() + 1);
  worker.key = {load * std::max(worker.nanoseconds, 1.0), id};
  worker.group->second.free.insert(worker.key);
  if (worker.leases.empty())
    worker.group->second.idle.insert(worker.key);
}

void Dispatcher::unlist(const Worker& worker) {
  worker.group->second.free.erase(worker.key);
  worker.group->second.idle.erase(worker.key);
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

}  // namespace dist
