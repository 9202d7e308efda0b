// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What follows when a lease fails or its worker leaves.
#include "gst/lease/dispatcher.h"

#include "tests/lease/farm.h"

namespace {

using namespace dist;
using namespace dist::test;

}  // namespace

GST_START_TEST(test_dispatcher_tries_another_worker_after_a_failure) {
  Farm farm({.segments = 3});
  farm.grants();
  const auto failure = farm.flunk(0, 1);
  fail_unless_equals_uint64(failure.grant.segment.index, 0);
  fail_unless_equals_text(failure.reason, "stuck");
  fail_unless_equals_text(failure.given_up, "");
  // Segment 0 waits for worker 2, which is busy; worker 1 is not kept idle for it.
  fail_unless_equals_text(farm.grants(), "2>1");
  farm.add_worker(3, 1, "cora");
  fail_unless_equals_text(farm.grants(), "0>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_comes_back_to_a_worker_when_all_have_failed) {
  Farm farm({.segments = 1, .max_attempts = 4});
  farm.grants();
  farm.flunk(0, 1);
  fail_unless_equals_text(farm.grants(), "0>2");
  farm.flunk(0, 2);
  fail_unless_equals_text(farm.grants(), "0>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_does_not_wait_for_a_worker_that_left) {
  Farm farm({.segments = 2});
  farm.grants();
  farm.flunk(0, 1);
  farm.finish(1, 2);
  farm.remove_worker(2, true, "left", farm.now);
  fail_unless_equals_text(farm.grants(), "0>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_gives_up_and_says_why) {
  Farm farm({.segments = 2});
  farm.grants();
  farm.flunk(0, 1, "no frame came out");
  farm.flunk(1, 2, "stuck");
  fail_unless_equals_text(farm.grants(), "1>1 0>2");
  farm.show_life(0, 2);
  farm.remove_worker(2, false, "connection lost: closed by the peer", farm.now);
  farm.finish(1, 1);
  fail_unless_equals_text(farm.grants(), "0>1");
  fail_unless_equals_text(
      farm.flunk(0, 1, "3 frames instead of 4").given_up,
      "segment 0: given up after 3 failed attempts (attempt 1 on anna: no frame came out; attempt "
      "2 on bert: connection lost: closed by the peer; attempt 3 on anna: 3 frames instead of 4)");
  fail_unless_equals_uint64(farm.open_segments(kJob), 0);
  fail_unless_equals_text(farm.grants(), "");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_keeps_a_failing_segment_for_who_was_there_first) {
  Farm farm({.segments = 2, .workers = 1, .max_attempts = 2});
  fail_unless_equals_text(farm.grants(), "0>1");
  for (WorkerId id : {2, 3}) {
    farm.add_worker(id, 1, "broken");
    fail_unless_equals_text(farm.grants(), "1>" + std::to_string(id));
    farm.flunk(1, id);
    farm.remove_worker(id, true, "left", farm.now);
  }
  farm.add_worker(4, 1, "broken");
  fail_unless_equals_text(farm.grants(), "");
  farm.finish(0, 1);
  fail_unless_equals_text(farm.grants(), "1>1");
}
GST_END_TEST

// Each row: what the workers that fail one segment, one after the other, have done before.
GST_START_TEST(test_dispatcher_gives_up_by_who_failed) {
  const struct {
    const char* what;
    unsigned max_attempts;
    unsigned proven;    // Workers that have completed a segment.
    unsigned unproven;  // Workers that have not, and fail it first.
    unsigned tries;     // After so many it is given up.
  } rows[] = {
      {"the only worker", 3, 1, 0, 3},
      {"the only worker, never proven", 3, 0, 1, 3},
      {"one try", 1, 1, 0, 1},
      {"as long as somebody is there who has not tried", 3, 5, 0, 5},
      {"be it one that never did any", 2, 2, 4, 6},
      {"until all have failed it", 3, 0, 5, 5},
      {"however often that is", 1, 0, 12, 12},
  };
  for (const auto& row : rows) {
    Farm farm({.workers = row.proven, .max_attempts = row.max_attempts, .own = false});
    farm.practise(100, 1, kOneSecond);
    for (unsigned i = 0; i < row.unproven; ++i)
      farm.add_worker(100 + i, 1, "new");
    farm.add_segments(kJob, 0, 1);
    const Instant begin = farm.now;
    unsigned tries = 0;
    std::optional<Dispatcher::GivenUp> given_up;
    while (!given_up && tries < 99) {
      const auto grant = farm.next_grant(farm.now);
      if (!grant) {
        farm.now = farm.next_wakeup();
        given_up = farm.give_up(farm.now);
        continue;
      }
      fail_unless_equals_text(farm.fail(grant->worker, grant->lease, "stuck", farm.now)->given_up,
                              "");
      ++tries;
    }
    fail_unless(tries == row.tries, "%s: %u tries instead of %u", row.what, tries, row.tries);
    fail_unless_equals_uint64(farm.now - begin, 10 * kOneSecond);
  }
}
GST_END_TEST

// What all have failed that are there is kept for those that still come, and no worse for that.
GST_START_TEST(test_dispatcher_keeps_for_newcomers_what_all_have_failed) {
  for (const bool comes : {true, false}) {
    Farm farm({.segments = 1, .workers = 3, .max_attempts = 3, .own = false});
    const Instant begin = farm.now;
    for (WorkerId liar : {1, 2, 3}) {
      farm.grants();
      fail_unless_equals_text(farm.flunk(0, liar).given_up, "");
    }
    fail_unless_equals_text(farm.grants(), "");
    fail_unless_equals_uint64(farm.next_wakeup() - begin, 10 * kOneSecond);
    fail_if(farm.give_up(farm.now));
    farm.pass(9 * kOneSecond);
    if (comes)
      farm.add_worker(4, 1, "dora");
    fail_unless_equals_text(farm.grants(), comes ? "0>4" : "");
    farm.pass(kOneSecond);
    const auto given_up = farm.give_up(farm.now);
    fail_unless_equals_int(given_up.has_value(), !comes);
    if (comes) {
      fail_unless_equals_text(farm.finish(0, 4), "");
      continue;
    }
    fail_unless(contains(given_up->reason, "segment 0: given up after 3 failed attempts"));
    fail_unless_equals_uint64(given_up->last.worker, 3);
    fail_unless_equals_text(given_up->worker, "cora");
    fail_unless_equals_uint64(farm.open_segments(kJob), 0);
  }
}
GST_END_TEST

// A failure that does not count locks nobody out.
GST_START_TEST(test_dispatcher_lets_newcomers_try_again_what_did_not_count) {
  Farm farm({.segments = 1, .workers = 1, .max_attempts = 1, .own = false});
  farm.grants();
  fail_unless_equals_text(farm.flunk(0, 1).given_up, "");
  farm.add_worker(2, 1, "bert");
  fail_unless_equals_text(farm.grants(), "0>2");
  fail_unless_equals_text(
      farm.fail(2, farm.lease(0, 2), "again", farm.now, Dispatcher::Blame::kNobody)->given_up, "");
  fail_unless(farm.next_grant(farm.now).has_value());
}
GST_END_TEST

// Whoever comes and fails too is the end of it, and so is a worker of this process.
GST_START_TEST(test_dispatcher_keeps_nothing_for_longer_than_that) {
  Farm farm({.segments = 1, .workers = 1, .max_attempts = 1, .own = false});
  farm.grants();
  fail_unless_equals_text(farm.flunk(0, 1).given_up, "");
  farm.add_worker(2, 1, "bert");
  fail_unless_equals_text(farm.grants(), "0>2");
  farm.pass(11 * kOneSecond);
  fail_if(farm.give_up(farm.now));
  fail_unless(contains(farm.flunk(0, 2).given_up, "given up after 2 failed attempts"));

  Farm house({.segments = 1, .workers = 1, .max_attempts = 1, .own = true});
  house.grants();
  fail_unless(contains(house.flunk(0, 1).given_up, "given up after 1 failed attempt"));
}
GST_END_TEST

GST_START_TEST(test_dispatcher_says_the_beginning_of_a_long_reason) {
  Farm farm({.segments = 1, .workers = 1, .max_attempts = 1});
  farm.grants();
  const auto failure = farm.flunk(0, 1, std::string(5000, 'x'));
  fail_unless(failure.given_up.size() < 500);
  fail_unless_equals_uint64(failure.reason.size(), 4096);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_blames_a_lost_worker_for_what_it_was_at_only) {
  Farm farm({.capacity = 2, .max_attempts = 1});
  farm.practise(100, 1, kOneSecond);
  farm.add_segments(kJob, 0, 4);
  fail_unless_equals_text(farm.grants(), "0>1 1>2 2>1 3>2");
  farm.show_life(0, 1);
  farm.show_life(2, 1);
  const auto failures = farm.remove_worker(1, false, "connection lost", farm.now);
  fail_unless_equals_text(text(failures), "0>1 2>1");
  // One attempt is allowed, and worker 2 has not had it.
  fail_unless_equals_text(failures.at(0).given_up, "");
  fail_unless_equals_text(failures.at(1).given_up, "");
  farm.finish(1, 2);
  fail_unless_equals_text(farm.grants(), "0>2");
  farm.finish(3, 2);
  fail_unless_equals_text(farm.grants(), "2>2");
  fail_unless(contains(farm.flunk(0, 2).given_up, "segment 0: given up after 2 failed attempt"));
}
GST_END_TEST

// However many times, and under however many names; also where the next is there before the last
// has gone, so that somebody seems to be left who has not tried.
GST_START_TEST(test_dispatcher_outlives_those_that_vanish) {
  for (const bool overlap : {false, true}) {
    Farm farm({.segments = 1, .workers = 0});
    std::string given_up;
    const auto join = [&](WorkerId worker) {
      farm.add_worker(worker, 1, "ghost", {}, overlap || worker % 2 == 0 ? "" : "a ghost");
    };
    join(1);
    for (WorkerId worker = 1; worker <= 200; ++worker) {
      farm.pass(10 * kMillisecond);
      farm.grants();
      farm.show_life(0, worker);
      if (overlap)
        join(worker + 1);
      given_up += farm.remove_worker(worker, false, "connection lost", farm.now).at(0).given_up;
      if (!overlap)
        join(worker + 1);
    }
    fail_unless_equals_text(given_up, "");
    farm.remove_worker(201, true, "left", farm.now);
    farm.add_worker(1000, 1, "anna");
    fail_unless_equals_text(farm.grants(), "0>1000");
  }
}
GST_END_TEST

// A segment that breaks whoever gets it is not tried for ever.
GST_START_TEST(test_dispatcher_gives_up_what_breaks_all_workers) {
  Farm farm({.segments = 1, .workers = 0});
  std::string given_up;
  WorkerId worker = 1;
  while (given_up.empty() && worker < 100) {
    farm.pass(3 * kOneSecond);
    farm.add_worker(++worker, 1, "anna", {}, "anna");
    farm.grants();
    farm.show_life(0, worker);
    given_up = farm.remove_worker(worker, false, "connection lost", farm.now).at(0).given_up;
  }
  fail_unless(contains(given_up, "given up after 30 failed attempts"), "%s", given_up.c_str());
}
GST_END_TEST

// Each is right once, so that its word counts for something, while an honest one is busy.
GST_START_TEST(test_dispatcher_does_not_believe_many_that_did_little) {
  Farm farm({.workers = 1});
  farm.practise(100, 3, kOneSecond);
  farm.add_segments(kJob, 0, 2);
  fail_unless_equals_text(farm.grants(), "0>1");
  for (WorkerId liar = 2; liar < 50; ++liar) {
    farm.add_segments(kJob, 1000 + liar, 1);
    farm.add_worker(liar, 1, "liar");
    for (int i = 0; i < 3; ++i) {
      const auto grant = farm.next_grant(farm.now);
      if (!grant || grant->worker != liar)
        break;
      if (grant->segment.index == 1)
        fail_unless_equals_text(farm.flunk(1, liar).given_up, "");
      else
        farm.finish(grant->segment.index, liar);
    }
    farm.remove_worker(liar, true, "left", farm.now);
  }
  farm.finish(0, 1);
  fail_unless_equals_text(farm.grants(), "1>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_takes_who_comes_again_for_the_same) {
  Farm farm({.segments = 1, .workers = 0, .max_attempts = 2});
  farm.add_worker(1, 1, "liar", {}, "liar");
  fail_unless_equals_text(farm.grants(), "0>1");
  farm.add_worker(2, 1, "anna", {}, "anna");
  farm.flunk(0, 1);
  farm.remove_worker(1, true, "left", farm.now);
  farm.add_worker(3, 1, "liar", {}, "liar");
  // It has failed it.
  fail_unless_equals_text(farm.grants(), "0>2");
}
GST_END_TEST

// When the network goes, one after the other is found dead, and each got what the one before had.
GST_START_TEST(test_dispatcher_blames_nobody_for_what_arrived_nowhere) {
  Farm farm({.workers = 5, .max_attempts = 1});
  farm.practise(100, 1, kOneSecond);
  farm.add_segments(kJob, 0, 1);
  for (WorkerId worker = 1; worker < 5; ++worker) {
    if (worker % 2 != 0)
      farm.pass(60 * kOneSecond);
    while (farm.expire(farm.now)) {
    }
    farm.grants();
    for (const auto& failure : farm.remove_worker(worker, false, "connection lost", farm.now))
      fail_unless_equals_text(failure.given_up, "");
  }
  farm.pass(60 * kOneSecond);
  while (farm.expire(farm.now)) {
  }
  farm.pass(60 * kOneSecond);
  fail_unless_equals_text(farm.grants(), "0>5");
  farm.show_life(0, 5);
  // Somebody else may come.
  fail_unless_equals_text(farm.remove_worker(5, false, "connection lost", farm.now).at(0).given_up,
                          "");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_counts_the_loss_of_all_copies_once) {
  Farm farm({.workers = 4, .max_attempts = 2});
  farm.practise(100, 3, kOneSecond);
  farm.add_segments(kJob, 0, 1);
  std::string granted;
  for (int i = 0; i < 3; ++i) {
    granted += farm.grants() + " ";
    farm.pass(2 * kOneSecond);
  }
  fail_unless_equals_text(granted, "0>1 0>2+ 0>3+ ");
  for (WorkerId worker : {1u, 2u, 3u}) {
    farm.show_life(0, worker);
    const auto failures = farm.remove_worker(worker, false, "connection lost", farm.now);
    fail_unless_equals_text(failures.at(0).given_up, "");
  }
  fail_unless_equals_text(farm.grants(), "0>4");
  fail_unless(contains(farm.flunk(0, 4).given_up, "given up after 2 failed attempts"));
}
GST_END_TEST

GST_START_TEST(test_dispatcher_blames_nobody_who_leaves_in_good_order) {
  Farm farm({.segments = 2, .workers = 3, .max_attempts = 1});
  farm.practise(100, 1, kOneSecond);
  farm.grants();
  for (WorkerId worker : {1u, 2u, 3u})
    for (const auto& failure : farm.remove_worker(worker, true, "left", farm.now))
      fail_unless_equals_text(failure.given_up, "");
  fail_unless_equals_uint64(farm.open_segments(kJob), 2);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_gives_nothing_up_because_the_last_other_left) {
  Farm farm({.segments = 1, .max_attempts = 1});
  farm.grants();
  farm.flunk(0, 1);
  fail_unless_equals_text(farm.grants(), "0>2");
  const auto failures = farm.remove_worker(2, true, "left", farm.now);
  fail_unless_equals_text(failures.at(0).given_up, "");
  fail_unless_equals_text(farm.grants(), "0>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_leaves_the_leases_of_others_alone) {
  Farm farm({.segments = 6, .workers = 3, .capacity = 2});
  fail_unless_equals_text(farm.grants(), "0>1 1>2 2>3 3>1 4>2 5>3");
  farm.remove_worker(2, false, "connection lost", farm.now);
  for (const auto& [index, worker] : {std::pair{0u, 1u}, {3u, 1u}, {2u, 3u}, {5u, 3u}})
    farm.finish(index, worker);
  fail_unless_equals_uint64(farm.open_segments(kJob), 2);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_queues_what_is_released_and_blames_nobody) {
  Farm farm({.segments = 2, .workers = 1, .max_attempts = 1});
  for (int i = 0; i < 9; ++i) {
    farm.grants();
    const auto grant = farm.release(1, farm.lease(0, 1), farm.now);
    fail_unless_equals_uint64(grant->segment.index, 0);
    fail_unless_equals_text(farm.grants(), "0>1");
    farm.release(1, farm.lease(0, 1), farm.now);
    fail_unless_equals_uint64(farm.leases(kJob), 0);
  }
}
GST_END_TEST

static Suite* dispatcher_failures_suite() {
  Suite* suite = suite_create("dispatcher-failures");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_dispatcher_tries_another_worker_after_a_failure);
  tcase_add_test(tcase, test_dispatcher_comes_back_to_a_worker_when_all_have_failed);
  tcase_add_test(tcase, test_dispatcher_does_not_wait_for_a_worker_that_left);
  tcase_add_test(tcase, test_dispatcher_gives_up_and_says_why);
  tcase_add_test(tcase, test_dispatcher_keeps_a_failing_segment_for_who_was_there_first);
  tcase_add_test(tcase, test_dispatcher_gives_up_by_who_failed);
  tcase_add_test(tcase, test_dispatcher_keeps_for_newcomers_what_all_have_failed);
  tcase_add_test(tcase, test_dispatcher_lets_newcomers_try_again_what_did_not_count);
  tcase_add_test(tcase, test_dispatcher_keeps_nothing_for_longer_than_that);
  tcase_add_test(tcase, test_dispatcher_says_the_beginning_of_a_long_reason);
  tcase_add_test(tcase, test_dispatcher_blames_a_lost_worker_for_what_it_was_at_only);
  tcase_add_test(tcase, test_dispatcher_outlives_those_that_vanish);
  tcase_add_test(tcase, test_dispatcher_gives_up_what_breaks_all_workers);
  tcase_add_test(tcase, test_dispatcher_does_not_believe_many_that_did_little);
  tcase_add_test(tcase, test_dispatcher_takes_who_comes_again_for_the_same);
  tcase_add_test(tcase, test_dispatcher_blames_nobody_for_what_arrived_nowhere);
  tcase_add_test(tcase, test_dispatcher_counts_the_loss_of_all_copies_once);
  tcase_add_test(tcase, test_dispatcher_blames_nobody_who_leaves_in_good_order);
  tcase_add_test(tcase, test_dispatcher_gives_nothing_up_because_the_last_other_left);
  tcase_add_test(tcase, test_dispatcher_leaves_the_leases_of_others_alone);
  tcase_add_test(tcase, test_dispatcher_queues_what_is_released_and_blames_nobody);
  return suite;
}

GST_CHECK_MAIN(dispatcher_failures)
