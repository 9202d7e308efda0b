// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libavformat's muxer writes, as CMAF wants it (ISO/IEC 23000-19): brands, an edit list, media
// segments of several fragments. Boxes that are not expected are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"

namespace dist::publish {

// `ftyp` and `moov` of one track, which had neither brands of CMAF nor an edit list. `brands` are
// those of cmaf_brands(). The first `priming` units of the track's timescale are not presented.
Result<Bytes> cmaf_init(std::span<const std::uint8_t> init, const std::vector<std::string>& brands,
                        std::uint64_t priming);

// One `moof` and its `mdat`.
struct FragmentBoxes {
  std::uint32_t sequence_number = 0;
  std::uint64_t decode_time = 0;  // In the track's timescale, as `duration`.
  std::uint64_t duration = 0;
  std::vector<std::uint32_t> sizes;  // Of the samples.
  std::size_t data = 0;              // Where the first sample begins.
};

// The samples fill the `mdat` in their order, without a hole; nothing is before or after the two
// boxes.
Result<FragmentBoxes> read_fragment(std::span<const std::uint8_t> bytes);

// The `styp` with which a media segment begins; its fragments follow. `last`: of the track.
Bytes segment_type(const std::vector<std::string>& brands, bool last);

}  // namespace dist::publish
