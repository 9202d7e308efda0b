// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/io/worker_link.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

constexpr unsigned kFirstRetryMilliseconds = 50;
constexpr unsigned kLastRetryMilliseconds = 400;
constexpr unsigned kGoodbyeMilliseconds = 500;
constexpr unsigned kLongestDialMilliseconds = 60'000;

}  // namespace

WorkerLink::WorkerLink(IoThread& thread, const Config& config, Observer& observer)
    : thread_(thread), config_(config), observer_(observer) {
  thread_.post([this] {
    client_ = g_socket_client_new();
    g_socket_client_set_enable_proxy(client_, FALSE);
    cancellable_ = g_cancellable_new();
    retry_milliseconds_ = kFirstRetryMilliseconds;
    dial();
  });
}

WorkerLink::~WorkerLink() {
  thread_.run([this] {
    stopping_ = true;
    g_cancellable_cancel(cancellable_);
    if (retry_)
      g_source_destroy(retry_);
    g_clear_pointer(&retry_, g_source_unref);
    if (connection_) {
      session_->leave();
      connection_->flush();
    }
  });
  thread_.wait_until([this] { return !connection_ || connection_->idle(); }, kGoodbyeMilliseconds);
  // A dialled connection has to be waited for; it was cancelled and comes back soon.
  thread_.wait_until([this] { return !dialling_; }, kLongestDialMilliseconds);
  thread_.run([this] {
    connection_.reset();
    session_.reset();
    g_clear_object(&client_);
    g_clear_object(&cancellable_);
  });
}

void WorkerLink::dial() {
  g_clear_pointer(&retry_, g_source_unref);
  if (stopping_)
    return;
  dialling_ = true;
  g_socket_client_connect_to_host_async(
      client_, config_.host.c_str(), config_.port, cancellable_,
      [](GObject*, GAsyncResult* result, gpointer self) {
        static_cast<WorkerLink*>(self)->dialled(result);
      },
      this);
}

void WorkerLink::dial_later() {
  retry_ = thread_.after(retry_milliseconds_, [this] { dial(); });
  retry_milliseconds_ = std::min(2 * retry_milliseconds_, kLastRetryMilliseconds);
}

void WorkerLink::dialled(GAsyncResult* result) {
  dialling_ = false;
  GError* error = nullptr;
  GSocketConnection* socket = g_socket_client_connect_to_host_finish(client_, result, &error);
  const std::string text = error ? error->message : "";
  g_clear_error(&error);
  if (!socket) {
    if (stopping_)
      return;
    if (!unreachable_said_) {
      unreachable_said_ = true;
      observer_.unreachable(text);
    }
    dial_later();
    return;
  }
  if (!stopping_) {
    ++connections_;
    session_ = std::make_unique<WorkerSession>(config_.name, config_.capacity);
    connection_ = std::make_unique<Connection>(
        socket, *session_, [this](std::span<const std::uint8_t> bytes) { return receive(bytes); },
        [this](const std::string& reason) { closed(reason); });
  }
  g_object_unref(socket);
}

Status WorkerLink::receive(std::span<const std::uint8_t> bytes) {
  std::vector<WorkerSession::Event> events;
  const Status status = session_->receive(bytes, events);
  protocol_error_ = !status;
  for (auto& event : events) {
    if (std::holds_alternative<WorkerSession::Welcomed>(event)) {
      unreachable_said_ = false;
      welcomed_ = true;
      observer_.connected();
    } else if (auto* leased = std::get_if<WorkerSession::Leased>(&event)) {
      retry_milliseconds_ = kFirstRetryMilliseconds;
      observer_.leased({connections_, leased->lease}, std::move(*leased));
    } else if (const auto* cancelled = std::get_if<WorkerSession::Cancelled>(&event)) {
      observer_.cancelled({connections_, cancelled->lease});
    } else if (const auto* refused = std::get_if<WorkerSession::Refused>(&event)) {
      refused_ = true;
      return Error{refused->reason};
    } else if (const auto* done = std::get_if<WorkerSession::JobDone>(&event)) {
      job_done_ = true;
      return Error{done->reason};
    }
  }
  return status;
}

void WorkerLink::closed(const std::string& reason) {
  connection_.reset();
  session_.reset();
  if (stopping_)
    return;
  if (refused_) {
    observer_.refused(reason);
    return;
  }
  // A primary that ends, or begins, while it is dialled may close before it says anything.
  if (!std::exchange(welcomed_, false) && !protocol_error_) {
    dial_later();
    return;
  }
  const bool done = std::exchange(job_done_, false);
  if (config_.reconnect)
    dial_later();
  observer_.disconnected(done, reason);
}

void WorkerLink::result(LeaseKey key, std::vector<BytesList> renditions) {
  thread_.post([this, key, renditions = std::move(renditions)]() mutable {
    if (!connection_ || key.connection != connections_)
      return;
    session_->result(key.lease, std::move(renditions));
    connection_->flush();
  });
}

void WorkerLink::leave() {
  thread_.post([this] {
    if (!connection_)
      return;
    session_->leave();
    connection_->flush();
  });
}

void WorkerLink::fail(LeaseKey key, const std::string& reason) {
  thread_.post([this, key, reason] {
    if (!connection_ || key.connection != connections_)
      return;
    session_->fail(key.lease, reason);
    connection_->flush();
  });
}

}  // namespace dist
