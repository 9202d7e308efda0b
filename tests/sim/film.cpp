// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/film.h"

#include <algorithm>

namespace dist::sim {
namespace {

constexpr Time kFrame = 40'000'000;
constexpr Time kDuration = 1'000'000'000;

// FNV-1a.
std::uint64_t fingerprint(std::uint64_t hash, std::span<const std::uint8_t> bytes) {
  for (std::uint8_t byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}
constexpr std::uint64_t kNoBytes = 0xcbf29ce484222325;

std::vector<std::uint8_t> random_bytes(std::size_t size, Random& random) {
  std::vector<std::uint8_t> bytes(size);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(random.bits());
  return bytes;
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void spoil(SegmentHeader& header, Flaw flaw, Random& random) {
  std::vector<AccessUnit>& units = header.units;
  const std::size_t any = random.below(units.size());
  switch (flaw) {
    case Flaw::kOtherIndex:
      header.index += 1 + random.below(9);
      break;
    case Flaw::kMissingFrame:
      if (units.size() > 1) {
        units.back().size += units[1].size;
        units.erase(units.begin() + 1);
      } else {
        header.stop += 1;
      }
      break;
    case Flaw::kNoKeyframe:
      units.front().flags |= kFlagDeltaUnit;
      break;
    case Flaw::kAddedFrame:
      units.push_back(units[any]);
      units.back().size = 0;
      units.back().pts = units.back().show += 7;
      break;
    case Flaw::kOtherName:
      header.rendition = "x";
      break;
    default:
      break;
  }
}

}  // namespace

Source make_source(const std::string& stream, std::uint64_t index, bool last, std::size_t size,
                   Random& random) {
  SegmentHeader header;
  header.stream_id = stream;
  header.index = index;
  header.start = index * kDuration;
  header.stop = header.start + kDuration;
  header.last = last;
  header.caps = "video/x-h264";
  const std::size_t count = 2 + random.below(4);
  std::size_t left = size;
  for (std::size_t i = 0; i < count; ++i) {
    AccessUnit unit;
    unit.pts = unit.dts = unit.show = header.start + i * kFrame;
    unit.duration = kFrame;
    unit.flags = i == 0 ? 0 : kFlagDeltaUnit;
    unit.size = i + 1 < count ? left / 2 : left;
    left -= unit.size;
    if (i == 0 && index % 5 == 3)
      unit.show = kNoTime;
    header.units.push_back(unit);
  }
  std::vector<std::uint8_t> payload = random_bytes(size, random);
  Bytes serialised = serialize(header);
  return {std::make_shared<const SegmentHeader>(std::move(header)),
          {std::move(serialised), Bytes::take(std::move(payload))}};
}

std::vector<BytesList> encode(const Bytes& source, const std::vector<Product>& products,
                              std::size_t size, Flaw flaw, Random& random) {
  const auto parsed = parse_header(source.span(), source.size());
  if (!parsed)
    return {};
  const std::uint64_t film =
      fingerprint(kNoBytes, source.span().last(static_cast<std::size_t>(parsed->payload_size())));
  std::vector<BytesList> result;
  for (const Product& product : products) {
    const bool first = &product == &products.front();
    const std::uint64_t mark = fingerprint(film, bytes_of(product.spec.name));
    const std::vector<Time> times = frames_of(*parsed, product.spec);
    SegmentHeader header = *parsed;
    header.rendition = product.spec.name;
    if (!product.caps.empty())
      header.caps = product.caps;
    std::erase_if(header.units, [&](const AccessUnit& unit) {
      return !std::binary_search(times.begin(), times.end(), unit.show);
    });
    if (header.units.empty())
      return {};
    for (AccessUnit& unit : header.units)
      unit.size = 0;
    header.units.front().flags = 0;
    header.units.back().size = std::max(size, sizeof(mark));
    if (first)
      spoil(header, flaw, random);
    const std::uint64_t shown = flaw == Flaw::kOtherPictures ? ~mark : mark;
    std::vector<std::uint8_t> payload(static_cast<std::size_t>(header.payload_size()));
    for (std::size_t n = 0; n < payload.size(); ++n)
      payload[n] = static_cast<std::uint8_t>(shown >> (8 * (n % 8)));
    Bytes serialised = serialize(header);
    if (first && flaw == Flaw::kGarbage)
      serialised = Bytes::take(random_bytes(serialised.size(), random));
    result.push_back({std::move(serialised), Bytes::take(std::move(payload))});
  }
  if (flaw == Flaw::kMissingRendition && result.size() > 1)
    result.erase(result.begin());
  return result;
}

std::string find_flaw(const Source& source, const std::vector<Time>& times,
                      const SegmentHeader& header, const BytesList& rendition) {
  if (header.stream_id != source.header->stream_id)
    return "of another stream, " + header.stream_id;
  if (header.index != source.header->index)
    return "of another segment, " + std::to_string(header.index);
  if (header.presentation_times() != times)
    return "with other frames";
  std::uint64_t mark = kNoBytes;
  for (std::size_t i = 1; i < source.bytes.size(); ++i)
    mark = fingerprint(mark, source.bytes[i].span());
  mark = fingerprint(mark, bytes_of(header.rendition));
  // Behind the header, wherever that ends.
  std::uint64_t skip = total_size(rendition) - header.payload_size();
  std::uint64_t n = 0;
  for (const Bytes& piece : rendition) {
    const auto payload = piece.span().subspan(std::min<std::uint64_t>(skip, piece.size()));
    skip -= piece.size() - payload.size();
    for (std::uint8_t byte : payload)
      if (byte != static_cast<std::uint8_t>(mark >> (8 * (n++ % 8))))
        return "with a payload made of something else";
  }
  return {};
}

}  // namespace dist::sim
