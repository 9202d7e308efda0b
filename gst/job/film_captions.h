// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Closed captions in the pictures of a film, which show only while it is read.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gst/job/transcode_pipeline.h"

namespace dist {

class CaptionWatch {
 public:
  // Of the parsebin that reads the film, before it starts.
  explicit CaptionWatch(GstElement* parsebin);

  // Sentences on the captions that were seen and that outputs do not have. From any thread.
  std::vector<std::string> losses(const std::vector<Output>& outputs) const;

 private:
  using SharedSeen = std::shared_ptr<std::atomic<bool>>;
  static void on_element(GstBin*, GstElement* element, gpointer data);
  static GstPadProbeReturn on_buffer(GstPad*, GstPadProbeInfo* info, gpointer data);

  SharedSeen seen_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace dist
