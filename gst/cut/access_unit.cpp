// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/access_unit.h"

#include <algorithm>
#include <vector>

#include "gst/cut/nal_units.h"

namespace dist {
namespace {

using Span = std::span<const std::uint8_t>;

// One ff-coded number of an SEI message header.
bool read_sei_number(Span& data, std::size_t& value) {
  value = 0;
  while (!data.empty()) {
    const std::uint8_t byte = data[0];
    data = data.subspan(1);
    value += byte;
    if (byte != 0xff)
      return true;
  }
  return false;
}

// The kind of recovery point that an SEI NAL unit announces, if any.
RandomAccess recovery_point(Span nal) {
  constexpr std::size_t kRecoveryPoint = 6;
  const std::vector<std::uint8_t> raw = unescape(nal.subspan(1));
  Span data(raw);
  std::size_t type = 0;
  std::size_t size = 0;
  while (data.size() > 2 && read_sei_number(data, type) && read_sei_number(data, size)) {
    // It begins with recovery_frame_cnt in Exp-Golomb code, where zero is a single one bit.
    if (type == kRecoveryPoint)
      return !data.empty() && (data[0] & 0x80) != 0 ? RandomAccess::kRecovery
                                                    : RandomAccess::kGradual;
    data = data.subspan(std::min(size, data.size()));
  }
  return RandomAccess::kNone;
}

RandomAccess classify_h264(Span unit, unsigned length_size) {
  constexpr unsigned kSlice = 1, kPartitionA = 2, kIdr = 5, kSei = 6;
  RandomAccess result = RandomAccess::kNone;
  for_each_nal(unit, length_size, [&](Span nal) {
    const unsigned type = nal[0] & 0x1f;
    if (type == kIdr)
      result = RandomAccess::kClean;
    else if (type == kSei && result == RandomAccess::kNone)
      result = recovery_point(nal);
    // SEI messages come before the slices.
    return type != kSlice && type != kPartitionA && type != kIdr;
  });
  return result;
}

UnitKind classify_h265(Span unit, unsigned length_size) {
  constexpr unsigned kFirstNonSlice = 32, kFirstIrap = 16, kLastIrap = 21;
  constexpr unsigned kFirstLeading = 6, kLastLeading = 9;
  UnitKind result;
  for_each_nal(unit, length_size, [&](Span nal) {
    const unsigned type = nal[0] >> 1 & 0x3f;
    if (type >= kFirstNonSlice)
      return true;
    if (type >= kFirstIrap && type <= kLastIrap)
      result.random_access = RandomAccess::kClean;
    result.leading = type >= kFirstLeading && type <= kLastLeading;
    return false;
  });
  return result;
}

bool is_b_picture(Codec codec, Span unit) {
  constexpr std::uint8_t kPicture = 0x00, kVop = 0xb6;
  const std::uint8_t wanted = codec == Codec::kMpeg4 ? kVop : kPicture;
  for (std::size_t at = find_start_code(unit, 0); at + 5 < unit.size();
       at = find_start_code(unit, at + 3)) {
    if (unit[at + 3] != wanted)
      continue;
    // vop_coding_type; picture_coding_type after ten bits of temporal_reference.
    return codec == Codec::kMpeg4 ? unit[at + 4] >> 6 == 2 : (unit[at + 5] >> 3 & 7) == 3;
  }
  return false;
}

bool vp9_shown(Span unit) {
  // A superframe always ends with a frame that is shown.
  if ((unit.back() & 0xe0) == 0xc0)
    return true;
  const unsigned header = static_cast<unsigned>(unit[0]) << 8 | (unit.size() > 1 ? unit[1] : 0u);
  const auto bit = [header](unsigned n) { return (header >> (15 - n) & 1) != 0; };
  // frame_marker(2), profile(2), one reserved bit in profile 3, then the flags.
  unsigned at = bit(2) && bit(3) ? 5 : 4;
  const bool show_existing_frame = bit(at++);
  return show_existing_frame || bit(at + 1);
}

}  // namespace

UnitKind classify(const StreamFormat& format, bool keyframe, Span unit) {
  UnitKind kind;
  kind.random_access = keyframe ? RandomAccess::kClean : RandomAccess::kNone;
  if (unit.empty())
    return kind;
  switch (format.codec) {
    case Codec::kH264:
      kind.random_access = classify_h264(unit, format.nal_length_size);
      break;
    case Codec::kH265:
      kind = classify_h265(unit, format.nal_length_size);
      break;
    case Codec::kVp8:
      kind.random_access = (unit[0] & 1) == 0 ? RandomAccess::kClean : RandomAccess::kNone;
      kind.shown = (unit[0] >> 4 & 1) != 0;
      break;
    case Codec::kVp9:
      kind.shown = vp9_shown(unit);
      break;
    case Codec::kMpeg12:
    case Codec::kMpeg4:
      kind.leading = is_b_picture(format.codec, unit);
      break;
    case Codec::kRaw:
    case Codec::kAv1:
    case Codec::kJpeg:
      break;
  }
  return kind;
}

bool has_parameter_sets(const StreamFormat& format, Span unit) {
  const bool h265 = format.codec == Codec::kH265;
  bool video = !h265;  // H.265 only.
  bool sequence = false;
  bool picture = false;
  for_each_nal(unit, format.nal_length_size, [&](Span nal) {
    const unsigned type = h265 ? nal[0] >> 1 & 0x3f : nal[0] & 0x1f;
    video |= h265 && type == 32;
    sequence |= type == (h265 ? 33 : 7);
    picture |= type == (h265 ? 34 : 8);
    return true;
  });
  return video && sequence && picture;
}

unsigned max_reorder_depth(Codec codec) {
  switch (codec) {
    case Codec::kH264:
    case Codec::kH265:
      return 16;  // Size of the largest decoded picture buffer.
    case Codec::kMpeg12:
    case Codec::kMpeg4:
      return 2;  // One reference picture ahead, which may be two fields.
    case Codec::kRaw:
    case Codec::kVp8:
    case Codec::kVp9:
    case Codec::kAv1:
    case Codec::kJpeg:
      return 0;
  }
  return 0;
}

}  // namespace dist
