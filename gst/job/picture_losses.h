// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the pictures of a film are made of, and which codecs and containers cannot keep it.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

#include "gst/job/transcode_pipeline.h"

namespace dist {

struct Samples {
  unsigned depth = 0;       // Bits; 0: unknown.
  std::string chroma;       // "4:2:0"; empty: unknown.
  std::string hdr;          // "PQ" or "HLG"; empty: neither.
  bool brightness = false;  // The mastering display or the light level is known.
};

// As the caps of parsed or raw video tell it.
Samples samples_of(const GstCaps* caps);

// Sentences, none twice.
std::vector<std::string> picture_losses(const FilmStream& video,
                                        const std::vector<Output>& outputs);

}  // namespace dist
