// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A primary and a worker with nothing but memory between them.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gst/wire/session.h"
#include "tests/common/support.h"

namespace dist::test {

inline Bytes some_payload(std::size_t size, std::uint8_t first = 0) {
  Data data(size);
  for (std::size_t i = 0; i < size; ++i)
    data[i] = static_cast<std::uint8_t>(first + i * 31 + (i >> 8));
  return Bytes::take(std::move(data));
}

inline Data encoded(const std::vector<wire::Message>& messages) {
  Data data;
  for (const wire::Message& message : messages) {
    const Data bytes = to_data(wire::encode(message).span());
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  return data;
}

inline wire::Nonce some_nonce(std::uint8_t first) {
  wire::Nonce nonce = {};
  for (std::size_t i = 0; i < nonce.size(); ++i)
    nonce[i] = static_cast<std::uint8_t>(first + i);
  return nonce;
}

// A lease on a segment of a thousand access units.
inline void grant(PrimarySession& session, std::uint64_t lease, std::uint64_t segment,
                  std::uint32_t attempt, const BytesList& payload) {
  session.grant({.lease = lease, .segment = segment, .attempt = attempt, .sha256 = sha256(payload)},
                1000, payload);
}

struct Ends {
  struct Secrets {
    std::string worker;
    std::string primary;
  };

  explicit Ends(const Secrets& secrets = {}, std::uint64_t max_result_size = 64u << 20,
                std::uint16_t capacity = 2)
      : primary_config{secrets.primary, max_result_size},
        worker_config{.name = "box", .capacity = capacity, .secret = secrets.worker} {}

  // Carry the next message from one end to the other; false if there is none.
  bool to_primary() {
    if (!worker.has_output())
      return false;
    fail_unless_ok(primary.receive(to_data(worker.next_output()), now, at_primary));
    return true;
  }
  bool to_worker() {
    if (!primary.has_output())
      return false;
    fail_unless_ok(worker.receive(to_data(primary.next_output()), now, at_worker));
    return true;
  }

  // Until both are silent.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = to_primary();
      moved = to_worker() || moved;
    }
  }

  // The greetings are over, and nothing is to be told about them.
  void greet() {
    settle();
    at_primary.clear();
    at_worker.clear();
  }

  // What has happened, in a few words each; without LeaseAdvanced.
  std::string primary_saw() const {
    std::string text;
    for (const auto& event : at_primary)
      if (!std::holds_alternative<PrimarySession::LeaseAdvanced>(event))
        text +=
            (text.empty() ? "" : ", ") + std::visit([](const auto& e) { return say(e); }, event);
    return text;
  }
  std::ptrdiff_t advances() const {
    return std::count_if(at_primary.begin(), at_primary.end(), [](const auto& event) {
      return std::holds_alternative<PrimarySession::LeaseAdvanced>(event);
    });
  }
  std::string worker_saw() const {
    std::string text;
    for (const auto& event : at_worker)
      text += (text.empty() ? "" : ", ") + std::visit([](const auto& e) { return say(e); }, event);
    return text;
  }

  Instant now = 0;
  PrimarySession::Config primary_config;
  WorkerSession::Config worker_config;
  PrimarySession primary{primary_config, some_nonce(32), now};
  WorkerSession worker{worker_config, some_nonce(0), now};
  std::vector<PrimarySession::Event> at_primary;
  std::vector<WorkerSession::Event> at_worker;

 private:
  static std::string number(std::uint64_t value) { return " " + std::to_string(value); }

  static std::string say(const PrimarySession::Joined& e) {
    return "joined " + e.name + number(e.capacity);
  }
  static std::string say(const PrimarySession::LeaseAdvanced& e) {
    return "advanced" + number(e.lease);
  }
  static std::string say(const PrimarySession::ResultReceived& e) {
    return "result" + number(e.lease) + " of" + number(e.renditions.size());
  }
  static std::string say(const PrimarySession::LeaseFailed& e) {
    return "failed" + number(e.lease) + ": " + e.reason;
  }
  static std::string say(const PrimarySession::Offered& e) {
    std::string text = "offered" + number(e.job) + ":";
    for (const Ability& ability : e.abilities)
      text += " " + (ability.able ? ability.encoder : "not " + ability.reason);
    return text;
  }
  static std::string say(const PrimarySession::Retired& e) {
    std::string text = "retires but for";
    for (const std::uint64_t lease : e.kept)
      text += number(lease);
    return text;
  }
  static std::string say(const PrimarySession::Left&) { return "left"; }
  static std::string say(const PrimarySession::Observing&) { return "observing"; }
  static std::string say(const PrimarySession::StatusAsked&) { return "asked"; }

  static std::string say(const WorkerSession::Welcomed&) { return "welcomed"; }
  static std::string say(const WorkerSession::Leased& e) {
    return "leased" + number(e.lease) + " segment" + number(e.segment) + " attempt" +
           number(e.attempt) + (e.renditions.empty() ? "" : " as " + e.renditions);
  }
  static std::string say(const WorkerSession::Wanted& e) {
    return "wanted" + number(e.job) + ": " + e.renditions;
  }
  static std::string say(const WorkerSession::Cancelled& e) {
    return "cancelled" + number(e.lease);
  }
  static std::string say(const WorkerSession::Refused& e) { return "refused: " + e.reason; }
  static std::string say(const WorkerSession::JobDone& e) { return "done: " + e.reason; }
  static std::string say(const WorkerSession::StatusReceived& e) {
    return "status of" + number(e.status.workers.size());
  }
};

}  // namespace dist::test
