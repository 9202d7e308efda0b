// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gst/base/result.h"
#include "gst/wire/farm_status.h"
#include "gst/wire/session.h"

namespace dist {

// Asks a primary how its jobs do. Each call blocks the calling thread; one thread at a time.
class StatusLink {
 public:
  struct Config {
    std::string host;
    std::uint16_t port = 0;
    std::string secret;
    unsigned patience = 10;  // Seconds for each step; at least 1.
  };

  // Connects and joins as an observer. The error says who did not do what.
  static Result<std::unique_ptr<StatusLink>> dial(const Config& config);
  // Says goodbye.
  ~StatusLink();
  StatusLink(const StatusLink&) = delete;
  StatusLink& operator=(const StatusLink&) = delete;

  // None: the jobs are over and the primary lets everyone go.
  Result<std::optional<FarmStatus>> ask();

 private:
  StatusLink(const Config& config, GSocketConnection* socket, const wire::Nonce& nonce);
  Status write();
  Status read();
  template <class Event>
  Result<Event> wait_for();
  Error failure(const std::string& what) const;
  Error too_late() const;

  const Config config_;
  GSocketConnection* const socket_;
  WorkerSession session_;
  std::vector<WorkerSession::Event> events_;
  bool closed_ = false;  // By the primary.
  bool done_ = false;
};

}  // namespace dist
