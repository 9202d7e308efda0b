// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/transcode/port_wait.h"

#include <gio/gio.h>
#include <unistd.h>

#include <cstdio>

#include "gst/base/glib_error.h"
#include "gst/gstx/ref.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/signals.h"

namespace dist::tool {
namespace {

// Two that wait do not look at the same moment.
constexpr gint32 kLeastInterval = 200;  // Milliseconds.
constexpr gint32 kMostInterval = 700;

bool is_in_use(const Address& address) {
  const auto place = Ref<GSocketAddress>::adopt(
      g_inet_socket_address_new_from_string(address.host.c_str(), address.port));
  if (!place || address.port == 0)
    return false;
  const auto listener = Ref<GSocketListener>::adopt(g_socket_listener_new());
  GLibError error;
  g_socket_listener_add_address(listener.get(), place.get(), G_SOCKET_TYPE_STREAM,
                                G_SOCKET_PROTOCOL_TCP, nullptr, nullptr, error.out());
  g_socket_listener_close(listener.get());
  return error.is(G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
}

struct Wait {
  const Address& address;
  GMainLoop* loop;
  bool interrupted = false;
};

void look_soon(Wait* wait) {
  const GSourceFunc look = [](gpointer data) -> gboolean {
    auto* const waiting = static_cast<Wait*>(data);
    if (waiting->interrupted || !is_in_use(waiting->address))
      g_main_loop_quit(waiting->loop);
    else
      look_soon(waiting);
    return G_SOURCE_REMOVE;
  };
  g_timeout_add(static_cast<guint>(g_random_int_range(kLeastInterval, kMostInterval)), look, wait);
}

}  // namespace

bool wait_for_port(const Address& address, const std::function<void()>& abandon) {
  if (!is_in_use(address))
    return true;
  Wait wait{address, g_main_loop_new(nullptr, FALSE)};
  const Signals signals([&wait] { wait.interrupted = true; },
                        [&abandon] {
                          abandon();
                          _exit(kInterrupted);
                        });
  std::fprintf(stderr, "waits until nobody else listens at %s\n", address_text(address).c_str());
  // From the loop only: to quit one that does not run yet would be forgotten.
  look_soon(&wait);
  g_main_loop_run(wait.loop);
  g_main_loop_unref(wait.loop);
  return !wait.interrupted;
}

}  // namespace dist::tool
