// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that are examined before they get leases.
#include "gst/lease/coordinator.h"

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Instant kSeconds = 1'000 * kMillisecond;

struct School : Cluster {
  explicit School(Verify mode = Verify::kNone, std::uint64_t max_bytes = 1u << 20) {
    coordinator.add_job(1,
                        {.max_bytes = max_bytes,
                         .verification = {.mode = mode, .ratio = 0, .golden = true, .seed = 7}},
                        now);
  }
  void submit_all(std::uint64_t count) {
    for (std::uint64_t index = 0; index < count; ++index)
      submit(index);
    run();
  }
  void make(WorkerId id) {
    answer(id);
    run();
  }
  // The worker answers its exam, and what it made is seen to be right.
  void pass(WorkerId id) {
    make(id);
    look();
    told();
  }
};

}  // namespace

GST_START_TEST(test_exams_come_first) {
  School school;
  school.join(1, "a", 2);
  school.join(2, "b", 2);
  fail_unless_equals_text(school.leased(1), "");
  school.submit_all(9);
  school.told();
  // One segment each, the same, and nothing else.
  fail_unless_equals_text(school.leased(1) + "," + school.leased(2), "0,0");
  school.make(1);
  fail_unless_equals_text(school.told(), "look at 1/0 a");
  fail_unless_equals_text(school.leased(1), "");
  // Which lease is one nobody can tell.
  const FarmStatus status = school.coordinator.status(school.now);
  fail_unless(status.workers[1].leases[0].job == 1 && status.workers[1].leases[0].segment == 0);
  const LookWanted& look = school.looks.front();
  fail_unless(look.source->index == 0 && total_size(look.segment) > 0 && look.worker.id == 1);
  fail_unless(look.until == look.source->units.back().show, "all of it");
  school.look();
  fail_unless_equals_text(school.told(), "");
  fail_unless(school.done.empty(), "nothing of an exam counts");
  fail_unless_equals_text(school.leased(1) + "," + school.leased(2), "0 1,0");
  school.make(1);
  fail_unless_equals_text(school.told(), "done 1/0 a");
  school.pass(2);
  fail_unless_equals_text(school.leased(1) + "," + school.leased(2), "1 2,3 4");
}
GST_END_TEST

GST_START_TEST(test_exams_of_those_who_join_later) {
  School school;
  school.submit_all(3);
  school.join(1, "a");
  school.pass(1);
  for (int i = 0; i < 3; ++i)
    school.make(1);
  fail_unless_equals_uint64(school.done.size(), 3);
  // Everything is done; its segment is kept.
  school.join(2, "b");
  fail_unless_equals_text(school.leased(2), "0");
  school.submit(3);
  school.submit(4);
  school.run();
  school.pass(2);
  fail_unless_equals_text(school.leased(1) + "," + school.leased(2), "3,4");
}
GST_END_TEST

GST_START_TEST(test_exams_failed) {
  School school;
  school.join(1, "liar");
  school.join(2, "honest");
  school.submit_all(4);
  school.told();
  school.make(1);
  school.look("black");
  fail_unless_equals_text(school.told(),
                          "look at 1/0 liar, differs 1/0 liar: black, failed 1/0 liar: black, "
                          "suspended liar");
  fail_unless_equals_text(school.leased(1), "");
  school.pass(2);
  for (int i = 0; i < 4; ++i)
    school.make(2);
  fail_unless_equals_text(school.told(),
                          "done 1/0 honest, done 1/1 honest, done 1/2 honest, done 1/3 honest");
  // Whoever was suspended begins with an exam again, and cannot do without.
  school.run_until(61 * kSeconds);
  fail_unless_equals_text(school.leased(1), "0");
  school.told();
  // What needs no look is as bad.
  school.answer(1, {{Bytes::take({1, 2, 3})}});
  school.run();
  fail_unless(contains(school.told(), "suspended liar"));
  school.run_until(122 * kSeconds);
  school.pass(1);
  school.submit(4);
  school.submit(5);
  school.run();
  fail_unless_equals_text(school.leased(2) + "," + school.leased(1), "4,5");
}
GST_END_TEST

GST_START_TEST(test_exams_after_a_suspension) {
  School school;
  school.join(1, "a");
  school.submit_all(9);
  school.pass(1);
  fail_unless_equals_text(school.leased(1), "0");
  for (int i = 0; i < 3; ++i) {
    school.refuse(1, "no encoder");
    school.run();
  }
  const std::string told = school.told();
  // Within a moment that is no proof that nobody can: others may still come.
  fail_unless(!contains(told, "given up") && contains(told, "suspended a"), "%s", told.c_str());
  school.run_until(2 * kSeconds);
  fail_unless_equals_text(school.leased(1), "0");
  school.make(1);
  fail_unless_equals_text(school.told(), "look at 1/0 a");
  school.look();
  fail_unless_equals_text(school.leased(1), "1");
  school.make(1);
  fail_unless_equals_text(school.told(), "done 1/1 a");
}
GST_END_TEST

GST_START_TEST(test_exams_end_with_the_worker) {
  School school;
  school.join(1, "a");
  school.submit_all(2);
  school.make(1);
  school.disconnect(1);
  school.look();
  school.join(2, "b");
  school.pass(2);
  fail_unless_equals_text(school.leased(2), "0");
  // Also with the job, and nothing of it stays.
  school.join(3, "c");
  school.make(3);
  school.coordinator.remove_job(1, school.now);
  school.told();
  school.look();
  fail_unless_equals_text(school.told(), "");
  fail_unless_equals_text(school.leased(2) + school.leased(3), "");
}
GST_END_TEST

GST_START_TEST(test_exams_begin_anew_with_nobody) {
  School school;
  school.join(1, "a");
  school.submit_all(2);
  school.pass(1);
  school.join(2, "b");
  // A seek: who has passed need not do so again.
  school.coordinator.clear_job(1, school.now);
  school.submit_all(4);
  fail_unless_equals_text(school.leased(1) + "," + school.leased(2), "0,0");
  school.make(1);
  fail_unless(contains(school.told(), "done 1/0 a"));
  school.pass(2);
  fail_unless_equals_text(school.leased(2), "2");
}
GST_END_TEST

GST_START_TEST(test_exams_nobody_passes) {
  School school;
  school.join(1, "a");
  school.submit_all(2);
  std::string told;
  for (int i = 0; i < 3; ++i) {
    school.run_until((1 + 61 * i) * kSeconds);
    fail_if(contains(school.told(), "given up"));
    school.make(1);
    school.look("black");
  }
  told = school.told();
  fail_unless(contains(told, "given up 1/0 a: segment 0: given up: 3 exams were failed") &&
                  contains(told, "a: black"),
              "%s", told.c_str());
}
GST_END_TEST

// A worker that dies of it again and again, alone.
// That somebody has passed is proof that one can.
GST_START_TEST(test_exams_failed_before_somebody_passed) {
  School school;
  school.join(1, "liar");
  school.submit_all(1);
  for (int i = 0; i < 2; ++i) {
    school.make(1);
    school.look("black");
    school.run_until(school.now + 61 * kSeconds);
  }
  school.join(2, "honest");
  school.pass(2);
  school.disconnect(2);
  school.run();
  school.told();
  school.make(1);
  school.look("black");
  const std::string told = school.told();
  fail_unless(contains(told, "suspended liar") && !contains(told, "given up"), "%s", told.c_str());
}
GST_END_TEST

GST_START_TEST(test_exams_that_nobody_survives) {
  School school;
  school.submit_all(2);
  for (WorkerId id = 1; id <= 30; ++id) {
    fail_if(contains(school.told(), "given up"));
    school.run_until(school.now + kSeconds / 2);
    school.join(id, "a");
    fail_unless_equals_text(school.leased(id), "0");
    school.disconnect(id);
  }
  const std::string told = school.told();
  fail_unless(contains(told, "given up 1/0 a: segment 0: given up: 30 exams were failed") &&
                  contains(told, "a: connection lost: reset"),
              "%s", told.c_str());
}
GST_END_TEST

GST_START_TEST(test_exams_nobody_passes_yet) {
  School school;
  school.join(1, "a");
  school.submit_all(2);
  for (int i = 0; i < 5; ++i) {
    school.run_until((1 + 61 * i) * kSeconds);
    // Somebody else may, who has not failed.
    const auto other = static_cast<WorkerId>(10 + i);
    school.join(other, "b");
    school.make(1);
    school.look("black");
    fail_if(contains(school.told(), "given up"));
    school.worker(other).session.leave();
    school.run();
  }
}
GST_END_TEST

// Known to be right, and with more in it.
GST_START_TEST(test_exams_take_the_better_segment) {
  School school(Verify::kAll);
  school.join(1, "a");
  school.submit(0);
  school.submit(1, 1, 100);
  school.submit(2, 1, 50);
  school.submit(3, 1, 500);
  school.run();
  school.pass(1);
  for (int i = 0; i < 3; ++i)
    school.pass(1);
  school.join(2, "b");
  fail_unless_equals_text(school.leased(2), "1");
}
GST_END_TEST

GST_START_TEST(test_exams_that_nobody_can_look_at) {
  School school;
  school.join(1, "a");
  school.submit_all(2);
  school.told();
  school.make(1);
  school.look("", "no decoder");
  fail_unless_equals_text(school.told(), "look at 1/0 a, unknown 1/0 a: no decoder");
  fail_unless_equals_text(school.leased(1), "0");
}
GST_END_TEST

GST_START_TEST(test_exams_where_memory_is_tight) {
  School school(Verify::kNone, 1);
  school.join(1, "a");
  school.join(2, "b");
  school.submit_all(1);
  // One after the other.
  school.pass(1);
  school.pass(2);
  fail_unless_equals_text(school.leased(1), "0");
  school.make(1);
  fail_unless_equals_uint64(school.done.size(), 1);
}
GST_END_TEST

// What a worker can make is all it is examined in.
GST_START_TEST(test_exams_in_what_a_worker_can) {
  School school;
  school.coordinator.set_renditions(1, *parse_renditions("hd:h264:64x36,sd:h264:32x18"),
                                    school.now);
  school.join(1, "a");
  school.submit_all(2);
  fail_unless_equals_text(school.leased(1), "");
  school.worker(1).session.offer(school.worker(1).wanted.front().job,
                                 {{true, "x264enc", ""}, {false, "", "no encoder"}});
  school.run();
  fail_unless_equals_text(school.leased(1), "0");
  fail_unless(school.worker(1).leases.front().renditions.find("sd") == std::string::npos);
  school.run_until(30 * kSeconds);
  school.pass(1);
  fail_unless_equals_text(school.leased(1), "0");
  fail_unless(school.worker(1).leases.front().renditions.find("sd") == std::string::npos);
}
GST_END_TEST

static Suite* coordinator_exams_suite() {
  Suite* suite = suite_create("coordinator-exams");
  TCase* tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_exams_come_first);
  tcase_add_test(tests, test_exams_of_those_who_join_later);
  tcase_add_test(tests, test_exams_failed);
  tcase_add_test(tests, test_exams_after_a_suspension);
  tcase_add_test(tests, test_exams_end_with_the_worker);
  tcase_add_test(tests, test_exams_begin_anew_with_nobody);
  tcase_add_test(tests, test_exams_nobody_passes);
  tcase_add_test(tests, test_exams_failed_before_somebody_passed);
  tcase_add_test(tests, test_exams_that_nobody_survives);
  tcase_add_test(tests, test_exams_nobody_passes_yet);
  tcase_add_test(tests, test_exams_take_the_better_segment);
  tcase_add_test(tests, test_exams_that_nobody_can_look_at);
  tcase_add_test(tests, test_exams_where_memory_is_tight);
  tcase_add_test(tests, test_exams_in_what_a_worker_can);
  return suite;
}

GST_CHECK_MAIN(coordinator_exams)
