// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/job_progress.h"

#include "tests/common/support.h"

using namespace dist;

GST_START_TEST(test_job_progress_within_segments) {
  JobProgress progress;
  progress.submitted(0, 4 * kSecond, 100);
  progress.submitted(1, 2 * kSecond, 50);
  fail_unless(progress.begun().time == 0 && progress.done() == 0 && !progress.whole());
  progress.advanced(0, 0.5);
  progress.advanced(1, 0.25);
  fail_unless(progress.begun().time == 2.5e9 && progress.begun().frames == 62.5);
  // Another worker begins it anew.
  progress.advanced(0, 0.125);
  progress.advanced(7, 1);
  fail_unless(progress.begun().time == 2.5e9);
  progress.completed(0);
  progress.ended();
  fail_unless(progress.begun().time == 0.5e9 && progress.whole() && progress.submitted() == 6e9);
  fail_unless(progress.done() == 4e9);
  fail_unless(progress.decoding() == 1);
  progress.to_decode(0, 100);
  progress.to_decode(0, 150);
  fail_unless(progress.decoding() > 1.66 && progress.decoding() < 1.67);
  progress.clear();
  fail_unless(progress.begun().time == 0 && progress.submitted() == 0 && !progress.whole());
  fail_unless(progress.done() == 0);
}
GST_END_TEST

static Suite* job_progress_suite() {
  Suite* const suite = suite_create("job-progress");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_job_progress_within_segments);
  return suite;
}

GST_CHECK_MAIN(job_progress)
