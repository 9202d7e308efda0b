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

FanOut::FanOut(GstElement* element, GstPad* srcpad, std::shared_ptr<Farm> farm,
               const Settings& settings)
    : element_(element),
      srcpad_(srcpad),
      farm_(std::move(farm)),
      settings_(settings),
      // The other half is for results that are arriving.
      window_({.segments = settings.max_segments, .bytes = settings.job.max_bytes / 2}) {
  if (const auto& verification = settings_.job.verification;
      verification.mode != Verify::kNone || verification.golden)
    checker_ = std::make_unique<PictureChecker>(
        settings_.checker,
        [this](LeaseId lease, LookReport look) { job_->looked(lease, std::move(look)); });
  Coordinator::JobConfig job = settings_.job;
  job.has_store = settings_.store && !settings_.renditions.empty();
  if (job.has_store)
    stored_ = std::make_unique<StoredResults>(
        settings_.store,
        [this](std::uint64_t question, std::vector<ResultRendition> results) {
          job_->found(question, std::move(results));
        },
        [this](const std::string& text) { leave_store(text); });
  job_ = std::make_unique<FarmJob>(farm_, job, *this);
}

// The checker calls job_, and so ends first.
FanOut::~FanOut() {
  if (checker_)
    checker_->stop();
  if (stored_)
    stored_->stop();
}

void FanOut::leave_store(const std::string& reason) {
  GST_ELEMENT_WARNING(
      element_, RESOURCE, FAILED,
      ("The store is not used any more: %s. Encoding goes on without it.", reason.c_str()), (NULL));
}

void FanOut::post(const message::Any& message) {
  post(to_structure(message));
}

void FanOut::post(GstStructure* message) {
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), message));
}

GstFlowReturn FanOut::refuse(const std::string& reason) {
  return fail("remoteenc encodes the segments of one distsegmenter, in order; " + reason + ".");
}

GstFlowReturn FanOut::fail(const std::string& text) {
  {
    const MutexLock lock(lock_);
    flow_ = GST_FLOW_ERROR;
    flow_reported_ = true;
    changed_.notify_all();
  }
  GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("%s", text.c_str()), (NULL));
  return GST_FLOW_ERROR;
}

// Or there is nothing more to wait for.
bool FanOut::may_submit(std::uint64_t index) const {
  return stopping_ || flushing_ || flow_ != GST_FLOW_OK || window_.has_room(index);
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
    const MutexLock lock(lock_);
    if (!may_submit(index)) {
      job_->set_blocked(true);
      while (!may_submit(index))
        changed_.wait(lock_);
      job_->set_blocked(false);
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
  job_->submit(std::make_shared<const SegmentHeader>(std::move(*header)), to_bytes(segment.get()));
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
    spec.in_band = settings_.job.mixed_encoders;
  GST_INFO_OBJECT(element_, "renditions: %s", to_string(*renditions).c_str());
  push_event(caps_event(*renditions));
  job_->set_renditions(std::move(*renditions));
  return {};
}

void FanOut::push_event(Ref<GstEvent> event) {
  GstFlowReturn unreported = GST_FLOW_OK;
  {
    const MutexLock lock(lock_);
    if (GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS) {
      eos_ = std::move(event);
      progress_.ended();
      // Nothing comes after what is here.
      job_->set_blocked(true);
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
    const MutexLock lock(lock_);
    flushing_ = true;
    changed_.notify_all();
  }
  job_->cancel_all();
  if (stored_)
    stored_->flush();
}

void FanOut::end_flush() {
  // The upstream thread may have brought one more while the flush began.
  job_->cancel_all();
  if (stored_)
    stored_->flush();
  std::deque<Output> dropped;
  Ref<GstEvent> eos;
  {
    const MutexLock lock(lock_);
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
  const MutexLock lock(lock_);
  const JobProgress::Amount begun = progress_.begun();
  return gst_structure_new(
      "dist-stats", "submitted", G_TYPE_UINT64, static_cast<guint64>(progress_.submitted()),
      "whole", G_TYPE_BOOLEAN, progress_.whole(), "open", G_TYPE_UINT64,
      static_cast<guint64>(progress_.open()), "done", G_TYPE_UINT64,
      static_cast<guint64>(progress_.done()), "begun", G_TYPE_UINT64,
      static_cast<guint64>(begun.time), "begun-frames", G_TYPE_UINT64,
      static_cast<guint64>(begun.frames), "decoding", G_TYPE_DOUBLE, progress_.decoding(), nullptr);
}

void FanOut::stop() {
  const MutexLock lock(lock_);
  stopping_ = true;
  changed_.notify_all();
}

// --- The src pad's task

// Or there is nothing more to wait for.
bool FanOut::has_output() const {
  return stopping_ || flushing_ || flow_ != GST_FLOW_OK || !outputs_.empty() ||
         (eos_ && window_.empty());
}

bool FanOut::push_next() {
  Output output;
  Ref<GstEvent> eos;
  {
    const MutexLock lock(lock_);
    while (!has_output())
      changed_.wait(lock_);
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
    const MutexLock lock(lock_);
    if (output.completes)
      window_.deliver(*output.completes);
    if (!flushing_ && flow_ == GST_FLOW_OK)
      flow_ = flow;
    unreported = take_unreported();
    changed_.notify_all();
  }
  if (output.completes)
    job_->delivered(*output.completes);
  if (unreported != GST_FLOW_OK)
    GST_ELEMENT_FLOW_ERROR(element_, unreported);
  return flow == GST_FLOW_OK;
}

void FanOut::end(Ref<GstEvent> eos) {
  job_->finish();
  Counters counters;
  {
    const MutexLock lock(lock_);
    counters = counters_;
  }
  const double seconds =
      static_cast<double>(g_get_monotonic_time() - counters.started_at) / G_USEC_PER_SEC;
  post(message::Summary{.segments = counters.segments,
                        .frames = counters.frames,
                        .bytes = counters.bytes,
                        .workers = static_cast<unsigned>(counters.workers.size()),
                        .failed_leases = counters.failed_leases,
                        .hedged_leases = counters.hedged_leases,
                        .found = counters.found,
                        .seconds = seconds});
  gst_pad_push_event(srcpad_, eos.release());
}

// --- Network thread

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
  for (const auto& rendition : done.renditions)
    outputs_.push_back({make_segment_buffer(*rendition.header, rendition.segment), {}});
  if (done.complete)
    outputs_.back().completes = index;
  changed_.notify_all();
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
