// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A primary in this process and workers as processes of their own, over TCP on loopback.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/common/film.h"

namespace farm {

// A process; ended with the object if it still runs, and with the thread that made it.
class Process {
 public:
  // Runs the command, split as a shell does; relative paths begin at the top of the source tree.
  explicit Process(const std::string& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  // Waits for its end; -1 if it was ended by a signal or does not end in time.
  int exit_code(unsigned seconds = 20);
  // SIGKILL; waits for its end.
  void kill();
  void signal(int number);
  // 0 once it has ended.
  int pid() const;
  // What it prints, for those who read it while it runs; then output() is empty. Borrowed.
  GInputStream* stream() const;
  // Calls back once, from the default main context, when it has ended; not after the object is
  // gone.
  void on_end(std::function<void()> callback);
  // What it printed. Valid after exit_code().
  const std::string& output() const { return output_; }

 private:
  GSubprocess* process_ = nullptr;
  GCancellable* watched_ = nullptr;  // By on_end().
  std::string output_;
};

struct Ran {
  int code = -1;
  std::string output;
};

// Runs a command to its end.
Ran run(const std::string& command);
// What a command prints; it must end with that exit code.
std::string output_of(const std::string& command, int code = 0);
// Lets ffmpeg make a film; it must end with exit code 0.
void ffmpeg(const std::string& arguments);

struct Job {
  // Everything before distsegmenter, such as "filesrc location=… ! parsebin".
  std::string source;
  // Properties of distsegmenter and remoteenc.
  std::string segmenter = "";
  std::string remote = "";
  // What one worker does between remoteencsrc and remoteencsink; one process for each entry.
  std::vector<std::string> workers;
  // What becomes of the joined stream before it is recorded.
  std::string after = "identity";
};

struct Outcome {
  film::Recording recording;
  std::vector<int> exit_codes;  // Of the workers.
  std::string worker_output;
};

// Does the job, its workers starting when the primary listens.
Outcome run(const Job& job, unsigned seconds = 90);

// The pipeline of a primary, and the port it listens on once it is at least PAUSED.
GstElement* primary_new(const Job& job);
unsigned port_of(GstElement* pipeline);

// A worker that does `pipeline` between remoteencsrc and remoteencsink.
std::string worker_command(unsigned port, const std::string& pipeline,
                           const std::string& properties = "");

// A file that only its owner can read, whose only line is the secret.
void write_secret(const std::string& path, const std::string& secret);

// A port that nobody listens on.
unsigned free_port();

// Those of the element messages that have this name.
std::vector<std::string> named(const std::vector<std::string>& messages, const std::string& name);

// Number of a structure's field in a serialised element message, 0 if there is none.
guint64 field(const std::string& message, const char* name);

}  // namespace farm
