// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which thumbnails are for which time, and the track of them.

#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "gst/job/thumbnails.h"

namespace {

using namespace dist;
using namespace dist;

constexpr Time kMillisecond = kSecond / 1000;

// The places of each picture but the last one, for pictures that come at these times
// (milliseconds).
std::string places_of(unsigned interval, const std::vector<Time>& times) {
  ThumbnailPlaces places(interval);
  std::string text;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const std::size_t before = places.before(times[i] * kMillisecond);
    text += i == 0 ? (before == 0 ? "" : "?") : std::to_string(before) + " ";
  }
  return text;
}

void expect(const std::string& text, const std::string& wanted) {
  fail_unless(text == wanted, "'%s', not '%s'", text.c_str(), wanted.c_str());
}

}  // namespace

GST_START_TEST(test_thumbnails_interval) {
  const struct {
    const char* text;
    unsigned interval;  // 0: refused.
  } rows[] = {{"10", 10000}, {"2.5", 2500}, {"0.04", 40},
              {".5", 500},   {"1.", 1000},  {"1000", 1000000},
              {"0.010", 10}, {"0.009", 0},  {"0", 0},
              {"", 0},       {".", 0},      {"-1", 0},
              {"+1", 0},     {"1e3", 0},    {"1000.001", 0},
              {"1.2.3", 0},  {"2,5", 0},    {"0.0405", 0},
              {" 1", 0},     {"nan", 0},    {"99999999999999999999", 0},
              {"10s", 0}};
  for (const auto& row : rows)
    fail_unless(parse_interval(row.text).value_or(0) == row.interval, "'%s': %u", row.text,
                parse_interval(row.text).value_or(0));
}
GST_END_TEST

GST_START_TEST(test_thumbnails_default_interval) {
  const struct {
    Time seconds;
    unsigned interval;
  } rows[] = {{0, 10000},  {1, 1000},   {100, 1000},  {101, 2000},
              {200, 2000}, {500, 5000}, {501, 10000}, {7200, 10000}};
  for (const auto& row : rows)
    fail_unless_equals_int(default_interval(row.seconds * kSecond), row.interval);
}
GST_END_TEST

GST_START_TEST(test_thumbnails_rendition) {
  const struct {
    SourceFormat film;
    unsigned interval;
    const char* text;
  } rows[] = {
      {{1920, 1080, {1, 1}, {}}, 10000, "thumbnails:jpeg:320x320:fps=1/10"},
      {{1080, 1920, {1, 1}, {}}, 2500, "thumbnails:jpeg:320x320:fps=2/5"},
      {{160, 120, {1, 1}, {}}, 40, "thumbnails:jpeg:160x120:fps=25"},
      {{161, 121, {1, 1}, {}}, 12345, "thumbnails:jpeg:160x120:fps=200/2469"},
      {{160, 120, {2, 1}, {}}, 1000, "thumbnails:jpeg:320x120:fps=1"},
      {{320, 240, {4, 3}, {}}, 999999, "thumbnails:jpeg:320x320:fps=1000/999999"},
  };
  for (const auto& row : rows) {
    const RenditionSpec spec = thumbnail_rendition(row.film, row.interval);
    expect(to_string({spec}), row.text);
    fail_unless(static_cast<bool>(parse_renditions(row.text)), "%s", row.text);
    const auto resolved = resolve({spec}, row.film, false);
    fail_unless(resolved && resolved->front().width % 2 == 0 && resolved->front().height % 2 == 0,
                "%s", row.text);
    const bool square = resolved->front().pixel_aspect_ratio == Fraction{1, 1};
    fail_unless(square, "%s", row.text);
  }
}
GST_END_TEST

// What remoteenc makes of it is what the ladder would be without thumbnails.
GST_START_TEST(test_thumbnails_beside_a_ladder) {
  const struct {
    SourceFormat film;
    const char* text;
  } rows[] = {
      {{640, 360, {1, 1}, {}}, "360p:h264:640x360:crf=23:maxrate=900k,240p:h264:426x240"},
      {{640, 268, {1, 1}, {}}, "360p:h264:640x360:crf=23:maxrate=900k,240p:h264:426x240"},
      {{160, 120, {1, 1}, {}}, "240p:h264:160x120:crf=23:maxrate=450k,thumbnails"},
  };
  const auto rungs = parse_renditions(built_in_ladder("h264"));
  for (const auto& row : rows) {
    const RenditionSpec thumbnails = thumbnail_rendition(row.film, 1000);
    const auto text = with_thumbnails(*rungs, thumbnails, row.film, true);
    fail_unless(text && text->starts_with(row.text), "%s", text ? text->c_str() : "");
    auto made = resolve(*parse_renditions(*text), row.film, false);
    const auto ladder = resolve(*rungs, row.film, true);
    made->pop_back();
    fail_unless(*made == *ladder, "%s\nbut %s", to_string(*made).c_str(),
                to_string(*ladder).c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_thumbnails_places) {
  const struct {
    unsigned interval;
    std::vector<Time> times;
    const char* places;
  } rows[] = {
      {10000, {0}, ""},
      {10000, {0, 10000, 20000}, "1 1 "},
      // Frames between which the multiples lie.
      {10000, {0, 9990, 19980}, "1 1 "},
      // Shown for long.
      {10000, {0, 6960, 40000}, "1 3 "},
      // A film that begins late.
      {10000, {3500, 10000}, "1 "},
      {10000, {35000, 40000, 50000}, "4 1 "},
      {40, {0, 40, 80}, "1 1 "},
      // Nobody sends that, but nothing is lost.
      {10000, {0, 10000, 10000, 5000}, "1 0 0 "},
  };
  for (const auto& row : rows)
    expect(places_of(row.interval, row.times), row.places);
}
GST_END_TEST

GST_START_TEST(test_thumbnails_on_sheets) {
  const ThumbnailSheets sheets{320, 179};
  const struct {
    std::size_t pictures;
    unsigned x;  // Of the last one.
    unsigned y;
    unsigned width;
    unsigned height;
  } rows[] = {
      {1, 0, 0, 320, 180},    {2, 320, 0, 640, 180},      {5, 1280, 0, 1600, 180},
      {6, 0, 180, 1600, 360}, {25, 1280, 720, 1600, 900},
  };
  for (const auto& row : rows) {
    fail_unless_equals_int(sheets.x_of(row.pictures - 1), row.x);
    fail_unless_equals_int(sheets.y_of(row.pictures - 1), row.y);
    fail_unless_equals_int(sheets.width_of(row.pictures), row.width);
    fail_unless_equals_int(sheets.height_of(row.pictures), row.height);
  }
  expect(sheet_name(7), "sprite-007.jpg");
  expect(sheet_name(1234), "sprite-1234.jpg");
}
GST_END_TEST

GST_START_TEST(test_thumbnails_track) {
  const ThumbnailSheets sheets{320, 180};
  const auto track = [&](std::size_t count, const FilmSpan& film) {
    return thumbnail_track(sheets, 2500, count,
                           {film.begin * kMillisecond, film.end * kMillisecond});
  };
  expect(track(2, {0, 3994}),
         "WEBVTT\n"
         "\n00:00:00.000 --> 00:00:02.500\n"
         "sprite-000.jpg#xywh=0,0,320,180\n"
         "\n00:00:02.500 --> 00:00:03.994\n"
         "sprite-000.jpg#xywh=320,0,320,180\n");
  // Players count from the film's beginning.
  expect(track(2, {700, 4000}),
         "WEBVTT\n"
         "\n00:00:00.000 --> 00:00:01.800\n"
         "sprite-000.jpg#xywh=0,0,320,180\n"
         "\n00:00:01.800 --> 00:00:03.300\n"
         "sprite-000.jpg#xywh=320,0,320,180\n");
  expect(track(3, {6000, 7500}),
         "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nsprite-000.jpg#xywh=640,0,320,180\n");
  // A frame that is there for less than a millisecond.
  expect(thumbnail_track(sheets, 2500, 2, {0, 2500 * kMillisecond + 100}),
         "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nsprite-000.jpg#xywh=0,0,320,180\n");
  // Days.
  const std::string days =
      thumbnail_track(sheets, 1'000'000, 400, {0, 400'000 * kSecond - kMillisecond});
  fail_unless(days.ends_with("\n110:50:00.000 --> 111:06:39.999\n"
                             "sprite-015.jpg#xywh=1280,720,320,180\n"),
              "%s", days.substr(days.size() - 100).c_str());
}
GST_END_TEST

static Suite* thumbnail_places_suite() {
  Suite* const suite = suite_create("thumbnail-places");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_thumbnails_interval);
  tcase_add_test(tests, test_thumbnails_default_interval);
  tcase_add_test(tests, test_thumbnails_rendition);
  tcase_add_test(tests, test_thumbnails_beside_a_ladder);
  tcase_add_test(tests, test_thumbnails_places);
  tcase_add_test(tests, test_thumbnails_on_sheets);
  tcase_add_test(tests, test_thumbnails_track);
  return suite;
}

GST_CHECK_MAIN(thumbnail_places)
