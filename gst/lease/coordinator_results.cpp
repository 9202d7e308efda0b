// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of a result: its check, and the renditions that nobody makes.
#include "gst/lease/coordinator.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

// Leases of a segment that may lack frames without counting as failed, times max_attempts:
// meanwhile the workers show with other segments what their word is worth.
constexpr unsigned kDoubts = 3;

// The bytes [offset, offset + length) of these, copied only if they lie in several pieces.
Bytes slice(const BytesList& pieces, std::uint64_t offset, std::uint64_t length) {
  std::vector<std::uint8_t> joined;
  for (const Bytes& piece : pieces) {
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    if (joined.empty() && length <= piece.size() - offset)
      return piece.slice(offset, length);
    const auto part = piece.span().subspan(
        offset, std::min<std::uint64_t>(piece.size() - offset, length - joined.size()));
    joined.insert(joined.end(), part.begin(), part.end());
    offset = 0;
    if (joined.size() == length)
      break;
  }
  return Bytes::take(std::move(joined));
}

// Whether a decoder could only guess at some of the frames.
bool is_damaged(const std::vector<ResultRendition>& renditions) {
  return std::ranges::any_of(renditions, [](const ResultRendition& rendition) {
    return std::ranges::any_of(rendition.header->units, [](const AccessUnit& unit) {
      return (unit.flags & kFlagCorrupted) != 0;
    });
  });
}

// The same payload behind another header.
BytesList with_header(const SegmentHeader& header, const BytesList& segment) {
  BytesList result{serialize(header)};
  std::uint64_t skipped = total_size(segment) - header.payload_size();
  for (const Bytes& piece : segment) {
    const std::uint64_t skip = std::min<std::uint64_t>(skipped, piece.size());
    if (skip < piece.size())
      result.push_back(piece.slice(skip, piece.size() - skip));
    skipped -= skip;
  }
  return result;
}

}  // namespace

RenditionSet Coordinator::made_in(const Job& job, const SegmentDone& done) {
  RenditionSet made = job.abilities.renditions().empty() ? ~RenditionSet{0} : 0;
  for (std::size_t i = 0; i < job.abilities.renditions().size(); ++i)
    for (const ResultRendition& rendition : done.renditions)
      made |= RenditionSet{rendition.header->rendition == job.abilities.renditions()[i].name} << i;
  return made;
}

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
  const Status readable = read_result(job, event.renditions, answer);
  lease_ended(event.lease);
  account_incoming(connection);
  if (!readable)
    return accuse(done, readable.error(), now);
  // Nothing of what was leased: the lease, and others like it, go elsewhere.
  if (done.renditions.empty() && !job.abilities.renditions().empty())
    return choose_encoders(answer, job, now);
  // A short one came all at once, so that nobody knew of it before. It is looked at no further, for
  // what is accepted decides on what fits to it.
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
  // What it says must not bind others before it is believed.
  ResultCheck trial = job.check;
  const auto verdict = judge(job, trial, done);
  if (verdict.status || (verdict.other_form && may_replace_form(done, job, now)))
    return hold(std::move(answer), job, now);
  // Of another form it has learnt nothing, and what is known since then must stay.
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
    done.damage = damage_in(job, done);
  job.room.learn(answer.size);
  keep(std::move(answer), job, now);
}

// In the rendition that should have the most frames.
SegmentDamage Coordinator::damage_in(const Job& job, const SegmentDone& done) const {
  const SegmentHeader& source = *segment_of(done.grant).header;
  SegmentDamage most;
  std::size_t frames = 0;
  for (const ResultRendition& rendition : done.renditions) {
    const auto spec = std::ranges::find(job.abilities.renditions(), rendition.header->rendition,
                                        &RenditionSpec::name);
    const std::vector<Time> times = spec == job.abilities.renditions().end()
                                        ? source.presentation_times()
                                        : frames_of(source, *spec);
    if (std::exchange(frames, std::max(frames, times.size())) < times.size())
      most = damage_of(source, times, *rendition.header);
  }
  return most;
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
std::uint64_t Coordinator::weigh(Job& job, SegmentDone& done) const {
  const SegmentKey& key = done.grant.segment;
  const Segment& segment = job.segments.at(key.index);
  const std::uint64_t source = total_size(segment.bytes);
  done.complete = (done.grant.renditions & ~made_in(job, done)) == 0 &&
                  dispatcher_.open_parts(key.job, key.index) == 1;
  const auto& forms = job.check.forms(segment.header->caps);
  const bool provisional =
      !std::ranges::all_of(done.renditions, [&](const ResultRendition& rendition) {
        const auto form = forms.find(rendition.header->rendition);
        return form != forms.end() && form->second.settled;
      });
  done.held = segment.results + (done.complete && !provisional ? 0 : source);
  for (const ResultRendition& rendition : done.renditions)
    done.held += total_size(rendition.segment);
  return done.held - std::min(done.held, segment.results + source);
}

void Coordinator::keep(Answer answer, Job& job, Instant now) {
  SegmentDone& done = answer.done;
  const SegmentKey key = done.grant.segment;
  const auto segment = job.segments.find(key.index);
  vouch(done, job, now);
  cancel(dispatcher_.complete(done.worker.id, done.grant.lease, now, made_in(job, done)).value());
  choose_encoders(answer, job, now);
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

void Coordinator::vouch(const SegmentDone& done, Job& job, Instant now) {
  std::vector<SegmentHeader> headers;
  for (const ResultRendition& rendition : done.renditions)
    headers.push_back(*rendition.header);
  job.check.vouch(identity_of(done.worker), *segment_of(done.grant).header, headers, now);
}

// Nobody knows before what a pipeline makes that somebody wrote: it may leave out some or, where it
// was asked for few, all of what was leased, but not all of what the job wants.
Status Coordinator::check_missing(const Job& job, const Answer& answer,
                                  const std::vector<std::string>& made) {
  const auto is_made = [&](const std::string& name) {
    return std::find(made.begin(), made.end(), name) != made.end();
  };
  const RenditionSet wanted = answer.done.grant.renditions;
  const auto leased = job.abilities.some(wanted);
  const bool nothing = std::none_of(leased.begin(), leased.end(),
                                    [&](const RenditionSpec& s) { return is_made(s.name); });
  const bool useless =
      std::none_of(job.abilities.renditions().begin(), job.abilities.renditions().end(),
                   [&](const RenditionSpec& s) { return is_made(s.name); });
  for (std::size_t i = 0; i < job.abilities.renditions().size(); ++i) {
    const std::string& name = job.abilities.renditions()[i].name;
    if (!Abilities::has(wanted, i) || is_made(name))
      continue;
    const bool by_hand = !answer.offer.empty() && answer.offer[i].encoder.empty();
    if (by_hand && !useless)
      continue;
    if (!nothing)
      return Error{"rendition '" + name + "' is missing"};
    std::string names;
    for (const std::string& other : made)
      names += (names.empty() ? "'" : ", '") + other + "'";
    return Error{"the result has " + names + ", and rendition '" + name + "' is wanted"};
  }
  return {};
}

// Takes what was leased out of the result.
Status Coordinator::read_result(const Job& job, const std::vector<BytesList>& parts,
                                Answer& answer) {
  SegmentDone& done = answer.done;
  std::vector<std::string> made;
  const auto leased = job.abilities.some(done.grant.renditions);
  for (BytesList part : parts) {
    const std::uint64_t size = total_size(part);
    auto header =
        parse_header(part.empty() ? std::span<const std::uint8_t>() : part[0].span(), size);
    if (!header)
      return Error{"the result is no segment: " + header.error()};
    made.push_back(header->rendition);
    const auto wanted = std::find_if(leased.begin(), leased.end(), [&](const RenditionSpec& spec) {
      return spec.name == header->rendition;
    });
    // What nobody asked for is no harm.
    if (!job.abilities.renditions().empty() && wanted == leased.end())
      continue;
    if (job.config.check_rendition && !header->units.empty()) {
      const Bytes first = slice(part, size - header->payload_size(), header->units.front().size);
      auto caps = job.config.check_rendition(*header, first.span(), job.config.mixed_encoders,
                                             wanted == leased.end() ? nullptr : &*wanted);
      if (!caps)
        return Error{"rendition '" + header->rendition + "': " + caps.error()};
      if (*caps != header->caps) {
        header->caps = *caps;
        part = with_header(*header, part);
      }
    }
    done.renditions.push_back(
        {std::make_shared<const SegmentHeader>(std::move(*header)), std::move(part)});
  }
  return check_missing(job, answer, made);
}

ResultCheck::Verdict Coordinator::judge(const Job& job, ResultCheck& check,
                                        const SegmentDone& done) const {
  const SegmentHeader& source = *segment_of(done.grant).header;
  std::vector<SegmentHeader> headers;
  for (const ResultRendition& rendition : done.renditions)
    headers.push_back(*rendition.header);
  std::vector<ResultCheck::Expected> expected;
  for (const RenditionSpec& spec : job.abilities.some(done.grant.renditions))
    expected.push_back({spec.name, frames_of(source, spec)});
  return check.check(done.worker.id, source, headers, expected);
}

// Those without frames in this segment: whoever joins them waits for each segment.
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
