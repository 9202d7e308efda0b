// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How large the picture of an access unit is, by its own bytes, where no parser says so before a
// decoder makes room for it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "gst/cut/access_unit.h"

namespace dist {

struct PictureSize {
  unsigned width = 0;
  unsigned height = 0;
  bool operator==(const PictureSize&) const = default;
};

// Of VP8 (RFC 6386 9.1), VP9 (bitstream specification 6.2) and JPEG (ITU-T T.81 B.2.2), and of
// H.264 and H.265 the largest of the sequence parameter sets in the unit (ITU-T H.264 7.3.2.1.1,
// H.265 7.3.2.2.1), before cropping: what a decoder makes room for, of which parsers tell what is
// left to be shown. None if the unit does not state one, or is of another codec.
std::optional<PictureSize> stated_size(const StreamFormat& format,
                                       std::span<const std::uint8_t> unit);
// The same of the decoder configuration record of H.264 or H.265 (ISO/IEC 14496-15 5.3.3.1 and
// 8.3.3.1).
std::optional<PictureSize> size_in_codec_data(Codec codec, std::span<const std::uint8_t> data);

}  // namespace dist
