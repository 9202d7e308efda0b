// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The worker's side of the network: dials the primary until it answers, and again when it is lost.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/io/connection.h"
#include "gst/io/io_thread.h"
#include "gst/io/lease_link.h"
#include "gst/wire/redial.h"
#include "gst/wire/session.h"

namespace dist {

class WorkerLink : public LeaseLink {
 public:
  struct Config {
    std::string host;
    std::uint16_t port = 0;
    WorkerSession::Config session;
    // Dial again after a job, or a primary, is gone.
    bool reconnect = false;
  };

  // Dials in `thread`. Both `thread` and `observer` have to outlive the link.
  WorkerLink(IoThread& thread, const Config& config, Observer& observer);
  // Says goodbye if connected. Not in the network thread.
  ~WorkerLink() override;
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  void begin() override;
  void end() override;
  void offer(JobKey key, std::vector<Ability> abilities) override;
  void result(LeaseKey key, std::vector<BytesList> renditions) override;
  void fail(LeaseKey key, const std::string& reason) override;
  void leave() override;
  void retire(std::optional<LeaseKey> working) override;

 private:
  void stop();
  void dial();
  void dialled(GAsyncResult* result);
  void unreachable(const std::string& reason);
  void dial_later();
  void end_retirement();
  void watch();
  Status receive(std::span<const std::uint8_t> bytes);
  void closed(const std::string& reason);

  IoThread& thread_;
  const Config config_;
  Observer& observer_;

  // All of the following belong to the network thread.
  GSocketClient* client_ = nullptr;
  GCancellable* cancellable_ = nullptr;
  bool dialling_ = false;
  std::unique_ptr<Timer> retry_;
  Redial redial_;
  std::unique_ptr<Timer> watch_;
  bool unreachable_said_ = false;
  std::unique_ptr<WorkerSession> session_;
  std::unique_ptr<Connection> connection_;
  std::uint64_t connections_ = 0;  // Counts them; the current one's number.
  bool welcomed_ = false;
  bool protocol_error_ = false;
  bool job_done_ = false;
  bool refused_ = false;
  bool retiring_ = false;
  Instant left_at_ = kNever;  // When the last thing this end had to say was written.
  bool stopping_ = false;
};

}  // namespace dist
