// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/containers.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "gst/av/av_parameters.h"
#include "gst/base/text.h"
#include "gst/gstx/ref.h"

namespace dist {
namespace {

// Whose caps have to be of one form only; the parser makes any of them.
struct Form {
  const char* caps;
  const char* parser;
};
constexpr std::array kForms = {
    Form{"video/x-h264", "h264parse"},
    Form{"video/x-h265", "h265parse"},
    Form{"video/x-vp9", "vp9parse"},
    Form{"video/x-av1", "av1parse"},
    Form{"video/mpeg,mpegversion=4", "mpeg4videoparse"},
    Form{"audio/mpeg,mpegversion={2,4}", "aacparse"},
    Form{"audio/mpeg,mpegversion=1", "mpegaudioparse"},
    Form{"audio/x-ac3", "ac3parse"},
    Form{"audio/x-eac3", "ac3parse"},
    Form{"audio/x-dts", "dcaparse"},
    Form{"audio/x-flac", "flacparse"},
    Form{"audio/x-opus", "opusparse"},
};

const Form* form_of(const GstCaps* caps) {
  const auto found = std::ranges::find_if(kForms, [caps](const Form& form) {
    const auto any = Ref<GstCaps>::adopt(gst_caps_from_string(form.caps));
    return gst_caps_can_intersect(any.get(), caps);
  });
  return found == kForms.end() ? nullptr : &*found;
}

bool sinks(GstElementFactory* muxer, const GstCaps* caps) {
  for (const GList* item = gst_element_factory_get_static_pad_templates(muxer); item;
       item = item->next) {
    auto* pad = static_cast<GstStaticPadTemplate*>(item->data);
    const auto accepted = Ref<GstCaps>::adopt(gst_static_pad_template_get_caps(pad));
    if (pad->direction == GST_PAD_SINK && !gst_caps_is_any(accepted.get()) &&
        gst_caps_can_intersect(accepted.get(), caps))
      return true;
  }
  return false;
}

}  // namespace

const std::vector<Container>& containers() {
  static const std::vector<Container> list = {
      {".mp4", "mp4mux", "mp4", {"avenc_aac"}, true, false},
      {".mkv", "matroskamux", "matroska", {"opusenc", "flacenc"}, false, true},
      {".webm", "webmmux", "webm", {"opusenc", "vorbisenc"}, false, true},
      {".ts", "mpegtsmux", nullptr, {"avenc_aac"}, false, false},
  };
  return list;
}

std::string extension_of(const std::string& file) {
  const std::size_t dot = file.rfind('.');
  if (dot == std::string::npos || file.find('/', dot) != std::string::npos)
    return "";
  return take_string(g_ascii_strdown(file.c_str() + dot, -1));
}

const Container* container_of(const std::string& file) {
  const std::string extension = extension_of(file);
  const auto found = std::ranges::find_if(
      containers(), [&](const Container& c) { return extension == c.extension; });
  return found == containers().end() ? nullptr : &*found;
}

std::string known_extensions() {
  std::string text;
  for (const Container& container : containers())
    text += (text.empty() ? "" : ", ") + std::string(container.extension);
  return text;
}

const Container* container_for(const std::string& codec) {
  if (codec == "jpeg")
    return nullptr;
  if (codec == "vp8" || codec == "vp9")
    return container_of(".webm");
  return container_of(codec == "ffv1" ? ".mkv" : ".mp4");
}

bool takes(const Container& container, const GstCaps* caps) {
  const auto muxer = Ref<GstElementFactory>::adopt(gst_element_factory_find(container.muxer));
  if (!muxer || gst_caps_get_size(caps) == 0)
    return false;
  // What the demuxer does not know it gives this name, which muxers promise to take and do not.
  if (gst_structure_has_name(gst_caps_get_structure(caps, 0), "application/x-subtitle-unknown"))
    return false;
  // Few players take it in MP4, and mpegtsmux does not write its pre-skip.
  const bool keeps_preskip = std::string_view(container.muxer) != "mp4mux" &&
                             std::string_view(container.muxer) != "mpegtsmux";
  if (gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-opus") && !keeps_preskip)
    return false;
  const bool is_text = is_words(caps);
  if (container.format && !is_text && !has_parameters(caps))
    return false;
  const std::string_view format = container.format ? container.format : "";
  // webmmux takes whatever Matroska may have, and matroskamux does not know all of that.
  if (gst_structure_has_name(gst_caps_get_structure(caps, 0), "subpicture/x-dvd") &&
      format == "webm")
    return false;
  if (gst_structure_has_name(gst_caps_get_structure(caps, 0), "subpicture/x-pgs"))
    return format == "matroska";
  if (is_text) {
    const auto plain = Ref<GstCaps>::adopt(gst_caps_from_string("text/x-raw,format=utf8"));
    return sinks(muxer.get(), plain.get());
  }
  const Form* form = form_of(caps);
  if (!form)
    return sinks(muxer.get(), caps);
  // The parser changes stream-format, alignment and the like.
  const auto any = Ref<GstCaps>::adopt(gst_caps_from_string(form->caps));
  return sinks(muxer.get(), any.get());
}

bool is_words(const GstCaps* caps) {
  return is_markup(caps) || gst_structure_has_name(gst_caps_get_structure(caps, 0), "text/x-raw");
}

bool is_markup(const GstCaps* caps) {
  const GstStructure* text = gst_caps_get_structure(caps, 0);
  const std::string_view name = gst_structure_get_name(text);
  // parsebin makes markup of these.
  if (name == "application/x-ass" || name == "application/x-ssa")
    return true;
  return name == "text/x-raw" &&
         g_strcmp0(gst_structure_get_string(text, "format"), "pango-markup") == 0;
}

const char* parser_of(const GstCaps* caps) {
  const Form* form = form_of(caps);
  return form ? form->parser : "identity";
}

}  // namespace dist
