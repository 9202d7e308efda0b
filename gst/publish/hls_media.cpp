// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/hls_media.h"

#include <algorithm>
#include <charconv>

#include "gst/base/text.h"
#include "gst/publish/bit_rate.h"
#include "gst/publish/hls_attributes.h"

namespace dist::publish {
namespace {

// What needs a version: decimal durations; EXT-X-MAP, with and without I-FRAMES-ONLY; EXT-X-GAP.
constexpr unsigned kWithDecimals = 3;
constexpr unsigned kWithMapOfKeyframes = 5;
constexpr unsigned kWithMap = 6;
constexpr unsigned kWithGaps = 8;

constexpr char kSequence[] = "#EXT-X-MEDIA-SEQUENCE:";
constexpr char kEntry[] = "#EXTINF:";

std::string tag(const char* name, std::uint64_t value) {
  return std::string(name) + std::to_string(value) + "\n";
}

// Of an entry: the difference of two rounded times, so errors do not add up.
std::string entry(const Track& track, const MediaSegment& segment) {
  return kEntry +
         seconds_text(microseconds(track, segment.end()) - microseconds(track, segment.start)) +
         ",\n";
}

std::string key_tag(const Key& key) {
  HlsAttributes attributes;
  switch (key.method) {
    case Key::Method::kNone:
      return "#EXT-X-KEY:METHOD=NONE\n";
    case Key::Method::kAes128:
      attributes.plain("METHOD", "AES-128");
      break;
    case Key::Method::kSampleAes:
      attributes.plain("METHOD", "SAMPLE-AES");
      break;
  }
  attributes.quoted("URI", key.uri);
  if (!key.iv.empty())
    attributes.plain("IV", key.iv);
  if (!key.format.empty())
    attributes.quoted("KEYFORMAT", key.format);
  if (!key.format_versions.empty())
    attributes.quoted("KEYFORMATVERSIONS", key.format_versions);
  return "#EXT-X-KEY:" + attributes.text() + "\n";
}

// Of the segments of one playlist, which come in order.
class KeyTags {
 public:
  explicit KeyTags(const std::vector<KeyStart>& keys) : keys_(keys) {}

  // The tag that has to stand before that segment; empty if none has to.
  std::string before(std::uint64_t number) {
    const Key* key = current_;
    for (; next_ < keys_.size() && keys_[next_].number <= number; ++next_)
      key = &keys_[next_].key;
    if (key == current_ || (current_ && *key == *current_))
      return "";
    const bool needless = !current_ && key->method == Key::Method::kNone;
    current_ = key;
    return needless ? "" : key_tag(*key);
  }

 private:
  const std::vector<KeyStart>& keys_;
  std::size_t next_ = 0;
  const Key* current_ = nullptr;
};

std::string head(const Presentation& presentation, unsigned version, unsigned target,
                 std::uint64_t sequence) {
  const Settings& settings = presentation.settings;
  std::string text = "#EXTM3U\n" + tag("#EXT-X-VERSION:", version) +
                     tag("#EXT-X-TARGETDURATION:", target) + tag(kSequence, sequence);
  if (settings.window == 0)
    text += std::string("#EXT-X-PLAYLIST-TYPE:") + (presentation.ended ? "VOD" : "EVENT") + "\n";
  // hls.js and others begin a growing list at its end otherwise. Shaka takes 0 for no offset.
  if (!settings.live && !presentation.ended)
    text += "#EXT-X-START:TIME-OFFSET=0.001\n";
  return text;
}

unsigned version_of(const TrackListing& listing) {
  if (std::ranges::any_of(listing.segments, &MediaSegment::gap))
    return kWithGaps;
  return has_init(listing.track.kind) ? kWithMap : kWithDecimals;
}

std::string map_tag(const Track& track) {
  return has_init(track.kind) ? std::string("#EXT-X-MAP:URI=\"") + kInitSegment + "\"\n" : "";
}

std::string end_tag(bool ended) {
  return ended ? "#EXT-X-ENDLIST\n" : "";
}

std::uint64_t sequence_of(const Presentation& presentation, const TrackListing& listing) {
  if (!listing.segments.empty())
    return listing.segments.front().number;
  return holds_up(listing.track.kind) ? presentation.settings.first_number : 0;
}

// Of sheets, which last as long as they like.
unsigned sheet_target(const TrackListing& listing) {
  const std::uint64_t second = 1'000'000;
  std::uint64_t longest = listing.track.sheet_duration;
  for (const MediaSegment& sheet : listing.segments)
    longest = std::max(longest, sheet.duration);
  const std::uint64_t time = microseconds(listing.track, listing.track.origin + longest);
  return static_cast<unsigned>((time + second - 1) / second);
}

std::string tiles_tag(const Track& track) {
  const std::uint64_t places = std::uint64_t{track.columns} * track.rows;
  const std::uint64_t sheet = microseconds(track, track.origin + track.sheet_duration);
  return format("#EXT-X-TILES:RESOLUTION=%ux%u,LAYOUT=%ux%u,DURATION=", track.width, track.height,
                track.columns, track.rows) +
         seconds_text(sheet / places) + "\n";
}

}  // namespace

std::string media_playlist(const Presentation& presentation, const TrackListing& listing) {
  const Track& track = listing.track;
  const Settings& settings = presentation.settings;
  const bool sheets = track.kind == TrackKind::kThumbnails;
  std::string text = head(presentation, version_of(listing),
                          sheets ? sheet_target(listing) : presentation.target_duration,
                          sequence_of(presentation, listing));
  text += sheets ? "#EXT-X-IMAGES-ONLY\n" : map_tag(track);
  KeyTags keys(presentation.keys);
  for (const MediaSegment& segment : listing.segments) {
    if (has_init(track.kind))
      text += keys.before(segment.number);
    if (settings.live)
      text += "#EXT-X-PROGRAM-DATE-TIME:" +
              utc_text(settings.start_time +
                       static_cast<std::int64_t>(microseconds(track, segment.start))) +
              "\n";
    if (segment.gap)
      text += "#EXT-X-GAP\n";
    text += entry(track, segment);
    if (sheets)
      text += tiles_tag(track);
    text += segment_file(track.kind, segment.number) + "\n";
  }
  return text + end_tag(presentation.ended);
}

std::string keyframe_playlist(const Presentation& presentation, const TrackListing& listing) {
  const Track& track = listing.track;
  std::string text =
      head(presentation, kWithMapOfKeyframes, presentation.target_duration, listing.keyframes_gone);
  text += "#EXT-X-I-FRAMES-ONLY\n" + map_tag(track);
  KeyTags keys(presentation.keys);
  for (const MediaSegment& frame : keyframes(listing)) {
    text += keys.before(frame.number) + entry(track, frame) +
            format("#EXT-X-BYTERANGE:%" G_GUINT64_FORMAT "@%" G_GUINT64_FORMAT "\n", frame.bytes,
                   frame.fragments.front().offset) +
            segment_file(track.kind, frame.number) + "\n";
  }
  return text + end_tag(presentation.ended || listing.dropped_at.has_value());
}

bool has_keyframe_playlist(const Presentation& presentation, const TrackListing& listing) {
  return listing.track.kind == TrackKind::kVideo &&
         std::ranges::none_of(presentation.keys, [](const KeyStart& start) {
           return start.key.method == Key::Method::kAes128;
         });
}

std::optional<std::uint64_t> listed_until(std::string_view media_playlist) {
  std::optional<std::uint64_t> number;
  std::uint64_t entries = 0;
  while (!media_playlist.empty()) {
    const std::string_view line = media_playlist.substr(0, media_playlist.find('\n'));
    media_playlist.remove_prefix(std::min(line.size() + 1, media_playlist.size()));
    if (line.starts_with(kEntry))
      ++entries;
    if (!line.starts_with(kSequence))
      continue;
    const std::string_view digits = line.substr(std::string_view(kSequence).size());
    std::uint64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || number)
      return std::nullopt;
    number = value;
  }
  if (!number)
    return std::nullopt;
  return *number + entries;
}

}  // namespace dist::publish
