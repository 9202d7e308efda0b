// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libav's decoders complain of. They conceal damage, and say so nowhere but in their log.
#pragma once

namespace dist {

// From now on complaints are counted, in the whole process and as long as it lives. What the
// application, or GST_DEBUG, lets the log show stays as it is. Any thread; without an effect as
// long as libav is not loaded.
void count_decoder_errors();

// Complaints of decoders that worked in the calling thread, since it began.
unsigned decoder_errors();

}  // namespace dist
