// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What distsegmenter is between start and stop: cuts access units where they can be cut, and has
// them decoded first where they cannot (docs/design/cut.md, "Films that are decoded first").
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>
#include <string>

#include "gst/base/mutex.h"
#include "gst/cut/unit_times.h"
#include "plugins/segment_stream.h"
#include "plugins/source_decoder.h"

namespace dist {

// Belongs to the streaming thread.
class FilmCutter : public SourceDecoder::Observer {
 public:
  // Segments leave through `srcpad`, which outlives this, as does `element`, which posts messages.
  FilmCutter(GstElement* element, GstPad* srcpad, const SegmentStream::Durations& durations)
      : element_(element), stream_(srcpad, durations) {}

  void set_stream_id(const std::string& id) { stream_.set_stream_id(id); }
  // False if an error was posted, here and below.
  bool set_caps(GstCaps* caps);
  bool set_time_segment(const GstSegment& segment);

  GstFlowReturn push(Ref<GstBuffer> unit);
  // The end of the stream.
  GstFlowReturn finish();
  void flush();
  // Ends the waits of the others with GST_FLOW_FLUSHING, until flush(). Any thread.
  void interrupt();
  // Whether it has posted an error already.
  bool has_posted() const { return error_posted_; }

 private:
  void decoded_caps(GstCaps* caps) override;
  void decoded_segment(const GstSegment& segment) override;
  GstFlowReturn decoded(Ref<GstBuffer> frame) override;

  GstFlowReturn decode_from_here(const std::string& reason);
  GstFlowReturn feed(const SegmentStream::Unit& unit);
  bool feed_restart();
  GstFlowReturn push_decoding(Ref<GstBuffer> unit);
  GstFlowReturn cut_from(Ref<GstBuffer> first, Ref<GstBuffer> second);
  GstFlowReturn end_decoding();
  bool use(std::shared_ptr<SourceDecoder> decoder);
  GstFlowReturn check(GstFlowReturn flow);
  bool refuse(const std::string& what);

  GstElement* const element_;
  SegmentStream stream_;
  Ref<GstCaps> caps_;
  StreamFormat format_;
  bool can_cut_ = false;
  std::optional<TimeSegment> time_segment_;
  UnitTimes times_;
  bool error_posted_ = false;  // Upstream offers refused events again with each buffer.
  bool caps_refused_ = false;  // That is why; others may come.

  Mutex lock_;
  bool interrupted_ GUARDED_BY(lock_) = false;

  // While it decodes.
  std::shared_ptr<SourceDecoder> decoder_;  // Set with lock_ held.
  Ref<GstCaps> fed_caps_;                   // What the decoder was told last.
  std::optional<TimeSegment> fed_segment_;
  unsigned calm_ = 0;       // So many units with times that can be relied on came last.
  Ref<GstBuffer> restart_;  // With which cutting may go on.
  Time resume_ = 0;         // Running time; what is shown before is in segments already.
  GstSegment decoded_segment_;
  std::optional<Time> last_frame_;
  bool any_frame_ = false;
  GstFlowReturn downstream_ = GST_FLOW_OK;
};

}  // namespace dist
