// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A bad network on loopback: workers dial the proxy, and it dials the primary for each. It knows
// the frames of docs/design/wire.md, so that a fault happens at a certain byte of a certain
// payload.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace faults {

enum class Way { kToWorker, kToPrimary };

// A frame with its header.
using Frame = std::vector<std::uint8_t>;

// Types of frames that the proxy looks into.
inline constexpr std::uint16_t kLease = 4;
inline constexpr std::uint16_t kResultPart = 5;
inline constexpr std::uint16_t kFail = 6;
inline constexpr std::uint16_t kCancel = 7;
inline constexpr std::uint16_t kData = 10;

std::uint16_t type_of(const Frame& frame);
// Of the types above only.
std::uint64_t lease_of(const Frame& frame);
void set_lease(Frame& frame, std::uint64_t lease);
// Where in a Data frame the payload begins.
inline constexpr std::size_t kPayload = 16;

// What has been passed on so far. Payload is what stands in Data frames.
struct Seen {
  unsigned connections = 0;
  unsigned leases = 0;           // Announced.
  unsigned complete_leases = 0;  // With their payload.
  std::uint64_t lease_bytes = 0;
  unsigned results = 0;  // Announced.
  unsigned complete_results = 0;
  std::uint64_t result_bytes = 0;
  std::int64_t broken_at = 0;  // Monotonic microseconds; 0: nothing has been broken so far.
  // Segments that the worker which came last was given and has not answered.
  std::set<std::uint64_t> held;
};

class Proxy {
 public:
  enum class Breakage {
    kReset,  // RST to both ends.
    // Both connections stay open, and what either end sends is acknowledged and lost: only the
    // protocol itself can tell.
    kSilence,
  };

  // Happens once, when so many bytes of payload have been passed on this way.
  struct Fault {
    Way way = Way::kToWorker;
    std::uint64_t payload = 0;
    Breakage breakage = Breakage::kReset;
  };

  struct Plan {
    // Bytes a second on all connections each; 0: as fast as it goes.
    std::uint64_t to_worker = 0;
    std::uint64_t to_primary = 0;
    std::optional<Fault> fault = {};
    // What is passed on in place of a frame. Called in the proxy's thread.
    std::function<std::vector<Frame>(Way way, Frame frame)> edit = {};
  };

  // `wake` is called in the proxy's thread whenever seen() has changed.
  Proxy(unsigned primary_port, Plan plan, std::function<void()> wake);
  // Ends the thread and all connections.
  ~Proxy();

  unsigned port() const;
  Seen seen() const;
  // Breaks all connections there are, and drops what they had not passed on.
  void break_all(Breakage breakage);

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace faults
