// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How `gst-dist-1.0 compare` compares, on films that are made up: each picture is a number.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <functional>
#include <random>
#include <sstream>

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>

#include "tools/gst-dist/compare/comparison.h"
#include "tools/gst-dist/compare/comparison_plot.h"
#include "tools/gst-dist/compare/comparison_report.h"

namespace {

using namespace dist;
using namespace dist::tool;

constexpr Time kMs = 1'000'000;
constexpr unsigned kFlat = 1'000'000;  // From here on pictures are flat; the rest is brightness.

// Other numbers have unrelated hashes and brightness.
FrameMark picture(unsigned number) {
  FrameMark mark;
  std::mt19937 random(number);
  for (std::uint8_t& byte : mark.hash)
    byte = static_cast<std::uint8_t>(random());
  for (std::uint8_t& part : mark.brightness)
    part = static_cast<std::uint8_t>(number >= kFlat ? number - kFlat : random());
  mark.quality = number >= kFlat ? 0 : 100;
  return mark;
}

// A frame each `duration`, that shows what the function says of its time in milliseconds.
FilmMarks film(Time length, double duration, const std::function<unsigned(unsigned)>& shows) {
  FilmMarks film;
  for (unsigned i = 0; i * duration < static_cast<double>(length) - 0.5; ++i) {
    FrameMark mark = picture(shows(static_cast<unsigned>(i * duration + 0.5)));
    mark.time = static_cast<Time>(i * duration * 1e6);
    film.frames.push_back(mark);
  }
  film.end = static_cast<Time>(static_cast<double>(film.frames.size()) * duration * 1e6);
  return film;
}

// Of 25 frames a second, each of which is another picture.
unsigned moving(unsigned ms) {
  return ms / 40 + 1;
}

void check_verdict(const FilmMarks& a, const FilmMarks& b, const char* expected) {
  const std::string verdict = verdict_text(compare(a, b, kSameHashDistance));
  ck_assert_str_eq(verdict.c_str(), expected);
}

void flip_bits(FilmMarks& film, unsigned bits) {
  for (FrameMark& frame : film.frames)
    for (unsigned bit = 0; bit < bits; ++bit)
      frame.hash[bit / 8] = static_cast<std::uint8_t>(frame.hash[bit / 8] ^ (1 << bit % 8));
}

CompareReport report_of(const FilmMarks& a, const FilmMarks& b, bool per_frame) {
  CompareReport report;
  report.a.input = "a<&>.mp4";
  report.b.input = "b";
  report.a.marks = a;
  report.b.marks = b;
  report.comparison = compare(a, b, kSameHashDistance);
  report.per_frame = per_frame;
  return report;
}

}  // namespace

GST_START_TEST(test_comparison_finds_what_is_the_same) {
  const FilmMarks source = film(6000, 40, moving);
  const struct {
    const char* name;
    FilmMarks other;
    std::size_t pairs;
    std::size_t unpaired;
  } rows[] = {
      {"itself", source, 150, 0},
      {"half the rate", film(6000, 80, moving), 75, 0},
      {"30 a second, which shows the frame before", film(6000, 100 / 3.0, moving), 150, 0},
      {"30 a second, which shows the nearest",
       film(6000, 100 / 3.0, [](unsigned ms) { return moving(ms + 19); }), 150, 0},
      {"24 a second", film(6000, 125 / 3.0, moving), 144, 0},
      {"in milliseconds", film(6000, 40.004, moving), 150, 0},
  };
  for (const auto& row : rows)
    for (const bool swapped : {false, true}) {
      const Comparison found = swapped ? compare(row.other, source, kSameHashDistance)
                                       : compare(source, row.other, kSameHashDistance);
      ck_assert_msg(found.same() && found.worst == 0 && found.shift == 0, "%s: %s", row.name,
                    verdict_text(found).c_str());
      ck_assert_msg(found.pairs.size() == row.pairs && found.unpaired == row.unpaired,
                    "%s: %zu pairs, %zu of them without partner", row.name, found.pairs.size(),
                    found.unpaired);
    }
}
GST_END_TEST

GST_START_TEST(test_comparison_says_when_films_differ) {
  const FilmMarks source = film(6000, 40, moving);
  const auto within = [](unsigned from, unsigned to, unsigned other) {
    return [=](unsigned ms) { return ms >= from && ms < to ? other + ms / 40 : moving(ms); };
  };
  const struct {
    FilmMarks other;
    const char* verdict;
  } rows[] = {
      {film(6000, 40, within(2000, 4000, 5000)), "differ from 0:02.000 to 0:04.000"},
      {film(6000, 40, within(0, 40, 5000)), "differ from 0:00.000 to 0:00.040"},
      {film(6000, 40, within(5960, 6000, 5000)), "differ from 0:05.960 to 0:06.000"},
      {film(6000, 80, within(2000, 4000, 5000)), "differ from 0:02.000 to 0:04.000"},
      {film(6000, 40, [](unsigned ms) { return ms / 1000 % 2 == 1 ? 7000 + ms : moving(ms); }),
       "differ from 0:01.000 to 0:02.000, from 0:03.000 to 0:04.000, from 0:05.000 to 0:06.000"},
      // Less than half a second in between.
      {film(6000, 40, [](unsigned ms) { return ms == 2000 || ms == 2400 ? 7000 : moving(ms); }),
       "differ from 0:02.000 to 0:02.440"},
      {film(4000, 40, moving), "other length: A is longer by 2.000 s; the rest is the same"},
      {film(5960, 40, moving), "other length: A is longer by 0.040 s; the rest is the same"},
      {film(4000, 40, within(1000, 2000, 5000)),
       "differ from 0:01.000 to 0:02.000; A is longer by 2.000 s"},
      {film(6000, 40, [](unsigned ms) { return ms + 8000; }), "differ from 0:00.000 to 0:06.000"},
  };
  for (const auto& row : rows)
    check_verdict(source, row.other, row.verdict);
}
GST_END_TEST

GST_START_TEST(test_comparison_moves_what_is_shifted) {
  const FilmMarks source = film(6000, 40, moving);
  const auto later = [](unsigned by, double duration) {
    return film(6000, duration, [by](unsigned ms) { return moving(ms < by ? 0 : ms - by); });
  };
  const struct {
    FilmMarks a;
    FilmMarks b;
    const char* verdict;
  } rows[] = {
      // As "ffmpeg -r" does it.
      {source, later(80, 80), "same, but B is later by 0.080 s"},
      {later(80, 80), source, "same, but B is earlier by 0.080 s"},
      {source, later(40, 40),
       "other time: B is later by 0.040 s; A is longer by 0.040 s; the rest is the same"},
      {source, later(2000, 40), "other time: B is later by 2.000 s; A"},
  };
  for (const auto& row : rows) {
    const Comparison found = compare(row.a, row.b, kSameHashDistance);
    const std::string text = verdict_text(found);
    ck_assert_msg(
        found.differences.empty() && text.starts_with(std::string(row.verdict).substr(0, 36)),
        "%s instead of %s", text.c_str(), row.verdict);
    for (const FramePair& pair : found.pairs)
      ck_assert(distance(row.a.frames.at(pair.a).hash, row.b.frames.at(pair.b).hash) ==
                pair.distance);
  }
  // By more than half it is another film.
  ck_assert(!compare(source, later(4000, 40), kSameHashDistance).differences.empty());
}
GST_END_TEST

GST_START_TEST(test_comparison_fills_gaps_with_what_is_shown) {
  // Every picture stays for 200 ms.
  const auto slow = [](unsigned ms) { return ms / 200 + 1; };
  const FilmMarks source = film(6000, 40, slow);
  FilmMarks sparse = source;
  std::erase_if(sparse.frames,
                [](const FrameMark& frame) { return frame.time % (200 * kMs) != 0; });
  check_verdict(source, sparse, "same");

  // A variable rate: half of the film has each frame, the other one what is new.
  FilmMarks variable = source;
  std::erase_if(variable.frames, [](const FrameMark& frame) {
    return frame.time > 3 * kSecond && frame.time % (200 * kMs) != 0;
  });
  const Comparison found = compare(source, variable, kSameHashDistance);
  ck_assert(found.same());
  ck_assert_uint_eq(found.pairs.size(), 150);
  ck_assert_uint_eq(found.unpaired, 150 - variable.frames.size());

  // Lost frames are no still.
  FilmMarks hole = film(6000, 40, moving);
  std::erase_if(hole.frames, [](const FrameMark& frame) {
    return frame.time >= 2 * kSecond && frame.time < 4 * kSecond;
  });
  check_verdict(film(6000, 40, moving), hole, "differ from 0:02.000 to 0:04.000");
}
GST_END_TEST

GST_START_TEST(test_comparison_of_flat_pictures_goes_by_brightness) {
  const auto flat = [](unsigned luma) {
    return film(2000, 40, [luma](unsigned) { return kFlat + luma; });
  };
  const Comparison near = compare(flat(16), flat(30), kSameHashDistance);
  ck_assert(near.same());
  ck_assert_uint_eq(near.flat, 50);
  check_verdict(flat(16), flat(60), "differ from 0:00.000 to 0:02.000");
  // A picture and black are no two flat ones.
  const Comparison gone = compare(film(2000, 40, moving), flat(16), kSameHashDistance);
  ck_assert_uint_eq(gone.flat, 0);
  ck_assert_uint_eq(gone.differing, 50);
}
GST_END_TEST

GST_START_TEST(test_comparison_keeps_to_the_threshold) {
  const FilmMarks source = film(2000, 40, moving);
  const struct {
    unsigned bits;
    unsigned threshold;
    bool dark;
    bool same;
  } rows[] = {
      {0, 0, false, true},   {1, 0, false, false},   {31, 31, false, true},
      {31, 31, true, true},  {32, 31, false, true},  {32, 31, true, false},
      {62, 31, false, true}, {63, 31, false, false}, {128, 128, true, true},
  };
  for (const auto& row : rows) {
    FilmMarks other = source;
    flip_bits(other, row.bits);
    for (FrameMark& frame : other.frames)
      if (row.dark)
        frame.brightness = {};
    const Comparison found = compare(source, other, row.threshold);
    ck_assert_msg(found.same() == row.same, "%u bits, threshold %u", row.bits, row.threshold);
    ck_assert_uint_eq(found.worst, row.bits);
    ck_assert_uint_eq(found.median, row.bits);
  }
}
GST_END_TEST

GST_START_TEST(test_comparison_of_single_frames) {
  const FilmMarks one = film(40, 40, moving);
  check_verdict(one, one, "same");
  check_verdict(one, film(6000, 40, moving),
                "other length: B is longer by 5.960 s; the rest is the same");
  check_verdict(film(40, 40, [](unsigned) { return 9; }), one, "differ from 0:00.000 to 0:00.040");
}
GST_END_TEST

GST_START_TEST(test_comparison_takes_the_worst_apart) {
  FilmMarks other = film(
      6000, 40, [](unsigned ms) { return ms < 1000 || ms / 40 == 100 ? 8000 + ms : moving(ms); });
  const Comparison found = compare(film(6000, 40, moving), other, kSameHashDistance);
  const auto worst = worst_pairs(found, 5);
  ck_assert_uint_ge(worst.size(), 3);
  for (std::size_t i = 0; i < worst.size(); ++i) {
    ck_assert(found.pairs[worst[i]].differs);
    ck_assert(i == 0 || found.pairs[worst[i]].time >= found.pairs[worst[i - 1]].time + 300 * kMs);
  }
  ck_assert_uint_eq(found.pairs[worst.back()].time, 4000 * kMs);
  ck_assert(worst_pairs(compare(other, other, kSameHashDistance), 5).empty());
}
GST_END_TEST

GST_START_TEST(test_comparison_reports_fit) {
  const FilmMarks source = film(6000, 40, moving);
  const FilmMarks black = film(7000, 40, [](unsigned ms) {
    return ms < 1000 ? kFlat : ms / 2000 % 2 == 1 ? 9000 + ms : moving(ms);
  });
  for (const bool per_frame : {false, true}) {
    const CompareReport report = report_of(source, black, per_frame);
    std::istringstream text(report_for_people(report));
    for (std::string line; std::getline(text, line);)
      ck_assert_msg(g_utf8_strlen(line.c_str(), -1) <= 80, "%s", line.c_str());

    std::istringstream csv(report_as_csv(report));
    std::size_t lines = 0;
    std::ptrdiff_t commas = 0;
    for (std::string line; std::getline(csv, line); ++lines) {
      if (lines == 0)
        commas = std::ranges::count(line, ',');
      ck_assert_msg(std::ranges::count(line, ',') == commas, "%s", line.c_str());
    }
    ck_assert_uint_eq(lines, per_frame ? 151 : 7);

    JsonParser* parser = json_parser_new();
    ck_assert(json_parser_load_from_data(parser, report_for_programs(report).c_str(), -1, nullptr));
    JsonObject* root = json_node_get_object(json_parser_get_root(parser));
    ck_assert_str_eq(json_object_get_string_member(root, "verdict"), "differ");
    ck_assert(json_object_get_boolean_member(root, "other-length"));
    ck_assert_uint_eq(
        json_array_get_length(json_object_get_array_member(root, per_frame ? "frames" : "seconds")),
        lines - 1);
    g_object_unref(parser);
  }
}
GST_END_TEST

// Text, in the order of the drawing; fails if it is no XML.
std::string texts_of(const std::string& svg) {
  std::string texts;
  const GMarkupParser parser = {
      .start_element = nullptr,
      .end_element = nullptr,
      .text = [](GMarkupParseContext*, const gchar* text, gsize size, gpointer all,
                 GError**) { static_cast<std::string*>(all)->append(text, size); },
      .passthrough = nullptr,
      .error = nullptr};
  GMarkupParseContext* context =
      g_markup_parse_context_new(&parser, GMarkupParseFlags(0), &texts, nullptr);
  const bool parsed =
      g_markup_parse_context_parse(context, svg.data(), static_cast<gssize>(svg.size()), nullptr) &&
      g_markup_parse_context_end_parse(context, nullptr);
  g_markup_parse_context_free(context);
  ck_assert_msg(parsed, "%s", svg.c_str());
  return texts;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

GST_START_TEST(test_plot_shows_what_was_found) {
  const FilmMarks other = film(5000, 40, [](unsigned ms) {
    return ms >= 2000 && ms < 3000 ? 9000 + ms : ms < 1000 ? kFlat : moving(ms);
  });
  const FilmMarks source =
      film(6000, 40, [](unsigned ms) { return ms < 1000 ? kFlat : moving(ms); });
  const CompareReport report = report_of(source, other, false);
  std::vector<Specimen> specimens;
  for (const std::size_t pair : worst_pairs(report.comparison, kMaxSpecimens))
    specimens.push_back({pair, {"jpeg", 32, 18}, {"", 1, 1}});
  ck_assert_uint_ge(specimens.size(), 3);
  const std::string svg = draw(report, specimens);
  const std::string texts = texts_of(svg);
  for (const char* text : {"a<&>.mp4", "differ from 0:02.000 to 0:03.000; A is longer by 1.000 s",
                           "threshold 31", "only A", "0:06", "time of A, min:s", "bits of 256"})
    ck_assert_msg(count_of(texts, text) >= 1, "no '%s' in\n%s", text, texts.c_str());
  ck_assert_uint_eq(count_of(svg, "data:image/jpeg;base64,anBlZw=="), specimens.size());
  ck_assert_uint_eq(count_of(texts, "cannot be shown"), specimens.size());
  // The flat part at the beginning has no curve.
  ck_assert_uint_eq(count_of(svg, "<polyline"), 1);
  ck_assert(svg.find("points=\"" + std::string("216.7,")) != std::string::npos);
}
GST_END_TEST

GST_START_TEST(test_plot_of_anything) {
  const struct {
    Time length;  // Milliseconds.
    double duration;
  } rows[] = {{40, 40}, {400, 40}, {100'000, 40}, {50'000'000, 1000}};
  for (const auto& row : rows) {
    const FilmMarks any = film(row.length, row.duration, moving);
    const std::string svg = draw(report_of(any, any, false), {});
    const std::string texts = texts_of(svg);
    ck_assert_msg(count_of(texts, "same") == 2, "%s", texts.c_str());
    ck_assert(count_of(svg, "nan") == 0 && count_of(svg, "inf") == 0);
    // No more points than pixels, and ticks that do not touch.
    ck_assert_msg(svg.size() < 64'000, "%zu bytes", svg.size());
    ck_assert_msg(count_of(texts, ":") < 32, "%s", texts.c_str());
  }
}
GST_END_TEST

static Suite* comparison_suite() {
  Suite* suite = suite_create("comparison");
  TCase* tests = tcase_create("comparison");
  tcase_add_test(tests, test_comparison_finds_what_is_the_same);
  tcase_add_test(tests, test_comparison_says_when_films_differ);
  tcase_add_test(tests, test_comparison_moves_what_is_shifted);
  tcase_add_test(tests, test_comparison_fills_gaps_with_what_is_shown);
  tcase_add_test(tests, test_comparison_of_flat_pictures_goes_by_brightness);
  tcase_add_test(tests, test_comparison_keeps_to_the_threshold);
  tcase_add_test(tests, test_comparison_of_single_frames);
  tcase_add_test(tests, test_comparison_takes_the_worst_apart);
  tcase_add_test(tests, test_comparison_reports_fit);
  tcase_add_test(tests, test_plot_shows_what_was_found);
  tcase_add_test(tests, test_plot_of_anything);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(comparison)
