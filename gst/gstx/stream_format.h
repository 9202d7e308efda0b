// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What caps say about compressed video.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "gst/base/result.h"
#include "gst/cut/access_unit.h"
#include "gst/cut/picture_size.h"
#include "gst/cut/segment.h"
#include "gst/rendition/rendition.h"

namespace dist {

// kRaw too for what the cut rule does not know.
StreamFormat stream_format(const GstStructure* structure);

// Of H.264 and H.265 the size that the codec data state, see size_in_codec_data().
std::optional<PictureSize> size_in_codec_data(const GstStructure* structure);

// Size, shape and rate of video with these caps, as far as they say.
SourceFormat source_format(const std::string& caps);

// Checks what a worker says of its answer, which has units, against the first of them: the caps are
// fixed ones, the unit is a keyframe at which a decoder can start, and the frames of video are not
// smaller than any encoder makes them, nor larger than uncompressed ones. With `mixed_encoders` the
// unit must also carry its parameter sets. If it is known what is `wanted`, it must be of that
// codec and size. Returns the caps that all segments of the rendition must have in common; with
// `mixed_encoders` that leaves out what the parameter sets say.
Result<std::string> check_rendition(const SegmentHeader& rendition,
                                    std::span<const std::uint8_t> first_unit, bool mixed_encoders,
                                    const RenditionSpec* wanted = nullptr);

}  // namespace dist
