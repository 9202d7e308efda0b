// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/picture_size.h"

#include <algorithm>
#include <climits>
#include <cstddef>

#include "gst/cut/nal_units.h"

namespace dist {
namespace {

using Unit = std::span<const std::uint8_t>;

unsigned big_endian(Unit unit, std::size_t at) {
  return static_cast<unsigned>(unit[at] << 8 | unit[at + 1]);
}

std::optional<PictureSize> size_of_vp8(Unit unit) {
  constexpr unsigned kSize = 0x3fff;  // Without the bits that scale.
  if (unit.size() < 10 || (unit[0] & 1) != 0)
    return std::nullopt;
  const auto little_endian = [&](std::size_t at) {
    return static_cast<unsigned>(unit[at] | unit[at + 1] << 8);
  };
  return PictureSize{little_endian(6) & kSize, little_endian(8) & kSize};
}

bool is_frame_header(unsigned marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

// Up to the first scan.
std::optional<PictureSize> size_of_jpeg(Unit unit) {
  constexpr unsigned kStart = 0xd8;
  constexpr unsigned kScan = 0xda;
  std::size_t at = 0;
  while (at + 4 <= unit.size()) {
    const unsigned marker = unit[at + 1];
    // Decoders skip what is none, and bytes that fill.
    if (unit[at] != 0xff || marker == 0xff || marker == 0) {
      ++at;
      continue;
    }
    if (marker == kScan)
      return std::nullopt;
    if (marker == kStart || (marker >= 0xd0 && marker <= 0xd7) || marker == 1) {
      at += 2;
      continue;
    }
    if (is_frame_header(marker) && at + 9 <= unit.size())
      return PictureSize{big_endian(unit, at + 7), big_endian(unit, at + 5)};
    at += 2 + big_endian(unit, at + 2);
  }
  return std::nullopt;
}

// --- H.264 and H.265

// Behind the end there are zeros, and it is not good() any more.
class BitReader {
 public:
  explicit BitReader(Unit bytes) : bytes_(bytes) {}

  bool good() const { return at_ <= 8 * bytes_.size(); }
  unsigned bit() {
    const std::size_t at = at_++;
    return at < 8 * bytes_.size() ? bytes_[at / 8] >> (7 - at % 8) & 1u : 0;
  }
  void skip(std::size_t bits) { at_ += bits; }
  unsigned bits(unsigned count) {
    unsigned value = 0;
    while (count-- > 0)
      value = value << 1 | bit();
    return value;
  }
  // ue(v), 9.1 and 9.2: fewer than 32 zeros, a one, and as many bits.
  unsigned number() {
    unsigned zeros = 0;
    while (good() && bit() == 0)
      ++zeros;
    if (zeros > 31)
      at_ = 8 * bytes_.size() + 1;
    return good() ? (1u << zeros) - 1 + bits(zeros) : 0;
  }
  // se(v)
  int signed_number() {
    const auto code = static_cast<int>(number());
    return code % 2 != 0 ? code / 2 + 1 : -(code / 2);
  }

 private:
  Unit bytes_;
  std::size_t at_ = 0;
};

void skip_scaling_list(BitReader& reader, unsigned size) {
  int last = 8;
  int next = 8;
  for (unsigned i = 0; i < size && reader.good(); ++i) {
    if (next != 0)
      next = (last + reader.signed_number()) & 0xff;
    last = next != 0 ? next : last;
  }
}

// Profiles as libavcodec has them, whose sequence parameter sets say what the chroma is.
bool says_chroma(unsigned profile) {
  constexpr unsigned kProfiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 144};
  return std::ranges::find(kProfiles, profile) != std::end(kProfiles);
}

std::optional<PictureSize> size_of_h264(BitReader reader) {
  constexpr unsigned kMacroblock = 16;
  const unsigned profile = reader.bits(8);
  reader.skip(16);  // Constraints and level.
  reader.number();  // seq_parameter_set_id
  if (says_chroma(profile)) {
    const unsigned chroma = reader.number();
    reader.skip(chroma == 3 ? 1 : 0);
    reader.number();  // Bit depths.
    reader.number();
    reader.skip(1);
    const bool scaled = reader.bit() != 0;
    for (unsigned i = 0; scaled && i < (chroma == 3 ? 12u : 8u); ++i)
      if (reader.bit() != 0)
        skip_scaling_list(reader, i < 6 ? 16 : 64);
  }
  reader.number();  // log2_max_frame_num_minus4
  const unsigned order = reader.number();
  if (order == 0) {
    reader.number();
  } else if (order == 1) {
    reader.skip(1);
    reader.number();
    reader.number();
    for (unsigned frames = reader.number(); frames > 0 && reader.good(); --frames)
      reader.number();
  }
  reader.number();  // max_num_ref_frames
  reader.skip(1);
  const std::uint64_t width = std::uint64_t{reader.number()} + 1;
  const std::uint64_t height = std::uint64_t{reader.number()} + 1;
  const unsigned fields = reader.bit() != 0 ? 1 : 2;
  if (!reader.good())
    return std::nullopt;
  const auto pixels = [](std::uint64_t macroblocks) {
    return static_cast<unsigned>(std::min<std::uint64_t>(macroblocks * kMacroblock, UINT_MAX));
  };
  return PictureSize{pixels(width), pixels(std::uint64_t{height} * fields)};
}

std::optional<PictureSize> size_of_h265(BitReader reader) {
  constexpr unsigned kProfileBits = 88;
  constexpr unsigned kLevelBits = 8;
  reader.skip(4);
  const unsigned layers = reader.bits(3);
  reader.skip(1 + kProfileBits + kLevelBits);
  const unsigned present = layers > 0 ? reader.bits(16) : 0;  // Two bits of each of eight.
  for (unsigned i = 0; i < layers; ++i)
    reader.skip(((present >> (15 - 2 * i) & 1) != 0 ? kProfileBits : 0) +
                ((present >> (14 - 2 * i) & 1) != 0 ? kLevelBits : 0));
  reader.number();  // sps_seq_parameter_set_id
  reader.skip(reader.number() == 3 ? 1 : 0);
  const unsigned width = reader.number();
  const unsigned height = reader.number();
  if (!reader.good())
    return std::nullopt;
  return PictureSize{width, height};
}

// Of a NAL unit, if it is a sequence parameter set.
std::optional<PictureSize> size_in_nal(Codec codec, Unit nal) {
  constexpr unsigned kSps264 = 7;
  constexpr unsigned kSps265 = 33;
  constexpr std::size_t kLooked = 8192;  // Bytes; up to the size a valid one has fewer.
  const bool h265 = codec == Codec::kH265;
  const unsigned type = h265 ? nal[0] >> 1 & 0x3f : nal[0] & 0x1f;
  const std::size_t head = h265 ? 2 : 1;
  if (type != (h265 ? kSps265 : kSps264) || nal.size() < head)
    return std::nullopt;
  const auto raw = unescape(nal.subspan(head, std::min(kLooked, nal.size() - head)));
  return h265 ? size_of_h265(BitReader(raw)) : size_of_h264(BitReader(raw));
}

// What libavcodec takes for a decoder configuration record, although it is a unit. With lengths of
// four bytes a first NAL unit like that would have 16 MiB and the forbidden bit set.
bool is_like_record(Unit unit) {
  return unit.size() >= 9 && unit[0] == 1 && unit[2] == 0 && (unit[4] & 0xfc) == 0xfc;
}

void widen(std::optional<PictureSize>& size, const std::optional<PictureSize>& other) {
  if (!size || !other) {
    size = size ? size : other;
    return;
  }
  size->width = std::max(size->width, other->width);
  size->height = std::max(size->height, other->height);
}

// --- VP9 (bitstream specification 6.2, 7.2 and annex B)

// After the sync code of a frame that has no reference.
void skip_vp9_colours(BitReader& reader, unsigned profile) {
  constexpr unsigned kRgb = 7;
  reader.skip(profile >= 2 ? 1 : 0);  // Bit depth.
  const bool rgb = reader.bits(3) == kRgb;
  if (!rgb)
    reader.skip(1);  // Range.
  if (profile % 2 != 0)
    reader.skip(rgb ? 1 : 3);  // Subsampling.
}

PictureSize read_vp9_size(BitReader& reader) {
  const unsigned width = reader.bits(16) + 1;
  return {width, reader.bits(16) + 1};
}

// Of a frame that states one; others have that of a frame before.
std::optional<PictureSize> size_of_vp9_frame(BitReader reader) {
  constexpr unsigned kSyncBits = 24;
  constexpr unsigned kReferences = 3;
  reader.skip(2);  // frame_marker
  unsigned profile = reader.bit();
  profile |= reader.bit() << 1;
  reader.skip(profile == 3 ? 1 : 0);
  if (reader.bit() != 0)  // show_existing_frame
    return std::nullopt;
  const bool is_key = reader.bit() == 0;
  const bool shown = reader.bit() != 0;
  const bool resilient = reader.bit() != 0;
  if (is_key) {
    reader.skip(kSyncBits);
    skip_vp9_colours(reader, profile);
  } else {
    const bool intra_only = !shown && reader.bit() != 0;
    reader.skip(resilient ? 0 : 2);  // reset_frame_context
    if (intra_only) {
      reader.skip(kSyncBits);
      if (profile > 0)
        skip_vp9_colours(reader, profile);
    }
    reader.skip(8);  // refresh_frame_flags
    if (!intra_only) {
      reader.skip(kReferences * 4);
      for (unsigned i = 0; i < kReferences; ++i)
        if (reader.bit() != 0)  // found_ref
          return std::nullopt;
    }
  }
  const PictureSize size = read_vp9_size(reader);
  return reader.good() ? std::optional(size) : std::nullopt;
}

// The largest of the frames in a superframe.
std::optional<PictureSize> size_of_vp9(Unit unit) {
  constexpr std::size_t kLooked = 64;  // Bytes; a header up to its size has fewer.
  std::optional<PictureSize> size;
  const auto take = [&](Unit frame) {
    widen(size, size_of_vp9_frame(BitReader(frame.first(std::min(kLooked, frame.size())))));
  };
  if (unit.empty())
    return size;
  const unsigned marker = unit.back();
  const std::size_t frames = (marker & 7) + 1;
  const std::size_t bytes = (marker >> 3 & 3) + 1;
  const std::size_t index = 2 + frames * bytes;
  take(unit);
  if ((marker & 0xe0) != 0xc0 || unit.size() < index || unit[unit.size() - index] != marker)
    return size;
  std::size_t at = 0;
  for (std::size_t i = 0; i < frames; ++i) {
    std::size_t length = 0;
    for (std::size_t byte = bytes; byte > 0; --byte)
      length = length << 8 | unit[unit.size() - index + i * bytes + byte];
    length = std::min(length, unit.size() - index - at);
    take(unit.subspan(at, length));
    at += length;
  }
  return size;
}

}  // namespace

std::optional<PictureSize> stated_size(const StreamFormat& format,
                                       std::span<const std::uint8_t> unit) {
  std::optional<PictureSize> size;
  switch (format.codec) {
    case Codec::kVp8:
      return size_of_vp8(unit);
    case Codec::kJpeg:
      return size_of_jpeg(unit);
    case Codec::kH264:
    case Codec::kH265:
      if (format.codec == Codec::kH264 && format.nal_length_size != 0 && is_like_record(unit))
        widen(size, size_in_codec_data(format.codec, unit));
      for_each_nal(unit, format.nal_length_size, [&](Unit nal) {
        widen(size, size_in_nal(format.codec, nal));
        // Decoders begin anew at a start code, also within the length of a NAL unit.
        if (format.nal_length_size != 0)
          for_each_nal(nal, 0, [&](Unit inner) {
            widen(size, size_in_nal(format.codec, inner));
            return true;
          });
        return true;
      });
      return size;
    case Codec::kVp9:
      return size_of_vp9(unit);
    default:
      return std::nullopt;
  }
}

std::optional<PictureSize> size_in_codec_data(Codec codec, std::span<const std::uint8_t> data) {
  if (codec != Codec::kH264 && codec != Codec::kH265)
    return std::nullopt;
  std::optional<PictureSize> size;
  for_each_parameter_set(data, codec == Codec::kH265,
                         [&](Unit nal) { widen(size, size_in_nal(codec, nal)); });
  return size;
}

}  // namespace dist
