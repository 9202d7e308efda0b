// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether anything still comes from a film. Demuxers of playlists may wait for themselves, and
// servers may be silent, without an end and without an error.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>

#include "gst/gstx/ref.h"

namespace dist {

class InputWatch {
 public:
  // The film goes into `cut`, and the renditions come out of `join`, through their sink pads.
  InputWatch(const Ref<GstElement>& cut, const Ref<GstElement>& join);
  ~InputWatch();
  InputWatch(const InputWatch&) = delete;
  InputWatch& operator=(const InputWatch&) = delete;

  // To be asked now and then, at `now` seconds, in one thread. Whether nothing has come for a
  // minute although the film is not at its end, and nothing is being worked on (`idle`) or written.
  bool is_silent(double now, bool idle);

 private:
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data);

  Ref<GstPad> in_;
  Ref<GstPad> out_;
  gulong probe_ = 0;
  std::atomic<std::uint64_t> count_ = 0;
  std::atomic<bool> ended_ = false;
  std::uint64_t seen_ = 0;
  double asked_ = 0;    // When, last.
  double silence_ = 0;  // Seconds.
};

}  // namespace dist
