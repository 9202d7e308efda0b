// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/av1_colours.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

using Buffer = std::vector<std::uint8_t>;

enum ObuType { kSequenceHeader = 1, kMetadata = 5 };
enum MetadataType { kContentLight = 1, kMasteringDisplay = 2 };
constexpr std::uint8_t kIdentity = 0;  // Matrix of RGB.

// Reads bits, the highest of a byte first, and writes them again.
class BitCopier {
 public:
  explicit BitCopier(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // 0 behind the end, where good() is false from then on.
  std::uint64_t copy(unsigned count) {
    const std::uint64_t value = read(count);
    write(value, count);
    return value;
  }
  bool flag() { return copy(1) != 0; }
  std::uint64_t read(unsigned count) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i, ++at_) {
      const bool inside = at_ < bytes_.size() * 8;
      good_ = good_ && inside;
      value = value << 1 | (inside ? bytes_[at_ / 8] >> (7 - at_ % 8) & 1 : 0);
    }
    return value;
  }
  void write(std::uint64_t value, unsigned count) {
    for (unsigned i = count; i-- > 0; ++written_) {
      if (written_ % 8 == 0)
        result_.push_back(0);
      result_.back() |= static_cast<std::uint8_t>((value >> i & 1) << (7 - written_ % 8));
    }
  }
  void copy_uvlc() {
    unsigned zeros = 0;
    while (good_ && zeros < 32 && !flag())
      ++zeros;
    if (zeros < 32)
      copy(zeros);
  }
  bool good() const { return good_; }
  Buffer& result() { return result_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;       // In bits.
  std::size_t written_ = 0;  // Likewise.
  bool good_ = true;
  Buffer result_;
};

void copy_operating_points(BitCopier& bits) {
  bool decoder_model = false;
  unsigned delay_bits = 0;
  if (bits.flag()) {  // timing_info_present_flag
    bits.copy(64);
    if (bits.flag())
      bits.copy_uvlc();
    decoder_model = bits.flag();
    if (decoder_model) {
      delay_bits = static_cast<unsigned>(bits.copy(5)) + 1;
      bits.copy(32 + 5 + 5);
    }
  }
  const bool display_delay = bits.flag();
  const std::uint64_t points = bits.copy(5) + 1;
  for (std::uint64_t i = 0; i < points; ++i) {
    bits.copy(12);
    if (bits.copy(5) > 7)  // seq_level_idx; then seq_tier follows.
      bits.flag();
    if (decoder_model && bits.flag()) {
      bits.copy(delay_bits);
      bits.copy(delay_bits + 1);
    }
    if (display_delay && bits.flag())
      bits.copy(4);
  }
}

void copy_tools(BitCopier& bits, bool reduced) {
  bits.copy(3);  // Superblocks, filter intra, edge filter.
  if (!reduced) {
    bits.copy(4);
    const bool order_hint = bits.flag();
    if (order_hint)
      bits.copy(2);
    const bool chosen_by_frame = bits.flag();  // seq_choose_screen_content_tools
    if ((chosen_by_frame || bits.flag()) && !bits.flag())
      bits.flag();
    if (order_hint)
      bits.copy(3);
  }
  bits.copy(3);  // Superres, cdef, restoration.
}

// Whether these colours can be said of such a stream.
bool change_colour_config(BitCopier& bits, std::uint64_t profile, const Av1Colours& colours) {
  const bool deep = bits.flag();
  const bool twelve = profile == 2 && deep && bits.flag();
  const bool mono = profile != 1 && bits.flag();
  const bool described = bits.read(1) != 0;
  // What stands for RGB has no range in the stream, and another form.
  if (colours.matrix == kIdentity || (described && bits.read(24) % 256 == kIdentity))
    return false;
  bits.write(1, 1);
  bits.write(colours.primaries, 8);
  bits.write(colours.transfer, 8);
  bits.write(colours.matrix, 8);
  bits.read(1);
  bits.write(colours.full_range ? 1 : 0, 1);
  if (mono)
    return true;
  bool half_width = profile != 1;
  bool half_height = profile == 0;
  if (profile == 2 && twelve) {
    half_width = bits.flag();
    half_height = half_width && bits.flag();
  }
  if (half_width && half_height)
    bits.copy(2);
  bits.flag();  // separate_uv_delta_q
  return true;
}

// The payload of a sequence header.
std::optional<Buffer> change_sequence_header(std::span<const std::uint8_t> payload,
                                             const Av1Colours& colours) {
  BitCopier bits(payload);
  const std::uint64_t profile = bits.copy(3);
  bits.flag();  // still_picture
  const bool reduced = bits.flag();
  if (reduced)
    bits.copy(5);
  else
    copy_operating_points(bits);
  const auto width_bits = static_cast<unsigned>(bits.copy(4)) + 1;
  const auto height_bits = static_cast<unsigned>(bits.copy(4)) + 1;
  bits.copy(width_bits + height_bits);
  if (!reduced && bits.flag())  // frame_id_numbers_present_flag
    bits.copy(4 + 3);
  copy_tools(bits, reduced);
  if (!change_colour_config(bits, profile, colours))
    return std::nullopt;
  bits.flag();  // film_grain_params_present
  if (!bits.good())
    return std::nullopt;
  bits.write(1, 1);  // Trailing bits; the rest of the byte is 0.
  return std::move(bits.result());
}

void append_leb128(Buffer& out, std::uint64_t value) {
  do {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value >>= 7;
    out.push_back(value ? low | 0x80 : low);
  } while (value);
}

void append_number(Buffer& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
}

void append_metadata(Buffer& out, const Buffer& payload) {
  out.push_back(kMetadata << 3 | 2);  // With a size.
  append_leb128(out, payload.size() + 1);
  out.insert(out.end(), payload.begin(), payload.end());
  out.push_back(0x80);  // Trailing bits.
}

std::uint64_t scaled(std::uint64_t value, std::uint64_t by, std::uint64_t over) {
  return (value * by + over / 2) / over;
}

void append_metadata(Buffer& out, const Av1Colours& colours) {
  if (colours.light) {
    Buffer payload{kContentLight};
    append_number(payload, colours.light->max_content, 2);
    append_number(payload, colours.light->max_average, 2);
    append_metadata(out, payload);
  }
  if (colours.display) {
    Buffer payload{kMasteringDisplay};
    const MasteringDisplay& display = *colours.display;
    // As 0.16 bits; luminance as 24.8 and 18.14.
    const auto point = [&](const MasteringDisplay::Point& p) {
      append_number(payload, std::min<std::uint64_t>(scaled(p.x, 65536, 50000), 0xffff), 2);
      append_number(payload, std::min<std::uint64_t>(scaled(p.y, 65536, 50000), 0xffff), 2);
    };
    for (const auto& primary : display.primaries)
      point(primary);
    point(display.white);
    append_number(payload, scaled(display.max_luminance, 256, 10000), 4);
    append_number(payload, scaled(display.min_luminance, 16384, 10000), 4);
    append_metadata(out, payload);
  }
}

// One OBU of several.
struct Obu {
  unsigned type = 0;
  std::size_t header = 0;   // Bytes, without the size.
  std::size_t payload = 0;  // Where it begins.
  std::size_t end = 0;
};

std::optional<Obu> obu_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  const bool extended = (bytes[at] & 4) != 0;
  const bool sized = (bytes[at] & 2) != 0;
  Obu obu{.type = bytes[at] >> 3 & 15u, .header = extended ? 2u : 1u};
  obu.payload = at + obu.header;
  std::uint64_t size = 0;
  bool more = sized;
  for (unsigned shift = 0; more; shift += 7) {
    if (obu.payload >= bytes.size() || shift > 28)
      return std::nullopt;
    const std::uint8_t byte = bytes[obu.payload++];
    size |= std::uint64_t{byte & 0x7fu} << shift;
    more = (byte & 0x80) != 0;
  }
  if (obu.payload > bytes.size() || size > bytes.size() - obu.payload)
    return std::nullopt;
  obu.end = sized ? obu.payload + size : bytes.size();
  return obu;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> with_colours(std::span<const std::uint8_t> obus,
                                                      const Av1Colours& colours) {
  Buffer out;
  bool changed = false;
  for (std::size_t at = 0; at < obus.size();) {
    const auto obu = obu_at(obus, at);
    if (!obu)
      return std::nullopt;
    if (obu->type == kSequenceHeader) {
      const auto payload =
          change_sequence_header(obus.subspan(obu->payload, obu->end - obu->payload), colours);
      if (!payload)
        return std::nullopt;
      out.push_back(obus[at] | 2);
      if (obu->header == 2)
        out.push_back(obus[at + 1]);
      append_leb128(out, payload->size());
      out.insert(out.end(), payload->begin(), payload->end());
      append_metadata(out, colours);
      changed = true;
    } else {
      const auto rest = obus.subspan(at, obu->end - at);
      out.insert(out.end(), rest.begin(), rest.end());
    }
    at = obu->end;
  }
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace dist
