// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/mp4_fragment.h"

#include <numeric>

#include "tests/common/support.h"

using namespace dist;
using namespace dist::publish;
using namespace dist::test;

namespace {

Data be32(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16 & 0xff),
          static_cast<std::uint8_t>(value >> 8 & 0xff), static_cast<std::uint8_t>(value & 0xff)};
}

Data cat(const std::vector<Data>& parts) {
  return std::accumulate(parts.begin(), parts.end(), Data(), [](Data all, const Data& part) {
    all.insert(all.end(), part.begin(), part.end());
    return all;
  });
}

Data box(std::string_view type, const std::vector<Data>& parts) {
  const Data inside = cat(parts);
  return cat(
      {be32(static_cast<std::uint32_t>(inside.size() + 8)), to_data(as_bytes(type)), inside});
}

// Two samples of 3 and 1 bytes, the second presented before the first.
Data fragment() {
  const auto moof = [](std::uint32_t size) {
    return box("moof", {box("mfhd", {be32(0), be32(7)}),
                        box("traf", {box("tfhd", {be32(0x20008), be32(1), be32(10)}),
                                     box("tfdt", {be32(1u << 24), be32(1), be32(2)}),
                                     box("trun", {be32(1u << 24 | 0xa05), be32(2), be32(size + 8),
                                                  be32(0x2000000), be32(3), be32(10), be32(1),
                                                  be32(static_cast<std::uint32_t>(-10))})})});
  };
  const auto size = static_cast<std::uint32_t>(moof(0).size());
  return cat({moof(size), box("mdat", {{1, 2, 3, 4}})});
}

Data init(const std::vector<Data>& inside_of_track) {
  return cat({box("ftyp", {to_data(as_bytes("iso6")), be32(0)}),
              box("moov",
                  {box("mvhd", {be32(0)}), box("trak", inside_of_track), box("mvex", {be32(5)})})});
}

}  // namespace

GST_START_TEST(test_mp4_fragment_is_read) {
  const auto boxes = read_fragment(fragment());
  fail_unless(static_cast<bool>(boxes), "%s", boxes ? "" : boxes.error().c_str());
  fail_unless_equals_uint64(boxes->sequence_number, 7);
  fail_unless_equals_uint64(boxes->decode_time, (1ull << 32) + 2);
  fail_unless_equals_uint64(boxes->duration, 20);
  fail_unless(boxes->sizes == std::vector<std::uint32_t>({3, 1}));
  fail_unless_equals_uint64(boxes->data, fragment().size() - 4);
}
GST_END_TEST

// No truncation, nothing more, and no change of a box's size or type is taken.
GST_START_TEST(test_mp4_fragment_refuses_other_boxes) {
  const Data whole = fragment();
  for (std::size_t size = 0; size < whole.size(); ++size)
    fail_unless(!read_fragment(std::span(whole).first(size)), "%zu bytes", size);
  fail_unless(!read_fragment(cat({whole, box("free", {})})));
  fail_unless(!read_fragment(cat({box("styp", {}), whole})));
  fail_unless(!read_fragment(cat({whole, whole})));
  // Whatever else is flipped, the reader ends.
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      Data changed = whole;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ 1u << bit);
      const auto boxes = read_fragment(changed);
      fail_unless(!boxes || boxes->sizes.size() == 2);
    }
}
GST_END_TEST

GST_START_TEST(test_mp4_fragment_init_gets_brands_and_an_edit_list) {
  const Data tkhd = box("tkhd", {be32(3)});
  const Data mdia = box("mdia", {be32(4)});
  const auto made = cmaf_init(init({tkhd, mdia}), {"caac"}, 1024);
  fail_unless(static_cast<bool>(made));
  const Data edts = box("edts", {box("elst", {be32(1u << 24), be32(1), be32(0), be32(0), be32(0),
                                              be32(1024), be32(1u << 16)})});
  const Data expected =
      cat({box("ftyp", {to_data(as_bytes("cmf2")), be32(0), to_data(as_bytes("cmf2iso6cmfccaac"))}),
           box("moov",
               {box("mvhd", {be32(0)}), box("trak", {tkhd, edts, mdia}), box("mvex", {be32(5)})})});
  fail_unless(to_data(made->span()) == expected);
  const auto without = cmaf_init(init({tkhd, mdia}), {"caac"}, 0);
  fail_unless(without && without->size() == expected.size() - edts.size());
}
GST_END_TEST

GST_START_TEST(test_mp4_fragment_init_refuses_what_it_does_not_know) {
  const Data tkhd = box("tkhd", {});
  const Data mdia = box("mdia", {});
  fail_unless(!cmaf_init(init({tkhd, box("edts", {}), mdia}), {}, 0));
  fail_unless(!cmaf_init(init({mdia}), {}, 0));
  fail_unless(!cmaf_init(init({tkhd, tkhd, mdia}), {}, 0));
  fail_unless(!cmaf_init(cat({init({tkhd, mdia}), box("sidx", {})}), {}, 0));
  const Data whole = init({tkhd, mdia});
  for (std::size_t size = 0; size < whole.size(); ++size)
    fail_unless(!cmaf_init(std::span(whole).first(size), {}, 0));
}
GST_END_TEST

GST_START_TEST(test_mp4_fragment_marks_the_last_segment) {
  const auto text = [](bool last) {
    const Bytes bytes = segment_type({"cfhd"}, last);
    return std::string(reinterpret_cast<const char*>(bytes.span().data()) + 4, bytes.size() - 4);
  };
  const std::string brands =
      std::string("stypcmf2") + std::string(4, '\0') + "cmf2iso6cmfccfhdcmfsmsdh";
  fail_unless(text(false) == brands);
  fail_unless(text(true) == brands + "lmsg");
}
GST_END_TEST

static Suite* mp4_fragment_suite() {
  Suite* const suite = suite_create("mp4-fragment");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_mp4_fragment_is_read);
  tcase_add_test(tests, test_mp4_fragment_refuses_other_boxes);
  tcase_add_test(tests, test_mp4_fragment_init_gets_brands_and_an_edit_list);
  tcase_add_test(tests, test_mp4_fragment_init_refuses_what_it_does_not_know);
  tcase_add_test(tests, test_mp4_fragment_marks_the_last_segment);
  return suite;
}

GST_CHECK_MAIN(mp4_fragment)
