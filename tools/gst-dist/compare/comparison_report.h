// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `gst-dist-1.0 compare` says, for people and for programs.
#pragma once

#include <string>

#include "tools/gst-dist/compare/comparison.h"

namespace dist::tool {

// A film as reports name it.
struct ComparedFilm {
  std::string input;  // As it was given.
  std::string uri;
  std::string container;  // For people; empty if there is none.
  std::string codec;
  unsigned width = 0;
  unsigned height = 0;
  Time start = 0;  // Running time of the first frame.
  FilmMarks marks;
};

struct CompareReport {
  ComparedFilm a;
  ComparedFilm b;
  Comparison comparison;
  bool per_frame = false;  // Else per second.
};

// "0:03.240", "1:02:03.000".
std::string time_text(Time time);
// "640x360, 25/s, H.264, 0:06.000".
std::string film_text(const ComparedFilm& film);
// One sentence without its full stop, such as "differ from 0:03.000 to 0:05.000".
std::string verdict_text(const Comparison& comparison);

// A table, and below it what it comes to.
std::string report_for_people(const CompareReport& report);
// A line of names, then one for each frame or second. Times are in seconds.
std::string report_as_csv(const CompareReport& report);
// One object, as docs/gst-dist-1.0.md describes it.
std::string report_for_programs(const CompareReport& report);

}  // namespace dist::tool
