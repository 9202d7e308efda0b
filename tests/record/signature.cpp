// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/signature.h"

#include <algorithm>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;
using record::Data;

Signature some_signature() {
  Signature signature;
  signature.key.fill(1);
  signature.record = Cid::of(Codec::kDagCbor, as_bytes("manifest"));
  signature.signature.fill(2);
  return signature;
}

Map map_of(const Signature& signature) {
  return std::get<Map>(decode_dag_cbor(*write_signature(signature))->kind);
}

Value& field(Map& map, std::string_view key) {
  return std::ranges::find(map, key, &Entry::key)->value;
}

}  // namespace

GST_START_TEST(test_signature_is_read_as_written) {
  const auto bytes = write_signature(some_signature());
  fail_unless_ok(bytes);
  const auto read = read_signature(*bytes);
  fail_unless_ok(read);
  fail_unless(*read == some_signature());
}
GST_END_TEST

GST_START_TEST(test_signature_says_what_is_wrong) {
  const struct {
    const char* error;
    void (*change)(Map&);
  } rows[] = {
      {"signature: not a map of four fields", [](Map& m) { m.pop_back(); }},
      {"signature: not a map of four fields",
       [](Map& m) {
         m.push_back({"x", 1});
       }},
      {"signature: \"algorithm\" is not", [](Map& m) { field(m, "algorithm") = "Ed448"; }},
      {"signature: \"algorithm\" is not",
       [](Map& m) { std::ranges::find(m, "algorithm", &Entry::key)->key = "x"; }},
      {"signature: \"key\" is not 32 bytes", [](Map& m) { field(m, "key") = Data(31); }},
      {"signature: \"record\" is not a link", [](Map& m) { field(m, "record") = Data(36); }},
      {"signature: \"signature\" is not 64 bytes", [](Map& m) { field(m, "signature") = "a"; }},
  };
  for (const auto& row : rows) {
    Map map = map_of(some_signature());
    row.change(map);
    fail_unless_error(read_signature(*encode_dag_cbor(map)), row.error, row.error);
  }
  fail_unless_error(read_signature(Data(kMaxSignature + 1)), "signature: longer", "long");
}
GST_END_TEST

GST_START_TEST(test_signature_bears_any_damage) {
  const Data bytes = *write_signature(some_signature());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    fail_unless(!read_signature(std::span(bytes).first(size)), "%zu bytes", size);
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      Data damaged = bytes;
      damaged[at] ^= static_cast<std::uint8_t>(1u << bit);
      const auto read = read_signature(damaged);
      fail_unless(!read || *read != some_signature(), "byte %zu", at);
    }
}
GST_END_TEST

static Suite* signature_suite() {
  Suite* const suite = suite_create("signature");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_signature_is_read_as_written);
  tcase_add_test(tests, test_signature_says_what_is_wrong);
  tcase_add_test(tests, test_signature_bears_any_damage);
  return suite;
}

GST_CHECK_MAIN(signature)
