// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Closed captions for an encoder that leaves them out.
#pragma once

#include <gst/gst.h>

#include <string>

namespace dist {

// From now on the encoder's stream of that codec has the captions that come with its input, as far
// as the encoder does not write them itself. Lasts as long as the encoder.
void keep_captions(GstElement* encoder, const std::string& codec);

}  // namespace dist
