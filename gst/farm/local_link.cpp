// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/farm/local_link.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

constexpr Instant kWatchInterval = 500 * kMillisecond;

}  // namespace

LocalLink::LocalLink(std::shared_ptr<Farm> farm, const std::string& name, unsigned capacity,
                     Observer& observer)
    : farm_(std::move(farm)), name_(name), capacity_(capacity), observer_(observer) {}

void LocalLink::begin() {
  farm_->post([this](Coordinator& coordinator, Instant now) {
    id_ = farm_->next_worker_++;
    joined_ = true;
    watch_ = std::make_unique<Timer>(farm_->thread_, [this] { watch(); });
    watch_->set(now + kWatchInterval);
    coordinator.join(id_, name_, "this process", capacity_, *this, now);
  });
}

LocalLink::~LocalLink() {
  end();
}

void LocalLink::end() {
  farm_->run([this](Coordinator& coordinator, Instant now) {
    retiring_ = false;
    leave_now(coordinator, now);
    watch_.reset();
  });
}

void LocalLink::leave_now(Coordinator& coordinator, Instant now) {
  if (std::exchange(joined_, false))
    coordinator.disconnected(id_, "left", now);
}

// --- What the worker says

void LocalLink::offer(JobKey key, std::vector<Ability> abilities) {
  say(PrimarySession::Offered{key.job, std::move(abilities)});
}

void LocalLink::result(LeaseKey key, std::vector<BytesList> renditions) {
  answer(key.lease, PrimarySession::ResultReceived{key.lease, std::move(renditions)});
}

void LocalLink::fail(LeaseKey key, const std::string& reason) {
  answer(key.lease, PrimarySession::LeaseFailed{key.lease, reason});
}

void LocalLink::leave() {
  farm_->post([this](Coordinator& coordinator, Instant now) { leave_now(coordinator, now); });
}

void LocalLink::retire(std::optional<LeaseKey> working) {
  farm_->post([this, working](Coordinator& coordinator, Instant now) {
    retiring_ = true;
    if (joined_) {
      PrimarySession::Retired retired;
      if (working)
        retired.kept.push_back(working->lease);
      coordinator.said(id_, retired, now);
    }
    leave_if_retired(coordinator, now);
  });
}

void LocalLink::leave_if_retired(Coordinator& coordinator, Instant now) {
  if (!retiring_ || !leases_.empty())
    return;
  retiring_ = false;
  leave_now(coordinator, now);
  observer_.retired();
}

void LocalLink::say(PrimarySession::Event event) {
  farm_->post([this, event = std::move(event)](Coordinator& coordinator, Instant now) mutable {
    if (joined_)
      coordinator.said(id_, std::move(event), now);
  });
}

// Nobody wants an answer to a lease that is over.
void LocalLink::answer(std::uint64_t lease, PrimarySession::Event event) {
  farm_->post(
      [this, lease, event = std::move(event)](Coordinator& coordinator, Instant now) mutable {
        if (leases_.erase(lease) == 0)
          return;
        coordinator.said(id_, std::move(event), now);
        leave_if_retired(coordinator, now);
      });
}

void LocalLink::watch() {
  watch_->set(IoThread::now() + kWatchInterval);
  const auto working = observer_.working();
  const auto known = working ? leases_.find(working->key.lease) : leases_.end();
  if (known == leases_.end() ||
      (working->units <= known->second.units && working->frames <= known->second.frames))
    return;
  known->second.units = working->units;
  known->second.frames = working->frames;
  const std::uint32_t all = std::max(known->second.all, 1u);
  say(PrimarySession::LeaseAdvanced{working->key.lease,
                                    static_cast<double>(std::min(working->units, all)) / all});
}

// --- What the primary says, in its thread

void LocalLink::want(std::uint64_t job, const std::vector<RenditionSpec>& renditions) {
  observer_.wanted({0, job}, to_string(renditions));
}

void LocalLink::grant(wire::Grant lease, std::uint32_t units, BytesList payload) {
  leases_[lease.lease] = {.all = units};
  say(PrimarySession::LeaseAdvanced{lease.lease});  // It is here.
  observer_.leased({.key = {0, lease.lease},
                    .segment = lease.segment,
                    .renditions = std::move(lease.renditions),
                    .payload = std::move(payload)});
}

void LocalLink::cancel(std::uint64_t lease) {
  if (leases_.erase(lease) == 0)
    return;
  observer_.cancelled({0, lease});
  // Not from within the coordinator.
  if (!retiring_)
    return;
  farm_->post(
      [this](Coordinator& coordinator, Instant now) { leave_if_retired(coordinator, now); });
}

void LocalLink::drop_leases() {
  while (!leases_.empty())
    cancel(leases_.begin()->first);
}

}  // namespace dist
