// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/gather_memory.h"

#include <algorithm>

#include "gst/base/mutex.h"

namespace {

constexpr char kMemoryType[] = "DistGather";

struct GatherContents {
  std::vector<dist::Ref<GstBuffer>> parts;
  std::vector<gsize> ends;  // Where each part ends.
  dist::Mutex mutex;
  std::vector<std::uint8_t> merged GUARDED_BY(mutex);  // Filled by the first map.
};

struct GatherMemory {
  GstMemory memory;
  GatherContents* contents;
};

GatherContents& contents_of(GstMemory* memory) {
  return *reinterpret_cast<GatherMemory*>(memory)->contents;
}

gpointer gather_map(GstMemory* memory, gsize, GstMapFlags flags) {
  // The frames belong to others too.
  if ((flags & GST_MAP_WRITE) != 0)
    return nullptr;
  GatherContents& contents = contents_of(memory);
  const dist::MutexLock lock(contents.mutex);
  if (contents.merged.empty()) {
    contents.merged.resize(memory->maxsize);
    gsize offset = 0;
    for (const auto& part : contents.parts)
      offset += gst_buffer_extract(part.get(), 0, contents.merged.data() + offset,
                                   memory->maxsize - offset);
  }
  return contents.merged.data();
}

GstMemory* copy_range(GstMemory* memory, gsize offset, gsize size) {
  GstMemory* copy = gst_allocator_alloc(nullptr, size, nullptr);
  GstMapInfo map;
  if (!gst_memory_map(copy, &map, GST_MAP_WRITE)) {
    gst_memory_unref(copy);
    return nullptr;
  }
  const GatherContents& contents = contents_of(memory);
  gsize done = 0;
  for (std::size_t i = 0; i < contents.parts.size() && done < size; ++i) {
    const gsize begin = i == 0 ? 0 : contents.ends[i - 1];
    if (contents.ends[i] <= offset + done)
      continue;
    done += gst_buffer_extract(contents.parts[i].get(), offset + done - begin, map.data + done,
                               size - done);
  }
  gst_memory_unmap(copy, &map);
  return copy;
}

GstMemory* gather_copy(GstMemory* memory, gssize offset, gssize size) {
  const gsize begin = memory->offset + static_cast<gsize>(offset);
  return copy_range(
      memory, begin,
      size < 0 ? memory->size - static_cast<gsize>(offset) : static_cast<gsize>(size));
}

// A range inside one part with one memory is shared with it: that is how distjoin takes a segment
// apart again without copying.
GstMemory* gather_share(GstMemory* memory, gssize offset, gssize size) {
  const gsize begin = memory->offset + static_cast<gsize>(offset);
  const gsize length =
      size < 0 ? memory->size - static_cast<gsize>(offset) : static_cast<gsize>(size);
  const GatherContents& contents = contents_of(memory);
  const auto part = static_cast<std::size_t>(
      std::upper_bound(contents.ends.begin(), contents.ends.end(), begin) - contents.ends.begin());
  if (part < contents.parts.size() && begin + length <= contents.ends[part]) {
    GstBuffer* buffer = contents.parts[part].get();
    const gsize part_begin = part == 0 ? 0 : contents.ends[part - 1];
    if (gst_buffer_n_memory(buffer) == 1 &&
        !GST_MEMORY_IS_NO_SHARE(gst_buffer_peek_memory(buffer, 0)))
      return gst_memory_share(gst_buffer_peek_memory(buffer, 0),
                              static_cast<gssize>(begin - part_begin), static_cast<gssize>(length));
  }
  return copy_range(memory, begin, length);
}

}  // namespace

G_DECLARE_FINAL_TYPE(DistGatherAllocator, dist_gather_allocator, DIST, GATHER_ALLOCATOR,
                     GstAllocator)

struct _DistGatherAllocator {
  GstAllocator parent;
};

G_DEFINE_TYPE(DistGatherAllocator, dist_gather_allocator, GST_TYPE_ALLOCATOR)

static void dist_gather_allocator_free(GstAllocator*, GstMemory* memory) {
  auto* gather = reinterpret_cast<GatherMemory*>(memory);
  delete gather->contents;
  g_free(gather);
}

static void dist_gather_allocator_init(DistGatherAllocator* self) {
  GstAllocator* allocator = GST_ALLOCATOR_CAST(self);
  allocator->mem_type = kMemoryType;
  allocator->mem_map = gather_map;
  allocator->mem_unmap = [](GstMemory*) {};
  allocator->mem_copy = gather_copy;
  allocator->mem_share = gather_share;
  GST_OBJECT_FLAG_SET(self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

static void dist_gather_allocator_class_init(DistGatherAllocatorClass* klass) {
  GST_ALLOCATOR_CLASS(klass)->free = dist_gather_allocator_free;
}

namespace dist {

GstMemory* gather_memory_new(std::vector<Ref<GstBuffer>> parts) {
  static GstAllocator* const allocator = [] {
    auto* created = GST_ALLOCATOR(g_object_new(dist_gather_allocator_get_type(), nullptr));
    gst_object_ref_sink(created);
    GST_OBJECT_FLAG_SET(created, GST_OBJECT_FLAG_MAY_BE_LEAKED);
    return created;
  }();

  auto* contents = new GatherContents;
  gsize size = 0;
  for (auto& part : parts) {
    size += gst_buffer_get_size(part.get());
    contents->ends.push_back(size);
  }
  contents->parts = std::move(parts);
  auto* gather = g_new0(GatherMemory, 1);
  gather->contents = contents;
  gst_memory_init(GST_MEMORY_CAST(gather), GST_MEMORY_FLAG_READONLY, allocator, nullptr, size, 0, 0,
                  size);
  return GST_MEMORY_CAST(gather);
}

std::span<const Ref<GstBuffer>> gather_memory_parts(GstMemory* memory) {
  if (!gst_memory_is_type(memory, kMemoryType) || memory->size != memory->maxsize)
    return {};
  return contents_of(memory).parts;
}

}  // namespace dist
