// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/segment_buffer.h"

#include <span>

#include "gst/gstx/gather_memory.h"

namespace dist {
namespace {

static_assert(kNoTime == GST_CLOCK_TIME_NONE);
static_assert(kFlagDeltaUnit == GST_BUFFER_FLAG_DELTA_UNIT);

// Those of GstMiniObject, and one about memory, belong to this very buffer.
constexpr std::uint32_t kOwnFlags = (GST_MINI_OBJECT_FLAG_LAST - 1) | GST_BUFFER_FLAG_TAG_MEMORY;

GstMemory* wrap(const Bytes& bytes) {
  const auto span = bytes.span();
  return gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<std::uint8_t*>(span.data()),
                                span.size(), 0, span.size(), g_bytes_ref(bytes.get()),
                                [](gpointer p) { g_bytes_unref(static_cast<GBytes*>(p)); });
}

Ref<GstBuffer> new_segment_buffer(const SegmentHeader& header) {
  auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new());
  GST_BUFFER_PTS(buffer.get()) = header.start;
  GST_BUFFER_DURATION(buffer.get()) = header.stop - header.start;
  GST_BUFFER_OFFSET(buffer.get()) = header.index;
  GST_BUFFER_OFFSET_END(buffer.get()) = header.index + 1;
  return buffer;
}

// The bytes of one memory; the result keeps it mapped.
Bytes map_memory(GstMemory* memory) {
  struct Mapped {
    Ref<GstMemory> memory;
    GstMapInfo info;
  };
  auto mapped = std::make_unique<Mapped>(Mapped{Ref<GstMemory>::share(memory), {}});
  if (!gst_memory_map(memory, &mapped->info, GST_MAP_READ))
    return {};
  const gpointer data = mapped->info.data;
  const gsize size = mapped->info.size;
  return Bytes::adopt(g_bytes_new_with_free_func(
      data, size,
      [](gpointer p) {
        const std::unique_ptr<Mapped> owner(static_cast<Mapped*>(p));
        gst_memory_unmap(owner->memory.get(), &owner->info);
      },
      mapped.release()));
}

void append_bytes(GstBuffer* buffer, BytesList& list) {
  for (guint i = 0; i < gst_buffer_n_memory(buffer); ++i) {
    GstMemory* memory = gst_buffer_peek_memory(buffer, i);
    const auto parts = gather_memory_parts(memory);
    if (parts.empty()) {
      if (Bytes bytes = map_memory(memory); bytes.size() > 0)
        list.push_back(std::move(bytes));
    }
    for (const auto& part : parts)
      append_bytes(part.get(), list);
  }
}

// The header comes first.
void append_pieces(GstBuffer* buffer, const BytesList& serialized) {
  if (serialized.empty())
    return;
  gst_buffer_append_memory(buffer, wrap(serialized.front()));
  // A buffer with many memories copies them together.
  std::vector<Ref<GstBuffer>> rest;
  for (const Bytes& piece : std::span(serialized).subspan(1)) {
    rest.push_back(Ref<GstBuffer>::adopt(gst_buffer_new()));
    gst_buffer_append_memory(rest.back().get(), wrap(piece));
  }
  if (!rest.empty())
    gst_buffer_append_memory(buffer, gather_memory_new(std::move(rest)));
}

}  // namespace

Ref<GstBuffer> make_segment_buffer(const SegmentHeader& header, std::vector<Ref<GstBuffer>> units) {
  auto buffer = new_segment_buffer(header);
  gst_buffer_append_memory(buffer.get(), wrap(serialize(header)));
  gst_buffer_append_memory(buffer.get(), gather_memory_new(std::move(units)));
  return buffer;
}

Ref<GstBuffer> make_segment_buffer(const SegmentHeader& header, const BytesList& serialized) {
  auto buffer = new_segment_buffer(header);
  append_pieces(buffer.get(), serialized);
  return buffer;
}

Ref<GstBuffer> to_buffer(const BytesList& serialized) {
  auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new());
  append_pieces(buffer.get(), serialized);
  return buffer;
}

Result<SegmentHeader> read_header(GstBuffer* segment) {
  const gsize total = gst_buffer_get_size(segment);
  if (gst_buffer_n_memory(segment) > 0) {
    const Bytes first = map_memory(gst_buffer_peek_memory(segment, 0));
    const auto size = parse_header_size(first.span());
    if (!size && first.size() >= kSegmentPrefix)
      return Error{size.error()};
    if (size && *size <= first.size())
      return parse_header(first.span(), total);
  }
  // Somebody cut the buffer up in another way.
  const BufferMap map(segment);
  return parse_header(map.span(), total);
}

BytesList to_bytes(GstBuffer* buffer) {
  BytesList list;
  append_bytes(buffer, list);
  return list;
}

std::uint32_t unit_flags(GstBuffer* buffer) {
  return GST_BUFFER_FLAGS(buffer) & ~kOwnFlags;
}

Ref<GstBuffer> unit_buffer(GstBuffer* segment, std::size_t header_size, std::uint64_t offset,
                           const AccessUnit& unit) {
  auto buffer = Ref<GstBuffer>::adopt(
      gst_buffer_copy_region(segment, GST_BUFFER_COPY_MEMORY, header_size + offset, unit.size));
  GST_BUFFER_PTS(buffer.get()) = unit.pts;
  GST_BUFFER_DTS(buffer.get()) = unit.dts;
  GST_BUFFER_DURATION(buffer.get()) = unit.duration;
  GST_BUFFER_FLAG_SET(buffer.get(), unit.flags & ~kOwnFlags);
  return buffer;
}

TimeSegment to_time_segment(const GstSegment& s) {
  return {.flags = static_cast<std::uint32_t>(s.flags),
          .rate = s.rate,
          .applied_rate = s.applied_rate,
          .base = s.base,
          .offset = s.offset,
          .start = s.start,
          .stop = s.stop,
          .time = s.time,
          .position = s.position,
          .duration = s.duration};
}

GstSegment to_gst_segment(const TimeSegment& s) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.flags = static_cast<GstSegmentFlags>(s.flags);
  segment.rate = s.rate;
  segment.applied_rate = s.applied_rate;
  segment.base = s.base;
  segment.offset = s.offset;
  segment.start = s.start;
  segment.stop = s.stop;
  segment.time = s.time;
  segment.position = s.position;
  segment.duration = s.duration;
  return segment;
}

}  // namespace dist
