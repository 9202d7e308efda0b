// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The whole of the primary apart from its sockets: sessions with the workers, the dispatcher, and
// the check of what comes back. Pure, like its parts: the caller says what happened and when, then
// takes the output until that is empty. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/instant.h"
#include "gst/cut/segment.h"
#include "gst/cut/segment_context.h"
#include "gst/lease/abilities.h"
#include "gst/lease/dispatcher.h"
#include "gst/lease/door.h"
#include "gst/lease/exams.h"
#include "gst/lease/farm_events.h"
#include "gst/lease/job_segment.h"
#include "gst/lease/rendition_forms.h"
#include "gst/lease/result_check.h"
#include "gst/lease/result_reader.h"
#include "gst/lease/result_room.h"
#include "gst/lease/standstill.h"
#include "gst/lease/verification.h"
#include "gst/wire/session.h"

namespace dist {

class Coordinator {
 public:
  struct Config {
    Dispatcher::Config dispatcher;
    // Empty: anyone may join.
    std::string secret;
    Door::Config door;
    // Workers are let go when all jobs are done, and so are workers that join later. False: workers
    // stay for the next job.
    bool lets_go_when_done = false;
  };
  struct JobConfig {
    unsigned max_attempts = 3;
    // Segments, results that were not delivered yet, and results that are arriving take no more
    // than this. Beyond it may go the results of the segment that is to be delivered next, one
    // result of another segment that is looked at, and the result of one exam.
    std::uint64_t max_bytes = 256u << 20;
    // Accept renditions from different encoders, as long as each carries its parameter sets
    // in-band.
    bool mixed_encoders = false;
    CheckRendition check_rendition = nullptr;  // Null: any are good.
    // Which results are looked at before they count, and whether workers are examined first. The
    // caller has to answer each LookWanted.
    Verification::Config verification = {};
    // A job ends in which no segment is done for so long although workers are there; 0: never.
    Instant stall_timeout = 0;
    // The caller has a store, and answers each ResultsSought with found(). Only of jobs that say
    // their renditions.
    bool has_store = false;
  };

  explicit Coordinator(const Config& config);

  // --- Connections. The caller chooses the ids, each once, growing, and a random nonce for each.
  // The caller sent a peer away before there was a connection.
  void tell_refused(const std::string& address, const std::string& reason, Instant now);
  // `address` is the peer's, with its port after the last colon.
  void connected(WorkerId id, const std::string& address, const wire::Nonce& nonce, Instant now);
  // Bytes from the peer; ignored once the connection was in Output::closing.
  void received(WorkerId id, std::span<const std::uint8_t> bytes, Instant now);
  // The connection is closed, by the caller or by the peer.
  void disconnected(WorkerId id, const std::string& reason, Instant now);
  // What to write; borrowed, valid until disconnected().
  Link& link(WorkerId id) { return *connections_.at(id)->session; }

  // --- Workers that need no connection of this coordinator, such as those of this process. They
  // leave with disconnected(), after which `port` is used no more.
  void join(WorkerId id, const std::string& name, const std::string& address, unsigned capacity,
            LeasePort& port, Instant now);
  // What such a worker says.
  void said(WorkerId id, PrimarySession::Event event, Instant now);

  // --- Jobs. The caller chooses the ids, each once.
  void add_job(JobId job, const JobConfig& config, Instant now);
  // What shall be made of the segments, said before the first of them: resolved, at least one, at
  // most kMaxRenditions. Workers are asked what they can make of it, and get no lease of the job
  // before they have answered. Without this call a result may have any renditions.
  void set_renditions(JobId job, const std::vector<RenditionSpec>& renditions, Instant now);
  // `sha256` is over the bytes of `segment`, which include the header.
  void submit(JobId job, std::shared_ptr<const SegmentHeader> header, BytesList segment,
              const wire::Digest& sha256, Instant now);
  // The answer to ResultsSought: results of other runs, which were accepted there, with the header
  // that they have in this job. Each is checked as if a worker had made it, but its pictures are
  // not looked at. Ignored if the segment was cancelled meanwhile, or if five seconds have passed:
  // then it was queued.
  void found(JobId job, std::uint64_t question, std::vector<ResultRendition> results, Instant now);
  // The results of this segment left this process's memory, or at least the caller's window.
  void delivered(JobId job, std::uint64_t index, Instant now);
  // The answer to LookWanted; ignored if the lease is over.
  void looked(LeaseId lease, const LookReport& look, Instant now);
  // No segment can be submitted until the earliest is delivered, because of a limit or because all
  // have been submitted. The earliest segment is hedged early then.
  void set_blocked(JobId job, bool blocked, Instant now);
  // Cancels all segments of the job, which then begins anew.
  void clear_job(JobId job, Instant now);
  // Every segment of the job is done.
  void finish_job(JobId job);
  void remove_job(JobId job, Instant now);
  // Lets all workers go.
  void say_goodbye(const std::string& reason);

  // --- Time
  // To be called at Output::next_wakeup at the latest.
  void advance(Instant now);

  // --- What came of it
  // A connection to be closed once its output is written, and why.
  struct Closing {
    WorkerId id = 0;
    std::string reason;
  };
  struct Output {
    std::vector<FarmEvent> events;
    std::vector<WorkerId> writable;  // Whose link() has something to write, by id.
    std::vector<Closing> closing;
    Instant next_wakeup = kNever;

    // There is nothing to do before next_wakeup.
    bool empty() const { return events.empty() && writable.empty() && closing.empty(); }
  };
  // All that came of the calls above, and of what the caller did with the output before. To be
  // taken after each call until empty: an output that is not empty may lead to calls.
  [[nodiscard]] Output take_output();

  const Dispatcher& dispatcher() const { return dispatcher_; }
  // How the jobs and the workers do, as observers are told.
  FarmStatus status(Instant now) const;
  // Bytes held for the job: segments, results that are not delivered, and what is arriving.
  std::uint64_t bytes_held(JobId job) const;

 private:
  struct Connection {
    WorkerInfo info;
    std::unique_ptr<PrimarySession> session;  // Null: it needs no connection.
    LeasePort* port = nullptr;                // The session's, or that of join().
    unsigned capacity = 0;
    bool joined = false;
    bool observes = false;  // No worker, and never joined.
    bool asks = false;      // For the status, how often does not matter.
    bool leaving = false;
    bool closing = false;
    Instant wakeup = kNever;  // Its place in wakeups_.
    // What of a result has arrived, and which job it counts for.
    std::uint64_t incoming = 0;
    LeaseId incoming_lease = 0;
    JobId incoming_job = 0;
    // For the status.
    Instant joined_at = 0;
    std::optional<Instant> first_lease_at;
    std::uint64_t results = 0;
    std::uint64_t frames = 0;  // Of the source, in these.
    std::uint64_t failures = 0;

    // Gets leases.
    bool works() const { return joined && !closing; }
  };
  using Segment = JobSegment;
  // What the workers of a job have said, and what it wants of them: survives clear_job().
  struct JobWorkers {
    explicit JobWorkers(const JobConfig& config)
        : verification(config.verification),
          exams(config.verification.golden, config.max_attempts) {}

    Verification verification;
    Exams exams;
    Abilities abilities;
    std::uint64_t query = 0;  // By which workers were asked for its renditions.
  };
  struct Sought {
    std::uint64_t index = 0;
    Instant since = 0;
  };
  // What becomes of the segments of a job: begins anew with clear_job().
  struct JobWork {
    explicit JobWork(const JobConfig& config)
        : room(config.max_bytes), standstill(config.stall_timeout) {}

    ResultRoom room;
    Standstill standstill;
    ResultCheck check;
    RenditionForms forms;
    std::map<std::uint64_t, Segment> segments;   // Not complete.
    std::map<std::uint64_t, Segment> kept;       // Complete, but some of its results provisional.
    std::set<std::uint64_t> provisional;         // Of which some results are.
    std::shared_ptr<const SegmentBytes> latest;  // That was submitted.
    // Segments that are not queued: those whose results are not sought yet, because no worker has
    // said its encoders or there is no room, and by their question those that the store is asked
    // for.
    std::set<std::uint64_t> unsought;
    std::map<std::uint64_t, Sought> sought;
    bool blocked = false;  // See set_blocked().
    bool done = false;
    bool waiting_told = false;
    bool stopped = false;  // There is no room for results.
    // For the status: what FarmStatus::JobStatus counts.
    std::optional<Instant> first_segment_at;
    std::uint64_t segments_done = 0;
    std::uint64_t frames_done = 0;
    std::uint64_t failures = 0;
    std::uint64_t hedges = 0;
  };
  struct Job : JobWorkers, JobWork {
    explicit Job(const JobConfig& c) : JobWorkers(c), JobWork(c), config(c) {}

    JobConfig config;
  };

  // A result that may count.
  struct Answer {
    SegmentDone done;
    std::uint64_t size = 0;      // Bytes, as it arrived.
    std::vector<Ability> offer;  // Of its worker, if it was asked: that may leave meanwhile.
  };
  // One that is being looked at.
  struct Held {
    Answer answer;
    std::shared_ptr<const void> awaited;
  };
  struct Failure {
    WorkerInfo worker;
    Dispatcher::Grant grant;
    std::string reason;
    Instant at = 0;
  };

  static constexpr char kJobDone[] = "the job is done";

  void handle(Connection& connection, PrimarySession::Joined& event, Instant now);
  void handle(Connection& connection, PrimarySession::LeaseAdvanced& event, Instant now);
  void handle(Connection& connection, PrimarySession::ResultReceived& event, Instant now);
  void handle(Connection& connection, PrimarySession::LeaseFailed& event, Instant now);
  void handle(Connection& connection, PrimarySession::Offered& event, Instant now);
  void handle(Connection& connection, PrimarySession::Retired& event, Instant now);
  void handle(Connection& connection, PrimarySession::Left& event, Instant);
  void handle(Connection& connection, PrimarySession::Observing& event, Instant);
  void handle(Connection& connection, PrimarySession::StatusAsked& event, Instant);
  ResultCheck::Verdict judge(const Job& job, ResultCheck& check, const SegmentDone& done) const;
  void hold(Answer answer, Job& job, Instant now);
  std::optional<Answer> take_held(LeaseId lease);
  void judge_look(Answer answer, const LookReport& look, Job& job, Instant now);
  void accuse(const SegmentDone& done, const std::string& reason, Instant now);
  void refute(WorkerId worker, const std::string& reason, Instant now);

  bool is_there(WorkerId worker) const;
  bool may_exceed(const Dispatcher::Grant& grant, const Job& job) const;
  bool admit_result(const Dispatcher::Grant& grant);
  const Segment& segment_of(const Dispatcher::Grant& grant) const;
  void require_exam(const Connection& connection, JobId id, Job& job, Instant now);
  void set_able(WorkerId worker, JobId id, Job& job, RenditionSet able, Instant now);
  void apply(const Exams::Step& step, JobId id, Instant now);
  void offer_golden(JobId id, Job& job, const Segment& segment, bool known, Instant now);
  void exam_looked(const SegmentDone& done, const LookReport& look, Instant now);
  void fail_exam(const SegmentDone& done, const std::string& reason, Instant now);
  void exam_failed(Dispatcher::Failure& failure, Instant now);
  void exam_lost(const WorkerInfo& worker, JobId id, Job& job, const std::string& reason,
                 Instant now);
  void queue(JobId id, Job& job, Segment& segment, RenditionSet renditions, Instant now);
  void seek(JobId id, Job& job, Instant now);
  static void name_encoders(Answer& answer, const Job& job);
  Answer fitting(const Job& job, const SegmentKey& segment,
                 std::vector<ResultRendition> results) const;
  void stop_waiting_for_store(JobId id, Job& job, Instant now);
  static Instant store_deadline(const Job& job);
  std::size_t open_segments(JobId id, const Job& job) const;
  std::uint64_t earliest_open(JobId id, const Job& job) const;
  void accept(Answer answer, Job& job, Instant now);
  void refuse(const ResultCheck::Verdict& verdict, const SegmentDone& done, Job& job, Instant now);
  void refuse_result(const SegmentDone& done, const std::string& reason, Dispatcher::Blame blame,
                     Instant now);
  // Borrows the job.
  RenditionForms::Workers workers_for(const Job& job) const;
  RenditionForms::Made made_of(const SegmentDone& done) const;
  static RenditionForms::Choice choice_of(const Job& job);
  bool holds_back(JobId id, Job& job) const;
  void settle(JobId id, Job& job);
  void settle_all(JobId id, Job& job);
  bool may_replace_form(const SegmentDone& done, Job& job, Instant now) const;
  void replace_form(const SegmentDone& done, Job& job);
  void refuse_form(const ResultCheck::Verdict& verdict, const SegmentDone& done, Job& job,
                   Instant now);
  void drop_form(JobId id, Job& job, const std::set<std::string>& renditions,
                 const std::string& reason);
  std::uint64_t take_back(JobId id, Job& job, std::uint64_t index,
                          const std::set<std::string>& renditions, ResultsTakenBack& event);
  bool put_in_context(Segment& segment) const;
  bool needs_context(const SegmentDone& done, Job& job, bool looked_at) const;
  std::uint64_t weigh(Job& job, SegmentDone& done) const;
  std::uint64_t more_held(const Job& job, SegmentDone& done) const;
  void keep(Answer answer, Job& job, Instant now);
  void enter(SegmentDone done, Job& job, Instant now);
  // Stays the same when a worker comes back; the slots of one process have it in common.
  static std::string identity_of(const WorkerInfo& worker);
  static void add_empty_renditions(const Job& job, Segment& segment, SegmentDone& done);
  void lose(Connection& connection, const std::string& reason, Instant now);
  void close(Connection& connection, const std::string& reason, Instant now);
  void end_greeting(const Connection& connection);
  void lease_failed(const WorkerInfo& worker, Dispatcher::Failure failure, Instant now);
  void tell_failed(const WorkerInfo& worker, const Dispatcher::Failure& failure);
  void segment_given_up(const Dispatcher::GivenUp& given_up);
  void give_up_exams(JobId id, Job& job, Instant now);
  static std::uint64_t frames_in(const Segment& segment);
  void note_result(const SegmentDone& done, Job& job);
  void note_failure(const WorkerInfo& worker, const Dispatcher::Failure& failure, Instant now);
  FarmStatus::JobStatus status_of(JobId id, const Job& job, Instant now) const;
  FarmStatus::WorkerStatus status_of(const Connection& connection, Instant now) const;
  void cancel(const std::vector<Dispatcher::Grant>& grants);
  void check_incoming(Connection& connection, Instant now);
  void put_off(const Dispatcher::Grant& grant, std::uint64_t size, Instant now);
  void make_room(const Dispatcher::Grant& grant);
  void lease_ended(LeaseId lease);
  void account_incoming(Connection& connection);
  void throttle(JobId id, Job& job);
  bool all_done() const;
  void ask(Connection& connection, JobId id, Job& job, Instant now);
  void update_ability(WorkerId worker, JobId id, Job& job, Instant now);
  void choose_encoders(const Answer& answer, Job& job, Instant now);
  void look_for_unable(JobId id, Job& job, Instant now);
  static RenditionSet confirmed(const Job& job, RenditionSet among);
  void look_for_stall(JobId id, Job& job, Instant now);
  std::string describe_stall(JobId id, const Job& job) const;
  void pump(Instant now);
  Instant next_wakeup() const;
  void watch(Connection& connection);

  const Config config_;
  Door door_;
  PrimarySession::Config session_config_;
  Dispatcher dispatcher_;
  std::map<JobId, Job> jobs_;
  std::unordered_map<WorkerId, std::unique_ptr<Connection>> connections_;
  std::set<std::pair<Instant, WorkerId>> wakeups_;

  std::map<LeaseId, Held> held_;
  std::deque<Failure> failures_;  // The latest, the newest first.
  std::uint64_t queries_ = 0;
  std::uint64_t questions_ = 0;  // To the store.
  // Output.
  std::vector<FarmEvent> events_;
  std::vector<WorkerId> writable_;  // Some more than once.
  std::vector<Closing> closing_;
};

}  // namespace dist
