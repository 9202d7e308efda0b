// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/dag_pb.h"

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

const Cid kHello = Cid::of(Codec::kRaw, as_bytes("hello world"));
constexpr char kHelloHex[] =
    "01551220b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

}  // namespace

GST_START_TEST(test_dag_pb_writes_links_before_data) {
  const std::string hash = std::string("0a24") + kHelloHex;
  const struct {
    PbNode node;
    std::string bytes;
  } rows[] = {
      {{}, ""},
      {{.links = {}, .data = Data{}}, "0a00"},
      {{.links = {}, .data = Data{1, 2}}, "0a020102"},
      {{.links = {{kHello, {}, {}}}, .data = {}}, "1226" + hash},
      {{.links = {{kHello, "", 0}}, .data = Data{7}}, "122a" + hash + "1200" + "1800" + "0a0107"},
      {{.links = {{kHello, "aé", 300}, {kHello, {}, 1}}, .data = {}},
       "122e" + hash + "120361c3a9" + "18ac02" + "1228" + hash + "1801"},
  };
  for (const auto& row : rows) {
    const Data bytes = encode_dag_pb(row.node);
    fail_unless_equals_hex(bytes, unhex(row.bytes));
    const auto node = decode_dag_pb(bytes);
    fail_unless_ok(node);
    fail_unless(*node == row.node);
  }
  // As older software has it.
  const auto node = decode_dag_pb(unhex("0a0107 1226" + hash));
  fail_unless_ok(node);
  fail_unless(node->data == Data{7} && node->links.size() == 1);
}
GST_END_TEST

GST_START_TEST(test_dag_pb_refuses_what_is_not_strict) {
  const std::string hash = std::string("0a24") + kHelloHex;
  const struct {
    std::string bytes;
    const char* error;
  } rows[] = {
      {"0a", "not a message"},
      {"0a01", "not a message"},
      {"0affffffffffffffffff01", "not a message"},
      {"0801", "not a message"},
      {"8a0000", "not a message"},
      {"0d00000000", "not a message"},
      {"1a00", "an unknown field"},
      {"0a000a00", "data twice"},
      {"1226" + hash + "0a00" + "1226" + hash, "both sides"},
      {"1200", "a link without a CID"},
      {"12021200", "a link without a CID"},
      {"1202 1801", "a link without a CID"},
      {"12020a00", "0 bytes instead of 36"},
      {"12240a221220" + std::string(64, '1'), "of version 0"},
      {"1228" + hash + "0a00", "out of order"},
      {"122a" + hash + "1801" + "1200", "out of order"},
      {"1229" + hash + "1201ff", "not UTF-8"},
      {"1228" + hash + "1000", "unknown field"},
      {"1228" + hash + "2000", "unknown field"},
      {"1227" + hash + "12", "no message"},
  };
  for (const auto& row : rows)
    fail_unless_error(decode_dag_pb(unhex(row.bytes)), row.error, row.bytes.c_str());
}
GST_END_TEST

GST_START_TEST(test_dag_pb_takes_no_damage_for_something_else) {
  const Data good =
      encode_dag_pb({.links = {{kHello, "a", 300}, {kHello, {}, 1}}, .data = Data{7}});
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      Data bytes = good;
      bytes[at] = static_cast<std::uint8_t>(byte);
      const auto node = decode_dag_pb(bytes);
      require_often(!node || encode_dag_pb(*node) == bytes, "byte %zu is %u", at, byte);
    }
  }
}
GST_END_TEST

static Suite* dag_pb_suite() {
  Suite* const suite = suite_create("dag-pb");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_dag_pb_writes_links_before_data);
  tcase_add_test(tests, test_dag_pb_refuses_what_is_not_strict);
  tcase_add_test(tests, test_dag_pb_takes_no_damage_for_something_else);
  return suite;
}

GST_CHECK_MAIN(dag_pb)
