/* SPDX-FileCopyrightText: The gst-dist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/**
 * SECTION:gstvisualhash
 * @title: GstVisualHash
 * @short_description: Perceptual hashes of pictures
 *
 * The visual hash of a picture (PDQ): 256 bits that stay nearly the same when the picture is scaled
 * or compressed, and a quality. Applications in C link to gstvisualhash-1.0; other languages import
 * the namespace GstVisualHash. All functions may be called from any thread.
 *
 * Since: 0.2
 */

#ifndef GST_VISUAL_HASH_API
#define GST_VISUAL_HASH_API __attribute__((visibility("default")))
#endif

/**
 * GST_VISUAL_HASH_SAME:
 *
 * Two pictures whose hashes differ in no more bits than this show the same.
 *
 * Since: 0.2
 */
#define GST_VISUAL_HASH_SAME 31

/**
 * GST_VISUAL_HASH_MIN_QUALITY:
 *
 * Hashes of a lower quality, of flat pictures, mean little.
 *
 * Since: 0.2
 */
#define GST_VISUAL_HASH_MIN_QUALITY 50

/**
 * GstVisualHashValue:
 * @bits: the hash as in hex, the first digit in the upper half of the first byte
 * @quality: 0 to 100
 *
 * Since: 0.2
 */
typedef struct {
  guint8 bits[32];
  guint quality;
} GstVisualHashValue;

/**
 * gst_visual_hash_from_plane:
 * @hash: (out caller-allocates): the hash of the picture
 * @luma: (array zero-terminated=0): 8-bit luma of the full range
 * @stride: bytes from one row to the next
 * @width: pixels in a row
 * @height: rows
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
void gst_visual_hash_from_plane(GstVisualHashValue* hash, const guint8* luma, gssize stride,
                                guint width, guint height);

/**
 * gst_visual_hash_from_frame:
 * @hash: (out caller-allocates): the hash of the picture
 * @frame: a mapped frame of any format
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
void gst_visual_hash_from_frame(GstVisualHashValue* hash, const GstVideoFrame* frame);

/**
 * gst_visual_hash_distance:
 * @a: a hash
 * @b: another one
 *
 * Returns: the number of bits that differ, 0 to 256
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
guint gst_visual_hash_distance(const GstVisualHashValue* a, const GstVisualHashValue* b);

/**
 * gst_visual_hash_to_string:
 * @hash: a hash
 *
 * Returns: (transfer full): 64 hex digits; free with g_free()
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
gchar* gst_visual_hash_to_string(const GstVisualHashValue* hash);

/**
 * gst_visual_hash_from_string:
 * @hash: gets the bits; its quality stays
 * @digits: 64 hex digits
 *
 * Returns: %FALSE, and @hash as it was, if @digits are not 64 hex digits
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
gboolean gst_visual_hash_from_string(GstVisualHashValue* hash, const gchar* digits);

/**
 * GstVisualHashMeta:
 * @meta: the parent
 * @hash: the hash of the frame
 *
 * What the element visualhash leaves on a buffer.
 *
 * Since: 0.2
 */
typedef struct {
  GstMeta meta;
  GstVisualHashValue hash;
} GstVisualHashMeta;

/**
 * gst_visual_hash_meta_api_get_type:
 *
 * Returns: the type of the API of #GstVisualHashMeta
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
GType gst_visual_hash_meta_api_get_type(void);

/**
 * gst_buffer_get_visual_hash_meta:
 * @buffer: a buffer
 *
 * Returns: (transfer none) (nullable): the hash on @buffer, which owns it, or %NULL if there is
 * none
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
GstVisualHashMeta* gst_buffer_get_visual_hash_meta(GstBuffer* buffer);

/**
 * gst_buffer_add_visual_hash_meta:
 * @buffer: a writable buffer
 * @hash: the hash to be copied to it
 *
 * Returns: (transfer none): what @buffer then owns
 *
 * Since: 0.2
 */
GST_VISUAL_HASH_API
GstVisualHashMeta* gst_buffer_add_visual_hash_meta(GstBuffer* buffer,
                                                   const GstVisualHashValue* hash);

G_END_DECLS
