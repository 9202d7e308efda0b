// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "gst/gstx/segment_buffer.h"
#include "tests/elements/join.h"

namespace {

using namespace test;

// A second of film by an encoder with B-frames: I P B B P B B …, decoded `depth` frames ahead.
dist::SegmentHeader reordered(std::uint64_t index, bool last = false) {
  dist::SegmentHeader header = rendition_header(source_header(index, last));
  for (std::size_t i = 1; i + 2 < header.units.size(); i += 3)
    std::rotate(&header.units[i], &header.units[i + 2], &header.units[i + 2] + 1);
  header.reorder_depth = 1;
  return header;
}

void expect_decodable(const std::vector<Ref<GstBuffer>>& joined) {
  for (std::size_t i = 0; i < joined.size(); ++i) {
    fail_unless(GST_BUFFER_DTS(joined[i].get()) <= GST_BUFFER_PTS(joined[i].get()));
    if (i > 0)
      fail_unless(GST_BUFFER_DTS(joined[i - 1].get()) < GST_BUFFER_DTS(joined[i].get()));
  }
}

GstSegment segment_of(GstHarness* output) {
  const auto event =
      Ref<GstEvent>::adopt(gst_pad_get_sticky_event(output->sinkpad, GST_EVENT_SEGMENT, 0));
  fail_unless(static_cast<bool>(event));
  GstSegment segment;
  gst_event_copy_segment(event.get(), &segment);
  return segment;
}

bool same(GstBuffer* a, GstBuffer* b) {
  const dist::BufferMap left(a);
  const dist::BufferMap right(b);
  return std::ranges::equal(left.span(), right.span()) && GST_BUFFER_PTS(a) == GST_BUFFER_PTS(b) &&
         GST_BUFFER_DTS(a) == GST_BUFFER_DTS(b) &&
         GST_BUFFER_DURATION(a) == GST_BUFFER_DURATION(b) &&
         GST_BUFFER_FLAG_IS_SET(a, GST_BUFFER_FLAG_DELTA_UNIT) ==
             GST_BUFFER_FLAG_IS_SET(b, GST_BUFFER_FLAG_DELTA_UNIT);
}

}  // namespace

GST_START_TEST(test_distjoin_gives_back_what_distsegmenter_took) {
  Harness segmenter("distsegmenter", "max-segment-duration=1000000000", "sink", "src");
  segmenter.start(kEncodedCaps);
  Join join;
  std::vector<Ref<GstBuffer>> units;
  for (std::uint8_t i = 0; i < 35; ++i) {
    const bool idr = i % 25 == 0;
    units.push_back(unit({0, 0, 0, 1, static_cast<std::uint8_t>(idr ? 0x65 : 0x41), i}, i * kFrame,
                         i * kFrame, kFrame, idr ? 0 : GST_BUFFER_FLAG_DELTA_UNIT));
    segmenter.push(units.back());
  }
  segmenter.push_event(gst_event_new_eos());
  std::uint64_t carried = 0;
  while (segmenter.waiting() > 0) {
    const Ref<GstBuffer> buffer = segmenter.pull();
    carried += header_of(buffer).units.size();
    expect_equal(join.push(buffer), GST_FLOW_OK);
  }
  fail_unless(join.end());
  join.expect_end("src_source");
  fail_unless(carried > units.size(), "the segments do not overlap: nothing is tested");
  const auto joined = join.take("src_source", units.size());
  expect_equal(gst_harness_buffers_in_queue(join.output("src_source")), 0);
  for (std::size_t i = 0; i < units.size(); ++i)
    fail_unless(same(joined[i].get(), units[i].get()), "access unit %zu differs", i);
}
GST_END_TEST

GST_START_TEST(test_distjoin_restores_order) {
  Join join;
  join.push_segment(rendition_header(source_header(2, true)));
  join.push_segment(rendition_header(source_header(1)));
  expect_equal(join.pads(), 0);
  join.push_segment(rendition_header(source_header(0)));
  const auto joined = join.take("src_0", 30);
  for (std::uint64_t i = 0; i < joined.size(); ++i)
    expect_equal(GST_BUFFER_PTS(joined[i].get()), i * kFrame);
  fail_unless(join.end());
  join.expect_end("src_0");
}
GST_END_TEST

GST_START_TEST(test_distjoin_gives_each_rendition_a_pad) {
  Join join;
  for (const char* rendition : {"720p", "360p"})
    for (std::uint64_t i : {1u, 0u})
      join.push_segment(rendition_header(source_header(i, i == 1), rendition));
  expect_equal(join.pads(), 2);
  join.take("src_720p", 20);
  join.take("src_360p", 20);
  fail_unless(join.end());
  join.expect_end("src_720p");
  join.expect_end("src_360p");
}
GST_END_TEST

GST_START_TEST(test_distjoin_new_pad_has_its_stream_and_caps) {
  Join join;
  join.push_segment(rendition_header(source_header(0, true), "720p"));
  join.take("src_720p", 10);
  GstHarness* const output = join.output("src_720p");
  const auto start = Ref<GstEvent>::adopt(gst_harness_pull_event(output));
  const gchar* stream_id = nullptr;
  gst_event_parse_stream_start(start.get(), &stream_id);
  expect_text(stream_id, "film/720p");
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(output->sinkpad));
  const auto expected = Ref<GstCaps>::adopt(gst_caps_from_string(kEncodedCaps));
  fail_unless(gst_caps_is_equal(caps.get(), expected.get()));
  const auto pulled = Ref<GstEvent>::adopt(gst_harness_pull_event(output));
  expect_equal(GST_EVENT_TYPE(pulled.get()), GST_EVENT_CAPS);
}
GST_END_TEST

GST_START_TEST(test_distjoin_decode_times_grow_and_never_pass_presentation) {
  Join join;
  for (std::uint64_t i = 0; i < 3; ++i)
    join.push_segment(reordered(i, i == 2));
  const auto joined = join.take("src_0", 30);
  expect_decodable(joined);
}
GST_END_TEST

GST_START_TEST(test_distjoin_shift_leaves_running_time_alone) {
  Join join;
  join.push_segment(reordered(0, true));
  const auto joined = join.take("src_0", 10);
  const GstSegment segment = segment_of(join.output("src_0"));
  expect_equal(segment.start, kFrame);
  const auto times = source_header(0).presentation_times();
  const std::vector<std::size_t> order = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8};
  for (std::size_t i = 0; i < joined.size(); ++i)
    expect_equal(
        gst_segment_to_running_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(joined[i].get())),
        times[order[i]]);
}
GST_END_TEST

GST_START_TEST(test_distjoin_stream_that_starts_late_is_not_shifted) {
  Join join;
  dist::SegmentHeader header = reordered(0, true);
  header.start += dist::kSecond;
  header.stop += dist::kSecond;
  for (dist::AccessUnit& unit : header.units)
    unit.show = unit.pts = unit.pts + dist::kSecond;
  join.push_segment(header);
  const auto joined = join.take("src_0", 10);
  expect_decodable(joined);
  expect_equal(GST_BUFFER_PTS(joined[0].get()), GST_SECOND);
  expect_equal(GST_BUFFER_DTS(joined[0].get()), GST_SECOND - kFrame);
  expect_equal(segment_of(join.output("src_0")).start, 0);
}
GST_END_TEST

GST_START_TEST(test_distjoin_discontinuity_of_each_encoder_is_not_the_streams) {
  Join join;
  for (std::uint64_t i = 0; i < 2; ++i) {
    auto header = rendition_header(source_header(i, i == 1));
    header.units[0].flags |= GST_BUFFER_FLAG_DISCONT;
    join.push_segment(header);
  }
  const auto joined = join.take("src_0", 20);
  fail_unless(GST_BUFFER_FLAG_IS_SET(joined[0].get(), GST_BUFFER_FLAG_DISCONT));
  fail_if(GST_BUFFER_FLAG_IS_SET(joined[10].get(), GST_BUFFER_FLAG_DISCONT));
}
GST_END_TEST

GST_START_TEST(test_distjoin_caps_change_with_the_segment) {
  Join join;
  join.push_segment(rendition_header(source_header(0)));
  auto changed = rendition_header(source_header(1, true));
  changed.caps = "image/jpeg";
  join.push_segment(changed);
  fail_unless(join.end());
  join.expect_end("src_0");
  GstHarness* const output = join.output("src_0");
  std::vector<std::string> caps;
  while (auto event = Ref<GstEvent>::adopt(gst_harness_try_pull_event(output))) {
    if (GST_EVENT_TYPE(event.get()) != GST_EVENT_CAPS)
      continue;
    GstCaps* value = nullptr;
    gst_event_parse_caps(event.get(), &value);
    caps.push_back(gst_structure_get_name(gst_caps_get_structure(value, 0)));
  }
  fail_unless((caps == std::vector<std::string>{"video/x-h264", "image/jpeg"}));
}
GST_END_TEST

GST_START_TEST(test_distjoin_events_pass) {
  Join join;
  GstTagList* const global = gst_tag_list_new(GST_TAG_TITLE, "film", nullptr);
  gst_tag_list_set_scope(global, GST_TAG_SCOPE_GLOBAL);
  join.push_event(gst_event_new_tag(global));
  join.push_event(gst_event_new_tag(gst_tag_list_new(GST_TAG_BITRATE, 1000u, nullptr)));
  join.push_segment(rendition_header(source_header(0, true)));
  join.push_event(marker_event("marker"));
  join.end();
  join.expect_end("src_0");
  expect_text(join.events("src_0"), "stream-start caps segment tag custom-downstream eos ");
}
GST_END_TEST

GST_START_TEST(test_distjoin_flush_begins_anew) {
  Join join;
  join.push_segment(rendition_header(source_header(0)));
  join.push_segment(rendition_header(source_header(2)));
  join.take("src_0", 10);
  join.flush();
  join.push_segment(rendition_header(source_header(1)));
  join.push_segment(rendition_header(source_header(0)));
  expect_equal(join.pads(), 1);
  join.take("src_0", 20);
}
GST_END_TEST

GST_START_TEST(test_distjoin_garbage_is_an_error) {
  Join join;
  expect_equal(join.push(raw_frame(0)), GST_FLOW_ERROR);
  join.end();
  join.expect_error("not a segment");
}
GST_END_TEST

GST_START_TEST(test_distjoin_truncated_segment_is_an_error) {
  Join join;
  const Ref<GstBuffer> whole = segment(source_header(0));
  gst_buffer_resize(whole.get(), 0, static_cast<gssize>(gst_buffer_get_size(whole.get())) - 1);
  expect_equal(join.push(whole), GST_FLOW_ERROR);
  join.expect_error("payload of 80 bytes announced");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_missing_segments) {
  Join join;
  for (std::uint64_t i : {0u, 3u, 5u})
    join.push_segment(rendition_header(source_header(i, i == 5)));
  fail_if(join.end());
  join.expect_error("segment 1: missing in rendition '0'; 3 missing in all (1, 2, 4)");
  join.expect_no_end("src_0");
}
GST_END_TEST

GST_START_TEST(test_distjoin_end_without_the_last_segment_is_an_error) {
  Join join;
  join.push_segment(source_header(0));
  fail_if(join.end());
  join.expect_error("segment 1: missing, and whatever follows it, in the source");
}
GST_END_TEST

GST_START_TEST(test_distjoin_end_without_segments_is_an_error) {
  Join join;
  fail_if(join.end());
  join.expect_error("ended before the first one");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_a_repeated_segment) {
  Join join;
  join.push_segment(rendition_header(source_header(0)));
  expect_equal(join.push_segment(rendition_header(source_header(0))), GST_FLOW_ERROR);
  join.end();
  join.expect_error("segment 0: received twice");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_a_repeated_segment_that_still_waits) {
  Join join;
  join.push_segment(rendition_header(source_header(1)));
  expect_equal(join.push_segment(rendition_header(source_header(1))), GST_FLOW_ERROR);
  join.expect_error("segment 1: received twice");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_a_segment_of_another_stream) {
  Join join;
  join.push_segment(rendition_header(source_header(0)));
  auto other = rendition_header(source_header(1));
  other.stream_id = "other";
  expect_equal(join.push_segment(other), GST_FLOW_ERROR);
  join.expect_error("segment 1: belongs to stream 'other', the others to 'film'");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_a_segment_after_the_last) {
  Join join;
  join.push_segment(rendition_header(source_header(0, true)));
  expect_equal(join.push_segment(rendition_header(source_header(1))), GST_FLOW_ERROR);
  join.expect_error("segment 1: comes after segment 0");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_a_segment_that_leaves_units_out) {
  Join join;
  join.push_segment(source_header(0));
  auto gap = source_header(1);
  gap.first_unit = 12;
  expect_equal(join.push_segment(gap), GST_FLOW_ERROR);
  join.end();
  join.expect_no_end("src_source");
  join.expect_error("segment 1: access units 10 to 11 are in no segment");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_a_segment_that_overlaps_in_time) {
  Join join;
  join.push_segment(rendition_header(source_header(0)));
  auto again = rendition_header(source_header(0));
  again.index = 1;
  expect_equal(join.push_segment(again), GST_FLOW_ERROR);
  join.expect_error("segment 1: begins before the one before it ends");
}
GST_END_TEST

GST_START_TEST(test_distjoin_segment_without_frames_is_a_gap) {
  Join join;
  const auto without_frames = [](std::uint64_t index) {
    auto header = rendition_header(source_header(index));
    header.caps.clear();
    header.units.clear();
    return header;
  };
  // Nobody knows yet what the stream is.
  expect_equal(join.push_segment(without_frames(0)), GST_FLOW_OK);
  expect_equal(join.pads(), 0);
  join.push_segment(rendition_header(source_header(1)));
  join.push_segment(without_frames(2));
  join.push_segment(rendition_header(source_header(3, true)));
  fail_unless(join.end());
  join.expect_end("src_0");
  join.take("src_0", 20);
  std::string seen;
  while (auto event = Ref<GstEvent>::adopt(gst_harness_try_pull_event(join.output("src_0")))) {
    seen += std::string(GST_EVENT_TYPE_NAME(event.get())) + " ";
    if (GST_EVENT_TYPE(event.get()) != GST_EVENT_GAP)
      continue;
    GstClockTime time = 0;
    GstClockTime duration = 0;
    gst_event_parse_gap(event.get(), &time, &duration);
    expect_equal(time, 2 * GST_SECOND);
    expect_equal(duration, GST_SECOND);
  }
  expect_text(seen, "stream-start caps segment gap eos ");
}
GST_END_TEST

// Its times would be those of a segment event that has not come yet.
GST_START_TEST(test_distjoin_no_gap_before_the_segment_it_belongs_to) {
  Join join;
  join.push_segment(rendition_header(source_header(0)));
  auto without_frames = rendition_header(source_header(1));
  without_frames.caps.clear();
  without_frames.units.clear();
  without_frames.time_segment.base += dist::kSecond;
  join.push_segment(without_frames);
  auto last = rendition_header(source_header(2, true));
  last.time_segment = without_frames.time_segment;
  join.push_segment(last);
  fail_unless(join.end());
  join.expect_end("src_0");
  join.take("src_0", 20);
  expect_text(join.events("src_0"), "stream-start caps segment segment eos ");
}
GST_END_TEST

GST_START_TEST(test_distjoin_names_a_segment_with_unreadable_caps) {
  Join join;
  auto header = rendition_header(source_header(0));
  header.caps = "no caps, really = = ;";
  expect_equal(join.push_segment(header), GST_FLOW_ERROR);
  join.expect_error("segment 0: unreadable caps");
}
GST_END_TEST

GST_START_TEST(test_distjoin_begins_anew_after_null) {
  Join join;
  join.push_segment(rendition_header(source_header(0)));
  gst_element_set_state(join.element(), GST_STATE_NULL);
  expect_equal(join.element()->numsrcpads, 0);
  gst_harness_play(join.get());
  join.start("application/x-dist-segment");
  expect_equal(join.push_segment(rendition_header(source_header(0, true))), GST_FLOW_OK);
  expect_equal(join.element()->numsrcpads, 1);
}
GST_END_TEST

static Suite* distjoin_suite() {
  Suite* const suite = suite_create("distjoin");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_distjoin_gives_back_what_distsegmenter_took);
  tcase_add_test(tests, test_distjoin_restores_order);
  tcase_add_test(tests, test_distjoin_gives_each_rendition_a_pad);
  tcase_add_test(tests, test_distjoin_new_pad_has_its_stream_and_caps);
  tcase_add_test(tests, test_distjoin_decode_times_grow_and_never_pass_presentation);
  tcase_add_test(tests, test_distjoin_shift_leaves_running_time_alone);
  tcase_add_test(tests, test_distjoin_stream_that_starts_late_is_not_shifted);
  tcase_add_test(tests, test_distjoin_discontinuity_of_each_encoder_is_not_the_streams);
  tcase_add_test(tests, test_distjoin_caps_change_with_the_segment);
  tcase_add_test(tests, test_distjoin_events_pass);
  tcase_add_test(tests, test_distjoin_flush_begins_anew);
  tcase_add_test(tests, test_distjoin_garbage_is_an_error);
  tcase_add_test(tests, test_distjoin_truncated_segment_is_an_error);
  tcase_add_test(tests, test_distjoin_names_missing_segments);
  tcase_add_test(tests, test_distjoin_end_without_the_last_segment_is_an_error);
  tcase_add_test(tests, test_distjoin_end_without_segments_is_an_error);
  tcase_add_test(tests, test_distjoin_names_a_repeated_segment);
  tcase_add_test(tests, test_distjoin_names_a_repeated_segment_that_still_waits);
  tcase_add_test(tests, test_distjoin_names_a_segment_of_another_stream);
  tcase_add_test(tests, test_distjoin_names_a_segment_after_the_last);
  tcase_add_test(tests, test_distjoin_names_a_segment_that_leaves_units_out);
  tcase_add_test(tests, test_distjoin_names_a_segment_that_overlaps_in_time);
  tcase_add_test(tests, test_distjoin_segment_without_frames_is_a_gap);
  tcase_add_test(tests, test_distjoin_no_gap_before_the_segment_it_belongs_to);
  tcase_add_test(tests, test_distjoin_names_a_segment_with_unreadable_caps);
  tcase_add_test(tests, test_distjoin_begins_anew_after_null);
  return suite;
}

GST_CHECK_MAIN(distjoin)
