// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/io/primary.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

// How long the destructor lets goodbyes be written.
constexpr unsigned kGoodbyeMilliseconds = 500;

}  // namespace

Result<std::unique_ptr<Primary>> Primary::listen(const Config& config, Observer& observer) {
  std::unique_ptr<Primary> primary(new Primary(config, observer));
  Status status;
  primary->thread_.run([&] { status = primary->open(); });
  if (!status)
    return Error{status.error()};
  return primary;
}

Primary::Primary(const Config& config, Observer& observer)
    : config_(config),
      observer_(observer),
      dispatcher_({.max_attempts = config.max_attempts}),
      thread_("dist-primary") {}

Status Primary::open() {
  GSocketAddress* address =
      g_inet_socket_address_new_from_string(config_.address.c_str(), config_.port);
  if (!address)
    return Error{"address '" + config_.address +
                 "': not a numeric IPv4 or IPv6 address (0.0.0.0 or :: listens on all interfaces)"};
  service_ = g_socket_service_new();
  GSocketAddress* effective = nullptr;
  GError* error = nullptr;
  const bool ok =
      g_socket_listener_add_address(G_SOCKET_LISTENER(service_), address, G_SOCKET_TYPE_STREAM,
                                    G_SOCKET_PROTOCOL_TCP, nullptr, &effective, &error);
  g_object_unref(address);
  if (!ok) {
    const std::string text = error->message;
    g_error_free(error);
    return Error{"address " + config_.address + ", port " + std::to_string(config_.port) + ": " +
                 text};
  }
  port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(effective));
  g_object_unref(effective);
  g_signal_connect(service_, "incoming",
                   G_CALLBACK(+[](GSocketService*, GSocketConnection* socket, GObject*,
                                  gpointer self) -> gboolean {
                     static_cast<Primary*>(self)->accept(socket);
                     return TRUE;
                   }),
                   this);
  g_socket_service_start(service_);
  return {};
}

Primary::~Primary() {
  thread_.run([this] {
    stopping_ = true;
    if (!service_)
      return;
    g_signal_handlers_disconnect_by_data(service_, this);
    g_socket_service_stop(service_);
    g_socket_listener_close(G_SOCKET_LISTENER(service_));
    g_clear_object(&service_);
    if (!finished_)
      say_goodbye("the primary stopped");
  });
  const auto idle = [this] {
    return std::all_of(workers_.begin(), workers_.end(),
                       [](const auto& entry) { return entry.second->connection->idle(); });
  };
  thread_.wait_until(idle, kGoodbyeMilliseconds);
  thread_.run([this] { workers_.clear(); });
}

void Primary::say_goodbye(const std::string& reason) {
  for (auto& [id, worker] : workers_) {
    if (!worker->joined)
      continue;
    worker->session.done(reason);
    worker->connection->flush();
  }
}

void Primary::submit(std::shared_ptr<const SegmentHeader> header, BytesList segment) {
  thread_.post([this, header = std::move(header), segment = std::move(segment)]() mutable {
    const std::uint64_t index = header->index;
    segments_[index] = Segment{std::move(header), std::move(segment)};
    dispatcher_.add_segment(index);
    grant();
  });
}

void Primary::cancel_all() {
  thread_.run([this] {
    for (const Dispatcher::Grant& grant : dispatcher_.cancel_all()) {
      Worker& worker = *workers_.at(grant.worker);
      worker.granted_at.erase(grant.lease);
      worker.session.cancel(grant.lease);
      worker.connection->flush();
    }
    segments_.clear();
    check_ = ResultCheck();
    finished_ = false;
    waiting_said_ = false;
  });
}

void Primary::finish() {
  thread_.post([this] {
    finished_ = true;
    say_goodbye("the job is done");
  });
}

void Primary::accept(GSocketConnection* socket) {
  const WorkerId id = next_worker_++;
  auto worker = std::make_unique<Worker>(config_.max_result_size);
  worker->connection = std::make_unique<Connection>(
      socket, worker->session,
      [this, id](std::span<const std::uint8_t> bytes) { return receive(id, bytes); },
      [this, id](const std::string& reason) { closed(id, reason); });
  worker->info = {id, {}, worker->connection->peer()};
  workers_.emplace(id, std::move(worker));
}

Status Primary::receive(WorkerId id, std::span<const std::uint8_t> bytes) {
  if (stopping_)
    return {};
  Worker& worker = *workers_.at(id);
  std::vector<PrimarySession::Event> events;
  const Status status = worker.session.receive(bytes, events);
  for (auto& event : events)
    std::visit([&](auto& e) { handle(worker, e); }, event);
  // Its leases go elsewhere at once; the connection may take a while to close.
  if (!status || worker.leaving)
    lose(worker, worker.leaving ? "left" : status.error());
  grant();
  return status;
}

void Primary::lose(Worker& worker, const std::string& reason) {
  if (!worker.joined)
    return;
  const bool in_good_order = worker.leaving || finished_;
  for (const Dispatcher::Failure& failure :
       dispatcher_.remove_worker(worker.info.id, in_good_order, reason))
    lease_failed(worker.info, failure);
  worker.session.drop_leases();
}

void Primary::closed(WorkerId id, const std::string& reason) {
  const auto node = workers_.extract(id);
  if (stopping_)
    return;
  Worker& worker = *node.mapped();
  if (!worker.joined) {
    observer_.stranger_refused(worker.info.address, reason);
    return;
  }
  const std::string text = worker.leaving || finished_ ? "left" : "connection lost: " + reason;
  lose(worker, text);
  observer_.worker_left(worker.info, text);
  grant();
}

void Primary::handle(Worker& worker, PrimarySession::Joined& event) {
  worker.joined = true;
  worker.info.name = event.name;
  waiting_said_ = false;
  dispatcher_.add_worker(worker.info.id, event.capacity, worker.info.name);
  observer_.worker_joined(worker.info);
  if (finished_)
    worker.session.done("the job is done");
}

void Primary::handle(Worker& worker, PrimarySession::ResultReceived& event) {
  const Dispatcher::Grant* grant = dispatcher_.find(worker.info.id, event.lease);
  if (!grant)
    return;
  const auto granted_at = worker.granted_at.extract(event.lease);
  SegmentDone done{
      .segment = grant->segment,
      .attempt = grant->attempt,
      .worker = worker.info,
      .seconds = static_cast<double>(g_get_monotonic_time() - granted_at.mapped()) / G_USEC_PER_SEC,
      .note = {},
      .renditions = {}};
  const auto segment = segments_.find(grant->segment);
  if (Status status = accept_result(segment->second, event.renditions, done); !status) {
    if (auto failure = dispatcher_.fail(worker.info.id, event.lease, status.error()))
      lease_failed(worker.info, *failure);
    return;
  }
  dispatcher_.complete(worker.info.id, event.lease);
  check_.forget(done.segment);
  segments_.erase(segment);
  observer_.segment_done(std::move(done));
}

Status Primary::accept_result(const Segment& segment, const std::vector<Bytes>& parts,
                              SegmentDone& done) {
  std::vector<SegmentHeader> headers;
  for (const Bytes& part : parts) {
    auto header = parse_header(part.span(), part.size());
    if (!header)
      return Error{"the result is no segment: " + header.error()};
    headers.push_back(std::move(*header));
  }
  const ResultCheck::Verdict verdict = check_.check(*segment.header, headers);
  if (!verdict.status)
    return verdict.status;
  done.note = verdict.note;
  for (std::size_t i = 0; i < parts.size(); ++i)
    done.renditions.push_back(
        {std::make_shared<const SegmentHeader>(std::move(headers[i])), parts[i]});
  return {};
}

void Primary::handle(Worker& worker, PrimarySession::LeaseFailed& event) {
  worker.granted_at.erase(event.lease);
  if (auto failure = dispatcher_.fail(worker.info.id, event.lease, event.reason))
    lease_failed(worker.info, *failure);
}

void Primary::handle(Worker& worker, PrimarySession::Left&) {
  worker.leaving = true;
}

void Primary::lease_failed(const WorkerInfo& worker, const Dispatcher::Failure& failure) {
  if (!failure.given_up.empty())
    segments_.erase(failure.grant.segment);
  observer_.lease_failed(worker, failure);
}

void Primary::grant() {
  while (const auto next = dispatcher_.next_grant()) {
    Worker& worker = *workers_.at(next->worker);
    worker.granted_at[next->lease] = g_get_monotonic_time();
    worker.session.grant(next->lease, next->segment, next->attempt,
                         segments_.at(next->segment).bytes);
    worker.connection->flush();
  }
  if (dispatcher_.workers() == 0 && dispatcher_.open_segments() > 0 && !waiting_said_) {
    waiting_said_ = true;
    observer_.waiting_for_workers(dispatcher_.open_segments());
  }
}

}  // namespace dist
