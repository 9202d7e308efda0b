// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/inspect/picture_format.h"

#include <gst/video/video.h>

#include "gst/base/text.h"
#include "gst/gstx/ref.h"

namespace dist::tool {
namespace {

std::string hdr_of(const std::string& colorimetry) {
  GstVideoColorimetry colours;
  if (!gst_video_colorimetry_from_string(&colours, colorimetry.c_str()))
    return "";
  if (colours.transfer == GST_VIDEO_TRANSFER_SMPTE2084)
    return "pq";
  return colours.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67 ? "hlg" : "";
}

// "bt2100-pq" is a standard, "1:4:7:1" a list of numbers.
std::string colours_text(const PictureFormat& facts) {
  const bool named = facts.colorimetry.find(':') == std::string::npos;
  return facts.colorimetry.empty() || !named ? "" : "colours of " + facts.colorimetry;
}

}  // namespace

PictureFormat picture_format(const std::string& text) {
  PictureFormat facts;
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  if (!caps || gst_caps_get_size(caps.get()) == 0)
    return facts;
  const GstStructure* const structure = gst_caps_get_structure(caps.get(), 0);
  gst_structure_get_uint(structure, "bit-depth-luma", &facts.bit_depth);
  if (const gchar* const colours = gst_structure_get_string(structure, "colorimetry"))
    facts.colorimetry = colours;
  facts.hdr = hdr_of(facts.colorimetry);
  facts.mastering = gst_structure_has_field(structure, "mastering-display-info");
  return facts;
}

std::string orientation_text(const std::string& orientation) {
  constexpr char kTurned[] = "rotate-";
  const std::size_t at = orientation.find(kTurned);
  if (at == std::string::npos)
    return "";
  const std::string degrees = orientation.substr(at + sizeof(kTurned) - 1);
  const bool mirrored = orientation.starts_with("flip-");
  return join(
      {mirrored ? "mirrored" : "", degrees == "0" ? "" : "turned by " + degrees + " degrees"});
}

std::string picture_text(const PictureFormat& facts, const std::string& orientation) {
  return join({facts.bit_depth > 0 ? count_text(facts.bit_depth, "bit") + " a sample" : "",
               facts.hdr == "pq"    ? "HDR (PQ)"
               : facts.hdr == "hlg" ? "HDR (HLG)"
                                    : "",
               colours_text(facts), facts.mastering ? "with its mastering display" : "",
               orientation_text(orientation)});
}

}  // namespace dist::tool
