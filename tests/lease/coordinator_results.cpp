// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What comes back: whether it is right, whether there is room, and when it does not come.
#include "gst/lease/coordinator.h"

#include <set>

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Instant kSeconds = 1'000 * kMillisecond;
constexpr std::uint64_t kMiB = 1u << 20;

// So large that a result of one frame size comes in several chunks.
constexpr std::uint64_t kLarge = kMiB;

// Worker 1, "a", holds segment 0 of job 1, and nothing is left to be told.
struct OneLease : Cluster {
  OneLease() {
    join(1, "a");
    add_job();
    submit(0);
    run();
    told();
  }
};

SegmentHeader without_first(SegmentHeader header) {
  header.units.erase(header.units.begin());
  header.units.front().flags = 0;
  return header;
}

// Carries messages from the worker until so many bytes of results have arrived for the job.
void receive_until(Cluster& cluster, WorkerId id, std::uint64_t bytes) {
  const std::uint64_t before = cluster.coordinator.bytes_held(1);
  while (cluster.coordinator.bytes_held(1) < before + bytes)
    fail_unless(cluster.to_coordinator(id), "the worker has no more to say");
}

}  // namespace

GST_START_TEST(test_results_that_are_wrong_are_refused) {
  const SegmentHeader source = source_header(0);
  const SegmentHeader right = answer_header(source);
  Bytes damaged = Bytes::take(Data(200, 0x55));
  const struct {
    const char* error;
    std::vector<BytesList> renditions;
  } rows[] = {
      {"rendition 'hd': answers segment 1", {with_payload(answer_header(source_header(1)))}},
      {"rendition 'hd': 3 frames instead of 4", {with_payload(without_first(right))}},
      {"the result is no segment: ", {{damaged}}},
      {"the result is no segment: ", {{}}},
      {"the result is no segment: ", {{serialize(right)}}},
      {"an answer without the name", {with_payload(source)}},
      {"rendition 'hd' comes twice", {with_payload(right), with_payload(right)}},
  };
  for (const auto& row : rows) {
    OneLease cluster;
    cluster.answer(1, row.renditions);
    cluster.run();
    const std::string told = cluster.told();
    fail_unless(contains(told, std::string("failed 1/0 a: ") + row.error), "'%s' is not '%s'",
                told.c_str(), row.error);
    // There is no other, so it may try again.
    fail_unless_equals_text(cluster.leased(1), "0");
    fail_unless_equals_uint64(cluster.coordinator.bytes_held(1), total_size(with_payload(source)));
    cluster.answer(1);
    cluster.run();
    fail_unless_equals_text(cluster.told(), "done 1/0 a");
  }
}
GST_END_TEST

// A decoder that comes from before may know what one that starts with the segment has to guess. If
// it does not, that is how the film is.
GST_START_TEST(test_damaged_results_are_tried_again_with_what_lies_before) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job();
  for (std::uint64_t i = 0; i < 2; ++i) {
    auto header = std::make_shared<SegmentHeader>(source_header(i));
    header->first_unit = 4 * i;
    const BytesList segment = with_payload(*header);
    cluster.coordinator.submit(1, header, segment, sha256(segment), cluster.now);
  }
  cluster.run();
  cluster.answer(1);
  cluster.run();
  cluster.told();
  fail_unless_equals_uint64(cluster.leased_header(1).units.size(), 4);
  const auto answer_damaged = [&] {
    SegmentHeader answer = answer_header(source_header(1));
    answer.units[2].flags |= kFlagCorrupted;
    cluster.answer(1, {with_payload(answer)});
    cluster.run();
    return cluster.told();
  };
  const std::string told = answer_damaged();
  fail_unless(contains(told, "failed 1/1 a: damaged; it is decoded again"), "%s", told.c_str());
  const SegmentHeader again = cluster.leased_header(1);
  fail_unless_equals_uint64(again.first_unit, 0);
  fail_unless_equals_uint64(again.units.size(), 8);
  fail_unless(again.presentation_times() == source_header(1).presentation_times());
  fail_unless_equals_text(answer_damaged(), "done 1/1 a");
}
GST_END_TEST

GST_START_TEST(test_results_have_the_same_renditions) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job();
  const auto answer = [&](std::uint64_t index, const std::string& first, const std::string& second,
                          const std::string& caps) {
    cluster.submit(index);
    cluster.run();
    SegmentHeader a = answer_header(source_header(index), first);
    SegmentHeader b = answer_header(source_header(index), second);
    if (!caps.empty())
      a.caps = caps;
    cluster.told();
    cluster.answer(1, {with_payload(a), with_payload(b)});
    cluster.run();
    return cluster.told();
  };
  fail_unless_equals_text(answer(0, "hd", "sd", ""), "done 1/0 a");
  // In whatever order they come.
  fail_unless_equals_text(answer(1, "sd", "hd", ""), "done 1/1 a");
  // One in place of the other.
  const std::string told = answer(2, "hd", "sd", "video/x-h264, rendition=sd");
  fail_unless(contains(told, "failed 1/2 a: rendition 'hd': caps"), "%s", told.c_str());
}
GST_END_TEST

GST_START_TEST(test_results_damaged_on_the_way_are_refused) {
  OneLease cluster;
  cluster.answer(1);
  WorkerSession& session = cluster.worker(1).session;
  while (session.has_output()) {
    Data message = to_data(session.next_output());
    message.back() ^= 1;
    if (message[0] == 5)  // The digest, rather than the bytes.
      message.back() ^= 1;
    cluster.coordinator.received(1, message, cluster.now);
  }
  fail_unless_equals_text(cluster.told(), "failed 1/0 a: the result was damaged on its way");
  cluster.run();
  fail_unless_equals_text(cluster.leased(1), "0");
}
GST_END_TEST

GST_START_TEST(test_results_that_a_job_cannot_get_give_its_segment_up) {
  OneLease cluster;
  std::string told;
  for (int i = 0; i < 3; ++i) {
    cluster.run_until(cluster.now + 10 * kSeconds);
    cluster.refuse(1, "no encoder");
    cluster.run();
    told = cluster.told();
  }
  fail_unless(
      contains(told, "failed 1/0 a: no encoder, given up 1/0 a: segment 0: given up after 3"), "%s",
      told.c_str());
  fail_unless(contains(told, "suspended a"), "%s", told.c_str());
  fail_unless_equals_uint64(cluster.coordinator.dispatcher().open_segments(1), 0);
}
GST_END_TEST

// Their worker is gone by then, and whoever comes in time makes it.
GST_START_TEST(test_results_that_workers_fail_and_leave_are_awaited_for_a_while) {
  for (const bool comes : {false, true}) {
    Cluster cluster;
    cluster.add_job(1, 1u << 20, 1);
    cluster.join(1, "a");
    cluster.join(2, "b");
    cluster.submit(0);
    cluster.run();
    for (WorkerId id : {1, 2}) {
      cluster.refuse(id, "no encoder");
      cluster.run();
    }
    cluster.disconnect(1);
    const std::string told = cluster.told();
    fail_if(contains(told, "given up"), "%s", told.c_str());
    if (comes) {
      cluster.join(3, "c");
      fail_unless_equals_text(cluster.leased(3), "0");
      cluster.answer(3);
      cluster.run();
    }
    cluster.run_until(cluster.now + 11 * kSeconds);
    const std::string end = cluster.told();
    fail_unless(contains(end, comes ? "done 1/0 c" : "given up 1/0 b: segment 0"), "%s",
                end.c_str());
    fail_unless(contains(end, "given up") == !comes);
  }
}
GST_END_TEST

GST_START_TEST(test_results_count_as_they_arrive) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job(1, 64 * kMiB);
  cluster.submit(0);
  cluster.run();
  const std::uint64_t before = cluster.coordinator.bytes_held(1);
  cluster.answer(1, kLarge);
  fail_unless(cluster.to_coordinator(1));
  fail_unless_equals_uint64(cluster.coordinator.bytes_held(1), before);
  for (std::uint64_t chunks = 1; chunks <= 4; ++chunks) {
    fail_unless(cluster.to_coordinator(1));
    fail_unless_equals_uint64(cluster.coordinator.bytes_held(1), before + chunks * kMiB);
  }
}
GST_END_TEST

// Room for little more than a result: the earliest always comes through, the others wait.
GST_START_TEST(test_results_without_room_are_cancelled) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.join(2, "b");
  cluster.add_job(1, 5 * kMiB);
  cluster.submit(0);
  cluster.submit(1);
  cluster.run();
  cluster.told();
  const WorkerId first = cluster.leased(1) == "0" ? 1 : 2;
  const WorkerId second = 3 - first;
  cluster.answer(first, kLarge);
  cluster.answer(second, kLarge);
  receive_until(cluster, first, 3 * kMiB);
  receive_until(cluster, second, kMiB);
  fail_unless(cluster.to_coordinator(second));
  fail_unless(cluster.to_coordinator(second));
  // The second is cancelled, and nothing is left of it.
  fail_unless(cluster.coordinator.bytes_held(1) < 4 * kMiB);
  cluster.run();
  const std::string name = first == 1 ? "a" : "b";
  fail_unless_equals_text(cluster.told(), "done 1/0 " + name);
  fail_unless_equals_text(cluster.worker(second).saw, "welcomed, cancelled");
  // It is leased again when there is room for its result.
  cluster.coordinator.delivered(1, 0, cluster.now);
  cluster.run();
  fail_unless(cluster.leased(1) + cluster.leased(2) == "1");
}
GST_END_TEST

// Two copies of the earliest segment arrive at a time, and both are larger than the limit.
GST_START_TEST(test_results_go_beyond_the_limit_one_at_a_time) {
  Cluster cluster;
  constexpr std::uint64_t kMost = 5 * kMiB;
  constexpr std::uint64_t kResult = 17 * kMiB;
  cluster.add_job(1, kMost);
  cluster.join(1, "a");
  // Most take a second, some take four, so that one of two is late after two.
  for (std::uint64_t index = 0; index < 6; ++index) {
    cluster.submit(index);
    cluster.run();
    cluster.now += (index < 4 ? 1 : 4) * kSeconds;
    cluster.answer(1);
    cluster.run();
    cluster.coordinator.delivered(1, index, cluster.now);
  }
  cluster.join(2, "b");
  // The second time shows that the first exemption is over.
  for (std::uint64_t index = 6; index < 8; ++index) {
    cluster.submit(index);
    cluster.run();
    cluster.run_until(cluster.now + 2 * kSeconds);
    cluster.coordinator.set_blocked(1, true, cluster.now);
    cluster.run();
    const std::string segment = std::to_string(index);
    fail_unless_equals_text(cluster.leased(1) + cluster.leased(2), segment + segment);
    cluster.told();
    cluster.answer(1, 4 * kMiB);
    cluster.answer(2, 4 * kMiB);
    bool moved = true;
    while (moved) {
      moved = cluster.to_coordinator(1);
      moved = cluster.to_coordinator(2) || moved;
      fail_unless(cluster.coordinator.bytes_held(1) <= kMost + kResult);
    }
    cluster.run();
    const std::string told = cluster.told();
    fail_unless(contains(told, "done 1/" + segment), "%s", told.c_str());
    fail_if(contains(told, "failed"), "%s", told.c_str());
    cluster.coordinator.delivered(1, index, cluster.now);
    cluster.coordinator.set_blocked(1, false, cluster.now);
  }
}
GST_END_TEST

// Also those that come in one piece, of which nothing was known before they were here.
GST_START_TEST(test_results_take_no_more_than_allowed) {
  Cluster cluster;
  for (WorkerId id = 1; id <= 20; ++id)
    cluster.join(id, "w" + std::to_string(id));
  constexpr std::uint64_t kMost = 100'000;
  constexpr std::uint64_t kResult = 10'500;
  cluster.add_job(1, kMost);
  for (std::uint64_t index = 0; index < 20; ++index)
    cluster.submit(index);
  cluster.run();
  // The earliest comes last.
  WorkerId earliest = 0;
  for (WorkerId id = 1; id <= 20; ++id)
    if (cluster.leased(id) == "0")
      earliest = id;
    else
      cluster.answer(id, 2500);
  fail_if(earliest == 0);
  cluster.run();
  fail_unless(cluster.coordinator.bytes_held(1) <= kMost, "%" G_GUINT64_FORMAT " bytes",
              cluster.coordinator.bytes_held(1));
  // All the same everything gets done, if in turn.
  cluster.answer(earliest, 2500);
  std::set<std::uint64_t> left;
  for (std::uint64_t index = 0; index < 20; ++index)
    left.insert(index);
  for (int rounds = 0; !left.empty() && rounds < 20; ++rounds) {
    cluster.run();
    fail_unless(cluster.coordinator.bytes_held(1) <= kMost + kResult);
    std::set<std::uint64_t> open = left;
    for (const auto& done : cluster.done)
      open.erase(done.grant.segment.index);
    while (!left.empty() && open.count(*left.begin()) == 0) {
      cluster.coordinator.delivered(1, *left.begin(), cluster.now);
      left.erase(left.begin());
    }
    cluster.run();
    for (WorkerId id = 1; id <= 20; ++id)
      if (!cluster.leased(id).empty())
        cluster.answer(id, 2500);
  }
  fail_unless_equals_uint64(cluster.done.size(), 20);
  fail_unless_equals_uint64(cluster.coordinator.bytes_held(1), 0);
}
GST_END_TEST

// Nor are they made again and again meanwhile.
GST_START_TEST(test_results_without_room_are_not_made_again_at_once) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.join(2, "b");
  cluster.add_job(1, 5000);
  cluster.submit(0);
  cluster.submit(1);
  cluster.run();
  const WorkerId first = cluster.leased(1) == "0" ? 1 : 2;
  const WorkerId second = 3 - first;
  cluster.answer(second, 2500);
  cluster.run();
  fail_unless_equals_text(cluster.leased(second), "");
  cluster.answer(first);
  cluster.run();
  fail_unless_equals_uint64(cluster.coordinator.dispatcher().open_segments(1), 1);
  cluster.coordinator.delivered(1, 0, cluster.now);
  cluster.run();
  fail_unless_equals_text(cluster.leased(1) + cluster.leased(2), "1");
}
GST_END_TEST

// What had arrived of a result takes no more room once its lease has failed: segments other than
// the earliest are leased again.
GST_START_TEST(test_results_that_fail_make_room) {
  for (const bool leaves : {true, false}) {
    Cluster cluster;
    cluster.add_job(1, 5 * kMiB);
    for (std::uint64_t index = 0; index < 3; ++index)
      cluster.submit(index);
    // In this order they get 0, 1 and 2.
    for (WorkerId id = 1; id <= 3; ++id)
      cluster.join(id, "w" + std::to_string(id));
    const LeaseId second = cluster.worker(2).leases.front().lease;
    cluster.answer(2, kLarge);
    cluster.answer(3, kLarge);
    receive_until(cluster, 2, 3 * kMiB);
    while (cluster.to_coordinator(3)) {
    }
    // All of that is there of the second, and nothing of the third.
    fail_unless(cluster.coordinator.bytes_held(1) < 4 * kMiB);
    fail_unless(cluster.coordinator.bytes_held(1) >= 3 * kMiB);
    cluster.to_worker(3);
    fail_unless_equals_text(cluster.leased(3), "");
    if (leaves)
      cluster.disconnect(2);
    else
      cluster.worker(2).session.fail(second, "no more");
    cluster.run();
    const std::string leased = (leaves ? "" : cluster.leased(2)) + cluster.leased(3);
    fail_unless(leased == "1" || leased == "2", "%s", leased.c_str());
  }
}
GST_END_TEST

// A worker that sends without end is closed; the job goes on.
GST_START_TEST(test_results_that_are_too_large_end_the_connection) {
  OneLease cluster;
  wire::ResultPart part{cluster.worker(1).leases.at(0).lease, 0, 1, (32 * kMiB) + 1, {}};
  cluster.coordinator.received(1, encoded({part}), cluster.now);
  cluster.run();
  const std::string told = cluster.told();
  fail_unless(contains(told, "failed 1/0 a: result for lease 1: more than 33554432 bytes; raise"),
              "%s", told.c_str());
  fail_unless_equals_text(cluster.join(2, "b").saw, "welcomed");
  fail_unless_equals_text(cluster.leased(2), "0");
}
GST_END_TEST

GST_START_TEST(test_results_of_large_jobs_may_be_large) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job(1, 400 * kMiB);
  cluster.submit(0);
  cluster.run();
  wire::ResultPart part{cluster.worker(1).leases.at(0).lease, 0, 1, 100 * kMiB, {}};
  cluster.coordinator.received(1, encoded({part}), cluster.now);
  fail_unless(cluster.take_closing().empty());
}
GST_END_TEST

GST_START_TEST(test_results_of_a_lost_worker_are_freed) {
  Cluster cluster;
  cluster.join(1, "a");
  cluster.add_job(1, 64 * kMiB);
  cluster.submit(0);
  cluster.run();
  const std::uint64_t before = cluster.coordinator.bytes_held(1);
  for (int round = 0; round < 3; ++round) {
    cluster.answer(1, kLarge);
    receive_until(cluster, 1, 2 * kMiB);
    cluster.disconnect(1);
    fail_unless_equals_uint64(cluster.coordinator.bytes_held(1), before);
    cluster.join(1, "a");
  }
}
GST_END_TEST

GST_START_TEST(test_results_that_never_come_are_made_elsewhere) {
  OneLease cluster;
  cluster.run_until(16 * kSeconds);
  fail_unless_equals_text(cluster.told(), "");
  cluster.run_until(17 * kSeconds);
  const std::string told = cluster.told();
  fail_unless(contains(told, "failed 1/0 a: no sign of progress for 17.0 s, suspended a"), "%s",
              told.c_str());
  fail_unless_equals_text(cluster.worker(1).saw, "welcomed, cancelled");
  cluster.join(2, "b");
  fail_unless_equals_text(cluster.leased(2), "0");
  cluster.answer(2);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "joined b, done 1/0 b");
}
GST_END_TEST

// Slow as it may be.
GST_START_TEST(test_results_of_a_worker_that_makes_progress_are_awaited) {
  OneLease cluster;
  const LeaseId lease = cluster.worker(1).leases.at(0).lease;
  for (std::uint32_t frame = 1; frame <= 20; ++frame) {
    cluster.run_until(cluster.now + 10 * kSeconds);
    cluster.worker(1).session.progress(lease, 4, frame);
    cluster.run();
  }
  cluster.answer(1);
  cluster.run();
  fail_unless_equals_text(cluster.told(), "done 1/0 a");
}
GST_END_TEST

GST_START_TEST(test_results_that_are_late_get_company) {
  Cluster cluster;
  cluster.join(1, "a", 2);
  cluster.add_job();
  cluster.submit(0);
  cluster.submit(1);
  cluster.run();
  cluster.told();
  cluster.join(2, "b");
  fail_unless_equals_text(cluster.told(), "joined b, hedged 1/1 b");
  fail_unless_equals_text(cluster.leased(2), "1");
  cluster.answer(2);
  cluster.run();
  fail_unless_equals_text(cluster.leased(1), "0");
  fail_unless_equals_text(cluster.worker(1).saw, "welcomed, cancelled");
  // An answer that crossed the Cancel is not wanted, and nobody is blamed for it.
  const SegmentHeader late = answer_header(source_header(1));
  cluster.worker(1).session.result(2, {with_payload(late)});
  cluster.run();
  fail_unless_equals_text(cluster.told(), "done 1/1 b");
}
GST_END_TEST

static Suite* coordinator_results_suite() {
  Suite* suite = suite_create("coordinator_results");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_results_that_are_wrong_are_refused);
  tcase_add_test(tcase, test_damaged_results_are_tried_again_with_what_lies_before);
  tcase_add_test(tcase, test_results_have_the_same_renditions);
  tcase_add_test(tcase, test_results_damaged_on_the_way_are_refused);
  tcase_add_test(tcase, test_results_that_a_job_cannot_get_give_its_segment_up);
  tcase_add_test(tcase, test_results_that_workers_fail_and_leave_are_awaited_for_a_while);
  tcase_add_test(tcase, test_results_count_as_they_arrive);
  tcase_add_test(tcase, test_results_without_room_are_cancelled);
  tcase_add_test(tcase, test_results_go_beyond_the_limit_one_at_a_time);
  tcase_add_test(tcase, test_results_take_no_more_than_allowed);
  tcase_add_test(tcase, test_results_without_room_are_not_made_again_at_once);
  tcase_add_test(tcase, test_results_that_fail_make_room);
  tcase_add_test(tcase, test_results_that_are_too_large_end_the_connection);
  tcase_add_test(tcase, test_results_of_large_jobs_may_be_large);
  tcase_add_test(tcase, test_results_of_a_lost_worker_are_freed);
  tcase_add_test(tcase, test_results_that_never_come_are_made_elsewhere);
  tcase_add_test(tcase, test_results_of_a_worker_that_makes_progress_are_awaited);
  tcase_add_test(tcase, test_results_that_are_late_get_company);
  return suite;
}

GST_CHECK_MAIN(coordinator_results)
