// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The headers of an AV1 encoder that says nothing of colours.
#pragma once

#include <gst/gst.h>

namespace dist {

// From now on the encoder's stream says, as the caps of its input do, what its colours are, and how
// bright its pictures. Lasts as long as the encoder.
void state_colours(GstElement* encoder);

}  // namespace dist
