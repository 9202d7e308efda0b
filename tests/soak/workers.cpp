// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/soak/workers.h"

#include <csignal>

namespace soak {
namespace {

// Milliseconds.
constexpr unsigned kBetweenTroubles[] = {100, 1100};
constexpr unsigned kStopped[] = {100, 4000};
constexpr unsigned kAway[] = {0, 2000};
// Of a hundred troubles, and the rest are ends in good order.
constexpr unsigned kStops = 40;
constexpr unsigned kKills = 30;
// A worker that is told to end finishes what it has begun within 30 s.
constexpr std::int64_t kLongestEnd = 60 * G_USEC_PER_SEC;

}  // namespace

Workers::Workers(const Config& config) : config_(config), random_(config.seed) {
  for (unsigned i = 1; i <= config.count; ++i)
    workers_.push_back({.name = "worker" + std::to_string(i)});
  for (Worker& worker : workers_)
    start(worker);
}

// The distributions of the library differ from one to the next.
unsigned Workers::random(unsigned from, unsigned to) {
  return from + static_cast<unsigned>(random_()) % (to - from + 1);
}

void Workers::start(Worker& worker) {
  std::vector<std::string> command = config_.command;
  command.insert(command.end(), {"--name", worker.name});
  worker.trail = {};
  worker.process = Child::start(
      command, config_.folder + "/" + worker.name + "-" + std::to_string(++worker.starts) + ".log");
  if (!worker.process) {
    faults_ += worker.name + ": cannot be started\n";
    return;
  }
  worker.state = State::kRunning;
  worker.process->on_end([this, &worker](int code) { ended(worker, code); });
}

void Workers::ended(Worker& worker, int code) {
  const std::string name = worker.name + ", start " + std::to_string(worker.starts);
  if (worker.state == State::kEnding && code != 0)
    faults_ += name + ": exit code " + std::to_string(code) + " after SIGTERM\n";
  if (worker.state == State::kRunning || worker.state == State::kStopped)
    faults_ += name + ": ended by itself with exit code " + std::to_string(code) + "\n";
  judge(worker);
  worker.state = State::kGone;
  after(random(kAway[0], kAway[1]), [this, &worker] { start(worker); });
}

// --- Trouble

void Workers::begin_trouble() {
  after(random(kBetweenTroubles[0], kBetweenTroubles[1]), [this] {
    trouble();
    begin_trouble();
  });
}

void Workers::trouble() {
  Worker& worker = workers_[random(0, config_.count - 1)];
  const unsigned what = random(1, 100);
  if (worker.state != State::kRunning)
    return;
  if (what <= kStops || &worker == &workers_.front())
    stop(worker);
  else if (what <= kStops + kKills)
    kill(worker);
  else
    end(worker);
}

void Workers::stop(Worker& worker) {
  ++tally_.stopped;
  worker.process->signal(SIGSTOP);
  worker.state = State::kStopped;
  after(random(kStopped[0], kStopped[1]), [&worker] {
    worker.process->signal(SIGCONT);
    worker.state = State::kRunning;
  });
}

void Workers::kill(Worker& worker) {
  ++tally_.killed;
  worker.process->signal(SIGKILL);
  worker.state = State::kKilled;
}

// One that has just begun does not listen to the signal yet.
void Workers::end(Worker& worker) {
  if (!worker.process->handles(SIGTERM))
    return;
  ++tally_.ended;
  worker.process->signal(SIGTERM);
  worker.state = State::kEnding;
  worker.told_to_end = g_get_monotonic_time();
}

// --- What they occupy

void Workers::sample() {
  for (Worker& worker : workers_) {
    if (worker.state == State::kEnding &&
        g_get_monotonic_time() > worker.told_to_end + kLongestEnd) {
      faults_ += worker.name + ": does not end after SIGTERM\n";
      kill(worker);
    }
    if (worker.state != State::kRunning && worker.state != State::kStopped)
      continue;
    if (const auto sample = sample_of(worker.process->pid()))
      worker.trail.add(*sample);
  }
}

void Workers::judge(const Worker& worker) {
  if (const std::string growth = worker.trail.growth(); !growth.empty())
    faults_ += worker.name + " has grown: " + growth + "\n";
}

void Workers::judge() {
  for (const Worker& worker : workers_)
    judge(worker);
}

}  // namespace soak
