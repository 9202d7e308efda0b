// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is published: its tracks, declared once, and their media segments. Plain data, and the names
// of files (docs/design/publish.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/result.h"

namespace dist::publish {

enum class TrackKind { kVideo, kAudio, kSubtitles, kThumbnails };
enum class VideoRange { kSdr, kPq, kHlg };
enum class Role {
  kMain,
  kAlternate,
  kCommentary,
  kDub,
  kDescription,  // Sound that describes the picture.
  kSubtitle,
  kCaption,  // Sounds are described too.
  kForced,   // Only what is foreign to speakers of the language.
};

struct Fraction {
  std::uint32_t numerator = 0;
  std::uint32_t denominator = 1;
  bool operator==(const Fraction&) const = default;
};

// As DASH declares the protection of a track; text as it is in the MPD.
struct ContentProtection {
  std::string scheme;       // A URI.
  std::string value = {};   // "cbcs" with the scheme urn:mpeg:dash:mp4protection:2011.
  std::string key_id = {};  // A UUID; empty: none.
  std::string pssh = {};    // Base64; empty: none.
};

struct Track {
  TrackKind kind = TrackKind::kVideo;
  std::string id;               // Name of its folder, see check().
  std::string codecs = {};      // RFC 6381; not of subtitles and thumbnails.
  std::uint32_t timescale = 1;  // Units a second.
  std::uint64_t origin = 0;     // The time, in the timescale, that is 0 in the presentation.
  // Bits a second that no run of its segments exceeds much; declared while the job runs.
  std::uint64_t bandwidth = 0;

  // Pictures, also of one tile of thumbnails.
  unsigned width = 0;
  unsigned height = 0;
  Fraction frame_rate = {};  // 0: varies.
  VideoRange range = VideoRange::kSdr;

  // Thumbnails: tiles of a sheet, and how long a full sheet lasts in the timescale.
  unsigned columns = 1;
  unsigned rows = 1;
  std::uint64_t sheet_duration = 0;

  unsigned channels = 0;
  unsigned sample_rate = 0;

  std::string language = {};  // BCP 47; empty or "und": unknown.
  std::string name = {};      // For people, any text; empty: the language, or the id.
  Role role = Role::kMain;
  bool is_default = false;  // Players choose it unless a viewer chooses.

  std::vector<ContentProtection> protection = {};
};

// Of a video track: where its keyframe is, from which players show pictures while a viewer seeks.
struct Fragment {
  std::uint64_t start = 0;           // In the track's timescale.
  std::uint64_t offset = 0;          // Of its `moof`, in the media segment.
  std::uint64_t keyframe_bytes = 0;  // From there to the end of the keyframe.
};

struct MediaSegment {
  std::uint64_t number = 0;
  std::uint64_t start = 0;  // Presentation time, in the track's timescale.
  std::uint64_t duration = 0;
  std::uint64_t bytes = 0;
  std::vector<Fragment> fragments = {};  // Of video.
  bool gap = false;                      // There is no file: the rung was dropped.

  std::uint64_t end() const { return start + duration; }
};

struct Settings {
  unsigned segment_duration = 6;  // Seconds, nominal.
  bool hls = true;
  bool dash = true;
  // The source is live: playlists tell the wall-clock time, and players begin where it is.
  bool live = false;
  std::size_t window = 0;  // Segments that playlists list; 0: all.
  // Microseconds since 1970, of the time 0 of the presentation; availabilityStartTime.
  std::int64_t start_time = 0;
  // Microseconds behind the newest segment at which DASH players begin; 0: as they like; a day: at
  // the beginning.
  std::uint64_t presentation_delay = 0;
  std::uint64_t first_number = 0;  // Of media segments.
  // Playlists of an earlier run list the segments below: nothing is written before they are listed.
  std::uint64_t hold_until = 0;
};

// Of what is encrypted; the bytes come encrypted.
struct Key {
  enum class Method { kNone, kAes128, kSampleAes } method = Method::kNone;
  std::string uri = {};     // Seen from the folder of a track, unless it is absolute.
  std::string iv = {};      // "0x…"; empty: the segment's number.
  std::string format = {};  // KEYFORMAT; empty: identity.
  std::string format_versions = {};
  bool operator==(const Key&) const = default;
};

struct KeyStart {
  std::uint64_t number = 0;  // The first media segment with that key.
  Key key;
};

// A part of the time in which the same tracks have segments.
struct Period {
  std::uint64_t number = 0;  // Its first media segment.
  std::uint64_t start = 0;   // Microseconds of presentation.
};

struct TrackListing {
  Track track;
  std::vector<MediaSegment> segments = {};  // In order, without a hole.
  std::uint64_t keyframes_gone = 0;         // Of segments that the window has left behind.
  // A dropped rung has no segments from there on.
  std::optional<std::uint64_t> dropped_at = {};
};

// What playlists tell.
struct Presentation {
  Settings settings;
  std::vector<TrackListing> tracks;
  std::vector<KeyStart> keys = {};  // In order.
  std::vector<Period> periods = {};
  // Seconds that no segment exceeds by half a second.
  unsigned target_duration = 0;
  bool ended = false;
};

// An error says what players could not be told: a name that is no name of a folder or is there
// twice, no picture and no sound, a timescale of 0, a rung without size, no bit rate.
Status check(const std::vector<Track>& tracks);

inline constexpr char kMaster[] = "master.m3u8";
inline constexpr char kMpd[] = "manifest.mpd";
// Relative to the track's folder.
inline constexpr char kMediaPlaylist[] = "index.m3u8";
inline constexpr char kKeyframePlaylist[] = "iframes.m3u8";
inline constexpr char kInitSegment[] = "init.mp4";
std::string segment_file(TrackKind kind, std::uint64_t number);
// "720p/init.mp4"
std::string path_of(const Track& track, const std::string& file);

// Whether the track has an init segment, whose tracks are in ISO BMFF.
bool has_init(TrackKind kind);
// Whether a segment is listed only when this track has it.
bool holds_up(TrackKind kind);

// Of a file with such a name; `track` is null for files of no track.
std::string content_type(const std::string& name, const Track* track);
// Segments never change, playlists do.
std::string cache_control(const std::string& name);

// Microseconds of a time in a timescale, rounded to the nearest; exact for the difference of any
// two times below 2^53. Times before the origin are 0.
std::uint64_t microseconds(const Track& track, std::uint64_t time);
// "6.006000"
std::string seconds_text(std::uint64_t microseconds);
// "2026-12-01T12:00:00.000Z", of microseconds since 1970.
std::string utc_text(std::int64_t microseconds);

}  // namespace dist::publish
