// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The jobs that use the store of a folder, by their journals (docs/design/store.md, "Journals").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst/io/blob_store.h"
#include "gst/store/job_journal.h"

namespace dist {

struct StoreJob {
  bool runs = false;  // False: its process was killed.
  JobJournal journal;
};

// Those that run, and those that were killed; by the time when they began.
// Opens no index, and waits for nobody.
StoreResult<std::vector<StoreJob>> jobs_of_store(const std::string& folder);

// Removes the journals of jobs that were killed more than a day before `now`, in seconds.
void remove_old_journals(const std::string& folder, std::int64_t now);

}  // namespace dist
