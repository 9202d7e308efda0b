// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-remoteencworker
 * @title: remoteencworker
 * @short_description: A worker that makes whatever renditions a job wants
 *
 * Dials the primary, tells it which of the job's renditions the encoders on this machine can make,
 * and makes them: each segment is decoded once, scaled once for each size, and encoded for each
 * rendition. It adapts to whatever job comes next, without a restart. Takes one segment for each
 * slot at a time.
 *
 * |[
 * gst-launch-1.0 remoteencworker host=primary
 * ]|
 *
 * An EOS event lets it leave in good order, as with remoteencsrc.
 *
 * Where a job has no renditions, remoteencsrc and remoteencsink make a worker's pipeline.
 *
 * Since: 0.2
 */

#include "plugins/gstremoteencworker.h"

#include <memory>
#include <string>
#include <vector>

#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "gst/gstx/encoder_choice.h"
#include "gst/gstx/ref.h"
#include "plugins/gstremoteencsrc.h"
#include "plugins/properties.h"
#include "plugins/worker_lane.h"

GST_DEBUG_CATEGORY_STATIC(gst_remote_enc_worker_debug);
#define GST_CAT_DEFAULT gst_remote_enc_worker_debug

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
  PROP_MAX_PIXELS,
  PROP_SLOTS,
  PROP_ENCODERS
};
constexpr gint kSlotForEachCore = -1;
constexpr gint kMaxSlots = 64;

namespace {

using dist::EncoderChoice;
using dist::Ref;
using dist::WorkerLane;

struct Settings {
  gint slots = kSlotForEachCore;
  std::string encoders;
};

}  // namespace

struct _GstRemoteEncWorker {
  GstBin parent;
  struct Private {
    // In no bin: holds the settings of those in the lanes.
    Ref<GstElement> source = Ref<GstElement>::sink(
        GST_ELEMENT(g_object_new(GST_TYPE_REMOTE_ENC_SRC, "reconnect", TRUE, nullptr)));
    dist::Mutex lock;
    Settings settings GUARDED_BY(lock);
    std::vector<std::shared_ptr<WorkerLane>> lanes GUARDED_BY(lock);
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRemoteEncWorker, gst_remote_enc_worker, GST_TYPE_BIN,
                        GST_DEBUG_CATEGORY_INIT(gst_remote_enc_worker_debug, "remoteencworker", 0,
                                                "makes the renditions that jobs want"))
GST_ELEMENT_REGISTER_DEFINE(remoteencworker, "remoteencworker", GST_RANK_NONE,
                            GST_TYPE_REMOTE_ENC_WORKER)

// --- Messages

static void gst_remote_enc_worker_handle_message(GstBin* bin, GstMessage* message) {
  dist::take_over(bin);
  auto* priv = GST_REMOTE_ENC_WORKER(bin)->priv;
  std::vector<std::shared_ptr<WorkerLane>> lanes;
  {
    const dist::MutexLock lock(priv->lock);
    lanes = priv->lanes;
  }
  for (const auto& lane : lanes) {
    if (lane->lets_through(message))
      continue;
    GST_DEBUG_OBJECT(bin, "kept: %" GST_PTR_FORMAT, static_cast<void*>(message));
    gst_message_unref(message);
    return;
  }
  GST_BIN_CLASS(gst_remote_enc_worker_parent_class)->handle_message(bin, message);
}

// --- Contexts

// The lanes take what the source has.
static void gst_remote_enc_worker_set_context(GstElement* element, GstContext* context) {
  gst_element_set_context(GST_REMOTE_ENC_WORKER(element)->priv->source.get(), context);
  GST_ELEMENT_CLASS(gst_remote_enc_worker_parent_class)->set_context(element, context);
}

// --- Start and stop

static bool start(GstRemoteEncWorker* self) {
  auto* priv = self->priv;
  Settings settings;
  {
    const dist::MutexLock lock(priv->lock);
    settings = priv->settings;
  }
  if (settings.slots == 0) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("slots: 0 would do nothing; -1 is one for each core."), (NULL));
    return false;
  }
  const auto encoders = EncoderChoice::parse(settings.encoders);
  if (!encoders) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s.", encoders.error().c_str()), (NULL));
    return false;
  }
  const unsigned cores = g_get_num_processors();
  guint64 max_pixels = 0;
  g_object_get(priv->source.get(), "max-pixels", &max_pixels, nullptr);
  const unsigned slots = settings.slots == kSlotForEachCore
                             ? MIN(cores, static_cast<unsigned>(kMaxSlots))
                             : static_cast<unsigned>(settings.slots);
  GST_INFO_OBJECT(self, "%u slots", slots);
  for (unsigned i = 1; i <= slots; ++i) {
    const std::string suffix = slots > 1 ? "/" + std::to_string(i) : "";
    auto lane = std::make_shared<WorkerLane>(GST_BIN(self), GST_REMOTE_ENC_SRC(priv->source.get()),
                                             suffix, *encoders, slots > 1 ? 1 : cores, max_pixels);
    const dist::MutexLock lock(priv->lock);
    priv->lanes.push_back(std::move(lane));
  }
  return true;
}

static void stop(GstRemoteEncWorker* self) {
  std::vector<std::shared_ptr<WorkerLane>> lanes;
  const dist::MutexLock lock(self->priv->lock);
  lanes.swap(self->priv->lanes);
}

static GstStateChangeReturn gst_remote_enc_worker_change_state(GstElement* element,
                                                               GstStateChange transition) {
  GstRemoteEncWorker* self = GST_REMOTE_ENC_WORKER(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(self))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_remote_enc_worker_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    stop(self);
  return result;
}

// --- Properties

static void gst_remote_enc_worker_set_property(GObject* object, guint id, const GValue* value,
                                               GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC_WORKER(object)->priv;
  if (id != PROP_SLOTS && id != PROP_ENCODERS) {
    g_object_set_property(G_OBJECT(priv->source.get()), pspec->name, value);
    return;
  }
  const dist::MutexLock lock(priv->lock);
  if (id == PROP_ENCODERS)
    priv->settings.encoders = dist::string_of(value);
  else
    priv->settings.slots = g_value_get_int(value);
}

static void gst_remote_enc_worker_get_property(GObject* object, guint id, GValue* value,
                                               GParamSpec* pspec) {
  auto* priv = GST_REMOTE_ENC_WORKER(object)->priv;
  if (id != PROP_SLOTS && id != PROP_ENCODERS) {
    g_object_get_property(G_OBJECT(priv->source.get()), pspec->name, value);
    return;
  }
  const dist::MutexLock lock(priv->lock);
  if (id == PROP_SLOTS)
    g_value_set_int(value, priv->settings.slots);
  else
    g_value_set_string(value, priv->settings.encoders.c_str());
}

// --- Type

static void gst_remote_enc_worker_init(GstRemoteEncWorker* self) {
  self->priv = new GstRemoteEncWorker::Private;
  dist::hand_over(self);
}

static void gst_remote_enc_worker_finalize(GObject* object) {
  delete GST_REMOTE_ENC_WORKER(object)->priv;
  G_OBJECT_CLASS(gst_remote_enc_worker_parent_class)->finalize(object);
}

// A property of remoteencsrc, once more.
static GParamSpec* copy_of(const char* name) {
  auto* source = static_cast<GObjectClass*>(g_type_class_ref(GST_TYPE_REMOTE_ENC_SRC));
  GParamSpec* const spec = g_object_class_find_property(source, name);
  const gchar* const nick = g_param_spec_get_nick(spec);
  const gchar* const blurb = g_param_spec_get_blurb(spec);
  GParamSpec* copy = nullptr;
  if (G_IS_PARAM_SPEC_STRING(spec)) {
    copy = g_param_spec_string(name, nick, blurb, G_PARAM_SPEC_STRING(spec)->default_value,
                               spec->flags);
  } else if (G_IS_PARAM_SPEC_BOOLEAN(spec)) {
    // The only one is "reconnect", which the source of the settings has on from its start.
    copy = g_param_spec_boolean(name, nick, blurb, TRUE, spec->flags);
  } else if (G_IS_PARAM_SPEC_UINT(spec)) {
    const auto* one = G_PARAM_SPEC_UINT(spec);
    copy = g_param_spec_uint(name, nick, blurb, one->minimum, one->maximum, one->default_value,
                             spec->flags);
  } else {
    const auto* one = G_PARAM_SPEC_UINT64(spec);
    copy = g_param_spec_uint64(name, nick, blurb, one->minimum, one->maximum, one->default_value,
                               spec->flags);
  }
  g_type_class_unref(source);
  return copy;
}

static void install_properties(GObjectClass* object_class) {
  /**
   * GstRemoteEncWorker:host:
   *
   * As #GstRemoteEncSrc:host.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_HOST, copy_of("host"));
  /**
   * GstRemoteEncWorker:port:
   *
   * As #GstRemoteEncSrc:port.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_PORT, copy_of("port"));
  /**
   * GstRemoteEncWorker:worker-name:
   *
   * As #GstRemoteEncSrc:worker-name. With more than one slot these are "name/1", "name/2" and so
   * on.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_WORKER_NAME, copy_of("worker-name"));
  /**
   * GstRemoteEncWorker:prefetch:
   *
   * As #GstRemoteEncSrc:prefetch, for each slot.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_PREFETCH, copy_of("prefetch"));
  /**
   * GstRemoteEncWorker:reconnect:
   *
   * As #GstRemoteEncSrc:reconnect, and usual here: this worker can do whatever comes next.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_RECONNECT, copy_of("reconnect"));
  /**
   * GstRemoteEncWorker:stall-timeout:
   *
   * As #GstRemoteEncSrc:stall-timeout. What decodes and encodes is made anew then.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_STALL_TIMEOUT, copy_of("stall-timeout"));
  /**
   * GstRemoteEncWorker:secret:
   *
   * As #GstRemoteEncSrc:secret.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_SECRET, copy_of("secret"));
  /**
   * GstRemoteEncWorker:secret-file:
   *
   * As #GstRemoteEncSrc:secret-file.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_SECRET_FILE, copy_of("secret-file"));
  /**
   * GstRemoteEncWorker:max-pixels:
   *
   * As #GstRemoteEncSrc:max-pixels, and of what the bytes of a segment say, before there is room
   * for its pictures.
   *
   * Since: 0.2
   */
  g_object_class_install_property(object_class, PROP_MAX_PIXELS, copy_of("max-pixels"));
  /**
   * GstRemoteEncWorker:slots:
   *
   * Segments that are encoded at the same time. Each of several is encoded in one thread, which
   * uses the cores best; a single one in as many threads as there are cores.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_SLOTS,
      g_param_spec_int("slots", "Slots",
                       "Segments to encode at the same time; -1 = one for each core, 0 is refused",
                       kSlotForEachCore, kMaxSlots, kSlotForEachCore, dist::kSetWhenReady));
  /**
   * GstRemoteEncWorker:encoders:
   *
   * What is not installed, or does not work, is not used in any case. Of several encoders for a
   * codec the one with the highest rank is used.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_ENCODERS,
      g_param_spec_string("encoders", "Encoders",
                          "Encoders to use: \"x264enc,vp9enc\" allows no others, "
                          "\"-x265enc,-av1enc\" all but these; empty: all",
                          "", dist::kSetWhenReady));
}

static void gst_remote_enc_worker_class_init(GstRemoteEncWorkerClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_remote_enc_worker_set_property;
  object_class->get_property = gst_remote_enc_worker_get_property;
  object_class->finalize = gst_remote_enc_worker_finalize;
  element_class->change_state = gst_remote_enc_worker_change_state;
  element_class->set_context = gst_remote_enc_worker_set_context;
  GST_BIN_CLASS(klass)->handle_message = gst_remote_enc_worker_handle_message;
  install_properties(object_class);

  gst_element_class_set_static_metadata(
      element_class, "Distributed encoding worker", "Codec/Encoder/Video/Network",
      "Makes the renditions that the jobs of a primary want", "The gst-dist authors");
}
