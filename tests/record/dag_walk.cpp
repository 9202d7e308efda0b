// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/dag_walk.h"

#include "gst/record/dag_cbor.h"
#include "gst/record/dag_pb.h"
#include "tests/record/memory_store.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

Cid put(MemoryStore& store, const Value& value) {
  return store.add(Codec::kDagCbor, *encode_dag_cbor(value));
}

// a and b are leaves; the root links to a list of b and the UnixFS-like node of a and b, and to a.
struct Dag {
  MemoryStore store;
  Cid a = store.add(Codec::kRaw, unhex("61"));
  Cid b = store.add(Codec::kRaw, unhex("62 62"));
  Cid node =
      store.add(Codec::kDagPb, encode_dag_pb({.links = {{a, "", 1}, {b, "", 2}}, .data = {}}));
  Cid list = put(store, List{b, 25.5, Map{{"x", node}}});
  Cid root = put(store, Map{{"list", List{List{list}}}, {"z", a}});
};

Result<std::vector<Cid>> visited(const Dag& dag, Scope scope) {
  std::vector<Cid> order;
  const auto size = walk_dag(dag.root, scope, dag.store.get(), [&](const Block& block) {
    order.push_back(block.cid);
    return Status();
  });
  if (!size)
    return Error{size.error()};
  fail_unless_equals_uint64(size->blocks, order.size());
  return order;
}

}  // namespace

GST_START_TEST(test_dag_walk_visits_each_block_once) {
  const Dag dag;
  // "z" is shorter than "list", so it comes first in DAG-CBOR.
  const auto all = visited(dag, Scope::kAll);
  fail_unless_ok(all);
  fail_unless(*all == std::vector<Cid>({dag.root, dag.a, dag.list, dag.b, dag.node}));
  const auto manifest = visited(dag, Scope::kManifest);
  fail_unless_ok(manifest);
  fail_unless(*manifest == std::vector<Cid>({dag.root, dag.list}));
}
GST_END_TEST

GST_START_TEST(test_dag_walk_notices_what_is_wrong_with_any_block) {
  for (int which = 0; which < 5; ++which) {
    const auto cid_of = [&](const Dag& dag) {
      return std::vector<Cid>{dag.root, dag.a, dag.list, dag.b, dag.node}[std::size_t(which)];
    };
    Dag missing;
    missing.store.remove(cid_of(missing));
    fail_unless_error(visited(missing, Scope::kAll),
                      "block " + cid_of(missing).text() + ": missing", "missing");
    const Dag whole;
    const Data good = to_data(whole.store.blocks().at(cid_of(whole)).span());
    for (std::size_t at = 0; at < good.size(); ++at) {
      Dag damaged;
      Data bytes = good;
      bytes[at] ^= 0x10;
      damaged.store.replace(cid_of(damaged), bytes);
      fail_unless_error(visited(damaged, Scope::kAll), "are not those that the CID names",
                        "damaged");
    }
    Dag large;
    large.store.replace(cid_of(large), Data(kMaxForeignBlock + 1));
    fail_unless_error(visited(large, Scope::kAll), "larger than 2 MiB", "large");
  }
}
GST_END_TEST

GST_START_TEST(test_dag_walk_refuses_what_cannot_be_decoded) {
  MemoryStore store;
  const auto nothing = [](const Block&) { return Status(); };
  for (const Cid& cid :
       {store.add(Codec::kDagCbor, unhex("ff")), store.add(Codec::kDagPb, unhex("ff"))}) {
    const Cid root = put(store, List{cid});
    fail_unless_error(walk_dag(root, Scope::kAll, store.get(), nothing),
                      "block " + cid.text() + ": DAG-", "not decoded");
  }
  const auto failing = [](const Cid&) -> Result<std::optional<Bytes>> {
    return Error{"the disk is gone"};
  };
  fail_unless_error(walk_dag(put(store, {}), Scope::kAll, failing, nothing), "the disk is gone",
                    "failing");
  fail_unless_error(walk_dag(put(store, {}), Scope::kAll, store.get(),
                             [](const Block&) { return Error{"the disk is full"}; }),
                    "the disk is full", "visiting");
}
GST_END_TEST

GST_START_TEST(test_dag_walk_bounds_depth) {
  MemoryStore store;
  std::vector<Cid> chain = {put(store, {})};
  for (std::size_t i = 0; i < kMaxDepth + 1; ++i)
    chain.push_back(put(store, List{chain.back()}));
  const auto nothing = [](const Block&) { return Status(); };
  fail_unless_ok(walk_dag(chain[kMaxDepth], Scope::kAll, store.get(), nothing));
  fail_unless_error(walk_dag(chain[kMaxDepth + 1], Scope::kAll, store.get(), nothing),
                    "more than 64 links from the root", "chain");
}
GST_END_TEST

// 2^60 ways lead to the last block.
GST_START_TEST(test_dag_walk_takes_each_way_once) {
  MemoryStore store;
  Cid at = put(store, {});
  for (int i = 0; i < 60; ++i)
    at = put(store, List{at, at});
  const auto size = walk_dag(at, Scope::kAll, store.get(), [](const Block&) { return Status(); });
  fail_unless_ok(size);
  fail_unless_equals_uint64(size->blocks, 61);
}
GST_END_TEST

static Suite* dag_walk_suite() {
  Suite* const suite = suite_create("dag-walk");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_dag_walk_visits_each_block_once);
  tcase_add_test(tests, test_dag_walk_notices_what_is_wrong_with_any_block);
  tcase_add_test(tests, test_dag_walk_refuses_what_cannot_be_decoded);
  tcase_add_test(tests, test_dag_walk_bounds_depth);
  tcase_add_test(tests, test_dag_walk_takes_each_way_once);
  return suite;
}

GST_CHECK_MAIN(dag_walk)
