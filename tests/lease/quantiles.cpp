// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/quantiles.h"

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

// Never less than the truth, and not more than 9.1 % above it.
void check(double q, double actual, double truth) {
  fail_unless(actual >= truth * 0.999 && actual <= truth * 1.091, "%g: %g instead of %g", q, actual,
              truth);
}

}  // namespace

GST_START_TEST(test_quantiles_of_nothing_are_zero) {
  const Quantiles quantiles;
  fail_unless_equals_float(quantiles.count(), 0);
  for (double q : {0.0, 0.5, 1.0})
    fail_unless_equals_float(quantiles.at(q), 0);
}
GST_END_TEST

GST_START_TEST(test_quantiles_of_equal_numbers_are_that_number) {
  for (double value : {1.0, 3.0, 1e3, 1e9, 4.2e12}) {
    Quantiles quantiles;
    for (int i = 0; i < 5; ++i)
      quantiles.add(value);
    for (double q : {0.01, 0.5, 1.0})
      check(q, quantiles.at(q), value);
  }
}
GST_END_TEST

GST_START_TEST(test_quantiles_of_a_line_are_on_it) {
  Quantiles quantiles;
  for (int i = 1; i <= 500; ++i)
    quantiles.add(i * 1e6);
  for (double q : {0.1, 0.25, 0.5, 0.9, 0.99, 1.0})
    check(q, quantiles.at(q), q * 500e6);
}
GST_END_TEST

GST_START_TEST(test_quantiles_forget_what_is_long_past) {
  Quantiles quantiles;
  for (int i = 0; i < 10'000; ++i)
    quantiles.add(1e9);
  for (int i = 0; i < 4 * 512; ++i)
    quantiles.add(1e6);
  fail_unless(quantiles.count() <= 2 * Quantiles::kHalfLife);
  check(0.9, quantiles.at(0.9), 1e6);
}
GST_END_TEST

GST_START_TEST(test_quantiles_stay_among_the_numbers_seen_however_many) {
  Quantiles quantiles;
  Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    quantiles.add(static_cast<double>(random.between(1'000, 9'000)));
    if (i % 97 == 0)
      for (double q : {0.0, 0.5, 0.999999, 1.0})
        require_often(quantiles.at(q) >= 1'000 && quantiles.at(q) <= 9'000 * 1.091,
                      "%d: the quantile %g is %g", i, q, quantiles.at(q));
  }
}
GST_END_TEST

GST_START_TEST(test_quantiles_take_any_number) {
  Quantiles quantiles;
  for (double value : {0.0, -5.0, 1e-300, 1e300})
    quantiles.add(value);
  fail_unless_equals_float(quantiles.count(), 4);
  fail_unless(quantiles.at(0.5) <= 2);
  fail_unless(quantiles.at(1) >= 1e19);
}
GST_END_TEST

static Suite* quantiles_suite() {
  Suite* suite = suite_create("quantiles");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_quantiles_of_nothing_are_zero);
  tcase_add_test(tcase, test_quantiles_of_equal_numbers_are_that_number);
  tcase_add_test(tcase, test_quantiles_of_a_line_are_on_it);
  tcase_add_test(tcase, test_quantiles_forget_what_is_long_past);
  tcase_add_test(tcase, test_quantiles_stay_among_the_numbers_seen_however_many);
  tcase_add_test(tcase, test_quantiles_take_any_number);
  return suite;
}

GST_CHECK_MAIN(quantiles)
