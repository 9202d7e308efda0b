// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which worker gets which segment. A pure state machine: it knows no socket, thread, clock or file.
// The caller tells it what happened and asks for grants until there is none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dist {

using WorkerId = std::uint64_t;
using LeaseId = std::uint64_t;

class Dispatcher {
 public:
  struct Config {
    // A segment that failed this often is given up.
    unsigned max_attempts = 3;
  };

  // The worker shall make the renditions of the segment.
  struct Grant {
    LeaseId lease = 0;
    WorkerId worker = 0;
    std::uint64_t segment = 0;
    // From 1; counts all leases of this segment.
    unsigned attempt = 0;
  };

  // A lease that ended without a result.
  struct Failure {
    Grant grant;
    std::string reason;
    // Set when the segment is given up: one line with all its attempts and their reasons.
    std::string given_up;
  };

  explicit Dispatcher(const Config& config) : config_(config) {}

  // Queues a segment; each index once.
  void add_segment(std::uint64_t segment);

  // A worker that holds up to `capacity` leases at a time. Ids are never used again.
  void add_worker(WorkerId worker, unsigned capacity, std::string name);

  // The worker is gone; its leases end and their segments are queued again. The lease it was
  // working on, its oldest, counts as a failed attempt unless it left in good order; the others it
  // had not begun.
  std::vector<Failure> remove_worker(WorkerId worker, bool in_good_order,
                                     const std::string& reason);

  // The next lease to grant: the earliest queued segment for which a worker is free. Prefers the
  // worker with the fewest leases, and among workers that did not fail this segment before as long
  // as there is one. Call until it returns nothing.
  std::optional<Grant> next_grant();

  // The result of a lease was accepted. False if the worker does not hold that lease.
  bool complete(WorkerId worker, LeaseId lease);

  // The worker could not do it, or its result was refused; the segment is queued again. Nothing if
  // the worker does not hold that lease.
  std::optional<Failure> fail(WorkerId worker, LeaseId lease, const std::string& reason);

  // Forgets all segments and returns the leases to be cancelled.
  std::vector<Grant> cancel_all();

  // Null if the worker does not hold that lease.
  const Grant* find(WorkerId worker, LeaseId lease) const;

  std::size_t workers() const { return workers_.size(); }
  std::size_t open_segments() const { return segments_.size(); }

 private:
  struct Worker {
    unsigned capacity = 0;
    std::string name;
    std::set<LeaseId> leases;
  };
  struct Segment {
    unsigned attempts = 0;  // Leases granted.
    unsigned failures = 0;  // Leases that count as failed.
    std::set<WorkerId> failed_on;
    std::string history;
  };

  std::optional<WorkerId> choose_worker(const Segment& segment) const;
  void set_load(WorkerId id, Worker& worker, bool add, LeaseId lease);
  Failure end_lease(const Grant& grant, const std::string& worker, const std::string& reason,
                    bool counts);

  Config config_;
  std::map<WorkerId, Worker> workers_;
  std::set<std::pair<std::size_t, WorkerId>> free_;  // By number of leases held.
  std::map<std::uint64_t, Segment> segments_;        // Not yet completed.
  std::set<std::uint64_t> queued_;
  std::map<LeaseId, Grant> leases_;
  LeaseId next_lease_ = 1;
};

}  // namespace dist
