// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a job that uses a store tells those who look into the store: docs/design/store.md,
// "Journals".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/wire/farm_status.h"

namespace dist {

// Times of day are milliseconds since 1970-01-01 UTC.
struct Happening {
  enum class Kind : std::uint8_t {
    kWaiting = 1,  // The segment came, and is to be found or encoded.
    kFound = 2,    // The store had it, or some of its renditions.
    kLeased = 3,
    kDone = 4,    // A worker has made it, or some of its renditions.
    kFailed = 5,  // A lease ended without a result.
  };
  Kind kind = Kind::kWaiting;
  std::int64_t at = 0;
  std::uint64_t segment = 0;
  std::uint32_t attempt = 0;  // Of a lease, from 1.
  std::string worker = {};    // Of a lease.
  std::string reason = {};    // Of a failure.

  bool operator==(const Happening&) const = default;
};

struct JobJournal {
  static constexpr std::size_t kMaxHappenings = 1000;

  std::string host;  // Where its process runs, and with which number.
  std::uint64_t process = 0;
  std::int64_t began = 0;
  std::int64_t written = 0;
  FarmStatus status;                  // Then, of this job and its farm's workers.
  std::uint64_t earlier = 0;          // Happenings before these.
  std::vector<Happening> happenings;  // The latest, in their order.

  bool operator==(const JobJournal&) const = default;
};

// Lists and texts that are longer than they may be are cut.
Bytes write_journal(const JobJournal& journal);
Result<JobJournal> read_journal(const Bytes& bytes);

}  // namespace dist
