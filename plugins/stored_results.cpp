// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/stored_results.h"

#include <algorithm>
#include <chrono>

#include "gst/io/open_store.h"
#include "gst/rendition/rendition.h"
#include "gst/store/stored_result.h"

namespace dist {
namespace {

// Of requests that wait for a server, not for a processor.
constexpr int kAskers = 8;
constexpr int kWriters = 2;
// Results that are not kept yet take no more than this; what comes beyond is not kept.
constexpr std::uint64_t kMaxUnwritten = 64u << 20;
// Errors in a row after which the store is left alone: one may be an accident of the network.
constexpr unsigned kMaxErrors = 3;
constexpr std::chrono::seconds kPatience{10};

}  // namespace

StoredResults::StoredResults(std::shared_ptr<BlobStore> store, Answer answer, Warn warn)
    : store_(std::move(store)), answer_(std::move(answer)), warn_(std::move(warn)) {
  // Not exclusive: without an error.
  askers_ = g_thread_pool_new(
      [](gpointer item, gpointer self) {
        const std::unique_ptr<Question> question(static_cast<Question*>(item));
        static_cast<StoredResults*>(self)->find(*question);
      },
      this, kAskers, FALSE, nullptr);
  writers_ = g_thread_pool_new(
      [](gpointer item, gpointer self) {
        const std::unique_ptr<Kept> kept(static_cast<Kept*>(item));
        static_cast<StoredResults*>(self)->put(*kept);
      },
      this, kWriters, FALSE, nullptr);
}

void StoredResults::stop() {
  Ref<GCancellable> asking;
  {
    const MutexLock lock(lock_);
    stopped_ = true;
    asking = asking_;
  }
  g_cancellable_cancel(asking.get());
  if (GThreadPool* const askers = std::exchange(askers_, nullptr))
    g_thread_pool_free(askers, FALSE, TRUE);
}

StoredResults::~StoredResults() {
  stop();
  {
    const MutexLock lock(lock_);
    const auto end = Condition::Clock::now() + kPatience;
    while (puts_ > 0 && changed_.wait_until(lock_, end)) {
    }
  }
  g_cancellable_cancel(putting_.get());
  g_thread_pool_free(writers_, FALSE, TRUE);
}

// --- Questions

void StoredResults::seek(ResultsSought sought) {
  const MutexLock lock(lock_);
  if (!stopped_)
    g_thread_pool_push(askers_, new Question{std::move(sought), asking_}, nullptr);
}

// In a thread of askers_.
void StoredResults::find(const Question& question) {
  const ResultsSought& sought = question.sought;
  if (g_cancellable_is_cancelled(question.asking.get()))
    return;
  const auto source = std::make_shared<const Source>(
      Source{sought.source, payload_digest(*sought.source, sought.segment), sought.renditions});
  if (!enter(source, question.asking))
    return;
  std::vector<ResultRendition> results;
  for (const ResultsSought::Rendition& rendition : sought.renditions)
    if (auto result = find(*source, rendition, question.asking.get()))
      results.push_back(std::move(*result));
  if (!g_cancellable_is_cancelled(question.asking.get()))
    answer_(sought.question, std::move(results));
}

// False if a flush came meanwhile.
bool StoredResults::enter(const std::shared_ptr<const Source>& source,
                          const Ref<GCancellable>& asking) {
  const MutexLock lock(lock_);
  if (asking.get() != asking_.get())
    return false;
  sources_[source->header->index] = source;
  return true;
}

std::optional<ResultRendition> StoredResults::find(const Source& source,
                                                   const ResultsSought::Rendition& rendition,
                                                   GCancellable* asking) {
  for (const Encoder& encoder : rendition.encoders) {
    const auto key =
        result_key(*source.header, source.payload, {rendition.spec, encoder.name, encoder.version});
    if (!key || has_failed() || g_cancellable_is_cancelled(asking))
      continue;
    // What this job has found, or will keep, must be there when it is started again.
    if (const auto held = store_->hold(std::span(&*key, 1)); !held) {
      fail(held.failure());
      continue;
    }
    const auto blob = store_->get(*key, asking);
    if (!blob) {
      fail(blob.failure());
      continue;
    }
    succeed();
    const auto stored = *blob ? read_stored_result(*key, **blob) : Result<StoredResult>(Error{""});
    if (!stored)
      continue;
    auto restored = restore_result(*stored, *source.header, rendition.spec.name);
    if (!restored)
      continue;
    return ResultRendition{std::make_shared<const SegmentHeader>(std::move(restored->header)),
                           std::move(restored->segment), encoder};
  }
  return {};
}

// --- Results

void StoredResults::keep(const SegmentDone& done) {
  std::vector<std::unique_ptr<Kept>> kept;
  {
    const MutexLock lock(lock_);
    const auto found = sources_.find(done.grant.segment.index);
    if (found == sources_.end() || failed_)
      return;
    for (const ResultRendition& rendition : done.renditions) {
      const auto sought = std::ranges::find_if(found->second->renditions, [&](const auto& s) {
        return s.spec.name == rendition.header->rendition;
      });
      const std::uint64_t size = total_size(rendition.segment);
      if (sought == found->second->renditions.end() || rendition.encoder.version.empty() ||
          (unwritten_ != 0 && unwritten_ + size > kMaxUnwritten))
        continue;
      unwritten_ += size;
      ++puts_;
      kept.push_back(std::make_unique<Kept>(Kept{found->second, sought->spec, rendition}));
    }
  }
  for (auto& item : kept)
    g_thread_pool_push(writers_, item.release(), nullptr);
}

// In a thread of writers_.
void StoredResults::put(const Kept& kept) {
  const SegmentHeader& source = *kept.source->header;
  const Encoder& encoder = kept.rendition.encoder;
  if (const auto key =
          result_key(source, kept.source->payload, {kept.spec, encoder.name, encoder.version});
      key && !has_failed()) {
    // A result that lacks frames, for one, is not kept.
    if (const auto blob = store_result(*key, about_result(kept.spec, encoder), source,
                                       frames_of(source, kept.spec), *kept.rendition.header,
                                       kept.rendition.segment)) {
      if (const auto done = keep(*key, *blob))
        succeed();
      else
        fail(done.failure());
    }
  }
  const MutexLock lock(lock_);
  unwritten_ -= total_size(kept.rendition.segment);
  --puts_;
  changed_.notify_all();
}

StoreStatus StoredResults::keep(const BlobKey& key, const BytesList& blob) {
  if (auto held = store_->hold(std::span(&key, 1)); !held)
    return held;
  return store_->put(key, blob, putting_.get());
}

void StoredResults::forget(std::uint64_t segment) {
  const MutexLock lock(lock_);
  sources_.erase(segment);
}

void StoredResults::flush() {
  auto asking = Ref<GCancellable>::adopt(g_cancellable_new());
  {
    const MutexLock lock(lock_);
    sources_.clear();
    // Those that come after a stop are ignored.
    if (!stopped_)
      std::swap(asking, asking_);
  }
  g_cancellable_cancel(asking.get());
}

StoreResult<std::shared_ptr<BlobStore>> open_result_store(const std::vector<std::string>& texts,
                                                          std::uint64_t folder_limit,
                                                          const StoredResults::Warn& warn) {
  auto store =
      open_store(texts, {.check = check_stored_result, .warn = warn, .folder_limit = folder_limit});
  if (!store)
    return store.failure();
  return std::shared_ptr<BlobStore>(std::move(*store));
}

// --- Errors

void StoredResults::fail(const StoreError& error) {
  if (error.fault == StoreFault::kCancelled || error.fault == StoreFault::kTooLarge)
    return;
  {
    const MutexLock lock(lock_);
    const bool hopeless = error.fault == StoreFault::kFull || error.fault == StoreFault::kRefused ||
                          error.fault == StoreFault::kDamaged;
    if (failed_ || (!hopeless && ++errors_ < kMaxErrors))
      return;
    failed_ = true;
  }
  warn_(error.message);
}

void StoredResults::succeed() {
  const MutexLock lock(lock_);
  errors_ = 0;
}

bool StoredResults::has_failed() {
  const MutexLock lock(lock_);
  return failed_;
}

}  // namespace dist
