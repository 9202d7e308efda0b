// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/lease_reasons.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gst/base/bytes.h"

namespace dist {
namespace {

constexpr std::size_t kAttempts = 3;
// Bytes of a reason; an error is a few lines at most.
constexpr std::size_t kMaxReason = 400;

// A reason is a part of a sentence here.
std::string trimmed(const std::string& reason) {
  std::string text(clip(reason, kMaxReason));
  while (!text.empty() && (text.back() == '.' || text.back() == ' ' || text.back() == '\n'))
    text.pop_back();
  return text;
}

}  // namespace

void LeaseReasons::note(std::uint64_t segment, const std::string& worker,
                        const std::string& reason) {
  auto& attempts = segments_[segment];
  attempts.push_front({worker, trimmed(reason)});
  if (attempts.size() > kAttempts)
    attempts.pop_back();
}

std::string LeaseReasons::text(std::uint64_t segment) const {
  const auto found = segments_.find(segment);
  if (found == segments_.end())
    return "";
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const Attempt& attempt : found->second) {
    auto known = std::find_if(reasons.begin(), reasons.end(),
                              [&](const auto& entry) { return entry.first == attempt.reason; });
    if (known == reasons.end())
      known = reasons.insert(reasons.end(), {attempt.reason, {}});
    auto& workers = known->second;
    if (std::find(workers.begin(), workers.end(), attempt.worker) == workers.end())
      workers.push_back(attempt.worker);
  }
  std::string text;
  for (const auto& [reason, workers] : reasons) {
    text += (text.empty() ? "" : "; ") + reason + " (";
    for (std::size_t i = 0; i < workers.size(); ++i)
      text += (i == 0 ? "" : ", ") + workers[i];
    text += ")";
  }
  return text;
}

}  // namespace dist
