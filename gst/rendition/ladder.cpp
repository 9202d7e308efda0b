// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Renditions and their source: built-in ladders, sizes, and which frames are kept.
#include <algorithm>
#include <charconv>

#include "gst/rendition/rendition.h"
#include "gst/rendition/scale_plan.h"

namespace dist {
namespace {

__extension__ using Wide = unsigned __int128;

const struct {
  const char* name;
  const char* text;
} kLadders[] = {
    {"h264",
     "2160p:h264:3840x2160:crf=23:maxrate=24M,"
     "1440p:h264:2560x1440:crf=23:maxrate=13M,"
     "1080p:h264:1920x1080:crf=23:maxrate=7M,"
     "720p:h264:1280x720:crf=23:maxrate=3500k,"
     "480p:h264:854x480:crf=23:maxrate=1600k,"
     "360p:h264:640x360:crf=23:maxrate=900k,"
     "240p:h264:426x240:crf=23:maxrate=450k"},
    {"hevc",
     "2160p:h265:3840x2160:crf=24:maxrate=16M,"
     "1440p:h265:2560x1440:crf=24:maxrate=8M,"
     "1080p:h265:1920x1080:crf=24:maxrate=4500k,"
     "720p:h265:1280x720:crf=24:maxrate=2300k,"
     "480p:h265:854x480:crf=24:maxrate=1100k,"
     "360p:h265:640x360:crf=24:maxrate=600k"},
    {"vp9",
     "2160p:vp9:3840x2160:crf=27:maxrate=18M,"
     "1440p:vp9:2560x1440:crf=27:maxrate=9M,"
     "1080p:vp9:1920x1080:crf=27:maxrate=5M,"
     "720p:vp9:1280x720:crf=27:maxrate=2500k,"
     "480p:vp9:854x480:crf=27:maxrate=1200k,"
     "360p:vp9:640x360:crf=27:maxrate=700k,"
     "240p:vp9:426x240:crf=27:maxrate=350k"},
    {"av1",
     "2160p:av1:3840x2160:crf=28:maxrate=14M,"
     "1440p:av1:2560x1440:crf=28:maxrate=7M,"
     "1080p:av1:1920x1080:crf=28:maxrate=4M,"
     "720p:av1:1280x720:crf=28:maxrate=2M,"
     "480p:av1:854x480:crf=28:maxrate=1M,"
     "360p:av1:640x360:crf=28:maxrate=550k"},
    {"mezzanine", "mezzanine:ffv1"},
};

// The picture as it is to be looked at, in units of which only the ratio counts.
struct Aspect {
  std::uint64_t width;
  std::uint64_t height;
};

Aspect display_aspect(const SourceFormat& source) {
  const Fraction& p = source.pixel_aspect_ratio;
  const bool known = p.num > 0 && p.den > 0;
  return {std::uint64_t{source.width} * (known ? p.num : 1),
          std::uint64_t{source.height} * (known ? p.den : 1)};
}

bool is_square(const SourceFormat& source) {
  const Fraction& p = source.pixel_aspect_ratio;
  return p.num == p.den || p.num == 0 || p.den == 0;
}

// a * b / c, to the nearest even number from 2 to `most`.
unsigned even(std::uint64_t a, std::uint64_t b, std::uint64_t c, unsigned most) {
  const Wide doubled = (Wide{a} * b + c) / (Wide{2} * c) * 2;
  return static_cast<unsigned>(std::clamp<Wide>(doubled, 2, std::max(2u, most & ~1u)));
}

// "720p", and what is longer: "720p-high".
std::optional<unsigned> height_in(const std::string& name) {
  unsigned height = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, height);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != 'p' || height < 2 ||
      height > kMaxSize)
    return {};
  const char* next = parsed.ptr + 1;
  if (next != end && *next != '-' && *next != '_')
    return {};
  return height;
}

// Where the picture has to fit in; 0: any.
struct Box {
  unsigned width = 0;
  unsigned height = 0;
};

Box box_of(const RenditionSpec& spec) {
  if (spec.width != 0 || spec.height != 0)
    return {spec.width, spec.height};
  return {0, height_in(spec.name).value_or(0)};
}

bool is_named_height(const RenditionSpec& spec) {
  return spec.width == 0 && spec.height == 0 && height_in(spec.name);
}

// Whether the width is what limits the picture in the box.
bool fits_by_width(const Box& box, const Aspect& aspect) {
  if (box.width == 0 || box.height == 0)
    return box.height == 0;
  return Wide{box.width} * aspect.height <= Wide{box.height} * aspect.width;
}

bool is_larger(const RenditionSpec& spec, const SourceFormat& source) {
  const Box box = box_of(spec);
  if (box.width == 0 && box.height == 0)
    return false;
  const Aspect aspect = display_aspect(source);
  if (!fits_by_width(box, aspect))
    return box.height > source.height;
  // Its height, box.width * aspect.height / aspect.width, against the source's.
  return Wide{box.width} * aspect.height > Wide{source.height} * aspect.width;
}

// By area, whatever the unit.
bool is_smaller(const RenditionSpec& a, const RenditionSpec& b, const Aspect& aspect) {
  const auto height = [&](const RenditionSpec& spec) {
    const Box box = box_of(spec);
    return fits_by_width(box, aspect)
               ? static_cast<double>(box.width) * static_cast<double>(aspect.height) /
                     static_cast<double>(aspect.width)
               : static_cast<double>(box.height);
  };
  return height(a) < height(b);
}

// The source's size itself, as far as the codec takes it.
Box own_size(const SourceFormat& source, const CodecInfo& codec) {
  const bool even_size = source.width % 2 == 0 && source.height % 2 == 0;
  if (codec.odd_sizes || even_size)
    return {source.width, source.height};
  const Aspect aspect = display_aspect(source);
  const unsigned height = std::max(2u, source.height & ~1u);
  // Pixels whose shape is not the source's own are square.
  if (is_square(source))
    return {std::max(2u, source.width & ~1u), height};
  return {even(aspect.width, height, aspect.height, kMaxSize), height};
}

Box fit(const RenditionSpec& spec, const SourceFormat& source, const CodecInfo& codec) {
  Box box = box_of(spec);
  if (is_named_height(spec))
    box.height = std::min(box.height, source.height);
  if (box.width == 0 && box.height == 0)
    return own_size(source, codec);
  if (is_square(source) && !fits_by_width(box, display_aspect(source)) &&
      box.height == source.height)
    return own_size(source, codec);
  if (is_square(source) && fits_by_width(box, display_aspect(source)) && box.width == source.width)
    return own_size(source, codec);
  const Aspect aspect = display_aspect(source);
  if (fits_by_width(box, aspect)) {
    const unsigned most = box.height != 0 ? box.height : kMaxSize;
    return {even(box.width, 1, 1, box.width), even(box.width, aspect.height, aspect.width, most)};
  }
  const unsigned most = box.width != 0 ? box.width : kMaxSize;
  return {even(box.height, aspect.width, aspect.height, most), even(box.height, 1, 1, box.height)};
}

// Frames a second of the rendition, as far as is known.
double rate_of(const RenditionSpec& spec, const SourceFormat& source) {
  const auto value = [](const Fraction& f) { return static_cast<double>(f.num) / f.den; };
  double rate = 30;
  if (source.framerate && source.framerate->num > 0 && source.framerate->den > 0)
    rate = value(*source.framerate);
  if (spec.fps)
    rate = std::min(rate, value(*spec.fps));
  return rate;
}

std::uint64_t default_max_rate(const RenditionSpec& spec, const SourceFormat& source,
                               const CodecInfo& codec) {
  // Few frames are larger ones each, and even a slide show begins with a keyframe.
  const double rate = std::clamp(rate_of(spec, source), 24.0, 120.0);
  const double bits = codec.bits_per_pixel * spec.width * spec.height * rate;
  return std::max<std::uint64_t>(64'000, static_cast<std::uint64_t>(bits) / 1000 * 1000);
}

}  // namespace

const char* built_in_ladder(std::string_view name) {
  for (const auto& ladder : kLadders)
    if (ladder.name == name)
      return ladder.text;
  return nullptr;
}

std::string built_in_ladder_names() {
  std::string text;
  for (const auto& ladder : kLadders)
    text += (text.empty() ? "" : ", ") + std::string(ladder.name);
  return text;
}

Result<std::vector<RenditionSpec>> resolve(const std::vector<RenditionSpec>& specs,
                                           const SourceFormat& source, bool ladder) {
  if (source.width == 0 || source.height == 0)
    return Error{"renditions: the source's width and height are not known"};
  if (source.width > kMaxSize || source.height > kMaxSize)
    return Error{"renditions: the source is larger than " + std::to_string(kMaxSize) + " pixels"};
  std::vector<RenditionSpec> result;
  for (const RenditionSpec& spec : specs)
    if (!ladder || !is_larger(spec, source))
      result.push_back(spec);
  const bool none_fits = result.empty() && !specs.empty();
  if (none_fits) {
    const Aspect aspect = display_aspect(source);
    result.push_back(
        *std::min_element(specs.begin(), specs.end(),
                          [&](const auto& a, const auto& b) { return is_smaller(a, b, aspect); }));
  }
  for (RenditionSpec& spec : result) {
    const CodecInfo* codec = find_codec(spec.codec);
    if (!codec)
      return Error{"rendition '" + spec.name + "': codec '" + spec.codec + "': unknown"};
    const Box size = none_fits ? own_size(source, *codec) : fit(spec, source, *codec);
    spec.width = size.width;
    spec.height = size.height;
    if (spec.width == source.width && spec.height == source.height && !is_square(source))
      spec.pixel_aspect_ratio = source.pixel_aspect_ratio;
    if (!spec.bitrate && !spec.max_rate && codec->bits_per_pixel != 0)
      spec.max_rate = default_max_rate(spec, source, *codec);
  }
  set_scaling_paths(result, source.width, source.height);
  return result;
}

namespace {

// As gst_segment_to_running_time() has it.
Time running_time(const TimeSegment& segment, Time pts) {
  const Time zero = segment.start + segment.offset;
  Time passed = pts > zero ? pts - zero : 0;
  if (segment.rate != 1.0)
    passed = static_cast<Time>(static_cast<double>(passed) / segment.rate);
  return segment.base + passed;
}

// Whether a multiple of 1/fps seconds lies in [begin, end).
bool has_tick(Time begin, Time end, const Fraction& fps) {
  const Wide interval = Wide{fps.den} * kSecond;  // In nanoseconds / num.
  const Wide from = Wide{begin} * fps.num;
  return (from + interval - 1) / interval * interval < Wide{end} * fps.num;
}

}  // namespace

std::vector<Time> frames_of(const SegmentHeader& source, const RenditionSpec& spec) {
  std::vector<Time> times = source.presentation_times();
  if (!spec.fps || spec.fps->num == 0 || spec.fps->den == 0)
    return times;
  const std::vector<Time> durations = source.frame_durations();
  std::vector<Time> result;
  for (std::size_t i = 0; i < times.size(); ++i) {
    // A frame is on screen until the next one comes, whatever its duration says. The film's last
    // one is there for a moment at least.
    Time begin = running_time(source.time_segment, times[i]);
    Time until = i + 1 < times.size() ? times[i + 1] : std::max(source.stop, times[i]);
    if (source.last && i + 1 == times.size())
      until = std::max({until, times[i] + 1, times[i] + durations[i]});
    if (i == 0)
      begin =
          source.index == 0 ? 0 : std::min(begin, running_time(source.time_segment, source.start));
    if (has_tick(begin, running_time(source.time_segment, until), *spec.fps))
      result.push_back(times[i]);
  }
  return result;
}

}  // namespace dist
