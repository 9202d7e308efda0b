// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/picture.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cmath>

#include "gst/base/text.h"

namespace dist {
namespace {

constexpr char kColorimetry[] = "colorimetry";
constexpr char kChromaSite[] = "chroma-site";

// Aspect ratios that differ by no more are the same.
constexpr double kAspectTolerance = 0.015;

// A field of the caps as more caps, empty if it is not there.
std::string field_text(const GstStructure* fields, const char* name) {
  const gchar* const value = gst_structure_get_string(fields, name);
  return value ? std::string(",") + name + "=(string)" + value : "";
}

}  // namespace

std::optional<Picture> picture_of(GstCaps* caps) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps))
    return std::nullopt;
  const auto number = [](gint value) { return static_cast<unsigned>(value); };
  const GstStructure* const fields = gst_caps_get_structure(caps, 0);
  Picture picture{.width = number(GST_VIDEO_INFO_WIDTH(&info)),
                  .height = number(GST_VIDEO_INFO_HEIGHT(&info)),
                  .pixel_aspect_ratio = {number(GST_VIDEO_INFO_PAR_N(&info)),
                                         number(GST_VIDEO_INFO_PAR_D(&info))},
                  .framerate = std::nullopt,
                  .depth = number(GST_VIDEO_FORMAT_INFO_DEPTH(info.finfo, 0)),
                  .samples = field_text(fields, "format") + field_text(fields, kColorimetry) +
                             field_text(fields, kChromaSite),
                  .rgb = GST_VIDEO_INFO_IS_RGB(&info),
                  .gray = GST_VIDEO_INFO_IS_GRAY(&info),
                  .full_range = info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255,
                  .colorimetry = take_string(gst_video_colorimetry_to_string(&info.colorimetry))};
  if (GST_VIDEO_INFO_FPS_N(&info) > 0)
    picture.framerate = {number(GST_VIDEO_INFO_FPS_N(&info)), number(GST_VIDEO_INFO_FPS_D(&info))};
  return picture;
}

bool same_shape(const Picture& a, const Picture& b) {
  const auto rounding = [](const Picture& picture) {
    return 1.0 / std::min(picture.width, picture.height);
  };
  return std::abs(a.aspect_ratio() / b.aspect_ratio() - 1) <=
         std::max(kAspectTolerance, rounding(a) + rounding(b));
}

namespace {

// What is missing of the colours that caps state, as GStreamer would take it; empty if nothing is.
std::string missing_colours(const GstStructure* fields, const GstVideoInfo& info) {
  GstVideoColorimetry colours{};
  // A text that says only a part counts for GStreamer as if it were not there.
  if (const gchar* const text = gst_structure_get_string(fields, kColorimetry))
    gst_video_colorimetry_from_string(&colours, text);
  if (colours.matrix != GST_VIDEO_COLOR_MATRIX_UNKNOWN &&
      colours.matrix != GST_VIDEO_COLOR_MATRIX_RGB &&
      colours.range != GST_VIDEO_COLOR_RANGE_UNKNOWN)
    return {};
  GstVideoInfo usual;
  gst_video_info_set_format(&usual, GST_VIDEO_INFO_FORMAT(&info),
                            static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info)),
                            static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info)));
  if (colours.range == GST_VIDEO_COLOR_RANGE_UNKNOWN)
    colours.range = usual.colorimetry.range;
  if (colours.matrix == GST_VIDEO_COLOR_MATRIX_UNKNOWN ||
      colours.matrix == GST_VIDEO_COLOR_MATRIX_RGB) {
    colours.matrix = usual.colorimetry.matrix;
    if (colours.transfer == GST_VIDEO_TRANSFER_UNKNOWN)
      colours.transfer = usual.colorimetry.transfer;
    if (colours.primaries == GST_VIDEO_COLOR_PRIMARIES_UNKNOWN)
      colours.primaries = usual.colorimetry.primaries;
  }
  return take_string(gst_video_colorimetry_to_string(&colours));
}

GstPadProbeReturn add_chroma_site(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  GstCaps* said = nullptr;
  gst_event_parse_caps(event, &said);
  const auto caps = Ref<GstCaps>::adopt(gst_caps_copy(said));
  GstStructure* const fields = gst_caps_get_structure(caps.get(), 0);
  if (!gst_structure_has_field(fields, kChromaSite))
    gst_structure_set(fields, kChromaSite, G_TYPE_STRING, "mpeg2", nullptr);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(caps.get());
  gst_event_unref(event);
  return GST_PAD_PROBE_OK;
}

}  // namespace

Ref<GstCaps> with_all_colours(GstCaps* decoded) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, decoded) || GST_VIDEO_INFO_IS_RGB(&info))
    return Ref<GstCaps>::share(decoded);
  auto caps = Ref<GstCaps>::adopt(gst_caps_copy(decoded));
  GstStructure* const fields = gst_caps_get_structure(caps.get(), 0);
  if (const std::string text = missing_colours(fields, info); !text.empty())
    gst_structure_set(fields, kColorimetry, G_TYPE_STRING, text.c_str(), nullptr);
  return caps;
}

void state_chroma_site(GstElement* encoder) {
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(encoder, "sink"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, add_chroma_site, nullptr,
                    nullptr);
}

std::string x264_options(GstCaps* caps) {
  std::string options;
  GstVideoMasteringDisplayInfo display;
  if (gst_video_mastering_display_info_from_caps(&display, caps)) {
    const auto point = [](const auto& p) {
      return "(" + std::to_string(p.x) + "," + std::to_string(p.y) + ")";
    };
    options = "mastering-display=G" + point(display.display_primaries[1]) + "B" +
              point(display.display_primaries[2]) + "R" + point(display.display_primaries[0]) +
              "WP" + point(display.white_point) + "L(" +
              std::to_string(display.max_display_mastering_luminance) + "," +
              std::to_string(display.min_display_mastering_luminance) + ")";
  }
  GstVideoContentLightLevel light;
  if (gst_video_content_light_level_from_caps(&light, caps))
    options += (options.empty() ? "cll=" : ":cll=") +
               std::to_string(light.max_content_light_level) + "," +
               std::to_string(light.max_frame_average_light_level);
  return options;
}

std::string in_range(const std::string& colorimetry, bool full) {
  GstVideoColorimetry colours{};
  gst_video_colorimetry_from_string(&colours, colorimetry.c_str());
  colours.range = full ? GST_VIDEO_COLOR_RANGE_0_255 : GST_VIDEO_COLOR_RANGE_16_235;
  return take_string(gst_video_colorimetry_to_string(&colours));
}

}  // namespace dist
