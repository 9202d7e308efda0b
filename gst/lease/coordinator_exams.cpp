// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What comes of exams.
#include <utility>

#include "gst/lease/coordinator.h"

namespace dist {

// What the lease is of.
const Coordinator::Segment& Coordinator::segment_of(const Dispatcher::Grant& grant) const {
  const Job& job = jobs_.at(grant.segment.job);
  return grant.is_exam() ? job.exams.segment_of(grant.worker)
                         : job.segments.at(grant.segment.index);
}

// The worker has joined, or was suspended.
void Coordinator::require_exam(const Connection& connection, JobId id, Job& job, Instant now) {
  const WorkerId worker = connection.info.id;
  if (connection.info.trust == Trust::kOwn || job.done)
    return;
  if (const auto step = job.exams.require(worker, dispatcher_.ability(worker, id)))
    apply(*step, id, now);
}

void Coordinator::set_able(WorkerId worker, JobId id, Job& job, RenditionSet able, Instant now) {
  apply(job.exams.set_able(worker, able), id, now);
}

void Coordinator::apply(const Exams::Step& step, JobId id, Instant now) {
  if (step.ends)
    if (const auto lease = dispatcher_.end_exam(id, step.worker, now))
      cancel({*lease});
  if (step.ability)
    dispatcher_.set_ability(step.worker, id, *step.ability);
  if (step.begins == 0)
    return;
  const SegmentHeader& header = *jobs_.at(id).exams.segment_of(step.worker).header;
  dispatcher_.begin_exam({id, header.index}, step.worker, static_cast<double>(header.units.size()),
                         step.begins);
}

void Coordinator::offer_golden(JobId id, Job& job, const Segment& segment, bool known,
                               Instant now) {
  for (const Exams::Step& step : job.exams.offer(segment, known))
    apply(step, id, now);
}

void Coordinator::exam_looked(const SegmentDone& done, const LookReport& look, Instant now) {
  const JobId id = done.grant.segment.job;
  if (!look.difference.empty()) {
    events_.push_back(PicturesDiffer{done.worker, done.grant, look.difference, look.evidence});
    return fail_exam(done, look.difference, now);
  }
  if (!look.unknown.empty())
    events_.push_back(PicturesUnknown{done.worker, done.grant, look.unknown});
  dispatcher_.complete(done.worker.id, done.grant.lease, now);
  apply(jobs_.at(id).exams.passed(done.worker.id), id, now);
}

// Its answer was wrong, which needs no second witness.
void Coordinator::fail_exam(const SegmentDone& done, const std::string& reason, Instant now) {
  Dispatcher::Failure failure{.grant = done.grant, .reason = reason};
  exam_failed(failure, now);
  note_failure(done.worker, failure, now);
  tell_failed(done.worker, failure);
  refute(done.worker.id, "it failed its exam: " + reason, now);
}

// Whether the segment is given up is not for the dispatcher to say, which knows of one worker's
// exam only.
void Coordinator::exam_failed(Dispatcher::Failure& failure, Instant now) {
  const SegmentKey& segment = failure.grant.segment;
  const WorkerInfo& worker = connections_.at(failure.grant.worker)->info;
  Exams& exams = jobs_.at(segment.job).exams;
  if (!failure.given_up.empty())
    apply(exams.again(worker.id), segment.job, now);
  failure.given_up = exams.failed({worker.id, worker.name, failure.reason, segment.index},
                                  dispatcher_.unable(segment.job), now);
}

// The worker is gone. No reason: in good order.
void Coordinator::exam_lost(const WorkerInfo& worker, JobId id, Job& job, const std::string& reason,
                            Instant now) {
  if (!job.exams.requires_of(worker.id))
    return;
  const auto lease = dispatcher_.exam_lease(id, worker.id);
  job.exams.forget(worker.id);
  apply({.worker = worker.id, .ends = true}, id, now);
  if (!lease || reason.empty())
    return;
  Dispatcher::Failure failure{.grant = *lease, .reason = reason};
  failure.given_up = job.exams.failed({worker.id, worker.name, reason, lease->segment.index},
                                      dispatcher_.unable(id), now);
  note_failure(worker, failure, now);
  tell_failed(worker, failure);
}

// Once others had the time to come.
void Coordinator::give_up_exams(JobId id, Job& job, Instant now) {
  if (now < job.exams.next_wakeup())
    return;
  const std::string reason = job.exams.give_up(dispatcher_.unable(id), now);
  if (reason.empty())
    return;
  const Exams::Failure& last = job.exams.last_failure();
  Dispatcher::GivenUp given_up{.last = {}, .worker = last.name, .reason = reason};
  given_up.last.worker = last.worker;
  given_up.last.segment = {.job = id, .index = last.segment};
  segment_given_up(given_up);
}

}  // namespace dist
