// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How many segments distjoin holds for an output that is slower than its source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dist {

struct JoinLevel {
  std::size_t held = 0;    // Segments in order that were not taken yet.
  std::uint64_t next = 0;  // The first segment that is not yet in order.
  bool taken = true;       // Somebody takes them: the output is linked and wants more.
};

// An output that holds this many is full,
inline constexpr std::size_t kJoinEnough = 2;
// and takes up to so many if that brings another one what it waits for.
inline constexpr std::size_t kJoinMost = 8;

// Whether segment `index` may be taken for the output `mine`, which is one of `all`. An output that
// is full has to wait, unless another one has nothing left: all segments come through one thread,
// so that what the other waits for may come only after this one, and whoever takes this one may be
// waiting for it too, as the sinks of a pipeline do in preroll. By how much the segments of one
// output overtake those of another is limited by the window of remoteenc, not here.
bool has_room(const JoinLevel& mine, std::uint64_t index, std::span<const JoinLevel> all);

}  // namespace dist
