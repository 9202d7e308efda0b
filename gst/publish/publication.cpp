// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/publication.h"

#include <algorithm>

#include "gst/base/text.h"
#include "gst/publish/hls_master.h"
#include "gst/publish/hls_media.h"
#include "gst/publish/mpd.h"

namespace dist::publish {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
// Players read times of an MPD into floating point.
constexpr std::uint64_t kLatest = std::uint64_t{1} << 53;

bool is_same(const MediaSegment& a, const MediaSegment& b) {
  return a.start == b.start && a.duration == b.duration && a.bytes == b.bytes;
}

std::string subject(const Track& track, std::uint64_t number) {
  return track.id + ": segment " + std::to_string(number) + ": ";
}

// What is wrong with it by itself; empty: nothing.
std::string fault_of(const Track& track, const MediaSegment& segment) {
  if (segment.duration == 0)
    return "has no duration";
  if (segment.start < track.origin)
    return "begins before the presentation";
  if (segment.start >= kLatest || segment.duration >= kLatest)
    return "its time is too large";
  std::uint64_t time = segment.start;
  std::uint64_t offset = 0;
  for (const Fragment& fragment : segment.fragments) {
    if (fragment.start < time || fragment.start >= segment.end() || fragment.offset < offset ||
        fragment.offset > segment.bytes ||
        fragment.keyframe_bytes > segment.bytes - fragment.offset)
      return "its keyframes are not in order, or not inside";
    time = fragment.start + 1;
    offset = fragment.offset + fragment.keyframe_bytes;
  }
  return "";
}

}  // namespace

Result<Publication> Publication::create(const Settings& settings, std::vector<Track> tracks) {
  if (settings.segment_duration == 0)
    return Error{"publication: a segment duration of 0"};
  if (const Status status = check(tracks); !status)
    return Error{status.error()};
  return Publication(settings, std::move(tracks));
}

Publication::Publication(const Settings& settings, std::vector<Track> tracks)
    : next_number_(settings.first_number) {
  presentation_.settings = settings;
  presentation_.target_duration = settings.segment_duration;
  states_.resize(tracks.size());
  for (Track& track : tracks)
    presentation_.tracks.push_back({.track = std::move(track)});
}

Status Publication::init_stored(std::size_t track, const std::string& codecs) {
  Track& declared = presentation_.tracks.at(track).track;
  if (codecs.empty())
    return Error{declared.id + ": no codec is named"};
  if (states_[track].init && declared.codecs != codecs)
    return Error{declared.id + ": the codec was '" + declared.codecs + "' and is '" +
                 printable(codecs) + "'"};
  states_[track].init = true;
  declared.codecs = codecs;
  return {};
}

Status Publication::stored(std::size_t track, const MediaSegment& segment) {
  const TrackListing& listing = presentation_.tracks.at(track);
  State& state = states_[track];
  if (const std::string fault = fault_of(listing.track, segment); !fault.empty())
    return Error{subject(listing.track, segment.number) + fault};
  const bool numbered_by_picture = holds_up(listing.track.kind);
  if (numbered_by_picture && segment.number < presentation_.settings.first_number)
    return Error{subject(listing.track, segment.number) + "numbers begin with " +
                 std::to_string(presentation_.settings.first_number)};
  if (state.ended)
    return {};
  const auto listed = std::ranges::find(listing.segments, segment.number, &MediaSegment::number);
  const auto waiting = state.waiting.find(segment.number);
  const MediaSegment* const known = listed != listing.segments.end() ? &*listed
                                    : waiting != state.waiting.end() ? &waiting->second
                                                                     : nullptr;
  if (known && !is_same(*known, segment))
    return Error{subject(listing.track, segment.number) + "is there already, and is another one"};
  // One that the window has left behind is not listed any more.
  const bool gone = !listing.segments.empty() && segment.number < listing.segments.front().number;
  if (!known && !gone)
    state.waiting.emplace(segment.number, segment);
  return {};
}

Status Publication::set_key(std::uint64_t number, const Key& key) {
  std::vector<KeyStart>& keys = presentation_.keys;
  if (key.method == Key::Method::kAes128 && presentation_.settings.dash)
    return Error{"key: DASH has no form for AES-128 of whole segments"};
  if (number < next_number_ || (!keys.empty() && number <= keys.back().number))
    return Error{"key of segment " + std::to_string(number) + ": segments behind it are listed, " +
                 "or have a key"};
  keys.push_back({number, key});
  return {};
}

Status Publication::drop(std::size_t track) {
  TrackListing& listing = presentation_.tracks.at(track);
  const bool last = std::ranges::none_of(presentation_.tracks, [&](const TrackListing& other) {
    return &other != &listing && other.track.kind == listing.track.kind && !other.dropped_at;
  });
  if (listing.track.kind != TrackKind::kVideo || last)
    return Error{listing.track.id + ": nothing could take its place"};
  if (listing.dropped_at)
    return {};
  State& state = states_[track];
  std::uint64_t number = next_number_;
  while (state.init && state.waiting.contains(number))
    ++number;
  state.waiting.erase(state.waiting.lower_bound(number), state.waiting.end());
  state.ended = true;
  listing.dropped_at = number;
  master_changed_ = true;
  changed_ = true;
  return {};
}

void Publication::end(std::size_t track) {
  states_.at(track).ended = true;
}

void Publication::end_now() {
  while (can_list())
    list_segment();
  list_sheets();
  for (State& state : states_) {
    state.ended = true;
    state.waiting.clear();
  }
  // What an earlier run has listed would be lost.
  if (next_number_ < presentation_.settings.hold_until)
    finished_ = true;
}

// The codecs of all are known, which the master names.
bool Publication::is_ready() const {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (has_init(presentation_.tracks[i].track.kind) && !states_[i].init && !is_over(i))
      return false;
  }
  return true;
}

// It has nothing for the next segment, and never will.
bool Publication::is_over(std::size_t track) const {
  const auto& dropped = presentation_.tracks[track].dropped_at;
  return (dropped && *dropped <= next_number_) ||
         (states_[track].ended && states_[track].waiting.empty());
}

bool Publication::can_list() const {
  if (!is_ready())
    return false;
  bool some = false;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (!holds_up(presentation_.tracks[i].track.kind) || is_over(i))
      continue;
    if (!states_[i].waiting.contains(next_number_))
      return false;
    some = true;
  }
  return some;
}

// The first track with the segment that was listed last: a rung if there is one.
const TrackListing& Publication::clock() const {
  const TrackListing* found = nullptr;
  for (const TrackListing& listing : presentation_.tracks) {
    const bool has = !listing.segments.empty() && !listing.segments.back().gap &&
                     listing.segments.back().number == next_number_;
    const bool better = !found || (found->track.kind != TrackKind::kVideo &&
                                   listing.track.kind == TrackKind::kVideo);
    if (has && better && holds_up(listing.track.kind))
      found = &listing;
  }
  return *found;
}

void Publication::raise_target(const TrackListing& listing) {
  const MediaSegment& segment = listing.segments.back();
  const std::uint64_t duration =
      microseconds(listing.track, segment.end()) - microseconds(listing.track, segment.start);
  presentation_.target_duration = std::max(
      presentation_.target_duration, static_cast<unsigned>((duration + kSecond / 2) / kSecond));
}

void Publication::list_segment() {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    TrackListing& listing = presentation_.tracks[i];
    if (!holds_up(listing.track.kind))
      continue;
    if (auto node = states_[i].waiting.extract(next_number_)) {
      listing.segments.push_back(std::move(node.mapped()));
      raise_target(listing);
    }
  }
  const TrackListing& clock = this->clock();
  const MediaSegment& segment = clock.segments.back();
  bool begins = presentation_.periods.empty();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto& dropped = presentation_.tracks[i].dropped_at;
    if (dropped && *dropped <= next_number_)
      add_gap(i, clock);
    begins = begins || dropped == next_number_;
  }
  if (begins)
    presentation_.periods.push_back({next_number_, presentation_.periods.empty()
                                                       ? 0
                                                       : microseconds(clock.track, segment.start)});
  ++next_number_;
  changed_ = true;
}

// A rung without any segment is in no playlist at all.
void Publication::add_gap(std::size_t track, const TrackListing& clock) {
  TrackListing& listing = presentation_.tracks[track];
  if (listing.segments.empty())
    return;
  const auto scaled = [&](std::uint64_t time) {
    const std::uint64_t since = microseconds(clock.track, time);
    return listing.track.origin + since / kSecond * listing.track.timescale +
           since % kSecond * listing.track.timescale / kSecond;
  };
  const std::uint64_t start = listing.segments.back().end();
  const std::uint64_t end = std::max(start + 1, scaled(clock.segments.back().end()));
  listing.segments.push_back(
      {.number = next_number_, .start = start, .duration = end - start, .gap = true});
}

void Publication::list_sheets() {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    TrackListing& listing = presentation_.tracks[i];
    if (holds_up(listing.track.kind))
      continue;
    std::map<std::uint64_t, MediaSegment>& waiting = states_[i].waiting;
    std::uint64_t number = listing.segments.empty() ? 0 : listing.segments.back().number + 1;
    for (auto node = waiting.extract(number); node; node = waiting.extract(++number)) {
      listing.segments.push_back(std::move(node.mapped()));
      changed_ = true;
    }
  }
}

// Of tracks that are over, all that they have is listed.
Status Publication::check_end() const {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const std::map<std::uint64_t, MediaSegment>& waiting = states_[i].waiting;
    if (states_[i].ended && !waiting.empty() && !waiting.contains(next_number_) &&
        holds_up(presentation_.tracks[i].track.kind))
      return Error{subject(presentation_.tracks[i].track, next_number_) +
                   "is missing, and later ones are there"};
  }
  return {};
}

// Takes what is older than the window out of the lists.
void Publication::shorten(std::int64_t now) {
  const std::size_t window = presentation_.settings.window;
  if (window == 0 || next_number_ - presentation_.settings.first_number <= window)
    return;
  const std::uint64_t first = next_number_ - window;
  std::uint64_t begin = UINT64_MAX;  // Of the window, in microseconds.
  for (TrackListing& listing : presentation_.tracks) {
    const Track& track = listing.track;
    std::uint64_t length = 0;
    for (const MediaSegment& segment : listing.segments)
      length += segment.duration;
    const auto due =
        now + static_cast<std::int64_t>(microseconds(track, track.origin + 2 * length));
    const auto is_old = [&](const MediaSegment& segment) {
      return holds_up(track.kind) ? segment.number < first
                                  : microseconds(track, segment.end()) <= begin;
    };
    // A list that has nothing else would be invalid.
    while (listing.segments.size() > 1 && is_old(listing.segments.front())) {
      const MediaSegment& old = listing.segments.front();
      if (!old.gap)
        removals_.push_back({due, path_of(track, segment_file(track.kind, old.number))});
      listing.keyframes_gone += old.fragments.size();
      listing.segments.erase(listing.segments.begin());
    }
    if (holds_up(track.kind) && !listing.segments.empty())
      begin = std::min(begin, microseconds(track, listing.segments.front().start));
  }
  std::vector<Period>& periods = presentation_.periods;
  while (periods.size() > 1 && periods[1].number <= first)
    periods.erase(periods.begin());
}

void Publication::write_playlists(std::int64_t now, NextStep& step) {
  const Settings& settings = presentation_.settings;
  const auto write = [&](bool rungs) {
    for (const TrackListing& listing : presentation_.tracks) {
      if ((listing.track.kind == TrackKind::kVideo) != rungs ||
          (listing.segments.empty() && holds_up(listing.track.kind)))
        continue;
      step.writes.push_back(
          {path_of(listing.track, kMediaPlaylist), media_playlist(presentation_, listing)});
      if (has_keyframe_playlist(presentation_, listing))
        step.writes.push_back(
            {path_of(listing.track, kKeyframePlaylist), keyframe_playlist(presentation_, listing)});
    }
  };
  if (settings.hls) {
    write(false);
    write(true);
    if (master_changed_)
      step.writes.push_back({kMaster, master_playlist(presentation_)});
  }
  if (settings.dash)
    step.writes.push_back({kMpd, mpd(presentation_, now)});
  master_changed_ = false;
  changed_ = false;
}

void Publication::take_removals(std::int64_t now, NextStep& step) {
  std::ranges::stable_sort(removals_, {}, &Removal::due);
  while (!removals_.empty() && removals_.front().due <= now) {
    step.removals.push_back(std::move(removals_.front().name));
    removals_.pop_front();
  }
  if (!removals_.empty())
    step.wake_at = removals_.front().due;
}

Result<NextStep> Publication::next(std::int64_t now) {
  NextStep step;
  while (can_list())
    list_segment();
  list_sheets();
  if (const Status status = check_end(); !status)
    return Error{status.error()};
  const bool over = std::ranges::all_of(states_, &State::ended);
  const bool some = next_number_ > presentation_.settings.first_number;
  if (over && !finished_) {
    presentation_.ended = true;
    finished_ = true;
    changed_ = true;
    master_changed_ = true;
  }
  const bool held = next_number_ < presentation_.settings.hold_until && !presentation_.ended;
  if (changed_ && some && !held) {
    shorten(now);
    write_playlists(now, step);
  }
  take_removals(now, step);
  step.finished = finished_;
  return step;
}

}  // namespace dist::publish
