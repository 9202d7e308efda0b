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
#include "gst/lease/farm_events.h"

namespace dist {

class PictureChecker {
 public:
  struct Settings {
    unsigned threads = 1;
    unsigned threshold = kSameHashDistance;
    std::string folder;  // For the evidence when pictures differ; empty: none is kept.
  };
  // Called from the checker's threads, once for each result unless the checker goes first.
  using Answer = std::function<void(LeaseId, LookReport)>;

  PictureChecker(const Settings& settings, Answer answer);
  ~PictureChecker() { stop(); }
  PictureChecker(const PictureChecker&) = delete;
  PictureChecker& operator=(const PictureChecker&) = delete;

  // Leaves what is not answered yet; when this returns nothing is answered any more. Not from the
  // checker's threads.
  void stop();
  // Any thread.
  void push(LookWanted wanted);

 private:
  struct LookThread {
    SegmentLooker looker;
    std::thread thread;
  };

  void run(SegmentLooker& looker);
  LookReport look(SegmentLooker& looker, const LookWanted& wanted) const;
  LookReport compare_with(SegmentLooker& looker, const LookWanted& wanted,
                          const std::vector<const ResultRendition*>& renditions,
                          const BytesList& segment, LookReport result) const;
  LookEvidence evidence_of(SegmentLooker& looker, const LookWanted& wanted,
                           const ResultRendition& rendition, const Mismatch& mismatch) const;
  void keep(const LookWanted& wanted, LookEvidence& evidence) const;

  const Settings settings_;
  const Answer answer_;
  const std::string began_;  // So that jobs may share a folder.
  Mutex lock_;
  Condition changed_;
  std::deque<LookWanted> wanted_ GUARDED_BY(lock_);
  bool stopping_ GUARDED_BY(lock_) = false;
  std::list<LookThread> threads_;  // Last: their threads use the members above.
};

}  // namespace dist
