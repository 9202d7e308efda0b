// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How leases end without a result, and what the results that arrive take of a job's memory.
#include "gst/lease/coordinator.h"

namespace dist {

void Coordinator::lease_failed(const WorkerInfo& worker, Dispatcher::Failure failure, Instant now) {
  make_room(failure.grant);
  cancel({failure.grant});
  cancel(failure.cancelled);
  if (failure.grant.is_exam())
    exam_failed(failure, now);
  note_failure(worker, failure, now);
  tell_failed(worker, failure);
  if (failure.suspended == 0)
    return;
  events_.push_back(WorkerSuspended{worker, failure.suspended, failure.reason});
  for (auto& [id, job] : jobs_)
    require_exam(*connections_.at(worker.id), id, job, now);
}

void Coordinator::tell_failed(const WorkerInfo& worker, const Dispatcher::Failure& failure) {
  events_.push_back(LeaseFailed{worker, failure.grant, failure.reason});
  if (!failure.given_up.empty())
    segment_given_up({failure.grant, worker.name, failure.given_up});
}

void Coordinator::segment_given_up(const Dispatcher::GivenUp& given_up) {
  const SegmentKey& key = given_up.last.segment;
  if (!dispatcher_.is_open(key.job, key.index)) {
    Job& job = jobs_.at(key.job);
    job.segments.erase(key.index);
    job.provisional.erase(key.index);
    job.verification.forget_segment(key.index);
  }
  events_.push_back(SegmentGivenUp{given_up.last, given_up.worker, given_up.reason});
}

// Ends leases at those of their workers that are still there.
void Coordinator::cancel(const std::vector<Dispatcher::Grant>& grants) {
  for (const Dispatcher::Grant& grant : grants) {
    lease_ended(grant.lease);
    const auto connection = connections_.find(grant.worker);
    if (connection == connections_.end())
      continue;
    connection->second->port->cancel(grant.lease);
    account_incoming(*connection->second);
    writable_.push_back(grant.worker);
  }
}

// Whether the result may go beyond the limit. Room comes from the earliest segment only; and a
// worker that passes its exam may be the only one that can make that segment.
bool Coordinator::may_exceed(const Dispatcher::Grant& grant, const Job& job) const {
  return grant.is_exam() || grant.segment.index == job.room.window().oldest();
}

bool Coordinator::admit_result(const Dispatcher::Grant& grant) {
  return jobs_.at(grant.segment.job)
      .room.admit(grant.lease,
                  grant.is_exam() ? ResultRoom::Kind::kExam : ResultRoom::Kind::kSegment);
}

// Looks at what has arrived of a result.
void Coordinator::check_incoming(Connection& connection, Instant now) {
  account_incoming(connection);
  if (connection.incoming == 0)
    return;
  const Dispatcher::Grant grant =
      *dispatcher_.find(connection.info.id, connection.port->incoming()->lease);
  Job& job = jobs_.at(grant.segment.job);
  if (!job.room.fits(0) && (!may_exceed(grant, job) || !admit_result(grant)))
    put_off(grant, connection.incoming, now);
}

// There is no room for this result until earlier ones are delivered.
void Coordinator::put_off(const Dispatcher::Grant& grant, std::uint64_t size, Instant now) {
  jobs_.at(grant.segment.job).room.put_off(size);
  cancel({dispatcher_.release(grant.worker, grant.lease, now).value()});
}

// What has arrived of the result goes with its lease, and no delivery has to be awaited.
void Coordinator::make_room(const Dispatcher::Grant& grant) {
  const auto connection = connections_.find(grant.worker);
  if (connection == connections_.end() || connection->second->incoming == 0 ||
      connection->second->incoming_lease != grant.lease)
    return;
  if (const auto job = jobs_.find(connection->second->incoming_job); job != jobs_.end())
    job->second.room.freed();
}

void Coordinator::lease_ended(LeaseId lease) {
  take_held(lease);
  for (auto& [_, job] : jobs_)
    job.room.lease_ended(lease);
}

void Coordinator::account_incoming(Connection& connection) {
  const auto job = jobs_.find(connection.incoming_job);
  if (job != jobs_.end())
    job->second.room.arrived(connection.incoming, 0);
  connection.incoming = 0;
  const auto incoming = connection.port->incoming();
  if (!incoming)
    return;
  if (const auto* grant = dispatcher_.find(connection.info.id, incoming->lease)) {
    connection.incoming = incoming->bytes;
    connection.incoming_lease = incoming->lease;
    connection.incoming_job = grant->segment.job;
    jobs_.at(connection.incoming_job).room.arrived(0, incoming->bytes);
  }
}

void Coordinator::throttle(JobId id, Job& job) {
  const auto throttle = job.room.throttle(dispatcher_.leases(id), dispatcher_.earliest(id),
                                          held_.contains(job.room.admitted()));
  job.stopped = throttle == Dispatcher::Throttle::kStopped;
  // What is held back is the next to leave: room comes from it only.
  const auto oldest = job.room.window().oldest();
  if (job.stopped && oldest && job.kept.contains(*oldest))
    settle_all(id, job);
  dispatcher_.set_throttle(id, throttle);
  dispatcher_.stop_exams(id,
                         job.room.stops_exams(dispatcher_.leases(id), dispatcher_.exam_leases(id)));
}

}  // namespace dist
