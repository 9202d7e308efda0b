// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Progress from bus messages: encodes the video of IN to H.264, into OUT, and tells how far it is
// and who did what.
//
//   transcode IN OUT [PORT]
//
// The cores of this machine do it. With PORT one of them is left to others, and workers that dial
// it take part:
//
//   gst-launch-1.0 remoteencworker host=127.0.0.1 port=PORT
//
// Exit code: 0 done, 1 failed, 2 wrong command line.

#include <glib/gstdio.h>
#include <gst/gst.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace {

struct Job {
  GstElement* segmenter = nullptr;  // Borrowed from the pipeline.
  GstClockTime done = 0;            // Of the film, in segments that came back.
  int exit_code = 0;
};

// How long the film is, as the demuxer says; GST_CLOCK_TIME_NONE where it does not know.
GstClockTime length_of_film(GstElement* segmenter) {
  gint64 length = -1;
  GstPad* const pad = gst_element_get_static_pad(segmenter, "sink");
  const gboolean known = gst_pad_peer_query_duration(pad, GST_FORMAT_TIME, &length);
  gst_object_unref(pad);
  return known && length > 0 ? static_cast<GstClockTime>(length) : GST_CLOCK_TIME_NONE;
}

// Segments come back in any order, so it is their lengths that add up.
void tell_progress(Job& job, const GstStructure* segment) {
  guint64 index = 0;
  guint64 start = 0;
  guint64 stop = 0;
  gboolean complete = FALSE;
  gst_structure_get(segment, "segment", G_TYPE_UINT64, &index, "start", G_TYPE_UINT64, &start,
                    "stop", G_TYPE_UINT64, &stop, "complete", G_TYPE_BOOLEAN, &complete, nullptr);
  if (!complete)  // Other workers make the rest of its renditions.
    return;
  job.done += stop - start;
  const char* const worker = gst_structure_get_string(segment, "name");
  const GstClockTime length = length_of_film(job.segmenter);
  if (GST_CLOCK_TIME_IS_VALID(length))
    g_print(
        "%3u %%: segment %" G_GUINT64_FORMAT " by %s\n",
        static_cast<guint>(std::min<guint64>(100, gst_util_uint64_scale(job.done, 100, length))),
        index, worker);
  else
    g_print("%" GST_TIME_FORMAT ": segment %" G_GUINT64_FORMAT " by %s\n", GST_TIME_ARGS(job.done),
            index, worker);
}

void tell(Job& job, const GstStructure* said) {
  if (gst_structure_has_name(said, "dist-segment-done")) {
    tell_progress(job, said);
  } else if (gst_structure_has_name(said, "dist-waiting")) {
    g_print("waiting for a worker\n");
  } else if (gst_structure_has_name(said, "dist-lease-failed")) {
    // Somebody else does that segment.
    g_print("%s failed: %s\n", gst_structure_get_string(said, "name"),
            gst_structure_get_string(said, "reason"));
  }
}

// False at the end.
bool handle(Job& job, GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      return false;
    case GST_MESSAGE_ERROR: {
      GError* error = nullptr;
      gchar* debug = nullptr;
      gst_message_parse_error(message, &error, &debug);
      // Stock elements say the cause in the last line of the debug text.
      const char* const cause = debug ? std::strrchr(debug, '\n') : nullptr;
      g_printerr("transcode: %s%s%s\n", error->message, cause ? " " : "", cause ? cause + 1 : "");
      g_error_free(error);
      g_free(debug);
      job.exit_code = 1;
      return false;
    }
    case GST_MESSAGE_ELEMENT:
      tell(job, gst_message_get_structure(message));
      return true;
    default:
      return true;
  }
}

void set(GstElement* pipeline, const char* element, const char* property, const char* value) {
  GstElement* const found = gst_bin_get_by_name(GST_BIN(pipeline), element);
  gst_util_set_object_arg(G_OBJECT(found), property, value);
  gst_object_unref(found);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 3 && argc != 4) {
    g_printerr("usage: %s IN OUT [PORT]\n", argv[0]);
    return 2;
  }
  GError* error = nullptr;
  GstElement* const pipeline = gst_parse_launch_full(
      "filesrc name=in ! parsebin ! distsegmenter name=segmenter ! "
      "remoteenc name=farm renditions=video:h264 ! distjoin ! h264parse ! mp4mux ! "
      "filesink name=out",
      nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!pipeline) {
    g_printerr("transcode: %s\n", error->message);
    g_error_free(error);
    return 1;
  }
  // Not in the text above, where a space in a name would have to be quoted.
  set(pipeline, "in", "location", argv[1]);
  // Where there is a file of that name it is whole.
  const std::string part = std::string(argv[2]) + ".part";
  set(pipeline, "out", "location", part.c_str());
  if (argc == 4)
    set(pipeline, "farm", "port", argv[3]);

  Job job;
  job.segmenter = gst_bin_get_by_name(GST_BIN(pipeline), "segmenter");
  GstBus* const bus = gst_element_get_bus(pipeline);
  // If this fails, the bus says why.
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  for (bool running = true; running;) {
    GstMessage* const message = gst_bus_timed_pop(bus, GST_CLOCK_TIME_NONE);
    running = handle(job, message);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(job.segmenter);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  if (job.exit_code != 0) {
    g_remove(part.c_str());
  } else if (g_rename(part.c_str(), argv[2]) != 0) {
    g_printerr("transcode: cannot write %s: %s\n", argv[2], g_strerror(errno));
    job.exit_code = 1;
  }
  return job.exit_code;
}
