// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How the two ends of a connection prove that they know the same secret, see docs/design/wire.md.
#pragma once

#include <cstdint>
#include <string>

#include "gst/base/bytes.h"
#include "gst/wire/wire.h"

namespace dist {

inline constexpr char kWorkerRole[] = "gst-dist worker";
inline constexpr char kPrimaryRole[] = "gst-dist primary";

// The frame of Hello, `first`, and that of the Challenge. Both ends have sent 32 random bytes in
// these, so a proof cannot be replayed, and each proves its own role, so it cannot be reflected.
Bytes transcript_of(const Bytes& first, const wire::Challenge& challenge);

// Zero without a secret.
wire::Digest proof_of(const std::string& secret, const char* role, const Bytes& transcript);

// Takes as long whatever differs, so that the time tells nothing.
bool equal(const wire::Digest& a, const wire::Digest& b);

// "version 1" or "versions 1 to 3".
std::string versions(std::uint16_t min, std::uint16_t max);

}  // namespace dist
