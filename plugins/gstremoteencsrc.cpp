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
 *
 * An EOS event, as gst-launch-1.0 -e sends it when it is interrupted, lets the worker leave in good
 * order: it takes no more segments, gives back those it has not begun, finishes the one it has, and
 * then ends the pipeline with EOS.
 *
 * Since: 0.2
 */

#include "plugins/gstremoteencsrc.h"

#include <atomic>
#include <memory>
#include <string>

#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "gst/farm/farm_context.h"
#include "gst/gstx/ref.h"
#include "gst/io/secret.h"
#include "gst/wire/default_port.h"
#include "plugins/lease_player.h"
#include "plugins/open_secret.h"
#include "plugins/properties.h"

GST_DEBUG_CATEGORY(gst_remote_enc_src_debug);
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
  PROP_STALL_TIMEOUT,
  PROP_SECRET,
  PROP_SECRET_FILE,
  PROP_MAX_PIXELS
};
constexpr char kDefaultHost[] = "127.0.0.1";
constexpr guint kDefaultPrefetch = 1;
constexpr guint kMaxPrefetch = 15;
constexpr guint64 kDefaultStallTimeout = 60 * GST_SECOND;

namespace {

using dist::LeasePlayer;
using dist::Ref;

struct Settings {
  LeasePlayer::Settings player{.host = kDefaultHost,
                               .port = dist::kDefaultPort,
                               .worker_name = "",
                               .name_suffix = "",
                               .prefetch = kDefaultPrefetch,
                               .reconnect = false,
                               .stall_timeout = kDefaultStallTimeout,
                               .secret = ""};
  std::string secret_file;
};

}  // namespace

struct _GstRemoteEncSrc {
  GstElement parent;
  GstPad* srcpad;
  struct Private {
    dist::Mutex settings_lock;
    Settings settings GUARDED_BY(settings_lock);
    std::unique_ptr<LeasePlayer> player;
    std::atomic<bool> ended = false;  // The job is over, no other will come.
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRemoteEncSrc, gst_remote_enc_src, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_remote_enc_src_debug, "remoteencsrc", 0,
                                                "begin of a worker's pipeline"))
GST_ELEMENT_REGISTER_DEFINE(remoteencsrc, "remoteencsrc", GST_RANK_NONE, GST_TYPE_REMOTE_ENC_SRC)

// --- Helpers

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
    const GstIteratorForeachFunction look = [](const GValue* item, gpointer data) {
      gpointer element = g_value_get_object(item);
      if (GST_IS_REMOTE_ENC_SRC(element) && !GST_REMOTE_ENC_SRC(element)->priv->ended)
        *static_cast<bool*>(data) = false;
    };
    // Others may be adding elements: their decoders'.
    while (gst_iterator_foreach(elements, look, &all_ended) == GST_ITERATOR_RESYNC)
      gst_iterator_resync(elements);
    gst_iterator_free(elements);
  }
  if (all_ended)
    gst_element_post_message(GST_ELEMENT(top.get()), gst_message_new_eos(top.get()));
}

GstElement* gst_remote_enc_src_new_for(dist::PipelineAdapter* adapter, GstRemoteEncSrc* settings,
                                       const char* name_suffix) {
  auto* self = GST_REMOTE_ENC_SRC(g_object_new(GST_TYPE_REMOTE_ENC_SRC, nullptr));
  Settings own;
  {
    const dist::MutexLock lock(settings->priv->settings_lock);
    own = settings->priv->settings;
  }
  own.player.adapter = adapter;
  own.player.name_suffix = name_suffix;
  const dist::MutexLock lock(self->priv->settings_lock);
  self->priv->settings = std::move(own);
  return GST_ELEMENT(self);
}

// --- Contexts

// Works for a farm of this process instead of dialling. Not for one that an element of the same
// pipeline has for itself.
static void gst_remote_enc_src_set_context(GstElement* element, GstContext* context) {
  auto* priv = GST_REMOTE_ENC_SRC(element)->priv;
  if (auto offer = dist::farm_offered(context); offer.handed_over) {
    const dist::MutexLock lock(priv->settings_lock);
    priv->settings.player.farm.swap(offer.farm);
  }
  GST_ELEMENT_CLASS(gst_remote_enc_src_parent_class)->set_context(element, context);
}

// --- Start and stop

static void gst_remote_enc_src_loop(gpointer user_data) {
  GstRemoteEncSrc* self = GST_REMOTE_ENC_SRC(user_data);
  dist::take_over(self);
  const LeasePlayer::Next next = self->priv->player->play_next();
  if (next == LeasePlayer::Next::kPlay)
    return;
  if (next == LeasePlayer::Next::kEnded)
    end_pipeline(self);
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
      const dist::MutexLock lock(self->priv->settings_lock);
      settings = self->priv->settings;
    }
    self->priv->ended = false;
    auto secret = dist::find_secret(settings.player.secret, settings.secret_file);
    if (!secret) {
      GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s.", secret.error().c_str()), (NULL));
      return FALSE;
    }
    settings.player.secret = std::move(*secret);
    dist::warn_of_open_secret(GST_ELEMENT(self), settings.player.secret);
    self->priv->player =
        std::make_unique<LeasePlayer>(GST_ELEMENT(self), self->srcpad, settings.player);
    dist::hand_over(self);
    return gst_pad_start_task(pad, gst_remote_enc_src_loop, self, nullptr);
  }
  if (!self->priv->player)
    return TRUE;
  self->priv->player->stop();
  const gboolean stopped = gst_pad_stop_task(pad);
  self->priv->player.reset();
  return stopped;
}

// The state lock, which is held, keeps the player.
static gboolean gst_remote_enc_src_send_event(GstElement* element, GstEvent* event) {
  GstRemoteEncSrc* self = GST_REMOTE_ENC_SRC(element);
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS(gst_remote_enc_src_parent_class)->send_event(element, event);
  gst_event_unref(event);
  if (!self->priv->player)
    return FALSE;
  GST_INFO_OBJECT(self, "no more leases");
  self->priv->player->retire();
  return TRUE;
}

// --- Properties

static void gst_remote_enc_src_set_property(GObject* object, guint id, const GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC_SRC(object)->priv;
  const dist::MutexLock lock(priv->settings_lock);
  switch (id) {
    case PROP_HOST:
      priv->settings.player.host = dist::string_of(value, kDefaultHost);
      break;
    case PROP_PORT:
      priv->settings.player.port = g_value_get_uint(value);
      break;
    case PROP_WORKER_NAME:
      priv->settings.player.worker_name = dist::string_of(value);
      break;
    case PROP_PREFETCH:
      priv->settings.player.prefetch = g_value_get_uint(value);
      break;
    case PROP_RECONNECT:
      priv->settings.player.reconnect = g_value_get_boolean(value);
      break;
    case PROP_STALL_TIMEOUT:
      priv->settings.player.stall_timeout = g_value_get_uint64(value);
      break;
    case PROP_MAX_PIXELS:
      priv->settings.player.max_pixels = g_value_get_uint64(value);
      break;
    case PROP_SECRET:
      priv->settings.player.secret = dist::string_of(value);
      break;
    case PROP_SECRET_FILE:
      priv->settings.secret_file = dist::string_of(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_remote_enc_src_get_property(GObject* object, guint id, GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC_SRC(object)->priv;
  const dist::MutexLock lock(priv->settings_lock);
  switch (id) {
    case PROP_HOST:
      g_value_set_string(value, priv->settings.player.host.c_str());
      break;
    case PROP_PORT:
      g_value_set_uint(value, priv->settings.player.port);
      break;
    case PROP_WORKER_NAME:
      g_value_set_string(value, priv->settings.player.worker_name.c_str());
      break;
    case PROP_PREFETCH:
      g_value_set_uint(value, priv->settings.player.prefetch);
      break;
    case PROP_RECONNECT:
      g_value_set_boolean(value, priv->settings.player.reconnect);
      break;
    case PROP_STALL_TIMEOUT:
      g_value_set_uint64(value, priv->settings.player.stall_timeout);
      break;
    case PROP_MAX_PIXELS:
      g_value_set_uint64(value, priv->settings.player.max_pixels);
      break;
    case PROP_SECRET_FILE:
      g_value_set_string(value, priv->settings.secret_file.c_str());
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

static void install_properties(GObjectClass* object_class) {
  /**
   * GstRemoteEncSrc:host:
   *
   * The primary to dial. It is dialled until it answers, so workers may start first.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_HOST,
      g_param_spec_string("host", "Host", "Name or address of the primary", kDefaultHost,
                          dist::kSetWhenReady));
  /**
   * GstRemoteEncSrc:port:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_PORT,
      g_param_spec_uint("port", "Port", "TCP port of the primary's remoteenc", 1, G_MAXUINT16,
                        dist::kDefaultPort, dist::kSetWhenReady));
  /**
   * GstRemoteEncSrc:worker-name:
   *
   * How the primary's messages call this worker.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_WORKER_NAME,
      g_param_spec_string("worker-name", "Worker name",
                          "How the primary's messages call this worker; empty: host name and "
                          "process id",
                          "", dist::kSetWhenReady));
  /**
   * GstRemoteEncSrc:prefetch:
   *
   * Segments fetched ahead, so that the transfer hides behind the encode.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_PREFETCH,
      g_param_spec_uint("prefetch", "Prefetch",
                        "Segments to fetch beyond the one being encoded; 0 waits for each transfer",
                        0, kMaxPrefetch, kDefaultPrefetch, dist::kSetWhenReady));
  /**
   * GstRemoteEncSrc:reconnect:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_RECONNECT,
      g_param_spec_boolean("reconnect", "Reconnect",
                           "Serve one job after another, and dial again when the primary is lost; "
                           "false: EOS after the first job",
                           FALSE, dist::kSetWhenReady));
  /**
   * GstRemoteEncSrc:stall-timeout:
   *
   * When the pipeline takes and gives nothing for so long, the segment is given back to the primary
   * and the pipeline flushed.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_STALL_TIMEOUT,
      g_param_spec_uint64(
          "stall-timeout", "Stall timeout",
          "Give a segment back when nothing has moved in the pipeline for this long, "
          "in nanoseconds; 0 = wait for ever",
          0, G_MAXINT64, kDefaultStallTimeout, dist::kSetWhenReady));
  /**
   * GstRemoteEncSrc:secret:
   *
   * What this worker and its primary both know; neither joins a peer that does not. It is never
   * sent. See also #GstRemoteEncSrc:secret-file, which keeps it out of the list of processes.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_SECRET,
      g_param_spec_string("secret", "Secret",
                          "Secret shared with the primary; empty: that of secret-file, else of the "
                          "environment variable GST_DIST_SECRET, else none",
                          "", dist::kSecretSetWhenReady));
  /**
   * GstRemoteEncSrc:secret-file:
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_SECRET_FILE,
      g_param_spec_string("secret-file", "Secret file",
                          "File whose first line is the secret shared with the primary", "",
                          dist::kSetWhenReady));
  /**
   * GstRemoteEncSrc:max-pixels:
   *
   * By the caps of a segment, since what is behind this element is unknown to it. #remoteencworker
   * looks at what the bytes of the segment say, too.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MAX_PIXELS,
      g_param_spec_uint64("max-pixels", "Maximum pixels",
                          "Refuse segments whose pictures have more pixels, width times height", 1,
                          G_MAXINT64, dist::kMaxPixels, dist::kSetWhenReady));
}

static void gst_remote_enc_src_class_init(GstRemoteEncSrcClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_remote_enc_src_set_property;
  object_class->get_property = gst_remote_enc_src_get_property;
  object_class->finalize = gst_remote_enc_src_finalize;
  element_class->send_event = gst_remote_enc_src_send_event;
  element_class->set_context = gst_remote_enc_src_set_context;
  install_properties(object_class);

  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Distributed encoding worker source",
                                        "Source/Network", "Receives segments from remoteenc",
                                        "The gst-dist authors");
}
