// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/checked_store.h"
#include "gst/io/read_through_store.h"
#include "tests/io/store_helpers.h"

namespace {

using namespace dist;
using namespace dist::test;

// A chain whose ends the test still sees.
struct Chain {
  FakeStore* fast = new FakeStore;
  FakeStore* slow = new FakeStore;
  std::vector<std::string> warnings;
  ReadThroughStore store{std::unique_ptr<BlobStore>(fast), std::unique_ptr<BlobStore>(slow),
                         [this](const std::string& text) { warnings.push_back(text); }};
};

const StoreError kBroken{"store: broken", StoreFault::kUnavailable};
const StoreError kFull{"store: full", StoreFault::kFull};

}  // namespace

GST_START_TEST(test_memory_is_a_store_like_the_others) {
  Chain chain;
  fail_unless_ok(chain.store.put(key_of(1), blob_of(1, 10), nullptr));
  fail_unless(has(chain.store, 1, 10));
  fail_unless_equals_uint64(chain.fast->blobs.size(), 1);
  fail_unless_equals_uint64(chain.slow->blobs.size(), 1);
  fail_unless_equals_int(static_cast<int>(chain.slow->gets), 0);
  fail_unless_ok(chain.store.remove(key_of(1), nullptr));
  fail_unless(lacks(chain.store, 1));
}
GST_END_TEST

GST_START_TEST(test_slow_store_fills_the_fast_one) {
  Chain chain;
  chain.slow->blobs[key_of(1)] = to_data(blob_of(1, 10));
  fail_unless(has(chain.store, 1, 10));
  fail_unless(has(chain.store, 1, 10));
  fail_unless_equals_int(static_cast<int>(chain.slow->gets), 1);
  const std::vector<BlobKey> keys{key_of(1), key_of(2)};
  fail_unless(*chain.store.find_missing(keys, nullptr) == std::vector<BlobKey>{key_of(2)});
}
GST_END_TEST

GST_START_TEST(test_one_store_of_a_chain_may_fail) {
  Chain chain;
  chain.slow->blobs[key_of(1)] = to_data(blob_of(1, 10));
  chain.fast->error = kFull;
  fail_unless(has(chain.store, 1, 10));
  const std::vector<BlobKey> keys{key_of(1), key_of(2)};
  fail_unless(*chain.store.find_missing(keys, nullptr) == std::vector<BlobKey>{key_of(2)});
  fail_unless_ok(chain.store.put(key_of(2), blob_of(2, 10), nullptr));
  fail_unless_equals_uint64(chain.slow->blobs.size(), 2);
  fail_unless(lacks(chain.store, 3));
  fail_unless_equals_int(static_cast<int>(chain.warnings.size()), 1);
  fail_unless_equals_text(chain.warnings.front(), kFull.message);
  chain.fast->error.reset();
  chain.slow->error = kBroken;
  fail_unless_ok(chain.fast->put(key_of(4), blob_of(4, 10), nullptr));
  fail_unless(has(chain.store, 4, 10));
  fail_unless_error(chain.store.get(key_of(5), nullptr), "broken", "slow");
}
GST_END_TEST

GST_START_TEST(test_slow_store_decides_on_what_is_written) {
  const BlobKey key = key_of(1);
  for (const bool fast : {true, false}) {
    Chain chain;
    (fast ? chain.fast : chain.slow)->error = kBroken;
    const std::pair<const char*, StoreStatus> calls[] = {
        {"put", chain.store.put(key, blob_of(1, 10), nullptr)},
        {"hold", chain.store.hold({&key, 1})},
        {"remove", chain.store.remove(key, nullptr)}};
    for (const auto& [name, status] : calls)
      fail_unless(static_cast<bool>(status) == fast, "%s", name);
  }
}
GST_END_TEST

GST_START_TEST(test_full_fast_store_is_put_into_no_more) {
  const StoreError too_large{"store: too large", StoreFault::kTooLarge};
  const struct {
    StoreError error;
    unsigned puts;
  } rows[] = {{kFull, 1}, {too_large, 3}, {kBroken, 3}};
  for (const auto& row : rows) {
    Chain chain;
    chain.fast->error = row.error;
    for (std::uint64_t i = 0; i < 2; ++i)
      fail_unless_ok(chain.store.put(key_of(i), blob_of(i, 10), nullptr));
    fail_unless(has(chain.store, 1, 10));
    fail_unless_equals_int(static_cast<int>(chain.fast->puts), static_cast<int>(row.puts));
    fail_unless_equals_uint64(chain.slow->blobs.size(), 2);
  }
}
GST_END_TEST

GST_START_TEST(test_blob_that_does_not_pass_is_absent_told_once_and_gone) {
  auto* const inner = new FakeStore;
  std::vector<std::string> warnings;
  CheckedStore store(
      std::unique_ptr<BlobStore>(inner), "/films",
      [](const BlobKey& key, const BytesList& blob) -> Status {
        if (sha256(blob) != key)
          return Error{"other bytes"};
        return {};
      },
      [&](const std::string& text) { warnings.push_back(text); });
  const BytesList blob = blob_of(1, 10);
  const BlobKey key = sha256(blob);
  fail_unless_ok(store.put(key, blob, nullptr));
  fail_unless(to_data(**store.get(key, nullptr)) == to_data(blob));
  fail_unless(warnings.empty());
  ++inner->blobs[key][4];
  for (int i = 0; i < 2; ++i) {
    const auto got = store.get(key, nullptr);
    fail_unless_ok(got);
    fail_if(got->has_value());
  }
  fail_unless_equals_int(static_cast<int>(warnings.size()), 1);
  fail_unless_equals_text(warnings[0],
                          "store /films: blob " + key_text(key) + ": other bytes; it was removed");
  fail_unless(inner->blobs.empty());
}
GST_END_TEST

static Suite* store_wrappers_suite() {
  Suite* suite = suite_create("store_wrappers");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_memory_is_a_store_like_the_others);
  tcase_add_test(tcase, test_slow_store_fills_the_fast_one);
  tcase_add_test(tcase, test_one_store_of_a_chain_may_fail);
  tcase_add_test(tcase, test_slow_store_decides_on_what_is_written);
  tcase_add_test(tcase, test_full_fast_store_is_put_into_no_more);
  tcase_add_test(tcase, test_blob_that_does_not_pass_is_absent_told_once_and_gone);
  return suite;
}

GST_CHECK_MAIN(store_wrappers)
