// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/result_origin.h"

#include <algorithm>
#include <tuple>

#include "gst/base/bytes.h"

namespace dist {
namespace {

constexpr char kMeta[] = "DistResultOrigin";

// The plugin and the application that links this file both come here.
void register_meta() {
  static const GstMetaInfo* const info = [] {
    static const gchar* tags[] = {nullptr};
    const GstMetaInfo* const known = gst_meta_get_info(kMeta);
    return known ? known : gst_meta_register_custom(kMeta, tags, nullptr, nullptr, nullptr);
  }();
  static_cast<void>(info);
}

std::string text_of(const GstStructure* structure, const char* field) {
  const gchar* const text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

std::uint64_t number_of(const GstStructure* structure, const char* field) {
  guint64 number = 0;
  gst_structure_get_uint64(structure, field, &number);
  return number;
}

// As bytes, since a structure has no type for it.
constexpr std::size_t kHashSize = 8 + std::tuple_size_v<VisualHash> + 4;

Bytes packed(const std::vector<FrameHash>& hashes) {
  ByteWriter out(hashes.size() * kHashSize);
  for (const FrameHash& frame : hashes) {
    out.u64(frame.time);
    out.bytes(frame.hash);
    out.u32(frame.quality);
  }
  return Bytes::take(out.take());
}

std::vector<FrameHash> hashes_of(const GstStructure* structure) {
  std::vector<FrameHash> hashes;
  const GValue* const value = gst_structure_get_value(structure, "hashes");
  if (!value)
    return hashes;
  const Bytes bytes = Bytes::adopt(static_cast<GBytes*>(g_value_dup_boxed(value)));
  ByteReader in(bytes.span());
  while (in.remaining() >= kHashSize) {
    FrameHash& frame = hashes.emplace_back();
    frame.time = in.u64();
    std::ranges::copy(in.bytes(frame.hash.size()), frame.hash.begin());
    frame.quality = in.u32();
  }
  return hashes;
}

}  // namespace

void set_origin(GstBuffer* result, const ResultOrigin& origin) {
  register_meta();
  GstCustomMeta* const meta = gst_buffer_add_custom_meta(result, kMeta);
  if (const Bytes hashes = packed(origin.hashes); hashes.size() > 0)
    gst_structure_set(gst_custom_meta_get_structure(meta), "hashes", G_TYPE_BYTES, hashes.get(),
                      nullptr);
  gst_structure_set(gst_custom_meta_get_structure(meta), "worker", G_TYPE_STRING,
                    origin.worker.c_str(), "attempt", G_TYPE_UINT, origin.attempt, "leased",
                    G_TYPE_UINT64, guint64{origin.leased}, "answered", G_TYPE_UINT64,
                    guint64{origin.answered}, "rendition", G_TYPE_STRING, origin.rendition.c_str(),
                    "encoder", G_TYPE_STRING, origin.encoder.name.c_str(), "encoder-version",
                    G_TYPE_STRING, origin.encoder.version.c_str(), nullptr);
}

std::optional<ResultOrigin> origin_of(GstBuffer* result) {
  register_meta();
  GstCustomMeta* const meta = gst_buffer_get_custom_meta(result, kMeta);
  if (!meta)
    return std::nullopt;
  const GstStructure* const structure = gst_custom_meta_get_structure(meta);
  ResultOrigin origin{
      .worker = text_of(structure, "worker"),
      .attempt = 0,
      .leased = number_of(structure, "leased"),
      .answered = number_of(structure, "answered"),
      .rendition = text_of(structure, "rendition"),
      .encoder = {text_of(structure, "encoder"), text_of(structure, "encoder-version")},
      .hashes = hashes_of(structure)};
  gst_structure_get_uint(structure, "attempt", &origin.attempt);
  return origin;
}

}  // namespace dist
