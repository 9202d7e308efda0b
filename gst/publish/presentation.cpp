// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/presentation.h"

#include <algorithm>
#include <memory>
#include <set>

#include "gst/base/text.h"

namespace dist::publish {
namespace {

constexpr std::uint64_t kMicrosecond = 1'000'000;

bool is_folder_name(const std::string& id) {
  const auto allowed = [](char c) {
    return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  };
  return !id.empty() && g_ascii_isalnum(id.front()) && std::ranges::all_of(id, allowed);
}

// What is wrong with it; empty: nothing.
std::string fault_of(const Track& track) {
  if (track.timescale == 0)
    return "a timescale of 0";
  if (track.bandwidth == 0)
    return "no bit rate is declared";
  const bool pictures = track.kind == TrackKind::kVideo || track.kind == TrackKind::kThumbnails;
  if (pictures && (track.width == 0 || track.height == 0))
    return "no size of pictures";
  if (track.kind == TrackKind::kVideo && track.frame_rate.denominator == 0)
    return "a frame rate with denominator 0";
  if (track.kind == TrackKind::kThumbnails &&
      (track.columns == 0 || track.rows == 0 || track.sheet_duration == 0))
    return "sheets without tiles or duration";
  return "";
}

}  // namespace

Status check(const std::vector<Track>& tracks) {
  std::set<std::string> ids;
  for (const Track& track : tracks) {
    const std::string subject = "track '" + printable(track.id) + "': ";
    if (!is_folder_name(track.id))
      return Error{subject + "a name has only letters, digits, '.', '-' and '_'"};
    if (!ids.insert(track.id).second)
      return Error{subject + "the name is there twice"};
    if (const std::string fault = fault_of(track); !fault.empty())
      return Error{subject + fault};
  }
  if (std::ranges::none_of(tracks, [](const Track& track) {
        return track.kind == TrackKind::kVideo || track.kind == TrackKind::kAudio;
      }))
    return Error{"publication: no picture and no sound"};
  return {};
}

std::string segment_file(TrackKind kind, std::uint64_t number) {
  const char* const extension = kind == TrackKind::kSubtitles    ? ".vtt"
                                : kind == TrackKind::kThumbnails ? ".jpg"
                                                                 : ".mp4";
  return format("%08" G_GUINT64_FORMAT "%s", number, extension);
}

std::string path_of(const Track& track, const std::string& file) {
  return track.id + "/" + file;
}

bool has_init(TrackKind kind) {
  return kind == TrackKind::kVideo || kind == TrackKind::kAudio;
}

bool holds_up(TrackKind kind) {
  return kind != TrackKind::kThumbnails;
}

std::string content_type(const std::string& name, const Track* track) {
  if (name.ends_with(".m3u8"))
    return "application/vnd.apple.mpegurl";
  if (name.ends_with(".mpd"))
    return "application/dash+xml";
  if (name.ends_with(".vtt"))
    return "text/vtt";
  if (name.ends_with(".jpg"))
    return "image/jpeg";
  return track && track->kind == TrackKind::kAudio ? "audio/mp4" : "video/mp4";
}

std::string cache_control(const std::string& name) {
  const bool playlist = name.ends_with(".m3u8") || name.ends_with(".mpd");
  return playlist ? "no-cache" : "public, max-age=31536000, immutable";
}

std::uint64_t microseconds(const Track& track, std::uint64_t time) {
  const std::uint64_t since = time > track.origin ? time - track.origin : 0;
  const std::uint64_t rest = since % track.timescale;
  return since / track.timescale * kMicrosecond +
         (rest * kMicrosecond + track.timescale / 2) / track.timescale;
}

std::string seconds_text(std::uint64_t microseconds) {
  return format("%" G_GUINT64_FORMAT ".%06u", microseconds / kMicrosecond,
                static_cast<unsigned>(microseconds % kMicrosecond));
}

std::string utc_text(std::int64_t microseconds) {
  struct FreeTime {
    void operator()(GDateTime* time) const { g_date_time_unref(time); }
  };
  const std::int64_t milliseconds = microseconds / 1000;
  const std::unique_ptr<GDateTime, FreeTime> time(
      g_date_time_new_from_unix_utc(milliseconds / 1000));
  if (!time)
    return "1970-01-01T00:00:00.000Z";
  return take_string(g_date_time_format(time.get(), "%Y-%m-%dT%H:%M:%S")) +
         format(".%03uZ", static_cast<unsigned>(milliseconds % 1000));
}

}  // namespace dist::publish
