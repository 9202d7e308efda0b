// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a video's caps tell of its pictures beside their size.
#pragma once

#include <string>

namespace dist::tool {

struct PictureFormat {
  unsigned bit_depth = 0;   // 0: not told.
  std::string colorimetry;  // As GStreamer writes it; empty: not told.
  std::string hdr;          // "pq", "hlg", or empty: it is none.
  bool mastering = false;   // It tells of the display that it was mastered on.
};

PictureFormat picture_format(const std::string& caps);

// GStreamer's tag in words: "turned by 90 degrees", "mirrored, turned by 270 degrees".
std::string orientation_text(const std::string& orientation);

// "10 bits a sample, HDR (PQ), …"; empty if there is nothing to tell.
std::string picture_text(const PictureFormat& facts, const std::string& orientation);

}  // namespace dist::tool
