// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/film_mends.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "gst/film/mp4_boxes.h"
#include "gst/film/sample_tables.h"
#include "gst/film/ts_head.h"
#include "gst/film/ts_scan.h"

namespace dist {
namespace {

constexpr std::size_t kHead = 4 << 20;

// How long a track, or the whole movie, is said to be.
struct Length {
  std::uint64_t scale = 0;
  std::uint64_t duration = 0;
  std::uint64_t at = 0;  // Of the duration, in the file.
  std::size_t size = 0;  // Its bytes.
};

// Of a mvhd or mdhd, which begin alike.
std::optional<Length> length_of(std::istream& file, const std::optional<Box>& header) {
  const auto version = header && header->size() >= 24 ? read<1>(file, header->begin) : std::nullopt;
  if (!version)
    return {};
  const bool large = (*version)[0] == 1;
  const auto bytes = read<12>(file, header->begin + (large ? 20 : 12));
  if (!bytes)
    return {};
  const std::size_t size = large ? 8 : 4;
  return Length{.scale = number(*bytes, 0, 4),
                .duration = number(*bytes, 4, size),
                .at = header->begin + (large ? 24 : 16),
                .size = size};
}

// qtdemux passes over a video that is shorter than a fifth of the movie, as if it were a preview;
// a film with subtitles to its end, or with sound behind it, may be one. It is told that the movie
// is as long as its first video.
std::optional<Mend> show_short_video(std::istream& file) {
  const auto movie = find(file, whole_file(file), "moov");
  const auto whole = movie ? length_of(file, find(file, *movie, "mvhd")) : std::nullopt;
  if (!whole || whole->scale == 0)
    return {};
  std::optional<Length> video;
  for (auto track = find(file, *movie, "trak"); track;
       track = find(file, *movie, "trak", track->end)) {
    const auto media = find(file, *track, "mdia");
    const auto length = media ? length_of(file, find(file, *media, "mdhd")) : std::nullopt;
    if (!length || length->scale == 0 || length->duration == 0 || !is_video(file, *track))
      continue;
    // In units of the movie.
    const double seconds =
        static_cast<double>(length->duration) / static_cast<double>(length->scale);
    const double units = seconds * static_cast<double>(whole->scale);
    if (static_cast<double>(whole->duration) < 5 * units)
      return {};
    if (!video)
      video = Length{.scale = whole->scale, .duration = static_cast<std::uint64_t>(units) + 1};
  }
  if (!video)
    return {};
  Mend mend{.at = whole->at, .replaced = whole->size, .bytes = {}};
  for (std::size_t i = 0; i < whole->size; ++i)
    mend.bytes += static_cast<char>(video->duration >> 8 * (whole->size - 1 - i) & 0xff);
  return mend;
}

// Of QuickTime, or what came of it. Older ones do not begin with their type.
bool is_movie(std::string_view head) {
  constexpr std::array<std::string_view, 6> kFirst = {"ftyp", "moov", "mdat",
                                                      "wide", "free", "skip"};
  return head.size() > 8 && std::ranges::find(kFirst, head.substr(4, 4)) != kFirst.end();
}

std::vector<Mend> mend_movie(std::istream& file, const std::string& path) {
  std::vector<Mend> mends;
  if (auto mend = show_short_video(file))
    mends.push_back(std::move(*mend));
  return lengthen_sample_tables(file, path, std::move(mends));
}

// Reads all of a transport stream.
void find_changes(std::istream& file, const TsMends& stream, FilmMends& found) {
  if (stream.packet == 0)
    return;
  LayoutScan layouts(stream);
  CodecScan codecs(stream.packet);
  constexpr std::size_t kPackets = 8192;
  std::string packets(kPackets * stream.packet, '\0');
  file.clear();
  file.seekg(0);
  while (file.read(packets.data(), static_cast<std::streamsize>(packets.size())) ||
         file.gcount() > 0) {
    const auto read = std::string_view(packets).substr(0, static_cast<std::size_t>(file.gcount()));
    layouts.take(read);
    codecs.take(read);
  }
  file.clear();
  found.changing = layouts.changing();
  found.codecs = codecs.changes();
  found.sounds = codecs.sounds();
}

}  // namespace

FilmMends find_mends(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::uint64_t size = whole_file(file).end;
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(kHead, size)), '\0');
  file.clear();
  file.seekg(0);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  TsMends stream = mend_ts_head(head);
  FilmMends found;
  find_changes(file, stream, found);
  found.mends = std::move(stream.mends);
  found.unread = std::move(stream.unread);
  if (is_movie(head))
    found.mends = mend_movie(file, path);
  return found;
}

}  // namespace dist
