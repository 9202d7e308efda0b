// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/deep_deinterlacer.h"

#include <gst/video/video.h>

#include <cstdint>
#include <cstdlib>

#include "gst/gstx/ref.h"

namespace dist {
namespace {

// Of the pictures that come; belongs to the streaming thread.
struct State {
  GstVideoInfo info{};
  bool active = false;
};

// What the element does not let pass: its first template is of what it works on. It takes fields in
// buffers of their own as well.
bool is_done_by(GstPad* deinterlace, GstCaps* caps) {
  const auto all = Ref<GstCaps>::adopt(gst_pad_get_pad_template_caps(deinterlace));
  const auto done = Ref<GstCaps>::adopt(gst_caps_copy_nth(all.get(), 0));
  const auto format = Ref<GstCaps>::adopt(gst_caps_copy(caps));
  gst_caps_set_features_simple(format.get(), nullptr);
  return gst_caps_can_intersect(done.get(), format.get());
}

// The bytes of a sample, if they stand there as this machine has numbers; else 0.
std::size_t sample_size(const GstVideoFormatInfo* format) {
  if (GST_VIDEO_FORMAT_INFO_IS_COMPLEX(format) || GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format))
    return 0;
  if (GST_VIDEO_FORMAT_INFO_DEPTH(format, 0) == 8)
    return 1;
  const bool words = GST_VIDEO_FORMAT_INFO_DEPTH(format, 0) > 8 &&
                     GST_VIDEO_FORMAT_INFO_PSTRIDE(format, 0) % 2 == 0;
  return words && GST_VIDEO_FORMAT_INFO_IS_LE(format) && G_BYTE_ORDER == G_LITTLE_ENDIAN ? 2 : 0;
}

template <class Sample>
void average(const guint8* above, const guint8* below, guint8* line, std::size_t bytes) {
  const auto* const a = reinterpret_cast<const Sample*>(above);
  const auto* const b = reinterpret_cast<const Sample*>(below);
  auto* const out = reinterpret_cast<Sample*>(line);
  for (std::size_t i = 0; i < bytes / sizeof(Sample); ++i)
    out[i] = static_cast<Sample>((a[i] + b[i] + 1) / 2);
}

bool is_done_here(const GstVideoInfo& info) {
  const bool fields_alone =
      GST_VIDEO_INFO_INTERLACE_MODE(&info) == GST_VIDEO_INTERLACE_MODE_ALTERNATE;
  return !fields_alone && sample_size(info.finfo) != 0;
}

void keep_top_field(GstVideoFrame& frame) {
  const bool words = sample_size(frame.info.finfo) == 2;
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); ++plane) {
    gint component[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component(frame.info.finfo, plane, component);
    const gint height = GST_VIDEO_FRAME_COMP_HEIGHT(&frame, component[0]);
    const gint stride = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
    const auto bytes = static_cast<std::size_t>(std::abs(stride));
    auto* const first = static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    for (gint y = 1; y < height; y += 2) {
      guint8* const line = first + std::ptrdiff_t{y} * stride;
      const guint8* const above = line - stride;
      const guint8* const below = y + 1 < height ? line + stride : above;
      if (words)
        average<std::uint16_t>(above, below, line, bytes);
      else
        average<std::uint8_t>(above, below, line, bytes);
    }
  }
}

void take_caps(GstPad* pad, GstPadProbeInfo* info, State& state) {
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  GstCaps* said = nullptr;
  gst_event_parse_caps(event, &said);
  state.active = gst_video_info_from_caps(&state.info, said) &&
                 GST_VIDEO_INFO_IS_INTERLACED(&state.info) && !is_done_by(pad, said);
  if (!state.active)
    return;
  if (!is_done_here(state.info)) {
    const auto element = Ref<GstElement>::adopt(gst_pad_get_parent_element(pad));
    GST_ELEMENT_ERROR(element.get(), STREAM, FORMAT,
                      ("Interlaced pictures of format %s cannot be made progressive here.",
                       GST_VIDEO_INFO_NAME(&state.info)),
                      (nullptr));
    return;
  }
  const auto caps = Ref<GstCaps>::adopt(gst_caps_copy(said));
  GstStructure* const fields = gst_caps_get_structure(caps.get(), 0);
  gst_structure_set(fields, "interlace-mode", G_TYPE_STRING, "progressive", nullptr);
  gst_structure_remove_field(fields, "field-order");
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(caps.get());
  gst_event_unref(event);
}

void take_buffer(GstPadProbeInfo* info, State& state) {
  GstBuffer* const buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  const bool mixed = GST_VIDEO_INFO_INTERLACE_MODE(&state.info) == GST_VIDEO_INTERLACE_MODE_MIXED;
  if (mixed && !GST_BUFFER_FLAG_IS_SET(buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED))
    return;
  // The decoder may need its own for what it predicts from it.
  GstBuffer* const copy = gst_buffer_copy_deep(buffer);
  GstVideoFrame frame;
  if (gst_video_frame_map(&frame, &state.info, copy, GST_MAP_READWRITE)) {
    keep_top_field(frame);
    gst_video_frame_unmap(&frame);
  }
  GST_BUFFER_FLAG_UNSET(copy, GST_VIDEO_BUFFER_FLAG_INTERLACED);
  GST_PAD_PROBE_INFO_DATA(info) = copy;
  gst_buffer_unref(buffer);
}

GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  State& state = *static_cast<State*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    if (state.active && is_done_here(state.info))
      take_buffer(info, state);
  } else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS) {
    take_caps(pad, info, state);
  }
  return GST_PAD_PROBE_OK;
}

}  // namespace

void deinterlace_deep(GstElement* element) {
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(element, "sink"));
  gst_pad_add_probe(
      pad.get(), GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_data, new State, [](gpointer data) { delete static_cast<State*>(data); });
}

}  // namespace dist
