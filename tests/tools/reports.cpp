// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the subcommands print, of things that are made up.

// Before gstcheck.h, which has a macro "fail".
#include <sstream>

#include <gst/check/gstcheck.h>

#include "gst/base/text.h"
#include "tools/gst-dist/inspect/frame_facts.h"
#include "tools/gst-dist/inspect/inspect_report.h"
#include "tools/gst-dist/status/status_report.h"

namespace {

using namespace dist;
using namespace dist::tool;

constexpr Time kFrame = kSecond / 25;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void check_width(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    ck_assert_msg(
        g_utf8_validate(line.c_str(), -1, nullptr) && g_utf8_strlen(line.c_str(), -1) <= 80, "%s",
        line.c_str());
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result += text;
  return result;
}

// A film whose frames are presented at these numbers, in decode order; 'K' is a keyframe.
CutSurvey film(const std::vector<std::pair<unsigned, char>>& frames) {
  CutSurvey survey;
  unsigned last = 0;
  for (const auto& [number, kind] : frames) {
    SurveyedUnit unit;
    unit.show = number * kFrame;
    unit.random_access = kind == 'K'   ? RandomAccess::kClean
                         : kind == 'R' ? RandomAccess::kRecovery
                                       : RandomAccess::kNone;
    survey.units.push_back(unit);
    last = std::max(last, number);
  }
  SurveyedSegment all;
  all.stop = (last + 1) * kFrame;
  all.units = all.frames = frames.size();
  survey.segments = {all};
  return survey;
}

}  // namespace

GST_START_TEST(test_facts_tell_keyframes_apart) {
  const FrameFacts facts = facts_of(film(
      {{0, 'K'}, {1, ' '}, {4, 'K'}, {2, ' '}, {3, ' '}, {5, 'K'}, {6, ' '}, {7, 'R'}, {8, ' '}}));
  std::string kinds;
  for (const Keyframe& keyframe : facts.keyframes)
    kinds += std::string(name_of(keyframe.kind)) + " ";
  ck_assert_str_eq(kinds.c_str(), "closed open closed recovery-point ");
  ck_assert_uint_eq(facts.longest_gop, 4 * kFrame);
  ck_assert_uint_eq(facts.longest_gop_at, 0);
}
GST_END_TEST

GST_START_TEST(test_facts_tell_rates_apart) {
  const struct {
    std::vector<Time> times;  // Milliseconds.
    bool constant;
    unsigned rate;
  } rows[] = {
      {{0, 40, 80, 120, 160}, true, 25},
      {{0, 33, 67, 100, 133, 167, 200}, true, 30},
      {{0, 40, 80, 160, 200}, false, 0},
      {{0, 30, 80, 110, 160}, false, 0},
  };
  for (const auto& row : rows) {
    std::vector<std::pair<unsigned, char>> frames(row.times.size(), {0, ' '});
    frames[0].second = 'K';
    CutSurvey survey = film(frames);
    for (std::size_t i = 0; i < row.times.size(); ++i)
      survey.units[i].show = row.times[i] * 1'000'000;
    const FrameFacts facts = facts_of(survey);
    ck_assert_msg(facts.constant_rate == row.constant, "%" G_GUINT64_FORMAT, row.times[1]);
    if (row.constant)
      ck_assert_uint_eq(nominal_rate(facts, {}).num / nominal_rate(facts, {}).den, row.rate);
  }
}
GST_END_TEST

GST_START_TEST(test_facts_of_nothing) {
  const FrameFacts facts = facts_of({});
  ck_assert_uint_eq(facts.frames, 0);
  Inspection inspection;
  inspection.input = "film";
  check_width(report_for_people(inspection));
  ck_assert(!contains(report_for_programs(inspection), "\"video\""));
}
GST_END_TEST

GST_START_TEST(test_status_table_fits) {
  FarmStatus status;
  ck_assert(contains(status_for_people("a:1", status), "0 workers, 0 jobs"));
  FarmStatus::WorkerStatus worker;
  worker.name = repeated("ä", 100) + "/12";
  worker.address = repeated("f", 100);
  worker.connected = worker.working = Instant{4'000'000} * kSecond;
  worker.results = 999'999;
  worker.frames = 9'999'999'999;
  worker.failures = 99'999;
  worker.leases.assign(16, {1, 123'456, 1, 0});
  status.workers = {worker, worker, {}};
  status.workers[1].suspended = 60 * kSecond;
  status.workers[2].name = "b\033[2J\n\302\233m";
  status.all_workers = 9;
  FarmStatus::JobStatus job;
  job.renditions.assign(32, {"rendition-with-a-name", "encoder-with-a-name"});
  status.jobs = {job, job};
  status.failures = {{1, 2, 3, kSecond, "b",
                      "it was\n\033stuck in " + repeated("many words ", 30) + repeated("ö", 200)}};
  const std::string table = status_for_people("a:1", status);
  check_width(table);
  for (const char* part : {"ää/12", "and 6 more", "b?[2J ?m ", "off 1:00", "2 jobs", "many words"})
    ck_assert_msg(contains(table, part), "no '%s' in\n%s", part, table.c_str());
}
GST_END_TEST

GST_START_TEST(test_texts_are_cut_by_characters) {
  const struct {
    std::string text;
    std::size_t width;
    const char* cut;
    const char* shortened;
  } rows[] = {
      {"abcdefghij", 10, "abcdefghij", "abcdefghij"},
      {"abcdefghij", 9, "abcdefgh…", "ab…efghij"},
      {"äöüäöüäöü/1", 9, "äöüäöüäö…", "äö…üäöü/1"},
      {"abc", 1, "…", "…"},
      {"abc", 0, "", ""},
  };
  for (const auto& row : rows) {
    const std::string end = cut(row.text, row.width);
    const std::string middle = shortened(row.text, row.width);
    ck_assert_str_eq(end.c_str(), row.cut);
    ck_assert_str_eq(middle.c_str(), row.shortened);
  }
}
GST_END_TEST

static Suite* reports_suite() {
  Suite* suite = suite_create("reports");
  TCase* tests = tcase_create("reports");
  tcase_add_test(tests, test_facts_tell_keyframes_apart);
  tcase_add_test(tests, test_facts_tell_rates_apart);
  tcase_add_test(tests, test_facts_of_nothing);
  tcase_add_test(tests, test_status_table_fits);
  tcase_add_test(tests, test_texts_are_cut_by_characters);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(reports)
