// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a film ended when it was read, whatever it had announced.
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gst/film/film.h"

namespace dist {

struct LatestTime;

class FilmEnd {
 public:
  FilmEnd();
  // Of a stream of the film, before anything comes. See FilmStream::id.
  void watch(GstPad* pad, const std::string& id) const;
  // The end of the longest stream so far, in stream time.
  GstClockTime latest() const;
  // The end of that stream so far, in stream time; 0: nothing came.
  GstClockTime of(const std::string& id) const;

 private:
  std::shared_ptr<LatestTime> latest_;
};

// A sentence if the film ended long before what it announces. One that is cut off ends in all its
// streams, where whole ones may have more sound than pictures. Else one for each of the `taken`
// streams of sound that ended long before what its own track announces.
std::vector<std::string> early_ends(const Film& film, const std::set<std::size_t>& taken,
                                    const FilmEnd& end);

// Posts an error of `parsebin` if `pad`, which it adds, has the video of another film, as where
// recordings were put together: nothing would show that. `end` watches all streams of the film.
void refuse_next_film(GstElement* parsebin, GstPad* pad, const FilmEnd& end);

}  // namespace dist
