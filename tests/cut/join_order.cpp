// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/join_order.h"

#include <algorithm>

#include "gst/lease/result_check.h"
#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Time kFrame = kSecond / 10;

std::shared_ptr<const SegmentHeader> header(std::uint64_t index, bool last = false,
                                            const char* stream_id = "film") {
  SegmentHeader result;
  result.stream_id = stream_id;
  result.rendition = "hd";
  result.index = index;
  result.last = last;
  return std::make_shared<const SegmentHeader>(result);
}

// What next() gives until it gives nothing, as "0 1 2".
std::string drain(JoinOrder& order) {
  std::string text;
  while (true) {
    const auto next = order.next();
    fail_unless_ok(next);
    if (!*next)
      return text;
    text += (text.empty() ? "" : " ") + std::to_string((*next)->index);
  }
}

// A segment of a rendition whose frames are shown at these times, in decode order; counted in
// frames.
SegmentHeader segment(std::uint64_t index, std::uint32_t depth, const std::vector<double>& times) {
  SegmentHeader result = *header(index);
  result.reorder_depth = depth;
  for (double time : times) {
    AccessUnit unit;
    unit.pts = unit.show = static_cast<Time>(time * static_cast<double>(kFrame));
    result.units.push_back(unit);
    result.stop = std::max(result.stop, unit.show + kFrame);
  }
  return result;
}

// The same in frames, two digits.
std::vector<double> in_frames(const std::vector<Time>& times) {
  std::vector<double> result;
  for (Time time : times)
    result.push_back(static_cast<double>(100 * time / kFrame) / 100);
  return result;
}

}  // namespace

GST_START_TEST(test_join_order_gives_segments_in_order) {
  const struct {
    std::vector<std::uint64_t> arrivals;
    std::vector<const char*> departures;
  } rows[] = {
      {{0, 1, 2}, {"0", "1", "2"}},
      {{2, 1, 0}, {"", "", "0 1 2"}},
      {{1, 0, 3, 2}, {"", "0 1", "", "2 3"}},
      {{0, 2, 3, 1}, {"0", "", "", "1 2 3"}},
  };
  for (const auto& row : rows) {
    JoinOrder order("hd");
    for (std::size_t i = 0; i < row.arrivals.size(); ++i) {
      const bool last = row.arrivals[i] + 1 == row.arrivals.size();
      fail_unless_ok(order.add(header(row.arrivals[i], last)));
      fail_unless_equals_text(drain(order), row.departures[i]);
    }
    fail_unless_ok(order.finish());
  }
}
GST_END_TEST

GST_START_TEST(test_join_order_refuses_what_contradicts) {
  const struct {
    std::vector<std::shared_ptr<const SegmentHeader>> before;
    std::shared_ptr<const SegmentHeader> refused;
    const char* error;
  } rows[] = {
      {{header(0)}, header(0), "segment 0: received twice"},
      {{header(0), header(1), header(3)}, header(1), "segment 1: received twice"},
      {{header(0), header(3)}, header(3), "segment 3: received twice"},
      {{header(0)}, header(1, false, "clip"), "segment 1: belongs to stream 'clip', the others to"},
      {{header(2, true)}, header(3), "segment 3: comes after segment 2, which is marked as the"},
      {{header(0, true)}, header(1), "segment 1: comes after segment 0, which is marked as the"},
      {{header(2, true)}, header(1, true), "segment 1: marked as the last, as was segment 2"},
  };
  for (const auto& row : rows) {
    JoinOrder order("hd");
    for (const auto& one : row.before)
      fail_unless_ok(order.add(one));
    drain(order);
    fail_unless_error(order.add(row.refused), row.error, row.error);
  }
}
GST_END_TEST

GST_START_TEST(test_join_order_notices_a_last_segment_that_is_not) {
  JoinOrder order("hd");
  fail_unless_ok(order.add(header(3)));
  fail_unless_ok(order.add(header(0, true)));
  fail_unless_error(order.next(), "segment 3: comes after segment 0", "late mark");
}
GST_END_TEST

GST_START_TEST(test_join_order_names_what_is_missing_at_the_end) {
  constexpr std::uint64_t kFar = std::uint64_t{1} << 60;
  const struct {
    std::vector<std::shared_ptr<const SegmentHeader>> arrivals;
    const char* error;
  } rows[] = {
      {{}, "segment 0: missing, and whatever follows it, in rendition 'hd'"},
      {{header(0)}, "segment 1: missing, and whatever follows it, in rendition 'hd'"},
      {{header(0), header(2)}, "segment 1: missing in rendition 'hd'; 1 missing in all (1)"},
      {{header(0), header(2), header(5, true)},
       "segment 1: missing in rendition 'hd'; 3 missing in all (1, 3, 4)"},
      {{header(20, true)},
       "segment 0: missing in rendition 'hd'; 20 missing in all (0, 1, 2, 3, 4, "
       "5, 6, 7, …)"},
      {{header(9), header(1, true)}, "segment 0: missing in rendition 'hd'; 1 missing in all (0)"},
      // A damaged index must not cost the time to count so far.
      {{header(kFar)}, "segment 0: missing in rendition 'hd'; 1152921504606846976 missing in all"},
      {{header(UINT64_MAX)}, "segment 0: missing"},
  };
  for (const auto& row : rows) {
    JoinOrder order("hd");
    for (const auto& one : row.arrivals)
      fail_unless_ok(order.add(one));
    drain(order);
    fail_unless_error(order.finish(), row.error, row.error);
  }
}
GST_END_TEST

GST_START_TEST(test_decode_times_run_ahead_by_the_depth) {
  const struct {
    const char* what;
    std::uint32_t depth;
    std::vector<double> shown;
    std::vector<double> decoded;
    double shift;
  } rows[] = {
      {"in order", 0, {0, 1, 2, 3}, {0, 1, 2, 3}, 0},
      {"one B-frame", 1, {5, 7, 6, 8}, {4, 5, 6, 7}, 0},
      {"pyramid", 2, {5, 9, 7, 6, 8}, {3, 4, 5, 6, 7}, 0},
      {"announced but not used", 2, {5, 6, 7, 8}, {3, 4, 5, 6}, 0},
      {"variable rate", 1, {5, 9, 7, 10}, {3, 5, 7, 9}, 0},
      {"one frame", 1, {5}, {4}, 0},
      // Nothing can be decoded before 0: all of it moves up.
      {"from 0 on", 1, {0, 2, 1, 3}, {0, 1, 2, 3}, 1},
      {"from 1 on", 2, {1, 5, 3, 2, 4}, {0, 1, 2, 3, 4}, 1},
      {"from 2 on", 2, {2, 6, 4, 3, 5}, {0, 1, 2, 3, 4}, 0},
  };
  for (const auto& row : rows) {
    DecodeTimes times;
    const auto decoded = times.next(segment(0, row.depth, row.shown));
    fail_unless_ok(decoded);
    fail_unless(in_frames(*decoded) == row.decoded, "%s", row.what);
    fail_unless(in_frames({times.shift()})[0] == row.shift, "%s", row.what);
  }
}
GST_END_TEST

GST_START_TEST(test_decode_times_go_on_across_segments) {
  DecodeTimes times;
  const struct {
    std::uint32_t depth;
    std::vector<double> shown;
    std::vector<double> decoded;
  } rows[] = {
      {2, {0, 4, 2, 1, 3}, {0, 1, 2, 3, 4}},
      {2, {5, 9, 7, 6, 8}, {5, 6, 7, 8, 9}},
      // Once it runs ahead it does not fall back.
      {0, {10}, {10}},
      {1, {11, 13, 12}, {11, 12, 13}},
  };
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const auto decoded = times.next(segment(i, rows[i].depth, rows[i].shown));
    fail_unless_ok(decoded);
    fail_unless(in_frames(*decoded) == rows[i].decoded, "segment %zu", i);
    fail_unless_equals_uint64(times.shift(), 2 * kFrame);
  }
}
GST_END_TEST

// The very short first segment of a film shows no reordering; those that follow do.
GST_START_TEST(test_decode_times_survive_growing_depth) {
  const struct {
    const char* what;
    std::vector<std::pair<std::uint32_t, std::vector<double>>> segments;
  } rows[] = {
      {"0 to 1", {{0, {0}}, {1, {1, 3, 2}}}},
      {"0 to 2", {{0, {0}}, {2, {1, 5, 3, 2, 4}}}},
      {"0 to 2 after some frames", {{0, {0, 1, 2, 3}}, {2, {4, 8, 6, 5, 7}}}},
      {"0 to 3", {{0, {0}}, {3, {1, 9, 5, 3, 2, 4, 7, 6, 8}}}},
      {"1 to 2", {{1, {0, 2, 1}}, {2, {3, 7, 5, 4, 6}}}},
      {"2 to 0 to 2", {{2, {0, 4, 2, 1, 3}}, {0, {5}}, {2, {6, 10, 8, 7, 9}}}},
  };
  for (const auto& row : rows) {
    DecodeTimes times;
    std::optional<Time> before;
    for (std::size_t i = 0; i < row.segments.size(); ++i) {
      const SegmentHeader one = segment(i, row.segments[i].first, row.segments[i].second);
      const auto decoded = times.next(one);
      fail_unless(static_cast<bool>(decoded), "%s: %s", row.what,
                  decoded ? "" : decoded.error().c_str());
      for (std::size_t n = 0; n < decoded->size(); ++n) {
        const Time time = (*decoded)[n];
        fail_unless(time <= one.units[n].show + times.shift(), "%s: unit %zu", row.what, n);
        fail_unless(!before || time > *before, "%s: unit %zu", row.what, n);
        before = time;
      }
    }
  }
}
GST_END_TEST

GST_START_TEST(test_decode_times_refuse_what_cannot_be_ordered) {
  SegmentHeader silent = segment(4, 0, {6, 7});
  silent.units[1].show = kNoTime;
  const struct {
    SegmentHeader header;
    const char* error;
  } rows[] = {
      {segment(4, 0, {6, 8, 7}), "segment 4: frames are reordered further than announced"},
      {segment(4, 0, {}), "segment 4: rendition 'hd' has access units without"},
      {silent, "segment 4: rendition 'hd' has access units without"},
      {segment(4, 0, {5, 6}), "segment 4: begins before the one before it ends"},
      {segment(4, 0, {4.5, 6}), "segment 4: begins before the one before it ends"},
      {segment(4, 0, {6, 6}), "segment 4: frames are reordered further than announced"},
  };
  for (const auto& row : rows) {
    DecodeTimes times;
    fail_unless_ok(times.next(segment(3, 0, {4, 5})));
    fail_unless_error(times.next(row.header), row.error, row.error);
  }
}
GST_END_TEST

GST_START_TEST(test_decode_times_grow_for_any_rendition) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    DecodeTimes times;
    std::optional<Time> before;
    Time clock = random.below(3) * kFrame;
    for (std::uint64_t index = 0; index < random.between(1, 20); ++index) {
      SegmentHeader one = segment(index, 0, {});
      std::vector<Time> shown;
      for (std::uint64_t i = random.between(1, 30); i > 0; --i)
        shown.push_back(clock += random.between(kFrame / 2, 3 * kFrame));
      for (std::size_t i = 1; i + 1 < shown.size(); ++i)
        if (random.chance(40))
          std::swap(shown[i], shown[std::min(i + random.below(4), shown.size() - 1)]);
      for (Time time : shown) {
        one.units.push_back({});
        one.units.back().show = time;
      }
      one.stop = clock + kFrame;
      one.reorder_depth = reorder_depth(shown);
      const auto decoded = times.next(one);
      fail_unless(static_cast<bool>(decoded), "seed %" G_GUINT64_FORMAT ": %s", seed,
                  decoded ? "" : decoded.error().c_str());
      for (std::size_t n = 0; n < decoded->size(); ++n) {
        const Time time = (*decoded)[n];
        fail_unless(time <= shown[n] + times.shift() && (!before || time > *before),
                    "seed %" G_GUINT64_FORMAT ", segment %" G_GUINT64_FORMAT ", unit %zu", seed,
                    index, n);
        before = time;
      }
    }
  }
}
GST_END_TEST

static Suite* join_order_suite() {
  Suite* suite = suite_create("join_order");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_join_order_gives_segments_in_order);
  tcase_add_test(tcase, test_join_order_refuses_what_contradicts);
  tcase_add_test(tcase, test_join_order_notices_a_last_segment_that_is_not);
  tcase_add_test(tcase, test_join_order_names_what_is_missing_at_the_end);
  tcase_add_test(tcase, test_decode_times_run_ahead_by_the_depth);
  tcase_add_test(tcase, test_decode_times_go_on_across_segments);
  tcase_add_test(tcase, test_decode_times_survive_growing_depth);
  tcase_add_test(tcase, test_decode_times_refuse_what_cannot_be_ordered);
  tcase_add_test(tcase, test_decode_times_grow_for_any_rendition);
  return suite;
}

GST_CHECK_MAIN(join_order)
