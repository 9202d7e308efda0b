// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of the events of the farm, in the network thread: messages, results, errors.
#include <algorithm>
#include <utility>

#include "gst/gstx/segment_buffer.h"
#include "gst/io/io_thread.h"
#include "plugins/fan_out.h"

GST_DEBUG_CATEGORY_EXTERN(gst_remote_enc_debug);
#define GST_CAT_DEFAULT gst_remote_enc_debug

namespace dist {

void FanOut::told(const FarmEvent& event) {
  std::visit([this](const auto& e) { handle(e); }, event);
}

void FanOut::handle(const WorkerJoined& event) {
  const auto& worker = event.worker;
  GST_INFO_OBJECT(element_, "worker %s (%s) joined", worker.name.c_str(), worker.address.c_str());
  post(message::WorkerJoined{worker.id, worker.name, worker.address});
}

void FanOut::handle(const WorkerLeft& event) {
  const auto& worker = event.worker;
  GST_INFO_OBJECT(element_, "worker %s (%s) left: %s", worker.name.c_str(), worker.address.c_str(),
                  event.reason.c_str());
  post(message::WorkerLeft{worker.id, worker.name, event.reason});
}

void FanOut::handle(const WorkerSuspended& event) {
  const auto& worker = event.worker;
  const double seconds = static_cast<double>(event.duration) / GST_SECOND;
  GST_WARNING_OBJECT(element_, "worker %s (%s) gets no lease for %.0f s: %s", worker.name.c_str(),
                     worker.address.c_str(), seconds, event.reason.c_str());
  post(message::WorkerSuspended{worker.id, worker.name, event.reason, seconds});
}

void FanOut::handle(const ConnectionRefused& event) {
  GST_WARNING_OBJECT(element_, "closed the connection from %s: %s", event.address.c_str(),
                     event.reason.c_str());
  post(message::ConnectionRefused{event.address, event.reason, event.untold});
}

void FanOut::handle(const WaitingForWorkers& event) {
  const auto& address = farm_->config().address;
  if (!farm_->config().listens)
    return;
  GST_INFO_OBJECT(element_, "waiting for a worker on %s", address.c_str());
  post(message::Waiting{address, farm_->port(), event.open_segments});
}

void FanOut::handle(const ResultsSought& event) {
  stored_->seek(event);
}

void FanOut::handle(const LookWanted& event) {
  GST_DEBUG_OBJECT(element_, "looking at segment %" G_GUINT64_FORMAT " of %s",
                   event.grant.segment.index, event.worker.name.c_str());
  checker_->push(event);
}

static void set_picture(GstStructure* message, const char* field,
                        const std::vector<std::uint8_t>& jpeg) {
  if (jpeg.empty())
    return;
  const auto caps = Ref<GstCaps>::adopt(gst_caps_new_empty_simple("image/jpeg"));
  const auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new_memdup(jpeg.data(), jpeg.size()));
  const auto sample =
      Ref<GstSample>::adopt(gst_sample_new(buffer.get(), caps.get(), nullptr, nullptr));
  gst_structure_set(message, field, GST_TYPE_SAMPLE, sample.get(), nullptr);
}

void FanOut::handle(const PicturesDiffer& event) {
  const std::uint64_t index = event.grant.segment.index;
  GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT " of %s: %s", index,
                     event.worker.name.c_str(), event.reason.c_str());
  message::PicturesDiffer differ{.segment = index,
                                 .attempt = event.grant.attempt,
                                 .worker = event.worker.id,
                                 .name = event.worker.name,
                                 .reason = event.reason};
  if (!event.evidence)
    return post(differ);
  const Mismatch& mismatch = event.evidence->mismatch;
  differ.rendition = event.evidence->rendition;
  differ.kind = to_string(mismatch.kind);
  differ.timestamp = mismatch.time;
  differ.distance = mismatch.distance;
  differ.source_hash = to_hex(mismatch.source_hash);
  differ.answer_hash = to_hex(mismatch.rendition_hash);
  differ.files.emplace();
  for (const std::string& file : event.evidence->files)
    *differ.files += (differ.files->empty() ? "" : "\n") + file;
  GstStructure* const structure = to_structure(differ);
  set_picture(structure, "source-picture", event.evidence->source_picture);
  set_picture(structure, "answer-picture", event.evidence->answer_picture);
  post(structure);
}

// Said once: what cannot be decoded here can never be.
void FanOut::handle(const PicturesUnknown& event) {
  GST_INFO_OBJECT(element_, "nobody looked at segment %" G_GUINT64_FORMAT ": %s",
                  event.grant.segment.index, event.reason.c_str());
  if (std::exchange(unknown_told_, true))
    return;
  GST_ELEMENT_WARNING(
      element_, STREAM, DECODE,
      ("Some of the workers' pictures are taken on trust, because the film, or what they make of "
       "it, cannot be decoded here. Install a decoder, or set verify=none."),
      ("%s", event.reason.c_str()));
}

void FanOut::handle(const LeaseGranted& event) {
  note({.kind = Happening::Kind::kLeased,
        .segment = event.grant.segment.index,
        .attempt = event.grant.attempt,
        .worker = event.worker.name});
}

void FanOut::handle(const LeaseAdvanced& event) {
  const MutexLock lock(lock_);
  progress_.advanced(event.grant.segment.index, event.share);
}

void FanOut::handle(const LeaseHedged& event) {
  GST_INFO_OBJECT(element_, "segment %" G_GUINT64_FORMAT " is late: %s tries it too",
                  event.grant.segment.index, event.worker.name.c_str());
  post(message::LeaseHedged{event.grant.segment.index, event.grant.attempt, event.worker.id,
                            event.worker.name});
  const MutexLock lock(lock_);
  ++counters_.hedged_leases;
}

void FanOut::handle(const SegmentDone& done) {
  if (!done.provisional)
    return take(done);
  const MutexLock lock(lock_);
  if (window_.answer(done.grant.segment.index, done.held))
    provisional_.push_back(done);
}

void FanOut::handle(const ResultsSettled& event) {
  std::deque<SegmentDone> settled;
  {
    const MutexLock lock(lock_);
    settled.swap(provisional_);
  }
  for (const SegmentDone& done : settled)
    take(done);
  const MutexLock lock(lock_);
  for (const auto& [index, bytes] : event.segments)
    window_.answer(index, bytes);
}

void FanOut::handle(const ResultsTakenBack& event) {
  std::string names;
  for (const std::string& rendition : event.renditions)
    names += (names.empty() ? "" : ", ") + rendition;
  {
    const MutexLock lock(lock_);
    for (const auto& [index, bytes] : event.segments) {
      window_.answer(index, bytes);
      for (SegmentDone& done : provisional_)
        if (done.grant.segment.index == index) {
          done.complete = false;
          std::erase_if(done.renditions, [&](const auto& rendition) {
            return event.renditions.contains(rendition.header->rendition);
          });
        }
    }
    std::erase_if(provisional_, [](const auto& done) { return done.renditions.empty(); });
  }
  post(message::ResultsTakenBack{names, event.segments.size(), event.some_left, event.reason});
  GST_ELEMENT_WARNING(
      element_, STREAM, ENCODE,
      ("Rendition %s is made in another form from now on: %s. %zu segments are made anew%s.",
       names.c_str(), event.reason.c_str(), event.segments.size(),
       event.some_left ? "; those before them have left already, so the caps of the stream change"
                       : ""),
      (NULL));
}

void FanOut::take(const SegmentDone& done) {
  const std::uint64_t index = done.grant.segment.index;
  const bool leased = done.grant.attempt != 0;
  note({.kind = leased ? Happening::Kind::kDone : Happening::Kind::kFound,
        .segment = index,
        .attempt = done.grant.attempt,
        .worker = leased ? done.worker.name : ""});
  if (stored_ && leased)
    stored_->keep(done);
  if (stored_ && done.complete)
    stored_->forget(index);
  if (done.complete)
    reasons_.forget(index);
  guint64 frames = 0;
  guint64 bytes = 0;
  Time start = 0;
  Time stop = 0;
  for (const auto& rendition : done.renditions) {
    start = rendition.header->start;
    stop = rendition.header->stop;
    frames = std::max<guint64>(frames, rendition.header->units.size());
    bytes += total_size(rendition.segment);
  }
  if (!done.note.empty())
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s", index, done.note.c_str());
  post(message::SegmentDone{.segment = index,
                            .worker = done.worker.id,
                            .name = done.worker.name,
                            .attempt = done.grant.attempt,
                            .frames = frames,
                            .bytes = bytes,
                            .renditions = static_cast<unsigned>(done.renditions.size()),
                            .complete = done.complete,
                            .start = start,
                            .stop = stop,
                            .seconds = static_cast<double>(done.duration) / GST_SECOND});
  if (done.damage.any())
    post(message::SegmentDamaged{index, done.damage.guessed, done.damage.missing, done.damage.start,
                                 done.damage.stop});

  const MutexLock lock(lock_);
  if (done.complete)
    progress_.completed(index);
  counters_.segments += done.complete ? 1 : 0;
  counters_.frames += frames;
  counters_.bytes += bytes;
  if (leased)
    counters_.workers.insert(done.worker.id);
  else if (stored_)
    counters_.found += static_cast<guint64>(std::ranges::count_if(
        done.renditions,
        [](const ResultRendition& rendition) { return !rendition.header->units.empty(); }));
  if (!window_.answer(index, done.held))
    return;
  for (const auto& rendition : done.renditions) {
    auto buffer = make_segment_buffer(*rendition.header, rendition.segment);
    set_origin(buffer.get(), origin_of(done, rendition));
    outputs_.push_back({std::move(buffer), {}});
  }
  if (done.complete)
    outputs_.back().completes = index;
  changed_.notify_all();
}

ResultOrigin FanOut::origin_of(const SegmentDone& done, const ResultRendition& rendition) const {
  const auto now = static_cast<std::uint64_t>(g_get_real_time());
  const bool leased = done.grant.attempt != 0;
  // A result may wait for a look and for others, so its lease is not counted back from now.
  const std::uint64_t since = leased ? (IoThread::now() - done.grant.granted) / 1000 : 0;
  const auto text = rendition_texts_.find(rendition.header->rendition);
  return {.worker = done.worker.name,
          .attempt = done.grant.attempt,
          .leased = now - since,
          .answered = now - since + done.duration / 1000,
          .rendition = text == rendition_texts_.end() ? "" : text->second,
          .encoder = rendition.encoder,
          .hashes = rendition.hashes};
}

void FanOut::handle(const EncoderChosen& event) {
  std::string excluded;
  for (const std::string& worker : event.excluded)
    excluded += (excluded.empty() ? "" : ", ") + worker;
  GST_INFO_OBJECT(element_, "rendition '%s' is made with %s", event.rendition.c_str(),
                  event.encoder.c_str());
  post(message::EncoderChosen{event.rendition, event.encoder, excluded});
  if (!excluded.empty())
    GST_ELEMENT_WARNING(
        element_, CORE, NEGOTIATION,
        ("Rendition '%s' is made with %s only; %s would use another encoder. Set mixed-encoders to "
         "let them take part.",
         event.rendition.c_str(), event.encoder.c_str(), excluded.c_str()),
        (NULL));
}

void FanOut::handle(const NoWorkerCan& event) {
  {
    const MutexLock lock(lock_);
    if (flow_ != GST_FLOW_OK || std::exchange(flow_reported_, true))
      return;
  }
  GST_ELEMENT_ERROR(element_, CORE, MISSING_PLUGIN,
                    ("No worker can make what is wanted: %s. Start one that can, or leave it out.",
                     event.reason.c_str()),
                    (NULL));
  const MutexLock lock(lock_);
  flow_ = GST_FLOW_ERROR;
  changed_.notify_all();
}

void FanOut::handle(const JobStalled& event) {
  const double seconds = static_cast<double>(event.duration) / GST_SECOND;
  post(message::Stalled{seconds, event.reason, event.given_up});
  if (!event.given_up) {
    GST_ELEMENT_WARNING(
        element_, STREAM, ENCODE,
        ("No segment was done for %.0f s. Waiting for %s.", seconds, event.reason.c_str()), (NULL));
    return;
  }
  {
    const MutexLock lock(lock_);
    if (flow_ != GST_FLOW_OK || std::exchange(flow_reported_, true))
      return;
  }
  GST_ELEMENT_ERROR(element_, STREAM, ENCODE,
                    ("No segment was done for %.0f s, although workers are connected. Look at what "
                     "they do, or raise stall-timeout.",
                     seconds),
                    ("waited for %s", event.reason.c_str()));
  const MutexLock lock(lock_);
  flow_ = GST_FLOW_ERROR;
  changed_.notify_all();
}

void FanOut::handle(const LeaseFailed& event) {
  const std::uint64_t index = event.grant.segment.index;
  GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ", attempt %u on %s: %s", index,
                     event.grant.attempt, event.worker.name.c_str(), event.reason.c_str());
  post(message::LeaseFailed{index, event.grant.attempt, event.worker.id, event.worker.name,
                            event.reason});
  reasons_.note(index, event.worker.name, event.reason);
  if (!event.grant.is_exam())
    note({.kind = Happening::Kind::kFailed,
          .segment = index,
          .attempt = event.grant.attempt,
          .worker = event.worker.name,
          .reason = event.reason});
  {
    const MutexLock lock(lock_);
    ++counters_.failed_leases;
  }
}

void FanOut::handle(const SegmentGivenUp& event) {
  const std::uint64_t index = event.last.segment.index;
  {
    const MutexLock lock(lock_);
    if (flow_ != GST_FLOW_OK || std::exchange(flow_reported_, true))
      return;
  }
  GST_ELEMENT_ERROR_WITH_DETAILS(
      element_, STREAM, ENCODE,
      ("Segment %" G_GUINT64_FORMAT " could not be encoded by any worker. The last attempts: %s.",
       index, reasons_.text(index).c_str()),
      ("%s", event.reason.c_str()),
      ("segment", G_TYPE_UINT64, index, "attempt", G_TYPE_UINT, event.last.attempt, "worker",
       G_TYPE_STRING, event.worker.c_str(), nullptr));
  // Only now, so that this error comes before the one that upstream posts.
  const MutexLock lock(lock_);
  flow_ = GST_FLOW_ERROR;
  changed_.notify_all();
}

}  // namespace dist
