// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Shows what a job tells: lines for people, which replace each other on a terminal, or JSON.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "gst/job/job_event.h"
#include "tools/gst-dist/progress.h"

namespace dist::tool {

class JobDisplay {
 public:
  struct Settings {
    bool json = false;
    bool verbose = false;
    bool listens = false;  // Workers of other machines may come.
  };
  explicit JobDisplay(const Settings& settings);

  // In one thread.
  void show(const JobEvent& event);
  // The line of a terminal that the next one would replace stays.
  void clear();

 private:
  void handle(const message::Listening& message);
  void handle(const message::Waiting& message);
  void handle(const message::WorkerJoined& message);
  void handle(const message::WorkerLeft& message);
  void handle(const message::SegmentDone& message);
  void handle(const message::LeaseFailed& message);
  void handle(const message::ConnectionRefused& message);
  void handle(const Progressed& event);
  void handle(const Remarked& event);
  void handle(const Warned& event);
  void handle(const Finished& event);
  template <class Other>
  void handle(const Other&) {}
  void tell_place(const std::string& what, const std::string& address, unsigned port,
                  const std::string& more);
  void draw(bool last);

  const Settings settings_;
  const bool terminal_;
  Progress progress_;
  unsigned drawn_ = 0;  // Lines on the terminal that the next ones replace.
  double last_shown_ = 0;
  bool said_waiting_ = false;
  std::set<std::string> said_refusals_;
};

}  // namespace dist::tool
