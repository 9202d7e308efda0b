// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether the pictures of a film are for Dolby Vision, which GStreamer 1.22 does not tell. Decoders
// give the base layer; in some profiles nothing but Dolby Vision shows it in its colours.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>

namespace dist {

struct DolbyVision {
  unsigned profile = 0;
  unsigned compatibility = 0;  // What the base layer is; 0: nothing by itself.
  bool operator==(const DolbyVision&) const = default;
};

// A DOVIDecoderConfigurationRecord. None if it is too short.
std::optional<DolbyVision> dolby_vision_in(std::span<const std::uint8_t> record);

// Of the first video track of an MP4 or a Matroska file. None if it is no such film.
std::optional<DolbyVision> dolby_vision_of(std::istream& file);

// What the base layer is in words, such as "HDR10".
std::string base_layer(const DolbyVision& vision);

}  // namespace dist
