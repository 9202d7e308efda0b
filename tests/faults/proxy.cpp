// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/faults/proxy.h"

#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "gst/base/mutex.h"

namespace faults {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeader = 8;
constexpr std::size_t kLargestBody = (1u << 20) + 8;
// A lane reads no more while so much waits to be passed on.
constexpr std::size_t kMostQueued = 2u << 20;
constexpr std::size_t kMostConnections = 16;
// A throttled lane sends what has gathered since it last did, but not more than this share of a
// second at a time.
constexpr double kBurst = 0.05;
constexpr int kTickMilliseconds = 10;

template <typename T>
T number_at(const Frame& frame, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T) && offset + i < frame.size(); ++i)
    value = static_cast<T>(value | static_cast<T>(frame[offset + i]) << (8 * i));
  return value;
}

// The proxy cannot go on without its sockets.
void require(bool good, const char* what) {
  if (good)
    return;
  std::perror(what);
  std::abort();
}

sockaddr_in loopback(unsigned port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0)
      close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

// What is on its way in one direction of one connection.
struct Lane {
  std::vector<std::uint8_t> partial;  // Of the next frame.
  std::deque<Frame> queue;
  std::size_t queued = 0;  // Bytes in it.
  std::size_t sent = 0;    // Of its first frame.
  bool ended = false;      // The sender has closed.
  bool closed = false;     // The receiver has been told so.
  double budget = 0;       // Bytes that the throttle allows now.
  Clock::time_point budgeted = Clock::now();
  std::uint64_t payload_left = 0;  // Of what was announced last.
  bool last_part = false;          // It completes a result.
};

struct Connection {
  Descriptor worker;
  Descriptor primary;
  std::array<Lane, 2> lanes = {};
  std::map<std::uint64_t, std::uint64_t> held = {};  // Segments by their leases.
  bool silent = false;
  bool over = false;

  int from(Way way) const { return (way == Way::kToWorker ? primary : worker).get(); }
  int to(Way way) const { return (way == Way::kToWorker ? worker : primary).get(); }
  Lane& lane(Way way) { return lanes[static_cast<std::size_t>(way)]; }
};

constexpr Way kBothWays[] = {Way::kToWorker, Way::kToPrimary};

// Whole frames, out of what has been read.
std::vector<Frame> take_frames(std::vector<std::uint8_t>& partial, bool& sane) {
  std::vector<Frame> frames;
  std::size_t begin = 0;
  while (partial.size() - begin >= kHeader) {
    const auto body = number_at<std::uint32_t>(partial, begin + 4);
    sane = body <= kLargestBody;
    const std::size_t size = kHeader + body;
    if (!sane || partial.size() - begin < size)
      break;
    const auto at = partial.begin() + static_cast<std::ptrdiff_t>(begin);
    frames.emplace_back(at, at + static_cast<std::ptrdiff_t>(size));
    begin += size;
  }
  partial.erase(partial.begin(), partial.begin() + static_cast<std::ptrdiff_t>(begin));
  return frames;
}

void reset(Connection& connection) {
  const linger hard = {.l_onoff = 1, .l_linger = 0};
  for (const Descriptor* end : {&connection.worker, &connection.primary})
    setsockopt(end->get(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  connection.over = true;
}

}  // namespace

std::uint16_t type_of(const Frame& frame) {
  return number_at<std::uint16_t>(frame, 0);
}

std::uint64_t lease_of(const Frame& frame) {
  return number_at<std::uint64_t>(frame, kHeader);
}

void set_lease(Frame& frame, std::uint64_t lease) {
  for (std::size_t i = 0; i < sizeof(lease); ++i)
    frame.at(kHeader + i) = static_cast<std::uint8_t>(lease >> (8 * i));
}

class Proxy::Thread {
 public:
  Thread(unsigned primary_port, Plan plan, std::function<void()> wake);
  ~Thread();

  unsigned port() const { return port_; }
  Seen seen() const;
  void break_all(Breakage breakage);

 private:
  void run();
  void wait();
  void obey();
  void accept();
  void read(Connection& connection, Way way);
  void write(Connection& connection, Way way);
  void close_lane(Connection& connection, Way way);
  void note(Connection& connection, Way way, const Frame& frame);
  void note_payload(Connection& connection, Way way, std::size_t size);
  std::size_t allowed(Lane& lane, Way way);
  void apply(Connection& connection, Breakage breakage);
  void tell(const Connection& connection);

  const unsigned primary_port_;
  const Plan plan_;
  const std::function<void()> wake_;
  Descriptor listener_;
  Descriptor command_;
  unsigned port_ = 0;

  mutable dist::Mutex lock_;
  Seen seen_ GUARDED_BY(lock_);
  std::optional<Breakage> breakage_ GUARDED_BY(lock_);  // To be applied to all.
  bool stopping_ GUARDED_BY(lock_) = false;

  // Belong to the thread.
  std::vector<std::unique_ptr<Connection>> connections_;
  Seen now_;
  bool changed_ = false;

  std::thread thread_;  // Last: it uses the members above.
};

Proxy::Thread::Thread(unsigned primary_port, Plan plan, std::function<void()> wake)
    : primary_port_(primary_port),
      plan_(std::move(plan)),
      wake_(std::move(wake)),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      command_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  require(bind(listener_.get(), raw, size) == 0, "proxy: bind");
  require(listen(listener_.get(), kMostConnections) == 0, "proxy: listen");
  require(getsockname(listener_.get(), raw, &size) == 0, "proxy: getsockname");
  require(command_.get() >= 0, "proxy: eventfd");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "bad-network");
}

Proxy::Thread::~Thread() {
  {
    const dist::MutexLock lock(lock_);
    stopping_ = true;
  }
  eventfd_write(command_.get(), 1);
  thread_.join();
}

Seen Proxy::Thread::seen() const {
  const dist::MutexLock lock(lock_);
  return seen_;
}

void Proxy::Thread::break_all(Breakage breakage) {
  {
    const dist::MutexLock lock(lock_);
    breakage_ = breakage;
  }
  eventfd_write(command_.get(), 1);
}

void Proxy::Thread::run() {
  while (true) {
    wait();
    obey();
    {
      const dist::MutexLock lock(lock_);
      if (stopping_)
        return;
    }
    accept();
    for (const auto& connection : connections_) {
      for (Way way : kBothWays) {
        read(*connection, way);
        write(*connection, way);
      }
    }
    std::erase_if(connections_, [](const auto& connection) { return connection->over; });
    if (!std::exchange(changed_, false))
      continue;
    {
      const dist::MutexLock lock(lock_);
      seen_ = now_;
    }
    wake_();
  }
}

// Until there is something to do.
void Proxy::Thread::wait() {
  std::vector<pollfd> polled = {{command_.get(), POLLIN, 0}};
  if (connections_.size() < kMostConnections)
    polled.push_back({listener_.get(), POLLIN, 0});
  bool throttled = false;
  for (const auto& connection : connections_) {
    for (Way way : kBothWays) {
      Lane& lane = connection->lane(way);
      if (!lane.ended && lane.queued < kMostQueued)
        polled.push_back({connection->from(way), POLLIN, 0});
      if (lane.queue.empty() || connection->silent)
        continue;
      if (allowed(lane, way) > 0)
        polled.push_back({connection->to(way), POLLOUT, 0});
      else
        throttled = true;
    }
  }
  poll(polled.data(), polled.size(), throttled ? kTickMilliseconds : -1);
}

void Proxy::Thread::obey() {
  eventfd_t count = 0;
  eventfd_read(command_.get(), &count);
  std::optional<Breakage> breakage;
  {
    const dist::MutexLock lock(lock_);
    breakage = std::exchange(breakage_, std::nullopt);
  }
  if (!breakage)
    return;
  for (const auto& connection : connections_)
    apply(*connection, *breakage);
}

void Proxy::Thread::apply(Connection& connection, Breakage breakage) {
  if (breakage == Breakage::kReset)
    reset(connection);
  connection.silent = true;
  for (Lane& lane : connection.lanes) {
    lane.partial.clear();
    lane.queue.clear();
    lane.queued = lane.sent = 0;
  }
  now_.broken_at = g_get_monotonic_time();
  changed_ = true;
}

void Proxy::Thread::accept() {
  while (connections_.size() < kMostConnections) {
    Descriptor worker(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (worker.get() < 0)
      return;
    Descriptor primary(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(primary_port_);
    if (connect(primary.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      continue;
    connections_.push_back(std::make_unique<Connection>(
        Connection{.worker = std::move(worker), .primary = std::move(primary)}));
    ++now_.connections;
    now_.held.clear();
    changed_ = true;
  }
}

void Proxy::Thread::read(Connection& connection, Way way) {
  Lane& lane = connection.lane(way);
  std::array<std::uint8_t, 64 * 1024> bytes;
  while (!connection.over && !lane.ended && lane.queued < kMostQueued) {
    const ssize_t size = recv(connection.from(way), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (size < 0 && !connection.silent)
      return reset(connection);
    lane.ended = size <= 0;
    if (connection.silent) {
      connection.over = connection.lanes[0].ended && connection.lanes[1].ended;
      continue;
    }
    lane.partial.insert(lane.partial.end(), bytes.begin(), bytes.begin() + size);
    bool sane = true;
    for (Frame& frame : take_frames(lane.partial, sane)) {
      std::vector<Frame> frames;
      if (plan_.edit)
        frames = plan_.edit(way, std::move(frame));
      else
        frames.push_back(std::move(frame));
      for (Frame& passed : frames) {
        lane.queued += passed.size();
        lane.queue.push_back(std::move(passed));
      }
    }
    if (!sane)
      return reset(connection);
  }
}

void Proxy::Thread::write(Connection& connection, Way way) {
  Lane& lane = connection.lane(way);
  while (!connection.silent && !connection.over && !lane.queue.empty()) {
    const Frame& frame = lane.queue.front();
    std::size_t size = std::min(frame.size() - lane.sent, allowed(lane, way));
    const std::uint64_t passed = way == Way::kToWorker ? now_.lease_bytes : now_.result_bytes;
    const bool breaks = plan_.fault && plan_.fault->way == way && now_.broken_at == 0;
    const bool data = type_of(frame) == kData;
    if (breaks && data)
      size = std::min<std::uint64_t>(
          size, std::max(kPayload, lane.sent) - lane.sent + plan_.fault->payload - passed);
    if (size == 0)
      return;
    const ssize_t done =
        send(connection.to(way), frame.data() + lane.sent, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (done < 0)
      return close_lane(connection, way);
    const std::size_t before = lane.sent;
    lane.sent += static_cast<std::size_t>(done);
    lane.budget -= static_cast<double>(done);
    if (data && lane.sent > kPayload)
      note_payload(connection, way, lane.sent - std::max(before, kPayload));
    if (lane.sent == frame.size()) {
      note(connection, way, frame);
      lane.queued -= frame.size();
      lane.sent = 0;
      lane.queue.pop_front();
    }
    if (breaks &&
        (way == Way::kToWorker ? now_.lease_bytes : now_.result_bytes) >= plan_.fault->payload)
      apply(connection, plan_.fault->breakage);
  }
  if (lane.ended && !lane.closed && !connection.silent)
    close_lane(connection, way);
}

// Passes the end on: what the receiver still has to say is heard.
void Proxy::Thread::close_lane(Connection& connection, Way way) {
  Lane& lane = connection.lane(way);
  lane.ended = lane.closed = true;
  lane.queue.clear();
  lane.queued = lane.sent = 0;
  shutdown(connection.to(way), SHUT_WR);
  connection.over =
      connection.lane(Way::kToWorker).closed && connection.lane(Way::kToPrimary).closed;
}

// The frame is out.
void Proxy::Thread::note(Connection& connection, Way way, const Frame& frame) {
  const std::uint64_t lease = lease_of(frame);
  Lane& lane = connection.lane(way);
  switch (type_of(frame)) {
    case kLease:
      ++now_.leases;
      connection.held[lease] = number_at<std::uint64_t>(frame, kHeader + 8);
      lane.payload_left = number_at<std::uint64_t>(frame, kHeader + 20);
      break;
    case kResultPart:
      ++now_.results;
      lane.last_part = number_at<std::uint16_t>(frame, kHeader + 8) + 1 ==
                       number_at<std::uint16_t>(frame, kHeader + 10);
      lane.payload_left = number_at<std::uint64_t>(frame, kHeader + 12);
      break;
    case kFail:
    case kCancel:
      connection.held.erase(lease);
      break;
    case kData:
      if (lane.payload_left > 0)
        return;
      if (way == Way::kToWorker)
        ++now_.complete_leases;
      else if (lane.last_part) {
        ++now_.complete_results;
        connection.held.erase(lease);
      }
      break;
    default:
      return;
  }
  tell(connection);
}

void Proxy::Thread::note_payload(Connection& connection, Way way, std::size_t size) {
  Lane& lane = connection.lane(way);
  lane.payload_left -= std::min<std::uint64_t>(size, lane.payload_left);
  (way == Way::kToWorker ? now_.lease_bytes : now_.result_bytes) += size;
  changed_ = true;
}

void Proxy::Thread::tell(const Connection& connection) {
  changed_ = true;
  if (&connection != connections_.back().get())
    return;
  now_.held.clear();
  for (const auto& [lease, segment] : connection.held)
    now_.held.insert(segment);
}

// How many bytes the throttle lets through now.
std::size_t Proxy::Thread::allowed(Lane& lane, Way way) {
  const std::uint64_t rate = way == Way::kToWorker ? plan_.to_worker : plan_.to_primary;
  if (rate == 0)
    return kMostQueued;
  const Clock::time_point now = Clock::now();
  const double elapsed = std::chrono::duration<double>(now - lane.budgeted).count();
  const auto bytes = static_cast<double>(rate);
  lane.budgeted = now;
  lane.budget = std::min(lane.budget + elapsed * bytes, std::max(1.0, kBurst * bytes));
  return static_cast<std::size_t>(lane.budget);
}

Proxy::Proxy(unsigned primary_port, Plan plan, std::function<void()> wake)
    : thread_(std::make_unique<Thread>(primary_port, std::move(plan), std::move(wake))) {}

Proxy::~Proxy() = default;

unsigned Proxy::port() const {
  return thread_->port();
}

Seen Proxy::seen() const {
  return thread_->seen();
}

void Proxy::break_all(Breakage breakage) {
  thread_->break_all(breakage);
}

}  // namespace faults
