// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The luma of a video frame of any format, for VisualHasher.
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <vector>

#include "gst/picture/visual_hash.h"

namespace dist {

// A frame that is mapped for reading as long as this lives. The format must be one that can be
// mapped (not GST_VIDEO_FORMAT_ENCODED or such of a device).
class FrameMap {
 public:
  FrameMap(const GstVideoInfo& info, GstBuffer* buffer);
  ~FrameMap();
  FrameMap(const FrameMap&) = delete;
  FrameMap& operator=(const FrameMap&) = delete;

  explicit operator bool() const { return mapped_; }
  const GstVideoFrame& get() const { return frame_; }

 private:
  GstVideoFrame frame_;
  bool mapped_ = false;
};

class LumaReader {
 public:
  // Where the luma is a plane of its own it stays where it is; else it is unpacked line by line,
  // and computed from RGB with the weights of BT.601, as PDQ does. Valid until the next call and as
  // long as the frame is mapped.
  LumaPlane read(const GstVideoFrame& frame);

  // The same, but packed formats of 8 bits stay where they are too.
  PixelPlane read_pixels(const GstVideoFrame& frame);

 private:
  LumaPlane unpack(const GstVideoFrame& frame);

  std::vector<std::uint8_t> line_;
  std::vector<std::uint8_t> luma_;
};

}  // namespace dist
