// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace dist {

// Where primaries listen and workers dial if nobody says another port.
inline constexpr std::uint16_t kDefaultPort = 7700;

}  // namespace dist
