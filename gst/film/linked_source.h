// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films that lead to other inputs: playlists of HLS, DASH and Smooth Streaming name files and
// addresses that demuxers open by themselves. A film may come from anybody, so these are followed
// only to where the film itself lies.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

namespace dist {

// What may be opened.
struct FilmReach {
  std::vector<std::string> films;  // URIs of the films that were given.
  bool remote = false;             // Other hosts, too.
};

// Whether `uri` may be opened: one of those films, a regular file in the folder of one or below,
// once links are followed, or what the host of one has. Looks into the file system, and changes
// nothing.
bool may_open(const FilmReach& reach, const std::string& uri);

// From now on no element of this process makes a source of a URI that may not be opened, or sets
// one of filesrc or souphttpsrc to such a URI, and souphttpsrc follows no redirect. Demuxers that
// make no elements of what they open are not used any more. Once, after gst_init() and the options.
void guard_sources();
// Any thread, as what follows.
void add_film(const std::string& uri);
// --allow-remote
GOptionEntry allow_remote_entry();
// What was not opened first for the elements in `pipeline`, or where it is not known for which; as
// a part of a sentence. Empty: nothing. Null: whatever for.
std::string refused_link(GstElement* pipeline = nullptr);

}  // namespace dist
