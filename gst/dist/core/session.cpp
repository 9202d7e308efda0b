// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/session.h"

#include <algorithm>

namespace dist {
namespace {

// A worker that announces more is refused: nobody can hold so many leases, and each takes memory.
constexpr unsigned kMaxCapacity = 64;

std::string versions(std::uint16_t min, std::uint16_t max) {
  return min == max ? "version " + std::to_string(min)
                    : "versions " + std::to_string(min) + " to " + std::to_string(max);
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::array<std::uint8_t, 32> digest(const BytesList& list) {
  const std::string text = sha256(list);
  std::array<std::uint8_t, 32> result = {};
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<std::uint8_t>(g_ascii_xdigit_value(text[2 * i]) << 4 |
                                          g_ascii_xdigit_value(text[2 * i + 1]));
  return result;
}

// Feeds bytes through the reader and hands each message to `handle` until one fails.
template <class Handle>
Status for_each_message(wire::FrameReader& reader, std::span<const std::uint8_t> bytes,
                        Handle handle) {
  reader.feed(bytes);
  while (true) {
    const auto frame = reader.next();
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

}  // namespace

BytesList Link::next_output() {
  if (!messages_.empty()) {
    BytesList out{messages_.front()};
    messages_.pop_front();
    return out;
  }
  if (payloads_.empty())
    return {};

  Payload& payload = payloads_.front();
  if (payload.announcement) {
    BytesList out{*std::exchange(payload.announcement, std::nullopt)};
    if (payload.left == 0)
      payloads_.pop_front();
    return out;
  }
  const std::size_t size = std::min(payload.left, wire::kMaxChunk);
  BytesList out{wire::encode_data_header(payload.lease, size)};
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
    payloads_.pop_front();
  return out;
}

void Link::send_payload(const wire::Message& announcement, LeaseId lease, BytesList payload) {
  const std::size_t size = total_size(payload);
  payloads_.push_back({lease, wire::encode(announcement), std::move(payload), size});
}

void Link::drop_payloads(LeaseId lease) {
  std::erase_if(payloads_, [lease](const Payload& payload) { return payload.lease == lease; });
}

void Link::expect(LeaseId lease, std::uint64_t size, bool wanted) {
  inbox_ = Inbox();
  inbox_->lease = lease;
  inbox_->size = size;
  inbox_->wanted = wanted;
}

Status Link::take(const wire::Data& data) {
  if (!inbox_ || inbox_->lease != data.lease || data.bytes.empty() ||
      data.bytes.size() > inbox_->size - inbox_->received)
    return Error{"data for lease " + std::to_string(data.lease) + ": not announced"};
  inbox_->received += data.bytes.size();
  if (inbox_->wanted)
    inbox_->bytes.insert(inbox_->bytes.end(), data.bytes.begin(), data.bytes.end());
  return {};
}

std::optional<Bytes> Link::completed() {
  if (!inbox_ || inbox_->received < inbox_->size)
    return std::nullopt;
  const bool wanted = inbox_->wanted;
  std::vector<std::uint8_t> bytes = std::move(inbox_->bytes);
  inbox_.reset();
  if (!wanted)
    return std::nullopt;
  return Bytes::take(std::move(bytes));
}

Status PrimarySession::receive(std::span<const std::uint8_t> bytes, std::vector<Event>& events) {
  return for_each_message(reader_, bytes, [&](const wire::Message& message) {
    return joined_ ? handle(message, events) : handle_hello(message, events);
  });
}

Status PrimarySession::handle_hello(const wire::Message& message, std::vector<Event>& events) {
  const auto* hello = std::get_if<wire::Hello>(&message);
  if (!hello)
    return Error{"not the gst-dist protocol: the first message is no greeting"};
  if (hello->min_version > wire::kMaxVersion || hello->max_version < wire::kMinVersion) {
    const std::string reason = "the worker speaks protocol " +
                               versions(hello->min_version, hello->max_version) +
                               ", this primary " + versions(wire::kMinVersion, wire::kMaxVersion);
    send(wire::Refuse{wire::kMinVersion, wire::kMaxVersion, reason});
    return Error{reason};
  }
  if (hello->capacity == 0 || hello->capacity > kMaxCapacity) {
    const std::string reason = "the worker wants " + std::to_string(hello->capacity) +
                               " leases at a time, 1 to " + std::to_string(kMaxCapacity) +
                               " are allowed";
    send(wire::Refuse{wire::kMinVersion, wire::kMaxVersion, reason});
    return Error{reason};
  }
  joined_ = true;
  send(wire::Welcome{std::min(hello->max_version, wire::kMaxVersion)});
  events.push_back(Joined{hello->name, hello->capacity});
  return {};
}

Status PrimarySession::handle(const wire::Message& message, std::vector<Event>& events) {
  if (const auto* part = std::get_if<wire::ResultPart>(&message)) {
    if (Status status = begin_part(*part); !status)
      return status;
    finish_part(events);
    return {};
  }
  if (const auto* data = std::get_if<wire::Data>(&message)) {
    if (Status status = take(*data); !status)
      return status;
    finish_part(events);
    return {};
  }
  if (const auto* fail = std::get_if<wire::Fail>(&message)) {
    if (leases_.erase(fail->lease) != 0)
      events.push_back(LeaseFailed{fail->lease, fail->reason});
    return {};
  }
  if (std::holds_alternative<wire::Leave>(message)) {
    events.push_back(Left{});
    return {};
  }
  if (std::holds_alternative<std::monostate>(message))
    return {};
  return Error{"a message that only a primary sends"};
}

Status PrimarySession::begin_part(const wire::ResultPart& part) {
  if (part.part == 0) {
    renditions_.clear();
    result_size_ = 0;
  } else if (part.lease != part_.lease || part.parts != part_.parts ||
             part.part != part_.part + 1 || inbox_) {
    return Error{"result for lease " + std::to_string(part.lease) + ": parts out of order"};
  }
  if (part.size > max_result_size_ - result_size_)
    return Error{"result for lease " + std::to_string(part.lease) + ": more than " +
                 std::to_string(max_result_size_) + " bytes"};
  result_size_ += part.size;
  part_ = part;
  expect(part.lease, part.size, leases_.count(part.lease) != 0);
  return {};
}

void PrimarySession::finish_part(std::vector<Event>& events) {
  const auto bytes = completed();
  // A lease that was cancelled meanwhile gets no result.
  if (!bytes || leases_.count(part_.lease) == 0)
    return;
  if (sha256({*bytes}) != hex(part_.sha256)) {
    leases_.erase(part_.lease);
    events.push_back(LeaseFailed{part_.lease, "the result was damaged on its way"});
    return;
  }
  renditions_.push_back(*bytes);
  if (part_.part + 1 < part_.parts)
    return;
  leases_.erase(part_.lease);
  events.push_back(ResultReceived{part_.lease, std::move(renditions_)});
  renditions_.clear();
}

void PrimarySession::grant(LeaseId lease, std::uint64_t segment, std::uint32_t attempt,
                           BytesList payload) {
  leases_.insert(lease);
  const wire::Lease message{lease, segment, attempt, total_size(payload)};
  send_payload(message, lease, std::move(payload));
}

void PrimarySession::cancel(LeaseId lease) {
  if (leases_.erase(lease) == 0)
    return;
  drop_payloads(lease);
  send(wire::Cancel{lease});
}

void PrimarySession::drop_leases() {
  for (LeaseId lease : leases_)
    drop_payloads(lease);
  leases_.clear();
}

WorkerSession::WorkerSession(const std::string& name, std::uint16_t capacity) {
  send(wire::Hello{.capacity = capacity, .name = name});
}

Status WorkerSession::receive(std::span<const std::uint8_t> bytes, std::vector<Event>& events) {
  return for_each_message(reader_, bytes,
                          [&](const wire::Message& message) { return handle(message, events); });
}

Status WorkerSession::handle(const wire::Message& message, std::vector<Event>& events) {
  if (!welcomed_) {
    if (const auto* refuse = std::get_if<wire::Refuse>(&message)) {
      events.push_back(Refused{refuse->reason});
      return {};
    }
    const auto* welcome = std::get_if<wire::Welcome>(&message);
    if (!welcome)
      return Error{"not the gst-dist protocol: the answer to the greeting is none"};
    if (welcome->version < wire::kMinVersion || welcome->version > wire::kMaxVersion)
      return Error{"the primary chose protocol version " + std::to_string(welcome->version) +
                   ", this worker speaks " + versions(wire::kMinVersion, wire::kMaxVersion)};
    welcomed_ = true;
    events.push_back(Welcomed{});
    return {};
  }
  const auto finish = [&] {
    if (auto payload = completed())
      events.push_back(Leased{lease_.lease, lease_.segment, lease_.attempt, std::move(*payload)});
  };
  if (const auto* lease = std::get_if<wire::Lease>(&message)) {
    lease_ = *lease;
    expect(lease->lease, lease->size, true);
    finish();
    return {};
  }
  if (const auto* data = std::get_if<wire::Data>(&message)) {
    if (Status status = take(*data); !status)
      return status;
    finish();
    return {};
  }
  if (const auto* cancel = std::get_if<wire::Cancel>(&message)) {
    if (inbox_ && inbox_->lease == cancel->lease)
      inbox_.reset();
    drop_payloads(cancel->lease);
    events.push_back(Cancelled{cancel->lease});
    return {};
  }
  if (const auto* done = std::get_if<wire::Done>(&message)) {
    events.push_back(JobDone{done->reason});
    return {};
  }
  if (std::holds_alternative<std::monostate>(message))
    return {};
  return Error{"a message that only a worker sends"};
}

void WorkerSession::result(LeaseId lease, std::vector<BytesList> renditions) {
  for (std::size_t i = 0; i < renditions.size(); ++i) {
    wire::ResultPart part{.lease = lease,
                          .part = static_cast<std::uint16_t>(i),
                          .parts = static_cast<std::uint16_t>(renditions.size()),
                          .size = total_size(renditions[i]),
                          .sha256 = digest(renditions[i])};
    send_payload(part, lease, std::move(renditions[i]));
  }
}

void WorkerSession::fail(LeaseId lease, const std::string& reason) {
  drop_payloads(lease);
  send(wire::Fail{lease, reason});
}

}  // namespace dist
