// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

#include <optional>

namespace dist {

// Whether the peer is on this machine's loopback interface.
bool is_on_loopback(GSocketConnection* socket);

// The user whose process has the other end of a connection over the loopback interface, as the
// kernel's table of connections says (proc(5), /proc/net/tcp). None if it is not there: over
// another interface, or already closed. Takes time in proportion to the machine's connections.
std::optional<uid_t> user_of_peer(GSocketConnection* socket);

}  // namespace dist
