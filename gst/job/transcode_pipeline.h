// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The pipeline of a transcode.
#pragma once

#include <gst/gst.h>

#include <string>
#include <utility>
#include <vector>

#include "gst/base/result.h"
#include "gst/film/film_end.h"
#include "gst/gstx/ref.h"
#include "gst/job/plan.h"

namespace dist {

struct TranscodePipeline {
  Ref<GstElement> pipeline = {};
  Ref<GstElement> film = {};    // The parsebin that takes the film apart.
  Ref<GstElement> cut = {};     // distsegmenter
  Ref<GstElement> remote = {};  // remoteenc
  Ref<GstElement> join = {};    // distjoin
  // Of thumbnails: appsinks that get them as JPEG, and as I420. Null if there are none.
  Ref<GstElement> pictures = {};
  Ref<GstElement> tiles = {};
  // Of each output, where its streams come to their end: sink pads.
  std::vector<std::vector<Ref<GstPad>>> ends = {};
};

// Properties of remoteenc, and their values as text.
using Properties = std::vector<std::pair<std::string, std::string>>;

// Outputs are written to `paths`, one for each. `end` watches all streams of the film.
Result<TranscodePipeline> make_pipeline(const Plan& plan, const Properties& remote,
                                        const std::vector<std::string>& paths, const FilmEnd& end);

}  // namespace dist
