// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Timestamps for an encoder that loses them.
#pragma once

#include <gst/gst.h>

namespace dist {

// From now on the encoder's buffers get the running times of its input as PTS and DTS, one after
// the other. Only for one that does not reorder frames and gives a buffer for each. Lasts as long
// as the encoder.
void keep_timestamps(GstElement* encoder);

}  // namespace dist
