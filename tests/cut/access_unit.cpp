// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/access_unit.h"

#include <algorithm>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

const char* name(RandomAccess value) {
  switch (value) {
    case RandomAccess::kNone:
      return "none";
    case RandomAccess::kClean:
      return "clean";
    case RandomAccess::kRecovery:
      return "recovery";
    case RandomAccess::kGradual:
      return "gradual";
  }
  return "?";
}

// NAL units, written as hexadecimal with a comma between them.
std::vector<Data> nals(std::string_view text) {
  std::vector<Data> result;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    result.push_back(unhex(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return result;
}

// As an access unit with lengths of `length_size` bytes, or start codes if that is 0.
Data access_unit(std::string_view text, unsigned length_size) {
  Data data;
  for (const Data& nal : nals(text)) {
    if (length_size == 0)
      data.insert(data.end(), {0, 0, 0, 1});
    for (unsigned i = length_size; i > 0; --i)
      data.push_back(static_cast<std::uint8_t>(nal.size() >> (8 * (i - 1))));
    data.insert(data.end(), nal.begin(), nal.end());
  }
  return data;
}

void check(const char* what, const StreamFormat& format, bool keyframe, const Data& unit,
           RandomAccess random_access, bool shown = true, bool leading = false) {
  const UnitKind kind = classify(format, keyframe, unit);
  fail_unless(kind.random_access == random_access, "%s: %s instead of %s", what,
              name(kind.random_access), name(random_access));
  fail_unless(kind.shown == shown, "%s: shown %d", what, kind.shown);
  fail_unless(kind.leading == leading, "%s: leading %d", what, kind.leading);
}

// A recovery point: payload type 6, one byte, which begins with recovery_frame_cnt 0.
#define RECOVERY "06 01 c4"
// With recovery_frame_cnt 1.
#define GRADUAL "06 01 44"
// An SEI message of 257 bytes needs two bytes for its size.
#define SIZE_257 "ff 02"

std::string user_data_257() {
  std::string text = "06 05 " SIZE_257;
  for (int i = 0; i < 257; ++i)
    text += " 06";
  return text;
}

}  // namespace

GST_START_TEST(test_h264_random_access_is_idr_or_recovery_point) {
  const std::string long_message = user_data_257();
  const std::string recovery_after_long_message = long_message + " " RECOVERY " 80, 61 9a";
  const std::string no_recovery_after_long_message = long_message + " 80, 61 9a";
  const struct {
    const char* what;
    const char* units;
    RandomAccess expected;
  } rows[] = {
      {"IDR", "65 88 84", RandomAccess::kClean},
      {"IDR after AUD, SPS and PPS", "09 f0, 67 42 c0, 68 ce, 65 88", RandomAccess::kClean},
      {"IDR without reference", "05 88", RandomAccess::kClean},
      {"P slice", "41 9a", RandomAccess::kNone},
      {"I slice in a picture that is no IDR", "61 88 84", RandomAccess::kNone},
      {"I slice with parameter sets", "67 42, 68 ce, 61 88 84", RandomAccess::kNone},
      {"recovery point", "06 " RECOVERY " 80, 61 88", RandomAccess::kRecovery},
      {"recovery point after AUD", "09 10, 06 " RECOVERY " 80, 61 88", RandomAccess::kRecovery},
      {"recovery point and IDR", "06 " RECOVERY " 80, 65 88", RandomAccess::kClean},
      {"gradual refresh", "06 " GRADUAL " 80, 61 88", RandomAccess::kGradual},
      {"gradual refresh after another message", "06 05 01 aa " GRADUAL " 80, 61 88",
       RandomAccess::kGradual},
      {"gradual refresh and IDR", "06 " GRADUAL " 80, 65 88", RandomAccess::kClean},
      {"another SEI message", "06 05 03 aa bb cc 80, 61 88", RandomAccess::kNone},
      {"the bytes of a recovery point in another message", "06 05 03 " RECOVERY " 80, 61 88",
       RandomAccess::kNone},
      {"second message", "06 05 03 aa bb cc " RECOVERY " 80, 61 88", RandomAccess::kRecovery},
      {"second SEI unit", "06 05 01 aa 80, 06 " RECOVERY " 80, 61 88", RandomAccess::kRecovery},
      {"after a message of 257 bytes", recovery_after_long_message.c_str(),
       RandomAccess::kRecovery},
      {"a message of 257 bytes", no_recovery_after_long_message.c_str(), RandomAccess::kNone},
      // The payload 00 00 01 is written 00 00 03 01.
      {"after an emulation prevention byte", "06 05 03 00 00 03 01 " RECOVERY " 80, 61 88",
       RandomAccess::kRecovery},
      {"payload that contains 03", "06 05 04 00 03 00 01 " RECOVERY " 80, 61 88",
       RandomAccess::kRecovery},
      {"SEI after the slices belongs to no later picture", "41 9a, 06 " RECOVERY " 80",
       RandomAccess::kNone},
      {"data partition", "22 9a, 06 " RECOVERY " 80", RandomAccess::kNone},
      {"SEI that is cut off", "06 05 ff, 61 88", RandomAccess::kNone},
      {"SEI larger than its unit", "06 05 70 aa 06 01 80, 61 88", RandomAccess::kNone},
      {"empty SEI", "06, 61 88", RandomAccess::kNone},
  };
  for (const auto& row : rows)
    for (unsigned length_size : {0u, 1u, 2u, 3u, 4u}) {
      // A byte of length cannot hold these.
      if (length_size == 1 && std::string_view(row.units).size() > 3 * 255)
        continue;
      const Data unit = access_unit(row.units, length_size);
      for (bool keyframe : {false, true})
        check(row.what, {Codec::kH264, length_size}, keyframe, unit, row.expected);
    }
}
GST_END_TEST

GST_START_TEST(test_h265_random_access_is_an_irap_picture) {
  const struct {
    const char* what;
    const char* units;
    RandomAccess expected;
    bool leading = false;
  } rows[] = {
      {"IDR_W_RADL", "26 01 af", RandomAccess::kClean},
      {"IDR_N_LP", "28 01 af", RandomAccess::kClean},
      {"CRA", "2a 01 af", RandomAccess::kClean},
      {"BLA_W_LP", "20 01 af", RandomAccess::kClean},
      {"CRA after VPS, SPS, PPS and SEI", "40 01, 42 01, 44 01, 4e 01 05 01 aa 80, 2a 01 af",
       RandomAccess::kClean},
      {"TRAIL_R", "02 01 d0", RandomAccess::kNone},
      {"TRAIL_N", "00 01 d0", RandomAccess::kNone},
      {"TSA_N", "04 01 d0", RandomAccess::kNone},
      {"RASL_N", "10 01 d0", RandomAccess::kNone, true},
      {"RASL_R", "12 01 d0", RandomAccess::kNone, true},
      {"RADL_N", "0c 01 d0", RandomAccess::kNone, true},
      {"RADL_R", "0e 01 d0", RandomAccess::kNone, true},
      {"RSV_IRAP_VCL22, which decoders drop", "2c 01 d0", RandomAccess::kNone},
      {"parameter sets before TRAIL_R", "40 01, 42 01, 44 01, 02 01 d0", RandomAccess::kNone},
      {"STSA_R", "0a 01 d0", RandomAccess::kNone},
      {"RSV_VCL_N10", "14 01 d0", RandomAccess::kNone},
      {"the first slice decides", "02 01 d0, 2a 01 af", RandomAccess::kNone},
      {"no slice", "46 01 50", RandomAccess::kNone},
  };
  for (const auto& row : rows)
    for (unsigned length_size : {0u, 1u, 2u, 4u})
      for (bool keyframe : {false, true})
        check(row.what, {Codec::kH265, length_size}, keyframe, access_unit(row.units, length_size),
              row.expected, true, row.leading);
}
GST_END_TEST

GST_START_TEST(test_byte_stream_start_codes_may_vary) {
  const struct {
    const char* what;
    const char* bytes;
    RandomAccess expected;
  } rows[] = {
      {"three bytes", "00 00 01 65 88", RandomAccess::kClean},
      {"four bytes", "00 00 00 01 65 88", RandomAccess::kClean},
      {"zeros before and after", "00 00 00 00 00 01 09 f0 00 00 00 00 00 01 65 88 00 00",
       RandomAccess::kClean},
      {"something before", "12 34 00 00 01 65 88", RandomAccess::kClean},
      {"an empty unit", "00 00 01 00 00 01 65", RandomAccess::kClean},
      {"none", "65 88 84 00 21", RandomAccess::kNone},
      {"nothing behind", "65 88 00 00 01", RandomAccess::kNone},
      {"an emulated one", "00 00 01 41 00 00 03 01 65", RandomAccess::kNone},
  };
  for (const auto& row : rows)
    check(row.what, {Codec::kH264, 0}, true, unhex(row.bytes), row.expected);
}
GST_END_TEST

GST_START_TEST(test_damaged_lengths_end_the_unit) {
  const struct {
    const char* what;
    const char* bytes;
    RandomAccess expected;
  } rows[] = {
      {"longer than the unit", "00 00 00 70 65 88", RandomAccess::kClean},
      {"longest of all", "ff ff ff ff 65 88", RandomAccess::kClean},
      {"zero", "00 00 00 00 00 00 00 02 65 88", RandomAccess::kClean},
      {"swallows the IDR slice", "00 00 00 09 09 f0 00 00 00 02 65 88", RandomAccess::kNone},
      {"nothing but a length", "00 00 00 02", RandomAccess::kNone},
      {"less than a length", "00 00", RandomAccess::kNone},
      {"half a length at the end", "00 00 00 02 09 f0 00 00", RandomAccess::kNone},
  };
  for (const auto& row : rows)
    check(row.what, {Codec::kH264, 4}, true, unhex(row.bytes), row.expected);
}
GST_END_TEST

GST_START_TEST(test_vp8_frame_tag_tells_keyframe_and_shown) {
  const struct {
    const char* what;
    const char* bytes;
    RandomAccess expected;
    bool shown;
  } rows[] = {
      {"keyframe", "50 31 00 9d 01 2a", RandomAccess::kClean, true},
      {"inter frame", "31 05 00", RandomAccess::kNone, true},
      {"alternate reference", "21 05 00", RandomAccess::kNone, false},
      {"keyframe that is not shown", "40 31 00 9d 01 2a", RandomAccess::kClean, false},
      {"version 3", "f6 31 00", RandomAccess::kClean, true},
  };
  for (const auto& row : rows)
    for (bool keyframe : {false, true})
      check(row.what, {Codec::kVp8}, keyframe, unhex(row.bytes), row.expected, row.shown);
}
GST_END_TEST

GST_START_TEST(test_vp9_header_tells_shown) {
  const struct {
    const char* what;
    const char* bytes;
    bool shown;
  } rows[] = {
      {"keyframe", "82 49 83 42", true},
      {"inter frame", "86 00 40", true},
      {"alternate reference", "84 00 40", false},
      {"error resilient", "85 00 40", false},
      {"repeat of a frame", "88", true},
      {"superframe that begins with an alternate reference", "84 00 40 86 00 c9 02 01 c9", true},
      {"profile 1", "a4 00 40", false},
      {"profile 2", "94 00 40", false},
      {"profile 3, shown", "b3 00 40", true},
      {"profile 3, not shown", "b2 00 40", false},
      {"profile 3, repeat", "b4", true},
      {"one byte", "84", false},
  };
  for (const auto& row : rows) {
    check(row.what, {Codec::kVp9}, false, unhex(row.bytes), RandomAccess::kNone, row.shown);
    check(row.what, {Codec::kVp9}, true, unhex(row.bytes), RandomAccess::kClean, row.shown);
  }
}
GST_END_TEST

GST_START_TEST(test_mpeg_b_pictures_are_leading) {
  const struct {
    const char* what;
    Codec codec;
    const char* bytes;
    bool leading;
  } rows[] = {
      {"MPEG-2 I", Codec::kMpeg12, "00 00 01 00 00 0f ff f8", false},
      {"MPEG-2 P", Codec::kMpeg12, "00 00 01 00 00 57 ff f8", false},
      {"MPEG-2 B", Codec::kMpeg12, "00 00 01 00 00 9f ff f8", true},
      {"MPEG-2 B behind a GOP header", Codec::kMpeg12,
       "00 00 01 b8 00 08 00 40 00 00 01 00 00 9f ff f8", true},
      {"MPEG-2 without a picture", Codec::kMpeg12, "00 00 01 b3 2d 01 20 33 24", false},
      {"MPEG-2 cut off", Codec::kMpeg12, "00 00 01 00 00", false},
      {"MPEG-4 I", Codec::kMpeg4, "00 00 01 b6 10 60 83", false},
      {"MPEG-4 P", Codec::kMpeg4, "00 00 01 b6 50 60 83", false},
      {"MPEG-4 B", Codec::kMpeg4, "00 00 01 b6 90 60 83", true},
      {"MPEG-4 B behind a GOV header", Codec::kMpeg4, "00 00 01 b3 00 10 07 00 00 01 b6 90 60 83",
       true},
      {"MPEG-4 S", Codec::kMpeg4, "00 00 01 b6 d0 60 83", false},
      {"the first picture decides", Codec::kMpeg4, "00 00 01 b6 50 60 00 00 01 b6 90 60 83", false},
  };
  for (const auto& row : rows)
    check(row.what, {row.codec}, false, unhex(row.bytes), RandomAccess::kNone, true, row.leading);
}
GST_END_TEST

GST_START_TEST(test_other_codecs_take_upstreams_word) {
  for (Codec codec : {Codec::kRaw, Codec::kAv1, Codec::kMpeg12, Codec::kMpeg4, Codec::kJpeg})
    for (const char* bytes : {"", "00", "00 00 01 b3", "ff d8 ff"}) {
      check("keyframe", {codec}, true, unhex(bytes), RandomAccess::kClean);
      check("delta unit", {codec}, false, unhex(bytes), RandomAccess::kNone);
    }
}
GST_END_TEST

GST_START_TEST(test_empty_unit_takes_upstreams_word) {
  for (Codec codec : {Codec::kH264, Codec::kH265, Codec::kVp8, Codec::kVp9}) {
    check("keyframe", {codec, 4}, true, {}, RandomAccess::kClean);
    check("delta unit", {codec, 4}, false, {}, RandomAccess::kNone);
  }
}
GST_END_TEST

// Nothing to compare with: the sanitizers see what is read beyond the end.
GST_START_TEST(test_classify_survives_any_bytes) {
  constexpr std::uint64_t kSeed = 20;
  Random random(kSeed);
  constexpr std::uint8_t kLikely[] = {0, 0, 0, 1, 3, 6, 0xb6, 0x65, 0x61, 0xff, 0x84, 0xc1};
  for (int round = 0; round < 20000; ++round) {
    Data unit(random.below(40));
    for (std::uint8_t& byte : unit)
      byte = random.chance(60) ? kLikely[random.below(std::size(kLikely))]
                               : static_cast<std::uint8_t>(random.below(256));
    for (Codec codec :
         {Codec::kH264, Codec::kH265, Codec::kVp8, Codec::kVp9, Codec::kMpeg12, Codec::kMpeg4})
      for (unsigned length_size : {0u, 1u, 2u, 3u, 4u})
        classify({codec, length_size}, false, unit);
  }
}
GST_END_TEST

static Suite* access_unit_suite() {
  Suite* suite = suite_create("access_unit");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_h264_random_access_is_idr_or_recovery_point);
  tcase_add_test(tcase, test_h265_random_access_is_an_irap_picture);
  tcase_add_test(tcase, test_byte_stream_start_codes_may_vary);
  tcase_add_test(tcase, test_damaged_lengths_end_the_unit);
  tcase_add_test(tcase, test_vp8_frame_tag_tells_keyframe_and_shown);
  tcase_add_test(tcase, test_vp9_header_tells_shown);
  tcase_add_test(tcase, test_mpeg_b_pictures_are_leading);
  tcase_add_test(tcase, test_other_codecs_take_upstreams_word);
  tcase_add_test(tcase, test_empty_unit_takes_upstreams_word);
  tcase_add_test(tcase, test_classify_survives_any_bytes);
  return suite;
}

GST_CHECK_MAIN(access_unit)
