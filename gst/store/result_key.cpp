// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/store/result_key.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace dist {
namespace {

constexpr std::string_view kForm = "gst-dist result key 1";
// Of every first buffer of a stream; a worker sets it for each segment's first unit.
constexpr std::uint32_t kFlagDiscont = 1u << 6;
// How far Matroska's milliseconds may move a frame, and its segment's first one the other way.
constexpr Time kJitter = kSecond / 1000 + 1000;
// Frames further apart than this many times the jitter are told apart by their number.
constexpr Time kFrameJitters = 8;
constexpr Time kLongestSegment = 3600 * kSecond;
constexpr std::uint64_t kMaxRateNumber = 1'000'000;

// How a worker plays a unit; see PlayTimes.
enum class Role : std::uint8_t { kShown, kTimeless, kBefore, kAfter, kInside };

std::vector<std::string> fields_of(std::string_view caps) {
  std::vector<std::string> fields;
  int depth = 0;
  bool quoted = false;
  std::size_t begin = 0;
  const auto take = [&](std::size_t end) {
    std::string_view field = caps.substr(begin, end - begin);
    while (!field.empty() && field.front() == ' ')
      field.remove_prefix(1);
    fields.emplace_back(field);
    begin = end + 1;
  };
  for (std::size_t i = 0; i < caps.size(); ++i) {
    const char c = caps[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '{' || c == '<' || c == '[' || c == '('))
      ++depth;
    else if (!quoted && (c == '}' || c == '>' || c == ']' || c == ')'))
      --depth;
    else if (!quoted && depth == 0 && c == ',')
      take(i);
  }
  take(caps.size());
  return fields;
}

std::optional<Fraction> framerate_of(std::string_view caps) {
  constexpr std::string_view kField = "framerate=(fraction)";
  for (const std::string& field : fields_of(caps)) {
    if (!field.starts_with(kField))
      continue;
    Fraction rate;
    const char* const end = field.data() + field.size();
    auto parsed = std::from_chars(field.data() + kField.size(), end, rate.num);
    if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '/')
      return std::nullopt;
    parsed = std::from_chars(parsed.ptr + 1, end, rate.den);
    if (parsed.ec != std::errc() || parsed.ptr != end || rate.num == 0 || rate.den == 0 ||
        rate.num > kMaxRateNumber || rate.den > kMaxRateNumber)
      return std::nullopt;
    return rate;
  }
  return std::nullopt;
}

Time distance(Time a, Time b) {
  return a > b ? a - b : b - a;
}

// Frames at a constant rate, if the caps promise one that can be told from the jitter of times.
class FrameGrid {
 public:
  static std::optional<FrameGrid> of(const SegmentHeader& source, Time origin) {
    const auto rate = framerate_of(source.caps);
    if (!rate)
      return std::nullopt;
    const FrameGrid grid(*rate, origin);
    if (grid.time(1) < kFrameJitters * kJitter)
      return std::nullopt;
    const bool fits = std::ranges::all_of(source.units, [&](const AccessUnit& unit) {
      return unit.show == kNoTime ||
             (unit.show - origin < kLongestSegment &&
              distance(grid.time(grid.number(unit.show)), unit.show - origin) <= kJitter &&
              (unit.duration == kNoTime || distance(unit.duration, grid.time(1)) <= kJitter));
    });
    return fits ? std::optional(grid) : std::nullopt;
  }

  std::uint64_t number(Time time) const {
    const std::uint64_t unit = kSecond * rate_.den;
    return ((time - origin_) * rate_.num + unit / 2) / unit;
  }

 private:
  FrameGrid(Fraction rate, Time origin) : rate_(rate), origin_(origin) {}

  Time time(std::uint64_t number) const { return number * kSecond * rate_.den / rate_.num; }

  Fraction rate_;
  Time origin_;
};

Role role_of(const AccessUnit& unit, const SegmentHeader& source, bool begun) {
  if (unit.show != kNoTime)
    return Role::kShown;
  const Time time = presentation_estimate(unit.pts, unit.dts);
  if (time == kNoTime)
    return Role::kTimeless;
  if (time >= source.stop)
    return Role::kAfter;
  return time < source.start || !begun ? Role::kBefore : Role::kInside;
}

void write_units(ByteWriter& out, const SegmentHeader& source, Time origin) {
  const auto grid = FrameGrid::of(source, origin);
  const bool needs_dts = std::ranges::any_of(source.units, [](const AccessUnit& unit) {
    return unit.show != kNoTime && unit.pts == kNoTime;
  });
  out.u8(grid ? 1 : 0);
  out.u8(needs_dts ? 1 : 0);
  out.u32(static_cast<std::uint32_t>(source.units.size()));
  bool begun = false;
  bool first = true;
  for (const AccessUnit& unit : source.units) {
    begun = begun || unit.show != kNoTime;
    const Role role = role_of(unit, source, begun);
    out.u64(unit.size);
    out.u32(first ? unit.flags & ~kFlagDiscont : unit.flags);
    out.u8(static_cast<std::uint8_t>(role));
    out.u8(unit.pts != kNoTime ? 1 : 0);
    if (role == Role::kShown)
      out.u64(grid ? grid->number(unit.show) : unit.show - origin);
    // It comes out of the decoder, and is left out, only near a time that no frame has.
    if (role == Role::kInside && !grid)
      out.u64(presentation_estimate(unit.pts, unit.dts) - origin);
    if (!grid)
      out.u64(unit.duration);
    if (needs_dts)
      out.u64(unit.dts == kNoTime ? kNoTime : unit.dts - origin);
    first = false;
  }
}

}  // namespace

std::string canonical_caps(const std::string& caps) {
  std::vector<std::string> fields = fields_of(caps);
  std::erase_if(fields, [](const std::string& field) {
    return field == "interlace-mode=(string)progressive" ||
           field == "pixel-aspect-ratio=(fraction)1/1";
  });
  // The media type comes first.
  if (!fields.empty())
    std::sort(fields.begin() + 1, fields.end());
  std::string text;
  for (const std::string& field : fields)
    text += (text.empty() ? "" : ",") + field;
  return text;
}

BlobKey payload_digest(const SegmentHeader& header, const BytesList& segment) {
  const std::uint64_t size = header.payload_size();
  return sha256(slice(segment, total_size(segment) - size, size));
}

std::optional<BlobKey> result_key(const SegmentHeader& source, const BlobKey& payload,
                                  const Encoding& encoding) {
  const std::vector<Time> shown = source.presentation_times();
  const std::vector<Time> frames = frames_of(source, encoding.spec);
  if (encoding.encoder.empty() || encoding.encoder_version.empty() || frames.empty())
    return std::nullopt;
  ByteWriter out;
  out.string(kForm);
  out.bytes(payload);
  out.string(canonical_caps(source.caps));
  write_units(out, source, shown.front());
  out.u32(static_cast<std::uint32_t>(frames.size()));
  for (const Time frame : frames)
    out.u32(static_cast<std::uint32_t>(std::ranges::lower_bound(shown, frame) - shown.begin()));
  RenditionSpec nameless = encoding.spec;
  nameless.name.clear();
  out.string(to_string({nameless}));
  out.string(encoding.encoder);
  out.string(encoding.encoder_version);
  return sha256({Bytes::take(out.take())});
}

}  // namespace dist
