// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Publications of a film that is not there, for tests of what is written of them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gst/publish/publication.h"
#include "tests/common/support.h"

namespace dist::test {

using namespace dist::publish;

// 2026-12-01T12:00:00Z
inline constexpr std::int64_t kNoon = 1'796'126'400'000'000;

inline Track rung(const std::string& id, unsigned width, unsigned height, std::uint64_t bandwidth) {
  return {.kind = TrackKind::kVideo,
          .id = id,
          .timescale = 24000,
          .bandwidth = bandwidth,
          .width = width,
          .height = height,
          .frame_rate = {24000, 1001}};
}

inline Track audio(const std::string& id, const std::string& language) {
  return {.kind = TrackKind::kAudio,
          .id = id,
          .timescale = 48000,
          .bandwidth = 140'000,
          .channels = 2,
          .sample_rate = 48000,
          .language = language};
}

inline Track subtitles(const std::string& id, const std::string& language) {
  return {.kind = TrackKind::kSubtitles,
          .id = id,
          .timescale = 1000,
          .bandwidth = 2'000,
          .language = language,
          .role = Role::kSubtitle};
}

// Sheets of 20 pictures, one each second.
inline Track thumbnails() {
  return {.kind = TrackKind::kThumbnails,
          .id = "thumbnails",
          .timescale = 1,
          .bandwidth = 20'000,
          .width = 320,
          .height = 180,
          .columns = 5,
          .rows = 4,
          .sheet_duration = 20};
}

inline std::string codecs_of(const Track& track) {
  if (track.kind == TrackKind::kAudio)
    return track.channels > 2 ? "opus" : "mp4a.40.2";
  if (track.range != VideoRange::kSdr)
    return "hvc1.2.4.L150.90";
  return track.height > 720 ? "avc1.640028" : "avc1.64001F";
}

// Where segment `number` of the film begins, in the track's timescale: 144 frames each. Sound ends
// with the AAC frame that is under way.
inline std::uint64_t film_time(const Track& track, std::uint64_t number) {
  const std::uint64_t frames = 144 * number;
  if (track.kind == TrackKind::kVideo)
    return track.origin + frames * 1001;
  const std::uint64_t time = (frames * 1001 * track.timescale + 12000) / 24000;
  return track.origin + (track.kind == TrackKind::kAudio ? (time + 1023) / 1024 * 1024 : time);
}

inline MediaSegment film_segment(const Track& track, std::uint64_t number) {
  MediaSegment segment{.number = number, .start = film_time(track, number)};
  segment.duration = film_time(track, number + 1) - segment.start;
  segment.bytes = track.bandwidth / 16 * 6 + 1'000 * (number * 7 % 5);
  if (track.kind == TrackKind::kVideo)
    for (std::uint64_t i = 0; i < 3; ++i)
      segment.fragments.push_back({.start = segment.start + i * 48 * 1001,
                                   .offset = 24 + i * (segment.bytes / 3),
                                   .keyframe_bytes = segment.bytes / 20});
  return segment;
}

inline MediaSegment sheet(std::uint64_t number, std::uint64_t duration = 20) {
  return {.number = number, .start = 20 * number, .duration = duration, .bytes = 50'000};
}

// The files of the place, as a viewer sees them.
using Files = std::map<std::string, std::string>;

inline void carry_out(const NextStep& step, Files& files) {
  for (const PlaylistFile& file : step.writes)
    files[file.name] = file.text;
  for (const std::string& name : step.removals)
    files.erase(name);
}

// A publication, whose files are written as it says.
struct Stage {
  Publication publication;
  std::int64_t now = kNoon;
  Files files = {};

  static Stage of(const Settings& settings, std::vector<Track> tracks) {
    auto made = Publication::create(settings, std::move(tracks));
    fail_unless_ok(made);
    Stage stage{std::move(*made)};
    for (std::size_t i = 0; i < stage.tracks().size(); ++i)
      if (has_init(stage.track(i).kind))
        stage.init(i, codecs_of(stage.track(i)));
    return stage;
  }
  const std::vector<TrackListing>& tracks() const { return publication.presentation().tracks; }
  const Track& track(std::size_t index) const { return tracks()[index].track; }
  void init(std::size_t index, const std::string& codecs) {
    fail_unless_ok(publication.init_stored(index, codecs));
  }
  void store(std::size_t index, const MediaSegment& segment) {
    fail_unless_ok(publication.stored(index, segment));
    files[path_of(track(index), segment_file(track(index).kind, segment.number))] = "";
  }
  // In all tracks but those of thumbnails and those that were dropped.
  void store_all(std::uint64_t number) {
    for (std::size_t i = 0; i < tracks().size(); ++i)
      if (holds_up(track(i).kind) && !tracks()[i].dropped_at)
        store(i, film_segment(track(i), number));
  }
  NextStep next() {
    const auto step = publication.next(now);
    fail_unless_ok(step);
    carry_out(*step, files);
    return *step;
  }
  // Tells six seconds later what was stored in all tracks.
  void play(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) {
      store_all(number);
      next();
      now += 6'006'000;
    }
  }
  void finish() {
    for (std::size_t i = 0; i < tracks().size(); ++i)
      publication.end(i);
    fail_unless(next().finished);
  }
};

inline std::vector<Track> some_tracks() {
  return {rung("1080p", 1920, 1080, 5'000'000),
          rung("360p", 640, 360, 800'000),
          audio("audio-en", "en"),
          audio("audio-de", "de"),
          subtitles("subtitles-de", "de"),
          thumbnails()};
}

// A job of a film of 42 s.
inline Settings some_settings() {
  return {.start_time = kNoon - 42'000'000, .presentation_delay = 86'400'000'000};
}

struct Scenario {
  const char* name;
  Files (*files)();
};

// By name: what has a golden file, golden/NAME.txt.
const std::vector<Scenario>& scenarios();

// The playlists, one after another, each behind a line "--- NAME".
inline std::string playlists_text(const Files& files) {
  std::string text;
  for (const auto& [name, content] : files)
    if (!content.empty())
      text += "--- " + name + "\n" + content;
  return text;
}

}  // namespace dist::test
