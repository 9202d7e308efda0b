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
#include "gst/film/film_end.h"
#include "gst/gstx/ref.h"
#include "gst/job/plan.h"

namespace dist::tool {

// What becomes of the sound, which goes into the outputs `sound`, and of the subtitles, which go
// into all that have video.
Status plan_carried_streams(Plan& plan, const std::vector<std::size_t>& sound);

// Properties of remoteenc, and their values as text.
using Properties = std::vector<std::pair<std::string, std::string>>;

// Its elements are named: "remote" is remoteenc. Outputs are written to `paths`, one for each, but
// for thumbnails: an appsink "pictures" gets these as JPEG, and "tiles" as I420.
// `end` watches all streams.
Result<Ref<GstElement>> make_pipeline(const Plan& plan, const Properties& remote,
                                      const std::vector<std::string>& paths, const FilmEnd& end);

// Of such a pipeline, where the streams of an output come to their end: sink pads.
std::vector<Ref<GstPad>> ends_of(GstElement* pipeline, const Plan& plan, std::size_t output);

}  // namespace dist::tool
