// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Renditions and their source: sizes, limits, and which frames are kept.
#include <algorithm>

#include "gst/rendition/rendition.h"
#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

__extension__ using Wide = unsigned __int128;

std::vector<RenditionSpec> parsed(const char* text) {
  const auto specs = parse_renditions(text);
  fail_unless_ok(specs);
  return *specs;
}

SegmentHeader segment(std::uint64_t index, std::vector<Time> times, Time stop, bool last) {
  SegmentHeader header;
  header.index = index;
  header.start = times.empty() ? 0 : times.front();
  header.stop = stop;
  header.last = last;
  for (Time time : times) {
    AccessUnit unit;
    unit.pts = unit.show = time;
    header.units.push_back(unit);
  }
  return header;
}

RenditionSpec at(unsigned num, unsigned den) {
  RenditionSpec spec;
  spec.fps = Fraction{num, den};
  return spec;
}

std::vector<std::uint64_t> milliseconds(const std::vector<Time>& times) {
  std::vector<std::uint64_t> result;
  for (Time time : times)
    result.push_back(time / 1'000'000);
  return result;
}

}  // namespace

GST_START_TEST(test_ladder_fits_sizes) {
  const SourceFormat hd = {1920, 1080, {1, 1}, Fraction{30, 1}};
  const SourceFormat wide = {1920, 800, {1, 1}, {}};
  const SourceFormat tall = {1080, 1920, {1, 1}, {}};
  const SourceFormat pal = {720, 576, {16, 15}, {}};
  const SourceFormat odd = {853, 481, {1, 1}, {}};
  const SourceFormat odd_pal = {719, 575, {16, 15}, {}};
  const struct {
    const char* text;
    SourceFormat source;
    const char* size;
  } rows[] = {
      {"a:h264", hd, "1920x1080"},
      {"720p:h264", hd, "1280x720"},
      {"720p-b:h264", hd, "1280x720"},
      {"2160p:h264", hd, "1920x1080"},
      {"720px:h264", hd, "1920x1080"},
      {"a:h264:1280x720", hd, "1280x720"},
      {"a:h264:854x480", hd, "854x480"},
      {"a:h264:426x240", hd, "426x240"},
      {"a:h264:1280x720", wide, "1280x534"},
      {"a:h264:1280x720", tall, "406x720"},
      {"a:h264:3840x2160", hd, "3840x2160"},
      {"a:h264:width=640", hd, "640x360"},
      {"a:h264:height=360", hd, "640x360"},
      {"a:h264", pal, "720x576"},
      {"576p:h264", pal, "768x576"},
      {"a:h264:720x576", pal, "720x540"},
      {"a:h264:360x240", pal, "320x240"},
      {"a:h264", odd, "852x480"},
      {"a:vp9", odd, "853x481"},
      {"a:jpeg", odd, "853x481"},
      {"a:vp9:426x240", odd, "426x240"},
      {"a:h264", odd_pal, "766x574"},
      {"a:h264:16384x2", tall, "2x2"},
  };
  for (const auto& row : rows) {
    const auto specs = resolve(parsed(row.text), row.source, false);
    fail_unless_ok(specs);
    fail_unless_equals_text(std::string(row.text) + " " + std::to_string(specs->front().width) +
                                "x" + std::to_string(specs->front().height),
                            std::string(row.text) + " " + row.size);
  }
  fail_unless_error(resolve(parsed("a:h264"), {}, false), "the source's width and height", "none");
}
GST_END_TEST

GST_START_TEST(test_ladder_keeps_the_shape_of_pixels_in_the_own_size_only) {
  const Fraction oblong = {16, 15};
  const Fraction square = {1, 1};
  const SourceFormat pal = {720, 576, oblong, {}};
  const auto specs = resolve(parsed("own:h264,576p:h264,small:h264:320x240"), pal, false);
  fail_unless_ok(specs);
  fail_unless((*specs)[0].pixel_aspect_ratio == oblong);
  fail_unless((*specs)[1].pixel_aspect_ratio == square);
  fail_unless((*specs)[2].pixel_aspect_ratio == square);
  // The last rung of a ladder.
  const auto last = resolve(parsed("1080p:h264"), pal, true);
  fail_unless(last->front().width == 720 && last->front().pixel_aspect_ratio == oblong);
}
GST_END_TEST

GST_START_TEST(test_ladder_leaves_larger_rungs_out) {
  const struct {
    const char* ladder;
    SourceFormat source;
    const char* rungs;
  } rows[] = {
      {"h264", {1920, 1080, {1, 1}, {}}, "1080p 720p 480p 360p 240p"},
      {"h264", {1920, 800, {1, 1}, {}}, "1080p 720p 480p 360p 240p"},
      {"h264", {1080, 1080, {1, 1}, {}}, "1080p 720p 480p 360p 240p"},
      {"h264", {1280, 720, {1, 1}, {}}, "720p 480p 360p 240p"},
      {"h264", {720, 576, {16, 15}, {}}, "480p 360p 240p"},
      {"h264", {160, 120, {1, 1}, {}}, "240p"},
      {"mezzanine", {161, 121, {1, 1}, {}}, "mezzanine"},
  };
  for (const auto& row : rows) {
    const auto specs = resolve(parsed(built_in_ladder(row.ladder)), row.source, true);
    fail_unless_ok(specs);
    std::string names;
    for (const RenditionSpec& spec : *specs) {
      names += (names.empty() ? "" : " ") + spec.name;
      fail_unless(spec.width <= std::max(row.source.width, 768u) &&
                  spec.height <= row.source.height);
    }
    fail_unless_equals_text(names, row.rungs);
  }
  const auto small = resolve(parsed(built_in_ladder("h264")), {160, 120, {1, 1}, {}}, true);
  fail_unless(small->front().width == 160 && small->front().height == 120);
}
GST_END_TEST

GST_START_TEST(test_ladder_limits_rates) {
  const struct {
    const char* text;
    std::optional<std::uint64_t> rate;
  } rows[] = {
      {"a:h264:1280x720", 5'529'000},
      {"a:h264:1280x720:fps=1", 4'423'000},
      {"a:h264:1280x720:maxrate=3M", 3'000'000},
      {"a:h264:1280x720:maxrate=0", 0},
      {"a:h264:1280x720:bitrate=3M", {}},
      {"a:h264:16x16", 64'000},
      {"a:jpeg:1280x720", {}},
      {"a:ffv1:1280x720", {}},
  };
  for (const auto& row : rows) {
    const auto specs = resolve(parsed(row.text), {1920, 1080, {1, 1}, Fraction{30, 1}}, false);
    fail_unless_ok(specs);
    fail_unless(specs->front().max_rate == row.rate, "%s: %" G_GUINT64_FORMAT, row.text,
                specs->front().max_rate.value_or(1));
  }
}
GST_END_TEST

GST_START_TEST(test_ladder_keeps_the_frames_on_screen) {
  const Time ms = kSecond / 1000;
  SegmentHeader film = segment(0, {0, 400 * ms, 900 * ms, 1000 * ms, 1600 * ms}, 3100 * ms, true);
  const auto kept = [&](unsigned num, unsigned den) {
    return milliseconds(frames_of(film, at(num, den)));
  };
  using Row = std::vector<std::uint64_t>;
  fail_unless(milliseconds(frames_of(film, RenditionSpec())) == Row({0, 400, 900, 1000, 1600}));
  fail_unless(kept(1, 1) == Row({0, 1000, 1600}));  // 1600 is there at 2 and 3 s.
  fail_unless(kept(2, 1) == Row({0, 400, 1000, 1600}));
  fail_unless(kept(1, 2) == Row({0, 1600}));
  fail_unless(kept(1, 10) == Row({0}));
  fail_unless(kept(1000, 1) == Row({0, 400, 900, 1000, 1600}));
  // The first frame is what there is before it, in the first segment only.
  film = segment(0, {300 * ms, 700 * ms}, 900 * ms, false);
  fail_unless(kept(1, 1) == Row({300}));
  film.index = 1;
  fail_unless(kept(1, 1).empty());
  // Ticks are those of running time.
  film = segment(3, {5000 * ms, 5400 * ms, 5800 * ms}, 6200 * ms, false);
  film.time_segment.start = 5000 * ms;
  film.time_segment.base = 700 * ms;
  fail_unless(kept(1, 1) == Row({5000}));
  film.time_segment.offset = 100 * ms;  // As GStreamer has it.
  fail_unless(kept(1, 1) == Row({5400}));
  film.time_segment.offset = 0;
  film.time_segment.rate = 2;
  fail_unless(kept(1, 1) == Row({5400}));  // 0.7, 0.9 and 1.1 to 1.3 s.
  // One picture without a duration is a film.
  film = segment(0, {0}, 0, true);
  fail_unless(kept(1, 1) == Row({0}));
}
GST_END_TEST

// However a film is cut, each tick has exactly one frame: that on screen.
GST_START_TEST(test_ladder_frames_of_any_cut) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    constexpr Fraction kRates[] = {{30000, 1001}, {1, 1}, {1, 7}, {25, 1}, {24000, 1001}, {60, 1}};
    const Fraction rate = kRates[random.below(std::size(kRates))];
    std::vector<Time> times = {random.chance(50) ? 0 : random.below(kSecond)};
    const std::uint64_t start = times.front();
    const bool variable = random.chance(50);
    for (std::size_t i = 1; i < 400; ++i)
      times.push_back(variable ? times.back() + random.between(1, kSecond / 5)
                               : start + i * 1001 * kSecond / 30000);
    const Time stop = times.back() + random.between(0, kSecond / 5);
    TimeSegment time_segment;
    time_segment.start = random.chance(50) ? start : 0;
    time_segment.base = random.chance(50) ? 0 : random.below(36'000 * kSecond);

    std::vector<Time> kept;
    for (std::size_t from = 0, index = 0; from < times.size(); ++index) {
      const std::size_t to = std::min<std::size_t>(times.size(), from + random.between(1, 40));
      const bool last = to == times.size();
      SegmentHeader header = segment(
          index, {times.begin() + static_cast<long>(from), times.begin() + static_cast<long>(to)},
          last ? stop : times[to], last);
      header.time_segment = time_segment;
      const auto frames = frames_of(header, at(rate.num, rate.den));
      kept.insert(kept.end(), frames.begin(), frames.end());
      from = to;
    }
    // Tick by tick, the slow way.
    std::vector<Time> expected;
    const Time end = std::max(stop, times.back() + 1);
    const auto running = [&](Time t) { return t - time_segment.start + time_segment.base; };
    for (std::uint64_t tick = 0;; ++tick) {
      const Wide scaled = Wide{tick} * rate.den * kSecond;
      if (scaled >= Wide{running(end)} * rate.num)
        break;
      std::size_t shown = 0;
      const auto past =
          std::upper_bound(times.begin(), times.end(), scaled,
                           [&](Wide t, Time frame) { return t < Wide{running(frame)} * rate.num; });
      shown = past == times.begin() ? 0 : static_cast<std::size_t>(past - times.begin()) - 1;
      if (expected.empty() || expected.back() != times[shown])
        expected.push_back(times[shown]);
      if (tick == 0 && time_segment.base > 0) {
        // Ticks before the film count for its first frame; no need to go through all of them.
        const Wide first = Wide{running(start)} * rate.num / (Wide{rate.den} * kSecond);
        tick = first > 0 ? static_cast<std::uint64_t>(first) - 1 : 0;
      }
    }
    require_often(kept == expected, "seed %" G_GUINT64_FORMAT ": %zu frames instead of %zu", seed,
                  kept.size(), expected.size());
  }
}
GST_END_TEST

GST_START_TEST(test_ladder_does_not_drift) {
  // Ten hours at the film's own rate, its timestamps rounded down: every frame is kept.
  const std::uint64_t frames = 36'000ull * 30000 / 1001;
  for (std::uint64_t i = 1; i < frames; i += 997) {
    const auto time = [](std::uint64_t n) {
      return static_cast<Time>(Wide{n} * 1001 * kSecond / 30000);
    };
    const SegmentHeader header = segment(1, {time(i), time(i + 1)}, time(i + 2), false);
    require_often(frames_of(header, at(30000, 1001)).size() == 2, "frame %" G_GUINT64_FORMAT, i);
    require_often(frames_of(header, at(15000, 1001)).size() == 1, "frame %" G_GUINT64_FORMAT, i);
  }
}
GST_END_TEST

static Suite* ladder_suite() {
  Suite* suite = suite_create("ladder");
  TCase* tests = tcase_create("ladder");
  tcase_add_test(tests, test_ladder_fits_sizes);
  tcase_add_test(tests, test_ladder_keeps_the_shape_of_pixels_in_the_own_size_only);
  tcase_add_test(tests, test_ladder_leaves_larger_rungs_out);
  tcase_add_test(tests, test_ladder_limits_rates);
  tcase_add_test(tests, test_ladder_keeps_the_frames_on_screen);
  tcase_add_test(tests, test_ladder_frames_of_any_cut);
  tcase_add_test(tests, test_ladder_does_not_drift);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(ladder)
