// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What remoteenc has to do with a store, by itself: with stores that block, fail and are slow.
#include "plugins/stored_results.h"

#include <chrono>
#include <deque>
#include <thread>

#include "tests/elements/helpers.h"

namespace {

using namespace test;
using dist::BlobKey;
using dist::Bytes;
using dist::BytesList;
using dist::StoreError;
using dist::StoreFault;
using Clock = std::chrono::steady_clock;

// Less than any patience in the code under test.
constexpr std::chrono::seconds kSoon{5};
const StoreError kAway{"the store is away", StoreFault::kUnavailable};

// In memory. Calls block while it is held, until they are cancelled; then they take what the test
// has prepared for them.
class TestStore : public dist::BlobStore {
 public:
  void hold_calls(bool hold) {
    const dist::MutexLock lock(lock_);
    held_ = hold;
    changed_.notify_all();
  }
  // The next calls fail with these, one each; none: it succeeds.
  void prepare(const std::vector<std::optional<StoreError>>& results) {
    const dist::MutexLock lock(lock_);
    prepared_.assign(results.begin(), results.end());
  }
  struct Counts {
    unsigned gets = 0;
    unsigned puts = 0;
    unsigned blocked = 0;  // Now.
    unsigned cancelled = 0;
    std::size_t blobs = 0;
  };
  Counts counts() {
    const dist::MutexLock lock(lock_);
    return counts_;
  }

  dist::StoreResult<std::optional<BytesList>> get(const BlobKey& key,
                                                  GCancellable* cancellable) override {
    const dist::MutexLock lock(lock_);
    ++counts_.gets;
    if (auto status = pass(cancellable); !status)
      return status.failure();
    const auto found = blobs_.find(key);
    return found == blobs_.end() ? std::optional<BytesList>() : std::optional(found->second);
  }
  dist::StoreStatus put(const BlobKey& key, const BytesList& blob,
                        GCancellable* cancellable) override {
    const dist::MutexLock lock(lock_);
    ++counts_.puts;
    auto status = pass(cancellable);
    if (status)
      counts_.blobs += blobs_.insert_or_assign(key, blob).second ? 1 : 0;
    return status;
  }
  dist::StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey>,
                                                       GCancellable*) override {
    return kAway;
  }
  dist::StoreStatus list(const Visit&, GCancellable*) override { return kAway; }
  dist::StoreStatus remove(const BlobKey&, GCancellable*) override { return kAway; }

 private:
  dist::StoreStatus pass(GCancellable* cancellable) REQUIRES(lock_) {
    ++counts_.blocked;
    while (held_ && !dist::is_cancelled(cancellable))
      changed_.wait_until(lock_, Clock::now() + std::chrono::milliseconds(1));
    --counts_.blocked;
    if (dist::is_cancelled(cancellable)) {
      ++counts_.cancelled;
      return StoreError{"cancelled", StoreFault::kCancelled};
    }
    if (prepared_.empty())
      return dist::kStoreOk;
    const auto result = prepared_.front();
    prepared_.pop_front();
    return result ? dist::StoreStatus(*result) : dist::StoreStatus(dist::kStoreOk);
  }

  dist::Mutex lock_;
  dist::Condition changed_;
  bool held_ GUARDED_BY(lock_) = false;
  std::deque<std::optional<StoreError>> prepared_ GUARDED_BY(lock_);
  std::map<BlobKey, BytesList> blobs_ GUARDED_BY(lock_);
  Counts counts_ GUARDED_BY(lock_);
};

// Of which no two have the same key.
dist::SegmentHeader source_of(std::uint64_t index) {
  dist::SegmentHeader header = source_header(index);
  header.caps += ", number=(int)" + std::to_string(index);
  return header;
}

struct Bench {
  Bench()
      : results(
            std::in_place, store,
            [this](std::uint64_t question, std::vector<dist::ResultRendition> found) {
              const dist::MutexLock lock(mutex);
              answers.emplace_back(question, found.size());
            },
            [this](const std::string& text) {
              const dist::MutexLock lock(mutex);
              warnings.push_back(text);
            }) {}

  void seek(std::uint64_t index) {
    dist::ResultsSought sought;
    sought.question = 100 + index;
    sought.source = std::make_shared<const dist::SegmentHeader>(source_of(index));
    sought.segment = {serialized(*sought.source)};
    sought.renditions = {{spec, {encoder}}};
    results->seek(std::move(sought));
  }
  void seek_and_wait(std::uint64_t index) {
    const std::size_t before = answered();
    seek(index);
    wait_until([&] { return answered() > before; });
  }
  // Of which the payload has so many bytes.
  dist::SegmentDone done(std::uint64_t index, std::uint64_t bytes = kFrameSize * 10) const {
    dist::SegmentHeader header = rendition_header(source_of(index), spec.name);
    header.units.back().size += bytes - header.payload_size();
    dist::SegmentDone done;
    done.grant.segment.index = index;
    done.renditions.push_back(
        {std::make_shared<const dist::SegmentHeader>(header), {serialized(header)}, encoder});
    return done;
  }
  std::size_t answered() {
    const dist::MutexLock lock(mutex);
    return answers.size();
  }
  // In the answer that came last.
  std::size_t found() {
    const dist::MutexLock lock(mutex);
    return answers.back().second;
  }
  std::vector<std::string> warned() {
    const dist::MutexLock lock(mutex);
    return warnings;
  }

  const dist::RenditionSpec spec = dist::parse_renditions("hd:h264:64x36")->front();
  const dist::Encoder encoder{"x264enc", "1"};
  std::shared_ptr<TestStore> store = std::make_shared<TestStore>();
  dist::Mutex mutex;
  std::vector<std::pair<std::uint64_t, std::size_t>> answers GUARDED_BY(mutex);
  std::vector<std::string> warnings GUARDED_BY(mutex);
  std::optional<dist::StoredResults> results;
};

template <class Work>
void expect_soon(const char* what, Work work) {
  const auto begin = Clock::now();
  work();
  fail_unless(Clock::now() - begin < kSoon, "%s took too long", what);
}

}  // namespace

GST_START_TEST(test_stored_results_come_back) {
  Bench bench;
  bench.seek_and_wait(0);
  expect_equal(bench.found(), 0);
  bench.results->keep(bench.done(0));
  wait_until([&] { return bench.store->counts().blobs == 1; });
  bench.seek_and_wait(0);
  expect_equal(bench.found(), 1);
  // Nobody has asked for this one, so nobody knows by what it would be found.
  bench.results->keep(bench.done(1));
  bench.results->forget(0);
  bench.results->keep(bench.done(0));
  bench.results.reset();
  expect_equal(bench.store->counts().puts, 1);
}
GST_END_TEST

// However many threads wait for the store.
GST_START_TEST(test_stored_results_flush_ends_questions) {
  Bench bench;
  bench.store->hold_calls(true);
  for (std::uint64_t index = 0; index < 20; ++index)
    bench.seek(index);
  wait_until([&] { return bench.store->counts().blocked == 8; });
  expect_soon("flush", [&] { bench.results->flush(); });
  wait_until([&] { return bench.store->counts().blocked == 0; });
  expect_equal(bench.store->counts().cancelled, 8);
  // The next question finds threads, and only that one is answered.
  bench.store->hold_calls(false);
  bench.seek_and_wait(0);
  expect_equal(bench.store->counts().gets, 9);
  expect_equal(bench.answered(), 1);
  expect_equal(bench.warned().size(), 0);
}
GST_END_TEST

GST_START_TEST(test_stored_results_stop_ends_questions) {
  for (const bool destroys : {false, true}) {
    Bench bench;
    bench.store->hold_calls(true);
    for (std::uint64_t index = 0; index < 20; ++index)
      bench.seek(index);
    wait_until([&] { return bench.store->counts().blocked == 8; });
    expect_soon("the end", [&] {
      if (destroys)
        bench.results.reset();
      else
        bench.results->stop();
    });
    expect_equal(bench.store->counts().cancelled, 8);
    expect_equal(bench.answered(), 0);
    if (destroys)
      continue;
    bench.seek(20);
    bench.results->flush();
    bench.results.reset();
    expect_equal(bench.store->counts().gets, 8);
  }
}
GST_END_TEST

// It is given its time, and is cancelled then.
GST_START_TEST(test_stored_results_end_with_a_blocked_put) {
  Bench bench;
  bench.seek_and_wait(0);
  bench.store->hold_calls(true);
  bench.results->keep(bench.done(0));
  wait_until([&] { return bench.store->counts().blocked == 1; });
  const auto begin = Clock::now();
  bench.results.reset();
  fail_if(Clock::now() - begin < std::chrono::seconds(10));
  expect_equal(bench.store->counts().cancelled, 1);
  expect_equal(bench.store->counts().blobs, 0);
  expect_equal(bench.warned().size(), 0);
}
GST_END_TEST

GST_START_TEST(test_stored_results_are_written_before_the_end) {
  Bench bench;
  for (std::uint64_t index = 0; index < 10; ++index)
    bench.seek_and_wait(index);
  bench.store->hold_calls(true);
  for (std::uint64_t index = 0; index < 10; ++index)
    bench.results->keep(bench.done(index));
  wait_until([&] { return bench.store->counts().blocked == 2; });
  std::thread ending([&] { bench.results.reset(); });
  bench.store->hold_calls(false);
  ending.join();
  expect_equal(bench.store->counts().blobs, 10);
}
GST_END_TEST

GST_START_TEST(test_stored_results_leave_a_hopeless_store_alone) {
  const StoreError faults[] = {{"the disk is full", StoreFault::kFull},
                               {"no right", StoreFault::kRefused}};
  for (const StoreError& fault : faults) {
    for (const bool puts : {false, true}) {
      Bench bench;
      if (puts) {
        bench.seek_and_wait(0);
        bench.seek_and_wait(1);
      }
      const unsigned gets = bench.store->counts().gets;
      bench.store->prepare({fault});
      if (puts)
        bench.results->keep(bench.done(0));
      else
        bench.seek_and_wait(0);
      wait_until([&] { return bench.warned().size() == 1; });
      // Asked again, it has nothing; given something, it gets nothing.
      bench.seek_and_wait(1);
      expect_equal(bench.found(), 0);
      bench.results->keep(bench.done(1));
      bench.results.reset();
      expect_equal(bench.store->counts().gets, gets + (puts ? 0 : 1));
      expect_equal(bench.store->counts().puts, puts ? 1 : 0);
      expect_equal(bench.warned().size(), 1);
      expect_text(bench.warned().front(), fault.message);
    }
  }
}
GST_END_TEST

GST_START_TEST(test_stored_results_count_errors_in_a_row) {
  struct Row {
    std::vector<std::optional<StoreError>> results;
    unsigned gets;  // Of five.
    unsigned warnings;
  };
  const Row rows[] = {
      {{kAway, kAway, kAway}, 3, 1},
      {{kAway, kAway, {}, kAway, kAway}, 5, 0},
      {{kAway, {}, kAway, kAway, kAway}, 5, 1},
      {{StoreError{"large", StoreFault::kTooLarge}, StoreError{"large", StoreFault::kTooLarge},
        StoreError{"large", StoreFault::kTooLarge}, StoreError{"large", StoreFault::kTooLarge}},
       5,
       0},
  };
  for (const Row& row : rows) {
    Bench bench;
    bench.store->prepare(row.results);
    for (std::uint64_t index = 0; index < 5; ++index)
      bench.seek_and_wait(index);
    bench.results.reset();
    expect_equal(bench.store->counts().gets, row.gets);
    expect_equal(bench.warned().size(), row.warnings);
  }
}
GST_END_TEST

GST_START_TEST(test_stored_results_that_are_not_written_are_bounded) {
  constexpr std::uint64_t kHalf = 24u << 20;
  Bench bench;
  for (std::uint64_t index = 0; index < 5; ++index)
    bench.seek_and_wait(index);
  bench.store->hold_calls(true);
  for (std::uint64_t index = 0; index < 4; ++index)
    bench.results->keep(bench.done(index, kHalf));
  // Small ones still find room.
  bench.results->keep(bench.done(4));
  bench.store->hold_calls(false);
  wait_until([&] { return bench.store->counts().blobs == 3; });
  // There is room again.
  bench.results->keep(bench.done(2, kHalf));
  bench.results.reset();
  expect_equal(bench.store->counts().blobs, 4);
}
GST_END_TEST

static Suite* stored_results_suite() {
  Suite* const suite = suite_create("stored_results");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_stored_results_come_back);
  tcase_add_test(tests, test_stored_results_flush_ends_questions);
  tcase_add_test(tests, test_stored_results_stop_ends_questions);
  tcase_add_test(tests, test_stored_results_end_with_a_blocked_put);
  tcase_add_test(tests, test_stored_results_are_written_before_the_end);
  tcase_add_test(tests, test_stored_results_leave_a_hopeless_store_alone);
  tcase_add_test(tests, test_stored_results_count_errors_in_a_row);
  tcase_add_test(tests, test_stored_results_that_are_not_written_are_bounded);
  return suite;
}

GST_CHECK_MAIN(stored_results)
