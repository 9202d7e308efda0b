// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A simulated worker: a real session, an encoder that only takes time, and faults.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/wire/session.h"
#include "tests/sim/film.h"
#include "tests/sim/network.h"
#include "tests/sim/random.h"

namespace dist::sim {

// Chances in percent, drawn for each lease.
struct Faults {
  unsigned hang = 0;       // Stops somewhere, for good.
  unsigned fail = 0;       // Says that it cannot.
  unsigned wrong = 0;      // Answers with a flaw.
  unsigned crash = 0;      // Dies somewhere, and comes back.
  unsigned late = 0;       // Does not listen to a cancel, and answers.
  unsigned duplicate = 0;  // Answers twice.
  bool lies = false;       // All its answers show other pictures.
  bool any() const { return hang || fail || wrong || crash || late || duplicate || lies; }
};

// A time in which the worker is not itself.
struct Outage {
  enum class Kind {
    kCrash,      // Its process is gone.
    kLeave,      // The same, after a goodbye.
    kPartition,  // No packet gets through, in either direction.
    kFreeze,     // It does nothing at all.
    kRetire,     // It finishes what it has begun, and its process is gone then.
  };
  Kind kind = Kind::kCrash;
  Instant begin = 0;
  Instant end = kNever;
};

// What the worker can make of a job that says what it wants.
struct PipelineAdapter {
  // The encoder of each codec; any other codec cannot be made.
  std::map<std::string, std::string> encoders;
  // Not empty: a pipeline that somebody wrote. It offers everything and makes these, whatever is
  // wanted.
  std::vector<std::string> by_hand;
  Instant answers_after = 0;  // Being asked what it can do; kNever: it does not answer.

  // Null: it cannot be made.
  const std::string* encoder_of(const RenditionSpec& spec) const;
  std::vector<Ability> offer(const std::vector<RenditionSpec>& wanted) const;
  // What it makes when these are wanted.
  std::vector<Product> products(const std::vector<RenditionSpec>& wanted) const;
};

struct WorkerPlan {
  std::string name;
  std::uint16_t capacity = 1;
  Service service;           // For a segment.
  Instant report_every = 0;  // Between reports of progress; 0: it never reports.
  Instant joins_at = 0;
  Pipe::Quality up, down;
  unsigned renditions = 1;  // Of a job that does not say what it wants.
  PipelineAdapter adapter;
  std::size_t result_size = 64;
  Faults faults;
  std::vector<Outage> outages;

  // Never does anything wrong, but its process or its network may go away.
  bool is_honest() const { return !faults.any() && up.damage == 0 && down.damage == 0; }
  // Never to blame for anything at all.
  bool is_faultless() const { return is_honest() && outages.empty() && report_every != 0; }
};

class Worker : public Actor, public Pipe::Receiver {
 public:
  // Where it can be reached from and what it can reach.
  class Host {
   public:
    virtual ~Host() = default;
    virtual void connect(Worker& worker) = 0;
    // The worker's end of its connection is closed.
    virtual void disconnect(Worker& worker) = 0;
    // It has something to send.
    virtual void send(Worker& worker) = 0;
    virtual void partition(Worker& worker, bool partitioned) = 0;
    virtual void note(const Worker& worker, const std::string& text) = 0;
    // The primary did to it what it must not.
    virtual void complain(const Worker& worker, const std::string& text) = 0;
  };

  // `plan` has to outlive the worker.
  Worker(Timeline& timeline, Host& host, const WorkerPlan& plan, std::uint64_t seed);

  const WorkerPlan& plan() const { return plan_; }
  WorkerSession& session() { return *session_; }
  // Able to work, as far as it is up to the worker.
  bool is_well() const { return session_ && welcomed_ && outage_ < 0; }
  // The primary let it go.
  bool is_dismissed() const { return dismissed_; }
  // It gave leases back at some time, of which nothing is told.
  bool has_retired() const { return has_retired_; }
  // Sums of the service times of the answers that were sent.
  Instant busy() const { return busy_; }

  void on_event(unsigned what, std::uint64_t argument) override;
  void on_bytes(std::span<const std::uint8_t> bytes) override;
  void on_end() override;

 private:
  enum What : unsigned { kJoin, kOutageBegins, kOutageEnds, kTimer, kReport, kStop, kOffer };
  enum class Fate { kAnswer, kWrong, kFail, kHang, kCrash };
  struct Task {
    std::uint64_t lease = 0;
    Bytes source;
    std::vector<RenditionSpec> wanted;  // Empty: whatever it makes.
  };
  struct Question {
    std::uint64_t epoch = 0;
    std::uint64_t job = 0;
    std::vector<RenditionSpec> wanted;
  };
  struct Running {
    Task task;
    std::uint64_t number = 0;
    Fate fate = Fate::kAnswer;
    Instant began = 0;
    Instant service = 0;
    Instant stops = 0;        // When its fate is fulfilled.
    std::uint32_t units = 1;  // Of the segment.
    std::uint32_t reported = 0;
  };

  void join();
  void drop_connection();
  void rejoin_later();
  void begin_outage(std::size_t number);
  void retire();
  void end_outage(std::size_t number);
  bool is_frozen() const;
  void handle(const WorkerSession::Event& event);
  void asked(const WorkerSession::Wanted& wanted);
  void offer(const Question& question);
  void leased(const WorkerSession::Leased& leased);
  void cancelled(std::uint64_t lease);
  void begin_next();
  void report();
  void stop();
  void answer();

  Timeline& timeline_;
  Host& host_;
  const WorkerPlan& plan_;
  Random random_;
  std::unique_ptr<WorkerSession> session_;
  std::uint64_t epoch_ = 0;  // Counts connections.
  bool welcomed_ = false;
  bool dismissed_ = false;
  bool has_retired_ = false;
  int outage_ = -1;  // The one that is on; -1: none.
  std::vector<Question> questions_;
  std::vector<RenditionSpec> offered_;  // Over this connection.
  std::vector<Task> tasks_;             // A queue.
  std::optional<Running> running_;
  std::uint64_t numbers_ = 0;
  Instant busy_ = 0;
  // What came while it was frozen.
  std::vector<std::uint8_t> unread_;
  bool unread_end_ = false;
  std::vector<std::pair<unsigned, std::uint64_t>> missed_;
};

}  // namespace dist::sim
