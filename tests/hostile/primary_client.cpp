// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Connections to a primary that know the protocol and mean no good:
//   hostile-client PORT pretend COUNT         take every lease, and say for ever that they go on
//   hostile-client PORT vanish COUNT          one after another takes a lease, confirms it, and is
//                                             gone; 0: until there is no primary
//   hostile-client PORT unfinished COUNT      send 60 MiB of each result without its last byte,
//                                             and heed no Cancel; some in one part, some in many.
//                                             Prints "sent" once there is no more to send
//   hostile-client PORT rude COUNT            have names and reasons that a terminal would obey
//   hostile-client PORT turncoat COUNT VIA    are right once, with what an honest worker makes that
//                                             dials the port VIA, and fail whatever comes then
//   hostile-client PORT namesakes COUNT VIA   the same, all with one name
// Ends when the primary closes all of them, with "vanish" after the last.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst/wire/session.h"

namespace {

using namespace dist;

constexpr std::uint64_t kUnfinished = 60u << 20;
constexpr std::uint16_t kManyParts = 20;

Instant now() {
  return static_cast<Instant>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

sockaddr_in loopback(unsigned port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int dial(unsigned port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return fd;
  close(fd);
  return -1;
}

int listen_on(unsigned port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd, 1) != 0)
    std::abort();
  return fd;
}

wire::Nonce nonce(int number) {
  wire::Nonce bytes = {};
  bytes[0] = static_cast<std::uint8_t>(number);
  return bytes;
}

// Whether it is there still.
bool write_all(int fd, const BytesList& pieces) {
  for (const Bytes& piece : pieces) {
    const auto bytes = piece.span();
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t count = send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (count <= 0)
        return false;
      at += static_cast<std::size_t>(count);
    }
  }
  return true;
}

// What `session` makes of what has come; false if there is nothing more to come.
template <typename Session>
bool read_from(int fd, Session& session, std::vector<typename Session::Event>& events) {
  std::vector<std::uint8_t> buffer(1u << 20);
  const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
  return count > 0 &&
         session.receive(std::span(buffer).first(static_cast<std::size_t>(count)), now(), events);
}

void say(const char* text) {
  std::puts(text);
  std::fflush(stdout);
}

template <typename Session>
bool write_to(int fd, Session& session) {
  while (session.has_output())
    if (!write_all(fd, session.next_output()))
      return false;
  return true;
}

// A result that never comes to its end.
struct Unfinished {
  std::uint64_t lease = 0;
  std::uint16_t parts = 1;
  std::uint16_t part = 0;
  std::uint64_t left = 0;  // Of that part.

  // All that is left is the last byte.
  bool is_over() const { return part == parts && left == 1; }
  // The next message, until it is over.
  BytesList next() {
    const std::uint64_t size = kUnfinished / parts;
    if (left == 0) {
      left = size;
      return {wire::encode(wire::ResultPart{lease, part++, parts, size, digest(size)})};
    }
    const std::uint64_t kept = part == parts ? 1 : 0;
    const std::uint64_t chunk = std::min<std::uint64_t>(left - kept, wire::kMaxChunk);
    left -= chunk;
    return {wire::encode_data_header(lease, chunk), sevens(chunk)};
  }
  static Bytes sevens(std::uint64_t size) {
    return Bytes::take(std::vector<std::uint8_t>(size, 7));
  }
  // Right, so that all parts but the last are taken.
  static wire::Digest digest(std::uint64_t size) {
    static std::map<std::uint64_t, wire::Digest> known;
    const auto [found, is_new] = known.try_emplace(size);
    if (is_new)
      found->second = sha256({sevens(size)});
    return found->second;
  }
};

struct Peer {
  Peer(int socket, const std::string& name, int n)
      : fd(socket),
        number(n),
        session({.name = name, .capacity = 1, .secret = {}}, nonce(n), now()) {}
  ~Peer() { close(fd); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  int fd;
  int number;
  WorkerSession session;
  std::map<std::uint64_t, std::uint32_t> frames;  // Of each lease, as it says.
  std::optional<Unfinished> unfinished;
  std::uint64_t asked = 0;  // Its newest lease.
  bool held_lease = false;
  bool was_right = false;
};

// A primary to an honest worker, which does one lease after another for whoever asks.
class Honest {
 public:
  explicit Honest(unsigned port) : listener_(listen_on(port)) {}
  ~Honest() {
    close(listener_);
    if (fd_ >= 0)
      close(fd_);
  }
  Honest(const Honest&) = delete;
  Honest& operator=(const Honest&) = delete;

  int polled() const { return fd_ >= 0 ? fd_ : listener_; }
  void make(const WorkerSession::Leased& lease) { wanted_.push_back(lease); }
  void forget(std::uint64_t lease) {
    std::erase_if(wanted_, [lease](const auto& wanted) { return wanted.lease == lease; });
    if (std::exchange(making_, making_ == lease ? 0 : making_) == lease && session_)
      session_->cancel(lease);
  }
  // There is something to read. Results that were made come with their leases.
  void read(std::vector<PrimarySession::ResultReceived>& made) {
    if (fd_ < 0) {
      fd_ = accept(listener_, nullptr, nullptr);
      session_.emplace(config_, nonce(255), now());
      return;
    }
    std::vector<PrimarySession::Event> events;
    if (!read_from(fd_, *session_, events))
      std::abort();
    for (auto& event : events) {
      joined_ = joined_ || std::holds_alternative<PrimarySession::Joined>(event);
      if (auto* result = std::get_if<PrimarySession::ResultReceived>(&event)) {
        making_ = 0;
        made.push_back(std::move(*result));
      }
    }
  }
  void write() {
    if (!session_)
      return;
    if (joined_ && making_ == 0 && !wanted_.empty()) {
      const WorkerSession::Leased lease = std::move(wanted_.front());
      wanted_.pop_front();
      making_ = lease.lease;
      session_->grant({.lease = lease.lease,
                       .segment = lease.segment,
                       .attempt = lease.attempt,
                       .size = lease.payload.size(),
                       .sha256 = sha256({lease.payload}),
                       .renditions = lease.renditions},
                      1000, {lease.payload});
    }
    if (!session_->advance(now()) || !write_to(fd_, *session_))
      std::abort();
  }

 private:
  const PrimarySession::Config config_;
  int listener_;
  int fd_ = -1;
  std::optional<PrimarySession> session_;
  bool joined_ = false;
  std::uint64_t making_ = 0;
  std::deque<WorkerSession::Leased> wanted_;
};

class Attack {
 public:
  Attack(unsigned port, const std::string& mode, unsigned via) : port_(port), mode_(mode) {
    if (via != 0)
      honest_.emplace(via);
  }
  void run(int count);

 private:
  bool connect(int number);
  void serve();
  void serve_honest(bool readable);
  bool go_on(Peer& peer, bool readable);
  void take(Peer& peer, const WorkerSession::Leased& lease);
  bool is_sending() const;

  const unsigned port_;
  const std::string mode_;
  std::optional<Honest> honest_;
  std::vector<std::unique_ptr<Peer>> peers_;
  bool was_sending_ = false;
};

void Attack::take(Peer& peer, const WorkerSession::Leased& lease) {
  peer.held_lease = true;
  peer.asked = lease.lease;
  if (mode_ == "pretend")
    peer.frames[lease.lease] = 0;
  else if (mode_ == "rude")
    peer.session.fail(lease.lease, "\x1b[2J\x1b]0;owned\x07 no \xc2\x9bHencoder\nsecond line");
  else if (mode_ == "unfinished")
    peer.unfinished = {.lease = lease.lease,
                       .parts = peer.number % 2 == 0 ? std::uint16_t{1} : kManyParts};
  else if (honest_ && !peer.was_right)
    honest_->make(lease);
  else if (honest_)
    peer.session.fail(lease.lease, "no");
}

// False if it is gone, or has what it wants.
bool Attack::go_on(Peer& peer, bool readable) {
  std::vector<WorkerSession::Event> events;
  if (readable && !read_from(peer.fd, peer.session, events))
    return false;
  for (const auto& event : events) {
    if (std::holds_alternative<WorkerSession::JobDone>(event))
      return false;
    if (const auto* leased = std::get_if<WorkerSession::Leased>(&event))
      take(peer, *leased);
    if (const auto* cancelled = std::get_if<WorkerSession::Cancelled>(&event); cancelled && honest_)
      honest_->forget(cancelled->lease);
  }
  for (auto& [lease, frames] : peer.frames)
    peer.session.progress(lease, 1, ++frames);
  if (!peer.session.advance(now()) || !write_to(peer.fd, peer.session))
    return false;
  // In turn with the others, so that all are as far.
  if (peer.unfinished && !peer.unfinished->is_over() &&
      !write_all(peer.fd, peer.unfinished->next()))
    return false;
  return mode_ != "vanish" || !peer.held_lease;
}

void Attack::serve_honest(bool readable) {
  std::vector<PrimarySession::ResultReceived> made;
  if (readable)
    honest_->read(made);
  for (auto& result : made)
    for (const auto& peer : peers_)
      if (!peer->was_right && peer->asked == result.lease) {
        peer->was_right = true;
        peer->session.result(result.lease, std::move(result.renditions));
      }
  honest_->write();
}

bool Attack::is_sending() const {
  return std::ranges::any_of(
      peers_, [](const auto& peer) { return peer->unfinished && !peer->unfinished->is_over(); });
}

bool Attack::connect(int number) {
  const int fd = dial(port_);
  if (fd < 0)
    return false;
  const std::string name = mode_ == "rude"        ? "\x1b[31mevil\x1b[0m" + std::to_string(number)
                           : mode_ == "namesakes" ? mode_
                                                  : mode_ + std::to_string(number);
  peers_.push_back(std::make_unique<Peer>(fd, name, number));
  // The greeting.
  return write_to(fd, peers_.back()->session);
}

// Until all are closed, or have what they want.
void Attack::serve() {
  while (!peers_.empty()) {
    std::vector<pollfd> polled;
    for (const auto& peer : peers_)
      polled.push_back({peer->fd, POLLIN, 0});
    if (honest_)
      polled.push_back({honest_->polled(), POLLIN, 0});
    const bool sending = is_sending();
    if (std::exchange(was_sending_, sending) && !sending)
      say("sent");
    poll(polled.data(), polled.size(), sending ? 0 : 200);
    if (honest_)
      serve_honest(polled.back().revents != 0);
    for (std::size_t i = peers_.size(); i-- > 0;)
      if (!go_on(*peers_[i], polled[i].revents != 0))
        peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Attack::run(int count) {
  for (int i = 0; (count == 0 || i < count) && connect(i); ++i)
    if (mode_ == "vanish")
      serve();
  serve();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5)
    return 2;
  const auto port = static_cast<unsigned>(std::atoi(argv[1]));
  const auto via = static_cast<unsigned>(argc == 5 ? std::atoi(argv[4]) : 0);
  Attack(port, argv[2], via).run(std::atoi(argv[3]));
  return 0;
}
