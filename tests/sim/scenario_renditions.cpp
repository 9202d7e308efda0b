// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Jobs that say what they want, and workers of which each can make something else of it.
#include <algorithm>

#include "tests/sim/scenario.h"

namespace dist::sim {
namespace {

using Encoders = std::map<std::string, std::string>;

// What only broken workers can make is given up after so many attempts.
constexpr unsigned kManyAttempts = 1'000;
// Percent of the jobs that say what they want.
constexpr unsigned kWithStore = 60;

const Encoders kUsual = {{"h264", "x264enc"}, {"vp9", "vp9enc"}, {"jpeg", "jpegenc"}};
const Encoders kOther = {{"h264", "openh264enc"}, {"vp9", "vavp9enc"}, {"jpeg", "jpegenc"}};

std::vector<RenditionSpec> draw_ladder(Random& random, bool mixed) {
  constexpr const char* kCodecs[] = {"h264", "h264", "vp9", "jpeg"};
  std::vector<RenditionSpec> ladder(random.between(1, 4));
  for (std::size_t i = 0; i < ladder.size(); ++i) {
    RenditionSpec& spec = ladder[i];
    spec.name = "r" + std::to_string(i);
    spec.codec = kCodecs[random.below(4)];
    spec.width = random.chance(50) ? 64 : 32;
    spec.height = spec.width / 2;
    spec.in_band = mixed;
    // Some segments have no frame of it.
    if (random.chance(15))
      spec.fps = Fraction{1, static_cast<unsigned>(random.between(1, 3))};
  }
  return ladder;
}

// Pipelines by hand have other caps than generic workers if those take another encoder than
// kUsual, and nobody knows before: only for farms in which all do, or which may mix them.
PipelineAdapter draw_workshop(Random& random, const Scenario& scenario, bool by_hand, bool others) {
  PipelineAdapter adapter{.encoders = others && random.chance(25) ? kOther : kUsual, .by_hand = {}};
  const std::uint64_t dice = random.below(100);
  if (dice >= 90 && by_hand) {
    for (const char* rendition : {"r0", "r1", "r2", "r3", "x9"})
      if (random.chance(50))
        adapter.by_hand.push_back(rendition);
    // One that makes nothing of a job could only fail in it.
    for (const JobPlan& job : scenario.jobs)
      if (std::none_of(job.renditions.begin(), job.renditions.end(), [&](const auto& spec) {
            return std::find(adapter.by_hand.begin(), adapter.by_hand.end(), spec.name) !=
                   adapter.by_hand.end();
          }))
        adapter.by_hand.push_back("r0");
  } else if (dice >= 85) {
    adapter.encoders.clear();
  } else if (dice >= 50) {
    for (const auto& [codec, other] : kOther) {
      if (random.chance(40))
        adapter.encoders.erase(codec);
      else if (others && random.chance(30))
        adapter.encoders[codec] = other;
    }
  }
  if (random.chance(2))
    adapter.answers_after = kNever;
  else if (random.chance(25))
    adapter.answers_after = random.below(5'000) * kMillisecond;
  return adapter;
}

// Whoever can make one of the codecs comes later, perhaps too late.
void delay_able(Random& random, Scenario& scenario) {
  constexpr const char* kCodecs[] = {"h264", "vp9", "jpeg"};
  const char* codec = kCodecs[random.below(3)];
  const Instant joins_at = random.below(60'000) * kMillisecond;
  for (WorkerPlan& worker : scenario.workers) {
    if (!worker.adapter.by_hand.empty())
      continue;
    if (random.chance(60))
      worker.adapter.encoders.erase(codec);
    else if (worker.adapter.encoders.count(codec) != 0)
      worker.joins_at = std::max(worker.joins_at, joins_at);
  }
}

}  // namespace

void add_renditions(Random& random, Scenario& scenario) {
  scenario.kind += ", renditions";
  const bool mixed = random.chance(30);
  const bool by_hand = random.chance(50);
  const std::size_t first = random.below(scenario.jobs.size());
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    if (i != first && random.chance(30))
      continue;
    scenario.jobs[i].renditions = draw_ladder(random, mixed);
    scenario.jobs[i].mixed_encoders = mixed;
  }
  for (JobPlan& job : scenario.jobs)
    job.max_attempts = std::min(job.max_attempts, kManyAttempts);
  for (WorkerPlan& worker : scenario.workers)
    worker.adapter = draw_workshop(random, scenario, by_hand, mixed || !by_hand);
  if (random.chance(60))
    scenario.workers[0].adapter = {.encoders = kUsual, .by_hand = {}};
  if (random.chance(25))
    delay_able(random, scenario);
}

void add_stores(Random& random, Scenario& scenario) {
  for (JobPlan& job : scenario.jobs) {
    if (job.renditions.empty() || !random.chance(kWithStore))
      continue;
    job.store = {
        .is_there = true,
        .has = static_cast<unsigned>(random.chance(25) ? 100 : random.below(101)),
        .in_other_form = random.chance(30) ? 1 + static_cast<unsigned>(random.below(60)) : 0,
        .wrong = random.chance(30) ? 1 + static_cast<unsigned>(random.below(40)) : 0,
        .silent = random.chance(20) ? 1 + static_cast<unsigned>(random.below(100)) : 0,
        .answers_within = random.below(random.chance(80) ? 300 : 8'000) * kMillisecond};
    scenario.kind += ", store";
  }
}

}  // namespace dist::sim
