// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/window.h"

#include <gst/check/gstcheck.h>

using dist::Window;

GST_START_TEST(test_window_counts_from_the_oldest_segment) {
  Window window({.segments = 3, .bytes = 1000});
  for (std::uint64_t i = 0; i < 3; ++i) {
    ck_assert(window.has_room(i));
    ck_assert(window.accept(i, 10));
  }
  ck_assert(!window.has_room(3));
  window.answer(1, 5);
  window.deliver(1);
  ck_assert(!window.has_room(3));
  window.deliver(0);
  ck_assert(window.has_room(4));
  ck_assert(!window.has_room(5));
}
GST_END_TEST

GST_START_TEST(test_window_counts_results_until_the_oldest_is_out) {
  Window window({.segments = 100, .bytes = 100});
  window.accept(0, 10);
  window.accept(1, 10);
  ck_assert(window.answer(1, 200));
  window.deliver(1);
  ck_assert_uint_eq(window.bytes(), 210);
  ck_assert(!window.has_room(2));
  window.deliver(0);
  ck_assert_uint_eq(window.bytes(), 0);
  ck_assert(window.empty());
}
GST_END_TEST

GST_START_TEST(test_window_takes_one_segment_however_large) {
  Window window({.segments = 1, .bytes = 1});
  ck_assert(window.has_room(7));
  ck_assert(window.accept(7, 1000));
  ck_assert(!window.has_room(8));
}
GST_END_TEST

GST_START_TEST(test_window_refuses_what_does_not_follow) {
  Window window({.segments = 10, .bytes = 1000});
  ck_assert(window.accept(0, 1));
  ck_assert(!window.accept(0, 1));
  window.deliver(0);
  ck_assert(!window.accept(0, 1));
  ck_assert(!window.answer(0, 1));
  window.clear();
  ck_assert(window.accept(0, 1));
}
GST_END_TEST

static Suite* window_suite() {
  Suite* suite = suite_create("window");
  TCase* tests = tcase_create("window");
  tcase_add_test(tests, test_window_counts_from_the_oldest_segment);
  tcase_add_test(tests, test_window_counts_results_until_the_oldest_is_out);
  tcase_add_test(tests, test_window_takes_one_segment_however_large);
  tcase_add_test(tests, test_window_refuses_what_does_not_follow);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(window)
