// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What observers are told, and that it changes nothing.
#include "gst/lease/coordinator.h"

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Instant kSeconds = 1'000 * kMillisecond;
constexpr WorkerId kObserver = 50;

FarmStatus ask(Cluster& cluster) {
  cluster.worker(kObserver).session.ask_status();
  cluster.run();
  return cluster.worker(kObserver).status;
}

}  // namespace

GST_START_TEST(test_status_counts_what_happened) {
  Cluster cluster;
  cluster.join(1, "a", 2);
  cluster.now += 5 * kSeconds;
  cluster.join(2, "b");
  cluster.join(kObserver, "observer", 0);
  cluster.add_job();
  for (std::uint64_t index = 0; index < 6; ++index)
    cluster.submit(index);
  cluster.run();
  cluster.now += 2 * kSeconds;
  cluster.answer(1);
  cluster.run();
  cluster.refuse(2, "stuck");
  cluster.run();
  cluster.now += 1 * kSeconds;

  const FarmStatus status = ask(cluster);
  fail_unless_equals_uint64(status.jobs.size(), 1);
  const FarmStatus::JobStatus& job = status.jobs[0];
  fail_unless_equals_uint64(job.id, 1);
  fail_if(job.finished);
  fail_unless_equals_uint64(job.elapsed, 3 * kSeconds);
  fail_unless_equals_uint64(job.done, 1);
  fail_unless_equals_uint64(job.leased, 3);
  fail_unless_equals_uint64(job.queued, 2);
  fail_unless_equals_uint64(job.frames, 4);
  fail_unless_equals_uint64(job.failures, 1);
  fail_unless_equals_uint64(job.hedges, 0);

  fail_unless_equals_uint64(status.all_workers, 2);
  fail_unless_equals_uint64(status.workers.size(), 2);
  const FarmStatus::WorkerStatus& a = status.workers[0];
  fail_unless_equals_text(a.name, "a");
  fail_unless_equals_text(a.address, "10.0.0.1");
  fail_unless_equals_uint64(a.capacity, 2);
  fail_unless_equals_uint64(a.connected, 8 * kSeconds);
  fail_unless_equals_uint64(a.working, 3 * kSeconds);
  fail_unless_equals_uint64(a.results, 1);
  fail_unless_equals_uint64(a.frames, 4);
  fail_unless_equals_uint64(a.failures, 0);
  fail_unless_equals_uint64(a.leases.size(), 2);
  fail_unless_equals_uint64(a.leases[0].age, 3 * kSeconds);
  fail_unless_equals_uint64(a.leases[1].age, 1 * kSeconds);
  const FarmStatus::WorkerStatus& b = status.workers[1];
  fail_unless_equals_uint64(b.connected, 3 * kSeconds);
  fail_unless_equals_uint64(b.results, 0);
  fail_unless_equals_uint64(b.failures, 1);

  fail_unless_equals_uint64(status.failures.size(), 1);
  fail_unless_equals_text(status.failures[0].worker, "b");
  fail_unless_equals_text(status.failures[0].reason, "stuck");
  fail_unless_equals_uint64(status.failures[0].age, 1 * kSeconds);
}
GST_END_TEST

GST_START_TEST(test_status_tells_suspended_workers) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.join(kObserver, "observer", 0);
  cluster.add_job(1, 1u << 20, 100);
  cluster.submit(0);
  cluster.run();
  for (int i = 0; i < 3; ++i) {
    cluster.refuse(1, "stuck");
    cluster.run();
  }
  cluster.now += 400 * kMillisecond;
  fail_unless_equals_uint64(ask(cluster).workers[0].suspended, 600 * kMillisecond);
  cluster.run_until(cluster.now + 1 * kSeconds);
  fail_unless_equals_uint64(ask(cluster).workers[0].suspended, 0);
}
GST_END_TEST

// It is leased nothing, nobody waits for it, nobody is told that it comes and goes, and who waits
// for workers waits on.
GST_START_TEST(test_status_changes_nothing) {
  Cluster cluster;
  cluster.join(kObserver, "observer", 0);
  cluster.add_job();
  cluster.submit(0);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "waiting 1: 1");
  fail_unless_equals_uint64(cluster.coordinator.dispatcher().workers(), 0);
  const FarmStatus status = ask(cluster);
  fail_unless_equals_uint64(status.all_workers, 0);
  fail_unless_equals_uint64(status.jobs[0].queued, 1);
  cluster.run_until(60 * kSeconds);
  fail_unless_equals_text(cluster.told(), "");
  fail_unless(cluster.worker(kObserver).leases.empty());
  cluster.worker(kObserver).session.leave();
  cluster.run();
  fail_unless_equals_text(cluster.told(), "");
  cluster.join(kObserver + 1, "another", 0);
  cluster.disconnect(kObserver + 1);
  fail_unless_equals_text(cluster.told(), "");
  cluster.join(1, "a");
  cluster.answer(1);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "joined a, done 1/0 a");
}
GST_END_TEST

GST_START_TEST(test_status_ends_with_the_job) {
  Cluster cluster;
  cluster.add_job();
  Cluster::Worker& early = cluster.join(kObserver, "observer", 0);
  cluster.coordinator.finish_job(1);
  cluster.run();
  fail_unless_equals_text(early.saw, "welcomed, done: the job is done");
  fail_unless_equals_text(cluster.join(kObserver + 1, "late", 0).saw,
                          "welcomed, done: the job is done");
  fail_unless(ask(cluster).jobs[0].finished);
}
GST_END_TEST

GST_START_TEST(test_status_counts_connections_of_observers) {
  Coordinator::Config config;
  config.door.max_per_address = 2;
  Cluster cluster(config);
  for (WorkerId id = 1; id <= 3; ++id)
    cluster.join(id, "observer", 0);
  fail_unless_equals_text(cluster.told(),
                          "refused 10.0.0.1: more than 2 connections from this address");
}
GST_END_TEST

GST_START_TEST(test_status_lists_so_many_workers_and_counts_all) {
  constexpr std::size_t kMore = FarmStatus::kMaxWorkers + 3;
  Coordinator::Config config;
  config.door.max_per_address = kMore + 1;
  Coordinator coordinator(config);
  std::vector<std::unique_ptr<PrimarySession>> ports;
  const PrimarySession::Config session;
  for (WorkerId id = 1; id <= kMore; ++id) {
    ports.push_back(std::make_unique<PrimarySession>(session, wire::Nonce{}, 0));
    coordinator.join(id, "w" + std::to_string(id), "somewhere", 1, *ports.back(), 0);
  }
  const FarmStatus status = coordinator.status(0);
  fail_unless_equals_uint64(status.workers.size(), FarmStatus::kMaxWorkers);
  fail_unless_equals_uint64(status.all_workers, kMore);
  fail_unless_equals_text(status.workers.front().name, "w1");
  fail_unless_equals_text(status.workers.front().address, "somewhere");
}
GST_END_TEST

static Suite* coordinator_status_suite() {
  Suite* suite = suite_create("coordinator_status");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_status_counts_what_happened);
  tcase_add_test(tcase, test_status_tells_suspended_workers);
  tcase_add_test(tcase, test_status_changes_nothing);
  tcase_add_test(tcase, test_status_ends_with_the_job);
  tcase_add_test(tcase, test_status_counts_connections_of_observers);
  tcase_add_test(tcase, test_status_lists_so_many_workers_and_counts_all);
  return suite;
}

GST_CHECK_MAIN(coordinator_status)
