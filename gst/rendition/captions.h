// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Closed captions in the stream of a picture (CEA-608 and 708, as ATSC A/53 part 4 has them), for
// encoders that leave them out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace dist {

// Whether streams of that codec, named as in renditions, can have captions.
bool carries_captions(std::string_view codec);

// A picture with captions before its first slice. `unit` is an access unit of H.264 or H.265 with
// start codes, or a temporal unit of AV1; `cc_data` is up to 31 triplets. None if it has captions
// already, if there are none to add, or if it cannot be understood.
std::optional<std::vector<std::uint8_t>> with_captions(std::span<const std::uint8_t> unit,
                                                       std::string_view codec,
                                                       std::span<const std::uint8_t> cc_data);

}  // namespace dist
