// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "tests/sim/world.h"

namespace dist::sim {
namespace {

// With an honest worker there, some segment is done in so many looks.
constexpr unsigned kPatience = 720;
// A lease is late that takes so many times as long as the longest before it, as one segment may be
// as much longer than another; and the dispatcher knows the distribution after so many segments.
constexpr unsigned kLate = 4;
constexpr std::uint64_t kKnown = 8;
// A farm is not to be woken more often, in the mean over its life.
constexpr double kWakeupsEachSecond = 20;
constexpr double kWakeupsEachWorker = 4;

}  // namespace

// --- What has to be true

void World::check() {
  check_memory();
  note_abilities();
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
    // The window takes a segment as long as it is not full, and the earliest has room for a result,
    // and one exam.
    const std::uint64_t limit = std::max(job.plan.max_bytes, job.plan.window_bytes + job.largest);
    const std::uint64_t results = (job.plan.verification.golden ? 2 : 1) * job.largest;
    if (!job.over && coordinator_.bytes_held(id) > limit + results)
      wrong("job " + std::to_string(id) + " holds " + std::to_string(coordinator_.bytes_held(id)) +
            " bytes, more than " + std::to_string(limit) + " and " + std::to_string(results));
  }
}

void World::check_leases() {
  const Dispatcher& dispatcher = coordinator_.dispatcher();
  ++checks_;
  LeaseId newest = newest_;
  for (auto& [id, job] : jobs_) {
    const auto waiting = [&](auto waits) {
      if (!job.plan.store.is_there)
        return std::size_t{0};
      return static_cast<std::size_t>(std::ranges::count_if(
          job.open, [&](const auto& entry) { return (this->*waits)(entry.second, job); }));
    };
    const std::size_t least = job.open.size() - waiting(&World::may_wait_for_store);
    const std::size_t most = job.open.size() - waiting(&World::waits_for_store);
    if (dispatcher.open_segments(id) < least || dispatcher.open_segments(id) > most)
      return wrong("job " + std::to_string(id) + ": " + std::to_string(least) + " to " +
                   std::to_string(most) + " segments are open here, there " +
                   std::to_string(dispatcher.open_segments(id)));
    job.leases = dispatcher.leases_of(id);
    const auto answered =
        std::count_if(job.leases.begin(), job.leases.end(),
                      [&](const Dispatcher::Grant& grant) { return looks_.contains(grant.lease); });
    if (job.leases.size() != dispatcher.leases(id) + static_cast<std::size_t>(answered))
      wrong("job " + std::to_string(id) + ": leases without a segment");
    check_segments(job);
    for (const Dispatcher::Grant& grant : job.leases)
      newest = std::max(newest, grant.lease);
  }
  for (const auto& [id, job] : jobs_)
    check_order(id, job, newest);
  newest_ = newest;
  seen_losses_ = losses_;
  checked_at_ = steps_;
}

// What is leased is wanted, each rendition in one part, and has not come.
void World::check_segments(Job& job) {
  for (Rung& rung : job.rungs)
    rung.was_queued = std::exchange(rung.queued, std::nullopt);
  RenditionSet any = 0;
  auto lease = job.leases.begin();
  for (const auto& [index, open] : job.open) {
    RenditionSet leased = 0;
    const bool waits = waits_for_store(open, job);
    while (lease != job.leases.end() && lease->segment.index == index) {
      const Dispatcher::Grant& part = *lease;
      if (part.renditions == 0 || (part.renditions & (leased | ~(open.wanted & open.missing))) != 0)
        wrong(name(part) + ": of these some are not wanted, or leased in another part");
      if (waits)
        wrong(name(part) + ": before the store has answered");
      leased |= part.renditions;
      unsigned copies = 0;
      for (; lease != job.leases.end() && lease->segment == part.segment; ++lease, ++copies)
        check_holder(*lease, job);
      if (copies > 8)
        wrong(name(part) + ": more than eight leases");
    }
    const RenditionSet queued = open.wanted & open.missing & ~leased;
    any |= queued;
    if (waits || job.failures.count(index) != 0)
      continue;
    for (std::size_t i = 0; queued >> i != 0; ++i)
      if ((queued >> i & 1) != 0 && !job.rungs[i].queued)
        job.rungs[i].queued = index;
  }
  for (std::size_t i = 0; i < job.rungs.size(); ++i)
    if ((any >> i & 1) == 0)
      job.rungs[i].queued_since = timeline_.now();
  if (lease != job.leases.end())
    wrong(name(*lease) + ": its segment is not open");
}

void World::check_holder(const Dispatcher::Grant& grant, const Job& job) {
  Wire& wire = *wires_.at(grant.worker - 1);
  if (std::exchange(wire.counted_at, checks_) != checks_)
    wire.held = 0;
  if (looks_.contains(grant.lease))
    return;
  if (!wire.open || !wire.joined)
    return wrong(name(grant) + ": its worker is gone");
  const WorkerPlan& plan = wire.worker.plan();
  // A damaged greeting may have asked for more, and a damaged offer may have offered anything.
  if (++wire.held > plan.capacity && plan.up.damage == 0)
    wrong(name(grant) + ": more than its worker can hold");
  if ((grant.renditions & ~able(wire, grant.segment.job, job)) != 0 &&
      plan.up.damage + plan.down.damage == 0)
    wrong(name(grant) + ": its worker cannot make that");
}

// What has been queued since before the newest leases were granted comes before them, if it is
// earlier, or if its job has fewer leases, and if their worker can make it; the latter is known
// only if no step was left out.
void World::check_order(JobId id, const Job& job, LeaseId newest) {
  // Unless its job may have been throttled, or has just lost leases, perhaps without a word because
  // a pipeline does not make them.
  const bool tight = job.plan.max_bytes < JobPlan().max_bytes;
  const bool by_hand =
      std::any_of(scenario_.workers.begin(), scenario_.workers.end(),
                  [](const WorkerPlan& plan) { return !plan.adapter.by_hand.empty(); });
  if (newest <= newest_ || tight || by_hand || losses_ != seen_losses_)
    return;
  const std::size_t leases = coordinator_.dispatcher().leases(id);
  for (std::size_t i = 0; i < job.rungs.size(); ++i) {
    const Rung& rung = job.rungs[i];
    if (!rung.was_queued || rung.was_queued != rung.queued)
      continue;
    for (const auto& [other_id, other] : jobs_)
      for (const Dispatcher::Grant& grant : other.leases)
        if (grant.lease > newest_ && !grant.hedge &&
            ((other_id == id && grant.segment.index > *rung.queued) ||
             (steps_ <= checked_at_ + 1 &&
              coordinator_.dispatcher().leases(other_id) > leases + 3)) &&
            (coordinator_.dispatcher().ability(grant.worker, id) >> i & 1) != 0)
          return wrong(name(grant) + ": before " + name(id, *rung.queued));
  }
}

bool World::has_idle_worker(JobId id, RenditionSet renditions) const {
  return std::any_of(joined_.begin(), joined_.end(), [&](WorkerId worker) {
    const Wire& wire = *wires_.at(worker - 1);
    return wire.worker.plan().is_faultless() && wire.counted_at != checks_ &&
           (renditions & ~coordinator_.dispatcher().ability(worker, id)) == 0;
  });
}

// What everybody waits for gets a second lease when it is late and somebody has nothing to do.
void World::check_hedge(JobId id, Job& job) {
  const auto before = std::exchange(job.front, {});
  for (const Dispatcher::Grant& grant : job.leases) {
    if (job.over || grant.segment.index != job.next_join || looks_.contains(grant.lease))
      continue;
    const auto [at, first] = job.front.try_emplace(grant.segment.first);
    const auto seen = before.find(grant.segment.first);
    if (!first || seen == before.end() || seen->second.lease != grant.lease) {
      at->second = {grant.lease, timeline_.now()};
      continue;
    }
    at->second = seen->second;
    const auto parts = static_cast<Instant>(job.rungs.size());
    if (coordinator_.dispatcher().leases_of(grant.segment).size() == 1 && job.done >= kKnown &&
        timeline_.now() - seen->second.since > kLate * parts * job.longest &&
        has_idle_worker(id, grant.renditions))
      wrong(name(grant) + ": late, and a worker is idle");
  }
}

// As long as honest workers are there that can do it, something gets done.
void World::look_for_progress() {
  timeline_.at(timeline_.now() + kLookEvery, *this, kLook);
  const bool progress = std::exchange(seen_done_, segments_done_) != segments_done_;
  idle_looks_ = !progress && can_go_on() ? idle_looks_ + 1 : 0;
  if (idle_looks_ >= kPatience)
    wrong("nothing was done for an hour, although honest workers are there");
  check_leases();
  for (auto& [id, job] : jobs_)
    check_hedge(id, job);
  look_for_unable();
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
    // An exam may still be looked at, which nobody waits for.
    if (coordinator_.dispatcher().open_segments(id) != 0 ||
        coordinator_.dispatcher().leases(id) != 0 ||
        (coordinator_.bytes_held(id) != 0 && looks_.empty()))
      wrong("job " + std::to_string(id) + ": something is left over");
  }
  for (const auto& worker : workers_)
    if (worker->plan().is_faultless() && !worker->is_dismissed() && worker->is_well())
      wrong(worker->plan().name + " was not let go");
}

}  // namespace dist::sim
