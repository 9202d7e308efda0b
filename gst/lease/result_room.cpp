// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/result_room.h"

#include <algorithm>

namespace dist {
namespace {

// Weight of the newest size in the mean.
constexpr double kNewest = 0.25;

}  // namespace

bool ResultRoom::admit(LeaseId lease, Kind kind) {
  LeaseId& admitted = kind == Kind::kExam ? admitted_exam_ : admitted_;
  if (admitted == 0)
    admitted = lease;
  return admitted == lease;
}

void ResultRoom::lease_ended(LeaseId lease) {
  for (LeaseId* admitted : {&admitted_, &admitted_exam_})
    if (*admitted == lease)
      *admitted = 0;
}

void ResultRoom::learn(std::uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  result_size_ = result_size_ == 0 ? size : result_size_ + kNewest * (size - result_size_);
}

// It is not leased again before there is room: its size is known now.
void ResultRoom::put_off(std::uint64_t bytes) {
  result_size_ = std::max(result_size_, static_cast<double>(bytes));
  full_at_ = window_.bytes();
}

double ResultRoom::expected(std::size_t leases) const {
  return static_cast<double>(bytes()) + static_cast<double>(leases + 1) * result_size_;
}

// A result found no room, and nothing was delivered since.
bool ResultRoom::is_full() {
  if (window_.bytes() < full_at_)
    full_at_ = UINT64_MAX;
  return full_at_ != UINT64_MAX;
}

bool ResultRoom::has_room_after(std::size_t results) {
  return !is_full() && !exceeds(expected(results));
}

// As long as one more result would not find room, only the segment that makes room is granted. The
// same holds after a result found no room, until something is delivered: else the same segment
// would be encoded for nothing again and again while downstream is paused.
Dispatcher::Throttle ResultRoom::throttle(std::size_t leases, std::optional<std::uint64_t> earliest,
                                          bool admitted_is_looked_at) {
  using Throttle = Dispatcher::Throttle;
  const bool found_none = is_full();
  // Until the look at the one result that may exceed the limit is over, other results of its
  // segment would find no room, again and again.
  if (found_none && admitted_is_looked_at)
    return Throttle::kStopped;
  if (!found_none && !exceeds(expected(leases)))
    return Throttle::kNone;
  return earliest == window_.oldest() ? Throttle::kEarliestOnly : Throttle::kStopped;
}

}  // namespace dist
