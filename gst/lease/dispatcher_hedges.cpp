// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which leases are late, and which worker gets a second copy of their segment.
#include "gst/lease/dispatcher.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace dist {
namespace {

// How late a lease has to be against the others of its job before it is hedged: the share of leases
// that were faster. The earliest segment is worth more while everybody waits for it.
constexpr double kLateShare = 0.75;
constexpr double kBlockingShare = 0.5;
constexpr double kLeastSamples = 4;
// Leases of a segment at a time. With service times of a heavy tail two are not enough: among
// thousands of segments there is always one whose two leases are late, and the window waits for it.
constexpr std::size_t kMaxCopies = 4;
// How many times later than that before a worker tries it that failed the segment already.
constexpr double kVeryLate = 4;
// Without anything to compare it with a lease is late after this many first silences.
constexpr double kUnknownLate = 4;
// As long as no worker has completed a lease the copies double so often in each first silence, of
// so many segments.
constexpr double kDoublings = 10;
constexpr std::size_t kTried = 16;
// How many late leases of a job are looked at for one that an idle worker has not failed yet.
constexpr std::size_t kHedgeChoices = 4;

}  // namespace

// A copy would not speed up the look at the answer.
bool Dispatcher::is_answered(const Part& part) const {
  return std::any_of(part.leases.begin(), part.leases.end(),
                     [&](LeaseId id) { return leases_.at(id).answered != kNever; });
}

// Of a part's leases the newest is watched: when that is late too there shall be one more.
void Dispatcher::update_newest(const Part& part, Queue& queue) {
  for (LeaseId id : part.leases) {
    queue.newest.erase(id);
    queue.waiting.erase(id);
    queue.crowded.erase(id);
  }
  if (part.leases.empty() || is_answered(part))
    return;
  const LeaseId id = part.leases.back();
  if (part.leases.size() >= kMaxCopies) {
    queue.crowded.insert(id);
    return;
  }
  queue.newest.insert(id);
  if (leases_.at(id).began == kNever)
    queue.waiting.insert(id);
}

// Whether the lease is so many times later than that share of the leases. If not, notes when to
// look again.
bool Dispatcher::is_late(const Queue& queue, LeaseId id, double share, double times, Instant now) {
  const Lease& lease = leases_.at(id);
  const double work = work_of(queue, queue.parts.at(lease.grant.segment));
  // One is enough to go by for what everybody waits for, and for a worker that has delivered
  // nothing.
  const bool known =
      queue.times.count() >= (share < kLateShare || lease.is_trial ? 1 : kLeastSamples);
  const double late = known ? queue.times.at(share) * work
                            : kUnknownLate * static_cast<double>(config_.first_silence);
  const double after = std::ceil(late * times);
  // Beyond what fits into an Instant.
  if (after >= static_cast<double>(kNever - lease.grant.granted))
    return false;
  const Instant at = lease.grant.granted + static_cast<Instant>(after);
  if (now >= at)
    return true;
  hedge_at_ = std::min(hedge_at_, at);
  return false;
}

// Leases that shall be hedged now, the most urgent first.
std::vector<LeaseId> Dispatcher::late_leases(const Queue& queue, Instant now) {
  std::vector<LeaseId> urgent;
  if (queue.parts.empty() || queue.throttle == Throttle::kStopped)
    return urgent;
  const bool throttled = queue.throttle != Throttle::kNone;
  const std::uint64_t earliest = queue.parts.begin()->first.index;
  for (auto at = queue.parts.begin();
       (queue.blocked || throttled) && at != queue.parts.end() && at->first.index == earliest;
       ++at) {
    const auto& leases = at->second.leases;
    if (!leases.empty() && leases.size() < kMaxCopies && !is_answered(at->second) &&
        (queue.waiting.count(leases.back()) != 0 ||
         is_late(queue, leases.back(), kBlockingShare, 1, now)))
      urgent.push_back(leases.back());
  }
  // Each further copy is given later and later: the workers that hold the copies may only pretend
  // to go on.
  for (LeaseId id : queue.crowded) {
    if (throttled && leases_.at(id).grant.segment.index != earliest)
      continue;
    // Where other workers have completed leases, workers that have not keep no worker away.
    const auto& leases = part(leases_.at(id).grant.segment).leases;
    const auto counts = [&](LeaseId lease) {
      return proven_workers_ == 0 || !leases_.at(lease).is_trial;
    };
    const auto copies = std::ranges::count_if(leases, counts);
    const auto beyond =
        std::max(0.0, static_cast<double>(copies) - static_cast<double>(kMaxCopies) + 1);
    if (is_late(queue, id, kLateShare, std::exp2(beyond), now))
      urgent.push_back(id);
  }
  if (throttled)
    return urgent;
  // An idle worker begins at once with what waits behind another lease.
  for (LeaseId id : queue.waiting) {
    if (urgent.size() >= kHedgeChoices)
      return urgent;
    urgent.push_back(id);
  }
  // The oldest are late first, once there is the same to compare all with.
  const bool all_alike = queue.times.count() >= kLeastSamples;
  for (LeaseId id : queue.newest) {
    if (urgent.size() >= kHedgeChoices)
      return urgent;
    if (is_late(queue, id, kLateShare, 1, now))
      urgent.push_back(id);
    else if (all_alike)
      return urgent;
  }
  return urgent;
}

// The first idle worker that can make all of it and fits.
template <typename Fits>
std::optional<WorkerId> Dispatcher::find_idle(SegmentKey key, RenditionSet renditions,
                                              Fits fits) const {
  std::optional<std::pair<double, WorkerId>> best;
  for (const auto& group : groups_) {
    if ((renditions & ~ability_of(group, key)) != 0)
      continue;
    const auto& idle = group.second.idle;
    const auto at = std::find_if(idle.begin(), idle.end(),
                                 [&](const auto& worker) { return fits(worker.second); });
    if (at != idle.end() && (!best || *at < *best))
      best = *at;
  }
  return best ? std::optional(best->second) : std::nullopt;
}

// Whether another worker of its process makes progress with the part. If so, notes when to look
// again.
bool Dispatcher::would_slow_down(WorkerId id, const Part& part, Instant now) {
  const std::string& process = workers_.at(id).process;
  return !process.empty() && std::ranges::any_of(part.leases, [&](LeaseId lease_id) {
    const Lease& lease = leases_.at(lease_id);
    const auto holder = workers_.find(lease.grant.worker);
    if (holder == workers_.end() || holder->second.process != process || lease.began == kNever)
      return false;
    const Instant until =
        lease.heard + std::max(silence_of(holder->second, lease.grant), config_.deadline_floor);
    if (now >= until)
      return false;
    hedge_at_ = std::min(hedge_at_, until);
    return true;
  });
}

// The idle worker to try a late lease's segment too: one that has shown that it can work; else one
// that is new; and if the lease is very late one that failed the segment, as long as that is not
// the last attempt.
std::optional<WorkerId> Dispatcher::hedger(const Queue& queue, LeaseId late, Instant now) {
  const SegmentKey key = leases_.at(late).grant.segment;
  const Part& part = queue.parts.at(key);
  const auto fresh = [&](WorkerId id) {
    return part.failed_on.count(id) == 0 && may_take(id, key, part) &&
           !would_slow_down(id, part, now);
  };
  const auto proven = [&](WorkerId id) { return workers_.at(id).proven && fresh(id); };
  if (const auto worker = find_idle(key, part.renditions, proven))
    return worker;
  // Not to those that may only pretend to work: there would be copies enough, and no result.
  const bool may_try =
      has_trials_left() && (proven_workers_ == 0 || part.leases.size() < kMaxCopies);
  if (const auto worker = may_try ? find_idle(key, part.renditions, fresh) : std::nullopt)
    return worker;
  if (part.failures + 1 < queue.max_attempts && is_late(queue, late, kLateShare, kVeryLate, now))
    return find_idle(key, part.renditions,
                     [&](WorkerId id) { return !would_slow_down(id, part, now); });
  return std::nullopt;
}

// Where no worker has shown yet that it can work, those that hold the leases may only pretend to.
// So each worker that has had none tries one of the earliest segments, that with the fewest copies,
// once the first of them has been leased for a while.
std::optional<Dispatcher::Grant> Dispatcher::try_untried(const Queue& queue, Instant now) {
  if (proven_workers_ > 0 || queue.parts.empty() || queue.throttle == Throttle::kStopped)
    return std::nullopt;
  const std::size_t most = queue.throttle == Throttle::kNone ? kTried : 1;
  std::vector<std::pair<std::size_t, SegmentKey>> tried;  // With how many leases.
  Instant since = kNever;
  std::size_t copies = 0;
  std::size_t looked_at = 0;
  for (const auto& [key, part] : queue.parts) {
    if (++looked_at > most)
      break;
    if (part.leases.empty() || is_answered(part))
      continue;
    since = std::min(since, leases_.at(part.leases.front()).grant.granted);
    copies += part.leases.size() - 1;
    tried.emplace_back(part.leases.size(), key);
  }
  std::ranges::sort(tried);
  std::optional<std::pair<WorkerId, SegmentKey>> next;
  for (auto at = tried.begin(); at != tried.end() && !next; ++at) {
    const SegmentKey key = at->second;
    const Part& part = queue.parts.at(key);
    const auto worker = find_idle(key, part.renditions, [&](WorkerId id) {
      return !workers_.at(id).tried && part.failed_on.count(id) == 0 && may_take(id, key, part) &&
             !would_slow_down(id, part, now);
    });
    if (worker)
      next = {*worker, key};
  }
  if (!next)
    return std::nullopt;
  // Twice as many each half second, with the usual silence: where all are honest one will do.
  const double wait = 1 + std::log2(1 + static_cast<double>(copies)) / kDoublings;
  const Instant at =
      since + static_cast<Instant>(wait * static_cast<double>(config_.first_silence));
  if (now >= at)
    return begin(next->first, next->second, now);
  hedge_at_ = std::min(hedge_at_, at);
  return std::nullopt;
}

std::optional<Dispatcher::Grant> Dispatcher::hedge(Instant now) {
  if (std::all_of(groups_.begin(), groups_.end(),
                  [](const auto& group) { return group.second.idle.empty(); }))
    return std::nullopt;
  // No other worker may make an exam.
  for (const auto& [id, queue] : queues_)
    if (!id.examinee)
      if (const auto grant = try_untried(queue, now))
        return grant;
  for (const auto& [id, queue] : queues_)
    if (!id.examinee)
      for (LeaseId late : late_leases(queue, now))
        if (const auto worker = hedger(queue, late, now))
          return begin(*worker, leases_.at(late).grant.segment, now);
  return std::nullopt;
}

}  // namespace dist
