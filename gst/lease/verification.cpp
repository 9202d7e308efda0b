// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/verification.h"

namespace dist {

bool Verification::picks(WorkerId worker, Trust trust, std::uint64_t segment) {
  if (config_.mode == Verify::kNone)
    return false;
  if (config_.mode == Verify::kAll)
    return true;
  if (trust == Trust::kOwn)
    return false;
  // Drawn each time, so that what else happens does not tell what comes next.
  const bool drawn = std::generate_canonical<double, 53>(random_) < config_.ratio;
  const auto known = workers_.find(worker);
  return drawn || known == workers_.end() || !known->second.seen || known->second.doubted ||
         accused_.contains(segment);
}

std::size_t Verification::last_frame(WorkerId worker, std::size_t frames) {
  const auto known = workers_.find(worker);
  const bool doubted = known != workers_.end() && known->second.doubted;
  if (config_.mode == Verify::kAll || doubted || std::bernoulli_distribution(0.5)(random_))
    return frames - 1;
  return std::uniform_int_distribution<std::size_t>(frames / 2, frames - 1)(random_);
}

void Verification::differ(WorkerId worker, std::uint64_t segment, RenditionSet renditions) {
  workers_[worker].doubted = true;
  accused_[segment][worker] |= renditions;
}

std::vector<WorkerId> Verification::same(WorkerId worker, std::uint64_t segment,
                                         RenditionSet renditions) {
  workers_[worker].seen = true;
  std::vector<WorkerId> refuted;
  const auto found = accused_.find(segment);
  if (found == accused_.end())
    return refuted;
  for (const auto& [other, accused] : found->second)
    if (other != worker && (accused & renditions) != 0)
      refuted.push_back(other);
  for (const WorkerId other : refuted)
    found->second.erase(other);
  return refuted;
}

void Verification::forget_worker(WorkerId worker) {
  workers_.erase(worker);
  for (auto& [_, accused] : accused_)
    accused.erase(worker);
}

}  // namespace dist
