// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The memory that a job may take for segments and results, and which results find room in it. Pure;
// docs/design/leases.md, "Memory", explains the rules.
#pragma once

#include <cstdint>
#include <optional>

#include "gst/lease/dispatcher.h"
#include "gst/lease/window.h"

namespace dist {

class ResultRoom {
 public:
  // Segments, results that were not delivered, and results that are arriving or looked at take no
  // more than this, apart from one admitted result of each kind.
  explicit ResultRoom(std::uint64_t max_bytes)
      : max_bytes_(max_bytes), window_({.bytes = max_bytes}) {}

  // What is held, in order.
  Window& window() { return window_; }
  const Window& window() const { return window_; }

  // Bytes of a result that is arriving: those that counted before, and those that count now.
  void arrived(std::uint64_t before, std::uint64_t now) { arriving_ += now - before; }
  void look_begun(std::uint64_t bytes) { looked_at_ += bytes; }
  void look_ended(std::uint64_t bytes) { looked_at_ -= bytes; }

  std::uint64_t bytes() const { return window_.bytes() + arriving_ + looked_at_; }
  bool fits(std::uint64_t more) const { return bytes() + more <= max_bytes_; }

  // Whether the result of this lease may go beyond the limit. One lease of each kind may at a time,
  // until it has ended, because copies may arrive at the same time.
  enum class Kind { kSegment, kExam };
  bool admit(LeaseId lease, Kind kind);
  // The lease is over, however it ended.
  void lease_ended(LeaseId lease);
  // The lease that was admitted for a segment; 0: none.
  LeaseId admitted() const { return admitted_; }

  // A result was accepted.
  void learn(std::uint64_t bytes);
  // A result of so many bytes found no room. Only the earliest segment is leased until the window
  // holds less than now, or freed().
  void put_off(std::uint64_t bytes);
  // A result that was arriving is gone: no delivery has to be awaited.
  void freed() { full_at_ = UINT64_MAX; }

  // What all of `leases` and one more will probably take.
  double expected(std::size_t leases) const;
  bool exceeds(double bytes) const { return bytes > static_cast<double>(max_bytes_); }
  // The size of a result, as far as it is known: a moving mean.
  double result_size() const { return result_size_; }

  // Whether one more result will probably find room, where so many are on their way.
  bool has_room_after(std::size_t results);
  // Which segments may be leased, where the job has so many leases and `earliest` is its first open
  // segment. `admitted_is_looked_at`: the admitted result has arrived.
  Dispatcher::Throttle throttle(std::size_t leases, std::optional<std::uint64_t> earliest,
                                bool admitted_is_looked_at);
  // Whether no more exams may be leased, where so many leases are of segments and of exams: where
  // memory is tight exams are held one after another.
  bool stops_exams(std::size_t leases, std::size_t exams) const {
    return exams != 0 && exceeds(expected(leases + exams));
  }

 private:
  bool is_full();

  std::uint64_t max_bytes_;
  Window window_;
  std::uint64_t arriving_ = 0;
  std::uint64_t looked_at_ = 0;
  LeaseId admitted_ = 0;
  LeaseId admitted_exam_ = 0;
  double result_size_ = 0;
  std::uint64_t full_at_ = UINT64_MAX;  // What the window held when a result found no room.
};

}  // namespace dist
