// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/player.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

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

Player::Player(GstElement* element, GstPad* srcpad, const Settings& settings)
    : element_(element), srcpad_(srcpad), settings_(settings) {
  std::string name = settings.worker_name;
  if (name.empty())
    name = std::string(g_get_host_name()) + "-" + std::to_string(getpid());
  name += settings.name_suffix;
  if (settings.make_link) {
    link_ = settings.make_link(name, settings.prefetch + 1, *this);
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

Player::~Player() {
  thread_.run([this] { watchdog_.reset(); });
  link_->end();
}

void Player::connected() {
  GST_INFO_OBJECT(element_, "connected to %s, port %u", settings_.host.c_str(), settings_.port);
  post_message(element_,
               gst_structure_new("dist-connected", "host", G_TYPE_STRING, settings_.host.c_str(),
                                 "port", G_TYPE_UINT, settings_.port, nullptr));
}

void Player::unreachable(const std::string& reason) {
  GST_INFO_OBJECT(element_, "%s, port %u: %s; dialling on", settings_.host.c_str(), settings_.port,
                  reason.c_str());
  post_message(element_,
               gst_structure_new("dist-connecting", "host", G_TYPE_STRING, settings_.host.c_str(),
                                 "port", G_TYPE_UINT, settings_.port, "reason", G_TYPE_STRING,
                                 reason.c_str(), nullptr));
}

std::optional<LeaseLink::Working> Player::working() {
  const std::lock_guard lock(lock_);
  if (!current_)
    return std::nullopt;
  return LeaseLink::Working{jobs_.front().key, current_->units(), current_->frames()};
}

void Player::wanted(LeaseLink::JobKey key, const std::string& renditions) {
  std::vector<Ability> abilities;
  const auto specs = parse_renditions(renditions);
  if (!specs) {
    GST_WARNING_OBJECT(element_, "the primary wants what this worker cannot read: %s",
                       specs.error().c_str());
    link_->leave();
    return;
  }
  if (settings_.workshop)
    abilities = settings_.workshop->offer(*specs);
  else
    abilities.assign(specs->size(), Ability{.able = true, .encoder = "", .reason = ""});
  link_->offer(key, std::move(abilities));
}

void Player::leased(LeaseLink::Leased leased) {
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
  } else if (settings_.workshop) {
    link_->fail(key,
                "this worker makes the renditions that a job names, and this one names none; set "
                "renditions or ladder of remoteenc");
    return;
  }
  GST_DEBUG_OBJECT(element_, "lease %" G_GUINT64_FORMAT " on segment %" G_GUINT64_FORMAT, key.lease,
                   leased.segment);
  auto buffer = make_segment_buffer(*header, leased.payload);
  const std::lock_guard lock(lock_);
  // It is not among those that are kept.
  if (retiring_)
    return;
  jobs_.push_back({key, std::make_shared<Lease>(std::move(*header), std::move(renditions)),
                   std::move(buffer), std::move(*kind)});
  changed_.notify_all();
}

// Those that are not begun would keep their segments until the pipeline has room.
void Player::drop_waiting(const std::function<bool(const Job&)>& over) {
  const std::lock_guard lock(lock_);
  jobs_.erase(std::remove_if(jobs_.begin() + (current_ ? 1 : 0), jobs_.end(), over), jobs_.end());
}

void Player::cancelled(LeaseLink::LeaseKey key) {
  drop_waiting([&](const Job& job) { return job.key == key; });
  for (const Job& job : jobs())
    if (job.key == key)
      interrupt(job, "");
}

void Player::disconnected(bool done, const std::string& reason) {
  GST_INFO_OBJECT(element_, "%s: %s", done ? "job over" : "connection lost", reason.c_str());
  post_message(element_, gst_structure_new("dist-disconnected", "done", G_TYPE_BOOLEAN, done,
                                           "reason", G_TYPE_STRING, reason.c_str(), nullptr));
  drop_waiting([](const Job&) { return true; });
  for (const Job& job : jobs())
    interrupt(job, "");
  {
    // Where it was about to leave, nothing has gone wrong for it.
    const std::lock_guard lock(lock_);
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
  const std::lock_guard lock(lock_);
  ended_ = true;
  changed_.notify_all();
}

void Player::refused(const std::string& reason) {
  fail();
  GST_ELEMENT_ERROR(element_, RESOURCE, NOT_AUTHORIZED,
                    ("The primary at %s, port %u, refused this worker: %s.", settings_.host.c_str(),
                     settings_.port, reason.c_str()),
                    ("%s", reason.c_str()));
}

void Player::retired() {
  const std::lock_guard lock(lock_);
  ended_ = true;
  changed_.notify_all();
}

std::vector<Player::Job> Player::jobs() {
  const std::lock_guard lock(lock_);
  return {jobs_.begin(), jobs_.end()};
}

// No job will come any more, and that is no ordinary end.
void Player::fail() {
  const std::lock_guard lock(lock_);
  failed_ = true;
  changed_.notify_all();
}

// The pipeline can do no more, so others are to do the leases that are here.
void Player::leave() {
  link_->leave();
  fail();
  for (const Job& job : jobs())
    job.lease->settle(Lease::Cancelled());
}

// Ends a lease early and, with a reason, tells the primary why. If it is being played, a flush
// brings the task back out of the pipeline; but not before the lease has reached its end:
// decodebin takes a flush for a decoder that does not work and tries the next, until there is none.
void Player::interrupt(const Job& job, const std::string& reason) {
  if (!job.lease->settle(Lease::Cancelled()))
    return;
  if (!reason.empty()) {
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s", job.lease->source().index,
                       reason.c_str());
    link_->fail(job.key, reason);
  }
  {
    const std::lock_guard lock(lock_);
    if (current_ != job.lease)
      return;
    if (!job.lease->arrived()) {
      flush_at_ = g_get_monotonic_time() + kPluggingTime;
      return;
    }
  }
  flush(job.lease);
}

void Player::flush(const std::shared_ptr<Lease>& lease) {
  {
    const std::lock_guard lock(lock_);
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
        auto* self = static_cast<Player*>(data);
        gst_pad_push_event(self->srcpad_, gst_event_new_flush_start());
        const std::lock_guard lock(self->lock_);
        self->interrupting_ = false;
        self->changed_.notify_all();
      },
      this, nullptr);
}

// A decoder that got nothing it can show may never let EOS through.
void Player::watch() {
  watchdog_->set(IoThread::now() + kWatchdogInterval);
  const gint64 now = g_get_monotonic_time();
  const auto timeout = static_cast<gint64>(settings_.stall_timeout / 1000);
  std::optional<Job> stalled;
  std::shared_ptr<Lease> put_off;
  bool stuck = false;
  {
    const std::lock_guard lock(lock_);
    if (flush_at_ != 0 && current_ && (current_->arrived() || now > flush_at_))
      put_off = current_;
    if (timeout > 0 && current_ && now - current_->last_activity() > timeout)
      stalled = jobs_.front();
    stuck =
        timeout > 0 && interrupted_at_ != 0 && now - interrupted_at_ > timeout && !stuck_posted_;
    stuck_posted_ = stuck_posted_ || stuck;
  }
  if (put_off)
    flush(put_off);
  if (stuck) {
    // Its answer would be sent by the thread that does not come back.
    if (!jobs().empty())
      link_->fail(jobs().front().key, "the worker's pipeline is stuck and cannot be flushed");
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
void Player::give_up(const Job& job) {
  if (settings_.workshop)
    settings_.workshop->broken();
  interrupt(job, "nothing moved in the worker's pipeline for its stall-timeout of " +
                     std::to_string(settings_.stall_timeout / GST_MSECOND) + " ms");
  flush(job.lease);
}

// --- The pad's task

void Player::stop() {
  std::vector<std::shared_ptr<Lease>> leases;
  {
    const std::lock_guard lock(lock_);
    stopping_ = true;
    for (const Job& job : jobs_)
      leases.push_back(job.lease);
    changed_.notify_all();
  }
  // The pads are being flushed by the state change.
  for (const auto& lease : leases)
    lease->settle(Lease::Cancelled());
}

void Player::retire() {
  std::optional<LeaseLink::LeaseKey> working;
  {
    const std::lock_guard lock(lock_);
    if (std::exchange(retiring_, true))
      return;
    if (current_)
      working = jobs_.front().key;
    jobs_.erase(jobs_.begin() + (current_ ? 1 : 0), jobs_.end());
  }
  link_->retire(working);
}

Player::Next Player::play_next() {
  Job job;
  bool ended = false;
  {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [this] { return stopping_ || failed_ || ended_ || !jobs_.empty(); });
    if (stopping_ || (failed_ && jobs_.empty()))
      return Next::kPause;
    ended = jobs_.empty();
    if (!ended) {
      job = jobs_.front();
      current_ = job.lease;
      job.lease->touch();
    }
  }
  if (ended)
    return Next::kEnded;

  GstFlowReturn flow = GST_FLOW_OK;
  if (!job.lease->settled()) {
    if (played_)
      rearm();
    if (const Status ready = prepare(job); ready)
      flow = push_job(job);
    else
      job.lease->settle(Lease::Failed{ready.error()});
    played_ = true;
  }
  if (flow == GST_FLOW_FLUSHING && !job.lease->settled() && is_stopped_soon())
    job.lease->settle(Lease::Cancelled());
  if (flow != GST_FLOW_OK && flow != GST_FLOW_EOS)
    job.lease->settle(
        Lease::Failed{std::string("the worker's pipeline stopped: ") + gst_flow_get_name(flow)});
  report(job);

  bool stopping = false;
  {
    std::unique_lock lock(lock_);
    current_.reset();
    jobs_.pop_front();
    flush_at_ = 0;
    changed_.wait(lock, [this] { return !interrupting_; });
    // The flush came even if the job was not begun any more.
    played_ = played_ || interrupted_at_ != 0;
    interrupted_at_ = 0;
    stopping = stopping_;
  }
  if (!stopping && (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)) {
    if (settings_.workshop) {
      settings_.workshop->broken();
      return Next::kPlay;
    }
    leave();
    GST_ELEMENT_FLOW_ERROR(element_, flow);
    return Next::kPause;
  }
  return stopping ? Next::kPause : Next::kPlay;
}

// A state change reaches the pipeline's end first. Its flush is nobody's failure.
bool Player::is_stopped_soon() {
  std::unique_lock lock(lock_);
  return changed_.wait_for(lock, kStopTime, [this] { return stopping_; });
}

Status Player::prepare(const Job& job) {
  return settings_.workshop ? settings_.workshop->prepare(job.lease) : Status();
}

void Player::rearm() {
  gst_pad_push_event(srcpad_, gst_event_new_flush_start());
  gst_pad_push_event(srcpad_, gst_event_new_flush_stop(TRUE));
}

// One segment as a complete stream.
GstFlowReturn Player::push_job(const Job& job) {
  const SegmentHeader& header = job.lease->source();
  const GstSegment segment = play_segment(header);
  const std::string stream_id = header.stream_id + "/" + std::to_string(header.index);
  gst_pad_push_event(srcpad_, gst_event_new_stream_start(stream_id.c_str()));
  gst_pad_push_event(srcpad_, gst_event_new_caps(job.kind.caps.get()));
  gst_pad_push_event(srcpad_, gst_event_new_segment(&segment));
  gst_pad_push_event(srcpad_, lease_event_new(job.lease));
  gst_pad_push_event(srcpad_, key_unit_event_new());
  const GstFlowReturn flow = push_units(job);
  if (flow == GST_FLOW_OK || flow == GST_FLOW_EOS)
    gst_pad_push_event(srcpad_, gst_event_new_eos());
  return flow;
}

GstFlowReturn Player::push_units(const Job& job) {
  const SegmentHeader& header = job.lease->source();
  const std::size_t base = header_size(job.segment.get(), header);
  std::uint64_t offset = 0;
  PlayTimes times(header);
  for (const AccessUnit& unit : header.units) {
    auto buffer = unit_buffer(job.segment.get(), base, offset, unit);
    if (offset == 0)
      GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    offset += unit.size;
    times.set(buffer.get(), unit);
    buffer = readable_unit(std::move(buffer), job.kind);
    // The answer lacks this frame then.
    if (!buffer)
      continue;
    const GstFlowReturn flow = gst_pad_push(srcpad_, buffer.release());
    if (flow != GST_FLOW_OK)
      return flow;
    job.lease->unit_went_in();
  }
  return GST_FLOW_OK;
}

void Player::report(const Job& job) {
  Lease::Outcome outcome = job.lease->wait();
  if (auto* done = std::get_if<Lease::Done>(&outcome)) {
    link_->result(job.key, std::move(done->renditions));
  } else if (const auto* failed = std::get_if<Lease::Failed>(&outcome)) {
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s", job.lease->source().index,
                       failed->reason.c_str());
    link_->fail(job.key, failed->reason);
  }
}

}  // namespace dist
