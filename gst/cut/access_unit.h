// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the cut rule must know about an access unit, read from its bytes without decoding.
#pragma once

#include <cstdint>
#include <span>

namespace dist {

enum class Codec { kRaw, kH264, kH265, kVp8, kVp9, kAv1, kMpeg12, kMpeg4, kJpeg };

struct StreamFormat {
  Codec codec = Codec::kRaw;
  // H.264 and H.265: bytes of the length before each NAL unit, 0 for start codes (byte-stream).
  unsigned nal_length_size = 0;
};

enum class RandomAccess {
  // Cannot be decoded without what came before.
  kNone,
  // A decoder can start here, and everything presented from here on is exact.
  kClean,
  // A decoder can start here, but its first frames may differ: decoding has to begin at the
  // random-access point before (H.264 recovery point that is no IDR picture).
  kRecovery,
  // As kRecovery, but the picture is refreshed over many frames (recovery_frame_cnt > 0), and those
  // may
  // refer to ones that are not refreshed yet: decoding has to begin two random-access points
  // before.
  kGradual,
};

struct UnitKind {
  RandomAccess random_access = RandomAccess::kNone;
  // False for frames that are decoded but never shown (VP8 and VP9 alternate references).
  bool shown = true;
  // Presented before the random-access point or reference picture that precedes it in decode order:
  // H.265 leading pictures, B-pictures of MPEG-1, MPEG-2 and MPEG-4.
  bool leading = false;
};

// `keyframe` is what upstream said of the unit; it is overruled where the bytes say more: parsers
// mark every H.264 picture of I slices as a keyframe, and frames after it may still refer to frames
// before it.
// Sources: ITU-T H.264 7.4.1.2.4 and D.2.8, ITU-T H.265 7.4.2.2, ISO/IEC 13818-2 6.3.9,
// ISO/IEC 14496-2 6.3.5, RFC 6386 9.1, VP9 bitstream 6.2.
UnitKind classify(const StreamFormat& format, bool keyframe, std::span<const std::uint8_t> unit);

// Whether an access unit of H.264 or H.265 carries all the parameter sets that a decoder needs.
bool has_parameter_sets(const StreamFormat& format, std::span<const std::uint8_t> unit);

// How many access units at most may come before another one in decode order and after it in
// presentation order.
unsigned max_reorder_depth(Codec codec);

}  // namespace dist
