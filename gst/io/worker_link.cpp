// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/worker_link.h"

#include <algorithm>
#include <utility>

#include "gst/base/glib_error.h"
#include "gst/io/nonce.h"
#include "gst/io/object.h"

namespace dist {
namespace {

// A primary that was left closes the connection; one that does not is not waited for.
constexpr Instant kFarewell = 5'000 * kMillisecond;
constexpr Instant kWatchInterval = 500 * kMillisecond;
constexpr unsigned kGoodbyeMilliseconds = 500;
constexpr unsigned kLongestDialMilliseconds = 60'000;

}  // namespace

WorkerLink::WorkerLink(IoThread& thread, const Config& config, Observer& observer)
    : thread_(thread), config_(config), observer_(observer) {
  thread_.run([this] {
    client_ = g_socket_client_new();
    g_socket_client_set_enable_proxy(client_, FALSE);
    cancellable_ = g_cancellable_new();
    retry_ = std::make_unique<Timer>(thread_, [this] { dial(); });
    watch_ = std::make_unique<Timer>(thread_, [this] { watch(); });
  });
}

void WorkerLink::begin() {
  thread_.post([this] { dial(); });
}

WorkerLink::~WorkerLink() {
  end();
}

void WorkerLink::end() {
  thread_.run([this] {
    stop();
    retry_.reset();
    watch_.reset();
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

// Says goodbye; the primary closes the connection then.
void WorkerLink::stop() {
  if (std::exchange(stopping_, true))
    return;
  g_cancellable_cancel(cancellable_);
  retry_->set(kNever);
  if (!connection_)
    return;
  session_->leave();
  connection_->flush();
}

void WorkerLink::dial() {
  dialling_ = true;
  g_socket_client_connect_to_host_async(
      client_, config_.host.c_str(), config_.port, cancellable_,
      [](GObject*, GAsyncResult* result, gpointer self) {
        static_cast<WorkerLink*>(self)->dialled(result);
      },
      this);
}

// Tells of it, but not at every attempt.
void WorkerLink::unreachable(const std::string& reason) {
  if (!std::exchange(unreachable_said_, true))
    observer_.unreachable(reason);
  dial_later();
}

void WorkerLink::dial_later() {
  retry_->set(IoThread::now() + redial_.next(g_random_double_range(0.5, 1)));
}

void WorkerLink::dialled(GAsyncResult* result) {
  dialling_ = false;
  GLibError error;
  const Object<GSocketConnection> socket(
      g_socket_client_connect_to_host_finish(client_, result, error.out()));
  if (!socket) {
    if (!stopping_)
      unreachable(error.message());
    return;
  }
  wire::Nonce nonce;
  if (!stopping_ && make_nonce(nonce)) {
    ++connections_;
    protocol_error_ = false;
    session_ = std::make_unique<WorkerSession>(config_.session, nonce, IoThread::now());
    connection_ = std::make_unique<Connection>(
        thread_, socket.get(), *session_,
        [this](std::span<const std::uint8_t> bytes) { return receive(bytes); },
        [this](const std::string& reason) { closed(reason); });
    watch();
  }
}

// Tells the primary how far the work is, and notices when the primary says nothing any more.
void WorkerLink::watch() {
  if (!connection_)
    return;
  if (welcomed_ && !stopping_) {
    session_->report_receiving();
    if (const auto working = observer_.working();
        working && working->key.connection == connections_)
      session_->progress(working->key.lease, working->units, working->frames);
  }
  const Status status = session_->advance(IoThread::now());
  watch_->set(IoThread::now() + kWatchInterval);
  if (!status)
    return connection_->finish(status.error());
  connection_->flush();
  if (!session_->has_left() || !connection_->idle())
    return;
  left_at_ = std::min(left_at_, IoThread::now());
  if (IoThread::now() > left_at_ + kFarewell)
    connection_->finish("left");
}

Status WorkerLink::receive(std::span<const std::uint8_t> bytes) {
  std::vector<WorkerSession::Event> events;
  Status status = session_->receive(bytes, IoThread::now(), events);
  protocol_error_ = !status;
  if (stopping_)
    return status;
  // Of a primary whose job was done already there is nothing to tell.
  const bool over = std::ranges::any_of(events, [](const WorkerSession::Event& event) {
    return std::holds_alternative<WorkerSession::JobDone>(event);
  });
  for (auto& event : events) {
    if (std::holds_alternative<WorkerSession::Welcomed>(event)) {
      unreachable_said_ = false;
      welcomed_ = true;
      if (!over)
        observer_.connected();
    } else if (auto* leased = std::get_if<WorkerSession::Leased>(&event)) {
      redial_.leased();
      observer_.leased({.key = {connections_, leased->lease},
                        .segment = leased->segment,
                        .renditions = std::move(leased->renditions),
                        .payload = {std::move(leased->payload)}});
    } else if (const auto* wanted = std::get_if<WorkerSession::Wanted>(&event)) {
      observer_.wanted({connections_, wanted->job}, wanted->renditions);
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
  const bool left = session_->has_left();
  connection_.reset();
  session_.reset();
  if (stopping_)
    return;
  if (refused_) {
    observer_.refused(reason);
    return;
  }
  if (retiring_) {
    if (std::exchange(welcomed_, false) && !left)
      observer_.disconnected(std::exchange(job_done_, false), reason);
    return end_retirement();
  }
  // A primary that ends, or begins, while it is dialled may close before it says anything.
  if (!std::exchange(welcomed_, false) && !protocol_error_) {
    unreachable("somebody answered, but not as a primary does: " + reason);
    return;
  }
  const bool done = std::exchange(job_done_, false);
  if (done)
    redial_.job_done();
  if (config_.reconnect)
    dial_later();
  observer_.disconnected(done, reason);
}

void WorkerLink::offer(JobKey key, std::vector<Ability> abilities) {
  thread_.post([this, key, abilities = std::move(abilities)]() mutable {
    if (!connection_ || key.connection != connections_)
      return;
    session_->offer(key.job, std::move(abilities));
    connection_->flush();
  });
}

void WorkerLink::result(LeaseKey key, std::vector<BytesList> renditions) {
  thread_.post([this, key, renditions = std::move(renditions)]() mutable {
    if (!connection_ || key.connection != connections_)
      return;
    session_->result(key.lease, std::move(renditions));
    connection_->flush();
  });
}

void WorkerLink::retire(std::optional<LeaseKey> working) {
  thread_.post([this, working] {
    if (stopping_ || std::exchange(retiring_, true))
      return;
    if (!welcomed_)
      return end_retirement();
    const bool here = working && working->connection == connections_;
    session_->retire(here ? std::optional(working->lease) : std::nullopt);
    connection_->flush();
  });
}

void WorkerLink::end_retirement() {
  stop();
  observer_.retired();
}

void WorkerLink::leave() {
  thread_.post([this] { stop(); });
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
