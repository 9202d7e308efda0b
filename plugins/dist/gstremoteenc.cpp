// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-remoteenc
 * @title: remoteenc
 * @short_description: Has segments encoded by workers over TCP
 *
 * Listens for workers, leases each segment to one of them, and pushes the encoded segments in
 * whatever order they finish; distjoin restores it. Workers may come and go at any time. Element
 * messages on the bus tell of each segment, each failed lease and each worker: see the README.
 *
 * |[
 * gst-launch-1.0 -m filesrc location=in.mp4 ! parsebin ! distsegmenter ! remoteenc port=7700 !
 * distjoin ! h264parse ! mp4mux ! filesink location=out.mp4
 * ]|
 */

#include "plugins/dist/gstremoteenc.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "gst/dist/core/handover.h"
#include "gst/dist/core/window.h"
#include "gst/dist/gstx/segment_buffer.h"
#include "gst/dist/io/primary.h"

GST_DEBUG_CATEGORY_STATIC(gst_remote_enc_debug);
#define GST_CAT_DEFAULT gst_remote_enc_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));

enum { PROP_0, PROP_ADDRESS, PROP_PORT, PROP_MAX_SEGMENTS, PROP_MAX_BYTES, PROP_MAX_ATTEMPTS };
constexpr char kDefaultAddress[] = "127.0.0.1";
constexpr guint kDefaultPort = 7700;
constexpr guint kDefaultMaxSegments = 64;
constexpr guint64 kDefaultMaxBytes = 256 * 1024 * 1024;
constexpr guint kDefaultMaxAttempts = 3;
// A worker may answer a small segment with a large one (lossless, many renditions).
constexpr guint64 kLeastMaxResult = 256 * 1024 * 1024;

namespace {

using dist::Primary;
using dist::Ref;

struct Settings {
  std::string address = kDefaultAddress;
  guint port = kDefaultPort;
  guint max_segments = kDefaultMaxSegments;
  guint64 max_bytes = kDefaultMaxBytes;
  guint max_attempts = kDefaultMaxAttempts;
};

struct Counters {
  guint64 segments = 0;
  guint64 frames = 0;
  guint64 bytes = 0;
  guint64 failed_leases = 0;
  std::set<dist::WorkerId> workers;
  gint64 started_at = g_get_monotonic_time();
};

// What leaves through the src pad, in this order.
struct Output {
  std::variant<Ref<GstBuffer>, Ref<GstEvent>> item;
  // The last one of this segment.
  std::optional<std::uint64_t> completes;
};

// What exists between start and stop. Three threads meet here: the upstream streaming thread brings
// segments and waits for room in the window, the network thread brings results, and the src pad's
// task pushes them on.
class Session : public Primary::Observer {
 public:
  Session(GstRemoteEnc* element, const Settings& settings)
      : element_(element),
        settings_(settings),
        window_({.segments = settings.max_segments, .bytes = settings.max_bytes}) {}

  dist::Status open();
  guint port() const { return primary_->port(); }

  // Upstream streaming thread.
  GstFlowReturn submit(Ref<GstBuffer> segment);
  void push_event(Ref<GstEvent> event);
  void begin_flush();
  void end_flush();

  // Src pad's task. False if it shall pause.
  bool push_next(GstPad* srcpad);

  // Ends every wait.
  void stop();

 private:
  void worker_joined(const Primary::WorkerInfo& worker) override;
  void worker_left(const Primary::WorkerInfo& worker, const std::string& reason) override;
  void waiting_for_workers(std::size_t open_segments) override;
  void stranger_refused(const std::string& address, const std::string& reason) override;
  void segment_done(Primary::SegmentDone done) override;
  void lease_failed(const Primary::WorkerInfo& worker,
                    const dist::Dispatcher::Failure& failure) override;

  GstFlowReturn refuse(const std::string& reason);
  GstFlowReturn take_unreported();
  void end(GstPad* srcpad, Ref<GstEvent> eos);

  GstRemoteEnc* element_;
  const Settings settings_;

  std::mutex lock_;
  std::condition_variable changed_;
  // All of these are guarded by lock_.
  dist::Window window_;
  std::deque<Output> outputs_;
  Ref<GstEvent> eos_;  // To be pushed when the window is empty.
  GstFlowReturn flow_ = GST_FLOW_OK;
  bool flow_reported_ = false;  // An error was posted, or upstream knows flow_.
  bool flushing_ = false;
  bool stopping_ = false;
  Counters counters_;

  std::unique_ptr<Primary> primary_;  // Last: its thread uses the members above.
};

}  // namespace

struct _GstRemoteEnc {
  GstElement parent;
  GstPad* sinkpad;
  GstPad* srcpad;
  struct Private {
    std::mutex settings_lock;
    Settings settings;     // Guarded by settings_lock.
    guint bound_port = 0;  // Guarded by settings_lock; 0: not listening.
    std::unique_ptr<Session> session;
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRemoteEnc, gst_remote_enc, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_remote_enc_debug, "remoteenc", 0,
                                                "has segments encoded by workers"))
GST_ELEMENT_REGISTER_DEFINE(remoteenc, "remoteenc", GST_RANK_NONE, GST_TYPE_REMOTE_ENC)

// --- Helpers

static void post_message(GstRemoteEnc* self, GstStructure* structure) {
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

// --- Session: upstream streaming thread

namespace {

dist::Status Session::open() {
  auto primary =
      Primary::listen({.address = settings_.address,
                       .port = static_cast<std::uint16_t>(settings_.port),
                       .max_attempts = settings_.max_attempts,
                       .max_result_size = std::max(kLeastMaxResult, settings_.max_bytes)},
                      *this);
  if (!primary)
    return dist::Error{primary.error()};
  primary_ = std::move(*primary);
  return {};
}

GstFlowReturn Session::refuse(const std::string& reason) {
  {
    const std::lock_guard lock(lock_);
    flow_ = GST_FLOW_ERROR;
    flow_reported_ = true;
    changed_.notify_all();
  }
  GST_ELEMENT_ERROR(
      element_, STREAM, FORMAT,
      ("remoteenc encodes the segments of one distsegmenter, in order; %s.", reason.c_str()),
      ("%s", reason.c_str()));
  return GST_FLOW_ERROR;
}

GstFlowReturn Session::submit(Ref<GstBuffer> segment) {
  auto header = dist::read_header(segment.get());
  if (!header)
    return refuse(header.error());
  const std::uint64_t index = header->index;
  if (!header->is_source())
    return refuse("segment " + std::to_string(index) + " is an encoded one");
  bool follows = false;
  {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [&] {
      return stopping_ || flushing_ || flow_ != GST_FLOW_OK || window_.has_room(index);
    });
    if (stopping_ || flushing_)
      return GST_FLOW_FLUSHING;
    if (flow_ != GST_FLOW_OK) {
      flow_reported_ = true;
      return flow_;
    }
    follows = window_.accept(index, gst_buffer_get_size(segment.get()));
  }
  if (!follows)
    return refuse("segment " + std::to_string(index) + " comes twice or out of order");
  primary_->submit(std::make_shared<const dist::SegmentHeader>(std::move(*header)),
                   dist::to_bytes(segment.get()));
  return GST_FLOW_OK;
}

void Session::push_event(Ref<GstEvent> event) {
  GstFlowReturn unreported = GST_FLOW_OK;
  {
    const std::lock_guard lock(lock_);
    if (GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS) {
      eos_ = std::move(event);
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
GstFlowReturn Session::take_unreported() {
  const bool failed = flow_ == GST_FLOW_NOT_LINKED || flow_ < GST_FLOW_EOS;
  if (!failed || !eos_ || std::exchange(flow_reported_, true))
    return GST_FLOW_OK;
  return flow_;
}

void Session::begin_flush() {
  {
    const std::lock_guard lock(lock_);
    flushing_ = true;
    changed_.notify_all();
  }
  primary_->cancel_all();
}

void Session::end_flush() {
  // The upstream thread may have brought one more while the flush began.
  primary_->cancel_all();
  const std::lock_guard lock(lock_);
  flushing_ = false;
  flow_ = GST_FLOW_OK;
  flow_reported_ = false;
  window_.clear();
  counters_ = Counters();
  outputs_.clear();
  eos_ = {};
}

void Session::stop() {
  const std::lock_guard lock(lock_);
  stopping_ = true;
  changed_.notify_all();
}

// --- Session: the src pad's task

bool Session::push_next(GstPad* srcpad) {
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
    end(srcpad, std::move(eos));
    return false;
  }
  if (auto* event = std::get_if<Ref<GstEvent>>(&output.item)) {
    gst_pad_push_event(srcpad, event->release());
    return true;
  }

  const GstFlowReturn flow = gst_pad_push(srcpad, std::get<Ref<GstBuffer>>(output.item).release());
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
  if (unreported != GST_FLOW_OK)
    GST_ELEMENT_FLOW_ERROR(element_, unreported);
  return flow == GST_FLOW_OK;
}

void Session::end(GstPad* srcpad, Ref<GstEvent> eos) {
  primary_->finish();
  Counters counters;
  {
    const std::lock_guard lock(lock_);
    counters = counters_;
  }
  const double seconds =
      static_cast<double>(g_get_monotonic_time() - counters.started_at) / G_USEC_PER_SEC;
  post_message(element_, gst_structure_new(
                             "dist-summary", "segments", G_TYPE_UINT64, counters.segments, "frames",
                             G_TYPE_UINT64, counters.frames, "bytes", G_TYPE_UINT64, counters.bytes,
                             "workers", G_TYPE_UINT, static_cast<guint>(counters.workers.size()),
                             "leases", G_TYPE_UINT64, counters.segments + counters.failed_leases,
                             "failed-leases", G_TYPE_UINT64, counters.failed_leases, "seconds",
                             G_TYPE_DOUBLE, seconds, nullptr));
  gst_pad_push_event(srcpad, eos.release());
}

// --- Session: network thread

void Session::worker_joined(const Primary::WorkerInfo& worker) {
  GST_INFO_OBJECT(element_, "worker %s (%s) joined", worker.name.c_str(), worker.address.c_str());
  post_message(element_, gst_structure_new("dist-worker-joined", "worker", G_TYPE_UINT64, worker.id,
                                           "name", G_TYPE_STRING, worker.name.c_str(), "address",
                                           G_TYPE_STRING, worker.address.c_str(), nullptr));
}

void Session::worker_left(const Primary::WorkerInfo& worker, const std::string& reason) {
  GST_INFO_OBJECT(element_, "worker %s (%s) left: %s", worker.name.c_str(), worker.address.c_str(),
                  reason.c_str());
  post_message(element_, gst_structure_new("dist-worker-left", "worker", G_TYPE_UINT64, worker.id,
                                           "name", G_TYPE_STRING, worker.name.c_str(), "reason",
                                           G_TYPE_STRING, reason.c_str(), nullptr));
}

void Session::waiting_for_workers(std::size_t open_segments) {
  GST_INFO_OBJECT(element_, "waiting for a worker on %s, port %u", settings_.address.c_str(),
                  port());
  post_message(element_,
               gst_structure_new("dist-waiting", "address", G_TYPE_STRING,
                                 settings_.address.c_str(), "port", G_TYPE_UINT, port(), "segments",
                                 G_TYPE_UINT64, static_cast<guint64>(open_segments), nullptr));
}

void Session::stranger_refused(const std::string& address, const std::string& reason) {
  GST_WARNING_OBJECT(element_, "closed the connection from %s: %s", address.c_str(),
                     reason.c_str());
  post_message(element_, gst_structure_new("dist-connection-refused", "address", G_TYPE_STRING,
                                           address.c_str(), "reason", G_TYPE_STRING, reason.c_str(),
                                           nullptr));
}

void Session::segment_done(Primary::SegmentDone done) {
  guint64 frames = 0;
  guint64 bytes = 0;
  for (const auto& rendition : done.renditions) {
    frames = std::max<guint64>(frames, rendition.header->units.size());
    bytes += rendition.segment.size();
  }
  if (!done.note.empty())
    GST_ELEMENT_WARNING(
        element_, STREAM, DECODE,
        ("Segment %" G_GUINT64_FORMAT " has not the frames its timestamps promise.", done.segment),
        ("segment %" G_GUINT64_FORMAT ": %s", done.segment, done.note.c_str()));
  post_message(element_, gst_structure_new(
                             "dist-segment-done", "segment", G_TYPE_UINT64, done.segment, "worker",
                             G_TYPE_UINT64, done.worker.id, "name", G_TYPE_STRING,
                             done.worker.name.c_str(), "attempt", G_TYPE_UINT, done.attempt,
                             "frames", G_TYPE_UINT64, frames, "bytes", G_TYPE_UINT64, bytes,
                             "renditions", G_TYPE_UINT, static_cast<guint>(done.renditions.size()),
                             "seconds", G_TYPE_DOUBLE, done.seconds, nullptr));

  const std::lock_guard lock(lock_);
  ++counters_.segments;
  counters_.frames += frames;
  counters_.bytes += bytes;
  counters_.workers.insert(done.worker.id);
  if (!window_.answer(done.segment, bytes))
    return;
  for (const auto& rendition : done.renditions)
    outputs_.push_back({dist::make_segment_buffer(*rendition.header, rendition.segment), {}});
  outputs_.back().completes = done.segment;
  changed_.notify_all();
}

void Session::lease_failed(const Primary::WorkerInfo& worker,
                           const dist::Dispatcher::Failure& failure) {
  GST_WARNING_OBJECT(element_, "segment %" G_GUINT64_FORMAT ", attempt %u on %s: %s",
                     failure.grant.segment, failure.grant.attempt, worker.name.c_str(),
                     failure.reason.c_str());
  post_message(element_, gst_structure_new(
                             "dist-lease-failed", "segment", G_TYPE_UINT64, failure.grant.segment,
                             "attempt", G_TYPE_UINT, failure.grant.attempt, "worker", G_TYPE_UINT64,
                             worker.id, "name", G_TYPE_STRING, worker.name.c_str(), "reason",
                             G_TYPE_STRING, failure.reason.c_str(), nullptr));
  {
    const std::lock_guard lock(lock_);
    ++counters_.failed_leases;
    if (failure.given_up.empty() || flow_ != GST_FLOW_OK || std::exchange(flow_reported_, true))
      return;
  }
  GST_ELEMENT_ERROR_WITH_DETAILS(
      element_, STREAM, ENCODE,
      ("Segment %" G_GUINT64_FORMAT " could not be encoded by any worker. Look at the workers' own "
       "messages for the cause.",
       failure.grant.segment),
      ("%s", failure.given_up.c_str()),
      ("segment", G_TYPE_UINT64, failure.grant.segment, "attempt", G_TYPE_UINT,
       failure.grant.attempt, "worker", G_TYPE_STRING, worker.name.c_str(), nullptr));
  // Only now, so that this error comes before the one that upstream posts.
  const std::lock_guard lock(lock_);
  flow_ = GST_FLOW_ERROR;
  changed_.notify_all();
}

}  // namespace

// --- Streaming functions

static void gst_remote_enc_loop(gpointer user_data) {
  GstRemoteEnc* self = GST_REMOTE_ENC(user_data);
  dist::take_over(self);
  if (!self->priv->session->push_next(self->srcpad))
    gst_pad_pause_task(self->srcpad);
}

static GstFlowReturn gst_remote_enc_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  return GST_REMOTE_ENC(parent)->priv->session->submit(Ref<GstBuffer>::adopt(buffer));
}

static gboolean gst_remote_enc_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw_event) {
  GstRemoteEnc* self = GST_REMOTE_ENC(parent);
  Session& session = *self->priv->session;
  auto event = Ref<GstEvent>::adopt(raw_event);
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_FLUSH_START: {
      session.begin_flush();
      const gboolean result = gst_pad_push_event(self->srcpad, event.release());
      gst_pad_pause_task(self->srcpad);
      return result;
    }
    case GST_EVENT_FLUSH_STOP: {
      session.end_flush();
      const gboolean result = gst_pad_push_event(self->srcpad, event.release());
      gst_pad_start_task(self->srcpad, gst_remote_enc_loop, self, nullptr);
      return result;
    }
    default:
      if (!GST_EVENT_IS_SERIALIZED(event.get()))
        return gst_pad_event_default(pad, parent, event.release());
      session.push_event(std::move(event));
      return TRUE;
  }
}

// --- Start and stop

static gboolean gst_remote_enc_src_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                                                 gboolean active) {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (active) {
    dist::hand_over(parent);
    return gst_pad_start_task(pad, gst_remote_enc_loop, parent, nullptr);
  }
  return gst_pad_stop_task(pad);
}

static bool start(GstRemoteEnc* self) {
  auto* priv = self->priv;
  Settings settings;
  {
    const std::lock_guard lock(priv->settings_lock);
    settings = priv->settings;
  }
  auto session = std::make_unique<Session>(self, settings);
  if (const auto status = session->open(); !status) {
    GST_ELEMENT_ERROR(
        self, RESOURCE, OPEN_READ_WRITE,
        ("Cannot listen for workers: %s. Choose another address or port; port 0 takes "
         "any free one.",
         status.error().c_str()),
        (NULL));
    return false;
  }
  {
    const std::lock_guard lock(priv->settings_lock);
    priv->bound_port = session->port();
  }
  priv->session = std::move(session);
  g_object_notify(G_OBJECT(self), "port");
  post_message(
      self, gst_structure_new("dist-listening", "address", G_TYPE_STRING, settings.address.c_str(),
                              "port", G_TYPE_UINT, priv->session->port(), nullptr));
  return true;
}

static GstStateChangeReturn gst_remote_enc_change_state(GstElement* element,
                                                        GstStateChange transition) {
  GstRemoteEnc* self = GST_REMOTE_ENC(element);
  auto* priv = self->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    priv->session->stop();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_remote_enc_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)) {
    priv->session.reset();
    const std::lock_guard lock(priv->settings_lock);
    priv->bound_port = 0;
  }
  return result;
}

// --- Properties

static void gst_remote_enc_set_property(GObject* object, guint id, const GValue* value,
                                        GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC(object)->priv;
  const std::lock_guard lock(priv->settings_lock);
  switch (id) {
    case PROP_ADDRESS:
      priv->settings.address =
          g_value_get_string(value) ? g_value_get_string(value) : kDefaultAddress;
      break;
    case PROP_PORT:
      priv->settings.port = g_value_get_uint(value);
      break;
    case PROP_MAX_SEGMENTS:
      priv->settings.max_segments = g_value_get_uint(value);
      break;
    case PROP_MAX_BYTES:
      priv->settings.max_bytes = g_value_get_uint64(value);
      break;
    case PROP_MAX_ATTEMPTS:
      priv->settings.max_attempts = g_value_get_uint(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_remote_enc_get_property(GObject* object, guint id, GValue* value,
                                        GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC(object)->priv;
  const std::lock_guard lock(priv->settings_lock);
  switch (id) {
    case PROP_ADDRESS:
      g_value_set_string(value, priv->settings.address.c_str());
      break;
    case PROP_PORT:
      g_value_set_uint(value, priv->bound_port != 0 ? priv->bound_port : priv->settings.port);
      break;
    case PROP_MAX_SEGMENTS:
      g_value_set_uint(value, priv->settings.max_segments);
      break;
    case PROP_MAX_BYTES:
      g_value_set_uint64(value, priv->settings.max_bytes);
      break;
    case PROP_MAX_ATTEMPTS:
      g_value_set_uint(value, priv->settings.max_attempts);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

// --- Type

static void gst_remote_enc_init(GstRemoteEnc* self) {
  self->priv = new GstRemoteEnc::Private;
  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, gst_remote_enc_chain);
  gst_pad_set_event_function(self->sinkpad, gst_remote_enc_sink_event);
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);
  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_use_fixed_caps(self->srcpad);
  gst_pad_set_activatemode_function(self->srcpad, gst_remote_enc_src_activate_mode);
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}

static void gst_remote_enc_finalize(GObject* object) {
  delete GST_REMOTE_ENC(object)->priv;
  G_OBJECT_CLASS(gst_remote_enc_parent_class)->finalize(object);
}

static void install_properties(GObjectClass* object_class) {
  constexpr auto kFlags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY);
  /**
   * GstRemoteEnc:address:
   *
   * Workers are not authenticated: listen on other than loopback addresses in trusted networks
   * only.
   */
  g_object_class_install_property(
      object_class, PROP_ADDRESS,
      g_param_spec_string("address", "Address",
                          "Numeric address to listen on; 0.0.0.0 or :: for all interfaces",
                          kDefaultAddress, kFlags));
  /**
   * GstRemoteEnc:port:
   *
   * From PAUSED on this is the port that is really listened on.
   */
  g_object_class_install_property(
      object_class, PROP_PORT,
      g_param_spec_uint(
          "port", "Port",
          "TCP port to listen on; 0 = any free one, which can be read back when PAUSED", 0,
          G_MAXUINT16, kDefaultPort, kFlags));
  /**
   * GstRemoteEnc:max-segments:
   *
   * Upstream is blocked while so many segments, from the oldest unfinished one on, are on their
   * way.
   */
  g_object_class_install_property(
      object_class, PROP_MAX_SEGMENTS,
      g_param_spec_uint(
          "max-segments", "Maximum segments",
          "Segments on their way at a time, counted from the oldest unfinished one; at "
          "least twice the number of workers",
          1, G_MAXUINT, kDefaultMaxSegments, kFlags));
  /**
   * GstRemoteEnc:max-bytes:
   */
  g_object_class_install_property(
      object_class, PROP_MAX_BYTES,
      g_param_spec_uint64("max-bytes", "Maximum bytes",
                          "Bytes of segments and results held at a time; one segment is always "
                          "accepted, however large",
                          1, G_MAXUINT64, kDefaultMaxBytes, kFlags));
  /**
   * GstRemoteEnc:max-attempts:
   */
  g_object_class_install_property(
      object_class, PROP_MAX_ATTEMPTS,
      g_param_spec_uint("max-attempts", "Maximum attempts",
                        "Failed attempts after which a segment is given up and the pipeline errors",
                        1, G_MAXUINT, kDefaultMaxAttempts, kFlags));
}

static void gst_remote_enc_class_init(GstRemoteEncClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_remote_enc_set_property;
  object_class->get_property = gst_remote_enc_get_property;
  object_class->finalize = gst_remote_enc_finalize;
  element_class->change_state = gst_remote_enc_change_state;
  install_properties(object_class);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Distributed encoder", "Codec/Encoder/Video/Network",
      "Has segments encoded by workers over TCP", "The gst-dist authors");
}
