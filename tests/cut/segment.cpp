// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/segment.h"

#include <limits>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Time kMillisecond = kSecond / 1000;

// The second segment of a stream: one access unit that only helps decoding, and two that are
// presented in the other order.
SegmentHeader sample() {
  return {
      .stream_id = "film",
      .index = 1,
      .start = 1000 * kMillisecond,
      .stop = 1080 * kMillisecond,
      .last = true,
      .rendition = {},
      .caps = "video/x-vp8",
      .time_segment = {.flags = 0,
                       .rate = 1.0,
                       .applied_rate = 1.0,
                       .base = 0,
                       .offset = 0,
                       .start = 40 * kMillisecond,
                       .stop = kNoTime,
                       .time = 0,
                       .position = 40 * kMillisecond,
                       .duration = kNoTime},
      .first_unit = 24,
      .reorder_depth = 0,
      .units = {
          {960 * kMillisecond, 920 * kMillisecond, 40 * kMillisecond, kNoTime, 0, 7},
          {1040 * kMillisecond, kNoTime, 40 * kMillisecond, 1040 * kMillisecond, kFlagDeltaUnit, 3},
          {1000 * kMillisecond, kNoTime, kNoTime, 1000 * kMillisecond, kFlagDeltaUnit, 2}}};
}

// As in docs/design/segment.md.
constexpr char kGolden[] = R"(
  44 53 45 47  01 00  01 00  27 01 00 00  03 00 00 00
  0c 00 00 00 00 00 00 00
  01 00 00 00 00 00 00 00
  00 ca 9a 3b 00 00 00 00
  00 7e 5f 40 00 00 00 00
  18 00 00 00 00 00 00 00
  00 00 00 00
  00 00 00 00
  00 00 00 00 00 00 f0 3f
  00 00 00 00 00 00 f0 3f
  00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00
  00 5a 62 02 00 00 00 00
  ff ff ff ff ff ff ff ff
  00 00 00 00 00 00 00 00
  00 5a 62 02 00 00 00 00
  ff ff ff ff ff ff ff ff
  04 00 00 00 66 69 6c 6d
  00 00 00 00
  0b 00 00 00 76 69 64 65 6f 2f 78 2d 76 70 38
)";

constexpr std::size_t kSizeOffset = 8;
constexpr std::size_t kUnitsOffset = 12;
constexpr std::size_t kStreamIdOffset = 136;
constexpr std::uint64_t kPayload = 12;

Data serialized(const SegmentHeader& header) {
  return to_data(serialize(header).span());
}

void put_u32(Data& data, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    data[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace

GST_START_TEST(test_segment_layout_is_as_documented) {
  const Data data = serialized(sample());
  const Data golden = unhex(kGolden);
  fail_unless_equals_hex(std::span(data).first(golden.size()), golden);
  fail_unless_equals_uint64(data.size(), golden.size() + 3 * 44);
  fail_unless_equals_hex(std::span(data).subspan(golden.size(), 44),
                         unhex("00 70 38 39 00 00 00 00  00 16 d6 36 00 00 00 00"
                               "00 5a 62 02 00 00 00 00  ff ff ff ff ff ff ff ff"
                               "00 00 00 00  07 00 00 00 00 00 00 00"));
}
GST_END_TEST

GST_START_TEST(test_segment_reads_back_what_was_written) {
  SegmentHeader empty;
  SegmentHeader rendition = sample();
  rendition.last = false;
  rendition.rendition = "höhe";
  rendition.reorder_depth = 2;
  rendition.time_segment.rate = 1.5;
  rendition.time_segment.flags = 3;
  for (const SegmentHeader& header : {empty, sample(), rendition}) {
    const Data data = serialized(header);
    const auto size = parse_header_size(std::span(data).first(kSegmentPrefix));
    fail_unless(static_cast<bool>(size));
    fail_unless_equals_uint64(*size, data.size());
    const auto parsed = parse_header(data, data.size() + header.payload_size());
    fail_unless(static_cast<bool>(parsed));
    fail_unless(*parsed == header);
  }
}
GST_END_TEST

GST_START_TEST(test_segment_header_may_be_followed_by_anything) {
  Data data = serialized(sample());
  const std::uint64_t total = data.size() + kPayload;
  data.push_back(0x55);
  fail_unless(static_cast<bool>(parse_header(data, total)));
}
GST_END_TEST

GST_START_TEST(test_segment_presentation_times_are_those_shown_in_order) {
  fail_unless(sample().presentation_times() ==
              std::vector<Time>({1000 * kMillisecond, 1040 * kMillisecond}));
  fail_unless_equals_uint64(sample().payload_size(), kPayload);
  fail_unless(sample().is_source());
}
GST_END_TEST

GST_START_TEST(test_segment_frames_without_duration_last_until_the_next_one) {
  SegmentHeader header = sample();
  // Of the frames at 1000 and 1040 ms the first does not say.
  fail_unless(header.frame_durations() ==
              std::vector<Time>({40 * kMillisecond, 40 * kMillisecond}));
  header.units[1].duration = 13 * kMillisecond;
  fail_unless(header.frame_durations() ==
              std::vector<Time>({40 * kMillisecond, 13 * kMillisecond}));
  header.units[1].duration = kNoTime;
  header.stop = 1060 * kMillisecond;
  fail_unless(header.frame_durations() ==
              std::vector<Time>({40 * kMillisecond, 20 * kMillisecond}));
  fail_unless(SegmentHeader().frame_durations().empty());
}
GST_END_TEST

GST_START_TEST(test_segment_presentation_estimate_prefers_pts) {
  fail_unless_equals_uint64(presentation_estimate(5, 3), 5);
  fail_unless_equals_uint64(presentation_estimate(kNoTime, 3), 3);
  fail_unless_equals_uint64(presentation_estimate(kNoTime, kNoTime), kNoTime);
}
GST_END_TEST

GST_START_TEST(test_segment_refuses_every_truncation) {
  const Data data = serialized(sample());
  const std::uint64_t total = data.size() + kPayload;
  for (std::size_t size = 0; size < data.size(); ++size) {
    fail_if(static_cast<bool>(parse_header(std::span(data).first(size), total)), "%zu", size);
    fail_if(static_cast<bool>(parse_header(std::span(data).first(size), size)), "%zu", size);
  }
  for (std::uint64_t size = 0; size < total; ++size)
    fail_if(static_cast<bool>(parse_header(data, size)), "%" G_GUINT64_FORMAT, size);
  fail_if(static_cast<bool>(parse_header(data, total + 1)));
}
GST_END_TEST

// What is accepted has exactly one meaning: it is written back as it came.
GST_START_TEST(test_segment_byte_flips_are_refused_or_mean_something) {
  const Data good = serialized(sample());
  Data data = good;
  unsigned refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      data[at] = static_cast<std::uint8_t>(value);
      const auto parsed = parse_header(data, data.size() + kPayload);
      if (!parsed) {
        ++refused;
        continue;
      }
      fail_unless_equals_hex(serialize(*parsed).span(), data);
    }
    data[at] = good[at];
  }
  // Magic, version, flags and sizes, at the least.
  fail_unless(refused > 40 * 255);
}
GST_END_TEST

GST_START_TEST(test_segment_refuses_impossible_values) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const struct {
    const char* what;
    void (*spoil)(SegmentHeader&);
  } rows[] = {
      {"stop before start", [](SegmentHeader& h) { h.stop = h.start - 1; }},
      {"no start", [](SegmentHeader& h) { h.start = h.stop = kNoTime; }},
      {"no stop", [](SegmentHeader& h) { h.stop = kNoTime; }},
      {"time segment without start", [](SegmentHeader& h) { h.time_segment.start = kNoTime; }},
      {"rate NaN", [](SegmentHeader& h) { h.time_segment.rate = kNan; }},
      {"rate infinite", [](SegmentHeader& h) { h.time_segment.rate = kInfinity; }},
      // GStreamer cannot express the first, and distsegmenter refuses the second.
      {"rate 0", [](SegmentHeader& h) { h.time_segment.rate = 0; }},
      {"rate backwards", [](SegmentHeader& h) { h.time_segment.rate = -1; }},
      // GStreamer's parser would run out of stack.
      {"caps nested deeply", [](SegmentHeader& h) { h.caps += ",a=" + std::string(300, '{'); }},
      {"caps nested behind a text",
       [](SegmentHeader& h) {
         h.caps += ",b=\"" + std::string(300, '}') + "\",a=" + std::string(300, '{');
       }},
      {"caps nested between texts",
       [](SegmentHeader& h) {
         h.caps += ",a=";
         for (unsigned i = 0; i < 300; ++i)
           h.caps += "{\"}\",";
       }},
      {"applied rate NaN", [](SegmentHeader& h) { h.time_segment.applied_rate = kNan; }},
      {"applied rate 0", [](SegmentHeader& h) { h.time_segment.applied_rate = 0; }},
  };
  for (const auto& row : rows) {
    SegmentHeader header = sample();
    row.spoil(header);
    const Data data = serialized(header);
    fail_unless_error(parse_header(data, data.size() + kPayload), "impossible values", row.what);
  }
}
GST_END_TEST

GST_START_TEST(test_segment_names_the_version_it_cannot_read) {
  Data data = serialized(sample());
  data[4] = 2;
  fail_unless_error(parse_header(data, data.size() + kPayload), "version 2, this program reads 1",
                    "version");
  data[0] ^= 1;
  fail_unless_error(parse_header(data, data.size() + kPayload), "these bytes are not a segment",
                    "magic");
}
GST_END_TEST

GST_START_TEST(test_segment_refuses_sizes_before_allocating) {
  const struct {
    const char* what;
    std::size_t at;
    std::uint32_t value;
    const char* error;
  } rows[] = {
      {"smaller than the prefix", kSizeOffset, kSegmentPrefix - 1, "impossible size"},
      {"over the limit", kSizeOffset, kMaxSegmentHeader + 1, "impossible size"},
      {"more than there is", kSizeOffset, kMaxSegmentHeader, "truncated"},
      {"four billion units", kUnitsOffset, UINT32_MAX, "do not add up"},
      {"a stream id of four billion bytes", kStreamIdOffset, UINT32_MAX, "do not add up"},
  };
  for (const auto& row : rows) {
    Data data = serialized(sample());
    put_u32(data, row.at, row.value);
    fail_unless_error(parse_header(data, data.size() + kPayload), row.error, row.what);
  }
}
GST_END_TEST

GST_START_TEST(test_segment_unit_sizes_cannot_wrap_around) {
  SegmentHeader header = sample();
  header.units[0].size = UINT64_MAX - 1;
  header.units[1].size = 14;
  header.units[2].size = 0;
  fail_unless_equals_uint64(header.payload_size(), kPayload);
  const Data data = serialized(header);
  fail_unless_error(parse_header(data, data.size() + kPayload), "larger than the payload", "wrap");
  header.units = {{.size = 5}};
  Data less = serialized(header);
  less[16] = 6;
  fail_unless_error(parse_header(less, less.size() + 6), "smaller than the payload", "less");
}
GST_END_TEST

static Suite* segment_suite() {
  Suite* suite = suite_create("segment");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_segment_layout_is_as_documented);
  tcase_add_test(tcase, test_segment_reads_back_what_was_written);
  tcase_add_test(tcase, test_segment_header_may_be_followed_by_anything);
  tcase_add_test(tcase, test_segment_presentation_times_are_those_shown_in_order);
  tcase_add_test(tcase, test_segment_frames_without_duration_last_until_the_next_one);
  tcase_add_test(tcase, test_segment_presentation_estimate_prefers_pts);
  tcase_add_test(tcase, test_segment_refuses_every_truncation);
  tcase_add_test(tcase, test_segment_byte_flips_are_refused_or_mean_something);
  tcase_add_test(tcase, test_segment_refuses_impossible_values);
  tcase_add_test(tcase, test_segment_names_the_version_it_cannot_read);
  tcase_add_test(tcase, test_segment_refuses_sizes_before_allocating);
  tcase_add_test(tcase, test_segment_unit_sizes_cannot_wrap_around);
  return suite;
}

GST_CHECK_MAIN(segment)
