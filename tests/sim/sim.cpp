// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs seeds, each a world of its own, and stops at the first in which anything is wrong.
//
//   sim                 the seeds 1 to $DIST_SIM_SEEDS
//   sim FIRST LAST      these
//   sim SEED            this one, telling what happens
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

namespace {

using namespace dist;
using namespace dist::sim;

constexpr std::uint64_t kSeeds = 2000;
constexpr std::size_t kLastNotes = 60;

struct Totals {
  std::uint64_t segments = 0;
  std::uint64_t failed = 0;
  std::uint64_t hedges = 0;
  std::uint64_t parts = 0;
  std::uint64_t unable = 0;
  std::uint64_t looked_at = 0;
  std::uint64_t lies_seen = 0;
  std::uint64_t found = 0;
  std::uint64_t with_store = 0;  // Seeds.
  double virtual_seconds = 0;
  std::vector<double> efficiencies;  // Of calm worlds.
};

void print_notes(const World& world, std::size_t count) {
  const auto& notes = world.notes();
  for (std::size_t i = notes.size() - std::min(notes.size(), count); i < notes.size(); ++i)
    std::printf("%s\n", notes[i].c_str());
}

void describe(std::uint64_t seed, const Scenario& scenario) {
  std::uint64_t segments = 0;
  for (const JobPlan& job : scenario.jobs)
    segments += job.segments;
  std::printf("seed %llu: %s; %zu jobs, %llu segments, %zu workers\n",
              static_cast<unsigned long long>(seed), scenario.kind.c_str(), scenario.jobs.size(),
              static_cast<unsigned long long>(segments), scenario.workers.size());
}

bool run_seed(std::uint64_t seed, Totals& totals) {
  const Scenario scenario = draw_scenario(seed);
  World world(scenario, seed, false);
  const std::string wrong = world.run();
  totals.segments += world.segments_done();
  totals.failed += world.jobs_failed();
  totals.hedges += world.hedges();
  totals.parts += world.parts();
  totals.unable += world.jobs_unable();
  totals.looked_at += world.looked_at();
  totals.lies_seen += world.lies_seen();
  totals.found += world.found();
  totals.with_store +=
      std::ranges::any_of(scenario.jobs, [](const JobPlan& job) { return job.store.is_there; }) ? 1
                                                                                                : 0;
  totals.virtual_seconds += static_cast<double>(world.now()) / 1e9;
  if (scenario.is_calm)
    totals.efficiencies.push_back(world.efficiency());
  if (wrong.empty())
    return true;
  // Once more, to see how it came to that.
  World again(scenario, seed, true);
  again.run();
  describe(seed, scenario);
  print_notes(again, kLastNotes);
  std::printf("FAILED: seed %llu: %s\n", static_cast<unsigned long long>(seed), wrong.c_str());
  return false;
}

int tell_seed(std::uint64_t seed) {
  const Scenario scenario = draw_scenario(seed);
  describe(seed, scenario);
  World world(scenario, seed, true);
  const std::string wrong = world.run();
  print_notes(world, SIZE_MAX);
  std::printf("%s; efficiency %.3f\n", wrong.empty() ? "all is well" : wrong.c_str(),
              world.efficiency());
  return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2)
    return tell_seed(std::strtoull(argv[1], nullptr, 10));
  std::uint64_t first = 1;
  std::uint64_t last = kSeeds;
  if (const char* seeds = std::getenv("DIST_SIM_SEEDS"))
    last = std::strtoull(seeds, nullptr, 10);
  if (argc > 2) {
    first = std::strtoull(argv[1], nullptr, 10);
    last = std::strtoull(argv[2], nullptr, 10);
  }
  Totals totals;
  for (std::uint64_t seed = first; seed <= last; ++seed)
    if (!run_seed(seed, totals))
      return 1;
  auto& all = totals.efficiencies;
  std::sort(all.begin(), all.end());
  std::printf(
      "seeds %llu to %llu: %llu segments in %.0f virtual hours, %llu hedges, %llu parts, %llu "
      "results "
      "looked at, %llu of them lies, %llu results found in the stores of %llu seeds, %llu jobs "
      "given up, %llu of them because nobody could; efficiency of %zu calm worlds: median %.3f, "
      "worst %.3f\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(last),
      static_cast<unsigned long long>(totals.segments), totals.virtual_seconds / 3600,
      static_cast<unsigned long long>(totals.hedges), static_cast<unsigned long long>(totals.parts),
      static_cast<unsigned long long>(totals.looked_at),
      static_cast<unsigned long long>(totals.lies_seen),
      static_cast<unsigned long long>(totals.found),
      static_cast<unsigned long long>(totals.with_store),
      static_cast<unsigned long long>(totals.failed),
      static_cast<unsigned long long>(totals.unable), all.size(),
      all.empty() ? 0 : all[all.size() / 2], all.empty() ? 0 : all.front());
  return 0;
}
