// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/hls_master.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "gst/base/text.h"
#include "gst/publish/bit_rate.h"
#include "gst/publish/hls_attributes.h"
#include "gst/publish/hls_media.h"

namespace dist::publish {
namespace {

constexpr char kSubtitleGroup[] = "subtitles";

using Listings = std::vector<const TrackListing*>;

// That are played, so not those without any segment; sheets may come later.
Listings of_kind(const Presentation& presentation, TrackKind kind) {
  Listings found;
  for (const TrackListing& listing : presentation.tracks)
    if (listing.track.kind == kind && !listing.dropped_at &&
        (!listing.segments.empty() || !holds_up(kind)))
      found.push_back(&listing);
  return found;
}

// Players take one group, so it has what the same decoder plays.
std::string audio_group(const Track& track) {
  const std::string codec = track.codecs.substr(0, track.codecs.find('.'));
  return track.channels > 0 ? codec + "-" + std::to_string(track.channels) : codec;
}

std::map<std::string, Listings> audio_groups(const Presentation& presentation) {
  std::map<std::string, Listings> groups;
  for (const TrackListing* listing : of_kind(presentation, TrackKind::kAudio))
    groups[audio_group(listing->track)].push_back(listing);
  return groups;
}

bool is_known(const std::string& language) {
  return !language.empty() && language != "und";
}

std::string shown_name(const Track& track) {
  if (!track.name.empty())
    return track.name;
  return is_known(track.language) ? track.language : track.id;
}

const char* characteristics(Role role) {
  switch (role) {
    case Role::kDescription:
      return "public.accessibility.describes-video";
    case Role::kCaption:
      return "public.accessibility.transcribes-spoken-dialog,"
             "public.accessibility.describes-music-and-sound";
    default:
      return nullptr;
  }
}

// The tags of one group. `chosen` is the one that players take by themselves; null: none.
std::string media_tags(const char* type, const std::string& group, const Listings& listings,
                       const TrackListing* chosen) {
  std::string text;
  std::set<std::string> names;
  for (const TrackListing* listing : listings) {
    const Track& track = listing->track;
    // Names of a group differ.
    std::string name = shown_name(track);
    for (unsigned copy = 2; !names.insert(name).second; ++copy)
      name = shown_name(track) + " " + std::to_string(copy);
    HlsAttributes attributes;
    attributes.plain("TYPE", type).quoted("GROUP-ID", group).quoted("NAME", name);
    if (is_known(track.language))
      attributes.quoted("LANGUAGE", track.language);
    attributes.plain("DEFAULT", listing == chosen ? "YES" : "NO");
    const bool automatic =
        listing == chosen || (track.role != Role::kCommentary && track.role != Role::kAlternate);
    attributes.plain("AUTOSELECT", automatic ? "YES" : "NO");
    if (track.role == Role::kForced)
      attributes.plain("FORCED", "YES");
    if (const char* const what = characteristics(track.role))
      attributes.quoted("CHARACTERISTICS", what);
    if (track.channels > 0)
      attributes.quoted("CHANNELS", std::to_string(track.channels));
    attributes.quoted("URI", path_of(track, kMediaPlaylist));
    text += "#EXT-X-MEDIA:" + attributes.text() + "\n";
  }
  return text;
}

const TrackListing* declared_default(const Listings& listings) {
  const auto found = std::ranges::find_if(
      listings, [](const TrackListing* listing) { return listing->track.is_default; });
  return found == listings.end() ? nullptr : *found;
}

BitRate declared(const Listings& together) {
  std::uint64_t sum = 0;
  for (const TrackListing* listing : together)
    sum += listing->track.bandwidth;
  return {sum, sum};
}

// Of a track with each track of a group, whichever a player takes. `first` may be in the group.
BitRate bit_rate(const Presentation& presentation, const TrackListing& first,
                 const Listings& group) {
  BitRate rate;
  const auto take = [&](const Listings& together) {
    const BitRate one =
        presentation.ended ? measure(together, presentation.target_duration) : declared(together);
    rate = {std::max(rate.average, one.average), std::max(rate.peak, one.peak)};
  };
  for (const TrackListing* other : group)
    take(other == &first ? Listings{&first} : Listings{&first, other});
  if (group.empty())
    take({&first});
  return rate;
}

void add_rate(HlsAttributes& attributes, const BitRate& rate) {
  attributes.number("BANDWIDTH", rate.peak).number("AVERAGE-BANDWIDTH", rate.average);
}

void add_picture(HlsAttributes& attributes, const Track& track) {
  attributes.plain("RESOLUTION", format("%ux%u", track.width, track.height));
}

void add_range(HlsAttributes& attributes, const Track& track) {
  if (track.range != VideoRange::kSdr)
    attributes.plain("VIDEO-RANGE", track.range == VideoRange::kPq ? "PQ" : "HLG");
}

// Thousandths, in integers: a decimal comma of the locale must not get in.
std::string rate_text(const Fraction& rate) {
  const std::uint64_t thousandths =
      (std::uint64_t{rate.numerator} * 1000 + rate.denominator / 2) / rate.denominator;
  return format("%" G_GUINT64_FORMAT ".%03u", thousandths / 1000,
                static_cast<unsigned>(thousandths % 1000));
}

// Of a rung with a group of audio, or of audio alone, whose own group it is then.
std::string variant(const Presentation& presentation, const TrackListing& listing,
                    const std::string& group, const Listings& audio, bool subtitles) {
  const Track& track = listing.track;
  HlsAttributes attributes;
  add_rate(attributes, bit_rate(presentation, listing, audio));
  std::vector<std::string> codecs{track.codecs};
  for (const TrackListing* other : audio)
    if (std::ranges::find(codecs, other->track.codecs) == codecs.end())
      codecs.push_back(other->track.codecs);
  std::string list;
  for (const std::string& codec : codecs)
    list += (list.empty() ? "" : ",") + codec;
  attributes.quoted("CODECS", list);
  if (track.kind == TrackKind::kVideo) {
    add_picture(attributes, track);
    if (track.frame_rate.numerator > 0)
      attributes.plain("FRAME-RATE", rate_text(track.frame_rate));
    add_range(attributes, track);
  }
  if (!audio.empty())
    attributes.quoted("AUDIO", group);
  if (subtitles)
    attributes.quoted("SUBTITLES", kSubtitleGroup);
  return "#EXT-X-STREAM-INF:" + attributes.text() + "\n" + path_of(track, kMediaPlaylist) + "\n";
}

std::string keyframe_variant(const Presentation& presentation, const TrackListing& listing) {
  BitRate rate{listing.track.bandwidth, listing.track.bandwidth};
  if (presentation.ended) {
    const TrackListing frames{.track = listing.track, .segments = keyframes(listing)};
    const TrackListing* const only = &frames;
    rate = measure({&only, 1}, presentation.target_duration);
  }
  HlsAttributes attributes;
  add_rate(attributes, rate);
  attributes.quoted("CODECS", listing.track.codecs);
  add_picture(attributes, listing.track);
  add_range(attributes, listing.track);
  attributes.quoted("URI", path_of(listing.track, kKeyframePlaylist));
  return "#EXT-X-I-FRAME-STREAM-INF:" + attributes.text() + "\n";
}

// Roku's tag, which other players ignore.
std::string image_variant(const TrackListing& listing) {
  HlsAttributes attributes;
  attributes.number("BANDWIDTH", listing.track.bandwidth).quoted("CODECS", "jpeg");
  add_picture(attributes, listing.track);
  attributes.quoted("URI", path_of(listing.track, kMediaPlaylist));
  return "#EXT-X-IMAGE-STREAM-INF:" + attributes.text() + "\n";
}

std::string variants(const Presentation& presentation, const Listings& rungs, bool subtitles) {
  std::string text;
  const auto groups = audio_groups(presentation);
  for (const auto& [group, audio] : groups) {
    if (rungs.empty()) {
      const TrackListing* const chosen = declared_default(audio);
      text += variant(presentation, chosen ? *chosen : *audio.front(), group, audio, subtitles);
    }
    for (const TrackListing* rung : rungs)
      text += variant(presentation, *rung, group, audio, subtitles);
  }
  if (groups.empty())
    for (const TrackListing* rung : rungs)
      text += variant(presentation, *rung, "", {}, subtitles);
  return text;
}

}  // namespace

std::string master_playlist(const Presentation& presentation) {
  const Listings rungs = of_kind(presentation, TrackKind::kVideo);
  const Listings subtitles = of_kind(presentation, TrackKind::kSubtitles);
  // Segments of every track can be decoded alone. No tag needs more than version 1.
  std::string text = "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n";
  for (const auto& [group, audio] : audio_groups(presentation)) {
    const TrackListing* const chosen = declared_default(audio);
    text += media_tags("AUDIO", group, audio, chosen ? chosen : audio.front());
  }
  text += media_tags("SUBTITLES", kSubtitleGroup, subtitles, declared_default(subtitles));
  text += variants(presentation, rungs, !subtitles.empty());
  for (const TrackListing* rung : rungs)
    if (has_keyframe_playlist(presentation, *rung))
      text += keyframe_variant(presentation, *rung);
  for (const TrackListing* sheets : of_kind(presentation, TrackKind::kThumbnails))
    text += image_variant(*sheets);
  return text;
}

}  // namespace dist::publish
