// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/dolby_vision.h"

#include <algorithm>
#include <vector>

#include "gst/film/mp4_boxes.h"

namespace dist {
namespace {

constexpr std::size_t kRecord = 5;  // Bytes that are read of it.

std::optional<DolbyVision> record_at(std::istream& file, std::uint64_t at) {
  const auto bytes = read<kRecord>(file, at);
  return bytes ? dolby_vision_in(*bytes) : std::nullopt;
}

// --- MP4

// Of the first sample entry.
std::optional<DolbyVision> in_track(std::istream& file, const Box& track) {
  constexpr std::uint64_t kBeforeEntries = 8;  // In stsd.
  constexpr std::uint64_t kVisualSampleEntry = 78;
  std::optional<Box> box = track;
  for (const char* type : {"mdia", "minf", "stbl", "stsd"})
    if (!(box = find(file, *box, type)))
      return {};
  auto entry = box_at(file, box->begin + kBeforeEntries, box->end);
  if (!entry || entry->size() < kVisualSampleEntry)
    return {};
  entry->begin += kVisualSampleEntry;
  for (const char* type : {"dvcC", "dvvC", "dvwC"})
    if (const auto record = find(file, *entry, type))
      return record_at(file, record->begin);
  return {};
}

std::optional<DolbyVision> in_mp4(std::istream& file) {
  const auto movie = find(file, whole_file(file), "moov");
  if (!movie)
    return {};
  for (auto track = find(file, *movie, "trak"); track;
       track = find(file, *movie, "trak", track->end))
    if (is_video(file, *track))
      return in_track(file, *track);
  return {};
}

// --- Matroska (RFC 8794, RFC 9559)

constexpr std::uint32_t kHeader = 0x1a45dfa3;
constexpr std::uint32_t kSegment = 0x18538067;
constexpr std::uint32_t kCluster = 0x1f43b675;
constexpr std::uint32_t kTracks = 0x1654ae6b;
constexpr std::uint32_t kTrackEntry = 0xae;
constexpr std::uint32_t kTrackType = 0x83;
constexpr std::uint32_t kBlockAdditionMapping = 0x41e4;
constexpr std::uint32_t kBlockAddIdType = 0x41e7;
constexpr std::uint32_t kBlockAddIdExtraData = 0x41ed;

struct Element {
  std::uint32_t id = 0;
  std::uint64_t begin = 0;  // Of what is in it.
  std::uint64_t end = 0;
};

// A number whose leading zero bits say how many bytes it has; `keep` leaves the bit behind them.
std::optional<std::uint64_t> variable_number(std::istream& file, std::uint64_t& at, bool keep) {
  const auto first = read<1>(file, at);
  if (!first || (*first)[0] == 0)
    return {};
  unsigned length = 1;
  while (((*first)[0] & 0x80u >> (length - 1)) == 0)
    ++length;
  std::uint64_t value = keep ? (*first)[0] : (*first)[0] & (0x7fu >> (length - 1));
  bool unknown = !keep && value == 0x7fu >> (length - 1);
  for (unsigned i = 1; i < length; ++i) {
    const auto byte = read<1>(file, at + i);
    if (!byte)
      return {};
    value = value << 8 | (*byte)[0];
    unknown = unknown && (*byte)[0] == 0xff;
  }
  at += length;
  return unknown ? UINT64_MAX : value;
}

std::optional<Element> element_at(std::istream& file, std::uint64_t at, std::uint64_t end) {
  if (at >= end)
    return {};
  const auto id = variable_number(file, at, true);
  const auto size = id ? variable_number(file, at, false) : std::nullopt;
  if (!size || *id > UINT32_MAX || at > end)
    return {};
  return Element{static_cast<std::uint32_t>(*id), at, at + std::min(*size, end - at)};
}

std::vector<Element> children(std::istream& file, const Element& parent, std::uint32_t id) {
  std::vector<Element> found;
  for (auto child = element_at(file, parent.begin, parent.end); child && child->id != kCluster;
       child = element_at(file, child->end, parent.end))
    if (child->id == id)
      found.push_back(*child);
  return found;
}

std::uint64_t number_in(std::istream& file, const std::vector<Element>& elements) {
  std::uint64_t value = 0;
  if (!elements.empty())
    for (std::uint64_t at = elements[0].begin;
         at < std::min(elements[0].end, elements[0].begin + 8); ++at)
      if (const auto byte = read<1>(file, at))
        value = value << 8 | (*byte)[0];
  return value;
}

std::optional<DolbyVision> in_track(std::istream& file, const Element& track) {
  constexpr std::uint64_t kDvcC = 0x64766343, kDvvC = 0x64767643, kDvwC = 0x64767743;
  for (const Element& mapping : children(file, track, kBlockAdditionMapping)) {
    const auto type = number_in(file, children(file, mapping, kBlockAddIdType));
    const auto data = children(file, mapping, kBlockAddIdExtraData);
    if ((type == kDvcC || type == kDvvC || type == kDvwC) && !data.empty() &&
        data[0].end - data[0].begin >= kRecord)
      return record_at(file, data[0].begin);
  }
  return {};
}

std::optional<DolbyVision> in_matroska(std::istream& file) {
  const Box whole = whole_file(file);
  const auto header = element_at(file, whole.begin, whole.end);
  if (!header || header->id != kHeader)
    return {};
  const auto segment = element_at(file, header->end, whole.end);
  if (!segment || segment->id != kSegment)
    return {};
  for (const Element& tracks : children(file, *segment, kTracks))
    for (const Element& track : children(file, tracks, kTrackEntry))
      if (number_in(file, children(file, track, kTrackType)) == 1)
        return in_track(file, track);
  return {};
}

}  // namespace

std::optional<DolbyVision> dolby_vision_in(std::span<const std::uint8_t> record) {
  if (record.size() < kRecord)
    return {};
  return DolbyVision{.profile = unsigned{record[2]} >> 1,
                     .compatibility = unsigned{record[4]} >> 4};
}

std::optional<DolbyVision> dolby_vision_of(std::istream& file) {
  const auto found = in_mp4(file);
  return found ? found : in_matroska(file);
}

std::string base_layer(const DolbyVision& vision) {
  switch (vision.compatibility) {
    case 1:
    case 6:
      return "HDR10";
    case 2:
      return "SDR";
    case 4:
      return "HLG";
    default:
      return "of compatibility " + std::to_string(vision.compatibility);
  }
}

}  // namespace dist
