// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/cid.h"

#include "gst/record/varint.h"
#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

}  // namespace

// As the specifications of UnixFS and DAG-PB, and IPIP-0499, name these blocks.
GST_START_TEST(test_cid_names_known_blocks) {
  const struct {
    Codec codec;
    const char* block;
    const char* text;
  } rows[] = {
      {Codec::kRaw, "hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"},
      {Codec::kRaw, "", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},
      {Codec::kDagPb, "", "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},
  };
  for (const auto& row : rows) {
    const Cid cid = Cid::of(row.codec, as_bytes(row.block));
    fail_unless_equals_text(cid.text(), row.text);
    const auto again = Cid::parse_text(row.text);
    fail_unless_ok(again);
    fail_unless(*again == cid);
    const auto from_bytes = Cid::parse(cid.bytes());
    fail_unless_ok(from_bytes);
    fail_unless(*from_bytes == cid);
  }
  fail_unless_equals_hex(
      Cid::of(Codec::kRaw, as_bytes("hello world")).bytes(),
      unhex("01 55 12 20 b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"));
}
GST_END_TEST

GST_START_TEST(test_cid_refuses_other_bytes) {
  const Cid cid = Cid::of(Codec::kDagCbor, as_bytes("x"));
  const auto good = cid.bytes();
  const auto with = [&](std::size_t at, std::uint8_t byte) {
    Data bytes(good.begin(), good.end());
    bytes[at] = byte;
    return bytes;
  };
  const struct {
    const char* name;
    Data bytes;
    const char* error;
  } rows[] = {
      {"empty", {}, "0 bytes"},
      {"version 0", Data(good.begin() + 2, good.end()), "of version 0"},
      {"version 2", with(0, 2), "of version 2"},
      {"identity codec", with(1, 0), "its codec"},
      {"DAG-JSON", with(1, 0x29), "its codec"},
      {"SHA-512", with(2, 0x13), "its hash"},
      {"a long version", with(0, 0x81), "of version 129"},
      {"short digest", with(3, 31), "its hash"},
      {"too long", Data(37, 1), "37 bytes"},
  };
  for (const auto& row : rows)
    fail_unless_error(Cid::parse(row.bytes), row.error, row.name);
  for (std::size_t size = 0; size < good.size(); ++size)
    fail_unless_error(Cid::parse(std::span(good).first(size)), "CID: ", "truncated");
}
GST_END_TEST

GST_START_TEST(test_cid_refuses_other_texts) {
  const std::string good = Cid::of(Codec::kRaw, as_bytes("x")).text();
  std::string upper = good;
  upper[5] = 'A';
  std::string padded = good;
  padded.back() = static_cast<char>(padded.back() + 1);
  const std::string rows[] = {
      "",    "b",    good.substr(1),       good + "a",
      upper, padded, "z" + good.substr(1), "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"};
  for (const std::string& row : rows)
    fail_unless_error(Cid::parse_text(row), "CID: ", row.c_str());
  for (std::size_t size = 0; size < good.size(); ++size)
    fail_unless_error(Cid::parse_text(good.substr(0, size)), "CID: ", "truncated");
}
GST_END_TEST

GST_START_TEST(test_varint_has_one_form_for_each_number) {
  const struct {
    std::uint64_t value;
    const char* bytes;
  } rows[] = {
      {0, "00"},
      {1, "01"},
      {127, "7f"},
      {128, "80 01"},
      {300, "ac 02"},
      {UINT32_MAX, "ff ff ff ff 0f"},
      {UINT64_MAX, "ff ff ff ff ff ff ff ff ff 01"},
  };
  for (const auto& row : rows) {
    Data bytes;
    append_varint(bytes, row.value);
    fail_unless_equals_hex(bytes, unhex(row.bytes));
    bytes.push_back(9);
    std::span<const std::uint8_t> rest = bytes;
    fail_unless(take_varint(rest) == row.value);
    fail_unless_equals_uint64(rest.size(), 1);
  }
  for (const char* wrong :
       {"", "80", "80 00", "ff ff ff ff ff ff ff ff ff 02", "80 80 80 80 80 80 80 80 80 80 01"}) {
    const Data bytes = unhex(wrong);
    std::span<const std::uint8_t> rest = bytes;
    fail_if(take_varint(rest).has_value(), "%s", wrong);
  }
}
GST_END_TEST

static Suite* cid_suite() {
  Suite* const suite = suite_create("cid");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_cid_names_known_blocks);
  tcase_add_test(tests, test_cid_refuses_other_bytes);
  tcase_add_test(tests, test_cid_refuses_other_texts);
  tcase_add_test(tests, test_varint_has_one_form_for_each_number);
  return suite;
}

GST_CHECK_MAIN(cid)
