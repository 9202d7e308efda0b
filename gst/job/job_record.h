// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Writes the record of a job while the job runs: docs/design/record.md, "How a job writes its
// record".
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/io/signing_key.h"
#include "gst/job/job_error.h"
#include "gst/job/thumbnail_files.h"
#include "gst/job/transcode_pipeline.h"

namespace dist {

class JobRecord {
 public:
  // The plan, which is borrowed, has a manifest. `paths` are where its outputs are written, then
  // where the CAR is and, with a key, the signature; the files exist. Watches `made`, which
  // make_pipeline() made and which has not begun, and which must be in NULL when this object ends.
  // Begins to read the film's file.
  JobRecord(const Plan& plan, std::optional<SigningKey> key, const std::vector<std::string>& paths,
            const TranscodePipeline& made);
  ~JobRecord();
  JobRecord(const JobRecord&) = delete;
  JobRecord& operator=(const JobRecord&) = delete;

  // The CAR cannot be written, or the film cannot be read; none: so far it can. Any thread.
  std::optional<JobError> error() const;
  // Whether the film's file has been read to its end.
  bool knows_source() const;
  // Writes the rest, unless `cancelled` becomes true. The pipeline has ended and is in NULL, the
  // outputs are complete, and the source is known.
  std::optional<JobError> finish(const ThumbnailFiles::Pictures& pictures,
                                 const std::atomic<bool>& cancelled);

 private:
  struct Private;
  std::unique_ptr<Private> private_;
};

}  // namespace dist
