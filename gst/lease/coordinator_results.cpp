// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of a result: its check, and the renditions without frames, which no worker makes.
#include "gst/lease/coordinator.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

// Leases of a segment that may lack frames without counting as failed, times max_attempts:
// meanwhile the workers show with other segments what their word is worth.
constexpr unsigned kDoubts = 3;

}  // namespace

void Coordinator::handle(Connection& connection, PrimarySession::ResultReceived& event,
                         Instant now) {
  const WorkerId id = connection.info.id;
  const Dispatcher::Grant* found = dispatcher_.find(id, event.lease);
  if (!found)
    return;
  Job& job = jobs_.at(found->segment.job);
  Answer answer;
  SegmentDone& done = answer.done;
  done.worker = connection.info;
  done.grant = *found;
  done.duration = now - found->granted;
  for (const BytesList& rendition : event.renditions)
    answer.size += total_size(rendition);
  if (const auto* offer = job.abilities.offer_of(id))
    answer.offer = *offer;
  auto renditions = read_result(event.renditions, {.wanted = job.abilities.renditions(),
                                                   .leased = done.grant.renditions,
                                                   .offer = answer.offer,
                                                   .check = job.config.check_rendition,
                                                   .mixed_encoders = job.config.mixed_encoders});
  lease_ended(event.lease);
  account_incoming(connection);
  if (!renditions)
    return accuse(done, renditions.error(), now);
  done.renditions = std::move(*renditions);
  // Nothing of what was leased: the lease, and others like it, go elsewhere.
  if (done.renditions.empty() && !job.abilities.renditions().empty())
    return choose_encoders(answer, job, now);
  // A short result came all at once, without check_incoming(). A result that finds no room is
  // judged no further, because an accepted result gives renditions their form.
  const bool exam = done.grant.is_exam();
  const std::uint64_t more = exam ? answer.size : weigh(job, done);
  if (!job.room.fits(more) && !may_exceed(done.grant, job))
    return put_off(done.grant, answer.size, now);
  const bool picked =
      exam || job.verification.picks(id, connection.info.trust, done.grant.segment.index);
  if (!exam && needs_context(done, job, picked))
    return refuse_result(done, "damaged; it is decoded again with what lies before it",
                         Dispatcher::Blame::kNobody, now);
  if (!picked)
    return accept(std::move(answer), job, now);
  // A copy, because a result that is still to be looked at must not make its worker one that is
  // known to make whole segments.
  ResultCheck trial = job.check;
  const auto verdict = judge(job, trial, done);
  if (verdict.status || (verdict.other_form && may_replace_form(done, job, now)))
    return hold(std::move(answer), job, now);
  // Of a result of another form, and of an exam, nothing is remembered.
  if (!exam && !verdict.other_form)
    job.check = std::move(trial);
  refuse(verdict, done, job, now);
}

// From now on the segment is leased with what lies before it. False if it was already, or there is
// nothing.
bool Coordinator::put_in_context(Segment& segment) const {
  const auto before = std::exchange(segment.before, nullptr);
  auto both = before ? with_context(*before, {segment.header, segment.bytes}) : std::nullopt;
  if (!both || total_size(both->bytes) > kMaxPayload)
    return false;
  segment.in_context_from = dispatcher_.next_lease();
  segment.sha256 = sha256(both->bytes);
  segment.header = std::move(both->header);
  segment.bytes = std::move(both->bytes);
  return true;
}

// A decoder that came from before may know what this one had to guess. An answer to a lease of
// before that was known says nothing of the segment as it is leased now.
bool Coordinator::needs_context(const SegmentDone& done, Job& job, bool looked_at) const {
  Segment& segment = job.segments.at(done.grant.segment.index);
  const bool damaged = is_damaged(done.renditions);
  if (segment.was_leased_without(done.grant.lease))
    return damaged || looked_at;
  return damaged && put_in_context(segment);
}

void Coordinator::accept(Answer answer, Job& job, Instant now) {
  SegmentDone& done = answer.done;
  auto verdict = judge(job, job.check, done);
  if (verdict.other_form && may_replace_form(done, job, now)) {
    replace_form(done, job);
    verdict = judge(job, job.check, done);
    weigh(job, done);
  }
  if (!verdict.status) {
    // It may be there for a decoder that came from before.
    if (verdict.lacks_frames)
      put_in_context(job.segments.at(done.grant.segment.index));
    return refuse(verdict, done, job, now);
  }
  done.note = verdict.note;
  if (is_damaged(done.renditions) || !done.note.empty())
    done.damage =
        damage_in(*segment_of(done.grant).header, job.abilities.renditions(), done.renditions);
  job.room.learn(answer.size);
  keep(std::move(answer), job, now);
}

void Coordinator::refuse(const ResultCheck::Verdict& verdict, const SegmentDone& done, Job& job,
                         Instant now) {
  if (verdict.other_form && !done.grant.is_exam())
    return refuse_form(verdict, done, job, now);
  const bool counts = !verdict.doubtful || done.grant.attempt > kDoubts * job.config.max_attempts;
  refuse_result(done, verdict.status.error(),
                counts ? Dispatcher::Blame::kAttempt : Dispatcher::Blame::kNobody, now);
}

void Coordinator::refuse_result(const SegmentDone& done, const std::string& reason,
                                Dispatcher::Blame blame, Instant now) {
  const auto failure =
      dispatcher_.fail(done.worker.id, done.grant.lease, printable(reason), now, blame);
  if (failure)
    lease_failed(done.worker, *failure, now);
}

// Says what is held once the result is kept, the source too if the result may be provisional.
// Returns how much more that is than now.
std::uint64_t Coordinator::more_held(const Job& job, SegmentDone& done) const {
  const Segment& segment = job.segments.at(done.grant.segment.index);
  const std::uint64_t source = total_size(segment.bytes);
  const bool provisional =
      !std::ranges::all_of(done.renditions, [&](const ResultRendition& rendition) {
        return job.forms.is_settled(segment.header->caps, rendition.header->rendition);
      });
  done.held = segment.results + (done.complete && !provisional ? 0 : source);
  for (const ResultRendition& rendition : done.renditions)
    done.held += total_size(rendition.segment);
  return done.held - std::min(done.held, segment.results + source);
}

// The same of the result of a lease, of which this says whether it completes its segment.
std::uint64_t Coordinator::weigh(Job& job, SegmentDone& done) const {
  const SegmentKey& key = done.grant.segment;
  done.complete =
      (done.grant.renditions & ~made_in(job.abilities.renditions(), done.renditions)) == 0 &&
      dispatcher_.open_parts(key.job, key.index) == 1;
  return more_held(job, done);
}

void Coordinator::keep(Answer answer, Job& job, Instant now) {
  SegmentDone& done = answer.done;
  job.forms.accepted(made_of(done), now);
  cancel(dispatcher_
             .complete(done.worker.id, done.grant.lease, now,
                       made_in(job.abilities.renditions(), done.renditions))
             .value());
  choose_encoders(answer, job, now);
  // What lies before the segment decides on the bytes of one that was leased with it, and is not
  // part of what such a result could be found by.
  const bool in_context = segment_of(done.grant).in_context_from != 0;
  if (!in_context)
    name_encoders(answer, job);
  enter(std::move(done), job, now);
}

// As the offer does.
void Coordinator::name_encoders(Answer& answer, const Job& job) {
  for (ResultRendition& rendition : answer.done.renditions)
    if (const std::size_t i = job.abilities.find(rendition.header->rendition);
        i < answer.offer.size())
      rendition.encoder = {answer.offer[i].encoder, answer.offer[i].version};
}

// The result counts, and what was to be made of it is no work any more.
void Coordinator::enter(SegmentDone done, Job& job, Instant now) {
  const SegmentKey key = done.grant.segment;
  const auto segment = job.segments.find(key.index);
  done.provisional = holds_back(key.job, job);
  if (!done.provisional)
    settle(key.job, job);
  for (const ResultRendition& rendition : done.renditions) {
    segment->second.results += total_size(rendition.segment);
    if (done.provisional)
      segment->second.made[rendition.header->rendition] = total_size(rendition.segment);
  }
  if (done.provisional)
    job.provisional.insert(key.index);
  done.held = segment->second.results +
              (done.complete && !done.provisional ? 0 : total_size(segment->second.bytes));
  job.room.window().answer(key.index, done.held);
  job.standstill.moved(now);
  note_result(done, job);
  if (done.complete) {
    add_empty_renditions(job, segment->second, done);
    job.check.forget(key.index);
    job.verification.forget_segment(key.index);
    if (done.provisional)
      job.kept.insert(job.segments.extract(segment));
    else
      job.segments.erase(segment);
  }
  events_.push_back(std::move(done));
}

ResultCheck::Verdict Coordinator::judge(const Job& job, ResultCheck& check,
                                        const SegmentDone& done) const {
  const SegmentHeader& source = *segment_of(done.grant).header;
  std::vector<ResultCheck::Expected> expected;
  for (const RenditionSpec& spec : job.abilities.some(done.grant.renditions))
    expected.push_back({spec.name, frames_of(source, spec)});
  return check.check(done.worker.id, job.forms, source, headers_of(done.renditions), expected);
}

// Renditions without frames in this segment get an empty one: distjoin waits for each segment of
// each rendition.
void Coordinator::add_empty_renditions(const Job& job, Segment& segment, SegmentDone& done) {
  if (std::exchange(segment.filled, true))
    return;
  for (std::size_t i = 0; i < job.abilities.renditions().size(); ++i) {
    if (Abilities::has(segment.wanted, i))
      continue;
    auto header = std::make_shared<SegmentHeader>(*segment.header);
    header->rendition = job.abilities.renditions()[i].name;
    header->caps.clear();
    header->units.clear();
    header->reorder_depth = 0;
    done.renditions.push_back({header, {serialize(*header)}});
  }
}

}  // namespace dist
