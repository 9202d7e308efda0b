// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/cut_grid.h"

#include <algorithm>
#include <vector>

#include "gst/cut/cutter.h"
#include "tests/common/support.h"

using namespace dist;
using namespace dist::test;

namespace {

constexpr Time kGrid = 2 * kSecond;

struct Film {
  const char* what;
  std::vector<Time> times;
  Time frame = 0;                 // As the caps say; 0: nothing.
  std::vector<std::size_t> keys;  // Positions of keyframes.
};

Time at(std::uint64_t frame, std::uint64_t numerator, std::uint64_t denominator) {
  return frame * kSecond * denominator / numerator;
}

// 60 s at a constant rate, from `origin` on, with a keyframe each `gop` frames.
Film constant(const char* what, std::uint64_t numerator, std::uint64_t denominator, Time origin,
              std::size_t gop, Time rounding = 1) {
  Film film{.what = what, .times = {}, .frame = kSecond * denominator / numerator, .keys = {}};
  for (std::size_t i = 0; at(i, numerator, denominator) < 60 * kSecond; ++i) {
    film.times.push_back((origin + at(i, numerator, denominator) + rounding / 2) / rounding *
                         rounding);
    if (i % gop == 0)
      film.keys.push_back(i);
  }
  return film;
}

// Each frame lasts up to 100 ms.
Film variable() {
  Film film{.what = "variable rate", .times = {}, .frame = 0, .keys = {0}};
  Random random(1);
  for (Time time = 70'000'000; time < 60 * kSecond; time += random.between(5'000'000, 100'000'000))
    film.times.push_back(time);
  return film;
}

std::vector<Cutter::Cut> cut(const Film& film) {
  Cutter cutter;
  cutter.begin({.grid = kGrid, .max_reorder = 16, .frame_duration = film.frame});
  std::vector<Cutter::Cut> cuts;
  const auto take = [&](const std::vector<Cutter::Cut>& more) {
    cuts.insert(cuts.end(), more.begin(), more.end());
  };
  for (std::size_t i = 0; i < film.times.size(); ++i) {
    const bool key = std::ranges::find(film.keys, i) != film.keys.end();
    take(
        cutter.push({.pts = film.times[i],
                     .kind = {.random_access = key ? RandomAccess::kClean : RandomAccess::kNone}}));
  }
  take(cutter.finish(true));
  return cuts;
}

Time longest_frame(const Film& film) {
  Time longest = 0;
  for (std::size_t i = 1; i < film.times.size(); ++i)
    longest = std::max(longest, film.times[i] - film.times[i - 1]);
  return longest;
}

std::size_t preroll(const std::vector<Cutter::Cut>& cuts) {
  std::size_t count = 0;
  for (const Cutter::Cut& one : cuts)
    count += static_cast<std::size_t>(std::ranges::count(one.units, kNoTime, &AccessUnit::show));
  return count;
}

}  // namespace

GST_START_TEST(test_cut_grid_steps_are_whole_frames) {
  const struct {
    Time grid;
    Time frame;
    Time step;
  } rows[] = {{kGrid, 0, kGrid},
              {kGrid, 40'000'000, kGrid},
              {kGrid, 41'708'333, 48 * Time{41'708'333}},
              {kGrid, 33'366'666, 60 * Time{33'366'666}},
              {kGrid, 83'333'333, 24 * Time{83'333'333}},
              {kGrid, 3 * kSecond, 3 * kSecond},
              {kGrid, kSecond * 3 / 2, kSecond * 3 / 2},
              {1, 40'000'000, 40'000'000},
              {kNoTime / 2, kNoTime / 4 * 3, kNoTime / 4 * 3}};
  for (const auto& row : rows)
    fail_unless_equals_uint64(grid_step(row.grid, row.frame), row.step);
}
GST_END_TEST

GST_START_TEST(test_cut_grid_has_the_next_cut) {
  const Time t = kGridTolerance;
  const struct {
    Time origin;
    Time from;
    Time cut;
  } rows[] = {
      {0, 0, kGrid - t},
      {70, 70, 70 + kGrid - t},
      {0, kGrid, 2 * kGrid - t},
      // Rounded to milliseconds.
      {0, kGrid - 1'000'000, 2 * kGrid - t},
      // A frame that begins a bit later, and one that lasted for long.
      {0, kGrid + 30'000'000, 2 * kGrid - t},
      {0, 3 * kGrid - 30'000'000, 3 * kGrid - t},
      {0, 7 * kGrid + 1, 8 * kGrid - t},
      // The clock went back.
      {5 * kSecond, kSecond, 3 * kSecond - t},
      {0, kNoTime - 1, kNoTime},
  };
  for (const auto& row : rows)
    fail_unless_equals_uint64(next_grid_cut(kGrid, row.origin, row.from), row.cut);
  // Steps that are shorter than the tolerance go on, too.
  for (Time step = 1; step < 5; ++step)
    fail_unless(next_grid_cut(step, 0, 10) > 10);
}
GST_END_TEST

// Whatever the film: no segment is longer than the grid and a frame, and each run of three is 6 s
// long but for a frame.
GST_START_TEST(test_cut_grid_adds_up) {
  const Film films[] = {
      constant("23.976", 24000, 1001, 0, 250),
      constant("25, three keyframes", 25, 1, 80'000'000, 600),
      constant("29.97", 30000, 1001, 33'366'666, 300),
      constant("60, Matroska", 60, 1, 0, 120, 1'000'000),
      constant("12.5", 25, 2, 0, 7),
      variable(),
  };
  for (const Film& film : films) {
    const std::vector<Cutter::Cut> cuts = cut(film);
    fail_unless(cuts.size() >= 30, "%s: %zu", film.what, cuts.size());
    const Time frame = longest_frame(film);
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
      fail_unless(cuts[i].stop - cuts[i].start <= kGrid + frame + kGridTolerance, "%s: %zu",
                  film.what, i);
    for (std::size_t i = 0; i + 3 < cuts.size(); ++i) {
      const Time three = cuts[i + 2].stop - cuts[i].start;
      fail_unless(three + frame + kGridTolerance >= 3 * kGrid &&
                      three <= 3 * kGrid + frame + kGridTolerance,
                  "%s: %" G_GUINT64_FORMAT " from %zu on", film.what, three, i);
    }
  }
}
GST_END_TEST

// An encoder that puts its keyframes two seconds apart rounds to frames.
GST_START_TEST(test_cut_grid_costs_nothing_where_keyframes_are_on_it) {
  const Film films[] = {
      constant("23.976", 24000, 1001, 0, 48),
      constant("25", 25, 1, 0, 50),
      constant("29.97, Matroska", 30000, 1001, 5'000'000, 60, 1'000'000),
      constant("60, transport stream", 60, 1, 1'400'000'000, 120, 11'111),
      constant("keyframes twice as often", 30, 1, 0, 30),
  };
  for (const Film& film : films) {
    const std::vector<Cutter::Cut> cuts = cut(film);
    fail_unless(cuts.size() >= 29 && cuts.size() <= 31, "%s: %zu", film.what, cuts.size());
    fail_unless(preroll(cuts) == 0, "%s: %zu", film.what, preroll(cuts));
  }
}
GST_END_TEST

static Suite* cut_grid_suite() {
  Suite* const suite = suite_create("cut-grid");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_cut_grid_steps_are_whole_frames);
  tcase_add_test(tests, test_cut_grid_has_the_next_cut);
  tcase_add_test(tests, test_cut_grid_adds_up);
  tcase_add_test(tests, test_cut_grid_costs_nothing_where_keyframes_are_on_it);
  return suite;
}

GST_CHECK_MAIN(cut_grid)
