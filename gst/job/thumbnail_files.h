// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Writes what transcode --thumbnails makes into its folder: pictures, sheets, and their track.
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/job/transcode_pipeline.h"

namespace dist {

class ThumbnailFiles {
 public:
  // The plan, which is borrowed, has thumbnails. `paths` are where its outputs are written; folders
  // exist.
  ThumbnailFiles(const Plan& plan, const std::vector<std::string>& paths);
  ~ThumbnailFiles();
  ThumbnailFiles(const ThumbnailFiles&) = delete;
  ThumbnailFiles& operator=(const ThumbnailFiles&) = delete;

  // Takes what comes from one that make_pipeline() made and that has not begun; must outlive it.
  // What cannot be written is an error message of one of its elements.
  void attach(const TranscodePipeline& made);
  // Writes the rest. The pipeline has ended and is in NULL.
  Status finish();
  // The pictures, which have these names in the folder: 00000.jpg, …. Once all is written.
  struct Pictures {
    std::size_t count = 0;
    unsigned width = 0;
    unsigned height = 0;
  };
  Pictures pictures() const;

 private:
  struct Private;
  std::unique_ptr<Private> private_;
};

}  // namespace dist
