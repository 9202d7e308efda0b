// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/publication.h"

#include <set>

#include "gst/publish/grouping.h"
#include "gst/publish/hls_media.h"
#include "tests/publish/scenarios.h"

namespace {

using namespace dist;
using namespace dist::test;

std::vector<Track> two_rungs() {
  return {rung("1080p", 1920, 1080, 5'000'000), rung("360p", 640, 360, 800'000),
          audio("audio-en", "en")};
}

std::vector<std::string> names_of(const NextStep& step) {
  std::vector<std::string> names;
  for (const PlaylistFile& file : step.writes)
    names.push_back(file.name);
  return names;
}

// How many segments the playlist lists.
std::uint64_t listed(const Stage& stage, const std::string& name = "1080p/index.m3u8") {
  const auto file = stage.files.find(name);
  if (file == stage.files.end())
    return 0;
  const auto until = listed_until(file->second);
  fail_unless(until.has_value());
  return *until - stage.publication.presentation().settings.first_number;
}

}  // namespace

GST_START_TEST(test_wrong_tracks_are_refused) {
  const Track good = rung("720p", 1280, 720, 3'000'000);
  const auto with = [&](auto change) {
    Track track = good;
    change(track);
    return track;
  };
  const struct {
    std::vector<Track> tracks;
    const char* error;
  } rows[] = {
      {{}, "no picture and no sound"},
      {{thumbnails(), subtitles("s", "en")}, "no picture and no sound"},
      {{good, good}, "track '720p': the name is there twice"},
      {{with([](Track& track) { track.id = ""; })}, "only letters"},
      {{with([](Track& track) { track.id = "../x"; })}, "only letters"},
      {{with([](Track& track) { track.id = "a b"; })}, "only letters"},
      {{with([](Track& track) { track.timescale = 0; })}, "timescale of 0"},
      {{with([](Track& track) { track.bandwidth = 0; })}, "no bit rate"},
      {{with([](Track& track) { track.height = 0; })}, "no size"},
      {{with([](Track& track) { track.frame_rate.denominator = 0; })}, "frame rate"},
      {{good, with([](Track& track) {
          track.kind = TrackKind::kThumbnails;
          track.id = "t";
        })},
       "sheets without"},
  };
  for (const auto& row : rows)
    fail_unless_error(Publication::create({}, row.tracks), row.error, row.error);
  fail_unless_error(Publication::create({.segment_duration = 0}, {good}), "duration of 0", "0");
}
GST_END_TEST

GST_START_TEST(test_wrong_segments_are_refused) {
  Stage stage = Stage::of({.first_number = 3}, two_rungs());
  const MediaSegment good = film_segment(stage.track(0), 3);
  const auto with = [&](auto change) {
    MediaSegment segment = good;
    change(segment);
    return segment;
  };
  const struct {
    MediaSegment segment;
    const char* error;
  } rows[] = {
      {with([](MediaSegment& s) { s.number = 2; }), "1080p: segment 2: numbers begin with 3"},
      {with([](MediaSegment& s) { s.duration = 0; }), "has no duration"},
      {with([](MediaSegment& s) { s.start = std::uint64_t{1} << 53; }), "too large"},
      {with([](MediaSegment& s) { s.fragments[1].start = s.fragments[0].start; }), "in order"},
      {with([](MediaSegment& s) { s.fragments[2].start = s.end(); }), "inside"},
      {with([](MediaSegment& s) { s.fragments[2].keyframe_bytes = s.bytes; }), "inside"},
      {with([](MediaSegment& s) { s.fragments[1].offset = UINT64_MAX; }), "inside"},
  };
  for (const auto& row : rows)
    fail_unless_error(stage.publication.stored(0, row.segment), row.error, row.error);
  stage.store(0, good);
  fail_unless_ok(stage.publication.stored(0, good));
  fail_unless_error(
      stage.publication.stored(0, with([](MediaSegment& segment) { ++segment.bytes; })),
      "is another one", "waiting");
  fail_unless_error(stage.publication.init_stored(0, "hvc1"), "the codec was 'avc1", "codec");
  fail_unless_error(stage.publication.init_stored(0, ""), "no codec", "codec");
}
GST_END_TEST

GST_START_TEST(test_segment_is_listed_when_all_tracks_have_it) {
  Stage stage = Stage::of(some_settings(), two_rungs());
  stage.store(0, film_segment(stage.track(0), 0));
  stage.store(1, film_segment(stage.track(1), 0));
  stage.store(1, film_segment(stage.track(1), 1));
  fail_unless(stage.next().writes.empty());
  stage.store(2, film_segment(stage.track(2), 1));
  fail_unless(stage.next().writes.empty());
  stage.store(2, film_segment(stage.track(2), 0));
  fail_if(stage.next().writes.empty());
  fail_unless(listed(stage) == 1);
  stage.store(0, film_segment(stage.track(0), 1));
  stage.next();
  fail_unless(listed(stage) == 2);
  fail_unless(stage.next().writes.empty());
}
GST_END_TEST

GST_START_TEST(test_nothing_is_written_before_all_codecs_are_known) {
  auto made = Publication::create(some_settings(), two_rungs());
  fail_unless_ok(made);
  Stage stage{std::move(*made)};
  stage.init(0, "avc1.640028");
  stage.init(1, "avc1.64001F");
  stage.store_all(0);
  fail_unless(stage.next().writes.empty());
  stage.init(2, "mp4a.40.2");
  fail_if(stage.next().writes.empty());
}
GST_END_TEST

GST_START_TEST(test_master_follows_what_it_names) {
  Stage stage = Stage::of(some_settings(), some_tracks());
  stage.store_all(0);
  const std::vector<std::string> first = {
      "audio-en/index.m3u8",   "audio-de/index.m3u8", "subtitles-de/index.m3u8",
      "thumbnails/index.m3u8", "1080p/index.m3u8",    "1080p/iframes.m3u8",
      "360p/index.m3u8",       "360p/iframes.m3u8",   "master.m3u8",
      "manifest.mpd"};
  fail_unless(names_of(stage.next()) == first);
  std::vector<std::string> later = first;
  std::erase(later, "master.m3u8");
  stage.store_all(1);
  fail_unless(names_of(stage.next()) == later);
  for (std::size_t i = 0; i < stage.tracks().size(); ++i)
    stage.publication.end(i);
  const NextStep last = stage.next();
  fail_unless(names_of(last) == first);
  fail_unless(last.finished);
  fail_unless(stage.next().writes.empty());
}
GST_END_TEST

GST_START_TEST(test_only_what_is_asked_for_is_written) {
  for (const bool hls : {true, false}) {
    Stage stage = Stage::of({.hls = hls, .dash = !hls}, two_rungs());
    stage.play(0, 0);
    fail_unless(stage.files.contains("master.m3u8") == hls);
    fail_unless(stage.files.contains("1080p/index.m3u8") == hls);
    fail_unless(stage.files.contains("manifest.mpd") == !hls);
  }
}
GST_END_TEST

// Its later segments go on while the others have none.
GST_START_TEST(test_track_that_ends_early_holds_nothing_up) {
  Stage stage = Stage::of(some_settings(), two_rungs());
  stage.play(0, 0);
  stage.publication.end(2);
  for (const std::size_t i : {0, 1})
    stage.store(i, film_segment(stage.track(i), 1));
  stage.finish();
  fail_unless(listed(stage) == 2);
  fail_unless(listed(stage, "audio-en/index.m3u8") == 1);
  fail_unless(contains(stage.files.at("audio-en/index.m3u8"), "#EXT-X-ENDLIST"));
}
GST_END_TEST

// A film that announces sound and has none.
GST_START_TEST(test_track_without_any_segment_is_in_no_playlist) {
  auto made = Publication::create(some_settings(), two_rungs());
  fail_unless_ok(made);
  Stage stage{std::move(*made)};
  for (const std::size_t i : {0, 1}) {
    stage.init(i, codecs_of(stage.track(i)));
    stage.store(i, film_segment(stage.track(i), 0));
  }
  fail_unless(stage.next().writes.empty());
  stage.finish();
  fail_unless(listed(stage) == 1);
  for (const char* name : {"master.m3u8", "manifest.mpd"})
    fail_if(contains(stage.files.at(name), "audio-en"), "%s", name);
  fail_if(stage.files.contains("audio-en/index.m3u8"));
}
GST_END_TEST

GST_START_TEST(test_hole_at_the_end_is_an_error) {
  Stage stage = Stage::of(some_settings(), two_rungs());
  stage.play(0, 0);
  stage.store(0, film_segment(stage.track(0), 2));
  stage.next();
  stage.publication.end(0);
  fail_unless_error(stage.publication.next(stage.now), "1080p: segment 1: is missing", "hole");
}
GST_END_TEST

GST_START_TEST(test_interrupted_job_leaves_a_whole_presentation) {
  Stage stage = Stage::of(some_settings(), two_rungs());
  stage.play(0, 1);
  stage.store(0, film_segment(stage.track(0), 2));
  stage.store(0, film_segment(stage.track(0), 4));
  stage.publication.end_now();
  fail_unless(stage.next().finished);
  fail_unless(listed(stage) == 2);
  fail_unless(contains(stage.files.at("360p/index.m3u8"), "#EXT-X-ENDLIST"));
  fail_unless(contains(stage.files.at("manifest.mpd"), "type=\"static\""));
  fail_unless_ok(stage.publication.stored(1, film_segment(stage.track(1), 2)));
  fail_unless(stage.next().writes.empty());
}
GST_END_TEST

// Without init segment even: its encoder never began.
GST_START_TEST(test_rung_that_fails_at_once_is_never_named) {
  auto made = Publication::create(some_settings(), two_rungs());
  fail_unless_ok(made);
  Stage stage{std::move(*made)};
  stage.init(1, "avc1.64001F");
  stage.init(2, "mp4a.40.2");
  for (const std::size_t i : {1, 2})
    stage.store(i, film_segment(stage.track(i), 0));
  fail_unless(stage.next().writes.empty());
  fail_unless_ok(stage.publication.drop(0));
  stage.next();
  fail_if(stage.files.contains("1080p/index.m3u8"));
  for (const char* name : {"master.m3u8", "manifest.mpd"})
    fail_if(contains(stage.files.at(name), "1080p"), "%s", name);
  stage.play(1, 2);
  stage.finish();
  fail_unless(listed(stage, "360p/index.m3u8") == 3);
  fail_unless_error(stage.publication.drop(1), "nothing could take its place", "last rung");
  fail_unless_error(stage.publication.drop(2), "nothing could take its place", "audio");
}
GST_END_TEST

GST_START_TEST(test_dropped_rung_lists_what_it_has_and_then_gaps) {
  Stage stage = Stage::of(some_settings(), two_rungs());
  stage.play(0, 0);
  stage.store(0, film_segment(stage.track(0), 1));
  stage.store(0, film_segment(stage.track(0), 3));
  fail_unless_ok(stage.publication.drop(0));
  const NextStep told = stage.next();
  fail_unless(contains(stage.files.at("1080p/index.m3u8"), "EVENT"));
  fail_if(contains(stage.files.at("master.m3u8"), "1080p"));
  fail_if(told.writes.empty());
  stage.play(1, 3);
  fail_unless(listed(stage) == 4);
  const std::string text = stage.files.at("1080p/index.m3u8");
  fail_unless(text.find("#EXT-X-GAP\n#EXTINF:6.006000,\n00000002.mp4") != std::string::npos, "%s",
              text.c_str());
  fail_if(contains(text, "#EXT-X-GAP\n#EXTINF:6.006000,\n00000001.mp4"));
  fail_unless(contains(stage.files.at("manifest.mpd"), "<Period id=\"2\" start=\"PT12.012S\">"));
}
GST_END_TEST

// A frame that is shown for 13 s.
GST_START_TEST(test_longer_segment_raises_all_targets) {
  Stage stage = Stage::of(some_settings(), two_rungs());
  stage.play(0, 0);
  for (std::size_t i = 0; i < 3; ++i) {
    MediaSegment segment = film_segment(stage.track(i), 1);
    segment.duration = 13 * stage.track(i).timescale + stage.track(i).timescale / 2;
    stage.store(i, segment);
  }
  stage.next();
  for (const char* name : {"1080p/index.m3u8", "audio-en/index.m3u8", "360p/iframes.m3u8"})
    fail_unless(contains(stage.files.at(name), "#EXT-X-TARGETDURATION:14\n"), "%s", name);
}
GST_END_TEST

GST_START_TEST(test_window_slides_and_files_go_later) {
  Stage stage = Stage::of({.live = true, .window = 3, .start_time = kNoon}, two_rungs());
  stage.play(0, 2);
  fail_unless(contains(stage.files.at("1080p/index.m3u8"), "#EXT-X-MEDIA-SEQUENCE:0\n"));
  stage.store_all(3);
  const NextStep step = stage.next();
  fail_unless(step.removals.empty());
  fail_unless(step.wake_at.has_value());
  // The playlist that named it had 24 s.
  fail_unless(*step.wake_at >= stage.now + 24'000'000 && *step.wake_at < stage.now + 60'000'000);
  const std::string text = stage.files.at("1080p/index.m3u8");
  fail_unless(contains(text, "#EXT-X-MEDIA-SEQUENCE:1\n"));
  fail_if(contains(text, "00000000.mp4"));
  fail_unless(stage.files.contains("1080p/00000000.mp4"));
  stage.now = *step.wake_at - 1;
  fail_unless(stage.next().removals.empty());
  stage.now += 1;
  const NextStep later = stage.next();
  const std::set<std::string> removed(later.removals.begin(), later.removals.end());
  fail_unless(removed.contains("1080p/00000000.mp4"));
  stage.now += 1'000'000;
  stage.next();
  for (const char* name : {"1080p/00000000.mp4", "360p/00000000.mp4", "audio-en/00000000.mp4"})
    fail_if(stage.files.contains(name), "%s", name);
  // A copy that arrives late is not listed again.
  fail_unless_ok(stage.publication.stored(0, film_segment(stage.track(0), 0)));
  fail_unless(stage.next().writes.empty());
}
GST_END_TEST

GST_START_TEST(test_job_that_is_started_again_goes_on) {
  Stage first = Stage::of(some_settings(), two_rungs());
  first.play(0, 4);
  Settings settings = some_settings();
  settings.hold_until = *listed_until(first.files.at("1080p/index.m3u8"));
  Stage second = Stage::of(settings, two_rungs());
  second.files = first.files;
  second.play(0, 3);
  fail_unless(second.files == first.files);
  second.play(4, 5);
  fail_unless(listed(second) == 6);
  Stage whole = Stage::of(some_settings(), two_rungs());
  whole.play(0, 5);
  second.finish();
  whole.finish();
  fail_unless(second.files == whole.files);
  // Interrupted before: what the first run has told stays.
  Stage third = Stage::of(settings, two_rungs());
  third.play(0, 1);
  third.publication.end_now();
  const NextStep step = third.next();
  fail_unless(step.finished && step.writes.empty());
}
GST_END_TEST

GST_START_TEST(test_numbers_and_times_can_begin_anywhere) {
  std::vector<Track> tracks = two_rungs();
  for (Track& track : tracks)
    track.origin = std::uint64_t{track.timescale} * 100'000;
  Stage stage = Stage::of({.first_number = 5'000}, tracks);
  for (std::uint64_t number = 5'000; number < 5'003; ++number)
    for (std::size_t i = 0; i < 3; ++i) {
      MediaSegment segment = film_segment(stage.track(i), number - 5'000);
      segment.number = number;
      stage.store(i, segment);
    }
  stage.finish();
  const std::string text = stage.files.at("1080p/index.m3u8");
  fail_unless(contains(text, "#EXT-X-MEDIA-SEQUENCE:5000\n"));
  fail_unless(contains(text, "00005002.mp4"));
  const std::string mpd = stage.files.at("manifest.mpd");
  fail_unless(contains(mpd, "presentationTimeOffset=\"2400000000\""));
  fail_unless(contains(mpd, "startNumber=\"5000\""));
  fail_unless(contains(mpd, "<S t=\"2400000000\" d=\"144144\" r=\"2\"/>"), "%s", mpd.c_str());
  fail_unless(contains(mpd, "mediaPresentationDuration=\"PT18.0"));
}
GST_END_TEST

GST_START_TEST(test_keys_are_set_ahead) {
  Stage stage = Stage::of({.dash = false}, two_rungs());
  const Key key{.method = Key::Method::kAes128, .uri = "key"};
  stage.play(0, 1);
  fail_unless_error(stage.publication.set_key(1, key), "listed", "late");
  fail_unless_ok(stage.publication.set_key(2, key));
  fail_unless_error(stage.publication.set_key(2, key), "have a key", "twice");
  Stage dash = Stage::of({}, two_rungs());
  fail_unless_error(dash.publication.set_key(0, key), "DASH", "AES-128");
}
GST_END_TEST

GST_START_TEST(test_fragments_are_grouped_by_when_they_start) {
  const std::uint64_t ms = 1'000'000;
  const struct {
    std::vector<std::uint64_t> starts;  // Milliseconds.
    std::vector<std::uint64_t> begin;
  } rows[] = {
      {{0, 2000, 4000, 6000, 8000, 10000, 12000}, {0, 6000, 12000}},
      {{0, 2002, 4004, 6006, 8008, 10010, 12012}, {0, 6006, 12012}},
      {{0, 5999, 7999, 12000}, {0, 5999, 12000}},
      {{0, 5998, 7999, 12000}, {0, 7999, 12000}},
      {{0, 13000, 15000, 18000, 19000}, {0, 13000, 18000}},
      {{36000, 38000, 42000}, {36000, 42000}},
  };
  for (const auto& row : rows) {
    Grouping grouping(6000 * ms);
    std::vector<std::uint64_t> begin;
    for (const std::uint64_t start : row.starts)
      if (grouping.begins(start * ms))
        begin.push_back(start);
    fail_unless(begin == row.begin, "the row of %d", static_cast<int>(row.starts[1]));
  }
}
GST_END_TEST

GST_START_TEST(test_times_and_types) {
  Track track = rung("v", 1, 1, 1);
  track.timescale = 3;
  track.origin = 10;
  const std::pair<std::uint64_t, std::uint64_t> times[] = {
      {0, 0}, {10, 0}, {11, 333'333}, {12, 666'667}, {13, 1'000'000}};
  for (const auto& [time, expected] : times)
    fail_unless(microseconds(track, time) == expected, "%d", static_cast<int>(time));
  fail_unless_equals_text(seconds_text(61'000'001), "61.000001");
  fail_unless_equals_text(utc_text(kNoon + 61'234'999), "2026-12-01T12:01:01.234Z");
  const Track sound = audio("a", "en");
  fail_unless_equals_text(content_type("a/init.mp4", &sound), "audio/mp4");
  fail_unless_equals_text(content_type("v/00000000.mp4", &track), "video/mp4");
  fail_unless_equals_text(content_type("master.m3u8", nullptr), "application/vnd.apple.mpegurl");
  fail_unless_equals_text(content_type("manifest.mpd", nullptr), "application/dash+xml");
  fail_unless_equals_text(cache_control("v/index.m3u8"), "no-cache");
  fail_unless(contains(cache_control("v/00000000.mp4"), "immutable"));
}
GST_END_TEST

static Suite* publication_suite() {
  Suite* suite = suite_create("publication");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_wrong_tracks_are_refused);
  tcase_add_test(tcase, test_wrong_segments_are_refused);
  tcase_add_test(tcase, test_segment_is_listed_when_all_tracks_have_it);
  tcase_add_test(tcase, test_nothing_is_written_before_all_codecs_are_known);
  tcase_add_test(tcase, test_master_follows_what_it_names);
  tcase_add_test(tcase, test_only_what_is_asked_for_is_written);
  tcase_add_test(tcase, test_track_that_ends_early_holds_nothing_up);
  tcase_add_test(tcase, test_track_without_any_segment_is_in_no_playlist);
  tcase_add_test(tcase, test_hole_at_the_end_is_an_error);
  tcase_add_test(tcase, test_interrupted_job_leaves_a_whole_presentation);
  tcase_add_test(tcase, test_rung_that_fails_at_once_is_never_named);
  tcase_add_test(tcase, test_dropped_rung_lists_what_it_has_and_then_gaps);
  tcase_add_test(tcase, test_longer_segment_raises_all_targets);
  tcase_add_test(tcase, test_window_slides_and_files_go_later);
  tcase_add_test(tcase, test_job_that_is_started_again_goes_on);
  tcase_add_test(tcase, test_numbers_and_times_can_begin_anywhere);
  tcase_add_test(tcase, test_keys_are_set_ahead);
  tcase_add_test(tcase, test_fragments_are_grouped_by_when_they_start);
  tcase_add_test(tcase, test_times_and_types);
  return suite;
}

GST_CHECK_MAIN(publication)
