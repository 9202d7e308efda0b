// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace dist {

// A point on the caller's monotonic clock, or a span of it, in nanoseconds. The state machines of
// this folder read no clock: they are told what time it is, and it never goes back.
using Instant = std::uint64_t;
inline constexpr Instant kMillisecond = 1'000'000;
// Later than anything: nothing to wait for.
inline constexpr Instant kNever = UINT64_MAX;

}  // namespace dist
