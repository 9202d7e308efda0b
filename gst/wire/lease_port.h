// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/instant.h"
#include "gst/base/result.h"
#include "gst/wire/wire.h"

namespace dist {

// How far a worker's word goes: it is this process, whose results count as they are, or another
// one, whose results are checked.
enum class Trust { kOwn, kChecked };

// What a primary says to one worker that has joined, over the wire or in the same process.
class LeasePort {
 public:
  virtual ~LeasePort() = default;

  // The same for as long as the port is there.
  virtual Trust trust() const = 0;
  // Asks the worker what it can do for a job.
  virtual void want(std::uint64_t job, const std::vector<RenditionSpec>& renditions) = 0;
  // `units` is how many access units the segment has: what a worker may report of them is limited.
  virtual void grant(wire::Grant lease, std::uint32_t units, BytesList payload) = 0;
  virtual void cancel(std::uint64_t lease) = 0;
  // All jobs are done.
  virtual void done(const std::string& reason) = 0;
  // The worker is about to be forgotten: drops all leases and what is still unsent of them.
  virtual void drop_leases() = 0;

  // The result that is being received: its lease, and the bytes that are here.
  struct Incoming {
    std::uint64_t lease = 0;
    std::uint64_t bytes = 0;
  };
  virtual std::optional<Incoming> incoming() const = 0;
};

}  // namespace dist
