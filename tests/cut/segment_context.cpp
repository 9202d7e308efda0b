// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/segment_context.h"

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

// Segments of four units, each of which shares `shared` units with the one before it. Each unit's
// bytes are its number in the film.
SegmentBytes segment(std::uint64_t index, std::uint64_t shared = 0) {
  auto header = std::make_shared<SegmentHeader>(source_header(index));
  header->first_unit = 4 * index - shared;
  for (std::uint64_t i = 0; i < shared; ++i)
    header->units.insert(header->units.begin(), AccessUnit{.pts = i, .size = 25});
  Data payload;
  for (std::uint64_t i = 0; i < header->units.size(); ++i)
    payload.insert(payload.end(), 25, static_cast<std::uint8_t>(header->first_unit + i));
  return {header, {serialize(*header), Bytes::take(std::move(payload))}};
}

Data joined(const BytesList& list) {
  Data all;
  for (const Bytes& piece : list)
    all.insert(all.end(), piece.span().begin(), piece.span().end());
  return all;
}

}  // namespace

GST_START_TEST(test_context_is_what_lies_before_to_help_decoding) {
  for (const std::uint64_t shared : {0u, 1u, 3u}) {
    const SegmentBytes here = segment(2, shared);
    const auto both = with_context(segment(1), here);
    fail_unless(both.has_value());
    const Data bytes = joined(both->bytes);
    const auto parsed = parse_header(bytes, bytes.size());
    fail_unless(static_cast<bool>(parsed) && *parsed == *both->header);
    fail_unless_equals_uint64(parsed->first_unit, 4);
    fail_unless_equals_uint64(parsed->units.size(), 8);
    fail_unless(parsed->presentation_times() == here.header->presentation_times());
    fail_unless_equals_uint64(parsed->start, here.header->start);
    for (std::size_t i = 0; i < 8; ++i)
      fail_unless_equals_uint64(bytes[bytes.size() - 8 * 25 + 25 * i], 4 + i);
  }
}
GST_END_TEST

GST_START_TEST(test_no_context_where_a_decoder_starts_anew) {
  const auto changed = [](auto change) {
    auto header = std::make_shared<SegmentHeader>(*segment(1).header);
    change(*header);
    return with_context({header, {serialize(*header), segment(1).bytes[1]}}, segment(2));
  };
  fail_unless(changed([](SegmentHeader&) {}).has_value());
  fail_if(changed([](SegmentHeader& h) { h.caps = "video/x-h264"; }).has_value());
  fail_if(changed([](SegmentHeader& h) { h.time_segment.base = 1; }).has_value());
  fail_if(changed([](SegmentHeader& h) { h.index = 0; }).has_value());
  fail_if(changed([](SegmentHeader& h) { h.stream_id = "other"; }).has_value());
  // Units between the two are in neither.
  fail_if(changed([](SegmentHeader& h) { h.first_unit = 3; }).has_value());
  // It has them already.
  fail_if(with_context(segment(1), segment(2, 4)).has_value());
}
GST_END_TEST

static Suite* segment_context_suite() {
  Suite* suite = suite_create("segment_context");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_context_is_what_lies_before_to_help_decoding);
  tcase_add_test(tcase, test_no_context_where_a_decoder_starts_anew);
  return suite;
}

GST_CHECK_MAIN(segment_context)
