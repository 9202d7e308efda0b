// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/av1_headers.h"

#include <gst/video/video.h>

#include <optional>

#include "gst/gstx/ref.h"
#include "gst/rendition/av1_colours.h"

namespace dist {
namespace {

// In an AV1 configuration record, before the OBUs.
constexpr std::size_t kRecordHeader = 4;

std::optional<MasteringDisplay> display_of(GstCaps* caps) {
  GstVideoMasteringDisplayInfo info;
  if (!gst_video_mastering_display_info_from_caps(&info, caps))
    return std::nullopt;
  const auto point = [](const auto& p) { return MasteringDisplay::Point{p.x, p.y}; };
  return MasteringDisplay{
      .primaries = {point(info.display_primaries[0]), point(info.display_primaries[1]),
                    point(info.display_primaries[2])},
      .white = point(info.white_point),
      .max_luminance = info.max_display_mastering_luminance,
      .min_luminance = info.min_display_mastering_luminance};
}

std::optional<ContentLight> light_of(GstCaps* caps) {
  GstVideoContentLightLevel level;
  if (!gst_video_content_light_level_from_caps(&level, caps))
    return std::nullopt;
  return ContentLight{level.max_content_light_level, level.max_frame_average_light_level};
}

std::optional<Av1Colours> colours_of(GstPad* encoder_output) {
  const auto encoder = Ref<GstElement>::adopt(gst_pad_get_parent_element(encoder_output));
  const auto input =
      Ref<GstPad>::adopt(encoder ? gst_element_get_static_pad(encoder.get(), "sink") : nullptr);
  const auto caps = Ref<GstCaps>::adopt(input ? gst_pad_get_current_caps(input.get()) : nullptr);
  GstVideoInfo info;
  if (!caps || !gst_video_info_from_caps(&info, caps.get()))
    return std::nullopt;
  const auto number = [](guint value) { return static_cast<std::uint8_t>(value); };
  return Av1Colours{
      .primaries = number(gst_video_color_primaries_to_iso(info.colorimetry.primaries)),
      .transfer = number(gst_video_transfer_function_to_iso(info.colorimetry.transfer)),
      .matrix = number(gst_video_color_matrix_to_iso(info.colorimetry.matrix)),
      .full_range = info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255,
      .display = display_of(caps.get()),
      .light = light_of(caps.get())};
}

// Null if nothing is to be changed.
Ref<GstBuffer> with_colours(GstBuffer* buffer, std::size_t before, const Av1Colours& colours) {
  const BufferMap map(buffer);
  if (map.span().size() < before)
    return {};
  auto bytes = dist::with_colours(map.span().subspan(before), colours);
  if (!bytes)
    return {};
  bytes->insert(bytes->begin(), map.span().begin(), map.span().begin() + std::ptrdiff_t(before));
  auto changed = Ref<GstBuffer>::adopt(gst_buffer_new_memdup(bytes->data(), bytes->size()));
  gst_buffer_copy_into(changed.get(), buffer, GST_BUFFER_COPY_METADATA, 0, -1);
  return changed;
}

void change_buffer(GstPad* pad, GstPadProbeInfo* info) {
  GstBuffer* const buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    return;
  const auto colours = colours_of(pad);
  auto changed = colours ? with_colours(buffer, 0, *colours) : Ref<GstBuffer>();
  if (!changed)
    return;
  GST_PAD_PROBE_INFO_DATA(info) = changed.release();
  gst_buffer_unref(buffer);
}

// Their configuration record holds a sequence header too; it may hold no metadata.
void change_caps(GstPad* pad, GstPadProbeInfo* info) {
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  GstCaps* said = nullptr;
  gst_event_parse_caps(event, &said);
  const GValue* const record =
      gst_structure_get_value(gst_caps_get_structure(said, 0), "codec_data");
  auto colours = colours_of(pad);
  if (!record || !GST_VALUE_HOLDS_BUFFER(record) || !colours)
    return;
  colours->display.reset();
  colours->light.reset();
  const auto changed = with_colours(gst_value_get_buffer(record), kRecordHeader, *colours);
  if (!changed)
    return;
  const auto caps = Ref<GstCaps>::adopt(gst_caps_copy(said));
  gst_caps_set_simple(caps.get(), "codec_data", GST_TYPE_BUFFER, changed.get(), nullptr);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(caps.get());
  gst_event_unref(event);
}

GstPadProbeReturn on_output(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    change_buffer(pad, info);
  else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS)
    change_caps(pad, info);
  return GST_PAD_PROBE_OK;
}

}  // namespace

void state_colours(GstElement* encoder) {
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(encoder, "src"));
  gst_pad_add_probe(
      pad.get(), GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_output, nullptr, nullptr);
}

}  // namespace dist
