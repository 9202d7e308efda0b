// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What distsegmenter makes of a film's video: each access unit and each segment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst/cut/access_unit.h"
#include "gst/cut/segment.h"
#include "gst/film/film.h"
#include "tools/gst-dist/segment_limit.h"

namespace dist::tool {

// Times are those of the stream, in nanoseconds.
struct SurveyedUnit {
  RandomAccess random_access = RandomAccess::kNone;
  bool shown = true;  // A frame, and no reference that is only decoded.
  bool has_pts = true;
  bool marked = false;         // Upstream calls it a keyframe.
  bool repeats_field = false;  // It is shown for longer than it takes to scan: soft telecine.
  Time show = kNoTime;         // When it is presented; kNoTime: it is not.
};

struct SurveyedSegment {
  Time start = 0;
  Time stop = 0;
  std::uint64_t first_unit = 0;  // In the film.
  std::uint64_t units = 0;       // To be decoded.
  std::uint64_t frames = 0;      // Those of them that are presented.
  std::uint64_t preroll = 0;     // Those that come before the first of these.
  std::uint64_t bytes = 0;

  bool operator==(const SurveyedSegment&) const = default;
};

struct CutSurvey {
  std::string caps;  // Of the video, when it began.
  bool caps_change = false;
  std::uint64_t bytes = 0;
  std::vector<SurveyedUnit> units;  // In decode order.
  std::vector<SurveyedSegment> segments;
  std::vector<std::string> warnings;  // What elements said.
  std::string flaw;                   // Why it could not be read to its end; empty if it was.
};

// Reads all of the film, which has video, and cuts it as transcode does. Blocks.
CutSurvey survey_cuts(const Film& film, const SegmentLimit& limit);

}  // namespace dist::tool
