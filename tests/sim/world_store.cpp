// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The stores of jobs: what they have, what they say and when, and what has to come of it.
#include <algorithm>

#include "tests/sim/world.h"

namespace dist::sim {
namespace {

// As long as the primary waits for an answer.
constexpr Instant kPatience = 5 * kOneSecond;

}  // namespace

// The segment is not to be leased.
bool World::waits_for_store(const Open& open, const Job& job) const {
  return job.plan.store.is_there && !open.answered && open.wanted != 0 &&
         (open.asked_at == kNever || timeline_.now() < open.asked_at + kPatience);
}

// Or just not yet, because it is about to be queued, or because what was found had no room.
bool World::may_wait_for_store(const Open& open, const Job& job) const {
  return waits_for_store(open, job) ||
         (job.plan.store.is_there && (timeline_.now() == open.asked_at + kPatience ||
                                      (open.answered && job.plan.max_bytes < JobPlan().max_bytes)));
}

void World::handle(const ResultsSought& event) {
  const std::uint64_t index = event.source->index;
  log(name(event.job, index), " is sought with question ", event.question);
  Job& job = jobs_.at(event.job);
  const auto found = job.open.find(index);
  if (job.over)
    return;
  if (!job.plan.store.is_there || found == job.open.end() ||
      event.source->stream_id != job.stream || found->second.wanted == 0)
    return wrong(name(event.job, index) + ": sought for nothing");
  Open& open = found->second;
  if (waits_for_store(open, job) && open.asked_at != kNever)
    wrong(name(event.job, index) + ": sought twice");
  open.question = event.question;
  open.asked_at = timeline_.now();
  open.answered = false;
  findings_[event.question] = look_up(event, job);
  if (random_.chance(job.plan.store.silent))
    return;
  const double share = random_.share();
  timeline_.at(timeline_.now() +
                   static_cast<Instant>(share * static_cast<double>(job.plan.store.answers_within)),
               *this, kFound, event.question);
}

World::Finding World::look_up(const ResultsSought& event, const Job& job) {
  const StorePlan& store = job.plan.store;
  Finding finding{.job = event.job, .index = event.source->index, .results = {}};
  const Bytes source = joined_slice(event.segment, 0, total_size(event.segment));
  const bool in_other_form = random_.chance(store.in_other_form);
  // Those that a header can have.
  const Flaw flaw =
      random_.chance(store.wrong) ? static_cast<Flaw>(1 + random_.below(4)) : Flaw::kNone;
  finding.right = !in_other_form && flaw == Flaw::kNone;
  for (const auto& [spec, encoders] : event.renditions) {
    if (encoders.empty() || !random_.chance(store.has))
      continue;
    const Encoder& encoder = encoders[random_.below(encoders.size())];
    const std::string caps = std::string(find_codec(spec.codec)->media_type) +
                             ", encoder=" + encoder.name + (in_other_form ? ", of=yore" : "");
    const std::size_t size = scenario_.workers[random_.below(scenario_.workers.size())].result_size;
    for (const BytesList& segment : encode(source, {{spec, caps}}, size, flaw, random_)) {
      const Bytes whole = joined_slice(segment, 0, total_size(segment));
      auto header = parse_header(whole.span(), whole.size());
      if (!header)
        continue;
      finding.results.push_back(
          {std::make_shared<const SegmentHeader>(std::move(*header)), segment, encoder});
      const auto at = std::ranges::find(job.plan.renditions, spec.name, &RenditionSpec::name);
      finding.renditions |= RenditionSet{1} << (at - job.plan.renditions.begin());
    }
  }
  return finding;
}

// Nothing speaks against it: no other encoder was chosen, no other form was made, there is room.
bool World::must_count(const Finding& finding, const Job& job) const {
  const bool by_hand = std::ranges::any_of(
      scenario_.workers, [](const WorkerPlan& plan) { return !plan.adapter.by_hand.empty(); });
  if (!finding.right || job.plan.store.in_other_form != 0 || by_hand ||
      job.plan.max_bytes < JobPlan().max_bytes)
    return false;
  return std::ranges::all_of(finding.results, [&](const ResultRendition& result) {
    const auto at =
        std::ranges::find(job.plan.renditions, result.header->rendition, &RenditionSpec::name);
    const Rung& rung = job.rungs[static_cast<std::size_t>(at - job.plan.renditions.begin())];
    return rung.encoder.empty() || rung.encoder == result.encoder.name;
  });
}

void World::tell_finding(std::uint64_t question) {
  Finding finding = std::move(findings_.extract(question).mapped());
  Job& job = jobs_.at(finding.job);
  const auto open = job.open.find(finding.index);
  const bool in_time = !job.over && open != job.open.end() && open->second.question == question &&
                       timeline_.now() < open->second.asked_at + kPatience;
  const bool counts = in_time && must_count(finding, job);
  log(name(finding.job, finding.index), " has ", finding.results.size(), " results in the store",
      in_time ? "" : ", too late");
  if (in_time)
    open->second.answered = true;
  coordinator_.found(finding.job, question, std::move(finding.results), timeline_.now());
  settle();
  if (!counts || job.over)
    return;
  const auto left = job.open.find(finding.index);
  if (left != job.open.end() && (left->second.missing & finding.renditions) != 0)
    wrong(name(finding.job, finding.index) + ": was found, and is made anew");
}

}  // namespace dist::sim
