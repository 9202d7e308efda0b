// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The media profiles of CMAF (ISO/IEC 23000-19, annexes A and B) that a track keeps to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dist::publish {

enum class CmafCodec { kH264, kH265, kAv1, kAac, kOther };

struct CmafTrack {
  CmafCodec codec = CmafCodec::kOther;
  // Contents of `avcC` or `hvcC`.
  std::span<const std::uint8_t> configuration = {};
  unsigned width = 0;
  unsigned height = 0;
  double frame_rate = 0;  // 0: not known.
  // Code points of ISO/IEC 23091-2; 2: not said.
  int primaries = 2;
  int transfer = 2;
  int matrix = 2;
};

// The brands, beside those that all tracks of CMAF have; often none.
std::vector<std::string> cmaf_brands(const CmafTrack& track);

}  // namespace dist::publish
