// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

namespace test {

// A free port outside the range that systems take the ports of dialled connections from: nothing
// takes it while no primary listens there. 0 if there is none.
inline unsigned quiet_port() {
  for (int tries = 0; tries < 100; ++tries) {
    GSocketListener* const listener = g_socket_listener_new();
    const auto port = static_cast<guint16>(g_random_int_range(20'000, 30'000));
    const bool free = g_socket_listener_add_inet_port(listener, port, nullptr, nullptr);
    g_socket_listener_close(listener);
    g_object_unref(listener);
    if (free)
      return port;
  }
  return 0;
}

}  // namespace test
