// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What remoteenc tells of a job, as plain data, and as the element messages that it posts on the
// bus. Each struct names its fields once, in the order of the message; everything that writes or
// reads them goes by that.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace dist::message {

// Times are in nanoseconds of stream time, durations in seconds. `worker` is a number that no other
// worker of the farm has, `name` what the worker calls itself.

// The farm of the job takes workers there.
struct Listening {
  static constexpr char kName[] = "dist-listening";
  std::string address;
  unsigned port = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("address", self.address);
    visit("port", self.port);
  }
};

// Segments are there and no worker is.
struct Waiting {
  static constexpr char kName[] = "dist-waiting";
  std::string address;
  unsigned port = 0;
  std::uint64_t segments = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("address", self.address);
    visit("port", self.port);
    visit("segments", self.segments);
  }
};

struct WorkerJoined {
  static constexpr char kName[] = "dist-worker-joined";
  std::uint64_t worker = 0;
  std::string name;
  std::string address;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("worker", self.worker);
    visit("name", self.name);
    visit("address", self.address);
  }
};

struct WorkerLeft {
  static constexpr char kName[] = "dist-worker-left";
  std::uint64_t worker = 0;
  std::string name;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("worker", self.worker);
    visit("name", self.name);
    visit("reason", self.reason);
  }
};

// The worker failed repeatedly, or was silent, and gets no lease for so long.
struct WorkerSuspended {
  static constexpr char kName[] = "dist-worker-suspended";
  std::uint64_t worker = 0;
  std::string name;
  std::string reason;
  double seconds = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("worker", self.worker);
    visit("name", self.name);
    visit("reason", self.reason);
    visit("seconds", self.seconds);
  }
};

// A connection ended before it was a worker's. `untold`: so many more since the last such message.
struct ConnectionRefused {
  static constexpr char kName[] = "dist-connection-refused";
  std::string address;
  std::string reason;
  std::uint64_t untold = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("address", self.address);
    visit("reason", self.reason);
    visit("untold", self.untold);
  }
};

// A worker brought a segment, or some of its renditions. `frames` is the most that one of them has,
// `bytes` all of them together; `complete`: nothing more comes of this segment.
struct SegmentDone {
  static constexpr char kName[] = "dist-segment-done";
  std::uint64_t segment = 0;
  std::uint64_t worker = 0;
  std::string name;
  unsigned attempt = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  unsigned renditions = 0;
  bool complete = false;
  std::uint64_t start = 0;
  std::uint64_t stop = 0;
  double seconds = 0;  // From lease to result.
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("segment", self.segment);
    visit("worker", self.worker);
    visit("name", self.name);
    visit("attempt", self.attempt);
    visit("frames", self.frames);
    visit("bytes", self.bytes);
    visit("renditions", self.renditions);
    visit("complete", self.complete);
    visit("start", self.start);
    visit("stop", self.stop);
    visit("seconds", self.seconds);
  }
};

// The source is damaged there: so many frames are guessed by the decoder, or missing.
struct SegmentDamaged {
  static constexpr char kName[] = "dist-segment-damaged";
  std::uint64_t segment = 0;
  std::uint64_t guessed = 0;
  std::uint64_t missing = 0;
  std::uint64_t start = 0;
  std::uint64_t stop = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("segment", self.segment);
    visit("guessed", self.guessed);
    visit("missing", self.missing);
    visit("start", self.start);
    visit("stop", self.stop);
  }
};

struct LeaseFailed {
  static constexpr char kName[] = "dist-lease-failed";
  std::uint64_t segment = 0;
  unsigned attempt = 0;
  std::uint64_t worker = 0;
  std::string name;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("segment", self.segment);
    visit("attempt", self.attempt);
    visit("worker", self.worker);
    visit("name", self.name);
    visit("reason", self.reason);
  }
};

// A late lease got company.
struct LeaseHedged {
  static constexpr char kName[] = "dist-lease-hedged";
  std::uint64_t segment = 0;
  unsigned attempt = 0;
  std::uint64_t worker = 0;
  std::string name;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("segment", self.segment);
    visit("attempt", self.attempt);
    visit("worker", self.worker);
    visit("name", self.name);
  }
};

// The pictures of a result are not those of the source. What was seen comes with it, unless the
// result could not even be decoded.
struct PicturesDiffer {
  static constexpr char kName[] = "dist-pictures-differ";
  std::uint64_t segment = 0;
  unsigned attempt = 0;
  std::uint64_t worker = 0;
  std::string name;
  std::string reason;
  std::optional<std::string> rendition = {};
  std::optional<std::string> kind = {};
  std::optional<std::uint64_t> timestamp = {};
  std::optional<unsigned> distance = {};
  std::optional<std::string> source_hash = {};
  std::optional<std::string> answer_hash = {};
  std::optional<std::string> files = {};  // Of the evidence, a line each.
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("segment", self.segment);
    visit("attempt", self.attempt);
    visit("worker", self.worker);
    visit("name", self.name);
    visit("reason", self.reason);
    visit("rendition", self.rendition);
    visit("kind", self.kind);
    visit("timestamp", self.timestamp);
    visit("distance", self.distance);
    visit("source-hash", self.source_hash);
    visit("answer-hash", self.answer_hash);
    visit("files", self.files);
  }
};

// From now on only this encoder's results fit the rendition. `excluded`: names of workers that
// would use another one.
struct EncoderChosen {
  static constexpr char kName[] = "dist-encoder-chosen";
  std::string rendition;
  std::string encoder;
  std::string excluded;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("rendition", self.rendition);
    visit("encoder", self.encoder);
    visit("excluded", self.excluded);
  }
};

// Renditions are made in another form from now on, and so many segments anew. `some_left`: others
// have left before, so the caps of the stream change.
struct ResultsTakenBack {
  static constexpr char kName[] = "dist-results-taken-back";
  std::string renditions;
  std::uint64_t segments = 0;
  bool some_left = false;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("renditions", self.renditions);
    visit("segments", self.segments);
    visit("some-left", self.some_left);
    visit("reason", self.reason);
  }
};

// No segment was done for so long although workers are there. `given_up`: the job ends.
struct Stalled {
  static constexpr char kName[] = "dist-stalled";
  double seconds = 0;
  std::string reason;  // What is waited for.
  bool given_up = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("seconds", self.seconds);
    visit("reason", self.reason);
    visit("given-up", self.given_up);
  }
};

// All segments have left.
struct Summary {
  static constexpr char kName[] = "dist-summary";
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  unsigned workers = 0;
  std::uint64_t failed_leases = 0;
  std::uint64_t hedged_leases = 0;
  std::uint64_t found = 0;
  double seconds = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("segments", self.segments);
    visit("frames", self.frames);
    visit("bytes", self.bytes);
    visit("workers", self.workers);
    visit("failed-leases", self.failed_leases);
    visit("hedged-leases", self.hedged_leases);
    visit("found", self.found);
    visit("seconds", self.seconds);
  }
};

using Any = std::variant<Listening, Waiting, WorkerJoined, WorkerLeft, WorkerSuspended,
                         ConnectionRefused, SegmentDone, SegmentDamaged, LeaseFailed, LeaseHedged,
                         PicturesDiffer, EncoderChosen, ResultsTakenBack, Stalled, Summary>;

// The caller's.
GstStructure* to_structure(const Any& message);
// None if it is none of these, or lacks a field.
std::optional<Any> from_structure(const GstStructure* structure);

}  // namespace dist::message
