// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The primary's side of the network: listens, lets a Dispatcher decide, and talks to the workers.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gst/dist/core/bytes.h"
#include "gst/dist/core/dispatcher.h"
#include "gst/dist/core/result.h"
#include "gst/dist/core/result_check.h"
#include "gst/dist/core/segment.h"
#include "gst/dist/core/session.h"
#include "gst/dist/io/connection.h"
#include "gst/dist/io/io_thread.h"

namespace dist {

class Primary {
 public:
  struct Config {
    std::string address = "127.0.0.1";  // Numeric IPv4 or IPv6 address.
    std::uint16_t port = 0;             // 0: any free one.
    unsigned max_attempts = 3;
    std::uint64_t max_result_size = 0;  // Bytes a worker may send for one segment.
  };

  struct WorkerInfo {
    WorkerId id = 0;
    std::string name;
    std::string address;
  };

  struct Rendition {
    std::shared_ptr<const SegmentHeader> header;
    Bytes segment;  // Serialised, header included.
  };

  struct SegmentDone {
    std::uint64_t segment = 0;
    unsigned attempt = 0;
    WorkerInfo worker;
    double seconds = 0;  // From grant to result.
    std::string note;    // Set if the result was accepted although it is not what was expected.
    std::vector<Rendition> renditions;
  };

  // Told what happens, in the network thread. Must not call back into the Primary.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void worker_joined(const WorkerInfo& worker) = 0;
    virtual void worker_left(const WorkerInfo& worker, const std::string& reason) = 0;
    // Segments are queued and there is no worker. Said once until a worker joins.
    virtual void waiting_for_workers(std::size_t open_segments) = 0;
    virtual void stranger_refused(const std::string& address, const std::string& reason) = 0;
    virtual void segment_done(SegmentDone done) = 0;
    virtual void lease_failed(const WorkerInfo& worker, const Dispatcher::Failure& failure) = 0;
  };

  // Binds and listens; the error says what is wrong with address or port. `observer` has to outlive
  // the result.
  static Result<std::unique_ptr<Primary>> listen(const Config& config, Observer& observer);

  // Tells the workers that the job is over and closes.
  ~Primary();
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;

  std::uint16_t port() const { return port_; }

  // Queues a segment. Any thread.
  void submit(std::shared_ptr<const SegmentHeader> header, BytesList segment);
  // Cancels all segments and waits until no result of theirs can be reported any more. Not in the
  // network thread.
  void cancel_all();
  // Every segment is done: lets the workers go, those too that are still to come. Any thread.
  void finish();

 private:
  struct Segment {
    std::shared_ptr<const SegmentHeader> header;
    BytesList bytes;
  };
  struct Worker {
    explicit Worker(std::uint64_t max_result_size) : session(max_result_size) {}

    WorkerInfo info;
    PrimarySession session;
    std::unique_ptr<Connection> connection;
    bool joined = false;
    bool leaving = false;
    std::map<LeaseId, gint64> granted_at;  // Monotonic microseconds.
  };

  Primary(const Config& config, Observer& observer);
  Status open();
  void accept(GSocketConnection* socket);
  Status receive(WorkerId id, std::span<const std::uint8_t> bytes);
  void closed(WorkerId id, const std::string& reason);
  void lose(Worker& worker, const std::string& reason);
  void handle(Worker& worker, PrimarySession::Joined& event);
  void handle(Worker& worker, PrimarySession::ResultReceived& event);
  void handle(Worker& worker, PrimarySession::LeaseFailed& event);
  void handle(Worker& worker, PrimarySession::Left& event);
  Status accept_result(const Segment& segment, const std::vector<Bytes>& parts, SegmentDone& done);
  void lease_failed(const WorkerInfo& worker, const Dispatcher::Failure& failure);
  void grant();
  void say_goodbye(const std::string& reason);

  const Config config_;
  Observer& observer_;
  std::uint16_t port_ = 0;
  GSocketService* service_ = nullptr;

  // All of the following belong to the network thread.
  Dispatcher dispatcher_;
  ResultCheck check_;
  std::map<std::uint64_t, Segment> segments_;
  std::map<WorkerId, std::unique_ptr<Worker>> workers_;
  WorkerId next_worker_ = 1;
  bool finished_ = false;
  bool waiting_said_ = false;
  bool stopping_ = false;

  IoThread thread_;  // Last: its destructor runs what uses the members above.
};

}  // namespace dist
