// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/exams.h"

#include <memory>
#include <utility>

namespace dist {
namespace {

// As with segments, see Dispatcher::add_job(): so many times max_attempts exams may fail while a
// worker is there that has not failed, and other workers have the time to come.
constexpr unsigned kUnprovenFactor = 10;
constexpr Instant kNewcomers = 10'000 * kMillisecond;

}  // namespace

std::optional<Exams::Step> Exams::require(WorkerId worker, RenditionSet able) {
  if (!required_ || !candidates_.try_emplace(worker).second)
    return std::nullopt;
  return set_able(worker, able);
}

Exams::Step Exams::set_able(WorkerId worker, RenditionSet able) {
  const auto candidate = candidates_.find(worker);
  if (candidate == candidates_.end())
    return {.worker = worker, .ability = able};
  candidate->second.able = able;
  Step step{.worker = worker, .ability = 0};
  examine(candidate->second, step);
  return step;
}

// In all that it can make, if that is not so already. May forget the candidate.
void Exams::examine(Candidate& candidate, Step& step) {
  const RenditionSet renditions = golden_ ? candidate.able & golden_->wanted : 0;
  if (renditions == candidate.exam && renditions != 0)
    return;
  step.ends = step.ends || candidate.exam != 0;
  candidate.exam = step.begins = renditions;
  candidate.segment = golden_;
  if (renditions != 0 || !golden_ || candidate.able == 0)
    return;
  // The segment has nothing to examine it in.
  step.ability = candidate.able;
  candidates_.erase(step.worker);
}

std::vector<Exams::Step> Exams::examine_all() {
  std::vector<Step> steps;
  for (auto at = candidates_.begin(); at != candidates_.end();) {
    Candidate& candidate = at->second;
    Step& step = steps.emplace_back();
    step.worker = (at++)->first;
    examine(candidate, step);
  }
  return steps;
}

std::vector<Exams::Step> Exams::offer(const JobSegment& segment, bool known) {
  if (!required_ || (golden_ && !known))
    return {};
  if (!golden_) {
    golden_ = std::make_shared<const JobSegment>(segment);
    return examine_all();
  }
  if ((golden_->wanted & ~segment.wanted) == 0 &&
      total_size(segment.bytes) > total_size(golden_->bytes))
    golden_ = std::make_shared<const JobSegment>(segment);
  return {};
}

Exams::Step Exams::passed(WorkerId worker) {
  failures_ = 0;
  const Step step{.worker = worker, .ends = true, .ability = candidates_.at(worker).able};
  candidates_.erase(worker);
  return step;
}

Exams::Step Exams::again(WorkerId worker) {
  Candidate& candidate = candidates_.at(worker);
  Step step{.worker = worker, .ends = std::exchange(candidate.exam, 0) != 0};
  examine(candidate, step);
  return step;
}

std::vector<Exams::Step> Exams::begin_anew() {
  failures_ = 0;
  for (auto& [_, candidate] : candidates_)
    candidate.exam = 0;
  return examine_all();
}

std::string Exams::failed(const Failure& failure, RenditionSet missing, Instant now) {
  if (const auto candidate = candidates_.find(failure.worker); candidate != candidates_.end())
    candidate->second.failed = true;
  failures_ = missing != 0 ? failures_ + 1 : 0;
  last_ = failure;
  if (failures_ <= 1)
    failing_since_ = now;
  over_at_ = is_hopeless(missing) ? failing_since_ + kNewcomers : kNever;
  return give_up(missing, now);
}

std::string Exams::give_up(RenditionSet missing, Instant now) {
  if (now < over_at_)
    return {};
  over_at_ = kNever;
  return is_hopeless(missing) ? describe_failures() : "";
}

bool Exams::is_hopeless(RenditionSet missing) const {
  bool some = false;
  bool all = true;
  for (const auto& [_, candidate] : candidates_)
    if ((candidate.able & missing) != 0) {
      some = true;
      all = all && candidate.failed;
    }
  return missing != 0 && failures_ >= (some && all ? 1 : kUnprovenFactor) * max_attempts_;
}

std::string Exams::describe_failures() const {
  return "segment " + std::to_string(last_.segment) + ": given up: " + std::to_string(failures_) +
         " exams were failed, and no worker that can make it has passed (the last, " + last_.name +
         ": " + last_.reason + ")";
}

RenditionSet Exams::able() const {
  RenditionSet able = 0;
  for (const auto& [_, candidate] : candidates_)
    able |= candidate.able;
  return able;
}

}  // namespace dist
