// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/segment_kind.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "gst/gstx/stream_format.h"
#include "gst/rendition/rendition.h"

namespace dist {
namespace {

// Bytes of caps as text. Codec data, the longest part of honest ones, has some hundred bytes.
constexpr std::size_t kMaxCaps = 65'536;
// GStreamer reads lists within lists by recursion.
constexpr std::ptrdiff_t kMaxLists = 32;
constexpr std::size_t kMaxFieldText = 256;
constexpr std::size_t kMaxCapsInText = 200;
constexpr gsize kMaxHeaders = 32'768;  // Bytes of codec_data or streamheader.
constexpr guint kMaxStreamHeaders = 16;
constexpr std::uintptr_t kAlignment = 15;  // As in GstAllocationParams.

struct Kind {
  const char* media_type;
  int mpegversion;  // 0: the caps have none; 1 stands for 1 and 2.
  const char* name;
  const char* parser;
  bool source;  // distsegmenter makes such.
};
constexpr Kind kKinds[] = {
    {"video/x-raw", 0, "raw video", "", true},
    {"video/x-h264", 0, "H.264", "h264parse", true},
    {"video/x-h265", 0, "H.265", "h265parse", true},
    {"video/x-vp8", 0, "VP8", "", true},
    {"video/x-vp9", 0, "VP9", "vp9parse", true},
    {"video/x-av1", 0, "AV1", "av1parse", true},
    {"video/mpeg", 1, "MPEG-1 or 2", "mpegvideoparse", true},
    {"video/mpeg", 4, "MPEG-4 part 2", "mpeg4videoparse", true},
    {"image/jpeg", 0, "JPEG", "", true},
    {"video/x-ffv", 0, "FFV1", "", false},
};

enum class Type { kText, kInt, kSize, kFraction, kShape, kBool, kFlags, kBytes, kHeaders };
struct Field {
  std::string_view name;
  Type type;
};
// What parsers, decoders and the pictures behind them are told by caps. Others are left out.
constexpr Field kFields[] = {
    {"alignment", Type::kText},
    {"bit-depth-chroma", Type::kInt},
    {"bit-depth-luma", Type::kInt},
    {"chroma-format", Type::kText},
    {"chroma-site", Type::kText},
    {"codec-alpha", Type::kBool},
    {"codec_data", Type::kBytes},
    {"coded-picture-structure", Type::kText},
    {"colorimetry", Type::kText},
    {"colorspace", Type::kText},
    {"content-light-level", Type::kText},
    {"ffversion", Type::kInt},
    {"ffvversion", Type::kInt},  // As avenc_ffv1 writes it, and avdec_ffv1 wants it.
    {"field-order", Type::kText},
    {"format", Type::kText},
    {"framerate", Type::kFraction},
    {"height", Type::kSize},
    {"interlace-mode", Type::kText},
    {"level", Type::kText},
    {"mastering-display-info", Type::kText},
    {"max-framerate", Type::kFraction},
    {"mpegversion", Type::kInt},
    {"multiview-flags", Type::kFlags},
    {"multiview-mode", Type::kText},
    {"parsed", Type::kBool},
    {"pixel-aspect-ratio", Type::kShape},
    {"profile", Type::kText},
    {"sampling", Type::kText},
    {"sof-marker", Type::kInt},
    {"stream-format", Type::kText},
    {"streamheader", Type::kHeaders},
    {"systemstream", Type::kBool},
    {"tier", Type::kText},
    {"views", Type::kInt},
    {"width", Type::kSize},
};

const Field* find_field(std::string_view name) {
  const auto* const found = std::ranges::find(kFields, name, &Field::name);
  return found == std::end(kFields) ? nullptr : found;
}

gsize bytes_of(const GValue* value) {
  GstBuffer* const buffer = GST_VALUE_HOLDS_BUFFER(value) ? gst_value_get_buffer(value) : nullptr;
  return buffer ? gst_buffer_get_size(buffer) : G_MAXSIZE;
}

bool are_headers(const GValue* value) {
  if (!GST_VALUE_HOLDS_ARRAY(value) || gst_value_array_get_size(value) > kMaxStreamHeaders)
    return false;
  gsize sum = 0;
  for (guint i = 0; i < gst_value_array_get_size(value); ++i) {
    const gsize size = bytes_of(gst_value_array_get_value(value, i));
    if (size > kMaxHeaders)
      return false;
    sum += size;
  }
  return sum <= kMaxHeaders;
}

bool is_number(const GValue* value, gint least, gint most) {
  if (G_VALUE_HOLDS_UINT(value))
    return g_value_get_uint(value) <= static_cast<guint>(most);
  return G_VALUE_HOLDS_INT(value) && g_value_get_int(value) >= least &&
         g_value_get_int(value) <= most;
}

bool has_type(const GValue* value, Type type) {
  switch (type) {
    case Type::kText:
      return G_VALUE_HOLDS_STRING(value) && g_value_get_string(value) &&
             std::string_view(g_value_get_string(value)).size() <= kMaxFieldText;
    case Type::kInt:
      return is_number(value, 0, G_MAXINT);
    case Type::kSize:
      return G_VALUE_HOLDS_INT(value) && is_number(value, 1, kMaxSize);
    case Type::kFraction:
      return GST_VALUE_HOLDS_FRACTION(value) && gst_value_get_fraction_numerator(value) >= 0 &&
             gst_value_get_fraction_denominator(value) > 0;
    case Type::kShape:
      return GST_VALUE_HOLDS_FRACTION(value) && gst_value_get_fraction_numerator(value) > 0 &&
             gst_value_get_fraction_denominator(value) > 0;
    case Type::kBool:
      return G_VALUE_HOLDS_BOOLEAN(value);
    case Type::kFlags:
      return GST_VALUE_HOLDS_FLAG_SET(value);
    case Type::kBytes:
      return bytes_of(value) <= kMaxHeaders;
    default:
      return are_headers(value);
  }
}

// Null if they are too long, or no caps.
Ref<GstCaps> read(const std::string& text) {
  const auto lists =
      std::ranges::count_if(text, [](char c) { return c == '<' || c == '{' || c == '['; });
  if (text.size() > kMaxCaps || lists > kMaxLists)
    return {};
  return Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
}

const Kind* find_kind(const GstStructure* fields) {
  gint version = 0;
  gst_structure_get_int(fields, "mpegversion", &version);
  for (const Kind& kind : kKinds)
    if (gst_structure_has_name(fields, kind.media_type) &&
        (kind.mpegversion == 0 || kind.mpegversion == version ||
         (kind.mpegversion == 1 && version == 2)))
      return &kind;
  return nullptr;
}

bool in_system_memory(GstCaps* caps) {
  const GstCapsFeatures* const features = gst_caps_get_features(caps, 0);
  return !features || gst_caps_features_is_equal(features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
}

// Leaves out what is not known here. What is wrong with the rest, or empty.
std::string clean(GstStructure* fields) {
  for (gint i = gst_structure_n_fields(fields) - 1; i >= 0; --i) {
    const std::string name = gst_structure_nth_field_name(fields, static_cast<guint>(i));
    const Field* const field = find_field(name);
    if (!field)
      gst_structure_remove_field(fields, name.c_str());
    else if (!has_type(gst_structure_get_value(fields, name.c_str()), field->type))
      return "its " + name + " has a wrong type or size";
  }
  return {};
}

// libavcodec goes by the codec data, whatever the caps say of the stream: what is wrong if that is
// another format, in which sizes would be read otherwise than here.
std::string contradiction(const GstStructure* fields, StreamFormat format) {
  if (format.codec != Codec::kH264 && format.codec != Codec::kH265)
    return {};
  std::uint8_t start[3] = {};
  const GValue* const value = gst_structure_get_value(fields, "codec_data");
  if (value)
    gst_buffer_extract(gst_value_get_buffer(value), 0, start, sizeof start);
  const bool record =
      format.codec == Codec::kH264 ? start[0] == 1 : start[0] != 0 || start[1] != 0 || start[2] > 1;
  return record == (format.nal_length_size != 0)
             ? std::string()
             : "its codec_data is not that of its stream-format";
}

std::string shown(const std::string& text) {
  return std::string(clip(text, kMaxCapsInText));
}

// What is wrong with the caps, in general; else the kind.
Result<SegmentKind> known(const std::string& text, bool source, std::uint64_t max_pixels) {
  auto caps = read(text);
  if (!caps || !gst_caps_is_fixed(caps.get()))
    return Error{"its caps cannot be read"};
  if (!in_system_memory(caps.get()))
    return Error{"video that is not in system memory"};
  caps = Ref<GstCaps>::adopt(gst_caps_make_writable(caps.release()));
  GstStructure* const fields = gst_caps_get_structure(caps.get(), 0);
  const Kind* const kind = find_kind(fields);
  if (!kind || (source && !kind->source))
    return Error{std::string(gst_structure_get_name(fields)) + " is no kind of video that is cut"};
  gboolean flag = FALSE;
  if (gst_structure_get_boolean(fields, "codec-alpha", &flag) && flag)
    return Error{std::string(kind->name) + " with transparency beside its bytes"};
  if (gst_structure_get_boolean(fields, "systemstream", &flag) && flag)
    return Error{"a system stream"};
  if (const std::string wrong = clean(fields); !wrong.empty())
    return Error{std::string(kind->name) + ": " + wrong};
  if (const std::string large = too_large(fields, max_pixels); !large.empty())
    return Error{std::string(kind->name) + ": " + large};
  if (const std::string wrong = contradiction(fields, stream_format(fields)); !wrong.empty())
    return Error{std::string(kind->name) + ": " + wrong};
  GstVideoInfo info;
  const bool raw = gst_structure_has_name(fields, "video/x-raw");
  if (raw && (!gst_video_info_from_caps(&info, caps.get()) ||
              GST_VIDEO_INFO_FORMAT(&info) == GST_VIDEO_FORMAT_ENCODED))
    return Error{"raw video without format or size"};
  return SegmentKind{.name = kind->name,
                     .parser = kind->parser,
                     .codec = stream_format(fields).codec,
                     .raw = raw,
                     .frame_size = raw ? GST_VIDEO_INFO_SIZE(&info) : 0,
                     .caps = std::move(caps)};
}

}  // namespace

Result<SegmentKind> kind_of_source(const std::string& text, std::uint64_t max_pixels) {
  auto kind = known(text, true, max_pixels);
  if (!kind)
    return Error{"the worker does not take this video: " + kind.error() + " (" + shown(text) + ")"};
  static GstStaticCaps cut_caps = GST_STATIC_CAPS(kCutCaps);
  const auto cuttable = Ref<GstCaps>::adopt(gst_static_caps_get(&cut_caps));
  if (!gst_caps_is_subset(kind->caps.get(), cuttable.get()))
    return Error{"the worker does not take this video: " + std::string(kind->name) +
                 " in a form that is not cut (" + shown(text) + ")"};
  return kind;
}

Result<SegmentKind> kind_of_rendition(const std::string& text, std::uint64_t max_pixels) {
  auto kind = known(text, false, max_pixels);
  if (!kind)
    return Error{kind.error() + " (" + shown(text) + ")"};
  return kind;
}

bool is_known_kind(const std::string& text) {
  const auto caps = read(text);
  return caps && gst_caps_get_size(caps.get()) == 1 &&
         find_kind(gst_caps_get_structure(caps.get(), 0));
}

Ref<GstBuffer> readable_unit(Ref<GstBuffer> unit, const SegmentKind& kind) {
  if (!kind.raw)
    return unit;
  const gsize size = gst_buffer_get_size(unit.get());
  if (size < kind.frame_size)
    return {};
  const BufferMap map(unit.get());
  if ((reinterpret_cast<std::uintptr_t>(map.span().data()) & kAlignment) == 0)
    return unit;
  GstAllocationParams aligned;
  gst_allocation_params_init(&aligned);
  aligned.align = kAlignment;
  auto copy = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, size, &aligned));
  gst_buffer_fill(copy.get(), 0, map.span().data(), size);
  gst_buffer_copy_into(copy.get(), unit.get(), GST_BUFFER_COPY_METADATA, 0, size);
  return copy;
}

std::string too_large(const GstStructure* fields, std::uint64_t max_pixels) {
  gint width = 0;
  gint height = 0;
  gst_structure_get_int(fields, "width", &width);
  gst_structure_get_int(fields, "height", &height);
  return too_large(static_cast<unsigned>(std::max(width, 0)),
                   static_cast<unsigned>(std::max(height, 0)), max_pixels);
}

std::string too_large(unsigned width, unsigned height, std::uint64_t max_pixels) {
  if (std::uint64_t{width} * height <= max_pixels)
    return {};
  return "pictures of " + std::to_string(width) + "x" + std::to_string(height) +
         ", and max-pixels is " + std::to_string(max_pixels);
}

std::string too_large_uncropped(PictureSize size, std::uint64_t max_pixels) {
  constexpr unsigned kLeastShown = 4;  // A quarter at most is not.
  const auto shown = [](unsigned filled_up) {
    return filled_up - std::min(filled_up / kLeastShown, kMostFilledUp);
  };
  return too_large(shown(size.width), shown(size.height), max_pixels).empty()
             ? std::string()
             : too_large(size.width, size.height, max_pixels);
}

bool is_size_of_parser(Codec codec) {
  return codec == Codec::kVp9 || codec == Codec::kAv1 || codec == Codec::kMpeg12 ||
         codec == Codec::kMpeg4;
}

Ref<GstCaps> without_size(GstCaps* caps) {
  auto copy = Ref<GstCaps>::adopt(gst_caps_copy(caps));
  gst_structure_remove_fields(gst_caps_get_structure(copy.get(), 0), "width", "height", nullptr);
  return copy;
}

GstPadProbeReturn refuse_buffer(GstPadProbeInfo* info) {
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

GList* find_decoders(GstCaps* caps, bool all_of_them) {
  GList* const all = gst_element_factory_list_get_elements(
      GST_ELEMENT_FACTORY_TYPE_DECODER | GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO |
          GST_ELEMENT_FACTORY_TYPE_MEDIA_IMAGE,
      GST_RANK_MARGINAL);
  GList* fit = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, all_of_them);
  gst_plugin_feature_list_free(all);
  for (GList* item = fit; item;) {
    GList* const next = item->next;
    auto* const factory = GST_ELEMENT_FACTORY(item->data);
    const std::string_view klass =
        gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS);
    const bool decodes = klass.find("Decoder/Video") != std::string_view::npos ||
                         klass.find("Decoder/Image") != std::string_view::npos;
    const bool more = std::ranges::any_of(
        std::initializer_list<std::string_view>{"Demux", "Parser", "Bin", "Source", "Sink"},
        [&](auto word) { return klass.find(word) != std::string_view::npos; });
    if (!decodes || more) {
      gst_object_unref(factory);
      fit = g_list_delete_link(fit, item);
    }
    item = next;
  }
  return g_list_sort(fit, gst_plugin_feature_rank_compare_func);
}

}  // namespace dist
