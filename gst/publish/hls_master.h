// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "gst/publish/presentation.h"

namespace dist::publish {

// The HLS multivariant playlist. Bit rates are those declared while the presentation grows, and
// measured ones once it has ended. Dropped rungs are not in it.
std::string master_playlist(const Presentation& presentation);

}  // namespace dist::publish
