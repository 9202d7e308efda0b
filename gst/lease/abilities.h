// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a job wants made, what its workers offered for it, which encoder makes each rendition, and
// since when no worker can make one. Pure; docs/design/leases.md, "Renditions", explains the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gst/base/instant.h"
#include "gst/lease/dispatcher.h"
#include "gst/wire/wire.h"

namespace dist {

class Abilities {
 public:
  static bool has(RenditionSet set, std::size_t rendition) { return (set >> rendition & 1) != 0; }

  // The job wants other renditions: encoders and offers are forgotten.
  void want(std::vector<RenditionSpec> renditions);
  // Empty: the job has not said what it wants.
  const std::vector<RenditionSpec>& renditions() const { return renditions_; }
  // The wanted renditions that are in the set; how much work each wanted one is; the place of the
  // one of this name, and if there is none their number.
  std::vector<RenditionSpec> some(RenditionSet set) const;
  std::vector<double> weights() const;
  std::size_t find(const std::string& rendition) const;
  // That makes the rendition of this place; empty: any may.
  const std::string& encoder(std::size_t rendition) const { return encoders_.at(rendition); }

  // A worker says what it can make of each rendition.
  void offered(WorkerId worker, std::vector<Ability> offer) { offers_[worker] = std::move(offer); }
  void forget(WorkerId worker) { offers_.erase(worker); }
  // Null: the worker has not said it.
  const std::vector<Ability>* offer_of(WorkerId worker) const;
  // Those that have.
  std::vector<WorkerId> workers() const;
  // The encoders, by rendition, with which workers that have offered would make it: those that are
  // chosen, else all. Ascending.
  std::vector<std::vector<Encoder>> encoders() const;
  // What such a worker can make with the encoders that are chosen.
  RenditionSet able(WorkerId worker) const;

  // A result that was accepted.
  struct Made {
    WorkerId worker = 0;         // May be gone.
    std::vector<Ability> offer;  // What it had offered.
    RenditionSet leased = 0;
    RenditionSet made = 0;
    RenditionSet encoded = 0;  // Those with frames.
  };
  struct Chosen {
    std::size_t rendition = 0;
    std::string encoder;
    std::vector<WorkerId> excluded = {};  // Would use another one.
  };
  // Chooses the encoders of renditions that have none, unless encoders may be `mixed`, and learns
  // what the worker's own pipeline does not make. Returns what is chosen, and whose able() is
  // another one.
  struct Learnt {
    std::vector<Chosen> chosen;
    std::vector<WorkerId> changed;
  };
  Learnt learn(const Made& made, bool mixed);

  // Whether look() may have anything to say.
  bool is_watched() const { return !renditions_.empty() && !told_; }
  // `missing`: what is queued and none of so many `workers` can make. `confirmed`: of what several
  // workers have made the same. Drops encoders that no worker has any more where another one could
  // go on; then able() has to be asked again of all. `unable`, told once: for a while no worker
  // could make something.
  struct Look {
    RenditionSet dropped = 0;
    std::string encoders;  // Their names.
    bool unable = false;
  };
  Look look(RenditionSet missing, RenditionSet confirmed, std::size_t workers, Instant now);
  // When to look again at the latest.
  Instant next_wakeup() const { return wakeup_; }
  // Nothing is queued any more.
  void begin_anew();
  // What each of these workers, by name, lacks for the renditions.
  std::string describe(RenditionSet missing, const std::map<WorkerId, std::string>& names) const;

 private:
  void drop(RenditionSet missing, RenditionSet confirmed, Instant now, Look& look);

  std::vector<RenditionSpec> renditions_;
  std::vector<std::string> encoders_;
  std::map<WorkerId, std::vector<Ability>> offers_;
  std::map<std::size_t, Instant> unable_since_;  // Of those that are missing.
  Instant wakeup_ = kNever;
  bool told_ = false;
};

}  // namespace dist
