// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Keeps the journal of a job in its store (docs/design/store.md, "Journals").
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/io/blob_store.h"
#include "gst/store/job_journal.h"

namespace dist {

// Thread-safe. Nobody but stop() and the destructor waits for the store.
class JobLog {
 public:
  // `status` is called in a thread of this object until stop() returns.
  JobLog(std::shared_ptr<BlobStore> store, std::function<FarmStatus()> status);
  ~JobLog() { stop(); }
  JobLog(const JobLog&) = delete;
  JobLog& operator=(const JobLog&) = delete;

  // Now. The happening's time is filled in.
  void note(Happening happening);
  void stop();

 private:
  void run();
  bool take(std::vector<Happening>& taken);

  const std::shared_ptr<BlobStore> store_;
  const std::function<FarmStatus()> status_;
  Mutex lock_;
  Condition changed_;
  std::vector<Happening> noted_ GUARDED_BY(lock_);
  std::uint64_t lost_ GUARDED_BY(lock_) = 0;  // Noted, and no more among those.
  bool stopped_ GUARDED_BY(lock_) = false;
  JobJournal journal_;  // Of the thread.
  std::thread thread_;
};

}  // namespace dist
