// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A segment together with what lies before it in the film: a decoder that starts there is as far as
// an undistributed one when it comes to the segment.
#pragma once

#include <memory>
#include <optional>

#include "gst/base/bytes.h"
#include "gst/cut/segment.h"

namespace dist {

struct SegmentBytes {
  std::shared_ptr<const SegmentHeader> header;
  BytesList bytes;  // Serialised; the header comes first.
};

// The source segment `segment` with the units of `before`, the one before it, in front, where they
// only help decoding. The payload is shared. None where a decoder starts anew between the two, or
// the segment has those units already.
std::optional<SegmentBytes> with_context(const SegmentBytes& before, const SegmentBytes& segment);

}  // namespace dist
