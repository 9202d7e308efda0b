// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a coordinator tells of its workers and jobs, and what it is told of pictures, as plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/instant.h"
#include "gst/cut/film_damage.h"
#include "gst/cut/segment.h"
#include "gst/cut/segment_context.h"
#include "gst/lease/dispatcher.h"
#include "gst/picture/picture_check.h"
#include "gst/wire/lease_port.h"

namespace dist {

struct WorkerInfo {
  WorkerId id = 0;
  std::string name;
  std::string address;
  Trust trust = Trust::kChecked;
};

// A rendition of a segment, as a worker made it.
struct ResultRendition {
  std::shared_ptr<const SegmentHeader> header;
  BytesList segment;  // Serialised; the header is in the first piece.
  // Unknown, too, if the result depends on more than the segment.
  Encoder encoder = {};
  std::vector<FrameHash> hashes = {};  // Of its frames that were looked at.
};

// WorkerJoined, WorkerLeft, WorkerSuspended and ConnectionRefused concern all jobs, the other
// events the job that they name.
struct WorkerJoined {
  WorkerInfo worker;
};
struct WorkerLeft {
  WorkerInfo worker;
  std::string reason;
};
// The worker failed repeatedly, or was silent, and gets no lease for a while.
struct WorkerSuspended {
  WorkerInfo worker;
  Instant duration = 0;
  std::string reason;
};
// A connection ended before it was a worker's.
struct ConnectionRefused {
  std::string address;
  std::string reason;
  // How many more were refused since the last such event: a flood is not told one by one.
  std::uint64_t untold = 0;
};
// Segments are queued and there is no worker. Told once until a worker joins.
struct WaitingForWorkers {
  JobId job = 0;
  std::size_t open_segments = 0;
};
struct LeaseFailed {
  WorkerInfo worker;
  Dispatcher::Grant grant;
  std::string reason;
};
// No worker could make the segment, or a part of it; the job cannot be completed.
struct SegmentGivenUp {
  Dispatcher::Grant last;  // The last lease that failed.
  std::string worker;      // The name of its worker.
  std::string reason;      // All attempts and their reasons, in a line.
};
struct LeaseAdvanced {
  Dispatcher::Grant grant;
  double share = 0;  // Of the segment that went through its worker, 0 to 1.
};
struct LeaseGranted {
  WorkerInfo worker;
  Dispatcher::Grant grant;
};
// A late lease got company; told after LeaseGranted.
struct LeaseHedged {
  WorkerInfo worker;
  Dispatcher::Grant grant;
};
// The receiver looks for results of this segment in its store, and answers with
// Coordinator::found(). The segment is not leased before.
struct ResultsSought {
  JobId job = 0;
  std::uint64_t question = 0;
  std::shared_ptr<const SegmentHeader> source;
  BytesList segment;  // Serialised.
  struct Rendition {
    RenditionSpec spec;
    std::vector<Encoder> encoders;  // Those of workers that would fit now.
  };
  std::vector<Rendition> renditions;  // All that are to be made of the segment.
};
// The result of a lease was accepted, or one that was found: the segment, or some of its
// renditions. Of a result that was found the attempt is 0, and `worker` only has a name.
struct SegmentDone {
  WorkerInfo worker;
  Dispatcher::Grant grant;
  Instant duration = 0;  // From grant to result.
  std::string note;      // Set if the result was accepted although frames are missing.
  SegmentDamage damage = {};
  std::vector<ResultRendition> renditions;
  bool complete = true;  // Nothing more comes of this segment.
  // Bytes of its results so far, and of the segment unless complete, or provisional.
  std::uint64_t held = 0;
  // The receiver keeps the renditions until ResultsSettled: ResultsTakenBack may void them before.
  bool provisional = false;
};
// Of a segment, how many bytes are held now.
struct HeldBytes {
  std::uint64_t index = 0;
  std::uint64_t bytes = 0;
};
// No segment was done for so long, although workers are there. Told once before, and then when the
// job is to end.
struct JobStalled {
  JobId job = 0;
  Instant duration = 0;
  std::string reason;  // What is waited for.
  bool given_up = false;
};
// All provisional results may leave.
struct ResultsSettled {
  JobId job = 0;
  std::vector<HeldBytes> segments;  // Whose sources are not held any more.
};
// These renditions have another form from now on, that is caps and encoder, because no worker goes
// on with the form before. Their provisional results of these segments are void, and will be done
// again.
struct ResultsTakenBack {
  JobId job = 0;
  std::set<std::string> renditions;
  std::string reason;
  std::vector<HeldBytes> segments = {};
  bool some_left = false;  // Other results have left before: caps change on the way.
};
// The receiver has to look at the pictures of this result, and to answer with
// Coordinator::looked(). The lease goes on until then, whether the worker stays or leaves. If the
// lease is of an exam, the segment may have been done before.
struct LookWanted {
  WorkerInfo worker;
  Dispatcher::Grant grant;
  std::shared_ptr<const SegmentHeader> source;
  BytesList segment;  // Serialised, as it was leased.
  // The same with what lies before it, which an undistributed decoder would have seen.
  std::optional<SegmentBytes> context = {};
  std::vector<ResultRendition> renditions;
  // Up to this frame, which the worker could not foresee.
  Time until = 0;
  // Expires when the coordinator does not wait for the answer any more.
  std::weak_ptr<const void> awaited = {};
};
// What was seen in a rendition that is not what the source shows.
struct LookEvidence {
  std::string rendition;
  Mismatch mismatch;
  // The frame as the source has it, and as it came back: JPEGs, empty if there are none. The files
  // in which they are kept, if they are.
  std::vector<std::uint8_t> source_picture;
  std::vector<std::uint8_t> answer_picture;
  std::vector<std::string> files;
};
// The answer to LookWanted. `difference` and `unknown` both empty: the pictures are the same.
struct LookReport {
  std::string difference = {};
  std::string unknown = {};  // Why the pictures cannot be compared, be it of some renditions only.
  std::shared_ptr<const LookEvidence> evidence = {};
  bool some_known = false;  // Other renditions show the same as the source.
  // The pictures are those of the segment, but not those that the film shows there: a decoder has
  // to begin before it.
  bool lacks_context = false;
  // By the rendition's name.
  std::map<std::string, std::vector<FrameHash>> hashes = {};
};
// The pictures of a result are not those of the source. The lease failed.
struct PicturesDiffer {
  WorkerInfo worker;
  Dispatcher::Grant grant;
  std::string reason;
  std::shared_ptr<const LookEvidence> evidence;  // Null: they could not even be decoded.
};
// The source, or what was made of it, cannot be decoded here, so the result counts without a look.
struct PicturesUnknown {
  WorkerInfo worker;
  Dispatcher::Grant grant;
  std::string reason;
};
// From now on only this encoder's results fit the rendition: those of others have other caps.
struct EncoderChosen {
  JobId job = 0;
  std::string rendition;
  std::string encoder;
  std::vector<std::string> excluded;  // Names of workers that would use another.
};
// None of the workers, for a while, could make some of the renditions. Told once.
struct NoWorkerCan {
  JobId job = 0;
  std::string reason;  // Names the renditions, and what each worker lacks.
};

using FarmEvent =
    std::variant<WorkerJoined, WorkerLeft, WorkerSuspended, ConnectionRefused, WaitingForWorkers,
                 LeaseFailed, SegmentGivenUp, LeaseGranted, LeaseAdvanced, LeaseHedged,
                 ResultsSought, SegmentDone, LookWanted, PicturesDiffer, PicturesUnknown,
                 EncoderChosen, NoWorkerCan, ResultsSettled, ResultsTakenBack, JobStalled>;

}  // namespace dist
