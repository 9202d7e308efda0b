// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/farm/farm.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "gst/base/glib_error.h"
#include "gst/gstx/ref.h"
#include "gst/io/nonce.h"
#include "gst/io/peer_user.h"

namespace dist {
namespace {

// How long the destructor lets goodbyes be written.
constexpr unsigned kGoodbyeMilliseconds = 500;
// Connections that wait to be accepted, so that a crowd of strangers does not shut the others out.
constexpr int kBacklog = 256;

// An application has files open too, and a process without descriptors can do nothing at all.
std::size_t connection_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return SIZE_MAX;
  return static_cast<std::size_t>(limit.rlim_cur) * 3 / 4;
}

// The job that an event concerns; none: all of them.
std::optional<JobId> job_of(const FarmEvent& event) {
  return std::visit(
      [](const auto& e) -> std::optional<JobId> {
        if constexpr (requires { e.grant; })
          return e.grant.segment.job;
        else if constexpr (requires { e.job; })
          return e.job;
        else
          return std::nullopt;
      },
      event);
}

}  // namespace

Result<std::shared_ptr<Farm>> Farm::open(const Config& config) {
  const std::shared_ptr<Farm> farm(new Farm(config));
  Status status;
  farm->thread_.run([&] { status = farm->listen(); });
  if (!status)
    return Error{status.error()};
  return farm;
}

Farm::Farm(const Config& config)
    : config_(config), coordinator_(config.workers), timer_(thread_, [this] {
        coordinator_.advance(IoThread::now());
        act();
      }) {}

Status Farm::listen() {
  if (!config_.listens)
    return {};
  const auto address = Ref<GSocketAddress>::adopt(
      g_inet_socket_address_new_from_string(config_.address.c_str(), config_.port));
  if (!address)
    return Error{"address '" + config_.address +
                 "': not a numeric IPv4 or IPv6 address (0.0.0.0 or :: listens on all interfaces)"};
  service_ = g_socket_service_new();
  g_socket_listener_set_backlog(G_SOCKET_LISTENER(service_), kBacklog);
  GSocketAddress* bound = nullptr;
  GLibError error;
  const bool ok = g_socket_listener_add_address(G_SOCKET_LISTENER(service_), address.get(),
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                                nullptr, &bound, error.out());
  const auto effective = Ref<GSocketAddress>::adopt(bound);
  if (!ok)
    return Error{"address " + config_.address + ", port " + std::to_string(config_.port) + ": " +
                 error.message()};
  port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(effective.get()));
  max_connections_ = connection_limit();
  g_signal_connect(service_, "incoming",
                   G_CALLBACK(+[](GSocketService*, GSocketConnection* socket, GObject*,
                                  gpointer self) -> gboolean {
                     static_cast<Farm*>(self)->accept(socket);
                     return TRUE;
                   }),
                   this);
  g_socket_service_start(service_);
  return {};
}

Farm::~Farm() {
  thread_.run([this] {
    stopping_ = true;
    timer_.set(kNever);
    if (!service_)
      return;
    g_signal_handlers_disconnect_by_data(service_, this);
    g_socket_service_stop(service_);
    g_socket_listener_close(G_SOCKET_LISTENER(service_));
    g_clear_object(&service_);
  });
  thread_.run([this] {
    coordinator_.say_goodbye("the primary stopped");
    act();
  });
  const auto idle = [this] {
    return std::all_of(connections_.begin(), connections_.end(),
                       [](const auto& entry) { return entry.second->idle(); });
  };
  thread_.wait_until(idle, kGoodbyeMilliseconds);
  thread_.run([this] { connections_.clear(); });
}

// Without a secret a film on this machine is only its user's, as a file would be.
std::string Farm::flaw_of_user(GSocketConnection* socket) const {
  if (config_.any_user || !config_.workers.secret.empty() || !is_on_loopback(socket))
    return "";
  const auto user = user_of_peer(socket);
  if (user && (*user == geteuid() || *user == 0))
    return "";
  return (user ? "it is of another user of this machine, " + std::to_string(*user)
               : std::string("it is not known of which user it is")) +
         "; give both a secret, or set allow-anonymous";
}

void Farm::accept(GSocketConnection* socket) {
  wire::Nonce nonce;
  // Beyond these limits nobody can be heard, so the peer just sees its connection close.
  if (connections_.size() >= max_connections_ || !make_nonce(nonce))
    return;
  const Instant now = IoThread::now();
  const std::string peer = describe_peer(socket);
  if (const std::string reason = flaw_of_user(socket); !reason.empty()) {
    coordinator_.tell_refused(peer, reason, now);
    return act();
  }
  const WorkerId id = next_worker_++;
  coordinator_.connected(id, peer, nonce, now);
  connections_[id] = std::make_unique<Connection>(
      thread_, socket, coordinator_.link(id),
      [this, id](std::span<const std::uint8_t> bytes) -> Status {
        coordinator_.received(id, bytes, IoThread::now());
        act();
        return {};
      },
      [this, id](const std::string& reason) {
        coordinator_.disconnected(id, reason, IoThread::now());
        connections_.erase(id);
        act();
      });
  act();
}

// Does what the coordinator has decided. Writing may close a connection, which decides more.
void Farm::act() {
  if (std::exchange(acting_, true))
    return;
  Coordinator::Output output = coordinator_.take_output();
  for (; !output.empty(); output = coordinator_.take_output()) {
    for (const WorkerId id : output.writable)
      if (const auto at = connections_.find(id); at != connections_.end())
        at->second->flush();
    for (const Coordinator::Closing& closing : output.closing)
      if (const auto at = connections_.find(closing.id); at != connections_.end())
        at->second->finish(closing.reason);
    for (const FarmEvent& event : output.events) {
      const auto job = job_of(event);
      for (const auto& [id, tell] : jobs_)
        if (!job || *job == id)
          tell(event);
    }
  }
  acting_ = false;
  if (!stopping_)
    timer_.set(output.next_wakeup);
}

FarmStatus Farm::status() {
  FarmStatus status;
  run([&](Coordinator& coordinator, Instant now) { status = coordinator.status(now); });
  return status;
}

JobId Farm::add_job(const Coordinator::JobConfig& config, Tell tell) {
  JobId job = 0;
  run([&](Coordinator& coordinator, Instant now) {
    job = next_job_++;
    coordinator.add_job(job, config, now);
    jobs_[job] = std::move(tell);
  });
  return job;
}

void Farm::remove_job(JobId job) {
  run([this, job](Coordinator& coordinator, Instant now) {
    jobs_.erase(job);
    coordinator.remove_job(job, now);
  });
}

void Farm::post(Work work) {
  thread_.post([this, work = std::move(work)] {
    work(coordinator_, IoThread::now());
    act();
  });
}

void Farm::run(const Work& work) {
  thread_.run([&] {
    work(coordinator_, IoThread::now());
    act();
  });
}

}  // namespace dist
