// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Results that are looked at before they count.
#include <algorithm>
#include <utility>

#include "gst/dist/core/coordinator.h"

namespace dist {

// The lease goes on: a worker that is lost or suspended meanwhile loses the result too.
void Coordinator::hold(SegmentDone done, std::uint64_t size, Job& job, Instant now) {
  // Of the earliest segment one answer finds room in any case, not each of its copies.
  const LeaseId lease = done.grant.lease;
  if (!fits(job, size)) {
    if (job.exempt != 0)
      return put_off(done.grant, size, now);
    job.exempt = lease;
  }
  const Segment& segment = job.segments.at(done.grant.segment.index);
  // From the second half, so that what moves is seen to move.
  const std::vector<Time> times = segment.header->presentation_times();
  const std::size_t half = times.size() / 2;
  LookWanted wanted{.worker = done.worker,
                    .grant = done.grant,
                    .source = segment.header,
                    .segment = segment.bytes,
                    .renditions = done.renditions,
                    .until = times[half + job.verification.draw(times.size() - half)]};
  job.looked_at += size;
  held_.insert_or_assign(lease, Held{std::move(done), size});
  events_.push_back(std::move(wanted));
}

void Coordinator::drop_held(LeaseId lease) {
  const auto found = held_.find(lease);
  if (found == held_.end())
    return;
  jobs_.at(found->second.done.grant.segment.job).looked_at -= found->second.size;
  held_.erase(found);
}

void Coordinator::looked(LeaseId lease, const Look& look, Instant now) {
  const auto found = held_.find(lease);
  if (found == held_.end())
    return;
  auto [done, size] = found->second;
  lease_ended(*connections_.at(done.worker.id), lease);
  const SegmentKey key = done.grant.segment;
  Job& job = jobs_.at(key.job);
  if (!look.unknown.empty()) {
    events_.push_back(PicturesUnknown{done.worker, done.grant, look.unknown});
    weigh(job, done);
    accept(std::move(done), size, job, now);
  } else if (look.difference.empty()) {
    for (const WorkerId other :
         job.verification.same(done.worker.id, key.index, done.grant.renditions))
      convict(other,
              "its pictures of segment " + std::to_string(key.index) +
                  " are not those of the source, and those of " + done.worker.name + " are",
              now);
    weigh(job, done);
    accept(std::move(done), size, job, now);
  } else {
    job.verification.differ(done.worker.id, key.index, done.grant.renditions);
    events_.push_back(PicturesDiffer{done.worker, done.grant, look.difference, look.evidence});
    refuse_result(done, look.difference, true, now);
  }
  pump(now);
}

void Coordinator::convict(WorkerId worker, const std::string& reason, Instant now) {
  const auto found = connections_.find(worker);
  if (found == connections_.end() || !found->second->joined || found->second->closing)
    return;
  const auto suspension = dispatcher_.suspend(worker, now);
  cancel(suspension.cancelled);
  events_.push_back(WorkerSuspended{found->second->info, suspension.duration, reason});
}

}  // namespace dist
