// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How an end notices that the other is dead, or that a lease stands still.
#include <algorithm>

#include "tests/wire/ends.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Instant kSeconds = 1'000 * kMillisecond;
constexpr std::size_t kMiB = 1u << 20;

// Both ends for so long, without a word but their heartbeats.
Status pass(Ends& ends, Instant until) {
  while (true) {
    ends.now = std::min(ends.primary.next_wakeup(), ends.worker.next_wakeup());
    if (ends.now > until)
      return {};
    for (Link* end : {static_cast<Link*>(&ends.primary), static_cast<Link*>(&ends.worker)})
      if (Status status = end->advance(ends.now); !status)
        return status;
    ends.settle();
  }
}

// A primary and the lease 1 of 1000 bytes at its worker.
void lease_to(Ends& ends) {
  ends.greet();
  grant(ends.primary, 1, 41, 1, {some_payload(1000)});
  ends.settle();
  ends.at_primary.clear();
}

}  // namespace

GST_START_TEST(test_liveness_heartbeats_keep_a_silent_connection) {
  Ends ends;
  ends.greet();
  fail_unless_ok(pass(ends, 3600 * kSeconds));
  fail_unless(ends.at_primary.empty() && ends.at_worker.empty());
}
GST_END_TEST

GST_START_TEST(test_liveness_heartbeat_each_four_seconds) {
  Ends ends;
  ends.greet();
  const Data heartbeat = encoded({wire::Heartbeat{}});
  for (Link* end : {static_cast<Link*>(&ends.primary), static_cast<Link*>(&ends.worker)}) {
    for (const Instant at : {4 * kSeconds, 8 * kSeconds, 12 * kSeconds}) {
      fail_unless_equals_uint64(end->next_wakeup(), at);
      fail_unless_ok(end->advance(at - 1));
      fail_if(end->has_output());
      fail_unless_ok(end->advance(at));
      fail_unless_equals_hex(to_data(end->next_output()), heartbeat);
      fail_if(end->has_output());
    }
  }
}
GST_END_TEST

// However late it is called.
GST_START_TEST(test_liveness_heartbeats_do_not_pile_up) {
  Ends ends;
  ends.greet();
  fail_unless_ok(ends.primary.advance(14 * kSeconds));
  ends.primary.next_output();
  fail_if(ends.primary.has_output());
  fail_unless_equals_uint64(ends.primary.next_wakeup(), 15 * kSeconds);
}
GST_END_TEST

GST_START_TEST(test_liveness_heartbeats_overtake_payloads) {
  Ends ends;
  ends.greet();
  grant(ends.primary, 1, 41, 1, {some_payload(3 * kMiB)});
  ends.to_worker();
  ends.to_worker();
  fail_unless_ok(ends.primary.advance(4 * kSeconds));
  fail_unless_equals_hex(to_data(ends.primary.next_output()), encoded({wire::Heartbeat{}}));
}
GST_END_TEST

GST_START_TEST(test_liveness_no_heartbeat_in_a_greeting) {
  Ends ends;
  ends.worker.next_output();
  fail_unless_ok(ends.primary.advance(5 * kSeconds));
  fail_unless_ok(ends.worker.advance(5 * kSeconds));
  fail_if(ends.primary.has_output() || ends.worker.has_output());
}
GST_END_TEST

GST_START_TEST(test_liveness_silent_peer_is_dead) {
  for (const bool primary : {true, false}) {
    Ends ends;
    ends.greet();
    Link& end = primary ? static_cast<Link&>(ends.primary) : ends.worker;
    fail_unless_ok(end.advance(15 * kSeconds - 1));
    fail_unless_equals_uint64(end.next_wakeup(), 15 * kSeconds);
    fail_unless_error(end.advance(15 * kSeconds), "nothing heard for 15 s", "silence");
  }
}
GST_END_TEST

// Half a message is as good as a heartbeat: a large chunk may take long on a slow line.
GST_START_TEST(test_liveness_any_byte_is_a_sign_of_life) {
  Ends ends;
  ends.greet();
  const Data half = {13, 0, 0, 0};
  fail_unless_ok(ends.primary.receive(half, 10 * kSeconds, ends.at_primary));
  fail_unless_ok(ends.primary.advance(25 * kSeconds - 1));
  fail_unless_error(ends.primary.advance(25 * kSeconds), "nothing heard", "silence");
}
GST_END_TEST

// An encoder that gives frames without end makes no progress.
GST_START_TEST(test_liveness_progress_is_limited) {
  Ends ends;
  ends.greet();
  const BytesList segment = {some_payload(10)};
  ends.primary.grant({.lease = 1, .segment = 41, .attempt = 1, .sha256 = sha256(segment)}, 25,
                     segment);
  const auto counts = [&](const wire::Progress& progress) {
    ends.at_primary.clear();
    fail_unless_ok(
        ends.primary.receive(to_data(wire::encode(progress).span()), ends.now, ends.at_primary));
    return !ends.at_primary.empty();
  };
  fail_unless(counts({1, 0, 25, 0}));
  fail_if(counts({1, 0, 26, 0}));
  fail_unless(counts({1, 0, 0, 64 * 25}));
  fail_if(counts({1, 0, 0, 64 * 25 + 1}));
  fail_if(counts({1, 0, UINT32_MAX, UINT32_MAX}));
}
GST_END_TEST

GST_START_TEST(test_liveness_progress_counts_when_it_grows) {
  const struct {
    wire::Progress progress;
    bool counts;
  } rows[] = {
      {{1, 0, 0, 0}, false},    {{1, 10, 0, 0}, true},
      {{1, 10, 0, 0}, false},   {{1, 9, 0, 0}, false},
      {{1, 10, 1, 0}, true},    {{1, 10, 1, 1}, true},
      {{1, 10, 1, 1}, false},   {{1, 0, 1, 0}, false},
      {{1, 0, 0, 2}, true},     {{1, 0, 2, 0}, true},
      {{1, 10, 2, 2}, false},   {{1, 1000, 0, 0}, true},
      {{1, 1001, 0, 0}, false}, {{1, UINT64_MAX, 2, 2}, false},
      {{2, 10, 10, 10}, false},  // Nobody holds this one.
  };
  Ends ends;
  ends.greet();
  grant(ends.primary, 1, 41, 1, {some_payload(1000)});
  for (const auto& row : rows) {
    ends.at_primary.clear();
    fail_unless_ok(ends.primary.receive(encoded({row.progress}), 0, ends.at_primary));
    fail_unless(ends.advances() == (row.counts ? 1 : 0), "row %td", &row - rows);
  }
}
GST_END_TEST

GST_START_TEST(test_liveness_worker_says_how_far_it_is) {
  Ends ends;
  ends.greet();
  ends.worker.report_receiving();
  fail_if(ends.worker.has_output());
  grant(ends.primary, 1, 41, 1, {some_payload(2 * kMiB)});
  ends.to_worker();
  ends.to_worker();
  ends.worker.report_receiving();
  ends.worker.report_receiving();
  ends.worker.progress(1, 5, 5);  // It is not here yet.
  fail_unless_equals_hex(to_data(ends.worker.next_output()),
                         encoded({wire::Progress{1, kMiB, 0, 0}}));
  fail_if(ends.worker.has_output());
  ends.to_worker();
  // When all is here it says so by itself.
  fail_unless_equals_hex(to_data(ends.worker.next_output()),
                         encoded({wire::Progress{1, 2 * kMiB, 0, 0}}));
  ends.worker.report_receiving();
  ends.worker.progress(1, 5, 4);
  fail_unless_equals_hex(to_data(ends.worker.next_output()),
                         encoded({wire::Progress{1, 2 * kMiB, 5, 4}}));
  ends.worker.fail(1, "stuck");
  ends.worker.next_output();
  ends.worker.progress(1, 6, 6);
  fail_if(ends.worker.has_output());
}
GST_END_TEST

GST_START_TEST(test_liveness_result_that_arrives_is_progress) {
  Ends ends;
  lease_to(ends);
  ends.worker.result(1, {{some_payload(2 * kMiB)}, {some_payload(10)}});
  const std::ptrdiff_t expected[] = {0, 1, 2, 2, 3};
  for (const std::ptrdiff_t advances : expected) {
    ends.to_primary();
    fail_unless_equals_int64(ends.advances(), advances);
  }
  fail_unless_equals_text(ends.primary_saw(), "result 1 of 2");
}
GST_END_TEST

// A worker that begins its answer again and again has stopped.
GST_START_TEST(test_liveness_result_that_begins_anew_is_no_progress) {
  Ends ends;
  lease_to(ends);
  const Data bytes(500);
  wire::ResultPart part{1, 0, 1, 1000, {}};
  const Data start = encoded({part, wire::Data{1, bytes}});
  for (int i = 0; i < 5; ++i)
    fail_unless_ok(ends.primary.receive(start, 0, ends.at_primary));
  fail_unless_equals_int64(ends.advances(), 1);
  fail_unless_ok(ends.primary.receive(encoded({wire::Data{1, std::span(bytes).first(1)}}), 0,
                                      ends.at_primary));
  fail_unless_equals_int64(ends.advances(), 2);
}
GST_END_TEST

static Suite* session_liveness_suite() {
  Suite* suite = suite_create("session_liveness");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_liveness_heartbeats_keep_a_silent_connection);
  tcase_add_test(tcase, test_liveness_heartbeat_each_four_seconds);
  tcase_add_test(tcase, test_liveness_heartbeats_do_not_pile_up);
  tcase_add_test(tcase, test_liveness_heartbeats_overtake_payloads);
  tcase_add_test(tcase, test_liveness_no_heartbeat_in_a_greeting);
  tcase_add_test(tcase, test_liveness_silent_peer_is_dead);
  tcase_add_test(tcase, test_liveness_any_byte_is_a_sign_of_life);
  tcase_add_test(tcase, test_liveness_progress_is_limited);
  tcase_add_test(tcase, test_liveness_progress_counts_when_it_grows);
  tcase_add_test(tcase, test_liveness_worker_says_how_far_it_is);
  tcase_add_test(tcase, test_liveness_result_that_arrives_is_progress);
  tcase_add_test(tcase, test_liveness_result_that_begins_anew_is_no_progress);
  return suite;
}

GST_CHECK_MAIN(session_liveness)
