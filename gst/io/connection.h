// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "gst/base/result.h"
#include "gst/io/io_thread.h"
#include "gst/wire/session.h"

namespace dist {

// Moves bytes between a socket and a session, in the network thread.
class Connection {
 public:
  // `receive` is handed the bytes from the peer; an error closes the connection once the output is
  // written. `closed` is called exactly once with the reason, unless close() or the destructor came
  // first; the connection may be destroyed in it.
  using Receive = std::function<Status(std::span<const std::uint8_t>)>;
  using Closed = std::function<void(const std::string& reason)>;

  // `link` and `thread`, which is the current one, have to outlive the connection.
  Connection(IoThread& thread, GSocketConnection* socket, Link& link, Receive receive,
             Closed closed);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Writes what the session has to say. To be called after each command to the session.
  void flush();
  // Closes after everything was written, or when that takes too long.
  void finish(const std::string& reason);
  // Nothing is waiting to be written.
  bool idle() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Address and port of the peer.
std::string describe_peer(GSocketConnection* socket);

}  // namespace dist
