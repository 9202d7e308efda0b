// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which leases are late, and who gets a second copy of their segment.
#include "gst/dist/core/dispatcher.h"

#include <algorithm>
#include <cmath>

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
// How many late leases of a job are looked at for one that an idle worker has not failed yet.
constexpr std::size_t kHedgeChoices = 4;

}  // namespace

// Of a segment's leases the newest is watched: when that is late too there shall be one more.
void Dispatcher::update_newest(const Segment& segment, Job& job) {
  for (LeaseId id : segment.leases) {
    job.newest.erase(id);
    job.waiting.erase(id);
    job.crowded.erase(id);
  }
  if (segment.leases.empty())
    return;
  const LeaseId id = segment.leases.back();
  if (segment.leases.size() >= kMaxCopies) {
    job.crowded.insert(id);
    return;
  }
  job.newest.insert(id);
  if (leases_.at(id).began == kNever)
    job.waiting.insert(id);
}

// Whether the lease is so many times later than that share of the leases. If not, notes when to
// look again.
bool Dispatcher::is_late(const Job& job, LeaseId id, double share, double times, Instant now) {
  const Lease& lease = leases_.at(id);
  const double work = job.segments.at(lease.grant.segment.index).work;
  // For what everybody waits for, one is enough to go by.
  const bool known = job.times.count() >= (share < kLateShare ? 1 : kLeastSamples);
  const double late = known ? job.times.at(share) * work
                            : kUnknownLate * static_cast<double>(config_.first_silence);
  const Instant at = lease.grant.granted + static_cast<Instant>(std::ceil(late * times));
  if (now >= at)
    return true;
  hedge_at_ = std::min(hedge_at_, at);
  return false;
}

// Leases that shall be hedged now, the most urgent first.
std::vector<LeaseId> Dispatcher::late_leases(const Job& job, Instant now) {
  std::vector<LeaseId> urgent;
  if (job.segments.empty() || job.throttle == Throttle::kStopped)
    return urgent;
  const Segment& first = job.segments.begin()->second;
  const bool throttled = job.throttle != Throttle::kNone;
  if (!first.leases.empty() && first.leases.size() < kMaxCopies && (job.blocked || throttled)) {
    const LeaseId id = first.leases.back();
    if (job.waiting.count(id) != 0 || is_late(job, id, kBlockingShare, 1, now))
      urgent.push_back(id);
  }
  // Each further copy is given later and later: whoever holds these may only pretend to go on.
  for (LeaseId id : job.crowded) {
    const auto& leases = segment(leases_.at(id).grant.segment).leases;
    const auto beyond = static_cast<double>(leases.size() - kMaxCopies + 1);
    if (is_late(job, id, kLateShare, std::exp2(beyond), now))
      urgent.push_back(id);
  }
  if (throttled)
    return urgent;
  // An idle worker begins at once with what waits behind another lease.
  for (LeaseId id : job.waiting) {
    if (urgent.size() >= kHedgeChoices)
      return urgent;
    urgent.push_back(id);
  }
  for (LeaseId id : job.newest) {
    if (urgent.size() >= kHedgeChoices || !is_late(job, id, kLateShare, 1, now))
      return urgent;
    urgent.push_back(id);
  }
  return urgent;
}

// The idle worker to try a late lease's segment too: one that has shown that it can work; else one
// that is new; and if the lease is very late one that failed the segment, as long as that is not
// the last attempt.
std::optional<WorkerId> Dispatcher::hedger(const Job& job, LeaseId late, Instant now) {
  const Segment& segment = job.segments.at(leases_.at(late).grant.segment.index);
  const auto find = [&](auto fits) -> std::optional<WorkerId> {
    const auto at = std::find_if(idle_.begin(), idle_.end(),
                                 [&](const auto& idle) { return fits(idle.second); });
    return at != idle_.end() ? std::optional(at->second) : std::nullopt;
  };
  const auto fresh = [&](WorkerId id) {
    return segment.failed_on.count(id) == 0 && may_take(id, segment, job);
  };
  if (const auto worker = find([&](WorkerId id) { return workers_.at(id).proven && fresh(id); }))
    return worker;
  if (const auto worker = find(fresh))
    return worker;
  if (segment.failures + 1 < job.max_attempts && is_late(job, late, kLateShare, kVeryLate, now))
    return find([](WorkerId) { return true; });
  return std::nullopt;
}

std::optional<Dispatcher::Grant> Dispatcher::hedge(Instant now) {
  if (idle_.empty())
    return std::nullopt;
  for (const auto& entry : jobs_)
    for (LeaseId late : late_leases(entry.second, now))
      if (const auto worker = hedger(entry.second, late, now))
        return begin(*worker, leases_.at(late).grant.segment, now);
  return std::nullopt;
}

}  // namespace dist
