// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/car.h"

#include <algorithm>

#include "gst/record/dag_cbor.h"
#include "gst/record/varint.h"
#include "tests/record/memory_store.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

// Hands bytes out in pieces of that size.
ByteSource source_of(Data data, std::size_t piece = SIZE_MAX) {
  return [data = std::move(data), piece,
          at = std::size_t{0}](std::span<std::uint8_t> out) mutable -> Result<std::size_t> {
    const std::size_t size = std::min({piece, out.size(), data.size() - at});
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at), size, out.begin());
    at += size;
    return size;
  };
}

Block block_of(Codec codec, std::string_view text) {
  return make_block(codec, Bytes::take(to_data(as_bytes(text))));
}

struct Contents {
  Cid root;
  std::vector<Block> blocks;
};

Result<Contents> read_all(ByteSource source) {
  CarReader reader(std::move(source));
  const auto root = reader.read_root();
  if (!root)
    return Error{root.error()};
  Contents contents{*root, {}};
  while (true) {
    auto block = reader.next();
    if (!block)
      return Error{block.error()};
    if (!*block)
      return contents;
    contents.blocks.push_back(std::move(**block));
  }
}

Data some_car(const std::vector<Block>& blocks) {
  Data car = to_data(car_header(blocks.front().cid).span());
  for (const Block& block : blocks) {
    const Data section = to_data(car_section(block));
    car.insert(car.end(), section.begin(), section.end());
  }
  return car;
}

const std::vector<Block> kBlocks = {block_of(Codec::kRaw, "hello world"),
                                    block_of(Codec::kDagCbor, "\x80"), block_of(Codec::kRaw, "")};

// A header with these values, and its length before it.
Data header_of(const Value& value) {
  const auto bytes = encode_dag_cbor(value);
  Data header;
  append_varint(header, bytes->size());
  header.insert(header.end(), bytes->begin(), bytes->end());
  return header;
}

}  // namespace

GST_START_TEST(test_car_is_laid_out_as_specified) {
  fail_unless_equals_hex(
      some_car({kBlocks[0]}),
      unhex("3a a2 65 726f6f7473 81 d82a 5825 00 01551220 "
            "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9 "
            "67 76657273696f6e 01 "
            "2f 01551220 b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9 "
            "68656c6c6f20776f726c64"));
}
GST_END_TEST

GST_START_TEST(test_car_gives_blocks_back) {
  std::vector<Block> blocks = kBlocks;
  blocks.push_back(blocks[1]);  // A block may come twice.
  blocks.push_back(make_block(Codec::kRaw, Bytes::take(Data(kMaxForeignBlock, 7))));
  const Data car = some_car(blocks);
  for (std::size_t piece : {std::size_t{SIZE_MAX}, std::size_t{1000}, std::size_t{1}}) {
    const auto contents = read_all(source_of(car, piece));
    fail_unless_ok(contents);
    fail_unless(contents->root == blocks[0].cid);
    fail_unless_equals_uint64(contents->blocks.size(), blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      fail_unless(contents->blocks[i].cid == blocks[i].cid);
      fail_unless(to_data(contents->blocks[i].bytes.span()) == to_data(blocks[i].bytes.span()));
    }
  }
}
GST_END_TEST

GST_START_TEST(test_car_refuses_other_headers) {
  const Cid root = kBlocks[0].cid;
  const struct {
    const char* name;
    Data header;
    const char* error;
  } rows[] = {
      {"empty file", {}, "the file is empty"},
      {"empty header", unhex("00"), "it has no bytes"},
      {"a film", unhex("ff ff ff 7f 00"), "longer than 4096 bytes; is this a CAR?"},
      {"an endless length", Data(20, 0xff), "too many bytes"},
      {"a length that could be shorter", unhex("ba 00"), "not written as it should be"},
      {"no CBOR", unhex("01 ff"), "DAG-CBOR"},
      {"a list", header_of(List{}), "not a header with a version"},
      {"no version", header_of(Map{{"roots", List{root}}}), "not a header with a version"},
      {"version 2", unhex("0a a1 67 76657273696f6e 02"), "of version 2, only version 1"},
      {"negative", header_of(Map{{"roots", List{root}}, {"version", -2}}), "with a version"},
      {"no roots", header_of(Map{{"version", 1}}), "roots and nothing else"},
      {"more", header_of(Map{{"roots", List{root}}, {"version", 1}, {"x", 1}}), "nothing else"},
      {"zero roots", header_of(Map{{"roots", List{}}, {"version", 1}}), "0 roots"},
      {"two roots", header_of(Map{{"roots", List{root, root}}, {"version", 1}}), "2 roots"},
      {"a text", header_of(Map{{"roots", List{"x"}}, {"version", 1}}), "no link"},
  };
  for (const auto& row : rows) {
    CarReader reader(source_of(row.header));
    const auto read = reader.read_root();
    fail_unless_error(read, "CAR: header: ", row.name);
    fail_unless_error(read, row.error, row.name);
  }
}
GST_END_TEST

GST_START_TEST(test_car_refuses_other_sections) {
  const Data header = to_data(car_header(kBlocks[0].cid).span());
  Data swapped = to_data(car_section(kBlocks[0]));
  swapped.back() ^= 1;
  Data version_0 = unhex("23 12 20");
  version_0.resize(36, 1);
  Data identity = unhex("28 01 55 00 05");
  identity.resize(41, 1);
  Data huge;
  append_varint(huge, Cid::kSize + kMaxForeignBlock + 1);
  Data endless;
  append_varint(endless, UINT64_MAX);
  const struct {
    const char* name;
    Data section;
    const char* error;
  } rows[] = {
      {"zero length", unhex("00"), "section 1: it has no bytes"},
      {"shorter than a CID", unhex("23 01"), "section 1: too short"},
      {"larger than any block", huge, "section 1: larger than 2 MiB"},
      {"larger than memory", endless, "section 1: larger than 2 MiB"},
      {"other bytes", swapped, "are not those that bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao"},
      {"identity", identity, "its hash is not SHA-256"},
  };
  for (const auto& row : rows) {
    Data car = header;
    car.insert(car.end(), row.section.begin(), row.section.end());
    fail_unless_error(read_all(source_of(car)), row.error, row.name);
  }
  version_0[0] = 0x24;
  version_0.push_back(1);
  Data car = header;
  car.insert(car.end(), version_0.begin(), version_0.end());
  fail_unless_error(read_all(source_of(car)), "of version 0", "version 0");
}
GST_END_TEST

GST_START_TEST(test_car_tells_why_its_source_failed) {
  const auto read = read_all(
      [](std::span<std::uint8_t>) -> Result<std::size_t> { return Error{"the disk is gone"}; });
  fail_unless_error(read, "CAR: header: the disk is gone", "source");
}
GST_END_TEST

// Whole sections can be missing at the end; nothing else can.
GST_START_TEST(test_car_ends_between_sections_only) {
  const Data car = some_car(kBlocks);
  std::size_t ends = 0;
  for (std::size_t size = 0; size < car.size(); ++size) {
    const auto read = read_all(source_of(Data(car.begin(), car.begin() + std::ptrdiff_t(size))));
    ends += read ? 1 : 0;
  }
  fail_unless_equals_uint64(ends, kBlocks.size());
}
GST_END_TEST

GST_START_TEST(test_car_notices_each_damaged_byte) {
  const Data car = some_car(kBlocks);
  for (std::size_t at = 0; at < car.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Data damaged = car;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ 1u << bit);
      const auto read = read_all(source_of(damaged));
      // A name is not what it names: with another root, or another codec, a CAR is as good as
      // before, and the walk from the root finds that blocks are missing.
      const bool other_root = read && read->root != kBlocks[0].cid;
      const bool other_codec =
          read && read->blocks.size() == kBlocks.size() &&
          !std::equal(kBlocks.begin(), kBlocks.end(), read->blocks.begin(),
                      [](const Block& a, const Block& b) { return a.cid.codec == b.cid.codec; });
      require_often(!read || other_root || other_codec, "byte %zu, bit %u", at, bit);
    }
  }
}
GST_END_TEST

static Suite* car_suite() {
  Suite* const suite = suite_create("car");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_car_is_laid_out_as_specified);
  tcase_add_test(tests, test_car_gives_blocks_back);
  tcase_add_test(tests, test_car_refuses_other_headers);
  tcase_add_test(tests, test_car_refuses_other_sections);
  tcase_add_test(tests, test_car_tells_why_its_source_failed);
  tcase_add_test(tests, test_car_ends_between_sections_only);
  tcase_add_test(tests, test_car_notices_each_damaged_byte);
  return suite;
}

GST_CHECK_MAIN(car)
