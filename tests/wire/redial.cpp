// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/wire/redial.h"

#include "tests/common/support.h"

using dist::Instant;
using dist::kMillisecond;
using dist::Redial;

GST_START_TEST(test_redial_comes_back_later_and_later) {
  Redial redial;
  for (Instant expected : {50u, 100u, 200u, 400u, 800u, 1600u, 3200u, 5000u, 5000u})
    fail_unless_equals_uint64(redial.next(1), expected * kMillisecond);
  redial.leased();
  fail_unless_equals_uint64(redial.next(0.5), 25 * kMillisecond);
}
GST_END_TEST

// In the 14 s that a primary may need to write its files.
GST_START_TEST(test_redial_lets_a_primary_be_whose_job_is_done) {
  Redial redial;
  redial.leased();
  unsigned dials = 0;
  for (Instant at = 0; at < 14'000 * kMillisecond; ++dials) {
    redial.job_done();
    at += redial.next(1);
  }
  fail_unless(dials <= 4, "%u dials", dials);
  redial.leased();
  fail_unless_equals_uint64(redial.next(1), Redial::kFirst);
}
GST_END_TEST

static Suite* redial_suite() {
  Suite* const suite = suite_create("redial");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_redial_comes_back_later_and_later);
  tcase_add_test(tests, test_redial_lets_a_primary_be_whose_job_is_done);
  return suite;
}

GST_CHECK_MAIN(redial)
