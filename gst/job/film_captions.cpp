// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/film_captions.h"

#include <gst/video/video.h>

#include "gst/gstx/ref.h"
#include "gst/rendition/captions.h"

namespace dist {

CaptionWatch::CaptionWatch(GstElement* parsebin) {
  g_signal_connect_data(
      parsebin, "element-added", G_CALLBACK(on_element), new SharedSeen(seen_),
      [](gpointer data, GClosure*) { delete static_cast<SharedSeen*>(data); }, GConnectFlags(0));
}

// Parsers of video attach the captions that they find to the pictures.
void CaptionWatch::on_element(GstBin*, GstElement* element, gpointer data) {
  const gchar* const kind =
      gst_element_class_get_metadata(GST_ELEMENT_GET_CLASS(element), GST_ELEMENT_METADATA_KLASS);
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(element, "src"));
  if (!pad || !kind || !g_strrstr(kind, "Parser"))
    return;
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_buffer,
                    new SharedSeen(*static_cast<SharedSeen*>(data)),
                    [](gpointer seen) { delete static_cast<SharedSeen*>(seen); });
}

GstPadProbeReturn CaptionWatch::on_buffer(GstPad*, GstPadProbeInfo* info, gpointer data) {
  if (!gst_buffer_get_meta(GST_PAD_PROBE_INFO_BUFFER(info), GST_VIDEO_CAPTION_META_API_TYPE))
    return GST_PAD_PROBE_OK;
  **static_cast<SharedSeen*>(data) = true;
  return GST_PAD_PROBE_REMOVE;
}

std::vector<std::string> CaptionWatch::losses(const std::vector<Output>& outputs) const {
  std::vector<std::string> sentences;
  if (*seen_)
    for (const Output& output : outputs)
      if (output.container && !output.rendition.empty() && !carries_captions(output.codec))
        sentences.push_back(output.path + " does not get the film's closed captions, which " +
                            output.codec + " does not take; h264, h265 and av1 do");
  return sentences;
}

}  // namespace dist
