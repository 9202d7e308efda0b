// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The pictures of a film, decoded one after another as they are shown.
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <memory>
#include <optional>

#include "gst/base/result.h"
#include "gst/film/film.h"
#include "gst/gstx/luma_reader.h"
#include "gst/gstx/ref.h"
#include "gst/picture/visual_hash.h"
#include "tools/gst-dist/compare/film_marks.h"

namespace dist::tool {

struct FilmFrame {
  Ref<GstSample> sample;  // video/x-raw.
  Time time = 0;          // Running time: what an edit list leaves out has none.
  Time duration = kNoTime;
};

// Decodes ahead by a few frames, in threads of its pipeline.
class FilmFrames {
 public:
  // The film has video. Errors tell what is wrong without the film's name.
  static Result<std::unique_ptr<FilmFrames>> open(const Film& film);
  ~FilmFrames();
  FilmFrames(const FilmFrames&) = delete;
  FilmFrames& operator=(const FilmFrames&) = delete;

  // None at the end. Blocks, half a minute at most.
  Result<std::optional<FilmFrame>> next();

 private:
  FilmFrames() = default;
  Ref<GstElement> element(const char* name) const;
  std::optional<Error> failure() const;

  Ref<GstElement> pipeline_;
  Ref<GstElement> sink_;
  bool started_ = false;
  Time last_ = 0;  // End of the last frame.
};

// Keeps of each frame what comparing takes.
class FilmMarker {
 public:
  Status add(const FilmFrame& frame);
  // Once, after all frames. The times begin with the first one, which is `start`.
  FilmMarks finish();
  Time start() const { return start_; }

 private:
  GstVideoInfo info_{};
  Ref<GstCaps> caps_;
  std::optional<VisualHasher> hasher_;
  LumaReader reader_;
  FilmMarks marks_;
  Time start_ = 0;
  Time last_duration_ = kNoTime;
};

}  // namespace dist::tool
