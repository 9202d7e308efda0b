// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/scenario.h"

#include <algorithm>

namespace dist::sim {
namespace {

// More than any segment can fail before its scenario is over.
constexpr unsigned kNoEndOfAttempts = 100'000;
// Percent of the scenarios that are not calm.
constexpr unsigned kWithRenditions = 40;
constexpr unsigned kWithLiars = 40;

Instant between(Random& random, Instant low, Instant high) {
  return random.between(low / kMillisecond, high / kMillisecond) * kMillisecond;
}

Pipe::Quality draw_link(Random& random) {
  Pipe::Quality quality;
  quality.delay = random.chance(50) ? 0 : between(random, 0, 200 * kMillisecond);
  if (random.chance(40))
    quality.bytes_per_second = 20e3 * std::pow(10, 3 * random.share());
  return quality;
}

Service draw_service(Random& random) {
  return {static_cast<Service::Kind>(random.below(3)), 0.2 + 3 * random.share() * random.share()};
}

std::vector<WorkerPlan> draw_workers(Random& random, std::size_t count, unsigned renditions) {
  const Service service = draw_service(random);
  const auto capacity = static_cast<std::uint16_t>(random.between(1, 3));
  const bool same_speed = random.chance(40);
  const bool good_network = random.chance(50);
  const std::size_t largest_result = random.chance(25) ? 5000 : 600;
  std::vector<WorkerPlan> workers(count);
  for (std::size_t i = 0; i < count; ++i) {
    WorkerPlan& worker = workers[i];
    worker.name = "w" + std::to_string(i);
    worker.capacity = capacity;
    worker.service = service;
    if (!same_speed)
      worker.service.mean *= std::exp2(3 * random.share() - 1.5);
    worker.report_every = between(random, 100 * kMillisecond, kOneSecond);
    worker.renditions = renditions;
    worker.result_size = 8 + random.below(largest_result);
    if (!good_network) {
      worker.up = draw_link(random);
      worker.down = draw_link(random);
    }
  }
  return workers;
}

JobPlan draw_job(Random& random, std::size_t workers) {
  JobPlan job;
  job.segments = random.between(1, 60) + random.below(8 * workers + 1);
  job.segment_size = 20 + random.below(2000);
  job.window_segments = random.chance(70) ? random.between(2 * workers + 2, 6 * workers + 2)
                                          : random.between(1, 2 * workers);
  if (random.chance(25)) {
    // A job whose memory is tight.
    job.window_bytes = (1 + random.below(8)) * (job.segment_size + 300);
    job.max_bytes = job.window_bytes * (1 + random.below(3));
    if (random.chance(50))
      job.consume_every = between(random, kMillisecond, kOneSecond);
    if (random.chance(30))
      job.pause_at = between(random, 0, 20 * kOneSecond);
  }
  if (random.chance(20))
    job.produce_every = between(random, 0, kOneSecond);
  if (random.chance(10))
    job.consume_every = between(random, 0, 300 * kMillisecond);
  if (random.chance(10))
    job.seek_at = between(random, 0, 30 * kOneSecond);
  return job;
}

// The plan of a worker of which anything may be expected.
void draw_faults(Random& random, WorkerPlan& worker) {
  const auto some = [&] { return static_cast<unsigned>(1 + random.below(40)); };
  switch (random.below(10)) {
    case 0:
      worker.faults.hang = random.chance(30) ? 100 : some();
      break;
    case 1:
      worker.faults.fail = random.chance(30) ? 100 : some();
      break;
    case 2:
      worker.faults.wrong = random.chance(30) ? 100 : some();
      break;
    case 3:
      worker.faults.crash = random.chance(30) ? 100 : some();
      break;
    case 4:
      worker.faults.late = 100;
      break;
    case 5:
      worker.faults.duplicate = some();
      break;
    case 6:
      worker.up.damage = 0.2 * random.share() * random.share();
      break;
    case 7:
      worker.down.damage = 0.2 * random.share() * random.share();
      break;
    case 8:
      worker.report_every = 0;
      break;
    default:
      worker.faults = {some(), some(), some(), some(), some(), some()};
      break;
  }
}

Outage draw_outage(Random& random) {
  Outage outage;
  outage.kind = static_cast<Outage::Kind>(random.below(5));
  outage.begin = between(random, 0, 40 * kOneSecond);
  outage.end = outage.begin + between(random, 0, 60 * kOneSecond);
  if (random.chance(5))
    outage.end += 3600 * kOneSecond;
  return outage;
}

// No more faults than attempts are allowed, all told.
void add_few_faults(Random& random, Scenario& scenario) {
  const unsigned attempts = static_cast<unsigned>(random.between(2, 12));
  for (JobPlan& job : scenario.jobs)
    job.max_attempts = attempts;
  unsigned left = attempts - 1;
  for (WorkerPlan& worker : scenario.workers) {
    if (!random.chance(50))
      continue;
    const Outage outage = draw_outage(random);
    if (left == 0)
      break;
    --left;
    worker.outages.push_back(outage);
  }
}

void add_many_faults(Random& random, Scenario& scenario) {
  const auto share = static_cast<unsigned>(random.below(101));
  // The first is always honest, but it may be one that nobody believes until it is done.
  if (random.chance(15))
    scenario.workers[0].report_every = 0;
  for (std::size_t i = 1; i < scenario.workers.size(); ++i) {
    WorkerPlan& worker = scenario.workers[i];
    if (!random.chance(share))
      continue;
    if (random.chance(70))
      draw_faults(random, worker);
    if (random.chance(30))
      worker.outages.push_back(draw_outage(random));
  }
}

// All are away for an hour; the work of those before waits for those after.
void add_empty_hour(Random& random, Scenario& scenario) {
  const Instant begin = between(random, 0, 5 * kOneSecond);
  // All go within a moment: no segment fails more than once.
  for (JobPlan& job : scenario.jobs)
    job.max_attempts = 2;
  for (WorkerPlan& worker : scenario.workers)
    worker.outages = {{random.chance(50) ? Outage::Kind::kCrash : Outage::Kind::kLeave, begin,
                       begin + 3600 * kOneSecond + between(random, 0, 60 * kOneSecond)}};
}

void add_liars(Random& random, Scenario& scenario) {
  for (JobPlan& job : scenario.jobs)
    job.verification = {.mode = random.chance(50) ? Verify::kAll : Verify::kSample,
                        .ratio = random.share() * random.share(),
                        .golden = random.chance(40),
                        .seed = random.bits()};
  // The first is always honest.
  for (std::size_t i = 1; i < scenario.workers.size(); ++i)
    scenario.workers[i].faults.lies = random.chance(30);
}

std::size_t draw_crowd(Random& random) {
  if (random.below(300) == 0)
    return 1000 + random.below(1500);
  return random.chance(85) ? random.between(1, 10) : random.between(11, 60);
}

}  // namespace

std::uint64_t Scenario::largest(const JobPlan& job) const {
  constexpr std::size_t kHeader = 512;
  std::size_t size = kHeader + job.segment_size;
  for (const WorkerPlan& worker : workers) {
    const std::size_t renditions = std::max<std::size_t>(worker.renditions, job.renditions.size()) +
                                   worker.adapter.by_hand.size();
    size = std::max(size, renditions * (kHeader + worker.result_size));
  }
  return size;
}

Scenario draw_scenario(std::uint64_t seed) {
  Random random(seed);
  Scenario scenario;
  const std::size_t crowd = draw_crowd(random);
  const auto renditions = static_cast<unsigned>(random.between(1, 2));
  scenario.workers = draw_workers(random, crowd, renditions);
  const std::size_t jobs = crowd < 100 && random.chance(30) ? random.between(2, 3) : 1;
  for (std::size_t i = 0; i < jobs; ++i) {
    scenario.jobs.push_back(draw_job(random, crowd));
    if (i > 0 && random.chance(50))
      scenario.jobs.back().begins_at = between(random, 0, 20 * kOneSecond);
    scenario.jobs.back().max_attempts = kNoEndOfAttempts;
  }
  for (WorkerPlan& worker : scenario.workers)
    if (random.chance(10))
      worker.joins_at = between(random, 0, 60 * kOneSecond);
  const std::uint64_t dice = random.below(100);
  if (dice < 15) {
    scenario.kind = "calm";
    scenario.is_calm = true;
    for (JobPlan& job : scenario.jobs) {
      job.produce_every = job.consume_every = job.begins_at = 0;
      job.seek_at = job.pause_at = kNever;
      job.window_segments = std::max<std::uint64_t>(job.window_segments, 4 * crowd);
      job.window_bytes = job.max_bytes = 1u << 30;
      job.segments = std::max<std::uint64_t>(job.segments, 20 * std::min<std::size_t>(crowd, 20));
      job.max_attempts = 1;
    }
    for (WorkerPlan& worker : scenario.workers)
      worker.joins_at = 0;
  } else if (dice < 35) {
    scenario.kind = "few faults";
    add_few_faults(random, scenario);
  } else if (dice < 40) {
    scenario.kind = "empty hour";
    add_empty_hour(random, scenario);
  } else if (dice < 80) {
    scenario.kind = "many faults, no end of attempts";
    add_many_faults(random, scenario);
  } else {
    scenario.kind = "many faults";
    add_many_faults(random, scenario);
    scenario.may_fail = true;
    for (JobPlan& job : scenario.jobs)
      job.max_attempts = static_cast<unsigned>(random.between(1, 4));
  }
  if (!scenario.is_calm && random.chance(kWithRenditions))
    add_renditions(random, scenario);
  if (dice >= 40 && random.chance(kWithLiars))
    add_liars(random, scenario);
  add_stores(random, scenario);
  return scenario;
}

}  // namespace dist::sim
