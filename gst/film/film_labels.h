// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tracks of a film are called, and which of them are shown by default: GStreamer does not
// tell all of it.
#pragma once

#include <string>

#include "gst/film/film.h"

namespace dist {

// Titles, languages that are still unknown, and flags of the streams of an MP4 or a Matroska file.
// In others, and where nothing is said, the first of each kind is shown by default.
void read_labels(Film& film, const std::string& path);

}  // namespace dist
