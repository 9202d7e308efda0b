// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which connections a primary lets greet: how many at a time, from where, and how often one may be
// wrong about the secret. A pure state machine; every operation takes O(log n), but crowded_out()
// O(n) of the addresses that greet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "gst/base/instant.h"

namespace dist {

class Door {
 public:
  using Id = std::uint64_t;

  struct Config {
    // Connections that have not joined yet; one more and another of them is closed.
    unsigned max_greeting = 64;
    unsigned max_per_address = 256;
    // Wrong secrets from an address, and after how long one of them is forgotten. Behind one
    // address there may be honest workers beside one whose secret is wrong, that dials again and
    // again.
    unsigned max_guesses = 64;
    Instant guess_interval = 250 * kMillisecond;
    // Refusals that are told in a second.
    unsigned max_told = 5;
  };

  explicit Door(const Config& config) : config_(config) {}

  // A connection from there, without its port. Returns why it has to be closed; empty: it greets.
  std::string enter(Id id, const std::string& address, Instant now);
  // One of the greeting connections, if they are too many: the oldest of an address, because an
  // honest greeting is over at once; of the address that has most of them, so that one stranger
  // does not keep out the workers of other hosts; and of several such addresses that of `random`.
  // No stranger may foresee `random`: a stranger with many addresses could otherwise choose one
  // that is always spared.
  std::optional<Id> crowded_out(std::uint64_t random) const;
  // It has joined, or is about to be closed.
  void greeted(Id id, const std::string& address);
  void guessed_wrong(const std::string& address, Instant now);
  // The connection is gone.
  void leave(const std::string& address);
  // For each refusal: nothing if it is not to be told, else how many were not told since the last
  // one that was. A flood of strangers must not become a flood of messages.
  std::optional<std::uint64_t> tells(Instant now);

 private:
  struct Guesses {
    unsigned count = 0;
    Instant since = 0;  // When the next of them is forgotten, but for guess_interval.
  };
  void forget_guesses(Instant now);

  Config config_;
  std::map<std::string, unsigned> connections_;   // By address, all that are there.
  std::map<std::string, std::set<Id>> greeting_;  // By address.
  std::map<std::string, Guesses> guesses_;        // By address.
  Instant guesses_looked_at_ = 0;
  Instant told_since_ = 0;
  unsigned told_ = 0;  // Since then.
  std::uint64_t untold_ = 0;
};

}  // namespace dist
