// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/store_export.h"

#include "gst/record/dag_cbor.h"
#include "gst/record/dag_walk.h"
#include "tests/record/some_manifest.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

std::vector<Exported> some_entries(std::size_t count) {
  std::vector<Exported> entries(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Data data{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
    entries[i] = {Cid::of(Codec::kRaw, data).digest,
                  {Cid::of(i % 2 == 0 ? Codec::kRaw : Codec::kDagPb, data), kMaxNumber - i}};
  }
  return entries;
}

Result<std::vector<Exported>> read_back(const Value& root, const Value& list) {
  MemoryStore store;
  const Cid link = store.add(Codec::kDagCbor, *encode_dag_cbor(list));
  Map map = *root.as<Map>();
  for (Entry& entry : map)
    if (entry.key == "entries")
      entry.value = List{link};
  return read_export(store.add(Codec::kDagCbor, *encode_dag_cbor(map)), store.get());
}

}  // namespace

GST_START_TEST(test_export_comes_back_whole) {
  for (const std::size_t count : {0u, 1u, 9'999u, 10'000u, 10'001u, 25'000u}) {
    const auto entries = some_entries(count);
    MemoryStore store;
    const auto root = write_export(entries, store.put());
    fail_unless_ok(root);
    fail_unless(store.order().back() == *root);
    for (const auto& [cid, bytes] : store.blocks())
      fail_unless(bytes.size() <= kMaxBlock);
    const auto read = read_export(*root, store.get());
    fail_unless_ok(read);
    fail_unless(*read == entries);
  }
}
GST_END_TEST

GST_START_TEST(test_export_refuses_what_is_none) {
  const Map root{{"format", kExportFormat}, {"version", kExportVersion}, {"entries", List{}}};
  const Exported entry = some_entries(1).front();
  const Data key(entry.key.begin(), entry.key.end());
  const Value good = Map{{"key", key}, {"data", entry.blob.cid}, {"bytes", 7}};
  fail_unless_ok(read_back(root, List{good}));
  const struct {
    Value root;
    Value list;
    const char* text;
  } rows[] = {
      {Map{{"format", "gst-dist manifest"}, {"version", 1}, {"entries", List{}}}, List{good},
       "something else"},
      {Map{{"format", kExportFormat}, {"version", 2}, {"entries", List{}}}, List{good},
       "of version 2"},
      {Map{{"format", kExportFormat}, {"version", 1}, {"entries", List{}}, {"x", 1}}, List{good},
       "something else"},
      {root, good, "no list"},
      {root, List{Map{{"key", Data(31)}, {"data", entry.blob.cid}, {"bytes", 7}}}, "blob 0"},
      {root, List{Map{{"key", key}, {"data", 7}, {"bytes", 7}}}, "blob 0"},
      {root, List{Map{{"key", key}, {"data", Cid::of(Codec::kDagCbor, key)}, {"bytes", 7}}},
       "blob 0"},
      {root, List{good, Map{{"key", key}, {"data", entry.blob.cid}, {"bytes", -7}}}, "blob 1"},
      {root, List{Map{{"key", key}, {"data", entry.blob.cid}}}, "blob 0"},
  };
  for (const auto& row : rows)
    fail_unless_error(read_back(row.root, row.list), row.text, row.text);
  const MemoryStore none;
  fail_unless_error(read_export(Cid::of(Codec::kRaw, key), none.get()), "not DAG-CBOR", "raw");
  fail_unless_error(read_export(Cid::of(Codec::kDagCbor, key), none.get()), "export: ", "missing");
}
GST_END_TEST

GST_START_TEST(test_export_truncated_or_flipped_is_refused) {
  const auto entries = some_entries(3);
  MemoryStore store;
  const auto root = write_export(entries, store.put());
  fail_unless_ok(root);
  for (const auto& [cid, bytes] : store.blocks()) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      Data flipped(bytes.span().begin(), bytes.span().end());
      flipped[at] ^= 1;
      const Data cut(flipped.begin(), flipped.begin() + static_cast<std::ptrdiff_t>(at));
      for (const Data& damaged : {flipped, cut}) {
        const auto get = [&](const Cid& wanted) -> Result<std::optional<Bytes>> {
          return wanted == cid ? std::optional(Bytes::take(damaged)) : *store.get()(wanted);
        };
        fail_if(static_cast<bool>(read_export(*root, get)));
      }
    }
  }
}
GST_END_TEST

static Suite* store_export_suite() {
  Suite* const suite = suite_create("store-export");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_export_comes_back_whole);
  tcase_add_test(tests, test_export_refuses_what_is_none);
  tcase_add_test(tests, test_export_truncated_or_flipped_is_refused);
  return suite;
}

GST_CHECK_MAIN(store_export)
