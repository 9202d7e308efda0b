// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The option --max-segment-duration, of transcode and of inspect.
#pragma once

#include <glib.h>
#include <gst/gst.h>

#include <optional>
#include <string>

#include "gst/cut/segment.h"
#include "gst/gstx/ref.h"

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
  // Sets it on the element "cut" of the pipeline, if it was given.
  void apply(GstElement* pipeline) const {
    if (seconds_ == kNotGiven)
      return;
    const auto cut = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "cut"));
    g_object_set(cut.get(), "max-segment-duration",
                 static_cast<guint64>(seconds_ * static_cast<double>(kSecond)), nullptr);
  }

 private:
  static constexpr gdouble kNotGiven = -1;
  static constexpr gdouble kMost = 86400;
  gdouble seconds_ = kNotGiven;
};

}  // namespace dist::tool
