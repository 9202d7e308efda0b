// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/sample_tables.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "gst/film/mp4_boxes.h"

namespace dist {
namespace {

constexpr std::uint64_t kHeader = 8;  // Of a box: its size and its type.
constexpr std::uint64_t kMaxMovie = 256 << 20;
constexpr std::uint64_t kChunkEntry = 12;
constexpr std::uint64_t kMissing = 4;  // Of each entry but the first.

// What qtdemux takes for raw sound.
constexpr std::array<std::string_view, 10> kRawSound = {"NONE", "raw ", "twos", "sowt", "fl64",
                                                        "fl32", "in24", "in32", "s16l", "lpcm"};

// A table that lacks bytes at its end, as the last one of the boxes that it lies in.
struct ShortTable {
  std::vector<Box> boxes;
  std::uint64_t missing = 0;
};

// A number of a box that begins with its version and flags.
std::optional<std::uint64_t> field(std::istream& file, const std::optional<Box>& box,
                                   std::uint64_t at) {
  const auto bytes = box && box->size() >= at + 4 ? read<4>(file, box->begin + at) : std::nullopt;
  return bytes ? std::optional(number(*bytes, 0, 4)) : std::nullopt;
}

// Whether its size is in its first four bytes, where it can be changed.
bool has_short_header(std::istream& file, const Box& box) {
  const auto size = read<4>(file, box.begin - kHeader);
  return size && number(*size, 0, 4) == box.size() + kHeader;
}

bool is_raw_sound(std::istream& file, const Box& table) {
  const auto descriptions = find(file, table, "stsd");
  const auto entry = descriptions && descriptions->size() > kHeader
                         ? box_at(file, descriptions->begin + kHeader, descriptions->end)
                         : std::nullopt;
  return entry && std::ranges::any_of(kRawSound, [&](auto type) { return entry->is(type); });
}

std::optional<ShortTable> short_table_of(std::istream& file, const Box& movie, const Box& track) {
  ShortTable found{.boxes = {movie, track}};
  for (const char* type : {"mdia", "minf", "stbl"}) {
    const auto box = find(file, found.boxes.back(), type);
    if (!box)
      return {};
    found.boxes.push_back(*box);
  }
  const Box& table = found.boxes.back();
  const auto chunks = find(file, table, "stsc");
  const std::uint64_t entries = field(file, chunks, 4).value_or(0);
  const std::uint64_t size_of_all = field(file, find(file, table, "stsz"), 4).value_or(0);
  const std::uint64_t durations = field(file, find(file, table, "stts"), 4).value_or(0);
  if (!is_raw_sound(file, table) || size_of_all == 0 || durations != 1 || entries < 2 ||
      chunks->size() < kHeader + entries * kChunkEntry)
    return {};
  const std::uint64_t wanted = kHeader + entries * kChunkEntry + (entries - 1) * kMissing;
  if (chunks->size() >= wanted)
    return {};
  found.missing = wanted - chunks->size();
  found.boxes.push_back(*chunks);
  return found;
}

// Whether the track shows more than one stretch of what is in it. A file with mends is read from
// its beginning to its end, and qtdemux then shows only the first one.
bool has_edits(std::istream& file, const Box& track) {
  const auto edits = find(file, track, "edts");
  const auto list = edits ? find(file, *edits, "elst") : std::nullopt;
  const std::uint64_t count = field(file, list, 4).value_or(0);
  const bool large = field(file, list, 0).value_or(0) >> 24 == 1;
  unsigned shown = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto time = field(file, list, kHeader + (large ? i * 20 + 8 : i * 12 + 4));
    if (!time)
      break;
    shown += *time != 0xffffffff ? 1 : 0;
  }
  return shown > 1;
}

// Only then something may be put at the end of the file.
bool ends_with_a_box(std::istream& file) {
  const Box whole = whole_file(file);
  std::uint64_t at = whole.begin;
  while (at < whole.end) {
    const auto box = box_at(file, at, whole.end);
    const auto size = read<4>(file, at);
    if (!box || !size || number(*size, 0, 4) == 0)
      return false;
    at = box->end;
  }
  return true;
}

std::string size_field(std::uint64_t size) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(size >> shift & 0xff);
  return bytes;
}

// The bytes that are missing, and the sizes of the boxes around them.
std::vector<Mend> lengthen(const std::vector<ShortTable>& tables) {
  std::vector<Mend> mends;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> sizes;  // Before and growth.
  for (const ShortTable& table : tables) {
    mends.push_back(
        {table.boxes.back().end, 0, std::string(static_cast<std::size_t>(table.missing), '\0')});
    for (const Box& box : table.boxes) {
      auto& [size, growth] = sizes[box.begin - kHeader];
      size = box.size() + kHeader;
      growth += table.missing;
    }
  }
  for (const auto& [at, size] : sizes)
    mends.push_back({at, 4, size_field(size.first + size.second)});
  return mends;
}

}  // namespace

std::vector<Mend> lengthen_sample_tables(std::istream& file, const std::string& path,
                                         std::vector<Mend> inner) {
  const auto movie = find(file, whole_file(file), "moov");
  if (!movie || movie->size() > kMaxMovie || !ends_with_a_box(file))
    return inner;
  std::vector<ShortTable> tables;
  std::uint64_t growth = 0;
  for (auto track = find(file, *movie, "trak"); track;
       track = find(file, *movie, "trak", track->end)) {
    if (has_edits(file, *track))
      return inner;
    auto table = short_table_of(file, *movie, *track);
    if (!table || !std::ranges::all_of(table->boxes,
                                       [&](const Box& box) { return has_short_header(file, box); }))
      continue;
    growth += table->missing;
    tables.push_back(std::move(*table));
  }
  if (tables.empty())
    return inner;
  std::vector<Mend> mends = lengthen(tables);
  std::ranges::move(inner, std::back_inserter(mends));
  // What is put between two boxes comes before the size of the second one.
  std::ranges::sort(mends, {}, [](const Mend& m) { return std::tuple(m.at, m.replaced); });
  const std::uint64_t start = movie->begin - kHeader;
  std::string longer = MendedFile(path, std::move(mends))
                           .read(start, static_cast<std::size_t>(movie->end - start + growth));
  return {{start + 4, 4, "free"}, {whole_file(file).end, 0, std::move(longer)}};
}

}  // namespace dist
