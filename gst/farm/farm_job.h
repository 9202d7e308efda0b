// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A job's access to the workers of a farm.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/cut/segment.h"
#include "gst/farm/api.h"
#include "gst/farm/farm.h"
#include "gst/lease/coordinator.h"
#include "gst/lease/farm_events.h"

namespace dist {

class DIST_FARM_API FarmJob {
 public:
  // Told in the network thread what concerns the job: of Coordinator's events those of this job,
  // and those of no job. Must not wait for that thread. A LookWanted is to be answered with
  // looked(), from another thread.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void told(const FarmEvent& event) = 0;
  };

  // Begins. `observer` has to outlive the object. Not in the network thread.
  FarmJob(std::shared_ptr<Farm> farm, const Coordinator::JobConfig& config, Observer& observer);
  // Cancels what is open; after that nothing is told. Not in the network thread.
  ~FarmJob();
  FarmJob(const FarmJob&) = delete;
  FarmJob& operator=(const FarmJob&) = delete;

  // See Coordinator. Any thread; done soon, in the order of the calls.
  void set_renditions(std::vector<RenditionSpec> renditions);
  void submit(std::shared_ptr<const SegmentHeader> header, BytesList segment);
  void found(std::uint64_t question, std::vector<ResultRendition> results);
  void looked(LeaseId lease, LookReport look);
  void delivered(std::uint64_t index);
  void set_blocked(bool blocked);
  void finish();
  // How this job does, and the farm's workers. Not in the network thread; waits for that.
  FarmStatus status() const;
  // Cancels all segments and waits until no result of theirs can be told any more. Not in the
  // network thread.
  void cancel_all();

 private:
  const std::shared_ptr<Farm> farm_;
  const JobId job_;
};

}  // namespace dist
