// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-launch-1.0 for one undistributed encode with keyframes where a distributed one has them:
//
//   plain-encode FRAMES PIPELINE...
//
// A keyframe is asked of the element called "encoder" every so many frames. The encoder's own
// interval does not do: it counts from the last change of scene.
#include <gst/gst.h>
#include <gst/video/video.h>

#include <cstdlib>

namespace {

struct Count {
  unsigned interval = 0;
  unsigned frames = 0;
};

// Times are those to which x264enc moves its input if nobody else does: GstVideoEncoder would
// compare the event's with times before and after that. Without any time it takes the next event
// for the same wish again while the first keyframe has not come out yet.
constexpr GstClockTime kMoved = 1000 * 3600 * GST_SECOND;

GstPadProbeReturn on_frame(GstPad* pad, GstPadProbeInfo* info, gpointer user_data) {
  auto& count = *static_cast<Count*>(user_data);
  GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  const GstClockTime time = GST_BUFFER_PTS(buffer) += kMoved;
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  if (count.frames++ % count.interval == 0)
    gst_pad_send_event(pad, gst_video_event_new_downstream_force_key_unit(
                                time, time, time, TRUE, count.frames / count.interval));
  return GST_PAD_PROBE_OK;
}

int fail(const char* what) {
  g_printerr("plain-encode: %s\n", what);
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  Count count{.interval = argc > 2 ? static_cast<unsigned>(std::atoi(argv[1])) : 0};
  if (count.interval == 0)
    return fail("usage: plain-encode FRAMES PIPELINE...");
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launchv(const_cast<const gchar**>(argv + 2), &error);
  if (error)
    return fail(error->message);
  GstElement* encoder = gst_bin_get_by_name(GST_BIN(pipeline), "encoder");
  if (!encoder)
    return fail("no element is called encoder");
  GstPad* pad = gst_element_get_static_pad(encoder, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, &count, nullptr);
  gst_object_unref(pad);
  pad = gst_element_get_static_pad(encoder, "src");
  gst_pad_set_offset(pad, -static_cast<gint64>(kMoved));
  gst_object_unref(pad);
  gst_object_unref(encoder);

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  int status = EXIT_SUCCESS;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message, &error, nullptr);
    status = fail(error->message);
    g_clear_error(&error);
  }
  gst_message_unref(message);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return status;
}
