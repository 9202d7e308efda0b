// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/bytes.h"

#include <algorithm>
#include <limits>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

}  // namespace

GST_START_TEST(test_bytes_share_their_storage) {
  Data data = {1, 2, 3, 4, 5};
  const std::uint8_t* storage = data.data();
  const Bytes bytes = Bytes::take(std::move(data));
  const Bytes copy = bytes;
  fail_unless(bytes.span().data() == storage);
  fail_unless(copy.span().data() == storage);
  fail_unless(bytes.slice(1, 3).span().data() == storage + 1);
}
GST_END_TEST

GST_START_TEST(test_bytes_outlive_what_they_were_cut_from) {
  Bytes middle;
  {
    const Bytes whole = Bytes::take({1, 2, 3, 4, 5});
    middle = whole.slice(1, 3);
  }
  fail_unless_equals_hex(middle.span(), Data({2, 3, 4}));
}
GST_END_TEST

GST_START_TEST(test_bytes_may_be_empty) {
  const Bytes bytes = Bytes::take({1, 2});
  for (const Bytes& empty : {Bytes(), Bytes::take({}), bytes.slice(2, 0), Bytes().slice(0, 0)}) {
    fail_unless_equals_uint64(empty.size(), 0);
    fail_unless(empty.span().empty());
  }
}
GST_END_TEST

GST_START_TEST(test_bytes_assign_and_move) {
  Bytes a = Bytes::take({1});
  Bytes b = Bytes::take({2});
  b = a;
  fail_unless(b.get() == a.get());
  b = *&b;
  fail_unless_equals_hex(b.span(), Data({1}));
  const Bytes c = std::move(a);
  fail_unless(a.get() == nullptr);
  fail_unless_equals_hex(c.span(), Data({1}));
}
GST_END_TEST

GST_START_TEST(test_bytes_total_size_adds_the_pieces) {
  fail_unless_equals_uint64(total_size({}), 0);
  fail_unless_equals_uint64(total_size({Bytes::take({1, 2}), Bytes(), Bytes::take({3})}), 3);
}
GST_END_TEST

GST_START_TEST(test_bytes_slices_of_pieces) {
  const auto piece = [](std::vector<std::uint8_t> data) { return Bytes::take(std::move(data)); };
  const BytesList list = {piece({1, 2, 3}), Bytes(), piece({4, 5})};
  const struct {
    std::uint64_t offset;
    std::uint64_t length;
    std::size_t pieces;
    std::vector<std::uint8_t> bytes;
  } rows[] = {
      {0, 5, 2, {1, 2, 3, 4, 5}}, {0, 3, 1, {1, 2, 3}}, {1, 1, 1, {2}}, {2, 2, 2, {3, 4}},
      {3, 2, 1, {4, 5}},          {4, 9, 1, {5}},       {5, 1, 0, {}},  {1, 0, 0, {}},
  };
  for (const auto& row : rows) {
    fail_unless_equals_uint64(slice(list, row.offset, row.length).size(), row.pieces);
    const Bytes joined = joined_slice(list, row.offset, row.length);
    fail_unless(std::ranges::equal(joined.span(), row.bytes));
  }
  // Shared where that is possible.
  fail_unless(joined_slice(list, 1, 2).span().data() == list[0].span().data() + 1);
}
GST_END_TEST

GST_START_TEST(test_writer_is_little_endian) {
  ByteWriter out;
  out.u8(0x01);
  out.u16(0x0302);
  out.u32(0x07060504);
  out.u64(0x0f0e0d0c0b0a0908);
  out.f64(1.0);
  out.string("ä");
  out.bytes(Data({0xff, 0xfe}));
  fail_unless_equals_hex(out.take(), unhex("01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
                                           "00 00 00 00 00 00 f0 3f"
                                           "02 00 00 00 c3 a4 ff fe"));
}
GST_END_TEST

GST_START_TEST(test_writer_patches_what_it_wrote) {
  ByteWriter out;
  out.u8(1);
  const std::size_t at = out.size();
  out.u32(0);
  out.u8(2);
  out.patch_u32(at, 0x0a0b0c0d);
  fail_unless_equals_hex(out.take(), unhex("01 0d 0c 0b 0a 02"));
}
GST_END_TEST

GST_START_TEST(test_reader_reads_back_what_was_written) {
  constexpr double kDoubles[] = {0.0, -1.5, std::numeric_limits<double>::denorm_min(),
                                 std::numeric_limits<double>::infinity()};
  ByteWriter out;
  out.u8(200);
  out.u16(60000);
  out.u32(4000000000);
  out.u64(UINT64_MAX - 1);
  for (double value : kDoubles)
    out.f64(value);
  out.string("");
  out.string("segment");
  const Data data = out.take();

  ByteReader in(data);
  fail_unless_equals_int(in.u8(), 200);
  fail_unless_equals_int(in.u16(), 60000);
  fail_unless_equals_uint64(in.u32(), 4000000000);
  fail_unless_equals_uint64(in.u64(), UINT64_MAX - 1);
  for (double value : kDoubles)
    fail_unless(in.f64() == value);
  fail_unless_equals_text(in.string(0), "");
  fail_if(in.complete());
  fail_unless_equals_text(in.string(7), "segment");
  fail_unless(in.complete());
}
GST_END_TEST

GST_START_TEST(test_reader_fails_for_good) {
  const Data data = {1, 2, 3, 4, 5};
  ByteReader in(data);
  in.u8();
  fail_unless_equals_uint64(in.u64(), 0);
  fail_if(in.ok());
  // There would be enough for these.
  fail_unless_equals_int(in.u8(), 0);
  fail_unless(in.bytes(1).empty());
  fail_unless_equals_text(in.string(10), "");
  fail_if(in.ok());
  fail_if(in.complete());
}
GST_END_TEST

GST_START_TEST(test_reader_checks_strings) {
  const struct {
    const char* data;
    std::size_t max_length;
    const char* text;  // Null: refused.
  } rows[] = {
      {"00 00 00 00", 0, ""},
      {"03 00 00 00 61 62 63", 3, "abc"},
      {"02 00 00 00 c3 a4", 2, "ä"},
      {"03 00 00 00 61 62 63", 2, nullptr},  // Longer than allowed,
      {"04 00 00 00 61 62 63", 9, nullptr},  // than what there is,
      {"ff ff ff ff 61 62 63", 9, nullptr},  // than anything.
      {"03 00 00", 9, nullptr},              // No length.
      {"01 00 00 00 c3", 9, nullptr},        // Half a character.
      {"02 00 00 00 ff fe", 9, nullptr},     // Not UTF-8.
      {"03 00 00 00 61 00 63", 9, nullptr},  // C would see another string.
  };
  for (const auto& row : rows) {
    const Data data = unhex(row.data);
    ByteReader in(data);
    const std::string text = in.string(row.max_length);
    fail_unless_equals_text(text, row.text ? row.text : "");
    fail_unless(in.complete() == (row.text != nullptr), "%s", row.data);
  }
}
GST_END_TEST

GST_START_TEST(test_sha256_is_that_of_the_pieces_together) {
  constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  fail_unless_equals_hex(sha256({}), unhex(kEmpty));
  fail_unless_equals_hex(sha256({Bytes()}), unhex(kEmpty));
  fail_unless_equals_hex(sha256({Bytes::take({'a', 'b', 'c'})}), unhex(kAbc));
  fail_unless_equals_hex(sha256({Bytes::take({'a'}), Bytes(), Bytes::take({'b', 'c'})}),
                         unhex(kAbc));
}
GST_END_TEST

// The test cases of RFC 4231, but for the fifth, which cuts the digest.
GST_START_TEST(test_hmac_sha256_is_that_of_the_standard) {
  const Data long_key(131, 0xaa);
  const struct {
    Data key;
    Data data;
    const char* digest;
  } rows[] = {
      {Data(20, 0x0b), to_data(as_bytes("Hi There")),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {to_data(as_bytes("Jefe")), to_data(as_bytes("what do ya want for nothing?")),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Data(20, 0xaa), Data(50, 0xdd),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {unhex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Data(50, 0xcd),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {long_key, to_data(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {long_key,
       to_data(as_bytes("This is a test using a larger than block-size key and a larger than "
                        "block-size data. The key needs to be hashed before being used by the HMAC "
                        "algorithm.")),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& row : rows) {
    const std::string_view key(reinterpret_cast<const char*>(row.key.data()), row.key.size());
    const Bytes data = Bytes::take(Data(row.data));
    fail_unless_equals_hex(hmac_sha256(key, {data}), unhex(row.digest));
    fail_unless_equals_hex(
        hmac_sha256(key, {data.slice(0, 3), Bytes(), data.slice(3, data.size() - 3)}),
        unhex(row.digest));
  }
}
GST_END_TEST

GST_START_TEST(test_printable_has_nothing_that_a_terminal_obeys) {
  const struct {
    const char* text;
    const char* shown;
  } rows[] = {
      {"anna", "anna"},
      {"\x1b[2Janna\x07", "?[2Janna?"},
      {"two\nlines\r\t", "two lines  "},
      {"\x7f\xc2\x9b"
       "31m\xc2\xa0",
       "??31m\xc2\xa0"},
      {"\xe2\x80\xae"
       "evil\xe2\x81\xa6\xe2\x80\xa6",
       "?evil?\xe2\x80\xa6"},
      {"Zo\xc3\xab \xe2\x82\xac", "Zo\xc3\xab \xe2\x82\xac"},
      {"a\xff"
       "b\xe2\x82",
       "a\xef\xbf\xbd"
       "b\xef\xbf\xbd\xef\xbf\xbd"},
      {"", ""},
  };
  for (const auto& row : rows)
    fail_unless_equals_string(printable(row.text).c_str(), row.shown);
}
GST_END_TEST

static Suite* bytes_suite() {
  Suite* suite = suite_create("bytes");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_bytes_share_their_storage);
  tcase_add_test(tcase, test_bytes_outlive_what_they_were_cut_from);
  tcase_add_test(tcase, test_bytes_may_be_empty);
  tcase_add_test(tcase, test_bytes_assign_and_move);
  tcase_add_test(tcase, test_bytes_total_size_adds_the_pieces);
  tcase_add_test(tcase, test_bytes_slices_of_pieces);
  tcase_add_test(tcase, test_writer_is_little_endian);
  tcase_add_test(tcase, test_writer_patches_what_it_wrote);
  tcase_add_test(tcase, test_reader_reads_back_what_was_written);
  tcase_add_test(tcase, test_reader_fails_for_good);
  tcase_add_test(tcase, test_reader_checks_strings);
  tcase_add_test(tcase, test_sha256_is_that_of_the_pieces_together);
  tcase_add_test(tcase, test_hmac_sha256_is_that_of_the_standard);
  tcase_add_test(tcase, test_printable_has_nothing_that_a_terminal_obeys);
  return suite;
}

GST_CHECK_MAIN(bytes)
