// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers as processes, and what happens to them at random.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/soak/child.h"
#include "tests/soak/trail.h"

namespace soak {

class Workers {
 public:
  struct Config {
    std::vector<std::string> command;  // Without a name.
    std::string folder;                // For what they print.
    unsigned count = 6;
    std::uint32_t seed = 0;
  };
  struct Tally {
    unsigned killed = 0;
    unsigned stopped = 0;
    unsigned ended = 0;
  };

  explicit Workers(const Config& config);

  // From now on they are killed, stopped for a while and ended in good order, and started again.
  // The first is only stopped, so that one of them gets old.
  void begin_trouble();
  // A job is over.
  void sample();

  const Tally& tally() const { return tally_; }
  // Of the first worker.
  const Trail& oldest() const { return workers_.front().trail; }
  // What must not happen, a line each.
  const std::string& faults() const { return faults_; }
  // Adds what those that run have come to occupy.
  void judge();

 private:
  enum class State { kRunning, kStopped, kKilled, kEnding, kGone };
  struct Worker {
    std::string name;
    std::unique_ptr<Child> process = nullptr;
    State state = State::kGone;
    unsigned starts = 0;
    Trail trail = {};
    std::int64_t told_to_end = 0;  // Monotonic microseconds.
  };

  void start(Worker& worker);
  void ended(Worker& worker, int code);
  void trouble();
  void stop(Worker& worker);
  void kill(Worker& worker);
  void end(Worker& worker);
  void judge(const Worker& worker);
  unsigned random(unsigned from, unsigned to);

  const Config config_;
  std::mt19937 random_;
  std::vector<Worker> workers_;
  Tally tally_;
  std::string faults_;
};

}  // namespace soak
