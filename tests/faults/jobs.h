// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole jobs of processes: a primary whose messages are read while it runs, workers that things
// happen to, and what the job must have made in spite of it.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/common/farm.h"

struct Suite;  // Of the test framework, whose header has a macro "fail".

namespace faults {

// Makes a folder for the outputs of this program, runs its tests, and removes the folder. Returns
// the exit code.
int run(Suite* suite, const char* name, const char* file);

// In that folder.
std::string scratch(const std::string& name);

// What is encoded, and how.
struct Job {
  const char* name;
  std::string source;  // Up to parsed or raw video.
  std::string encode;  // From remoteencsrc to remoteencsink.
  std::string output;  // From distjoin to filesink.
  std::string read;    // From a file of that to encoded frames.
  std::size_t frames;
  std::uint64_t window_kib;
};

// Ten seconds of a camera's film, or of a test source where there is none, with one keyframe, in
// ten segments; made once, in the build folder. The window is small, so that it is full while a
// segment is missing.
std::string film();
Job film_job();

// The same decoded, several times what the primary may hold, and quick to encode.
Job large_job();

// Calls that come from any thread and let await() look again.
void wake();

// An element message of a primary.
struct Said {
  gint64 at = 0;  // Monotonic microseconds.
  std::string text;
};

// gst-launch-1.0 as a primary, whose job's result goes to a file.
class Primary {
 public:
  struct Config {
    Job job = film_job();
    std::string source = {};  // In place of the job's, with the same bytes.
    unsigned port = 0;        // 0: any.
    std::string output = "output";
    std::string remote = {};       // Further properties of remoteenc.
    std::string environment = {};  // As in "NAME=VALUE NAME=VALUE".
  };
  explicit Primary(const Config& config);
  Primary();
  ~Primary();

  // Known once it listens.
  unsigned port() const { return port_; }
  const Job& job() const { return job_; }
  const std::string& output() const { return output_; }

  // Handles what it says until the condition holds; looks at that after every message, wake() and
  // end of a process. Fails the test when it takes longer than `seconds`, or when the primary ends
  // first.
  void await(const std::function<bool()>& condition, const char* what, unsigned seconds = 40);
  // Until there are so many messages of that name.
  void await_message(const std::string& name, std::size_t count = 1);
  // Goes on for so long; for faults that last.
  void pass_time(unsigned seconds);

  const std::vector<Said>& said() const { return said_; }
  // All lines that it has printed.
  const std::vector<std::string>& log() const { return log_; }
  std::size_t count(const std::string& name) const;
  // When the first message of that name came.
  gint64 when(const std::string& name) const;

  void kill() { process_.kill(); }
  // SIGINT, which lets gst-launch-1.0 take the pipeline down to NULL.
  void interrupt();
  // Handles what it says until it ends; -1 if a signal ended it.
  int exit_code(unsigned seconds = 40);
  // The most memory it has had resident, KiB.
  std::uint64_t peak_kib() const { return peak_kib_; }

 private:
  void read_line();
  void handle(const std::string& line);
  void iterate_until(const std::function<bool()>& condition, const char* what, unsigned seconds);

  const Job job_;
  const std::string output_;
  farm::Process process_;
  GDataInputStream* lines_ = nullptr;
  bool ended_ = false;  // There are no more lines.
  std::vector<std::string> log_;
  std::vector<Said> said_;
  std::uint64_t peak_kib_ = 0;
  unsigned port_ = 0;
};

// An ordinary worker.
farm::Process worker(unsigned port, const std::string& properties = "",
                     const Job& job = film_job());

// One of tests/faults/bad_worker.cpp; it joins under the name "bad".
class BadWorker {
 public:
  BadWorker(unsigned port, const std::string& mode);
  // From now on it is started again each time it ends, so many times.
  void keep_starting(unsigned times);

 private:
  void start();
  void ended();

  const std::string command_;
  unsigned starts_left_ = 0;
  bool running_ = false;
  std::unique_ptr<farm::Process> process_;
};

// A fault that a job has to survive.
struct Fault {
  std::string name;
  gint64 at = g_get_monotonic_time();
  // Segments that it hit; empty: those of the leases that failed from then on.
  std::set<std::uint64_t> affected = {};
  // What the test itself saw.
  std::string seen = {};
  // Of an earlier primary of this job.
  std::uint64_t peak_kib = 0;
};

// Waits for the end of the job and writes its row into the table. Asserts that the job went well:
// its output is, byte for byte, that of a job without faults, and its memory within bounds.
void conclude(Primary& primary, const Fault& fault);

}  // namespace faults
