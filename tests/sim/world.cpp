// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>

namespace dist::sim {
namespace {

constexpr std::size_t kNotes = 100'000;
constexpr Instant kLookEvery = 5 * kOneSecond;
// With an honest worker there, some segment is done in so many looks.
constexpr unsigned kPatience = 720;
// A lease is late that takes so many times as long as the longest before it, as one segment may be
// as much longer than another; and the dispatcher knows the distribution after so many segments.
constexpr unsigned kLate = 4;
constexpr std::uint64_t kKnown = 8;
// Leases of a segment that may come to nothing without a failure: as hedges, as those of suspended
// workers, or for want of memory. If it is more, work is done only to be thrown away.
constexpr unsigned kFutile = 40;
// After the end everybody has heard of it.
constexpr Instant kLinger = 10 * kOneSecond;
// A farm is not to be woken more often, in the mean over its life.
constexpr double kWakeupsEachSecond = 20;
constexpr double kWakeupsEachWorker = 4;

std::string name(JobId job, std::uint64_t index) {
  return "segment " + std::to_string(job) + ":" + std::to_string(index);
}

std::string name(const Dispatcher::Grant& grant) {
  return name(grant.segment.job, grant.segment.index) + ", lease " + std::to_string(grant.lease) +
         ", attempt " + std::to_string(grant.attempt);
}

// Turned into text only if somebody reads it.
struct Named {
  const Dispatcher::Grant& grant;
  friend std::ostream& operator<<(std::ostream& out, const Named& named) {
    return out << name(named.grant);
  }
};

}  // namespace

World::World(const Scenario& scenario, std::uint64_t seed, bool verbose)
    : scenario_(scenario),
      verbose_(verbose),
      random_(seed ^ 0x5eed),
      coordinator_({}),
      current_(scenario.workers.size()) {
  for (std::size_t i = 0; i < scenario_.jobs.size(); ++i) {
    const JobPlan& plan = scenario_.jobs[i];
    const JobId id = i + 1;
    jobs_.try_emplace(id, plan);
    jobs_.at(id).stream = "s" + std::to_string(id);
    jobs_.at(id).largest = scenario_.largest(plan);
    coordinator_.add_job(id, {.max_attempts = plan.max_attempts, .max_bytes = plan.max_bytes});
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
      if (coordinator_.next_wakeup() <= timeline_.now())
        wrong("woken up, and to be woken up in the past again");
      break;
    case kProduce:
      jobs_.at(argument).begun = true;
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
      const std::uint64_t index = job.outbox.front();
      job.outbox.pop_front();
      deliver(argument, job, index);
      break;
    }
    case kSeek:
      seek(argument);
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
  coordinator_.received(wire.id, bytes, timeline_.now());
  settle();
}

void World::closed(Wire& wire, const std::string& reason) {
  if (!wire.open)
    return;
  wire.open = wire.joined = false;
  wire.up.close();
  wire.down.cut();
  coordinator_.disconnected(wire.id, reason, timeline_.now());
  settle();
}

// --- The primary

// Does what the coordinator asks for until it asks for nothing more.
void World::settle() {
  while (wrong_.empty()) {
    auto events = coordinator_.take_events();
    for (const auto& event : events)
      std::visit([this](const auto& e) { handle(e); }, event);
    const auto closing = coordinator_.take_closing();
    for (const auto& [id, reason] : closing) {
      Wire& wire = *wires_.at(id - 1);
      wire.open = wire.joined = false;
      wire.up.close();
      wire.down.finish(coordinator_.link(id));
      coordinator_.disconnected(id, reason, timeline_.now());
    }
    if (events.empty() && closing.empty())
      break;
  }
  for (WorkerId id : coordinator_.take_writable())
    if (Wire& wire = *wires_.at(id - 1); wire.open)
      wire.down.send(coordinator_.link(id));
  const Instant next = coordinator_.next_wakeup();
  if (next < wakeup_) {
    wakeup_ = next;
    timeline_.at(next, *this, kWakeup);
  }
  check();
}

void World::handle(const Coordinator::WorkerJoined& event) {
  wires_.at(event.worker.id - 1)->joined = true;
  log(event.worker.name, " joins as ", event.worker.id);
}

void World::handle(const Coordinator::WorkerLeft& event) {
  wires_.at(event.worker.id - 1)->joined = false;
  log(event.worker.name, " left: ", event.reason);
}

void World::handle(const Coordinator::WorkerSuspended& event) {
  log(event.worker.name, " suspended for ", event.duration / kMillisecond, " ms: ", event.reason);
}

void World::handle(const Coordinator::ConnectionRefused& event) {
  log(event.address, " refused: ", event.reason);
}

void World::handle(const Coordinator::WaitingForWorkers& event) {
  log("waiting for workers with ", event.open_segments, " segments");
}

void World::handle(const Coordinator::LeaseFailed& event) {
  log(Named{event.grant}, " failed on ", event.worker.name, ": ", event.reason,
      event.given_up.empty() ? "" : "; ", event.given_up);
  ++losses_;
  const JobId id = event.grant.segment.job;
  Job& job = jobs_.at(id);
  if (job.over)
    return;
  if (wires_.at(event.worker.id - 1)->worker.plan().is_faultless())
    wrong(name(event.grant) + " failed on " + event.worker.name +
          ", who is not to blame: " + event.reason);
  const unsigned failures = ++job.failures[event.grant.segment.index];
  if (event.given_up.empty())
    return;
  if (!scenario_.may_fail || failures < job.plan.max_attempts)
    wrong("no reason to give up after " + std::to_string(failures) + ": " + event.given_up);
  ++jobs_failed_;
  end_job(id, job, true);
}

void World::handle(const Coordinator::LeaseHedged& event) {
  ++hedges_;
  log(Named{event.grant}, " hedged on ", event.worker.name);
}

void World::handle(const Coordinator::SegmentDone& event) {
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
  std::uint64_t size = 0;
  for (const auto& rendition : event.renditions) {
    size += total_size(rendition.segment);
    const std::string flaw = find_flaw(source->second, *rendition.header, rendition.segment.front());
    if (!flaw.empty() && event.note.empty())
      return wrong(name(id, index) + ": a result " + flaw);
  }
  const auto failures = job.failures.find(index);
  if (event.grant.attempt > kFutile + 4 * (failures != job.failures.end() ? failures->second : 0))
    wrong(name(event.grant) + ": work was thrown away");
  ++segments_done_;
  ++job.done;
  job.longest = std::max(job.longest, event.duration);
  job.open.erase(source);
  job.window.answer(index, size);
  if (job.plan.consume_every != 0)
    job.outbox.push_back(index);
  else
    deliver(id, job, index);
}

// --- The element and the joiner

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
    job.open.emplace(index, std::move(source));
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
  job.failures.clear();
  job.queued.reset();
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

// --- What has to be true

void World::check() {
  check_memory();
  std::size_t open = 1;
  for (const auto& [_, job] : jobs_)
    open += job.open.size();
  // All leases at each step, but of many only now and then.
  const std::size_t pause = open < 16 ? 0 : open / scenario_.leases_compared_each_step;
  if (pause == 0 || steps_ >= checked_at_ + pause)
    check_leases();
}

void World::check_memory() {
  for (const auto& [id, job] : jobs_) {
    // The window takes a segment as long as it is not full, and the earliest has room for a result.
    const std::uint64_t limit = std::max(job.plan.max_bytes, job.plan.window_bytes + job.largest);
    if (!job.over && coordinator_.bytes_held(id) > limit + job.largest)
      wrong("job " + std::to_string(id) + " holds " + std::to_string(coordinator_.bytes_held(id)) +
            " bytes, more than " + std::to_string(limit) + " and " + std::to_string(job.largest));
  }
}

void World::check_leases() {
  const Dispatcher& dispatcher = coordinator_.dispatcher();
  ++checks_;
  LeaseId newest = newest_;
  for (auto& [id, job] : jobs_) {
    if (dispatcher.open_segments(id) != job.open.size())
      return wrong("job " + std::to_string(id) + ": " + std::to_string(job.open.size()) +
                   " segments are open here, there " +
                   std::to_string(dispatcher.open_segments(id)));
    job.leases = dispatcher.leases_of(id);
    if (job.leases.size() != dispatcher.leases(id))
      wrong("job " + std::to_string(id) + ": leases without a segment");
    job.was_queued = std::exchange(job.queued, check_segments(id, job));
    for (const Dispatcher::Grant& grant : job.leases)
      newest = std::max(newest, grant.lease);
  }
  for (const auto& [id, job] : jobs_)
    check_order(id, job, newest);
  newest_ = newest;
  seen_losses_ = losses_;
  checked_at_ = steps_;
}

// Returns the earliest open segment that is queued and never failed.
std::optional<std::uint64_t> World::check_segments(JobId id, const Job& job) {
  std::optional<std::uint64_t> queued;
  auto lease = job.leases.begin();
  for (const auto& [index, _] : job.open) {
    unsigned copies = 0;
    for (; lease != job.leases.end() && lease->segment.index == index; ++lease, ++copies)
      check_holder(*lease);
    if (copies > 8)
      wrong(name(id, index) + ": more than eight leases");
    if (copies == 0 && !queued && job.failures.count(index) == 0)
      queued = index;
  }
  if (lease != job.leases.end())
    wrong(name(*lease) + ": its segment is not open");
  return queued;
}

void World::check_holder(const Dispatcher::Grant& grant) {
  Wire& wire = *wires_.at(grant.worker - 1);
  if (!wire.open || !wire.joined)
    return wrong(name(grant) + ": its worker is gone");
  if (std::exchange(wire.counted_at, checks_) != checks_)
    wire.held = 0;
  // A damaged greeting may have asked for more.
  if (++wire.held > wire.worker.plan().capacity && wire.worker.plan().up.damage == 0)
    wrong(name(grant) + ": more than its worker can hold");
}

// What has been queued since before the newest leases were granted comes before them, if it is
// earlier, or if its job has fewer leases; the latter is known only if no step was left out.
void World::check_order(JobId id, const Job& job, LeaseId newest) {
  const Dispatcher& dispatcher = coordinator_.dispatcher();
  const bool waits = job.was_queued && job.open.count(*job.was_queued) != 0 &&
                     dispatcher.leases_of({id, *job.was_queued}).empty() &&
                     job.failures.count(*job.was_queued) == 0;
  // Unless its job may have been throttled, or has just lost leases.
  const bool tight = job.plan.max_bytes < JobPlan().max_bytes;
  if (waits && newest > newest_ && !tight && losses_ == seen_losses_)
    for (const auto& [other_id, other] : jobs_)
      for (const Dispatcher::Grant& grant : other.leases)
        if (grant.lease > newest_ && !grant.hedge &&
            ((other_id == id && grant.segment.index > *job.was_queued) ||
             (steps_ <= checked_at_ + 1 &&
              dispatcher.leases(other_id) > dispatcher.leases(id) + 3)))
          return wrong(name(grant) + ": before " + name(id, *job.was_queued));
}

bool World::has_idle_worker() const {
  return std::any_of(wires_.begin(), wires_.end(), [this](const auto& wire) {
    return wire->open && wire->joined && wire->worker.plan().is_faultless() &&
           wire->counted_at != checks_;
  });
}

// What everybody waits for gets a second lease when it is late and somebody has nothing to do.
void World::check_hedge(JobId id, Job& job) {
  const auto leases = coordinator_.dispatcher().leases_of({id, job.next_join});
  if (job.over || leases.size() != 1 || leases[0].lease != job.front_lease) {
    job.front_lease = leases.empty() ? 0 : leases.back().lease;
    job.front_since = timeline_.now();
    return;
  }
  if (job.done >= kKnown && timeline_.now() - job.front_since > kLate * job.longest &&
      has_idle_worker())
    wrong(name(leases[0]) + ": late, and a worker is idle");
}

// As long as an honest worker is there, something gets done.
void World::look_for_progress() {
  timeline_.at(timeline_.now() + kLookEvery, *this, kLook);
  const bool anyone_well = std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
    return worker->plan().is_honest() && worker->is_well();
  });
  const bool progress = std::exchange(seen_done_, segments_done_) != segments_done_;
  idle_looks_ = anyone_well && !progress ? idle_looks_ + 1 : 0;
  if (idle_looks_ >= kPatience)
    wrong("nothing was done for an hour, although an honest worker is there");
  check_leases();
  for (auto& [id, job] : jobs_)
    check_hedge(id, job);
  const double seconds = static_cast<double>(timeline_.now()) / 1e9;
  const double most =
      seconds * (kWakeupsEachSecond + kWakeupsEachWorker * static_cast<double>(workers_.size()));
  if (static_cast<double>(wakeups_) > most)
    wrong("woken up " + std::to_string(wakeups_) + " times in " + std::to_string(seconds) + " s");
}

void World::check_end() {
  for (const auto& [id, job] : jobs_) {
    if (!job.over)
      return wrong("nothing happens any more, and job " + std::to_string(id) + " is not over");
    if (coordinator_.dispatcher().open_segments(id) != 0 ||
        coordinator_.dispatcher().leases(id) != 0 || coordinator_.bytes_held(id) != 0)
      wrong("job " + std::to_string(id) + ": something is left over");
  }
  for (const auto& worker : workers_)
    if (worker->plan().is_faultless() && !worker->is_dismissed() && worker->is_well())
      wrong(worker->plan().name + " was not let go");
}

void World::wrong(const std::string& text) {
  log("WRONG: ", text);
  if (wrong_.empty())
    wrong_ = text;
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
