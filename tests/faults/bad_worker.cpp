// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A worker that does its work badly:
//   bad-worker PORT fail [FROM TO]   the encoder fails on frames from FROM to TO, in seconds
//   bad-worker PORT drop             the fifth frame of each segment does not reach the encoder
// Ends as gst-launch-1.0 does: 0 after EOS, 1 after an error.

#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Mode {
  bool drops = false;
  double from = 0;
  double to = 1e9;
  GstElement* encoder = nullptr;
  unsigned frames = 0;  // Of this segment, so far.
};

GstPadProbeReturn misbehave(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* mode = static_cast<Mode*>(data);
  if (info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    if (GST_EVENT_TYPE(gst_pad_probe_info_get_event(info)) == GST_EVENT_STREAM_START)
      mode->frames = 0;
    return GST_PAD_PROBE_OK;
  }
  if (mode->drops)
    return ++mode->frames == 5 ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;

  GstEvent* event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event, &segment);
  GstBuffer* frame = gst_pad_probe_info_get_buffer(info);
  const double time = static_cast<double>(gst_segment_to_stream_time(segment, GST_FORMAT_TIME,
                                                                     GST_BUFFER_PTS(frame))) /
                      GST_SECOND;
  gst_event_unref(event);
  if (time < mode->from || time >= mode->to)
    return GST_PAD_PROBE_OK;
  GST_ELEMENT_ERROR(mode->encoder, STREAM, ENCODE, ("The encoder is broken."),
                    ("a frame at %f s", time));
  gst_buffer_unref(frame);
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 3 && argc != 5) {
    std::fprintf(stderr, "usage: bad-worker PORT fail [FROM TO] | drop\n");
    return 2;
  }
  Mode mode;
  mode.drops = argv[2] == std::string("drop");
  if (argc == 5) {
    mode.from = std::atof(argv[3]);
    mode.to = std::atof(argv[4]);
  }
  const std::string description =
      "remoteencsrc worker-name=bad port=" + std::string(argv[1]) +
      " ! decodebin ! videoconvert ! x264enc name=encoder threads=1 speed-preset=slower "
      "mb-tree=false ! h264parse ! remoteencsink";
  GstElement* pipeline = gst_parse_launch(description.c_str(), nullptr);
  if (!pipeline)
    return 2;
  mode.encoder = gst_bin_get_by_name(GST_BIN(pipeline), "encoder");
  GstPad* pad = gst_element_get_static_pad(mode.encoder, "sink");
  gst_pad_add_probe(
      pad,
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      misbehave, &mode, nullptr);

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  const bool good = GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS;
  gst_message_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pad);
  gst_object_unref(mode.encoder);
  gst_object_unref(pipeline);
  return good ? 0 : 1;
}
