// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Connections to a primary that know the protocol and mean no good:
//   hostile-client PORT pretend COUNT       take every lease, and say for ever that they go on
//   hostile-client PORT vanish COUNT        one after another takes a lease, confirms it, and is
//   gone hostile-client PORT unfinished COUNT    send 60 MiB of a result, but not its end
//   hostile-client PORT rude COUNT          have names and reasons that a terminal would obey
// Ends when the primary closes all of them, with "vanish" after the last.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gst/dist/core/session.h"

namespace {

using namespace dist;

constexpr std::size_t kUnfinished = 60u << 20;

Instant now() {
  return static_cast<Instant>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

int dial(unsigned port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
    return fd;
  close(fd);
  return -1;
}

struct Peer {
  Peer(int socket, const std::string& name, std::uint8_t number)
      : fd(socket), session({.name = name, .capacity = 1, .secret = {}}, nonce(number), now()) {}
  ~Peer() { close(fd); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  static wire::Nonce nonce(std::uint8_t number) {
    wire::Nonce bytes = {};
    bytes[0] = number;
    return bytes;
  }

  int fd;
  WorkerSession session;
  std::map<std::uint64_t, std::uint32_t> frames;  // Of each lease, as it says.
  std::size_t sent = 0;
  bool held_lease = false;
};

// Whether it goes on.
bool write_out(Peer& peer, const std::string& mode) {
  while (peer.session.has_output() &&
         (mode != "unfinished" || peer.sent < kUnfinished - (2u << 20)))
    for (const Bytes& piece : peer.session.next_output()) {
      const auto bytes = piece.span();
      for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t count = send(peer.fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (count <= 0)
          return false;
        at += static_cast<std::size_t>(count);
        peer.sent += static_cast<std::size_t>(count);
      }
    }
  return true;
}

bool read_in(Peer& peer, const std::string& mode) {
  std::vector<std::uint8_t> buffer(1u << 20);
  const ssize_t count = recv(peer.fd, buffer.data(), buffer.size(), 0);
  if (count <= 0)
    return false;
  std::vector<WorkerSession::Event> events;
  if (!peer.session.receive(std::span(buffer).first(static_cast<std::size_t>(count)), now(),
                            events))
    return false;
  for (const auto& event : events) {
    if (std::holds_alternative<WorkerSession::JobDone>(event))
      return false;
    const auto* leased = std::get_if<WorkerSession::Leased>(&event);
    if (!leased)
      continue;
    peer.held_lease = true;
    if (mode == "pretend")
      peer.frames[leased->lease] = 0;
    else if (mode == "rude")
      peer.session.fail(leased->lease, "\x1b[2J\x1b]0;owned\x07 no \xc2\x9bHencoder\nsecond line");
    else if (mode == "unfinished")
      peer.session.result(leased->lease,
                          {{Bytes::take(std::vector<std::uint8_t>(kUnfinished, 7))}});
  }
  return true;
}

// Until it is closed, or has what it wants.
void serve(std::vector<std::unique_ptr<Peer>>& peers, const std::string& mode) {
  while (!peers.empty()) {
    std::vector<pollfd> polled;
    for (const auto& peer : peers)
      polled.push_back({peer->fd, POLLIN, 0});
    poll(polled.data(), polled.size(), 200);
    for (std::size_t i = peers.size(); i-- > 0;) {
      Peer& peer = *peers[i];
      bool goes_on = polled[i].revents == 0 || read_in(peer, mode);
      for (auto& [lease, frames] : peer.frames)
        peer.session.progress(lease, 1, ++frames);
      goes_on = goes_on && static_cast<bool>(peer.session.advance(now())) && write_out(peer, mode);
      if (!goes_on || (mode == "vanish" && peer.held_lease))
        peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4)
    return 2;
  const auto port = static_cast<unsigned>(std::atoi(argv[1]));
  const std::string mode = argv[2];
  const int count = std::atoi(argv[3]);
  const std::string name = mode == "rude" ? "\x1b[31mevil\x1b[0m" : mode;
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < count; ++i) {
    const int fd = dial(port);
    if (fd < 0)
      break;
    peers.push_back(
        std::make_unique<Peer>(fd, name + std::to_string(i), static_cast<std::uint8_t>(i)));
    if (mode == "vanish")
      serve(peers, mode);
  }
  serve(peers, mode);
  return 0;
}
