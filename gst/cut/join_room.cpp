// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/join_room.h"

#include <algorithm>

namespace dist {

bool has_room(const JoinLevel& mine, std::uint64_t index, std::span<const JoinLevel> all) {
  if (mine.held < (mine.taken ? kJoinEnough : kJoinMost))
    return true;
  if (!mine.taken)
    return false;
  return std::ranges::any_of(all, [&](const JoinLevel& other) {
    const bool starved = other.taken && other.held == 0;
    return starved && (other.next < index || (other.next == index && mine.held < kJoinMost));
  });
}

}  // namespace dist
