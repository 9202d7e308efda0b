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

#include "gst/dist/core/session.h"
#include "gst/dist/io/connection.h"
#include "gst/dist/io/io_thread.h"

namespace dist {

class WorkerLink {
 public:
  struct Config {
    std::string host;
    std::uint16_t port = 0;
    WorkerSession::Config session;
    // Dial again after a job, or a primary, is gone.
    bool reconnect = false;
  };

  // Lease numbers are the primary's own; another connection may bring the same ones again.
  struct LeaseKey {
    std::uint64_t connection = 0;
    std::uint64_t lease = 0;
    bool operator==(const LeaseKey&) const = default;
  };

  // How far the lease is that is in the pipeline.
  struct Working {
    LeaseKey key;
    std::uint32_t units = 0;   // Access units that went in.
    std::uint32_t frames = 0;  // Frames that came out, of all renditions.
  };

  // Told what happens, in the network thread. Must not destroy the WorkerLink.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void connected() = 0;
    // The primary cannot be reached, or does not greet; said once until it does. Dialling goes on.
    virtual void unreachable(const std::string& reason) = 0;
    // Asked about twice a second, to tell the primary.
    virtual std::optional<Working> working() = 0;
    virtual void leased(LeaseKey key, WorkerSession::Leased lease) = 0;
    virtual void cancelled(LeaseKey key) = 0;
    // The connection is gone and with it all leases. `done`: the job is over in good order.
    // Unless reconnect is set this is the last thing that happens.
    virtual void disconnected(bool done, const std::string& reason) = 0;
    // The primary does not want this worker, or is not the one it takes itself for. The last thing
    // that happens.
    virtual void refused(const std::string& reason) = 0;
  };

  // Begins to dial, in `thread`. Both `thread` and `observer` have to outlive the link.
  WorkerLink(IoThread& thread, const Config& config, Observer& observer);
  // Says goodbye if connected. Not in the network thread.
  ~WorkerLink();
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // Answers to a lease; ignored when its connection is gone. Any thread.
  void result(LeaseKey key, std::vector<BytesList> renditions);
  void fail(LeaseKey key, const std::string& reason);
  // Gives all leases back and dials no more: this worker can do no more. What was not yet told to
  // the observer is not told any more. Any thread.
  void leave();

 private:
  void stop();
  void dial();
  void dialled(GAsyncResult* result);
  void unreachable(const std::string& reason);
  void dial_later();
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
  std::unique_ptr<Timer> watch_;
  Instant retry_after_ = 0;
  bool unreachable_said_ = false;
  std::unique_ptr<WorkerSession> session_;
  std::unique_ptr<Connection> connection_;
  std::uint64_t connections_ = 0;  // Counts them; the current one's number.
  bool welcomed_ = false;
  bool protocol_error_ = false;
  bool job_done_ = false;
  bool refused_ = false;
  bool stopping_ = false;
};

}  // namespace dist
