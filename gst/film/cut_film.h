// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads a film and cuts its video as transcode does, without encoding.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gst/film/film.h"

namespace dist {

// Properties of distsegmenter, and their values as text.
using Cutting = std::map<std::string, std::string>;

// Called in a streaming thread, before cut_film() returns. Buffers and caps are borrowed.
struct CutWatcher {
  std::function<void(GstCaps*)> caps = {};       // Of the video.
  std::function<void(GstBuffer*)> unit = {};     // An access unit.
  std::function<bool(GstBuffer*)> segment = {};  // False: no more is wanted.
};

struct CutEnd {
  std::vector<std::string> warnings;  // What elements said.
  std::string flaw;                   // Why it could not be read to its end; empty if it was.
};

// All of the film, which has video. Blocks.
CutEnd cut_film(const Film& film, const Cutting& cutting, const CutWatcher& watcher);

}  // namespace dist
