// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Several jobs, which share the workers, and jobs that end or begin anew.
#include "gst/lease/coordinator.h"

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Instant kSeconds = 1'000 * kMillisecond;
constexpr std::uint64_t kMiB = 1u << 20;
constexpr char kDone[] = "welcomed, done: the job is done";

// A worker in the middle of an answer to segment 0 of job 1, of which so much is here.
void answer_half(Cluster& cluster, std::uint64_t held) {
  cluster.answer(1, kMiB);
  while (cluster.coordinator.bytes_held(1) < held)
    fail_unless(cluster.to_coordinator(1), "the worker has no more to say");
}

}  // namespace

GST_START_TEST(test_jobs_share_the_workers) {
  Cluster cluster;
  cluster.join(1, "a", 4);
  cluster.add_job(1);
  cluster.add_job(2);
  for (std::uint64_t index = 0; index < 4; ++index)
    cluster.submit(index, 1);
  for (std::uint64_t index = 0; index < 4; ++index)
    cluster.submit(index, 2);
  cluster.run();
  cluster.told();
  // The first job took all, as there was no other.
  fail_unless_equals_text(cluster.leased(1), "0 1 2 3");
  for (int i = 0; i < 8; ++i) {
    cluster.answer(1);
    cluster.run();
  }
  fail_unless_equals_text(cluster.told(),
                          "done 1/0 a, done 1/1 a, done 1/2 a, done 1/3 a, done 2/0 a, done 2/1 a, "
                          "done 2/2 a, done 2/3 a");
  for (std::uint64_t index = 4; index < 8; ++index)
    cluster.coordinator.delivered(1, index - 4, cluster.now);
}
GST_END_TEST

GST_START_TEST(test_jobs_take_turns) {
  Cluster cluster;
  cluster.add_job(1);
  cluster.add_job(2);
  for (std::uint64_t index = 0; index < 3; ++index) {
    cluster.submit(index, 1);
    cluster.submit(index, 2);
  }
  cluster.join(1, "a");
  cluster.told();
  for (int i = 0; i < 6; ++i) {
    cluster.now += kSeconds;
    cluster.answer(1);
    cluster.run();
  }
  fail_unless_equals_text(cluster.told(),
                          "done 1/0 a, done 2/0 a, done 1/1 a, done 2/1 a, done 1/2 a, done 2/2 a");
}
GST_END_TEST

GST_START_TEST(test_jobs_let_the_workers_go_when_all_are_done) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job(1);
  cluster.add_job(2);
  cluster.coordinator.finish_job(1);
  cluster.run();
  fail_unless_equals_text(cluster.worker(1).saw, "welcomed");
  cluster.coordinator.finish_job(2);
  cluster.run();
  fail_unless_equals_text(cluster.worker(1).saw, kDone);
}
GST_END_TEST

// A job that is given up is not waited for.
GST_START_TEST(test_jobs_that_are_removed_keep_no_worker) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job(1);
  cluster.add_job(2);
  cluster.coordinator.finish_job(1);
  cluster.coordinator.remove_job(2, cluster.now);
  cluster.run();
  fail_unless_equals_text(cluster.worker(1).saw, kDone);
  // Whoever is gone was told once.
  cluster.coordinator.remove_job(1, cluster.now);
  cluster.run();
  fail_unless_equals_text(cluster.worker(1).saw, kDone);
  fail_unless_equals_text(cluster.join(2, "b").saw, "welcomed");
}
GST_END_TEST

GST_START_TEST(test_jobs_cleared_in_mid_result_begin_anew) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job(1, 64 * kMiB);
  cluster.submit(0);
  cluster.submit(1);
  cluster.run();
  answer_half(cluster, 2 * kMiB);
  cluster.coordinator.clear_job(1, cluster.now);
  fail_unless_equals_uint64(cluster.coordinator.bytes_held(1), 0);
  cluster.run();
  fail_unless_equals_text(cluster.worker(1).saw, "welcomed, cancelled");
  fail_unless_equals_uint64(cluster.coordinator.bytes_held(1), 0);
  // The same index means another segment now.
  cluster.told();
  cluster.submit(0);
  cluster.run();
  cluster.answer(1);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "done 1/0 a");
}
GST_END_TEST

GST_START_TEST(test_jobs_removed_in_mid_result_leave_the_others_alone) {
  Cluster cluster;
  cluster.join(1, "a", 2);
  cluster.add_job(1, 64 * kMiB);
  cluster.add_job(2);
  cluster.submit(0, 1);
  cluster.submit(5, 2);
  cluster.run();
  cluster.told();
  answer_half(cluster, 2 * kMiB);
  cluster.coordinator.remove_job(1, cluster.now);
  cluster.run();
  fail_unless_equals_text(cluster.worker(1).saw, "welcomed, cancelled");
  fail_unless_equals_text(cluster.leased(1), "5");
  cluster.answer(1);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "done 2/5 a");
  cluster.coordinator.delivered(2, 5, cluster.now);
  fail_unless_equals_uint64(cluster.coordinator.bytes_held(2), 0);
}
GST_END_TEST

// Each job has room of its own.
GST_START_TEST(test_jobs_count_what_arrives_apart) {
  Cluster cluster;
  cluster.join(1, "a", 2);
  cluster.add_job(1, 64 * kMiB);
  cluster.add_job(2, 64 * kMiB);
  cluster.submit(0, 1);
  cluster.submit(0, 2);
  cluster.run();
  const std::uint64_t segment = cluster.coordinator.bytes_held(2);
  answer_half(cluster, 2 * kMiB);
  fail_unless_equals_uint64(cluster.coordinator.bytes_held(2), segment);
  cluster.answer(1, kMiB);
  cluster.run();
  for (JobId job : {1u, 2u}) {
    fail_unless(cluster.coordinator.bytes_held(job) > 4 * kMiB);
    cluster.coordinator.delivered(job, 0, cluster.now);
    fail_unless_equals_uint64(cluster.coordinator.bytes_held(job), 0);
  }
}
GST_END_TEST

// Everybody waits for the earliest segment, so an idle worker makes it too.
GST_START_TEST(test_jobs_that_are_blocked_hedge_their_earliest_segment) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job();
  // Most take a second, some take four.
  for (std::uint64_t index = 0; index < 6; ++index) {
    cluster.submit(index);
    cluster.run();
    cluster.now += (index < 4 ? 1 : 4) * kSeconds;
    cluster.answer(1);
    cluster.run();
  }
  cluster.submit(6);
  cluster.join(2, "b");
  cluster.told();
  cluster.run_until(cluster.now + 2 * kSeconds);
  fail_unless_equals_text(cluster.told(), "");
  cluster.coordinator.set_blocked(1, true, cluster.now);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "hedged 1/6 b");
  fail_unless_equals_text(cluster.leased(1) + cluster.leased(2), "66");
}
GST_END_TEST

// Its only worker says for ever that it goes on.
GST_START_TEST(test_jobs_that_stand_still_end) {
  Cluster cluster;
  cluster.coordinator.add_job(1, {.stall_timeout = 600 * kSeconds}, cluster.now);
  cluster.submit(0);
  // Nobody is there: it waits.
  cluster.run_until(2000 * kSeconds);
  cluster.join(1, "pretender");
  cluster.told();
  const Instant began = cluster.now;
  std::string told;
  for (std::uint32_t frames = 1; frames < 200 && !contains(told, "over"); ++frames) {
    for (const auto& lease : cluster.worker(1).leases)
      cluster.worker(1).session.progress(lease.lease, 1, frames);
    cluster.run_until(cluster.now + 10 * kSeconds);
    told += cluster.told();
  }
  fail_unless_equals_text(told,
                          "stalled: segment 0; leased to pretender"
                          "over, stalled: segment 0; leased to pretender");
  fail_unless_equals_uint64((cluster.now - began) / kSeconds, 600);
}
GST_END_TEST

// Workers that come and go between take no more of it than the time without them.
GST_START_TEST(test_jobs_that_stand_still_end_whoever_comes_and_goes) {
  Cluster cluster;
  // Those that are gone are failed attempts too.
  cluster.coordinator.add_job(1, {.max_attempts = 1000, .stall_timeout = 600 * kSeconds},
                              cluster.now);
  cluster.submit(0);
  const Instant began = cluster.now;
  bool over = false;
  for (WorkerId id = 1; !over && cluster.now < began + 2000 * kSeconds; ++id) {
    cluster.join(id, "pretender");
    cluster.run_until(cluster.now + 10 * kSeconds);
    cluster.disconnect(id, "gone");
    cluster.run_until(cluster.now + 5 * kSeconds);
    over = contains(cluster.told(), "over, stalled: segment 0");
  }
  fail_unless(over);
  fail_unless_equals_uint64((cluster.now - began) / kSeconds, 900);
}
GST_END_TEST

// Whatever is done begins the time anew; and what cannot be done, for want of room, takes none.
GST_START_TEST(test_jobs_that_move_do_not_end) {
  Cluster cluster;
  cluster.coordinator.add_job(1, {.max_bytes = 4000, .stall_timeout = 100 * kSeconds}, cluster.now);
  cluster.submit(0, 1, 250);
  cluster.submit(1, 1, 250);
  cluster.join(1, "a");
  cluster.run_until(cluster.now + 14 * kSeconds);
  cluster.answer(1, 900);
  cluster.told();
  cluster.run_until(cluster.now + 1000 * kSeconds);
  fail_if(contains(cluster.told(), "stalled"));
}
GST_END_TEST

static Suite* coordinator_jobs_suite() {
  Suite* suite = suite_create("coordinator_jobs");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_jobs_share_the_workers);
  tcase_add_test(tcase, test_jobs_take_turns);
  tcase_add_test(tcase, test_jobs_let_the_workers_go_when_all_are_done);
  tcase_add_test(tcase, test_jobs_that_are_removed_keep_no_worker);
  tcase_add_test(tcase, test_jobs_cleared_in_mid_result_begin_anew);
  tcase_add_test(tcase, test_jobs_removed_in_mid_result_leave_the_others_alone);
  tcase_add_test(tcase, test_jobs_count_what_arrives_apart);
  tcase_add_test(tcase, test_jobs_that_are_blocked_hedge_their_earliest_segment);
  tcase_add_test(tcase, test_jobs_that_stand_still_end);
  tcase_add_test(tcase, test_jobs_that_stand_still_end_whoever_comes_and_goes);
  tcase_add_test(tcase, test_jobs_that_move_do_not_end);
  return suite;
}

GST_CHECK_MAIN(coordinator_jobs)
