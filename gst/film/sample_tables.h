// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tables of raw sound that qtdemux reads beyond their end.
//
// qtdemux merges the samples of raw sound into larger ones. Since the mend of CVE-2024-47598, which
// Debian 12 has in 1.22.0, it wants 4 bytes more for each entry but the first of an stsc (sample to
// chunk) than the entries are long, and gives up where there are not as many. It then has passed
// the only entry of the stts (decoding time to sample) and reads the next 8 bytes of memory as
// another one: all sound gets the time 0, or is taken to lie behind the end and is left out.
// GStreamer 1.26 asks for the right size.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "gst/film/mended_file.h"

namespace dist {

// Gives such tables the bytes that qtdemux asks for. The movie box grows by them: it is read at the
// end of the file, so that the media stays in its place, and a free box in its old place. `inner`
// are mends in the movie box, and come back if there is nothing else to mend. `file` is at `path`.
std::vector<Mend> lengthen_sample_tables(std::istream& file, const std::string& path,
                                         std::vector<Mend> inner);

}  // namespace dist
