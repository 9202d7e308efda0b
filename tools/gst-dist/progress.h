// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How far a job is, as lines for people and as JSON for programs. Knows no clock and no terminal:
// times are arguments, in seconds of any clock that goes forward.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace dist::tool {

class Progress {
 public:
  // Of the film in seconds; 0: unknown.
  explicit Progress(double duration, double now) : duration_(duration), began_(now) {}

  // As a primary knows a worker: its number is no other one's, its name may be.
  struct WorkerId {
    std::uint64_t number = 0;
    std::string name;
  };

  void worker_joined(const WorkerId& worker) { of(worker); }
  // Of those that left only a few are told of.
  void worker_left(const WorkerId& worker);
  // A worker brought a segment, or some of its renditions: so many frames. `whole`: nothing of the
  // segment is missing any more.
  void segment_done(const WorkerId& worker, std::uint64_t index, std::uint64_t frames, bool whole);
  // The same of one that no worker brought, because a store had it.
  void segment_found(std::uint64_t index, std::uint64_t frames, bool whole);
  void lease_failed(const WorkerId& worker);

  // So many seconds of film are in whole segments, and so many are done of others, with their
  // frames. What was reached stays.
  void reached(double done, double begun, double begun_frames) {
    reached_ = std::max(reached_, done + begun);
    begun_frames_ = begun_frames;
  }
  // How long the film is, once that is known better than its container says.
  void set_duration(double seconds) { duration_ = seconds; }

  // How many times workers decode a frame, on average.
  void set_decoding(double times) { decoding_ = times; }

  // A bar, and a line for each worker; none is longer than `width` columns, and there are at most
  // `height` of them.
  std::vector<std::string> for_terminal(unsigned width, unsigned height, double now) const;
  // One line without a bar.
  std::string for_log(double now) const;
  // One object, without a line break.
  std::string for_programs(double now) const;
  // What was done, at the end.
  std::string summary(double now) const;
  std::string done_for_programs(const std::vector<std::string>& files, double now) const;

 private:
  struct Worker {
    std::string name;
    std::uint64_t segments = 0;
    std::uint64_t frames = 0;
    std::uint64_t failures = 0;
  };

  Worker& of(const WorkerId& worker);
  double share() const;  // Done, of 1; 0 if the duration is unknown.
  double film_per_second(double now) const;
  double frames_per_second(double frames, double now) const;
  double all_frames() const { return static_cast<double>(frames_) + begun_frames_; }
  // Seconds; negative: unknown.
  double left(double now) const;
  std::string facts(double now) const;

  double duration_;
  double began_;
  double reached_ = 0;  // Seconds of film.
  double begun_frames_ = 0;
  std::uint64_t segments_ = 0;
  std::uint64_t frames_ = 0;                     // Of whole segments.
  std::map<std::uint64_t, std::uint64_t> open_;  // Frames of segments of which some is there.
  std::map<std::uint64_t, Worker> workers_;      // Those that are here, by number.
  std::deque<Worker> gone_;                      // The latest first.
  std::uint64_t helpers_ = 0;                    // Workers that brought something.
  std::uint64_t failures_ = 0;
  double decoding_ = 1;
};

}  // namespace dist::tool
