// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/lease_player.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "gst/base/mutex.h"
#include "gst/farm/local_link.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/segment_play.h"

GST_DEBUG_CATEGORY_EXTERN(gst_remote_enc_src_debug);
#define GST_CAT_DEFAULT gst_remote_enc_src_debug

namespace dist {
namespace {

constexpr Instant kWatchdogInterval = 250 * kMillisecond;
// How long a pipeline may take until it is complete, in microseconds, before it is flushed all the
// same.
constexpr gint64 kPluggingTime = 5 * G_USEC_PER_SEC;

// How long a state change may be on its way from a pipeline's end to its source.
constexpr std::chrono::seconds kStopTime(5);

void post_message(GstElement* element, GstStructure* structure) {
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
}

// Asks the encoder for a keyframe, as gst_video_event_new_downstream_force_key_unit() does. Some,
// openh264enc for one, do not begin with one after a flush.
GstEvent* key_unit_event_new() {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new("GstForceKeyUnit", "timestamp", G_TYPE_UINT64, GST_CLOCK_TIME_NONE,
                        "stream-time", G_TYPE_UINT64, GST_CLOCK_TIME_NONE, "running-time",
                        G_TYPE_UINT64, GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN, TRUE,
                        "count", G_TYPE_UINT, 0u, nullptr));
}

}  // namespace

// --- Network thread

LeasePlayer::LeasePlayer(GstElement* element, GstPad* srcpad, const Settings& settings)
    : element_(element), srcpad_(srcpad), settings_(settings) {
  std::string name = settings.worker_name;
  if (name.empty())
    name = std::string(g_get_host_name()) + "-" + std::to_string(getpid());
  name += settings.name_suffix;
  if (settings.farm) {
    link_ = std::make_unique<LocalLink>(settings.farm, name, settings.prefetch + 1, *this);
  } else {
    const WorkerLink::Config config{
        .host = settings.host,
        .port = static_cast<std::uint16_t>(settings.port),
        .session = {.name = name,
                    .capacity = static_cast<std::uint16_t>(settings.prefetch + 1),
                    .secret = settings.secret},
        .reconnect = settings.reconnect};
    link_ = std::make_unique<WorkerLink>(thread_, config, *this);
  }
  link_->begin();
  thread_.run([this] {
    watchdog_ = std::make_unique<Timer>(thread_, [this] { watch(); });
    watchdog_->set(IoThread::now() + kWatchdogInterval);
  });
}

LeasePlayer::~LeasePlayer() {
  thread_.run([this] { watchdog_.reset(); });
  link_->end();
}

void LeasePlayer::connected() {
  GST_INFO_OBJECT(element_, "connected to %s, port %u", settings_.host.c_str(), settings_.port);
  post_message(element_,
               gst_structure_new("dist-connected", "host", G_TYPE_STRING, settings_.host.c_str(),
                                 "port", G_TYPE_UINT, settings_.port, nullptr));
}

void LeasePlayer::unreachable(const std::string& reason) {
  GST_INFO_OBJECT(element_, "%s, port %u: %s; dialling on", settings_.host.c_str(), settings_.port,
                  reason.c_str());
  post_message(element_,
               gst_structure_new("dist-connecting", "host", G_TYPE_STRING, settings_.host.c_str(),
                                 "port", G_TYPE_UINT, settings_.port, "reason", G_TYPE_STRING,
                                 reason.c_str(), nullptr));
}

std::optional<LeaseLink::Working> LeasePlayer::working() {
  const MutexLock lock(lock_);
  if (!current_)
    return std::nullopt;
  return LeaseLink::Working{received_.front().key, current_->units(), current_->frames()};
}

void LeasePlayer::wanted(LeaseLink::JobKey key, const std::string& renditions) {
  std::vector<Ability> abilities;
  const auto specs = parse_renditions(renditions);
  if (!specs) {
    GST_WARNING_OBJECT(element_, "the primary wants what this worker cannot read: %s",
                       specs.error().c_str());
    link_->leave();
    return;
  }
  if (settings_.adapter)
    abilities = settings_.adapter->offer(*specs);
  else
    abilities.assign(specs->size(), Ability{.able = true, .encoder = "", .reason = ""});
  link_->offer(key, std::move(abilities));
}

void LeasePlayer::leased(LeaseLink::Leased leased) {
  const LeaseLink::LeaseKey key = leased.key;
  auto header = parse_header(leased.payload.front().span(), total_size(leased.payload));
  if (!header) {
    link_->fail(key, header.error());
    return;
  }
  // Before any element sees the caps: they would decide which ones are loaded.
  auto kind = kind_of_source(header->caps, settings_.max_pixels);
  if (!kind) {
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s", header->index,
                       kind.error().c_str());
    link_->fail(key, kind.error());
    return;
  }
  std::vector<RenditionSpec> renditions;
  if (!leased.renditions.empty()) {
    auto specs = parse_renditions(leased.renditions);
    if (!specs) {
      link_->fail(key, "the worker cannot read what is wanted: " + specs.error());
      return;
    }
    renditions = std::move(*specs);
  } else if (settings_.adapter) {
    link_->fail(key,
                "this worker makes the renditions that a job names, and this one names none; set "
                "renditions or ladder of remoteenc");
    return;
  }
  GST_DEBUG_OBJECT(element_, "lease %" G_GUINT64_FORMAT " on segment %" G_GUINT64_FORMAT, key.lease,
                   leased.segment);
  auto buffer = make_segment_buffer(*header, leased.payload);
  const MutexLock lock(lock_);
  // It is not among those that are kept.
  if (retiring_)
    return;
  received_.push_back({key, std::make_shared<Lease>(std::move(*header), std::move(renditions)),
                       std::move(buffer), std::move(*kind)});
  changed_.notify_all();
}

// Those that are not begun would keep their segments until the pipeline has room.
void LeasePlayer::drop_waiting(const std::function<bool(const ReceivedLease&)>& over) {
  const MutexLock lock(lock_);
  received_.erase(std::remove_if(received_.begin() + (current_ ? 1 : 0), received_.end(), over),
                  received_.end());
}

void LeasePlayer::cancelled(LeaseLink::LeaseKey key) {
  drop_waiting([&](const ReceivedLease& received) { return received.key == key; });
  for (const ReceivedLease& received : all_received())
    if (received.key == key)
      interrupt(received, "");
}

void LeasePlayer::disconnected(bool done, const std::string& reason) {
  GST_INFO_OBJECT(element_, "%s: %s", done ? "job over" : "connection lost", reason.c_str());
  post_message(element_, gst_structure_new("dist-disconnected", "done", G_TYPE_BOOLEAN, done,
                                           "reason", G_TYPE_STRING, reason.c_str(), nullptr));
  drop_waiting([](const ReceivedLease&) { return true; });
  for (const ReceivedLease& received : all_received())
    interrupt(received, "");
  {
    // Where it was about to leave, nothing has gone wrong for it.
    const MutexLock lock(lock_);
    if (settings_.reconnect || retiring_)
      return;
  }
  if (!done) {
    fail();
    GST_ELEMENT_ERROR(element_, RESOURCE, READ,
                      ("Lost the primary at %s, port %u (%s). Start the worker again, or set "
                       "reconnect=true.",
                       settings_.host.c_str(), settings_.port, reason.c_str()),
                      ("%s", reason.c_str()));
    return;
  }
  const MutexLock lock(lock_);
  ended_ = true;
  changed_.notify_all();
}

void LeasePlayer::refused(const std::string& reason) {
  fail();
  GST_ELEMENT_ERROR(element_, RESOURCE, NOT_AUTHORIZED,
                    ("The primary at %s, port %u, refused this worker: %s.", settings_.host.c_str(),
                     settings_.port, reason.c_str()),
                    ("%s", reason.c_str()));
}

void LeasePlayer::retired() {
  const MutexLock lock(lock_);
  ended_ = true;
  changed_.notify_all();
}

std::vector<LeasePlayer::ReceivedLease> LeasePlayer::all_received() {
  const MutexLock lock(lock_);
  return {received_.begin(), received_.end()};
}

// No lease will come any more, and that is no ordinary end.
void LeasePlayer::fail() {
  const MutexLock lock(lock_);
  failed_ = true;
  changed_.notify_all();
}

// The pipeline can do no more, so others are to do the leases that are here.
void LeasePlayer::leave() {
  link_->leave();
  fail();
  for (const ReceivedLease& received : all_received())
    received.lease->settle(Lease::Cancelled());
}

// By hand not before the lease has reached the pipeline's end: decodebin takes a flush for a
// decoder that does not work and tries the next, until there is none. What an adapter makes has its
// decoder when units go in.
bool LeasePlayer::may_be_flushed(const Lease& lease) const {
  return lease.arrived() || (settings_.adapter && lease.units() > 0);
}

// Ends a lease early and, with a reason, tells the primary why. If it is being played, a flush
// brings the task back out of the pipeline, at once or when watch() finds that it may.
void LeasePlayer::interrupt(const ReceivedLease& received, const std::string& reason) {
  if (!received.lease->settle(Lease::Cancelled()))
    return;
  if (!reason.empty()) {
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s",
                       received.lease->source().index, reason.c_str());
    link_->fail(received.key, reason);
  }
  {
    const MutexLock lock(lock_);
    if (current_ != received.lease)
      return;
    if (!may_be_flushed(*received.lease)) {
      flush_at_ = g_get_monotonic_time() + kPluggingTime;
      return;
    }
  }
  flush(received.lease);
}

void LeasePlayer::flush(const std::shared_ptr<Lease>& lease) {
  {
    const MutexLock lock(lock_);
    flush_at_ = 0;
    if (current_ != lease || interrupting_ || interrupted_at_ != 0)
      return;
    interrupting_ = true;
    interrupted_at_ = g_get_monotonic_time();
  }
  // In a thread of its own: a queue waits in FLUSH_START for its task, and if that is stuck this
  // one must go on to say so. The pad's task waits for it, so the session is still there.
  gst_element_call_async(
      element_,
      [](GstElement*, gpointer data) {
        auto* self = static_cast<LeasePlayer*>(data);
        gst_pad_push_event(self->srcpad_, gst_event_new_flush_start());
        const MutexLock lock(self->lock_);
        self->interrupting_ = false;
        self->changed_.notify_all();
      },
      this, nullptr);
}

// A decoder that got nothing it can show may never let EOS through.
void LeasePlayer::watch() {
  watchdog_->set(IoThread::now() + kWatchdogInterval);
  const gint64 now = g_get_monotonic_time();
  const auto timeout = static_cast<gint64>(settings_.stall_timeout / 1000);
  std::optional<ReceivedLease> stalled;
  std::shared_ptr<Lease> put_off;
  bool stuck = false;
  {
    const MutexLock lock(lock_);
    if (flush_at_ != 0 && current_ && (may_be_flushed(*current_) || now > flush_at_))
      put_off = current_;
    if (timeout > 0 && current_ && now - current_->last_activity() > timeout)
      stalled = received_.front();
    stuck =
        timeout > 0 && interrupted_at_ != 0 && now - interrupted_at_ > timeout && !stuck_posted_;
    stuck_posted_ = stuck_posted_ || stuck;
  }
  if (put_off)
    flush(put_off);
  if (stuck) {
    // Its answer would be sent by the thread that does not come back.
    if (!all_received().empty())
      link_->fail(all_received().front().key,
                  "the worker's pipeline is stuck and cannot be flushed");
    leave();
    GST_ELEMENT_ERROR(element_, STREAM, FAILED,
                      ("The worker's pipeline is stuck and cannot be flushed. Start it again."),
                      ("no way out of a flush for longer than stall-timeout"));
  } else if (stalled) {
    give_up(*stalled);
  }
}

// The lease may have an answer already, as when an element posted an error and went on, for ever.
// Then the pipeline has to be left all the same.
void LeasePlayer::give_up(const ReceivedLease& received) {
  if (settings_.adapter)
    settings_.adapter->broken();
  interrupt(received, "nothing moved in the worker's pipeline for its stall-timeout of " +
                          std::to_string(settings_.stall_timeout / GST_MSECOND) + " ms");
  flush(received.lease);
}

// --- The pad's task

void LeasePlayer::stop() {
  std::vector<std::shared_ptr<Lease>> leases;
  {
    const MutexLock lock(lock_);
    stopping_ = true;
    for (const ReceivedLease& received : received_)
      leases.push_back(received.lease);
    changed_.notify_all();
  }
  // The pads are being flushed by the state change.
  for (const auto& lease : leases)
    lease->settle(Lease::Cancelled());
}

void LeasePlayer::retire() {
  std::optional<LeaseLink::LeaseKey> working;
  {
    const MutexLock lock(lock_);
    if (std::exchange(retiring_, true))
      return;
    if (current_)
      working = received_.front().key;
    received_.erase(received_.begin() + (current_ ? 1 : 0), received_.end());
  }
  link_->retire(working);
}

LeasePlayer::Next LeasePlayer::play_next() {
  ReceivedLease received;
  bool ended = false;
  {
    const MutexLock lock(lock_);
    while (!stopping_ && !failed_ && !ended_ && received_.empty())
      changed_.wait(lock_);
    if (stopping_ || (failed_ && received_.empty()))
      return Next::kPause;
    ended = received_.empty();
    if (!ended) {
      received = received_.front();
      current_ = received.lease;
      received.lease->touch();
    }
  }
  if (ended)
    return Next::kEnded;

  GstFlowReturn flow = GST_FLOW_OK;
  if (!received.lease->settled()) {
    if (played_)
      rearm();
    if (const Status ready = prepare(received); ready)
      flow = push_lease(received);
    else
      received.lease->settle(Lease::Failed{ready.error()});
    played_ = true;
  }
  if (flow == GST_FLOW_FLUSHING && !received.lease->settled() && is_stopped_soon())
    received.lease->settle(Lease::Cancelled());
  if (flow != GST_FLOW_OK && flow != GST_FLOW_EOS)
    received.lease->settle(
        Lease::Failed{std::string("the worker's pipeline stopped: ") + gst_flow_get_name(flow)});
  report(received);

  bool stopping = false;
  {
    const MutexLock lock(lock_);
    current_.reset();
    received_.pop_front();
    flush_at_ = 0;
    while (interrupting_)
      changed_.wait(lock_);
    // The flush came even if the lease was not begun any more.
    played_ = played_ || interrupted_at_ != 0;
    interrupted_at_ = 0;
    stopping = stopping_;
  }
  if (!stopping && (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)) {
    if (settings_.adapter) {
      settings_.adapter->broken();
      return Next::kPlay;
    }
    leave();
    GST_ELEMENT_FLOW_ERROR(element_, flow);
    return Next::kPause;
  }
  return stopping ? Next::kPause : Next::kPlay;
}

// A state change reaches the pipeline's end first. Its flush is no failure of the lease.
bool LeasePlayer::is_stopped_soon() {
  const MutexLock lock(lock_);
  const auto end = Condition::Clock::now() + kStopTime;
  while (!stopping_ && changed_.wait_until(lock_, end)) {
  }
  return stopping_;
}

Status LeasePlayer::prepare(const ReceivedLease& received) {
  return settings_.adapter ? settings_.adapter->prepare(received.lease) : Status();
}

void LeasePlayer::rearm() {
  gst_pad_push_event(srcpad_, gst_event_new_flush_start());
  gst_pad_push_event(srcpad_, gst_event_new_flush_stop(TRUE));
}

// One segment as a complete stream.
GstFlowReturn LeasePlayer::push_lease(const ReceivedLease& received) {
  const SegmentHeader& header = received.lease->source();
  const GstSegment segment = play_segment(header);
  const std::string stream_id = header.stream_id + "/" + std::to_string(header.index);
  gst_pad_push_event(srcpad_, gst_event_new_stream_start(stream_id.c_str()));
  gst_pad_push_event(srcpad_, gst_event_new_caps(received.kind.caps.get()));
  gst_pad_push_event(srcpad_, gst_event_new_segment(&segment));
  gst_pad_push_event(srcpad_, lease_event_new(received.lease));
  gst_pad_push_event(srcpad_, key_unit_event_new());
  const GstFlowReturn flow = push_units(received);
  if (flow == GST_FLOW_OK || flow == GST_FLOW_EOS)
    gst_pad_push_event(srcpad_, gst_event_new_eos());
  return flow;
}

GstFlowReturn LeasePlayer::push_units(const ReceivedLease& received) {
  const SegmentHeader& header = received.lease->source();
  const std::size_t base = header_size(received.segment.get(), header);
  std::uint64_t offset = 0;
  PlayTimes times(header);
  for (const AccessUnit& unit : header.units) {
    auto buffer = unit_buffer(received.segment.get(), base, offset, unit);
    if (offset == 0)
      GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    offset += unit.size;
    times.set(buffer.get(), unit);
    buffer = readable_unit(std::move(buffer), received.kind);
    // The answer lacks this frame then.
    if (!buffer)
      continue;
    const GstFlowReturn flow = gst_pad_push(srcpad_, buffer.release());
    if (flow != GST_FLOW_OK)
      return flow;
    received.lease->unit_went_in();
  }
  return GST_FLOW_OK;
}

void LeasePlayer::report(const ReceivedLease& received) {
  Lease::Outcome outcome = received.lease->wait();
  if (auto* done = std::get_if<Lease::Done>(&outcome)) {
    link_->result(received.key, std::move(done->renditions));
  } else if (const auto* failed = std::get_if<Lease::Failed>(&outcome)) {
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s",
                       received.lease->source().index, failed->reason.c_str());
    link_->fail(received.key, failed->reason);
  }
}

}  // namespace dist
