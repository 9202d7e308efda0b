// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is published when: is told which files are stored, and says which playlists to write and
// which files to remove (docs/design/publish.md, "Order"). Not thread-safe. Tracks are named by
// their places in the list that create() gets.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/publish/presentation.h"

namespace dist::publish {

// A playlist, whose name is a path from the root of the place.
struct PlaylistFile {
  std::string name;
  std::string text;
};

struct NextStep {
  // One after another, each only once the one before is stored.
  std::vector<PlaylistFile> writes;
  // After the writes.
  std::vector<std::string> removals;
  // When next() has something to remove again, if nothing happens before.
  std::optional<std::int64_t> wake_at;
  // All is told: the last playlists are among the writes of this or an earlier step.
  bool finished = false;
};

class Publication {
 public:
  static Result<Publication> create(const Settings& settings, std::vector<Track> tracks);

  // The init segment of a track of picture or sound is stored. The codecs are those of RFC 6381.
  Status init_stored(std::size_t track, const std::string& codecs);
  // A media segment or a sheet is stored. Those of a track may come in any order, and the same one
  // again; an error if another one has its number. Ignored once the track has ended.
  Status stored(std::size_t track, const MediaSegment& segment);
  // That key is of the segments from there on, which are not listed yet.
  Status set_key(std::uint64_t number, const Key& key);

  // The track gets no more segments, and the others go on without it. It was a rung that failed:
  // what it has is listed, and players are told to take another. An error for the last rung.
  Status drop(std::size_t track);
  // The track is over with the segments that it has; all that it has told are stored.
  void end(std::size_t track);
  // All tracks are over, and what is not stored everywhere is not listed: what an interrupted job
  // leaves behind. Nothing is written if an earlier run has listed more.
  void end_now();

  // What to do now, which the caller then does; empty if nothing. Microseconds since 1970. The
  // error is that of an end(): a segment is missing.
  Result<NextStep> next(std::int64_t now);

  const Presentation& presentation() const { return presentation_; }

 private:
  struct State {
    std::map<std::uint64_t, MediaSegment> waiting = {};
    bool init = false;
    bool ended = false;
  };
  struct Removal {
    std::int64_t due = 0;
    std::string name;
  };

  Publication(const Settings& settings, std::vector<Track> tracks);
  bool is_ready() const;
  bool is_over(std::size_t track) const;
  bool can_list() const;
  void list_segment();
  void list_sheets();
  void add_gap(std::size_t track, const TrackListing& clock);
  void raise_target(const TrackListing& listing);
  const TrackListing& clock() const;
  Status check_end() const;
  void shorten(std::int64_t now);
  void write_playlists(std::int64_t now, NextStep& step);
  void take_removals(std::int64_t now, NextStep& step);

  Presentation presentation_;
  std::vector<State> states_;      // Of the tracks.
  std::uint64_t next_number_ = 0;  // Of the segment that is listed next.
  std::deque<Removal> removals_;   // By due time.
  bool changed_ = false;           // What playlists tell, since they were written.
  bool master_changed_ = true;
  bool finished_ = false;
};

}  // namespace dist::publish
