// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Decodes one segment in the thread that calls, with one software decoder.
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <atomic>
#include <functional>
#include <string>

#include "gst/base/result.h"
#include "gst/cut/segment.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/segment_kind.h"

namespace dist {

// Whether nothing that is installed decodes video of this kind, whatever else its caps say: those
// are the worker's choice. Of kinds that no rendition has, nothing does.
bool lacks_decoder(const SegmentHeader& header);

class SegmentDecoder {
 public:
  // A frame that came out, in order of presentation, in a format with planes of luma and chroma.
  // The time is about that of the access unit. False: no more is wanted.
  using OnFrame = std::function<bool(const GstVideoInfo& info, GstBuffer* frame, Time time)>;

  // `stop` ends run() between two access units; it outlives this.
  SegmentDecoder(const SegmentHeader& header, OnFrame on_frame, const std::atomic<bool>& stop);
  ~SegmentDecoder();
  SegmentDecoder(const SegmentDecoder&) = delete;
  SegmentDecoder& operator=(const SegmentDecoder&) = delete;

  // Once. Decodes what is needed for the frames up to `until`, kNoTime for all. Not an error:
  // frames that do not come out.
  Status run(GstBuffer* segment, Time until);

 private:
  Status make_chain();
  Status make_decoder();
  Status add(GstElement* element);
  Status push(GstBuffer* segment, Time until);
  std::string failure(GstFlowReturn flow);
  bool take_caps(GstCaps* caps);
  bool is_of_agreed_size(PictureSize size, unsigned filled_up);
  static GstPadProbeReturn on_parsed(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);

  const SegmentHeader& header_;
  const OnFrame on_frame_;
  const std::atomic<bool>& stop_;
  SegmentKind kind_;
  StreamFormat format_;
  PictureSize said_;  // By the caps.
  Ref<GstBus> bus_;
  Ref<GstElement> bin_;
  GstElement* first_ = nullptr;  // In the bin, as the next one.
  GstElement* last_ = nullptr;
  std::string decoder_;  // Its factory; empty for raw video.
  Ref<GstPad> src_;
  Ref<GstPad> sink_;
  GstVideoInfo info_;
  bool has_info_ = false;
  std::string error_;  // What the sink pad found.
};

}  // namespace dist
