// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace dist {

// qtdemux of GStreamer 1.22 does not read whether an MP4's picture has the full range, and parsers
// of H.264 and H.265 believe it rather than the stream; the picture would come out with other
// contrast. For the shape of pixels it takes square ones where the MP4 says nothing, while decoders
// believe the stream then. Lets the parsers that `parsebin` will use believe the stream, where it
// says anything.
void prefer_colours_of_stream(GstElement* parsebin);

}  // namespace dist
