// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/dist/picture.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cmath>

namespace dist {
namespace {

constexpr char kColorimetry[] = "colorimetry";

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
                             field_text(fields, "chroma-site"),
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

Ref<GstCaps> with_all_colours(GstCaps* decoded) {
  auto caps = Ref<GstCaps>::share(decoded);
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, decoded) || GST_VIDEO_INFO_IS_RGB(&info))
    return caps;
  const GstStructure* const fields = gst_caps_get_structure(decoded, 0);
  GstVideoColorimetry colours{};
  // A text that says only a part counts for GStreamer as if it were not there.
  if (const gchar* const text = gst_structure_get_string(fields, kColorimetry))
    gst_video_colorimetry_from_string(&colours, text);
  if (colours.matrix != GST_VIDEO_COLOR_MATRIX_UNKNOWN &&
      colours.matrix != GST_VIDEO_COLOR_MATRIX_RGB &&
      colours.range != GST_VIDEO_COLOR_RANGE_UNKNOWN)
    return caps;
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
  const std::string text = take_string(gst_video_colorimetry_to_string(&colours));
  caps = Ref<GstCaps>::adopt(gst_caps_copy(decoded));
  gst_caps_set_simple(caps.get(), kColorimetry, G_TYPE_STRING, text.c_str(), nullptr);
  return caps;
}

std::string in_range(const std::string& colorimetry, bool full) {
  GstVideoColorimetry colours{};
  gst_video_colorimetry_from_string(&colours, colorimetry.c_str());
  colours.range = full ? GST_VIDEO_COLOR_RANGE_0_255 : GST_VIDEO_COLOR_RANGE_16_235;
  return take_string(gst_video_colorimetry_to_string(&colours));
}

}  // namespace dist
