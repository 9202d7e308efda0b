// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What of a film has to be read as something else, so that GStreamer 1.22 sees all of it.
#pragma once

#include <string>
#include <vector>

#include "gst/film/mended_file.h"
#include "gst/film/ts_scan.h"

namespace dist {

struct FilmMends {
  std::vector<Mend> mends;
  std::vector<std::string> unread;  // Streams that no mend brings to light, in words.
  std::vector<unsigned> changing;   // PIDs of sound whose layout changes on the way.
  std::vector<CodecChange> codecs;  // Of streams whose codec does.
  std::vector<Sound> sounds;        // Of a transport stream, by where it begins.
};

// Reads a bit of the file, and all of a transport stream. Empty for most.
FilmMends find_mends(const std::string& path);

}  // namespace dist
