// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Segments as GstBuffers with caps application/x-dist-segment, and back. A segment buffer holds the
// serialised header in its first memory and the payload in those after it; PTS is the first
// presented frame, DURATION reaches to the next segment, OFFSET is the index.
#pragma once

#include <gst/gst.h>

#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/cut/segment.h"
#include "gst/gstx/ref.h"

namespace dist {

inline constexpr char kSegmentCaps[] = "application/x-dist-segment";
// A field that such caps may have: the names of all renditions that will come, in a GstValueArray.
inline constexpr char kRenditionsField[] = "renditions";

// A segment of the given access units, which are held, not copied; their sizes are those in
// `header`.
Ref<GstBuffer> make_segment_buffer(const SegmentHeader& header, std::vector<Ref<GstBuffer>> units);

// A segment that is already serialised, as `header` describes it.
Ref<GstBuffer> make_segment_buffer(const SegmentHeader& header, const BytesList& serialized);

// The same, where the header is not read yet: the bytes alone.
Ref<GstBuffer> to_buffer(const BytesList& serialized);

// Reads and checks the header.
Result<SegmentHeader> read_header(GstBuffer* segment);

// The buffer's bytes in pieces that hold a reference to where they lie.
BytesList to_bytes(GstBuffer* buffer);

// The flags of a buffer that say something of its contents, as AccessUnit keeps them.
std::uint32_t unit_flags(GstBuffer* buffer);

// Access unit `unit` of a segment whose payload begins after `header_size` bytes, at payload offset
// `offset`, with the unit's timestamps and flags. The bytes are shared with the segment.
Ref<GstBuffer> unit_buffer(GstBuffer* segment, std::size_t header_size, std::uint64_t offset,
                           const AccessUnit& unit);

// Payload bytes begin after so many bytes of the segment.
inline std::size_t header_size(GstBuffer* segment, const SegmentHeader& header) {
  return gst_buffer_get_size(segment) - header.payload_size();
}

// The payload alone, in pieces as those of to_bytes().
inline BytesList payload_of(GstBuffer* segment, const SegmentHeader& header) {
  return slice(to_bytes(segment), header_size(segment, header), header.payload_size());
}

TimeSegment to_time_segment(const GstSegment& segment);
GstSegment to_gst_segment(const TimeSegment& segment);

}  // namespace dist
