// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/dispatcher.h"

#include "tests/core/support.h"

namespace {

using namespace dist;
using namespace dist::test;

// Two workers, 1 and 2, and segments 0 to `segments` - 1.
struct Farm : Dispatcher {
  explicit Farm(std::uint64_t segments, unsigned capacity = 1, unsigned max_attempts = 3)
      : Dispatcher({.max_attempts = max_attempts}) {
    for (std::uint64_t i = 0; i < segments; ++i)
      add_segment(i);
    add_worker(1, capacity, "anna");
    add_worker(2, capacity, "bert");
  }
};

// All that can be granted now, as "segment>worker".
std::string grants(Dispatcher& dispatcher) {
  std::string text;
  while (const auto grant = dispatcher.next_grant())
    text += (text.empty() ? "" : " ") + std::to_string(grant->segment) + ">" +
            std::to_string(grant->worker);
  return text;
}

std::string segments(const std::vector<Dispatcher::Failure>& failures) {
  std::string text;
  for (const auto& failure : failures)
    text += (text.empty() ? "" : " ") + std::to_string(failure.grant.segment);
  return text;
}

}  // namespace

GST_START_TEST(test_dispatcher_grants_the_earliest_first) {
  Dispatcher dispatcher({});
  for (std::uint64_t segment : {5u, 3u, 4u, 9u})
    dispatcher.add_segment(segment);
  dispatcher.add_worker(1, 3, "anna");
  fail_unless_equals_text(grants(dispatcher), "3>1 4>1 5>1");
  fail_unless_equals_uint64(dispatcher.open_segments(), 4);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_grants_nothing_without_work_or_worker) {
  Dispatcher dispatcher({});
  fail_unless_equals_text(grants(dispatcher), "");
  dispatcher.add_segment(0);
  fail_unless_equals_text(grants(dispatcher), "");
  dispatcher.add_worker(1, 1, "anna");
  fail_unless_equals_text(grants(dispatcher), "0>1");
  fail_unless_equals_text(grants(dispatcher), "");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_loads_the_least_loaded) {
  Farm farm(8, 2);
  fail_unless_equals_text(grants(farm), "0>1 1>2 2>1 3>2");
  farm.add_worker(3, 3, "cora");
  fail_unless_equals_text(grants(farm), "4>3 5>3 6>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_goes_on_when_a_lease_ends) {
  Farm farm(4);
  const auto one = farm.next_grant();
  const auto other = farm.next_grant();
  fail_unless(farm.complete(1, one->lease));
  fail_unless_equals_uint64(farm.open_segments(), 3);
  fail_unless_equals_text(grants(farm), "2>1");
  fail_unless(farm.complete(2, other->lease));
  fail_unless_equals_text(grants(farm), "3>2");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_counts_leases_and_attempts) {
  Farm farm(2);
  const auto one = farm.next_grant();
  const auto other = farm.next_grant();
  fail_unless_equals_int(static_cast<int>(one->attempt), 1);
  fail_unless(one->lease != other->lease);
  fail_unless(farm.find(1, one->lease)->segment == 0);
  fail_unless(farm.find(2, one->lease) == nullptr);
  farm.fail(1, one->lease, "stuck");
  fail_unless(farm.find(1, one->lease) == nullptr);
  fail_unless(farm.complete(2, other->lease));
  const auto again = farm.next_grant();
  fail_unless_equals_uint64(again->segment, 0);
  fail_unless_equals_int(static_cast<int>(again->attempt), 2);
  fail_unless(again->lease != one->lease && again->lease != other->lease);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_tries_another_worker_after_a_failure) {
  Farm farm(3);
  const auto lease = farm.next_grant()->lease;
  farm.next_grant();
  const auto failure = farm.fail(1, lease, "stuck");
  fail_unless_equals_uint64(failure->grant.segment, 0);
  fail_unless_equals_text(failure->reason, "stuck");
  fail_unless_equals_text(failure->given_up, "");
  // Segment 0 waits for worker 2, which is busy; worker 1 is not kept idle for it.
  fail_unless_equals_text(grants(farm), "2>1");
  farm.add_worker(3, 1, "cora");
  fail_unless_equals_text(grants(farm), "0>3");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_comes_back_to_a_worker_when_all_have_failed) {
  Farm farm(1);
  farm.fail(1, farm.next_grant()->lease, "stuck");
  farm.fail(2, farm.next_grant()->lease, "stuck");
  fail_unless_equals_text(grants(farm), "0>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_does_not_wait_for_a_worker_that_left) {
  Farm farm(1);
  farm.fail(1, farm.next_grant()->lease, "stuck");
  fail_unless_equals_text(segments(farm.remove_worker(2, true, "left")), "");
  fail_unless_equals_text(grants(farm), "0>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_gives_up_and_says_why) {
  Farm farm(2);
  farm.fail(1, farm.next_grant()->lease, "no frame came out");
  const auto retry = farm.next_grant();
  fail_unless_equals_uint64(retry->worker, 2);
  farm.remove_worker(2, false, "connection lost: closed by the peer");
  const auto failure = farm.fail(1, farm.next_grant()->lease, "3 frames instead of 4");
  fail_unless_equals_text(
      failure->given_up,
      "segment 0: given up after 3 failed attempts (attempt 1 on anna: no frame came out; attempt "
      "2 on bert: connection lost: closed by the peer; attempt 3 on anna: 3 frames instead of 4)");
  fail_unless_equals_uint64(farm.open_segments(), 1);
  fail_unless_equals_text(grants(farm), "1>1");
}
GST_END_TEST

GST_START_TEST(test_dispatcher_gives_up_after_as_many_attempts_as_allowed) {
  for (unsigned max_attempts : {1u, 2u, 5u}) {
    Farm farm(1, 1, max_attempts);
    for (unsigned attempt = 1; attempt <= max_attempts; ++attempt) {
      const auto grant = farm.next_grant();
      fail_unless_equals_int(static_cast<int>(grant->attempt), static_cast<int>(attempt));
      const auto failure = farm.fail(grant->worker, grant->lease, "stuck");
      fail_unless(failure->given_up.empty() == (attempt < max_attempts));
    }
    fail_unless_equals_uint64(farm.open_segments(), 0);
  }
}
GST_END_TEST

GST_START_TEST(test_dispatcher_takes_back_only_what_a_lost_worker_held) {
  Farm farm(4, 2);
  fail_unless_equals_text(grants(farm), "0>1 1>2 2>1 3>2");
  const auto failures = farm.remove_worker(1, false, "connection lost");
  fail_unless_equals_text(segments(failures), "0 2");
  fail_unless_equals_text(failures[0].reason, "connection lost");
  fail_unless_equals_uint64(farm.workers(), 1);
  fail_unless_equals_uint64(farm.open_segments(), 4);
  farm.add_worker(3, 4, "cora");
  fail_unless_equals_text(grants(farm), "0>3 2>3");
}
GST_END_TEST

// It worked on its oldest lease; the others were fetched ahead and are not to blame.
GST_START_TEST(test_dispatcher_blames_a_lost_worker_for_its_oldest_lease_only) {
  Farm farm(2, 2, 1);
  farm.remove_worker(2, true, "left");
  fail_unless_equals_text(grants(farm), "0>1 1>1");
  const auto failures = farm.remove_worker(1, false, "connection lost");
  fail_unless_equals_text(failures[0].given_up,
                          "segment 0: given up after 1 failed attempts (attempt 1 on anna: "
                          "connection lost)");
  fail_unless_equals_text(failures[1].given_up, "");
  fail_unless_equals_uint64(farm.open_segments(), 1);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_does_not_blame_who_leaves_in_good_order) {
  Farm farm(1, 1, 1);
  for (WorkerId worker : {1u, 2u}) {
    fail_unless_equals_text(grants(farm), "0>" + std::to_string(worker));
    const auto failures = farm.remove_worker(worker, true, "left");
    fail_unless_equals_text(segments(failures), "0");
    fail_unless_equals_text(failures[0].given_up, "");
  }
  farm.add_worker(3, 1, "cora");
  fail_unless_equals_int(static_cast<int>(farm.next_grant()->attempt), 3);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_knows_nothing_of_leases_that_are_over) {
  Farm farm(2);
  const auto lease = farm.next_grant()->lease;
  fail_if(farm.complete(2, lease));
  fail_if(farm.complete(1, lease + 1));
  fail_if(farm.fail(2, lease, "not mine").has_value());
  fail_unless(farm.complete(1, lease));
  fail_if(farm.complete(1, lease));
  fail_if(farm.fail(1, lease, "too late").has_value());
  fail_unless(farm.remove_worker(1, false, "lost").empty());
  fail_unless(farm.remove_worker(1, false, "lost again").empty());
}
GST_END_TEST

GST_START_TEST(test_dispatcher_cancels_all) {
  Farm farm(5, 2);
  const std::string before = grants(farm);
  std::string cancelled;
  for (const auto& grant : farm.cancel_all())
    cancelled += (cancelled.empty() ? "" : " ") + std::to_string(grant.segment) + ">" +
                 std::to_string(grant.worker);
  fail_unless_equals_text(cancelled, before);
  fail_unless_equals_uint64(farm.open_segments(), 0);
  fail_unless_equals_uint64(farm.workers(), 2);
  fail_unless(farm.cancel_all().empty());
  // The workers are free for the same segments anew.
  farm.add_segment(0);
  const auto grant = farm.next_grant();
  fail_unless_equals_uint64(grant->segment, 0);
  fail_unless_equals_int(static_cast<int>(grant->attempt), 1);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_takes_each_segment_once) {
  Farm farm(1);
  farm.add_segment(0);
  fail_unless_equals_text(grants(farm), "0>1");
  farm.add_segment(0);
  fail_unless_equals_text(grants(farm), "");
  fail_unless_equals_uint64(farm.open_segments(), 1);
}
GST_END_TEST

GST_START_TEST(test_dispatcher_grants_at_least_one_lease_to_a_worker) {
  Dispatcher dispatcher({});
  dispatcher.add_segment(0);
  dispatcher.add_segment(1);
  dispatcher.add_worker(1, 0, "anna");
  fail_unless_equals_text(grants(dispatcher), "0>1");
}
GST_END_TEST

static Suite* dispatcher_suite() {
  Suite* suite = suite_create("dispatcher");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_dispatcher_grants_the_earliest_first);
  tcase_add_test(tcase, test_dispatcher_grants_nothing_without_work_or_worker);
  tcase_add_test(tcase, test_dispatcher_loads_the_least_loaded);
  tcase_add_test(tcase, test_dispatcher_goes_on_when_a_lease_ends);
  tcase_add_test(tcase, test_dispatcher_counts_leases_and_attempts);
  tcase_add_test(tcase, test_dispatcher_tries_another_worker_after_a_failure);
  tcase_add_test(tcase, test_dispatcher_comes_back_to_a_worker_when_all_have_failed);
  tcase_add_test(tcase, test_dispatcher_does_not_wait_for_a_worker_that_left);
  tcase_add_test(tcase, test_dispatcher_gives_up_and_says_why);
  tcase_add_test(tcase, test_dispatcher_gives_up_after_as_many_attempts_as_allowed);
  tcase_add_test(tcase, test_dispatcher_takes_back_only_what_a_lost_worker_held);
  tcase_add_test(tcase, test_dispatcher_blames_a_lost_worker_for_its_oldest_lease_only);
  tcase_add_test(tcase, test_dispatcher_does_not_blame_who_leaves_in_good_order);
  tcase_add_test(tcase, test_dispatcher_knows_nothing_of_leases_that_are_over);
  tcase_add_test(tcase, test_dispatcher_cancels_all);
  tcase_add_test(tcase, test_dispatcher_takes_each_segment_once);
  tcase_add_test(tcase, test_dispatcher_grants_at_least_one_lease_to_a_worker);
  return suite;
}

GST_CHECK_MAIN(dispatcher)
