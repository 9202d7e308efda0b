// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What observers are told. They are neither asked nor leased anything, so nothing here changes what
// becomes of a job.
#include <algorithm>
#include <utility>

#include "gst/lease/coordinator.h"

namespace dist {

void Coordinator::handle(Connection& connection, PrimarySession::Observing&, Instant) {
  connection.observes = true;
  end_greeting(connection);
  watch(connection);
  if (all_done())
    connection.port->done(kJobDone);
}

void Coordinator::handle(Connection& connection, PrimarySession::StatusAsked&, Instant) {
  connection.asks = true;
}

std::uint64_t Coordinator::frames_in(const Segment& segment) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      segment.header->units, [](const AccessUnit& unit) { return unit.show != kNoTime; }));
}

void Coordinator::note_result(const SegmentDone& done, Job& job) {
  const std::uint64_t frames = frames_in(job.segments.at(done.grant.segment.index));
  if (const auto connection = connections_.find(done.worker.id); connection != connections_.end()) {
    ++connection->second->results;
    connection->second->frames += frames;
  }
  if (!done.complete)
    return;
  ++job.segments_done;
  job.frames_done += frames;
}

void Coordinator::note_failure(const WorkerInfo& worker, const Dispatcher::Failure& failure,
                               Instant now) {
  if (const auto connection = connections_.find(worker.id); connection != connections_.end())
    ++connection->second->failures;
  ++jobs_.at(failure.grant.segment.job).failures;
  failures_.push_front({worker, failure.grant, failure.reason, now});
  if (failures_.size() > FarmStatus::kMaxFailures)
    failures_.pop_back();
}

FarmStatus::JobStatus Coordinator::status_of(JobId id, const Job& job, Instant now) const {
  std::set<std::uint64_t> leased;
  for (const Dispatcher::Grant& grant : dispatcher_.leases_of(id))
    leased.insert(grant.segment.index);
  FarmStatus::JobStatus status{.id = id,
                               .finished = job.done,
                               .elapsed = job.first_segment_at ? now - *job.first_segment_at : 0,
                               .done = job.segments_done,
                               .leased = leased.size(),
                               .queued = open_segments(id, job) - leased.size(),
                               .frames = job.frames_done,
                               .failures = job.failures,
                               .hedges = job.hedges,
                               .renditions = {}};
  for (std::size_t i = 0; i < job.abilities.renditions().size(); ++i)
    status.renditions.push_back({job.abilities.renditions()[i].name, job.abilities.encoder(i)});
  return status;
}

FarmStatus::WorkerStatus Coordinator::status_of(const Connection& connection, Instant now) const {
  const WorkerInfo& info = connection.info;
  const Instant suspended = dispatcher_.suspended_until(info.id);
  FarmStatus::WorkerStatus status{
      .id = info.id,
      .name = info.name,
      .address = info.address,
      .capacity = static_cast<std::uint16_t>(connection.capacity),
      .connected = now - connection.joined_at,
      .working = connection.first_lease_at ? now - *connection.first_lease_at : 0,
      .suspended = suspended > now ? suspended - now : 0,
      .results = connection.results,
      .frames = connection.frames,
      .failures = connection.failures,
      .leases = {}};
  for (const Dispatcher::Grant& grant : dispatcher_.leases_held(info.id)) {
    const SegmentKey segment = grant.segment;
    status.leases.push_back({segment.job, segment.index, grant.attempt, now - grant.granted});
  }
  return status;
}

FarmStatus Coordinator::status(Instant now) const {
  FarmStatus status;
  for (const auto& [id, job] : jobs_)
    status.jobs.push_back(status_of(id, job, now));
  std::set<WorkerId> workers;
  for (const auto& [id, connection] : connections_)
    if (connection->works())
      workers.insert(id);
  status.all_workers = static_cast<std::uint32_t>(workers.size());
  for (WorkerId id : workers) {
    if (status.workers.size() == FarmStatus::kMaxWorkers)
      break;
    status.workers.push_back(status_of(*connections_.at(id), now));
  }
  for (const Failure& failure : failures_)
    status.failures.push_back({failure.grant.segment.job, failure.grant.segment.index,
                               failure.grant.attempt, now - failure.at, failure.worker.name,
                               failure.reason});
  return status;
}

}  // namespace dist
