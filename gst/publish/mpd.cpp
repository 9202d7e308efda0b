// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/mpd.h"

#include <algorithm>
#include <tuple>

#include "gst/base/text.h"
#include "gst/publish/bit_rate.h"
#include "gst/publish/xml_writer.h"

namespace dist::publish {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

using Listings = std::vector<const TrackListing*>;

// ISO 8601, without zeros at the end.
std::string duration_text(std::uint64_t microseconds) {
  std::string seconds = seconds_text(microseconds);
  seconds.erase(seconds.find_last_not_of('0') + 1);
  if (seconds.ends_with('.'))
    seconds.pop_back();
  return "PT" + seconds + "S";
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

// Empty for 0, which leaves the attribute out.
std::string number_unless_0(std::uint64_t value) {
  return value == 0 ? "" : number(value);
}

std::string fraction_text(const Fraction& fraction) {
  if (fraction.numerator == 0)
    return "";
  return fraction.denominator == 1
             ? number(fraction.numerator)
             : number(fraction.numerator) + "/" + number(fraction.denominator);
}

// A time of the presentation, in the track's timescale.
std::uint64_t in_timescale(const Track& track, std::uint64_t microseconds) {
  return track.origin + microseconds / kSecond * track.timescale +
         (microseconds % kSecond * track.timescale + kSecond / 2) / kSecond;
}

const char* content_of(TrackKind kind) {
  switch (kind) {
    case TrackKind::kVideo:
      return "video";
    case TrackKind::kAudio:
      return "audio";
    case TrackKind::kSubtitles:
      return "text";
    case TrackKind::kThumbnails:
      break;
  }
  return "image";
}

const char* role_text(Role role) {
  switch (role) {
    case Role::kAlternate:
      return "alternate";
    case Role::kCommentary:
      return "commentary";
    case Role::kDub:
      return "dub";
    case Role::kDescription:
      return "description";
    case Role::kSubtitle:
      return "subtitle";
    case Role::kCaption:
      return "caption";
    case Role::kForced:
      return "forced-subtitle";
    case Role::kMain:
      break;
  }
  return "main";
}

// Tracks of one set are versions of one thing, among which players switch as they go.
auto set_of(const Track& track) {
  const std::string codec = track.codecs.substr(0, track.codecs.find('.'));
  const bool alone = track.kind == TrackKind::kSubtitles || track.kind == TrackKind::kThumbnails;
  return std::tuple(track.kind, codec, track.range, track.language, track.role, track.name,
                    track.channels, alone ? track.id : "");
}

std::vector<Listings> adaptation_sets(const Listings& listings) {
  std::vector<Listings> sets;
  for (const TrackListing* listing : listings) {
    const auto same = std::ranges::find_if(sets, [&](const Listings& set) {
      return set_of(set.front()->track) == set_of(listing->track);
    });
    if (same == sets.end())
      sets.push_back({listing});
    else
      same->push_back(listing);
  }
  return sets;
}

// A period, and where the next one begins; 0: nowhere.
struct PeriodSpan {
  const Period& period;
  bool first = false;
  std::uint64_t next_number = 0;

  bool has(const MediaSegment& segment) const {
    return segment.number >= period.number && (next_number == 0 || segment.number < next_number);
  }
  // Whether the track has segments in it.
  bool has(const TrackListing& listing) const {
    if (listing.track.kind == TrackKind::kThumbnails)
      return first;
    return (!listing.dropped_at || *listing.dropped_at > period.number) &&
           std::ranges::any_of(listing.segments,
                               [this](const MediaSegment& segment) { return has(segment); });
  }
};

class MpdWriter {
 public:
  MpdWriter(const Presentation& presentation, std::int64_t now)
      : presentation_(presentation), settings_(presentation.settings), now_(now) {}

  std::string write() {
    open_mpd();
    const std::vector<Period>& periods = presentation_.periods;
    for (std::size_t i = 0; i < periods.size(); ++i)
      write_period({.period = periods[i],
                    .first = i == 0 && periods[i].start == 0,
                    .next_number = i + 1 < periods.size() ? periods[i + 1].number : 0});
    // The server's clock by its answer, else that of the writer, which is a little behind.
    if (!presentation_.ended) {
      xml_.empty("UTCTiming",
                 {{"schemeIdUri", "urn:mpeg:dash:utc:http-head:2014"}, {"value", kMpd}});
      xml_.empty("UTCTiming",
                 {{"schemeIdUri", "urn:mpeg:dash:utc:direct:2014"}, {"value", utc_text(now_)}});
    }
    xml_.close();
    return xml_.take();
  }

 private:
  // Of the longest track, in microseconds.
  std::uint64_t end_of_all() const {
    std::uint64_t end = 0;
    for (const TrackListing& listing : presentation_.tracks)
      if (has_init(listing.track.kind) && !listing.segments.empty())
        end = std::max(end, microseconds(listing.track, listing.segments.back().end()));
    return end;
  }

  void open_mpd() {
    const std::uint64_t longest = presentation_.target_duration * kSecond + kSecond / 2;
    XmlWriter::Attributes attributes{
        {"xmlns", "urn:mpeg:dash:schema:mpd:2011"},
        {"profiles", "urn:mpeg:dash:profile:isoff-live:2011"},
        {"type", presentation_.ended ? "static" : "dynamic"},
        {"minBufferTime", duration_text(settings_.segment_duration * kSecond)},
        {"maxSegmentDuration", duration_text(longest)},
    };
    if (presentation_.ended) {
      attributes.emplace_back("mediaPresentationDuration", duration_text(end_of_all()));
    } else {
      attributes.emplace_back("availabilityStartTime", utc_text(settings_.start_time));
      attributes.emplace_back("publishTime", utc_text(now_));
      attributes.emplace_back("minimumUpdatePeriod",
                              duration_text(settings_.segment_duration * kSecond / 2));
      if (settings_.presentation_delay > 0)
        attributes.emplace_back("suggestedPresentationDelay",
                                duration_text(settings_.presentation_delay));
      if (settings_.window > 0)
        attributes.emplace_back(
            "timeShiftBufferDepth",
            duration_text(settings_.window * settings_.segment_duration * kSecond));
    }
    xml_.open("MPD", attributes);
  }

  void write_period(const PeriodSpan& span) {
    const bool last = span.next_number == 0;
    xml_.open("Period", {{"id", number(span.period.number)},
                         {"start", duration_text(span.period.start)},
                         {"duration", presentation_.ended && last
                                          ? duration_text(end_of_all() - span.period.start)
                                          : ""}});
    Listings listings;
    for (const TrackListing& listing : presentation_.tracks)
      if (span.has(listing))
        listings.push_back(&listing);
    for (const Listings& set : adaptation_sets(listings))
      write_set(span, set);
    xml_.close();
  }

  void write_set(const PeriodSpan& span, const Listings& set) {
    const Track& track = set.front()->track;
    const bool known = !track.language.empty() && track.language != "und";
    xml_.open("AdaptationSet", {{"id", number(set_id(track))},
                                {"contentType", content_of(track.kind)},
                                {"lang", known ? track.language : ""},
                                {"mimeType", content_type(segment_file(track.kind, 0), &track)},
                                {"segmentAlignment", has_init(track.kind) ? "true" : ""},
                                {"startWithSAP", has_init(track.kind) ? "1" : ""}});
    if (track.channels > 0)
      xml_.empty("AudioChannelConfiguration",
                 {{"schemeIdUri", "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"},
                  {"value", number(track.channels)}});
    write_protection(track);
    write_properties(track);
    if (!track.name.empty())
      xml_.text("Label", {}, track.name);
    write_role(track);
    for (const TrackListing* listing : set)
      write_representation(span, *listing);
    xml_.close();
  }

  // The same in all periods, whatever was dropped.
  std::size_t set_id(const Track& track) const {
    Listings all;
    for (const TrackListing& listing : presentation_.tracks)
      all.push_back(&listing);
    const std::vector<Listings> sets = adaptation_sets(all);
    const auto found = std::ranges::find_if(
        sets, [&](const Listings& set) { return set_of(set.front()->track) == set_of(track); });
    return static_cast<std::size_t>(found - sets.begin());
  }

  void write_protection(const Track& track) {
    for (const ContentProtection& protection : track.protection) {
      const XmlWriter::Attributes attributes{{"schemeIdUri", protection.scheme},
                                             {"value", protection.value},
                                             {"xmlns:cenc", "urn:mpeg:cenc:2013"},
                                             {"cenc:default_KID", protection.key_id}};
      if (protection.pssh.empty()) {
        xml_.empty("ContentProtection", attributes);
        continue;
      }
      xml_.open("ContentProtection", attributes);
      xml_.text("cenc:pssh", {}, protection.pssh);
      xml_.close();
    }
  }

  // Code points of ISO/IEC 23091-2.
  void write_properties(const Track& track) {
    if (track.kind == TrackKind::kThumbnails)
      xml_.empty("EssentialProperty",
                 {{"schemeIdUri", "http://dashif.org/guidelines/thumbnail_tile"},
                  {"value", format("%ux%u", track.columns, track.rows)}});
    if (track.kind != TrackKind::kVideo || track.range == VideoRange::kSdr)
      return;
    const std::pair<const char*, const char*> properties[] = {
        {"urn:mpeg:mpegB:cicp:ColourPrimaries", "9"},
        {"urn:mpeg:mpegB:cicp:TransferCharacteristics",
         track.range == VideoRange::kPq ? "16" : "18"},
        {"urn:mpeg:mpegB:cicp:MatrixCoefficients", "9"},
    };
    for (const auto& [scheme, value] : properties)
      xml_.empty("SupplementalProperty", {{"schemeIdUri", scheme}, {"value", value}});
  }

  void write_role(const Track& track) {
    if (track.kind == TrackKind::kThumbnails)
      return;
    if (track.role == Role::kDescription || track.role == Role::kCaption)
      xml_.empty("Accessibility", {{"schemeIdUri", "urn:tva:metadata:cs:AudioPurposeCS:2007"},
                                   {"value", track.role == Role::kDescription ? "1" : "2"}});
    xml_.empty("Role",
               {{"schemeIdUri", "urn:mpeg:dash:role:2011"}, {"value", role_text(track.role)}});
  }

  std::uint64_t bandwidth_of(const TrackListing& listing) const {
    if (!presentation_.ended || listing.track.kind == TrackKind::kThumbnails)
      return listing.track.bandwidth;
    const TrackListing* const only = &listing;
    return measure({&only, 1}, presentation_.target_duration).peak;
  }

  void write_representation(const PeriodSpan& span, const TrackListing& listing) {
    const Track& track = listing.track;
    // Of thumbnails the size of a sheet.
    xml_.open("Representation",
              {{"id", track.id},
               {"bandwidth", number(bandwidth_of(listing))},
               {"codecs", has_init(track.kind) ? track.codecs : ""},
               {"width", number_unless_0(std::uint64_t{track.width} * track.columns)},
               {"height", number_unless_0(std::uint64_t{track.height} * track.rows)},
               {"frameRate", fraction_text(track.frame_rate)},
               {"audioSamplingRate", number_unless_0(track.sample_rate)}});
    write_template(span, listing);
    xml_.close();
  }

  void write_template(const PeriodSpan& span, const TrackListing& listing) {
    const Track& track = listing.track;
    const bool sheets = track.kind == TrackKind::kThumbnails;
    const auto first = std::ranges::find_if(
        listing.segments, [&](const MediaSegment& segment) { return span.has(segment); });
    const std::string name = segment_file(track.kind, 0);
    const XmlWriter::Attributes attributes{
        {"timescale", number(track.timescale)},
        {"presentationTimeOffset", number_unless_0(in_timescale(track, span.period.start))},
        {"media", "$RepresentationID$/$Number%08d$" + name.substr(name.rfind('.'))},
        {"initialization",
         has_init(track.kind) ? std::string("$RepresentationID$/") + kInitSegment : ""},
        {"startNumber", number(sheets ? 0 : first->number)},
        {"duration", sheets ? number(track.sheet_duration) : ""}};
    // Sheets are declared before there is one, and a timeline is never empty.
    if (sheets) {
      xml_.empty("SegmentTemplate", attributes);
      return;
    }
    xml_.open("SegmentTemplate", attributes);
    xml_.open("SegmentTimeline", {});
    write_timeline(span, listing);
    xml_.close();
    xml_.close();
  }

  void write_timeline(const PeriodSpan& span, const TrackListing& listing) {
    const std::vector<MediaSegment>& segments = listing.segments;
    std::uint64_t end = 0;
    bool first = true;
    for (std::size_t i = 0; i < segments.size();) {
      const MediaSegment& segment = segments[i];
      if (!span.has(segment)) {
        ++i;
        continue;
      }
      const std::string time = first || segment.start != end ? number(segment.start) : "";
      std::uint64_t repeats = 0;
      for (end = segment.end(), ++i;
           i < segments.size() && span.has(segments[i]) && segments[i].start == end &&
           segments[i].duration == segment.duration;
           ++i, ++repeats)
        end = segments[i].end();
      xml_.empty("S",
                 {{"t", time}, {"d", number(segment.duration)}, {"r", number_unless_0(repeats)}});
      first = false;
    }
  }

  const Presentation& presentation_;
  const Settings& settings_;
  const std::int64_t now_;
  XmlWriter xml_;
};

}  // namespace

std::string mpd(const Presentation& presentation, std::int64_t now) {
  return MpdWriter(presentation, now).write();
}

}  // namespace dist::publish
