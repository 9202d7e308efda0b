// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Writes a film with libavformat, whose muxers keep what those of GStreamer 1.22 lose: titles, what
// is to be shown by default, the length of the last frame, sound before the beginning.
#pragma once

#include <gst/app/gstappsink.h>

#include <memory>
#include <string>

#include "gst/film/film.h"

namespace dist {

// One that a film is written with.
struct WrittenTrack {
  StreamKind kind = StreamKind::kVideo;
  std::string language;  // Code, or empty.
  std::string title;
  bool is_default = false;
  bool forced = false;
  // Of subtitles, which may come late: what they are. Words are words whatever these say.
  Ref<GstCaps> caps;
  bool is_text = false;
  unsigned width = 0;  // Of the picture that words are shown on.
  unsigned height = 0;
};

class FilmWriter {
 public:
  // `format` is a name of libavformat's: "mp4", "matroska" or "webm".
  FilmWriter(const std::string& path, const std::string& format, const GstToc* chapters);
  // What comes into `sink` is written; in the order of the tracks, and all before anything comes.
  // The sink posts what goes wrong. The file is complete once all sinks have ended.
  void add(GstAppSink* sink, const WrittenTrack& wanted);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dist
