// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/segment_context.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

// Appends bytes [offset, offset + length) of the list.
void append(BytesList& out, const BytesList& list, std::uint64_t offset, std::uint64_t length) {
  for (const Bytes& piece : list) {
    if (length == 0)
      return;
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    const std::uint64_t part = std::min<std::uint64_t>(piece.size() - offset, length);
    out.push_back(piece.slice(offset, part));
    offset = 0;
    length -= part;
  }
}

}  // namespace

std::optional<SegmentBytes> with_context(const SegmentBytes& before, const SegmentBytes& segment) {
  const SegmentHeader& earlier = *before.header;
  const SegmentHeader& here = *segment.header;
  if (earlier.index + 1 != here.index || earlier.stream_id != here.stream_id ||
      earlier.caps != here.caps || !(earlier.time_segment == here.time_segment) ||
      here.first_unit <= earlier.first_unit ||
      here.first_unit > earlier.first_unit + earlier.units.size())
    return std::nullopt;
  auto header = std::make_shared<SegmentHeader>(here);
  header->first_unit = earlier.first_unit;
  header->units.clear();
  std::uint64_t size = 0;
  for (std::uint64_t i = 0; i < here.first_unit - earlier.first_unit; ++i) {
    AccessUnit unit = earlier.units[i];
    unit.show = kNoTime;
    size += unit.size;
    header->units.push_back(unit);
  }
  header->units.insert(header->units.end(), here.units.begin(), here.units.end());

  BytesList bytes{serialize(*header)};
  append(bytes, before.bytes, total_size(before.bytes) - earlier.payload_size(), size);
  const std::uint64_t payload = here.payload_size();
  append(bytes, segment.bytes, total_size(segment.bytes) - payload, payload);
  return SegmentBytes{std::move(header), std::move(bytes)};
}

}  // namespace dist
