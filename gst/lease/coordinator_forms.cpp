// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The form of a rendition, its caps and its encoder: one right answer gives it, but binds the job
// only while a worker is there that goes on with it, or once two workers agree. Until then results
// are held back, so that they can be made anew.
#include <algorithm>
#include <utility>

#include "gst/lease/coordinator.h"

namespace dist {
namespace {

// A worker that alone has a form is believed after so many results of it: others that are slower,
// or whose encoder is another one, shall not hold up the output for ever.
constexpr std::uint64_t kSureAfter = 8;
// How long nobody may be there who has the form before another one takes its place: connections
// break, and workers come back.
constexpr Instant kPatience = 20'000 * kMillisecond;
constexpr Instant kShortPatience = 2'000 * kMillisecond;
// Whoever has the form but brings nothing for so long is not waited for.
constexpr Instant kOutlasted = 60'000 * kMillisecond;

std::vector<SegmentHeader> headers_of(const std::vector<ResultRendition>& renditions) {
  std::vector<SegmentHeader> headers;
  for (const ResultRendition& rendition : renditions)
    headers.push_back(*rendition.header);
  return headers;
}

}  // namespace

bool Coordinator::is_voucher_there(const ResultCheck::Form& form) const {
  return std::ranges::any_of(connections_, [&](const auto& entry) {
    return entry.second->works() && form.vouchers.contains(identity_of(entry.second->info));
  });
}

// Whether a worker is there whose word is not known yet. One with another encoder counts: it could
// go on if this one leaves.
bool Coordinator::could_another_vouch(const ResultCheck::Form& form, const Job& job,
                                      std::size_t rendition) const {
  return std::ranges::any_of(connections_, [&](const auto& entry) {
    const Connection& connection = *entry.second;
    if (!connection.works() || form.vouchers.contains(identity_of(connection.info)))
      return false;
    const auto* offer = job.abilities.offer_of(connection.info.id);
    return job.abilities.renditions().empty() || !offer || (*offer)[rendition].able;
  });
}

bool Coordinator::is_settled(const ResultCheck::Form& form, JobId id, const Job& job,
                             std::size_t rendition) const {
  if (form.settled || form.vouchers.size() > 1 || form.vouchers.contains(kOwn) ||
      dispatcher_.open_segments(id) == 0)
    return true;
  return (form.results >= kSureAfter || !could_another_vouch(form, job, rendition)) &&
         is_voucher_there(form);
}

bool Coordinator::holds_back(JobId id, Job& job) const {
  bool unsettled = false;
  for (auto& [_, forms] : job.check.all_forms())
    for (auto& [rendition, form] : forms) {
      form.settled = is_settled(form, id, job, job.abilities.find(rendition));
      unsettled = unsettled || !form.settled;
    }
  return unsettled;
}

// Lets go what was held back, once nothing is doubtful any more.
void Coordinator::settle(JobId id, Job& job) {
  if (job.provisional.empty() || holds_back(id, job))
    return;
  settle_all(id, job);
}

void Coordinator::settle_all(JobId id, Job& job) {
  for (auto& [_, forms] : job.check.all_forms())
    for (auto& [rendition, form] : forms)
      form.settled = true;
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

// Whether the result's form may take the place of the one that the results before have.
bool Coordinator::may_replace_form(const SegmentDone& done, Job& job, Instant now) const {
  const SegmentHeader& source = *segment_of(done.grant).header;
  const auto headers = headers_of(done.renditions);
  const std::string voucher = identity_of(done.worker);
  auto& forms = job.check.forms(source.caps);
  const auto others = job.check.other_than(source, headers, job.abilities.renditions().empty());
  return std::ranges::all_of(others, [&](const std::string& rendition) {
    ResultCheck::Form& form = forms.at(rendition);
    const bool alone = form.vouchers.size() < 2;
    if (is_voucher_there(form) && !(alone && form.vouchers.contains(voucher))) {
      const auto header = std::ranges::find(headers, rendition, &SegmentHeader::rendition);
      std::set<std::string> agreeing;
      if (header != headers.end())
        agreeing = ResultCheck::rivals_with(form, header->caps);
      agreeing.insert(voucher);
      return (alone && !form.settled && agreeing.size() > 1) || now >= form.latest + kOutlasted;
    }
    if (alone && !form.settled)
      return true;
    const Instant since = form.abandoned.value_or(now);
    form.abandoned = since;
    return now >= since + (alone ? kShortPatience : kPatience);
  });
}

void Coordinator::replace_form(const SegmentDone& done, Job& job) {
  const SegmentHeader& source = *segment_of(done.grant).header;
  const auto others =
      job.check.other_than(source, headers_of(done.renditions), job.abilities.renditions().empty());
  drop_form(done.grant.segment.job, job, others,
            done.worker.name + " makes it in another form, and nobody goes on with the one before");
}

// A result of another form: its worker is to blame if others go on, but the segment is not.
void Coordinator::refuse_form(const ResultCheck::Verdict& verdict, const SegmentDone& done,
                              Job& job, Instant now) {
  const SegmentHeader& source = *segment_of(done.grant).header;
  job.check.note_rival(identity_of(done.worker), source, headers_of(done.renditions));
  refuse_result(done, verdict.status.error(), Dispatcher::Blame::kWorker, now);
}

// Forgets the form of these renditions, and has everything made anew that has not left yet.
void Coordinator::drop_form(JobId id, Job& job, const std::set<std::string>& renditions,
                            const std::string& reason) {
  ResultsTakenBack event{.job = id, .renditions = renditions, .reason = reason};
  std::uint64_t results = 0;
  for (auto& [_, forms] : job.check.all_forms())
    for (const std::string& rendition : renditions)
      if (const auto form = forms.find(rendition); form != forms.end()) {
        results += form->second.results;
        forms.erase(form);
      }
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
