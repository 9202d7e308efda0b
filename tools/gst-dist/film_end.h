// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a film ended when it was read, whatever it had announced.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>

#include "tools/gst-dist/film.h"

namespace dist::tool {

struct LatestTime;

class FilmEnd {
 public:
  FilmEnd();
  // Of a stream of the film, before anything comes.
  void watch(GstPad* pad) const;
  // The end of the longest stream so far, in stream time.
  GstClockTime latest() const;

 private:
  std::shared_ptr<LatestTime> latest_;
};

// A sentence if the film ended long before what it announces. One that is cut off ends in all its
// streams, where whole ones may have more sound than pictures.
std::string early_end(const Film& film, GstClockTime end);

}  // namespace dist::tool
