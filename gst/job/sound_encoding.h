// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sound on its way from a film to an encoder.
#pragma once

#include <gst/gst.h>

#include <string>

#include "gst/gstx/bin_builder.h"
#include "gst/gstx/ref.h"

namespace dist {

// Whether something installed makes raw sound of this.
bool can_decode(const GstCaps* caps);

// More are mixed down to these. The encoder has to be installed.
unsigned most_channels(const std::string& encoder);

// Adds what decodes the stream that comes from `from`, and encodes it with "encoder" + `name`,
// between the two elements.
void add_sound_encoder(BinBuilder& build, const Ref<GstElement>& from, const std::string& encoder,
                       const std::string& name, const Ref<GstElement>& to);

// Mends the times of raw sound that comes through this pad: demuxers forget some, and the one of
// MOV gives all samples of high rates the same.
void mend_times(GstPad* pad);

}  // namespace dist
