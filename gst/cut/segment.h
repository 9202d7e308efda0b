// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The segment: about a second of one video stream, as one run of bytes that explains itself. Its
// layout is documented in docs/design/segment.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"

namespace dist {

// Nanoseconds. kNoTime is "unknown" and has the value of GST_CLOCK_TIME_NONE.
using Time = std::uint64_t;
inline constexpr Time kNoTime = UINT64_MAX;
inline constexpr Time kSecond = 1'000'000'000;

// The buffer flag for "not a keyframe", with the value of GST_BUFFER_FLAG_DELTA_UNIT.
inline constexpr std::uint32_t kFlagDeltaUnit = 1u << 13;

// The buffer flag for "damaged", with the value of GST_BUFFER_FLAG_CORRUPTED. In a rendition: the
// decoder could show the frame only by guessing.
inline constexpr std::uint32_t kFlagCorrupted = 1u << 8;

// One access unit of a segment's payload, in decode order.
struct AccessUnit {
  Time pts = kNoTime;
  Time dts = kNoTime;
  Time duration = kNoTime;
  // When the frame is presented, after clipping to the stream's own segment; kNoTime for a unit
  // that only helps decoding.
  Time show = kNoTime;
  // Buffer flags as GStreamer defines them.
  std::uint32_t flags = 0;
  std::uint64_t size = 0;

  bool operator==(const AccessUnit&) const = default;
};

// The stream's own GstSegment (format TIME), which maps its timestamps to running time.
struct TimeSegment {
  std::uint32_t flags = 0;
  double rate = 1.0;
  double applied_rate = 1.0;
  Time base = 0;
  Time offset = 0;
  Time start = 0;
  Time stop = kNoTime;
  Time time = 0;
  Time position = 0;
  Time duration = kNoTime;

  bool operator==(const TimeSegment&) const = default;
};

struct SegmentHeader {
  // Identifies the stream that was cut; equal in all its segments.
  std::string stream_id;
  // Position in the stream, from 0.
  std::uint64_t index = 0;
  // Presentation interval [start, stop).
  Time start = 0;
  Time stop = 0;
  // No segment of this stream follows.
  bool last = false;
  // Empty for the source, else the name of the rendition that a worker made.
  std::string rendition;
  // Serialised GstCaps of the payload.
  std::string caps;
  TimeSegment time_segment;
  // Source only: the position of units[0] in the stream's decode order. Neighbouring segments
  // overlap by the units that both need.
  std::uint64_t first_unit = 0;
  // Renditions only: how many frames decoding runs ahead of presentation at most.
  std::uint32_t reorder_depth = 0;
  std::vector<AccessUnit> units;

  bool operator==(const SegmentHeader&) const = default;

  bool is_source() const { return rendition.empty(); }
  std::uint64_t payload_size() const;
  // Presentation times of the presented frames, ascending.
  std::vector<Time> presentation_times() const;
  // How long each of those frames lasts: as the stream says, else until the next one or the end.
  std::vector<Time> frame_durations() const;
};

// When a unit with these timestamps is presented if no PTS is given: streams without B-frames in
// containers such as AVI carry only decode times.
Time presentation_estimate(Time pts, Time dts);

inline constexpr std::uint16_t kSegmentVersion = 1;
// Upper limit of a header's size; more is refused before anything is allocated.
inline constexpr std::uint32_t kMaxSegmentHeader = 64u << 20;
// Bytes that suffice to learn the size of the header.
inline constexpr std::size_t kSegmentPrefix = 24;

// The header as bytes; the payload follows it directly.
Bytes serialize(const SegmentHeader& header);

// The size of the header whose first kSegmentPrefix bytes are given.
Result<std::uint32_t> parse_header_size(std::span<const std::uint8_t> prefix);

// Parses the header at the beginning of a segment of `total_size` bytes; `data` holds at least the
// header. Checks that sizes add up, so that units can be cut out of the payload without looking
// again. Errors say what is wrong with the bytes.
Result<SegmentHeader> parse_header(std::span<const std::uint8_t> data, std::uint64_t total_size);

}  // namespace dist
