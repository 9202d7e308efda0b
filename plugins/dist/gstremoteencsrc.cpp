// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-remoteencsrc
 * @title: remoteencsrc
 * @short_description: Where a worker's pipeline begins
 *
 * Dials the primary and plays each segment it is given as a small stream of its own, from
 * STREAM_START to EOS, then flushes the pipeline for the next one, as a seek after EOS would. Any
 * decoders, filters and encoders may stand between it and remoteencsink.
 *
 * |[
 * gst-launch-1.0 remoteencsrc host=primary ! decodebin ! videoconvert ! x264enc threads=1 !
 * h264parse ! remoteencsink
 * ]|
 */

#include "plugins/dist/gstremoteencsrc.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gst/dist/core/handover.h"
#include "gst/dist/gstx/lease.h"
#include "gst/dist/gstx/segment_buffer.h"
#include "gst/dist/io/worker_link.h"

GST_DEBUG_CATEGORY_STATIC(gst_remote_enc_src_debug);
#define GST_CAT_DEFAULT gst_remote_enc_src_debug

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

enum {
  PROP_0,
  PROP_HOST,
  PROP_PORT,
  PROP_WORKER_NAME,
  PROP_PREFETCH,
  PROP_RECONNECT,
  PROP_STALL_TIMEOUT
};
constexpr char kDefaultHost[] = "127.0.0.1";
constexpr guint kDefaultPort = 7700;
constexpr guint kDefaultPrefetch = 1;
constexpr guint kMaxPrefetch = 15;
constexpr guint64 kDefaultStallTimeout = 60 * GST_SECOND;
constexpr unsigned kWatchdogMilliseconds = 250;

// Timestamps in the worker's pipeline are those of the source plus kTimeBase. Access units that
// only help decoding are moved kGap away from the segment, so that a decoder's clipping drops their
// frames whole, whatever their rounding; see docs/design/cut.md.
constexpr dist::Time kTimeBase = 3600 * GST_SECOND;
constexpr dist::Time kGap = 1000 * GST_SECOND;

namespace {

using dist::Lease;
using dist::Ref;
using dist::Time;

struct Settings {
  std::string host = kDefaultHost;
  guint port = kDefaultPort;
  std::string worker_name;
  guint prefetch = kDefaultPrefetch;
  bool reconnect = false;
  guint64 stall_timeout = kDefaultStallTimeout;
};

// A lease that was received.
struct Job {
  dist::WorkerLink::LeaseKey key;
  std::shared_ptr<Lease> lease;
  Ref<GstBuffer> segment;
};

// What exists between start and stop. The network thread brings jobs, the pad's task plays them.
class Session : public dist::WorkerLink::Observer {
 public:
  Session(GstRemoteEncSrc* element, const Settings& settings);
  ~Session() override;

  // For the task: plays the next job. False if the task shall pause.
  bool play_next(GstPad* srcpad);
  // Wakes the task and lets it end.
  void stop();

 private:
  void connected() override;
  void unreachable(const std::string& reason) override;
  void leased(dist::WorkerLink::LeaseKey key, dist::WorkerSession::Leased lease) override;
  void cancelled(dist::WorkerLink::LeaseKey key) override;
  void disconnected(bool done, const std::string& reason) override;
  void refused(const std::string& reason) override;

  void rearm(GstPad* srcpad);
  GstFlowReturn push_job(GstPad* srcpad, const Job& job);
  GstFlowReturn push_units(GstPad* srcpad, const Job& job);
  void report(const Job& job);
  std::vector<Job> jobs();
  void end();
  void interrupt(const Job& job, const std::string& reason);
  void watch();

  GstRemoteEncSrc* element_;
  const Settings settings_;

  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;            // Guarded by lock_.
  std::shared_ptr<Lease> current_;  // Guarded by lock_; being played.
  bool interrupting_ = false;       // Guarded by lock_; the network thread pushes a flush.
  gint64 interrupted_at_ = 0;       // Guarded by lock_; monotonic microseconds, 0: not.
  bool stuck_posted_ = false;       // Guarded by lock_.
  bool ended_ = false;              // Guarded by lock_; no job will come any more.
  bool stopping_ = false;           // Guarded by lock_.

  // Belong to the task.
  bool played_ = false;  // A job has been through the pipeline since the last flush.

  GSource* watchdog_ = nullptr;  // Belongs to the network thread.
  dist::IoThread thread_{"dist-worker"};
  std::unique_ptr<dist::WorkerLink> link_;
};

}  // namespace

struct _GstRemoteEncSrc {
  GstElement parent;
  GstPad* srcpad;
  struct Private {
    std::mutex settings_lock;
    Settings settings;  // Guarded by settings_lock.
    std::unique_ptr<Session> session;
    std::atomic<bool> ended = false;  // The job is over, no other will come.
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRemoteEncSrc, gst_remote_enc_src, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_remote_enc_src_debug, "remoteencsrc", 0,
                                                "begin of a worker's pipeline"))
GST_ELEMENT_REGISTER_DEFINE(remoteencsrc, "remoteencsrc", GST_RANK_NONE, GST_TYPE_REMOTE_ENC_SRC)

// --- Helpers

static void post_message(GstRemoteEncSrc* self, GstStructure* structure) {
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

// Says EOS for the pipeline. A bin does so by itself only when it is in PLAYING, and a worker that
// never got a lease is not: decodebin still waits for data. With several workers in one pipeline
// the last one says it.
static void end_pipeline(GstRemoteEncSrc* self) {
  auto top = Ref<GstObject>::share(GST_OBJECT(self));
  while (GstObject* parent = gst_object_get_parent(top.get()))
    top = Ref<GstObject>::adopt(parent);
  self->priv->ended = true;
  bool all_ended = true;
  if (GST_IS_BIN(top.get())) {
    GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(top.get()));
    gst_iterator_foreach(
        elements,
        [](const GValue* item, gpointer data) {
          gpointer element = g_value_get_object(item);
          if (GST_IS_REMOTE_ENC_SRC(element) && !GST_REMOTE_ENC_SRC(element)->priv->ended)
            *static_cast<bool*>(data) = false;
        },
        &all_ended);
    gst_iterator_free(elements);
  }
  if (all_ended)
    gst_element_post_message(GST_ELEMENT(top.get()), gst_message_new_eos(top.get()));
}

// --- Session: network thread

namespace {

Session::Session(GstRemoteEncSrc* element, const Settings& settings)
    : element_(element), settings_(settings) {
  std::string name = settings.worker_name;
  if (name.empty())
    name = std::string(g_get_host_name()) + "-" + std::to_string(getpid());
  link_ = std::make_unique<dist::WorkerLink>(
      thread_,
      dist::WorkerLink::Config{.host = settings.host,
                               .port = static_cast<std::uint16_t>(settings.port),
                               .name = name,
                               .capacity = static_cast<std::uint16_t>(settings.prefetch + 1),
                               .reconnect = settings.reconnect},
      *this);
  if (settings.stall_timeout > 0)
    thread_.run([this] { watchdog_ = thread_.after(kWatchdogMilliseconds, [this] { watch(); }); });
}

Session::~Session() {
  thread_.run([this] {
    if (watchdog_)
      g_source_destroy(watchdog_);
    g_clear_pointer(&watchdog_, g_source_unref);
  });
  link_.reset();
}

void Session::connected() {
  GST_INFO_OBJECT(element_, "connected to %s, port %u", settings_.host.c_str(), settings_.port);
  post_message(element_,
               gst_structure_new("dist-connected", "host", G_TYPE_STRING, settings_.host.c_str(),
                                 "port", G_TYPE_UINT, settings_.port, nullptr));
}

void Session::unreachable(const std::string& reason) {
  GST_INFO_OBJECT(element_, "%s, port %u: %s; dialling on", settings_.host.c_str(), settings_.port,
                  reason.c_str());
  post_message(element_,
               gst_structure_new("dist-connecting", "host", G_TYPE_STRING, settings_.host.c_str(),
                                 "port", G_TYPE_UINT, settings_.port, "reason", G_TYPE_STRING,
                                 reason.c_str(), nullptr));
}

void Session::leased(dist::WorkerLink::LeaseKey key, dist::WorkerSession::Leased leased) {
  auto header = dist::parse_header(leased.payload.span(), leased.payload.size());
  if (!header) {
    link_->fail(key, header.error());
    return;
  }
  GST_DEBUG_OBJECT(element_, "lease %" G_GUINT64_FORMAT " on segment %" G_GUINT64_FORMAT, key.lease,
                   leased.segment);
  auto buffer = dist::make_segment_buffer(*header, leased.payload);
  const std::lock_guard lock(lock_);
  jobs_.push_back({key, std::make_shared<Lease>(std::move(*header)), std::move(buffer)});
  changed_.notify_all();
}

void Session::cancelled(dist::WorkerLink::LeaseKey key) {
  for (const Job& job : jobs())
    if (job.key == key)
      interrupt(job, "");
}

void Session::disconnected(bool done, const std::string& reason) {
  GST_INFO_OBJECT(element_, "%s: %s", done ? "job over" : "connection lost", reason.c_str());
  post_message(element_, gst_structure_new("dist-disconnected", "done", G_TYPE_BOOLEAN, done,
                                           "reason", G_TYPE_STRING, reason.c_str(), nullptr));
  for (const Job& job : jobs())
    interrupt(job, "");
  if (settings_.reconnect)
    return;
  if (!done)
    GST_ELEMENT_ERROR(element_, RESOURCE, READ,
                      ("Lost the primary at %s, port %u (%s). Start the worker again, or set "
                       "reconnect=true.",
                       settings_.host.c_str(), settings_.port, reason.c_str()),
                      ("%s", reason.c_str()));
  end();
}

void Session::refused(const std::string& reason) {
  GST_ELEMENT_ERROR(element_, RESOURCE, NOT_AUTHORIZED,
                    ("The primary at %s, port %u, refused this worker: %s.", settings_.host.c_str(),
                     settings_.port, reason.c_str()),
                    ("%s", reason.c_str()));
  end();
}

std::vector<Job> Session::jobs() {
  const std::lock_guard lock(lock_);
  return {jobs_.begin(), jobs_.end()};
}

// No job will come any more.
void Session::end() {
  const std::lock_guard lock(lock_);
  ended_ = true;
  changed_.notify_all();
}

// Ends a lease early and, with a reason, tells the primary why. If it is being played, a flush
// brings the task back out of the pipeline.
void Session::interrupt(const Job& job, const std::string& reason) {
  if (!job.lease->settle(Lease::Cancelled()))
    return;
  if (!reason.empty()) {
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s", job.lease->source().index,
                       reason.c_str());
    link_->fail(job.key, reason);
  }
  {
    const std::lock_guard lock(lock_);
    if (current_ != job.lease || interrupting_)
      return;
    interrupting_ = true;
    interrupted_at_ = g_get_monotonic_time();
  }
  // In a thread of its own: a queue waits in FLUSH_START for its task, and if that is stuck this
  // one must go on to say so. The pad's task waits for it, so the session is still there.
  gst_element_call_async(
      GST_ELEMENT(element_),
      [](GstElement* element, gpointer data) {
        auto* self = static_cast<Session*>(data);
        gst_pad_push_event(GST_REMOTE_ENC_SRC(element)->srcpad, gst_event_new_flush_start());
        const std::lock_guard lock(self->lock_);
        self->interrupting_ = false;
        self->changed_.notify_all();
      },
      this, nullptr);
}

// A decoder that got nothing it can show may never let EOS through.
void Session::watch() {
  g_clear_pointer(&watchdog_, g_source_unref);
  watchdog_ = thread_.after(kWatchdogMilliseconds, [this] { watch(); });
  const gint64 now = g_get_monotonic_time();
  const auto timeout = static_cast<gint64>(settings_.stall_timeout / 1000);
  std::optional<Job> stalled;
  bool stuck = false;
  {
    const std::lock_guard lock(lock_);
    if (current_ && now - current_->last_activity() > timeout)
      stalled = jobs_.front();
    stuck = interrupted_at_ != 0 && now - interrupted_at_ > timeout && !stuck_posted_;
    stuck_posted_ = stuck_posted_ || stuck;
  }
  if (stuck) {
    link_->leave();
    GST_ELEMENT_ERROR(element_, STREAM, FAILED,
                      ("The worker's pipeline is stuck and cannot be flushed. Start it again."),
                      ("no way out of a flush for longer than stall-timeout"));
  } else if (stalled) {
    interrupt(*stalled, "nothing moved in the worker's pipeline for its stall-timeout of " +
                            std::to_string(settings_.stall_timeout / GST_MSECOND) + " ms");
  }
}

// --- Session: the pad's task

void Session::stop() {
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

bool Session::play_next(GstPad* srcpad) {
  Job job;
  bool ended = false;
  {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [this] { return stopping_ || ended_ || !jobs_.empty(); });
    if (stopping_)
      return false;
    ended = jobs_.empty();
    if (!ended) {
      job = jobs_.front();
      current_ = job.lease;
      job.lease->touch();
    }
  }
  if (ended) {
    end_pipeline(element_);
    return false;
  }

  GstFlowReturn flow = GST_FLOW_OK;
  if (!job.lease->settled()) {
    if (played_)
      rearm(srcpad);
    flow = push_job(srcpad, job);
    played_ = true;
  }
  if (flow != GST_FLOW_OK && flow != GST_FLOW_EOS)
    job.lease->settle(
        Lease::Failed{std::string("the worker's pipeline stopped: ") + gst_flow_get_name(flow)});
  report(job);

  bool stopping = false;
  {
    std::unique_lock lock(lock_);
    current_.reset();
    jobs_.pop_front();
    changed_.wait(lock, [this] { return !interrupting_; });
    // The flush came even if the job was not begun any more.
    played_ = played_ || interrupted_at_ != 0;
    interrupted_at_ = 0;
    stopping = stopping_;
  }
  if (!stopping && (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)) {
    GST_ELEMENT_FLOW_ERROR(element_, flow);
    return false;
  }
  return !stopping;
}

void Session::rearm(GstPad* srcpad) {
  gst_pad_push_event(srcpad, gst_event_new_flush_start());
  gst_pad_push_event(srcpad, gst_event_new_flush_stop(TRUE));
}

// One segment as a complete stream.
GstFlowReturn Session::push_job(GstPad* srcpad, const Job& job) {
  const dist::SegmentHeader& header = job.lease->source();
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(header.caps.c_str()));
  if (!caps) {
    job.lease->settle(Lease::Failed{"the worker cannot read the caps " + header.caps});
    return GST_FLOW_OK;
  }
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = header.start + kTimeBase;
  segment.stop = header.stop + kTimeBase;
  segment.time = header.start;
  segment.position = segment.start;

  const std::string stream_id = header.stream_id + "/" + std::to_string(header.index);
  gst_pad_push_event(srcpad, gst_event_new_stream_start(stream_id.c_str()));
  gst_pad_push_event(srcpad, gst_event_new_caps(caps.get()));
  gst_pad_push_event(srcpad, gst_event_new_segment(&segment));
  gst_pad_push_event(srcpad, dist::lease_event_new(job.lease));
  const GstFlowReturn flow = push_units(srcpad, job);
  if (flow == GST_FLOW_OK || flow == GST_FLOW_EOS)
    gst_pad_push_event(srcpad, gst_event_new_eos());
  return flow;
}

GstFlowReturn Session::push_units(GstPad* srcpad, const Job& job) {
  const dist::SegmentHeader& header = job.lease->source();
  const std::size_t base = dist::header_size(job.segment.get(), header);
  std::uint64_t offset = 0;
  for (dist::AccessUnit unit : header.units) {
    auto buffer = dist::unit_buffer(job.segment.get(), base, offset, unit);
    if (offset == 0)
      GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    offset += unit.size;

    Time shift = kTimeBase;
    const Time time =
        unit.show != dist::kNoTime ? unit.show : dist::presentation_estimate(unit.pts, unit.dts);
    if (unit.show == dist::kNoTime && time != dist::kNoTime)
      shift = time < header.start   ? kTimeBase - kGap
              : time >= header.stop ? kTimeBase + kGap
                                    : shift;
    // A unit without a PTS stays without: the decoder derives one as it would undistributed.
    GST_BUFFER_PTS(buffer.get()) = unit.pts != dist::kNoTime ? time + shift : GST_CLOCK_TIME_NONE;
    GST_BUFFER_DTS(buffer.get()) =
        unit.dts != dist::kNoTime ? unit.dts + shift : GST_CLOCK_TIME_NONE;

    const GstFlowReturn flow = gst_pad_push(srcpad, buffer.release());
    if (flow != GST_FLOW_OK)
      return flow;
    job.lease->touch();
  }
  return GST_FLOW_OK;
}

void Session::report(const Job& job) {
  Lease::Outcome outcome = job.lease->wait();
  if (auto* done = std::get_if<Lease::Done>(&outcome)) {
    link_->result(job.key, std::move(done->renditions));
  } else if (const auto* failed = std::get_if<Lease::Failed>(&outcome)) {
    GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ": %s", job.lease->source().index,
                       failed->reason.c_str());
    link_->fail(job.key, failed->reason);
  }
}

}  // namespace

// --- Start and stop

static void gst_remote_enc_src_loop(gpointer user_data) {
  GstRemoteEncSrc* self = GST_REMOTE_ENC_SRC(user_data);
  dist::take_over(self);
  if (!self->priv->session->play_next(self->srcpad))
    gst_pad_pause_task(self->srcpad);
}

static gboolean gst_remote_enc_src_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                                                 gboolean active) {
  GstRemoteEncSrc* self = GST_REMOTE_ENC_SRC(parent);
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (active) {
    Settings settings;
    {
      const std::lock_guard lock(self->priv->settings_lock);
      settings = self->priv->settings;
    }
    self->priv->ended = false;
    self->priv->session = std::make_unique<Session>(self, settings);
    dist::hand_over(self);
    return gst_pad_start_task(pad, gst_remote_enc_src_loop, self, nullptr);
  }
  self->priv->session->stop();
  const gboolean stopped = gst_pad_stop_task(pad);
  self->priv->session.reset();
  return stopped;
}

// --- Properties

static void gst_remote_enc_src_set_property(GObject* object, guint id, const GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC_SRC(object)->priv;
  const std::lock_guard lock(priv->settings_lock);
  switch (id) {
    case PROP_HOST:
      priv->settings.host = g_value_get_string(value) ? g_value_get_string(value) : kDefaultHost;
      break;
    case PROP_PORT:
      priv->settings.port = g_value_get_uint(value);
      break;
    case PROP_WORKER_NAME:
      priv->settings.worker_name = g_value_get_string(value) ? g_value_get_string(value) : "";
      break;
    case PROP_PREFETCH:
      priv->settings.prefetch = g_value_get_uint(value);
      break;
    case PROP_RECONNECT:
      priv->settings.reconnect = g_value_get_boolean(value);
      break;
    case PROP_STALL_TIMEOUT:
      priv->settings.stall_timeout = g_value_get_uint64(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_remote_enc_src_get_property(GObject* object, guint id, GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC_SRC(object)->priv;
  const std::lock_guard lock(priv->settings_lock);
  switch (id) {
    case PROP_HOST:
      g_value_set_string(value, priv->settings.host.c_str());
      break;
    case PROP_PORT:
      g_value_set_uint(value, priv->settings.port);
      break;
    case PROP_WORKER_NAME:
      g_value_set_string(value, priv->settings.worker_name.c_str());
      break;
    case PROP_PREFETCH:
      g_value_set_uint(value, priv->settings.prefetch);
      break;
    case PROP_RECONNECT:
      g_value_set_boolean(value, priv->settings.reconnect);
      break;
    case PROP_STALL_TIMEOUT:
      g_value_set_uint64(value, priv->settings.stall_timeout);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

// --- Type

static void gst_remote_enc_src_init(GstRemoteEncSrc* self) {
  self->priv = new GstRemoteEncSrc::Private;
  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_activatemode_function(self->srcpad, gst_remote_enc_src_activate_mode);
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}

static void gst_remote_enc_src_finalize(GObject* object) {
  delete GST_REMOTE_ENC_SRC(object)->priv;
  G_OBJECT_CLASS(gst_remote_enc_src_parent_class)->finalize(object);
}

static void gst_remote_enc_src_class_init(GstRemoteEncSrcClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_remote_enc_src_set_property;
  object_class->get_property = gst_remote_enc_src_get_property;
  object_class->finalize = gst_remote_enc_src_finalize;

  constexpr auto kFlags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY);
  /**
   * GstRemoteEncSrc:host:
   *
   * The primary to dial. It is dialled until it answers, so workers may start first.
   */
  g_object_class_install_property(
      object_class, PROP_HOST,
      g_param_spec_string("host", "Host", "Name or address of the primary", kDefaultHost, kFlags));
  /**
   * GstRemoteEncSrc:port:
   */
  g_object_class_install_property(
      object_class, PROP_PORT,
      g_param_spec_uint("port", "Port", "TCP port of the primary's remoteenc", 1, G_MAXUINT16,
                        kDefaultPort, kFlags));
  /**
   * GstRemoteEncSrc:worker-name:
   *
   * How the primary's messages call this worker.
   */
  g_object_class_install_property(
      object_class, PROP_WORKER_NAME,
      g_param_spec_string("worker-name", "Worker name",
                          "How the primary's messages call this worker; empty: host name and "
                          "process id",
                          "", kFlags));
  /**
   * GstRemoteEncSrc:prefetch:
   *
   * Segments fetched ahead, so that the transfer hides behind the encode.
   */
  g_object_class_install_property(
      object_class, PROP_PREFETCH,
      g_param_spec_uint("prefetch", "Prefetch",
                        "Segments to fetch beyond the one being encoded; 0 waits for each transfer",
                        0, kMaxPrefetch, kDefaultPrefetch, kFlags));
  /**
   * GstRemoteEncSrc:reconnect:
   */
  g_object_class_install_property(
      object_class, PROP_RECONNECT,
      g_param_spec_boolean("reconnect", "Reconnect",
                           "Serve one job after another, and dial again when the primary is lost; "
                           "false: EOS after the first job",
                           FALSE, kFlags));
  /**
   * GstRemoteEncSrc:stall-timeout:
   *
   * When the pipeline takes and gives nothing for so long, the segment is given back to the primary
   * and the pipeline flushed.
   */
  g_object_class_install_property(
      object_class, PROP_STALL_TIMEOUT,
      g_param_spec_uint64(
          "stall-timeout", "Stall timeout",
          "Give a segment back when nothing has moved in the pipeline for this long, "
          "in nanoseconds; 0 = wait for ever",
          0, G_MAXINT64, kDefaultStallTimeout, kFlags));

  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Distributed encoding worker source",
                                        "Source/Network", "Receives segments from remoteenc",
                                        "The gst-dist authors");
}
