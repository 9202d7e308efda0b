// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The two ends of a connection between primary and worker, without a socket: bytes that arrived go
// in, events come out; commands go in, bytes to be sent come out. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "gst/dist/core/bytes.h"
#include "gst/dist/core/result.h"
#include "gst/dist/core/wire.h"

namespace dist {

// What both ends do alike: framing, payloads in chunks, and messages that overtake payloads.
class Link {
 public:
  // Bytes to be sent next, in pieces, or nothing. At most one message.
  BytesList next_output();
  bool has_output() const { return !messages_.empty() || !payloads_.empty(); }

 protected:
  using LeaseId = std::uint64_t;

  void send(const wire::Message& message) { messages_.push_back(wire::encode(message)); }
  // Sends `announcement`, then the payload.
  void send_payload(const wire::Message& announcement, LeaseId lease, BytesList payload);
  // Drops what is still unsent of this lease.
  void drop_payloads(LeaseId lease);

  // A payload that is being received.
  struct Inbox {
    LeaseId lease = 0;
    std::uint64_t size = 0;
    bool wanted = false;
    std::vector<std::uint8_t> bytes;
    std::uint64_t received = 0;
  };
  // Begins to receive; one that is unfinished is dropped, as its sender did.
  void expect(LeaseId lease, std::uint64_t size, bool wanted);
  Status take(const wire::Data& data);
  // The complete payload, once.
  std::optional<Bytes> completed();

  wire::FrameReader reader_;
  std::optional<Inbox> inbox_;

 private:
  struct Payload {
    LeaseId lease = 0;
    std::optional<Bytes> announcement;
    BytesList pieces;  // What is left of it.
    std::size_t left = 0;
  };

  std::deque<Bytes> messages_;
  std::deque<Payload> payloads_;
};

// The primary's end.
class PrimarySession : public Link {
 public:
  struct Joined {
    std::string name;
    unsigned capacity = 1;
  };
  // A serialised segment for each rendition; their digests have been checked.
  struct ResultReceived {
    LeaseId lease = 0;
    std::vector<Bytes> renditions;
  };
  struct LeaseFailed {
    LeaseId lease = 0;
    std::string reason;
  };
  struct Left {};
  using Event = std::variant<Joined, ResultReceived, LeaseFailed, Left>;

  // Results larger than this in all are refused.
  explicit PrimarySession(std::uint64_t max_result_size) : max_result_size_(max_result_size) {}

  // Appends what the bytes from the worker mean to `events`. After an error the connection has to
  // be closed; a refusal for the worker may still be in next_output().
  Status receive(std::span<const std::uint8_t> bytes, std::vector<Event>& events);

  void grant(LeaseId lease, std::uint64_t segment, std::uint32_t attempt, BytesList payload);
  void cancel(LeaseId lease);
  void done(const std::string& reason) { send(wire::Done{reason}); }
  // The connection is about to close: drops all leases and what is still unsent of them.
  void drop_leases();

 private:
  Status handle(const wire::Message& message, std::vector<Event>& events);
  Status handle_hello(const wire::Message& message, std::vector<Event>& events);
  Status begin_part(const wire::ResultPart& part);
  void finish_part(std::vector<Event>& events);

  std::uint64_t max_result_size_;
  bool joined_ = false;
  std::set<LeaseId> leases_;
  // The result being received.
  wire::ResultPart part_;
  std::uint64_t result_size_ = 0;
  std::vector<Bytes> renditions_;
};

// The worker's end.
class WorkerSession : public Link {
 public:
  struct Welcomed {};
  struct Leased {
    LeaseId lease = 0;
    std::uint64_t segment = 0;
    std::uint32_t attempt = 0;
    Bytes payload;  // A serialised segment.
  };
  struct Cancelled {
    LeaseId lease = 0;
  };
  struct Refused {
    std::string reason;
  };
  struct JobDone {
    std::string reason;
  };
  using Event = std::variant<Welcomed, Leased, Cancelled, Refused, JobDone>;

  // Greets the primary.
  WorkerSession(const std::string& name, std::uint16_t capacity);

  // As PrimarySession::receive().
  Status receive(std::span<const std::uint8_t> bytes, std::vector<Event>& events);

  void result(LeaseId lease, std::vector<BytesList> renditions);
  void fail(LeaseId lease, const std::string& reason);
  void leave() { send(wire::Leave{}); }

 private:
  Status handle(const wire::Message& message, std::vector<Event>& events);

  bool welcomed_ = false;
  wire::Lease lease_;  // The one being received.
};

}  // namespace dist
