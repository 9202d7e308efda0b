// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/local_workers.h"

#include "gst/gstx/report.h"
#include "plugins/gstremoteencworker.h"

namespace dist {
namespace {

GstElement* own(GstElement* element) {
  gst_object_ref_sink(element);
  return element;
}

}  // namespace

LocalWorkers::LocalWorkers(GstElement* element, unsigned count, const MakeLink& make_link)
    : element_(element), pipeline_(Ref<GstElement>::adopt(own(gst_pipeline_new(nullptr)))) {
  GstElement* const worker = gst_remote_enc_worker_new_for(make_link, count);
  gst_bin_add(GST_BIN(pipeline_.get()), worker);
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer self) -> GstBusSyncReply {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
          GST_ELEMENT_WARNING(
              static_cast<LocalWorkers*>(self)->element_, STREAM, ENCODE,
              ("A worker in this process ended: %s", report_of(message).text.c_str()), (NULL));
        gst_message_unref(message);
        return GST_BUS_DROP;
      },
      this, nullptr);
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

LocalWorkers::~LocalWorkers() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

}  // namespace dist
