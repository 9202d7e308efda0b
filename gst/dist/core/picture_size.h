// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How large the picture of an access unit is, by its own bytes, where no parser says so before a
// decoder makes room for it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "gst/dist/core/access_unit.h"

namespace dist {

struct PictureSize {
  unsigned width = 0;
  unsigned height = 0;
};

// Of VP8 (RFC 6386 9.1) and JPEG (ITU-T T.81 B.2.2). None if the unit does not state one, or is of
// another codec.
std::optional<PictureSize> stated_size(Codec codec, std::span<const std::uint8_t> unit);

}  // namespace dist
