// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The way of one video stream through the cutter: access units or raw frames in, segments out.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gst/cut/cutter.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/stream_format.h"

namespace dist {

// What the bytes of an access unit say of it.
Cutter::Unit describe_unit(const StreamFormat& format, GstBuffer* unit);

// Belongs to the streaming thread.
class SegmentStream {
 public:
  struct Durations {
    Time segment = 0;
    Time max_segment = 0;
    // As Cutter::Config has them.
    double max_decoding = 0;
    Time grid = 0;
  };
  struct Unit {
    Ref<GstBuffer> buffer;
    TimeSegment time_segment;
  };

  // Segments leave through `srcpad`, which outlives this.
  SegmentStream(GstPad* srcpad, const Durations& durations)
      : srcpad_(srcpad), durations_(durations) {}

  // The first one counts.
  void set_stream_id(const std::string& id);
  // What the units that follow are; caps are fixed. Both have to be set before the first unit.
  void set_caps(GstCaps* caps);
  void set_time_segment(const TimeSegment& segment);

  GstFlowReturn push(Ref<GstBuffer> buffer, const Cutter::Unit& unit);
  // No unit follows; `last`: nor will any.
  GstFlowReturn finish(bool last);
  // Gives back, and forgets, the units that are in no segment yet, or that those need.
  std::vector<Unit> take_back();
  // As after a flush.
  void flush();

  // Running time up to which segments were pushed.
  Time pushed_until() const { return pushed_until_; }

 private:
  struct Part {
    std::string caps;
    TimeSegment time_segment;
  };

  GstFlowReturn enter_part();
  Cutter::Config config() const;
  GstFlowReturn push_cuts(const std::vector<Cutter::Cut>& cuts);
  GstFlowReturn push_cut(const Cutter::Cut& cut);

  GstPad* const srcpad_;
  const Durations durations_;
  std::string stream_id_;

  // Of the next unit.
  Ref<GstCaps> caps_;
  StreamFormat format_;
  std::optional<TimeSegment> time_segment_;
  bool changed_ = false;  // One of them, since the unit before.

  Ref<GstCaps> cut_caps_;                // Of the units in the cutter.
  std::map<std::uint64_t, Part> parts_;  // By the cutter's sections.
  Cutter cutter_;
  std::deque<Unit> units_;        // Those that the cutter may still need.
  std::uint64_t first_unit_ = 0;  // Number of units_[0].

  bool caps_pushed_ = false;
  std::optional<TimeSegment> pushed_segment_;
  Time pushed_until_ = 0;
};

}  // namespace dist
