// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/progress.h"

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>

#include "gst/base/text.h"

namespace {

using dist::tool::Progress;

const Progress::WorkerId kAnna{1, "anna"};
const Progress::WorkerId kBert{2, "bert"};

void expect_text(const std::string& text, const std::string& right) {
  fail_unless(text == right, "'%s' instead of '%s'", text.c_str(), right.c_str());
}

// 40 s of film of 25 frames a second, of which two workers did 10 s within 5 s.
Progress quarter() {
  Progress progress(40, 100);
  progress.worker_joined(kAnna);
  progress.worker_joined(kBert);
  for (std::uint64_t i = 0; i < 10; ++i)
    progress.segment_done(i < 6 ? kAnna : kBert, i, 25, true);
  progress.reached(10, 0, 0);
  return progress;
}

}  // namespace

GST_START_TEST(test_progress_for_a_log) {
  expect_text(quarter().for_log(105),
              "25 %, 10 segments, 50 frames/s, 2.00 times real time, 0:15 left, 2 workers");
  expect_text(Progress(0, 0).for_log(1), "0 segments, 0 frames/s, 0.00 times real time, 0 workers");
}
GST_END_TEST

GST_START_TEST(test_progress_for_a_terminal) {
  Progress progress = quarter();
  const auto wide = progress.for_terminal(200, 24, 105);
  fail_unless(wide.size() == 3);
  expect_text(wide[0], " 25 % [" + std::string(15, '#') + std::string(45, '-') +
                           "] 50 frames/s, 2.00 times real time, 0:15 left");
  expect_text(wide[1], "  anna  6 segments, 30 frames/s");
  expect_text(wide[2], "  bert  4 segments, 20 frames/s");
  progress.lease_failed(kBert);
  progress.worker_left(kBert);
  expect_text(progress.for_terminal(80, 24, 105)[2],
              "  bert  4 segments, 20 frames/s, 1 failed, gone");
}
GST_END_TEST

// Names are what workers say of themselves.
GST_START_TEST(test_progress_of_workers_that_come_and_go) {
  Progress progress = quarter();
  progress.worker_joined({3, "anna"});
  progress.worker_left(kAnna);
  progress.worker_joined({4, "c\033[2J\302\233d"});
  auto lines = progress.for_terminal(80, 24, 105);
  fail_unless(lines.size() == 5);
  expect_text(lines[1], "  bert     4 segments, 20 frames/s");
  expect_text(lines[2], "  anna     0 segments, 0 frames/s");
  expect_text(lines[3], "  c?[2J?d  0 segments, 0 frames/s");
  expect_text(lines[4], "  anna     6 segments, 30 frames/s, gone");
  for (std::uint64_t i = 10; i < 100; ++i)
    progress.worker_left({i, "guest " + std::to_string(i)});
  lines = progress.for_terminal(80, 24, 105);
  fail_unless(lines.size() == 7);
  expect_text(lines[4], "  guest 99  0 segments, 0 frames/s, gone");
  expect_text(progress.for_log(105),
              "25 %, 10 segments, 50 frames/s, 2.00 times real time, 0:15 left, 3 workers");
}
GST_END_TEST

GST_START_TEST(test_progress_fits_any_terminal) {
  Progress progress = quarter();
  for (std::uint64_t i = 0; i < 30; ++i)
    progress.worker_joined({3 + i, "a worker with a name as long as one can think of, and longer " +
                                       std::to_string(i) + " ä ö ü"});
  for (unsigned width : {1u, 10u, 40u, 79u, 80u, 200u})
    for (unsigned height : {2u, 10u, 24u, 100u}) {
      const auto lines = progress.for_terminal(width, height, 105);
      fail_unless(lines.size() <= height);
      for (const std::string& line : lines) {
        fail_unless(g_utf8_validate(line.c_str(), -1, nullptr));
        fail_unless(g_utf8_strlen(line.c_str(), -1) <= static_cast<glong>(width), "%u: '%s'", width,
                    line.c_str());
      }
    }
  expect_text(progress.for_terminal(80, 5, 105)[4], "  and 29 more");
}
GST_END_TEST

// Neither counts it twice nor as little as the thumbnails that came last.
GST_START_TEST(test_progress_of_a_segment_in_parts) {
  Progress progress(10, 0);
  progress.segment_done(kAnna, 0, 25, false);
  progress.segment_done(kBert, 0, 1, true);
  progress.reached(1, 0, 0);
  expect_text(progress.for_log(1),
              "10 %, 1 segment, 25 frames/s, 1.00 times real time, 0:09 left, 2 workers");
}
GST_END_TEST

// What is being worked on counts too, once; and no number goes back.
GST_START_TEST(test_progress_within_a_segment) {
  Progress progress = quarter();
  progress.reached(10, 6, 150);
  expect_text(progress.for_log(105),
              "40 %, 10 segments, 80 frames/s, 3.20 times real time, 0:08 left, 2 workers");
  progress.reached(10, 0, 0);
  expect_text(progress.for_log(105),
              "40 %, 10 segments, 50 frames/s, 3.20 times real time, 0:08 left, 2 workers");
  progress.segment_done(kAnna, 10, 150, true);
  progress.reached(16, 1, 25);
  progress.set_duration(17);
  expect_text(progress.for_log(105),
              "100 %, 11 segments, 85 frames/s, 3.40 times real time, 0:00 left, 2 workers");
}
GST_END_TEST

GST_START_TEST(test_progress_for_programs) {
  JsonNode* const root = json_from_string(quarter().for_programs(105).c_str(), nullptr);
  fail_unless(root != nullptr);
  JsonObject* const object = json_node_get_object(root);
  fail_unless(json_object_get_double_member(object, "percent") == 25);
  fail_unless(json_object_get_double_member(object, "seconds-left") == 15);
  fail_unless(json_object_get_int_member(object, "frames") == 250);
  JsonArray* const workers = json_object_get_array_member(object, "workers");
  fail_unless(json_array_get_length(workers) == 2);
  fail_unless(json_object_get_int_member(json_array_get_object_element(workers, 0), "segments") ==
              6);
  json_node_unref(root);
}
GST_END_TEST

GST_START_TEST(test_progress_summary) {
  Progress progress = quarter();
  expect_text(progress.summary(105),
              "done in 0:05: 250 frames in 10 segments by 2 workers, 2.00 times real time");
  progress.lease_failed(kBert);
  progress.worker_joined({3, "idle"});
  expect_text(progress.summary(105),
              "done in 0:05: 250 frames in 10 segments by 2 workers, 2.00 times real time, "
              "1 attempt failed");
  progress.set_decoding(1.96);
  fail_unless(progress.summary(105).ends_with(
      "; keyframes are so rare that frames were decoded 2.0 times"));
  JsonNode* const root =
      json_from_string(progress.done_for_programs({"a.mp4"}, 105).c_str(), nullptr);
  fail_unless(root != nullptr);
  JsonObject* const object = json_node_get_object(root);
  fail_unless(json_object_get_int_member(object, "frames") == 250);
  fail_unless(json_object_get_int_member(object, "workers") == 2);
  fail_unless(json_object_get_double_member(object, "elapsed") == 5);
  json_node_unref(root);
}
GST_END_TEST

GST_START_TEST(test_progress_clock) {
  expect_text(dist::clock_text(0), "0:00");
  expect_text(dist::clock_text(59.2), "1:00");
  expect_text(dist::clock_text(3723), "1:02:03");
}
GST_END_TEST

static Suite* progress_suite() {
  Suite* const suite = suite_create("progress");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_progress_for_a_log);
  tcase_add_test(tests, test_progress_for_a_terminal);
  tcase_add_test(tests, test_progress_of_workers_that_come_and_go);
  tcase_add_test(tests, test_progress_fits_any_terminal);
  tcase_add_test(tests, test_progress_of_a_segment_in_parts);
  tcase_add_test(tests, test_progress_within_a_segment);
  tcase_add_test(tests, test_progress_for_programs);
  tcase_add_test(tests, test_progress_summary);
  tcase_add_test(tests, test_progress_clock);
  return suite;
}

GST_CHECK_MAIN(progress)
