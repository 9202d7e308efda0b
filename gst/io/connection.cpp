// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <exception>
#include <optional>
#include <vector>

#include "gst/base/glib_error.h"
#include "gst/base/text.h"
#include "gst/io/object.h"

namespace dist {
namespace {

constexpr Instant kFinishTime = 2'000 * kMillisecond;

}  // namespace

std::string describe_peer(GSocketConnection* socket) {
  const Object<GSocketAddress> address(g_socket_connection_get_remote_address(socket, nullptr));
  if (!address)
    return "unknown";
  return take_string(g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(address.get())));
}

// Lives as long as an operation is in flight, so that its callback finds it; `gone` tells the
// callback that nobody is interested any more.
struct Connection::State : std::enable_shared_from_this<Connection::State> {
  GSocketConnection* socket = nullptr;
  GCancellable* cancellable = nullptr;
  Link* link = nullptr;
  Receive receive;
  Closed closed;
  bool gone = false;
  bool writing = false;
  bool deaf = false;                     // The peer takes no more output.
  std::optional<std::string> finishing;  // Close for this reason once the output is written.
  std::string finish_reason;             // Close for this reason when the timer ends.
  std::unique_ptr<Timer> finish_timer;
  BytesList output;
  std::vector<GOutputVector> vectors;
  std::array<std::uint8_t, 64 * 1024> input;

  ~State() {
    g_object_unref(cancellable);
    g_object_unref(socket);
  }

  // One reference travels with each operation in flight.
  gpointer hold() { return new std::shared_ptr<State>(shared_from_this()); }
  static std::shared_ptr<State> retrieve(gpointer data) {
    const std::unique_ptr<std::shared_ptr<State>> owner(static_cast<std::shared_ptr<State>*>(data));
    return *owner;
  }

  void shut() {
    gone = true;
    finish_timer.reset();
    g_cancellable_cancel(cancellable);
    g_io_stream_close(G_IO_STREAM(socket), nullptr, nullptr);
  }

  void close(const std::string& reason) {
    if (gone)
      return;
    shut();
    const Closed notify = std::move(closed);
    notify(reason);
  }

  void finish(const std::string& reason) {
    if (gone || finishing)
      return;
    finishing = finish_reason = reason;
    finish_timer->set(IoThread::now() + kFinishTime);
    if (deaf)
      return close(reason);
    write();
  }

  void read() {
    GInputStream* stream = g_io_stream_get_input_stream(G_IO_STREAM(socket));
    g_input_stream_read_async(
        stream, input.data(), input.size(), G_PRIORITY_DEFAULT, cancellable,
        [](GObject* source, GAsyncResult* result, gpointer data) {
          retrieve(data)->on_read(G_INPUT_STREAM(source), result);
        },
        hold());
  }

  void on_read(GInputStream* stream, GAsyncResult* result) {
    GLibError error;
    const gssize size = g_input_stream_read_finish(stream, result, error.out());
    if (gone)
      return;
    if (size <= 0)
      return close(finishing.value_or(error.message("closed by the peer")));
    // What comes after our goodbye is read only so that the peer can finish in good order.
    if (!finishing) {
      try {
        if (const Status status = receive({input.data(), static_cast<std::size_t>(size)}); !status)
          finish(status.error());
      } catch (const std::exception& e) {
        // GLib's code is above: nothing may pass through it.
        finish(e.what());
      }
    }
    if (gone)
      return;
    write();
    if (!gone)
      read();
  }

  void write() {
    if (gone || writing || deaf)
      return;
    output = link->next_output();
    if (output.empty()) {
      if (finishing)
        close(*finishing);
      return;
    }
    vectors.clear();
    for (const Bytes& piece : output)
      vectors.push_back({piece.span().data(), piece.size()});
    writing = true;
    GOutputStream* stream = g_io_stream_get_output_stream(G_IO_STREAM(socket));
    g_output_stream_writev_all_async(
        stream, vectors.data(), vectors.size(), G_PRIORITY_DEFAULT, cancellable,
        [](GObject* source, GAsyncResult* result, gpointer data) {
          retrieve(data)->on_written(G_OUTPUT_STREAM(source), result);
        },
        hold());
  }

  void on_written(GOutputStream* stream, GAsyncResult* result) {
    GLibError error;
    const bool ok = g_output_stream_writev_all_finish(stream, result, nullptr, error.out());
    writing = false;
    if (gone)
      return;
    if (!ok) {
      // The peer has closed, but its last words may still be unread: reading them ends it.
      deaf = true;
      finish_timer->set(IoThread::now() + kFinishTime);
      finish_reason = finishing.value_or(error.message());
      return;
    }
    write();
  }
};

Connection::Connection(IoThread& thread, GSocketConnection* socket, Link& link, Receive receive,
                       Closed closed)
    : state_(std::make_shared<State>()) {
  state_->socket = G_SOCKET_CONNECTION(g_object_ref(socket));
  state_->cancellable = g_cancellable_new();
  state_->link = &link;
  state_->receive = std::move(receive);
  state_->closed = std::move(closed);
  // The timer ends with shut(), so the state is there.
  state_->finish_timer = std::make_unique<Timer>(
      thread, [state = state_.get()] { state->close(state->finish_reason); });
  GSocket* raw = g_socket_connection_get_socket(socket);
  g_socket_set_option(raw, IPPROTO_TCP, TCP_NODELAY, 1, nullptr);
  // A peer that vanished without a word is noticed within half a minute.
  g_socket_set_keepalive(raw, TRUE);
  g_socket_set_option(raw, IPPROTO_TCP, TCP_KEEPIDLE, 10, nullptr);
  g_socket_set_option(raw, IPPROTO_TCP, TCP_KEEPINTVL, 5, nullptr);
  g_socket_set_option(raw, IPPROTO_TCP, TCP_KEEPCNT, 3, nullptr);
  g_socket_set_option(raw, IPPROTO_TCP, TCP_USER_TIMEOUT, 25'000, nullptr);
  state_->read();
  state_->write();
}

Connection::~Connection() {
  if (!state_->gone)
    state_->shut();
}

void Connection::flush() {
  state_->write();
}

void Connection::finish(const std::string& reason) {
  state_->finish(reason);
}

bool Connection::idle() const {
  return state_->gone || state_->deaf || (!state_->writing && !state_->link->has_output());
}

}  // namespace dist
