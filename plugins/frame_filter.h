// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Leaves out frames that a segment, or a rendition at a reduced rate, does not have.
#pragma once

#include <gst/gst.h>

#include <atomic>

#include "gst/rendition/rendition.h"

namespace dist {

// From now on only one buffer passes the sink pad for each frame of the current lease's source:
// decoders make more of damaged streams. The lease is told which frames are damaged. `shows`
// becomes true with the first frame. Lasts as long as the pad, and `shows` has to.
void pass_frames_of_lease(GstPad* sink_pad, std::atomic<bool>& shows);

// From now on only those buffers that frames_of() the current lease's source names pass the sink
// pad, and CAPS events say the reduced rate. Frames at times that the source does not have pass
// too: whoever checks the result shall see them. Lasts as long as the pad.
void filter_frames(GstPad* sink_pad, const RenditionSpec& spec);

}  // namespace dist
