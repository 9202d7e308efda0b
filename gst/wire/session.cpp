// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/wire/session.h"

#include <algorithm>
#include <utility>

#include "gst/wire/proof.h"

namespace dist {
namespace {

// A worker that announces more is refused: nobody can hold so many leases, and each takes memory.
constexpr unsigned kMaxCapacity = 64;

// Frames that may come out for each access unit that goes in, all renditions together. A worker
// that says more makes no progress.
constexpr std::uint32_t kMaxFrames = 64;

double share_of(const wire::Progress& progress, std::uint32_t units) {
  return units > 0 ? static_cast<double>(progress.units) / units : 0;
}

}  // namespace

Status PrimarySession::receive(std::span<const std::uint8_t> bytes, Instant now,
                               std::vector<Event>& events) {
  return for_each_message(bytes, now, [&](const wire::Message& message) -> Status {
    switch (state_) {
      case State::kHello:
        return handle_hello(message);
      case State::kProof:
        return handle_proof(message, events);
      case State::kObserving:
        return handle_observer(message, events);
      default:
        return handle(message, events);
    }
  });
}

Error PrimarySession::refuse(const std::string& reason) {
  send(wire::Refuse{wire::kMinVersion, wire::kMaxVersion, reason});
  return Error{reason};
}

Status PrimarySession::handle_hello(const wire::Message& message) {
  const auto* hello = std::get_if<wire::Hello>(&message);
  if (!hello)
    return Error{"not the gst-dist protocol: the first message is no greeting"};
  if (hello->min_version > wire::kMaxVersion || hello->max_version < wire::kMinVersion)
    return refuse("the worker speaks protocol " + versions(hello->min_version, hello->max_version) +
                  ", this primary " + versions(wire::kMinVersion, wire::kMaxVersion));
  if (hello->capacity > kMaxCapacity)
    return refuse("the worker wants " + std::to_string(hello->capacity) +
                  " leases at a time, 1 to " + std::to_string(kMaxCapacity) + " are allowed");
  hello_ = *hello;
  const wire::Challenge challenge{.version = std::min(hello->max_version, wire::kMaxVersion),
                                  .secret = !config_.secret.empty(),
                                  .nonce = nonce_};
  transcript_ = transcript_of(wire::encode(hello_), challenge);
  send(challenge);
  state_ = State::kProof;
  return {};
}

Status PrimarySession::handle_proof(const wire::Message& message, std::vector<Event>& events) {
  const auto* proof = std::get_if<wire::Proof>(&message);
  if (!proof)
    return Error{"not the gst-dist protocol: the answer to the challenge is none"};
  guessed_wrong_ = !equal(proof->mac, proof_of(config_.secret, kWorkerRole, transcript_));
  if (guessed_wrong_)
    return refuse("the secret is wrong");
  send(wire::Welcome{proof_of(config_.secret, kPrimaryRole, transcript_)});
  joined();
  if (hello_.capacity == 0) {
    state_ = State::kObserving;
    events.push_back(Observing{});
    return {};
  }
  state_ = State::kJoined;
  events.push_back(Joined{printable(hello_.name), hello_.capacity});
  return {};
}

Status PrimarySession::handle(const wire::Message& message, std::vector<Event>& events) {
  if (const auto* part = std::get_if<wire::ResultPart>(&message)) {
    if (Status status = begin_part(*part); !status)
      return status;
    finish_part(events);
  } else if (const auto* data = std::get_if<wire::Data>(&message)) {
    if (Status status = take(*data); !status)
      return status;
    handle_result_growth(events);
    finish_part(events);
  } else if (const auto* progress = std::get_if<wire::Progress>(&message)) {
    handle_progress(*progress, events);
  } else if (const auto* fail = std::get_if<wire::Fail>(&message)) {
    if (end_lease(fail->lease))
      events.push_back(LeaseFailed{fail->lease, printable(fail->reason)});
  } else if (const auto* offer = std::get_if<wire::Offer>(&message)) {
    const auto wanted = wanted_.find(offer->job);
    if (wanted == wanted_.end() || wanted->second != offer->abilities.size())
      return Error{"an offer that nobody asked for"};
    wanted_.erase(wanted);
    Offered offered{offer->job, offer->abilities};
    for (Ability& ability : offered.abilities) {
      ability.encoder = printable(ability.encoder);
      ability.reason = printable(ability.reason);
      ability.version = printable(ability.version);
    }
    events.push_back(std::move(offered));
  } else if (const auto* retire = std::get_if<wire::Retire>(&message)) {
    events.push_back(Retired{retire->kept});
  } else if (std::holds_alternative<wire::Leave>(message)) {
    events.push_back(Left{});
  } else if (!std::holds_alternative<wire::Heartbeat>(message) &&
             !std::holds_alternative<std::monostate>(message)) {
    return Error{"a message that a worker does not send"};
  }
  return {};
}

Status PrimarySession::handle_observer(const wire::Message& message, std::vector<Event>& events) {
  if (std::holds_alternative<wire::StatusRequest>(message))
    events.push_back(StatusAsked{});
  else if (std::holds_alternative<wire::Leave>(message))
    events.push_back(Left{});
  else if (!std::holds_alternative<wire::Heartbeat>(message) &&
           !std::holds_alternative<std::monostate>(message))
    return Error{"a message that an observer does not send"};
  return {};
}

// Only what was never reached before counts, so a worker that repeats itself has stopped.
void PrimarySession::handle_progress(const wire::Progress& progress, std::vector<Event>& events) {
  const auto lease = leases_.find(progress.lease);
  if (lease == leases_.end())
    return;
  wire::Progress& known = lease->second.reported;
  const std::uint64_t received = std::min(progress.received, lease->second.size);
  const std::uint32_t units = std::min(progress.units, lease->second.units);
  const std::uint32_t frames = std::min(progress.frames, kMaxFrames * lease->second.units);
  if (received <= known.received && units <= known.units && frames <= known.frames)
    return;
  known.received = std::max(known.received, received);
  known.units = std::max(known.units, units);
  known.frames = std::max(known.frames, frames);
  events.push_back(LeaseAdvanced{progress.lease, share_of(known, lease->second.units)});
}

// Nor does a result that begins anew count before it is longer than it was.
void PrimarySession::handle_result_growth(std::vector<Event>& events) {
  const auto lease = leases_.find(part_.lease);
  const std::uint64_t here = result_size_ - (inbox_->size - inbox_->received);
  if (lease == leases_.end() || here <= lease->second.answered)
    return;
  lease->second.answered = here;
  events.push_back(
      LeaseAdvanced{part_.lease, share_of(lease->second.reported, lease->second.units)});
}

Status PrimarySession::begin_part(const wire::ResultPart& part) {
  if (part.part == 0) {
    renditions_.clear();
    result_size_ = 0;
  } else if (part.lease != part_.lease || part.parts != part_.parts ||
             part.part != part_.part + 1 || inbox_) {
    return Error{"result for lease " + std::to_string(part.lease) + ": parts out of order"};
  }
  part_ = part;
  const bool wanted = leases_.count(part.lease) != 0;
  // Earlier parts may have come before the lease did, and then nobody looked at their sizes.
  if (wanted && (result_size_ > config_.max_result_size ||
                 part.size > config_.max_result_size - result_size_))
    return Error{"result for lease " + std::to_string(part.lease) + ": more than " +
                 std::to_string(config_.max_result_size) +
                 " bytes; raise max-bytes of remoteenc if it shall be that large"};
  if (part.size > kMaxPayload)
    return Error{"result for lease " + std::to_string(part.lease) + ": a part of more than " +
                 std::to_string(kMaxPayload) + " bytes"};
  result_size_ += part.size;
  expect(part.lease, part.size, wanted);
  return {};
}

void PrimarySession::finish_part(std::vector<Event>& events) {
  const auto bytes = completed();
  // A lease that was cancelled meanwhile gets no result.
  if (!bytes || leases_.count(part_.lease) == 0)
    return;
  if (sha256({*bytes}) != part_.sha256) {
    end_lease(part_.lease);
    events.push_back(LeaseFailed{part_.lease, "the result was damaged on its way"});
    return;
  }
  renditions_.push_back({*bytes});
  if (part_.part + 1 < part_.parts)
    return;
  events.push_back(ResultReceived{part_.lease, std::move(renditions_)});
  end_lease(part_.lease);
}

std::optional<PrimarySession::Incoming> PrimarySession::incoming() const {
  if (leases_.count(part_.lease) == 0)
    return std::nullopt;
  std::uint64_t bytes = inbox_ && inbox_->bytes ? inbox_->bytes->len : 0;
  for (const BytesList& part : renditions_)
    bytes += total_size(part);
  return Incoming{part_.lease, bytes};
}

void PrimarySession::want(JobId job, const std::vector<RenditionSpec>& renditions) {
  wanted_[job] = renditions.size();
  send(wire::Want{job, to_string(renditions)});
}

void PrimarySession::grant(wire::Grant lease, std::uint32_t units, BytesList payload) {
  lease.size = total_size(payload);
  leases_[lease.lease].size = lease.size;
  leases_[lease.lease].units = std::min(units, UINT32_MAX / kMaxFrames);
  send_payload(lease, lease.lease, std::move(payload));
}

void PrimarySession::cancel(LeaseId lease) {
  if (end_lease(lease))
    send(wire::Cancel{lease});
}

// Keeps nothing of its result and sends nothing more of its segment. False if it was over already.
bool PrimarySession::end_lease(LeaseId lease) {
  if (leases_.erase(lease) == 0)
    return false;
  if (inbox_ && inbox_->lease == lease)
    inbox_->bytes.reset();
  if (part_.lease == lease)
    renditions_.clear();
  drop_payloads(lease);
  return true;
}

void PrimarySession::drop_leases() {
  while (!leases_.empty())
    end_lease(leases_.begin()->first);
}

}  // namespace dist
