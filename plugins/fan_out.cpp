// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/fan_out.h"

#include <algorithm>
#include <utility>

#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/stream_format.h"

GST_DEBUG_CATEGORY_EXTERN(gst_remote_enc_debug);
#define GST_CAT_DEFAULT gst_remote_enc_debug

namespace dist {

namespace {

// Tells downstream what will come.
Ref<GstEvent> caps_event(const std::vector<RenditionSpec>& renditions) {
  GValue names = G_VALUE_INIT;
  gst_value_array_init(&names, static_cast<guint>(renditions.size()));
  for (const RenditionSpec& spec : renditions) {
    GValue name = G_VALUE_INIT;
    g_value_init(&name, G_TYPE_STRING);
    g_value_set_string(&name, spec.name.c_str());
    gst_value_array_append_and_take_value(&names, &name);
  }
  const auto caps = Ref<GstCaps>::adopt(gst_caps_new_empty_simple(kSegmentCaps));
  gst_structure_take_value(gst_caps_get_structure(caps.get(), 0), kRenditionsField, &names);
  return Ref<GstEvent>::adopt(gst_event_new_caps(caps.get()));
}

std::uint64_t shown_frames(const SegmentHeader& header) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      header.units, [](const AccessUnit& unit) { return unit.show != kNoTime; }));
}

}  // namespace

FanOut::FanOut(GstElement* element, GstPad* srcpad, const Settings& settings)
    : element_(element),
      srcpad_(srcpad),
      settings_(settings),
      // The other half is for results that are arriving.
      window_({.segments = settings.max_segments, .bytes = settings.primary.job.max_bytes / 2}) {}

// Whoever answers goes before whom it answers.
FanOut::~FanOut() {
  if (checker_)
    checker_->stop();
}

Status FanOut::open() {
  if (const auto& verification = settings_.primary.job.verification;
      verification.mode != Verify::kNone || verification.golden)
    checker_ = std::make_unique<PictureChecker>(settings_.checker,
                                                [this](LeaseId lease, Coordinator::Look look) {
                                                  primary_->looked(lease, std::move(look));
                                                });
  auto primary = Primary::listen(settings_.primary, *this);
  if (!primary)
    return Error{primary.error()};
  primary_ = std::move(*primary);
  return {};
}

void FanOut::post(GstStructure* message) {
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), message));
}

GstFlowReturn FanOut::refuse(const std::string& reason) {
  return fail("remoteenc encodes the segments of one distsegmenter, in order; " + reason + ".");
}

GstFlowReturn FanOut::fail(const std::string& text) {
  {
    const std::lock_guard lock(lock_);
    flow_ = GST_FLOW_ERROR;
    flow_reported_ = true;
    changed_.notify_all();
  }
  GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("%s", text.c_str()), (NULL));
  return GST_FLOW_ERROR;
}

GstFlowReturn FanOut::submit(Ref<GstBuffer> segment) {
  auto header = read_header(segment.get());
  if (!header)
    return refuse(header.error());
  const std::uint64_t index = header->index;
  if (!header->is_source())
    return refuse("segment " + std::to_string(index) + " is an encoded one");
  bool follows = false;
  {
    std::unique_lock lock(lock_);
    const auto may_go_on = [&] {
      return stopping_ || flushing_ || flow_ != GST_FLOW_OK || window_.has_room(index);
    };
    if (!may_go_on()) {
      primary_->set_blocked(true);
      changed_.wait(lock, may_go_on);
      primary_->set_blocked(false);
    }
    if (stopping_ || flushing_)
      return GST_FLOW_FLUSHING;
    if (flow_ != GST_FLOW_OK) {
      flow_reported_ = true;
      return flow_;
    }
    follows = window_.accept(index, gst_buffer_get_size(segment.get()));
    progress_.to_decode(header->first_unit, header->units.size());
    progress_.submitted(index, header->stop - header->start, shown_frames(*header));
  }
  if (!follows)
    return refuse("segment " + std::to_string(index) + " comes twice or out of order");
  if (const Status wanted = want_renditions(*header); !wanted)
    return fail("Cannot make the renditions that are set: " + wanted.error() + ".");
  primary_->submit(std::make_shared<const SegmentHeader>(std::move(*header)),
                   to_bytes(segment.get()));
  return GST_FLOW_OK;
}

// What is wanted depends on the film's size, and stays the same when that changes.
Status FanOut::want_renditions(const SegmentHeader& first) {
  if (settings_.renditions.empty() || std::exchange(renditions_said_, true))
    return {};
  auto renditions = resolve(settings_.renditions, source_format(first.caps), settings_.ladder);
  if (!renditions)
    return Error{renditions.error()};
  for (RenditionSpec& spec : *renditions)
    spec.in_band = settings_.primary.job.mixed_encoders;
  GST_INFO_OBJECT(element_, "renditions: %s", to_string(*renditions).c_str());
  push_event(caps_event(*renditions));
  primary_->set_renditions(std::move(*renditions));
  return {};
}

void FanOut::push_event(Ref<GstEvent> event) {
  GstFlowReturn unreported = GST_FLOW_OK;
  {
    const std::lock_guard lock(lock_);
    if (GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS) {
      eos_ = std::move(event);
      progress_.ended();
      // Nothing comes after what is here.
      primary_->set_blocked(true);
      unreported = take_unreported();
    } else {
      outputs_.push_back({std::move(event), {}});
    }
    changed_.notify_all();
  }
  if (unreported != GST_FLOW_OK)
    GST_ELEMENT_FLOW_ERROR(element_, unreported);
}

// Upstream reports what went wrong downstream, unless it has nothing more to send.
GstFlowReturn FanOut::take_unreported() {
  const bool failed = flow_ == GST_FLOW_NOT_LINKED || flow_ < GST_FLOW_EOS;
  if (!failed || !eos_ || std::exchange(flow_reported_, true))
    return GST_FLOW_OK;
  return flow_;
}

void FanOut::begin_flush() {
  {
    const std::lock_guard lock(lock_);
    flushing_ = true;
    changed_.notify_all();
  }
  primary_->cancel_all();
}

void FanOut::end_flush() {
  // The upstream thread may have brought one more while the flush began.
  primary_->cancel_all();
  std::deque<Output> dropped;
  Ref<GstEvent> eos;
  {
    const std::lock_guard lock(lock_);
    flushing_ = false;
    flow_ = GST_FLOW_OK;
    flow_reported_ = false;
    window_.clear();
    provisional_.clear();
    counters_ = Counters();
    progress_.clear();
    dropped.swap(outputs_);
    eos = std::move(eos_);
  }
  // What describes the stream outlives a flush, as in queue.
  for (const Output& output : dropped) {
    const auto* event = std::get_if<Ref<GstEvent>>(&output.item);
    if (event && GST_EVENT_IS_STICKY(event->get()) &&
        GST_EVENT_TYPE(event->get()) != GST_EVENT_SEGMENT)
      gst_pad_store_sticky_event(srcpad_, event->get());
  }
}

GstStructure* FanOut::stats() {
  const std::lock_guard lock(lock_);
  const JobProgress::Amount begun = progress_.begun();
  return gst_structure_new(
      "dist-stats", "submitted", G_TYPE_UINT64, static_cast<guint64>(progress_.submitted()),
      "whole", G_TYPE_BOOLEAN, progress_.whole(), "open", G_TYPE_UINT64,
      static_cast<guint64>(progress_.open()), "begun", G_TYPE_UINT64,
      static_cast<guint64>(begun.time), "begun-frames", G_TYPE_UINT64,
      static_cast<guint64>(begun.frames), "decoding", G_TYPE_DOUBLE, progress_.decoding(), nullptr);
}

void FanOut::stop() {
  const std::lock_guard lock(lock_);
  stopping_ = true;
  changed_.notify_all();
}

// --- The src pad's task

bool FanOut::push_next() {
  Output output;
  Ref<GstEvent> eos;
  {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [this] {
      return stopping_ || flushing_ || flow_ != GST_FLOW_OK || !outputs_.empty() ||
             (eos_ && window_.empty());
    });
    if (stopping_ || flushing_ || flow_ != GST_FLOW_OK)
      return false;
    if (outputs_.empty()) {
      eos = std::move(eos_);
    } else {
      output = std::move(outputs_.front());
      outputs_.pop_front();
    }
  }
  if (eos) {
    end(std::move(eos));
    return false;
  }
  if (auto* event = std::get_if<Ref<GstEvent>>(&output.item)) {
    gst_pad_push_event(srcpad_, event->release());
    return true;
  }

  const GstFlowReturn flow = gst_pad_push(srcpad_, std::get<Ref<GstBuffer>>(output.item).release());
  GstFlowReturn unreported = GST_FLOW_OK;
  {
    const std::lock_guard lock(lock_);
    if (output.completes)
      window_.deliver(*output.completes);
    if (!flushing_ && flow_ == GST_FLOW_OK)
      flow_ = flow;
    unreported = take_unreported();
    changed_.notify_all();
  }
  if (output.completes)
    primary_->delivered(*output.completes);
  if (unreported != GST_FLOW_OK)
    GST_ELEMENT_FLOW_ERROR(element_, unreported);
  return flow == GST_FLOW_OK;
}

void FanOut::end(Ref<GstEvent> eos) {
  primary_->finish();
  Counters counters;
  {
    const std::lock_guard lock(lock_);
    counters = counters_;
  }
  const double seconds =
      static_cast<double>(g_get_monotonic_time() - counters.started_at) / G_USEC_PER_SEC;
  post(gst_structure_new("dist-summary", "segments", G_TYPE_UINT64, counters.segments, "frames",
                         G_TYPE_UINT64, counters.frames, "bytes", G_TYPE_UINT64, counters.bytes,
                         "workers", G_TYPE_UINT, static_cast<guint>(counters.workers.size()),
                         "failed-leases", G_TYPE_UINT64, counters.failed_leases, "hedged-leases",
                         G_TYPE_UINT64, counters.hedged_leases, "seconds", G_TYPE_DOUBLE, seconds,
                         nullptr));
  gst_pad_push_event(srcpad_, eos.release());
}

// --- Network thread

void FanOut::told(const Coordinator::WorkerJoined& event) {
  const auto& worker = event.worker;
  GST_INFO_OBJECT(element_, "worker %s (%s) joined", worker.name.c_str(), worker.address.c_str());
  post(gst_structure_new("dist-worker-joined", "worker", G_TYPE_UINT64, worker.id, "name",
                         G_TYPE_STRING, worker.name.c_str(), "address", G_TYPE_STRING,
                         worker.address.c_str(), nullptr));
}

void FanOut::told(const Coordinator::WorkerLeft& event) {
  const auto& worker = event.worker;
  GST_INFO_OBJECT(element_, "worker %s (%s) left: %s", worker.name.c_str(), worker.address.c_str(),
                  event.reason.c_str());
  post(gst_structure_new("dist-worker-left", "worker", G_TYPE_UINT64, worker.id, "name",
                         G_TYPE_STRING, worker.name.c_str(), "reason", G_TYPE_STRING,
                         event.reason.c_str(), nullptr));
}

void FanOut::told(const Coordinator::WorkerSuspended& event) {
  const auto& worker = event.worker;
  const double seconds = static_cast<double>(event.duration) / GST_SECOND;
  GST_WARNING_OBJECT(element_, "worker %s (%s) gets no lease for %.0f s: %s", worker.name.c_str(),
                     worker.address.c_str(), seconds, event.reason.c_str());
  post(gst_structure_new("dist-worker-suspended", "worker", G_TYPE_UINT64, worker.id, "name",
                         G_TYPE_STRING, worker.name.c_str(), "reason", G_TYPE_STRING,
                         event.reason.c_str(), "seconds", G_TYPE_DOUBLE, seconds, nullptr));
}

void FanOut::told(const Coordinator::ConnectionRefused& event) {
  GST_WARNING_OBJECT(element_, "closed the connection from %s: %s", event.address.c_str(),
                     event.reason.c_str());
  post(gst_structure_new("dist-connection-refused", "address", G_TYPE_STRING, event.address.c_str(),
                         "reason", G_TYPE_STRING, event.reason.c_str(), "untold", G_TYPE_UINT64,
                         event.untold, nullptr));
}

void FanOut::told(const Coordinator::WaitingForWorkers& event) {
  const auto& address = settings_.primary.address;
  if (!settings_.primary.listens)
    return;
  GST_INFO_OBJECT(element_, "waiting for a worker on %s", address.c_str());
  post(gst_structure_new("dist-waiting", "address", G_TYPE_STRING, address.c_str(), "port",
                         G_TYPE_UINT, port(), "segments", G_TYPE_UINT64,
                         static_cast<guint64>(event.open_segments), nullptr));
}

void FanOut::told(const Coordinator::LookWanted& event) {
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

void FanOut::told(const Coordinator::PicturesDiffer& event) {
  const std::uint64_t index = event.grant.segment.index;
  GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT " of %s: %s", index,
                     event.worker.name.c_str(), event.reason.c_str());
  GstStructure* message = gst_structure_new(
      "dist-pictures-differ", "segment", G_TYPE_UINT64, index, "attempt", G_TYPE_UINT,
      event.grant.attempt, "worker", G_TYPE_UINT64, event.worker.id, "name", G_TYPE_STRING,
      event.worker.name.c_str(), "reason", G_TYPE_STRING, event.reason.c_str(), nullptr);
  if (event.evidence) {
    const Mismatch& mismatch = event.evidence->mismatch;
    std::string files;
    for (const std::string& file : event.evidence->files)
      files += (files.empty() ? "" : "\n") + file;
    gst_structure_set(message, "rendition", G_TYPE_STRING, event.evidence->rendition.c_str(),
                      "kind", G_TYPE_STRING, to_string(mismatch.kind), "timestamp", G_TYPE_UINT64,
                      mismatch.time, "distance", G_TYPE_UINT, mismatch.distance, "source-hash",
                      G_TYPE_STRING, to_hex(mismatch.source_hash).c_str(), "answer-hash",
                      G_TYPE_STRING, to_hex(mismatch.rendition_hash).c_str(), "files",
                      G_TYPE_STRING, files.c_str(), nullptr);
    set_picture(message, "source-picture", event.evidence->source_picture);
    set_picture(message, "answer-picture", event.evidence->answer_picture);
  }
  post(message);
}

// Said once: what cannot be decoded here can never be.
void FanOut::told(const Coordinator::PicturesUnknown& event) {
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

void FanOut::told(const Coordinator::LeaseAdvanced& event) {
  const std::lock_guard lock(lock_);
  progress_.advanced(event.grant.segment.index, event.share);
}

void FanOut::told(const Coordinator::LeaseHedged& event) {
  GST_INFO_OBJECT(element_, "segment %" G_GUINT64_FORMAT " is late: %s tries it too",
                  event.grant.segment.index, event.worker.name.c_str());
  post(gst_structure_new("dist-lease-hedged", "segment", G_TYPE_UINT64, event.grant.segment.index,
                         "attempt", G_TYPE_UINT, event.grant.attempt, "worker", G_TYPE_UINT64,
                         event.worker.id, "name", G_TYPE_STRING, event.worker.name.c_str(),
                         nullptr));
  const std::lock_guard lock(lock_);
  ++counters_.hedged_leases;
}

void FanOut::told(const Coordinator::SegmentDone& done) {
  if (!done.provisional)
    return take(done);
  const std::lock_guard lock(lock_);
  if (window_.answer(done.grant.segment.index, done.held))
    provisional_.push_back(done);
}

void FanOut::told(const Coordinator::ResultsSettled& event) {
  std::deque<Coordinator::SegmentDone> settled;
  {
    const std::lock_guard lock(lock_);
    settled.swap(provisional_);
  }
  for (const Coordinator::SegmentDone& done : settled)
    take(done);
  const std::lock_guard lock(lock_);
  for (const auto& [index, bytes] : event.segments)
    window_.answer(index, bytes);
}

void FanOut::told(const Coordinator::ResultsTakenBack& event) {
  std::string names;
  for (const std::string& rendition : event.renditions)
    names += (names.empty() ? "" : ", ") + rendition;
  {
    const std::lock_guard lock(lock_);
    for (const auto& [index, bytes] : event.segments) {
      window_.answer(index, bytes);
      for (Coordinator::SegmentDone& done : provisional_)
        if (done.grant.segment.index == index) {
          done.complete = false;
          std::erase_if(done.renditions, [&](const auto& rendition) {
            return event.renditions.contains(rendition.header->rendition);
          });
        }
    }
    std::erase_if(provisional_, [](const auto& done) { return done.renditions.empty(); });
  }
  post(gst_structure_new("dist-results-taken-back", "renditions", G_TYPE_STRING, names.c_str(),
                         "segments", G_TYPE_UINT64, static_cast<guint64>(event.segments.size()),
                         "some-left", G_TYPE_BOOLEAN, event.some_left, "reason", G_TYPE_STRING,
                         event.reason.c_str(), nullptr));
  GST_ELEMENT_WARNING(
      element_, STREAM, ENCODE,
      ("Rendition %s is made in another form from now on: %s. %zu segments are made anew%s.",
       names.c_str(), event.reason.c_str(), event.segments.size(),
       event.some_left ? "; those before them have left already, so the caps of the stream change"
                       : ""),
      (NULL));
}

void FanOut::take(const Coordinator::SegmentDone& done) {
  const std::uint64_t index = done.grant.segment.index;
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
  post(gst_structure_new(
      "dist-segment-done", "segment", G_TYPE_UINT64, index, "worker", G_TYPE_UINT64, done.worker.id,
      "name", G_TYPE_STRING, done.worker.name.c_str(), "attempt", G_TYPE_UINT, done.grant.attempt,
      "frames", G_TYPE_UINT64, frames, "bytes", G_TYPE_UINT64, bytes, "renditions", G_TYPE_UINT,
      static_cast<guint>(done.renditions.size()), "complete", G_TYPE_BOOLEAN, done.complete,
      "start", G_TYPE_UINT64, start, "stop", G_TYPE_UINT64, stop, "seconds", G_TYPE_DOUBLE,
      static_cast<double>(done.duration) / GST_SECOND, nullptr));
  if (done.damage.any())
    post(gst_structure_new("dist-segment-damaged", "segment", G_TYPE_UINT64, index, "guessed",
                           G_TYPE_UINT64, static_cast<guint64>(done.damage.guessed), "missing",
                           G_TYPE_UINT64, static_cast<guint64>(done.damage.missing), "start",
                           G_TYPE_UINT64, static_cast<guint64>(done.damage.start), "stop",
                           G_TYPE_UINT64, static_cast<guint64>(done.damage.stop), nullptr));

  const std::lock_guard lock(lock_);
  if (done.complete)
    progress_.completed(index);
  counters_.segments += done.complete ? 1 : 0;
  counters_.frames += frames;
  counters_.bytes += bytes;
  counters_.workers.insert(done.worker.id);
  if (!window_.answer(index, done.held))
    return;
  for (const auto& rendition : done.renditions)
    outputs_.push_back({make_segment_buffer(*rendition.header, rendition.segment), {}});
  if (done.complete)
    outputs_.back().completes = index;
  changed_.notify_all();
}

void FanOut::told(const Coordinator::EncoderChosen& event) {
  std::string excluded;
  for (const std::string& worker : event.excluded)
    excluded += (excluded.empty() ? "" : ", ") + worker;
  GST_INFO_OBJECT(element_, "rendition '%s' is made with %s", event.rendition.c_str(),
                  event.encoder.c_str());
  post(gst_structure_new("dist-encoder-chosen", "rendition", G_TYPE_STRING, event.rendition.c_str(),
                         "encoder", G_TYPE_STRING, event.encoder.c_str(), "excluded", G_TYPE_STRING,
                         excluded.c_str(), nullptr));
  if (!excluded.empty())
    GST_ELEMENT_WARNING(
        element_, CORE, NEGOTIATION,
        ("Rendition '%s' is made with %s only; %s would use another encoder. Set mixed-encoders to "
         "let them take part.",
         event.rendition.c_str(), event.encoder.c_str(), excluded.c_str()),
        (NULL));
}

void FanOut::told(const Coordinator::NobodyCan& event) {
  {
    const std::lock_guard lock(lock_);
    if (flow_ != GST_FLOW_OK || std::exchange(flow_reported_, true))
      return;
  }
  GST_ELEMENT_ERROR(element_, CORE, MISSING_PLUGIN,
                    ("No worker can make what is wanted: %s. Start one that can, or leave it out.",
                     event.reason.c_str()),
                    (NULL));
  const std::lock_guard lock(lock_);
  flow_ = GST_FLOW_ERROR;
  changed_.notify_all();
}

void FanOut::told(const Coordinator::JobStalled& event) {
  const double seconds = static_cast<double>(event.duration) / GST_SECOND;
  post(gst_structure_new("dist-stalled", "seconds", G_TYPE_DOUBLE, seconds, "reason", G_TYPE_STRING,
                         event.reason.c_str(), "given-up", G_TYPE_BOOLEAN, event.given_up,
                         nullptr));
  if (!event.given_up) {
    GST_ELEMENT_WARNING(
        element_, STREAM, ENCODE,
        ("No segment was done for %.0f s. Waiting for %s.", seconds, event.reason.c_str()), (NULL));
    return;
  }
  {
    const std::lock_guard lock(lock_);
    if (flow_ != GST_FLOW_OK || std::exchange(flow_reported_, true))
      return;
  }
  GST_ELEMENT_ERROR(element_, STREAM, ENCODE,
                    ("No segment was done for %.0f s, although workers are connected. Look at what "
                     "they do, or raise stall-timeout.",
                     seconds),
                    ("waited for %s", event.reason.c_str()));
  const std::lock_guard lock(lock_);
  flow_ = GST_FLOW_ERROR;
  changed_.notify_all();
}

void FanOut::told(const Coordinator::LeaseFailed& event) {
  const std::uint64_t index = event.grant.segment.index;
  GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ", attempt %u on %s: %s", index,
                     event.grant.attempt, event.worker.name.c_str(), event.reason.c_str());
  post(gst_structure_new("dist-lease-failed", "segment", G_TYPE_UINT64, index, "attempt",
                         G_TYPE_UINT, event.grant.attempt, "worker", G_TYPE_UINT64, event.worker.id,
                         "name", G_TYPE_STRING, event.worker.name.c_str(), "reason", G_TYPE_STRING,
                         event.reason.c_str(), nullptr));
  reasons_.note(index, event.worker.name, event.reason);
  {
    const std::lock_guard lock(lock_);
    ++counters_.failed_leases;
  }
}

void FanOut::told(const Coordinator::SegmentGivenUp& event) {
  const std::uint64_t index = event.last.segment.index;
  {
    const std::lock_guard lock(lock_);
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
  const std::lock_guard lock(lock_);
  flow_ = GST_FLOW_ERROR;
  changed_.notify_all();
}

}  // namespace dist
