// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Segments out of inputs, so that a mutation reaches parsers and decoders. An input is:
//
//     kind      1 byte: an index of kCapsOfKinds, or kCapsFollow, or kSegmentFollows
//     headers   2 bytes (little-endian) and so many: the codec_data; none if 0
//     units     each 1 byte of UnitFlags, 2 bytes and so many: an access unit
//
// After kCapsFollow come caps up to a zero in place of the headers, and then units. After
// kSegmentFollows comes a segment as it is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gst/cut/segment.h"
#include "gst/gstx/ref.h"
#include "tests/fuzz/fuzz.h"

namespace dist::fuzz {

// Width, height and framerate are those of kCapsOfAll.
inline constexpr std::array<std::string_view, 14> kCapsOfKinds = {
    "video/x-raw, format=(string)I420",
    "video/x-raw, format=(string)I420_10LE",
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au",
    "video/x-h264, stream-format=(string)avc, alignment=(string)au",
    "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au",
    "video/x-h265, stream-format=(string)hvc1, alignment=(string)au",
    "video/x-vp8",
    "video/x-vp9, alignment=(string)super-frame",
    "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu",
    "video/mpeg, mpegversion=(int)1, systemstream=(boolean)false, parsed=(boolean)true",
    "video/mpeg, mpegversion=(int)2, systemstream=(boolean)false, parsed=(boolean)true",
    "video/mpeg, mpegversion=(int)4, systemstream=(boolean)false, parsed=(boolean)true",
    "image/jpeg",
    "video/x-ffv, ffvversion=(int)1",
};
inline constexpr std::string_view kCapsOfAll =
    ", width=(int)32, height=(int)32, framerate=(fraction)25/1";
inline constexpr std::uint8_t kCapsFollow = kCapsOfKinds.size();
inline constexpr std::uint8_t kSegmentFollows = kCapsFollow + 1;

inline constexpr Time kFrame = kSecond / 25;

enum UnitFlags : std::uint8_t {
  kDelta = 1 << 0,
  kNotShown = 1 << 1,
  kWithoutPts = 1 << 2,
  kOneLater = 1 << 3,    // It is presented one frame later than its place says,
  kTwoLater = 1 << 4,    // two,
  kOneEarlier = 1 << 5,  // or one frame earlier.
  kBefore = 1 << 6,      // Half a second before the others.
  kCorrupt = 1 << 7,
};

struct SegmentInput {
  SegmentHeader header;
  Ref<GstBuffer> segment;
};

// A rendition has the name "r"; a segment that follows as it is has what it says. None if that one
// has no sound header.
std::optional<SegmentInput> segment_of(Input& input, bool rendition);

}  // namespace dist::fuzz
