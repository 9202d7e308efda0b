// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The worker's end of a connection.
#include <utility>

#include "gst/wire/proof.h"
#include "gst/wire/session.h"

namespace dist {
namespace {

// Answers that wait because the primary does not read. Few do in an honest job.
constexpr std::size_t kMaxQueued = 1024;

}  // namespace

WorkerSession::WorkerSession(const Config& config, const wire::Nonce& nonce, Instant now)
    : Link(now),
      secret_(config.secret),
      observes_(config.capacity == 0),
      capacity_(config.capacity) {
  const wire::Hello hello{.capacity = config.capacity, .nonce = nonce, .name = config.name};
  transcript_ = wire::encode(hello);
  send(hello);
}

Status WorkerSession::receive(std::span<const std::uint8_t> bytes, Instant now,
                              std::vector<Event>& events) {
  return for_each_message(bytes, now, [&](const wire::Message& message) -> Status {
    if (queued() > kMaxQueued)
      return Error{"the primary does not read what this " + name_of_this_end() + " says"};
    if (const auto* refuse = std::get_if<wire::Refuse>(&message);
        refuse && (state_ == State::kHello || state_ == State::kProof)) {
      refused(refuse->reason, events);
      return {};
    }
    switch (state_) {
      case State::kRefused:
        return {};
      case State::kHello:
        return handle_challenge(message, events);
      case State::kProof:
        return handle_welcome(message, events);
      default:
        return observes_ ? handle_as_observer(message, events) : handle(message, events);
    }
  });
}

void WorkerSession::refused(const std::string& reason, std::vector<Event>& events) {
  state_ = State::kRefused;
  events.push_back(Refused{printable(reason)});
}

Status WorkerSession::handle_challenge(const wire::Message& message, std::vector<Event>& events) {
  const auto* challenge = std::get_if<wire::Challenge>(&message);
  if (!challenge)
    return Error{"not the gst-dist protocol: the answer to the greeting is none"};
  if (challenge->version < wire::kMinVersion || challenge->version > wire::kMaxVersion)
    return Error{"the primary chose protocol version " + std::to_string(challenge->version) +
                 ", this worker speaks " + versions(wire::kMinVersion, wire::kMaxVersion)};
  if (challenge->secret && secret_.empty()) {
    refused("the primary asks for a secret and this " + name_of_this_end() + " has none", events);
    return {};
  }
  if (!challenge->secret && !secret_.empty()) {
    refused("this " + name_of_this_end() + " has a secret and the primary does not ask for it",
            events);
    return {};
  }
  transcript_ = transcript_of(transcript_, *challenge);
  send(wire::Proof{proof_of(secret_, kWorkerRole, transcript_)});
  state_ = State::kProof;
  return {};
}

Status WorkerSession::handle_welcome(const wire::Message& message, std::vector<Event>& events) {
  const auto* welcome = std::get_if<wire::Welcome>(&message);
  if (!welcome)
    return Error{"not the gst-dist protocol: the answer to the proof is none"};
  if (!equal(welcome->mac, proof_of(secret_, kPrimaryRole, transcript_))) {
    refused("the primary does not know the secret", events);
    return {};
  }
  state_ = State::kJoined;
  joined();
  events.push_back(Welcomed{});
  return {};
}

Status WorkerSession::handle(const wire::Message& message, std::vector<Event>& events) {
  const auto finish = [&] {
    if (auto payload = completed()) {
      if (sha256({*payload}) != lease_.sha256)
        return fail(lease_.lease, "the segment was damaged on its way to the worker");
      received_[lease_.lease] = lease_.size;
      // From now on the primary knows that this worker had the lease.
      progress(lease_.lease, 0, 0);
      events.push_back(Leased{lease_.lease, lease_.segment, lease_.attempt, lease_.renditions,
                              std::move(*payload)});
    }
  };
  if (const auto* lease = std::get_if<wire::Grant>(&message)) {
    if (lease->size > kMaxPayload)
      return Error{"lease " + std::to_string(lease->lease) + ": more than " +
                   std::to_string(kMaxPayload) + " bytes"};
    if (Status status = check_lease(lease->lease); !status)
      return status;
    lease_ = *lease;
    receiving_reported_ = 0;
    // One that crossed with Retire is not this worker's any more.
    expect(lease->lease, lease->size, !retiring_);
    finish();
  } else if (const auto* data = std::get_if<wire::Data>(&message)) {
    if (Status status = take(*data); !status)
      return status;
    finish();
  } else if (const auto* cancel = std::get_if<wire::Cancel>(&message)) {
    if (inbox_ && inbox_->lease == cancel->lease)
      inbox_.reset();
    received_.erase(cancel->lease);
    drop_payloads(cancel->lease);
    events.push_back(Cancelled{cancel->lease});
    leave_if_retired();
  } else if (const auto* job = std::get_if<wire::Want>(&message)) {
    events.push_back(Wanted{job->job, job->renditions});
  } else if (const auto* done = std::get_if<wire::Done>(&message)) {
    events.push_back(JobDone{printable(done->reason)});
  } else if (!std::holds_alternative<wire::Heartbeat>(message) &&
             !std::holds_alternative<std::monostate>(message)) {
    return Error{"a message that is not for workers"};
  }
  return {};
}

// A primary leases no more than was asked for. Where it is done with a lease whose result is not
// sent to its end, as where something between the two has answered, it leases the next one; but
// results that nobody fetches are not made without end.
Status WorkerSession::check_lease(LeaseId lease) const {
  if (retiring_)
    return {};
  if (received_.contains(lease))
    return Error{"lease " + std::to_string(lease) + " comes twice"};
  std::set<LeaseId> held = unsent();
  for (const auto& [key, _] : received_)
    held.insert(key);
  if (received_.size() >= capacity_ || held.size() >= 2 * std::size_t{capacity_})
    return Error{"lease " + std::to_string(lease) + ": this worker takes " +
                 std::to_string(capacity_) + " at a time"};
  return {};
}

Status WorkerSession::handle_as_observer(const wire::Message& message, std::vector<Event>& events) {
  if (const auto* report = std::get_if<wire::StatusReport>(&message))
    events.push_back(StatusReceived{report->status});
  else if (const auto* done = std::get_if<wire::Done>(&message))
    events.push_back(JobDone{printable(done->reason)});
  else if (!std::holds_alternative<wire::Heartbeat>(message) &&
           !std::holds_alternative<std::monostate>(message))
    return Error{"a message that is not for observers"};
  return {};
}

void WorkerSession::progress(LeaseId lease, std::uint32_t units, std::uint32_t frames) {
  const auto received = received_.find(lease);
  if (received != received_.end())
    send(wire::Progress{lease, received->second, units, frames});
}

void WorkerSession::report_receiving() {
  if (!inbox_ || inbox_->received <= receiving_reported_)
    return;
  receiving_reported_ = inbox_->received;
  send(wire::Progress{inbox_->lease, receiving_reported_, 0, 0});
}

void WorkerSession::retire(std::optional<LeaseId> kept) {
  std::erase_if(received_, [&](const auto& lease) { return lease.first != kept; });
  if (inbox_)
    inbox_->bytes.reset();
  std::set<LeaseId> all = unsent();
  for (const auto& [lease, _] : received_)
    all.insert(lease);
  send(wire::Retire{{all.begin(), all.end()}});
  retiring_ = true;
  leave_if_retired();
}

void WorkerSession::leave_if_retired() {
  if (retiring_ && received_.empty() && !std::exchange(leaving_, true))
    send_last(wire::Leave{});
}

void WorkerSession::result(LeaseId lease, std::vector<BytesList> renditions) {
  received_.erase(lease);
  for (std::size_t i = 0; i < renditions.size(); ++i) {
    wire::ResultPart part{.lease = lease,
                          .part = static_cast<std::uint16_t>(i),
                          .parts = static_cast<std::uint16_t>(renditions.size()),
                          .size = total_size(renditions[i]),
                          .sha256 = sha256(renditions[i])};
    send_payload(part, lease, std::move(renditions[i]));
  }
  leave_if_retired();
}

void WorkerSession::fail(LeaseId lease, const std::string& reason) {
  received_.erase(lease);
  drop_payloads(lease);
  send(wire::Fail{lease, reason});
  leave_if_retired();
}

}  // namespace dist
