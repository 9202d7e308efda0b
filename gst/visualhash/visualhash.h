/* SPDX-FileCopyrightText: The gst-dist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The visual hash of a picture (PDQ): 256 bits that stay nearly the same when it is scaled or
 * compressed, and a quality. For applications in C; link to gstvisualhash-1.0. All functions may be
 * called from any thread. */
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

#ifndef GST_VISUAL_HASH_API
#define GST_VISUAL_HASH_API __attribute__((visibility("default")))
#endif

/* Two pictures whose hashes differ in no more bits than this show the same. */
#define GST_VISUAL_HASH_SAME 31
/* Hashes of a lower quality, of flat pictures, mean little. */
#define GST_VISUAL_HASH_MIN_QUALITY 50

typedef struct {
  guint8 bits[32]; /* As in hex, the first digit in the upper half of the first byte. */
  guint quality;   /* 0 to 100. */
} GstVisualHashValue;

/* Of a plane of 8-bit luma of the full range; rows are `stride` bytes apart. */
GST_VISUAL_HASH_API
void gst_visual_hash_from_plane(GstVisualHashValue* hash, const guint8* luma, gssize stride,
                                guint width, guint height);

/* Of a mapped frame of any format. */
GST_VISUAL_HASH_API
void gst_visual_hash_from_frame(GstVisualHashValue* hash, const GstVideoFrame* frame);

/* Bits that differ: 0 to 256. */
GST_VISUAL_HASH_API
guint gst_visual_hash_distance(const GstVisualHashValue* a, const GstVisualHashValue* b);

/* 64 hex digits. Free with g_free(). */
GST_VISUAL_HASH_API
gchar* gst_visual_hash_to_string(const GstVisualHashValue* hash);

/* FALSE, and `hash` as it was, if these are not 64 hex digits. Leaves the quality. */
GST_VISUAL_HASH_API
gboolean gst_visual_hash_from_string(GstVisualHashValue* hash, const gchar* digits);

/* What the element visualhash leaves on a buffer. */
typedef struct {
  GstMeta meta;
  GstVisualHashValue hash;
} GstVisualHashMeta;

GST_VISUAL_HASH_API
GType gst_visual_hash_meta_api_get_type(void);

/* NULL if the buffer has none. Borrowed from the buffer. */
GST_VISUAL_HASH_API
GstVisualHashMeta* gst_buffer_get_visual_hash_meta(GstBuffer* buffer);

/* The buffer must be writable. */
GST_VISUAL_HASH_API
GstVisualHashMeta* gst_buffer_add_visual_hash_meta(GstBuffer* buffer,
                                                   const GstVisualHashValue* hash);

G_END_DECLS
