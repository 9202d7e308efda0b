// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/wire/wire.h"

#include <algorithm>

namespace dist::wire {
namespace {

constexpr std::uint32_t kMagic = 0x54534447;  // "GDST"
// Where in a frame the length of its body is.
constexpr std::size_t kLengthAt = 4;
// Most messages are not longer.
constexpr std::size_t kUsualFrame = 64;
// Why a worker cannot make a rendition.
constexpr std::size_t kMaxReason = 1024;

enum Type : std::uint16_t {
  kHello = 1,
  kWelcome = 2,
  kRefuse = 3,
  kGrant = 4,
  kResultPart = 5,
  kFail = 6,
  kCancel = 7,
  kDone = 8,
  kLeave = 9,
  kData = 10,
  kChallenge = 11,
  kProof = 12,
  kHeartbeat = 13,
  kProgress = 14,
  kWant = 15,
  kOffer = 16,
  kRetire = 17,
  kStatusRequest = 18,
  kStatusReport = 19,
};

// Each put() writes a body and returns its type.
Type put(ByteWriter&, std::monostate) {
  return Type{};
}

Type put(ByteWriter& out, const Hello& m) {
  out.u32(kMagic);
  out.u16(m.min_version);
  out.u16(m.max_version);
  out.u16(m.capacity);
  out.bytes(m.nonce);
  out.string(clip(m.name, kMaxName));
  return kHello;
}

Type put(ByteWriter& out, const Challenge& m) {
  out.u16(m.version);
  out.u16(m.secret ? 1 : 0);
  out.bytes(m.nonce);
  return kChallenge;
}

Type put(ByteWriter& out, const Proof& m) {
  out.bytes(m.mac);
  return kProof;
}

Type put(ByteWriter& out, const Welcome& m) {
  out.bytes(m.mac);
  return kWelcome;
}

Type put(ByteWriter& out, const Refuse& m) {
  out.u16(m.min_version);
  out.u16(m.max_version);
  out.string(clip(m.reason, kMaxText));
  return kRefuse;
}

Type put(ByteWriter& out, const Grant& m) {
  out.u64(m.lease);
  out.u64(m.segment);
  out.u32(m.attempt);
  out.u64(m.size);
  out.bytes(m.sha256);
  out.string(clip(m.renditions, kMaxText));
  return kGrant;
}

Type put(ByteWriter& out, const ResultPart& m) {
  out.u64(m.lease);
  out.u16(m.part);
  out.u16(m.parts);
  out.u64(m.size);
  out.bytes(m.sha256);
  return kResultPart;
}

Type put(ByteWriter& out, const Fail& m) {
  out.u64(m.lease);
  out.string(clip(m.reason, kMaxText));
  return kFail;
}

Type put(ByteWriter& out, const Cancel& m) {
  out.u64(m.lease);
  return kCancel;
}

Type put(ByteWriter& out, const Done& m) {
  out.string(clip(m.reason, kMaxText));
  return kDone;
}

Type put(ByteWriter&, const Leave&) {
  return kLeave;
}

Type put(ByteWriter& out, const Data& m) {
  out.u64(m.lease);
  out.bytes(m.bytes);
  return kData;
}

Type put(ByteWriter&, const Heartbeat&) {
  return kHeartbeat;
}

Type put(ByteWriter& out, const Progress& m) {
  out.u64(m.lease);
  out.u64(m.received);
  out.u32(m.units);
  out.u32(m.frames);
  return kProgress;
}

Type put(ByteWriter& out, const Want& m) {
  out.u64(m.job);
  out.string(clip(m.renditions, kMaxText));
  return kWant;
}

Type put(ByteWriter& out, const Offer& m) {
  out.u64(m.job);
  out.u16(static_cast<std::uint16_t>(m.abilities.size()));
  for (const Ability& ability : m.abilities) {
    out.u16(ability.able ? 1 : 0);
    out.string(clip(ability.encoder, kMaxName));
    out.string(clip(ability.reason, kMaxReason));
    out.string(clip(ability.version, kMaxName));
  }
  return kOffer;
}

Type put(ByteWriter& out, const Retire& m) {
  out.u16(static_cast<std::uint16_t>(m.kept.size()));
  for (const std::uint64_t lease : m.kept)
    out.u64(lease);
  return kRetire;
}

Type put(ByteWriter&, const StatusRequest&) {
  return kStatusRequest;
}

Type put(ByteWriter& out, const StatusReport& m) {
  write(out, m.status);
  return kStatusReport;
}

void put_frame_header(ByteWriter& out, std::uint16_t type, std::size_t body_size) {
  out.u16(type);
  out.u16(0);
  out.u32(static_cast<std::uint32_t>(body_size));
}

std::array<std::uint8_t, 32> get_32_bytes(ByteReader& in) {
  std::array<std::uint8_t, 32> value = {};
  const auto bytes = in.bytes(value.size());
  std::copy(bytes.begin(), bytes.end(), value.begin());
  return value;
}

Offer get_offer(ByteReader& in, bool& valid) {
  Offer m{in.u64(), {}};
  const std::uint16_t count = in.u16();
  valid = count <= kMaxRenditions;
  for (std::uint16_t i = 0; valid && i < count; ++i) {
    const std::uint16_t able = in.u16();
    valid = able <= 1;
    m.abilities.push_back(
        {able == 1, in.string(kMaxName), in.string(kMaxReason), in.string(kMaxName)});
  }
  return m;
}

Retire get_retire(ByteReader& in, bool& valid) {
  Retire m;
  const std::uint16_t count = in.u16();
  valid = count <= kMaxKept;
  for (std::uint16_t i = 0; valid && i < count; ++i)
    m.kept.push_back(in.u64());
  return m;
}

// Reads the body of a known type. Field order is that of put(); initialiser lists are evaluated
// from left to right.
Message get(ByteReader& in, std::uint16_t type, bool& valid) {
  switch (type) {
    case kHello:
      valid = in.u32() == kMagic;
      return Hello{in.u16(), in.u16(), in.u16(), get_32_bytes(in), in.string(kMaxName)};
    case kChallenge: {
      const std::uint16_t version = in.u16();
      const std::uint16_t secret = in.u16();
      valid = secret <= 1;
      return Challenge{version, secret == 1, get_32_bytes(in)};
    }
    case kProof:
      return Proof{get_32_bytes(in)};
    case kWelcome:
      return Welcome{get_32_bytes(in)};
    case kRefuse:
      return Refuse{in.u16(), in.u16(), in.string(kMaxText)};
    case kGrant:
      return Grant{in.u64(), in.u64(), in.u32(), in.u64(), get_32_bytes(in), in.string(kMaxText)};
    case kResultPart: {
      const ResultPart m{in.u64(), in.u16(), in.u16(), in.u64(), get_32_bytes(in)};
      valid = m.part < m.parts;
      return m;
    }
    case kFail:
      return Fail{in.u64(), in.string(kMaxText)};
    case kCancel:
      return Cancel{in.u64()};
    case kDone:
      return Done{in.string(kMaxText)};
    case kLeave:
      return Leave{};
    case kData: {
      const std::uint64_t lease = in.u64();
      return Data{lease, in.bytes(in.remaining())};
    }
    case kHeartbeat:
      return Heartbeat{};
    case kProgress:
      return Progress{in.u64(), in.u64(), in.u32(), in.u32()};
    case kWant:
      return Want{in.u64(), in.string(kMaxText)};
    case kOffer:
      return get_offer(in, valid);
    case kRetire:
      return get_retire(in, valid);
    case kStatusRequest:
      return StatusRequest{};
    case kStatusReport:
      return StatusReport{read_farm_status(in, valid)};
    default:
      in.bytes(in.remaining());
      return std::monostate{};
  }
}

}  // namespace

Bytes encode(const Message& message) {
  ByteWriter out(kUsualFrame);
  put_frame_header(out, 0, 0);
  const Type type = std::visit([&](const auto& m) { return put(out, m); }, message);
  out.patch_u16(0, type);
  out.patch_u32(kLengthAt, static_cast<std::uint32_t>(out.size() - kFrameHeader));
  return Bytes::take(out.take());
}

Bytes encode_data_header(std::uint64_t lease, std::size_t size) {
  ByteWriter out(kUsualFrame);
  put_frame_header(out, kData, 8 + size);
  out.u64(lease);
  return Bytes::take(out.take());
}

Result<Message> decode(const Frame& frame) {
  ByteReader in(frame.body);
  bool valid = true;
  Message message = get(in, frame.type, valid);
  if (!valid || !in.complete())
    return Error{"message of type " + std::to_string(frame.type) + ": malformed"};
  return message;
}

void FrameReader::feed(std::span<const std::uint8_t> bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Frame>> FrameReader::next() {
  const auto data = std::span<const std::uint8_t>(buffer_).subspan(begin_);
  if (data.size() < kFrameHeader)
    return std::optional<Frame>();
  ByteReader in(data);
  const std::uint16_t type = in.u16();
  const std::uint16_t reserved = in.u16();
  const std::uint32_t length = in.u32();
  if (type == 0 || reserved != 0)
    return Error{"not the gst-dist protocol"};
  if (length > max_body_)
    return Error{"message of type " + std::to_string(type) + ": " + std::to_string(length) +
                 " bytes, the limit is " + std::to_string(max_body_)};
  if (in.remaining() < length)
    return std::optional<Frame>();
  begin_ += kFrameHeader + length;
  return std::optional<Frame>(Frame{type, in.bytes(length)});
}

}  // namespace dist::wire
