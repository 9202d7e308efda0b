// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What remoteenc is between start and stop: segments go out to workers, results come in.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "gst/base/mutex.h"
#include "gst/base/result.h"
#include "gst/farm/farm_job.h"
#include "gst/gstx/messages.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/result_origin.h"
#include "gst/lease/job_progress.h"
#include "gst/lease/lease_reasons.h"
#include "gst/lease/window.h"
#include "plugins/job_log.h"
#include "plugins/picture_checker.h"
#include "plugins/stored_results.h"

namespace dist {

// Three threads meet here: the upstream streaming thread brings segments and waits for room in the
// window, the network thread brings results, and the src pad's task pushes them on.
class FanOut : public FarmJob::Observer {
 public:
  struct Settings {
    Coordinator::JobConfig job;
    std::uint64_t max_segments = 0;
    // What shall be made of the film; empty: the workers decide.
    std::vector<RenditionSpec> renditions;
    bool ladder = false;  // Renditions larger than the film are left out.
    PictureChecker::Settings checker;
    std::shared_ptr<BlobStore> store;  // Of results; null: none.
  };

  // Begins a job of `farm`. `element` posts messages; it and its `srcpad` outlive the object.
  FanOut(GstElement* element, GstPad* srcpad, std::shared_ptr<Farm> farm, const Settings& settings);
  ~FanOut() override;
  FanOut(const FanOut&) = delete;
  FanOut& operator=(const FanOut&) = delete;

  // --- Upstream streaming thread
  GstFlowReturn submit(Ref<GstBuffer> segment);
  void push_event(Ref<GstEvent> event);

  // --- Any thread
  void begin_flush();
  void end_flush();
  // Ends every wait.
  void stop();
  // A structure of the caller's: how far the segments are.
  GstStructure* stats();

  // --- Src pad's task. False if it shall pause.
  bool push_next();

 private:
  struct Counters {
    guint64 segments = 0;
    guint64 frames = 0;
    guint64 bytes = 0;
    guint64 failed_leases = 0;
    guint64 hedged_leases = 0;
    guint64 found = 0;  // Renditions of segments, in the store.
    std::set<WorkerId> workers;
    gint64 started_at = g_get_monotonic_time();
  };

  // What leaves through the src pad, in this order.
  struct Output {
    std::variant<Ref<GstBuffer>, Ref<GstEvent>> item;
    // The last one of this segment.
    std::optional<std::uint64_t> completes;
  };

  void told(const FarmEvent& event) override;
  void handle(const WorkerJoined& event);
  void handle(const WorkerLeft& event);
  void handle(const WorkerSuspended& event);
  void handle(const ConnectionRefused& event);
  void handle(const WaitingForWorkers& event);
  void handle(const LeaseFailed& event);
  void handle(const SegmentGivenUp& event);
  void handle(const LeaseGranted& event);
  void handle(const LeaseAdvanced& event);
  void handle(const LeaseHedged& event);
  void handle(const SegmentDone& event);
  void handle(const LookWanted& event);
  void handle(const PicturesDiffer& event);
  void handle(const PicturesUnknown& event);
  void handle(const EncoderChosen& event);
  void handle(const NoWorkerCan& event);
  void handle(const ResultsSettled& event);
  void handle(const ResultsTakenBack& event);
  void handle(const JobStalled& event);
  void handle(const ResultsSought& event);
  void take(const SegmentDone& done);
  ResultOrigin origin_of(const SegmentDone& done, const ResultRendition& rendition) const
      REQUIRES(lock_);
  void leave_store(const std::string& reason);
  void note(const Happening& happening);

  Status want_renditions(const SegmentHeader& first);
  void post(const message::Any& message);
  void post(GstStructure* message);
  GstFlowReturn refuse(const std::string& reason);
  GstFlowReturn fail(const std::string& text);
  bool may_submit(std::uint64_t index) const REQUIRES(lock_);
  bool has_output() const REQUIRES(lock_);
  GstFlowReturn take_unreported() REQUIRES(lock_);
  void end(Ref<GstEvent> eos);

  GstElement* const element_;
  GstPad* const srcpad_;
  const std::shared_ptr<Farm> farm_;
  const Settings settings_;

  bool renditions_said_ = false;  // Belongs to the upstream streaming thread.

  Mutex lock_;
  Condition changed_;
  Window window_ GUARDED_BY(lock_);
  std::deque<Output> outputs_ GUARDED_BY(lock_);
  // They may still be taken back.
  std::deque<SegmentDone> provisional_ GUARDED_BY(lock_);
  Ref<GstEvent> eos_ GUARDED_BY(lock_);  // To be pushed when the window is empty.
  GstFlowReturn flow_ GUARDED_BY(lock_) = GST_FLOW_OK;
  // An error was posted, or upstream knows flow_.
  bool flow_reported_ GUARDED_BY(lock_) = false;
  bool flushing_ GUARDED_BY(lock_) = false;
  bool stopping_ GUARDED_BY(lock_) = false;
  Counters counters_ GUARDED_BY(lock_);
  std::map<std::string, std::string> rendition_texts_ GUARDED_BY(lock_);  // By name.
  JobProgress progress_ GUARDED_BY(lock_);

  // These belong to the network thread.
  bool unknown_told_ = false;
  LeaseReasons reasons_;

  // Last: their threads use the members above, and each the other.
  std::unique_ptr<PictureChecker> checker_;
  std::unique_ptr<StoredResults> stored_;
  std::unique_ptr<JobLog> log_;
  std::unique_ptr<FarmJob> job_;
};

}  // namespace dist
