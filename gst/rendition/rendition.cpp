// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The text of a job comes from its primary, so a worker reads it with care: everything is limited,
// and the time is linear in the length.
#include "gst/rendition/rendition.h"

#include <glib.h>

#include <algorithm>

#include "gst/rendition/rendition_text.h"

namespace dist {
namespace {

using namespace text;

constexpr std::size_t kMaxText = 16384;
constexpr std::size_t kMaxName = 64;

// The renditions are named in messages as far as they have a name that can be shown.
std::string subject(std::string_view name, std::size_t index) {
  return "rendition " + (name.empty() ? std::to_string(index + 1) : "'" + shown(name) + "'") + ": ";
}

// --- Checks over several fields ----------------------------------------------------------------

std::string name_flaw(const std::string& name) {
  if (name.empty())
    return "has no name; write name:codec, such as 720p:h264";
  if (name.size() > kMaxName)
    return "the name is longer than " + std::to_string(kMaxName) + " characters";
  for (char c : name)
    if (!g_ascii_isalnum(c) && c != '-' && c != '_')
      return "a name has letters, digits, '-' and '_' only";
  if (name == "source")
    return "this name stands for the film itself; take another";
  return {};
}

std::string size_flaw(const RenditionSpec& spec, const CodecInfo& codec) {
  if (spec.width > kMaxSize || spec.height > kMaxSize)
    return "size " + std::to_string(spec.width) + "x" + std::to_string(spec.height) +
           ": width and height must be from 1 to " + std::to_string(kMaxSize);
  if (codec.odd_sizes || (spec.width % 2 == 0 && spec.height % 2 == 0))
    return {};
  if (spec.width == 0 || spec.height == 0)
    return spec.width != 0 ? "width=" + std::to_string(spec.width) + ": must be even"
                           : "height=" + std::to_string(spec.height) + ": must be even";
  return "size " + std::to_string(spec.width) + "x" + std::to_string(spec.height) +
         ": width and height must be even";
}

std::string rate_text(std::uint64_t rate) {
  if (rate != 0 && rate % 1'000'000 == 0)
    return std::to_string(rate / 1'000'000) + "M";
  if (rate != 0 && rate % 1000 == 0)
    return std::to_string(rate / 1000) + "k";
  return std::to_string(rate);
}

// Fields that mean nothing to the codec: somebody would rely on them.
std::string useless_field(const RenditionSpec& spec, const CodecInfo& codec) {
  const std::string name = codec.name;
  const bool unrated = codec.bits_per_pixel == 0;
  const struct {
    bool given;
    bool useless;
    const char* field;
  } rows[] = {
      {spec.bitrate.has_value(), unrated, "bitrate"},
      {spec.max_rate.value_or(0) != 0, unrated, "maxrate"},
      {spec.buffer.has_value(), unrated, "buffer"},
      {spec.keyframe_interval.has_value(), codec.single_pictures, "keyint"},
      // libav's MPEG-4 elements lose the times of reordered frames.
      {spec.b_frames.value_or(0) > 0, name != "h264" && name != "h265", "bframes"},
  };
  for (const auto& row : rows)
    if (row.given && row.useless)
      return std::string(row.field) + ": " + name + " has none; leave it out";
  return {};
}

std::string rate_flaw(const RenditionSpec& spec, const CodecInfo& codec) {
  if (spec.quality && is_lossless(codec))
    return std::string("crf: ") + codec.name + " is lossless; leave it out";
  if (spec.quality && !(quality_fits(codec, *spec.quality)))
    return std::string(quality_field(codec)) + "=" + number(*spec.quality) + ": write a number " +
           quality_range(codec);
  if (std::string text = useless_field(spec, codec); !text.empty())
    return text;
  if (spec.quality && spec.bitrate)
    return "crf and bitrate exclude each other; write crf with maxrate for quality with a limit";
  if (spec.bitrate && spec.max_rate && *spec.max_rate != 0 && *spec.max_rate < *spec.bitrate)
    return "maxrate=" + rate_text(*spec.max_rate) +
           ": less than bitrate=" + rate_text(*spec.bitrate);
  return {};
}

std::string flaw(const RenditionSpec& spec) {
  if (std::string text = name_flaw(spec.name); !text.empty())
    return text;
  if (spec.codec.empty())
    return "has no codec; write name:codec, such as 720p:h264";
  const CodecInfo* codec = find_codec(spec.codec);
  if (!codec)
    return unknown_codec(spec.codec).message;
  if (std::string text = size_flaw(spec, *codec); !text.empty())
    return text;
  return rate_flaw(spec, *codec);
}

// --- Text --------------------------------------------------------------------------------------

class FieldsSeen {
 public:
  // Whether that is the first time; sizes are their two lengths.
  bool add(std::string_view field) {
    if (field == "size")
      return add("width") && add("height");
    const auto same = [&](std::string_view f) { return f == field; };
    if (std::any_of(seen_.begin(), seen_.end(), same))
      return false;
    seen_.push_back(field);
    return true;
  }

 private:
  std::vector<std::string_view> seen_;  // Known ones only, so it stays short.
};

Status parse_field(RenditionSpec& spec, std::string_view text, FieldsSeen& seen) {
  std::string_view value = text;
  std::string_view field = "size";
  if (text.find('=') != std::string_view::npos) {
    field = trim(take_until(value, '='));
    value = trim(value);
  } else if (text.empty() || !g_ascii_isdigit(text.front())) {
    return Error{"'" + shown(text) +
                 "': neither a size such as 1280x720 nor a field such as crf=23"};
  }
  const bool wire_only = field == kInBand || field == kPixels || field == kVia;
  // The two that have their place may not come again.
  const bool known =
      wire_only || (field != "codec" && (field != "size" || value == text) &&
                    std::find(kFields.begin(), kFields.end(), field) != kFields.end());
  if (!known)
    return Error{unknown_field(field)};
  if (!seen.add(field))
    return Error{std::string(field) + ": comes twice"};
  return wire_only ? set_wire_field(spec, field, value) : set_field(spec, field, value);
}

Result<RenditionSpec> parse_rendition(std::string_view text, std::size_t index) {
  RenditionSpec spec;
  const std::string_view name = trim(take_until(text, ':'));
  const std::string prefix = subject(name, index);
  spec.name = name.substr(0, kMaxName + 1);
  if (name.empty() && trim(text).empty())
    return Error{prefix + "is empty; write name:codec, such as 720p:h264"};
  if (std::string flaw_of_name = name_flaw(spec.name); !flaw_of_name.empty())
    return Error{prefix + flaw_of_name};
  const std::string_view codec = trim(take_until(text, ':'));
  if (codec.empty())
    return Error{prefix + "has no codec; write name:codec, such as 720p:h264"};
  if (Status status = set_field(spec, "codec", codec); !status)
    return Error{prefix + status.error()};
  FieldsSeen seen;
  while (!text.empty())
    if (Status status = parse_field(spec, trim(take_until(text, ':')), seen); !status)
      return Error{prefix + status.error()};
  return spec;
}

std::string to_string(const RenditionSpec& spec) {
  std::string text = spec.name + ":" + spec.codec;
  const auto add = [&](std::string_view field, const std::string& value) {
    text += ":" + std::string(field) + "=" + value;
  };
  const CodecInfo* codec = find_codec(spec.codec);
  if (spec.width != 0 && spec.height != 0)
    text += ":" + std::to_string(spec.width) + "x" + std::to_string(spec.height);
  else if (spec.width != 0)
    add("width", std::to_string(spec.width));
  else if (spec.height != 0)
    add("height", std::to_string(spec.height));
  if (spec.fps)
    add("fps", std::to_string(spec.fps->num) +
                   (spec.fps->den == 1 ? "" : "/" + std::to_string(spec.fps->den)));
  if (spec.quality)
    add(codec ? quality_field(*codec) : "crf", number(*spec.quality));
  if (spec.bitrate)
    add("bitrate", rate_text(*spec.bitrate));
  if (spec.max_rate)
    add("maxrate", rate_text(*spec.max_rate));
  if (spec.buffer)
    add("buffer", std::to_string(*spec.buffer));
  if (spec.keyframe_interval)
    add("keyint", std::to_string(*spec.keyframe_interval));
  if (spec.b_frames)
    add("bframes", std::to_string(*spec.b_frames));
  if (spec.threads)
    add("threads", std::to_string(*spec.threads));
  if (spec.speed)
    add("speed", kSpeeds[static_cast<std::size_t>(*spec.speed)]);
  if (spec.in_band)
    add(kInBand, "1");
  if (const Fraction& pixels = spec.pixel_aspect_ratio; pixels != Fraction{1, 1})
    add(kPixels, std::to_string(pixels.num) + "/" + std::to_string(pixels.den));
  std::string via;
  for (const PictureSize& size : spec.via)
    via +=
        (via.empty() ? "" : "+") + std::to_string(size.width) + "x" + std::to_string(size.height);
  if (!via.empty())
    add(kVia, via);
  return text;
}
}  // namespace

Status check_renditions(const std::vector<RenditionSpec>& specs) {
  if (specs.empty())
    return Error{"renditions: none; write name:codec, such as 720p:h264"};
  if (specs.size() > kMaxRenditions)
    return Error{"renditions: more than " + std::to_string(kMaxRenditions)};
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (std::string text = flaw(specs[i]); !text.empty())
      return Error{subject(specs[i].name, i) + text};
    const auto same = [&](const RenditionSpec& s) { return s.name == specs[i].name; };
    if (std::any_of(specs.begin(), specs.begin() + static_cast<std::ptrdiff_t>(i), same))
      return Error{subject(specs[i].name, i) + "the name comes twice"};
  }
  return {};
}

Result<std::vector<RenditionSpec>> parse_renditions(std::string_view text) {
  if (text.size() > kMaxText)
    return Error{"renditions: text of " + std::to_string(text.size()) + " bytes, more than " +
                 std::to_string(kMaxText)};
  std::vector<RenditionSpec> specs;
  if (trim(text).empty())
    return Error{check_renditions(specs).error()};
  if (std::count(text.begin(), text.end(), ',') >= std::ptrdiff_t{kMaxRenditions})
    return Error{"renditions: more than " + std::to_string(kMaxRenditions)};
  bool more = true;
  while (more) {
    more = text.find(',') != std::string_view::npos;
    auto spec = parse_rendition(take_until(text, ','), specs.size());
    if (!spec)
      return Error{spec.error()};
    specs.push_back(std::move(*spec));
  }
  if (Status status = check_renditions(specs); !status)
    return Error{status.error()};
  return specs;
}

std::string to_string(const std::vector<RenditionSpec>& specs) {
  std::string text;
  for (const RenditionSpec& spec : specs)
    text += (text.empty() ? "" : ",") + to_string(spec);
  return text;
}

}  // namespace dist
