// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/coded_size.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "gst/dist/core/nal_units.h"

namespace dist {
namespace {

using Span = std::span<const std::uint8_t>;

constexpr unsigned kH264Set = 7;
constexpr unsigned kH265Set = 33;
// Of a set, which has the size near its beginning; lists of scaling come before it.
constexpr std::size_t kMostOfSet = 2048;
constexpr unsigned kMostFilled = 127;
// Of a side; larger numbers are no size.
constexpr std::uint32_t kMostCoded = 1u << 20;

class BitReader {
 public:
  explicit BitReader(Span bytes) : bytes_(bytes) {}

  // 0 behind the end.
  std::uint32_t bits(unsigned count) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i, ++at_)
      value = value << 1 | (at_ / 8 < bytes_.size() ? bytes_[at_ / 8] >> (7 - at_ % 8) & 1u : 0u);
    return value;
  }
  bool flag() { return bits(1) != 0; }
  void skip(std::size_t count) { at_ += count; }
  // Exp-Golomb code.
  std::uint32_t number() {
    unsigned zeros = 0;
    while (zeros < 32 && at_ / 8 < bytes_.size() && !flag())
      ++zeros;
    return zeros < 32 ? (1u << zeros) - 1 + bits(zeros) : UINT32_MAX;
  }
  std::int64_t signed_number() {
    const std::int64_t code = number();
    return (code & 1) != 0 ? (code + 1) / 2 : -(code / 2);
  }

 private:
  const Span bytes_;
  std::size_t at_ = 0;
};

PictureSize size_of(std::uint64_t width, std::uint64_t height) {
  return {.width = static_cast<unsigned>(std::min<std::uint64_t>(width, kMostCoded)),
          .height = static_cast<unsigned>(std::min<std::uint64_t>(height, kMostCoded))};
}

void skip_scaling_lists(BitReader& in, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    if (!in.flag())
      continue;
    const unsigned size = i < 6 ? 16 : 64;
    std::int64_t last = 8;
    std::int64_t next = 8;
    for (unsigned j = 0; j < size && next != 0; ++j) {
      next = (last + in.signed_number() + 256) & 0xff;
      last = next == 0 ? last : next;
    }
  }
}

PictureSize size_in_h264(Span set) {
  constexpr int kWithChroma[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135, 144};
  constexpr unsigned kYuv444 = 3;
  BitReader in(set);
  const auto profile = static_cast<int>(in.bits(8));
  in.skip(16);
  in.number();
  if (std::ranges::find(kWithChroma, profile) != std::end(kWithChroma)) {
    const unsigned chroma = in.number();
    in.skip(chroma == kYuv444 ? 1 : 0);
    in.number();
    in.number();
    in.skip(1);
    if (in.flag())
      skip_scaling_lists(in, chroma == kYuv444 ? 12 : 8);
  }
  in.number();
  const unsigned order = in.number();
  if (order == 0)
    in.number();
  if (order == 1) {
    in.skip(1);
    in.number();
    in.number();
    const std::uint32_t cycle = std::min(in.number(), 255u);
    for (std::uint32_t i = 0; i < cycle; ++i)
      in.number();
  }
  in.number();
  in.skip(1);
  const std::uint64_t width = (std::uint64_t{in.number()} + 1) * 16;
  const std::uint64_t height = (std::uint64_t{in.number()} + 1) * 16;
  return size_of(width, in.flag() ? height : height * 2);
}

PictureSize size_in_h265(Span set) {
  constexpr unsigned kProfile = 88;
  constexpr unsigned kLevel = 8;
  BitReader in(set);
  in.skip(4);
  const unsigned layers = in.bits(3);
  in.skip(1 + kProfile + kLevel);
  std::size_t more = 0;
  for (unsigned i = 0; i < layers; ++i) {
    more += in.flag() ? kProfile : 0;
    more += in.flag() ? kLevel : 0;
  }
  in.skip((layers > 0 ? 2 * (8 - layers) : 0) + more);
  in.number();
  if (in.number() == 3)
    in.skip(1);
  const std::uint64_t width = in.number();
  return size_of(width, in.number());
}

void take_nal(Codec codec, Span nal, std::optional<PictureSize>& largest) {
  const bool h265 = codec == Codec::kH265;
  const std::size_t head = h265 ? 2 : 1;
  const unsigned type = h265 ? nal[0] >> 1 & 0x3fu : nal[0] & 0x1fu;
  if (type != (h265 ? kH265Set : kH264Set) || nal.size() < head)
    return;
  const auto set = unescape(nal.subspan(head, std::min(kMostOfSet, nal.size() - head)));
  const PictureSize size = h265 ? size_in_h265(set) : size_in_h264(set);
  const auto pixels = [](const PictureSize& s) { return std::uint64_t{s.width} * s.height; };
  if (!largest || pixels(size) > pixels(*largest))
    largest = size;
}

// So many units, each behind its length of two bytes. What follows them.
Span take_sets(Codec codec, Span data, unsigned count, std::optional<PictureSize>& largest) {
  for (; count > 0 && data.size() >= 2; --count) {
    const std::size_t size =
        std::min<std::size_t>(static_cast<std::size_t>(data[0] << 8 | data[1]), data.size() - 2);
    if (size > 0)
      take_nal(codec, data.subspan(2, size), largest);
    data = data.subspan(2 + size);
  }
  return data;
}

}  // namespace

std::optional<PictureSize> coded_size(const StreamFormat& format, Span unit) {
  std::optional<PictureSize> largest;
  if (format.codec == Codec::kH264 || format.codec == Codec::kH265)
    for_each_nal(unit, format.nal_length_size, [&](Span nal) {
      take_nal(format.codec, nal, largest);
      return true;
    });
  return largest;
}

std::optional<PictureSize> coded_size_in_headers(Codec codec, Span data) {
  std::optional<PictureSize> largest;
  if (codec == Codec::kH264 && data.size() > 6)
    take_sets(codec, data.subspan(6), data[5] & 0x1fu, largest);
  if (codec != Codec::kH265 || data.size() < 23)
    return largest;
  const unsigned arrays = data[22];
  data = data.subspan(23);
  for (unsigned i = 0; i < arrays && data.size() >= 3; ++i)
    data =
        take_sets(codec, data.subspan(3), static_cast<unsigned>(data[1] << 8 | data[2]), largest);
  return largest;
}

PictureSize least_shown(const PictureSize& coded) {
  return {.width = coded.width - std::min(coded.width, kMostFilled),
          .height = coded.height - std::min(coded.height, kMostFilled)};
}

}  // namespace dist
