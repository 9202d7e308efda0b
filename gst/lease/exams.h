// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which workers of a job have to pass an exam before they get leases, with which segment they are
// examined, and when the job is at fault because no worker passes. Pure: a step says what the
// caller has to do at the dispatcher, at once. docs/design/verify.md explains the rules.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/instant.h"
#include "gst/lease/dispatcher.h"
#include "gst/lease/job_segment.h"

namespace dist {

class Exams {
 public:
  // `required`: workers are examined at all.
  Exams(bool required, unsigned max_attempts) : required_(required), max_attempts_(max_attempts) {}

  // What is to be done for a worker, in this order.
  struct Step {
    WorkerId worker = 0;
    bool ends = false;                         // Its exam is over.
    std::optional<RenditionSet> ability = {};  // It may be leased these renditions of the job.
    RenditionSet begins = 0;  // It is examined in these, with segment_of(); 0: in none.
  };

  // The worker, which can make these renditions, gets leases of the job only after an exam: it has
  // joined, or was suspended. Nothing if that is so already, or if no exams are required.
  std::optional<Step> require(WorkerId worker, RenditionSet able);
  // What the worker can make now. While an exam is required of it, that decides what it is examined
  // in.
  Step set_able(WorkerId worker, RenditionSet able);
  // A segment to be examined with: the first will do. Better is one to which an answer is `known`
  // to be right, and of these the largest, in which there is most to be seen. Exams that have begun
  // go on with theirs.
  std::vector<Step> offer(const JobSegment& segment, bool known);
  // What the job wants made has changed: no segment is one to be examined with.
  void forget_segment() { golden_.reset(); }

  // Its result is right.
  Step passed(WorkerId worker);
  // The dispatcher has given its exam up; it gets another one.
  Step again(WorkerId worker);
  // It is gone.
  void forget(WorkerId worker) { candidates_.erase(worker); }
  // The dispatcher holds no exams any more; no failure counts. Workers that had to pass still have
  // to.
  std::vector<Step> begin_anew();

  // A failed exam, for this reason, of a worker that may be forgotten already.
  struct Failure {
    WorkerId worker = 0;
    std::string name;
    std::string reason;
    std::uint64_t segment = 0;
  };
  // `missing`: what is queued and no worker that passed can make. Returns why the job cannot be
  // completed, because what it asks for is wrong; empty: a worker may still pass.
  std::string failed(const Failure& failure, RenditionSet missing, Instant now);

  // The same once others had the time to come, at next_wakeup(). Not empty once only.
  std::string give_up(RenditionSet missing, Instant now);
  Instant next_wakeup() const { return over_at_; }
  const Failure& last_failure() const { return last_; }

  // Whether the worker has yet to pass.
  bool requires_of(WorkerId worker) const { return candidates_.count(worker) != 0; }
  // What the workers that have yet to pass can make together.
  RenditionSet able() const;
  // That of the worker's exam.
  const JobSegment& segment_of(WorkerId worker) const { return *candidates_.at(worker).segment; }

 private:
  struct Candidate {
    RenditionSet able = 0;
    RenditionSet exam = 0;  // In what it is examined; 0: it is not.
    std::shared_ptr<const JobSegment> segment = {};
    bool failed = false;
  };
  void examine(Candidate& candidate, Step& step);
  bool is_hopeless(RenditionSet missing) const;
  std::string describe_failures() const;
  std::vector<Step> examine_all();

  bool required_;
  unsigned max_attempts_;
  std::shared_ptr<const JobSegment> golden_;
  std::map<WorkerId, Candidate> candidates_;
  unsigned failures_ = 0;      // Since an exam was passed.
  Instant failing_since_ = 0;  // The first of them.
  Instant over_at_ = kNever;   // When that is enough.
  Failure last_;
};

}  // namespace dist
