// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/visualhash/visualhash.h"

#include <algorithm>
#include <iterator>

#include "gst/gstx/luma_reader.h"
#include "gst/picture/visual_hash.h"

namespace {

constexpr char kMetaName[] = "GstVisualHashMeta";
constexpr char kMetaApiName[] = "GstVisualHashMetaAPI";

void store(const dist::HashedPicture& picture, GstVisualHashValue* hash) {
  std::ranges::copy(picture.hash, hash->bits);
  hash->quality = picture.quality;
}

dist::VisualHash bits_of(const GstVisualHashValue* hash) {
  dist::VisualHash bits;
  std::ranges::copy(hash->bits, bits.begin());
  return bits;
}

gboolean init_meta(GstMeta* meta, gpointer, GstBuffer*) {
  reinterpret_cast<GstVisualHashMeta*>(meta)->hash = {};
  return TRUE;
}

gboolean transform_meta(GstBuffer* to, GstMeta* meta, GstBuffer*, GQuark type, gpointer) {
  if (!GST_META_TRANSFORM_IS_COPY(type))
    return FALSE;
  gst_buffer_add_visual_hash_meta(to, &reinterpret_cast<GstVisualHashMeta*>(meta)->hash);
  return TRUE;
}

// The plugin and the library have each a copy of this code; the first of them registers.
const GstMetaInfo* meta_info() {
  static const GstMetaInfo* const info = [] {
    const GstMetaInfo* known = gst_meta_get_info(kMetaName);
    return known ? known
                 : gst_meta_register(gst_visual_hash_meta_api_get_type(), kMetaName,
                                     sizeof(GstVisualHashMeta), init_meta, nullptr, transform_meta);
  }();
  return info;
}

}  // namespace

static_assert(GST_VISUAL_HASH_SAME == dist::kSameHashDistance &&
              GST_VISUAL_HASH_MIN_QUALITY == dist::kMinHashQuality);

void gst_visual_hash_from_plane(GstVisualHashValue* hash, const guint8* luma, gssize stride,
                                guint width, guint height) {
  const dist::LumaPlane plane{.data = luma,
                              .stride = static_cast<std::ptrdiff_t>(stride),
                              .width = width,
                              .height = height,
                              .depth = 8,
                              .full_range = true};
  store(dist::VisualHasher(width, height).hash(plane), hash);
}

void gst_visual_hash_from_frame(GstVisualHashValue* hash, const GstVideoFrame* frame) {
  dist::LumaReader reader;
  const dist::PixelPlane pixels = reader.read_pixels(*frame);
  store(dist::VisualHasher(pixels.first.width, pixels.first.height).hash(pixels), hash);
}

guint gst_visual_hash_distance(const GstVisualHashValue* a, const GstVisualHashValue* b) {
  return dist::distance(bits_of(a), bits_of(b));
}

gchar* gst_visual_hash_to_string(const GstVisualHashValue* hash) {
  return g_strdup(dist::to_hex(bits_of(hash)).c_str());
}

gboolean gst_visual_hash_from_string(GstVisualHashValue* hash, const gchar* digits) {
  const auto bits = dist::visual_hash_from_hex(digits);
  if (bits)
    std::ranges::copy(*bits, hash->bits);
  return bits.has_value();
}

GType gst_visual_hash_meta_api_get_type(void) {
  static const GType type = [] {
    // It stays true when the picture is scaled or changes its format.
    static const gchar* tags[] = {GST_META_TAG_VIDEO_STR, nullptr};
    const GType known = g_type_from_name(kMetaApiName);
    return known ? known : gst_meta_api_type_register(kMetaApiName, tags);
  }();
  return type;
}

GstVisualHashMeta* gst_buffer_get_visual_hash_meta(GstBuffer* buffer) {
  return reinterpret_cast<GstVisualHashMeta*>(
      gst_buffer_get_meta(buffer, gst_visual_hash_meta_api_get_type()));
}

GstVisualHashMeta* gst_buffer_add_visual_hash_meta(GstBuffer* buffer,
                                                   const GstVisualHashValue* hash) {
  auto* meta =
      reinterpret_cast<GstVisualHashMeta*>(gst_buffer_add_meta(buffer, meta_info(), nullptr));
  meta->hash = *hash;
  return meta;
}
