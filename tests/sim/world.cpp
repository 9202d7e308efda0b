// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <set>
#include <utility>

namespace dist::sim {
namespace {

constexpr std::size_t kNotes = 100'000;
// Leases of a segment that may come to nothing without a failure: as hedges, as those of suspended
// workers, or for want of memory. If it is more, work is done only to be thrown away.
constexpr unsigned kFutile = 40;
// After the end everybody has heard of it.
constexpr Instant kLinger = 10 * kOneSecond;

// Turned into text only if somebody reads it.
struct Named {
  const Dispatcher::Grant& grant;
  friend std::ostream& operator<<(std::ostream& out, const Named& named) {
    return out << name(named.grant);
  }
};

// As check_rendition() in gstx: where encoders may be mixed, theirs are all the same caps.
Result<std::string> judge_caps(const SegmentHeader& header, std::span<const std::uint8_t>,
                               bool mixed, const RenditionSpec*) {
  return mixed ? header.caps.substr(0, header.caps.find(',')) : header.caps;
}

// Those that have frames in the segment.
RenditionSet wanted_of(const SegmentHeader& header, const JobPlan& plan) {
  RenditionSet wanted = plan.renditions.empty() ? 1 : 0;
  for (std::size_t i = 0; i < plan.renditions.size(); ++i)
    wanted |= RenditionSet{!frames_of(header, plan.renditions[i]).empty()} << i;
  return wanted;
}

}  // namespace

std::string name(JobId job, std::uint64_t index) {
  return "segment " + std::to_string(job) + ":" + std::to_string(index);
}

std::string name(const Dispatcher::Grant& grant) {
  return name(grant.segment.job, grant.segment.index) + ", lease " + std::to_string(grant.lease) +
         " of renditions " + std::to_string(grant.renditions) + ", attempt " +
         std::to_string(grant.attempt);
}

World::World(const Scenario& scenario, std::uint64_t seed, bool verbose)
    : scenario_(scenario),
      verbose_(verbose),
      random_(seed ^ 0x5eed),
      coordinator_({.dispatcher = {}, .secret = {}, .door = {}, .lets_go_when_done = true}),
      current_(scenario.workers.size()) {
  for (std::size_t i = 0; i < scenario_.jobs.size(); ++i) {
    const JobPlan& plan = scenario_.jobs[i];
    const JobId id = i + 1;
    jobs_.try_emplace(id, plan);
    jobs_.at(id).stream = "s" + std::to_string(id);
    jobs_.at(id).largest = scenario_.largest(plan);
    coordinator_.add_job(id,
                         {.max_attempts = plan.max_attempts,
                          .max_bytes = plan.max_bytes,
                          .mixed_encoders = plan.mixed_encoders,
                          .check_rendition = judge_caps,
                          .verification = plan.verification,
                          .has_store = plan.store.is_there},
                         0);
    timeline_.at(plan.begins_at, *this, kProduce, id);
    timeline_.at(plan.seek_at, *this, kSeek, id);
    if (plan.consume_every != 0)
      timeline_.at(plan.begins_at, *this, kConsume, id);
  }
  for (const WorkerPlan& plan : scenario_.workers)
    workers_.push_back(std::make_unique<Worker>(timeline_, *this, plan, random_.bits()));
  timeline_.at(kLookEvery, *this, kLook);
}

std::string World::run() {
  const auto over = [](const auto& job) { return job.second.over; };
  while (wrong_.empty() && !std::all_of(jobs_.begin(), jobs_.end(), over) && timeline_.step())
    ++steps_;
  while (wrong_.empty() && timeline_.now() < ended_ + kLinger && timeline_.step())
    ++steps_;
  if (wrong_.empty())
    check_end();
  return wrong_;
}

double World::efficiency() const {
  Instant busy = 0;
  for (const auto& worker : workers_)
    busy += worker->busy();
  return static_cast<double>(busy) /
         (static_cast<double>(workers_.size()) * static_cast<double>(ended_ - began_));
}

void World::on_event(unsigned what, std::uint64_t argument) {
  switch (what) {
    case kWakeup:
      // Only the earliest of those that are scheduled counts.
      if (timeline_.now() < wakeup_)
        return;
      wakeup_ = kNever;
      ++wakeups_;
      coordinator_.advance(timeline_.now());
      take_output();
      if (output_.next_wakeup <= timeline_.now())
        wrong("woken up, and to be woken up in the past again");
      break;
    case kProduce:
      jobs_.at(argument).begun = true;
      want_renditions(argument, jobs_.at(argument));
      began_ = std::min(began_, timeline_.now());
      submit(argument, jobs_.at(argument));
      break;
    case kConsume: {
      Job& job = jobs_.at(argument);
      if (job.over)
        return;
      timeline_.at(timeline_.now() + job.plan.consume_every, *this, kConsume, argument);
      if (job.outbox.empty() ||
          (timeline_.now() >= job.plan.pause_at && timeline_.now() < job.plan.pause_at + kPause))
        return;
      const Output output = job.outbox.front();
      job.outbox.pop_front();
      if (output.completes)
        deliver(argument, job, output.index);
      break;
    }
    case kSeek:
      seek(argument);
      break;
    case kSeen: {
      const auto look = looks_.extract(argument);
      // Now and then nobody can tell, where there is nothing to be told of.
      const bool unknown = look.mapped().empty() && random_.share() < 0.05;
      coordinator_.looked(argument, {look.mapped(), unknown ? "no decoder" : "", nullptr, false},
                          timeline_.now());
      break;
    }
    case kFound:
      tell_finding(argument);
      break;
    default:
      look_for_progress();
      break;
  }
  settle();
}

// --- The network

World::Wire*& World::current(const Worker& worker) {
  return current_.at(static_cast<std::size_t>(&worker.plan() - scenario_.workers.data()));
}

void World::connect(Worker& worker) {
  const WorkerId id = wires_.size() + 1;
  wires_.push_back(std::make_unique<Wire>(*this, id, worker));
  current(worker) = wires_.back().get();
  wire::Nonce nonce;
  for (std::uint8_t& byte : nonce)
    byte = static_cast<std::uint8_t>(random_.bits());
  // Never more than the limit of connections from one address.
  coordinator_.connected(id, "10.0.0." + std::to_string(id) + ":5000", nonce, timeline_.now());
  settle();
}

void World::disconnect(Worker& worker) {
  Wire& wire = *std::exchange(current(worker), nullptr);
  wire.down.close();
  wire.up.cut();
}

void World::send(Worker& worker) {
  if (Wire* wire = current(worker))
    wire->up.send(worker.session());
}

void World::partition(Worker& worker, bool partitioned) {
  for (const auto& wire : wires_)
    if (&wire->worker == &worker) {
      wire->down.set_partitioned(partitioned);
      wire->up.set_partitioned(partitioned);
    }
}

void World::received(Wire& wire, std::span<const std::uint8_t> bytes) {
  if (!wire.open)
    return;
  losses_ += wire.worker.has_retired() ? 1 : 0;
  coordinator_.received(wire.id, bytes, timeline_.now());
  settle();
}

void World::closed(Wire& wire, const std::string& reason) {
  if (!wire.open)
    return;
  wire.open = wire.joined = false;
  joined_.erase(wire.id);
  wire.up.close();
  wire.down.cut();
  coordinator_.disconnected(wire.id, reason, timeline_.now());
  settle();
}

// --- The primary

// Adds the coordinator's output to what is not done yet.
void World::take_output() {
  Coordinator::Output more = coordinator_.take_output();
  std::ranges::move(more.events, std::back_inserter(output_.events));
  std::ranges::move(more.closing, std::back_inserter(output_.closing));
  output_.writable.insert(output_.writable.end(), more.writable.begin(), more.writable.end());
  output_.next_wakeup = more.next_wakeup;
}

// Does what the coordinator asks for until it asks for nothing more.
void World::settle() {
  while (wrong_.empty()) {
    take_output();
    const auto events = std::exchange(output_.events, {});
    const auto closing = std::exchange(output_.closing, {});
    for (const auto& [id, _] : closing)
      closing_.insert(id);
    for (const auto& event : events)
      std::visit([this](const auto& e) { handle(e); }, event);
    closing_.clear();
    for (const auto& [id, reason] : closing) {
      Wire& wire = *wires_.at(id - 1);
      wire.open = wire.joined = false;
      joined_.erase(id);
      wire.up.close();
      wire.down.finish(coordinator_.link(id));
      coordinator_.disconnected(id, reason, timeline_.now());
    }
    if (events.empty() && closing.empty())
      break;
  }
  const auto writable = std::exchange(output_.writable, {});
  for (WorkerId id : std::set<WorkerId>(writable.begin(), writable.end()))
    if (Wire& wire = *wires_.at(id - 1); wire.open)
      wire.down.send(coordinator_.link(id));
  if (output_.next_wakeup < wakeup_) {
    wakeup_ = output_.next_wakeup;
    timeline_.at(wakeup_, *this, kWakeup);
  }
  check();
}

void World::handle(const WorkerJoined& event) {
  Wire& wire = *wires_.at(event.worker.id - 1);
  wire.joined = true;
  wire.joined_at = timeline_.now();
  joined_.insert(wire.id);
  log(event.worker.name, " joins as ", event.worker.id);
}

void World::handle(const WorkerLeft& event) {
  wires_.at(event.worker.id - 1)->joined = false;
  joined_.erase(event.worker.id);
  log(event.worker.name, " left: ", event.reason);
}

void World::handle(const WorkerSuspended& event) {
  // What it held is queued again.
  ++losses_;
  log(event.worker.name, " suspended for ", event.duration / kMillisecond, " ms: ", event.reason);
  if ((event.reason.starts_with("its answer") || event.reason.starts_with("it failed its exam")) &&
      wires_.at(event.worker.id - 1)->worker.plan().is_faultless())
    wrong(event.worker.name + " is suspended for a lie that it did not tell");
}

void World::handle(const LookWanted& event) {
  log(Named{event.grant}, " of ", event.worker.name, " is looked at");
  std::string& seen = looks_[event.grant.lease];
  for (const auto& [header, segment, encoder, hashes] : event.renditions)
    if (seen.empty())
      seen =
          find_flaw({event.source, event.segment}, header->presentation_times(), *header, segment);
  ++looked_at_;
  // Some hang for a while.
  const double longest = random_.share() < 0.01 ? 90e9 : 3e9;
  timeline_.at(timeline_.now() + static_cast<Instant>(random_.share() * longest), *this, kSeen,
               event.grant.lease);
}

void World::handle(const PicturesDiffer& event) {
  log(Named{event.grant}, " of ", event.worker.name, ": ", event.reason);
  ++lies_seen_;
  if (!wires_.at(event.worker.id - 1)->worker.plan().faults.lies)
    wrong(name(event.grant) + ": " + event.worker.name + " did not lie");
}

void World::handle(const ConnectionRefused& event) {
  log(event.address, " refused: ", event.reason);
}

void World::handle(const WaitingForWorkers& event) {
  log("waiting for workers with ", event.open_segments, " segments");
}

void World::handle(const LeaseFailed& event) {
  log(Named{event.grant}, " failed on ", event.worker.name, ": ", event.reason);
  ++losses_;
  Job& job = jobs_.at(event.grant.segment.job);
  if (job.over)
    return;
  if (wires_.at(event.worker.id - 1)->worker.plan().is_faultless())
    wrong(name(event.grant) + " failed on " + event.worker.name +
          ", who is not to blame: " + event.reason);
  ++job.failures[event.grant.segment.index];
}

void World::handle(const SegmentGivenUp& event) {
  log(Named{event.last}, " given up: ", event.reason);
  const JobId id = event.last.segment.job;
  Job& job = jobs_.at(id);
  if (job.over)
    return;
  const unsigned failures = job.failures[event.last.segment.index];
  // Exams are not all of one segment.
  const unsigned all_failures =
      std::accumulate(job.failures.begin(), job.failures.end(), 0U,
                      [](unsigned sum, const auto& entry) { return sum + entry.second; });
  if ((!scenario_.may_fail && can_be_made(event.last)) ||
      (job.plan.verification.golden ? all_failures : failures) < job.plan.max_attempts)
    wrong("no reason to give up after " + std::to_string(failures) + ": " + event.reason);
  ++jobs_failed_;
  end_job(id, job, true);
}

void World::handle(const LeaseAdvanced& event) {
  if (event.share <= 0 || event.share > 1)
    wrong(name(event.grant) + " cannot be " + std::to_string(event.share) + " of itself");
}

void World::handle(const LeaseHedged& event) {
  ++hedges_;
  log(Named{event.grant}, " hedged on ", event.worker.name);
}

void World::handle(const SegmentDone& event) {
  const JobId id = event.grant.segment.job;
  const std::uint64_t index = event.grant.segment.index;
  log(Named{event.grant}, " done by ", event.worker.name, event.note.empty() ? "" : ", ",
      event.note);
  Job& job = jobs_.at(id);
  // What was in the air when a seek came, or the job ended.
  if (job.over || event.renditions.empty() || event.renditions[0].header->stream_id != job.stream)
    return wrong(name(id, index) + ": a result of something that is over");
  const auto source = job.open.find(index);
  if (source == job.open.end())
    return wrong(name(id, index) + ": done twice, or never submitted");
  Open& open = source->second;
  const RenditionSet made = take_result(event, open, job);
  learn_pipeline(event, made);
  const auto failures = job.failures.find(index);
  if (event.grant.attempt > kFutile + 4 * (failures != job.failures.end() ? failures->second : 0))
    wrong(name(event.grant) + ": work was thrown away");
  open.missing &= ~made;
  for (const auto& [header, segment, encoder, hashes] : event.renditions) {
    if (header->units.empty())
      continue;
    open.results += total_size(segment);
    if (event.provisional)
      open.provisional[header->rendition] = total_size(segment);
  }
  const bool complete = open.missing == 0;
  const std::uint64_t held =
      open.results + (complete && !event.provisional ? 0 : total_size(open.source.bytes));
  if (event.complete != complete || event.held != held)
    wrong(name(event.grant) + ": " + std::to_string(event.held) + " bytes are held, it should be " +
          std::to_string(held) + (complete ? "; complete" : "; not complete"));
  job.longest = std::max(job.longest, event.duration);
  job.window.answer(index, held);
  parts_ += complete ? 0 : 1;
  if (complete) {
    ++segments_done_;
    job.done += event.worker.id != 0 ? 1 : 0;
    auto node = job.open.extract(source);
    if (event.provisional)
      job.kept.insert(std::move(node));
  }
  if (event.provisional)
    job.provisional.push_back({index, complete});
  else
    give(id, job, {index, complete});
}

void World::give(JobId id, Job& job, const Output& output) {
  if (job.plan.consume_every != 0)
    job.outbox.push_back(output);
  else if (output.completes)
    deliver(id, job, output.index);
}

void World::handle(const ResultsSettled& event) {
  log("the results of job ", event.job, " are settled");
  Job& job = jobs_.at(event.job);
  if (job.over)
    return;
  for (const auto& [index, bytes] : event.segments) {
    const auto kept = job.kept.find(index);
    if (kept == job.kept.end() || kept->second.results != bytes)
      wrong(name(event.job, index) + ": settled with " + std::to_string(bytes) + " bytes");
    job.window.answer(index, bytes);
  }
  if (job.kept.size() != event.segments.size())
    wrong("job " + std::to_string(event.job) + ": not all results are settled");
  job.kept.clear();
  for (auto& [_, open] : job.open)
    open.provisional.clear();
  for (const Output& output : std::exchange(job.provisional, {}))
    if (!job.over)
      give(event.job, job, output);
}

void World::handle(const ResultsTakenBack& event) {
  log(event.segments.size(), " results of job ", event.job, " are taken back: ", event.reason);
  Job& job = jobs_.at(event.job);
  if (job.over)
    return;
  ++losses_;
  const auto& specs = job.plan.renditions;
  for (const auto& [index, bytes] : event.segments) {
    if (auto node = job.kept.extract(index)) {
      job.open.insert(std::move(node));
      job.done -= std::min<std::uint64_t>(job.done, 1);
      --segments_done_;
    }
    Open& open = job.open.at(index);
    for (const std::string& rendition : event.renditions) {
      const auto made = open.provisional.find(rendition);
      if (made == open.provisional.end())
        continue;
      open.results -= made->second;
      open.provisional.erase(made);
      const auto spec = std::ranges::find(specs, rendition, &RenditionSpec::name);
      open.missing |= RenditionSet{1} << (specs.empty() ? 0 : spec - specs.begin());
    }
    if (open.results + total_size(open.source.bytes) != bytes)
      wrong(name(event.job, index) + ": taken back, and " + std::to_string(bytes) + " are held");
    job.window.answer(index, bytes);
    for (Output& output : job.provisional)
      output.completes = output.completes && output.index != index;
  }
  for (std::size_t i = 0; i < specs.size(); ++i)
    if (event.renditions.contains(specs[i].name)) {
      if (!job.rungs[i].encoder.empty())
        job.rungs[i].was_encoder = std::exchange(job.rungs[i].encoder, {});
      job.rungs[i].caps.clear();
      job.rungs[i].queued.reset();
    }
}

// --- The element and the joiner

void World::want_renditions(JobId id, Job& job) {
  if (std::exchange(job.asked, true) || job.plan.renditions.empty())
    return;
  for (Rung& rung : job.rungs)
    rung.unable_since = timeline_.now();
  coordinator_.set_renditions(id, job.plan.renditions, timeline_.now());
}

void World::submit(JobId id, Job& job) {
  const JobPlan& plan = job.plan;
  if (job.over || !job.begun)
    return;
  while (job.next_submit < plan.segments && job.window.has_room(job.next_submit)) {
    const std::uint64_t index = job.next_submit++;
    if (index - job.next_join >= plan.window_segments && !job.window.empty())
      wrong(name(id, index) + ": out of the window");
    Source source = make_source(job.stream, index, index + 1 == plan.segments,
                                1 + random_.below(plan.segment_size), random_);
    const std::uint64_t size = total_size(source.bytes);
    job.window.accept(index, size);
    coordinator_.submit(id, source.header, source.bytes, sha256(source.bytes), timeline_.now());
    Open& open = job.open[index];
    open.wanted = wanted_of(*source.header, plan);
    open.missing = job.everything();
    open.source = std::move(source);
    if (plan.produce_every != 0) {
      job.begun = false;
      timeline_.at(timeline_.now() + plan.produce_every, *this, kProduce, id);
      return;
    }
  }
  job.blocked = !job.window.empty();
  coordinator_.set_blocked(id, job.blocked, timeline_.now());
}

void World::deliver(JobId id, Job& job, std::uint64_t index) {
  job.window.deliver(index);
  if (index < job.next_join || !job.waiting.insert(index).second)
    return wrong(name(id, index) + ": twice at the joiner");
  while (job.waiting.erase(job.next_join) != 0)
    ++job.next_join;
  coordinator_.delivered(id, index, timeline_.now());
  if (job.next_join == job.plan.segments)
    return end_job(id, job, false);
  submit(id, job);
}

void World::seek(JobId id) {
  Job& job = jobs_.at(id);
  if (job.over)
    return;
  log("job ", id, " begins anew");
  coordinator_.clear_job(id, timeline_.now());
  job.window.clear();
  job.stream += "'";
  job.next_submit = job.next_join = 0;
  job.open.clear();
  job.waiting.clear();
  job.outbox.clear();
  job.kept.clear();
  job.provisional.clear();
  job.failures.clear();
  job.front.clear();
  // The encoders stay.
  for (Rung& rung : job.rungs) {
    rung.caps.clear();
    rung.queued.reset();
  }
  submit(id, job);
}

void World::end_job(JobId id, Job& job, bool failed) {
  log("job ", id, failed ? " failed" : " is done");
  job.over = true;
  job.open.clear();
  if (failed)
    coordinator_.clear_job(id, timeline_.now());
  coordinator_.finish_job(id);
  ended_ = timeline_.now();
}

void World::wrong(const std::string& text) {
  log("WRONG: ", text);
  if (wrong_.empty())
    wrong_ = text;
}

void World::complain(const Worker& worker, const std::string& text) {
  wrong(worker.plan().name + " " + text);
}

void World::note(const Worker& worker, const std::string& text) {
  log(worker.plan().name, " ", text);
}

void World::write_note(const std::string& text) {
  char time[32];
  std::snprintf(time, sizeof(time), "%12.6f ", static_cast<double>(timeline_.now()) / 1e9);
  notes_.push_back(time + text);
  if (notes_.size() > kNotes)
    notes_.pop_front();
}

}  // namespace dist::sim
