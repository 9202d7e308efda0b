// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-visualhash
 * @title: visualhash
 * @short_description: Perceptual hashes of video frames
 *
 * Passes video on untouched and computes the PDQ hash of its frames: 256 bits that stay nearly the
 * same when a picture is scaled or compressed. Each buffer gets them as a #GstVisualHashMeta;
 * #GstVisualHash:message posts them on the bus too, and the request pad "hash" gives them as
 * a stream of their own, `application/x-visual-hash`: 32 bytes, and one for the quality, with the
 * frame's timestamp. As behind tee, what is linked to that pad needs a queue.
 *
 * The element message "visual-hash" has the fields
 *
 * * #gchararray `hash`: 64 hex digits
 * * #guint `quality`: 0 to 100; hashes of less than 50, of flat pictures, mean little
 * * #GstClockTime `timestamp`, `stream-time`, `running-time` and `duration` of the frame
 *
 * |[
 * gst-launch-1.0 -m filesrc location=in.mp4 ! decodebin ! visualhash message=true ! fakesink
 * ]|
 *
 * Since: 0.2
 */

#include "plugins/gstvisualhash.h"

#include <gst/video/video.h>

#include <algorithm>
#include <optional>

#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/luma_reader.h"
#include "gst/gstx/ref.h"
#include "gst/visualhash/visualhash.h"

GST_DEBUG_CATEGORY_STATIC(gst_visual_hash_debug);
#define GST_CAT_DEFAULT gst_visual_hash_debug

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
static GstStaticPadTemplate hash_template =
    GST_STATIC_PAD_TEMPLATE("hash", GST_PAD_SRC, GST_PAD_REQUEST,
                            GST_STATIC_CAPS("application/x-visual-hash, "
                                            "algorithm = (string) pdq"));

enum { PROP_INTERVAL = 1, PROP_INTERVAL_TIME, PROP_MESSAGE };

namespace {

constexpr guint kDefaultInterval = 1;

using dist::Ref;

struct Settings {
  guint interval = kDefaultInterval;
  GstClockTime interval_time = 0;
  bool message = false;
};

// Of the streaming thread, from start to stop.
struct State {
  GstVideoInfo info;
  std::optional<dist::VisualHasher> hasher;
  dist::LumaReader reader;
  guint64 frames = 0;
  std::optional<guint64> last_slot;  // Of interval-time.
};

}  // namespace

struct _GstVisualHash {
  GstBaseTransform parent;
  struct Private {
    dist::Mutex lock;
    Settings settings GUARDED_BY(lock);
    bool hash_requested GUARDED_BY(lock) = false;
    Ref<GstPad> hash_pad GUARDED_BY(lock);  // Null until it is ready.
    State state;
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstVisualHash, gst_visual_hash, GST_TYPE_BASE_TRANSFORM,
                        GST_DEBUG_CATEGORY_INIT(gst_visual_hash_debug, "visualhash", 0,
                                                "perceptual hashes of video"))
GST_ELEMENT_REGISTER_DEFINE(visualhash, "visualhash", GST_RANK_NONE, GST_TYPE_VISUAL_HASH)

// --- Helpers

// None if nobody asked for it.
static Ref<GstPad> hash_pad_of(GstVisualHash* self) {
  const dist::MutexLock lock(self->priv->lock);
  return self->priv->hash_pad;
}

// Whether it is this frame's turn.
static bool is_due(State& state, const Settings& settings, GstBuffer* buffer) {
  if (settings.interval_time > 0 && GST_BUFFER_PTS_IS_VALID(buffer)) {
    const guint64 slot = GST_BUFFER_PTS(buffer) / settings.interval_time;
    return std::exchange(state.last_slot, slot) != slot;
  }
  return state.frames++ % settings.interval == 0;
}

static void post_hash(GstVisualHash* self, GstBuffer* buffer, const GstVisualHashValue& hash) {
  const GstSegment* segment = &GST_BASE_TRANSFORM(self)->segment;
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  const std::string digits = dist::take_string(gst_visual_hash_to_string(&hash));
  GstStructure* structure = gst_structure_new(
      "visual-hash", "hash", G_TYPE_STRING, digits.c_str(), "quality", G_TYPE_UINT, hash.quality,
      "timestamp", G_TYPE_UINT64, time, "stream-time", G_TYPE_UINT64,
      gst_segment_to_stream_time(segment, GST_FORMAT_TIME, time), "running-time", G_TYPE_UINT64,
      gst_segment_to_running_time(segment, GST_FORMAT_TIME, time), "duration", G_TYPE_UINT64,
      GST_BUFFER_DURATION(buffer), nullptr);
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

static void push_stream_start(GstVisualHash* self, GstPad* pad) {
  const std::string id =
      dist::take_string(gst_pad_create_stream_id(pad, GST_ELEMENT(self), "hash"));
  gst_pad_push_event(pad, gst_event_new_stream_start(id.c_str()));
}

// What has to come before the first buffer; pads may be requested late.
static void begin_hash_stream(GstVisualHash* self, GstPad* pad) {
  const auto has = [pad](GstEventType type) {
    const auto event = Ref<GstEvent>::adopt(gst_pad_get_sticky_event(pad, type, 0));
    return static_cast<bool>(event);
  };
  if (!has(GST_EVENT_STREAM_START))
    push_stream_start(self, pad);
  if (!has(GST_EVENT_CAPS)) {
    const auto caps = Ref<GstCaps>::adopt(gst_static_pad_template_get_caps(&hash_template));
    gst_pad_push_event(pad, gst_event_new_caps(caps.get()));
  }
  const GstSegment& segment = GST_BASE_TRANSFORM(self)->segment;
  // A stream may end before it has begun.
  if (!has(GST_EVENT_SEGMENT) && segment.format != GST_FORMAT_UNDEFINED)
    gst_pad_push_event(pad, gst_event_new_segment(&segment));
}

static GstFlowReturn push_hash(GstVisualHash* self, GstPad* pad, GstBuffer* frame,
                               const GstVisualHashValue& hash) {
  begin_hash_stream(self, pad);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, sizeof hash.bits + 1, nullptr);
  gst_buffer_fill(buffer, 0, hash.bits, sizeof hash.bits);
  gst_buffer_memset(buffer, sizeof hash.bits, static_cast<guint8>(hash.quality), 1);
  gst_buffer_copy_into(buffer, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, static_cast<gsize>(-1));
  const GstFlowReturn flow = gst_pad_push(pad, buffer);
  // The video goes on without those who want no hashes, or no more.
  if (flow == GST_FLOW_NOT_LINKED || flow == GST_FLOW_EOS)
    return GST_FLOW_OK;
  const dist::MutexLock lock(self->priv->lock);
  return self->priv->hash_pad.get() == pad ? flow : GST_FLOW_OK;
}

// --- Streaming

static gboolean gst_visual_hash_set_caps(GstBaseTransform* transform, GstCaps* caps, GstCaps*) {
  GstVisualHash* self = GST_VISUAL_HASH(transform);
  State& state = self->priv->state;
  if (!gst_video_info_from_caps(&state.info, caps))
    return FALSE;
  state.hasher.emplace(static_cast<unsigned>(GST_VIDEO_INFO_WIDTH(&state.info)),
                       static_cast<unsigned>(GST_VIDEO_INFO_HEIGHT(&state.info)));
  return TRUE;
}

static GstFlowReturn gst_visual_hash_transform_ip(GstBaseTransform* transform, GstBuffer* buffer) {
  GstVisualHash* self = GST_VISUAL_HASH(transform);
  State& state = self->priv->state;
  Settings settings;
  {
    const dist::MutexLock lock(self->priv->lock);
    settings = self->priv->settings;
  }
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP) || !is_due(state, settings, buffer))
    return GST_FLOW_OK;
  GstVisualHashValue hash = {};
  {
    const dist::FrameMap frame(state.info, buffer);
    if (!frame) {
      GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("Cannot read a video frame."),
                        ("%" GST_PTR_FORMAT, static_cast<void*>(buffer)));
      return GST_FLOW_ERROR;
    }
    const dist::HashedPicture picture = state.hasher->hash(state.reader.read_pixels(frame.get()));
    std::ranges::copy(picture.hash, hash.bits);
    hash.quality = picture.quality;
  }
  gst_buffer_add_visual_hash_meta(buffer, &hash);
  if (settings.message)
    post_hash(self, buffer, hash);
  if (const auto pad = hash_pad_of(self))
    return push_hash(self, pad.get(), buffer, hash);
  return GST_FLOW_OK;
}

static gboolean gst_visual_hash_sink_event(GstBaseTransform* transform, GstEvent* event) {
  GstVisualHash* self = GST_VISUAL_HASH(transform);
  const auto kept = Ref<GstEvent>::share(event);
  // What was before says nothing of whose turn it is now.
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT || GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    self->priv->state.frames = 0;
    self->priv->state.last_slot = State().last_slot;
  }
  const gboolean handled =
      GST_BASE_TRANSFORM_CLASS(gst_visual_hash_parent_class)->sink_event(transform, event);
  const auto pad = hash_pad_of(self);
  if (!pad)
    return handled;
  switch (GST_EVENT_TYPE(kept.get())) {
    case GST_EVENT_STREAM_START:
      // A stream that has ended begins again.
      push_stream_start(self, pad.get());
      break;
    case GST_EVENT_SEGMENT:
    case GST_EVENT_GAP:
    case GST_EVENT_EOS:
    // Such as the lease of remoteencsrc.
    case GST_EVENT_CUSTOM_DOWNSTREAM:
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      begin_hash_stream(self, pad.get());
      [[fallthrough]];
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      gst_pad_push_event(pad.get(), gst_event_ref(kept.get()));
      break;
    default:
      break;
  }
  return handled;
}

// --- Pads

static GstPad* gst_visual_hash_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                               const gchar*, const GstCaps*) {
  GstVisualHash* self = GST_VISUAL_HASH(element);
  {
    const dist::MutexLock lock(self->priv->lock);
    if (std::exchange(self->priv->hash_requested, true)) {
      GST_WARNING_OBJECT(self, "there is a pad 'hash' already; put a tee behind it");
      return nullptr;
    }
  }
  const auto pad = Ref<GstPad>::sink(gst_pad_new_from_template(templ, "hash"));
  GST_PAD_SET_PROXY_ALLOCATION(pad.get());
  gst_pad_set_active(pad.get(), TRUE);
  gst_element_add_pad(element, pad.get());
  // Hashes go there from now on.
  const dist::MutexLock lock(self->priv->lock);
  self->priv->hash_pad = pad;
  return pad.get();
}

static void gst_visual_hash_release_pad(GstElement* element, GstPad* pad) {
  GstVisualHash* self = GST_VISUAL_HASH(element);
  Ref<GstPad> released;
  {
    const dist::MutexLock lock(self->priv->lock);
    std::swap(released, self->priv->hash_pad);
    self->priv->hash_requested = false;
  }
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element, pad);
}

// --- Start, stop, properties

static gboolean gst_visual_hash_stop(GstBaseTransform* transform) {
  GST_VISUAL_HASH(transform)->priv->state = State{};
  return TRUE;
}

static void gst_visual_hash_set_property(GObject* object, guint id, const GValue* value,
                                         GParamSpec* spec) {
  auto* priv = GST_VISUAL_HASH(object)->priv;
  const dist::MutexLock lock(priv->lock);
  switch (id) {
    case PROP_INTERVAL:
      priv->settings.interval = g_value_get_uint(value);
      break;
    case PROP_INTERVAL_TIME:
      priv->settings.interval_time = g_value_get_uint64(value);
      break;
    case PROP_MESSAGE:
      priv->settings.message = g_value_get_boolean(value) != FALSE;
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_visual_hash_get_property(GObject* object, guint id, GValue* value,
                                         GParamSpec* spec) {
  auto* priv = GST_VISUAL_HASH(object)->priv;
  const dist::MutexLock lock(priv->lock);
  switch (id) {
    case PROP_INTERVAL:
      g_value_set_uint(value, priv->settings.interval);
      break;
    case PROP_INTERVAL_TIME:
      g_value_set_uint64(value, priv->settings.interval_time);
      break;
    case PROP_MESSAGE:
      g_value_set_boolean(value, priv->settings.message);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_visual_hash_init(GstVisualHash* self) {
  self->priv = new GstVisualHash::Private;
  gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_visual_hash_finalize(GObject* object) {
  delete GST_VISUAL_HASH(object)->priv;
  G_OBJECT_CLASS(gst_visual_hash_parent_class)->finalize(object);
}

static void gst_visual_hash_class_init(GstVisualHashClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  GstBaseTransformClass* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  object_class->set_property = gst_visual_hash_set_property;
  object_class->get_property = gst_visual_hash_get_property;
  object_class->finalize = gst_visual_hash_finalize;
  element_class->request_new_pad = gst_visual_hash_request_new_pad;
  element_class->release_pad = gst_visual_hash_release_pad;
  transform_class->set_caps = gst_visual_hash_set_caps;
  transform_class->transform_ip = gst_visual_hash_transform_ip;
  transform_class->sink_event = gst_visual_hash_sink_event;
  transform_class->stop = gst_visual_hash_stop;

  constexpr auto kFlags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_PLAYING);
  /**
   * GstVisualHash:interval:
   *
   * Hashes every so many frames, beginning with the first.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_INTERVAL,
      g_param_spec_uint("interval", "Interval", "Hash every so many frames; 1 = each", 1, G_MAXUINT,
                        kDefaultInterval, kFlags));
  /**
   * GstVisualHash:interval-time:
   *
   * Hashes the first frame in each interval of this length, counted from timestamp 0, in place of
   * #GstVisualHash:interval.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_INTERVAL_TIME,
      g_param_spec_uint64("interval-time", "Interval in time",
                          "Hash the first frame of each interval of so many nanoseconds; 0 = count "
                          "frames, see interval",
                          0, G_MAXUINT64, 0, kFlags));
  /**
   * GstVisualHash:message:
   *
   * Posts an element message for each hash.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MESSAGE,
      g_param_spec_boolean("message", "Message", "Post each hash on the bus", FALSE, kFlags));

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_add_static_pad_template(element_class, &hash_template);
  gst_element_class_set_static_metadata(element_class, "Visual hash", "Filter/Analyzer/Video",
                                        "Computes perceptual hashes (PDQ) of video frames",
                                        "The gst-dist authors");
}
