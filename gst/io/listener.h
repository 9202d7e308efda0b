// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The primary's side of the network: a listening socket, the connections to the workers, and the
// thread in which the Coordinator decides.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gst/base/result.h"
#include "gst/io/connection.h"
#include "gst/io/io_thread.h"
#include "gst/io/primary.h"
#include "gst/lease/coordinator.h"

namespace dist {

class Listener {
 public:
  // The listener of this process on that address and port, made if there is none. Any thread.
  static Result<std::shared_ptr<Listener>> get(const Primary::Config& config);

  // Tells the workers that the job is over and closes. Not in the network thread.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // 0: it does not listen.
  std::uint16_t port() const { return port_; }

  // Any thread but the network's; waits. After remove_job() the observer hears nothing more.
  JobId add_job(const Coordinator::JobConfig& config, Primary::Observer& observer);
  void remove_job(JobId job);

  // Calls the coordinator in the network thread, and does what follows.
  using Work = std::function<void(Coordinator& coordinator, Instant now)>;
  void post(Work work);
  void run(const Work& work);

  // For workers of this process, in the network thread.
  IoThread& thread() { return thread_; }
  WorkerId new_worker() { return next_worker_++; }

 private:
  explicit Listener(const Primary::Config& config);
  Status open();
  std::string flaw_of_user(GSocketConnection* socket) const;
  void accept(GSocketConnection* socket);
  void act();

  const Primary::Config config_;
  std::uint16_t port_ = 0;

  IoThread thread_{"dist-primary"};
  // All of the following belong to the network thread.
  GSocketService* service_ = nullptr;
  Coordinator coordinator_;
  Timer timer_;
  std::map<WorkerId, std::unique_ptr<Connection>> connections_;
  std::size_t max_connections_ = 0;
  std::map<JobId, Primary::Observer*> observers_;
  WorkerId next_worker_ = 1;
  JobId next_job_ = 1;
  bool acting_ = false;
  bool stopping_ = false;
};

}  // namespace dist
