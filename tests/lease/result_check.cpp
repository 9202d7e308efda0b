// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/result_check.h"

#include <algorithm>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Time kFrame = kSecond / 25;
constexpr std::uint64_t kWorker = 7;

// A segment of the source with frames at these times, counted in frames. The first unit only helps
// decoding.
SegmentHeader source(std::uint64_t index = 3, const std::vector<Time>& times = {0, 1, 2, 3}) {
  SegmentHeader header;
  header.stream_id = "film";
  header.index = index;
  header.caps = "video/x-vp8";
  header.start = index * kSecond;
  header.stop = header.start + times.size() * kFrame;
  header.units.push_back({});
  for (Time time : times) {
    AccessUnit unit;
    unit.pts = unit.show = header.start + time * kFrame;
    header.units.push_back(unit);
  }
  return header;
}

// The right answer to it.
SegmentHeader answer(const SegmentHeader& source, const char* rendition = "hd") {
  SegmentHeader header = source;
  header.rendition = rendition;
  header.caps = "video/x-h264";
  header.first_unit = 0;
  header.units.erase(header.units.begin());
  for (std::size_t i = 1; i < header.units.size(); ++i)
    header.units[i].flags = kFlagDeltaUnit;
  return header;
}

SegmentHeader without_frame(SegmentHeader header, std::ptrdiff_t n) {
  header.units.erase(header.units.begin() + n);
  header.units.front().flags = 0;
  return header;
}

// Keeps the form of what it accepts, as the coordinator does.
struct Check {
  ResultCheck::Verdict check(std::uint64_t worker, const SegmentHeader& source,
                             const std::vector<SegmentHeader>& result) {
    auto verdict = results.check(worker, forms, source, result);
    if (verdict.status)
      forms.accepted({std::to_string(worker), source.caps, result}, 0);
    return verdict;
  }

  ResultCheck results;
  RenditionForms forms;
};

void accepted(const ResultCheck::Verdict& verdict) {
  fail_unless_ok(verdict.status);
  fail_unless_equals_text(verdict.note, "");
}

std::vector<Time> nano(const std::vector<double>& times) {
  std::vector<Time> result;
  for (double time : times)
    result.push_back(static_cast<Time>(time * static_cast<double>(kFrame)));
  return result;
}

}  // namespace

GST_START_TEST(test_match_times_finds_the_nearest) {
  constexpr double kNone = -1;
  const struct {
    const char* what;
    std::vector<double> expected, seen, matched;
  } rows[] = {
      {"exact", {0, 1, 2}, {0, 1, 2}, {0, 1, 2}},
      {"decode order", {0, 1, 2}, {0, 2, 1}, {0, 2, 1}},
      {"rounded", {0, 1, 2}, {0.02, 0.98, 2.02}, {0, 1, 2}},
      {"just nearer than half a frame", {0, 1, 2}, {0.49, 1.49}, {0, 1}},
      {"half a frame away", {0, 2}, {1}, {kNone}},
      {"before the first", {5, 6}, {4}, {kNone}},
      {"after the last", {5, 6}, {7}, {kNone}},
      {"missing", {0, 1, 2}, {0, 2}, {0, 2}},
      {"one too many", {0, 1}, {0, 0.1, 1}, {0, kNone, 1}},
      {"nothing expected", {}, {0}, {kNone}},
      {"nothing seen", {0, 1}, {}, {}},
      // The nearest neighbour sets the measure.
      {"variable rate", {0, 1, 9}, {0.4, 4.9}, {0, kNone}},
      {"a single frame", {5}, {5.1}, {5}},
      {"a single frame far off", {5}, {25}, {kNone}},
      {"two at the same time", {0, 0, 1}, {0, 1}, {0, 1}},
  };
  for (const auto& row : rows) {
    const auto matched = match_times(nano(row.expected), nano(row.seen));
    fail_unless_equals_uint64(matched.size(), row.matched.size());
    for (std::size_t i = 0; i < matched.size(); ++i) {
      const bool none = row.matched[i] == kNone;
      fail_unless(matched[i].has_value() != none, "%s: frame %zu", row.what, i);
      fail_unless(none || *matched[i] == nano({row.matched[i]})[0], "%s: frame %zu", row.what, i);
    }
  }
}
GST_END_TEST

GST_START_TEST(test_reorder_depth_is_how_far_decoding_runs_ahead) {
  const struct {
    std::vector<Time> decode_order;
    std::uint32_t depth;
  } rows[] = {
      {{}, 0},
      {{5}, 0},
      {{0, 1, 2, 3}, 0},
      {{0, 2, 1, 3}, 1},
      {{0, 3, 1, 2}, 1},
      {{0, 4, 2, 1, 3}, 2},
      {{0, 8, 4, 2, 1, 3, 6, 5, 7}, 3},
      {{2, 0, 1, 3}, 1},
      {{3, 2, 1, 0}, 3},
  };
  for (const auto& row : rows)
    fail_unless_equals_uint64(reorder_depth(row.decode_order), row.depth);
}
GST_END_TEST

GST_START_TEST(test_result_check_accepts_the_right_answer) {
  Check check;
  for (std::uint64_t index : {7u, 0u, 1u}) {
    const SegmentHeader segment = source(index);
    accepted(check.check(kWorker, segment, {answer(segment, "hd"), answer(segment, "sd")}));
  }
}
GST_END_TEST

GST_START_TEST(test_result_check_takes_frames_in_decode_order) {
  Check check;
  const SegmentHeader segment = source();
  SegmentHeader reordered = answer(segment);
  std::swap(reordered.units[1], reordered.units[2]);
  fail_unless_error(check.check(kWorker, segment, {reordered}).status,
                    "reordered further than announced", "depth 0");
  reordered.reorder_depth = 1;
  accepted(check.check(kWorker, segment, {reordered}));
}
GST_END_TEST

// A stretch in which nothing can be decoded costs its own frames only.
GST_START_TEST(test_result_check_believes_two_that_nothing_can_be_decoded) {
  Check check;
  const SegmentHeader whole = source(1);
  accepted(check.check(kWorker, whole, {answer(whole)}));
  const SegmentHeader segment = source(2);
  SegmentHeader nothing = answer(segment);
  nothing.units.clear();
  nothing.caps.clear();
  fail_unless_error(check.check(kWorker + 1, segment, {nothing}).status, "0 frames instead of 4",
                    "once");
  const auto verdict = check.check(kWorker, segment, {nothing});
  fail_unless_ok(verdict.status);
  fail_if(verdict.note.empty());
  // What was made of it binds nothing.
  const SegmentHeader next = source(4);
  accepted(check.check(kWorker, next, {answer(next)}));
}
GST_END_TEST

GST_START_TEST(test_result_check_refuses_what_is_wrong_in_itself) {
  const struct {
    void (*spoil)(SegmentHeader&);
    const char* error;
  } rows[] = {
      {[](SegmentHeader& h) { h.rendition = ""; }, "without the name of a rendition"},
      {[](SegmentHeader& h) { h.stream_id = "clip"; }, "answers segment 3 of stream 'clip'"},
      {[](SegmentHeader& h) { h.index = 4; }, "answers segment 4 of stream 'film'"},
      {[](SegmentHeader& h) { ++h.start; }, "answers segment 3"},
      {[](SegmentHeader& h) { ++h.stop; }, "answers segment 3"},
      {[](SegmentHeader& h) { h.last = true; }, "answers segment 3"},
      {[](SegmentHeader& h) { h.time_segment.base = 1; }, "answers segment 3"},
      {[](SegmentHeader& h) { h.units[0].flags = kFlagDeltaUnit; },
       "rendition 'hd': does not begin with a keyframe"},
      {[](SegmentHeader& h) { h.units[2].show = kNoTime; }, "without a presentation time"},
      {[](SegmentHeader& h) { ++h.units[2].pts; }, "without a presentation time"},
      {[](SegmentHeader& h) { h.units[2] = h.units[1], h.reorder_depth = 1; },
       "two frames at the same time"},
  };
  for (const auto& row : rows) {
    Check check;
    const SegmentHeader segment = source();
    SegmentHeader spoilt = answer(segment);
    row.spoil(spoilt);
    // Saying it twice makes it no better.
    for (int attempt = 1; attempt <= 2; ++attempt)
      fail_unless_error(check.check(kWorker, segment, {spoilt}).status, row.error, row.error);
    accepted(check.check(kWorker, segment, {answer(segment)}));
  }
}
GST_END_TEST

GST_START_TEST(test_result_check_refuses_other_renditions) {
  const SegmentHeader first = source(0);
  const SegmentHeader next = source(1);
  const SegmentHeader hd = answer(next, "hd"), sd = answer(next, "sd"), uhd = answer(next, "uhd");
  const struct {
    std::vector<SegmentHeader> answer;
    const char* error;
  } rows[] = {
      {{}, "without renditions"},
      {{hd}, "rendition 'sd' is missing"},
      {{hd, uhd}, "rendition 'sd' is missing"},
      {{hd, sd, uhd}, "renditions that the segments before do not have"},
      {{hd, sd, hd}, "rendition 'hd' comes twice"},
      {{hd, hd}, "rendition 'hd' comes twice"},
  };
  for (const auto& row : rows) {
    Check check;
    accepted(check.check(kWorker, first, {answer(first, "hd"), answer(first, "sd")}));
    fail_unless_error(check.check(kWorker, next, row.answer).status, row.error, row.error);
    accepted(check.check(kWorker, next, {sd, hd}));
  }
}
GST_END_TEST

GST_START_TEST(test_result_check_refuses_a_rendition_that_comes_twice_at_first) {
  Check check;
  const SegmentHeader segment = source();
  fail_unless_error(check.check(kWorker, segment, {answer(segment), answer(segment)}).status,
                    "rendition 'hd' comes twice", "first answer");
}
GST_END_TEST

GST_START_TEST(test_result_check_wants_the_same_caps_throughout) {
  Check check;
  const SegmentHeader first = source(0);
  SegmentHeader next = source(1);
  SegmentHeader other = answer(next);
  other.caps = "video/x-h265";
  accepted(check.check(kWorker, first, {answer(first)}));
  fail_unless_error(check.check(kWorker, next, {other}).status,
                    "rendition 'hd': caps video/x-h265 differ from those of the segments before, "
                    "video/x-h264",
                    "caps");
  // Another source is another matter, in caps and in renditions.
  next.caps = "video/x-vp9";
  accepted(check.check(kWorker, next, {other, answer(next, "sd")}));
}
GST_END_TEST

GST_START_TEST(test_result_check_remembers_nothing_of_refused_answers) {
  Check check;
  const SegmentHeader segment = source();
  SegmentHeader refused = answer(segment, "uhd");
  refused.caps = "video/x-h265";
  fail_if(static_cast<bool>(check.check(kWorker, segment, {without_frame(refused, 1)}).status));
  accepted(check.check(kWorker, segment, {answer(segment)}));
}
GST_END_TEST

// A copy may judge what is not to be believed yet.
GST_START_TEST(test_result_check_binds_no_worker_by_itself) {
  ResultCheck check;
  const RenditionForms forms;
  const SegmentHeader first = source(0);
  const SegmentHeader next = source(1);
  SegmentHeader other = answer(next);
  other.caps = "video/x-h265";
  accepted(check.check(kWorker, forms, first, {answer(first)}));
  accepted(check.check(kWorker, forms, next, {other}));
}
GST_END_TEST

// Lets the worker show that it does not always lose frames.
void complete_another(Check& check, std::uint64_t worker) {
  const SegmentHeader other = source(9);
  accepted(check.check(worker, other, {answer(other)}));
}

GST_START_TEST(test_result_check_believes_missing_frames_when_two_attempts_agree) {
  for (const std::uint64_t second : {kWorker, kWorker + 1}) {
    Check check;
    complete_another(check, kWorker);
    complete_another(check, second);
    const SegmentHeader segment = source();
    const SegmentHeader less = without_frame(answer(segment), 0);
    const SegmentHeader other = without_frame(answer(segment), 2);
    const char* kError = "rendition 'hd': 3 frames instead of 4";
    fail_unless_error(check.check(kWorker, segment, {less}).status, kError, "first");
    fail_unless_error(check.check(second, segment, {other}).status, kError, "another is missing");
    const auto verdict = check.check(second, segment, {less});
    fail_unless_ok(verdict.status);
    fail_unless_equals_text(verdict.note, std::string(kError) +
                                              ", as in another attempt: taken for what the source "
                                              "holds");
  }
}
GST_END_TEST

// All of a film may be damaged.
GST_START_TEST(test_result_check_believes_two_workers_where_no_segment_is_whole) {
  for (const std::uint64_t other : {kWorker, kWorker + 1}) {
    Check check;
    const SegmentHeader segment = source();
    const SegmentHeader less = without_frame(answer(segment), 2);
    fail_if(static_cast<bool>(check.check(other, segment, {less}).status));
    for (int i = 0; i < 4; ++i)
      fail_if(static_cast<bool>(check.check(kWorker, segment, {less}).status), "answer %d", i);
    const auto verdict = check.check(kWorker, segment, {less});
    fail_unless(static_cast<bool>(verdict.status) == (other != kWorker));
    fail_unless(verdict.doubtful == (other == kWorker));
  }
}
GST_END_TEST

// A pipeline that drops a frame of each segment, as often as it is started.
GST_START_TEST(test_result_check_never_believes_workers_that_always_lose_frames) {
  Check check;
  constexpr std::uint64_t kHonest = 100;
  complete_another(check, kHonest);
  for (std::uint64_t index = 0; index < 10; ++index) {
    const SegmentHeader segment = source(index);
    const SegmentHeader less = without_frame(answer(segment), 2);
    for (std::uint64_t worker = 1; worker <= 4; ++worker)
      fail_if(static_cast<bool>(check.check(worker, segment, {less}).status), "worker %d",
              static_cast<int>(worker));
  }
}
GST_END_TEST

// The first segment may be damaged, when nobody has shown anything yet.
GST_START_TEST(test_result_check_believes_what_was_said_before_a_worker_was_known) {
  Check check;
  const SegmentHeader segment = source();
  const SegmentHeader less = without_frame(answer(segment), 0);
  fail_if(static_cast<bool>(check.check(kWorker, segment, {less}).status));
  complete_another(check, kWorker);
  fail_unless_ok(check.check(kWorker, segment, {less}).status);
}
GST_END_TEST

GST_START_TEST(test_result_check_wants_all_renditions_to_agree) {
  Check check;
  const SegmentHeader first = source(8);
  accepted(check.check(kWorker, first, {answer(first, "hd"), answer(first, "sd")}));
  const SegmentHeader segment = source();
  const SegmentHeader hd = answer(segment, "hd"), sd = answer(segment, "sd");
  fail_if(static_cast<bool>(check.check(kWorker, segment, {hd, without_frame(sd, 1)}).status));
  fail_if(static_cast<bool>(
      check.check(kWorker, segment, {without_frame(hd, 1), without_frame(sd, 1)}).status));
  fail_unless_ok(check.check(kWorker, segment, {hd, without_frame(sd, 1)}).status);
}
GST_END_TEST

GST_START_TEST(test_result_check_never_believes_frames_that_are_not_in_the_source) {
  const struct {
    const char* what;
    void (*change)(std::vector<AccessUnit>&);
  } rows[] = {
      {"moved", [](auto& units) { units[1].pts = ++units[1].show; }},
      {"one more",
       [](auto& units) {
         units.push_back(units.back());
         units.back().pts = units.back().show += kFrame;
       }},
  };
  for (const auto& row : rows) {
    Check check;
    complete_another(check, kWorker);
    const SegmentHeader segment = source();
    SegmentHeader other = answer(segment);
    row.change(other.units);
    for (int attempt = 1; attempt <= 3; ++attempt)
      fail_if(static_cast<bool>(check.check(kWorker, segment, {other}).status), "%s, attempt %d",
              row.what, attempt);
  }
}
GST_END_TEST

GST_START_TEST(test_result_check_compares_attempts_of_one_segment_only) {
  Check check;
  complete_another(check, kWorker);
  const SegmentHeader segment = source();
  const std::vector<SegmentHeader> less = {without_frame(answer(segment), 1)};
  fail_if(static_cast<bool>(check.check(kWorker, segment, less).status));
  check.results.forget(segment.index);
  fail_if(static_cast<bool>(check.check(kWorker, segment, less).status));
  fail_unless_ok(check.check(kWorker, segment, less).status);
}
GST_END_TEST

static Suite* result_check_suite() {
  Suite* suite = suite_create("result_check");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_match_times_finds_the_nearest);
  tcase_add_test(tcase, test_reorder_depth_is_how_far_decoding_runs_ahead);
  tcase_add_test(tcase, test_result_check_accepts_the_right_answer);
  tcase_add_test(tcase, test_result_check_takes_frames_in_decode_order);
  tcase_add_test(tcase, test_result_check_believes_two_that_nothing_can_be_decoded);
  tcase_add_test(tcase, test_result_check_refuses_what_is_wrong_in_itself);
  tcase_add_test(tcase, test_result_check_refuses_other_renditions);
  tcase_add_test(tcase, test_result_check_refuses_a_rendition_that_comes_twice_at_first);
  tcase_add_test(tcase, test_result_check_wants_the_same_caps_throughout);
  tcase_add_test(tcase, test_result_check_remembers_nothing_of_refused_answers);
  tcase_add_test(tcase, test_result_check_binds_no_worker_by_itself);
  tcase_add_test(tcase, test_result_check_believes_missing_frames_when_two_attempts_agree);
  tcase_add_test(tcase, test_result_check_believes_two_workers_where_no_segment_is_whole);
  tcase_add_test(tcase, test_result_check_never_believes_workers_that_always_lose_frames);
  tcase_add_test(tcase, test_result_check_believes_what_was_said_before_a_worker_was_known);
  tcase_add_test(tcase, test_result_check_wants_all_renditions_to_agree);
  tcase_add_test(tcase, test_result_check_never_believes_frames_that_are_not_in_the_source);
  tcase_add_test(tcase, test_result_check_compares_attempts_of_one_segment_only);
  return suite;
}

GST_CHECK_MAIN(result_check)
