// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/timestamps.h"

#include <deque>
#include <memory>

#include "gst/base/mutex.h"
#include "gst/gstx/ref.h"

namespace dist {
namespace {

// The encoder may have a thread of its own for its output.
struct Pending {
  Mutex lock;
  std::deque<GstClockTime> times GUARDED_BY(lock);  // Running times.
};
using SharedPending = std::shared_ptr<Pending>;

Pending& pending_of(gpointer data) {
  return **static_cast<SharedPending*>(data);
}

// The segment that applies to what passes the pad.
GstSegment segment_of(GstPad* pad) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  const auto event = Ref<GstEvent>::adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
  if (event)
    gst_event_copy_segment(event.get(), &segment);
  return segment;
}

GstPadProbeReturn on_input(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  Pending& pending = pending_of(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    const GstSegment segment = segment_of(pad);
    const GstClockTime time = gst_segment_to_running_time(
        &segment, GST_FORMAT_TIME, GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
    const MutexLock lock(pending.lock);
    pending.times.push_back(time);
    return GST_PAD_PROBE_OK;
  }
  const MutexLock lock(pending.lock);
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_FLUSH_STOP)
    pending.times.clear();
  return GST_PAD_PROBE_OK;
}

// libav's encoders may move all their timestamps, and their segment with them.
GstPadProbeReturn on_output(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  Pending& pending = pending_of(data);
  GstClockTime time = GST_CLOCK_TIME_NONE;
  {
    const MutexLock lock(pending.lock);
    if (!pending.times.empty()) {
      time = pending.times.front();
      pending.times.pop_front();
    }
  }
  GstBuffer* const buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  const GstSegment segment = segment_of(pad);
  GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) =
      gst_segment_position_from_running_time(&segment, GST_FORMAT_TIME, time);
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  return GST_PAD_PROBE_OK;
}

void add_probe(GstElement* encoder, const char* pad_name, int types, GstPadProbeCallback callback,
               const SharedPending& pending) {
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(encoder, pad_name));
  gst_pad_add_probe(pad.get(), static_cast<GstPadProbeType>(types), callback,
                    new SharedPending(pending),
                    [](gpointer data) { delete static_cast<SharedPending*>(data); });
}

}  // namespace

void keep_timestamps(GstElement* encoder) {
  const auto pending = std::make_shared<Pending>();
  add_probe(encoder, "sink",
            GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                GST_PAD_PROBE_TYPE_EVENT_FLUSH,
            on_input, pending);
  add_probe(encoder, "src", GST_PAD_PROBE_TYPE_BUFFER, on_output, pending);
}

}  // namespace dist
