// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/dag_cbor.h"

#include <limits>

#include "tests/record/random_value.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

Integer negative(std::uint64_t argument) {
  return {true, argument};
}

const Cid kHello = Cid::of(Codec::kRaw, as_bytes("hello world"));

std::string repeat(const std::string& text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

}  // namespace

GST_START_TEST(test_dag_cbor_has_one_encoding_for_each_value) {
  const struct {
    Value value;
    const char* bytes;
  } rows[] = {
      {{}, "f6"},
      {false, "f4"},
      {true, "f5"},
      {0, "00"},
      {23, "17"},
      {24, "18 18"},
      {255, "18 ff"},
      {256, "19 0100"},
      {65535, "19 ffff"},
      {65536, "1a 00010000"},
      {UINT32_MAX, "1a ffffffff"},
      {std::uint64_t{1} << 32, "1b 0000000100000000"},
      {UINT64_MAX, "1b ffffffffffffffff"},
      {-1, "20"},
      {-24, "37"},
      {-25, "38 18"},
      {INT64_MIN, "3b 7fffffffffffffff"},
      {negative(UINT64_MAX), "3b ffffffffffffffff"},
      {"", "60"},
      {"é", "62 c3a9"},
      {std::string("\0", 1), "61 00"},
      {Data{1, 2}, "42 0102"},
      {Data{}, "40"},
      {List{}, "80"},
      {List{1, List{2}}, "82 01 81 02"},
      {Map{}, "a0"},
      {Map{{"b", 1}, {"a", 2}, {"aa", 3}, {"", 4}}, "a4 60 04 6161 02 6162 01 626161 03"},
      {25.5, "fb 4039800000000000"},
      {kHello,
       "d82a 5825 00 01551220 b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"},
  };
  for (const auto& row : rows) {
    const auto bytes = encode_dag_cbor(row.value);
    fail_unless_ok(bytes);
    fail_unless_equals_hex(*bytes, unhex(row.bytes));
    const auto again = decode_dag_cbor(*bytes);
    fail_unless_ok(again);
    const auto once_more = encode_dag_cbor(*again);
    fail_unless_equals_hex(*once_more, *bytes);
  }
}
GST_END_TEST

GST_START_TEST(test_dag_cbor_refuses_what_is_not_strict) {
  const struct {
    const char* bytes;
    const char* error;
  } rows[] = {
      {"", "the data ends"},
      {"00 00", "something follows"},
      {"18 17", "could be shorter"},
      {"19 00ff", "could be shorter"},
      {"1a 0000ffff", "could be shorter"},
      {"1b 00000000ffffffff", "could be shorter"},
      {"38 17", "could be shorter"},
      {"58 01 00", "could be shorter"},
      {"78 01 61", "could be shorter"},
      {"98 01 00", "could be shorter"},
      {"b8 01 61 61 00", "could be shorter"},
      {"d9 002a 41 00", "could be shorter"},
      {"1c", "reserved"},
      {"1f", "indefinite"},
      {"5f 41 00 ff", "indefinite"},
      {"7f 61 61 ff", "indefinite"},
      {"9f 00 ff", "indefinite"},
      {"bf 61 61 00 ff", "indefinite"},
      {"ff", "indefinite"},
      {"a2 61 62 00 61 61 00", "not in its place"},
      {"a2 62 61 61 00 61 62 00", "not in its place"},
      {"a2 61 61 00 61 61 00", "twice"},
      {"a1 00 00", "key is not a text"},
      {"a1 41 61 00", "key is not a text"},
      {"61 ff", "not UTF-8"},
      {"63 eda080", "not UTF-8"},
      {"62 c080", "not UTF-8"},
      {"a1 61 ff 00", "not UTF-8"},
      {"c0 60", "a tag other than 42"},
      {"d8 2b 41 00", "a tag other than 42"},
      {"d8 2a 00", "not before a byte string"},
      {"d8 2a 40", "does not begin with a zero byte"},
      {"d8 2a 58 25 01 01551220 b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
       "does not begin with a zero byte"},
      {"d8 2a 45 00 01 55 00 00", "4 bytes instead of 36"},
      {"f7", "neither false"},
      {"e0", "neither false"},
      {"f8 ff", "neither false"},
      {"f9 3c00", "neither false"},
      {"fa 3f800000", "neither false"},
      {"fb 7ff0000000000000", "infinite"},
      {"fb fff0000000000000", "infinite"},
      {"fb 7ff8000000000000", "infinite"},
      // Lengths that nothing stands behind.
      {"5b ffffffffffffffff", "longer than the data"},
      {"7b ffffffffffffffff", "longer than the data"},
      {"9b ffffffffffffffff", "longer than the data"},
      {"bb ffffffffffffffff", "longer than the data"},
      {"9a 7fffffff 00", "longer than the data"},
      {"a2 61 61", "longer than the data"},
  };
  for (const auto& row : rows)
    fail_unless_error(decode_dag_cbor(unhex(row.bytes)), row.error, row.bytes);
}
GST_END_TEST

GST_START_TEST(test_dag_cbor_bounds_nesting) {
  Value deep = 0;
  for (unsigned i = 0; i < kMaxNesting; ++i)
    deep = i % 2 ? Value(List{deep}) : Value(Map{{"a", deep}});
  const auto bytes = encode_dag_cbor(deep);
  fail_unless_ok(bytes);
  fail_unless_ok(decode_dag_cbor(*bytes));
  fail_unless_error(encode_dag_cbor(List{deep}), "nested more than 64", "writing");
  const std::string lists = repeat("81", kMaxNesting);
  fail_unless_ok(decode_dag_cbor(unhex(lists + "00")));
  fail_unless_error(decode_dag_cbor(unhex("81" + lists + "00")), "nested more than 64", "lists");
  fail_unless_error(decode_dag_cbor(unhex(repeat("a16161", 1'000'000))), "nested more than 64",
                    "maps");
  // Each announces what could just be there.
  Data announcing;
  for (std::size_t i = 0; i < 4'000; ++i)
    for (std::uint8_t byte : unhex("99 1000"))
      announcing.push_back(byte);
  fail_unless_error(decode_dag_cbor(announcing), "nested more than 64", "announcing");
}
GST_END_TEST

GST_START_TEST(test_dag_cbor_refuses_to_write_what_it_would_not_read) {
  fail_unless_error(encode_dag_cbor("\xff"), "is not UTF-8", "text");
  fail_unless_error(encode_dag_cbor(Map{{"a\xc3", 0}}), "is not UTF-8", "key");
  fail_unless_error(encode_dag_cbor(Map{{"a", 0}, {"b", 0}, {"a", 1}}), "\"a\" twice", "keys");
  for (double value :
       {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()})
    fail_unless_error(encode_dag_cbor(List{value}), "infinite", "float");
}
GST_END_TEST

GST_START_TEST(test_dag_cbor_reads_what_it_writes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const auto bytes = encode_dag_cbor(random_value(random, 4, true));
    require_often(bytes, "seed %" G_GUINT64_FORMAT, seed);
    const auto value = decode_dag_cbor(*bytes);
    require_often(value, "seed %" G_GUINT64_FORMAT ": %s", seed, value.error().c_str());
    const auto again = encode_dag_cbor(*value);
    require_often(again && *again == *bytes, "seed %" G_GUINT64_FORMAT, seed);
  }
}
GST_END_TEST

// What is still read after a byte changed is written back as it is: there is one encoding only.
GST_START_TEST(test_dag_cbor_takes_no_damage_for_something_else) {
  const Value value = Map{{"list", List{1, -300, 70'000, true, {}, 25.5}},
                          {"text", "日本"},
                          {"link", kHello},
                          {"data", Data{1, 2, 3}},
                          {"inner", Map{{"a", 1}, {"b", List{}}}}};
  const auto good = encode_dag_cbor(value);
  fail_unless_ok(good);
  for (std::size_t size = 0; size < good->size(); ++size)
    fail_if(static_cast<bool>(decode_dag_cbor(std::span(*good).first(size))), "%zu bytes", size);
  for (std::size_t at = 0; at < good->size(); ++at) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      Data bytes = *good;
      bytes[at] = static_cast<std::uint8_t>(byte);
      const auto read = decode_dag_cbor(bytes);
      if (!read)
        continue;
      const auto again = encode_dag_cbor(*read);
      require_often(again && *again == bytes, "byte %zu is %u", at, byte);
    }
  }
}
GST_END_TEST

static Suite* dag_cbor_suite() {
  Suite* const suite = suite_create("dag-cbor");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_dag_cbor_has_one_encoding_for_each_value);
  tcase_add_test(tests, test_dag_cbor_refuses_what_is_not_strict);
  tcase_add_test(tests, test_dag_cbor_bounds_nesting);
  tcase_add_test(tests, test_dag_cbor_refuses_to_write_what_it_would_not_read);
  tcase_add_test(tests, test_dag_cbor_reads_what_it_writes);
  tcase_add_test(tests, test_dag_cbor_takes_no_damage_for_something_else);
  return suite;
}

GST_CHECK_MAIN(dag_cbor)
