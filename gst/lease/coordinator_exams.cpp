// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that are examined before they get leases of a job: when they join, and after each
// suspension. An examined worker gets nothing else of the job meanwhile. What it makes is looked at
// and thrown away.
#include <algorithm>
#include <utility>

#include "gst/lease/coordinator.h"

namespace dist {

// --- Leases of exams

const Coordinator::Segment& Coordinator::segment_of(const Dispatcher::Grant& grant) const {
  const Job& job = jobs_.at(grant.segment.job);
  return grant.is_exam() ? job.candidates.at(grant.worker).segment
                         : job.segments.at(grant.segment.index);
}

// --- Who is examined

void Coordinator::add_candidate(const Connection& connection, JobId id, Job& job, Instant now) {
  if (!job.config.verification.golden || connection.info.trust == Trust::kOwn || job.done)
    return;
  const WorkerId worker = connection.info.id;
  if (job.candidates.try_emplace(worker).second)
    set_able(worker, id, job, dispatcher_.ability(worker, id), now);
}

// Says what the worker can make; it may do so once it has passed.
void Coordinator::set_able(WorkerId worker, JobId id, Job& job, RenditionSet able, Instant now) {
  const auto candidate = job.candidates.find(worker);
  if (candidate == job.candidates.end())
    return dispatcher_.set_ability(worker, id, able);
  candidate->second.able = able;
  dispatcher_.set_ability(worker, id, 0);
  examine(worker, id, job, now);
}

// With all that it can make, if that is not so already.
void Coordinator::examine(WorkerId worker, JobId id, Job& job, Instant now) {
  Candidate& candidate = job.candidates.at(worker);
  if (!job.golden || candidate.able == 0)
    return end_exam(worker, id, job, now);
  const RenditionSet renditions = candidate.able & job.golden->wanted;
  if (renditions != 0 && candidate.exam == renditions)
    return;
  end_exam(worker, id, job, now);
  if (renditions == 0)
    return admit(worker, id, job, now);
  candidate.exam = renditions;
  candidate.segment = *job.golden;
  dispatcher_.begin_exam({id, job.golden->header->index}, worker,
                         static_cast<double>(job.golden->header->units.size()), renditions);
}

void Coordinator::examine_all(JobId id, Job& job, Instant now) {
  std::vector<WorkerId> workers;
  for (const auto& [worker, _] : job.candidates)
    workers.push_back(worker);
  for (const WorkerId worker : workers)
    examine(worker, id, job, now);
}

// The worker was suspended.
void Coordinator::examine_again(WorkerId worker, Instant now) {
  for (auto& [id, job] : jobs_)
    add_candidate(*connections_.at(worker), id, job, now);
}

void Coordinator::end_exam(WorkerId worker, JobId id, Job& job, Instant now) {
  job.candidates.at(worker).exam = 0;
  if (const auto lease = dispatcher_.end_exam(id, worker, now))
    cancel({*lease});
}

void Coordinator::forget_candidate(WorkerId worker, JobId id, Job& job, Instant now) {
  end_exam(worker, id, job, now);
  job.candidates.erase(worker);
}

void Coordinator::admit(WorkerId worker, JobId id, Job& job, Instant now) {
  const RenditionSet able = job.candidates.at(worker).able;
  forget_candidate(worker, id, job, now);
  dispatcher_.set_ability(worker, id, able);
}

// Where there is no room for more results they are held one after another.
void Coordinator::throttle_exams(JobId id, const Job& job) {
  const std::size_t leases = dispatcher_.exam_leases(id);
  dispatcher_.stop_exams(
      id, leases != 0 && job.room.exceeds(job.room.expected(dispatcher_.leases(id) + leases)));
}

// --- What they are examined with

// The first segment will do; better is one of which an answer is known to be right, and of these
// the largest, in which there is most to be seen.
void Coordinator::offer_golden(JobId id, Job& job, const Segment& segment, bool known,
                               Instant now) {
  if (!job.config.verification.golden || (job.golden && !known))
    return;
  if (!job.golden) {
    job.golden = segment;
    return examine_all(id, job, now);
  }
  // Who is being examined goes on with the other one.
  if ((job.golden->wanted & ~segment.wanted) == 0 &&
      total_size(segment.bytes) > total_size(job.golden->bytes))
    job.golden = segment;
}

// --- What comes of it

void Coordinator::exam_looked(const SegmentDone& done, const Look& look, Instant now) {
  const JobId id = done.grant.segment.job;
  Job& job = jobs_.at(id);
  if (look.difference.empty()) {
    if (!look.unknown.empty())
      events_.push_back(PicturesUnknown{done.worker, done.grant, look.unknown});
    dispatcher_.complete(done.worker.id, done.grant.lease, now);
    job.failed_exams = 0;
    return admit(done.worker.id, id, job, now);
  }
  events_.push_back(PicturesDiffer{done.worker, done.grant, look.difference, look.evidence});
  fail_exam(done, look.difference, now);
}

// Its answer was wrong, which needs no second witness.
void Coordinator::fail_exam(const SegmentDone& done, const std::string& reason, Instant now) {
  Dispatcher::Failure failure{.grant = done.grant, .reason = reason};
  exam_failed(failure, now);
  note_failure(done.worker, failure, now);
  tell_failed(done.worker, failure);
  refute(done.worker.id, "it failed its exam: " + reason, now);
}

// Makes of it what is told. The worker is examined again.
void Coordinator::exam_failed(Dispatcher::Failure& failure, Instant now) {
  const JobId id = failure.grant.segment.job;
  Job& job = jobs_.at(id);
  const WorkerInfo& worker = connections_.at(failure.grant.worker)->info;
  Candidate& candidate = job.candidates.at(worker.id);
  const bool over = !failure.given_up.empty();
  failure.given_up.clear();
  candidate.failed = true;
  if (over) {
    end_exam(worker.id, id, job, now);
    examine(worker.id, id, job, now);
  }
  count_failed_exam(failure, worker, id, job, now);
}

// The worker is gone. No reason: in good order.
void Coordinator::exam_lost(const WorkerInfo& worker, JobId id, Job& job, const std::string& reason,
                            Instant now) {
  const auto candidate = job.candidates.find(worker.id);
  if (candidate == job.candidates.end())
    return;
  const auto lease = dispatcher_.exam_lease(id, worker.id);
  forget_candidate(worker.id, id, job, now);
  if (!lease || reason.empty())
    return;
  Dispatcher::Failure failure{.grant = *lease, .reason = reason};
  count_failed_exam(failure, worker, id, job, now);
  note_failure(worker, failure, now);
  tell_failed(worker, failure);
}

// If nobody passes then it is what is asked for that is wrong. As with other leases, see
// Dispatcher::add_job(): when so many failed it and everyone who is there has, or ten times as
// many, and others had the time to come.
void Coordinator::count_failed_exam(Dispatcher::Failure& failure, const WorkerInfo& worker,
                                    JobId id, Job& job, Instant now) {
  constexpr unsigned kUnprovenFactor = 10;
  constexpr Instant kNewcomers = 10'000 * kMillisecond;
  const RenditionSet missing = dispatcher_.unable(id);
  job.failed_exams = missing != 0 ? job.failed_exams + 1 : 0;
  if (job.failed_exams <= 1)
    job.exams_fail_since = now;
  bool some = false;
  bool all = true;
  for (const auto& [_, candidate] : job.candidates)
    if ((candidate.able & missing) != 0) {
      some = true;
      all = all && candidate.failed;
    }
  if (job.failed_exams >= (some && all ? 1 : kUnprovenFactor) * job.config.max_attempts &&
      now >= job.exams_fail_since + kNewcomers)
    failure.given_up = "segment " + std::to_string(failure.grant.segment.index) +
                       ": given up: " + std::to_string(job.failed_exams) +
                       " exams were failed, and nobody who can make it has passed (the last, " +
                       worker.name + ": " + failure.reason + ")";
}

}  // namespace dist
