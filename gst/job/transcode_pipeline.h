// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The pipeline of a transcode.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/film/film.h"
#include "gst/film/film_end.h"
#include "gst/gstx/ref.h"
#include "gst/job/containers.h"
#include "gst/rendition/rendition.h"

namespace dist::tool {

// One file that is written.
struct Output {
  std::string rendition;  // Empty: sound only.
  std::string codec;
  std::string path;                      // Or of a folder, for single pictures.
  const Container* container = nullptr;  // Null: single pictures.
  bool thumbnails = false;               // Their sheets and their track too.
  unsigned width = 0;                    // Of its picture.
  unsigned height = 0;
};

// A stream that goes past the workers, and into which outputs.
struct CarriedStream {
  std::size_t stream = 0;         // Of the film.
  std::string encoder;            // Empty: it is copied.
  std::vector<std::size_t> into;  // Outputs.
};

struct TranscodePlan {
  Film film;
  std::vector<Output> outputs;
  std::vector<CarriedStream> carried;
  std::vector<std::string> left_out;  // Sentences on what is in no output.
  unsigned thumbnail_interval = 0;    // Milliseconds; 0: no output is of thumbnails.
};

// What becomes of the sound, which goes into the outputs `sound`, and of the subtitles, which go
// into all that have video.
Status plan_carried_streams(TranscodePlan& plan, const std::vector<std::size_t>& sound);

// Properties of remoteenc, and their values as text.
using Properties = std::vector<std::pair<std::string, std::string>>;

// Its elements are named: "remote" is remoteenc. Outputs are written to `paths`, one for each, but
// for thumbnails: an appsink "pictures" gets these as JPEG, and "tiles" as I420.
// `end` watches all streams.
Result<Ref<GstElement>> make_pipeline(const TranscodePlan& plan, const Properties& remote,
                                      const std::vector<std::string>& paths, const FilmEnd& end);

// Of such a pipeline, where the streams of an output come to their end: sink pads.
std::vector<Ref<GstPad>> ends_of(GstElement* pipeline, const TranscodePlan& plan,
                                 std::size_t output);

}  // namespace dist::tool
