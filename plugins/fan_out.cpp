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
  if (job.has_store)
    log_ = std::make_unique<JobLog>(settings_.store, [this] { return job_->status(); });
}

// They call job_, and so end first.
FanOut::~FanOut() {
  if (checker_)
    checker_->stop();
  if (stored_)
    stored_->stop();
  if (log_)
    log_->stop();
}

void FanOut::note(const Happening& happening) {
  if (log_)
    log_->note(happening);
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
  note({.kind = Happening::Kind::kWaiting, .segment = index});
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
  {
    const MutexLock lock(lock_);
    for (const RenditionSpec& spec : *renditions)
      rendition_texts_[spec.name] = to_string({spec});
  }
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

}  // namespace dist
