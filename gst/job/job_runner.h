// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Plays a plan to its end. Several may run in one process at the same time, each in a thread, and
// share a farm. Prints nothing, knows no signal, and ends no process.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "gst/farm/farm.h"
#include "gst/job/job_error.h"
#include "gst/job/job_event.h"
#include "gst/job/plan.h"

namespace dist {

class JobRunner {
 public:
  // Called in the thread of run(). Must not wait for the job.
  using Tell = std::function<void(const JobEvent& event)>;

  // `farm`: whose workers do the work, until the job ends; null: the job has a farm of its own, as
  // its request says.
  JobRunner(Plan plan, std::shared_ptr<Farm> farm, Tell tell);
  // Removes what was written and is not complete. Not while run() goes on.
  ~JobRunner();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  const Plan& plan() const;

  // Makes the outputs, under other names than they will have, and the pipeline. Once.
  std::optional<JobError> prepare();
  // Plays, in a GMainContext of its own, and gives the outputs their names: all of them, or none if
  // there is an error. Once, after prepare().
  std::optional<JobError> run();
  // Ends run() soon, with an error of its own kind, unless the outputs are about to get their
  // names. Any thread, at any time.
  void cancel();
  // Removes what was written, for a process that ends at once. False, and nothing is removed, if
  // the outputs are getting their names. Any thread.
  bool discard() const;

 private:
  struct Private;
  std::unique_ptr<Private> private_;
};

}  // namespace dist
