// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/captions.h"

#include <string>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

// Two triplets, and what stands around them in each codec.
constexpr char kTriplets[] = "fc 80 80 fd 00 01";
constexpr char kUserData[] = "b5 00 31 47 41 39 34 03 42 ff fc 80 80 fd 00 01 ff";

std::string changed(const std::string& unit, const char* codec, const std::string& triplets) {
  const auto result = with_captions(unhex(unit), codec, unhex(triplets));
  return result ? hex(*result) : "";
}

std::string spaced(const std::string& text) {
  return hex(unhex(text));
}

}  // namespace

GST_START_TEST(test_captions_before_the_first_slice) {
  const struct {
    const char* codec;
    const char* before;
    const char* header;
    const char* after;
  } rows[] = {
      // Access unit delimiter, parameter sets and a slice; a second slice stays where it is.
      {"h264", "00000001 09f0 00000001 6742 000001 68ce", "00000001 06 04 11",
       "000001 65 8884 000001 65 1234"},
      {"h264", "00000001 09f0", "00000001 06 04 11", "00000001 41 9a"},
      {"h265", "00000001 4601 50 00000001 4001 0c", "00000001 4e01 04 11", "00000001 2601 af"},
      {"h265", "", "00000001 4e01 04 11", "000001 0201 d0"},
      {"av1", "1200 0a03 000000", "2a 13 04", "3203 100000"},
      {"av1", "1200", "2a 13 04", "3203 300000"},
  };
  for (const auto& row : rows) {
    const std::string expected =
        std::string(row.before) + row.header + kUserData + "80" + row.after;
    const std::string found = changed(std::string(row.before) + row.after, row.codec, kTriplets);
    fail_unless(found == spaced(expected), "%s: %s\nexpected %s", row.codec, found.c_str(),
                spaced(expected).c_str());
    // Nobody has them twice.
    fail_unless(changed(expected, row.codec, kTriplets).empty() || std::string(row.codec) == "av1");
  }
}
GST_END_TEST

// Bytes that would look like a start code are broken up.
GST_START_TEST(test_captions_escape_start_codes) {
  fail_unless(
      changed("000001 65", "h264", "fc 00 00 01 00 00") ==
      spaced("00000001 06 04 11 b500314741393403 42 ff fc 0000 03 01 0000 ff 80 000001 65"));
  fail_unless(changed("3203 100000", "av1", "fc 00 00") ==
              spaced("2a 10 04 b500314741393403 41 ff fc 0000 ff 80 3203 100000"));
}
GST_END_TEST

GST_START_TEST(test_captions_leave_alone) {
  const std::string slice = "000001 65 88";
  fail_unless(changed(slice, "h264", "").empty());
  fail_unless(changed(slice, "h264", "fc 80").empty(), "half a triplet");
  fail_unless(changed(slice, "vp9", kTriplets).empty());
  fail_unless(changed("", "h264", kTriplets).empty());
  fail_unless(changed("000001 67 42", "h264", kTriplets).empty(), "no slice");
  fail_unless(changed("32", "av1", kTriplets) != "");
  fail_unless(changed("0a", "av1", kTriplets).empty());
  std::string many;
  for (int i = 0; i < 31; ++i)
    many += "fc8080";
  fail_if(changed(slice, "h264", many).empty());
  fail_unless(changed(slice, "h264", many + "fc8080").empty());
  fail_if(changed("1200 3203100000", "av1", many).empty());
}
GST_END_TEST

static Suite* captions_suite() {
  Suite* const suite = suite_create("captions");
  TCase* const tests = tcase_create("captions");
  tcase_add_test(tests, test_captions_before_the_first_slice);
  tcase_add_test(tests, test_captions_escape_start_codes);
  tcase_add_test(tests, test_captions_leave_alone);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(captions)
