// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Looks at results before they count, in threads of its own: decodes the source and what a worker
// made of it, and compares.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/gstx/segment_look.h"
#include "gst/lease/coordinator.h"

namespace dist {

class PictureChecker {
 public:
  struct Settings {
    unsigned threads = 1;
    unsigned threshold = kSameHashDistance;
    std::string folder;  // For the evidence when pictures differ; empty: none is kept.
  };
  // Called from the checker's threads, once for each result unless the checker goes first.
  using Answer = std::function<void(LeaseId, Coordinator::Look)>;

  PictureChecker(const Settings& settings, Answer answer);
  ~PictureChecker() { stop(); }
  PictureChecker(const PictureChecker&) = delete;
  PictureChecker& operator=(const PictureChecker&) = delete;

  // Leaves what is not answered yet; when this returns nothing is answered any more. Not from the
  // checker's threads.
  void stop();
  // Any thread.
  void push(Coordinator::LookWanted wanted);

 private:
  struct LookThread {
    SegmentLooker looker;
    std::thread thread;
  };

  void run(SegmentLooker& looker);
  Coordinator::Look look(SegmentLooker& looker, const Coordinator::LookWanted& wanted) const;
  Coordinator::Look compare_with(SegmentLooker& looker, const Coordinator::LookWanted& wanted,
                                 const std::vector<const Coordinator::Rendition*>& renditions,
                                 const BytesList& segment, Coordinator::Look result) const;
  Coordinator::Evidence evidence_of(SegmentLooker& looker, const Coordinator::LookWanted& wanted,
                                    const Coordinator::Rendition& rendition,
                                    const Mismatch& mismatch) const;
  void keep(const Coordinator::LookWanted& wanted, Coordinator::Evidence& evidence) const;

  const Settings settings_;
  const Answer answer_;
  const std::string began_;  // So that jobs may share a folder.
  Mutex lock_;
  Condition changed_;
  std::deque<Coordinator::LookWanted> wanted_ GUARDED_BY(lock_);
  bool stopping_ GUARDED_BY(lock_) = false;
  std::list<LookThread> threads_;  // Last: their threads use the members above.
};

}  // namespace dist
