// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// distjoin with several pads, of which some are slow, some are not linked, and some fail.
#include <atomic>
#include <thread>

#include "gst/cut/join_room.h"
#include "tests/elements/join.h"

namespace {

using namespace test;

constexpr char kCapsOfTwo[] = "application/x-dist-segment, renditions=(string)< a, b >";

dist::SegmentHeader of(const char* rendition, std::uint64_t index, bool last = false) {
  return rendition_header(source_header(index, last), rendition);
}

// Pushes the segments of one rendition from a thread of its own.
class Pusher {
 public:
  Pusher(Join& join, const char* rendition, std::uint64_t count)
      : thread_([this, &join, rendition, count] {
          for (std::uint64_t i = 0; i < count && flow_ == GST_FLOW_OK; ++i) {
            flow_ = join.push_segment(of(rendition, i, i + 1 == count));
            if (flow_ == GST_FLOW_OK)
              ++pushed_;
          }
          ended_ = true;
        }) {}
  ~Pusher() { join(); }
  GstFlowReturn join() {
    if (thread_.joinable())
      thread_.join();
    return flow_;
  }
  std::uint64_t pushed() const { return pushed_; }
  // Waits until so many were taken, and sees that no more are.
  void expect_to_stop_after(std::uint64_t count) {
    wait_until([&] { return pushed_ >= count; });
    g_usleep(kQuietMilliseconds * 1000);
    expect_equal(pushed_.load(), count);
    fail_if(ended_);
  }

 private:
  std::atomic<GstFlowReturn> flow_ = GST_FLOW_OK;
  std::atomic<std::uint64_t> pushed_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

// Behind the pad everything is answered with this.
void answer_with(GstHarness* output, GstFlowReturn flow) {
  const auto answer = [](GstPad*, GstPadProbeInfo* info, gpointer wanted) {
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = static_cast<GstFlowReturn>(GPOINTER_TO_INT(wanted));
    return GST_PAD_PROBE_HANDLED;
  };
  gst_pad_add_probe(output->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, answer, GINT_TO_POINTER(flow),
                    nullptr);
}

}  // namespace

GST_START_TEST(test_distjoin_one_who_waits_does_not_keep_others_from_their_segments) {
  Join join;
  join.gate("src_a");
  for (std::uint64_t i = 0; i < 2; ++i)
    for (const char* rendition : {"a", "b"})
      expect_equal(join.push_segment(of(rendition, i, i == 1)), GST_FLOW_OK);
  join.take("src_b", 20);
  fail_unless(join.end());
  join.expect_end("src_b");
  join.gate("src_a").open();
  join.take("src_a", 20);
  join.expect_end("src_a");
}
GST_END_TEST

GST_START_TEST(test_distjoin_who_is_full_waits) {
  Join join;
  join.gate("src_a");
  Pusher pusher(join, "a", 20);
  pusher.expect_to_stop_after(dist::kJoinEnough);
  join.gate("src_a").open();
  join.take("src_a", 200);
  expect_equal(pusher.join(), GST_FLOW_OK);
}
GST_END_TEST

// As when all sinks have to be in preroll before any goes on.
GST_START_TEST(test_distjoin_who_is_full_takes_more_while_an_announced_one_has_none) {
  Join join(kCapsOfTwo);
  join.gate("src_a");
  Pusher pusher(join, "a", 5);
  expect_equal(pusher.join(), GST_FLOW_OK);
  for (std::uint64_t i = 0; i < 5; ++i)
    expect_equal(join.push_segment(of("b", i, i == 4)), GST_FLOW_OK);
  join.take("src_b", 50);
  join.gate("src_a").open();
  join.take("src_a", 50);
}
GST_END_TEST

GST_START_TEST(test_distjoin_flush_ends_the_wait) {
  Join join;
  join.gate("src_a");
  Pusher pusher(join, "a", 20);
  pusher.expect_to_stop_after(dist::kJoinEnough);
  std::thread flush([&] { join.push_event(gst_event_new_flush_start()); });
  expect_equal(pusher.join(), GST_FLOW_FLUSHING);
  join.gate("src_a").open();
  flush.join();
  join.push_event(gst_event_new_flush_stop(TRUE));
  join.take("src_a", gst_harness_buffers_in_queue(join.output("src_a")));
  join.push_event(time_segment_event());
  expect_equal(join.push_segment(of("a", 0, true)), GST_FLOW_OK);
  join.take("src_a", 10);
}
GST_END_TEST

GST_START_TEST(test_distjoin_stop_ends_the_wait) {
  Join join;
  join.gate("src_a");
  Pusher pusher(join, "a", 20);
  pusher.expect_to_stop_after(dist::kJoinEnough);
  std::thread stop([&] { gst_element_set_state(join.element(), GST_STATE_NULL); });
  expect_equal(pusher.join(), GST_FLOW_FLUSHING);
  join.gate("src_a").open();
  stop.join();
}
GST_END_TEST

GST_START_TEST(test_distjoin_one_rendition_without_a_taker_does_not_stop_the_other) {
  Join join("application/x-dist-segment", [](const std::string& pad) { return pad == "src_b"; });
  for (std::uint64_t i = 0; i < 20; ++i)
    for (const char* rendition : {"a", "b"}) {
      expect_equal(join.push_segment(of(rendition, i, i == 19)), GST_FLOW_OK);
      // Each is told apart from the next by having been answered.
      if (rendition[0] == 'b')
        join.take("src_b", 10);
    }
  fail_unless(join.end());
  join.expect_end("src_b");
  expect_equal(join.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_distjoin_nobody_takes_anything) {
  Join join(kCapsOfTwo, [](const std::string&) { return false; });
  expect_equal(join.push_segment(of("a", 0)), GST_FLOW_OK);
  expect_equal(join.push_segment(of("b", 0)), GST_FLOW_OK);
  GstFlowReturn flow = GST_FLOW_OK;
  std::uint64_t i = 1;
  wait_until([&] {
    flow = join.push_segment(of("a", i++));
    return flow != GST_FLOW_OK;
  });
  expect_equal(flow, GST_FLOW_NOT_LINKED);
  // Upstream says so.
  expect_equal(join.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_distjoin_nobody_took_the_only_segment) {
  Join join("application/x-dist-segment", [](const std::string&) { return false; });
  join.gate("src_0");
  expect_equal(join.push_segment(rendition_header(source_header(0, true))), GST_FLOW_OK);
  join.end();
  join.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "Internal data stream");
}
GST_END_TEST

GST_START_TEST(test_distjoin_who_is_linked_late_begins_with_a_segment) {
  Join join(kCapsOfTwo, [](const std::string& pad) { return pad == "src_b"; });
  expect_equal(join.push_segment(of("a", 0)), GST_FLOW_OK);
  expect_equal(join.push_segment(of("b", 0)), GST_FLOW_OK);
  join.take("src_b", 10);
  const auto late = Ref<GstPad>::adopt(gst_element_get_static_pad(join.element(), "src_a"));
  wait_until([&] { return gst_pad_get_last_flow_return(late.get()) == GST_FLOW_NOT_LINKED; });
  join.link(late.get());
  expect_equal(join.push_segment(of("a", 1)), GST_FLOW_OK);
  const auto joined = join.take("src_a", 10);
  expect_equal(GST_BUFFER_PTS(joined[0].get()), GST_SECOND);
}
GST_END_TEST

GST_START_TEST(test_distjoin_error_of_one_goes_upstream) {
  Join join(kCapsOfTwo);
  expect_equal(join.push_segment(of("a", 0)), GST_FLOW_OK);
  expect_equal(join.push_segment(of("b", 0)), GST_FLOW_OK);
  answer_with(join.output("src_a"), GST_FLOW_ERROR);
  GstFlowReturn flow = GST_FLOW_OK;
  std::uint64_t i = 1;
  wait_until([&] {
    flow = join.push_segment(of("a", i++));
    return flow != GST_FLOW_OK;
  });
  expect_equal(flow, GST_FLOW_ERROR);
}
GST_END_TEST

GST_START_TEST(test_distjoin_one_that_wants_no_more_does_not_end_the_other) {
  Join join(kCapsOfTwo);
  for (std::uint64_t i = 0; i < 20; ++i) {
    for (const char* rendition : {"a", "b"})
      expect_equal(join.push_segment(of(rendition, i, i == 19)), GST_FLOW_OK);
    if (i == 0)
      answer_with(join.output("src_a"), GST_FLOW_EOS);
    join.take("src_b", 10);
  }
  fail_unless(join.end());
  join.expect_end("src_b");
}
GST_END_TEST

GST_START_TEST(test_distjoin_end_is_no_error_when_downstream_wants_no_more) {
  Join join;
  join.push_segment(of("a", 0));
  answer_with(join.output("src_a"), GST_FLOW_EOS);
  GstFlowReturn flow = GST_FLOW_OK;
  std::uint64_t i = 1;
  wait_until([&] {
    flow = join.push_segment(of("a", i++));
    return flow != GST_FLOW_OK;
  });
  expect_equal(flow, GST_FLOW_EOS);
  fail_unless(join.end());
  join.expect_end("src_a");
  expect_equal(join.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_distjoin_no_more_pads_after_all_that_were_announced) {
  Join join(kCapsOfTwo);
  join.push_segment(of("a", 0, true));
  fail_if(join.no_more_pads());
  join.push_segment(of("b", 0, true));
  fail_unless(join.no_more_pads());
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_an_announced_rendition_that_did_not_come) {
  Join join(kCapsOfTwo);
  join.push_segment(of("a", 0, true));
  fail_if(join.end());
  join.expect_error("segment 0: missing, and whatever follows it, in rendition 'b'");
}
GST_END_TEST

GST_START_TEST(test_distjoin_rendition_gets_the_tags_that_are_true_of_it) {
  Join join;
  join.push_event(
      gst_event_new_tag(gst_tag_list_new(GST_TAG_BITRATE, 1000u, GST_TAG_VIDEO_CODEC, "H.264",
                                         GST_TAG_IMAGE_ORIENTATION, "rotate-90", nullptr)));
  join.push_segment(of("a", 0, true));
  fail_unless(join.end());
  join.expect_end("src_a");
  const auto event = Ref<GstEvent>::adopt(
      gst_pad_get_sticky_event(join.output("src_a")->sinkpad, GST_EVENT_TAG, 0));
  fail_unless(static_cast<bool>(event));
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event.get(), &tags);
  const auto expected = gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, "rotate-90", nullptr);
  fail_unless(gst_tag_list_is_equal(tags, expected));
  gst_tag_list_unref(expected);
}
GST_END_TEST

static Suite* distjoin_outputs_suite() {
  Suite* const suite = suite_create("distjoin_outputs");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_distjoin_one_who_waits_does_not_keep_others_from_their_segments);
  tcase_add_test(tests, test_distjoin_who_is_full_waits);
  tcase_add_test(tests, test_distjoin_who_is_full_takes_more_while_an_announced_one_has_none);
  tcase_add_test(tests, test_distjoin_flush_ends_the_wait);
  tcase_add_test(tests, test_distjoin_stop_ends_the_wait);
  tcase_add_test(tests, test_distjoin_one_rendition_without_a_taker_does_not_stop_the_other);
  tcase_add_test(tests, test_distjoin_nobody_takes_anything);
  tcase_add_test(tests, test_distjoin_nobody_took_the_only_segment);
  tcase_add_test(tests, test_distjoin_who_is_linked_late_begins_with_a_segment);
  tcase_add_test(tests, test_distjoin_error_of_one_goes_upstream);
  tcase_add_test(tests, test_distjoin_one_that_wants_no_more_does_not_end_the_other);
  tcase_add_test(tests, test_distjoin_end_is_no_error_when_downstream_wants_no_more);
  tcase_add_test(tests, test_distjoin_no_more_pads_after_all_that_were_announced);
  tcase_add_test(tests, test_distjoin_names_an_announced_rendition_that_did_not_come);
  tcase_add_test(tests, test_distjoin_rendition_gets_the_tags_that_are_true_of_it);
  return suite;
}

GST_CHECK_MAIN(distjoin_outputs)
