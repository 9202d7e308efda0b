// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which leases the dispatcher finds late, and who gets a copy.
#include <algorithm>
#include <map>

#include "gst/lease/dispatcher.h"
#include "tests/common/support.h"
#include "tests/lease/farm.h"

namespace {

using namespace dist;
using namespace dist::test;

}  // namespace

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

// Before anybody has delivered copies come by and by, however many there are of a segment already.
GST_START_TEST(test_dispatcher_does_not_give_all_copies_at_once) {
  constexpr unsigned kWorkers = 90;
  Farm farm({.segments = 1, .workers = kWorkers});
  std::size_t most = 0;
  std::size_t all = 0;
  for (unsigned step = 0; step < 200; ++step) {
    std::size_t granted = 0;
    while (farm.next_grant(farm.now))
      ++granted;
    most = std::max(most, granted);
    all += granted;
    for (const Dispatcher::Grant& grant : farm.leases_of(kJob))
      farm.progress(grant.worker, grant.lease, farm.now);
    farm.pass(kOneSecond / 20);
  }
  fail_unless_equals_uint64(all, kWorkers);
  fail_unless(most <= 10, "%zu at once", most);
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

static Suite* dispatcher_hedges_suite() {
  Suite* suite = suite_create("dispatcher-hedges");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
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
  tcase_add_test(tcase, test_dispatcher_outlasts_pretenders);
  tcase_add_test(tcase, test_dispatcher_does_not_give_all_copies_at_once);
  return suite;
}

GST_CHECK_MAIN(dispatcher_hedges)
