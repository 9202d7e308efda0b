// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a player shall turn the picture of an MP4: the matrix of its video track (ISO/IEC 14496-12,
// 8.3.2), which the muxers of GStreamer 1.22 do not write.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "gst/base/result.h"

namespace dist {

// Nine numbers, as they stand in the file: 16.16, the third of each row 2.30.
using DisplayMatrix = std::array<std::int32_t, 9>;

// For "rotate-90", "flip-rotate-270" and the like, the values of GStreamer's tag image-orientation.
// Width and height are those of the track, 16.16. None for other texts.
std::optional<DisplayMatrix> display_matrix(const std::string& orientation, std::uint32_t width,
                                            std::uint32_t height);

// Turns each video track of a finished file. Fails if there is none, or if it is no MP4; then
// nothing was changed.
Status set_rotation(std::iostream& file, const std::string& orientation);

}  // namespace dist
