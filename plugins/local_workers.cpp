// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/local_workers.h"

#include "gst/farm/farm_context.h"
#include "gst/gstx/report.h"
#include "plugins/gstremoteencworker.h"

namespace dist {

LocalWorkers::LocalWorkers(GstElement* element, unsigned count, const std::shared_ptr<Farm>& farm)
    : element_(element), pipeline_(Ref<GstElement>::sink(gst_pipeline_new(nullptr))) {
  auto* const worker =
      GST_ELEMENT(g_object_new(GST_TYPE_REMOTE_ENC_WORKER, "slots", static_cast<gint>(count),
                               "prefetch", 0u, "worker-name", "local", nullptr));
  set_farm(worker, farm);
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
