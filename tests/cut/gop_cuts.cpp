// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/gop_cuts.h"

#include "tests/common/support.h"

using namespace dist;

namespace {

// How many frames of a GOP of so many seconds at 25 frames a second are decoded, for each that it
// has, if each segment begins with the first frame at its cut.
double decoding(const GopCutRule& rule, Time seconds) {
  constexpr Time kFrame = kSecond / 25;
  const Time end = seconds * kSecond;
  double decoded = 0;
  for (Time from = 0; from != kNoTime;) {
    const Time cut = next_gop_cut(rule, 0, end, from);
    const Time stop = cut == kNoTime ? end : (cut + kFrame - 1) / kFrame * kFrame;
    fail_unless(stop > from && (stop - from >= rule.segment_duration || from == 0));
    decoded += static_cast<double>(stop);
    from = cut == kNoTime ? kNoTime : stop;
  }
  return decoded / static_cast<double>(end);
}

}  // namespace

GST_START_TEST(test_gop_cuts_are_even) {
  const GopCutRule rule;
  const struct {
    Time length;
    unsigned parts;
  } rows[] = {{kSecond / 2, 1},   {4 * kSecond, 1},   {5 * kSecond, 2},
              {8 * kSecond, 2},   {9 * kSecond, 3},   {30 * kSecond, 3},
              {120 * kSecond, 3}, {130 * kSecond, 4}, {400 * kSecond, 10}};
  for (const auto& row : rows)
    fail_unless(gop_parts(rule, row.length) == row.parts, "%" G_GUINT64_FORMAT ": %u", row.length,
                gop_parts(rule, row.length));
  fail_unless_equals_uint64(next_gop_cut(rule, kSecond, 6 * kSecond, kSecond), 35 * kSecond / 10);
  fail_unless_equals_uint64(next_gop_cut(rule, kSecond, 6 * kSecond, 36 * kSecond / 10), kNoTime);
}
GST_END_TEST

GST_START_TEST(test_gop_cuts_double_decoding_at_most) {
  const GopCutRule rule;
  for (Time seconds = 1; seconds <= 120; ++seconds)
    fail_unless(decoding(rule, seconds) <= 2.03, "%" G_GUINT64_FORMAT " s: %f", seconds,
                decoding(rule, seconds));
  GopCutRule more = rule;
  more.max_decoding = 4;
  fail_unless(gop_parts(more, 120 * kSecond) == 7);
  GopCutRule once = rule;
  once.max_decoding = 1;
  fail_unless(gop_parts(once, 30 * kSecond) == 1);
}
GST_END_TEST

GST_START_TEST(test_gop_cuts_keep_the_least_duration) {
  GopCutRule rule;
  rule.segment_duration = rule.max_segment_duration = 3 * kSecond;
  fail_unless(gop_parts(rule, 5 * kSecond) == 1);
  fail_unless(gop_parts(rule, 6 * kSecond) == 2);
  rule.max_segment_duration = kNoTime;
  fail_unless(gop_parts(rule, 600 * kSecond) == 1);
  fail_unless_equals_uint64(next_gop_cut(rule, 0, 600 * kSecond, 0), kNoTime);
  fail_unless_equals_uint64(next_gop_cut(rule, 5, 5, 5), kNoTime);
  rule = {.segment_duration = 0, .max_segment_duration = 0, .max_decoding = 2, .longest = 0};
  fail_unless(gop_parts(rule, 1) >= 1 && gop_parts(rule, 0) == 1);
}
GST_END_TEST

static Suite* gop_cuts_suite() {
  Suite* const suite = suite_create("gop-cuts");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_gop_cuts_are_even);
  tcase_add_test(tests, test_gop_cuts_double_decoding_at_most);
  tcase_add_test(tests, test_gop_cuts_keep_the_least_duration);
  return suite;
}

GST_CHECK_MAIN(gop_cuts)
