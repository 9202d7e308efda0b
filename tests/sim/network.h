// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Time that passes only because nothing is left to be done, and wires that take time.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "gst/base/instant.h"
#include "gst/wire/session.h"
#include "tests/sim/random.h"

namespace dist::sim {

// Somebody to whom things happen at a time. Has to outlive what was scheduled for it.
class Actor {
 public:
  virtual ~Actor() = default;
  virtual void on_event(unsigned what, std::uint64_t argument) = 0;
};

// What happens at the same time happens in the order in which it was scheduled.
class Timeline {
 public:
  Instant now() const { return now_; }
  void at(Instant time, Actor& actor, unsigned what, std::uint64_t argument = 0);
  // Lets the next thing happen; false if there is none.
  bool step();

 private:
  struct Entry {
    Instant time = 0;
    std::uint64_t number = 0;
    Actor* actor = nullptr;
    unsigned what = 0;
    std::uint64_t argument = 0;
    // For a heap whose top is the earliest.
    bool operator<(const Entry& other) const {
      return time != other.time ? time > other.time : number > other.number;
    }
  };

  Instant now_ = 0;
  std::uint64_t numbers_ = 0;
  std::vector<Entry> heap_;
};

// One direction of a connection: bytes arrive in order, after a while, perhaps damaged.
class Pipe : public Actor {
 public:
  struct Quality {
    Instant delay = 0;
    double bytes_per_second = std::numeric_limits<double>::infinity();
    double damage = 0;  // Chance that one byte of what is written at once arrives wrong.
  };
  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void on_bytes(std::span<const std::uint8_t> bytes) = 0;
    // The other end has closed.
    virtual void on_end() = 0;
  };

  Pipe(Timeline& timeline, Random& random, const Quality& quality, Receiver& receiver)
      : timeline_(timeline), random_(random), quality_(quality), receiver_(receiver) {}

  // Sends what the link has to say, now and when the line is free again.
  void send(Link& link);
  // Sends all that is left, however long it takes, then the end. The link is not asked again.
  void finish(Link& link);
  // As if the sender was never there: what has not arrived does not arrive, but the end does.
  void cut();
  // Nothing is handed to the receiver any more.
  void close() { closed_ = true; }
  // Nothing arrives until it is over; then everything does.
  void set_partitioned(bool partitioned);

  void on_event(unsigned what, std::uint64_t) override;

 private:
  struct Packet {
    Instant arrival = 0;
    std::vector<std::uint8_t> bytes;  // Empty: the end.
  };

  void transmit(std::size_t at_most);
  void deliver();
  void arrive(std::vector<std::uint8_t>& bytes);

  Timeline& timeline_;
  Random& random_;
  const Quality quality_;
  Receiver& receiver_;
  Link* link_ = nullptr;
  std::vector<Packet> packets_;
  Instant free_at_ = 0;
  bool waiting_ = false;  // For the line to be free.
  bool partitioned_ = false;
  bool closed_ = false;
};

}  // namespace dist::sim
