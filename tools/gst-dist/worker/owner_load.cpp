// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/worker/owner_load.h"

#include <algorithm>

namespace dist::tool {

bool OwnerLoad::add(const Sample& sample) {
  // Where a counter goes back it has begun anew.
  if (!samples_.empty() && (sample.busy < samples_.back().busy ||
                            sample.own < samples_.back().own || sample.at <= samples_.back().at))
    samples_.clear();
  samples_.push_back(sample);
  const double needed = busy_ ? kTakeUpAfter : kGiveWayAfter;
  while (samples_.size() > 2 && sample.at - samples_[1].at >= needed)
    samples_.pop_front();
  const Sample& first = samples_.front();
  if (sample.at - first.at < needed)
    return false;
  // The two are not counted at the same moment, so the difference can be a little below nothing.
  load_ =
      std::max(0.0, (sample.busy - first.busy) - (sample.own - first.own)) / (sample.at - first.at);
  const bool was_busy = busy_;
  busy_ = load_ > (was_busy ? kTakeUpBelow * limit_ : limit_);
  if (busy_ == was_busy)
    return false;
  samples_.erase(samples_.begin(), samples_.end() - 1);
  return true;
}

}  // namespace dist::tool
