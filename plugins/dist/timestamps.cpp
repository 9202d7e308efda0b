// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/dist/timestamps.h"

#include <deque>
#include <memory>
#include <mutex>

#include "gst/dist/gstx/ref.h"

namespace dist {
namespace {

// The encoder may have a thread of its own for its output.
struct Pending {
  std::mutex lock;
  std::deque<GstClockTime> times;  // Guarded by lock.
};
using SharedPending = std::shared_ptr<Pending>;

Pending& pending_of(gpointer data) {
  return **static_cast<SharedPending*>(data);
}

GstPadProbeReturn on_input(GstPad*, GstPadProbeInfo* info, gpointer data) {
  Pending& pending = pending_of(data);
  const std::lock_guard lock(pending.lock);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    pending.times.push_back(GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
  else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_FLUSH_STOP)
    pending.times.clear();
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_output(GstPad*, GstPadProbeInfo* info, gpointer data) {
  Pending& pending = pending_of(data);
  GstClockTime time = GST_CLOCK_TIME_NONE;
  {
    const std::lock_guard lock(pending.lock);
    if (!pending.times.empty()) {
      time = pending.times.front();
      pending.times.pop_front();
    }
  }
  GstBuffer* const buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = time;
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
