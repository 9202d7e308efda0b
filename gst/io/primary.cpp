// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/primary.h"

#include <utility>

#include "gst/io/listener.h"
#include "gst/io/local_link.h"

namespace dist {

Result<std::unique_ptr<Primary>> Primary::listen(const Config& config, Observer& observer) {
  auto listener = Listener::get(config);
  if (!listener)
    return Error{listener.error()};
  const JobId job = (*listener)->add_job(config.job, observer);
  return std::unique_ptr<Primary>(new Primary(std::move(*listener), job));
}

Primary::Primary(std::shared_ptr<Listener> listener, JobId job)
    : listener_(std::move(listener)), job_(job) {}

Primary::~Primary() {
  listener_->remove_job(job_);
}

std::uint16_t Primary::port() const {
  return listener_->port();
}

void Primary::set_renditions(std::vector<RenditionSpec> renditions) {
  listener_->post(
      [job = job_, renditions = std::move(renditions)](Coordinator& coordinator, Instant now) {
        coordinator.set_renditions(job, renditions, now);
      });
}

void Primary::submit(std::shared_ptr<const SegmentHeader> header, BytesList segment) {
  // Here, not in the network thread, which has heartbeats to send meanwhile.
  const wire::Digest digest = sha256(segment);
  listener_->post([job = job_, header = std::move(header), segment = std::move(segment), digest](
                      Coordinator& coordinator, Instant now) {
    coordinator.submit(job, header, segment, digest, now);
  });
}

void Primary::looked(LeaseId lease, Coordinator::Look look) {
  listener_->post([lease, look = std::move(look)](Coordinator& coordinator, Instant now) {
    coordinator.looked(lease, look, now);
  });
}

void Primary::delivered(std::uint64_t index) {
  listener_->post([job = job_, index](Coordinator& coordinator, Instant now) {
    coordinator.delivered(job, index, now);
  });
}

void Primary::set_blocked(bool blocked) {
  listener_->post([job = job_, blocked](Coordinator& coordinator, Instant now) {
    coordinator.set_blocked(job, blocked, now);
  });
}

void Primary::finish() {
  listener_->post([job = job_](Coordinator& coordinator, Instant) { coordinator.finish_job(job); });
}

std::unique_ptr<LeaseLink> Primary::local_link(const std::string& name, unsigned capacity,
                                               LeaseLink::Observer& observer) {
  return std::make_unique<LocalLink>(listener_, name, capacity, observer);
}

void Primary::cancel_all() {
  listener_->run(
      [job = job_](Coordinator& coordinator, Instant now) { coordinator.clear_job(job, now); });
}

}  // namespace dist
