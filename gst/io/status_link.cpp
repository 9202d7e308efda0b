// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/status_link.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "gst/base/glib_error.h"
#include "gst/io/io_thread.h"
#include "gst/io/nonce.h"
#include "gst/io/object.h"

namespace dist {
namespace {

std::string place(const StatusLink::Config& config) {
  const bool ipv6 = config.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + config.host + "]" : config.host) + ":" + std::to_string(config.port);
}

}  // namespace

Result<std::unique_ptr<StatusLink>> StatusLink::dial(const Config& config) {
  const Object<GSocketClient> client(g_socket_client_new());
  g_socket_client_set_enable_proxy(client.get(), FALSE);
  g_socket_client_set_timeout(client.get(), config.patience);
  GLibError error;
  GSocketConnection* const socket = g_socket_client_connect_to_host(
      client.get(), config.host.c_str(), config.port, nullptr, error.out());
  if (!socket)
    return Error{place(config) + ": nobody answers there: " + error.message()};
  wire::Nonce nonce;
  const bool random = make_nonce(nonce);
  std::unique_ptr<StatusLink> link(new StatusLink(config, socket, nonce));
  if (!random)
    return Error{"this system has no random numbers to give"};
  if (const auto welcomed = link->wait_for<WorkerSession::Welcomed>(); !welcomed)
    return Error{welcomed.error()};
  return link;
}

StatusLink::StatusLink(const Config& config, GSocketConnection* socket, const wire::Nonce& nonce)
    : config_(config),
      socket_(socket),
      session_({.name = "status", .capacity = 0, .secret = config.secret}, nonce, IoThread::now()) {
}

StatusLink::~StatusLink() {
  session_.leave();
  if (!closed_)
    (void)write();
  g_io_stream_close(G_IO_STREAM(socket_), nullptr, nullptr);
  g_object_unref(socket_);
}

Error StatusLink::failure(const std::string& what) const {
  return Error{place(config_) + ": " + what};
}

Error StatusLink::too_late() const {
  return failure("no answer within " + std::to_string(config_.patience) + " s");
}

Status StatusLink::write() {
  GOutputStream* const stream = g_io_stream_get_output_stream(G_IO_STREAM(socket_));
  while (session_.has_output())
    for (const Bytes& piece : session_.next_output()) {
      GLibError error;
      if (!g_output_stream_write_all(stream, piece.span().data(), piece.size(), nullptr, nullptr,
                                     error.out()))
        return failure(error.message());
    }
  return {};
}

Status StatusLink::read() {
  std::array<std::uint8_t, 16 * 1024> input;
  GLibError error;
  const gssize size = g_input_stream_read(g_io_stream_get_input_stream(G_IO_STREAM(socket_)),
                                          input.data(), input.size(), nullptr, error.out());
  if (size < 0)
    return error.is(G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ? too_late() : failure(error.message());
  closed_ = size == 0;
  const Status status =
      session_.receive({input.data(), static_cast<std::size_t>(size)}, IoThread::now(), events_);
  return status ? Status{} : failure(status.error());
}

// The next event of that kind. There is never another one to wait for.
template <class Event>
Result<Event> StatusLink::wait_for() {
  // A primary that goes on talking without saying it does not hold up the caller.
  const Instant until = IoThread::now() + config_.patience * 1'000 * kMillisecond;
  while (true) {
    for (auto& event : events_) {
      if (const auto* refused = std::get_if<WorkerSession::Refused>(&event))
        return failure(refused->reason);
      done_ = done_ || std::holds_alternative<WorkerSession::JobDone>(event);
    }
    for (auto& event : std::exchange(events_, {}))
      if (auto* found = std::get_if<Event>(&event))
        return std::move(*found);
    if (closed_)
      return failure("the connection was closed");
    if (IoThread::now() >= until)
      return too_late();
    if (const Status status = write(); !status)
      return Error{status.error()};
    if (const Status status = read(); !status)
      return Error{status.error()};
  }
}

Result<std::optional<FarmStatus>> StatusLink::ask() {
  if (done_)
    return std::optional<FarmStatus>();
  session_.ask_status();
  auto report = wait_for<WorkerSession::StatusReceived>();
  if (report)
    return std::optional(std::move(report->status));
  if (done_)
    return std::optional<FarmStatus>();
  return Error{report.error()};
}

}  // namespace dist
