// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is in an input.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/film/dolby_vision.h"
#include "gst/film/mended_file.h"
#include "gst/film/ts_scan.h"
#include "gst/gstx/bin_builder.h"
#include "gst/gstx/ref.h"
#include "gst/rendition/rendition.h"

namespace dist {

template <>
struct RefTraits<GstToc> : MiniObjectTraits<GstToc> {};

enum class StreamKind { kVideo, kAudio, kSubtitles };

struct FilmStream {
  StreamKind kind = StreamKind::kVideo;
  // As the container says of this stream; 0: it does not, or this is not looked for: the video of
  // Matroska and the sound of MP4 have one.
  GstClockTime length = 0;
  std::string id;        // See stream_key(); empty where the demuxer gives none.
  Ref<GstCaps> caps;     // As the demuxer gives it.
  std::string codec;     // For people: "H.264 (High Profile)".
  std::string language;  // Code, or empty.
  std::string title;
  bool is_default = false;
  bool forced = false;
  // Video.
  unsigned width = 0;
  unsigned height = 0;
  Fraction framerate{0, 1};  // 0/1: unknown or variable.
  Fraction pixel_aspect_ratio{1, 1};
  std::string orientation;     // As GStreamer's tag has it, such as "rotate-90"; empty: upright.
  bool single_fields = false;  // Each of its pictures is one field (H.265 only).
  // Audio.
  unsigned rate = 0;
  unsigned channels = 0;
  bool changes = false;  // Its layout, where its frames do not say what they are.

  std::optional<CodecChange> codec_change;  // What follows it does not come out.
};

class FilmReach;

struct Film {
  std::string uri;
  std::string container;         // For people; empty if there is none.
  GstClockTime duration = 0;     // 0: unknown.
  bool states_duration = false;  // Its container does; that of others is guessed.
  bool seekable = false;
  bool transport_stream = false;  // Of MPEG-2.
  bool playlist = false;          // Of HLS, DASH or Smooth Streaming.
  bool encrypted = false;         // Some of its streams are.
  std::vector<FilmStream> streams;
  std::optional<DolbyVision> dolby_vision;  // Of the video; none if that is not known.
  bool caption_track = false;  // Closed captions beside the video, which are not among the streams.
  unsigned pictures = 0;       // Beside the video, such as a cover; they are not among the streams.
  Ref<GstToc> chapters;        // Null if there are none.

  std::vector<Mend> mends;          // If it is a file that has to be read as another one.
  std::vector<std::string> unread;  // Sentences on sound that is not among those.

  std::shared_ptr<FilmReach> reach;  // Never null if look_at() made it.

  // Of the file, if it is one, when it was looked at.
  std::optional<std::filesystem::file_time_type> written_at;
  std::uintmax_t size = 0;

  // Whether the file, if it is one, is still as it was. A demuxer takes one that was cut off
  // meanwhile for one that is shorter.
  bool unchanged() const;
  // The first one of that kind, or null.
  const FilmStream* first(StreamKind kind) const;
};

// Why a film cannot be read.
struct FilmError {
  std::string message;
  std::string details = {};     // What GStreamer tells programmers; may be empty.
  bool remote_follows = false;  // It leads to another host, and `remote` was not said.
};

// `input` is a path or a URI. `remote`: a playlist is followed to other hosts than its own. Blocks,
// half a minute at most.
Result<Film, FilmError> look_at(const std::string& input, bool remote = false);

// Adds what reads the film and takes it apart: an element "source", and the parsebin that this
// returns, "film", which gets a pad for each stream.
Ref<GstElement> add_reader(BinBuilder& build, const Film& film);
// For people: "sound in 'en' (AAC)"; of sound and subtitles.
std::string name_of(const FilmStream& stream);
// What is the same of a stream's id however its film is read.
std::string stream_key(const std::string& id);

}  // namespace dist
