// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that can make only some of a job's renditions: segments are leased in parts.
#include "gst/lease/dispatcher.h"

#include "tests/lease/farm.h"
#include "tests/sim/random.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr RenditionSet kLarge = 1;
constexpr RenditionSet kSmall = 2;
constexpr RenditionSet kThumb = 4;
constexpr RenditionSet kAll = kLarge | kSmall | kThumb;

// Two workers, and a job of three renditions, of which the first is most of the work.
struct Ladder : Farm {
  explicit Ladder(unsigned workers = 2, unsigned capacity = 1)
      : Farm({.workers = workers, .capacity = capacity}) {
    add_job(kJob, 3, {8, 2, 1});
  }
  void add(std::uint64_t index, RenditionSet renditions = kAll) {
    add_segment({kJob, index}, 1, renditions);
  }
  // All that can be granted now, as "segment/renditions>worker", with a "+" behind a hedge.
  std::string granted() {
    std::string text;
    while (const auto grant = next_grant(now)) {
      text += (text.empty() ? "" : " ") + std::to_string(grant->segment.index) + "/" +
              std::to_string(grant->renditions) + ">" + std::to_string(grant->worker) +
              (grant->hedge ? "+" : "");
      last = *grant;
    }
    return text;
  }
  Grant last;
};

}  // namespace

GST_START_TEST(test_parts_keep_a_segment_whole_where_they_can) {
  Ladder farm;
  farm.add(0);
  farm.add(1, kLarge | kThumb);
  fail_unless_equals_text(farm.granted(), "0/7>1 1/5>2");
  fail_unless_equals_uint64(farm.ability(1, kJob) & kAll, kAll);
  fail_unless_equals_uint64(farm.unable(kJob), 0);
}
GST_END_TEST

GST_START_TEST(test_parts_give_each_worker_what_it_can_make) {
  Ladder farm;
  farm.set_ability(1, kJob, kSmall | kThumb);
  farm.add(0);
  fail_unless_equals_text(farm.granted(), "0/6>1 0/1>2");
  fail_unless_equals_uint64(farm.open_segments(kJob), 1);
  const LeaseId large = farm.last.lease;
  const LeaseId rest = farm.leases_of({kJob, 0, 1})[0].lease;
  fail_unless(farm.complete(2, large, farm.now).has_value());
  fail_unless_equals_uint64(farm.open_segments(kJob), 1);
  fail_unless(farm.complete(1, rest, farm.now).has_value());
  fail_unless_equals_uint64(farm.open_segments(kJob), 0);
}
GST_END_TEST

// What only one worker can make waits for it; the other goes on with later segments.
GST_START_TEST(test_parts_wait_for_whoever_can_make_them) {
  Ladder farm(1, 3);
  farm.set_ability(1, kJob, kThumb);
  farm.add(0);
  farm.add(1);
  fail_unless_equals_text(farm.granted(), "0/4>1 1/4>1");
  fail_unless_equals_uint64(farm.unable(kJob), kLarge | kSmall);
  farm.add_worker(7, 1, "gina");
  fail_unless_equals_uint64(farm.unable(kJob), 0);
  fail_unless_equals_text(farm.granted(), "0/3>7");
  farm.remove_worker(7, true, "left", farm.now);
  fail_unless_equals_uint64(farm.unable(kJob), kLarge | kSmall);
  fail_unless_equals_uint64(*farm.earliest(kJob), 0);
}
GST_END_TEST

// A hand-written worker shows only with its answer what it makes.
GST_START_TEST(test_parts_queue_what_an_answer_lacks) {
  Ladder farm(1, 1);
  farm.add(0);
  fail_unless_equals_text(farm.granted(), "0/7>1");
  const LeaseId first = farm.last.lease;
  fail_unless(farm.complete(1, first, farm.now, kSmall).has_value());
  farm.set_ability(1, kJob, kSmall);
  fail_unless_equals_uint64(farm.open_segments(kJob), 1);
  fail_unless_equals_text(farm.granted(), "");
  fail_unless_equals_uint64(farm.unable(kJob), kLarge | kThumb);
  farm.add_worker(2, 1, "bert");
  fail_unless_equals_text(farm.granted(), "0/5>2");
}
GST_END_TEST

GST_START_TEST(test_parts_hedge_only_with_who_can_make_all_of_it) {
  Ladder farm(3);
  for (std::uint64_t i = 0; i < 9; ++i)
    farm.add(i);
  while (!farm.granted().empty()) {
    farm.pass(kOneSecond);
    for (const auto& grant : farm.leases_of(kJob))
      farm.complete(grant.worker, grant.lease, farm.now);
  }
  farm.set_ability(1, kJob, kLarge);
  farm.set_ability(2, kJob, kSmall);
  farm.set_ability(3, kJob, kSmall | kThumb);
  farm.add(10, kLarge | kThumb);
  fail_unless_equals_text(farm.granted(), "10/1>1 10/4>3");
  farm.pass(kOneSecond);
  // Nobody else is there who could help.
  fail_unless_equals_text(farm.granted(), "");
  farm.set_ability(2, kJob, kLarge);
  fail_unless_equals_text(farm.granted(), "10/1>2+");
}
GST_END_TEST

// A small rendition takes its time all the same: the segment is sent and decoded for it.
GST_START_TEST(test_parts_of_little_work_are_not_late_at_once) {
  Ladder farm(3);
  farm.add_job(kJob, 3, {800, 200, 1});
  for (std::uint64_t i = 0; i < 9; ++i)
    farm.add(i);
  while (!farm.granted().empty()) {
    farm.pass(kOneSecond);
    for (const auto& grant : farm.leases_of(kJob))
      farm.complete(grant.worker, grant.lease, farm.now);
  }
  farm.add(10, kThumb);
  fail_unless_equals_text(farm.granted(), "10/4>1");
  farm.pass(100 * kMillisecond);
  fail_unless_equals_text(farm.granted(), "");
  farm.pass(200 * kMillisecond);
  fail_unless_equals_text(farm.granted(), "10/4>2+");
}
GST_END_TEST

GST_START_TEST(test_parts_are_given_up_when_all_who_can_have_failed) {
  Ladder farm;
  farm.set_ability(2, kJob, kThumb);
  farm.add(0, kLarge);
  Dispatcher::Failure failure;
  for (int i = 0; i < 3; ++i) {
    fail_unless_equals_text(farm.granted(), "0/1>1");
    failure = farm.fail(1, farm.last.lease, "no memory", farm.now).value();
    farm.pass(2 * kOneSecond);
  }
  fail_unless(failure.given_up.find("segment 0: given up after 3 failed attempts") == 0);
}
GST_END_TEST

GST_START_TEST(test_parts_forget_abilities_with_the_job) {
  Ladder farm(1);
  farm.set_ability(1, kJob, 0);
  farm.add(0);
  fail_unless_equals_text(farm.granted(), "");
  farm.remove_job(kJob, farm.now);
  farm.add_job(kJob, 3, {1, 1, 1});
  farm.add(0);
  fail_unless_equals_text(farm.granted(), "0/7>1");
}
GST_END_TEST

// Whatever happens, each rendition of each segment is completed once, by one who can make it.
GST_START_TEST(test_parts_complete_each_rendition_once) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    sim::Random random(seed);
    Ladder farm(4, 2);
    std::map<std::uint64_t, RenditionSet> missing;
    std::vector<RenditionSet> able(5, kAll);
    for (unsigned step = 0; step < 400; ++step) {
      farm.pass(100 * kMillisecond);
      while (farm.expire(farm.now)) {
      }
      if (step < 200 && random.chance(30)) {
        const auto wanted = static_cast<RenditionSet>(1 + random.below(7));
        farm.add(step, wanted);
        missing[step] = wanted;
      }
      if (random.chance(10)) {
        const std::uint64_t worker = 1 + random.below(4);
        able[worker] = step < 300 ? static_cast<RenditionSet>(random.below(8)) : kAll;
        farm.set_ability(worker, kJob, able[worker]);
      }
      if (step == 300)
        for (std::uint64_t worker = 1; worker <= 4; ++worker)
          farm.set_ability(worker, kJob, able[worker] = kAll);
      while (const auto grant = farm.next_grant(farm.now)) {
        fail_unless((grant->renditions & ~able[grant->worker]) == 0, "seed %u",
                    static_cast<unsigned>(seed));
        fail_unless((grant->renditions & ~missing.at(grant->segment.index)) == 0, "seed %u",
                    static_cast<unsigned>(seed));
      }
      for (const auto& grant : farm.leases_of(kJob)) {
        if (!farm.find(grant.worker, grant.lease) || random.chance(50))
          continue;
        if (step < 300 && random.chance(10)) {
          farm.fail(grant.worker, grant.lease, "stuck", farm.now, Dispatcher::Blame::kNobody);
          continue;
        }
        RenditionSet made = grant.renditions;
        if (random.chance(20))
          made &= ~(made - 1);
        fail_unless(farm.complete(grant.worker, grant.lease, farm.now, made).has_value());
        if ((missing.at(grant.segment.index) &= ~made) == 0)
          missing.erase(grant.segment.index);
      }
      fail_unless_equals_uint64(farm.open_segments(kJob), missing.size());
    }
    fail_unless(missing.empty(), "seed %u: %u segments are not complete",
                static_cast<unsigned>(seed), static_cast<unsigned>(missing.size()));
  }
}
GST_END_TEST

static Suite* dispatcher_parts_suite() {
  Suite* suite = suite_create("dispatcher-parts");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_parts_keep_a_segment_whole_where_they_can);
  tcase_add_test(tcase, test_parts_give_each_worker_what_it_can_make);
  tcase_add_test(tcase, test_parts_wait_for_whoever_can_make_them);
  tcase_add_test(tcase, test_parts_queue_what_an_answer_lacks);
  tcase_add_test(tcase, test_parts_hedge_only_with_who_can_make_all_of_it);
  tcase_add_test(tcase, test_parts_of_little_work_are_not_late_at_once);
  tcase_add_test(tcase, test_parts_are_given_up_when_all_who_can_have_failed);
  tcase_add_test(tcase, test_parts_forget_abilities_with_the_job);
  tcase_add_test(tcase, test_parts_complete_each_rendition_once);
  return suite;
}

GST_CHECK_MAIN(dispatcher_parts)
