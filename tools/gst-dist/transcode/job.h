// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Plays the pipeline of a job to its end, and tells how far it is.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gst/cut/film_damage.h"
#include "gst/film/input_watch.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/progress.h"
#include "tools/gst-dist/transcode/trouble.h"

namespace dist::tool {

class Job {
 public:
  struct Settings {
    GstClockTime duration = 0;  // Of the video; 0: unknown.
    bool json = false;
    bool verbose = false;
    bool listens = false;            // Workers of other machines may come.
    bool waits_for_workers = false;  // None are on this machine.
    JobNames names;
    // Removes what was written, because the process ends at once; from another thread.
    std::function<void()> abandon = [] {};
  };

  explicit Job(const Settings& settings);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Until it has ended, one way or another. Says what went wrong, and returns an ExitCode.
  int run(GstElement* pipeline);
  void say_done(const std::vector<std::string>& names);

 private:
  bool handle(GstMessage* message);
  void handle_element(const GstStructure* structure);
  void handle_link(const std::string& name, const GstStructure* structure);
  void handle_refusal(const GstStructure* structure);
  void handle_error(GstMessage* message);
  void handle_warning(GstMessage* message);
  void print(const GstStructure* structure);
  void end(int code);
  void show(bool last);
  void look_at_segments();
  void clear();
  void look_for_workers();
  void look_for_input(InputWatch& watch);
  double now() const;

  const Settings settings_;
  GMainLoop* const loop_;
  GstElement* pipeline_ = nullptr;
  int code_ = kFailed;
  Progress progress_;
  FilmDamage damage_;
  bool terminal_ = false;
  unsigned drawn_ = 0;  // Lines on the terminal that the next ones replace.
  double last_shown_ = 0;
  bool idle_ = false;          // No segment is being worked on.
  double waiting_since_ = -1;  // For a worker, if there is none.
  unsigned workers_ = 0;
  bool said_waiting_ = false;
  std::string refused_;  // Why the last stranger was sent away.
  std::set<std::string> said_refusals_;
};

}  // namespace dist::tool
