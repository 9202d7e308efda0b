// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/farm/farm_job.h"

#include <utility>
#include <vector>

#include "gst/farm/farm.h"

namespace dist {

FarmJob::FarmJob(std::shared_ptr<Farm> farm, const Coordinator::JobConfig& config,
                 Observer& observer)
    : farm_(std::move(farm)),
      job_(farm_->add_job(config, [&observer](const FarmEvent& event) { observer.told(event); })) {}

FarmJob::~FarmJob() {
  farm_->remove_job(job_);
}

FarmStatus FarmJob::status() const {
  FarmStatus status = farm_->status();
  std::erase_if(status.jobs, [this](const auto& job) { return job.id != job_; });
  std::erase_if(status.failures, [this](const auto& failure) { return failure.job != job_; });
  return status;
}

void FarmJob::set_renditions(std::vector<RenditionSpec> renditions) {
  farm_->post(
      [job = job_, renditions = std::move(renditions)](Coordinator& coordinator, Instant now) {
        coordinator.set_renditions(job, renditions, now);
      });
}

void FarmJob::submit(std::shared_ptr<const SegmentHeader> header, BytesList segment) {
  // Here, not in the network thread, which has heartbeats to send meanwhile.
  const wire::Digest digest = sha256(segment);
  farm_->post([job = job_, header = std::move(header), segment = std::move(segment), digest](
                  Coordinator& coordinator, Instant now) {
    coordinator.submit(job, header, segment, digest, now);
  });
}

void FarmJob::found(std::uint64_t question, std::vector<ResultRendition> results) {
  farm_->post(
      [job = job_, question, results = std::move(results)](Coordinator& coordinator, Instant now) {
        coordinator.found(job, question, results, now);
      });
}

void FarmJob::looked(LeaseId lease, LookReport look) {
  farm_->post([lease, look = std::move(look)](Coordinator& coordinator, Instant now) {
    coordinator.looked(lease, look, now);
  });
}

void FarmJob::delivered(std::uint64_t index) {
  farm_->post([job = job_, index](Coordinator& coordinator, Instant now) {
    coordinator.delivered(job, index, now);
  });
}

void FarmJob::set_blocked(bool blocked) {
  farm_->post([job = job_, blocked](Coordinator& coordinator, Instant now) {
    coordinator.set_blocked(job, blocked, now);
  });
}

void FarmJob::finish() {
  farm_->post([job = job_](Coordinator& coordinator, Instant) { coordinator.finish_job(job); });
}

void FarmJob::cancel_all() {
  farm_->run(
      [job = job_](Coordinator& coordinator, Instant now) { coordinator.clear_job(job, now); });
}

}  // namespace dist
