// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Exams: each is a queue of its own, for one worker.
#include <algorithm>
#include <utility>

#include "gst/lease/dispatcher.h"

namespace dist {

void Dispatcher::begin_exam(SegmentKey segment, WorkerId worker, double work,
                            RenditionSet renditions) {
  Queue& job = queues_.at(segment.job);
  segment.examinee = worker;
  if (!job.examinees.insert(worker).second)
    return;
  Queue& exam = queues_[segment];
  exam.max_attempts = job.max_attempts;
  exam.weights = job.weights;
  exam.open_segments = 1;
  exam.begun = ++exams_;
  Part part;
  part.renditions = renditions;
  part.work = std::max(work, 1e-9);
  enqueue(add_part(segment, std::move(part)));
}

std::optional<Dispatcher::Grant> Dispatcher::end_exam(JobId job, WorkerId examinee, Instant now) {
  const QueueId id{job, examinee};
  if (queues_.count(id) == 0)
    return std::nullopt;
  const std::vector<Grant> cancelled = clear(id, now);
  for (auto& [_, worker] : workers_)
    std::erase_if(worker.silence, [&](const auto& entry) { return entry.first.first == id; });
  queues_.at(job).examinees.erase(examinee);
  queues_.erase(id);
  return cancelled.empty() ? std::nullopt : std::optional(cancelled.front());
}

bool Dispatcher::is_stopped(const QueueId& id, const Queue& queue) const {
  return id.examinee ? queues_.at(id.job).exams_stopped : queue.throttle == Throttle::kStopped;
}

std::optional<Dispatcher::Grant> Dispatcher::exam_lease(JobId job, WorkerId worker) const {
  const std::vector<Grant> leases = leases_in({job, worker});
  return leases.empty() ? std::nullopt : std::optional(leases.front());
}

std::size_t Dispatcher::exam_leases(JobId id) const {
  std::size_t leases = 0;
  if (const auto job = queues_.find(id); job != queues_.end())
    for (const WorkerId examinee : job->second.examinees)
      leases += queues_.at({id, examinee}).leases;
  return leases;
}

}  // namespace dist
