// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/job_log.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace dist {
namespace {

// After the first of several happenings, so that they are written together.
constexpr std::chrono::milliseconds kBatch{500};
// Without any, so that the status does not get old.
constexpr std::chrono::seconds kIdle{5};

std::int64_t now() {
  return g_get_real_time() / 1000;
}

}  // namespace

JobLog::JobLog(std::shared_ptr<BlobStore> store, std::function<FarmStatus()> status)
    : store_(std::move(store)), status_(std::move(status)) {
  journal_.host = g_get_host_name();
  journal_.process = static_cast<std::uint64_t>(::getpid());
  journal_.began = now();
  thread_ = std::thread([this] { run(); });
}

void JobLog::note(Happening happening) {
  const MutexLock lock(lock_);
  if (stopped_)
    return;
  // Under the lock, so that times are in the order of the happenings.
  happening.at = now();
  if (noted_.empty())
    changed_.notify_all();
  // The store takes long; the journal would not have the earlier ones any more either.
  if (noted_.size() == JobJournal::kMaxHappenings) {
    noted_.clear();
    lost_ += JobJournal::kMaxHappenings;
  }
  noted_.push_back(std::move(happening));
}

void JobLog::stop() {
  {
    const MutexLock lock(lock_);
    stopped_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable())
    thread_.join();
}

// Waits for happenings, which it appends. False if the log is stopped.
bool JobLog::take(std::vector<Happening>& taken) {
  using Clock = Condition::Clock;
  const MutexLock lock(lock_);
  const auto idle = Clock::now() + kIdle;
  while (noted_.empty() && !stopped_ && changed_.wait_until(lock_, idle)) {
  }
  const auto batch = Clock::now() + kBatch;
  while (!noted_.empty() && !stopped_ && changed_.wait_until(lock_, batch)) {
  }
  if (lost_ > 0) {
    journal_.earlier += std::exchange(lost_, 0) + taken.size();
    taken.clear();
  }
  std::ranges::move(noted_, std::back_inserter(taken));
  noted_.clear();
  return !stopped_;
}

void JobLog::run() {
  std::vector<Happening>& kept = journal_.happenings;
  while (take(kept)) {
    if (kept.size() > JobJournal::kMaxHappenings) {
      const std::size_t over = kept.size() - JobJournal::kMaxHappenings;
      kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(over));
      journal_.earlier += over;
    }
    journal_.status = status_();
    journal_.written = now();
    // Whoever looks sees what was there before; the job goes on.
    (void)store_->publish(write_journal(journal_));
  }
}

}  // namespace dist
