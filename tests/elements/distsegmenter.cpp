// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/text.h"
#include "gst/gstx/gather_memory.h"
#include "tests/elements/helpers.h"

namespace {

using namespace test;

constexpr char kByteStream[] =
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, "
    "framerate=(fraction)10/1";

struct Segmenter : Harness {
  explicit Segmenter(const std::string& properties = "", const std::string& caps = kRawCaps)
      : Harness("distsegmenter", properties, "sink", "src") {
    if (!caps.empty())
      start(caps);
  }
  void push_frames(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t i = begin; i < end; ++i)
      expect_equal(push(raw_frame(i)), GST_FLOW_OK);
  }
  void end() { fail_unless(push_event(gst_event_new_eos())); }
  dist::SegmentHeader pull_header() { return header_of(pull()); }
};

// An access unit in byte-stream format, told by its slice type.
Ref<GstBuffer> picture(std::uint8_t nal_type, std::uint64_t decoded, std::uint64_t shown) {
  return unit({0, 0, 0, 1, nal_type, 0x88, 0x80}, shown * kFrame, decoded * kFrame, kFrame,
              nal_type == 0x65 ? 0 : GST_BUFFER_FLAG_DELTA_UNIT);
}
constexpr std::uint8_t kIdr = 0x65;
constexpr std::uint8_t kInter = 0x41;

}  // namespace

GST_START_TEST(test_distsegmenter_header_describes_the_segment) {
  Segmenter h;
  h.push_frames(0, 25);
  h.end();
  h.pull();
  const Ref<GstBuffer> buffer = h.pull();
  expect_equal(GST_BUFFER_PTS(buffer.get()), GST_SECOND);
  expect_equal(GST_BUFFER_DURATION(buffer.get()), GST_SECOND);
  expect_equal(GST_BUFFER_OFFSET(buffer.get()), 1);
  const dist::SegmentHeader header = header_of(buffer);
  fail_if(header.stream_id.empty());
  expect_equal(header.index, 1);
  expect_equal(header.start, GST_SECOND);
  expect_equal(header.stop, 2 * GST_SECOND);
  fail_unless(header.is_source() && !header.last);
  expect_text(header.caps, kRawCaps);
  fail_unless(header.time_segment == dist::TimeSegment());
  expect_equal(header.first_unit, 10);
  fail_unless(header.units == source_header(1).units);
}
GST_END_TEST

// 10 frames/s, one keyframe: what is decoded once more belongs to the segments before.
GST_START_TEST(test_distsegmenter_cuts_on_a_grid) {
  Segmenter h("grid=2000000000 segment-duration=3000000000 max-segment-duration=0", kByteStream);
  for (std::uint64_t i = 0; i < 50; ++i)
    expect_equal(h.push(picture(i == 0 ? kIdr : kInter, i, i)), GST_FLOW_OK);
  h.end();
  for (const std::uint64_t second : {0u, 2u}) {
    const dist::SegmentHeader header = h.pull_header();
    expect_equal(header.start, second * GST_SECOND);
    expect_equal(header.stop, (second + 2) * GST_SECOND);
    expect_equal(header.first_unit, 0);
  }
  expect_equal(h.pull_header().stop, 5 * GST_SECOND);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_last_segment_says_so) {
  Segmenter h;
  h.push_frames(0, 25);
  expect_equal(h.waiting(), 2);
  h.end();
  fail_unless(!h.pull_header().last && !h.pull_header().last);
  const dist::SegmentHeader last = h.pull_header();
  fail_unless(last.last);
  expect_equal(last.units.size(), 5);
  expect_equal(last.stop, 25 * kFrame);
  h.pull_event(GST_EVENT_EOS);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_holds_raw_frames_without_copying) {
  Segmenter h;
  std::vector<Ref<GstBuffer>> frames;
  for (std::uint64_t i = 0; i < 11; ++i) {
    frames.push_back(raw_frame(i));
    h.push(frames.back());
  }
  const Ref<GstBuffer> segment = h.pull();
  expect_equal(gst_buffer_n_memory(segment.get()), 2);
  const auto parts = dist::gather_memory_parts(gst_buffer_peek_memory(segment.get(), 1));
  expect_equal(parts.size(), 10);
  for (std::size_t i = 0; i < parts.size(); ++i)
    fail_unless(parts[i].get() == frames[i].get());
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_raw_cut_is_at_an_exact_frame) {
  Segmenter h("segment-duration=250000000");
  h.push_frames(0, 9);
  for (std::uint64_t i = 0; i < 2; ++i) {
    const dist::SegmentHeader header = h.pull_header();
    expect_equal(header.start, 3 * i * kFrame);
    expect_equal(header.stop, 3 * (i + 1) * kFrame);
    expect_equal(header.presentation_times().size(), 3);
  }
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_cuts_h264_at_idr_pictures) {
  Segmenter h("", kByteStream);
  for (std::uint64_t i = 0; i < 30; ++i)
    h.push(picture(i % 15 == 0 ? kIdr : kInter, i, i));
  h.end();
  const dist::SegmentHeader first = h.pull_header();
  const dist::SegmentHeader second = h.pull_header();
  expect_equal(first.stop, 15 * kFrame);
  expect_equal(first.units.size(), 15);
  expect_equal(second.first_unit, 15);
  fail_unless((second.units[0].flags & dist::kFlagDeltaUnit) == 0);
  fail_unless(second.last);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_cut_in_a_gop_carries_its_beginning) {
  Segmenter h("max-segment-duration=1000000000", kByteStream);
  for (std::uint64_t i = 0; i < 20; ++i)
    h.push(picture(i == 0 ? kIdr : kInter, i, i));
  h.end();
  h.pull();
  const dist::SegmentHeader second = h.pull_header();
  expect_equal(second.start, GST_SECOND);
  expect_equal(second.first_unit, 0);
  expect_equal(second.units.size(), 20);
  for (std::size_t i = 0; i < 20; ++i)
    expect_equal(second.units[i].show, i < 10 ? dist::kNoTime : i * kFrame);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_leading_pictures_go_to_the_segment_before) {
  Segmenter h("", kByteStream);
  for (std::uint64_t i = 0; i < 11; ++i)
    h.push(picture(i == 0 ? kIdr : kInter, i, i));
  h.push(picture(kIdr, 11, 13));
  h.push(picture(kInter, 12, 11));
  h.push(picture(kInter, 13, 12));
  h.push(picture(kInter, 14, 14));
  h.end();
  const dist::SegmentHeader first = h.pull_header();
  const dist::SegmentHeader second = h.pull_header();
  expect_equal(first.stop, 13 * kFrame);
  expect_equal(first.units.size(), 14);
  expect_equal(first.presentation_times().size(), 13);
  expect_equal(second.first_unit, 11);
  expect_equal(second.presentation_times().size(), 2);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_events_pass) {
  Segmenter h;
  h.push_event(gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "film", nullptr)));
  h.push_event(marker_event("marker"));
  h.push_frames(0, 1);
  h.end();
  h.pull_event(GST_EVENT_STREAM_START);
  h.pull_event(GST_EVENT_TAG);
  h.pull_event(GST_EVENT_CUSTOM_DOWNSTREAM);
  GstCaps* caps = nullptr;
  gst_event_parse_caps(h.pull_event(GST_EVENT_CAPS).get(), &caps);
  h.pull_event(GST_EVENT_SEGMENT);
  h.pull_event(GST_EVENT_EOS);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_output_has_segment_caps) {
  Segmenter h;
  h.push_frames(0, 1);
  GstCaps* caps = nullptr;
  const auto event = h.pull_event(GST_EVENT_CAPS);
  gst_event_parse_caps(event.get(), &caps);
  fail_unless(
      gst_structure_has_name(gst_caps_get_structure(caps, 0), "application/x-dist-segment"));
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_time_segment_passes_and_clips) {
  Segmenter h;
  h.push_event(time_segment_event(5 * kFrame, 15 * kFrame));
  h.push_frames(0, 20);
  h.end();
  const auto event = h.pull_event(GST_EVENT_SEGMENT);
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event.get(), &segment);
  expect_equal(segment->start, 5 * kFrame);
  const dist::SegmentHeader header = h.pull_header();
  fail_unless(header.last);
  expect_equal(header.start, 5 * kFrame);
  expect_equal(header.stop, 15 * kFrame);
  expect_equal(header.presentation_times().size(), 10);
  expect_equal(header.time_segment.start, 5 * kFrame);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_flush_drops_what_is_pending) {
  Segmenter h;
  h.push_frames(0, 15);
  h.pull();
  h.flush();
  h.push_frames(100, 111);
  h.end();
  const dist::SegmentHeader header = h.pull_header();
  expect_equal(header.index, 0);
  expect_equal(header.first_unit, 0);
  expect_equal(header.start, 100 * kFrame);
  expect_equal(h.pull_header().index, 1);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_eos_without_data_passes) {
  Segmenter h;
  h.end();
  h.pull_event(GST_EVENT_EOS);
  expect_equal(h.waiting(), 0);
  expect_equal(h.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_caps_change_ends_the_segment) {
  Segmenter h;
  h.push_frames(0, 3);
  gst_harness_set_src_caps_str(
      h.get(), "video/x-raw, format=(string)GRAY8, width=(int)2, height=(int)4, framerate=10/1");
  h.push_frames(3, 5);
  h.end();
  const dist::SegmentHeader before = h.pull_header();
  const dist::SegmentHeader after = h.pull_header();
  expect_text(before.caps, kRawCaps);
  expect_equal(before.units.size(), 3);
  expect_equal(before.stop, 3 * kFrame);
  fail_if(before.last);
  fail_if(after.caps == before.caps);
  expect_equal(after.index, 1);
  expect_equal(after.first_unit, 3);
  fail_unless(after.last);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_same_caps_again_change_nothing) {
  Segmenter h;
  h.push_frames(0, 3);
  h.push_event(gst_event_new_caps(Ref<GstCaps>::adopt(gst_caps_from_string(kRawCaps)).get()));
  h.push_frames(3, 5);
  h.end();
  expect_equal(h.pull_header().units.size(), 5);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_gap_is_not_passed_on) {
  Segmenter h;
  h.push_frames(0, 1);
  h.push_event(gst_event_new_gap(kFrame, kFrame));
  h.push_frames(2, 3);
  h.end();
  const std::vector<Time> shown = {0, 2 * kFrame};
  fail_unless(h.pull_header().presentation_times() == shown);
  while (auto event = Ref<GstEvent>::adopt(gst_harness_try_pull_event(h.get())))
    fail_if(GST_EVENT_TYPE(event.get()) == GST_EVENT_GAP);
}
GST_END_TEST

static void expect_refused(const std::string& caps) {
  Segmenter h("", "");
  h.start(caps);
  expect_equal(h.push(raw_frame(0)), GST_FLOW_NOT_NEGOTIATED);
  expect_equal(h.push(raw_frame(1)), GST_FLOW_NOT_NEGOTIATED);
  h.push_event(gst_event_new_eos());
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                            "Accepted is video, raw in system memory or compressed");
}

GST_START_TEST(test_distsegmenter_audio_is_an_error) {
  expect_refused("audio/x-raw, format=(string)S16LE, rate=(int)48000, channels=(int)1");
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_memory_that_is_not_system_memory_is_an_error) {
  expect_refused("video/x-raw(memory:GLMemory), format=(string)RGBA, width=(int)4, height=(int)2");
}
GST_END_TEST

// As matroskademux does when sound begins before the first picture.
GST_START_TEST(test_distsegmenter_new_time_segment_does_not_end_decoding) {
  Segmenter h("", kByteStream);
  h.push_event(time_segment_event(2 * kFrame));
  h.push(picture(kIdr, 2, 2));
  h.push(picture(kInter, 3, 5));
  h.push_event(time_segment_event(0));
  h.push(picture(kInter, 4, 3));
  h.push(picture(kInter, 5, 4));
  h.push(picture(kInter, 6, 6));
  h.end();
  const dist::SegmentHeader before = h.pull_header();
  const dist::SegmentHeader after = h.pull_header();
  expect_equal(before.time_segment.start, 2 * kFrame);
  expect_equal(before.presentation_times().size(), 1);
  expect_equal(after.time_segment.start, 0);
  // The keyframe helps, and the picture that is shown after others of the new segment is of it.
  expect_equal(after.first_unit, 0);
  expect_equal(after.units.size(), 5);
  const std::vector<Time> shown = {3 * kFrame, 4 * kFrame, 5 * kFrame, 6 * kFrame};
  fail_unless(after.presentation_times() == shown);
  fail_unless(after.last);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_caps_that_only_describe_do_not_end_decoding) {
  Segmenter h("", kByteStream);
  h.push(picture(kIdr, 0, 0));
  h.push(picture(kInter, 1, 1));
  h.push_event(gst_event_new_caps(
      Ref<GstCaps>::adopt(gst_caps_from_string("video/x-h264, stream-format=(string)byte-stream, "
                                               "alignment=(string)au, framerate=(fraction)20/1"))
          .get()));
  h.push(picture(kInter, 2, 2));
  h.end();
  const dist::SegmentHeader before = h.pull_header();
  const dist::SegmentHeader after = h.pull_header();
  fail_if(before.caps == after.caps);
  expect_equal(after.first_unit, 0);
  expect_equal(after.presentation_times().size(), 1);
}
GST_END_TEST

// Ten pictures a second, encoded, each unit changed by `change` if it is given.
static void push_encoded(Segmenter& h, const char* encoder, guint count,
                         void (*change)(GstBuffer* buffer, guint number) = nullptr) {
  constexpr gsize kSize = 64 * 48 * 3 / 2;
  GstHarness* source = gst_harness_new_parse(encoder);
  gst_harness_set_src_caps_str(
      source, "video/x-raw, format=I420, width=64, height=48, framerate=(fraction)10/1");
  for (guint i = 0; i < count; ++i) {
    GstBuffer* frame = gst_buffer_new_allocate(nullptr, kSize, nullptr);
    gst_buffer_memset(frame, 0, static_cast<guint8>(i), kSize);
    GST_BUFFER_PTS(frame) = i * kFrame;
    GST_BUFFER_DURATION(frame) = kFrame;
    gst_harness_push(source, frame);
  }
  gst_harness_push_event(source, gst_event_new_eos());
  GstCaps* caps = gst_pad_get_current_caps(source->sinkpad);
  h.start(dist::take_string(gst_caps_to_string(caps)));
  gst_caps_unref(caps);
  guint number = 0;
  while (GstBuffer* buffer = gst_harness_try_pull(source)) {
    buffer = gst_buffer_make_writable(buffer);
    if (change)
      change(buffer, number);
    ++number;
    expect_equal(h.push(Ref<GstBuffer>::adopt(buffer)), GST_FLOW_OK);
  }
  gst_harness_teardown(source);
}

static bool is_raw(const dist::SegmentHeader& header) {
  return g_str_has_prefix(header.caps.c_str(), "video/x-raw");
}

GST_START_TEST(test_distsegmenter_decodes_what_it_cannot_cut) {
  Segmenter h("", "");
  push_encoded(h, "videoconvert ! avenc_huffyuv", 15);
  h.end();
  const dist::SegmentHeader one = h.pull_header();
  const dist::SegmentHeader two = h.pull_header();
  fail_unless(is_raw(one), "%s", one.caps.c_str());
  expect_equal(one.presentation_times().size(), 10);
  expect_equal(two.presentation_times().size(), 5);
  fail_unless(two.last);
}
GST_END_TEST

// Only while nobody but a decoder knows when frames are shown: the others are cut as they are.
GST_START_TEST(test_distsegmenter_decodes_from_a_unit_without_its_time_to_a_good_keyframe) {
  Segmenter h("", "");
  push_encoded(h, "x264enc key-int-max=10 bframes=2 b-adapt=false threads=1 ! h264parse", 150,
               [](GstBuffer* buffer, guint number) {
                 if (number == 53)
                   GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
               });
  h.end();
  std::vector<Time> shown;
  std::string kinds;
  dist::SegmentHeader header;
  do {
    header = h.pull_header();
    kinds += is_raw(header) ? 'r' : 'c';
    for (Time time : header.presentation_times())
      shown.push_back(time);
  } while (!header.last);
  const std::size_t raw = kinds.find('r');
  fail_unless(raw != std::string::npos && raw > 0, "%s", kinds.c_str());
  expect_equal(kinds.back(), 'c');
  expect_equal(shown.size(), 150);
  for (std::size_t i = 1; i < shown.size(); ++i)
    fail_unless(shown[i] > shown[i - 1]);
}
GST_END_TEST

// All segments up to the end of the stream.
static std::vector<dist::SegmentHeader> pull_headers(Segmenter& h) {
  std::vector<dist::SegmentHeader> headers;
  do
    headers.push_back(h.pull_header());
  while (!headers.back().last);
  return headers;
}

static std::size_t count_shown(const std::vector<dist::SegmentHeader>& headers, bool raw) {
  std::size_t shown = 0;
  for (const dist::SegmentHeader& header : headers)
    shown += is_raw(header) == raw ? header.presentation_times().size() : 0;
  return shown;
}

// Another decoder is needed, or none.
GST_START_TEST(test_distsegmenter_caps_of_another_kind_end_decoding) {
  Segmenter h("", "");
  push_encoded(h, "videoconvert ! avenc_huffyuv", 15);
  push_encoded(h, "x264enc key-int-max=10 bframes=0 threads=1 ! h264parse", 15,
               [](GstBuffer* buffer, guint) {
                 GST_BUFFER_PTS(buffer) += 15 * kFrame;
                 GST_BUFFER_DTS(buffer) += 15 * kFrame;
               });
  h.end();
  const auto headers = pull_headers(h);
  expect_equal(count_shown(headers, true), 15);
  expect_equal(count_shown(headers, false), 15);
}
GST_END_TEST

// A section has begun, and nothing of it is cut yet.
GST_START_TEST(test_distsegmenter_decodes_from_a_unit_behind_a_new_time_segment) {
  static Segmenter* segmenter;
  Segmenter h("", "");
  segmenter = &h;
  push_encoded(h, "x264enc key-int-max=10 bframes=0 threads=1 ! h264parse", 30,
               [](GstBuffer* buffer, guint number) {
                 if (number == 15)
                   segmenter->push_event(time_segment_event(0));
                 if (number == 12)
                   segmenter->push_event(time_segment_event(kFrame));
                 if (number == 17)
                   GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
               });
  h.end();
  const auto headers = pull_headers(h);
  for (const dist::SegmentHeader& header : headers)
    if (header.start >= 18 * kFrame)
      fail_unless(is_raw(header), "%s", header.caps.c_str());
  fail_unless(count_shown(headers, true) > 0);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_flush_and_stop_end_decoding) {
  Segmenter h("", "");
  push_encoded(h, "videoconvert ! avenc_huffyuv", 15);
  h.push_event(gst_event_new_flush_start());
  h.push_event(gst_event_new_flush_stop(TRUE));
  while (gst_harness_buffers_in_queue(h.get()) > 0)
    h.pull();
  push_encoded(h, "videoconvert ! avenc_huffyuv", 15);
  expect_equal(h.pull_header().index, 0);
  gst_element_set_state(h.element(), GST_STATE_NULL);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_says_what_has_no_decoder) {
  Segmenter h("", "");
  h.start("video/x-nobody-decodes-this");
  fail_unless(h.push(raw_frame(0)) < GST_FLOW_OK);
  h.push_event(gst_event_new_eos());
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
                            "video/x-nobody-decodes-this");
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_bytes_segment_is_an_error) {
  Segmenter h;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  h.push_event(gst_event_new_segment(&segment));
  fail_unless(h.push(raw_frame(0)) < GST_FLOW_OK);
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                            "Put a demuxer or parser before distsegmenter");
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_stream_without_caps_is_an_error) {
  Segmenter h("", "");
  h.push_event(gst_event_new_stream_start("film"));
  h.push_event(time_segment_event());
  expect_equal(h.push(raw_frame(0)), GST_FLOW_NOT_NEGOTIATED);
  h.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "Accepted is video");
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_suitable_caps_after_unsuitable_ones_work) {
  Segmenter h("", "");
  h.start("audio/x-raw, format=(string)S16LE, rate=(int)48000, channels=(int)1");
  h.push(raw_frame(0));
  h.start(kRawCaps);
  h.push_frames(0, 11);
  expect_equal(h.pull_header().units.size(), 10);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_begins_anew_after_null) {
  Segmenter h;
  h.push_frames(0, 15);
  h.pull();
  gst_element_set_state(h.element(), GST_STATE_NULL);
  gst_harness_play(h.get());
  h.start(kRawCaps);
  h.push_frames(0, 11);
  const dist::SegmentHeader header = h.pull_header();
  expect_equal(header.index, 0);
  expect_equal(header.first_unit, 0);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_downstream_error_is_passed_up) {
  Segmenter h;
  h.push_frames(0, 10);
  gst_pad_set_active(h.get()->sinkpad, FALSE);
  expect_equal(h.push(raw_frame(10)), GST_FLOW_FLUSHING);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_properties) {
  const auto element = make_element("distsegmenter");
  expect_property(element.get(), "segment-duration", 0, G_MAXINT64, GST_SECOND);
  expect_property(element.get(), "max-segment-duration", 0, G_MAXUINT64, 4 * GST_SECOND);
}
GST_END_TEST

GST_START_TEST(test_distsegmenter_properties_count_from_the_next_start) {
  Segmenter h;
  g_object_set(h.element(), "segment-duration", 2 * kFrame, nullptr);
  h.push_frames(0, 11);
  expect_equal(h.pull_header().units.size(), 10);
  gst_element_set_state(h.element(), GST_STATE_READY);
  gst_harness_play(h.get());
  h.start(kRawCaps);
  h.push_frames(0, 3);
  expect_equal(h.pull_header().units.size(), 2);
}
GST_END_TEST

static Suite* distsegmenter_suite() {
  Suite* const suite = suite_create("distsegmenter");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_distsegmenter_header_describes_the_segment);
  tcase_add_test(tests, test_distsegmenter_cuts_on_a_grid);
  tcase_add_test(tests, test_distsegmenter_last_segment_says_so);
  tcase_add_test(tests, test_distsegmenter_holds_raw_frames_without_copying);
  tcase_add_test(tests, test_distsegmenter_raw_cut_is_at_an_exact_frame);
  tcase_add_test(tests, test_distsegmenter_cuts_h264_at_idr_pictures);
  tcase_add_test(tests, test_distsegmenter_cut_in_a_gop_carries_its_beginning);
  tcase_add_test(tests, test_distsegmenter_leading_pictures_go_to_the_segment_before);
  tcase_add_test(tests, test_distsegmenter_events_pass);
  tcase_add_test(tests, test_distsegmenter_output_has_segment_caps);
  tcase_add_test(tests, test_distsegmenter_time_segment_passes_and_clips);
  tcase_add_test(tests, test_distsegmenter_flush_drops_what_is_pending);
  tcase_add_test(tests, test_distsegmenter_eos_without_data_passes);
  tcase_add_test(tests, test_distsegmenter_caps_change_ends_the_segment);
  tcase_add_test(tests, test_distsegmenter_same_caps_again_change_nothing);
  tcase_add_test(tests, test_distsegmenter_gap_is_not_passed_on);
  tcase_add_test(tests, test_distsegmenter_audio_is_an_error);
  tcase_add_test(tests, test_distsegmenter_memory_that_is_not_system_memory_is_an_error);
  tcase_add_test(tests, test_distsegmenter_new_time_segment_does_not_end_decoding);
  tcase_add_test(tests, test_distsegmenter_caps_that_only_describe_do_not_end_decoding);
  tcase_add_test(tests, test_distsegmenter_decodes_what_it_cannot_cut);
  tcase_add_test(tests, test_distsegmenter_decodes_from_a_unit_without_its_time_to_a_good_keyframe);
  tcase_add_test(tests, test_distsegmenter_caps_of_another_kind_end_decoding);
  tcase_add_test(tests, test_distsegmenter_decodes_from_a_unit_behind_a_new_time_segment);
  tcase_add_test(tests, test_distsegmenter_flush_and_stop_end_decoding);
  tcase_add_test(tests, test_distsegmenter_says_what_has_no_decoder);
  tcase_add_test(tests, test_distsegmenter_bytes_segment_is_an_error);
  tcase_add_test(tests, test_distsegmenter_stream_without_caps_is_an_error);
  tcase_add_test(tests, test_distsegmenter_suitable_caps_after_unsuitable_ones_work);
  tcase_add_test(tests, test_distsegmenter_begins_anew_after_null);
  tcase_add_test(tests, test_distsegmenter_downstream_error_is_passed_up);
  tcase_add_test(tests, test_distsegmenter_properties);
  tcase_add_test(tests, test_distsegmenter_properties_count_from_the_next_start);
  return suite;
}

GST_CHECK_MAIN(distsegmenter)
