// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/publish/scenarios.h"

namespace dist::test {
namespace {

Files growing() {
  Stage stage = Stage::of(some_settings(), some_tracks());
  stage.play(0, 1);
  return stage.files;
}

// The sound ends before the picture, whose last segment is short.
Files ended() {
  Stage stage = Stage::of(some_settings(), some_tracks());
  stage.play(0, 5);
  stage.store(5, sheet(0));
  stage.store(5, sheet(1, 17));
  for (const std::size_t i : {0, 1}) {
    MediaSegment last = film_segment(stage.track(i), 6);
    last.duration = 5 * 1001;
    last.bytes = 400'000;
    last.fragments.resize(1);
    last.fragments[0].keyframe_bytes = 50'000;
    stage.store(i, last);
  }
  stage.finish();
  return stage.files;
}

Files live() {
  std::vector<Track> tracks = some_tracks();
  for (Track& track : tracks)
    track.origin = 1'000'000 * std::uint64_t{track.timescale};
  tracks.resize(3);
  Stage stage = Stage::of({.live = true, .window = 3, .start_time = kNoon, .first_number = 40},
                          std::move(tracks));
  stage.play(40, 47);
  return stage.files;
}

Files dropped() {
  Stage stage = Stage::of(some_settings(), some_tracks());
  stage.play(0, 2);
  fail_unless_ok(stage.publication.drop(0));
  stage.play(3, 4);
  stage.finish();
  return stage.files;
}

Files encrypted() {
  std::vector<Track> tracks = some_tracks();
  tracks.resize(3);
  for (Track& track : tracks)
    track.protection = {
        {.scheme = "urn:mpeg:dash:mp4protection:2011",
         .value = "cbcs",
         .key_id = "00112233-4455-6677-8899-aabbccddeeff"},
        {.scheme = "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b", .pssh = "AAAANHBzc2g="}};
  Stage stage = Stage::of(some_settings(), std::move(tracks));
  const Key key{.method = Key::Method::kSampleAes,
                .uri = "https://keys.example/1?film=a&b",
                .iv = "0x000102030405060708090A0B0C0D0E0F",
                .format = "identity",
                .format_versions = "1"};
  Key other = key;
  other.uri = "https://keys.example/2";
  fail_unless_ok(stage.publication.set_key(0, key));
  fail_unless_ok(stage.publication.set_key(2, other));
  fail_unless_ok(stage.publication.set_key(3, other));
  fail_unless_ok(stage.publication.set_key(4, {}));
  stage.play(0, 4);
  stage.finish();
  return stage.files;
}

// Whole segments: HLS only, and no keyframes.
Files encrypted_whole() {
  std::vector<Track> tracks = some_tracks();
  tracks.resize(3);
  Settings settings = some_settings();
  settings.dash = false;
  Stage stage = Stage::of(settings, std::move(tracks));
  fail_unless_ok(
      stage.publication.set_key(1, {.method = Key::Method::kAes128, .uri = "key-1.bin"}));
  stage.play(0, 2);
  stage.finish();
  return stage.files;
}

Files sound_only() {
  Stage stage = Stage::of(some_settings(), {audio("podcast", "und")});
  stage.play(0, 2);
  stage.finish();
  return stage.files;
}

// Two codecs of picture and of sound, HDR, all roles, and names that must be escaped.
Files manifold() {
  std::vector<Track> tracks = some_tracks();
  tracks.insert(tracks.begin() + 1, rung("2160p-hdr", 3840, 2160, 12'000'000));
  tracks[1].range = VideoRange::kPq;
  tracks.insert(tracks.begin() + 2, rung("720p-hlg", 1280, 720, 3'000'000));
  tracks[2].range = VideoRange::kHlg;
  tracks[2].frame_rate = {};
  Track other = audio("opus-en", "en");
  other.channels = 6;
  other.name = "English \"5.1\" <&>\nü";
  tracks.push_back(other);
  Track comment = audio("comment", "en");
  comment.role = Role::kCommentary;
  comment.name = "en";
  tracks.push_back(comment);
  Track described = audio("described", "en");
  described.role = Role::kDescription;
  described.is_default = true;
  tracks.push_back(described);
  Track forced = subtitles("forced", "en");
  forced.role = Role::kForced;
  tracks.push_back(forced);
  Track captions = subtitles("captions", "en");
  captions.role = Role::kCaption;
  captions.is_default = true;
  tracks.push_back(captions);
  Stage stage = Stage::of(some_settings(), std::move(tracks));
  stage.play(0, 1);
  stage.finish();
  return stage.files;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> kAll = {
      {"dropped", dropped},   {"encrypted", encrypted},   {"encrypted-whole", encrypted_whole},
      {"ended", ended},       {"growing", growing},       {"live", live},
      {"manifold", manifold}, {"sound-only", sound_only},
  };
  return kAll;
}

}  // namespace dist::test
