// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/soak/trail.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace soak {

std::optional<Sample> sample_of(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream status(folder + "/status");
  Sample sample;
  std::string word;
  while (status >> word) {
    if (word == "VmRSS:" && status >> sample.mib)
      sample.mib /= 1024;
    else if (word == "Threads:")
      status >> sample.threads;
  }
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder + "/fd", error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error))
    ++sample.descriptors;
  if (error || sample.mib == 0)
    return std::nullopt;
  return sample;
}

Sample Trail::least(std::size_t from) const {
  Sample least = samples_[from];
  for (std::size_t i = from; i < from + kCompared; ++i) {
    least.mib = std::min(least.mib, samples_[i].mib);
    least.threads = std::min(least.threads, samples_[i].threads);
    least.descriptors = std::min(least.descriptors, samples_[i].descriptors);
  }
  return least;
}

std::string Trail::growth() const {
  if (!is_long())
    return {};
  const Sample before = settled();
  const Sample after = latest();
  std::string text;
  const auto compare = [&](const char* what, double Sample::*amount) {
    if (after.*amount <= before.*amount + kAllowance.*amount)
      return;
    char line[120];
    std::snprintf(line, sizeof(line), "%s%.1f %s instead of %.1f", text.empty() ? "" : ", ",
                  after.*amount, what, before.*amount);
    text += line;
  };
  compare("MiB", &Sample::mib);
  compare("threads", &Sample::threads);
  compare("descriptors", &Sample::descriptors);
  return text;
}

}  // namespace soak
