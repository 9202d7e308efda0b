// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The option --max-segment-duration, of transcode and of inspect.
#pragma once

#include <glib.h>

#include <optional>
#include <string>

namespace dist::tool {

class SegmentLimit {
 public:
  // For GOption: seconds go into seconds_.
  GOptionEntry entry() {
    return {"max-segment-duration",
            0,
            0,
            G_OPTION_ARG_DOUBLE,
            &seconds_,
            "Cut inside a GOP that is longer (default: 4; 0: never)",
            "SECONDS"};
  }
  // What does not fit, empty if all does.
  std::string wrong() const {
    return seconds_ == kNotGiven || (seconds_ >= 0 && seconds_ <= kMost)
               ? ""
               : "--max-segment-duration: write seconds from 0 to 86400, such as 10 or 2.5";
  }
  // None if it was not given.
  std::optional<double> seconds() const {
    return seconds_ == kNotGiven ? std::nullopt : std::optional<double>(seconds_);
  }

 private:
  static constexpr gdouble kNotGiven = -1;
  static constexpr gdouble kMost = 86400;
  gdouble seconds_ = kNotGiven;
};

}  // namespace dist::tool
