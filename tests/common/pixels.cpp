// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/common/pixels.h"

#include <vector>

namespace film {
namespace {

// Of BGRx and the like, whose fourth byte is nothing that shows.
bool has_filler(const GstVideoFrame& frame) {
  return GST_VIDEO_FRAME_N_PLANES(&frame) == 1 && GST_VIDEO_FRAME_N_COMPONENTS(&frame) == 3 &&
         GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, 0) == 4 && GST_VIDEO_INFO_IS_RGB(&frame.info);
}

std::vector<guchar> without_filler(const GstVideoFrame& frame, const guchar* row) {
  std::vector<guchar> bytes;
  bytes.reserve(static_cast<std::size_t>(GST_VIDEO_FRAME_WIDTH(&frame)) * 3);
  for (gint x = 0; x < GST_VIDEO_FRAME_WIDTH(&frame); ++x)
    for (gint component = 0; component < 3; ++component)
      bytes.push_back(row[x * 4 + GST_VIDEO_FRAME_COMP_POFFSET(&frame, component)]);
  return bytes;
}

}  // namespace

std::string md5_of_pixels(GstBuffer* buffer, const GstVideoInfo& info) {
  GstVideoFrame frame;
  if (!gst_video_frame_map(&frame, const_cast<GstVideoInfo*>(&info), buffer, GST_MAP_READ))
    return "";
  GChecksum* sum = g_checksum_new(G_CHECKSUM_MD5);
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); ++plane) {
    gint component[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component(info.finfo, plane, component);
    const gint width = GST_VIDEO_FRAME_COMP_WIDTH(&frame, component[0]) *
                       GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component[0]);
    const auto* row = static_cast<const guchar*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frame, component[0]); ++y) {
      if (has_filler(frame))
        g_checksum_update(sum, without_filler(frame, row).data(), width / 4 * 3);
      else
        g_checksum_update(sum, row, width);
      row += GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane);
    }
  }
  const std::string result = g_checksum_get_string(sum);
  g_checksum_free(sum);
  gst_video_frame_unmap(&frame);
  return result;
}

}  // namespace film
