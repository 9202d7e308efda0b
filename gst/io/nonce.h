// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <unistd.h>

#include "gst/wire/wire.h"

namespace dist {

// Fills in bytes from the system's random source. False if that has none.
inline bool make_nonce(wire::Nonce& nonce) {
  return getentropy(nonce.data(), nonce.size()) == 0;
}

}  // namespace dist
