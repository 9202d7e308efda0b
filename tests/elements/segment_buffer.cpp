// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/segment_buffer.h"

#include <algorithm>

#include "gst/gstx/gather_memory.h"
#include "gst/gstx/lease.h"
#include "tests/elements/helpers.h"

namespace {

using namespace test;

std::vector<Ref<GstBuffer>> frames(const dist::SegmentHeader& header) {
  std::vector<Ref<GstBuffer>> list;
  for (std::uint64_t i = 0; i < header.units.size(); ++i)
    list.push_back(raw_frame(i));
  return list;
}

std::vector<std::uint8_t> bytes_of(const dist::BytesList& list) {
  std::vector<std::uint8_t> bytes;
  for (const dist::Bytes& piece : list)
    bytes.insert(bytes.end(), piece.span().begin(), piece.span().end());
  return bytes;
}

std::vector<std::uint8_t> bytes_of(GstBuffer* buffer) {
  const dist::BufferMap map(buffer);
  return {map.span().begin(), map.span().end()};
}

}  // namespace

GST_START_TEST(test_segment_buffer_carries_the_segments_times) {
  const auto buffer = dist::make_segment_buffer(source_header(3), frames(source_header(3)));
  expect_equal(GST_BUFFER_PTS(buffer.get()), 3 * GST_SECOND);
  expect_equal(GST_BUFFER_DURATION(buffer.get()), GST_SECOND);
  expect_equal(GST_BUFFER_OFFSET(buffer.get()), 3);
  expect_equal(GST_BUFFER_OFFSET_END(buffer.get()), 4);
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_header_is_read_back) {
  const auto header = source_header(1, true);
  for (const auto& buffer : {dist::make_segment_buffer(header, frames(header)), segment(header)}) {
    const auto read = dist::read_header(buffer.get());
    fail_unless(read && *read == header);
    expect_equal(dist::header_size(buffer.get(), header), dist::serialize(header).size());
  }
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_header_is_read_however_the_buffer_is_cut_up) {
  const auto header = source_header(1);
  const auto whole = bytes_of(segment(header).get());
  const auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new());
  for (std::size_t at = 0; at < whole.size(); at += 100) {
    const std::size_t size = std::min<std::size_t>(100, whole.size() - at);
    gst_buffer_append(buffer.get(), gst_buffer_new_memdup(whole.data() + at, size));
  }
  const auto read = dist::read_header(buffer.get());
  fail_unless(read && *read == header);
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_other_bytes_are_refused) {
  for (std::size_t size : {0u, 1u, 23u, 24u, 1000u}) {
    const auto buffer = unit(std::vector<std::uint8_t>(size, 0x5a), 0, 0, 0);
    fail_if(static_cast<bool>(dist::read_header(buffer.get())));
  }
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_every_truncation_is_refused) {
  const auto whole = bytes_of(segment(source_header(0)).get());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = unit({whole.begin(), whole.begin() + static_cast<int>(size)}, 0, 0, 0);
    fail_if(static_cast<bool>(dist::read_header(cut.get())), "%zu bytes", size);
  }
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_bytes_are_those_of_the_frames) {
  const auto header = source_header(0);
  const auto list = frames(header);
  const auto buffer = dist::make_segment_buffer(header, list);
  const auto pieces = dist::to_bytes(buffer.get());
  expect_equal(pieces.size(), 1 + list.size());
  fail_unless(bytes_of(pieces) == bytes_of(buffer.get()));
  for (std::size_t i = 0; i < list.size(); ++i)
    fail_unless(pieces[i + 1].span().data() == dist::BufferMap(list[i].get()).span().data());
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_bytes_outlive_the_buffer) {
  dist::BytesList pieces;
  std::vector<std::uint8_t> before;
  {
    const auto header = source_header(0);
    const auto buffer = dist::make_segment_buffer(header, frames(header));
    before = bytes_of(buffer.get());
    pieces = dist::to_bytes(buffer.get());
  }
  fail_unless(bytes_of(pieces) == before);
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_units_come_out_as_they_went_in) {
  auto header = source_header(2);
  header.units[4].flags = dist::kFlagDeltaUnit;
  const auto list = frames(header);
  const auto buffer = dist::make_segment_buffer(header, list);
  const std::size_t base = dist::header_size(buffer.get(), header);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto out = dist::unit_buffer(buffer.get(), base, i * kFrameSize, header.units[i]);
    expect_equal(GST_BUFFER_PTS(out.get()), header.units[i].pts);
    expect_equal(GST_BUFFER_DTS(out.get()), header.units[i].dts);
    expect_equal(GST_BUFFER_DURATION(out.get()), kFrame);
    expect_equal(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_DELTA_UNIT), i == 4);
    fail_unless(bytes_of(out.get()) == bytes_of(list[i].get()));
    fail_unless(dist::BufferMap(out.get()).span().data() ==
                dist::BufferMap(list[i].get()).span().data());
  }
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_time_segment_survives) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.flags = GST_SEGMENT_FLAG_RESET;
  segment.rate = 2.0;
  segment.applied_rate = 0.5;
  segment.base = 1;
  segment.offset = 2;
  segment.start = 3;
  segment.stop = 4;
  segment.time = 5;
  segment.position = 6;
  segment.duration = 7;
  const GstSegment back = dist::to_gst_segment(dist::to_time_segment(segment));
  fail_unless(gst_segment_is_equal(&segment, &back));
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_lease_travels_in_an_event) {
  const auto lease = std::make_shared<dist::Lease>(source_header(0));
  const auto event = Ref<GstEvent>::adopt(dist::lease_event_new(lease));
  fail_unless(GST_EVENT_IS_STICKY(event.get()) && GST_EVENT_IS_SERIALIZED(event.get()));
  fail_unless(dist::lease_from_event(event.get()) == lease);
  const auto other = Ref<GstEvent>::adopt(marker_event("dist-lease"));
  fail_unless(dist::lease_from_event(other.get()) == nullptr);
}
GST_END_TEST

GST_START_TEST(test_segment_buffer_lease_is_settled_once) {
  dist::Lease lease(source_header(0));
  fail_if(lease.settled());
  fail_unless(lease.settle(dist::Lease::Failed{"first"}));
  fail_if(lease.settle(dist::Lease::Done{}));
  fail_unless(lease.settled());
  expect_text(std::get<dist::Lease::Failed>(lease.wait()).reason, "first");
}
GST_END_TEST

static Suite* segment_buffer_suite() {
  Suite* const suite = suite_create("segment_buffer");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_segment_buffer_carries_the_segments_times);
  tcase_add_test(tests, test_segment_buffer_header_is_read_back);
  tcase_add_test(tests, test_segment_buffer_header_is_read_however_the_buffer_is_cut_up);
  tcase_add_test(tests, test_segment_buffer_other_bytes_are_refused);
  tcase_add_test(tests, test_segment_buffer_every_truncation_is_refused);
  tcase_add_test(tests, test_segment_buffer_bytes_are_those_of_the_frames);
  tcase_add_test(tests, test_segment_buffer_bytes_outlive_the_buffer);
  tcase_add_test(tests, test_segment_buffer_units_come_out_as_they_went_in);
  tcase_add_test(tests, test_segment_buffer_time_segment_survives);
  tcase_add_test(tests, test_segment_buffer_lease_travels_in_an_event);
  tcase_add_test(tests, test_segment_buffer_lease_is_settled_once);
  return suite;
}

GST_CHECK_MAIN(segment_buffer)
