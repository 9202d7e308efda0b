// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/rendition_text.h"

#include <glib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace dist {
namespace text {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string codec_names() {
  std::string text;
  for (const CodecInfo& codec : codecs())
    text += (text.empty() ? "" : ", ") + std::string(codec.name);
  return text;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return part;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 40;
  std::string result(text.substr(0, kMaxShown));
  const bool valid = g_utf8_validate(result.data(), static_cast<gssize>(result.size()), nullptr);
  for (char& c : result)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f ||
        (!valid && static_cast<unsigned char>(c) > 0x7f))
      c = '?';
  return result + (text.size() > kMaxShown ? "…" : "");
}

std::string number(double value) {
  std::array<char, 64> text;
  // Without the sign of a zero: equal values have equal texts.
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value == 0 ? 0 : value);
  return {text.data(), end.ptr};
}

Error field_error(std::string_view field, std::string_view value, const std::string& right) {
  return Error{std::string(field) + "=" + shown(value) + ": " + right};
}

Error unknown_codec(std::string_view codec) {
  return Error{"codec '" + shown(codec) + "': unknown; known are " + codec_names()};
}

std::string unknown_field(std::string_view field) {
  std::string known;
  for (const char* name : kFields)
    known += (known.empty() ? "" : ", ") + std::string(name);
  return "'" + shown(field) + "': unknown; known are " + known;
}

bool is_lossless(const CodecInfo& codec) {
  return codec.best_quality == codec.worst_quality;
}

const char* quality_field(const CodecInfo& codec) {
  return codec.single_pictures ? "quality" : "crf";
}

std::string quality_range(const CodecInfo& codec) {
  return "from " + number(std::min(codec.best_quality, codec.worst_quality)) + " to " +
         number(std::max(codec.best_quality, codec.worst_quality));
}

bool quality_fits(const CodecInfo& codec, double quality) {
  return quality >= std::min(codec.best_quality, codec.worst_quality) &&
         quality <= std::max(codec.best_quality, codec.worst_quality);
}

}  // namespace text

namespace {

using namespace text;

constexpr std::uint64_t kMinRate = 1000;
constexpr std::uint64_t kMaxRate = 1'000'000'000;
constexpr unsigned kMaxFps = 1000;
constexpr unsigned kMaxFraction = 1'000'000;
constexpr unsigned kMaxBuffer = 10'000;
constexpr unsigned kMaxKeyframeInterval = 100'000;
constexpr unsigned kMaxBFrames = 16;
constexpr unsigned kMaxThreads = 64;

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size())
    return {};
  return value;
}

// A number with up to six decimals, in millionths.
std::optional<std::uint64_t> parse_millionths(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto whole = parse_number<std::uint32_t>(text.substr(0, dot));
  if (!whole)
    return {};
  std::uint64_t result = std::uint64_t{*whole} * 1'000'000;
  if (dot == std::string_view::npos)
    return result;
  const std::string_view digits = text.substr(dot + 1);
  const auto decimals = parse_number<std::uint32_t>(digits);
  if (!decimals || digits.size() > 6)
    return {};
  std::uint64_t fraction = *decimals;
  for (std::size_t i = digits.size(); i < 6; ++i)
    fraction *= 10;
  return result + fraction;
}

Status set_number(std::optional<unsigned>& target, std::string_view field, std::string_view value,
                  unsigned low, unsigned high, const char* unit) {
  const auto parsed = parse_number<unsigned>(value);
  if (!parsed || *parsed < low || *parsed > high)
    return field_error(field, value,
                       "write a number " + std::string(unit) + "from " + std::to_string(low) +
                           " to " + std::to_string(high));
  target = parsed;
  return {};
}

Status set_length(unsigned& target, std::string_view field, std::string_view value) {
  std::optional<unsigned> length;
  if (Status status = set_number(length, field, value, 1, kMaxSize, "of pixels "); !status)
    return status;
  target = *length;
  return {};
}

std::optional<PictureSize> parse_size(std::string_view value) {
  const auto width = parse_number<unsigned>(take_until(value, 'x'));
  const auto height = parse_number<unsigned>(value);
  if (!width || !height)
    return {};
  return PictureSize{*width, *height};
}

bool is_within_limits(const PictureSize& size) {
  return size.width >= 1 && size.width <= kMaxSize && size.height >= 1 && size.height <= kMaxSize;
}

Status set_size(RenditionSpec& spec, std::string_view value) {
  const auto size = parse_size(value);
  if (!size)
    return Error{"size " + shown(value) + ": write width and height, such as 1280x720"};
  if (!is_within_limits(*size))
    return Error{"size " + shown(value) + ": width and height must be from 1 to " +
                 std::to_string(kMaxSize)};
  spec.width = size->width;
  spec.height = size->height;
  return {};
}

Status set_via(RenditionSpec& spec, std::string_view value) {
  for (std::string_view rest = value; !rest.empty();) {
    const auto size = parse_size(take_until(rest, '+'));
    if (!size || !is_within_limits(*size) || spec.via.size() == kMaxRenditions)
      return field_error(kVia, value, "write sizes, such as 1280x720+854x480");
    spec.via.push_back(*size);
  }
  return {};
}

Status set_rate(std::optional<std::uint64_t>& target, std::string_view field,
                std::string_view value, bool zero) {
  std::string_view digits = value;
  std::uint64_t unit = 1;
  if (!digits.empty() && (digits.back() == 'M' || digits.back() == 'k' || digits.back() == 'K')) {
    unit = digits.back() == 'M' ? 1'000'000 : 1000;
    digits.remove_suffix(1);
  }
  const auto millionths = parse_millionths(digits);
  // A part of a bit is nobody's intention.
  if (!millionths || (unit == 1 && digits.find('.') != std::string_view::npos))
    return field_error(field, value, "write bits a second, such as 3M or 2500k");
  const std::uint64_t bits = *millionths * unit / 1'000'000;
  if ((bits < kMinRate && !(zero && bits == 0)) || bits > kMaxRate)
    return field_error(
        field, value,
        std::string("write from 1k to 1000M bits a second") + (zero ? ", or 0 for no limit" : ""));
  target = bits;
  return {};
}

Status set_fps(std::optional<Fraction>& target, std::string_view value) {
  std::string_view rest = value;
  std::uint64_t num = 0;
  std::uint64_t den = 1;
  if (value.find('/') != std::string_view::npos) {
    num = parse_number<std::uint32_t>(take_until(rest, '/')).value_or(0);
    den = parse_number<std::uint32_t>(rest).value_or(0);
  } else {
    num = parse_millionths(value).value_or(0);
    den = 1'000'000;
  }
  if (num == 0 || den == 0)
    return field_error("fps", value,
                       "write frames a second above 0, such as 25, 29.97 or 30000/1001");
  const std::uint64_t common = std::gcd(num, den);
  num /= common;
  den /= common;
  if (num > kMaxFraction || den > kMaxFraction || num > kMaxFps * den)
    return field_error("fps", value,
                       "write at most " + std::to_string(kMaxFps) +
                           " frames a second, and numbers up to " + std::to_string(kMaxFraction));
  target = Fraction{static_cast<unsigned>(num), static_cast<unsigned>(den)};
  return {};
}

Status set_quality(RenditionSpec& spec, std::string_view field, std::string_view value) {
  const CodecInfo* codec = find_codec(spec.codec);
  if (codec && is_lossless(*codec))
    return field_error(field, value, spec.codec + " is lossless; leave it out");
  if (codec && field != quality_field(*codec))
    return field_error(
        field, value,
        spec.codec + " has " + quality_field(*codec) + " instead, " + quality_range(*codec));
  const auto quality = parse_number<double>(value);
  if (!quality || !std::isfinite(*quality) || (codec && !quality_fits(*codec, *quality)))
    return field_error(field, value,
                       "write a number " + (codec ? quality_range(*codec) : "from 0 to 100"));
  spec.quality = *quality == 0 ? 0 : *quality;
  return {};
}

Status set_speed(RenditionSpec& spec, std::string_view value) {
  const auto found = std::find(kSpeeds.begin(), kSpeeds.end(), value);
  if (found == kSpeeds.end())
    return field_error("speed", value, "write fast, medium or slow");
  spec.speed = static_cast<Speed>(found - kSpeeds.begin());
  return {};
}

Status set_codec(RenditionSpec& spec, std::string_view value) {
  const CodecInfo* codec = find_codec(value == "hevc" ? "h265" : value);
  if (!codec)
    return unknown_codec(value);
  spec.codec = codec->name;
  return {};
}

}  // namespace

const std::vector<CodecInfo>& codecs() {
  static const std::vector<CodecInfo> list = {
      {"h264", "video/x-h264", 0, 51, 23, false, false, 0.2},
      {"h265", "video/x-h265", 0, 51, 24, false, false, 0.14},
      {"vp8", "video/x-vp8", 0, 63, 24, false, true, 0.2},
      {"vp9", "video/x-vp9", 0, 63, 27, false, true, 0.14},
      {"av1", "video/x-av1", 0, 63, 28, false, true, 0.12},
      {"mpeg4", "video/mpeg", 2, 31, 3, false, false, 0},
      {"jpeg", "image/jpeg", 100, 1, 85, true, true, 0},
      {"ffv1", "video/x-ffv", 0, 0, 0, false, true, 0},
  };
  return list;
}

const CodecInfo* find_codec(std::string_view name) {
  const auto& list = codecs();
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const CodecInfo& c) { return c.name == name; });
  return found == list.end() ? nullptr : &*found;
}

Status set_field(RenditionSpec& spec, std::string_view field, std::string_view value) {
  if (field == "codec")
    return set_codec(spec, value);
  if (field == "size")
    return set_size(spec, value);
  if (field == "width" || field == "height")
    return set_length(field == "width" ? spec.width : spec.height, field, value);
  if (field == "fps")
    return set_fps(spec.fps, value);
  if (field == "crf" || field == "quality")
    return set_quality(spec, field, value);
  if (field == "bitrate")
    return set_rate(spec.bitrate, field, value, false);
  if (field == "maxrate")
    return set_rate(spec.max_rate, field, value, true);
  if (field == "buffer")
    return set_number(spec.buffer, field, value, 1, kMaxBuffer, "of milliseconds ");
  if (field == "keyint")
    return set_number(spec.keyframe_interval, field, value, 1, kMaxKeyframeInterval, "of frames ");
  if (field == "bframes")
    return set_number(spec.b_frames, field, value, 0, kMaxBFrames, "");
  if (field == "threads")
    return set_number(spec.threads, field, value, 1, kMaxThreads, "");
  if (field == "speed")
    return set_speed(spec, value);
  return Error{unknown_field(field)};
}

Status text::set_wire_field(RenditionSpec& spec, std::string_view field, std::string_view value) {
  if (field == kInBand) {
    if (value != "1")
      return field_error(field, value, "write 1");
    spec.in_band = true;
    return {};
  }
  std::string_view rest = value;
  if (field == kVia)
    return set_via(spec, value);
  const auto num = parse_number<std::int32_t>(take_until(rest, '/'));
  const auto den = parse_number<std::int32_t>(rest);
  if (!num || !den || *num < 1 || *den < 1)
    return field_error(field, value, "write width/height of a pixel, such as 16/15");
  spec.pixel_aspect_ratio = {static_cast<unsigned>(*num), static_cast<unsigned>(*den)};
  return {};
}

}  // namespace dist
