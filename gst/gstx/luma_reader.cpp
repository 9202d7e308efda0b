// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/luma_reader.h"

#include <cstddef>
#include <optional>

namespace dist {
namespace {

// Whether the samples of component 0 lie one after another as LumaPlane wants them.
bool is_plane(const GstVideoFrame& frame) {
  const GstVideoFormatInfo* format = frame.info.finfo;
  if (!GST_VIDEO_FORMAT_INFO_IS_YUV(format) && !GST_VIDEO_FORMAT_INFO_IS_GRAY(format))
    return false;
  if (GST_VIDEO_FORMAT_INFO_IS_COMPLEX(format) || GST_VIDEO_FORMAT_INFO_IS_TILED(format))
    return false;
  const guint depth = GST_VIDEO_FORMAT_INFO_DEPTH(format, 0);
  const gint size = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, 0);
  if (depth == 8)
    return size == 1;
  return size == 2 && GST_VIDEO_FORMAT_INFO_IS_LE(format) == (G_BYTE_ORDER == G_LITTLE_ENDIAN);
}

// BT.601, of red, green and blue, in 65536ths.
constexpr unsigned kWeights[] = {19595, 38470, 7471};
constexpr unsigned kWhole = 65536;

// How much of the luma each of the bytes of a pixel is; nothing if it is not made of bytes that lie
// one after another.
std::optional<PixelPlane> shares_of(const GstVideoFrame& frame) {
  const GstVideoFormatInfo* format = frame.info.finfo;
  const bool rgb = GST_VIDEO_FORMAT_INFO_IS_RGB(format);
  if ((!rgb && !GST_VIDEO_FORMAT_INFO_IS_YUV(format)) ||
      GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format) || GST_VIDEO_FORMAT_INFO_IS_COMPLEX(format) ||
      GST_VIDEO_FORMAT_INFO_IS_TILED(format))
    return std::nullopt;
  PixelPlane pixels{.first = {}, .samples = 0, .shares = {}};
  const gint size = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, 0);
  for (guint i = 0; i < (rgb ? 3u : 1u); ++i) {
    const guint place = GST_VIDEO_FORMAT_INFO_POFFSET(format, i);
    if (GST_VIDEO_FORMAT_INFO_DEPTH(format, i) != 8 ||
        GST_VIDEO_FORMAT_INFO_SHIFT(format, i) != 0 ||
        GST_VIDEO_FORMAT_INFO_PLANE(format, i) != 0 ||
        GST_VIDEO_FORMAT_INFO_PSTRIDE(format, i) != size || size > 4 ||
        place >= static_cast<guint>(size))
      return std::nullopt;
    pixels.shares[place] = rgb ? static_cast<float>(kWeights[i]) / kWhole : 1;
  }
  pixels.samples = static_cast<unsigned>(size);
  pixels.first.data = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0));
  pixels.first.stride = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
  return pixels;
}

void describe(const GstVideoFrame& frame, LumaPlane& plane) {
  plane.width = static_cast<unsigned>(GST_VIDEO_FRAME_WIDTH(&frame));
  plane.height = static_cast<unsigned>(GST_VIDEO_FRAME_HEIGHT(&frame));
  plane.full_range = frame.info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
}

// One line of four components, the first of them alpha.
template <typename Sample>
void take_luma(const Sample* line, bool rgb, unsigned width, Sample* luma) {
  for (unsigned x = 0; x < width; ++x) {
    const Sample* pixel = line + 4 * x;
    luma[x] = rgb ? static_cast<Sample>((kWeights[0] * pixel[1] + kWeights[1] * pixel[2] +
                                         kWeights[2] * pixel[3] + kWhole / 2) /
                                        kWhole)
                  : pixel[1];
  }
}

}  // namespace

FrameMap::FrameMap(const GstVideoInfo& info, GstBuffer* buffer)
    : mapped_(gst_video_frame_map(&frame_, &info, buffer, GST_MAP_READ) != FALSE) {}

FrameMap::~FrameMap() {
  if (mapped_)
    gst_video_frame_unmap(&frame_);
}

LumaPlane LumaReader::read(const GstVideoFrame& frame) {
  LumaPlane plane = {};
  if (is_plane(frame)) {
    plane.data = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_COMP_DATA(&frame, 0));
    plane.stride = GST_VIDEO_FRAME_COMP_STRIDE(&frame, 0);
    plane.depth = GST_VIDEO_FORMAT_INFO_DEPTH(frame.info.finfo, 0) +
                  GST_VIDEO_FORMAT_INFO_SHIFT(frame.info.finfo, 0);
  } else {
    plane = unpack(frame);
  }
  describe(frame, plane);
  return plane;
}

PixelPlane LumaReader::read_pixels(const GstVideoFrame& frame) {
  auto pixels = shares_of(frame);
  if (!pixels)
    return PixelPlane{read(frame)};
  describe(frame, pixels->first);
  return *pixels;
}

LumaPlane LumaReader::unpack(const GstVideoFrame& frame) {
  const GstVideoFormatInfo* format = frame.info.finfo;
  const GstVideoFormatInfo* unpacked = gst_video_format_get_info(format->unpack_format);
  const bool wide = GST_VIDEO_FORMAT_INFO_DEPTH(unpacked, 0) > 8;
  const bool rgb = GST_VIDEO_FORMAT_INFO_IS_RGB(unpacked);
  const auto width = static_cast<unsigned>(GST_VIDEO_FRAME_WIDTH(&frame));
  const auto height = static_cast<unsigned>(GST_VIDEO_FRAME_HEIGHT(&frame));
  const std::size_t size = wide ? 2 : 1;
  line_.resize(std::size_t{4} * width * size);
  luma_.resize(std::size_t{width} * height * size);
  for (unsigned y = 0; y < height; ++y) {
    format->unpack_func(format, GST_VIDEO_PACK_FLAG_NONE, line_.data(), frame.data,
                        frame.info.stride, 0, static_cast<gint>(y), static_cast<gint>(width));
    std::uint8_t* luma = luma_.data() + y * width * size;
    if (wide)
      take_luma(reinterpret_cast<const std::uint16_t*>(line_.data()), rgb, width,
                reinterpret_cast<std::uint16_t*>(luma));
    else
      take_luma(line_.data(), rgb, width, luma);
  }
  LumaPlane plane;
  plane.data = luma_.data();
  plane.stride = static_cast<std::ptrdiff_t>(width * size);
  plane.depth = wide ? 16 : 8;
  return plane;
}

}  // namespace dist
