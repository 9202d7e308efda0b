// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an undistributed decode of a film shows, deinterlaced as workers do it:
//
//   list-frames FILM [FORMAT [THREADS]]
//
// Prints a line "format NAME,width=WIDTH,height=HEIGHT" where that changes, "frame TIME MD5" for
// each frame with its running time in nanoseconds ("-" if there is none), and "error TEXT" last if
// the film cannot be decoded to its end; the exit code is 1 then. FORMAT is a raw format to convert
// to first, "-" for none; THREADS limits those of decoders, which conceal damage in other ways with
// one than with several.
#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/common/pixels.h"

namespace {

std::string uri_of(const char* film) {
  if (gst_uri_is_valid(film))
    return film;
  gchar* const uri = gst_filename_to_uri(film, nullptr);
  const std::string text = uri ? uri : "";
  g_free(uri);
  return text;
}

void print_frame(GstSample* sample) {
  static GstCaps* before = nullptr;
  GstVideoInfo info;
  GstCaps* const caps = gst_sample_get_caps(sample);
  if (!gst_video_info_from_caps(&info, caps))
    return;
  if (!before || !gst_caps_is_equal(before, caps))
    std::printf("format %s,width=%d,height=%d\n", GST_VIDEO_INFO_NAME(&info),
                GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info));
  gst_caps_replace(&before, caps);
  GstBuffer* const buffer = gst_sample_get_buffer(sample);
  const GstClockTime time = gst_segment_to_running_time(gst_sample_get_segment(sample),
                                                        GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  const std::string text = GST_CLOCK_TIME_IS_VALID(time) ? std::to_string(time) : "-";
  std::printf("frame %s %s\n", text.c_str(), film::md5_of_pixels(buffer, info).c_str());
}

// False if there was one.
bool print_error(GstElement* pipeline) {
  GstBus* const bus = gst_element_get_bus(pipeline);
  GstMessage* const message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  if (!message)
    return true;
  GError* error = nullptr;
  gchar* details = nullptr;
  gst_message_parse_error(message, &error, &details);
  // One line.
  std::printf("error %s (%s)\n", error->message,
              details ? g_strdelimit(details, "\n", ' ') : GST_MESSAGE_SRC_NAME(message));
  g_error_free(error);
  g_free(details);
  gst_message_unref(message);
  return false;
}

// What is not the first video goes nowhere. A stream that becomes another one has another pad, and
// the one before is gone then.
void link_pad(GstElement* film, GstPad* pad, gpointer entry) {
  GstPad* sink = gst_element_get_static_pad(GST_ELEMENT(entry), "sink");
  GstCaps* const caps = gst_pad_query_caps(pad, nullptr);
  if (gst_pad_is_linked(sink) ||
      !gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw")) {
    GstElement* const nowhere = gst_element_factory_make("fakesink", nullptr);
    g_object_set(nowhere, "async", FALSE, "sync", FALSE, nullptr);
    gst_bin_add(GST_BIN(GST_ELEMENT_PARENT(film)), nowhere);
    gst_element_sync_state_with_parent(nowhere);
    gst_object_unref(sink);
    sink = gst_element_get_static_pad(nowhere, "sink");
  }
  gst_pad_link(pad, sink);
  gst_caps_unref(caps);
  gst_object_unref(sink);
}

void limit_threads(GstBin*, GstBin*, GstElement* element, gpointer threads) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "max-threads"))
    g_object_set(element, "max-threads", GPOINTER_TO_INT(threads), nullptr);
}

void expect_video(GstElement* film, gpointer entry) {
  GstPad* const sink = gst_element_get_static_pad(GST_ELEMENT(entry), "sink");
  if (!gst_pad_is_linked(sink))
    GST_ELEMENT_ERROR(film, STREAM, FORMAT, ("There is no video."), (nullptr));
  gst_object_unref(sink);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: list-frames FILM [FORMAT [THREADS]]\n");
    return 2;
  }
  const std::string format = argc > 2 ? argv[2] : "-";
  const std::string size = format.find(',') < format.size() ? format.substr(format.find(',')) : "";
  const std::string convert = format == "-"
                                  ? ""
                                  : "videoconvertscale method=catrom ! video/x-raw" + size +
                                        " ! videoconvert ! video/x-raw,format=" + format + " ! ";
  const std::string line =
      "uridecodebin name=film "
      "deinterlace name=entry method=linear fields=top ! " +
      convert + "appsink name=out sync=false max-buffers=8";
  GstElement* const pipeline = gst_parse_launch(line.c_str(), nullptr);
  GstElement* const film = gst_bin_get_by_name(GST_BIN(pipeline), "film");
  GstElement* const entry = gst_bin_get_by_name(GST_BIN(pipeline), "entry");
  GstElement* const out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  g_object_set(film, "uri", uri_of(argv[1]).c_str(), nullptr);
  g_signal_connect(film, "pad-added", G_CALLBACK(link_pad), entry);
  g_signal_connect(film, "no-more-pads", G_CALLBACK(expect_video), entry);
  if (argc > 3)
    g_signal_connect(film, "deep-element-added", G_CALLBACK(limit_threads),
                     GINT_TO_POINTER(std::atoi(argv[3])));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  bool good = true;
  while (good && !gst_app_sink_is_eos(GST_APP_SINK(out))) {
    if (GstSample* const sample =
            gst_app_sink_try_pull_sample(GST_APP_SINK(out), 100 * GST_MSECOND)) {
      print_frame(sample);
      gst_sample_unref(sample);
    } else {
      good = print_error(pipeline);
    }
  }
  if (good)
    good = print_error(pipeline);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(film);
  gst_object_unref(entry);
  gst_object_unref(out);
  gst_object_unref(pipeline);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
