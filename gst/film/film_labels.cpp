// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/film_labels.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <vector>

#include "gst/film/mp4_boxes.h"

extern "C" {
#include <libavformat/avformat.h>
}

namespace dist {
namespace {

std::string entry(const AVDictionary* metadata, const char* key) {
  const AVDictionaryEntry* const found = av_dict_get(metadata, key, nullptr, 0);
  return found ? found->value : "";
}

AVMediaType type_of(StreamKind kind) {
  return kind == StreamKind::kVideo   ? AVMEDIA_TYPE_VIDEO
         : kind == StreamKind::kAudio ? AVMEDIA_TYPE_AUDIO
                                      : AVMEDIA_TYPE_SUBTITLE;
}

// Its number in the file; 0 if that is unknown.
long number_of(const FilmStream& stream) {
  return stream.id.starts_with('/') ? std::strtol(stream.id.c_str() + 1, nullptr, 10) : 0;
}

// The streams of a kind in the order of the file.
std::vector<FilmStream*> in_order(Film& film, StreamKind kind) {
  std::vector<FilmStream*> streams;
  for (FilmStream& stream : film.streams)
    if (stream.kind == kind)
      streams.push_back(&stream);
  std::ranges::stable_sort(streams, {}, [](const FilmStream* s) { return number_of(*s); });
  return streams;
}

void label(const std::vector<FilmStream*>& streams, const std::vector<const AVStream*>& said) {
  // Of two views of the file that differ neither tells about the other.
  if (streams.size() != said.size())
    return;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    FilmStream& stream = *streams[i];
    stream.title = entry(said[i]->metadata, "title");
    if (const std::string language = entry(said[i]->metadata, "language");
        stream.language.empty() && language != "und")
      stream.language = language;
    stream.is_default = (said[i]->disposition & AV_DISPOSITION_DEFAULT) != 0;
    stream.forced = (said[i]->disposition & AV_DISPOSITION_FORCED) != 0;
  }
}

// Of the tracks of an MP4, which libavformat does not read: what is in their own user data.
std::vector<std::string> names_of_tracks(const std::string& path) {
  std::vector<std::string> names;
  std::ifstream file(path, std::ios::binary);
  const auto movie = find(file, whole_file(file), "moov");
  for (auto track = movie ? find(file, *movie, "trak") : std::nullopt; track;
       track = find(file, *movie, "trak", track->end)) {
    const auto data = find(file, *track, "udta");
    const auto name = data ? find(file, *data, "name") : std::nullopt;
    constexpr std::uint64_t kLongest = 1024;
    std::string text(static_cast<std::size_t>(name ? std::min(name->size(), kLongest) : 0), '\0');
    if (name) {
      file.clear();
      file.seekg(static_cast<std::streamoff>(name->begin));
      file.read(text.data(), static_cast<std::streamsize>(text.size()));
    }
    names.push_back(text.substr(0, text.find('\0')));
  }
  return names;
}

}  // namespace

void read_labels(Film& film, const std::string& path) {
  constexpr StreamKind kKinds[] = {StreamKind::kVideo, StreamKind::kAudio, StreamKind::kSubtitles};
  for (const StreamKind kind : kKinds)
    if (const auto streams = in_order(film, kind); !streams.empty())
      streams.front()->is_default = kind != StreamKind::kSubtitles;
  AVFormatContext* file = nullptr;
  if (!film.states_duration || path.empty() ||
      avformat_open_input(&file, ("file:" + path).c_str(), nullptr, nullptr) < 0)
    return;
  const auto names = names_of_tracks(path);
  for (unsigned i = 0; i < file->nb_streams && names.size() == file->nb_streams; ++i)
    if (!names[i].empty() && entry(file->streams[i]->metadata, "title").empty())
      av_dict_set(&file->streams[i]->metadata, "title", names[i].c_str(), 0);
  for (const StreamKind kind : kKinds) {
    std::vector<const AVStream*> said;
    for (unsigned i = 0; i < file->nb_streams; ++i)
      if (const AVStream* const stream = file->streams[i];
          stream->codecpar->codec_type == type_of(kind) &&
          (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) == 0)
        said.push_back(stream);
    label(in_order(film, kind), said);
  }
  avformat_close_input(&file);
}

}  // namespace dist
