// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/io/test_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string_view>

namespace dist::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_on(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(fd, 64) != 0)
    return -1;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return fd;
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return fd;
  close(fd);
  return -1;
}

void reset(int fd) {
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

bool send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

std::uint16_t free_port() {
  std::uint16_t port = 0;
  close(listen_on(port));
  return port;
}

bool listens(std::uint16_t port, unsigned seconds) {
  for (unsigned i = 0; i < seconds * 20; ++i) {
    if (const int fd = connect_to(port); fd >= 0) {
      close(fd);
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

Server::Server(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0)
    return;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int out = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  dup2(out, 1);
  dup2(out, 2);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

Server::~Server() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

bool Server::runs() const {
  return waitpid(pid_, nullptr, WNOHANG) == 0;
}

ScriptedServer::ScriptedServer(std::vector<std::string> answers)
    : answers_(std::move(answers)), listener_(listen_on(port_)) {
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  ending_ = true;
  thread_.join();
  close(listener_);
}

std::string ScriptedServer::answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

// Until the client closes: what is closed before all is read would be a reset.
void ScriptedServer::serve() {
  while (!ending_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 20) <= 0)
      continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0)
      continue;
    const unsigned number = requests_++;
    bool answered = number >= answers_.size() || answers_[number].empty();
    while (!ending_) {
      pollfd request{client, POLLIN, 0};
      if (poll(&request, 1, 20) <= 0)
        continue;
      char data[65536];
      if (recv(client, data, sizeof(data), 0) <= 0)
        break;
      if (!answered && !send_all(client, answers_[number]))
        break;
      answered = true;
    }
    close(client);
  }
}

EmptyStoreServer::EmptyStoreServer() : listener_(listen_on(port_)) {
  accepting_ = std::thread([this] { accept(); });
}

EmptyStoreServer::~EmptyStoreServer() {
  ending_ = true;
  accepting_.join();
  for (std::thread& thread : threads_)
    thread.join();
  close(listener_);
}

void EmptyStoreServer::accept() {
  while (!ending_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 20) <= 0)
      continue;
    if (const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); client >= 0)
      threads_.emplace_back([this, client] { serve(client); });
  }
}

// A request is over when its client waits; what a PUT brings does not matter.
void EmptyStoreServer::serve(int client) {
  char data[65536];
  const ssize_t first = recv(client, data, sizeof(data), 0);
  const bool asks = first > 4 && std::string_view(data, 4) == "GET ";
  asked_ += asks ? 1 : 0;
  pollfd more{client, POLLIN, 0};
  bool open = first > 0;
  while (open && !ending_ && (holds_ || more.revents != 0)) {
    if (poll(&more, 1, 20) > 0)
      open = recv(client, data, sizeof(data), 0) > 0;
  }
  if (open && !ending_) {
    answered_ += asks ? 1 : 0;
    send_all(client, ScriptedServer::answer(asks ? "404 Not Found" : "201 Created", ""));
    shutdown(client, SHUT_WR);
    while (!ending_ && (poll(&more, 1, 20) <= 0 || recv(client, data, sizeof(data), 0) > 0)) {
    }
  }
  close(client);
}

FaultyProxy::FaultyProxy(std::uint16_t to, std::vector<Fault> faults)
    : to_(to), faults_(std::move(faults)), listener_(listen_on(port_)) {
  accepting_ = std::thread([this] { accept(); });
}

FaultyProxy::~FaultyProxy() {
  ending_ = true;
  accepting_.join();
  for (std::thread& thread : threads_)
    thread.join();
  close(listener_);
}

void FaultyProxy::accept() {
  while (!ending_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 20) <= 0)
      continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0)
      continue;
    const unsigned number = connections_++;
    const Fault fault = number < faults_.size() ? faults_[number] : Fault::kNone;
    threads_.emplace_back([this, client, fault] { serve(client, fault); });
  }
}

void FaultyProxy::serve(int client, Fault fault) {
  if (fault == Fault::kBusy || fault == Fault::kReset) {
    char head[4096];
    (void)!recv(client, head, sizeof(head), 0);
    if (fault == Fault::kReset)
      reset(client);
    else
      send_all(client, "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    close(client);
    return;
  }
  if (const int server = connect_to(to_); server >= 0) {
    pass(client, server, fault);
    close(server);
  }
  close(client);
}

void FaultyProxy::pass(int client, int server, Fault fault) {
  std::uint64_t sent = 0;
  std::vector<char> data(65536);
  while (!ending_) {
    pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (poll(both, 2, 20) <= 0)
      continue;
    const bool request = both[0].revents != 0;
    const ssize_t got = recv(request ? client : server, data.data(), data.size(), 0);
    if (got <= 0)
      return;
    std::string_view part(data.data(), static_cast<std::size_t>(got));
    sent += request ? part.size() : 0;
    if ((fault == Fault::kCutsUpload && sent > kCut) ||
        (fault == Fault::kResetMidway && !request)) {
      if (!request)
        send_all(client, part.substr(0, part.size() / 2));
      reset(client);
      return;
    }
    if (!send_all(request ? server : client, part))
      return;
  }
}

}  // namespace dist::test
