// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/lease_reasons.h"

#include "tests/common/support.h"

using dist::LeaseReasons;

GST_START_TEST(test_lease_reasons_of_the_last_attempts) {
  LeaseReasons reasons;
  fail_unless_equals_text(reasons.text(7), "");
  reasons.note(7, "anna", "long ago");
  reasons.note(8, "bert", "another segment");
  reasons.note(7, "anna", "no encoder.");
  reasons.note(7, "bert", "no encoder");
  reasons.note(7, "carl", "left");
  fail_unless_equals_text(reasons.text(7), "left (carl); no encoder (bert, anna)");
  reasons.forget(7);
  fail_unless_equals_text(reasons.text(7), "");
  fail_unless_equals_text(reasons.text(8), "another segment (bert)");
}
GST_END_TEST

GST_START_TEST(test_lease_reasons_are_short) {
  LeaseReasons reasons;
  reasons.note(0, "anna", std::string(100000, 'a'));
  fail_unless(reasons.text(0).size() < 1000);
}
GST_END_TEST

static Suite* lease_reasons_suite() {
  Suite* const suite = suite_create("lease-reasons");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_lease_reasons_of_the_last_attempts);
  tcase_add_test(tests, test_lease_reasons_are_short);
  return suite;
}

GST_CHECK_MAIN(lease_reasons)
