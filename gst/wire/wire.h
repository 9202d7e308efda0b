// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Messages between primary and worker, version 1, as bytes and back. docs/design/wire.md has a
// table for each. No socket here: see session.h for the order in which they are sent.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/rendition/rendition.h"
#include "gst/wire/farm_status.h"

namespace dist::wire {

inline constexpr std::uint16_t kMinVersion = 1;
inline constexpr std::uint16_t kMaxVersion = 1;

// Before each body: type, reserved zero, length of the body.
inline constexpr std::size_t kFrameHeader = 8;
// Payload bytes in one Data message, so that other messages get through in between.
inline constexpr std::size_t kMaxChunk = 1u << 20;
// A longer body is refused before anything is allocated.
inline constexpr std::size_t kMaxBody = kMaxChunk + 8;
inline constexpr std::size_t kMaxText = 64u << 10;
inline constexpr std::size_t kMaxName = 256;
// Leases that a worker may hold, and so keep.
inline constexpr std::size_t kMaxKept = 64;
// The longest body of Hello and Proof: nobody gets more memory before it has proved who it is.
inline constexpr std::size_t kMaxGreetingBody = 512;

using Nonce = std::array<std::uint8_t, 32>;   // Random, never used again.
using Digest = std::array<std::uint8_t, 32>;  // SHA-256, or HMAC with it.

// Worker to primary, first message. Its layout is the same in every version.
struct Hello {
  std::uint16_t min_version = kMinVersion;
  std::uint16_t max_version = kMaxVersion;
  // Leases the worker wants to hold at a time; 0: it is an observer, which is leased nothing.
  std::uint16_t capacity = 1;
  Nonce nonce = {};
  std::string name;  // At most kMaxName bytes.
  bool operator==(const Hello&) const = default;
};

// Primary to worker: the answer to Hello.
struct Challenge {
  std::uint16_t version = kMaxVersion;  // What both speak from now on.
  bool secret = false;                  // The worker has to prove that it knows the secret.
  Nonce nonce = {};
  bool operator==(const Challenge&) const = default;
};

// Worker to primary: the answer to Challenge.
struct Proof {
  Digest mac = {};  // Zero without a secret.
  bool operator==(const Proof&) const = default;
};

// Primary to worker: the answer to Proof.
struct Welcome {
  Digest mac = {};  // Zero without a secret.
  bool operator==(const Welcome&) const = default;
};

// Primary to worker, instead of Challenge or Welcome; the connection closes. Its layout is the same
// in every version.
struct Refuse {
  std::uint16_t min_version = kMinVersion;
  std::uint16_t max_version = kMaxVersion;
  std::string reason;
  bool operator==(const Refuse&) const = default;
};

// Primary to worker: what a job wants made of its segments, before the first lease of it. The
// answer is an Offer.
struct Want {
  std::uint64_t job = 0;
  std::string renditions;  // As parse_renditions() takes it.
  bool operator==(const Want&) const = default;
};

// Worker to primary: which of a job's renditions can be made here, in their order.
struct Offer {
  std::uint64_t job = 0;
  std::vector<Ability> abilities;  // At most kMaxRenditions.
  bool operator==(const Offer&) const = default;
};

// Primary to worker: a lease. Data messages with `size` bytes, a serialised segment, follow.
struct Grant {
  std::uint64_t lease = 0;
  std::uint64_t segment = 0;
  std::uint32_t attempt = 0;
  std::uint64_t size = 0;
  Digest sha256 = {};  // Over those bytes.
  // To be made, as in Want. Empty: whatever the worker makes.
  std::string renditions = {};
  bool operator==(const Grant&) const = default;
};

// Worker to primary: one rendition of a lease's result. Data messages with `size` bytes, a
// serialised segment, follow. The parts of a result come in order, without other results between
// them.
struct ResultPart {
  std::uint64_t lease = 0;
  std::uint16_t part = 0;
  std::uint16_t parts = 1;
  std::uint64_t size = 0;
  Digest sha256 = {};  // Over those bytes.
  bool operator==(const ResultPart&) const = default;
};

// Worker to primary: the lease cannot be fulfilled here.
struct Fail {
  std::uint64_t lease = 0;
  std::string reason;
  bool operator==(const Fail&) const = default;
};

// Primary to worker: the lease is over, drop whatever belongs to it.
struct Cancel {
  std::uint64_t lease = 0;
  bool operator==(const Cancel&) const = default;
};

// Primary to worker: the job is over.
struct Done {
  std::string reason;
  bool operator==(const Done&) const = default;
};

// Worker to primary: it leaves in good order, its leases can go elsewhere.
struct Leave {
  bool operator==(const Leave&) const = default;
};

// Worker to primary: it is about to leave. It wants no more leases, and all but these, which it
// still answers, go elsewhere.
struct Retire {
  std::vector<std::uint64_t> kept;  // At most kMaxKept.
  bool operator==(const Retire&) const = default;
};

// Both ways: the sender is alive.
struct Heartbeat {
  bool operator==(const Heartbeat&) const = default;
};

// Worker to primary: how far a lease is. Each of the numbers only grows.
struct Progress {
  std::uint64_t lease = 0;
  std::uint64_t received = 0;  // Bytes of the segment.
  std::uint32_t units = 0;     // Access units that went into the worker's pipeline.
  std::uint32_t frames = 0;    // Frames that came out of it, of all renditions.
  bool operator==(const Progress&) const = default;
};

// Observer to primary: what does the farm do? The answer is a StatusReport.
struct StatusRequest {
  bool operator==(const StatusRequest&) const = default;
};

// Primary to observer.
struct StatusReport {
  FarmStatus status;
  bool operator==(const StatusReport&) const = default;
};

// Both ways: the next bytes of the Grant or ResultPart sent last.
struct Data {
  std::uint64_t lease = 0;
  std::span<const std::uint8_t> bytes;  // Borrowed from the frame it was decoded from.
};

// monostate: a type of a later version, to be skipped.
using Message = std::variant<std::monostate, Hello, Challenge, Proof, Welcome, Refuse, Grant,
                             ResultPart, Fail, Cancel, Done, Leave, Data, Heartbeat, Progress, Want,
                             Offer, Retire, StatusRequest, StatusReport>;

// A frame with its header. The strings must be valid UTF-8; longer ones than kMaxText are cut.
Bytes encode(const Message& message);

// The header and fixed part of a Data message, to be followed by `size` payload bytes.
Bytes encode_data_header(std::uint64_t lease, std::size_t size);

struct Frame {
  std::uint16_t type = 0;
  std::span<const std::uint8_t> body;
};

Result<Message> decode(const Frame& frame);

// Cuts a byte stream into frames.
class FrameReader {
 public:
  // Refuses longer bodies than this.
  explicit FrameReader(std::size_t max_body = kMaxBody) : max_body_(max_body) {}
  void set_max_body(std::size_t max_body) { max_body_ = max_body; }

  void feed(std::span<const std::uint8_t> bytes);

  // The next complete frame, none if more bytes are needed, or an error if the stream cannot be
  // this protocol; after an error the stream is beyond repair. The frame is valid until the next
  // call of feed() or next().
  Result<std::optional<Frame>> next();

 private:
  std::size_t max_body_;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;
};

}  // namespace dist::wire
