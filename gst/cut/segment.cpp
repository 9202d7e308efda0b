// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/segment.h"

#include <algorithm>
#include <cmath>

namespace dist {
namespace {

constexpr std::uint32_t kMagic = 0x47455344;  // "DSEG"
constexpr std::uint16_t kFlagLast = 1;
constexpr std::size_t kMaxString = 1u << 20;
// Of a serialised header what is no text, and each unit.
constexpr std::size_t kFixedSize = 148;
constexpr std::size_t kUnitSize = 44;
constexpr std::size_t kMaxCaps = 256u << 10;
// GStreamer's parser of caps calls itself for each bracket that opens, some 25,000 times before the
// stack ends. Those that close are not set against them: in quotes they are text. Real caps have a
// few.
constexpr std::ptrdiff_t kMaxBrackets = 256;

bool is_parseable(const std::string& caps) {
  return std::ranges::count_if(caps, [](char c) { return c == '{' || c == '<' || c == '['; }) <=
         kMaxBrackets;
}

}  // namespace

std::uint64_t SegmentHeader::payload_size() const {
  std::uint64_t size = 0;
  for (const AccessUnit& unit : units)
    size += unit.size;
  return size;
}

std::vector<Time> SegmentHeader::presentation_times() const {
  std::vector<Time> times;
  for (const AccessUnit& unit : units)
    if (unit.show != kNoTime)
      times.push_back(unit.show);
  std::sort(times.begin(), times.end());
  return times;
}

std::vector<Time> SegmentHeader::frame_durations() const {
  std::vector<std::pair<Time, Time>> frames;
  for (const AccessUnit& unit : units)
    if (unit.show != kNoTime)
      frames.emplace_back(unit.show, unit.duration);
  std::sort(frames.begin(), frames.end());
  std::vector<Time> durations;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto [show, duration] = frames[i];
    const Time next = i + 1 < frames.size() ? frames[i + 1].first : std::max(stop, show);
    durations.push_back(duration != kNoTime ? duration : next - show);
  }
  return durations;
}

Time presentation_estimate(Time pts, Time dts) {
  return pts != kNoTime ? pts : dts;
}

Bytes serialize(const SegmentHeader& header) {
  ByteWriter out(kFixedSize + header.stream_id.size() + header.rendition.size() +
                 header.caps.size() + header.units.size() * kUnitSize);
  out.u32(kMagic);
  out.u16(kSegmentVersion);
  out.u16(header.last ? kFlagLast : 0);
  const std::size_t size_at = out.size();
  out.u32(0);
  out.u32(static_cast<std::uint32_t>(header.units.size()));
  out.u64(header.payload_size());
  out.u64(header.index);
  out.u64(header.start);
  out.u64(header.stop);
  out.u64(header.first_unit);
  out.u32(header.reorder_depth);
  const TimeSegment& t = header.time_segment;
  out.u32(t.flags);
  out.f64(t.rate);
  out.f64(t.applied_rate);
  for (Time value : {t.base, t.offset, t.start, t.stop, t.time, t.position, t.duration})
    out.u64(value);
  out.string(header.stream_id);
  out.string(header.rendition);
  out.string(header.caps);
  for (const AccessUnit& unit : header.units) {
    out.u64(unit.pts);
    out.u64(unit.dts);
    out.u64(unit.duration);
    out.u64(unit.show);
    out.u32(unit.flags);
    out.u64(unit.size);
  }
  out.patch_u32(size_at, static_cast<std::uint32_t>(out.size()));
  return Bytes::take(out.take());
}

Result<std::uint32_t> parse_header_size(std::span<const std::uint8_t> prefix) {
  ByteReader in(prefix);
  if (in.u32() != kMagic || !in.ok())
    return Error{"segment header: these bytes are not a segment"};
  const std::uint16_t version = in.u16();
  in.u16();
  const std::uint32_t size = in.u32();
  if (!in.ok() || size < kSegmentPrefix || size > kMaxSegmentHeader)
    return Error{"segment header: impossible size"};
  if (version != kSegmentVersion)
    return Error{"segment header: version " + std::to_string(version) + ", this program reads " +
                 std::to_string(kSegmentVersion)};
  return size;
}

Result<SegmentHeader> parse_header(std::span<const std::uint8_t> data, std::uint64_t total_size) {
  const auto size = parse_header_size(data);
  if (!size)
    return Error{size.error()};
  if (*size > data.size())
    return Error{"segment header: truncated"};

  ByteReader in(data.first(*size));
  in.bytes(6);
  SegmentHeader header;
  const std::uint16_t flags = in.u16();
  header.last = (flags & kFlagLast) != 0;
  in.u32();
  const std::uint32_t unit_count = in.u32();
  const std::uint64_t payload_size = in.u64();
  header.index = in.u64();
  header.start = in.u64();
  header.stop = in.u64();
  header.first_unit = in.u64();
  header.reorder_depth = in.u32();
  TimeSegment& t = header.time_segment;
  t.flags = in.u32();
  t.rate = in.f64();
  t.applied_rate = in.f64();
  for (Time* value : {&t.base, &t.offset, &t.start, &t.stop, &t.time, &t.position, &t.duration})
    *value = in.u64();
  header.stream_id = in.string(kMaxString);
  header.rendition = in.string(kMaxString);
  header.caps = in.string(kMaxCaps);
  if (!in.ok() || in.remaining() != std::uint64_t{unit_count} * kUnitSize)
    return Error{"segment header: its parts do not add up to its size"};
  if ((flags & ~kFlagLast) != 0 || !std::isfinite(t.rate) || t.rate <= 0 ||
      !std::isfinite(t.applied_rate) || t.applied_rate == 0 || header.start == kNoTime ||
      header.stop == kNoTime || header.start > header.stop || t.start == kNoTime ||
      !is_parseable(header.caps))
    return Error{"segment header: impossible values"};

  // Each size is checked against what is left, so the sum cannot wrap around.
  std::uint64_t left = total_size - *size;
  if (total_size < *size || payload_size != left)
    return Error{"segment header: payload of " + std::to_string(payload_size) +
                 " bytes announced, the segment has " + std::to_string(total_size) + " in all"};
  header.units.reserve(unit_count);
  for (std::uint32_t i = 0; i < unit_count; ++i) {
    AccessUnit unit;
    for (Time* value : {&unit.pts, &unit.dts, &unit.duration, &unit.show})
      *value = in.u64();
    unit.flags = in.u32();
    unit.size = in.u64();
    if (unit.size > left)
      return Error{"segment header: access units are larger than the payload"};
    left -= unit.size;
    header.units.push_back(unit);
  }
  if (left != 0)
    return Error{"segment header: access units are smaller than the payload"};
  return header;
}

}  // namespace dist
