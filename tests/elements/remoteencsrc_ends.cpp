// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a worker ends: with its job, for want of a primary, at an EOS event, or because it is
// stopped.
#include <mutex>
#include <string>

#include "gst/wire/wire.h"
#include "tests/elements/remoteencsrc.h"

using namespace test;

// Stops, and says no more than it has.
static void expect_silent_stop(Source& s) {
  gst_element_set_state(s.h.element(), GST_STATE_NULL);
  expect_equal(s.h.messages().count(GST_MESSAGE_EOS), 0);
  expect_equal(s.h.messages().count(GST_MESSAGE_ERROR), 0);
}

GST_START_TEST(test_remoteencsrc_refusal_is_an_error) {
  Source s;
  Stranger worker(s.primary.accept_socket());
  fail_if(worker.receive().empty());
  const std::string reason = "the worker speaks protocol version 1, this primary version 9";
  worker.send(dist::wire::encode(dist::wire::Refuse{9, 9, reason}).span());
  s.h.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, reason);
  expect_silent_stop(s);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_lost_primary_is_an_error) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(0));
  s.h.pull_event(GST_EVENT_EOS);
  worker.close();
  s.h.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "Lost the primary");
  expect_silent_stop(s);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_primary_that_speaks_otherwise_is_an_error) {
  Source s;
  Stranger web(s.primary.accept_socket());
  constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad Request\r\n\r\n";
  web.send({reinterpret_cast<const std::uint8_t*>(kAnswer.data()), kAnswer.size()});
  s.h.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
                              "not the gst-dist protocol");
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_job_that_is_done_ends_the_pipeline) {
  Worker w;
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.next<FakePrimary::Result>();
  worker.done("the job is done");
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_job_without_a_lease_ends_the_pipeline) {
  Worker w("", " ! decodebin ! fakesink");
  auto worker = w.primary.accept();
  worker.done("the job is done");
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_last_of_two_workers_ends_the_pipeline) {
  FakePrimary second;
  Worker w("", " ! remoteencsink remoteencsrc " + second.address() + " ! remoteencsink");
  auto one = w.primary.accept();
  auto two = second.accept();
  one.done("the job is done");
  w.messages.next("dist-disconnected");
  two.grant(1, source_header(0));
  two.next<FakePrimary::Result>();
  expect_equal(w.messages.count(GST_MESSAGE_EOS), 0);
  two.done("the job is done");
  w.messages.next(GST_MESSAGE_EOS);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_reconnect_survives_a_lost_primary) {
  Worker w("reconnect=true");
  {
    auto lost = w.primary.accept();
    lost.grant(1, source_header(0));
    lost.close();
  }
  auto worker = w.primary.accept();
  worker.grant(1, source_header(4));
  expect_equal(result_header(worker.next<FakePrimary::Result>()).index, 4);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

// With and without reconnect.
GST_START_TEST(test_remoteencsrc_stuck_pipeline_leaves_for_good) {
  Worker w("stall-timeout=200000000 reconnect=" + std::to_string(__i__));
  std::mutex stuck;
  std::unique_lock hold(stuck);
  gst_pad_add_probe(
      w.pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer lock) {
        // Not even a flush comes past this.
        const std::lock_guard wait(*static_cast<std::mutex*>(lock));
        return GST_PAD_PROBE_OK;
      },
      &stuck, nullptr);
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Failure>().lease, 1);
  worker.next<dist::PrimarySession::Left>();
  worker.close();
  fail_unless(w.primary.quiet());
  w.messages.expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "stuck");
  hold.unlock();
  // The rest of that segment is flushed, and the one after it belongs to somebody else now.
  wait_until([&] { return gst_pad_get_task_state(w.pad.get()) == GST_TASK_PAUSED; });
  fail_unless(w.log.text().find("eos") == std::string::npos);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR) + w.messages.count(GST_MESSAGE_EOS), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_pipeline_error_leaves_for_good) {
  Worker w("reconnect=true", " fakesink");
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Failure>().lease, 1);
  worker.next<dist::PrimarySession::Left>();
  worker.close();
  fail_unless(w.primary.quiet());
  w.messages.expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "Internal data stream");
  expect_equal(w.messages.count("dist-disconnected"), 0);
}
GST_END_TEST

// A state change begins at the other end of the pipeline: the push fails before the source is told.
GST_START_TEST(test_remoteencsrc_stop_is_no_failure_of_the_lease) {
  for (int i = 0; i < 10; ++i) {
    Worker w("", " ! queue max-size-buffers=1 ! identity name=stop ! remoteencsink");
    const auto stop =
        Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(w.pipeline.get()), "stop"));
    const auto exit = Ref<GstPad>::adopt(gst_element_get_static_pad(stop.get(), "src"));
    gst_pad_add_probe(
        exit.get(),
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
        [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
    auto worker = w.primary.accept();
    worker.grant(1, source_header(0));
    wait_until([&] { return gst_pad_is_blocking(exit.get()); });
    gst_element_set_state(w.pipeline.get(), GST_STATE_NULL);
    worker.next<dist::PrimarySession::Left>();
    expect_equal(worker.count<FakePrimary::Failure>(), 0);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_eos_event_ends_an_idle_worker) {
  for (const char* properties : {"", "reconnect=true"}) {
    Worker w(properties);
    auto worker = w.primary.accept();
    w.messages.next("dist-connected");
    fail_unless(gst_element_send_event(w.pipeline.get(), gst_event_new_eos()));
    expect_equal(worker.next<dist::PrimarySession::Retired>().kept.size(), 0);
    worker.next<dist::PrimarySession::Left>();
    worker.close();
    w.messages.next(GST_MESSAGE_EOS);
    expect_equal(w.messages.count(GST_MESSAGE_ERROR) + w.messages.count("dist-disconnected"), 0);
  }
}
GST_END_TEST

// What waits behind it goes back at once, and what comes then is not taken.
GST_START_TEST(test_remoteencsrc_eos_event_finishes_the_segment) {
  Worker w("prefetch=3 reconnect=true");
  const gulong block = gst_pad_add_probe(
      w.pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  auto worker = w.primary.accept();
  for (std::uint64_t i = 0; i < 3; ++i)
    worker.grant(i, source_header(i));
  wait_until([&] { return gst_pad_is_blocking(w.pad.get()); });
  gst_element_send_event(w.pipeline.get(), gst_event_new_eos());
  const auto retired = worker.next<dist::PrimarySession::Retired>();
  expect_equal(retired.kept.size(), 1);
  expect_equal(retired.kept[0], 0);
  worker.grant(3, source_header(3));
  worker.cancel(1);
  worker.cancel(2);
  worker.cancel(3);
  expect_equal(w.messages.count(GST_MESSAGE_EOS), 0);
  gst_pad_remove_probe(w.pad.get(), block);
  expect_equal(worker.next<FakePrimary::Result>().lease, 0);
  worker.next<dist::PrimarySession::Left>();
  worker.close();
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
  fail_unless(w.log.text().find("flush-start") == std::string::npos, "%s", w.log.text().c_str());
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_eos_event_ends_a_worker_without_a_primary) {
  Worker away("reconnect=true port=9");
  away.messages.next("dist-connecting");
  gst_element_send_event(away.pipeline.get(), gst_event_new_eos());
  away.messages.next(GST_MESSAGE_EOS);

  Worker greeting("reconnect=true");
  Stranger mute(greeting.primary.accept_socket());
  gst_element_send_event(greeting.pipeline.get(), gst_event_new_eos());
  greeting.messages.next(GST_MESSAGE_EOS);

  Worker lost("reconnect=true");
  auto worker = lost.primary.accept();
  const gulong block = gst_pad_add_probe(
      lost.pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  worker.grant(1, source_header(1));
  wait_until([&] { return gst_pad_is_blocking(lost.pad.get()); });
  gst_element_send_event(lost.pipeline.get(), gst_event_new_eos());
  worker.next<dist::PrimarySession::Retired>();
  worker.close();
  lost.messages.next("dist-disconnected");
  gst_pad_remove_probe(lost.pad.get(), block);
  lost.messages.next(GST_MESSAGE_EOS);
  fail_unless(lost.primary.quiet());
  expect_equal(lost.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

// With a primary that never closes, and one that is waited for; the next start is as the first.
GST_START_TEST(test_remoteencsrc_stops_while_it_retires) {
  Worker w("reconnect=true");
  for (int i = 0; i < 4; ++i) {
    auto worker = w.primary.accept();
    w.messages.next("dist-connected");
    const gulong block = gst_pad_add_probe(
        w.pad.get(),
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
        [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
    if (i % 2 == 0) {
      worker.grant(1, source_header(1));
      wait_until([&] { return gst_pad_is_blocking(w.pad.get()); });
    }
    gst_element_send_event(w.pipeline.get(), gst_event_new_eos());
    if (i < 2)
      worker.next<dist::PrimarySession::Retired>();
    const gint64 begin = g_get_monotonic_time();
    gst_element_set_state(w.pipeline.get(), GST_STATE_NULL);
    fail_unless(g_get_monotonic_time() - begin < 5 * G_USEC_PER_SEC);
    worker.next<dist::PrimarySession::Left>();
    gst_pad_remove_probe(w.pad.get(), block);
    fail_unless(!gst_element_send_event(w.pipeline.get(), gst_event_new_eos()));
    gst_element_set_state(w.pipeline.get(), GST_STATE_PLAYING);
  }
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  expect_equal(worker.next<FakePrimary::Result>().lease, 1);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_stop_wakes_every_wait) {
  Source waiting;
  auto idle = waiting.primary.accept();
  waiting.h.messages().next("dist-connected");
  gst_element_set_state(waiting.h.element(), GST_STATE_NULL);
  idle.next<dist::PrimarySession::Left>();

  Source busy;
  auto worker = busy.primary.accept();
  worker.grant(1, source_header(0));
  busy.h.pull_event(GST_EVENT_EOS);
  gst_element_set_state(busy.h.element(), GST_STATE_NULL);
  worker.next<dist::PrimarySession::Left>();

  Source ignored;
  gst_element_set_state(ignored.h.element(), GST_STATE_NULL);
}
GST_END_TEST

// Whatever the primary says meanwhile. It asks each worker at once what it can make.
GST_START_TEST(test_remoteencsrc_stops_while_the_primary_asks) {
  RemoteEnc primary("renditions=a:h264 local-workers=0");
  primary.push_segment(0);
  guint port = 0;
  g_object_get(primary.element(), "port", &port, nullptr);
  for (int round = 0; round < 100; ++round) {
    const auto worker = make_element("remoteencsrc", "port=" + std::to_string(port));
    gst_element_set_state(worker.get(), GST_STATE_PLAYING);
    // The hundred stops are spread over the time that dialling and greeting take.
    g_usleep(static_cast<gulong>(round) * 20);
    gst_element_set_state(worker.get(), GST_STATE_NULL);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_dials_again_after_null) {
  Worker w;
  for (int i = 0; i < 3; ++i) {
    auto worker = w.primary.accept();
    worker.grant(1, source_header(0));
    worker.next<FakePrimary::Result>();
    gst_element_set_state(w.pipeline.get(), GST_STATE_NULL);
    worker.next<dist::PrimarySession::Left>();
    gst_element_set_state(w.pipeline.get(), GST_STATE_PLAYING);
  }
}
GST_END_TEST

static Suite* remoteencsrc_ends_suite() {
  Suite* const suite = suite_create("remoteencsrc_ends");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_remoteencsrc_refusal_is_an_error);
  tcase_add_test(tests, test_remoteencsrc_lost_primary_is_an_error);
  tcase_add_test(tests, test_remoteencsrc_primary_that_speaks_otherwise_is_an_error);
  tcase_add_test(tests, test_remoteencsrc_job_that_is_done_ends_the_pipeline);
  tcase_add_test(tests, test_remoteencsrc_job_without_a_lease_ends_the_pipeline);
  tcase_add_test(tests, test_remoteencsrc_last_of_two_workers_ends_the_pipeline);
  tcase_add_test(tests, test_remoteencsrc_reconnect_survives_a_lost_primary);
  tcase_add_loop_test(tests, test_remoteencsrc_stuck_pipeline_leaves_for_good, 0, 2);
  tcase_add_test(tests, test_remoteencsrc_pipeline_error_leaves_for_good);
  tcase_add_test(tests, test_remoteencsrc_stop_is_no_failure_of_the_lease);
  tcase_add_test(tests, test_remoteencsrc_eos_event_ends_an_idle_worker);
  tcase_add_test(tests, test_remoteencsrc_eos_event_finishes_the_segment);
  tcase_add_test(tests, test_remoteencsrc_eos_event_ends_a_worker_without_a_primary);
  tcase_add_test(tests, test_remoteencsrc_stops_while_it_retires);
  tcase_add_test(tests, test_remoteencsrc_stops_while_the_primary_asks);
  tcase_add_test(tests, test_remoteencsrc_stop_wakes_every_wait);
  tcase_add_test(tests, test_remoteencsrc_dials_again_after_null);
  return suite;
}

GST_CHECK_MAIN(remoteencsrc_ends)
