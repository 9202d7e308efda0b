// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How long a film's video is, which may be shorter than its sound.
#pragma once

#include <gst/gst.h>

#include <istream>

#include "gst/film/film.h"

namespace dist {

// As Matroska's muxers write it for each track; 0: it is not there.
GstClockTime length_in_tags(const GstTagList* tags);
// Of the first track of pictures; 0: unknown, as in fragmented files.
GstClockTime length_in_mp4(std::istream& file);
// Of the track of that number, by what its header or its media says, whichever is shorter; 0:
// unknown.
GstClockTime track_length_in_mp4(std::istream& file, std::uint64_t track);

// As the container says; if it does not tell of the video, that of the film.
GstClockTime video_length(const Film& film);

}  // namespace dist
