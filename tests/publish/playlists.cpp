// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is written, byte for byte. With DIST_WRITE_GOLDEN=1 the test writes the golden files anew.
#include <map>

#include "gst/publish/hls_media.h"
#include "gst/publish/mpd.h"
#include "tests/publish/scenarios.h"

namespace {

using namespace dist;
using namespace dist::test;

std::string golden_path(const std::string& name) {
  return std::string(g_getenv("DIST_SOURCE_ROOT")) + "/tests/publish/golden/" + name + ".txt";
}

std::string golden(const std::string& name) {
  gchar* text = nullptr;
  gsize length = 0;
  fail_unless(g_file_get_contents(golden_path(name).c_str(), &text, &length, nullptr), "%s",
              name.c_str());
  const std::string copy(text, length);
  g_free(text);
  return copy;
}

// The lines of a text that begin so, without that.
std::vector<std::string> lines_with(const std::string& text, const std::string& begin) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.starts_with(begin))
      found.push_back(line.substr(begin.size()));
    at = end + 1;
  }
  return found;
}

// "6.006000," in microseconds.
std::uint64_t exact(const std::string& seconds) {
  const std::size_t point = seconds.find('.');
  fail_unless_equals_int(static_cast<int>(seconds.find(',') - point), 7);
  return std::stoull(seconds.substr(0, point)) * 1'000'000 + std::stoull(seconds.substr(point + 1));
}

}  // namespace

GST_START_TEST(test_playlists_are_the_golden_ones) {
  for (const Scenario& scenario : scenarios()) {
    const std::string text = playlists_text(scenario.files());
    if (g_getenv("DIST_WRITE_GOLDEN"))
      fail_unless(g_file_set_contents(golden_path(scenario.name).c_str(), text.data(),
                                      static_cast<gssize>(text.size()), nullptr));
    const std::string expected = golden(scenario.name);
    fail_unless(text == expected, "%s is now:\n%s", scenario.name, text.c_str());
    fail_unless_equals_text(playlists_text(scenario.files()), expected);
  }
}
GST_END_TEST

// Any run of durations is right to a frame, and none is longer than the target by more than half a
// second.
GST_START_TEST(test_durations_never_drift) {
  const Fraction rates[] = {{24000, 1001}, {30000, 1001}, {25, 1}, {60, 1}, {15, 2}, {90000, 3003}};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Fraction rate = rates[random.below(std::size(rates))];
    Track track = rung("v", 640, 360, 1'000'000);
    track.timescale =
        random.chance(50) ? rate.numerator : 1 + static_cast<unsigned>(random.below(10'000'000));
    track.origin = random.below(1'000'000'000);
    const double frame = static_cast<double>(rate.denominator) / rate.numerator;
    const auto time = [&](std::uint64_t frames) {
      return track.origin + frames * rate.denominator * track.timescale / rate.numerator;
    };
    Presentation presentation{.settings = {}, .tracks = {{.track = track}}, .target_duration = 6};
    std::vector<MediaSegment>& segments = presentation.tracks[0].segments;
    std::vector<std::uint64_t> starts{0};  // In frames.
    for (std::uint64_t i = 0; i < 300; ++i) {
      starts.push_back(starts.back() + 1 + random.below(6 * rate.numerator / rate.denominator));
      segments.push_back({.number = i,
                          .start = time(starts[i]),
                          .duration = time(starts[i + 1]) - time(starts[i])});
    }
    const auto durations =
        lines_with(media_playlist(presentation, presentation.tracks[0]), "#EXTINF:");
    fail_unless_equals_int(static_cast<int>(durations.size()), 300);
    for (std::size_t first = 0; first < 300; first += 1 + random.below(40)) {
      std::uint64_t sum = 0;
      for (std::size_t last = first; last < 300; ++last) {
        sum += exact(durations[last]);
        const double expected = static_cast<double>(starts[last + 1] - starts[first]) * frame;
        const double tick = 2.0 / track.timescale + 2e-6;
        require_often(std::abs(static_cast<double>(sum) / 1e6 - expected) < frame + tick,
                      "seed %d: segments %zu to %zu", static_cast<int>(seed), first, last);
        require_often(
            track.timescale < 1000 || std::abs(static_cast<double>(sum) / 1e6 - expected) < tick,
            "seed %d: segments %zu to %zu drift", static_cast<int>(seed), first, last);
      }
    }
  }
}
GST_END_TEST

// A playlist, or a text of that form.
GST_START_TEST(test_end_of_a_playlist_is_found) {
  Stage stage = Stage::of({.first_number = 7}, {rung("v", 640, 360, 1'000'000)});
  stage.play(7, 9);
  fail_unless(listed_until(stage.files.at("v/index.m3u8")) == 10);
  const struct {
    const char* text;
    std::optional<std::uint64_t> until;
  } rows[] = {
      {"", {}},
      {"<html>", {}},
      {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:4\n", 4},
      {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:4\n#EXTINF:1,\na\n#EXTINF:1,\nb", 6},
      {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n", {}},
      {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-1\n", {}},
      {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n", {}},
      {"#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MEDIA-SEQUENCE:2\n", {}},
  };
  for (const auto& row : rows)
    fail_unless(listed_until(row.text) == row.until, "%s", row.text);
}
GST_END_TEST

// Durations of one kind share an entry that grows at its end only.
GST_START_TEST(test_timelines_only_grow) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    Stage stage = Stage::of(some_settings(), {rung("v", 640, 360, 1'000'000)});
    std::vector<std::string> before;
    std::uint64_t time = 0;
    for (std::uint64_t number = 0; number < 40; ++number) {
      MediaSegment segment{.number = number, .start = time, .duration = 100'000, .bytes = 1};
      if (random.chance(30))
        segment.duration += random.below(3);
      time = segment.end();
      stage.store(0, segment);
      stage.next();
      std::vector<std::string> now = lines_with(stage.files.at("manifest.mpd"), "          <S ");
      require_often(now.size() >= before.size(), "seed %d", static_cast<int>(seed));
      for (std::size_t i = 0; i + 1 < before.size(); ++i)
        require_often(now[i] == before[i], "seed %d: %s", static_cast<int>(seed), now[i].c_str());
      const auto without_repeats = [](const std::string& line) {
        return line.substr(0, line.find_first_of("r/"));
      };
      require_often(before.empty() ||
                        without_repeats(now[before.size() - 1]) == without_repeats(before.back()),
                    "seed %d: %s", static_cast<int>(seed), now[before.size() - 1].c_str());
      before = std::move(now);
    }
  }
}
GST_END_TEST

static Suite* playlists_suite() {
  Suite* suite = suite_create("playlists");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_playlists_are_the_golden_ones);
  tcase_add_test(tcase, test_durations_never_drift);
  tcase_add_test(tcase, test_end_of_a_playlist_is_found);
  tcase_add_test(tcase, test_timelines_only_grow);
  return suite;
}

GST_CHECK_MAIN(playlists)
