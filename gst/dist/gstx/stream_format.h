// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What caps say about compressed video.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <span>
#include <string>

#include "gst/dist/core/access_unit.h"
#include "gst/dist/core/rendition.h"
#include "gst/dist/core/result.h"

namespace dist {

// kRaw too for what the cut rule does not know.
StreamFormat stream_format(const GstStructure* structure);

// Size, shape and rate of video with these caps, as far as they say.
SourceFormat source_format(const std::string& caps);

// Checks what a worker says of its answer, "rendition caps", against the first access unit of it:
// the caps are fixed ones, and the unit is a keyframe at which a decoder can start. With
// `mixed_encoders` the unit must also carry its parameter sets. If it is known what is `wanted`, it
// must have that size. Returns the caps that all segments
// of the rendition must have in common; with `mixed_encoders` that leaves out what the parameter
// sets say.
Result<std::string> check_rendition(const std::string& caps,
                                    std::span<const std::uint8_t> first_unit, bool mixed_encoders,
                                    const RenditionSpec* wanted = nullptr);

}  // namespace dist
