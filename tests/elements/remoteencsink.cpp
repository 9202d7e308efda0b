// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <barrier>
#include <thread>

#include "tests/elements/helpers.h"

namespace {

using namespace test;

// x264enc and x265enc begin here.
constexpr Time kEncoderShift = 1000 * 3600 * GST_SECOND;

// One encoded frame as it leaves an encoder: when it is shown, and how much earlier it is decoded.
struct Encoded {
  Time show;
  Time lead = 0;
  guint flags = dist::kFlagDeltaUnit;
};

std::vector<Encoded> frames_of(const dist::SegmentHeader& source) {
  std::vector<Encoded> frames;
  for (Time show : source.presentation_times())
    frames.push_back({show, 0, frames.empty() ? 0 : dist::kFlagDeltaUnit});
  return frames;
}

// The two ends of a worker, with the test in the place of what is between them: leases come in
// through a real remoteencsrc, encoded frames are pushed into remoteencsink.
class Rig {
 public:
  // The sink gets a pad for each rendition; an empty one asks for no name.
  explicit Rig(const std::vector<std::string>& renditions = {""})
      : source_("remoteencsrc", primary_.address(), nullptr, "src"),
        worker_(primary_.accept()),
        sink_("remoteencsink", "", ("sink_" + name(renditions[0])).c_str(), nullptr) {
    pads_.push_back(sink_.get());
    for (std::size_t i = 1; i < renditions.size(); ++i)
      pads_.push_back(gst_harness_new_with_element(
          sink_.element(), ("sink_" + name(renditions[i])).c_str(), nullptr));
  }
  ~Rig() {
    for (std::size_t i = 1; i < pads_.size(); ++i)
      gst_harness_teardown(pads_[i]);
  }

  FakePrimary::Worker& worker() { return worker_; }
  Harness& sink() { return sink_; }
  GstHarness* pad(std::size_t i = 0) { return pads_[i]; }

  // Begins a segment: all that comes before its first frame, at each pad.
  void begin(const dist::SegmentHeader& source) {
    worker_.grant(++leases_, source);
    const auto lease = source_.pull_event(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY);
    for (GstHarness* pad : pads_) {
      gst_harness_push_event(pad, gst_event_new_stream_start("encoded"));
      set_caps(kEncodedCaps, pad);
      gst_harness_push_event(pad, time_segment_event(kEncoderShift));
      gst_harness_push_event(pad, Ref<GstEvent>(lease).release());
    }
    start_ = source.start;
  }
  void set_caps(const char* caps, GstHarness* pad) {
    const auto parsed = Ref<GstCaps>::adopt(gst_caps_from_string(caps));
    gst_harness_push_event(pad, gst_event_new_caps(parsed.get()));
  }
  void push(const std::vector<Encoded>& frames, std::size_t pad = 0) {
    for (const Encoded& frame : frames) {
      const Time pts = frame.show - start_ + kEncoderShift;
      gst_harness_push(pads_[pad], unit(std::vector<std::uint8_t>(kFrameSize), pts,
                                        pts - frame.lead, kFrame, frame.flags)
                                       .release());
    }
  }
  void end(std::size_t pad = 0) { gst_harness_push_event(pads_[pad], gst_event_new_eos()); }
  // A whole segment at the first pad, with these frames, or with all that the source has.
  void encode(const dist::SegmentHeader& source, const std::vector<Encoded>& frames) {
    begin(source);
    push(frames);
    end();
  }
  void encode(const dist::SegmentHeader& source) { encode(source, frames_of(source)); }
  void flush() {
    for (GstHarness* pad : pads_) {
      gst_harness_push_event(pad, gst_event_new_flush_start());
      gst_harness_push_event(pad, gst_event_new_flush_stop(TRUE));
    }
  }
  // What the primary gets: one header for each rendition.
  std::vector<dist::SegmentHeader> result() {
    const auto result = worker_.next<FakePrimary::Result>();
    expect_equal(result.lease, leases_);
    std::vector<dist::SegmentHeader> headers;
    for (const dist::BytesList& bytes : result.renditions) {
      auto header = dist::parse_header(bytes.front().span(), dist::total_size(bytes));
      fail_unless(static_cast<bool>(header));
      headers.push_back(std::move(*header));
    }
    return headers;
  }
  std::string failure() { return worker_.next<FakePrimary::Failure>().reason; }

 private:
  static std::string name(const std::string& rendition) {
    return rendition.empty() ? "%s" : rendition;
  }
  FakePrimary primary_;
  Harness source_;
  FakePrimary::Worker worker_;
  Harness sink_;
  std::vector<GstHarness*> pads_;
  std::uint64_t leases_ = 0;
  Time start_ = 0;
};

}  // namespace

GST_START_TEST(test_remoteencsink_unnamed_pad_is_rendition_0) {
  Rig rig;
  const auto source = source_header(2);
  rig.encode(source);
  const auto result = rig.result();
  expect_equal(result.size(), 1);
  fail_unless(result[0] == rendition_header(source));
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_each_pad_is_a_rendition) {
  Rig rig({"720p", "360p"});
  const auto source = source_header(0);
  rig.begin(source);
  rig.push(frames_of(source), 0);
  rig.end(0);
  fail_unless(rig.worker().quiet());
  rig.push(frames_of(source), 1);
  rig.end(1);
  const auto result = rig.result();
  expect_equal(result.size(), 2);
  for (const auto& header : result)
    fail_unless(header == rendition_header(source, header.rendition));
  fail_if(result[0].rendition == result[1].rendition);
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_pads_that_end_together_answer_once) {
  Rig rig({"720p", "360p"});
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto source = source_header(i);
    rig.begin(source);
    rig.push(frames_of(source), 0);
    rig.push(frames_of(source), 1);
    std::barrier together(2);
    const auto end = [&](std::size_t pad) {
      together.arrive_and_wait();
      rig.end(pad);
    };
    std::thread other(end, 1);
    end(0);
    other.join();
    expect_equal(rig.result().size(), 2);
    rig.flush();
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_refuses_names_that_no_rendition_can_have) {
  const auto sink = make_element("remoteencsink");
  for (const char* name : {"sink_source", "sink_"})
    fail_unless(gst_element_request_pad_simple(sink.get(), name) == nullptr, "%s", name);
  expect_equal(sink.get()->numpads, 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_unnamed_pads_get_free_names) {
  const auto sink = make_element("remoteencsink");
  std::string names;
  for (const char* name : {"sink_0", "sink_%s", "sink_%s"}) {
    const auto pad = Ref<GstPad>::adopt(gst_element_request_pad_simple(sink.get(), name));
    fail_unless(static_cast<bool>(pad));
    names += std::string(GST_PAD_NAME(pad.get())) + " ";
  }
  expect_text(names, "sink_0 sink_1 sink_2 ");
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_rounded_times_become_exact_ones) {
  Rig rig;
  const auto source = source_header(0);
  auto frames = frames_of(source);
  for (std::size_t i = 1; i < frames.size(); ++i)
    frames[i].show = i % 2 == 0 ? frames[i].show + 700'000 : frames[i].show - 700'000;
  rig.encode(source, frames);
  fail_unless(rig.result()[0].presentation_times() == source.presentation_times());
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_reordered_frames_are_announced) {
  Rig rig;
  const auto source = source_header(0);
  auto frames = frames_of(source);
  std::rotate(&frames[1], &frames[3], &frames[3] + 1);
  rig.encode(source, frames);
  const auto header = rig.result()[0];
  expect_equal(header.reorder_depth, 1);
  expect_equal(header.units[1].show, 3 * kFrame);
  fail_unless(header.presentation_times() == source.presentation_times());
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_decode_lead_is_announced) {
  Rig rig;
  const auto source = source_header(0);
  auto frames = frames_of(source);
  for (Encoded& frame : frames)
    frame.lead = 2 * kFrame;
  rig.encode(source, frames);
  expect_equal(rig.result()[0].reorder_depth, 2);
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_missing_frame_is_left_to_the_primary) {
  Rig rig;
  const auto source = source_header(0);
  auto frames = frames_of(source);
  frames.erase(frames.begin() + 4);
  rig.encode(source, frames);
  const auto header = rig.result()[0];
  expect_equal(header.units.size(), 9);
  expect_equal(header.presentation_times()[4], 5 * kFrame);
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_frame_that_should_not_be_there_fails_the_lease) {
  Rig rig;
  const auto source = source_header(0);
  auto frames = frames_of(source);
  frames.push_back({source.stop});
  rig.encode(source, frames);
  expect_text(rig.failure(),
              "rendition '0': a frame at 1000000000 ns that the segment does not have");
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_no_frame_fails_the_lease) {
  Rig rig;
  rig.begin(source_header(0));
  rig.end();
  expect_text(rig.failure(), "rendition '0': no frame came out of the pipeline");
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_frame_without_time_fails_the_lease) {
  Rig rig;
  rig.begin(source_header(0));
  gst_harness_push(rig.pad(), unit({1}, GST_CLOCK_TIME_NONE, 0, kFrame).release());
  rig.end();
  expect_text(rig.failure(), "rendition '0': an access unit without a presentation time");
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_stream_headers_are_no_frames) {
  Rig rig;
  const auto source = source_header(0);
  rig.begin(source);
  gst_harness_push(rig.pad(), unit({1}, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
                                   GST_CLOCK_TIME_NONE, GST_BUFFER_FLAG_HEADER)
                                  .release());
  rig.push(frames_of(source));
  rig.end();
  expect_equal(rig.result()[0].units.size(), 10);
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_caps_change_within_a_segment_fails_the_lease) {
  Rig rig;
  const auto source = source_header(0);
  rig.begin(source);
  auto frames = frames_of(source);
  rig.push({frames[0]});
  rig.set_caps("image/jpeg", rig.pad());
  rig.push({frames.begin() + 1, frames.end()});
  rig.end();
  expect_text(rig.failure(), "rendition '0': the caps changed within the segment");
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_caps_before_the_first_frame_count) {
  Rig rig;
  const auto source = source_header(0);
  rig.begin(source);
  rig.set_caps("image/jpeg", rig.pad());
  rig.push(frames_of(source));
  rig.end();
  expect_text(rig.result()[0].caps, "image/jpeg");
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_flush_forgets_half_a_segment) {
  Rig rig;
  rig.begin(source_header(0));
  rig.push(frames_of(source_header(0)));
  rig.flush();
  rig.worker().cancel(1);
  const auto next = source_header(1);
  rig.encode(next);
  fail_unless(rig.result()[0] == rendition_header(next));
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_one_segment_after_another) {
  Rig rig;
  for (std::uint64_t i : {0u, 5u, 2u}) {
    const auto source = source_header(i);
    rig.encode(source);
    fail_unless(rig.result()[0] == rendition_header(source));
    rig.flush();
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_without_a_lease_is_an_ordinary_sink) {
  Harness sink("remoteencsink", "", "sink_0", nullptr);
  sink.start(kEncodedCaps);
  expect_equal(sink.push(raw_frame(0)), GST_FLOW_OK);
  expect_equal(sink.messages().count(GST_MESSAGE_EOS), 0);
  sink.push_event(gst_event_new_eos());
  sink.messages().next(GST_MESSAGE_EOS);
  expect_equal(sink.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_unknown_events_are_taken) {
  Harness sink("remoteencsink", "", "sink_0", nullptr);
  sink.start(kEncodedCaps);
  fail_unless(sink.push_event(marker_event("marker")));
  fail_unless(sink.push_event(gst_event_new_gap(0, kFrame)));
  fail_unless(sink.push_event(gst_event_new_tag(gst_tag_list_new_empty())));
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_refuses_caps_that_are_no_video) {
  Harness sink("remoteencsink", "", "sink_0", nullptr);
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(sink.element(), "sink_0"));
  for (const char* text : {"audio/x-raw", "video/x-h264, alignment=(string)nal"})
    fail_if(gst_pad_query_accept_caps(pad.get(),
                                      Ref<GstCaps>::adopt(gst_caps_from_string(text)).get()));
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_released_pad_is_not_waited_for) {
  Rig rig;
  GstPad* const extra = gst_element_request_pad_simple(rig.sink().element(), "sink_extra");
  gst_element_release_request_pad(rig.sink().element(), extra);
  gst_object_unref(extra);
  const auto source = source_header(0);
  rig.encode(source);
  expect_equal(rig.result().size(), 1);
}
GST_END_TEST

GST_START_TEST(test_remoteencsink_begins_anew_after_null) {
  Rig rig;
  rig.begin(source_header(0));
  rig.push(frames_of(source_header(0)));
  gst_element_set_state(rig.sink().element(), GST_STATE_NULL);
  rig.worker().cancel(1);
  gst_harness_play(rig.pad());
  const auto next = source_header(1);
  rig.encode(next);
  fail_unless(rig.result()[0] == rendition_header(next));
}
GST_END_TEST

static Suite* remoteencsink_suite() {
  Suite* const suite = suite_create("remoteencsink");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_remoteencsink_unnamed_pad_is_rendition_0);
  tcase_add_test(tests, test_remoteencsink_each_pad_is_a_rendition);
  tcase_add_test(tests, test_remoteencsink_pads_that_end_together_answer_once);
  tcase_add_test(tests, test_remoteencsink_refuses_names_that_no_rendition_can_have);
  tcase_add_test(tests, test_remoteencsink_unnamed_pads_get_free_names);
  tcase_add_test(tests, test_remoteencsink_rounded_times_become_exact_ones);
  tcase_add_test(tests, test_remoteencsink_reordered_frames_are_announced);
  tcase_add_test(tests, test_remoteencsink_decode_lead_is_announced);
  tcase_add_test(tests, test_remoteencsink_missing_frame_is_left_to_the_primary);
  tcase_add_test(tests, test_remoteencsink_frame_that_should_not_be_there_fails_the_lease);
  tcase_add_test(tests, test_remoteencsink_no_frame_fails_the_lease);
  tcase_add_test(tests, test_remoteencsink_frame_without_time_fails_the_lease);
  tcase_add_test(tests, test_remoteencsink_stream_headers_are_no_frames);
  tcase_add_test(tests, test_remoteencsink_caps_change_within_a_segment_fails_the_lease);
  tcase_add_test(tests, test_remoteencsink_caps_before_the_first_frame_count);
  tcase_add_test(tests, test_remoteencsink_flush_forgets_half_a_segment);
  tcase_add_test(tests, test_remoteencsink_one_segment_after_another);
  tcase_add_test(tests, test_remoteencsink_without_a_lease_is_an_ordinary_sink);
  tcase_add_test(tests, test_remoteencsink_unknown_events_are_taken);
  tcase_add_test(tests, test_remoteencsink_refuses_caps_that_are_no_video);
  tcase_add_test(tests, test_remoteencsink_released_pad_is_not_waited_for);
  tcase_add_test(tests, test_remoteencsink_begins_anew_after_null);
  return suite;
}

GST_CHECK_MAIN(remoteencsink)
