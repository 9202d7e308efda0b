// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which workers' results of a job are looked at before they count, and which worker is believed
// when the pictures are not those of the source. Pure; docs/design/verify.md explains the rules.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "gst/lease/dispatcher.h"
#include "gst/wire/lease_port.h"

namespace dist {

// Of what share of the results the pictures are compared with those of the source.
enum class Verify { kNone, kSample, kAll };

class Verification {
 public:
  struct Config {
    Verify mode = Verify::kNone;
    double ratio = 0.05;  // Of kSample, 0 to 1.
    // Workers are examined before they get leases, see exams.h.
    bool golden = false;
    // Secret, so that no worker can tell what will be looked at.
    std::uint64_t seed = 0;
  };

  explicit Verification(const Config& config) : config_(config), random_(config.seed) {}

  // Whether this result is looked at.
  bool picks(WorkerId worker, Trust trust, std::uint64_t segment);
  // Up to which of so many frames, not 0, a result is looked at: of those of a sample the last one
  // every second time, else one of the second half, so that what moves is seen to move; all of
  // those of a worker that was wrong once, and where everything is looked at.
  std::size_t last_frame(WorkerId worker, std::size_t frames);

  // What was seen. A worker is accused when its answer is not what was asked for, or its pictures
  // differ from the source's, and refuted when another one's answer to the same, or to some of
  // the same renditions, is right. same() returns the workers that are refuted now.
  void differ(WorkerId worker, std::uint64_t segment, RenditionSet renditions);
  std::vector<WorkerId> same(WorkerId worker, std::uint64_t segment, RenditionSet renditions);
  // The pictures could not be compared: the worker's word has to do, this time and until a result
  // of it is drawn.
  void unknown(WorkerId worker) { workers_[worker].seen = true; }

  // The segment is done, the worker gone.
  void forget_segment(std::uint64_t segment) { accused_.erase(segment); }
  void forget_segments() { accused_.clear(); }
  void forget_worker(WorkerId worker);

 private:
  struct Worker {
    bool seen = false;     // One of its results was right, or could not be compared.
    bool doubted = false;  // One was not.
  };

  Config config_;
  std::mt19937_64 random_;
  std::map<WorkerId, Worker> workers_;
  // By segment, with the renditions in question.
  std::map<std::uint64_t, std::map<WorkerId, RenditionSet>> accused_;
};

}  // namespace dist
