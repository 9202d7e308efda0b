// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who may join, and what becomes of the leases of who goes.
#include "gst/lease/coordinator.h"

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Instant kSeconds = 1'000 * kMillisecond;

}  // namespace

GST_START_TEST(test_coordinator_workers_join_and_leave) {
  Cluster cluster;
  cluster.join(1, "a");
  Cluster::Worker& b = cluster.join(2, "b");
  fail_unless_equals_text(cluster.told(), "joined a, joined b");
  fail_unless_equals_uint64(cluster.coordinator.dispatcher().workers(), 2);
  b.session.leave();
  cluster.run();
  fail_unless_equals_text(cluster.told(), "gone b: left");
  cluster.disconnect(1);
  fail_unless_equals_text(cluster.told(), "gone a: connection lost: reset");
  fail_unless_equals_uint64(cluster.coordinator.dispatcher().workers(), 0);
}
GST_END_TEST

GST_START_TEST(test_coordinator_encodes_a_segment) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job();
  cluster.submit(0);
  cluster.run();
  cluster.told();
  cluster.now += 3 * kSeconds;
  cluster.answer(1);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "done 1/0 a");
  const SegmentDone& done = cluster.done.at(0);
  fail_unless_equals_uint64(done.duration, 3 * kSeconds);
  fail_unless_equals_uint64(done.renditions.size(), 1);
  fail_unless(*done.renditions[0].header == answer_header(source_header(0)));
  fail_unless_equals_hex(to_data(done.renditions[0].segment),
                         to_data(with_payload(answer_header(source_header(0)))));
}
GST_END_TEST

GST_START_TEST(test_coordinator_leases_of_a_lost_worker_go_elsewhere) {
  for (const bool in_good_order : {true, false}) {
    Cluster cluster;
    Cluster::Worker& a = cluster.join(1, "a", 2);
    cluster.add_job();
    cluster.submit(0);
    cluster.submit(1);
    cluster.run();
    fail_unless_equals_text(cluster.leased(1), "0 1");
    cluster.join(2, "b", 2);
    cluster.told();
    if (in_good_order)
      a.session.leave();
    else
      cluster.disconnect(1);
    cluster.run();
    const std::string reason = in_good_order ? "left" : "connection lost: reset";
    fail_unless_equals_text(cluster.told(), "failed 1/0 a: " + reason + ", failed 1/1 a: " +
                                                reason + ", gone a: " + reason);
    // It was idle, so it had begun with what waited behind another lease.
    fail_unless_equals_text(cluster.leased(2), "1 0");
  }
}
GST_END_TEST

GST_START_TEST(test_coordinator_takes_back_what_a_retiring_worker_has_not_begun) {
  Cluster cluster;
  Cluster::Worker& a = cluster.join(1, "a", 2);
  cluster.add_job();
  for (std::uint64_t i = 0; i < 3; ++i)
    cluster.submit(i);
  cluster.run();
  fail_unless_equals_text(cluster.leased(1), "0 1");
  cluster.join(2, "b", 2);
  cluster.told();
  a.session.retire(a.leases.front().lease);
  cluster.run();
  // Nothing has failed, and nothing new comes.
  fail_unless_equals_text(cluster.told(), "");
  fail_unless_equals_text(cluster.leased(1), "0");
  fail_unless_equals_text(cluster.leased(2), "2 1");
  cluster.submit(3);
  cluster.answer(1);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "done 1/0 a, gone a: left");
  for (int i = 0; i < 3; ++i) {
    cluster.answer(2);
    cluster.run();
  }
  fail_unless_equals_text(cluster.told(), "done 1/2 b, done 1/1 b, done 1/3 b");
}
GST_END_TEST

GST_START_TEST(test_coordinator_tells_late_workers_that_the_job_is_done) {
  Cluster cluster;
  Cluster::Worker& a = cluster.join(1, "a");
  cluster.add_job();
  cluster.coordinator.finish_job(1);
  cluster.run();
  fail_unless_equals_text(a.saw, "welcomed, done: the job is done");
  fail_unless_equals_text(cluster.join(2, "b").saw, "welcomed, done: the job is done");
  // They are not missed.
  cluster.disconnect(1);
  fail_unless_equals_text(cluster.told(), "joined a, joined b, gone a: left");
}
GST_END_TEST

GST_START_TEST(test_coordinator_goodbye_reaches_all) {
  Cluster cluster;
  Cluster::Worker& a = cluster.join(1, "a");
  Cluster::Worker& b = cluster.join(2, "b");
  cluster.coordinator.say_goodbye("stopped");
  cluster.run();
  fail_unless_equals_text(a.saw, "welcomed, done: stopped");
  fail_unless_equals_text(b.saw, "welcomed, done: stopped");
}
GST_END_TEST

GST_START_TEST(test_coordinator_limits_connections_from_an_address) {
  Coordinator::Config config;
  config.door.max_per_address = 2;
  Cluster cluster(config);
  cluster.join(1, "a");
  cluster.join(2, "b");
  cluster.join(3, "c");
  fail_unless_equals_text(
      cluster.told(),
      "joined a, joined b, refused 10.0.0.1: more than 2 connections from this address");
  cluster.connect(4, "d", 1, "10.0.0.2");
  cluster.disconnect(1);
  cluster.join(5, "e");
  fail_unless_equals_text(cluster.told(), "gone a: connection lost: reset, joined d, joined e");
}
GST_END_TEST

GST_START_TEST(test_coordinator_flood_of_strangers_ends_the_oldest) {
  Coordinator::Config config;
  config.door.max_greeting = 3;
  Cluster cluster(config);
  for (WorkerId id = 1; id <= 3; ++id)
    cluster.connect_stranger(id);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "");
  // Strangers come all the time, and yet this one gets in.
  cluster.connect(4, "honest");
  cluster.connect_stranger(5);
  while (cluster.to_coordinator(4) || cluster.to_worker(4)) {
  }
  cluster.connect_stranger(6);
  cluster.connect_stranger(7);
  cluster.run();
  constexpr char kRefused[] = "refused 10.0.0.66: too many connections that do not greet";
  fail_unless_equals_text(cluster.told(), std::string("joined honest, ") + kRefused + ", " +
                                              kRefused + ", " + kRefused);
  fail_unless_equals_text(cluster.worker(4).saw, "welcomed");
}
GST_END_TEST

// Strangers from one address do not keep out who comes from another, however slow to greet.
GST_START_TEST(test_coordinator_flood_ends_only_greetings_of_its_address) {
  Coordinator::Config config;
  config.door.max_greeting = 3;
  Cluster cluster(config);
  cluster.connect(1, "honest", 1, "10.0.0.1:5000");
  for (WorkerId id = 2; id <= 6; ++id)
    cluster.connect_stranger(id, "10.0.0.66:" + std::to_string(5000 + id));
  cluster.run();
  constexpr char kReason[] = ": too many connections that do not greet";
  fail_unless_equals_text(
      cluster.told(), std::string("refused 10.0.0.66:5002") + kReason + ", refused 10.0.0.66:5003" +
                          kReason + ", refused 10.0.0.66:5004" + kReason + ", joined honest");
  fail_unless_equals_text(cluster.worker(1).saw, "welcomed");
}
GST_END_TEST

GST_START_TEST(test_coordinator_strangers_have_ten_seconds) {
  Cluster cluster;
  cluster.connect_stranger(1);
  cluster.run_until(10 * kSeconds - 1);
  fail_unless_equals_text(cluster.told(), "");
  cluster.run_until(10 * kSeconds);
  fail_unless_equals_text(cluster.told(), "refused 10.0.0.66: no greeting within 10 s");
}
GST_END_TEST

GST_START_TEST(test_coordinator_tells_few_refusals) {
  Cluster cluster;
  cluster.now = 100 * kSeconds;
  auto knock = [&, id = WorkerId{0}](int times) mutable {
    for (int i = 0; i < times; ++i) {
      cluster.connect_stranger(++id);
      cluster.disconnect(id, "hung up");
    }
  };
  constexpr char kFive[] =
      "refused 10.0.0.66: hung up, refused 10.0.0.66: hung up, refused 10.0.0.66: hung up, "
      "refused 10.0.0.66: hung up, refused 10.0.0.66: hung up";
  knock(12);
  fail_unless_equals_text(cluster.told(), kFive);
  cluster.now += kSeconds - 1;
  knock(1);
  fail_unless_equals_text(cluster.told(), "");
  cluster.now += 1;
  knock(2);
  fail_unless_equals_text(cluster.told(),
                          "refused 10.0.0.66: hung up and 8, refused 10.0.0.66: hung up");
}
GST_END_TEST

GST_START_TEST(test_coordinator_wrong_secret_is_told_to_both) {
  Coordinator::Config config;
  config.secret = "film";
  Cluster cluster(config);
  cluster.join(1, "a");
  cluster.connect_stranger(2);
  cluster.coordinator.received(2, encoded({wire::Hello{}, wire::Proof{}}), cluster.now);
  const Data answer = to_data(cluster.coordinator.link(2).next_output());
  fail_unless_equals_hex(answer, encoded({wire::Challenge{1, true, some_nonce(2)}}));
  fail_unless_equals_hex(to_data(cluster.coordinator.link(2).next_output()),
                         encoded({wire::Refuse{1, 1, "the secret is wrong"}}));
  cluster.run();
  fail_unless_equals_text(cluster.told(), "joined a, refused 10.0.0.66: the secret is wrong");
}
GST_END_TEST

GST_START_TEST(test_coordinator_who_guesses_is_not_heard_for_a_while) {
  Coordinator::Config config;
  config.secret = "film";
  config.door.max_guesses = 1;
  Cluster cluster(config);
  cluster.connect_stranger(1);
  cluster.coordinator.received(1, encoded({wire::Hello{}, wire::Proof{}}), cluster.now);
  cluster.run();
  cluster.connect_stranger(2);
  cluster.run();
  fail_unless_equals_text(cluster.told(),
                          "refused 10.0.0.66: the secret is wrong, refused 10.0.0.66: too many "
                          "wrong secrets from this address; it may come again later");
}
GST_END_TEST

GST_START_TEST(test_coordinator_closes_on_garbage_and_listens_no_more) {
  Cluster cluster;
  Cluster::Worker& a = cluster.join(1, "a");
  cluster.add_job();
  cluster.submit(0);
  cluster.run();
  cluster.told();
  const Bytes bytes = Bytes::take({1});
  cluster.coordinator.received(1, encoded({wire::Data{1, bytes.span()}}), cluster.now);
  const auto closing = cluster.take_closing();
  fail_unless_equals_uint64(closing.size(), 1);
  fail_unless_equals_text(cluster.told(),
                          "failed 1/0 a: data for lease 1: not announced, "
                          "waiting 1: 1");
  // Were this read it would have left in good order.
  a.session.leave();
  fail_unless(cluster.to_coordinator(1));
  fail_unless_equals_text(cluster.told(), "");
  cluster.disconnect(1, closing[0].reason);
  fail_unless_equals_text(cluster.told(),
                          "gone a: connection lost: data for lease 1: not announced");
}
GST_END_TEST

GST_START_TEST(test_coordinator_silent_worker_is_lost) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job();
  cluster.submit(0);
  cluster.run();
  cluster.told();
  // Its host lost power.
  cluster.worker(1).stuck = true;
  for (Instant second = 1; second <= 14; ++second) {
    cluster.now = second * kSeconds;
    cluster.coordinator.advance(cluster.now);
  }
  fail_unless_equals_text(cluster.told(), "");
  cluster.join(2, "b");
  cluster.told();
  cluster.now = 15 * kSeconds;
  cluster.coordinator.advance(cluster.now);
  cluster.run();
  fail_unless_equals_text(cluster.told(),
                          "failed 1/0 a: nothing heard for 15 s, gone a: connection lost: nothing "
                          "heard for 15 s");
  fail_unless_equals_text(cluster.leased(2), "0");
}
GST_END_TEST

GST_START_TEST(test_coordinator_says_once_that_it_waits_for_workers) {
  Cluster cluster;
  cluster.add_job();
  fail_unless_equals_text(cluster.told(), "");
  cluster.submit(0);
  cluster.submit(1);
  fail_unless_equals_text(cluster.told(), "waiting 1: 1");
  cluster.join(1, "a");
  cluster.told();
  cluster.disconnect(1);
  fail_unless_equals_text(cluster.told(),
                          "failed 1/0 a: connection lost: reset, gone a: connection lost: reset, "
                          "waiting 1: 2");
}
GST_END_TEST

GST_START_TEST(test_coordinator_is_quiet_when_nothing_happens) {
  Cluster cluster;
  fail_unless_equals_uint64(cluster.next_wakeup(), kNever);
  cluster.join(1, "a");
  cluster.add_job();
  cluster.told();
  cluster.run_until(3600 * kSeconds);
  fail_unless_equals_text(cluster.told(), "");
  cluster.disconnect(1);
  fail_unless_equals_uint64(cluster.next_wakeup(), kNever);
}
GST_END_TEST

static Suite* coordinator_suite() {
  Suite* suite = suite_create("coordinator");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_coordinator_workers_join_and_leave);
  tcase_add_test(tcase, test_coordinator_encodes_a_segment);
  tcase_add_test(tcase, test_coordinator_leases_of_a_lost_worker_go_elsewhere);
  tcase_add_test(tcase, test_coordinator_takes_back_what_a_retiring_worker_has_not_begun);
  tcase_add_test(tcase, test_coordinator_tells_late_workers_that_the_job_is_done);
  tcase_add_test(tcase, test_coordinator_goodbye_reaches_all);
  tcase_add_test(tcase, test_coordinator_limits_connections_from_an_address);
  tcase_add_test(tcase, test_coordinator_flood_of_strangers_ends_the_oldest);
  tcase_add_test(tcase, test_coordinator_flood_ends_only_greetings_of_its_address);
  tcase_add_test(tcase, test_coordinator_strangers_have_ten_seconds);
  tcase_add_test(tcase, test_coordinator_tells_few_refusals);
  tcase_add_test(tcase, test_coordinator_wrong_secret_is_told_to_both);
  tcase_add_test(tcase, test_coordinator_who_guesses_is_not_heard_for_a_while);
  tcase_add_test(tcase, test_coordinator_closes_on_garbage_and_listens_no_more);
  tcase_add_test(tcase, test_coordinator_silent_worker_is_lost);
  tcase_add_test(tcase, test_coordinator_says_once_that_it_waits_for_workers);
  tcase_add_test(tcase, test_coordinator_is_quiet_when_nothing_happens);
  return suite;
}

GST_CHECK_MAIN(coordinator)
