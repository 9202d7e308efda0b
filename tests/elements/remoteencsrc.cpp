// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <optional>
#include <string>

#include "gst/base/text.h"

#include "tests/elements/remoteencsrc.h"

namespace {

using namespace test;

constexpr Time kTimeBase = 3600 * GST_SECOND;
constexpr Time kGap = 1000 * GST_SECOND;
constexpr char kOneSegment[] =
    "stream-start caps segment custom-downstream-sticky custom-downstream data*10 eos ";

// Ten frames of H.264 and a header for them.
dist::Bytes encoded_segment() {
  GstHarness* h = gst_harness_new_parse("x264enc tune=zerolatency ! h264parse ! distsegmenter");
  gst_harness_set_src_caps_str(h, "video/x-raw, format=I420, width=64, height=64, framerate=10/1");
  for (unsigned i = 0; i < 10; ++i) {
    GstBuffer* frame = gst_buffer_new_allocate(nullptr, 64 * 64 * 3 / 2, nullptr);
    gst_buffer_memset(frame, 0, static_cast<guint8>(20 * i), gst_buffer_get_size(frame));
    GST_BUFFER_PTS(frame) = i * kFrame;
    GST_BUFFER_DURATION(frame) = kFrame;
    fail_unless_equals_int(gst_harness_push(h, frame), GST_FLOW_OK);
  }
  gst_harness_push_event(h, gst_event_new_eos());
  const auto buffer = Ref<GstBuffer>::adopt(gst_harness_pull(h));
  gst_harness_teardown(h);
  const dist::BufferMap map(buffer.get());
  return dist::Bytes::take({map.span().begin(), map.span().end()});
}

}  // namespace

GST_START_TEST(test_remoteencsrc_segment_is_a_complete_stream) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(2));
  s.h.pull_event(GST_EVENT_EOS);
  expect_text(s.log.text(), kOneSegment);
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(s.pad.get()));
  fail_unless(
      gst_caps_is_equal(caps.get(), Ref<GstCaps>::adopt(gst_caps_from_string(kRawCaps)).get()));
  const auto event =
      Ref<GstEvent>::adopt(gst_pad_get_sticky_event(s.pad.get(), GST_EVENT_SEGMENT, 0));
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event.get(), &segment);
  expect_equal(segment->start, kTimeBase + 2 * GST_SECOND);
  expect_equal(segment->stop, kTimeBase + 3 * GST_SECOND);
  expect_equal(segment->time, 2 * GST_SECOND);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const Ref<GstBuffer> frame = s.h.pull();
    expect_equal(GST_BUFFER_PTS(frame.get()), kTimeBase + 2 * GST_SECOND + i * kFrame);
    expect_equal(GST_BUFFER_FLAG_IS_SET(frame.get(), GST_BUFFER_FLAG_DISCONT), i == 0);
    expect_equal(dist::BufferMap(frame.get()).span()[0], i * kFrameSize);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_units_that_only_help_decoding_are_moved_away) {
  Source s;
  auto worker = s.primary.accept();
  auto header = source_header(2);
  for (std::size_t i : {0u, 9u})
    header.units[i].show = dist::kNoTime;
  header.units[0].pts = header.units[0].dts = header.start - kFrame;
  header.units[9].pts = header.units[9].dts = header.stop;
  worker.grant(1, header);
  for (std::size_t i = 0; i < 10; ++i) {
    const Ref<GstBuffer> frame = s.h.pull();
    const Time shift = i == 0 ? kTimeBase - kGap : i == 9 ? kTimeBase + kGap : kTimeBase;
    expect_equal(GST_BUFFER_PTS(frame.get()), header.units[i].pts + shift);
    expect_equal(GST_BUFFER_DTS(frame.get()), header.units[i].dts + shift);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_flushes_between_segments) {
  Worker w;
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.grant(2, source_header(1));
  expect_equal(result_header(worker.next<FakePrimary::Result>()).index, 0);
  expect_equal(result_header(worker.next<FakePrimary::Result>()).index, 1);
  const std::string expected = kOneSegment + std::string("flush-start flush-stop ") + kOneSegment;
  expect_text(w.log.text(), expected);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_result_goes_back) {
  Worker w;
  auto worker = w.primary.accept();
  const auto source = source_header(3);
  worker.grant(9, source);
  const auto result = worker.next<FakePrimary::Result>();
  expect_equal(result.lease, 9);
  const auto header = result_header(result);
  expect_text(header.rendition, "0");
  expect_equal(header.index, 3);
  fail_unless(header.presentation_times() == source.presentation_times());
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_announces_name_and_capacity) {
  Source s("prefetch=3 worker-name=bee");
  auto worker = s.primary.accept();
  fail_unless(worker.joined().name == "bee");
  expect_equal(worker.joined().capacity, 4);
  const auto connected = s.h.messages().next("dist-connected");
  expect_equal(uint_field(connected, "port"), s.primary.port());
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_cancel_frees_a_pipeline_that_does_not_answer) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(0));
  s.h.pull_event(GST_EVENT_EOS);
  worker.cancel(1);
  worker.grant(2, source_header(1));
  s.h.pull_event(GST_EVENT_FLUSH_STOP);
  s.h.pull_event(GST_EVENT_EOS);
}
GST_END_TEST

// decodebin takes a flush for a decoder that does not work, and when it has tried them all for one
// that is not installed: so while it looks for one it gets none. What was cancelled is dropped at
// the end of the pipeline instead.
GST_START_TEST(test_remoteencsrc_cancel_spares_elements_that_are_being_found) {
  const dist::Bytes film = encoded_segment();
  for (unsigned i = 0; i < 25; ++i) {
    Worker w("", " ! decodebin ! videoconvert ! remoteencsink");
    auto worker = w.primary.accept();
    worker.grant(1, film);
    g_usleep(400 * i);  // Anywhere between the first caps and the first frame.
    worker.cancel(1);
    worker.grant(2, film);
    expect_equal(worker.next<FakePrimary::Result>().lease, 2);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_cancel_frees_a_blocked_push) {
  Worker w;
  const gulong block = gst_pad_add_probe(
      w.pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  wait_until([&] { return gst_pad_is_blocking(w.pad.get()); });
  worker.cancel(1);
  wait_until([&] { return w.log.text().find("flush-start") != std::string::npos; });
  gst_pad_remove_probe(w.pad.get(), block);
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Result>().lease, 2);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_cancelled_prefetch_is_not_played) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(0));
  s.h.pull_event(GST_EVENT_EOS);
  worker.grant(2, source_header(1));
  worker.cancel(2);
  worker.cancel(1);
  worker.grant(3, source_header(2));
  s.h.pull_event(GST_EVENT_FLUSH_STOP);
  const auto start = s.h.pull_event(GST_EVENT_STREAM_START);
  const gchar* stream_id = nullptr;
  gst_event_parse_stream_start(start.get(), &stream_id);
  expect_text(stream_id, "film/2");
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_reconnect_goes_on_with_the_next_primary) {
  std::optional<FakePrimary> primary;
  primary.emplace();
  const guint port = primary->port();
  Worker w("reconnect=true port=" + std::to_string(port));
  for (int i = 0; i < 3; ++i) {
    auto worker = primary->accept();
    worker.grant(1, source_header(0));
    worker.next<FakePrimary::Result>();
    worker.done("the job is done");
    gboolean done = FALSE;
    gst_structure_get_boolean(gst_message_get_structure(w.messages.next("dist-disconnected").get()),
                              "done", &done);
    fail_unless(done);
    worker.close();
    primary.emplace(port);
  }
  expect_equal(w.messages.count(GST_MESSAGE_EOS) + w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_dials_until_the_primary_answers) {
  std::optional<FakePrimary> primary;
  primary.emplace();
  const guint port = primary->port();
  primary.reset();
  Harness h("remoteencsrc", "port=" + std::to_string(port), nullptr, "src");
  h.messages().next("dist-connecting");
  primary.emplace(port);
  primary->accept();
  h.messages().next("dist-connected");
}
GST_END_TEST

// It may be a primary that just begins or ends, so dialling goes on; but it is told, once.
GST_START_TEST(test_remoteencsrc_tells_of_a_peer_that_closes) {
  Source s;
  for (int i = 0; i < 3; ++i)
    Stranger(s.primary.accept_socket()).close();
  s.primary.accept();
  const std::string reason = string_field(s.h.messages().next("dist-connecting"), "reason");
  fail_unless(reason.rfind("somebody answered, but not as a primary does: ", 0) == 0, "%s",
              reason.c_str());
  s.h.messages().next("dist-connected");
  expect_equal(s.h.messages().count("dist-connecting"), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_tells_of_a_peer_that_says_nothing) {
  Source s;
  Stranger mute(s.primary.accept_socket());
  const std::string reason = string_field(s.h.messages().next("dist-connecting"), "reason");
  expect_text(reason, "somebody answered, but not as a primary does: no greeting within 10 s");
  s.primary.accept();
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_stalled_pipeline_gives_the_lease_back_and_goes_on) {
  Worker w("stall-timeout=300000000");
  // Swallows one EOS, as a decoder that got nothing to show does.
  std::atomic<bool> swallow = true;
  gst_pad_add_probe(
      w.pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer swallow_one) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS)
          return GST_PAD_PROBE_OK;
        const bool drop = static_cast<std::atomic<bool>*>(swallow_one)->exchange(false);
        return drop ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
      },
      &swallow, nullptr);
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  const auto failure = worker.next<FakePrimary::Failure>();
  expect_equal(failure.lease, 1);
  fail_unless(failure.reason ==
              "nothing moved in the worker's pipeline for its stall-timeout of 300 ms");
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Result>().lease, 2);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_pipeline_error_fails_the_lease) {
  Worker w("", " fakesink");
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  fail_unless(worker.next<FakePrimary::Failure>().reason ==
              "the worker's pipeline stopped: not-linked");
  w.messages.expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "Internal data stream");
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_unreadable_segment_fails_the_lease) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, dist::Bytes::take(std::vector<std::uint8_t>(100, 7)));
  fail_unless(worker.next<FakePrimary::Failure>().reason ==
              "segment header: these bytes are not a segment");
  auto header = source_header(0);
  header.caps = "no caps = = ;";
  worker.grant(2, header);
  expect_text(worker.next<FakePrimary::Failure>().reason,
              "the worker does not take this video: its caps cannot be read (no caps = = ;)");
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_properties) {
  const auto element = make_element("remoteencsrc");
  expect_property(element.get(), "port", 1, G_MAXUINT16, 7700);
  expect_property(element.get(), "prefetch", 0, 15, 1);
  expect_property(element.get(), "stall-timeout", 0, G_MAXINT64, 60 * GST_SECOND);
  gchar* host = nullptr;
  gchar* name = nullptr;
  gboolean reconnect = TRUE;
  g_object_get(element.get(), "host", &host, "worker-name", &name, "reconnect", &reconnect,
               nullptr);
  fail_unless(dist::take_string(host) == "127.0.0.1");
  fail_unless(dist::take_string(name).empty());
  fail_if(reconnect);
}
GST_END_TEST

static Suite* remoteencsrc_suite() {
  Suite* const suite = suite_create("remoteencsrc");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_remoteencsrc_segment_is_a_complete_stream);
  tcase_add_test(tests, test_remoteencsrc_units_that_only_help_decoding_are_moved_away);
  tcase_add_test(tests, test_remoteencsrc_flushes_between_segments);
  tcase_add_test(tests, test_remoteencsrc_result_goes_back);
  tcase_add_test(tests, test_remoteencsrc_announces_name_and_capacity);
  tcase_add_test(tests, test_remoteencsrc_cancel_frees_a_pipeline_that_does_not_answer);
  tcase_add_test(tests, test_remoteencsrc_cancel_spares_elements_that_are_being_found);
  tcase_add_test(tests, test_remoteencsrc_cancel_frees_a_blocked_push);
  tcase_add_test(tests, test_remoteencsrc_cancelled_prefetch_is_not_played);
  tcase_add_test(tests, test_remoteencsrc_reconnect_goes_on_with_the_next_primary);
  tcase_add_test(tests, test_remoteencsrc_dials_until_the_primary_answers);
  tcase_add_test(tests, test_remoteencsrc_tells_of_a_peer_that_closes);
  tcase_add_test(tests, test_remoteencsrc_tells_of_a_peer_that_says_nothing);
  tcase_add_test(tests, test_remoteencsrc_stalled_pipeline_gives_the_lease_back_and_goes_on);
  tcase_add_test(tests, test_remoteencsrc_pipeline_error_fails_the_lease);
  tcase_add_test(tests, test_remoteencsrc_unreadable_segment_fails_the_lease);
  tcase_add_test(tests, test_remoteencsrc_properties);
  return suite;
}

GST_CHECK_MAIN(remoteencsrc)
