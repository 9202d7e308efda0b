// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Segments whose results may be in the caller's store: they are looked for before the segment is
// queued, and a result that is found costs no lease.
#include <algorithm>
#include <utility>

#include "gst/lease/coordinator.h"

namespace dist {
namespace {

constexpr char kStore[] = "the store";

}  // namespace

// Which results fit depends on the encoders of the workers, so nothing is sought before one worker
// has said what it can make.
void Coordinator::seek(JobId id, Job& job, Instant now) {
  if (job.unsought.empty() || job.abilities.workers().empty())
    return;
  const auto encoders = job.abilities.encoders();
  for (const std::uint64_t index : std::exchange(job.unsought, {})) {
    Segment& segment = job.segments.at(index);
    ResultsSought sought{.job = id,
                         .question = ++questions_,
                         .source = segment.header,
                         .segment = segment.bytes,
                         .renditions = {}};
    for (std::size_t i = 0; i < encoders.size(); ++i)
      if (Abilities::has(segment.wanted, i) && !encoders[i].empty())
        sought.renditions.push_back({job.abilities.renditions()[i], encoders[i]});
    if (sought.renditions.empty()) {
      queue(id, job, segment, segment.wanted, now);
      continue;
    }
    job.sought.emplace(sought.question, index);
    events_.push_back(std::move(sought));
  }
}

void Coordinator::found(JobId id, std::uint64_t question, std::vector<ResultRendition> results,
                        Instant now) {
  Job& job = jobs_.at(id);
  const auto sought = job.sought.extract(question);
  if (sought.empty())
    return;
  Segment& segment = job.segments.at(sought.mapped());
  Answer answer = fitting(job, {id, sought.mapped()}, std::move(results));
  SegmentDone& done = answer.done;
  const RenditionSet missing = segment.wanted & ~done.grant.renditions;
  if (missing != 0)
    queue(id, job, segment, missing, now);
  if (!done.renditions.empty()) {
    job.forms.accepted(made_of(done), now);
    choose_encoders(answer, job, now);
    done.complete = missing == 0;
    enter(std::move(done), job, now);
  }
  pump(now);
}

// Those results that fit the job as it is now: all of one segment, or none.
Coordinator::Answer Coordinator::fitting(const Job& job, const SegmentKey& segment,
                                         std::vector<ResultRendition> results) const {
  Answer answer;
  SegmentDone& done = answer.done;
  done.worker.name = kStore;
  done.grant.segment = segment;
  answer.offer.resize(job.abilities.renditions().size());
  const RenditionSet wanted = job.segments.at(segment.index).wanted;
  for (ResultRendition& result : results) {
    const std::size_t i = job.abilities.find(result.header->rendition);
    if (i == answer.offer.size() || !Abilities::has(wanted & ~done.grant.renditions, i))
      continue;
    // An encoder may have been chosen since the results were sought.
    const std::string& encoder = job.abilities.encoder(i);
    if (!encoder.empty() && encoder != result.encoder.name)
      continue;
    answer.offer[i] = {.able = true,
                       .encoder = result.encoder.name,
                       .reason = {},
                       .version = result.encoder.version};
    done.grant.renditions |= RenditionSet{1} << i;
    done.renditions.push_back(std::move(result));
  }
  // Nothing is learnt of workers: those that made the results are not there.
  ResultCheck check;
  if (!done.renditions.empty() && judge(job, check, done).status)
    return answer;
  return {};
}

}  // namespace dist
