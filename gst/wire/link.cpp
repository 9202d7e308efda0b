// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What both ends of a connection do alike.
#include <algorithm>
#include <utility>

#include "gst/wire/session.h"

namespace dist {

Status Link::for_each_message(std::span<const std::uint8_t> bytes, Instant now,
                              const std::function<Status(const wire::Message&)>& handle) {
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

void Link::send_newest(const wire::Message& message) {
  Bytes bytes = wire::encode(message);
  const auto type = [](const Bytes& frame) { return ByteReader(frame.span()).u16(); };
  std::erase_if(messages_, [&](const Bytes& other) { return type(other) == type(bytes); });
  messages_.push_back(std::move(bytes));
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
  // At once, because an array that grows leaves holes in the memory behind it, which many peers
  // make as large as what they send. What is not written takes none.
  constexpr std::uint64_t kReserved = 64u << 20;
  if (wanted)
    inbox_->bytes.reset(g_byte_array_sized_new(static_cast<guint>(std::min(size, kReserved))));
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

}  // namespace dist
