// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A coordinator whose workers, strangers and jobs do whatever the input says, in any order.
#include "gst/dist/core/coordinator.h"

#include <map>
#include <memory>
#include <set>

#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

constexpr std::uint64_t kMaxBytes = 4000;
constexpr std::size_t kMaxConnections = 6;

SegmentHeader source(std::uint64_t index) {
  SegmentHeader header;
  header.stream_id = "s";
  header.index = index;
  header.start = header.stop = index * kSecond;
  header.units = {{.pts = header.start, .show = header.start, .size = 100}};
  return header;
}

BytesList with_payload(const SegmentHeader& header) {
  return {serialize(header), Bytes::take(std::vector<std::uint8_t>(header.payload_size()))};
}

struct Peer {
  std::unique_ptr<WorkerSession> session;  // Null: a stranger.
  std::uint16_t capacity = 0;
  std::vector<WorkerSession::Leased> leases;
};

class Target {
 public:
  Target() { coordinator_.add_job(1, {.max_attempts = 2, .max_bytes = kMaxBytes}); }

  void step(Input& input) {
    switch (input.byte() % 16) {
      case 0:
        connect(input);
        break;
      case 1:
      case 2:
        carry(any(input));
        break;
      case 3:
        say(any(input), input);
        break;
      case 4:
      case 5:
        answer(any(input), input);
        break;
      case 6:
        disconnect(any(input));
        break;
      case 7:
        now_ += input.byte() * 100 * kMillisecond;
        coordinator_.advance(now_);
        REQUIRE(coordinator_.next_wakeup() > now_);
        break;
      case 8:
      case 9:
        submit(1u + input.byte() % 2);
        break;
      case 10:
        deliver(1u + input.byte() % 2);
        break;
      case 11:
        change_job(input);
        break;
      default:
        carry_all();
    }
    notice();
  }

  // Whatever happened, nothing is held when everything is gone.
  void finish() {
    while (!peers_.empty())
      disconnect(peers_.begin()->first);
    REQUIRE(coordinator_.dispatcher().workers() == 0);
    REQUIRE(coordinator_.dispatcher().leases(1) == 0);
    for (const auto& [job, _] : next_index_) {
      REQUIRE(coordinator_.bytes_held(job) == windows_[job].bytes());
      coordinator_.clear_job(job, now_);
      REQUIRE(coordinator_.bytes_held(job) == 0);
    }
    REQUIRE(coordinator_.next_wakeup() == kNever);
  }

 private:
  WorkerId any(Input& input) {
    const std::size_t n = input.byte();
    if (peers_.empty())
      return 0;
    return std::next(peers_.begin(), static_cast<long>(n % peers_.size()))->first;
  }

  void connect(Input& input) {
    if (peers_.size() == kMaxConnections)
      return;
    const std::uint8_t kind = input.byte();
    Peer& peer = peers_[++last_id_];
    if (kind % 4 != 0) {
      peer.capacity = static_cast<std::uint16_t>(kind % 4);
      const WorkerSession::Config config{"w", peer.capacity, {}};
      peer.session = std::make_unique<WorkerSession>(config, wire::Nonce{}, now_);
    }
    coordinator_.connected(last_id_, kind < 128 ? "a" : "b", wire::Nonce{}, now_);
  }

  void disconnect(WorkerId id) {
    if (peers_.erase(id) != 0)
      coordinator_.disconnected(id, "gone", now_);
  }

  // One message each way; whether there was one.
  bool carry(WorkerId id) {
    const auto peer = peers_.find(id);
    if (peer == peers_.end())
      return false;
    Link& link = coordinator_.link(id);
    const bool more = link.has_output();
    const auto down = join(link.next_output());
    WorkerSession* session = peer->second.session.get();
    if (!session)
      return more;
    std::vector<WorkerSession::Event> events;
    // Not always: the input may have spoken in its name.
    if (!session->receive(down, now_, events))
      return false;
    for (auto& event : events)
      if (auto* leased = std::get_if<WorkerSession::Leased>(&event))
        peer->second.leases.push_back(std::move(*leased));
      else if (const auto* cancelled = std::get_if<WorkerSession::Cancelled>(&event))
        std::erase_if(peer->second.leases,
                      [&](const auto& lease) { return lease.lease == cancelled->lease; });
    if (!session->has_output())
      return more;
    coordinator_.received(id, join(session->next_output()), now_);
    return true;
  }

  void carry_all() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (WorkerId id = 1; id <= last_id_; ++id)
        moved = carry(id) || moved;
      notice();
    }
  }

  void say(WorkerId id, Input& input) {
    if (id == 0)
      return;
    const std::uint8_t type = input.byte();
    if (type == 255)
      coordinator_.received(id, input.take(input.byte()), now_);
    else
      coordinator_.received(id, frame(type % 16, input.take(input.byte())), now_);
  }

  void answer(WorkerId id, Input& input) {
    const auto peer = peers_.find(id);
    if (peer == peers_.end() || peer->second.leases.empty())
      return;
    const auto lease = std::move(peer->second.leases.front());
    peer->second.leases.erase(peer->second.leases.begin());
    const std::uint8_t how = input.byte();
    if (how % 8 == 0)
      return peer->second.session->fail(lease.lease, "stuck");
    const auto header = parse_header(lease.payload.span(), lease.payload.size());
    REQUIRE(header);
    SegmentHeader result = *header;
    result.rendition = how % 8 == 1 ? "" : "r";
    result.index += how % 8 == 2 ? 1 : 0;
    result.units[0].size = how * 16u;
    std::vector<BytesList> parts(how % 8 == 3 ? 2 : 1, with_payload(result));
    peer->second.session->result(lease.lease, std::move(parts));
  }

  void submit(JobId job) {
    const auto next = next_index_.find(job);
    if (next == next_index_.end() || coordinator_.dispatcher().open_segments(job) > 20)
      return;
    auto header = std::make_shared<const SegmentHeader>(source(next->second++));
    const BytesList segment = with_payload(*header);
    windows_[job].accept(header->index, total_size(segment));
    coordinator_.submit(job, header, segment, sha256(segment), now_);
  }

  void deliver(JobId job) {
    auto& done = done_[job];
    if (done.empty())
      return;
    windows_[job].deliver(*done.begin());
    coordinator_.delivered(job, *done.begin(), now_);
    done.erase(done.begin());
  }

  void change_job(Input& input) {
    const JobId job = 2;
    switch (input.byte() % 5) {
      case 0:
        if (next_index_.emplace(job, 0).second)
          coordinator_.add_job(job, {.max_attempts = 1, .max_bytes = kMaxBytes});
        break;
      case 1:
        if (next_index_.erase(job) != 0)
          coordinator_.remove_job(job, now_);
        done_.erase(job);
        windows_.erase(job);
        break;
      case 2:
        coordinator_.clear_job(1, now_);
        REQUIRE(coordinator_.bytes_held(1) == 0);
        next_index_[1] = 0;
        done_.erase(1);
        windows_.erase(1);
        break;
      case 3:
        coordinator_.set_blocked(1, input.byte() % 2 != 0, now_);
        break;
      default:
        coordinator_.finish_job(1);
    }
  }

  void notice() {
    for (const auto& event : coordinator_.take_events())
      if (const auto* done = std::get_if<Coordinator::SegmentDone>(&event)) {
        const SegmentKey key = done->grant.segment;
        REQUIRE(done->renditions.size() == 1);
        REQUIRE(done->renditions[0].header->index == key.index);
        // Unless the job was cleared or removed since, it is done only once.
        if (next_index_.count(key.job) == 0)
          continue;
        REQUIRE(done_[key.job].insert(key.index).second);
        windows_[key.job].answer(key.index, total_size(done->renditions[0].segment));
      }
    for (const WorkerId id : coordinator_.take_writable())
      REQUIRE(peers_.count(id) != 0);
    for (const auto& closing : coordinator_.take_closing())
      disconnect(closing.id);
  }

  Coordinator coordinator_{
      {.dispatcher = {}, .secret = {}, .max_greeting = 2, .max_per_address = 4}};
  Instant now_ = 0;
  WorkerId last_id_ = 0;
  std::map<WorkerId, Peer> peers_;
  std::map<JobId, std::uint64_t> next_index_ = {{1, 0}};
  std::map<JobId, std::set<std::uint64_t>> done_;
  // What is held apart from what is arriving.
  struct Held : Window {
    Held() : Window({}) {}
  };
  std::map<JobId, Held> windows_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Target target;
  while (!input.empty())
    target.step(input);
  target.finish();
  return 0;
}
