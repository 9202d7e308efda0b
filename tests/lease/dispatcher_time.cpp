// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Deadlines and suspensions of the dispatcher, and when it wakes up.
#include <set>

#include "gst/lease/dispatcher.h"
#include "tests/lease/farm.h"

namespace {

using namespace dist;
using namespace dist::test;

// How long after now the only lease expires if nothing happens.
Instant time_left(const Farm& farm) {
  return farm.next_wakeup() - farm.now;
}

// A lease expires as soon as the farm is asked at its next wakeup.
Dispatcher::Failure expire_next(Farm& farm) {
  farm.now = farm.next_wakeup();
  auto failure = farm.expire(farm.now);
  fail_unless(failure.has_value());
  fail_if(farm.expire(farm.now));
  return *failure;
}

// One worker that failed so often that it was suspended; returns for how long.
Instant suspend_by_failures(Farm& farm) {
  for (int i = 0; i < 9; ++i) {
    const auto grant = farm.next_grant(farm.now);
    fail_unless(grant.has_value());
    const auto failure = farm.fail(grant->worker, grant->lease, "stuck", farm.now);
    if (failure->suspended != 0)
      return failure->suspended;
  }
  return 0;
}

}  // namespace

// --- Deadlines

GST_START_TEST(test_dispatcher_ends_a_silent_lease_at_its_deadline) {
  const struct {
    Instant floor;
    double factor;
    Instant first_silence;
    Instant deadline;
  } rows[] = {
      {2 * kOneSecond, 3, 5 * kOneSecond, 17 * kOneSecond},
      {1500 * kMillisecond, 2, kOneSecond, 3500 * kMillisecond},
      {2 * kOneSecond, 0, 5 * kOneSecond, 2 * kOneSecond},
  };
  for (const auto& row : rows) {
    Farm farm({.segments = 1, .workers = 1}, {.deadline_floor = row.floor,
                                              .deadline_factor = row.factor,
                                              .first_silence = row.first_silence});
    farm.grants();
    fail_unless_equals_uint64(time_left(farm), row.deadline);
    farm.pass(row.deadline - 1);
    fail_if(farm.expire(farm.now));
    farm.pass(1);
    const auto failure = farm.expire(farm.now);
    fail_unless_equals_uint64(failure->grant.worker, 1);
    fail_unless(contains(failure->reason, "no sign of progress for "));
    farm.add_worker(2, 1, "bert");
    fail_unless_equals_text(farm.grants(), "0>2");
  }
}
GST_END_TEST

GST_START_TEST(test_dispatcher_renews_the_lease_of_a_slow_worker) {
  Farm farm({.segments = 1, .workers = 1});
  farm.grants();
  for (int i = 0; i < 100; ++i) {
    farm.pass(16 * kOneSecond);
    fail_if(farm.expire(farm.now));
    farm.show_life(0, 1);
  }
  fail_unless_equals_uint64(time_left(farm) > 17 * kOneSecond, false);
  farm.pass(17 * kOneSecond);
  fail_unless(farm.expire(farm.now).has_value());
}
GST_END_TEST

GST_START_TEST(test_dispatcher_learns_how_long_a_worker_is_silent) {
  Farm farm({.segments = 3, .workers = 1});
  farm.grants();
  for (int i = 0; i < 40; ++i) {
    farm.pass(100 * kMillisecond);
    farm.show_life(0, 1);
  }
  farm.finish(0, 1);
  farm.grants();
  // Two seconds and three times the longest silence.
  fail_unless_equals_uint64(time_left(farm), 2300 * kMillisecond);
  // A longer one is learned at once, a shorter one by and by.
  farm.pass(2 * kOneSecond);
  farm.finish(1, 1);
  farm.grants();
  fail_unless_equals_uint64(time_left(farm), 8 * kOneSecond);
  farm.finish(2, 1);
  farm.add_segments(kJob, 3, 1);
  farm.grants();
  fail_unless_equals_uint64(time_left(farm), 6500 * kMillisecond);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_learns_the_silence_for_each_worker_and_job) {
  Farm farm({.segments = 1, .workers = 1});
  farm.add_job(2, 3);
  farm.grants();
  farm.pass(100 * kMillisecond);
  farm.finish(0, 1);
  farm.add_segments(kJob, 6, 1);
  fail_unless_equals_text(farm.grants(), "6>1");
  fail_unless_equals_uint64(time_left(farm), 2300 * kMillisecond);
  farm.finish(6, 1);
  farm.add_segments(2, 0, 1);
  fail_unless_equals_text(farm.grants(), "2:0>1");
  fail_unless_equals_uint64(time_left(farm), 17 * kOneSecond);
  farm.finish(0, 1, 2);
  farm.remove_worker(1, true, "left", farm.now);
  farm.add_worker(3, 1, "cora");
  farm.add_segments(kJob, 5, 1);
  fail_unless_equals_text(farm.grants(), "5>3");
  fail_unless_equals_uint64(time_left(farm), 17 * kOneSecond);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_watches_the_oldest_lease_of_a_worker_only) {
  Farm farm({.segments = 3, .workers = 1, .capacity = 3});
  farm.grants();
  farm.pass(16 * kOneSecond);
  // What is fetched ahead is no sign of life of the lease that the worker is at.
  farm.show_life(1, 1);
  fail_unless_equals_uint64(time_left(farm), kOneSecond);
  farm.finish(0, 1);
  // The next one begins now: the last silence was 16 s.
  fail_unless_equals_uint64(farm.next_wakeup() - farm.now, 50 * kOneSecond);
  const auto failure = expire_next(farm);
  fail_unless_equals_uint64(failure.grant.segment.index, 1);
  fail_unless_equals_text(Farm::text(failure.cancelled), "2>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_learns_no_silence_from_a_lease_that_had_not_begun) {
  Farm farm({.segments = 3, .workers = 1, .capacity = 2});
  farm.grants();
  farm.pass(kOneSecond);
  farm.finish(1, 1);
  farm.finish(0, 1);
  farm.grants();
  fail_unless_equals_uint64(time_left(farm), 5 * kOneSecond);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_gives_more_time_to_a_worker_that_was_late) {
  Farm farm({.segments = 1, .workers = 1, .max_attempts = 99});
  Instant previous = 0;
  Instant longest = 0;
  for (int i = 0; i < 40; ++i) {
    farm.now = std::max(farm.now, farm.next_wakeup() == kNever ? 0 : farm.next_wakeup());
    fail_unless_equals_text(farm.grants(), "0>1");
    const Instant left = time_left(farm);
    fail_unless(left >= previous);
    previous = left;
    longest = std::max(longest, left);
    expire_next(farm);
  }
  fail_unless(longest >= 100 * kOneSecond);
  // But one that always hangs does not hold a lease for hours.
  fail_unless(longest <= 300 * kOneSecond);
}
GST_END_TEST

// --- Suspension

// Who answers just before each deadline does not get more time without end.
GST_START_TEST(test_dispatcher_does_not_learn_to_wait_for_hours) {
  Farm farm({.segments = 10, .workers = 1});
  for (std::uint64_t index = 0; index < 9; ++index) {
    farm.grants();
    farm.pass(time_left(farm) - 1);
    farm.finish(index, 1);
  }
  farm.grants();
  fail_unless_equals_uint64(time_left(farm), (2 + 3 * 60) * kOneSecond);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_suspends_a_worker_that_fails_three_in_a_row) {
  Farm farm({.segments = 20, .workers = 1, .max_attempts = 9});
  farm.grants();
  farm.flunk(0, 1);
  farm.grants();
  farm.flunk(0, 1);
  farm.grants();
  // A success in between starts the count anew.
  farm.finish(0, 1);
  for (int i = 0; i < 2; ++i) {
    farm.grants();
    fail_unless_equals_uint64(farm.flunk(1, 1).suspended, 0);
  }
  farm.grants();
  fail_unless_equals_uint64(farm.flunk(1, 1).suspended, kOneSecond);
  fail_unless_equals_text(farm.grants(), "");
  fail_unless_equals_uint64(time_left(farm), kOneSecond);
  farm.pass(kOneSecond);
  fail_unless_equals_text(farm.grants(), "1>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_suspends_for_longer_each_time) {
  Farm farm({.segments = 1, .workers = 1, .max_attempts = 99});
  Instant expected = kOneSecond;
  for (int i = 0; i < 12; ++i) {
    const Instant duration = suspend_by_failures(farm);
    fail_unless_equals_uint64(duration, expected);
    expected = std::min(2 * expected, 60 * kOneSecond);
    farm.pass(duration);
  }
}
GST_END_TEST

GST_START_TEST(test_dispatcher_tries_a_suspended_worker_with_one_lease) {
  Farm farm({.segments = 20, .workers = 1, .capacity = 3, .max_attempts = 9});
  farm.pass(suspend_by_failures(farm));
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.finish(0, 1);
  fail_unless_equals_text(farm.grants(), "1>1 2>1 3>1");
  // It has come back for good: one failure does not matter.
  fail_unless_equals_uint64(farm.flunk(1, 1).suspended, 0);
}
GST_END_TEST

// Nor while it is suspended, nor on probation, when others get a lease at a time.
GST_START_TEST(test_dispatcher_retired_worker_gets_nothing_any_more) {
  for (const bool suspended : {false, true}) {
    Farm farm({.segments = 3, .workers = 1, .capacity = 2, .max_attempts = 9});
    fail_unless_equals_text(farm.grants(), "0>1 1>1");
    if (suspended)
      for (const std::uint64_t index : {0u, 0u, 0u}) {
        farm.flunk(index, 1);
        farm.grants();
      }
    const auto kept = suspended ? std::vector<LeaseId>() : std::vector{farm.lease(0, 1)};
    fail_unless_equals_text(Farm::text(farm.retire(1, kept, farm.now)), suspended ? "" : "1>1");
    if (!suspended)
      fail_unless_equals_text(farm.finish(0, 1), "");
    farm.pass(100 * kOneSecond);
    fail_unless_equals_text(farm.grants(), "");
    farm.add_worker(2, 2, "bert");
    fail_unless_equals_text(farm.grants(), suspended ? "0>2 1>2" : "1>2 2>2");
    fail_unless(farm.retire(7, {}, farm.now).empty());
  }
}
GST_END_TEST

GST_START_TEST(test_dispatcher_suspends_at_the_first_failure_on_probation) {
  Farm farm({.segments = 20, .workers = 1, .capacity = 3, .max_attempts = 9});
  farm.pass(suspend_by_failures(farm));
  farm.grants();
  fail_unless_equals_uint64(farm.flunk(0, 1).suspended, 2 * kOneSecond);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_forgives_by_and_by) {
  Farm farm({.segments = 99, .workers = 1, .max_attempts = 99});
  for (int i = 0; i < 4; ++i)
    farm.pass(suspend_by_failures(farm));
  farm.grants();
  farm.finish(0, 1);
  // After 1, 2, 4 and 8 seconds comes not 16 but 4.
  fail_unless_equals_uint64(suspend_by_failures(farm), 4 * kOneSecond);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_takes_all_leases_from_a_suspended_worker) {
  Farm farm({.segments = 4, .workers = 1, .capacity = 4, .max_attempts = 1});
  farm.grants();
  farm.show_life(0, 1);
  const auto failure = expire_next(farm);
  fail_unless_equals_uint64(failure.suspended, kOneSecond);
  fail_unless_equals_text(Farm::text(failure.cancelled), "1>1 2>1 3>1");
  fail_unless(!failure.given_up.empty());
  // Nobody is to blame for the others: with one attempt allowed they are still there.
  fail_unless_equals_uint64(farm.open_segments(kJob), 3);
  farm.add_worker(2, 4, "bert");
  fail_unless_equals_text(farm.grants(), "1>2 2>2 3>2");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_removes_a_suspended_worker) {
  Farm farm({.segments = 1, .workers = 1, .max_attempts = 9});
  suspend_by_failures(farm);
  fail_unless(farm.remove_worker(1, false, "connection lost", farm.now).empty());
  fail_unless_equals_uint64(farm.next_wakeup(), kNever);
  fail_unless_equals_text(farm.grants(), "");
}
GST_END_TEST

// --- The next wakeup

GST_START_TEST(test_dispatcher_needs_no_wakeup_without_leases) {
  Farm farm({.segments = 2, .workers = 0});
  fail_unless_equals_uint64(farm.next_wakeup(), kNever);
  farm.grants();
  fail_unless_equals_uint64(farm.next_wakeup(), kNever);
  farm.add_worker(1, 2, "anna");
  farm.grants();
  fail_unless(farm.next_wakeup() < kNever);
  farm.finish(0, 1);
  farm.finish(1, 1);
  fail_unless_equals_text(farm.grants(), "");
  fail_unless_equals_uint64(farm.next_wakeup(), kNever);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_never_wakes_up_for_nothing_twice) {
  Farm farm({.segments = 8, .workers = 3, .capacity = 2, .max_attempts = 99});
  farm.practise(100, 2, kOneSecond);
  int wakeups = 0;
  const Instant end = farm.now + 600 * kOneSecond;
  while (farm.now < end) {
    while (farm.expire(farm.now)) {
    }
    farm.grants();
    fail_unless(farm.next_wakeup() > farm.now);
    farm.now = std::min(farm.next_wakeup(), end);
    ++wakeups;
  }
  fail_unless(wakeups < 600, "%d wakeups", wakeups);
}
GST_END_TEST

// However often it says that it goes on: others would have been done long ago.
GST_START_TEST(test_dispatcher_ends_leases_that_take_far_too_long) {
  Farm farm({.workers = 2});
  farm.practise(100, 4, kOneSecond);
  farm.remove_worker(2, true, "left", farm.now);
  farm.add_segments(kJob, 0, 1);
  farm.grants();
  int seconds = 0;
  std::optional<Dispatcher::Failure> failure;
  for (; seconds < 600 && !failure; ++seconds) {
    farm.pass(kOneSecond);
    farm.show_life(0, 1);
    failure = farm.expire(farm.now);
  }
  fail_unless(failure && failure->suspended > 0 && failure->given_up.empty());
  fail_unless(failure->reason.starts_with("takes far longer than others"));
  fail_unless_equals_uint64(static_cast<std::uint64_t>(seconds), 60);
}
GST_END_TEST

static Suite* dispatcher_time_suite() {
  Suite* suite = suite_create("dispatcher_time");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_dispatcher_ends_a_silent_lease_at_its_deadline);
  tcase_add_test(tcase, test_dispatcher_renews_the_lease_of_a_slow_worker);
  tcase_add_test(tcase, test_dispatcher_learns_how_long_a_worker_is_silent);
  tcase_add_test(tcase, test_dispatcher_learns_the_silence_for_each_worker_and_job);
  tcase_add_test(tcase, test_dispatcher_watches_the_oldest_lease_of_a_worker_only);
  tcase_add_test(tcase, test_dispatcher_learns_no_silence_from_a_lease_that_had_not_begun);
  tcase_add_test(tcase, test_dispatcher_gives_more_time_to_a_worker_that_was_late);
  tcase_add_test(tcase, test_dispatcher_does_not_learn_to_wait_for_hours);
  tcase_add_test(tcase, test_dispatcher_suspends_a_worker_that_fails_three_in_a_row);
  tcase_add_test(tcase, test_dispatcher_suspends_for_longer_each_time);
  tcase_add_test(tcase, test_dispatcher_tries_a_suspended_worker_with_one_lease);
  tcase_add_test(tcase, test_dispatcher_retired_worker_gets_nothing_any_more);
  tcase_add_test(tcase, test_dispatcher_suspends_at_the_first_failure_on_probation);
  tcase_add_test(tcase, test_dispatcher_forgives_by_and_by);
  tcase_add_test(tcase, test_dispatcher_takes_all_leases_from_a_suspended_worker);
  tcase_add_test(tcase, test_dispatcher_removes_a_suspended_worker);
  tcase_add_test(tcase, test_dispatcher_needs_no_wakeup_without_leases);
  tcase_add_test(tcase, test_dispatcher_never_wakes_up_for_nothing_twice);
  tcase_add_test(tcase, test_dispatcher_ends_leases_that_take_far_too_long);
  return suite;
}

GST_CHECK_MAIN(dispatcher_time)
