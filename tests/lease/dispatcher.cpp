// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who gets what. dispatcher_failures.cpp has what follows when it is not done, dispatcher_time.cpp
// what depends on the clock.
#include "gst/lease/dispatcher.h"

#include "tests/lease/farm.h"

namespace {

using namespace dist;
using namespace dist::test;

}  // namespace

// --- Granting

GST_START_TEST(test_dispatcher_grants_the_earliest_first) {
  Farm farm({.workers = 1, .capacity = 3});
  for (std::uint64_t index : {5u, 3u, 4u, 9u})
    farm.add_segment({kJob, index}, 1);
  fail_unless_equals_text(farm.grants(), "3>1 4>1 5>1");
  fail_unless_equals_uint64(farm.open_segments(kJob), 4);
  fail_unless_equals_uint64(farm.leases(kJob), 3);
  fail_unless_equals_uint64(*farm.earliest(kJob), 3);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_grants_nothing_without_work_or_worker) {
  Farm farm({.workers = 0});
  fail_unless_equals_text(farm.grants(), "");
  farm.add_segments(kJob, 0, 1);
  fail_unless_equals_text(farm.grants(), "");
  farm.add_worker(1, 1, "anna");
  fail_unless_equals_text(farm.grants(), "0>1");
  fail_unless_equals_text(farm.grants(), "");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_takes_each_segment_and_worker_once) {
  Farm farm({.segments = 1, .workers = 1});
  farm.add_segments(kJob, 0, 1);
  farm.add_worker(1, 5, "anna again");
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.add_segments(kJob, 0, 3);
  fail_unless_equals_text(farm.grants(), "");
  fail_unless_equals_uint64(farm.workers(), 1);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_loads_every_worker_once_before_any_twice) {
  Farm farm({.segments = 8, .capacity = 2});
  fail_unless_equals_text(farm.grants(), "0>1 1>2 2>1 3>2");
  farm.add_worker(3, 3, "cora");
  fail_unless_equals_text(farm.grants(), "4>3 5>3 6>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_asks_who_will_probably_finish_first) {
  Farm farm({.segments = 2, .capacity = 2});
  farm.grants();
  farm.pass(kOneSecond);
  farm.finish(0, 1);
  farm.pass(4 * kOneSecond);
  farm.finish(1, 2);
  farm.add_segments(kJob, 2, 4);
  // Worker 1 needs one second for each, worker 2 five.
  fail_unless_equals_text(farm.grants(), "2>1 3>1 4>2 5>2");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_learns_the_speed_anew) {
  Farm farm({.segments = 2});
  farm.grants();
  farm.pass(kOneSecond);
  farm.finish(0, 1);
  farm.pass(kOneSecond);
  farm.finish(1, 2);
  for (std::uint64_t index = 2; index < 12; ++index) {
    // Worker 1 has become slow; sooner or later the other is asked first.
    farm.add_segments(kJob, index, 1);
    const std::string text = farm.grants();
    if (contains(text, ">2"))
      return;
    farm.pass(3 * kOneSecond);
    farm.finish(index, 1);
  }
  ck_abort_msg("worker 2 was never asked first");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_queues_a_failed_segment_before_later_ones) {
  Farm farm({.segments = 6, .workers = 3});
  fail_unless_equals_text(farm.grants(), "0>1 1>2 2>3");
  farm.flunk(1, 2);
  fail_unless_equals_text(farm.grants(), "3>2");
  farm.finish(0, 1);
  fail_unless_equals_text(farm.grants(), "1>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_counts_leases_and_attempts) {
  Farm farm({.segments = 2});
  const auto one = farm.next_grant(farm.now).value();
  const auto other = farm.next_grant(farm.now).value();
  fail_unless_equals_uint64(one.attempt, 1);
  fail_unless(one.lease != other.lease);
  fail_unless(farm.find(1, one.lease)->segment == one.segment);
  fail_unless(farm.find(2, one.lease) == nullptr);
  farm.flunk(0, 1);
  fail_unless(farm.find(1, one.lease) == nullptr);
  farm.finish(1, 2);
  const auto again = farm.next_grant(farm.now).value();
  fail_unless_equals_uint64(again.segment.index, 0);
  fail_unless_equals_uint64(again.attempt, 2);
  fail_unless(again.lease != one.lease && again.lease != other.lease);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_ignores_whoever_holds_no_such_lease) {
  Farm farm({.segments = 2});
  farm.grants();
  const LeaseId lease = farm.lease(0, 1);
  for (WorkerId worker : {0u, 2u, 7u}) {
    fail_if(farm.complete(worker, lease, farm.now));
    fail_if(farm.fail(worker, lease, "stuck", farm.now));
    fail_if(farm.release(worker, lease, farm.now));
    farm.progress(worker, lease, farm.now);
  }
  farm.finish(0, 1);
  fail_if(farm.complete(1, lease, farm.now));
  fail_if(farm.fail(1, lease, "stuck", farm.now));
  fail_unless_equals_uint64(farm.open_segments(kJob), 1);
  fail_unless(farm.remove_worker(7, false, "who?", farm.now).empty());
}
GST_END_TEST

// --- Between jobs

GST_START_TEST(test_dispatcher_shares_the_workers_between_jobs) {
  Farm farm({.segments = 9, .workers = 4});
  farm.add_job(2, 3);
  farm.add_segments(2, 0, 9);
  fail_unless_equals_text(farm.grants(), "0>1 2:0>2 1>3 2:1>4");
  // Whichever lease ends, its job gets the place.
  farm.finish(0, 2, 2);
  fail_unless_equals_text(farm.grants(), "2:2>2");
  farm.finish(0, 1);
  farm.finish(1, 3);
  fail_unless_equals_text(farm.grants(), "2>1 3>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_gives_a_new_job_its_share_at_once) {
  Farm farm({.segments = 20, .workers = 4});
  farm.grants();
  farm.add_job(2, 3);
  farm.add_segments(2, 0, 9);
  farm.finish(0, 1);
  farm.finish(1, 2);
  fail_unless_equals_text(farm.grants(), "2:0>1 2:1>2");
  // What one job does not use is the other's.
  farm.clear_job(2, farm.now);
  fail_unless_equals_text(farm.grants(), "4>1 5>2");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_grants_only_the_earliest_while_throttled) {
  Farm farm({.segments = 4, .workers = 3});
  farm.set_throttle(kJob, Dispatcher::Throttle::kEarliestOnly);
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.finish(0, 1);
  fail_unless_equals_text(farm.grants(), "1>1");
  farm.set_throttle(kJob, Dispatcher::Throttle::kNone);
  fail_unless_equals_text(farm.grants(), "2>2 3>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_grants_nothing_of_a_stopped_job) {
  Farm farm({.workers = 3});
  farm.practise(100, 3, kOneSecond);
  farm.add_segments(kJob, 0, 1);
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.add_segments(kJob, 1, 1);
  farm.set_throttle(kJob, Dispatcher::Throttle::kStopped);
  farm.pass(5 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "");
  farm.flunk(0, 1);
  fail_unless_equals_text(farm.grants(), "");
  farm.set_throttle(kJob, Dispatcher::Throttle::kNone);
  fail_unless_equals_text(farm.grants(), "0>2 1>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_serves_others_while_one_job_is_throttled) {
  Farm farm({.segments = 3, .workers = 3});
  farm.add_job(2, 3);
  farm.add_segments(2, 0, 9);
  farm.set_throttle(kJob, Dispatcher::Throttle::kEarliestOnly);
  fail_unless_equals_text(farm.grants(), "0>1 2:0>2 2:1>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_forgets_the_segments_of_a_cleared_job) {
  Farm farm({.segments = 5, .capacity = 2});
  farm.grants();
  farm.flunk(0, 1);
  const LeaseId lease = farm.lease(1, 2);
  fail_unless_equals_text(Farm::text(farm.clear_job(kJob, farm.now)), "1>2 2>1 3>2");
  fail_if(farm.complete(2, lease, farm.now));
  fail_unless_equals_uint64(farm.open_segments(kJob), 0);
  fail_unless_equals_uint64(farm.leases(kJob), 0);
  fail_if(farm.earliest(kJob));
  fail_unless_equals_text(farm.grants(), "");
  // The job remains, and nothing is held against anyone.
  farm.add_segments(kJob, 0, 1);
  fail_unless_equals_text(farm.grants(), "0>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_cancels_the_leases_of_a_removed_job_only) {
  Farm farm({.segments = 2, .workers = 3});
  farm.add_job(2, 3);
  farm.add_segments(2, 0, 1);
  fail_unless_equals_text(farm.grants(), "0>1 2:0>2 1>3");
  fail_unless_equals_text(Farm::text(farm.remove_job(kJob, farm.now)), "0>1 1>3");
  fail_unless_equals_uint64(farm.leases(kJob), 0);
  fail_unless_equals_text(farm.finish(0, 2, 2), "");
  fail_unless_equals_text(farm.grants(), "");
}
GST_END_TEST

static Suite* dispatcher_suite() {
  Suite* suite = suite_create("dispatcher");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_dispatcher_grants_the_earliest_first);
  tcase_add_test(tcase, test_dispatcher_grants_nothing_without_work_or_worker);
  tcase_add_test(tcase, test_dispatcher_takes_each_segment_and_worker_once);
  tcase_add_test(tcase, test_dispatcher_loads_every_worker_once_before_any_twice);
  tcase_add_test(tcase, test_dispatcher_asks_who_will_probably_finish_first);
  tcase_add_test(tcase, test_dispatcher_learns_the_speed_anew);
  tcase_add_test(tcase, test_dispatcher_queues_a_failed_segment_before_later_ones);
  tcase_add_test(tcase, test_dispatcher_counts_leases_and_attempts);
  tcase_add_test(tcase, test_dispatcher_ignores_whoever_holds_no_such_lease);
  tcase_add_test(tcase, test_dispatcher_shares_the_workers_between_jobs);
  tcase_add_test(tcase, test_dispatcher_gives_a_new_job_its_share_at_once);
  tcase_add_test(tcase, test_dispatcher_grants_only_the_earliest_while_throttled);
  tcase_add_test(tcase, test_dispatcher_grants_nothing_of_a_stopped_job);
  tcase_add_test(tcase, test_dispatcher_serves_others_while_one_job_is_throttled);
  tcase_add_test(tcase, test_dispatcher_forgets_the_segments_of_a_cleared_job);
  tcase_add_test(tcase, test_dispatcher_cancels_the_leases_of_a_removed_job_only);
  return suite;
}

GST_CHECK_MAIN(dispatcher)
