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
// make no elements of what they open are not used any more. After gst_init() and the options; a
// second call does nothing.
void guard_sources();
// Any thread, as what follows.
void add_film(const std::string& uri);
// --allow-remote
GOptionEntry allow_remote_entry();
// How many links were not opened so far.
std::size_t refused_links();
// The first link after so many that was not opened for the elements in `pipeline`, or for elements
// in no pipeline; null: for any. As a part of a sentence; empty: none.
std::string refused_link(std::size_t after, GstElement* pipeline = nullptr);

}  // namespace dist
