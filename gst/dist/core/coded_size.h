// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How large the pictures of H.264 and H.265 are coded. Decoders make room for all of it, and
// parsers only say which part of it is shown.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "gst/dist/core/access_unit.h"
#include "gst/dist/core/picture_size.h"

namespace dist {

// Of the largest picture that a sequence parameter set in the access unit announces (ITU-T H.264
// 7.3.2.1.1, ITU-T H.265 7.3.2.2.1). What lies behind the end of a broken one counts as zeros, as
// it does for decoders. None without such a set, and of other codecs.
std::optional<PictureSize> coded_size(const StreamFormat& format,
                                      std::span<const std::uint8_t> unit);

// The same of an avcC or hvcC (ISO/IEC 14496-15 5.3.3, 8.3.3).
std::optional<PictureSize> coded_size_in_headers(Codec codec,
                                                 std::span<const std::uint8_t> codec_data);

// What is shown of a coded picture at least: encoders fill up to whole blocks of 128.
PictureSize least_shown(const PictureSize& coded);

}  // namespace dist
