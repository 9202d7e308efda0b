// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
// What remoteenc does with its workers; remoteenc.cpp has what it does in its own pipeline.
#include <set>
#include <string_view>

#include "gst/wire/wire.h"
#include "tests/elements/helpers.h"

namespace {

using namespace test;

// Sends until nothing more is asked for and gives what was answered, until the connection closed.
std::vector<std::uint8_t> converse(Stranger& stranger, std::span<const std::uint8_t> bytes) {
  stranger.send(bytes);
  std::vector<std::uint8_t> all;
  for (auto part = stranger.receive(); !part.empty(); part = stranger.receive())
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

GST_START_TEST(test_remoteenc_result_comes_out) {
  RemoteEnc h;
  h.push_segment(0, true);
  FakeWorker worker(h.element());
  const auto lease = worker.lease();
  fail_unless(*dist::parse_header(lease.payload.span(), lease.payload.size()) ==
              source_header(0, true));
  worker.answer(lease);
  const Ref<GstBuffer> out = h.pull();
  fail_unless(header_of(out) == rendition_header(source_header(0, true)));
  expect_equal(GST_BUFFER_OFFSET(out.get()), 0);
  expect_equal(GST_BUFFER_DURATION(out.get()), GST_SECOND);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_results_leave_as_they_come) {
  RemoteEnc h;
  FakeWorker worker(h.element(), "worker", 3);
  for (std::uint64_t i = 0; i < 3; ++i)
    h.push_segment(i);
  const auto first = worker.lease();
  const auto second = worker.lease();
  const auto third = worker.lease();
  for (const auto* lease : {&third, &first, &second}) {
    worker.answer(*lease);
    expect_equal(h.pull_header().index, lease->segment);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteenc_every_rendition_is_a_buffer) {
  RemoteEnc h;
  FakeWorker worker(h.element());
  h.push_segment(0);
  const auto source = source_header(0);
  worker.answer(worker.lease(),
                {rendition_header(source, "720p"), rendition_header(source, "360p")});
  expect_text(h.pull_header().rendition, "720p");
  expect_text(h.pull_header().rendition, "360p");
  expect_equal(uint_field(h.messages().next("dist-segment-done"), "renditions"), 2);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_workers_share_the_segments) {
  RemoteEnc h;
  FakeWorker one(h.element(), "one");
  FakeWorker two(h.element(), "two");
  h.messages().next("dist-worker-joined");
  h.messages().next("dist-worker-joined");
  h.push_segment(0);
  h.push_segment(1);
  const std::set<std::uint64_t> leased = {one.lease().segment, two.lease().segment};
  fail_unless((leased == std::set<std::uint64_t>{0, 1}));
}
GST_END_TEST

GST_START_TEST(test_remoteenc_says_that_it_waits_for_workers) {
  RemoteEnc h;
  h.push_segment(0);
  const auto waiting = h.messages().next("dist-waiting");
  guint port = 0;
  g_object_get(h.element(), "port", &port, nullptr);
  expect_equal(uint_field(waiting, "port"), port);
  expect_equal(uint64_field(waiting, "segments"), 1);
  expect_text(string_field(waiting, "address"), "127.0.0.1");
}
GST_END_TEST

GST_START_TEST(test_remoteenc_messages_add_up) {
  RemoteEnc h;
  FakeWorker worker(h.element(), "bee", 4);
  expect_text(string_field(h.messages().next("dist-worker-joined"), "name"), "bee");
  for (std::uint64_t i = 0; i < 3; ++i)
    h.push_segment(i, i == 2);
  h.end();
  worker.give_up(worker.lease(), "too hot");
  const auto failed = h.messages().next("dist-lease-failed");
  expect_equal(uint64_field(failed, "segment"), 0);
  fail_unless(string_field(failed, "reason") == "too hot");
  guint64 bytes = 0;
  guint64 frames = 0;
  std::set<guint> attempts;
  for (int i = 0; i < 3; ++i) {
    worker.answer(worker.lease());
    const auto done = h.messages().next("dist-segment-done");
    frames += uint64_field(done, "frames");
    bytes += uint64_field(done, "bytes");
    attempts.insert(uint_field(done, "attempt"));
    expect_text(string_field(done, "name"), "bee");
  }
  fail_unless((attempts == std::set<guint>{1, 2}));
  guint64 received = 0;
  for (int i = 0; i < 3; ++i)
    received += gst_buffer_get_size(h.pull().get());
  const auto summary = h.messages().next("dist-summary");
  expect_equal(uint64_field(summary, "segments"), 3);
  expect_equal(uint64_field(summary, "frames"), frames);
  expect_equal(frames, 30);
  expect_equal(uint64_field(summary, "bytes"), bytes);
  expect_equal(bytes, received);
  expect_equal(uint64_field(summary, "hedged-leases"), 0);
  expect_equal(uint64_field(summary, "failed-leases"), 1);
  expect_equal(uint_field(summary, "workers"), 1);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_segment_of_a_killed_worker_goes_to_another) {
  RemoteEnc h;
  FakeWorker killed(h.element(), "killed");
  h.push_segment(0);
  killed.lease();
  FakeWorker other(h.element(), "other");
  killed.close();
  const auto failed = h.messages().next("dist-lease-failed");
  expect_text(string_field(failed, "name"), "killed");
  fail_if(string_field(failed, "reason").find("connection lost") == std::string::npos);
  expect_text(string_field(h.messages().next("dist-worker-left"), "name"), "killed");
  const auto lease = other.lease();
  expect_equal(lease.attempt, 2);
  other.answer(lease);
  expect_equal(h.pull_header().index, 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_refuses_a_result_that_does_not_fit) {
  RemoteEnc h;
  FakeWorker worker(h.element());
  h.push_segment(0);
  auto wrong = rendition_header(source_header(0));
  wrong.units[0].flags |= dist::kFlagDeltaUnit;
  worker.answer(worker.lease(), {wrong});
  const auto failed = h.messages().next("dist-lease-failed");
  fail_if(string_field(failed, "reason").find("does not begin with a keyframe") ==
          std::string::npos);
  worker.answer(worker.lease());
  expect_equal(h.pull_header().index, 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_gives_up_after_max_attempts) {
  RemoteEnc h("max-attempts=2 max-segments=2");
  FakeWorker worker(h.element(), "bee");
  h.push_segment(0);
  h.push_segment(1);
  for (int i = 0; i < 2; ++i) {
    worker.give_up(worker.lease(), "no encoder");
    h.messages().next("dist-lease-failed");
  }
  const std::string debug = h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE,
                                                      "The last attempts: no encoder (bee)");
  fail_if(
      debug.find("attempt 1 on bee: no encoder; attempt 2 on bee: no encoder") == std::string::npos,
      "%s", debug.c_str());
  expect_equal(h.push_segment(2), GST_FLOW_ERROR);
  h.end();
  expect_equal(h.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_garbage_does_not_disturb_the_job) {
  RemoteEnc h;
  FakeWorker worker(h.element());
  h.push_segment(0);
  const auto lease = worker.lease();
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: primary\r\n\r\n";
  Stranger stranger(h.element());
  fail_unless(
      converse(stranger, {reinterpret_cast<const std::uint8_t*>(kRequest.data()), kRequest.size()})
          .empty());
  const auto refused = h.messages().next("dist-connection-refused");
  fail_unless(string_field(refused, "reason") == "not the gst-dist protocol");
  fail_unless(g_str_has_prefix(string_field(refused, "address").c_str(), "127.0.0.1"));
  worker.answer(lease);
  expect_equal(h.pull_header().index, 0);
  expect_equal(h.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_refuses_another_version) {
  RemoteEnc h;
  Stranger stranger(h.element());
  namespace wire = dist::wire;
  const auto answer = converse(
      stranger,
      wire::encode(wire::Hello{.min_version = 7, .max_version = 9, .name = "late"}).span());
  wire::FrameReader reader;
  reader.feed(answer);
  const auto refuse = std::get<wire::Refuse>(*wire::decode(**reader.next()));
  expect_equal(refuse.max_version, wire::kMaxVersion);
  fail_unless(refuse.reason == "the worker speaks protocol versions 7 to 9, this primary version 1",
              "%s", refuse.reason.c_str());
  fail_unless(string_field(h.messages().next("dist-connection-refused"), "reason") ==
              refuse.reason);
}
GST_END_TEST

static Suite* remoteenc_workers_suite() {
  Suite* const suite = suite_create("remoteenc_workers");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_remoteenc_result_comes_out);
  tcase_add_test(tests, test_remoteenc_results_leave_as_they_come);
  tcase_add_test(tests, test_remoteenc_every_rendition_is_a_buffer);
  tcase_add_test(tests, test_remoteenc_workers_share_the_segments);
  tcase_add_test(tests, test_remoteenc_says_that_it_waits_for_workers);
  tcase_add_test(tests, test_remoteenc_messages_add_up);
  tcase_add_test(tests, test_remoteenc_segment_of_a_killed_worker_goes_to_another);
  tcase_add_test(tests, test_remoteenc_refuses_a_result_that_does_not_fit);
  tcase_add_test(tests, test_remoteenc_gives_up_after_max_attempts);
  tcase_add_test(tests, test_remoteenc_garbage_does_not_disturb_the_job);
  tcase_add_test(tests, test_remoteenc_refuses_another_version);
  return suite;
}

GST_CHECK_MAIN(remoteenc_workers)
