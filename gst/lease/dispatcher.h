// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which worker gets which segment, and when a lease is over. A pure state machine without socket,
// thread, clock or file. The caller says what happened, asks for grants until there is none, and
// comes back at next_wakeup(). docs/design/leases.md explains the rules. With n workers and open
// segments every operation takes O(log n) for each lease that begins or ends, times the number of
// different abilities among the workers.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "gst/base/instant.h"
#include "gst/lease/quantiles.h"

namespace dist {

using WorkerId = std::uint64_t;
using LeaseId = std::uint64_t;
using JobId = std::uint64_t;

// Some of a job's renditions, a bit for each.
using RenditionSet = std::uint32_t;

// A segment, or a part of it: some of its renditions. No two parts have one in common.
struct SegmentKey {
  JobId job = 0;
  std::uint64_t index = 0;
  int first = 0;  // The lowest rendition of the part.
  // Set: this worker makes it as an exam, and it is none of the job's own segments.
  std::optional<WorkerId> examinee = {};
  auto operator<=>(const SegmentKey&) const = default;
};

class Dispatcher {
 public:
  struct Config {
    // A lease that shows no progress ends after `deadline_floor` + `deadline_factor` times the
    // longest silence that this worker lately showed in a lease of this job.
    Instant deadline_floor = 2'000 * kMillisecond;
    double deadline_factor = 3;
    // That silence, of a worker that has not answered yet.
    Instant first_silence = 5'000 * kMillisecond;
    // Twice that silence is expected of a worker after its lease expired, in case it was slow and
    // not dead, but no more than this.
    Instant longest_silence = 60'000 * kMillisecond;
    // A worker gets no lease for so long after it failed repeatedly; doubled each time up to the
    // longest.
    Instant suspension = 1'000 * kMillisecond;
    Instant longest_suspension = 60'000 * kMillisecond;
  };

  // The worker shall make these renditions of the segment.
  struct Grant {
    LeaseId lease = 0;
    WorkerId worker = 0;
    SegmentKey segment;
    RenditionSet renditions = 0;
    // From 1; counts all leases of this part of the segment.
    unsigned attempt = 0;
    // Others hold leases of it too.
    bool hedge = false;
    Instant granted = 0;

    bool is_exam() const { return segment.examinee.has_value(); }
  };

  // A lease that ended without a result, and what follows from that.
  struct Failure {
    Grant grant;
    std::string reason;
    // Set when the segment is given up: one line with all its attempts and their reasons.
    std::string given_up{};
    // The worker gets no lease for so long; 0: it is not suspended.
    Instant suspended = 0;
    // Further leases that are over, to be cancelled at their workers, without blame.
    std::vector<Grant> cancelled{};
  };

  explicit Dispatcher(const Config& config) : config_(config) {}

  // Segments belong to jobs, between which the workers are shared fairly. A segment is given up
  // when
  // - it failed `max_attempts` times, and every connected worker that could make it has failed it;
  //   or
  // - it failed ten times as often, and a minute has passed.
  // In the first case the segment is kept for workers that still come, until ten seconds after its
  // first failure: give_up(). Workers that failed the segment get no further lease of it meanwhile.
  // A segment that a worker of this process has failed is not kept.
  // Failures of one identity are one attempt, unless no other worker could make the segment, or
  // other workers hold leases of it at that time. A lost or silent worker is no attempt if it had
  // said nothing of the lease, or if other workers hold leases of the segment too: a network that
  // breaks down must not use up all attempts within a moment. Each part of a segment counts for
  // itself. `weights` says how much work each of the job's renditions is, in any measure, apart
  // from sending and decoding the segment.
  void add_job(JobId job, unsigned max_attempts, std::vector<double> weights = {1});
  // Forgets the job's segments and exams, and returns the leases to be cancelled. Of clear_job()
  // the job remains.
  std::vector<Grant> remove_job(JobId job, Instant now);
  std::vector<Grant> clear_job(JobId job, Instant now);
  // The job can bring no more segments until its earliest segment is complete. The earliest segment
  // is hedged early then.
  void set_blocked(JobId job, bool blocked);
  // There is no memory for the results of the job's segments, unless of the earliest.
  enum class Throttle { kNone, kEarliestOnly, kStopped };
  void set_throttle(JobId job, Throttle throttle);

  // Queues a segment; each once. `work` is any measure of its size, equal for all of the job;
  // `renditions` are those to be made of it.
  void add_segment(SegmentKey segment, double work, RenditionSet renditions = 1);

  // These renditions of the segment were complete and are to be made anew: they are queued again,
  // beside the open parts of the segment.
  void reopen(SegmentKey segment, double work, RenditionSet renditions = 1);

  // The worker, and no other, is to make these renditions of the segment as an exam: the result is
  // none of the job's. One exam of a job at a time for each worker; nothing if it has one. The exam
  // takes its turn among the jobs as if it were one, and has the job's attempts and weights, as
  // they are now. An exam is not hedged, is not counted among the job's segments and leases, and
  // heeds neither set_ability() nor set_throttle(). It ends with end_exam(), with its worker, and
  // with the job's segments.
  void begin_exam(SegmentKey segment, WorkerId worker, double work, RenditionSet renditions);
  // Returns the exam's lease, to be cancelled. Nothing if there is none.
  std::optional<Grant> end_exam(JobId job, WorkerId worker, Instant now);
  // There is no memory for the results of more exams of the job.
  void stop_exams(JobId job, bool stopped);

  // A worker that holds up to `capacity` leases at a time and works on them in the order in which
  // they were granted. Ids are never used again. `process`: that of workers which share processors;
  // empty: its own. `identity` stays the same when the worker connects again; empty: unknown.
  // `own`: the worker is one of this process, and no newcomer is awaited for a segment that it
  // failed.
  void add_worker(WorkerId worker, unsigned capacity, std::string name, std::string process = {},
                  std::string identity = {}, bool own = false);

  // The renditions of a job that the worker can make: all, until this says otherwise. A worker that
  // can make only some of a segment gets these as a part of it.
  void set_ability(WorkerId worker, JobId job, RenditionSet renditions);
  RenditionSet ability(WorkerId worker, JobId job) const;
  // Renditions that are queued and that no worker can make.
  RenditionSet unable(JobId job) const;

  // The worker is gone; its leases end and their segments are queued again. The lease it was
  // working on, its oldest, counts as a failed attempt unless the worker left in good order; the
  // others it had not begun.
  std::vector<Failure> remove_worker(WorkerId worker, bool in_good_order, const std::string& reason,
                                     Instant now);

  // The worker gets no lease any more, and keeps only these. Its other leases are over, without
  // blame. Returns them, to be cancelled at the worker.
  std::vector<Grant> retire(WorkerId worker, const std::vector<LeaseId>& kept, Instant now);

  // The next lease to grant, or nothing. Takes the job with the fewest leases, its earliest
  // segment, and the worker that will probably finish it first; a worker that failed a segment gets
  // it again only when there is no other. When nothing is queued, late leases are hedged on idle
  // workers; so is the copy when that is late too, less and less often from four leases on. A
  // worker of the same process gets none while the lease makes progress: it would only slow it
  // down. Call until it returns nothing.
  std::optional<Grant> next_grant(Instant now);

  // The worker is alive: it has got the lease, or more of it is done than before. Renews the
  // deadline.
  void progress(WorkerId worker, LeaseId lease, Instant now);

  // The worker has answered, and the caller is to decide on the answer later: the lease goes on
  // until complete(), fail() or release(), even if the worker leaves meanwhile. An answered lease
  // has no deadline and is not hedged. The worker gets other leases meanwhile, unless as many of
  // its answers wait as it may hold leases.
  void answered(WorkerId worker, LeaseId lease, Instant now);

  // The result of a lease was accepted, with these of its renditions, at least one; the others are
  // queued again. Returns the leases to be cancelled: others of the same part. Nothing if the
  // worker does not hold that lease.
  std::optional<std::vector<Grant>> complete(WorkerId worker, LeaseId lease, Instant now,
                                             RenditionSet made = ~RenditionSet{0});

  // The worker could not do it, or its result was refused; the segment is queued again. `blame`:
  // whether the worker is to blame, and whether this is a failed attempt at the segment. A worker
  // without blame gets the segment again only when there is nothing else for it. Nothing if the
  // worker does not hold that lease.
  enum class Blame { kNobody, kWorker, kAttempt };
  std::optional<Failure> fail(WorkerId worker, LeaseId lease, const std::string& reason,
                              Instant now, Blame blame = Blame::kAttempt);

  // The caller has other evidence against the worker: it gets no lease for the longest suspension,
  // and the leases that it holds and has answered are over. Returns how long the suspension is, and
  // the leases to be cancelled.
  struct Suspension {
    Instant duration = 0;
    std::vector<Grant> cancelled;
  };
  Suspension suspend(WorkerId worker, Instant now);

  // The lease is over without blame; the segment is queued again. Returns the lease, to be
  // cancelled at its worker.
  std::optional<Grant> release(WorkerId worker, LeaseId lease, Instant now);

  // A lease whose deadline has passed; it has to be cancelled at its worker, which is suspended.
  // Call until it returns nothing.
  std::optional<Failure> expire(Instant now);

  // A segment, or a part of it, that was kept for workers that still come. No worker that could
  // make it has come. Call until it returns nothing.
  struct GivenUp {
    Grant last;          // The last lease that failed.
    std::string worker;  // The name of its worker, which may be gone.
    std::string reason;  // As in Failure::given_up.
  };
  std::optional<GivenUp> give_up(Instant now);

  // When to call expire(), give_up() and next_grant() again although nothing happened.
  Instant next_wakeup() const;

  // Null if the worker neither holds that lease nor has answered it.
  const Grant* find(WorkerId worker, LeaseId lease) const;
  // The next lease gets this id, and later ones greater ones.
  LeaseId next_lease() const { return next_lease_; }
  // The leases of that part of a segment, answered or not; of all of the job's, by segment; and of
  // the worker's exam, if it has one and that is leased.
  std::vector<Grant> leases_of(SegmentKey segment) const;
  std::vector<Grant> leases_of(JobId job) const;
  std::optional<Grant> exam_lease(JobId job, WorkerId worker) const;
  // Those that the worker has answered, then those that it holds, the oldest first.
  std::vector<Grant> leases_held(WorkerId worker) const;
  // Until then the worker gets no lease; 0: it is not suspended.
  Instant suspended_until(WorkerId worker) const { return workers_.at(worker).suspended_until; }
  // How many parts of the segment are not complete, and whether there are any.
  std::size_t open_parts(JobId job, std::uint64_t index) const;
  bool is_open(JobId job, std::uint64_t index) const { return open_parts(job, index) != 0; }
  // The job's earliest segment that is not complete.
  std::optional<std::uint64_t> earliest(JobId job) const;

  std::size_t workers() const { return workers_.size(); }
  std::size_t open_segments(JobId job) const;
  // Those that are not answered: of the job's segments, and of its exams.
  std::size_t leases(JobId job) const;
  std::size_t exam_leases(JobId job) const;

 private:
  // With fewer workers that have completed no lease, or leases of theirs, none is kept out.
  static constexpr std::size_t kCrowd = 16;

  // What is queued together: the segments of a job, or an exam of it.
  struct QueueId {
    std::optional<WorkerId> examinee = {};
    JobId job = 0;

    QueueId(JobId id) : job(id) {}
    QueueId(JobId id, WorkerId worker) : examinee(worker), job(id) {}
    QueueId(const SegmentKey& key) : examinee(key.examinee), job(key.job) {}
    auto operator<=>(const QueueId&) const = default;
  };

  // The jobs of which a worker cannot make everything.
  using Abilities = std::map<JobId, RenditionSet>;
  // Workers that can make the same.
  struct Group {
    std::set<WorkerId> members;
    std::set<std::pair<double, WorkerId>> free;  // Those with room, by expected finish.
    std::set<std::pair<double, WorkerId>> idle;  // Those of them that hold nothing.
  };
  using Groups = std::map<Abilities, Group>;

  struct Worker {
    unsigned capacity = 0;
    std::string name;
    std::string process;  // Empty: its own.
    std::string identity;
    bool own = false;
    std::uint64_t completed = 0;  // Leases.
    bool tried = false;           // It has been granted one.
    Groups::iterator group;
    std::vector<LeaseId> leases;  // The oldest first.
    std::vector<LeaseId> answered;
    // The longest in a lease of these renditions; decays.
    std::map<std::pair<QueueId, RenditionSet>, Instant> silence;
    double nanoseconds = 0;       // For a unit of work, lately; 0: unknown.
    std::set<SegmentKey> failed;  // Open parts that it failed.
    bool proven = false;          // It has completed a lease.
    unsigned failures = 0;        // In a row.
    unsigned suspensions = 0;
    bool on_probation = false;        // Has one lease at a time until it completes one.
    Instant suspended_until = 0;      // 0: it is not.
    std::pair<double, WorkerId> key;  // Its place in its group.
  };
  struct Lease {
    Grant grant;
    bool confirmed = false;  // The worker has said something of it.
    Instant began = kNever;  // When its worker could begin; kNever: it is at an older lease.
    Instant heard = 0;       // Last sign of life since then.
    Instant silence = 0;     // The longest between two of them.
    Instant deadline = kNever;
    Instant listed = kNever;  // Its place in deadlines_, not later than the deadline.
    Instant answered = kNever;
    bool is_trial = false;  // Its worker had completed none when it began.
  };
  // Renditions of a segment that are leased together, and not complete.
  struct Part {
    RenditionSet renditions = 0;
    double work = 1;                  // Of one rendition of weight 1.
    unsigned attempts = 0;            // Leases granted.
    unsigned failures = 0;            // Attempts that count as failed.
    std::set<WorkerId> failed_on;     // Of those that are still there.
    std::set<std::string> failed_by;  // Identities, also of those that are gone.
    Instant first_failed = kNever;
    Grant last_failed{};
    std::string last_failed_by;   // A worker's name.
    bool failed_by_own = false;   // By a worker of this process.
    Instant kept_until = kNever;  // For workers that still come.
    unsigned too_slow = 0;        // Leases that ended because they took too long.
    bool doubtful = false;        // Its last failure did not count.
    std::string history;
    std::vector<LeaseId> leases;  // The oldest first.
  };
  struct Queue {
    unsigned max_attempts = 3;
    std::vector<double> weights;
    bool blocked = false;
    Throttle throttle = Throttle::kNone;
    bool exams_stopped = false;
    std::set<WorkerId> examinees;  // Of the exams of this job.
    std::uint64_t begun = 0;       // When the exam began, counted in exams; 0: it is none.
    std::map<SegmentKey, Part> parts;
    std::size_t open_segments = 0;
    std::map<RenditionSet, std::set<SegmentKey>> queued;
    std::set<LeaseId> newest;   // Of each part that has fewer than the usual copies.
    std::set<LeaseId> crowded;  // Of each other that is leased.
    std::set<LeaseId> waiting;  // Those of them with which the worker has not begun.
    std::size_t leases = 0;     // Not answered.
    std::uint64_t served = 0;   // When it got its last grant, counted in grants.
    Quantiles times;            // Nanoseconds for a unit of work, from grant to result.
  };
  // The queue with the fewest leases comes first, then the one served longest ago, then a job
  // before an exam and the exams in the order in which they began.
  using Turn = std::tuple<std::size_t, std::uint64_t, std::uint64_t, QueueId>;

  Part& part(SegmentKey key) { return queues_.at(key).parts.at(key); }
  static double work_of(const Queue& queue, const Part& part);
  static Turn turn(const QueueId& id, const Queue& queue) {
    return {queue.leases, queue.served, queue.begun, id};
  }
  bool is_stopped(const QueueId& id, const Queue& queue) const;
  std::vector<Grant> clear(const QueueId& id, Instant now);
  std::vector<Grant> leases_in(const QueueId& id) const;
  std::size_t count_parts(const SegmentKey& key) const;
  SegmentKey add_part(SegmentKey segment, Part part);
  Part take_part(SegmentKey key);
  void forget_part(SegmentKey key);
  SegmentKey split(SegmentKey key, RenditionSet taken);
  void enqueue(SegmentKey key);
  void dequeue(SegmentKey key);

  static RenditionSet ability_of(const Groups::value_type& group, const QueueId& queue);
  void join_group(WorkerId id, Worker& worker, Abilities abilities);
  void leave_group(WorkerId id, const Worker& worker);
  void list(WorkerId id, Worker& worker);
  void unlist(const Worker& worker);
  Suspension suspend(WorkerId id, Instant duration, Instant now);
  void suspend_for(Failure& failure, Instant now);
  void end_suspensions(Instant now);

  bool has_work(const Groups::value_type& group) const;
  bool is_free(WorkerId worker, const Group& group) const;
  std::size_t count_able(SegmentKey key, const Part& part) const;
  bool failed_by_all(SegmentKey key, const Part& part) const;
  bool is_hopeless(SegmentKey key, const Part& part, Instant now) const;
  bool keep_for_newcomers(SegmentKey key, Part& part, Instant now);
  bool is_next_to_try(WorkerId worker, SegmentKey key, const Part& part) const;
  bool has_trials_left() const;
  bool may_take(WorkerId worker, SegmentKey key, const Part& part) const;
  std::optional<SegmentKey> queued_for(WorkerId worker, RenditionSet able, const QueueId& id) const;
  Grant begin(WorkerId worker, SegmentKey key, Instant now);
  void start_front(Worker& worker, Instant now);
  bool is_answered(const Part& part) const;
  void update_newest(const Part& part, Queue& queue);
  bool is_late(const Queue& queue, LeaseId lease, double share, double times, Instant now);
  std::vector<LeaseId> late_leases(const Queue& queue, Instant now);
  template <typename Fits>
  std::optional<WorkerId> find_idle(SegmentKey key, RenditionSet renditions, Fits fits) const;
  bool would_slow_down(WorkerId worker, const Part& part, Instant now);
  std::optional<WorkerId> hedger(const Queue& queue, LeaseId late, Instant now);
  std::optional<Grant> try_untried(const Queue& queue, Instant now);
  std::optional<Grant> hedge(Instant now);

  void lay_down(Lease& lease);
  Lease take_away(const Grant& grant);
  void resume(WorkerId id, Worker& worker, Instant now);
  void end(const Grant& grant, Instant now);
  void requeue(SegmentKey key);
  Failure fail_lease(const Grant& grant, const std::string& reason, bool counts, Instant now);
  void settle_failure(Failure& failure, const Worker* worker, bool counts, Instant now);

  Instant silence_of(const Worker& worker, const Grant& grant) const;
  void learn_silence(Worker& worker, const Lease& lease, Instant now);
  void renew(Lease& lease, const Worker& worker);
  Instant longest_lease(const Grant& grant) const;

  Config config_;
  std::map<WorkerId, Worker> workers_;
  Groups groups_;
  std::map<QueueId, Queue> queues_;
  std::unordered_map<LeaseId, Lease> leases_;
  std::set<Turn> turns_;  // Of those in which something is queued.
  std::set<std::pair<Instant, LeaseId>> deadlines_;
  std::set<std::pair<Instant, WorkerId>> suspended_;
  std::set<std::pair<Instant, SegmentKey>> kept_;  // Parts, by kept_until.
  Instant hedge_at_ = kNever;  // When the next lease will be late; set by next_grant().
  LeaseId next_lease_ = 1;
  std::uint64_t grants_ = 0;
  std::uint64_t exams_ = 0;  // That have begun.
  std::size_t proven_workers_ = 0;
  std::size_t trials_ = 0;  // Leases that are trials and not answered.
};

}  // namespace dist
