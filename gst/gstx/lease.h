// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What travels through a worker's pipeline with a segment: remoteencsrc puts it into a sticky
// event, remoteencsink takes it out and answers through it.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/mutex.h"
#include "gst/cut/segment.h"
#include "gst/rendition/rendition.h"

namespace dist {

// Thread-safe.
class Lease {
 public:
  // A serialised segment for each rendition.
  struct Done {
    std::vector<BytesList> renditions;
  };
  struct Failed {
    std::string reason;
  };
  // Nobody wants an answer any more.
  struct Cancelled {};
  using Outcome = std::variant<Done, Failed, Cancelled>;

  // `renditions` is what shall be made of the source; empty: whatever the pipeline makes.
  explicit Lease(SegmentHeader source, std::vector<RenditionSpec> renditions = {});

  const SegmentHeader& source() const { return source_; }
  const std::vector<RenditionSpec>& renditions() const { return renditions_; }

  // Something of this segment moves: the pipeline is alive.
  void touch() { last_activity_ = g_get_monotonic_time(); }
  // Monotonic microseconds.
  gint64 last_activity() const { return last_activity_; }

  // The pipeline took an access unit, or gave a frame of some rendition.
  void unit_went_in() {
    ++units_;
    touch();
  }
  void frame_came_out() {
    ++frames_;
    touch();
  }
  // The decoder could only guess at this frame of the source, for want of what it refers to.
  void damaged(Time frame);
  bool is_damaged(Time frame) const;
  // The decoder has come to the end of the segment and gave none of its frames.
  void has_no_frame() { no_frame_ = true; }
  bool without_frames() const { return no_frame_; }
  // It has reached the end of the pipeline, so there is a pipeline now: decodebin has found its
  // elements.
  void arrive() { arrived_ = true; }
  bool arrived() const { return arrived_; }
  std::uint32_t units() const { return units_; }
  std::uint32_t frames() const { return frames_; }

  // Ends the lease; only the first call counts and returns true.
  bool settle(Outcome outcome);
  bool settled() const;
  // Waits until the lease has ended and takes the outcome, which is there once.
  Outcome wait();

 private:
  const SegmentHeader source_;
  const std::vector<RenditionSpec> renditions_;
  std::atomic<gint64> last_activity_;
  std::atomic<std::uint32_t> units_ = 0;
  std::atomic<std::uint32_t> frames_ = 0;
  std::atomic<bool> no_frame_ = false;
  std::atomic<bool> arrived_ = false;
  mutable Mutex mutex_;
  std::set<Time> damaged_ GUARDED_BY(mutex_);
  Condition settled_;
  bool is_settled_ GUARDED_BY(mutex_) = false;
  std::optional<Outcome> outcome_ GUARDED_BY(mutex_);
};

// The answer of a worker whose decoder gave no frame of the segment: each rendition without frames.
Lease::Done answer_without_frames(const Lease& lease);

// A sticky event that carries the lease downstream. Owned by the caller.
GstEvent* lease_event_new(std::shared_ptr<Lease> lease);

// The lease in an event, null if it carries none.
std::shared_ptr<Lease> lease_from_event(GstEvent* event);

}  // namespace dist
