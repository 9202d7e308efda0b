// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>

namespace dist {

// In nanoseconds; of times before the segment it is below 0. None if it has no time.
inline std::optional<std::int64_t> running_time(const GstSegment* segment, GstClockTime time) {
  guint64 value = 0;
  if (!GST_CLOCK_TIME_IS_VALID(time))
    return {};
  const int sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, time, &value);
  if (sign == 0)
    return {};
  return sign > 0 ? static_cast<std::int64_t>(value) : -static_cast<std::int64_t>(value);
}

}  // namespace dist
