// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The two ends of a connection between primary and worker, without a socket, a clock or a random
// source: bytes that arrived go in, events come out; commands go in, bytes to be sent come out. Not
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/instant.h"
#include "gst/base/result.h"
#include "gst/wire/lease_port.h"
#include "gst/wire/wire.h"

namespace dist {

// Silence after which a peer is taken for dead. Each end says something several times as often.
inline constexpr Instant kPeerTimeout = 15'000 * kMillisecond;
inline constexpr Instant kHeartbeatInterval = 4'000 * kMillisecond;
// How long a stranger may take to prove that it is a worker.
inline constexpr Instant kGreetingTimeout = 10'000 * kMillisecond;

// No honest segment or rendition is larger, and GByteArray holds no more.
inline constexpr std::uint64_t kMaxPayload = std::uint64_t{2} << 30;

// What both ends do alike: framing, payloads in chunks, messages that overtake payloads, and the
// watch over a silent peer.
class Link {
 public:
  // Time has passed: says that this end is alive. An error when the peer seems dead.
  Status advance(Instant now);
  // When to call advance() again at the latest.
  Instant next_wakeup() const;

  // Bytes to be sent next, in pieces, or nothing. At most one message.
  BytesList next_output();
  bool has_output() const { return !messages_.empty() || !payloads_.empty(); }
  // Messages that are unsent.
  std::size_t queued() const { return messages_.size(); }

 protected:
  using LeaseId = std::uint64_t;
  using JobId = std::uint64_t;

  explicit Link(Instant now)
      : reader_(wire::kMaxGreetingBody),
        heard_at_(now),
        beat_at_(now + kHeartbeatInterval),
        greeting_until_(now + kGreetingTimeout) {}

  // Cuts the bytes into messages and hands each to `handle` until that fails.
  Status for_each_message(std::span<const std::uint8_t> bytes, Instant now,
                          const std::function<Status(const wire::Message&)>& handle);
  // The greeting is over.
  void joined();

  void send(const wire::Message& message) { messages_.push_back(wire::encode(message)); }
  // In place of an unsent one of its type, which it outdates.
  void send_newest(const wire::Message& message);
  // Sends `announcement`, then the payload.
  void send_payload(const wire::Message& announcement, LeaseId lease, BytesList payload);
  // Sends it when all payloads that there are now have been sent.
  void send_last(const wire::Message& message);
  // Drops what is still unsent of this lease.
  void drop_payloads(LeaseId lease);
  // The leases of which something is unsent.
  std::set<LeaseId> unsent() const;

  // A payload that is being received.
  struct Inbox {
    LeaseId lease = 0;
    std::uint64_t size = 0;
    std::uint64_t received = 0;
    // GLib's array, because it grows in place: a vector would need the room twice while it does.
    // Null: nobody wants the bytes.
    std::unique_ptr<GByteArray, decltype(&g_byte_array_unref)> bytes{nullptr, &g_byte_array_unref};
  };
  // Begins to receive; one that is unfinished is dropped, as its sender did.
  void expect(LeaseId lease, std::uint64_t size, bool wanted);
  Status take(const wire::Data& data);
  // The complete payload, once.
  std::optional<Bytes> completed();

  std::optional<Inbox> inbox_;

 private:
  struct Payload {
    std::optional<LeaseId> lease;
    std::optional<Bytes> announcement;
    BytesList pieces;  // What is left of it.
    std::size_t left = 0;
  };

  wire::FrameReader reader_;
  // Queues, of a few at most.
  std::vector<Bytes> messages_;
  std::vector<Payload> payloads_;
  Instant heard_at_;
  Instant beat_at_;
  Instant greeting_until_;  // kNever when it is over.
};

// The primary's end.
class PrimarySession : public Link, public LeasePort {
 public:
  struct Config {
    // Empty: anyone may join. Else the worker has to prove that it knows it.
    std::string secret;
    // Larger results, all renditions together, are refused.
    std::uint64_t max_result_size = UINT64_MAX;
  };

  struct Joined {
    std::string name;
    unsigned capacity = 1;
  };
  // Somebody who only looks on: there will be StatusAsked and Left, and nothing else.
  struct Observing {};
  // To be answered with report().
  struct StatusAsked {};
  // More of the lease is done than ever before.
  struct LeaseAdvanced {
    LeaseId lease = 0;
    double share = 0;  // Of its access units that the worker's pipeline took, of 1.
  };
  // A serialised segment for each rendition; their digests have been checked.
  struct ResultReceived {
    LeaseId lease = 0;
    std::vector<BytesList> renditions;
  };
  struct LeaseFailed {
    LeaseId lease = 0;
    std::string reason;
  };
  // Which of the job's renditions the worker can make: as many as want() asked for.
  struct Offered {
    JobId job = 0;
    std::vector<Ability> abilities;
  };
  // The worker wants no more leases, and holds no others any more.
  struct Retired {
    std::vector<LeaseId> kept;
  };
  struct Left {};
  using Event = std::variant<Joined, LeaseAdvanced, ResultReceived, LeaseFailed, Offered, Retired,
                             Left, Observing, StatusAsked>;

  // `config` has to outlive the session.
  PrimarySession(const Config& config, const wire::Nonce& nonce, Instant now)
      : Link(now), config_(config), nonce_(nonce) {}

  // Appends what the bytes from the worker mean to `events`. After an error the connection has to
  // be closed; a refusal for the worker may still be in next_output().
  Status receive(std::span<const std::uint8_t> bytes, Instant now, std::vector<Event>& events);

  Trust trust() const override { return Trust::kChecked; }
  void want(JobId job, const std::vector<RenditionSpec>& renditions) override;
  void grant(wire::Grant lease, std::uint32_t units, BytesList payload) override;
  void cancel(LeaseId lease) override;
  void done(const std::string& reason) override { send(wire::Done{reason}); }
  void drop_leases() override;
  void report(FarmStatus status) { send_newest(wire::StatusReport{std::move(status)}); }
  std::optional<Incoming> incoming() const override;
  bool guessed_wrong() const { return guessed_wrong_; }

 private:
  enum class State { kHello, kProof, kJoined, kObserving };
  // How far a lease is, as far as it is known here.
  struct LeaseProgress {
    std::uint64_t size = 0;
    std::uint32_t units = 0;
    wire::Progress reported;
    std::uint64_t answered = 0;  // Bytes of its result, the most that were ever here.
  };

  Status handle(const wire::Message& message, std::vector<Event>& events);
  static Status handle_observer(const wire::Message& message, std::vector<Event>& events);
  Status handle_hello(const wire::Message& message);
  Status handle_proof(const wire::Message& message, std::vector<Event>& events);
  Error refuse(const std::string& reason);
  Status begin_part(const wire::ResultPart& part);
  void finish_part(std::vector<Event>& events);
  void handle_progress(const wire::Progress& progress, std::vector<Event>& events);
  void handle_result_growth(std::vector<Event>& events);
  bool end_lease(LeaseId lease);

  const Config& config_;
  const wire::Nonce nonce_;
  State state_ = State::kHello;
  bool guessed_wrong_ = false;  // The secret.
  wire::Hello hello_;
  Bytes transcript_;  // Hello and Challenge as they went over the wire.
  std::map<LeaseId, LeaseProgress> leases_;
  std::map<JobId, std::size_t> wanted_;  // How many renditions of each job, until it is answered.
  // The result being received.
  wire::ResultPart part_;
  std::uint64_t result_size_ = 0;
  std::vector<BytesList> renditions_;
};

// The worker's end, or that of an observer.
class WorkerSession : public Link {
 public:
  struct Config {
    std::string name;
    // Leases to hold at a time; 0: this is an observer, which may ask_status() and is leased
    // nothing.
    std::uint16_t capacity = 1;
    // Empty: joins any primary that wants no secret. Else the primary has to prove that it knows
    // it.
    std::string secret;
  };

  struct Welcomed {};
  struct Leased {
    LeaseId lease = 0;
    std::uint64_t segment = 0;
    std::uint32_t attempt = 0;
    std::string renditions;  // As in wire::Grant.
    Bytes payload;           // A serialised segment.
  };
  // To be answered with offer().
  struct Wanted {
    JobId job = 0;
    std::string renditions;
  };
  struct Cancelled {
    LeaseId lease = 0;
  };
  // The two do not belong together, whoever of them said so. The last event: what comes after it is
  // ignored.
  struct Refused {
    std::string reason;
  };
  struct JobDone {
    std::string reason;
  };
  // The answer to ask_status().
  struct StatusReceived {
    FarmStatus status;
  };
  using Event = std::variant<Welcomed, Leased, Wanted, Cancelled, Refused, JobDone, StatusReceived>;

  // Greets the primary.
  WorkerSession(const Config& config, const wire::Nonce& nonce, Instant now);

  // As PrimarySession::receive().
  Status receive(std::span<const std::uint8_t> bytes, Instant now, std::vector<Event>& events);

  void result(LeaseId lease, std::vector<BytesList> renditions);
  void fail(LeaseId lease, const std::string& reason);
  void offer(JobId job, std::vector<Ability> abilities) {
    send(wire::Offer{job, std::move(abilities)});
  }
  void leave() { send(wire::Leave{}); }
  // Gives back all leases but this one, takes no more, and leaves when it, and those whose answers
  // are on their way, have been answered. Once, when welcomed.
  void retire(std::optional<LeaseId> kept);
  // It has retired and nothing more is to be said.
  bool has_left() const { return leaving_ && !has_output(); }
  // Of observers, once welcomed.
  void ask_status() { send(wire::StatusRequest{}); }
  // How far a lease is that was received, see wire::Progress.
  void progress(LeaseId lease, std::uint32_t units, std::uint32_t frames);
  // Says how much of a lease has arrived, if it is more than before.
  void report_receiving();

 private:
  enum class State { kHello, kProof, kJoined, kRefused };

  Status handle(const wire::Message& message, std::vector<Event>& events);
  static Status handle_as_observer(const wire::Message& message, std::vector<Event>& events);
  std::string name_of_this_end() const { return observes_ ? "observer" : "worker"; }
  void refused(const std::string& reason, std::vector<Event>& events);
  Status handle_challenge(const wire::Message& message, std::vector<Event>& events);
  Status handle_welcome(const wire::Message& message, std::vector<Event>& events);
  Status check_lease(LeaseId lease) const;
  void leave_if_retired();

  const std::string secret_;
  const bool observes_;
  const std::size_t capacity_;
  State state_ = State::kHello;
  Bytes transcript_;
  wire::Grant lease_;  // The one being received.
  std::uint64_t receiving_reported_ = 0;
  std::map<LeaseId, std::uint64_t> received_;  // Sizes of the leases that are here.
  bool retiring_ = false;                      // Leaves when none of these is left.
  bool leaving_ = false;
};

}  // namespace dist
