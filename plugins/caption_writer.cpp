// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/caption_writer.h"

#include <gst/video/video.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "gst/gstx/ref.h"
#include "gst/rendition/captions.h"

namespace dist {
namespace {

// Encoders copy what is attached to a picture to what they make of it.
std::vector<std::uint8_t> captions_of(GstBuffer* buffer) {
  std::vector<std::uint8_t> data;
  gpointer state = nullptr;
  while (const GstMeta* const meta =
             gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_CAPTION_META_API_TYPE)) {
    const auto* const captions = reinterpret_cast<const GstVideoCaptionMeta*>(meta);
    if (captions->caption_type == GST_VIDEO_CAPTION_TYPE_CEA708_RAW)
      data.insert(data.end(), captions->data, captions->data + captions->size);
  }
  return data;
}

bool has_start_codes(GstPad* pad) {
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(pad));
  const gchar* const format =
      caps ? gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "stream-format")
           : nullptr;
  return !format || std::string_view(format) == "byte-stream" ||
         std::string_view(format) == "obu-stream";
}

GstPadProbeReturn on_output(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  GstBuffer* const buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  const std::vector<std::uint8_t> captions = captions_of(buffer);
  if (captions.empty() || !has_start_codes(pad))
    return GST_PAD_PROBE_OK;
  Ref<GstBuffer> changed;
  if (const BufferMap map(buffer); map)
    if (const auto unit = with_captions(map.span(), static_cast<const char*>(data), captions))
      changed = Ref<GstBuffer>::adopt(gst_buffer_new_memdup(unit->data(), unit->size()));
  if (!changed)
    return GST_PAD_PROBE_OK;
  gst_buffer_copy_into(changed.get(), buffer, GST_BUFFER_COPY_METADATA, 0, -1);
  GST_PAD_PROBE_INFO_DATA(info) = changed.release();
  gst_buffer_unref(buffer);
  return GST_PAD_PROBE_OK;
}

}  // namespace

void keep_captions(GstElement* encoder, const std::string& codec) {
  if (!carries_captions(codec))
    return;
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(encoder, "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_output, g_strdup(codec.c_str()),
                    g_free);
}

}  // namespace dist
