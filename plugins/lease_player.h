// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What remoteencsrc is between start and stop: it takes leases from the network and plays them.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/farm/farm.h"
#include "gst/gstx/lease.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/segment_kind.h"
#include "gst/io/worker_link.h"

namespace dist {

// Makes the pipeline behind a remoteencsrc fit for the renditions that a job wants. A remoteencsrc
// without an adapter is in a pipeline written by hand: what that makes shows in its first result.
class PipelineAdapter {
 public:
  virtual ~PipelineAdapter() = default;
  // Which of these it can make. In the network thread.
  virtual std::vector<Ability> offer(const std::vector<RenditionSpec>& renditions) = 0;
  // Makes the pipeline fit for the lease. In the src pad's task, while nothing flows. An error
  // fails the lease.
  virtual Status prepare(const std::shared_ptr<Lease>& lease) = 0;
  // The pipeline of the last prepare() took no more, or moved no more: the next one has to renew
  // it. Any thread.
  virtual void broken() = 0;
};

// The network thread brings leases, the pad's task plays them.
class LeasePlayer : public LeaseLink::Observer {
 public:
  struct Settings {
    std::string host;
    unsigned port = 0;
    std::string worker_name;  // Empty: host name and process id.
    std::string name_suffix;  // Tells those of one process apart.
    unsigned prefetch = 0;
    bool reconnect = false;
    GstClockTime stall_timeout = 0;  // 0: none.
    std::uint64_t max_pixels = kMaxPixels;
    std::string secret;
    PipelineAdapter* adapter = nullptr;  // Outlives the player.
    std::shared_ptr<Farm> farm = {};     // Of this process; null: dials host and port.
  };

  enum class Next {
    kPlay,   // Call play_next() again.
    kPause,  // An error was posted, or the player was stopped.
    kEnded,  // No lease will come any more.
  };

  // Begins to dial. `element` posts messages and `srcpad` is its only pad; both outlive the player.
  LeasePlayer(GstElement* element, GstPad* srcpad, const Settings& settings);
  ~LeasePlayer() override;

  // For the pad's task: waits for the next lease and plays it.
  Next play_next();
  // Takes no more leases, and gives back those that are not begun; play_next() ends after the one
  // that is. Any thread.
  void retire();
  // Wakes the task and lets it end. Any thread.
  void stop();

 private:
  // A lease that was received.
  struct ReceivedLease {
    LeaseLink::LeaseKey key;
    std::shared_ptr<Lease> lease;
    Ref<GstBuffer> segment;
    SegmentKind kind;
  };

  void connected() override;
  void unreachable(const std::string& reason) override;
  std::optional<LeaseLink::Working> working() override;
  void wanted(LeaseLink::JobKey key, const std::string& renditions) override;
  void leased(LeaseLink::Leased leased) override;
  void cancelled(LeaseLink::LeaseKey key) override;
  void disconnected(bool done, const std::string& reason) override;
  void refused(const std::string& reason) override;
  void retired() override;

  Status prepare(const ReceivedLease& received);
  void rearm();
  GstFlowReturn push_lease(const ReceivedLease& received);
  GstFlowReturn push_units(const ReceivedLease& received);
  void report(const ReceivedLease& received);
  bool is_stopped_soon();
  std::vector<ReceivedLease> all_received();
  void drop_waiting(const std::function<bool(const ReceivedLease&)>& over);
  void fail();
  void leave();
  void interrupt(const ReceivedLease& received, const std::string& reason);
  bool may_be_flushed(const Lease& lease) const;
  void give_up(const ReceivedLease& received);
  void flush(const std::shared_ptr<Lease>& lease);
  void watch();

  GstElement* const element_;
  GstPad* const srcpad_;
  const Settings settings_;

  Mutex lock_;
  Condition changed_;
  std::deque<ReceivedLease> received_ GUARDED_BY(lock_);
  std::shared_ptr<Lease> current_ GUARDED_BY(lock_);  // Being played.
  bool interrupting_ GUARDED_BY(lock_) = false;       // The network thread pushes a flush.
  gint64 interrupted_at_ GUARDED_BY(lock_) = 0;       // Monotonic microseconds, 0: not.
  bool stuck_posted_ GUARDED_BY(lock_) = false;
  gint64 flush_at_ GUARDED_BY(lock_) = 0;    // Monotonic microseconds, 0: not.
  bool ended_ GUARDED_BY(lock_) = false;     // No lease will come any more.
  bool retiring_ GUARDED_BY(lock_) = false;  // No lease is taken any more.
  bool failed_ GUARDED_BY(lock_) = false;    // An error is being posted.
  bool stopping_ GUARDED_BY(lock_) = false;

  // Belong to the task.
  bool played_ = false;  // A lease has been through the pipeline since the last flush.

  IoThread thread_{"dist-worker"};
  std::unique_ptr<Timer> watchdog_;  // Belongs to the network thread.
  std::unique_ptr<LeaseLink> link_;
};

}  // namespace dist
