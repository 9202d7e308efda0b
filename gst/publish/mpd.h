// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include "gst/publish/presentation.h"

namespace dist::publish {

// The MPD (ISO/IEC 23009-1): dynamic while the presentation grows, static once it has ended. `now`
// is the wall-clock time in microseconds since 1970; a static one does not depend on it.
// The presentation lists a segment at least.
std::string mpd(const Presentation& presentation, std::int64_t now);

}  // namespace dist::publish
