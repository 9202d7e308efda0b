// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `gst-dist-1.0 inspect` says, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "gst/film/film.h"
#include "tools/gst-dist/inspect/cut_survey.h"
#include "tools/gst-dist/inspect/frame_facts.h"

namespace dist::tool {

struct CodecEncoders {
  std::string codec;                  // As in a rendition.
  std::vector<std::string> encoders;  // Elements; the first one is taken by default.
};

struct Inspection {
  std::string input;
  Film film;
  std::string flaw;  // Why it has no video to work on; empty: it has.
  CutSurvey survey;  // Empty without video.
  FrameFacts facts;
  std::vector<CodecEncoders> encoders;
  std::vector<std::string> transcode;  // What that would do, in sentences.
  std::vector<std::string> problems;
};

// Lines of at most 80 columns.
std::string report_for_people(const Inspection& inspection);
// One object, as docs/gst-dist-1.0.md describes it.
std::string report_for_programs(const Inspection& inspection);

}  // namespace dist::tool
