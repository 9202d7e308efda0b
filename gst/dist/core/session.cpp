// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/session.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace dist {
namespace {

// A worker that announces more is refused: nobody can hold so many leases, and each takes memory.
constexpr unsigned kMaxCapacity = 64;

std::string versions(std::uint16_t min, std::uint16_t max) {
  return min == max ? "version " + std::to_string(min)
                    : "versions " + std::to_string(min) + " to " + std::to_string(max);
}

// Frames that may come out for each access unit that goes in, all renditions together. A worker
// that says more makes no progress.
constexpr std::uint32_t kMaxFrames = 64;

// No honest segment or rendition is larger, and GByteArray holds no more.
constexpr std::uint64_t kMaxPayload = std::uint64_t{2} << 30;

constexpr char kWorkerRole[] = "gst-dist worker";
constexpr char kPrimaryRole[] = "gst-dist primary";

Bytes copy(std::span<const std::uint8_t> bytes) {
  return Bytes::take({bytes.begin(), bytes.end()});
}

// Both ends have sent 32 random bytes in these, so a proof cannot be replayed, and each proves its
// own role, so it cannot be reflected.
Bytes transcript_of(const Bytes& first, const wire::Challenge& challenge) {
  const Bytes second = wire::encode(challenge);
  std::vector<std::uint8_t> bytes(first.span().begin(), first.span().end());
  bytes.insert(bytes.end(), second.span().begin(), second.span().end());
  return Bytes::take(std::move(bytes));
}

wire::Digest proof_of(const std::string& secret, const char* role, const Bytes& transcript) {
  if (secret.empty())
    return {};
  const std::string_view text = role;
  return hmac_sha256(
      secret,
      {copy({reinterpret_cast<const std::uint8_t*>(text.data()), text.size() + 1}), transcript});
}

// Takes as long whatever differs, so that the time tells nothing.
bool equal(const wire::Digest& a, const wire::Digest& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

template <class Handle>
Status Link::for_each_message(std::span<const std::uint8_t> bytes, Instant now, Handle handle) {
  heard_at_ = now;
  reader_.feed(bytes);
  while (true) {
    const auto frame = reader_.next();
    if (!frame)
      return Error{frame.error()};
    if (!*frame)
      return {};
    const auto message = wire::decode(**frame);
    if (!message)
      return Error{message.error()};
    if (Status status = handle(*message); !status)
      return status;
  }
}

void Link::joined() {
  reader_.set_max_body(wire::kMaxBody);
  greeting_until_ = kNever;
}

Status Link::advance(Instant now) {
  if (now >= greeting_until_)
    return Error{"no greeting within " + std::to_string(kGreetingTimeout / (1000 * kMillisecond)) +
                 " s"};
  if (now >= heard_at_ + kPeerTimeout)
    return Error{"nothing heard for " + std::to_string(kPeerTimeout / (1000 * kMillisecond)) +
                 " s"};
  if (now >= beat_at_) {
    beat_at_ = now + kHeartbeatInterval;
    // Before it is welcomed a worker has to wait for its turn to speak.
    if (greeting_until_ == kNever)
      send(wire::Heartbeat{});
  }
  return {};
}

Instant Link::next_wakeup() const {
  return std::min({beat_at_, heard_at_ + kPeerTimeout, greeting_until_});
}

BytesList Link::next_output() {
  if (!messages_.empty()) {
    BytesList out{std::move(messages_.front())};
    messages_.erase(messages_.begin());
    return out;
  }
  if (payloads_.empty())
    return {};

  Payload& payload = payloads_.front();
  if (payload.announcement) {
    BytesList out{*std::exchange(payload.announcement, std::nullopt)};
    if (payload.left == 0)
      payloads_.erase(payloads_.begin());
    return out;
  }
  const std::size_t size = std::min(payload.left, wire::kMaxChunk);
  BytesList out{wire::encode_data_header(payload.lease.value_or(0), size)};
  std::size_t taken = 0;
  std::size_t used = 0;
  while (taken < size) {
    Bytes& piece = payload.pieces[used];
    const std::size_t part = std::min(piece.size(), size - taken);
    out.push_back(piece.slice(0, part));
    taken += part;
    if (part == piece.size())
      ++used;
    else
      piece = piece.slice(part, piece.size() - part);
  }
  payload.pieces.erase(payload.pieces.begin(),
                       payload.pieces.begin() + static_cast<std::ptrdiff_t>(used));
  payload.left -= size;
  if (payload.left == 0)
    payloads_.erase(payloads_.begin());
  return out;
}

void Link::send_payload(const wire::Message& announcement, LeaseId lease, BytesList payload) {
  const std::size_t size = total_size(payload);
  payloads_.push_back({lease, wire::encode(announcement), std::move(payload), size});
}

void Link::send_last(const wire::Message& message) {
  payloads_.push_back({std::nullopt, wire::encode(message), {}, 0});
}

std::set<Link::LeaseId> Link::unsent() const {
  std::set<LeaseId> leases;
  for (const Payload& payload : payloads_)
    if (payload.lease)
      leases.insert(*payload.lease);
  return leases;
}

void Link::drop_payloads(LeaseId lease) {
  std::erase_if(payloads_, [lease](const Payload& payload) { return payload.lease == lease; });
}

void Link::expect(LeaseId lease, std::uint64_t size, bool wanted) {
  inbox_ = Inbox{.lease = lease, .size = size};
  if (wanted)
    inbox_->bytes.reset(g_byte_array_new());
}

Status Link::take(const wire::Data& data) {
  if (!inbox_ || inbox_->lease != data.lease || data.bytes.empty() ||
      data.bytes.size() > inbox_->size - inbox_->received)
    return Error{"data for lease " + std::to_string(data.lease) + ": not announced"};
  inbox_->received += data.bytes.size();
  if (inbox_->bytes)
    g_byte_array_append(inbox_->bytes.get(), data.bytes.data(),
                        static_cast<guint>(data.bytes.size()));
  return {};
}

std::optional<Bytes> Link::completed() {
  if (!inbox_ || inbox_->received < inbox_->size)
    return std::nullopt;
  auto bytes = std::move(inbox_->bytes);
  inbox_.reset();
  if (!bytes)
    return std::nullopt;
  return Bytes::adopt(g_byte_array_free_to_bytes(bytes.release()));
}

// --- The primary's end

Status PrimarySession::receive(std::span<const std::uint8_t> bytes, Instant now,
                               std::vector<Event>& events) {
  return for_each_message(bytes, now, [&](const wire::Message& message) -> Status {
    switch (state_) {
      case State::kHello:
        return handle_hello(message);
      case State::kProof:
        return handle_proof(message, events);
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
  if (hello->capacity == 0 || hello->capacity > kMaxCapacity)
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
  if (!equal(proof->mac, proof_of(config_.secret, kWorkerRole, transcript_)))
    return refuse("the secret is wrong");
  send(wire::Welcome{proof_of(config_.secret, kPrimaryRole, transcript_)});
  state_ = State::kJoined;
  joined();
  events.push_back(Joined{hello_.name, hello_.capacity});
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
      events.push_back(LeaseFailed{fail->lease, fail->reason});
  } else if (const auto* offer = std::get_if<wire::Offer>(&message)) {
    const auto wanted = wanted_.find(offer->job);
    if (wanted == wanted_.end() || wanted->second != offer->abilities.size())
      return Error{"an offer that nobody asked for"};
    wanted_.erase(wanted);
    events.push_back(Offered{offer->job, offer->abilities});
  } else if (const auto* retire = std::get_if<wire::Retire>(&message)) {
    events.push_back(Retired{retire->kept});
  } else if (std::holds_alternative<wire::Leave>(message)) {
    events.push_back(Left{});
  } else if (!std::holds_alternative<wire::Heartbeat>(message) &&
             !std::holds_alternative<std::monostate>(message)) {
    return Error{"a message that only a primary sends"};
  }
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
  events.push_back(LeaseAdvanced{progress.lease});
}

// Nor does a result that begins anew count before it is longer than it was.
void PrimarySession::handle_result_growth(std::vector<Event>& events) {
  const auto lease = leases_.find(part_.lease);
  const std::uint64_t here = result_size_ - (inbox_->size - inbox_->received);
  if (lease == leases_.end() || here <= lease->second.answered)
    return;
  lease->second.answered = here;
  events.push_back(LeaseAdvanced{part_.lease});
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
  if (wanted && part.size > config_.max_result_size - result_size_)
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
  send(wire::Job{job, to_string(renditions)});
}

void PrimarySession::grant(wire::Lease lease, std::uint32_t units, BytesList payload) {
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

// --- The worker's end

WorkerSession::WorkerSession(const Config& config, const wire::Nonce& nonce, Instant now)
    : Link(now), secret_(config.secret) {
  const wire::Hello hello{.capacity = config.capacity, .nonce = nonce, .name = config.name};
  transcript_ = wire::encode(hello);
  send(hello);
}

Status WorkerSession::receive(std::span<const std::uint8_t> bytes, Instant now,
                              std::vector<Event>& events) {
  return for_each_message(bytes, now, [&](const wire::Message& message) -> Status {
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
        return handle(message, events);
    }
  });
}

void WorkerSession::refused(const std::string& reason, std::vector<Event>& events) {
  state_ = State::kRefused;
  events.push_back(Refused{reason});
}

Status WorkerSession::handle_challenge(const wire::Message& message, std::vector<Event>& events) {
  const auto* challenge = std::get_if<wire::Challenge>(&message);
  if (!challenge)
    return Error{"not the gst-dist protocol: the answer to the greeting is none"};
  if (challenge->version < wire::kMinVersion || challenge->version > wire::kMaxVersion)
    return Error{"the primary chose protocol version " + std::to_string(challenge->version) +
                 ", this worker speaks " + versions(wire::kMinVersion, wire::kMaxVersion)};
  if (challenge->secret && secret_.empty()) {
    refused("the primary asks for a secret and this worker has none", events);
    return {};
  }
  if (!challenge->secret && !secret_.empty()) {
    refused("this worker has a secret and the primary does not ask for it", events);
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
  if (const auto* lease = std::get_if<wire::Lease>(&message)) {
    if (lease->size > kMaxPayload)
      return Error{"lease " + std::to_string(lease->lease) + ": more than " +
                   std::to_string(kMaxPayload) + " bytes"};
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
  } else if (const auto* job = std::get_if<wire::Job>(&message)) {
    events.push_back(Wanted{job->job, job->renditions});
  } else if (const auto* done = std::get_if<wire::Done>(&message)) {
    events.push_back(JobDone{done->reason});
  } else if (!std::holds_alternative<wire::Heartbeat>(message) &&
             !std::holds_alternative<std::monostate>(message)) {
    return Error{"a message that only a worker sends"};
  }
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
