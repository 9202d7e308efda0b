// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A primary, its workers and the network between them, with a model of the element that feeds the
// primary and of the joiner that follows; and what has to be true of all that after each step.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gst/lease/coordinator.h"
#include "gst/lease/window.h"
#include "tests/sim/scenario.h"
#include "tests/sim/worker.h"

namespace dist::sim {

std::string name(JobId job, std::uint64_t index);
std::string name(const Dispatcher::Grant& grant);

class World : public Actor, public Worker::Host {
 public:
  // `scenario` has to outlive the world. With `verbose` whatever happens is noted.
  World(const Scenario& scenario, std::uint64_t seed, bool verbose);

  // Until all jobs are over. Returns what is wrong, or nothing.
  std::string run();

  // The share of the workers' time, from the first segment to the last, that went into answers.
  double efficiency() const;
  std::uint64_t segments_done() const { return segments_done_; }
  std::uint64_t jobs_failed() const { return jobs_failed_; }
  std::uint64_t hedges() const { return hedges_; }
  // Results that were not all of a segment.
  std::uint64_t parts() const { return parts_; }
  // Results that were looked at, and those of them that showed other pictures.
  std::uint64_t looked_at() const { return looked_at_; }
  std::uint64_t lies_seen() const { return lies_seen_; }
  // Of the jobs that failed, those that nobody could go on with.
  std::uint64_t jobs_unable() const { return jobs_unable_; }
  Instant now() const { return timeline_.now(); }
  // Renditions of segments that a store had, and that counted.
  std::uint64_t found() const { return found_; }
  const std::deque<std::string>& notes() const { return notes_; }

  void on_event(unsigned what, std::uint64_t argument) override;

  void connect(Worker& worker) override;
  void disconnect(Worker& worker) override;
  void send(Worker& worker) override;
  void partition(Worker& worker, bool partitioned) override;
  void note(const Worker& worker, const std::string& text) override;
  void complain(const Worker& worker, const std::string& text) override;

 private:
  static constexpr Instant kLookEvery = 5 * kOneSecond;
  enum What : unsigned { kWakeup, kProduce, kConsume, kSeek, kSeen, kFound, kLook };
  struct Wire : Pipe::Receiver {
    Wire(World& w, WorkerId i, Worker& peer)
        : world(w),
          id(i),
          worker(peer),
          down(w.timeline_, w.random_, peer.plan().down, peer),
          up(w.timeline_, w.random_, peer.plan().up, *this) {}
    void on_bytes(std::span<const std::uint8_t> bytes) override { world.received(*this, bytes); }
    void on_end() override { world.closed(*this, "closed by the peer"); }

    World& world;
    const WorkerId id;
    Worker& worker;
    Pipe down;
    Pipe up;
    bool open = true;  // As far as the primary knows.
    bool joined = false;
    Instant joined_at = 0;
    unsigned held = 0;  // Leases, at the check of that number.
    std::uint64_t counted_at = 0;
    std::map<JobId, RenditionSet> lacks;  // What its answers, of a pipeline by hand, left out.
  };
  // A segment that was submitted and is not complete.
  struct Open {
    Source source;
    RenditionSet wanted = 1;   // To be leased; the others have no frames in it.
    RenditionSet missing = 1;  // What has not come, of all renditions.
    std::uint64_t results = 0;
    std::map<std::string, std::uint64_t> provisional =
        {};  // Bytes of those that may be taken back.
    // Of the store: what it was asked last, and whether it has answered that.
    std::uint64_t question = 0;
    Instant asked_at = kNever;
    bool answered = false;
  };
  // One rendition of a job; of one that does not say what it wants, all together.
  struct Rung {
    std::string encoder;      // Once it is said that only this one makes it.
    std::string was_encoder;  // Before results were taken back: only their form may have changed.
    std::string caps;         // Of all results.
    // At the last check, and at the one before: the earliest segment in which it was queued and
    // that never failed.
    std::optional<std::uint64_t> queued;
    std::optional<std::uint64_t> was_queued;
    Instant queued_since = 0;  // In any segment.
    bool able = true;          // Some worker has said that it can make it, or there is none.
    Instant unable_since = 0;
  };
  // What a store has to say.
  struct Finding {
    JobId job = 0;
    std::uint64_t index = 0;
    std::vector<ResultRendition> results;
    RenditionSet renditions = 0;
    bool right = true;  // As workers would have made it.
  };
  // A part of a segment's renditions, by the lowest, and since when it has had the same lease.
  struct Front {
    LeaseId lease = 0;
    Instant since = 0;
  };
  struct Output {
    std::uint64_t index = 0;
    bool completes = false;
  };
  struct Job {
    explicit Job(const JobPlan& p)
        : plan(p),
          window({.segments = p.window_segments, .bytes = p.window_bytes}),
          rungs(std::max<std::size_t>(p.renditions.size(), 1)) {}

    RenditionSet everything() const { return ~RenditionSet{0} >> (32 - rungs.size()); }

    const JobPlan& plan;
    Window window;  // The element's own.
    std::string stream;
    std::uint64_t next_submit = 0;
    std::uint64_t next_join = 0;  // What leaves the joiner next.
    std::map<std::uint64_t, Open> open;
    std::set<std::uint64_t> waiting;     // At the joiner, for earlier ones.
    std::deque<Output> outbox;           // Results that downstream has not taken.
    std::map<std::uint64_t, Open> kept;  // Complete, but some of it provisional.
    std::deque<Output> provisional;      // Results that are not settled.
    std::vector<Rung> rungs;
    std::map<std::uint64_t, unsigned> failures;
    std::uint64_t largest = 0;              // No segment and no result is larger.
    Instant longest = 0;                    // From grant to result.
    std::uint64_t done = 0;                 // Segments, by workers.
    std::vector<Dispatcher::Grant> leases;  // All, at the last check.
    std::map<int, Front> front;  // Of the segment to be delivered next, at the last look.
    bool asked = false;
    bool begun = false;
    bool blocked = false;
    bool over = false;
  };

  Wire*& current(const Worker& worker);
  void received(Wire& wire, std::span<const std::uint8_t> bytes);
  void closed(Wire& wire, const std::string& reason);

  void handle(const WorkerJoined& event);
  void handle(const WorkerLeft& event);
  void handle(const WorkerSuspended& event);
  void handle(const ConnectionRefused& event);
  void handle(const WaitingForWorkers& event);
  void handle(const LeaseFailed& event);
  void handle(const SegmentGivenUp& event);
  void handle(const LeaseGranted&) {}
  void handle(const LeaseAdvanced& event);
  void handle(const LeaseHedged& event);
  void handle(const ResultsSought& event);
  void handle(const SegmentDone& event);
  void handle(const LookWanted& event);
  void handle(const PicturesDiffer& event);
  void handle(const PicturesUnknown&) {}
  void handle(const EncoderChosen& event);
  void handle(const NoWorkerCan& event);
  void handle(const ResultsSettled& event);
  void handle(const ResultsTakenBack& event);
  void handle(const JobStalled&) {}
  void give(JobId id, Job& job, const Output& output);

  RenditionSet take_result(const SegmentDone& event, const Open& open, Job& job);
  void check_rendition(const SegmentDone& event, std::size_t rendition, const SegmentHeader& header,
                       Job& job);
  Finding look_up(const ResultsSought& event, const Job& job);
  bool must_count(const Finding& finding, const Job& job) const;
  void tell_finding(std::uint64_t question);
  bool waits_for_store(const Open& open, const Job& job) const;
  bool may_wait_for_store(const Open& open, const Job& job) const;
  void learn_pipeline(const SegmentDone& event, RenditionSet made);

  void want_renditions(JobId id, Job& job);
  void submit(JobId id, Job& job);
  void deliver(JobId id, Job& job, std::uint64_t index);
  void seek(JobId id);
  void end_job(JobId id, Job& job, bool failed);

  void take_output();
  void settle();
  void carry_out();
  void check();
  void check_memory();
  void check_leases();
  void check_holder(const Dispatcher::Grant& grant, const Job& job);
  void check_order(JobId id, const Job& job, LeaseId newest);
  void check_segments(Job& job);
  void check_hedge(JobId id, Job& job);
  bool has_idle_worker(JobId id, RenditionSet renditions) const;
  void look_for_progress();
  RenditionSet makes(const Worker& worker, const Job& job) const;
  bool can_go_on() const;
  bool can_be_made(const Dispatcher::Grant& grant) const;

  RenditionSet able(const Wire& wire, JobId id, const Job& job) const;
  void note_abilities();
  void look_for_unable();
  void check_end();
  void wrong(const std::string& text);
  // Of text and numbers, put together only if somebody will read it.
  template <class... Parts>
  void log(const Parts&... parts) {
    if (!verbose_)
      return;
    std::ostringstream text;
    (text << ... << parts);
    write_note(text.str());
  }
  void write_note(const std::string& text);

  const Scenario& scenario_;
  const bool verbose_;
  Timeline timeline_;
  Random random_;
  Coordinator coordinator_;
  Coordinator::Output output_;  // What is not done yet.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Wire>> wires_;  // The id of the first is 1.
  std::vector<Wire*> current_;                // Of each worker; null: it has none.
  std::set<WorkerId> joined_;
  std::set<WorkerId> closing_;  // Those of them that the coordinator has forgotten already.
  std::map<JobId, Job> jobs_;

  Instant wakeup_ = kNever;  // For which the earliest event is scheduled.
  std::uint64_t wakeups_ = 0;
  std::uint64_t steps_ = 0;
  Instant began_ = kNever;
  Instant ended_ = 0;
  LeaseId newest_ = 0;  // At the last check.
  std::uint64_t losses_ = 0;
  std::uint64_t seen_losses_ = 0;
  std::uint64_t checked_at_ = 0;  // In steps.
  std::uint64_t checks_ = 0;
  std::uint64_t segments_done_ = 0;
  std::uint64_t seen_done_ = 0;  // At the last look.
  unsigned idle_looks_ = 0;
  std::uint64_t jobs_failed_ = 0;
  std::uint64_t hedges_ = 0;
  std::uint64_t parts_ = 0;
  std::uint64_t looked_at_ = 0;
  std::uint64_t lies_seen_ = 0;
  std::map<LeaseId, std::string> looks_;  // What is seen, but not said yet.
  std::uint64_t jobs_unable_ = 0;
  std::map<std::uint64_t, Finding> findings_;  // By question.
  std::uint64_t found_ = 0;
  std::string wrong_;
  std::deque<std::string> notes_;
};

}  // namespace dist::sim
