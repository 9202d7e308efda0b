// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A coordinator and its workers with nothing but memory between them, under a clock that the test
// moves.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gst/lease/coordinator.h"
#include "tests/wire/ends.h"

namespace dist::test {

constexpr Time kFrame = kSecond / 25;

// A segment of four frames, and of as many bytes in each as asked for.
inline SegmentHeader source_header(std::uint64_t index, std::uint64_t frame_size = 25) {
  SegmentHeader header;
  header.stream_id = "film";
  header.index = index;
  header.caps = "video/x-vp8";
  header.start = index * kSecond;
  header.stop = header.start + 4 * kFrame;
  for (Time n = 0; n < 4; ++n) {
    const Time time = header.start + n * kFrame;
    header.units.push_back({.pts = time,
                            .dts = time,
                            .duration = kFrame,
                            .show = time,
                            .flags = n == 0 ? 0 : kFlagDeltaUnit,
                            .size = frame_size});
  }
  return header;
}

// One rendition that is a right answer to it.
inline SegmentHeader answer_header(const SegmentHeader& source, const std::string& rendition = "hd",
                                   std::uint64_t frame_size = 10) {
  SegmentHeader header = source;
  header.rendition = rendition;
  header.caps = "video/x-h264, rendition=" + rendition;
  for (AccessUnit& unit : header.units)
    unit.size = frame_size;
  return header;
}

inline BytesList with_payload(const SegmentHeader& header) {
  return {serialize(header), some_payload(static_cast<std::size_t>(header.payload_size()))};
}

class Cluster {
 public:
  struct Worker {
    WorkerSession session;
    std::vector<WorkerSession::Leased> leases;  // Those it has not answered.
    std::string saw;
    bool stuck = false;  // Does not read.
    std::vector<WorkerSession::Wanted> wanted = {};
    FarmStatus status = {};  // Of an observer.
  };

  explicit Cluster(const Coordinator::Config& config = {.dispatcher = {},
                                                        .secret = {},
                                                        .door = {},
                                                        .lets_go_when_done = true})
      : coordinator(config), config_(config) {}

  // A worker connects; the greeting happens in run().
  Worker& connect(WorkerId id, const std::string& name, std::uint16_t capacity = 1,
                  const std::string& address = "10.0.0.1") {
    const WorkerSession::Config config{name, capacity, config_.secret};
    const auto nonce = some_nonce(static_cast<std::uint8_t>(id));
    workers_[id].reset(new Worker{WorkerSession(config, nonce, now), {}, {}});
    coordinator.connected(id, address, some_nonce(static_cast<std::uint8_t>(id + 100)), now);
    return *workers_[id];
  }
  Worker& join(WorkerId id, const std::string& name, std::uint16_t capacity = 1) {
    Worker& worker = connect(id, name, capacity);
    run();
    return worker;
  }
  // Somebody connects who is no worker.
  void connect_stranger(WorkerId id, const std::string& address = "10.0.0.66") {
    coordinator.connected(id, address, some_nonce(static_cast<std::uint8_t>(id)), now);
  }
  void disconnect(WorkerId id, const std::string& reason = "reset") {
    workers_.erase(id);
    coordinator.disconnected(id, reason, now);
    std::erase_if(closing_, [id](const auto& closing) { return closing.id == id; });
  }
  Worker& worker(WorkerId id) { return *workers_.at(id); }

  // Everything is carried that can be.
  void run() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (const WorkerId id : ids()) {
        moved = to_coordinator(id) || moved;
        moved = to_worker(id) || moved;
      }
      close_connections();
    }
    take_output();
  }
  // The same until then, at every moment at which something is due.
  void run_until(Instant end) {
    run();
    while (true) {
      Instant next = next_wakeup_;
      for (const auto& [_, worker] : workers_)
        next = std::min(next, worker->session.next_wakeup());
      if (next > end)
        break;
      now = std::max(now, next);
      coordinator.advance(now);
      for (const auto& [_, worker] : workers_)
        (void)worker->session.advance(now);
      run();
    }
    now = end;
  }

  // One message from this worker, none if it has nothing to say.
  bool to_coordinator(WorkerId id) {
    const auto found = workers_.find(id);
    if (found == workers_.end() || !found->second->session.has_output())
      return false;
    coordinator.received(id, to_data(found->second->session.next_output()), now);
    return true;
  }
  bool to_worker(WorkerId id) {
    const auto found = workers_.find(id);
    if (found == workers_.end() || found->second->stuck || !coordinator.link(id).has_output())
      return false;
    std::vector<WorkerSession::Event> events;
    fail_unless_ok(
        found->second->session.receive(to_data(coordinator.link(id).next_output()), now, events));
    for (auto& event : events)
      std::visit([&](auto& e) { note(*found->second, e); }, event);
    return true;
  }

  void add_job(JobId job = 1, std::uint64_t max_bytes = 1u << 20, unsigned max_attempts = 3) {
    coordinator.add_job(job, {.max_attempts = max_attempts, .max_bytes = max_bytes}, now);
  }
  void submit(std::uint64_t index, JobId job = 1, std::uint64_t frame_size = 25) {
    auto header = std::make_shared<const SegmentHeader>(source_header(index, frame_size));
    const BytesList segment = with_payload(*header);
    coordinator.submit(job, header, segment, sha256(segment), now);
  }

  // The worker answers its first lease, rightly or with these renditions.
  void answer(WorkerId id, std::uint64_t frame_size = 10) {
    const SegmentHeader header = leased_header(id);
    answer(id, {with_payload(answer_header(header, "hd", frame_size))});
  }
  void answer(WorkerId id, std::vector<BytesList> renditions) {
    const LeaseId lease = take_lease(id);
    worker(id).session.result(lease, std::move(renditions));
  }
  void refuse(WorkerId id, const std::string& reason) {
    worker(id).session.fail(take_lease(id), reason);
  }
  // Answers the oldest of those who want a result to be looked at.
  void look(const std::string& difference = "", const std::string& unknown = "") {
    fail_if(looks.empty(), "nothing is to be looked at");
    const LeaseId lease = looks.front().grant.lease;
    looks.erase(looks.begin());
    coordinator.looked(lease, {difference, unknown, nullptr}, now);
    run();
  }
  SegmentHeader leased_header(WorkerId id) {
    fail_if(worker(id).leases.empty(), "worker %" G_GUINT64_FORMAT " holds no lease", id);
    const Bytes& payload = worker(id).leases.front().payload;
    return *parse_header(payload.span(), payload.size());
  }
  // The segments that the worker holds, in its order.
  std::string leased(WorkerId id) {
    std::string text;
    for (const auto& lease : worker(id).leases)
      text += (text.empty() ? "" : " ") + std::to_string(lease.segment);
    return text;
  }

  // What was told since this was asked last.
  std::string told() {
    take_output();
    return std::exchange(told_, {});
  }
  // What is to be closed and was not taken.
  std::vector<Coordinator::Closing> take_closing() {
    take_output();
    return std::exchange(closing_, {});
  }
  Instant next_wakeup() {
    take_output();
    return next_wakeup_;
  }

  Instant now = 0;
  Coordinator coordinator;
  std::vector<SegmentDone> done;
  std::vector<LookWanted> looks;
  std::vector<ResultsSought> sought;

 private:
  std::vector<WorkerId> ids() const {
    std::vector<WorkerId> ids;
    for (const auto& [id, _] : workers_)
      ids.push_back(id);
    return ids;
  }

  void close_connections() {
    for (const auto& [id, reason] : take_closing()) {
      while (to_worker(id)) {
      }
      gone_[id] = std::move(workers_[id]);
      workers_.erase(id);
      coordinator.disconnected(id, reason, now);
    }
  }

  LeaseId take_lease(WorkerId id) {
    auto& leases = worker(id).leases;
    fail_if(leases.empty(), "worker %" G_GUINT64_FORMAT " holds no lease", id);
    const LeaseId lease = leases.front().lease;
    leases.erase(leases.begin());
    return lease;
  }

  static void add(std::string& text, const std::string& more) {
    text += (text.empty() ? "" : ", ") + more;
  }
  static void note(Worker& worker, WorkerSession::Welcomed&) { add(worker.saw, "welcomed"); }
  static void note(Worker& worker, WorkerSession::Leased& e) {
    worker.leases.push_back(std::move(e));
  }
  static void note(Worker& worker, WorkerSession::Wanted& e) { worker.wanted.push_back(e); }
  static void note(Worker& worker, WorkerSession::Cancelled& e) {
    std::erase_if(worker.leases, [&](const auto& lease) { return lease.lease == e.lease; });
    add(worker.saw, "cancelled");
  }
  static void note(Worker& worker, WorkerSession::Refused& e) {
    add(worker.saw, "refused: " + e.reason);
  }
  static void note(Worker& worker, WorkerSession::StatusReceived& e) {
    add(worker.saw, "status");
    worker.status = std::move(e.status);
  }
  static void note(Worker& worker, WorkerSession::JobDone& e) {
    add(worker.saw, "done: " + e.reason);
  }

  void take_output() {
    Coordinator::Output output = coordinator.take_output();
    next_wakeup_ = output.next_wakeup;
    closing_.insert(closing_.end(), output.closing.begin(), output.closing.end());
    for (auto& event : output.events) {
      if (std::holds_alternative<LeaseGranted>(event) ||
          std::holds_alternative<LeaseAdvanced>(event) ||
          std::holds_alternative<ResultsSettled>(event))
        continue;
      add(told_, std::visit([](const auto& e) { return say(e); }, event));
      if (auto* segment = std::get_if<SegmentDone>(&event))
        done.push_back(std::move(*segment));
      else if (auto* look = std::get_if<LookWanted>(&event))
        looks.push_back(std::move(*look));
      else if (auto* question = std::get_if<ResultsSought>(&event))
        sought.push_back(std::move(*question));
    }
  }

  static std::string key(const Dispatcher::Grant& grant) {
    return std::to_string(grant.segment.job) + "/" + std::to_string(grant.segment.index);
  }
  static std::string say(const WorkerJoined& e) { return "joined " + e.worker.name; }
  static std::string say(const WorkerLeft& e) { return "gone " + e.worker.name + ": " + e.reason; }
  static std::string say(const WorkerSuspended& e) { return "suspended " + e.worker.name; }
  static std::string say(const ConnectionRefused& e) {
    return "refused " + e.address + ": " + e.reason +
           (e.untold > 0 ? " and " + std::to_string(e.untold) : "");
  }
  static std::string say(const WaitingForWorkers& e) {
    return "waiting " + std::to_string(e.job) + ": " + std::to_string(e.open_segments);
  }
  static std::string say(const LeaseFailed& e) {
    return "failed " + key(e.grant) + " " + e.worker.name + ": " + e.reason;
  }
  static std::string say(const SegmentGivenUp& e) {
    return "given up " + key(e.last) + " " + e.worker + ": " + e.reason;
  }
  static std::string say(const LeaseGranted&) { return ""; }
  static std::string say(const LeaseAdvanced&) { return ""; }
  static std::string say(const LeaseHedged& e) {
    return "hedged " + key(e.grant) + " " + e.worker.name;
  }
  static std::string say(const ResultsSought& e) {
    std::string text = "sought " + std::to_string(e.job) + "/" + std::to_string(e.source->index);
    for (const auto& rendition : e.renditions)
      for (const Encoder& encoder : rendition.encoders)
        text += " " + rendition.spec.name + " by " + encoder.name;
    return text;
  }
  static std::string say(const SegmentDone& e) {
    return "done " + key(e.grant) + " " + e.worker.name + (e.note.empty() ? "" : ": " + e.note);
  }
  static std::string say(const LookWanted& e) {
    return "look at " + key(e.grant) + " " + e.worker.name;
  }
  static std::string say(const PicturesDiffer& e) {
    return "differs " + key(e.grant) + " " + e.worker.name + ": " + e.reason;
  }
  static std::string say(const PicturesUnknown& e) {
    return "unknown " + key(e.grant) + " " + e.worker.name + ": " + e.reason;
  }
  static std::string say(const EncoderChosen& e) {
    std::string text = "chosen " + e.rendition + " " + e.encoder;
    for (const std::string& worker : e.excluded)
      text += " not " + worker;
    return text;
  }
  static std::string say(const NoWorkerCan& e) { return "nobody can: " + e.reason; }
  static std::string say(const ResultsSettled& e) { return "settled " + std::to_string(e.job); }
  static std::string say(const ResultsTakenBack& e) {
    std::string text = "taken back";
    for (const std::string& rendition : e.renditions)
      text += " " + rendition;
    text += " of";
    for (const auto& segment : e.segments)
      text += " " + std::to_string(segment.index);
    return text + (e.some_left ? ", some have left" : "");
  }
  static std::string say(const JobStalled& e) {
    return (e.given_up ? "over, stalled: " : "stalled: ") + e.reason;
  }

  const Coordinator::Config config_;
  std::map<WorkerId, std::unique_ptr<Worker>> workers_;
  std::map<WorkerId, std::unique_ptr<Worker>> gone_;
  std::string told_;
  std::vector<Coordinator::Closing> closing_;
  Instant next_wakeup_ = kNever;
};

}  // namespace dist::test
