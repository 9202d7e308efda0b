// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of results when forms of renditions are settled or dropped: provisional results may
// leave, or are made anew.
#include <algorithm>
#include <utility>

#include "gst/lease/coordinator.h"

namespace dist {

RenditionForms::Workers Coordinator::workers_for(const Job& job) const {
  return {.is_any_there =
              [this](const RenditionForms::Vouchers& vouchers) {
                return std::ranges::any_of(connections_, [&](const auto& entry) {
                  return entry.second->works() &&
                         vouchers.contains(identity_of(entry.second->info));
                });
              },
          .could_another_make =
              [this, &job](const RenditionForms::Vouchers& others, const std::string& rendition) {
                return std::ranges::any_of(connections_, [&](const auto& entry) {
                  const Connection& connection = *entry.second;
                  if (!connection.works() || others.contains(identity_of(connection.info)))
                    return false;
                  const auto* offer = job.abilities.offer_of(connection.info.id);
                  return job.abilities.renditions().empty() || !offer ||
                         (*offer)[job.abilities.find(rendition)].able;
                });
              }};
}

RenditionForms::Made Coordinator::made_of(const SegmentDone& done) const {
  return {identity_of(done.worker), segment_of(done.grant).header->caps,
          headers_of(done.renditions)};
}

RenditionForms::Choice Coordinator::choice_of(const Job& job) {
  return job.abilities.renditions().empty() ? RenditionForms::Choice::kUnsaid
                                            : RenditionForms::Choice::kSaid;
}

bool Coordinator::holds_back(JobId id, Job& job) const {
  // Where a store answers before the next segment comes, nothing is open for a moment only.
  const bool finished = open_segments(id, job) == 0 && (job.blocked || !job.config.has_store);
  return !job.forms.settle(workers_for(job), finished);
}

// Lets go what was held back, once all forms are settled.
void Coordinator::settle(JobId id, Job& job) {
  if (job.provisional.empty() || holds_back(id, job))
    return;
  settle_all(id, job);
}

void Coordinator::settle_all(JobId id, Job& job) {
  job.forms.settle_all();
  ResultsSettled event{id, {}};
  for (const std::uint64_t index : std::exchange(job.provisional, {})) {
    const auto segment = job.segments.find(index);
    const auto kept = job.kept.find(index);
    Segment& held = segment != job.segments.end() ? segment->second : kept->second;
    held.made.clear();
    if (kept == job.kept.end())
      continue;
    job.room.window().answer(index, held.results);
    event.segments.push_back({index, held.results});
  }
  job.kept.clear();
  events_.push_back(std::move(event));
}

bool Coordinator::may_replace_form(const SegmentDone& done, Job& job, Instant now) const {
  return job.forms.may_replace(made_of(done), choice_of(job), workers_for(job), now);
}

void Coordinator::replace_form(const SegmentDone& done, Job& job) {
  drop_form(done.grant.segment.job, job, job.forms.other_than(made_of(done), choice_of(job)),
            done.worker.name + " makes it in another form, and nobody goes on with the one before");
}

// A result of another form: its worker is to blame if others go on, but the segment is not.
void Coordinator::refuse_form(const ResultCheck::Verdict& verdict, const SegmentDone& done,
                              Job& job, Instant now) {
  job.forms.refused(made_of(done));
  refuse_result(done, verdict.status.error(), Dispatcher::Blame::kWorker, now);
}

// Forgets the form of these renditions, and has everything made anew that has not left yet.
void Coordinator::drop_form(JobId id, Job& job, const std::set<std::string>& renditions,
                            const std::string& reason) {
  ResultsTakenBack event{.job = id, .renditions = renditions, .reason = reason};
  std::uint64_t results = job.forms.drop(renditions);
  for (const std::uint64_t index : std::set<std::uint64_t>(job.provisional))
    results -= std::min(results, take_back(id, job, index, renditions, event));
  event.some_left = results > 0;
  events_.push_back(std::move(event));
  settle(id, job);
}

// Of one segment. Returns how many results that were.
std::uint64_t Coordinator::take_back(JobId id, Job& job, std::uint64_t index,
                                     const std::set<std::string>& renditions,
                                     ResultsTakenBack& event) {
  const auto kept = job.kept.find(index);
  Segment& segment = kept != job.kept.end() ? kept->second : job.segments.at(index);
  RenditionSet set = 0;
  std::uint64_t count = 0;
  for (const std::string& rendition : renditions) {
    const auto made = segment.made.find(rendition);
    if (made == segment.made.end())
      continue;
    segment.results -= made->second;
    segment.made.erase(made);
    set |=
        job.abilities.renditions().empty() ? 1 : RenditionSet{1} << job.abilities.find(rendition);
    ++count;
  }
  if (set == 0)
    return 0;
  const auto work = static_cast<double>(segment.header->units.size());
  const std::uint64_t held = segment.results + total_size(segment.bytes);
  if (segment.made.empty())
    job.provisional.erase(index);
  if (kept != job.kept.end()) {
    --job.segments_done;
    job.frames_done -= frames_in(segment);
    job.segments.insert(job.kept.extract(kept));
  }
  job.room.window().answer(index, held);
  dispatcher_.reopen({id, index}, work, set);
  event.segments.push_back({index, held});
  return count;
}

}  // namespace dist
