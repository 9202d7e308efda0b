// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An application that makes frames and wants them back encoded: it feeds raw video by appsrc, and
// takes H.264 by appsink, in order, in pieces of a second that each play by themselves, as one
// would send them over a network.
//
//   frames COUNT DIR
//
// Makes COUNT frames and writes DIR/00000.h264, DIR/00001.h264 and so on, with a line for each:
//
//   00001.h264: 25 frames from 1000 ms
//
// The cores of this machine encode, and workers on this machine that dial the usual port. One
// behind another the pieces are one stream: `cat DIR/*.h264 | ffplay -f h264 -`.
//
// Exit code: 0 done, 1 failed, 2 wrong command line.

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <fstream>
#include <string>
#include <thread>

namespace {

constexpr guint kWidth = 320;
constexpr guint kHeight = 180;
constexpr guint kRate = 25;  // Frames in a second.

// The number of the frame in binary, as black and white bars, the lowest bit on the left.
GstBuffer* draw(guint64 number) {
  constexpr guint kBar = 20;
  GstBuffer* const buffer = gst_buffer_new_allocate(nullptr, kWidth * kHeight, nullptr);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (guint i = 0; i < kWidth * kHeight; ++i)
    map.data[i] = (number >> (i % kWidth / kBar)) & 1 ? 235 : 16;
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(number, GST_SECOND, kRate);
  GST_BUFFER_DURATION(buffer) =
      gst_util_uint64_scale(number + 1, GST_SECOND, kRate) - GST_BUFFER_PTS(buffer);
  return buffer;
}

// Has a thread of its own, because a push waits while the encoders have enough to do. When the
// pipeline stops the push is refused, and that is the end of the thread.
void feed(GstAppSrc* source, guint64 count) {
  for (guint64 number = 0; number < count; ++number)
    if (gst_app_src_push_buffer(source, draw(number)) != GST_FLOW_OK)
      return;
  gst_app_src_end_of_stream(source);
}

// The piece that is being filled. Used by the thread of the appsink alone.
struct Piece {
  std::string folder;
  std::string bytes = "";
  guint number = 0;
  guint frames = 0;
  GstClockTime start = 0;
};

GstFlowReturn finish(GstAppSink* sink, Piece& piece) {
  gchar name[32];
  g_snprintf(name, sizeof name, "%05u.h264", piece.number);
  std::ofstream file(piece.folder + "/" + name, std::ios::binary);
  if (!(file << piece.bytes).flush()) {
    // An error of the application ends the pipeline as those of elements do.
    GST_ELEMENT_ERROR(sink, RESOURCE, WRITE, ("Cannot write %s/%s.", piece.folder.c_str(), name),
                      (nullptr));
    return GST_FLOW_ERROR;
  }
  g_print("%s: %u frames from %" G_GUINT64_FORMAT " ms\n", name, piece.frames,
          piece.start / GST_MSECOND);
  piece = {.folder = piece.folder, .number = piece.number + 1};
  return GST_FLOW_OK;
}

// Access units come in decode order, with the timestamps of the frames.
GstFlowReturn take(GstAppSink* sink, GstSample* sample, Piece& piece) {
  GstBuffer* const unit = gst_sample_get_buffer(sample);
  // Encoders with B-frames move timestamps up; running time stays what the frames had.
  const GstClockTime time = gst_segment_to_running_time(gst_sample_get_segment(sample),
                                                        GST_FORMAT_TIME, GST_BUFFER_PTS(unit));
  // Each segment begins with a keyframe. Encoders put others into it where the picture changes.
  const bool keyframe = !GST_BUFFER_FLAG_IS_SET(unit, GST_BUFFER_FLAG_DELTA_UNIT);
  if (keyframe && time >= piece.start + GST_SECOND) {
    if (const GstFlowReturn flow = finish(sink, piece); flow != GST_FLOW_OK)
      return flow;
    piece.start = time;
  }
  GstMapInfo map;
  gst_buffer_map(unit, &map, GST_MAP_READ);
  piece.bytes.append(reinterpret_cast<const char*>(map.data), map.size);
  gst_buffer_unmap(unit, &map);
  ++piece.frames;
  return GST_FLOW_OK;
}

GstFlowReturn on_sample(GstAppSink* sink, gpointer piece) {
  GstSample* const sample = gst_app_sink_pull_sample(sink);
  const GstFlowReturn flow = take(sink, sample, *static_cast<Piece*>(piece));
  gst_sample_unref(sample);
  return flow;
}

void on_eos(GstAppSink* sink, gpointer piece) {
  finish(sink, *static_cast<Piece*>(piece));
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  const guint64 count = argc == 3 ? g_ascii_strtoull(argv[1], nullptr, 10) : 0;
  if (count == 0) {
    g_printerr("usage: %s COUNT DIR\n", argv[0]);
    return 2;
  }
  // appsrc holds 10 frames at most, so it is the encoders that say how fast they are drawn.
  GError* error = nullptr;
  GstElement* const pipeline = gst_parse_launch_full(
      "appsrc name=source format=time block=true max-buffers=10 max-bytes=0 "
      "caps=video/x-raw,format=GRAY8,width=320,height=180,framerate=25/1 ! distsegmenter ! "
      "remoteenc renditions=video:h264:speed=fast ! distjoin ! h264parse ! "
      "video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false",
      nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!pipeline) {
    g_printerr("frames: %s\n", error->message);
    g_error_free(error);
    return 1;
  }
  GstElement* const source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
  GstElement* const sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  Piece piece{.folder = argv[2]};
  GstAppSinkCallbacks callbacks = {};
  callbacks.new_sample = on_sample;
  callbacks.eos = on_eos;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, &piece, nullptr);

  // If this fails, the bus says why.
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  std::thread feeder(feed, GST_APP_SRC(source), count);
  GstBus* const bus = gst_element_get_bus(pipeline);
  GstMessage* const end = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  gst_element_set_state(pipeline, GST_STATE_NULL);
  feeder.join();

  if (GST_MESSAGE_TYPE(end) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(end, &error, nullptr);
    g_printerr("frames: %s\n", error->message);
  }
  const int exit_code = error ? 1 : 0;
  g_clear_error(&error);
  gst_message_unref(end);
  gst_object_unref(bus);
  gst_object_unref(source);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  return exit_code;
}
