// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Interlaced pictures of more than 8 bits, which the element "deinterlace" of GStreamer 1.22 lets
// pass as they are.
#pragma once

#include <gst/gst.h>

namespace dist {

// From now on pictures that reach the sink pad of a "deinterlace", and that it would let pass, are
// made progressive by its method: each has the lines of its top field, and means of two of them in
// between. Formats whose samples are not in bytes or words end with an error of `element`, the
// pad's. Lasts as long as the pad.
void deinterlace_deep(GstElement* element);

}  // namespace dist
