// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Order of locks: settings_lock, then those of FanOut.

/**
 * SECTION:element-remoteenc
 * @title: remoteenc
 * @short_description: Has segments encoded by workers over TCP
 *
 * Listens for workers, leases each segment to one of them, and pushes the encoded segments in
 * whatever order they finish; distjoin restores it. Workers may come and go at any time. Element
 * messages on the bus tell of each segment, each failed lease and each worker: see
 * docs/messages.md.
 *
 * |[
 * gst-launch-1.0 -m filesrc location=in.mp4 ! parsebin ! distsegmenter ! remoteenc port=7700 !
 * distjoin ! h264parse ! mp4mux ! filesink location=out.mp4
 * ]|
 */

#include "plugins/gstremoteenc.h"

#include <gio/gio.h>

#include <cerrno>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "gst/farm/farm_context.h"
#include "gst/gstx/messages.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/report.h"
#include "gst/gstx/stream_format.h"
#include "gst/io/ladder_file.h"
#include "gst/io/secret.h"
#include "gst/wire/default_port.h"
#include "plugins/fan_out.h"
#include "plugins/farm_offers.h"
#include "plugins/local_workers.h"
#include "plugins/open_secret.h"
#include "plugins/properties.h"
#include "plugins/remoteenc_properties.h"

GST_DEBUG_CATEGORY(gst_remote_enc_debug);
#define GST_CAT_DEFAULT gst_remote_enc_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));

namespace {

using namespace dist;

struct Settings {
  Farm::Config farm;  // Where it has to make one.
  FanOut::Settings fan_out;
  std::string renditions;
  std::string ladder;
  gint local_workers = kLocalWorkersByCores;
  std::string secret_file;
  std::string store;
  guint64 store_limit = 0;
  std::set<guint> given;  // Properties that somebody has set.

  bool to_be_dialled() const { return given.contains(PROP_ADDRESS) || given.contains(PROP_PORT); }
  unsigned count_local_workers() const;
};

Settings default_settings() {
  Settings settings;
  settings.farm.address = kDefaultAddress;
  settings.farm.port = kDefaultPort;
  // A worker by hand ends when the film is done.
  settings.farm.workers.lets_go_when_done = true;
  settings.farm.workers.door.max_per_address = kDefaultMaxConnectionsPerAddress;
  settings.farm.workers.dispatcher.deadline_floor = kDefaultDeadlineFloor;
  settings.farm.workers.dispatcher.deadline_factor = kDefaultDeadlineFactor;
  auto& job = settings.fan_out.job;
  job.max_attempts = kDefaultMaxAttempts;
  job.stall_timeout = kDefaultStallTimeout;
  job.max_bytes = kDefaultMaxBytes;
  job.check_rendition = dist::check_rendition;
  job.verification = {
      .mode = dist::Verify::kSample, .ratio = kDefaultVerifyRatio, .golden = false, .seed = 0};
  settings.fan_out.max_segments = kDefaultMaxSegments;
  return settings;
}

// How many workers this process has for a farm of its own.
unsigned Settings::count_local_workers() const {
  if (fan_out.renditions.empty())
    return 0;
  if (local_workers != kLocalWorkersByCores)
    return static_cast<unsigned>(local_workers);
  const unsigned cores = std::min(g_get_num_processors(), static_cast<guint>(kMaxLocalWorkers));
  return to_be_dialled() ? cores - 1 : cores;
}

}  // namespace

struct _GstRemoteEnc {
  GstElement parent;
  GstPad* sinkpad;
  GstPad* srcpad;
  struct Private {
    dist::Mutex settings_lock;
    Settings settings GUARDED_BY(settings_lock) = default_settings();
    guint bound_port GUARDED_BY(settings_lock) = 0;          // 0: not listening.
    Ref<GstContext> farm_context GUARDED_BY(settings_lock);  // May be null.
    // Under settings_lock for those who look at it while it is not the state change's.
    std::unique_ptr<FanOut> fan_out;
    std::unique_ptr<LocalWorkers> local_workers;
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRemoteEnc, gst_remote_enc, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_remote_enc_debug, "remoteenc", 0,
                                                "has segments encoded by workers"))
GST_ELEMENT_REGISTER_DEFINE(remoteenc, "remoteenc", GST_RANK_NONE, GST_TYPE_REMOTE_ENC)

// --- Streaming functions

static void gst_remote_enc_loop(gpointer user_data) {
  GstRemoteEnc* self = GST_REMOTE_ENC(user_data);
  dist::take_over(self);
  if (!self->priv->fan_out->push_next())
    gst_pad_pause_task(self->srcpad);
}

static GstFlowReturn gst_remote_enc_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  return GST_REMOTE_ENC(parent)->priv->fan_out->submit(Ref<GstBuffer>::adopt(buffer));
}

static gboolean gst_remote_enc_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw_event) {
  GstRemoteEnc* self = GST_REMOTE_ENC(parent);
  FanOut& fan_out = *self->priv->fan_out;
  auto event = Ref<GstEvent>::adopt(raw_event);
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_FLUSH_START: {
      fan_out.begin_flush();
      const gboolean result = gst_pad_push_event(self->srcpad, event.release());
      gst_pad_pause_task(self->srcpad);
      return result;
    }
    case GST_EVENT_FLUSH_STOP: {
      fan_out.end_flush();
      const gboolean result = gst_pad_push_event(self->srcpad, event.release());
      gst_pad_start_task(self->srcpad, gst_remote_enc_loop, self, nullptr);
      return result;
    }
    default:
      if (!GST_EVENT_IS_SERIALIZED(event.get()))
        return gst_pad_event_default(pad, parent, event.release());
      fan_out.push_event(std::move(event));
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

// Whether others than this machine can reach the address. Parsed as where it is listened on: it may
// have a scope.
static bool is_public(const std::string& address) {
  const auto parsed =
      Ref<GSocketAddress>::adopt(g_inet_socket_address_new_from_string(address.c_str(), 0));
  return parsed && !g_inet_address_get_is_loopback(
                       g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(parsed.get())));
}

// Fills in the secret. Posts an error if there is none and strangers could reach the port.
static bool find_secret(GstRemoteEnc* self, Settings& settings) {
  Farm::Config& farm = settings.farm;
  auto secret = dist::find_secret(farm.workers.secret, settings.secret_file);
  if (!secret) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s.", secret.error().c_str()), (NULL));
    return false;
  }
  farm.workers.secret = std::move(*secret);
  dist::warn_of_open_secret(GST_ELEMENT(self), farm.workers.secret);
  if (const std::string flaw = dist::flaw_of_secret(farm.workers.secret);
      !farm.workers.secret.empty() && is_public(farm.address) && !flaw.empty()) {
    GST_ELEMENT_ERROR(self, RESOURCE, NOT_AUTHORIZED,
                      ("On %s, which strangers reach, %s.", farm.address.c_str(), flaw.c_str()),
                      (NULL));
    return false;
  }
  if (!farm.workers.secret.empty() || farm.any_user || !is_public(farm.address))
    return true;
  GST_ELEMENT_ERROR(
      self, RESOURCE, NOT_AUTHORIZED,
      ("Anyone who reaches %s could get the film and send back another one. Give this primary and "
       "its workers the same secret, with the property secret-file or the environment variable "
       "GST_DIST_SECRET, or set allow-anonymous=true.",
       farm.address.c_str()),
      (NULL));
  return false;
}

// Fills in what shall be made. Posts an error if that cannot be read.
static bool find_renditions(GstRemoteEnc* self, Settings& settings) {
  auto renditions = dist::find_renditions(settings.renditions, settings.ladder);
  if (!renditions) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s.", renditions.error().c_str()), (NULL));
    return false;
  }
  settings.fan_out.renditions = std::move(*renditions);
  settings.fan_out.ladder = !settings.ladder.empty();
  return true;
}

// Opens the store. Posts an error if that is impossible.
static bool open_store(GstRemoteEnc* self, Settings& settings) {
  if (settings.store.empty())
    return true;
  auto store = dist::open_result_store(
      {settings.store}, settings.store_limit,
      [self](const auto& text) { GST_WARNING_OBJECT(self, "%s", text.c_str()); });
  if (!store) {
    const gboolean damaged = store.failure().fault == dist::StoreFault::kDamaged;
    GST_ELEMENT_ERROR_WITH_DETAILS(self, RESOURCE, SETTINGS, ("%s.", store.error().c_str()), (NULL),
                                   (dist::kRepairField, G_TYPE_BOOLEAN, damaged, nullptr));
    return false;
  }
  if (settings.fan_out.renditions.empty())
    GST_ELEMENT_WARNING(
        self, RESOURCE, SETTINGS,
        ("The store is not used: what workers make by hand is not known before. Set "
         "renditions or ladder."),
        (NULL));
  settings.fan_out.store = std::move(*store);
  return true;
}

static void prepare_looks(FanOut::Settings& settings) {
  auto& verification = settings.job.verification;
  std::random_device random;
  verification.seed = (std::uint64_t{random()} << 32) + random();
  // Where all is looked at, it has to keep up with the workers.
  // A sample must not wait for one that takes long, which a worker can see to.
  const guint cores = g_get_num_processors();
  settings.checker.threads =
      verification.mode == dist::Verify::kAll ? cores : std::clamp(cores / 2, 2u, 4u);
}

static bool make_folder(GstRemoteEnc* self, const std::string& path) {
  if (path.empty() || g_mkdir_with_parents(path.c_str(), 0777) == 0)
    return true;
  GST_ELEMENT_ERROR(self, RESOURCE, OPEN_WRITE,
                    ("Cannot make the folder '%s': %s. Choose another verify-folder.", path.c_str(),
                     g_strerror(errno)),
                    (NULL));
  return false;
}

static FarmOffer find_offer(GstRemoteEnc* self) {
  auto* priv = self->priv;
  const auto offer = [priv] {
    const dist::MutexLock lock(priv->settings_lock);
    return dist::farm_offered(priv->farm_context.get());
  };
  if (FarmOffer known = offer(); known.farm)
    return known;
  dist::ask_for_farm(GST_ELEMENT(self));
  return offer();
}

// Posts an error where there is none.
static std::shared_ptr<Farm> find_farm(GstRemoteEnc* self, const FarmOffer& offer,
                                       const Settings& settings) {
  auto farm = dist::take_offer(offer, settings.farm, settings.given);
  if (!farm) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("Cannot share workers: %s. Give both the same, or this one another port.",
                       farm.error().c_str()),
                      (NULL));
    return nullptr;
  }
  if (*farm)
    return *farm;
  farm = Farm::open(settings.farm);
  if (!farm) {
    GST_ELEMENT_ERROR(
        self, RESOURCE, OPEN_READ_WRITE,
        ("Cannot listen for workers: %s. Choose another address or port; port 0 takes "
         "any free one.",
         farm.error().c_str()),
        (NULL));
    return nullptr;
  }
  if (settings.farm.listens && settings.farm.port != 0)
    dist::announce_farm(GST_ELEMENT(self), *farm);
  return *farm;
}

static void tell_listening(GstRemoteEnc* self, const Farm& farm) {
  if (!farm.config().listens)
    return;
  g_object_notify(G_OBJECT(self), "port");
  gst_element_post_message(
      GST_ELEMENT(self),
      gst_message_new_element(GST_OBJECT(self), to_structure(dist::message::Listening{
                                                    farm.config().address, farm.port()})));
}

static bool start(GstRemoteEnc* self) {
  auto* priv = self->priv;
  Settings settings;
  {
    const dist::MutexLock lock(priv->settings_lock);
    settings = priv->settings;
  }
  const FarmOffer offer = find_offer(self);
  if (!find_secret(self, settings) || !find_renditions(self, settings) ||
      !make_folder(self, settings.fan_out.checker.folder) || !open_store(self, settings))
    return false;
  prepare_looks(settings.fan_out);
  // A farm that was handed over has its own workers.
  const bool by_cores = settings.local_workers == kLocalWorkersByCores;
  const unsigned local_workers = offer.handed_over && by_cores ? 0 : settings.count_local_workers();
  // Nobody was told of the usual port, and the work gets done without.
  settings.farm.listens = local_workers == 0 || settings.to_be_dialled();
  const auto farm = find_farm(self, offer, settings);
  if (!farm)
    return false;
  auto fan_out = std::make_unique<FanOut>(GST_ELEMENT(self), self->srcpad, farm, settings.fan_out);
  {
    const dist::MutexLock lock(priv->settings_lock);
    priv->bound_port = farm->port();
    priv->fan_out = std::move(fan_out);
  }
  if (local_workers > 0)
    priv->local_workers = std::make_unique<LocalWorkers>(GST_ELEMENT(self), local_workers, farm);
  tell_listening(self, *farm);
  return true;
}

static void gst_remote_enc_set_context(GstElement* element, GstContext* context) {
  auto* priv = GST_REMOTE_ENC(element)->priv;
  // What was kept before may be the last reference of a farm.
  if (auto kept = Ref<GstContext>::share(context); dist::farm_offered(context).farm) {
    const dist::MutexLock lock(priv->settings_lock);
    std::swap(priv->farm_context, kept);
  }
  GST_ELEMENT_CLASS(gst_remote_enc_parent_class)->set_context(element, context);
}

static GstStateChangeReturn gst_remote_enc_change_state(GstElement* element,
                                                        GstStateChange transition) {
  GstRemoteEnc* self = GST_REMOTE_ENC(element);
  auto* priv = self->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    priv->fan_out->stop();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_remote_enc_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)) {
    // The end of a flush may have started it again after its pad was deactivated.
    gst_pad_stop_task(self->srcpad);
    priv->local_workers.reset();
    std::unique_ptr<FanOut> gone;  // It waits for its threads, which must not be under the lock.
    {
      const dist::MutexLock lock(priv->settings_lock);
      gone = std::move(priv->fan_out);
      priv->bound_port = 0;
    }
    gone.reset();
  }
  return result;
}

// --- Properties

static void gst_remote_enc_set_property(GObject* object, guint id, const GValue* value,
                                        GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC(object)->priv;
  const dist::MutexLock lock(priv->settings_lock);
  auto& settings = priv->settings;
  auto& farm = settings.farm;
  auto& job = settings.fan_out.job;
  settings.given.insert(id);
  switch (id) {
    case PROP_ADDRESS:
      farm.address = string_of(value, kDefaultAddress);
      break;
    case PROP_PORT:
      farm.port = static_cast<std::uint16_t>(g_value_get_uint(value));
      break;
    case PROP_MAX_SEGMENTS:
      settings.fan_out.max_segments = g_value_get_uint(value);
      break;
    case PROP_MAX_BYTES:
      job.max_bytes = g_value_get_uint64(value);
      break;
    case PROP_MAX_ATTEMPTS:
      job.max_attempts = g_value_get_uint(value);
      break;
    case PROP_SECRET:
      farm.workers.secret = string_of(value);
      break;
    case PROP_SECRET_FILE:
      settings.secret_file = string_of(value);
      break;
    case PROP_ALLOW_ANONYMOUS:
      farm.any_user = g_value_get_boolean(value);
      break;
    case PROP_MAX_CONNECTIONS_PER_ADDRESS:
      farm.workers.door.max_per_address = g_value_get_uint(value);
      break;
    case PROP_DEADLINE_FLOOR:
      farm.workers.dispatcher.deadline_floor = g_value_get_uint64(value);
      break;
    case PROP_DEADLINE_FACTOR:
      farm.workers.dispatcher.deadline_factor = g_value_get_double(value);
      break;
    case PROP_STALL_TIMEOUT:
      job.stall_timeout = g_value_get_uint64(value);
      break;
    case PROP_STORE:
      settings.store = string_of(value);
      break;
    case PROP_STORE_LIMIT:
      settings.store_limit = g_value_get_uint64(value);
      break;
    case PROP_MIXED_ENCODERS:
      job.mixed_encoders = g_value_get_boolean(value);
      break;
    case PROP_RENDITIONS:
      settings.renditions = string_of(value);
      break;
    case PROP_LADDER:
      settings.ladder = string_of(value);
      break;
    case PROP_LOCAL_WORKERS:
      settings.local_workers = g_value_get_int(value);
      break;
    case PROP_VERIFY:
      job.verification.mode = static_cast<dist::Verify>(g_value_get_enum(value));
      break;
    case PROP_VERIFY_RATIO:
      job.verification.ratio = g_value_get_double(value);
      break;
    case PROP_VERIFY_THRESHOLD:
      settings.fan_out.checker.threshold = g_value_get_uint(value);
      break;
    case PROP_VERIFY_FOLDER:
      settings.fan_out.checker.folder = string_of(value);
      break;
    case PROP_VERIFY_GOLDEN:
      job.verification.golden = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_remote_enc_get_property(GObject* object, guint id, GValue* value,
                                        GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC(object)->priv;
  const dist::MutexLock lock(priv->settings_lock);
  const auto& farm = priv->settings.farm;
  const auto& job = priv->settings.fan_out.job;
  switch (id) {
    case PROP_ADDRESS:
      g_value_set_string(value, farm.address.c_str());
      break;
    case PROP_PORT:
      g_value_set_uint(value, priv->bound_port != 0 ? priv->bound_port : farm.port);
      break;
    case PROP_MAX_SEGMENTS:
      g_value_set_uint(value, static_cast<guint>(priv->settings.fan_out.max_segments));
      break;
    case PROP_MAX_BYTES:
      g_value_set_uint64(value, job.max_bytes);
      break;
    case PROP_MAX_ATTEMPTS:
      g_value_set_uint(value, job.max_attempts);
      break;
    case PROP_SECRET_FILE:
      g_value_set_string(value, priv->settings.secret_file.c_str());
      break;
    case PROP_ALLOW_ANONYMOUS:
      g_value_set_boolean(value, farm.any_user);
      break;
    case PROP_MAX_CONNECTIONS_PER_ADDRESS:
      g_value_set_uint(value, farm.workers.door.max_per_address);
      break;
    case PROP_DEADLINE_FLOOR:
      g_value_set_uint64(value, farm.workers.dispatcher.deadline_floor);
      break;
    case PROP_DEADLINE_FACTOR:
      g_value_set_double(value, farm.workers.dispatcher.deadline_factor);
      break;
    case PROP_STALL_TIMEOUT:
      g_value_set_uint64(value, job.stall_timeout);
      break;
    case PROP_STORE:
      g_value_set_string(value, priv->settings.store.c_str());
      break;
    case PROP_STORE_LIMIT:
      g_value_set_uint64(value, priv->settings.store_limit);
      break;
    case PROP_MIXED_ENCODERS:
      g_value_set_boolean(value, job.mixed_encoders);
      break;
    case PROP_RENDITIONS:
      g_value_set_string(value, priv->settings.renditions.c_str());
      break;
    case PROP_LADDER:
      g_value_set_string(value, priv->settings.ladder.c_str());
      break;
    case PROP_LOCAL_WORKERS:
      g_value_set_int(value, priv->settings.local_workers);
      break;
    case PROP_VERIFY:
      g_value_set_enum(value, static_cast<gint>(job.verification.mode));
      break;
    case PROP_VERIFY_RATIO:
      g_value_set_double(value, job.verification.ratio);
      break;
    case PROP_VERIFY_THRESHOLD:
      g_value_set_uint(value, priv->settings.fan_out.checker.threshold);
      break;
    case PROP_VERIFY_FOLDER:
      g_value_set_string(value, priv->settings.fan_out.checker.folder.c_str());
      break;
    case PROP_VERIFY_GOLDEN:
      g_value_set_boolean(value, job.verification.golden);
      break;
    case PROP_STATS:
      if (priv->fan_out)
        g_value_take_boxed(value, priv->fan_out->stats());
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

static void gst_remote_enc_class_init(GstRemoteEncClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_remote_enc_set_property;
  object_class->get_property = gst_remote_enc_get_property;
  object_class->finalize = gst_remote_enc_finalize;
  element_class->change_state = gst_remote_enc_change_state;
  element_class->set_context = gst_remote_enc_set_context;
  dist::install_remote_enc_properties(object_class);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Distributed encoder", "Codec/Encoder/Video/Network",
      "Has segments encoded by workers over TCP", "The gst-dist authors");
}
