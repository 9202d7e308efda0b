// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Streams as libavformat describes them.
#pragma once

#include <gst/gst.h>

extern "C" {
#include <libavformat/avformat.h>
}

namespace dist {

// Whether fill_parameters() can.
bool has_parameters(const GstCaps* caps);
// What a muxer wants to know. False if that cannot be said of such a stream.
bool fill_parameters(AVStream* stream, const GstCaps* caps);

// Where parameter sets are beside the stream: Apple's players take no "hev1".
void set_mp4_tag(AVCodecParameters* parameters);

// Subtitles in words, for a picture of that size.
void fill_text_parameters(AVStream* stream, AVCodecID codec, unsigned width, unsigned height);

}  // namespace dist
