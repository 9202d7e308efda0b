// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Decodes a film on the primary, as an undistributed pipeline would, where its access units cannot
// be cut.
#pragma once

#include <gst/gst.h>

#include <deque>
#include <memory>
#include <string>
#include <variant>

#include "gst/base/mutex.h"
#include "gst/base/result.h"
#include "gst/gstx/ref.h"

namespace dist {

// Belongs to one thread, in which the observer gets all frames, whatever threads the decoder has.
class SourceDecoder {
 public:
  // What becomes of the frames.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void decoded_caps(GstCaps* caps) = 0;
    virtual void decoded_segment(const GstSegment& segment) = 0;
    virtual GstFlowReturn decoded(Ref<GstBuffer> frame) = 0;
  };

  // `observer` outlives the decoder.
  static Result<std::shared_ptr<SourceDecoder>> make(Observer& observer);
  ~SourceDecoder();
  SourceDecoder(const SourceDecoder&) = delete;
  SourceDecoder& operator=(const SourceDecoder&) = delete;

  // First STREAM_START, CAPS and SEGMENT, then what comes.
  void push_event(Ref<GstEvent> event);
  // What the observer said of the frames that are there, or what the decoder said of the unit.
  GstFlowReturn push(Ref<GstBuffer> unit);
  // No unit follows. Waits for the last frames.
  GstFlowReturn drain();
  // Why the decoder did not go on: in words for a user, or empty.
  std::string failure();

  // Ends push() and drain() with GST_FLOW_FLUSHING. Any thread.
  void stop();

 private:
  using Item = std::variant<Ref<GstEvent>, Ref<GstBuffer>>;

  explicit SourceDecoder(Observer& observer) : observer_(observer) {}
  Status start();
  GstFlowReturn deliver();
  static void on_pad_added(GstElement* decodebin, GstPad* pad, gpointer data);
  static GstBusSyncReply on_message(GstBus* bus, GstMessage* message, gpointer data);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);

  Observer& observer_;
  Ref<GstBus> bus_;
  Ref<GstElement> decodebin_;
  Ref<GstPad> src_;
  Ref<GstPad> sink_;

  Mutex lock_;
  Condition changed_;
  std::deque<Item> items_ GUARDED_BY(lock_);  // What came out.
  bool ended_ GUARDED_BY(lock_) = false;      // Nothing more will.
  bool stopped_ GUARDED_BY(lock_) = false;
  std::string not_installed_ GUARDED_BY(lock_);
  std::string error_ GUARDED_BY(lock_);  // Of the decoder, the first one.
};

}  // namespace dist
