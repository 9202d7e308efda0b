// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sound on its way from a film to an encoder.
#pragma once

#include <gst/gst.h>

#include <string>

namespace dist::tool {

// Whether something installed makes raw sound of this.
bool can_decode(const GstCaps* caps);

// More are mixed down to these. The encoder has to be installed.
unsigned most_channels(const std::string& encoder);

// Decodes and encodes, as gst-launch has it; `name` makes its elements' names unique.
std::string encoding_line(const std::string& encoder, const std::string& name);
// To be called once such a line is in the pipeline.
void prepare_encoding(GstBin* pipeline, const std::string& name);

// Mends the times of raw sound that comes through this pad: demuxers forget some, and the one of
// MOV gives all samples of high rates the same.
void mend_times(GstPad* pad);

}  // namespace dist::tool
