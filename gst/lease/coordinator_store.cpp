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

// A store that does not answer for so long is not waited for.
constexpr Instant kPatience = 5'000 * kMillisecond;

}  // namespace

// Which results fit depends on the encoders of the workers, so nothing is sought before one worker
// has said what it can make. What is found takes memory, so no more is sought than will find room;
// the segment that is to be delivered next makes room.
void Coordinator::seek(JobId id, Job& job, Instant now) {
  if (job.unsought.empty() || job.abilities.workers().empty())
    return;
  const auto encoders = job.abilities.encoders();
  while (!job.unsought.empty()) {
    const std::uint64_t index = *job.unsought.begin();
    if (index != job.room.window().oldest() &&
        !job.room.has_room_after(dispatcher_.leases(id) + job.sought.size()))
      return;
    job.unsought.erase(index);
    Segment& segment = job.segments.at(index);
    ResultsSought sought{.job = id,
                         .question = ++questions_,
                         .source = segment.header,
                         .segment = segment.bytes,
                         .renditions = {}};
    for (std::size_t i = 0; i < encoders.size(); ++i)
      if (Abilities::has(segment.wanted, i))
        sought.renditions.push_back({job.abilities.renditions()[i], encoders[i]});
    job.sought.emplace(sought.question, Sought{index, now});
    events_.push_back(std::move(sought));
  }
}

Instant Coordinator::store_deadline(const Job& job) {
  return job.sought.empty() ? kNever : job.sought.begin()->second.since + kPatience;
}

void Coordinator::stop_waiting_for_store(JobId id, Job& job, Instant now) {
  while (store_deadline(job) <= now) {
    Segment& segment = job.segments.at(job.sought.begin()->second.index);
    job.sought.erase(job.sought.begin());
    queue(id, job, segment, segment.wanted, now);
  }
}

// Those, too, that are not queued yet.
std::size_t Coordinator::open_segments(JobId id, const Job& job) const {
  return dispatcher_.open_segments(id) + job.unsought.size() + job.sought.size();
}

std::uint64_t Coordinator::earliest_open(JobId id, const Job& job) const {
  std::uint64_t earliest = dispatcher_.earliest(id).value_or(UINT64_MAX);
  if (!job.unsought.empty())
    earliest = std::min(earliest, *job.unsought.begin());
  for (const auto& [_, sought] : job.sought)
    earliest = std::min(earliest, sought.index);
  return earliest;
}

void Coordinator::found(JobId id, std::uint64_t question, std::vector<ResultRendition> results,
                        Instant now) {
  Job& job = jobs_.at(id);
  const auto sought = job.sought.extract(question);
  if (sought.empty())
    return;
  const std::uint64_t index = sought.mapped().index;
  Segment& segment = job.segments.at(index);
  Answer answer = fitting(job, {id, index}, std::move(results));
  SegmentDone& done = answer.done;
  const RenditionSet missing = segment.wanted & ~done.grant.renditions;
  done.complete = missing == 0;
  // Sought again once there is room.
  if (!done.renditions.empty() && index != job.room.window().oldest() &&
      !job.room.fits(more_held(job, done))) {
    job.room.put_off(answer.size);
    job.unsought.insert(index);
    return pump(now);
  }
  if (missing != 0)
    queue(id, job, segment, missing, now);
  if (!done.renditions.empty()) {
    job.room.learn(answer.size);
    job.forms.accepted(made_of(done), now);
    choose_encoders(answer, job, now);
    enter(std::move(done), job, now);
  }
  pump(now);
}

// Those results that fit the job as it is now: all of one segment, or none.
Coordinator::Answer Coordinator::fitting(const Job& job, const SegmentKey& segment,
                                         std::vector<ResultRendition> results) const {
  Answer answer;
  SegmentDone& done = answer.done;
  done.worker.name = RenditionForms::kStore;
  done.grant.segment = segment;
  answer.offer.resize(job.abilities.renditions().size());
  const RenditionSet wanted = job.segments.at(segment.index).wanted;
  std::vector<BytesList> parts;
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
    answer.size += total_size(result.segment);
    parts.push_back(std::move(result.segment));
  }
  if (parts.empty())
    return answer;
  auto renditions = read_result(parts, {.wanted = job.abilities.renditions(),
                                        .leased = done.grant.renditions,
                                        .offer = answer.offer,
                                        .check = job.config.check_rendition,
                                        .mixed_encoders = job.config.mixed_encoders});
  if (!renditions)
    return {};
  done.renditions = std::move(*renditions);
  name_encoders(answer, job);
  // Nothing is learnt of workers: those that made the results are not there.
  ResultCheck check;
  return judge(job, check, done).status ? answer : Answer();
}

}  // namespace dist
