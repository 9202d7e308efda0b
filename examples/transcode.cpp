// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A primary inside an application: encodes IN on whatever workers dial PORT, into OUT, and tells
// from the bus messages how far it is.
//
//   transcode IN OUT PORT

#include <gst/gst.h>

#include <cstdlib>
#include <string>

namespace {

// Called for each message; false at the end.
bool handle(GstMessage* message, int& exit_code) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      return false;
    case GST_MESSAGE_ERROR: {
      GError* error = nullptr;
      gchar* debug = nullptr;
      gst_message_parse_error(message, &error, &debug);
      g_printerr("%s\n%s\n", error->message, debug ? debug : "");
      g_error_free(error);
      g_free(debug);
      exit_code = EXIT_FAILURE;
      return false;
    }
    case GST_MESSAGE_ELEMENT: {
      const GstStructure* structure = gst_message_get_structure(message);
      guint64 segment = 0;
      if (gst_structure_has_name(structure, "dist-segment-done") &&
          gst_structure_get_uint64(structure, "segment", &segment))
        g_print("segment %" G_GUINT64_FORMAT " by %s\n", segment,
                gst_structure_get_string(structure, "name"));
      else if (gst_structure_has_name(structure, "dist-lease-failed"))
        g_print("failed: %s\n", gst_structure_get_string(structure, "reason"));
      else if (gst_structure_has_name(structure, "dist-waiting"))
        g_print("waiting for a worker\n");
      return true;
    }
    default:
      return true;
  }
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 4) {
    g_printerr("usage: %s IN OUT PORT\n", argv[0]);
    return 2;
  }
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(
      "filesrc name=in ! parsebin ! distsegmenter ! remoteenc name=farm ! distjoin ! h264parse ! "
      "mp4mux ! filesink name=out",
      &error);
  if (error) {
    g_printerr("%s\n", error->message);
    return EXIT_FAILURE;
  }
  const auto set = [pipeline](const char* element, const char* property, const char* value) {
    GstElement* found = gst_bin_get_by_name(GST_BIN(pipeline), element);
    gst_util_set_object_arg(G_OBJECT(found), property, value);
    gst_object_unref(found);
  };
  set("in", "location", argv[1]);
  set("out", "location", argv[2]);
  set("farm", "port", argv[3]);

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  int exit_code = EXIT_SUCCESS;
  bool running = true;
  while (running) {
    GstMessage* message = gst_bus_timed_pop(bus, GST_CLOCK_TIME_NONE);
    running = handle(message, exit_code);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  return exit_code;
}
