// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/wire/session.h"

#include <algorithm>

#include "tests/wire/ends.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr std::size_t kMiB = 1u << 20;

// The type of a message, and how long its body is.
std::pair<unsigned, std::size_t> peek(const Data& message) {
  ByteReader in(message);
  const unsigned type = in.u16();
  in.u16();
  return {type, in.u32()};
}

}  // namespace

GST_START_TEST(test_session_leases_and_answers) {
  Ends ends;
  ends.greet();
  grant(ends.primary, 7, 41, 2, {some_payload(1000, 1), Bytes(), some_payload(500, 2)});
  ends.settle();
  fail_unless_equals_text(ends.worker_saw(), "leased 7 segment 41 attempt 2");
  fail_unless_equals_hex(std::get<WorkerSession::Leased>(ends.at_worker[0]).payload.span(),
                         to_data({some_payload(1000, 1), some_payload(500, 2)}));

  ends.worker.result(7, {{some_payload(300, 3), some_payload(1, 4)}, {}, {some_payload(9, 5)}});
  ends.settle();
  fail_unless_equals_text(ends.primary_saw(), "result 7 of 3");
  const auto& result = std::get<PrimarySession::ResultReceived>(ends.at_primary.back());
  fail_unless_equals_hex(result.renditions[0].front().span(),
                         to_data({some_payload(300, 3), some_payload(1, 4)}));
  fail_unless(result.renditions[1].front().span().empty());
  fail_unless_equals_hex(result.renditions[2].front().span(), some_payload(9, 5).span());
}
GST_END_TEST

// A byte that changed on the way to the worker would be encoded, and nobody would know.
GST_START_TEST(test_session_gives_a_damaged_segment_back) {
  Ends ends;
  ends.greet();
  ends.primary.grant({.lease = 7, .segment = 41, .attempt = 1, .sha256 = sha256({some_payload(9)})},
                     25, {some_payload(10)});
  ends.settle();
  fail_unless_equals_text(ends.worker_saw(), "");
  fail_unless_equals_text(ends.primary_saw(),
                          "failed 7: the segment was damaged on its way to the worker");
}
GST_END_TEST

GST_START_TEST(test_session_sends_large_payloads_in_chunks) {
  Ends ends;
  ends.greet();
  const BytesList payload = {some_payload(kMiB / 2 + 1), some_payload(2 * kMiB), some_payload(3)};
  const std::size_t size = total_size(payload);
  grant(ends.primary, 7, 41, 1, payload);
  std::vector<std::size_t> chunks;
  while (ends.primary.has_output()) {
    const Data message = to_data(ends.primary.next_output());
    const auto [type, length] = peek(message);
    fail_unless_equals_uint64(message.size(), wire::kFrameHeader + length);
    if (type == 10)
      chunks.push_back(length - 8);
    fail_unless_ok(ends.worker.receive(message, ends.now, ends.at_worker));
  }
  fail_unless(chunks == std::vector<std::size_t>({kMiB, kMiB, size - 2 * kMiB}));
  fail_unless(to_data(payload) ==
              to_data({std::get<WorkerSession::Leased>(ends.at_worker[0]).payload}));
}
GST_END_TEST

GST_START_TEST(test_session_copies_no_payload) {
  Ends ends;
  ends.greet();
  const Bytes payload = some_payload(kMiB + 5);
  grant(ends.primary, 7, 41, 1, {payload});
  ends.primary.next_output();
  fail_unless(ends.primary.next_output()[1].span().data() == payload.span().data());
  fail_unless(ends.primary.next_output()[1].span().data() == payload.span().data() + kMiB);
}
GST_END_TEST

GST_START_TEST(test_session_messages_overtake_payloads) {
  Ends ends;
  ends.greet();
  grant(ends.primary, 7, 41, 1, {some_payload(3 * kMiB)});
  ends.to_worker();
  ends.to_worker();
  ends.primary.done("enough");
  ends.to_worker();
  fail_unless_equals_text(ends.worker_saw(), "done: enough");
  ends.settle();
  fail_unless_equals_text(ends.worker_saw(), "done: enough, leased 7 segment 41 attempt 1");

  ends.worker.result(7, {{some_payload(3 * kMiB)}});
  ends.to_primary();
  ends.to_primary();
  ends.worker.leave();
  ends.to_primary();
  fail_unless_equals_text(ends.primary_saw(), "left");
  ends.settle();
  fail_unless_equals_text(ends.primary_saw(), "left, result 7 of 1");
}
GST_END_TEST

// What it kept is answered before it leaves, although messages overtake payloads.
GST_START_TEST(test_session_retires_after_its_last_answer) {
  Ends ends({}, 64u << 20, 4);
  ends.greet();
  for (std::uint64_t lease : {1u, 2u, 3u, 4u})
    grant(ends.primary, lease, lease, 1, {some_payload(9)});
  ends.settle();
  ends.worker.result(1, {{some_payload(3 * kMiB)}});
  ends.worker.retire(2);
  ends.settle();
  fail_unless_equals_text(ends.primary_saw(), "retires but for 1 2, result 1 of 1");
  fail_if(ends.worker.has_left());
  ends.worker.result(2, {{some_payload(3 * kMiB)}, {some_payload(5)}});
  ends.settle();
  fail_unless_equals_text(ends.primary_saw(),
                          "retires but for 1 2, result 1 of 1, result 2 of 2, left");
  fail_unless(ends.worker.has_left());
}
GST_END_TEST

GST_START_TEST(test_session_retires_at_once_with_nothing_to_do) {
  for (const bool fails : {false, true}) {
    Ends ends;
    ends.greet();
    grant(ends.primary, 1, 1, 1, {some_payload(9)});
    ends.settle();
    if (fails)
      ends.worker.fail(1, "stuck");
    ends.worker.retire(fails ? std::optional<std::uint64_t>(1) : std::nullopt);
    ends.settle();
    fail_unless_equals_text(ends.primary_saw(), fails ? "failed 1: stuck, retires but for, left"
                                                      : "retires but for, left");
  }
}
GST_END_TEST

// A lease on its way, or half received, when the worker retires.
GST_START_TEST(test_session_takes_no_lease_that_crosses_with_retire) {
  Ends ends;
  ends.greet();
  grant(ends.primary, 1, 1, 1, {some_payload(9)});
  ends.settle();
  grant(ends.primary, 2, 2, 1, {some_payload(2 * kMiB)});
  ends.to_worker();
  ends.to_worker();
  grant(ends.primary, 3, 3, 1, {some_payload(9)});
  ends.at_worker.clear();
  ends.worker.retire(1);
  while (ends.to_worker()) {
  }
  fail_unless_equals_text(ends.worker_saw(), "");
  ends.settle();
  ends.primary.cancel(2);
  ends.primary.cancel(3);
  ends.settle();
  fail_if(ends.worker.has_left());
  ends.primary.cancel(1);
  ends.settle();
  fail_unless(ends.worker.has_left());
}
GST_END_TEST

GST_START_TEST(test_session_takes_no_more_leases_than_it_asked_for) {
  Ends ends;
  ends.greet();
  const auto announced = [&](std::uint64_t lease) {
    std::vector<WorkerSession::Event> events;
    const Data bytes = encoded({wire::Grant{.lease = lease,
                                            .segment = 1,
                                            .attempt = 1,
                                            .size = 0,
                                            .sha256 = sha256({}),
                                            .renditions = ""}});
    const Status status = ends.worker.receive(bytes, 0, events);
    return status ? std::string() : status.error();
  };
  fail_unless_equals_text(announced(1), "");
  fail_unless_equals_text(announced(1), "lease 1 comes twice");
  fail_unless_equals_text(announced(2), "");
  fail_unless_equals_text(announced(3), "lease 3: this worker takes 2 at a time");
  ends.worker.fail(2, "stuck");
  fail_unless_equals_text(announced(3), "");
  // Where something between the two has answered, the primary is done with it before it is sent.
  ends.worker.result(1, {{some_payload(9)}});
  fail_unless_equals_text(announced(4), "");
  // Results that nobody fetches count.
  ends.worker.result(3, {{some_payload(9)}});
  ends.worker.result(4, {{some_payload(9)}});
  fail_unless_equals_text(announced(5), "");
  fail_unless_equals_text(announced(6), "lease 6: this worker takes 2 at a time");
}
GST_END_TEST

GST_START_TEST(test_session_payloads_go_one_after_another) {
  Ends ends({}, 64u << 20, 4);
  ends.greet();
  for (std::uint64_t lease : {1u, 2u, 3u})
    grant(ends.primary, lease, 10 * lease, 1, {some_payload(kMiB + lease)});
  ends.settle();
  fail_unless_equals_text(ends.worker_saw(),
                          "leased 1 segment 10 attempt 1, leased 2 segment 20 attempt 1, "
                          "leased 3 segment 30 attempt 1");
}
GST_END_TEST

// However far the payload has got.
GST_START_TEST(test_session_cancels_a_lease_on_its_way) {
  for (int sent = 0; sent <= 4; ++sent) {
    Ends ends;
    ends.greet();
    grant(ends.primary, 1, 41, 1, {some_payload(3 * kMiB)});
    for (int i = 0; i < sent; ++i)
      ends.to_worker();
    grant(ends.primary, 2, 42, 1, {some_payload(kMiB + 1)});
    ends.primary.cancel(1);
    const Data next = to_data(ends.primary.next_output());
    fail_unless_equals_int(static_cast<int>(peek(next).first), 7);
    fail_unless_ok(ends.worker.receive(next, ends.now, ends.at_worker));
    ends.settle();
    fail_unless_equals_text(ends.worker_saw(),
                            std::string(sent == 4 ? "leased 1 segment 41 attempt 1, " : "") +
                                "cancelled 1, leased 2 segment 42 attempt 1");
  }
}
GST_END_TEST

GST_START_TEST(test_session_cancels_a_result_on_its_way) {
  for (int sent = 0; sent <= 4; ++sent) {
    Ends ends;
    ends.greet();
    grant(ends.primary, 1, 41, 1, {some_payload(10)});
    grant(ends.primary, 2, 42, 1, {some_payload(10)});
    ends.settle();
    ends.worker.result(1, {{some_payload(2 * kMiB)}, {some_payload(10)}});
    for (int i = 0; i < sent; ++i)
      ends.to_primary();
    ends.primary.cancel(1);
    ends.to_worker();
    fail_if(ends.worker.has_output());
    ends.worker.result(2, {{some_payload(20)}});
    ends.settle();
    fail_unless_equals_text(ends.primary_saw(), "result 2 of 1");
  }
}
GST_END_TEST

GST_START_TEST(test_session_cancels_a_lease_once) {
  Ends ends;
  ends.greet();
  ends.primary.cancel(1);
  fail_if(ends.primary.has_output());
  grant(ends.primary, 1, 41, 1, {some_payload(10)});
  ends.primary.cancel(1);
  ends.primary.cancel(1);
  ends.settle();
  fail_unless_equals_text(ends.worker_saw(), "cancelled 1");
}
GST_END_TEST

GST_START_TEST(test_session_failure_takes_back_the_result) {
  for (int sent = 0; sent <= 3; ++sent) {
    Ends ends;
    ends.greet();
    grant(ends.primary, 1, 41, 1, {some_payload(10)});
    grant(ends.primary, 2, 42, 1, {some_payload(10)});
    ends.settle();
    ends.worker.result(1, {{some_payload(3 * kMiB)}});
    for (int i = 0; i < sent; ++i)
      ends.to_primary();
    ends.worker.fail(1, "stuck");
    ends.to_primary();
    fail_if(ends.worker.has_output());
    ends.worker.fail(1, "stuck again");
    ends.worker.result(2, {{some_payload(20)}});
    ends.settle();
    fail_unless_equals_text(ends.primary_saw(), "failed 1: stuck, result 2 of 1");
  }
}
GST_END_TEST

GST_START_TEST(test_session_job_ends_for_both) {
  Ends ends;
  ends.greet();
  ends.primary.done("the job is done");
  ends.worker.leave();
  ends.settle();
  fail_unless_equals_text(ends.worker_saw(), "done: the job is done");
  fail_unless_equals_text(ends.primary_saw(), "left");
}
GST_END_TEST

static Suite* session_suite() {
  Suite* suite = suite_create("session");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_session_leases_and_answers);
  tcase_add_test(tcase, test_session_gives_a_damaged_segment_back);
  tcase_add_test(tcase, test_session_sends_large_payloads_in_chunks);
  tcase_add_test(tcase, test_session_copies_no_payload);
  tcase_add_test(tcase, test_session_messages_overtake_payloads);
  tcase_add_test(tcase, test_session_retires_after_its_last_answer);
  tcase_add_test(tcase, test_session_retires_at_once_with_nothing_to_do);
  tcase_add_test(tcase, test_session_takes_no_lease_that_crosses_with_retire);
  tcase_add_test(tcase, test_session_takes_no_more_leases_than_it_asked_for);
  tcase_add_test(tcase, test_session_payloads_go_one_after_another);
  tcase_add_test(tcase, test_session_cancels_a_lease_on_its_way);
  tcase_add_test(tcase, test_session_cancels_a_result_on_its_way);
  tcase_add_test(tcase, test_session_cancels_a_lease_once);
  tcase_add_test(tcase, test_session_failure_takes_back_the_result);
  tcase_add_test(tcase, test_session_job_ends_for_both);
  return suite;
}

GST_CHECK_MAIN(session)
