// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A coordinator whose workers, strangers and jobs do whatever the input says, in any order.
#include "gst/lease/coordinator.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

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

// Job 3 says what it wants.
constexpr JobId kLadder = 3;
constexpr RenditionSet kAll = 7;

std::vector<RenditionSpec> ladder(bool mixed) {
  auto specs = *parse_renditions("a:h264:64x36,b:vp9:32x18,c:jpeg:16x8:fps=1/2");
  for (RenditionSpec& spec : specs)
    spec.in_band = mixed;
  return specs;
}

bool has(RenditionSet set, std::size_t rendition) {
  return (set >> rendition & 1) != 0;
}

struct Peer {
  std::unique_ptr<WorkerSession> session;  // Null: a stranger.
  std::uint16_t capacity = 0;
  std::vector<WorkerSession::Leased> leases;
  std::vector<WorkerSession::Wanted> wanted;
  std::vector<Ability> offered;  // For kLadder.
  bool forged = false;           // The input has spoken in its name.
};

class Target {
 public:
  Target() { coordinator_.add_job(1, {.max_attempts = 2, .max_bytes = kMaxBytes}, 0); }

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
        REQUIRE(notice() > now_);
        break;
      case 8:
      case 9:
        submit(1u + input.byte() % 3);
        break;
      case 10:
        deliver(1u + input.byte() % 3);
        break;
      case 11:
        change_job(input);
        break;
      case 12:
        offer(any(input), input);
        break;
      default:
        carry_all();
    }
    notice();
    check_leases();
    check_status();
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
    REQUIRE(notice() == kNever);
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
    // One of those without capacity is an observer, the other a stranger.
    if (kind % 8 != 0) {
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
      if (std::holds_alternative<WorkerSession::Welcomed>(event) && peer->second.capacity == 0)
        session->ask_status();
      else if (auto* leased = std::get_if<WorkerSession::Leased>(&event))
        peer->second.leases.push_back(std::move(*leased));
      else if (auto* wanted = std::get_if<WorkerSession::Wanted>(&event))
        peer->second.wanted.push_back(std::move(*wanted));
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
    peers_.at(id).forged = true;
    const std::uint8_t type = input.byte();
    if (type == 255)
      coordinator_.received(id, input.take(input.byte()), now_);
    else
      coordinator_.received(id, frame(type % 20, input.take(input.byte())), now_);
  }

  // To what it was asked first: two bits for each rendition.
  void offer(WorkerId id, Input& input) {
    const auto peer = peers_.find(id);
    if (peer == peers_.end() || peer->second.wanted.empty())
      return;
    const auto wanted = std::move(peer->second.wanted.front());
    peer->second.wanted.erase(peer->second.wanted.begin());
    const auto specs = parse_renditions(wanted.renditions);
    REQUIRE(specs && specs->size() == ladder(false).size());
    const std::uint8_t how = input.byte();
    std::vector<Ability> abilities;
    for (std::size_t i = 0; i < specs->size(); ++i)
      switch (how >> (2 * i) & 3) {
        case 0:
          abilities.push_back({false, {}, "no"});
          break;
        case 1:
          abilities.push_back({true, {}, {}});
          break;
        default:
          abilities.push_back({true, (how >> (2 * i) & 1) != 0 ? "x" : "y", {}});
      }
    peer->second.offered = abilities;
    peer->second.session->offer(wanted.job, std::move(abilities));
    carry(id);
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
    if (const auto specs = parse_renditions(lease.renditions); specs)
      return answer_ladder(*peer->second.session, lease.lease, *header, *specs, how);
    SegmentHeader result = *header;
    result.rendition = how % 8 == 1 ? "" : "r";
    result.index += how % 8 == 2 ? 1 : 0;
    result.units[0].size = how * 16u;
    std::vector<BytesList> parts(how % 8 == 3 ? 2 : 1, with_payload(result));
    peer->second.session->result(lease.lease, std::move(parts));
  }

  // Leaves out some of what is wanted, or adds what is not; some have frames that are not wanted.
  static void answer_ladder(WorkerSession& session, LeaseId lease, const SegmentHeader& source,
                            const std::vector<RenditionSpec>& wanted, std::uint8_t how) {
    std::vector<BytesList> parts;
    for (const RenditionSpec& spec : ladder(false)) {
      const bool is_wanted = std::any_of(
          wanted.begin(), wanted.end(), [&](const auto& other) { return other.name == spec.name; });
      if (is_wanted == ((how >> (5 + parts.size() % 3) & 1) != 0))
        continue;
      SegmentHeader part = source;
      part.rendition = spec.name;
      part.caps = (how & 16) != 0 ? "other" : "caps";
      part.units[0].size = (how & 12) * 20u;
      parts.push_back(with_payload(part));
    }
    if (parts.empty())
      session.fail(lease, "nothing");
    else
      session.result(lease, std::move(parts));
  }

  void submit(JobId job) {
    const auto next = next_index_.find(job);
    if (next == next_index_.end() || coordinator_.dispatcher().open_segments(job) > 20)
      return;
    auto header = std::make_shared<const SegmentHeader>(source(next->second++));
    const BytesList segment = with_payload(*header);
    windows_[job].accept(header->index, total_size(segment));
    missing_[{job, header->index}] = job == kLadder ? kAll : 1;
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
    switch (input.byte() % 9) {
      case 0:
        if (next_index_.emplace(job, 0).second)
          coordinator_.add_job(job, {.max_attempts = 1, .max_bytes = kMaxBytes}, now_);
        break;
      case 1:
        remove_job(job);
        break;
      case 2:
        clear_job(1);
        break;
      case 5:
      case 6:
        add_ladder(input.byte() % 2 != 0);
        break;
      case 7:
        remove_job(kLadder);
        break;
      case 8:
        clear_job(kLadder);
        break;
      case 3:
        coordinator_.set_blocked(1, input.byte() % 2 != 0, now_);
        break;
      default:
        coordinator_.finish_job(1);
    }
  }

  // Once: whoever was asked answers for good.
  void add_ladder(bool mixed) {
    if (std::exchange(had_ladder_, true))
      return;
    next_index_.emplace(kLadder, 0);
    mixed_ = mixed;
    coordinator_.add_job(
        kLadder, {.max_attempts = 2, .max_bytes = kMaxBytes, .mixed_encoders = mixed}, now_);
    coordinator_.set_renditions(kLadder, ladder(mixed), now_);
  }

  void clear_job(JobId job) {
    if (next_index_.count(job) == 0)
      return;
    coordinator_.clear_job(job, now_);
    REQUIRE(coordinator_.bytes_held(job) == 0);
    next_index_[job] = 0;
    forget(job);
  }

  void remove_job(JobId job) {
    if (next_index_.erase(job) != 0)
      coordinator_.remove_job(job, now_);
    forget(job);
  }

  void forget(JobId job) {
    done_.erase(job);
    windows_.erase(job);
    std::erase_if(missing_, [job](const auto& entry) { return entry.first.first == job; });
    given_up_.erase(job);
  }

  void notice(const SegmentDone& done) {
    const SegmentKey key = done.grant.segment;
    // Unless the job was cleared or removed since, it is done only once.
    if (next_index_.count(key.job) == 0)
      return;
    RenditionSet& missing = missing_[{key.job, key.index}];
    const bool given_up = given_up_.count(key.job) != 0;
    for (const auto& rendition : done.renditions) {
      REQUIRE(rendition.header->index == key.index);
      const auto name = rendition.header->rendition;
      const RenditionSet made = key.job == kLadder ? RenditionSet{1} << (name[0] - 'a') : 1;
      REQUIRE((missing & made) != 0);
      missing &= ~made;
      if (done.provisional && !rendition.header->units.empty())
        made_.insert({key.job, key.index, name});
    }
    REQUIRE(given_up || done.complete == (missing == 0));
    windows_[key.job].answer(key.index, done.held);
    if (done.complete)
      REQUIRE(done_[key.job].insert(key.index).second);
  }

  void notice(const ResultsSettled& settled) {
    for (const auto& [index, bytes] : settled.segments)
      windows_[settled.job].answer(index, bytes);
  }

  void notice(const ResultsTakenBack& taken) {
    for (const auto& [index, bytes] : taken.segments) {
      windows_[taken.job].answer(index, bytes);
      done_[taken.job].erase(index);
      for (const auto& name : taken.renditions)
        if (made_.erase({taken.job, index, name}) != 0)
          missing_[{taken.job, index}] |=
              taken.job == kLadder ? RenditionSet{1} << (name[0] - 'a') : 1;
    }
    if (taken.job == kLadder)
      for (const auto& name : taken.renditions)
        encoders_[name].clear();
  }

  void notice(const EncoderChosen& chosen) {
    std::string& encoder = encoders_[chosen.rendition];
    REQUIRE(!mixed_ && encoder.empty() && !chosen.encoder.empty());
    encoder = chosen.encoder;
  }

  // Each rendition is leased in one part, and to those who have offered it.
  void check_status() const {
    const FarmStatus status = coordinator_.status(now_);
    REQUIRE(status.workers.size() == coordinator_.dispatcher().workers());
    for (const FarmStatus::JobStatus& job : status.jobs)
      REQUIRE(job.leased + job.queued == coordinator_.dispatcher().open_segments(job.id));
  }

  void check_leases() {
    const auto specs = ladder(false);
    std::map<std::uint64_t, std::map<int, RenditionSet>> parts;
    for (const auto& grant : coordinator_.dispatcher().leases_of(kLadder)) {
      parts[grant.segment.index][grant.segment.first] = grant.renditions;
      const Peer& peer = peers_.at(grant.worker);
      for (std::size_t i = 0; i < specs.size() && !peer.forged; ++i) {
        if (!has(grant.renditions, i))
          continue;
        REQUIRE(peer.offered.size() == specs.size() && peer.offered[i].able);
        const std::string& encoder = encoders_[specs[i].name];
        REQUIRE(encoder.empty() || peer.offered[i].encoder.empty() ||
                peer.offered[i].encoder == encoder);
      }
    }
    std::size_t open = 0;
    for (const auto& [key, left] : missing_)
      open += key.first == kLadder && left != 0 ? 1 : 0;
    REQUIRE(given_up_.count(kLadder) != 0 ||
            coordinator_.dispatcher().open_segments(kLadder) == open);
    for (const auto& [index, sets] : parts) {
      RenditionSet left = missing_[{kLadder, index}];
      for (const auto& [_, renditions] : sets) {
        REQUIRE((renditions & ~left) == 0);
        left &= ~renditions;
      }
    }
  }

  // Returns when to look again.
  Instant notice() {
    const Coordinator::Output output = coordinator_.take_output();
    for (const auto& event : output.events)
      if (const auto* done = std::get_if<SegmentDone>(&event))
        notice(*done);
      else if (const auto* chosen = std::get_if<EncoderChosen>(&event))
        notice(*chosen);
      else if (const auto* settled = std::get_if<ResultsSettled>(&event))
        notice(*settled);
      else if (const auto* taken = std::get_if<ResultsTakenBack>(&event))
        notice(*taken);
      else if (const auto* over = std::get_if<SegmentGivenUp>(&event))
        given_up_.insert(over->last.segment.job);
    for (const WorkerId id : output.writable)
      REQUIRE(peers_.count(id) != 0);
    for (const auto& closing : output.closing)
      disconnect(closing.id);
    return output.next_wakeup;
  }

  Coordinator coordinator_{{.dispatcher = {},
                            .secret = {},
                            .door = {.max_greeting = 2, .max_per_address = 4},
                            .lets_go_when_done = true}};
  Instant now_ = 0;
  WorkerId last_id_ = 0;
  std::map<WorkerId, Peer> peers_;
  std::map<JobId, std::uint64_t> next_index_ = {{1, 0}};
  std::map<JobId, std::set<std::uint64_t>> done_;
  std::map<std::pair<JobId, std::uint64_t>, RenditionSet> missing_;
  std::set<std::tuple<JobId, std::uint64_t, std::string>> made_;  // May be taken back.
  std::set<JobId> given_up_;
  std::map<std::string, std::string> encoders_;
  bool had_ladder_ = false;
  bool mixed_ = false;
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
