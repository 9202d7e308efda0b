// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Results that are looked at before they count.
#include <algorithm>
#include <utility>

#include "gst/lease/coordinator.h"

namespace dist {

// The lease goes on: a worker that is suspended meanwhile loses the result too.
void Coordinator::hold(Answer answer, Job& job, Instant now) {
  const SegmentDone& done = answer.done;
  // One answer finds room in any case, not each copy of it.
  const LeaseId lease = done.grant.lease;
  if (!job.room.fits(answer.size) && !admit_result(done.grant))
    return put_off(done.grant, answer.size, now);
  const Segment& segment = segment_of(done.grant);
  const std::vector<Time> times = segment.header->presentation_times();
  const std::size_t last = done.grant.is_exam()
                               ? times.size() - 1
                               : job.verification.last_frame(done.worker.id, times.size());
  LookWanted wanted{.worker = done.worker,
                    .grant = done.grant,
                    .source = segment.header,
                    .segment = segment.bytes,
                    .renditions = done.renditions,
                    .until = times[last]};
  // Of a lower rate there may be no frame before that.
  for (const ResultRendition& rendition : done.renditions)
    if (const auto shown = rendition.header->presentation_times(); !shown.empty())
      wanted.until = std::max(wanted.until, shown.front());
  if (segment.before)
    wanted.context = with_context(*segment.before, {segment.header, segment.bytes});
  job.room.look_begun(answer.size);
  const auto awaited = std::make_shared<const bool>(true);
  wanted.awaited = awaited;
  dispatcher_.answered(done.worker.id, lease, now);
  held_.insert_or_assign(lease, Held{std::move(answer), awaited});
  events_.push_back(std::move(wanted));
}

std::optional<Coordinator::Answer> Coordinator::take_held(LeaseId lease) {
  const auto found = held_.find(lease);
  if (found == held_.end())
    return {};
  Answer answer = std::move(found->second.answer);
  held_.erase(found);
  jobs_.at(answer.done.grant.segment.job).room.look_ended(answer.size);
  return answer;
}

void Coordinator::looked(LeaseId lease, const LookReport& seen, Instant now) {
  LookReport look = seen;
  // They name caps and renditions as the worker wrote them.
  look.difference = printable(look.difference);
  look.unknown = printable(look.unknown);
  std::optional<Answer> answer = take_held(lease);
  if (!answer)
    return;
  lease_ended(lease);
  const Dispatcher::Grant grant = answer->done.grant;
  if (grant.is_exam()) {
    exam_looked(answer->done, look, now);
  } else {
    Job& job = jobs_.at(grant.segment.job);
    judge_look(std::move(*answer), look, job, now);
    if (!is_there(grant.worker))
      job.verification.forget_worker(grant.worker);
  }
  pump(now);
}

// Decides on a result by what was seen of it.
void Coordinator::judge_look(Answer answer, const LookReport& look, Job& job, Instant now) {
  SegmentDone& done = answer.done;
  const SegmentKey key = done.grant.segment;
  Segment& segment = job.segments.at(key.index);
  if (look.lacks_context &&
      (segment.was_leased_without(done.grant.lease) || put_in_context(segment)))
    return refuse_result(done, "needs what lies before it; it is decoded again",
                         Dispatcher::Blame::kNobody, now);
  if (!look.unknown.empty())
    events_.push_back(PicturesUnknown{done.worker, done.grant, look.unknown});
  if (!look.difference.empty()) {
    events_.push_back(PicturesDiffer{done.worker, done.grant, look.difference, look.evidence});
    return accuse(done, look.difference, now);
  }
  if (look.unknown.empty() || look.some_known) {
    for (const WorkerId other :
         job.verification.same(done.worker.id, key.index, done.grant.renditions))
      refute(other,
             "its answer to segment " + std::to_string(key.index) + " was wrong, and that of " +
                 done.worker.name + " is right",
             now);
    offer_golden(key.job, job, job.segments.at(key.index), true, now);
  } else {
    job.verification.unknown(done.worker.id);
  }
  for (ResultRendition& rendition : done.renditions)
    if (const auto seen = look.hashes.find(rendition.header->rendition); seen != look.hashes.end())
      rendition.hashes = seen->second;
  weigh(job, done);
  accept(std::move(answer), job, now);
}

// The result is not what was asked for. When another worker's is, this one is refuted.
void Coordinator::accuse(const SegmentDone& done, const std::string& reason, Instant now) {
  if (done.grant.is_exam())
    return fail_exam(done, printable(reason), now);
  const SegmentKey& key = done.grant.segment;
  jobs_.at(key.job).verification.differ(done.worker.id, key.index, done.grant.renditions);
  refuse_result(done, reason, Dispatcher::Blame::kAttempt, now);
}

void Coordinator::refute(WorkerId worker, const std::string& reason, Instant now) {
  if (!is_there(worker))
    return;
  const auto suspension = dispatcher_.suspend(worker, now);
  cancel(suspension.cancelled);
  events_.push_back(WorkerSuspended{connections_.at(worker)->info, suspension.duration, reason});
  for (auto& [id, job] : jobs_)
    require_exam(*connections_.at(worker), id, job, now);
}

}  // namespace dist
