// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fuzz/segment_input.h"

#include "gst/gstx/segment_buffer.h"

namespace dist::fuzz {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

std::string caps_of(Input& input, std::uint8_t kind) {
  if (kind < kCapsFollow) {
    const auto headers = input.take(input.u16());
    return std::string(kCapsOfKinds[kind]) + std::string(kCapsOfAll) +
           (headers.empty() ? "" : ", codec_data=(buffer)" + hex(headers));
  }
  std::string caps;
  while (const std::uint8_t letter = input.byte())
    caps += static_cast<char>(letter);
  return caps;
}

AccessUnit unit_at(std::size_t index, std::uint8_t flags, std::size_t size) {
  const Time place = ((flags & kBefore) != 0 ? kSecond / 2 : kSecond) + index * kFrame;
  AccessUnit unit;
  // No frame is decoded after it is presented.
  unit.dts = place - kFrame;
  unit.pts = place + ((flags & kOneLater) != 0 ? kFrame : 0) +
             ((flags & kTwoLater) != 0 ? 2 * kFrame : 0) -
             ((flags & kOneEarlier) != 0 ? kFrame : 0);
  if ((flags & kNotShown) == 0)
    unit.show = unit.pts;
  if ((flags & kWithoutPts) != 0)
    unit.pts = kNoTime;
  unit.duration = kFrame;
  unit.flags =
      ((flags & kDelta) != 0 ? kFlagDeltaUnit : 0) | ((flags & kCorrupt) != 0 ? kFlagCorrupted : 0);
  unit.size = size;
  return unit;
}

}  // namespace

std::optional<SegmentInput> segment_of(Input& input, bool rendition) {
  const std::uint8_t kind = input.byte() % (kSegmentFollows + 1);
  if (kind == kSegmentFollows) {
    const Bytes bytes = copy(input.rest());
    auto segment = to_buffer({bytes});
    auto header = read_header(segment.get());
    if (!header)
      return {};
    return SegmentInput{std::move(*header), std::move(segment)};
  }
  SegmentHeader header;
  header.stream_id = "film";
  header.start = kSecond;
  header.stop = 2 * kSecond;
  header.rendition = rendition ? "r" : "";
  header.caps = caps_of(input, kind);
  std::vector<std::uint8_t> payload;
  while (!input.empty()) {
    const std::uint8_t flags = input.byte();
    const auto unit = input.take(input.u16());
    header.units.push_back(unit_at(header.units.size(), flags, unit.size()));
    payload.insert(payload.end(), unit.begin(), unit.end());
  }
  auto segment = to_buffer({serialize(header), Bytes::take(std::move(payload))});
  // As the one that gets it reads it.
  auto read = read_header(segment.get());
  if (!read)
    return {};
  return SegmentInput{std::move(*read), std::move(segment)};
}

}  // namespace dist::fuzz
