// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   liar PORT NAME LIE   a worker of one lane, whose frames pass through a lie before they are
//   encoded
//
// "none" is the truth. A lie is told of each frame; all else about the answers is right.
#include <gst/gst.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

struct Plane {
  guint8* data;
  gint stride;
  gint width;
  gint height;

  guint8* row(gint y) const { return data + y * stride; }
};

Plane plane_of(GstVideoFrame& frame, guint i) {
  return {static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, i)),
          GST_VIDEO_FRAME_PLANE_STRIDE(&frame, i), GST_VIDEO_FRAME_COMP_WIDTH(&frame, i),
          GST_VIDEO_FRAME_COMP_HEIGHT(&frame, i)};
}

void fill(const Plane& plane, gint width, gint height, guint8 value) {
  for (gint y = 0; y < height; ++y)
    std::memset(plane.row(y), value, static_cast<std::size_t>(width));
}

void blacken(GstVideoFrame& frame) {
  for (guint i = 0; i < 3; ++i) {
    const Plane plane = plane_of(frame, i);
    fill(plane, plane.width, plane.height, i == 0 ? 16 : 128);
  }
}

void flip(GstVideoFrame& frame) {
  for (guint i = 0; i < 3; ++i) {
    const Plane plane = plane_of(frame, i);
    for (gint y = 0; y < plane.height / 2; ++y)
      std::swap_ranges(plane.row(y), plane.row(y) + plane.width, plane.row(plane.height - 1 - y));
  }
}

// As if it had been 64 by 64.
void blur(GstVideoFrame& frame) {
  for (guint i = 0; i < 3; ++i) {
    const Plane plane = plane_of(frame, i);
    const gint cells = i == 0 ? 64 : 32;
    for (gint v = 0; v < cells; ++v)
      for (gint u = 0; u < cells; ++u) {
        const gint top = v * plane.height / cells;
        const gint bottom = (v + 1) * plane.height / cells;
        const gint left = u * plane.width / cells;
        const gint right = (u + 1) * plane.width / cells;
        guint sum = 0;
        for (gint y = top; y < bottom; ++y)
          for (gint x = left; x < right; ++x)
            sum += plane.row(y)[x];
        const guint count = static_cast<guint>(std::max((bottom - top) * (right - left), 1));
        for (gint y = top; y < bottom; ++y)
          std::memset(plane.row(y) + left, static_cast<int>(sum / count),
                      static_cast<std::size_t>(right - left));
      }
  }
}

void swap_colours(GstVideoFrame& frame) {
  const Plane u = plane_of(frame, 1);
  const Plane v = plane_of(frame, 2);
  for (gint y = 0; y < u.height; ++y)
    std::swap_ranges(u.row(y), u.row(y) + u.width, v.row(y));
}

void put_logo(GstVideoFrame& frame) {
  for (guint i = 0; i < 3; ++i) {
    const Plane plane = plane_of(frame, i);
    fill(plane, plane.width / 2, plane.height / 2, i == 0 ? 235 : 128);
  }
}

std::vector<guint8> bytes_of(GstBuffer* buffer) {
  std::vector<guint8> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

// What needs to remember frames.
struct Memory {
  std::vector<std::vector<guint8>> before;  // Of the segment before.
  std::vector<std::vector<guint8>> now;
};

// Puts another frame in the place of this one.
void replace(GstBuffer* buffer, const std::string& lie, Memory& memory) {
  const std::size_t number = memory.now.size();
  memory.now.push_back(bytes_of(buffer));
  const std::vector<guint8>* other = nullptr;
  if (lie == "frozen")
    other = &memory.now.front();
  else if (lie == "doubled")
    other = &memory.now[number / 2 * 2];
  else if (number < memory.before.size())
    other = &memory.before[number];
  if (other)
    gst_buffer_fill(buffer, 0, other->data(), other->size());
  else
    gst_buffer_memset(buffer, 0, 128, gst_buffer_get_size(buffer));
}

struct Liar {
  std::string lie;
  Memory memory;
};

GstPadProbeReturn tell(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* liar = static_cast<Liar*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_SEGMENT)
      liar->memory = {std::move(liar->memory.now), {}};
    return GST_PAD_PROBE_OK;
  }
  static const std::map<std::string, std::function<void(GstVideoFrame&)>> lies = {
      {"black", blacken},        {"flipped", flip},  {"blurred", blur},
      {"colours", swap_colours}, {"logo", put_logo},
  };
  GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  if (liar->lie == "frozen" || liar->lie == "doubled" || liar->lie == "previous") {
    replace(buffer, liar->lie, liar->memory);
    return GST_PAD_PROBE_OK;
  }
  const auto found = lies.find(liar->lie);
  if (found == lies.end())
    return GST_PAD_PROBE_OK;
  GstCaps* caps = gst_pad_get_current_caps(pad);
  GstVideoInfo video;
  GstVideoFrame frame;
  if (gst_video_info_from_caps(&video, caps) &&
      gst_video_frame_map(&frame, &video, buffer, GST_MAP_READWRITE)) {
    found->second(frame);
    gst_video_frame_unmap(&frame);
  }
  gst_caps_unref(caps);
  return GST_PAD_PROBE_OK;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 4)
    return 2;
  Liar liar{argv[3], {}};
  // Half the size is a lie about the size only.
  const std::string size =
      liar.lie == "small" ? "videoconvertscale ! video/x-raw,width=160,height=90 ! " : "";
  const std::string line =
      std::string("remoteencsrc port=") + argv[1] + " worker-name=" + argv[2] +
      " ! decodebin ! videoconvert ! video/x-raw,format=I420 ! identity name=lie "
      "! " +
      size +
      "x264enc threads=1 speed-preset=veryfast mb-tree=false ! h264parse ! "
      "sink.sink_v remoteencsink name=sink";
  GstElement* pipeline = gst_parse_launch(line.c_str(), nullptr);
  GstElement* identity = gst_bin_get_by_name(GST_BIN(pipeline), "lie");
  GstPad* pad = gst_element_get_static_pad(identity, "src");
  gst_pad_add_probe(
      pad,
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      tell, &liar, nullptr);
  gst_object_unref(pad);
  gst_object_unref(identity);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  const bool ended = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
  gst_message_unref(message);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return ended ? 0 : 1;
}
