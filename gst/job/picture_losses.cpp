// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/picture_losses.h"

#include <gst/video/video.h>

#include <algorithm>
#include <string_view>

#include "gst/gstx/encoder_choice.h"
#include "gst/rendition/encoder_table.h"

namespace dist {
namespace {

constexpr char k420[] = "4:2:0";

std::string field_of(const GstStructure* fields, const char* name) {
  const gchar* const text = gst_structure_get_string(fields, name);
  return text ? text : "";
}

std::string chroma_of(const GstVideoFormatInfo* format) {
  if (GST_VIDEO_FORMAT_INFO_IS_GRAY(format))
    return k420;
  if (GST_VIDEO_FORMAT_INFO_W_SUB(format, 1) == 0)
    return "4:4:4";
  return GST_VIDEO_FORMAT_INFO_H_SUB(format, 1) == 0 ? "4:2:2" : k420;
}

// How many of so many bits a sample those encoders keep that this machine would take.
unsigned kept_depth(const std::string& codec, unsigned depth) {
  RenditionSpec spec;
  spec.name = "any";
  spec.codec = codec;
  spec.width = 320;
  spec.height = 240;
  const std::string encoder = EncoderChoice().choose(spec).encoder;
  const std::string formats = setup_encoder(encoder, spec, 1, {}, depth).input_caps;
  for (const unsigned deep : {12u, 10u})
    if (formats.find("_" + std::to_string(deep) + "LE") != std::string::npos)
      return std::min(depth, deep);
  return std::min(depth, 8u);
}

std::string depth_sentence(const std::string& codec, const Samples& film) {
  const unsigned kept = film.depth > 8 ? kept_depth(codec, film.depth) : film.depth;
  if (kept >= film.depth)
    return "";
  const std::string bands =
      film.hdr.empty() || kept > 8 ? "" : ", in which HDR (" + film.hdr + ") may show bands";
  return codec + " keeps " + std::to_string(kept) + " of the film's " + std::to_string(film.depth) +
         " bits a sample" + bands + "; " +
         (film.depth > 10 || kept > 8 ? "ffv1 keeps all" : "h265 and vp9 keep 10");
}

// The mastering display and the light level: not in the stream, so the container has to have them.
bool loses_brightness(const Output& output) {
  const bool in_stream = output.codec == "h264" || output.codec == "h265" || output.codec == "av1";
  const std::string_view muxer = output.container->muxer;
  return !in_stream && muxer != "matroskamux" && muxer != "webmmux";
}

}  // namespace

Samples samples_of(const GstCaps* caps) {
  Samples samples;
  if (!caps || gst_caps_get_size(caps) == 0)
    return samples;
  const GstStructure* const fields = gst_caps_get_structure(caps, 0);
  GstVideoInfo info;
  guint depth = 0;
  if (gst_structure_has_name(fields, "video/x-raw") && gst_video_info_from_caps(&info, caps)) {
    samples.depth = static_cast<unsigned>(GST_VIDEO_FORMAT_INFO_DEPTH(info.finfo, 0));
    samples.chroma = chroma_of(info.finfo);
  } else if (gst_structure_get_uint(fields, "bit-depth-luma", &depth)) {
    samples.depth = depth;
    samples.chroma = field_of(fields, "chroma-format");
  }
  GstVideoColorimetry colours{};
  gst_video_colorimetry_from_string(&colours, field_of(fields, "colorimetry").c_str());
  if (colours.transfer == GST_VIDEO_TRANSFER_SMPTE2084)
    samples.hdr = "PQ";
  if (colours.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
    samples.hdr = "HLG";
  samples.brightness = gst_structure_has_field(fields, "mastering-display-info") ||
                       gst_structure_has_field(fields, "content-light-level");
  return samples;
}

std::vector<std::string> picture_losses(const FilmStream& video,
                                        const std::vector<Output>& outputs) {
  const Samples film = samples_of(video.caps.get());
  std::vector<std::string> sentences;
  const auto say = [&](const std::string& sentence) {
    if (!sentence.empty() && std::ranges::find(sentences, sentence) == sentences.end())
      sentences.push_back(sentence);
  };
  for (const Output& output : outputs) {
    if (output.rendition.empty() || !output.container)
      continue;
    say(depth_sentence(output.codec, film));
    if (output.codec != "ffv1" && (film.chroma == "4:2:2" || film.chroma == "4:4:4"))
      say(output.codec + " keeps 4:2:0 of the film's " + film.chroma +
          " chroma; ffv1 keeps all of it");
    if (film.brightness && loses_brightness(output))
      say(output.path + " does not get the film's mastering display and light level, which " +
          output.container->extension + " does not take with " + output.codec);
  }
  return sentences;
}

}  // namespace dist
