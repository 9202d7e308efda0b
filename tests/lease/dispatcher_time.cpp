// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Deadlines, suspensions and hedges of the dispatcher.
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

// --- Hedges

GST_START_TEST(test_dispatcher_hedges_a_late_lease) {
  Farm farm({.workers = 2});
  farm.practise(100, 5, kOneSecond);
  farm.add_segments(kJob, 0, 1);
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.pass(kOneSecond / 2);
  farm.show_life(0, 1);
  fail_unless_equals_text(farm.grants(), "");
  // All others took a second, and the distribution is known within 9 %.
  const Instant late = farm.next_wakeup();
  fail_unless(late > farm.now && late <= farm.now + kOneSecond * 6 / 10);
  farm.now = late;
  fail_unless_equals_text(farm.grants(), "0>2+");
  farm.pass(kOneSecond);
  fail_unless_equals_text(farm.grants(), "");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_hedges_late_copies_up_to_four_leases) {
  Farm farm({.workers = 6});
  farm.practise(100, 5, kOneSecond);
  farm.add_segments(kJob, 0, 1);
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.pass(2 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "0>2+");
  farm.pass(kOneSecond / 2);
  fail_unless_equals_text(farm.grants(), "");
  farm.pass(kOneSecond);
  fail_unless_equals_text(farm.grants(), "0>3+");
  farm.pass(2 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "0>4+");
  farm.pass(2 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "");
  fail_unless_equals_text(farm.finish(0, 3), "0>1 0>2+ 0>4+");
}
GST_END_TEST

// No worker has shown yet that it can work: those that have had no lease get copies.
GST_START_TEST(test_dispatcher_tries_another_worker_when_nothing_is_known) {
  Farm farm({.segments = 2, .workers = 2});
  fail_unless_equals_text(farm.grants(), "0>1 1>2");
  farm.add_worker(3, 1, "cora");
  farm.add_worker(4, 1, "dora");
  const auto go_on_for = [&](Instant time) {
    farm.pass(time);
    farm.show_life(0, 1);
    farm.show_life(1, 2);
  };
  go_on_for(5 * kOneSecond - 1);
  fail_unless_equals_text(farm.grants(), "");
  go_on_for(1);
  fail_unless_equals_text(farm.grants(), "0>3+");
  go_on_for(kOneSecond / 2 - 1);
  fail_unless_equals_text(farm.grants(), "");
  go_on_for(1);
  fail_unless_equals_text(farm.grants(), "1>4+");
}
GST_END_TEST

// The only lease that is known says enough of a worker that has delivered nothing.
GST_START_TEST(test_dispatcher_hedges_what_takes_long_when_little_is_known) {
  Farm farm({.segments = 2});
  fail_unless_equals_text(farm.grants(), "0>1 1>2");
  farm.pass(kOneSecond);
  farm.finish(0, 1);
  // The histogram's steps are an eighth.
  farm.pass(kOneSecond / 4);
  farm.show_life(1, 2);
  fail_unless_equals_text(farm.grants(), "1>1+");
}
GST_END_TEST

// Workers that pretend to go on do not keep a segment to themselves, however many they are.
GST_START_TEST(test_dispatcher_gives_a_segment_to_everyone_in_the_end) {
  Farm farm({.workers = 6});
  farm.practise(0, 2, kOneSecond);
  farm.add_segments(kJob, 100, 1);
  std::set<WorkerId> tried;
  for (int i = 0; i < 40 && tried.size() < 6; ++i) {
    while (const auto grant = farm.next_grant(farm.now))
      tried.insert(grant->worker);
    for (WorkerId worker : tried)
      farm.show_life(100, worker);
    fail_unless(i > 4 || tried.size() <= 4, "%zu copies after %d s", tried.size(), i);
    farm.pass(kOneSecond);
  }
  fail_unless_equals_uint64(tried.size(), 6);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_tries_a_worker_again_when_the_other_does_not_end) {
  Farm farm({.workers = 2});
  farm.practise(0, 4, kOneSecond);
  farm.add_segments(kJob, 100, 1);
  const auto first = farm.next_grant(farm.now);
  farm.flunk(100, first->worker);
  const auto second = farm.next_grant(farm.now);
  fail_if(second->worker == first->worker);
  for (int i = 0; i < 10; ++i) {
    const auto third = farm.next_grant(farm.now);
    if (third) {
      fail_unless(third->hedge && third->worker == first->worker);
      fail_unless(i >= 4, "after %d s", i);
      // The last attempt is not spent that way.
      farm.flunk(100, first->worker);
      farm.pass(100 * kOneSecond);
      farm.show_life(100, second->worker);
      fail_if(farm.next_grant(farm.now));
      return;
    }
    farm.pass(kOneSecond);
    farm.show_life(100, second->worker);
  }
  ck_abort_msg("the segment stays with one worker");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_does_not_hedge_while_there_is_other_work) {
  Farm farm({.workers = 2});
  farm.practise(100, 5, kOneSecond);
  farm.add_segments(kJob, 0, 3);
  fail_unless_equals_text(farm.grants(), "0>1 1>2");
  farm.pass(2 * kOneSecond);
  farm.finish(1, 2);
  fail_unless_equals_text(farm.grants(), "2>2");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_takes_the_first_result_of_a_hedged_segment) {
  for (WorkerId first : {1u, 2u}) {
    Farm farm({.workers = 2});
    farm.practise(100, 5, kOneSecond);
    farm.add_segments(kJob, 0, 1);
    farm.grants();
    farm.pass(2 * kOneSecond);
    fail_unless_equals_text(farm.grants(), "0>2+");
    const WorkerId other = 3 - first;
    const LeaseId late = farm.lease(0, other);
    fail_unless_equals_text(farm.finish(0, first), other == 2 ? "0>2+" : "0>1");
    fail_if(farm.complete(other, late, farm.now));
    fail_unless_equals_uint64(farm.open_segments(kJob), 0);
    fail_unless_equals_uint64(farm.leases(kJob), 0);
  }
}
GST_END_TEST

GST_START_TEST(test_dispatcher_keeps_the_other_copy_when_one_fails) {
  Farm farm({.workers = 3, .max_attempts = 1});
  farm.practise(100, 5, kOneSecond);
  farm.add_segments(kJob, 0, 1);
  farm.grants();
  farm.pass(2 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "0>2+");
  // Enough failures to give up, but the other may still do it.
  fail_unless_equals_text(farm.flunk(0, 1).given_up, "");
  // It is late, so it gets company again, of a worker that has not failed it.
  fail_unless_equals_text(farm.grants(), "");
  farm.pass(2 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "0>3+");
  fail_unless_equals_text(farm.finish(0, 2), "0>3+");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_hedges_what_waits_behind_another_lease) {
  Farm farm({.segments = 2, .workers = 1, .capacity = 2});
  fail_unless_equals_text(farm.grants(), "0>1 1>1");
  farm.add_worker(2, 2, "bert");
  fail_unless_equals_text(farm.grants(), "1>2+");
  fail_unless_equals_text(farm.finish(1, 2), "1>1");
  fail_unless_equals_text(farm.grants(), "");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_hedges_what_blocks_the_window_early) {
  Farm farm({.workers = 4});
  // Half of the leases take one second, the others four.
  for (int i = 0; i < 10; ++i) {
    farm.add_segments(kJob, 100 + static_cast<std::uint64_t>(i), 1);
    const auto grant = farm.next_grant(farm.now).value();
    farm.pass((i % 2 == 0 ? 1 : 4) * kOneSecond);
    farm.complete(grant.worker, grant.lease, farm.now);
  }
  farm.add_segments(kJob, 0, 2);
  farm.grants();
  farm.pass(2 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "");
  farm.set_blocked(kJob, true);
  const std::string text = farm.grants();
  fail_unless(contains(text, "0>") && contains(text, "+") && !contains(text, " "), "%s",
              text.c_str());
}
GST_END_TEST

GST_START_TEST(test_dispatcher_hedges_only_the_earliest_while_throttled) {
  Farm farm({.workers = 4});
  farm.practise(100, 3, kOneSecond);
  farm.add_segments(kJob, 0, 2);
  farm.grants();
  farm.set_throttle(kJob, Dispatcher::Throttle::kEarliestOnly);
  farm.pass(5 * kOneSecond);
  const std::string text = farm.grants();
  fail_unless(contains(text, "0>") && !contains(text, "1>"), "%s", text.c_str());
}
GST_END_TEST

// A late lease that all idle workers have failed does not keep others from being hedged.
GST_START_TEST(test_dispatcher_hedges_another_late_lease_if_it_cannot_hedge_the_latest) {
  Farm farm({.workers = 3, .max_attempts = 9});
  farm.practise(100, 3, kOneSecond);
  farm.add_segments(kJob, 0, 1);
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.flunk(0, 1);
  fail_unless_equals_text(farm.grants(), "0>2");
  farm.add_segments(kJob, 1, 2);
  fail_unless_equals_text(farm.grants(), "1>1 2>3");
  farm.pass(kOneSecond);
  farm.finish(1, 1);
  farm.pass(kOneSecond);
  fail_unless_equals_text(farm.grants(), "2>1+");
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

// Two honest workers among many that take whatever they get and say for ever that they go on.
GST_START_TEST(test_dispatcher_outlasts_pretenders) {
  for (const WorkerId pretenders : {3u, 10u, 30u, 100u, 250u}) {
    Farm farm({.workers = 0});
    for (WorkerId id = 1; id <= pretenders; ++id)
      farm.add_worker(id, 1, "pretender");
    const WorkerId honest = pretenders + 1;
    farm.add_worker(honest, 1, "anna");
    farm.add_worker(honest + 1, 1, "bert");
    constexpr std::uint64_t kSegments = 64;
    farm.add_segments(kJob, 0, kSegments);
    const Instant began = farm.now;
    std::map<WorkerId, std::pair<Dispatcher::Grant, Instant>> at_work;
    while (farm.open_segments(kJob) > 0 && farm.now < began + 3600 * kOneSecond) {
      while (const auto failure = farm.expire(farm.now)) {
      }
      while (const auto grant = farm.next_grant(farm.now))
        if (grant->worker >= honest)
          at_work[grant->worker] = {*grant, farm.now};
      farm.set_blocked(kJob, true);
      farm.pass(kOneSecond / 4);
      for (auto at = at_work.begin(); at != at_work.end();) {
        const auto& [grant, since] = at->second;
        const bool there = farm.find(grant.worker, grant.lease) != nullptr;
        if (there && farm.now >= since + kOneSecond)
          farm.complete(grant.worker, grant.lease, farm.now);
        at = !there || farm.now >= since + kOneSecond ? at_work.erase(at) : std::next(at);
      }
      for (const auto& grant : farm.leases_of(kJob))
        farm.progress(grant.worker, grant.lease, farm.now);
    }
    const double seconds = static_cast<double>(farm.now - began) / 1e9;
    std::printf("%u pretenders: %.1f s, undisturbed %.1f s\n", static_cast<unsigned>(pretenders),
                seconds, kSegments / 2.0);
    fail_unless_equals_uint64(farm.open_segments(kJob), 0);
    fail_unless(seconds < kSegments, "%u pretenders: %f s", static_cast<unsigned>(pretenders),
                seconds);
  }
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
  tcase_add_test(tcase, test_dispatcher_hedges_a_late_lease);
  tcase_add_test(tcase, test_dispatcher_hedges_late_copies_up_to_four_leases);
  tcase_add_test(tcase, test_dispatcher_tries_another_worker_when_nothing_is_known);
  tcase_add_test(tcase, test_dispatcher_hedges_what_takes_long_when_little_is_known);
  tcase_add_test(tcase, test_dispatcher_gives_a_segment_to_everyone_in_the_end);
  tcase_add_test(tcase, test_dispatcher_tries_a_worker_again_when_the_other_does_not_end);
  tcase_add_test(tcase, test_dispatcher_does_not_hedge_while_there_is_other_work);
  tcase_add_test(tcase, test_dispatcher_takes_the_first_result_of_a_hedged_segment);
  tcase_add_test(tcase, test_dispatcher_keeps_the_other_copy_when_one_fails);
  tcase_add_test(tcase, test_dispatcher_hedges_what_waits_behind_another_lease);
  tcase_add_test(tcase, test_dispatcher_hedges_what_blocks_the_window_early);
  tcase_add_test(tcase, test_dispatcher_hedges_only_the_earliest_while_throttled);
  tcase_add_test(tcase, test_dispatcher_hedges_another_late_lease_if_it_cannot_hedge_the_latest);
  tcase_add_test(tcase, test_dispatcher_needs_no_wakeup_without_leases);
  tcase_add_test(tcase, test_dispatcher_never_wakes_up_for_nothing_twice);
  tcase_add_test(tcase, test_dispatcher_outlasts_pretenders);
  tcase_add_test(tcase, test_dispatcher_ends_leases_that_take_far_too_long);
  return suite;
}

GST_CHECK_MAIN(dispatcher_time)
