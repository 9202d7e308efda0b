// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is known of the renditions that jobs want: what has come, who makes them, and who can.
#include <algorithm>

#include "tests/sim/world.h"

namespace dist::sim {
namespace {

// As long as the primary waits for one who can make what is queued; and twice that if somebody has
// not yet said what it can.
constexpr Instant kPatience = 20 * kOneSecond;
// To look at each worker after each step would take too long for more.
constexpr std::size_t kCrowd = 100;

bool has(RenditionSet set, std::size_t rendition) {
  return (set >> rendition & 1) != 0;
}

std::string in_text(const RenditionSpec& spec) {
  return "rendition '" + spec.name + "' (" + spec.codec + ")";
}

}  // namespace

// --- What comes

// Returns the renditions that the result has.
RenditionSet World::take_result(const SegmentDone& event, const Open& open, Job& job) {
  const std::string what = name(event.grant);
  const auto& specs = job.plan.renditions;
  RenditionSet made = specs.empty() ? 1 : 0;
  for (const auto& [header, segment, encoder, hashes] : event.renditions) {
    std::vector<Time> times = open.source.header->presentation_times();
    if (!specs.empty()) {
      const auto spec = std::find_if(specs.begin(), specs.end(), [&](const RenditionSpec& s) {
        return s.name == header->rendition;
      });
      if (spec == specs.end()) {
        wrong(what + ": nobody wants " + header->rendition);
        return made;
      }
      const auto rendition = static_cast<std::size_t>(spec - specs.begin());
      if (!has(open.missing & ~made, rendition))
        wrong(what + ": " + spec->name + " comes twice");
      made |= RenditionSet{1} << rendition;
      times = frames_of(*open.source.header, *spec);
      check_rendition(event, rendition, *header, job);
      found_ += event.grant.attempt == 0 && !header->units.empty() ? 1 : 0;
    }
    const std::string flaw = find_flaw(open.source, times, *header, segment);
    if (!flaw.empty() && event.note.empty())
      wrong(what + ": a result " + flaw);
  }
  if ((made & open.wanted & ~event.grant.renditions) != 0)
    wrong(what + ": renditions that were not leased");
  return made;
}

// All segments of a rendition fit together, and are made by the encoder that was told.
void World::check_rendition(const SegmentDone& event, std::size_t rendition,
                            const SegmentHeader& header, Job& job) {
  if (header.units.empty())
    return;
  Rung& rung = job.rungs[rendition];
  if (rung.caps.empty())
    rung.caps = header.caps;
  if (header.caps != rung.caps)
    wrong(name(event.grant) + ": " + header.caps + " after " + rung.caps);
  // What a store has was sought by its encoder.
  if (event.worker.id == 0)
    return;
  const PipelineAdapter& adapter = wires_.at(event.worker.id - 1)->worker.plan().adapter;
  const std::string* encoder = adapter.encoder_of(job.plan.renditions[rendition]);
  const std::string& chosen = rung.encoder.empty() ? rung.was_encoder : rung.encoder;
  if (adapter.by_hand.empty() && !job.plan.mixed_encoders && (!encoder || *encoder != chosen))
    wrong(name(event.grant) + ": made by " + (encoder ? *encoder : "nothing") + ", not by " +
          chosen);
}

// What the answer of a pipeline by hand lacks it never makes.
void World::learn_pipeline(const SegmentDone& event, RenditionSet made) {
  if (event.worker.id != 0)
    wires_.at(event.worker.id - 1)->lacks[event.grant.segment.job] |=
        event.grant.renditions & ~made;
}

void World::handle(const EncoderChosen& event) {
  log(event.rendition, " of job ", event.job, " is made with ", event.encoder);
  // Those of others are taken back.
  ++losses_;
  Job& job = jobs_.at(event.job);
  const auto& specs = job.plan.renditions;
  const auto spec = std::find_if(specs.begin(), specs.end(),
                                 [&](const RenditionSpec& s) { return s.name == event.rendition; });
  if (job.plan.mixed_encoders || spec == specs.end())
    return wrong("an encoder for " + event.rendition + " was chosen, which was not to be");
  Rung& rung = job.rungs[static_cast<std::size_t>(spec - specs.begin())];
  if (!rung.encoder.empty())
    wrong("an encoder for " + event.rendition + " was chosen twice");
  rung.encoder = event.encoder;
}

// --- Who can

// What the worker may be leased, as far as the primary can know. One that has not said what it can
// may be leased nothing; it sees to that itself.
RenditionSet World::able(const Wire& wire, JobId id, const Job& job) const {
  const auto& specs = job.plan.renditions;
  if (specs.empty())
    return 1;
  const PipelineAdapter& adapter = wire.worker.plan().adapter;
  RenditionSet able = 0;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const std::string* encoder = adapter.encoder_of(specs[i]);
    const std::string& chosen = job.rungs[i].encoder;
    const bool fits =
        !adapter.by_hand.empty() || (encoder && (chosen.empty() || *encoder == chosen));
    able |= RenditionSet{fits} << i;
  }
  const auto lacks = wire.lacks.find(id);
  return lacks != wire.lacks.end() ? able & ~lacks->second : able;
}

void World::note_abilities() {
  if (joined_.size() > kCrowd)
    return;
  for (auto& [id, job] : jobs_) {
    if (job.plan.renditions.empty() || job.over)
      continue;
    RenditionSet some = joined_.empty() ? job.everything() : 0;
    for (WorkerId worker : joined_)
      some |= coordinator_.dispatcher().ability(worker, id);
    for (std::size_t i = 0; i < job.rungs.size(); ++i)
      if (std::exchange(job.rungs[i].able, has(some, i)) && !has(some, i))
        job.rungs[i].unable_since = timeline_.now();
  }
}

void World::handle(const NoWorkerCan& event) {
  log("nobody can: ", event.reason);
  Job& job = jobs_.at(event.job);
  if (job.over)
    return wrong("job " + std::to_string(event.job) + ": over, and nobody can go on with it");
  bool overdue = joined_.size() > kCrowd;
  for (std::size_t i = 0; i < job.plan.renditions.size(); ++i) {
    const std::string text = in_text(job.plan.renditions[i]);
    if (event.reason.find(text) == std::string::npos)
      continue;
    overdue = overdue || timeline_.now() >= job.rungs[i].unable_since + kPatience;
    for (WorkerId worker : joined_) {
      if (closing_.count(worker) != 0)
        continue;
      const Wire& wire = *wires_.at(worker - 1);
      const bool damaged = wire.worker.plan().up.damage + wire.worker.plan().down.damage > 0;
      if (has(coordinator_.dispatcher().ability(worker, event.job), i))
        wrong(wire.worker.plan().name + " can make what nobody can: " + text);
      if (has(able(wire, event.job, job), i) && !damaged &&
          wire.joined_at + kPatience > timeline_.now() &&
          job.rungs[i].unable_since + 2 * kPatience > timeline_.now())
        wrong(wire.worker.plan().name + " was not heard before nobody could: " + text);
    }
  }
  if (!overdue)
    wrong("job " + std::to_string(event.job) +
          ": nobody can, too soon or for nothing: " + event.reason);
  ++jobs_failed_;
  ++jobs_unable_;
  end_job(event.job, job, true);
}

// What is queued and can be made by none of the workers that are there does not wait for ever.
void World::look_for_unable() {
  constexpr Instant kSlack = 15 * kOneSecond;
  if (joined_.empty() || joined_.size() > kCrowd)
    return;
  for (const auto& [id, job] : jobs_)
    for (std::size_t i = 0; i < job.plan.renditions.size(); ++i) {
      const Rung& rung = job.rungs[i];
      // Who is being examined may be the one who can, whenever it passes.
      if (!job.over && !rung.able && !job.plan.verification.golden &&
          timeline_.now() > std::max(rung.unable_since, rung.queued_since) + 2 * kPatience + kSlack)
        wrong("job " + std::to_string(id) + ": nobody was told that nobody can make " +
              in_text(job.plan.renditions[i]));
    }
}

// What the worker does make, as far as the encoders are chosen.
RenditionSet World::makes(const Worker& worker, const Job& job) const {
  const auto& specs = job.plan.renditions;
  const PipelineAdapter& adapter = worker.plan().adapter;
  RenditionSet makes = specs.empty() ? 1 : 0;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const std::string* encoder = adapter.encoder_of(specs[i]);
    const std::string& chosen = job.rungs[i].encoder;
    const bool listed = std::find(adapter.by_hand.begin(), adapter.by_hand.end(), specs[i].name) !=
                        adapter.by_hand.end();
    const bool fits = encoder && (chosen.empty() || *encoder == chosen);
    const bool made = adapter.by_hand.empty() ? fits : listed;
    makes |= RenditionSet{made && adapter.answers_after != kNever} << i;
  }
  return makes;
}

// Whether honest workers are there that together can make all of some job.
bool World::can_go_on() const {
  return std::any_of(jobs_.begin(), jobs_.end(), [this](const auto& entry) {
    const Job& job = entry.second;
    RenditionSet some = 0;
    for (const auto& worker : workers_)
      if (worker->plan().is_honest() && worker->is_well())
        some |= makes(*worker, job);
    return !job.over && some == job.everything();
  });
}

// Whether some honest worker can make a part, or could if it was there.
bool World::can_be_made(const Dispatcher::Grant& grant) const {
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    return worker->plan().is_honest() &&
           (grant.renditions & ~makes(*worker, jobs_.at(grant.segment.job))) == 0;
  });
}

}  // namespace dist::sim
