// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How well and how fast the dispatcher serves a large farm, under virtual time.
//
//   sim-scale efficiency [WORKERS SEGMENTS [SEED]]  heavy tail, 5 % of the workers dying a minute;
//                                                   fails under 0.95 of the best list schedule
//   sim-scale speed [WORKERS SEGMENTS]              the dispatcher alone
//   sim-scale sessions [WORKERS SEGMENTS]           with sessions, the wire and all checks
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gst/lease/dispatcher.h"
#include "tests/sim/random.h"
#include "tests/sim/world.h"

namespace {

using namespace dist;
using namespace dist::sim;

constexpr JobId kJob = 1;
constexpr double kLeastEfficiency = 0.95;

struct Shape {
  std::size_t workers = 1'000;
  std::uint64_t segments = 500'000;
  std::uint64_t window = 4'000;
  unsigned capacity = 2;
  Service service{Service::Kind::kPareto, 2};
  double deaths_each_minute = 0.05;  // Share of the workers.
  // Every other death is a crash, which closes the connection; of the others nobody hears, until
  // the lease or the connection has been silent for too long.
  bool deaths = true;
  Instant back_after = 30 * kOneSecond;
  Instant report_every = kOneSecond;
  Dispatcher::Config config;
  bool hedges = true;
  std::uint64_t seed = 1;
};

// What worker `slot` lives through, and what each attempt takes: the same for the dispatcher and
// for the list schedule.
class Fate {
 public:
  explicit Fate(const Shape& shape) : shape_(shape) {
    for (std::size_t i = 0; i < shape.workers; ++i)
      deaths_.emplace_back(shape.seed ^ (i + 1) * 0xd1342543de82ef95);
  }
  // How long the worker lives from now on. Called in the order of its lives.
  Instant life(std::size_t slot) {
    if (!shape_.deaths)
      return kNever / 2;
    return static_cast<Instant>(deaths_[slot].exponential(60 / shape_.deaths_each_minute) * 1e9);
  }
  bool dies_silently(std::size_t slot) { return deaths_[slot].chance(50); }
  Instant service(std::uint64_t segment, unsigned attempt) const {
    Random random(shape_.seed * 0x9e3779b97f4a7c15 + segment * 1'000'003 + attempt);
    random.bits();
    return shape_.service.draw(random);
  }

 private:
  const Shape& shape_;
  std::vector<Random> deaths_;
};

struct Event {
  enum Kind : std::uint8_t { kJoin, kDie, kLost, kFinish, kReport, kWakeup };
  Instant time = 0;
  std::uint64_t number = 0;
  Kind kind = kJoin;
  std::size_t slot = 0;
  std::uint64_t id = 0;  // Of the worker's life or of the lease.
  bool operator<(const Event& other) const {
    return time != other.time ? time > other.time : number > other.number;
  }
};

class Events {
 public:
  void at(Instant time, Event::Kind kind, std::size_t slot, std::uint64_t id) {
    queue_.push({time, number_++, kind, slot, id});
  }
  Event next() {
    const Event event = queue_.top();
    queue_.pop();
    return event;
  }

 private:
  std::priority_queue<Event> queue_;
  std::uint64_t number_ = 0;
};

// The best list schedule: whenever a worker is there and free it takes the earliest segment that
// nobody has, at once and for as long as the attempt takes. It knows of a death at once, and gives
// the segment to the next free worker as the next attempt. It has no window, sends no bytes, and
// makes no second copies, so its last segments can take long: of two runs the longer one says more
// about a farm at work. Returns the seconds until the last segment is done.
double list_schedule(const Shape& shape) {
  Fate fate(shape);
  Events events;
  std::set<std::pair<std::uint64_t, unsigned>> again;  // Segments and attempts.
  std::uint64_t next = 0;
  std::uint64_t done = 0;
  std::vector<std::pair<std::uint64_t, unsigned>> at(shape.workers);
  std::vector<std::uint64_t> life(shape.workers, 0);  // Odd: it is there.
  std::vector<char> busy(shape.workers, 0);
  std::set<std::size_t> idle;
  Instant now = 0;
  const auto take = [&](std::size_t slot) {
    if (again.empty() && next == shape.segments) {
      idle.insert(slot);
      return;
    }
    if (again.empty())
      again.emplace(next++, 1);
    at[slot] = *again.begin();
    again.erase(again.begin());
    busy[slot] = 1;
    events.at(now + fate.service(at[slot].first, at[slot].second), Event::kFinish, slot,
              life[slot]);
  };
  for (std::size_t slot = 0; slot < shape.workers; ++slot)
    events.at(0, Event::kJoin, slot, 0);
  while (done < shape.segments) {
    const Event event = events.next();
    now = event.time;
    if (event.kind == Event::kJoin) {
      ++life[event.slot];
      events.at(now + fate.life(event.slot), Event::kDie, event.slot, life[event.slot]);
      take(event.slot);
    } else if (event.id == life[event.slot] && event.kind == Event::kFinish) {
      ++done;
      busy[event.slot] = 0;
      take(event.slot);
    } else if (event.id == life[event.slot] && event.kind == Event::kDie) {
      ++life[event.slot];
      fate.dies_silently(event.slot);
      idle.erase(event.slot);
      events.at(now + shape.back_after, Event::kJoin, event.slot, 0);
      if (std::exchange(busy[event.slot], 0) == 0)
        continue;
      again.emplace(at[event.slot].first, at[event.slot].second + 1);
      if (!idle.empty()) {
        const std::size_t slot = *idle.begin();
        idle.erase(idle.begin());
        take(slot);
      }
    }
  }
  return static_cast<double>(now) / 1e9;
}

// The same farm with the dispatcher, a window, and deaths that have to be noticed.
class Farm {
 public:
  explicit Farm(const Shape& shape)
      : shape_(shape), fate_(shape), dispatcher_(shape.config), slots_(shape.workers) {}

  // Returns the seconds until the last segment is done.
  double run() {
    dispatcher_.add_job(kJob, 1'000'000);
    for (std::size_t slot = 0; slot < shape_.workers; ++slot)
      events_.at(0, Event::kJoin, slot, 0);
    submit();
    while (done_ < shape_.segments) {
      const Event event = events_.next();
      now_ = event.time;
      handle(event);
      pump();
    }
    return static_cast<double>(now_) / 1e9;
  }
  std::uint64_t hedges() const { return hedges_; }
  std::uint64_t expired() const { return expired_; }
  double wasted() const { return wasted_; }

 private:
  struct Slot {
    WorkerId worker = 0;  // 0: it is not there.
    bool dead = false;    // And the dispatcher does not know.
    bool silent = false;
    Instant began = 0;
    std::deque<Dispatcher::Grant> held;  // It works on the first.
  };

  void handle(const Event& event) {
    Slot& slot = slots_[event.slot];
    switch (event.kind) {
      case Event::kJoin:
        slot.worker = ++last_worker_;
        slot.dead = false;
        slot_of_.resize(last_worker_ + 1);
        slot_of_[last_worker_] = event.slot;
        dispatcher_.add_worker(last_worker_, shape_.capacity, "w");
        events_.at(now_ + fate_.life(event.slot), Event::kDie, event.slot, last_worker_);
        break;
      case Event::kDie:
        slot.dead = true;
        events_.at(now_ + (fate_.dies_silently(event.slot) ? kSilence : 0), Event::kLost,
                   event.slot, slot.worker);
        events_.at(now_ + shape_.back_after, Event::kJoin, event.slot, 0);
        slot.held.clear();
        slot.worker = 0;
        break;
      case Event::kLost:
        dispatcher_.remove_worker(event.id, false, "lost", now_);
        break;
      case Event::kFinish:
        if (is_at(slot, event.id))
          finish(slot);
        break;
      case Event::kReport:
        if (!is_at(slot, event.id))
          break;
        dispatcher_.progress(slot.worker, event.id, now_);
        events_.at(now_ + shape_.report_every, Event::kReport, event.slot, event.id);
        break;
      case Event::kWakeup:
        if (now_ >= wakeup_)
          wakeup_ = kNever;
        break;
    }
  }

  static bool is_at(const Slot& slot, LeaseId lease) {
    return !slot.held.empty() && slot.held.front().lease == lease;
  }

  void finish(Slot& slot) {
    const Dispatcher::Grant grant = slot.held.front();
    slot.held.pop_front();
    const auto cancelled = dispatcher_.complete(slot.worker, grant.lease, now_);
    begin(slot);
    if (!cancelled)
      return;
    drop(*cancelled);
    ++done_;
    out_of_order_.insert(grant.segment.index);
    while (out_of_order_.erase(next_join_) != 0)
      ++next_join_;
    submit();
  }

  void drop(const std::vector<Dispatcher::Grant>& grants) {
    for (const Dispatcher::Grant& grant : grants) {
      Slot& slot = slots_[slot_of_[grant.worker]];
      if (slot.worker != grant.worker)
        continue;
      const bool first = is_at(slot, grant.lease);
      if (first)
        wasted_ += static_cast<double>(now_ - slot.began) / 1e9;
      std::erase_if(slot.held, [&](const auto& held) { return held.lease == grant.lease; });
      if (first)
        begin(slot);
    }
  }

  void begin(Slot& slot) {
    if (slot.held.empty())
      return;
    const Dispatcher::Grant& grant = slot.held.front();
    const auto number = static_cast<std::size_t>(&slot - slots_.data());
    slot.began = now_;
    events_.at(now_ + fate_.service(grant.segment.index, grant.attempt), Event::kFinish, number,
               grant.lease);
    if (shape_.report_every != 0)
      events_.at(now_ + shape_.report_every, Event::kReport, number, grant.lease);
  }

  void submit() {
    while (next_submit_ < shape_.segments && next_submit_ < next_join_ + shape_.window)
      dispatcher_.add_segment({kJob, next_submit_++}, 1);
    const bool blocked = next_submit_ < shape_.segments;
    if (blocked != blocked_)
      dispatcher_.set_blocked(kJob, true);
    blocked_ = blocked;
  }

  void pump() {
    while (const auto failure = dispatcher_.expire(now_)) {
      ++expired_;
      drop({failure->grant});
      drop(failure->cancelled);
    }
    while (const auto grant = dispatcher_.next_grant(now_)) {
      hedges_ += grant->hedge ? 1 : 0;
      Slot& slot = slots_[slot_of_[grant->worker]];
      if (slot.worker != grant->worker)
        continue;  // It is dead.
      slot.held.push_back(*grant);
      if (slot.held.size() == 1)
        begin(slot);
    }
    if (dispatcher_.next_wakeup() < wakeup_) {
      wakeup_ = dispatcher_.next_wakeup();
      events_.at(wakeup_, Event::kWakeup, 0, 0);
    }
  }

  static constexpr Instant kSilence = 15 * kOneSecond;

  const Shape& shape_;
  Fate fate_;
  Dispatcher dispatcher_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> slot_of_;
  Events events_;
  Instant now_ = 0;
  Instant wakeup_ = kNever;
  WorkerId last_worker_ = 0;
  std::uint64_t next_submit_ = 0;
  std::uint64_t next_join_ = 0;
  std::uint64_t done_ = 0;
  std::set<std::uint64_t> out_of_order_;
  bool blocked_ = false;
  std::uint64_t hedges_ = 0;
  std::uint64_t expired_ = 0;
  double wasted_ = 0;
};

// Of this process alone, whoever else uses the machine.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

int show_efficiency(Shape shape) {
  const double best = list_schedule(shape);
  Farm farm(shape);
  const double makespan = farm.run();
  std::printf(
      "%zu workers, %llu segments, window %llu, %u leases each, seed %llu: makespan %.1f s, "
      "of the list schedule %.1f s: efficiency %.3f of it; %llu hedges, %llu leases expired, "
      "%.1f %% of the time went into copies\n",
      shape.workers, static_cast<unsigned long long>(shape.segments),
      static_cast<unsigned long long>(shape.window), shape.capacity,
      static_cast<unsigned long long>(shape.seed), makespan, best, best / makespan,
      static_cast<unsigned long long>(farm.hedges()),
      static_cast<unsigned long long>(farm.expired()),
      100 * farm.wasted() / (makespan * static_cast<double>(shape.workers)));
  if (best / makespan >= kLeastEfficiency)
    return 0;
  std::fprintf(stderr, "seed %llu: the efficiency is to be %.2f at least\n",
               static_cast<unsigned long long>(shape.seed), kLeastEfficiency);
  return 1;
}

int show_speed(const Shape& shape) {
  Farm farm(shape);
  const double makespan = farm.run();
  std::printf(
      "%zu workers, %llu segments, dispatcher alone: %.1f CPU s for %.0f virtual s, %llu hedges\n",
      shape.workers, static_cast<unsigned long long>(shape.segments), cpu_seconds(), makespan,
      static_cast<unsigned long long>(farm.hedges()));
  return 0;
}

int show_sessions(const Shape& shape) {
  Scenario scenario;
  scenario.kind = "scale";
  // Each seed of the test compares four times as often.
  scenario.leases_compared_each_step = 1;
  JobPlan job;
  job.segments = shape.segments;
  job.window_segments = shape.window;
  job.window_bytes = job.max_bytes = std::uint64_t{1} << 40;
  job.max_attempts = 1'000;
  scenario.jobs = {job};
  scenario.workers.resize(shape.workers);
  for (std::size_t i = 0; i < shape.workers; ++i) {
    WorkerPlan& worker = scenario.workers[i];
    worker.name = "w" + std::to_string(i);
    worker.capacity = static_cast<std::uint16_t>(shape.capacity);
    worker.service = shape.service;
    worker.report_every = shape.report_every;
    // Of a crowd that comes within one moment all but `max_greeting` are turned away, to come again
    // two seconds later, all at once.
    worker.joins_at = i * kMillisecond;
  }
  World world(scenario, shape.seed, false);
  const std::string wrong = world.run();
  std::printf(
      "%zu workers, %llu segments, with sessions: %.1f CPU s for %.0f virtual s, efficiency %.3f, "
      "%llu hedges%s%s\n",
      shape.workers, static_cast<unsigned long long>(shape.segments), cpu_seconds(),
      static_cast<double>(world.now()) / 1e9, world.efficiency(),
      static_cast<unsigned long long>(world.hedges()),
      wrong.empty() ? "" : "; WRONG: ", wrong.c_str());
  return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "efficiency";
  Shape shape;
  if (what != "efficiency")
    shape.workers = 10'000, shape.segments = 1'000'000;
  if (argc > 3) {
    shape.workers = std::strtoull(argv[2], nullptr, 10);
    shape.segments = std::strtoull(argv[3], nullptr, 10);
  }
  if (argc > 4)
    shape.seed = std::strtoull(argv[4], nullptr, 10);
  shape.window = 4 * shape.workers;
  if (const char* window = std::getenv("WINDOW"))
    shape.window = std::strtoull(window, nullptr, 10);
  if (const char* capacity = std::getenv("CAPACITY"))
    shape.capacity = static_cast<unsigned>(std::strtoul(capacity, nullptr, 10));
  if (std::getenv("NO_DEATHS"))
    shape.deaths = false;
  if (what == "speed")
    return show_speed(shape);
  if (what == "sessions")
    return show_sessions(shape);
  return show_efficiency(shape);
}
