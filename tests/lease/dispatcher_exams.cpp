// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Exams: a segment for one worker, beside those of the job.
#include "tests/lease/farm.h"

namespace {

using namespace dist;
using namespace dist::test;

// Worker 1 is examined with segment 7 and gets nothing else of the job.
struct School : Farm {
  explicit School(const Shape& shape) : Farm(shape) {
    set_ability(1, kJob, 0);
    begin_exam({kJob, 7}, 1, 1, 1);
  }
  Dispatcher::Grant exam(WorkerId worker = 1, JobId job = kJob) const {
    const auto lease = exam_lease(job, worker);
    fail_unless(lease.has_value(), "the exam is not leased");
    return *lease;
  }
};

}  // namespace

GST_START_TEST(test_dispatcher_leases_an_exam_to_its_worker) {
  School farm({.segments = 1});
  fail_unless_equals_text(farm.grants(), "7>1 0>2");
  const Dispatcher::Grant exam = farm.exam();
  fail_unless(exam.is_exam() && exam.segment.job == kJob && exam.segment.index == 7);
  fail_unless(!farm.leases_of({kJob, 0}).front().is_exam());
  // It is none of the job's.
  fail_unless_equals_uint64(farm.open_segments(kJob), 1);
  fail_unless_equals_uint64(farm.leases(kJob), 1);
  fail_unless_equals_uint64(farm.exam_leases(kJob), 1);
  fail_unless(!farm.is_open(kJob, 7) && farm.earliest(kJob) == 0u);
  fail_unless_equals_text(Farm::text(farm.leases_of(kJob)), "0>2");
  fail_unless_equals_text(Farm::text(farm.leases_held(1)), "7>1");
}
GST_END_TEST

// Who else is idle makes no difference.
GST_START_TEST(test_dispatcher_keeps_an_exam_for_its_worker) {
  for (const unsigned capacity : {1u, 2u}) {
    Farm farm({.segments = 1, .capacity = capacity});
    fail_unless_equals_text(farm.grants(), "0>1");
    farm.begin_exam({kJob, 7}, 1, 1, 1);
    fail_unless_equals_text(farm.grants(), capacity == 1 ? "" : "7>1");
  }
}
GST_END_TEST

GST_START_TEST(test_dispatcher_leases_an_exam_and_its_segment) {
  School farm({});
  farm.add_segments(kJob, 7, 1);
  fail_unless_equals_text(farm.grants(), "7>1 7>2");
  farm.complete(1, farm.exam().lease, farm.now);
  fail_unless(farm.is_open(kJob, 7) && !farm.exam_lease(kJob, 1));
  fail_unless_equals_text(farm.finish(7, 2), "");
  fail_unless(!farm.is_open(kJob, 7));
}
GST_END_TEST

GST_START_TEST(test_dispatcher_has_an_exam_take_its_turn) {
  Farm farm({.segments = 4, .workers = 1, .capacity = 4});
  fail_unless_equals_text(Farm::text({farm.next_grant(farm.now).value()}), "0>1");
  farm.add_job(2, 3);
  farm.add_segments(2, 0, 4);
  farm.begin_exam({kJob, 7}, 1, 1, 1);
  // The jobs that hold nothing first, and of these the one that is no exam.
  fail_unless_equals_text(farm.grants(), "2:0>1 7>1 1>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_does_not_hedge_an_exam) {
  School farm({});
  fail_unless_equals_text(farm.grants(), "7>1");
  for (int i = 0; i < 100; ++i) {
    farm.pass(kOneSecond);
    farm.progress(1, farm.exam().lease, farm.now);
    fail_unless_equals_text(farm.grants(), "");
  }
}
GST_END_TEST

GST_START_TEST(test_dispatcher_gives_an_exam_up) {
  School farm({.max_attempts = 2});
  fail_unless_equals_text(farm.grants(), "7>1");
  auto failure = farm.fail(1, farm.exam().lease, "stuck", farm.now).value();
  fail_unless(failure.grant.is_exam() && failure.given_up.empty());
  fail_unless_equals_text(farm.grants(), "7>1");
  failure = farm.fail(1, farm.exam().lease, "stuck", farm.now).value();
  fail_unless(contains(failure.given_up, "segment 7: given up after 2"), "%s",
              failure.given_up.c_str());
  fail_unless_equals_text(farm.grants(), "");
  // Until it is examined anew.
  fail_unless(!farm.end_exam(kJob, 1, farm.now));
  farm.begin_exam({kJob, 8}, 1, 1, 1);
  fail_unless_equals_text(farm.grants(), "8>1");
  fail_unless_equals_uint64(farm.exam().attempt, 1);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_holds_one_exam_for_each_worker_and_job) {
  School farm({.capacity = 4});
  farm.add_job(2, 3);
  farm.begin_exam({kJob, 9}, 1, 1, 1);
  farm.begin_exam({kJob, 9}, 2, 1, 1);
  farm.begin_exam({2, 3}, 1, 1, 1);
  fail_unless_equals_text(farm.grants(), "7>1 9>2 2:3>1");
  const auto cancelled = farm.end_exam(kJob, 1, farm.now);
  fail_unless(cancelled && cancelled->segment.index == 7 && cancelled->worker == 1);
  fail_unless(!farm.end_exam(kJob, 1, farm.now));
  fail_unless_equals_text(Farm::text({farm.exam(2), farm.exam(1, 2)}), "9>2 2:3>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_ends_exams_with_their_worker_and_job) {
  School farm({.segments = 1});
  fail_unless_equals_text(farm.grants(), "7>1 0>2");
  fail_unless(farm.remove_worker(1, false, "lost", farm.now).empty());
  fail_unless_equals_uint64(farm.exam_leases(kJob), 0);
  farm.begin_exam({kJob, 7}, 2, 1, 1);
  fail_unless_equals_text(farm.finish(0, 2), "");
  fail_unless_equals_text(farm.grants(), "7>2");
  fail_unless_equals_text(Farm::text(farm.clear_job(kJob, farm.now)), "7>2");
  fail_unless(farm.leases_held(2).empty());
  farm.begin_exam({kJob, 7}, 2, 1, 1);
  fail_unless_equals_text(farm.grants(), "7>2");
  fail_unless_equals_text(Farm::text(farm.remove_job(kJob, farm.now)), "7>2");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_stops_exams) {
  School farm({.segments = 1});
  farm.stop_exams(kJob, true);
  fail_unless_equals_text(farm.grants(), "0>2");
  // The one does not bind the other.
  farm.set_throttle(kJob, Dispatcher::Throttle::kStopped);
  farm.add_segments(kJob, 1, 1);
  farm.stop_exams(kJob, false);
  fail_unless_equals_text(farm.finish(0, 2), "");
  fail_unless_equals_text(farm.grants(), "7>1");
}
GST_END_TEST

static Suite* dispatcher_exams_suite() {
  Suite* suite = suite_create("dispatcher-exams");
  TCase* tcase = tcase_create("dispatcher-exams");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_dispatcher_leases_an_exam_to_its_worker);
  tcase_add_test(tcase, test_dispatcher_keeps_an_exam_for_its_worker);
  tcase_add_test(tcase, test_dispatcher_leases_an_exam_and_its_segment);
  tcase_add_test(tcase, test_dispatcher_has_an_exam_take_its_turn);
  tcase_add_test(tcase, test_dispatcher_does_not_hedge_an_exam);
  tcase_add_test(tcase, test_dispatcher_gives_an_exam_up);
  tcase_add_test(tcase, test_dispatcher_holds_one_exam_for_each_worker_and_job);
  tcase_add_test(tcase, test_dispatcher_ends_exams_with_their_worker_and_job);
  tcase_add_test(tcase, test_dispatcher_stops_exams);
  return suite;
}

GST_CHECK_MAIN(dispatcher_exams)
