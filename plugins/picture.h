// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What scaling and encoding must know of decoded pictures.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>

#include "gst/gstx/ref.h"
#include "gst/rendition/rendition.h"

namespace dist {

struct Picture {
  unsigned width = 0;
  unsigned height = 0;
  Fraction pixel_aspect_ratio{1, 1};
  std::optional<Fraction> framerate;
  unsigned depth = 8;  // Bits of a sample.
  // Fields of its caps that a copy of another size has in common with it: format and colours. Else
  // one rendition's wish, such as the full range of JPEG, would become that of all others of its
  // size.
  std::string samples;
  bool rgb = false;
  bool gray = false;
  bool full_range = false;
  std::string colorimetry;  // Of the samples, as in caps.

  double aspect_ratio() const {
    return static_cast<double>(width) * pixel_aspect_ratio.num /
           (static_cast<double>(height) * pixel_aspect_ratio.den);
  }
};

// None if these are not caps of raw video.
std::optional<Picture> picture_of(GstCaps* caps);

// But for the rounding of each side to an even number of pixels.
bool same_shape(const Picture& a, const Picture& b);

// Caps of decoded video with range and matrix stated, but for RGB. What the decoder does not know
// is what GStreamer takes for the picture's size, so that a copy of another size does not get other
// colours. What the decoder knows stays.
Ref<GstCaps> with_all_colours(GstCaps* decoded);

// mp4mux 1.22 crashes on VP9 without a chroma site. From now on the encoder is told the usual one
// of MPEG where its input says none. Lasts as long as the encoder.
void state_chroma_site(GstElement* encoder);

// The mastering display and the light level that caps state, as options of libx264, whose element
// leaves them out; empty if there are none.
std::string x264_options(GstCaps* caps);

// The same colours in another range.
std::string in_range(const std::string& colorimetry, bool full);

}  // namespace dist
