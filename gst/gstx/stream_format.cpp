// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/stream_format.h"

#include <algorithm>

#include "gst/base/bytes.h"
#include "gst/base/text.h"
#include "gst/gstx/ref.h"

namespace dist {
namespace {

constexpr std::size_t kMaxCapsInText = 100;
// Of a keyframe: the headers of the shortest, VP9's and AV1's, with some data.
constexpr std::uint64_t kLeastKeyframe = 8;
// Of a frame: three planes at full size of 16 bits a sample, and headers.
constexpr std::uint64_t kMostPixel = 6;
constexpr std::uint64_t kMostHeaders = 64u << 10;

unsigned nal_length_size(const GstStructure* structure, unsigned position) {
  const gchar* stream_format = gst_structure_get_string(structure, "stream-format");
  if (g_strcmp0(stream_format, "byte-stream") == 0)
    return 0;
  const GValue* value = gst_structure_get_value(structure, "codec_data");
  std::uint8_t byte = 3;
  if (value && GST_VALUE_HOLDS_BUFFER(value))
    gst_buffer_extract(gst_value_get_buffer(value), position, &byte, 1);
  return (byte & 3u) + 1u;
}

// What segments from different encoders have in common.
std::string common_caps(const GstStructure* structure) {
  const auto common =
      Ref<GstCaps>::adopt(gst_caps_new_empty_simple(gst_structure_get_name(structure)));
  for (const char* field :
       {"stream-format", "alignment", "width", "height", "pixel-aspect-ratio", "framerate"})
    if (const GValue* value = gst_structure_get_value(structure, field))
      gst_caps_set_value(common.get(), field, value);
  return take_string(gst_caps_to_string(common.get()));
}

std::string size_text(unsigned width, unsigned height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

Status check_bytes(const SegmentHeader& rendition, const SourceFormat& format) {
  if (rendition.units.front().size < kLeastKeyframe)
    return Error{"its first frame has " + std::to_string(rendition.units.front().size) +
                 " bytes, fewer than any keyframe"};
  if (std::ranges::any_of(rendition.units, [](const AccessUnit& unit) { return unit.size == 0; }))
    return Error{"some of its frames are empty"};
  const std::uint64_t pixels = std::uint64_t{format.width} * format.height;
  const std::uint64_t most = rendition.units.size() * (pixels * kMostPixel + kMostHeaders);
  if (pixels != 0 && rendition.payload_size() > most)
    return Error{"has " + std::to_string(rendition.payload_size()) + " bytes, more than " +
                 std::to_string(rendition.units.size()) + " uncompressed frames of " +
                 size_text(format.width, format.height)};
  return {};
}

}  // namespace

StreamFormat stream_format(const GstStructure* structure) {
  const std::string name = gst_structure_get_name(structure);
  // lengthSizeMinusOne in the decoder configuration records of ISO/IEC 14496-15.
  if (name == "video/x-h264")
    return {Codec::kH264, nal_length_size(structure, 4)};
  if (name == "video/x-h265")
    return {Codec::kH265, nal_length_size(structure, 21)};
  if (name == "video/x-vp8")
    return {Codec::kVp8};
  if (name == "video/x-vp9")
    return {Codec::kVp9};
  if (name == "video/x-av1")
    return {Codec::kAv1};
  if (name == "image/jpeg")
    return {Codec::kJpeg};
  if (name == "video/mpeg") {
    gint version = 0;
    gst_structure_get_int(structure, "mpegversion", &version);
    return {version == 4 ? Codec::kMpeg4 : Codec::kMpeg12};
  }
  return {Codec::kRaw};
}

Result<std::string> check_rendition(const SegmentHeader& rendition,
                                    std::span<const std::uint8_t> first_unit, bool mixed_encoders,
                                    const RenditionSpec* wanted) {
  const std::string& text = rendition.caps;
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  if (!caps || !gst_caps_is_fixed(caps.get()))
    return Error{"no caps: " + std::string(clip(text, kMaxCapsInText))};
  const GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
  const CodecInfo* const codec = wanted ? find_codec(wanted->codec) : nullptr;
  if (codec && !gst_structure_has_name(structure, codec->media_type))
    return Error{"is " + std::string(clip(gst_structure_get_name(structure), kMaxCapsInText)) +
                 ", and " + codec->media_type + " is wanted"};
  const SourceFormat seen = source_format(text);
  if (wanted && wanted->width != 0 &&
      (seen.width != wanted->width || seen.height != wanted->height))
    return Error{"is " + size_text(seen.width, seen.height) + ", and " +
                 size_text(wanted->width, wanted->height) + " is wanted"};
  const StreamFormat format = stream_format(structure);
  const bool nal_units = format.codec == Codec::kH264 || format.codec == Codec::kH265;
  const RandomAccess start = classify(format, true, first_unit).random_access;
  if (start == RandomAccess::kNone || (nal_units && start != RandomAccess::kClean))
    return Error{"begins with a frame at which no decoder can start"};
  if (format.codec != Codec::kRaw)
    if (Status status = check_bytes(rendition, seen); !status)
      return Error{status.error()};
  if (!mixed_encoders)
    return text;
  if (!nal_units || format.nal_length_size != 0 || !has_parameter_sets(format, first_unit))
    return Error{
        "mixed-encoders needs H.264 or H.265 in byte-stream format with parameter sets in each "
        "segment (h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream)"};
  return common_caps(structure);
}

std::optional<PictureSize> size_in_codec_data(const GstStructure* structure) {
  const GValue* const value = gst_structure_get_value(structure, "codec_data");
  if (!value || !GST_VALUE_HOLDS_BUFFER(value))
    return std::nullopt;
  const BufferMap map(gst_value_get_buffer(value));
  return size_in_codec_data(stream_format(structure).codec, map.span());
}

SourceFormat source_format(const std::string& text) {
  SourceFormat format;
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  if (!caps || gst_caps_get_size(caps.get()) == 0)
    return format;
  const GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
  const auto fraction = [&](const char* field) -> std::optional<Fraction> {
    int num = 0;
    int den = 1;
    if (!gst_structure_get_fraction(structure, field, &num, &den) || num <= 0 || den <= 0)
      return std::nullopt;
    return Fraction{static_cast<unsigned>(num), static_cast<unsigned>(den)};
  };
  int width = 0;
  int height = 0;
  gst_structure_get(structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, nullptr);
  format.width = static_cast<unsigned>(std::max(width, 0));
  format.height = static_cast<unsigned>(std::max(height, 0));
  format.pixel_aspect_ratio = fraction("pixel-aspect-ratio").value_or(format.pixel_aspect_ratio);
  format.framerate = fraction("framerate");
  return format;
}

}  // namespace dist
