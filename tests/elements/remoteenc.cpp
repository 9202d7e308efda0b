// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <thread>

#include "gst/base/text.h"
#include "tests/elements/helpers.h"

namespace {

using namespace test;

// Pushes one segment from a thread of its own, as a push that blocks needs it.
class Push {
 public:
  Push(RemoteEnc& element, std::uint64_t index)
      : thread_([this, &element, index] {
          flow_ = element.push_segment(index);
          returned_ = true;
        }) {}
  ~Push() {
    if (thread_.joinable())
      thread_.join();
  }
  bool returned() const { return returned_; }
  GstFlowReturn wait() {
    thread_.join();
    return flow_;
  }

 private:
  std::atomic<bool> returned_ = false;
  GstFlowReturn flow_ = GST_FLOW_OK;
  std::thread thread_;
};

}  // namespace

GST_START_TEST(test_remoteenc_full_window_of_segments_blocks_upstream) {
  RemoteEnc h("max-segments=2");
  FakeWorker worker(h.element(), "worker", 8);
  h.push_segment(0);
  h.push_segment(1);
  Push third(h, 2);
  const auto first = worker.lease();
  const auto second = worker.lease();
  fail_unless(worker.quiet() && !third.returned());
  // The window is counted from the oldest segment that is not out yet.
  worker.answer(second);
  h.pull();
  fail_unless(worker.quiet() && !third.returned());
  worker.answer(first);
  expect_equal(third.wait(), GST_FLOW_OK);
  expect_equal(worker.lease().segment, 2);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_full_window_of_bytes_blocks_upstream) {
  const gsize size = gst_buffer_get_size(segment(source_header(0)).get());
  // Half of it is for results that are arriving.
  RemoteEnc h("max-bytes=" + std::to_string(2 * size + 2));
  FakeWorker worker(h.element(), "worker", 8);
  h.push_segment(0);
  h.push_segment(1);
  Push third(h, 2);
  const auto first = worker.lease();
  worker.lease();
  fail_unless(worker.quiet() && !third.returned());
  worker.answer(first);
  expect_equal(third.wait(), GST_FLOW_OK);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_accepts_one_segment_however_large) {
  RemoteEnc h("max-bytes=1");
  expect_equal(h.push_segment(0), GST_FLOW_OK);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_flush_wakes_a_blocked_upstream) {
  RemoteEnc h("max-segments=1");
  FakeWorker worker(h.element(), "worker", 2);
  h.push_segment(0);
  Push blocked(h, 1);
  const auto lease = worker.lease();
  fail_unless(worker.quiet());
  h.push_event(gst_event_new_flush_start());
  expect_equal(blocked.wait(), GST_FLOW_FLUSHING);
  expect_equal(worker.next<dist::WorkerSession::Cancelled>().lease, lease.lease);
  h.push_event(gst_event_new_flush_stop(TRUE));
  h.push_event(time_segment_event());
  h.push_segment(0);
  worker.answer(worker.lease());
  expect_equal(h.pull_header().index, 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_result_from_before_a_flush_is_dropped) {
  RemoteEnc h;
  FakeWorker worker(h.element(), "worker", 2);
  h.push_segment(0);
  const auto stale = worker.lease();
  h.flush();
  worker.next<dist::WorkerSession::Cancelled>();
  worker.answer(stale);
  h.push_segment(7);
  worker.answer(worker.lease());
  expect_equal(h.pull_header().index, 7);
  expect_equal(h.messages().count("dist-segment-done"), 1);
  expect_equal(h.messages().count("dist-lease-failed"), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_stop_wakes_a_blocked_upstream) {
  RemoteEnc h("max-segments=1");
  h.push_segment(0);
  h.messages().next("dist-waiting");
  Push blocked(h, 1);
  gst_element_set_state(h.element(), GST_STATE_NULL);
  expect_equal(blocked.wait(), GST_FLOW_FLUSHING);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_eos_waits_for_the_last_result) {
  RemoteEnc h;
  FakeWorker worker(h.element(), "worker", 2);
  h.push_segment(0);
  h.push_segment(1, true);
  h.end();
  const auto first = worker.lease();
  worker.answer(worker.lease());
  h.pull();
  expect_equal(h.messages().count("dist-summary"), 0);
  fail_if(GST_PAD_IS_EOS(h.get()->sinkpad));
  worker.answer(first);
  h.pull_event(GST_EVENT_EOS);
  expect_equal(h.waiting(), 1);
  worker.next<dist::WorkerSession::JobDone>();
}
GST_END_TEST

GST_START_TEST(test_remoteenc_eos_without_data_passes) {
  RemoteEnc h;
  h.end();
  h.pull_event(GST_EVENT_EOS);
  expect_equal(uint64_field(h.messages().next("dist-summary"), "segments"), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_events_pass_in_order) {
  RemoteEnc h;
  h.push_event(gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "film", nullptr)));
  h.push_event(marker_event("marker"));
  h.end();
  for (GstEventType type : {GST_EVENT_STREAM_START, GST_EVENT_CAPS, GST_EVENT_SEGMENT,
                            GST_EVENT_TAG, GST_EVENT_CUSTOM_DOWNSTREAM, GST_EVENT_EOS})
    h.pull_event(type);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_error_wakes_a_blocked_upstream) {
  RemoteEnc h("max-attempts=1 max-segments=1");
  FakeWorker worker(h.element());
  h.push_segment(0);
  Push blocked(h, 1);
  worker.give_up(worker.lease(), "no encoder");
  expect_equal(blocked.wait(), GST_FLOW_ERROR);
  // Whoever is upstream has its say after this one.
  expect_equal(h.messages().count(GST_MESSAGE_ERROR), 1);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_error_is_not_lost_while_downstream_is_busy) {
  RemoteEnc h("max-attempts=1");
  FakeWorker worker(h.element());
  const auto src = Ref<GstPad>::adopt(gst_element_get_static_pad(h.element(), "src"));
  const gulong block = gst_pad_add_probe(
      src.get(), static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  h.push_segment(0);
  worker.answer(worker.lease());
  wait_until([&] { return gst_pad_is_blocking(src.get()); });
  h.push_segment(1);
  worker.give_up(worker.lease(), "no encoder");
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE, "Segment 1");
  gst_pad_remove_probe(src.get(), block);
  wait_until([&] { return gst_pad_get_task_state(src.get()) == GST_TASK_PAUSED; });
  expect_equal(h.push_segment(2), GST_FLOW_ERROR);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_encoded_segment_is_an_error) {
  RemoteEnc h;
  expect_equal(h.push(segment(rendition_header(source_header(0)))), GST_FLOW_ERROR);
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                            "segment 0 is an encoded one");
}
GST_END_TEST

GST_START_TEST(test_remoteenc_garbage_from_upstream_is_an_error) {
  RemoteEnc h;
  expect_equal(h.push(raw_frame(0)), GST_FLOW_ERROR);
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                            "these bytes are not a segment");
}
GST_END_TEST

static void expect_no_start(const std::string& properties, const std::string& text) {
  const auto element = make_element("remoteenc", properties);
  Messages messages(element.get());
  expect_equal(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  messages.expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE, text);
  gst_element_set_state(element.get(), GST_STATE_NULL);
}

GST_START_TEST(test_remoteenc_port_in_use_is_an_error) {
  FakePrimary other;
  expect_no_start(other.address(), "port " + std::to_string(other.port()));
}
GST_END_TEST

GST_START_TEST(test_remoteenc_bad_address_is_an_error) {
  expect_no_start("port=0 address=primary.example", "not a numeric IPv4 or IPv6 address");
}
GST_END_TEST

GST_START_TEST(test_remoteenc_missing_downstream_is_reported_at_the_end) {
  RemoteEnc h("", nullptr);
  FakeWorker worker(h.element());
  h.push_segment(0, true);
  h.end();
  worker.answer(worker.lease());
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "Internal data stream");
}
GST_END_TEST

GST_START_TEST(test_remoteenc_missing_downstream_is_reported_after_the_last_result) {
  RemoteEnc h("", nullptr);
  FakeWorker worker(h.element());
  h.push_segment(0, true);
  worker.answer(worker.lease());
  const auto src = Ref<GstPad>::adopt(gst_element_get_static_pad(h.element(), "src"));
  wait_until([&] { return gst_pad_get_task_state(src.get()) == GST_TASK_PAUSED; });
  h.end();
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "Internal data stream");
}
GST_END_TEST

GST_START_TEST(test_remoteenc_port_can_be_read_back) {
  const auto element = make_element("remoteenc", "port=0");
  Messages messages(element.get());
  guint port = 1;
  g_object_get(element.get(), "port", &port, nullptr);
  expect_equal(port, 0);
  gst_element_set_state(element.get(), GST_STATE_PAUSED);
  g_object_get(element.get(), "port", &port, nullptr);
  fail_unless(port > 0);
  expect_equal(uint_field(messages.next("dist-listening"), "port"), port);
  gst_element_set_state(element.get(), GST_STATE_NULL);
  g_object_get(element.get(), "port", &port, nullptr);
  expect_equal(port, 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_begins_anew_after_null) {
  RemoteEnc h("max-segments=1");
  for (int i = 0; i < 3; ++i) {
    FakeWorker worker(h.element());
    h.push_segment(0);
    worker.answer(worker.lease());
    h.pull();
    gst_element_set_state(h.element(), GST_STATE_NULL);
    worker.next<dist::WorkerSession::JobDone>();
    gst_harness_play(h.get());
    h.start("application/x-dist-segment");
  }
}
GST_END_TEST

GST_START_TEST(test_remoteenc_properties) {
  const auto element = make_element("remoteenc");
  expect_property(element.get(), "port", 0, G_MAXUINT16, 7700);
  expect_property(element.get(), "max-segments", 1, G_MAXUINT, 64);
  expect_property(element.get(), "max-bytes", 1, G_MAXUINT64, 256 * 1024 * 1024);
  expect_property(element.get(), "max-attempts", 1, G_MAXUINT, 3);
  gchar* address = nullptr;
  g_object_get(element.get(), "address", &address, nullptr);
  fail_unless(dist::take_string(address) == "127.0.0.1");
}
GST_END_TEST

static Suite* remoteenc_suite() {
  Suite* const suite = suite_create("remoteenc");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_remoteenc_full_window_of_segments_blocks_upstream);
  tcase_add_test(tests, test_remoteenc_full_window_of_bytes_blocks_upstream);
  tcase_add_test(tests, test_remoteenc_accepts_one_segment_however_large);
  tcase_add_test(tests, test_remoteenc_flush_wakes_a_blocked_upstream);
  tcase_add_test(tests, test_remoteenc_result_from_before_a_flush_is_dropped);
  tcase_add_test(tests, test_remoteenc_stop_wakes_a_blocked_upstream);
  tcase_add_test(tests, test_remoteenc_eos_waits_for_the_last_result);
  tcase_add_test(tests, test_remoteenc_eos_without_data_passes);
  tcase_add_test(tests, test_remoteenc_events_pass_in_order);
  tcase_add_test(tests, test_remoteenc_error_wakes_a_blocked_upstream);
  tcase_add_test(tests, test_remoteenc_error_is_not_lost_while_downstream_is_busy);
  tcase_add_test(tests, test_remoteenc_encoded_segment_is_an_error);
  tcase_add_test(tests, test_remoteenc_garbage_from_upstream_is_an_error);
  tcase_add_test(tests, test_remoteenc_port_in_use_is_an_error);
  tcase_add_test(tests, test_remoteenc_bad_address_is_an_error);
  tcase_add_test(tests, test_remoteenc_missing_downstream_is_reported_at_the_end);
  tcase_add_test(tests, test_remoteenc_missing_downstream_is_reported_after_the_last_result);
  tcase_add_test(tests, test_remoteenc_port_can_be_read_back);
  tcase_add_test(tests, test_remoteenc_begins_anew_after_null);
  tcase_add_test(tests, test_remoteenc_properties);
  return suite;
}

GST_CHECK_MAIN(remoteenc)
