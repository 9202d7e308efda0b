// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/bit_rate.h"

#include <cmath>

#include "gst/publish/hls_master.h"
#include "tests/publish/scenarios.h"

namespace {

using namespace dist;
using namespace dist::test;

// A timescale of 1000.
TrackListing listing_of(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& segments) {
  TrackListing listing{.track = rung("v", 640, 360, 1)};
  listing.track.timescale = 1000;
  std::uint64_t time = 0;
  for (const auto& [duration, bytes] : segments) {
    listing.segments.push_back(
        {.number = listing.segments.size(), .start = time, .duration = duration, .bytes = bytes});
    time += duration;
  }
  return listing;
}

BitRate rate_of(const TrackListing& listing, unsigned target = 6) {
  const TrackListing* const only = &listing;
  return measure({&only, 1}, target);
}

// Of every run, by plain sums.
double slow_peak(const TrackListing& listing, unsigned target) {
  double peak = 0;
  const auto& segments = listing.segments;
  for (std::size_t first = 0; first < segments.size(); ++first)
    for (std::size_t last = first; last < segments.size(); ++last) {
      double bytes = 0;
      double time = 0;
      for (std::size_t i = first; i <= last; ++i) {
        bytes += static_cast<double>(segments[i].bytes);
        time += static_cast<double>(segments[i].duration) / 1000;
      }
      if (time >= 0.5 * target && time <= 1.5 * target)
        peak = std::max(peak, 8 * bytes / time);
    }
  return peak;
}

}  // namespace

GST_START_TEST(test_rates_of_a_few_segments) {
  const struct {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> segments;  // Milliseconds, bytes.
    std::uint64_t average;
    std::uint64_t peak;
  } rows[] = {
      {{{6000, 6000}, {6000, 6000}}, 8000, 8000},
      {{{6000, 6000}, {6000, 12000}}, 12000, 16000},
      // The tiny last one is in a run with others only: 12,100 bytes in 6.1 s.
      {{{6000, 6000}, {6000, 12000}, {100, 10000}}, 18513, 28853},
      // Two short ones make a run, and one is none.
      {{{2000, 2000}, {2000, 6000}, {2000, 2000}, {6000, 6000}}, 10667, 16000},
      // No run at all.
      {{{100, 1000}}, 80000, 80000},
      {{{20000, 20000}}, 8000, 8000},
      {{}, 0, 0},
  };
  for (const auto& row : rows) {
    const BitRate rate = rate_of(listing_of(row.segments));
    fail_unless(rate.average == row.average && rate.peak == row.peak,
                "%" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT, rate.average, rate.peak);
  }
}
GST_END_TEST

GST_START_TEST(test_gaps_count_in_no_run) {
  TrackListing listing = listing_of({{6000, 6000}, {3000, 3000}, {3000, 0}, {3000, 9000}});
  listing.segments[2].gap = true;
  const BitRate rate = rate_of(listing);
  fail_unless_equals_int(static_cast<int>(rate.average), 12000);
  fail_unless_equals_int(static_cast<int>(rate.peak), 24000);
}
GST_END_TEST

GST_START_TEST(test_peaks_are_those_of_all_runs) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    const unsigned target = 2 + static_cast<unsigned>(random.below(9));
    std::vector<std::pair<std::uint64_t, std::uint64_t>> segments;
    for (std::uint64_t i = 0; i < 30; ++i)
      segments.emplace_back(1 + random.below(1'500 * target), random.below(2'000'000));
    const TrackListing listing = listing_of(segments);
    const BitRate rate = rate_of(listing, target);
    const double peak = std::max(slow_peak(listing, target), static_cast<double>(rate.average) - 1);
    const double found = static_cast<double>(rate.peak);
    require_often(found >= peak && found <= peak + 1.001, "seed %d: %f instead of %f",
                  static_cast<int>(seed), found, peak);
  }
}
GST_END_TEST

// What the master says, within 10 % of the same measurement of the file sizes.
GST_START_TEST(test_master_tells_the_measured_rate) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    Stage stage = Stage::of(some_settings(), {rung("v", 640, 360, 1), audio("a", "en")});
    TrackListing both;
    both.track.timescale = 1000;
    for (std::uint64_t number = 0; number < 50; ++number) {
      MediaSegment segment = film_segment(stage.track(0), number);
      segment.bytes = 1'000'000 + random.below(4'000'000);
      segment.fragments.clear();
      MediaSegment sound = film_segment(stage.track(1), number);
      sound.bytes = 90'000 + random.below(20'000);
      stage.store(0, segment);
      stage.store(1, sound);
      both.segments.push_back({.number = number,
                               .duration = segment.duration / 24,
                               .bytes = segment.bytes + sound.bytes});
    }
    stage.finish();
    const std::string master = stage.files.at("master.m3u8");
    const std::size_t at = master.find("#EXT-X-STREAM-INF:BANDWIDTH=") + 28;
    const double told = std::stod(master.substr(at));
    const double measured = slow_peak(both, 6);
    require_often(std::abs(told / measured - 1) < 0.1, "seed %d: %f, measured %f",
                  static_cast<int>(seed), told, measured);
  }
}
GST_END_TEST

GST_START_TEST(test_keyframes_last_until_the_next_one) {
  const Track track = rung("v", 640, 360, 1'000'000);
  const TrackListing listing{.track = track,
                             .segments = {film_segment(track, 0), film_segment(track, 1)}};
  const std::vector<MediaSegment> frames = keyframes(listing);
  fail_unless_equals_int(static_cast<int>(frames.size()), 6);
  std::uint64_t time = 0;
  for (const MediaSegment& frame : frames) {
    fail_unless(frame.start == time);
    time = frame.end();
  }
  fail_unless(time == listing.segments.back().end());
}
GST_END_TEST

static Suite* bit_rate_suite() {
  Suite* suite = suite_create("bit_rate");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_rates_of_a_few_segments);
  tcase_add_test(tcase, test_gaps_count_in_no_run);
  tcase_add_test(tcase, test_peaks_are_those_of_all_runs);
  tcase_add_test(tcase, test_master_tells_the_measured_rate);
  tcase_add_test(tcase, test_keyframes_last_until_the_next_one);
  return suite;
}

GST_CHECK_MAIN(bit_rate)
