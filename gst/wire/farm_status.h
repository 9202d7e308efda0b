// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a primary tells those who ask how its jobs do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/instant.h"

namespace dist {

// Spans of time are nanoseconds before the answer. Lists that are longer than they may be are cut
// at their end when they are written; texts too.
struct FarmStatus {
  static constexpr std::size_t kMaxJobs = 16;
  static constexpr std::size_t kMaxWorkers = 512;
  static constexpr std::size_t kMaxLeases = 16;
  static constexpr std::size_t kMaxFailures = 16;
  static constexpr std::size_t kMaxAddress = 128;
  static constexpr std::size_t kMaxReason = 1024;

  struct Rendition {
    std::string name;
    std::string encoder;  // Of the segments so far; empty: not known yet, or any.
    bool operator==(const Rendition&) const = default;
  };
  struct JobStatus {
    std::uint64_t id = 0;
    bool finished = false;
    Instant elapsed = 0;                // Since its first segment; 0: it has none yet.
    std::uint64_t done = 0;             // Segments.
    std::uint64_t leased = 0;           // Segments of which some part is leased.
    std::uint64_t queued = 0;           // The others that are here.
    std::uint64_t frames = 0;           // Of the source, in the segments that are done.
    std::uint64_t failures = 0;         // Leases that ended without a result.
    std::uint64_t hedges = 0;           // Leases of what was leased already.
    std::vector<Rendition> renditions;  // Empty: whatever the workers make.
    bool operator==(const JobStatus&) const = default;
  };
  struct LeaseStatus {
    std::uint64_t job = 0;
    std::uint64_t segment = 0;
    std::uint32_t attempt = 0;
    Instant age = 0;
    bool operator==(const LeaseStatus&) const = default;
  };
  struct WorkerStatus {
    std::uint64_t id = 0;
    std::string name;
    std::string address;
    std::uint16_t capacity = 0;
    Instant connected = 0;            // For so long.
    Instant working = 0;              // Since its first lease; 0: it had none yet.
    Instant suspended = 0;            // Gets no lease for so long; 0: it is not suspended.
    std::uint64_t results = 0;        // Segments, or parts of them, that it has made.
    std::uint64_t frames = 0;         // Of the source, in these.
    std::uint64_t failures = 0;       // Leases that ended without a result.
    std::vector<LeaseStatus> leases;  // Those it holds, the oldest first.
    bool operator==(const WorkerStatus&) const = default;
  };
  struct Failure {
    std::uint64_t job = 0;
    std::uint64_t segment = 0;
    std::uint32_t attempt = 0;
    Instant age = 0;
    std::string worker;
    std::string reason;
    bool operator==(const Failure&) const = default;
  };

  std::vector<JobStatus> jobs;
  std::vector<WorkerStatus> workers;  // Those longest connected come first.
  std::uint32_t all_workers = 0;      // How many there are, listed or not.
  std::vector<Failure> failures;      // The latest, the newest first.

  bool operator==(const FarmStatus&) const = default;
};

void write(ByteWriter& out, const FarmStatus& status);
// `valid` turns false where the bytes say what write() would not.
FarmStatus read_farm_status(ByteReader& in, bool& valid);

}  // namespace dist
