// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that share the processors of one process do not hedge each other's work.
#include "tests/lease/farm.h"

namespace {

using namespace dist;
using namespace dist::test;

// One segment, which worker 1 has, and worker 2 of its process with nothing to do.
struct Slots : Farm {
  Slots() : Farm({.workers = 0}) {
    add_worker(1, 1, "bee/1", "bee");
    add_worker(2, 1, "bee/2", "bee");
    practise(100, 5, kOneSecond);
    add_segments(kJob, 0, 1);
    fail_unless_equals_text(grants(), "0>1");
  }
};

}  // namespace

GST_START_TEST(test_dispatcher_does_not_hedge_within_a_process) {
  Slots farm;
  for (int i = 0; i < 40; ++i) {
    farm.pass(kOneSecond);
    farm.show_life(0, 1);
    fail_unless_equals_text(farm.grants(), "");
  }
  // Nobody forgets to look at it again.
  fail_unless(farm.next_wakeup() <= farm.now + 5 * kOneSecond);
  farm.add_worker(3, 1, "cora", "");
  fail_unless_equals_text(farm.grants(), "0>3+");
  farm.pass(10 * kOneSecond);
  farm.show_life(0, 1);
  fail_unless_equals_text(farm.grants(), "");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_hedges_within_a_process_what_stands_still) {
  Slots farm;
  farm.pass(kOneSecond);
  farm.show_life(0, 1);
  fail_unless_equals_text(farm.grants(), "");
  const Instant shown = farm.now;
  // First it is late, then it has stood still for as long as it may.
  farm.now = farm.next_wakeup();
  fail_unless_equals_text(farm.grants(), "");
  farm.now = farm.next_wakeup();
  fail_unless(farm.now >= shown + kOneSecond);
  fail_unless_equals_text(farm.grants(), "0>2+");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_hedges_within_a_process_what_waits) {
  Farm farm({.segments = 2, .workers = 0});
  farm.add_worker(1, 2, "bee/1", "bee");
  fail_unless_equals_text(farm.grants(), "0>1 1>1");
  farm.add_worker(2, 2, "bee/2", "bee");
  fail_unless_equals_text(farm.grants(), "1>2+");
}
GST_END_TEST

static Suite* dispatcher_processes_suite() {
  Suite* suite = suite_create("dispatcher-processes");
  TCase* tcase = tcase_create("dispatcher-processes");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_dispatcher_does_not_hedge_within_a_process);
  tcase_add_test(tcase, test_dispatcher_hedges_within_a_process_what_stands_still);
  tcase_add_test(tcase, test_dispatcher_hedges_within_a_process_what_waits);
  return suite;
}

GST_CHECK_MAIN(dispatcher_processes)
