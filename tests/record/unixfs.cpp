// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/unixfs.h"

#include <algorithm>

#include "gst/record/dag_pb.h"
#include "gst/record/dag_walk.h"
#include "tests/record/memory_store.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

constexpr std::size_t kMiB = 1u << 20;

Data some_bytes(std::size_t size) {
  Data data(size);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : data)
    byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return data;
}

// In pieces of that size.
Result<Cid> build(MemoryStore& store, const Data& data, std::size_t piece) {
  FileBuilder builder(store.put());
  for (std::size_t at = 0; at < data.size(); at += piece) {
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t size = std::min(piece, data.size() - at);
    if (Status status =
            builder.write(Bytes::take({begin, begin + static_cast<std::ptrdiff_t>(size)}));
        !status)
      return Error{status.error()};
  }
  return builder.finish();
}

Result<Data> read_back(const Cid& root, std::uint64_t max_bytes, const GetBlock& get) {
  Data data;
  const Status status = read_file(root, max_bytes, get, [&](const Bytes& bytes) {
    data.insert(data.end(), bytes.span().begin(), bytes.span().end());
    return Status();
  });
  return status ? Result<Data>(data) : Error{status.error()};
}

// A node of UnixFS, whose fields the test spells out.
Cid node(MemoryStore& store, std::vector<PbLink> links, const std::string& data) {
  return store.add(Codec::kDagPb, encode_dag_pb({.links = std::move(links), .data = unhex(data)}));
}

}  // namespace

// `ipfs add --cid-version=1 --raw-leaves --chunker=size-1048576` of kubo gives these.
GST_START_TEST(test_unixfs_names_small_files) {
  const struct {
    const char* text;
    const char* cid;
  } rows[] = {
      {"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},
      {"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"},
  };
  for (const auto& row : rows) {
    MemoryStore store;
    const auto root = build(store, to_data(as_bytes(row.text)), 4);
    fail_unless_ok(root);
    fail_unless_equals_text(root->text(), row.cid);
    fail_unless_equals_uint64(store.blocks().size(), 1);
  }
}
GST_END_TEST

GST_START_TEST(test_unixfs_gives_bytes_back) {
  const struct {
    std::size_t size;
    std::size_t blocks;
  } rows[] = {{0, 1},        {1, 1},        {kMiB - 1, 1},    {kMiB, 1},
              {kMiB + 1, 3}, {3 * kMiB, 4}, {3 * kMiB + 7, 5}};
  for (const auto& row : rows) {
    const Data data = some_bytes(row.size);
    std::optional<Cid> first;
    for (std::size_t piece : {std::size_t{5 * kMiB}, kMiB, kMiB - 1, std::size_t{70'001}}) {
      MemoryStore store;
      const auto root = build(store, data, piece);
      fail_unless_ok(root);
      fail_unless(!first || *first == *root, "%zu bytes in pieces of %zu", row.size, piece);
      first = *root;
      fail_unless_equals_uint64(store.blocks().size(), row.blocks);
      const auto read = read_back(*root, row.size, store.get());
      fail_unless_ok(read);
      fail_unless(*read == data);
      fail_unless_ok(
          walk_dag(*root, Scope::kAll, store.get(), [](const Block&) { return Status(); }));
      if (row.size > 0)
        fail_unless_error(read_back(*root, row.size - 1, store.get()), " bytes, more than ",
                          "too long");
    }
  }
}
GST_END_TEST

// 2 leaves, so one node; the bytes are those that kubo writes.
GST_START_TEST(test_unixfs_lays_nodes_out_as_kubo_does) {
  MemoryStore store;
  const auto root = build(store, Data(kMiB + 1, 0), kMiB);
  fail_unless_ok(root);
  const std::string full = hex(Cid::of(Codec::kRaw, Data(kMiB, 0)).bytes());
  const std::string rest = hex(Cid::of(Codec::kRaw, Data(1, 0)).bytes());
  fail_unless_equals_hex(store.blocks().at(*root).span(),
                         unhex("122c 0a24" + full + "1200 18808040" + "122a 0a24" + rest +
                               "1200 1801" + "0a0c 0802 18818040 20808040 2001"));
}
GST_END_TEST

// The same leaf over and over: what counts is the shape.
GST_START_TEST(test_unixfs_is_balanced) {
  const Bytes leaf = Bytes::take(Data(kMiB, 0));
  const struct {
    std::size_t leaves;
    std::size_t nodes;
    std::vector<std::size_t> links;  // Of the root, of its last child, and so on.
  } rows[] = {{1, 0, {}}, {2, 1, {2}}, {1025, 3, {2, 1}}};
  for (const auto& row : rows) {
    MemoryStore store;
    FileBuilder builder(store.put());
    for (std::size_t i = 0; i < row.leaves; ++i)
      fail_unless_ok(builder.write(leaf));
    const auto root = builder.finish();
    fail_unless_ok(root);
    fail_unless_equals_uint64(store.order().size(), row.leaves + row.nodes);
    Cid at = *root;
    for (std::size_t links : row.links) {
      const auto node = decode_dag_pb(store.blocks().at(at).span());
      fail_unless_ok(node);
      fail_unless_equals_uint64(node->links.size(), links);
      at = node->links.back().cid;
    }
    fail_unless(at.codec == Codec::kRaw);
  }
}
GST_END_TEST

GST_START_TEST(test_unixfs_reads_what_others_write) {
  MemoryStore store;
  // A leaf in a node of its own; bytes before the parts; mode and time of a file; sizes of links
  // and names left out.
  const Cid wrapped = node(store, {}, "0802 1203 616263 1803");
  const Cid old = node(store, {}, "0800 1201 64 1801");
  const Cid raw = store.add(Codec::kRaw, unhex("65 66"));
  const Cid root = node(store, {{wrapped, {}, {}}, {old, "", 9}, {raw, {}, 2}},
                        "0802 1202 7879 1808 2003 2001 2002 38a403 4202 0801");
  const auto read = read_back(root, 8, store.get());
  fail_unless_ok(read);
  fail_unless_equals_hex(*read, as_bytes("xyabcdef"));
  fail_unless_ok(read_back(node(store, {}, "0802 1800"), 0, store.get()));
  fail_unless_ok(read_back(node(store, {}, "0802"), 0, store.get()));
}
GST_END_TEST

GST_START_TEST(test_unixfs_refuses_wrong_nodes) {
  MemoryStore store;
  const Cid a = store.add(Codec::kRaw, unhex("61"));
  const Cid none = store.add(Codec::kRaw, {});
  const Cid lost = Cid::of(Codec::kRaw, as_bytes("lost"));
  const Cid list = store.add(Codec::kDagCbor, unhex("80"));
  const Cid swapped = store.add(Codec::kRaw, unhex("62"));
  store.replace(swapped, unhex("63"));
  const struct {
    const char* name;
    Cid root;
    const char* error;
  } rows[] = {
      {"folder", node(store, {}, "0801"), "a folder or a link"},
      {"no type", node(store, {}, "1801"), "not UnixFS"},
      {"empty", node(store, {}, ""), "not UnixFS"},
      {"nothing", store.add(Codec::kDagPb, {}), "not UnixFS"},
      {"unknown field", node(store, {}, "0802 4801"), "unknown field"},
      {"out of order", node(store, {}, "0802 1800 1200"), "not UnixFS"},
      {"packed sizes", node(store, {{a, {}, {}}}, "0802 1801 220101"), "unknown field"},
      {"links without sizes", node(store, {{a, {}, {}}}, "0802 1801"), "1 links with 0 sizes"},
      {"sizes without links", node(store, {}, "0802 1801 2001"), "0 links with 1 sizes"},
      {"too long", node(store, {{a, {}, {}}}, "0802 1802 2001"), "not as long as the file"},
      {"too short", node(store, {{a, {}, {}}}, "0802 1800 2001"), "not as long as the file"},
      {"wraps", node(store, {{a, {}, {}}, {a, {}, {}}}, "0802 1801 2002 20ffffffffffffffffff01"),
       "not as long as the file"},
      {"no bytes", node(store, {{none, {}, {}}}, "0802 1800 2000"), "a part without bytes"},
      {"a longer leaf", node(store, {{a, {}, {}}}, "0802 1802 2002"), "1 bytes instead of 2"},
      {"DAG-CBOR", node(store, {{list, {}, {}}}, "0802 1801 2001"), "DAG-CBOR is no file"},
      {"missing", node(store, {{lost, {}, {}}}, "0802 1804 2004"), "missing"},
      {"swapped", node(store, {{swapped, {}, {}}}, "0802 1801 2001"), "are not those"},
  };
  for (const auto& row : rows)
    fail_unless_error(read_back(row.root, 100, store.get()), row.error, row.name);
}
GST_END_TEST

// Many links to one leaf of a byte.
GST_START_TEST(test_unixfs_bounds_the_leaves_in_memory) {
  MemoryStore store;
  Cid at = store.add(Codec::kRaw, unhex("61"));
  std::uint64_t size = 1;
  const auto repeat = [&](unsigned times) {
    Data data = unhex("0802");
    append_number(data, 3, size * times);
    for (unsigned i = 0; i < times; ++i)
      append_number(data, 4, size);
    at =
        store.add(Codec::kDagPb,
                  encode_dag_pb({.links = std::vector<PbLink>(times, {at, {}, {}}), .data = data}));
    size *= times;
  };
  repeat(1000);
  const auto joined = read_whole_file(at, 1000, store.get());
  fail_unless_ok(joined);
  ck_assert_uint_eq(joined->size(), 1);
  ck_assert_uint_eq(total_size(*joined), 1000);
  repeat(65);
  fail_unless_ok(read_whole_file(at, 65000, store.get()));
  repeat(2);
  fail_unless_error(read_whole_file(at, 130000, store.get()), "too many small blocks", "leaves");
}
GST_END_TEST

GST_START_TEST(test_unixfs_reads_into_memory) {
  MemoryStore store;
  const Data data = some_bytes(3 * kMiB + 5);
  const auto root = build(store, data, kMiB);
  fail_unless_ok(root);
  const auto pieces = read_whole_file(*root, data.size(), store.get());
  fail_unless_ok(pieces);
  ck_assert_uint_eq(pieces->size(), 4);
  const Bytes whole = joined_slice(*pieces, 0, data.size());
  ck_assert(std::ranges::equal(whole.span(), data));
  fail_unless_error(read_whole_file(*root, data.size() - 1, store.get()), "more than", "size");
}
GST_END_TEST

// 2^60 bytes out of one leaf and a few nodes: refused by size, and without a limit by depth.
GST_START_TEST(test_unixfs_bounds_what_it_reads) {
  MemoryStore store;
  Cid at = store.add(Codec::kRaw, unhex("61"));
  std::uint64_t size = 1;
  for (int level = 0; level < 20; ++level) {
    Data data = unhex("0802");
    append_number(data, 3, size * 2);
    append_number(data, 4, size);
    append_number(data, 4, size);
    at = store.add(Codec::kDagPb,
                   encode_dag_pb({.links = {{at, {}, {}}, {at, {}, {}}}, .data = data}));
    size *= 2;
  }
  fail_unless_error(read_back(at, 1000, store.get()), "1048576 bytes, more than 1000", "size");
  fail_unless_error(read_back(at, UINT64_MAX, store.get()), "nested more than 16 deep", "depth");
}
GST_END_TEST

// A few blocks may be a file that nobody could read to its end.
GST_START_TEST(test_unixfs_measures_each_block_once) {
  MemoryStore store;
  Cid at = store.add(Codec::kRaw, Data(1, 7));
  std::uint64_t size = 1;
  const auto above = [&](std::uint64_t part) {
    Data data = unhex("08 02");
    append_number(data, 3, part * kNodeWidth);
    for (std::size_t i = 0; i < kNodeWidth; ++i)
      append_number(data, 4, part);
    return store.add(
        Codec::kDagPb,
        encode_dag_pb({.links = std::vector<PbLink>(kNodeWidth, {at, {}, {}}), .data = data}));
  };
  for (int level = 0; level < 5; ++level, size *= kNodeWidth)
    at = above(size);
  std::size_t asked = 0;
  FileSizes sizes([&](const Cid& cid) {
    ++asked;
    return store.get()(cid);
  });
  for (int i = 0; i < 2; ++i) {
    const auto measured = sizes.size_of(at);
    fail_unless_ok(measured);
    fail_unless_equals_uint64(*measured, std::uint64_t{1} << 50);
    fail_unless_equals_uint64(asked, 6);
  }
  fail_unless_error(sizes.size_of(above(size / 2)), "1125899906842624 bytes instead of ", "a part");
  fail_unless_error(sizes.size_of(Cid::of(Codec::kDagCbor, {})), "DAG-CBOR is no file", "codec");
  // A part that was measured on its own may be too deep below others.
  fail_unless_equals_uint64(*sizes.size_of(store.add(Codec::kRaw, Data())), 0);
  at = store.add(Codec::kRaw, Data(1, 7));
  for (int level = 0; level < 16; ++level) {
    at = node(store, {{at, {}, {}}}, "08 02 18 01 20 01");
    fail_unless_ok(sizes.size_of(at));
  }
  at = node(store, {{at, {}, {}}}, "08 02 18 01 20 01");
  fail_unless_error(sizes.size_of(at), "nested more than 16 deep", "depth");
}
GST_END_TEST

GST_START_TEST(test_unixfs_ends_with_the_error_of_who_takes_it) {
  FileBuilder builder([](const Block&) { return Error{"the disk is full"}; });
  fail_unless_ok(builder.write(Bytes::take(Data(kMiB, 1))));
  fail_unless_error(builder.write(Bytes::take(Data(1, 1))), "the disk is full", "building");
  MemoryStore store;
  const auto root = build(store, some_bytes(2 * kMiB), kMiB);
  fail_unless_ok(root);
  const Status status = read_file(*root, UINT64_MAX, store.get(),
                                  [](const Bytes&) { return Error{"the pipe is closed"}; });
  fail_unless_error(status, "the pipe is closed", "reading");
}
GST_END_TEST

static Suite* unixfs_suite() {
  Suite* const suite = suite_create("unixfs");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_unixfs_names_small_files);
  tcase_add_test(tests, test_unixfs_gives_bytes_back);
  tcase_add_test(tests, test_unixfs_lays_nodes_out_as_kubo_does);
  tcase_add_test(tests, test_unixfs_is_balanced);
  tcase_add_test(tests, test_unixfs_reads_what_others_write);
  tcase_add_test(tests, test_unixfs_refuses_wrong_nodes);
  tcase_add_test(tests, test_unixfs_bounds_the_leaves_in_memory);
  tcase_add_test(tests, test_unixfs_reads_into_memory);
  tcase_add_test(tests, test_unixfs_bounds_what_it_reads);
  tcase_add_test(tests, test_unixfs_measures_each_block_once);
  tcase_add_test(tests, test_unixfs_ends_with_the_error_of_who_takes_it);
  return suite;
}

GST_CHECK_MAIN(unixfs)
