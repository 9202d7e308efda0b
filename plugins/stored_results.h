// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The results of a job in a store: looked for before a segment is leased, kept when they were
// accepted. docs/design/store.md, "A job and its store".
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/gstx/ref.h"
#include "gst/io/blob_store.h"
#include "gst/lease/farm_events.h"
#include "gst/store/result_key.h"

namespace dist {

// Thread-safe. Only stop() and the destructor wait for the store; the destructor gives it ten
// seconds to keep what it was given.
class StoredResults {
 public:
  // Both are called in threads of this object: Answer until stop() returns, Warn until the
  // destructor does.
  // The answer to a question: all that the store has of it.
  using Answer = std::function<void(std::uint64_t question, std::vector<ResultRendition> results)>;
  // The store does not do its work, in a sentence. Once, and from then on it is left alone.
  using Warn = std::function<void(const std::string& text)>;

  StoredResults(std::shared_ptr<BlobStore> store, Answer answer, Warn warn);
  ~StoredResults();
  StoredResults(const StoredResults&) = delete;
  StoredResults& operator=(const StoredResults&) = delete;

  void seek(ResultsSought sought);
  // A result that was accepted, and does not come from the store.
  void keep(const SegmentDone& done);
  // No further result of this segment will be kept.
  void forget(std::uint64_t segment);
  // The same of all segments. Open questions end; one whose answer is on its way may still be
  // answered.
  void flush();
  // Ends all questions, and ignores further ones. Once.
  void stop();

 private:
  // What results of a segment are kept by.
  struct Source {
    std::shared_ptr<const SegmentHeader> header;
    BlobKey payload = {};
    std::vector<ResultsSought::Rendition> renditions;
  };
  // A result on its way to the store.
  struct Kept {
    std::shared_ptr<const Source> source;
    RenditionSpec spec;
    ResultRendition rendition;
  };

  // A question, and what ends it.
  struct Question {
    ResultsSought sought;
    Ref<GCancellable> asking;
  };

  void find(const Question& question);
  bool enter(const std::shared_ptr<const Source>& source, const Ref<GCancellable>& asking);
  std::optional<ResultRendition> find(const Source& source,
                                      const ResultsSought::Rendition& rendition,
                                      GCancellable* asking);
  void put(const Kept& kept);
  StoreStatus keep(const BlobKey& key, const BytesList& blob);
  void fail(const StoreError& error);
  void succeed();
  bool has_failed();

  const std::shared_ptr<BlobStore> store_;
  const Answer answer_;
  const Warn warn_;
  const Ref<GCancellable> putting_ = Ref<GCancellable>::adopt(g_cancellable_new());

  Mutex lock_;
  Condition changed_;
  std::map<std::uint64_t, std::shared_ptr<const Source>> sources_ GUARDED_BY(lock_);  // By index.
  // Of all questions since the last flush.
  Ref<GCancellable> asking_ GUARDED_BY(lock_) = Ref<GCancellable>::adopt(g_cancellable_new());
  std::uint64_t unwritten_ GUARDED_BY(lock_) = 0;  // Bytes of results that are not kept yet.
  std::size_t puts_ GUARDED_BY(lock_) = 0;
  unsigned errors_ GUARDED_BY(lock_) = 0;  // In a row.
  bool failed_ GUARDED_BY(lock_) = false;
  bool stopped_ GUARDED_BY(lock_) = false;

  // Their threads use the members above.
  GThreadPool* askers_ = nullptr;
  GThreadPool* writers_ = nullptr;
};

// The stores of these texts, as open_store() takes them, with results that are checked when they
// are read.
StoreResult<std::shared_ptr<BlobStore>> open_result_store(const std::vector<std::string>& texts,
                                                          std::uint64_t folder_limit,
                                                          const StoredResults::Warn& warn);

}  // namespace dist
