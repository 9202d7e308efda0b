// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/video_length.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

#include "gst/base/text.h"
#include "gst/film/mp4_boxes.h"
#include "gst/gstx/ref.h"

namespace dist {
namespace {

// "01:02:03.5"; 0 if it is none.
GstClockTime parsed(const char* text) {
  unsigned hours = 0;
  unsigned minutes = 0;
  double seconds = 0;
  // Which unsigned numbers may have, too.
  if (std::strchr(text, '-'))
    return 0;
  if (std::sscanf(text, "DURATION=%3u:%2u:%lf", &hours, &minutes, &seconds) != 3 || seconds < 0 ||
      seconds >= 61)
    return 0;
  return (hours * 3600ull + minutes * 60ull) * GST_SECOND +
         static_cast<GstClockTime>(seconds * static_cast<double>(GST_SECOND));
}

// Behind version, flags and two times of 4 or 8 bytes: the time scale of a mvhd or mdhd, and a
// tkhd's number of the track (ISO/IEC 14496-12, 8.2.2, 8.3.2, 8.4.2).
std::uint64_t field_of(std::istream& file, const Box& header) {
  const auto version = read<1>(file, header.begin);
  const auto field =
      version ? read<4>(file, header.begin + ((*version)[0] == 1 ? 20 : 12)) : std::nullopt;
  return field ? number(*field, 0, 4) : 0;
}

// Behind so many bytes and two times. All bits set: unknown.
std::uint64_t duration_after(std::istream& file, const Box& header, std::uint64_t bytes) {
  const auto version = read<1>(file, header.begin);
  if (!version)
    return 0;
  if ((*version)[0] == 1) {
    const auto duration = read<8>(file, header.begin + bytes + 16);
    const std::uint64_t value = duration ? number(*duration, 0, 8) : 0;
    return value > G_MAXUINT32 * std::uint64_t{1000} ? 0 : value;
  }
  const auto duration = read<4>(file, header.begin + bytes + 8);
  const std::uint64_t value = duration ? number(*duration, 0, 4) : 0;
  return value == G_MAXUINT32 ? 0 : value;
}

// Of a tkhd: version and flags, the times, the track's number and four bytes (8.3.2).
std::uint64_t duration_of(std::istream& file, const Box& header) {
  return duration_after(file, header, 12);
}

// Of a mdhd: version and flags, the times and their unit (8.4.2).
GstClockTime length_of_media(std::istream& file, const Box& track) {
  const auto media = find(file, track, "mdia");
  const auto header = media ? find(file, *media, "mdhd") : std::nullopt;
  const std::uint64_t timescale = header ? field_of(file, *header) : 0;
  return timescale == 0
             ? 0
             : gst_util_uint64_scale(duration_after(file, *header, 8), GST_SECOND, timescale);
}

struct Track {
  Box box;
  GstClockTime length = 0;  // As its header says.
};

// The first one for which `is_wanted` holds, of its box and its header.
template <typename Predicate>
std::optional<Track> find_track(std::istream& file, const Predicate& is_wanted) {
  const auto movie = find(file, whole_file(file), "moov");
  const auto header = movie ? find(file, *movie, "mvhd") : std::nullopt;
  const std::uint64_t timescale = header ? field_of(file, *header) : 0;
  if (timescale == 0)
    return std::nullopt;
  for (auto track = find(file, *movie, "trak"); track;
       track = find(file, *movie, "trak", track->end)) {
    const auto own = find(file, *track, "tkhd");
    if (own && is_wanted(*track, *own))
      return Track{*track, gst_util_uint64_scale(duration_of(file, *own), GST_SECOND, timescale)};
  }
  return std::nullopt;
}

}  // namespace

GstClockTime length_in_tags(const GstTagList* tags) {
  const guint count = tags ? gst_tag_list_get_tag_size(tags, GST_TAG_EXTENDED_COMMENT) : 0;
  GstClockTime length = 0;
  for (guint i = 0; i < count && length == 0; ++i) {
    const gchar* text = nullptr;
    if (gst_tag_list_peek_string_index(tags, GST_TAG_EXTENDED_COMMENT, i, &text))
      length = parsed(text);
  }
  return length;
}

GstClockTime length_in_mp4(std::istream& file) {
  const auto video =
      find_track(file, [&file](const Box& track, const Box&) { return is_video(file, track); });
  return video ? video->length : 0;
}

GstClockTime track_length_in_mp4(std::istream& file, std::uint64_t wanted) {
  const auto track = find_track(file, [&file, wanted](const Box&, const Box& header) {
    return field_of(file, header) == wanted;
  });
  return track ? std::min(length_of_media(file, track->box), track->length) : 0;
}

GstClockTime video_length(const Film& film) {
  const FilmStream* const video = film.first(StreamKind::kVideo);
  GstClockTime length = video ? video->length : 0;
  const std::string path = take_string(g_filename_from_uri(film.uri.c_str(), nullptr, nullptr));
  if (length == 0 && !path.empty()) {
    std::ifstream file(path, std::ios::binary);
    length = file ? length_in_mp4(file) : 0;
  }
  return length == 0 || film.duration == 0 ? film.duration : std::min(length, film.duration);
}

}  // namespace dist
