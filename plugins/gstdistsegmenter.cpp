// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-distsegmenter
 * @title: distsegmenter
 * @short_description: Cuts a video stream into segments
 *
 * Turns a stream of video into segments of about a second, each one buffer that can be decoded by
 * itself. Compressed video is cut as it is: a segment begins at a random-access point, or carries
 * along the access units that a decoder needs first. What cannot be cut so is decoded first:
 * codecs without a rule, and streams whose timestamps do not tell when frames are shown.
 *
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! parsebin ! distsegmenter ! multifilesink
 * location=%05d.seg
 * ]|
 *
 * Since: 0.2
 */

#include "plugins/gstdistsegmenter.h"

#include <optional>
#include <utility>

#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "plugins/film_cutter.h"
#include "plugins/properties.h"

// film_cutter.cpp and segment_stream.cpp write to it too.
GST_DEBUG_CATEGORY(gst_dist_segmenter_debug);
#define GST_CAT_DEFAULT gst_dist_segmenter_debug

// What is cut as it is, and what is decoded first: a list of all that decoders take, so that a
// demuxer links its video and nothing else.
#define CUT_CAPS                                                                     \
  "video/x-raw; video/x-h264; video/x-h265; video/x-vp8; video/x-vp9; video/x-av1; " \
  "video/mpeg, systemstream = (boolean) false; image/jpeg; "
#define DECODED_CAPS                                                                               \
  "image/bmp; image/gif; image/gst-libav-gif; image/jp2; image/png; image/tiff; image/webp; "      \
  "image/x-exr; image/x-j2c; image/x-jpc; image/x-jpc-striped; image/x-pcx; image/x-sgi; "         \
  "image/x-tga; video/sp5x; video/x-3ivx; video/x-4xm; video/x-aasc; video/x-amv; "                \
  "video/x-apple-intermediate-codec; video/x-apple-video; video/x-asus; video/x-ati-vcr; "         \
  "video/x-camstudio; video/x-camtasia; video/x-cavs; video/x-cineform; video/x-cinepak; "         \
  "video/x-cirrus-logic-accupak; video/x-compressed-yuv; video/x-dirac; video/x-divx; "            \
  "video/x-dnxhd; video/x-dv, systemstream = (boolean) false; video/x-ffv; "                       \
  "video/x-flash-screen; video/x-flash-screen2; video/x-flash-video; video/x-fli; video/x-fraps; " \
  "video/x-gst-av-8bps; video/x-gst-av-avs; video/x-gst-av-ffvhuff; video/x-gst-av-flic; "         \
  "video/x-gst-av-pgmyuv; video/x-gst-av-qpeg; video/x-gst-av-wnv1; video/x-gst-av-xl; "           \
  "video/x-h261; video/x-h263; video/x-huffyuv; video/x-indeo; video/x-intel-h263; "               \
  "video/x-kmvc; video/x-lagarith; video/x-loco; video/x-mimic; video/x-mjpeg-b; "                 \
  "video/x-msmpeg; video/x-msvideocodec; video/x-mszh; video/x-nuv; video/x-pn-realvideo; "        \
  "video/x-prores; video/x-qdrw; video/x-rle; video/x-smc; video/x-speedhq; video/x-svq; "         \
  "video/x-theora; video/x-truemotion; video/x-tscc; video/x-ultimotion; video/x-vmnc; "           \
  "video/x-vp3; video/x-vp5; video/x-vp6; video/x-vp6-alpha; video/x-vp6-flash; video/x-wmv; "     \
  "video/x-xan; video/x-xvid; video/x-zmbv"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CUT_CAPS DECODED_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));

enum { PROP_0, PROP_SEGMENT_DURATION, PROP_MAX_SEGMENT_DURATION, PROP_MAX_DECODING, PROP_GRID };
constexpr guint64 kDefaultSegmentDuration = GST_SECOND;
constexpr guint64 kDefaultMaxSegmentDuration = 4 * GST_SECOND;

struct _GstDistSegmenter {
  GstElement parent;
  GstPad* sinkpad;
  GstPad* srcpad;
  struct Private {
    dist::Mutex settings_lock;
    dist::SegmentStream::Durations durations GUARDED_BY(settings_lock){kDefaultSegmentDuration,
                                                                       kDefaultMaxSegmentDuration};
    std::optional<dist::FilmCutter> cutter;  // Belongs to the streaming thread.
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstDistSegmenter, gst_dist_segmenter, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_dist_segmenter_debug, "distsegmenter", 0,
                                                "cuts video into segments"))
GST_ELEMENT_REGISTER_DEFINE(distsegmenter, "distsegmenter", GST_RANK_NONE, GST_TYPE_DIST_SEGMENTER)

// --- Streaming

static GstFlowReturn gst_dist_segmenter_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  auto* priv = GST_DIST_SEGMENTER(parent)->priv;
  return priv->cutter->push(dist::Ref<GstBuffer>::adopt(buffer));
}

static gboolean gst_dist_segmenter_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw_event) {
  GstDistSegmenter* self = GST_DIST_SEGMENTER(parent);
  auto event = dist::Ref<GstEvent>::adopt(raw_event);
  auto& cutter = self->priv->cutter;
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_STREAM_START: {
      const gchar* stream_id = nullptr;
      gst_event_parse_stream_start(event.get(), &stream_id);
      cutter->set_stream_id(stream_id);
      break;
    }
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event.get(), &caps);
      return cutter->set_caps(caps);
    }
    case GST_EVENT_SEGMENT: {
      const GstSegment* segment = nullptr;
      gst_event_parse_segment(event.get(), &segment);
      return cutter->set_time_segment(*segment);
    }
    case GST_EVENT_GAP:
      // The timestamps of the segments say it.
      return TRUE;
    case GST_EVENT_EOS: {
      const GstFlowReturn flow = cutter->finish();
      if (!cutter->has_posted() && (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS))
        GST_ELEMENT_FLOW_ERROR(self, flow);
      break;
    }
    case GST_EVENT_FLUSH_START:
      cutter->interrupt();
      break;
    case GST_EVENT_FLUSH_STOP:
      cutter->flush();
      break;
    default:
      break;
  }
  return gst_pad_event_default(pad, parent, event.release());
}

static gboolean gst_dist_segmenter_sink_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  // Unsuitable caps are refused when they come, with a message that says what would be right;
  // without it the application would see "not negotiated".
  if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_set_accept_caps_result(query, TRUE);
    return TRUE;
  }
  return gst_pad_query_default(pad, parent, query);
}

// --- Start and stop

static GstStateChangeReturn gst_dist_segmenter_change_state(GstElement* element,
                                                            GstStateChange transition) {
  GstDistSegmenter* self = GST_DIST_SEGMENTER(element);
  auto* priv = self->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    const dist::MutexLock lock(priv->settings_lock);
    priv->cutter.emplace(element, self->srcpad, priv->durations);
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    priv->cutter->interrupt();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_dist_segmenter_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    priv->cutter.reset();
  dist::hand_over(self);
  return result;
}

// --- Properties

static void gst_dist_segmenter_set_property(GObject* object, guint id, const GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_DIST_SEGMENTER(object)->priv;
  const dist::MutexLock lock(priv->settings_lock);
  switch (id) {
    case PROP_SEGMENT_DURATION:
      priv->durations.segment = g_value_get_uint64(value);
      break;
    case PROP_MAX_SEGMENT_DURATION:
      priv->durations.max_segment = g_value_get_uint64(value);
      if (priv->durations.max_segment == 0)
        priv->durations.max_segment = GST_CLOCK_TIME_NONE;
      break;
    case PROP_MAX_DECODING:
      priv->durations.max_decoding = g_value_get_double(value);
      break;
    case PROP_GRID:
      priv->durations.grid = g_value_get_uint64(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_dist_segmenter_get_property(GObject* object, guint id, GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_DIST_SEGMENTER(object)->priv;
  const dist::MutexLock lock(priv->settings_lock);
  switch (id) {
    case PROP_SEGMENT_DURATION:
      g_value_set_uint64(value, priv->durations.segment);
      break;
    case PROP_MAX_SEGMENT_DURATION:
      g_value_set_uint64(value, priv->durations.max_segment);
      break;
    case PROP_MAX_DECODING:
      g_value_set_double(value, priv->durations.max_decoding);
      break;
    case PROP_GRID:
      g_value_set_uint64(value, priv->durations.grid);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

// --- Type

static void gst_dist_segmenter_init(GstDistSegmenter* self) {
  self->priv = new GstDistSegmenter::Private;
  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, gst_dist_segmenter_chain);
  gst_pad_set_event_function(self->sinkpad, gst_dist_segmenter_sink_event);
  gst_pad_set_query_function(self->sinkpad, gst_dist_segmenter_sink_query);
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);
  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_use_fixed_caps(self->srcpad);
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}

static void gst_dist_segmenter_finalize(GObject* object) {
  // Whoever had the last reference.
  dist::take_over(object);
  delete GST_DIST_SEGMENTER(object)->priv;
  G_OBJECT_CLASS(gst_dist_segmenter_parent_class)->finalize(object);
}

static void gst_dist_segmenter_class_init(GstDistSegmenterClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_dist_segmenter_set_property;
  object_class->get_property = gst_dist_segmenter_get_property;
  object_class->finalize = gst_dist_segmenter_finalize;
  element_class->change_state = gst_dist_segmenter_change_state;

  /**
   * GstDistSegmenter:segment-duration:
   *
   * A segment is at least this long and, in compressed video, begins at a random-access point.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_SEGMENT_DURATION,
      g_param_spec_uint64("segment-duration", "Segment duration",
                          "Least duration of a segment in nanoseconds; 0 cuts at every "
                          "random-access point",
                          0, G_MAXINT64, kDefaultSegmentDuration, dist::kSetWhenReady));
  /**
   * GstDistSegmenter:max-segment-duration:
   *
   * Where the next random-access point is further away, the stream is cut inside the GOP. The
   * segment then carries the access units from the random-access point on, which are decoded once
   * more.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MAX_SEGMENT_DURATION,
      g_param_spec_uint64(
          "max-segment-duration", "Maximum segment duration",
          "Cut inside a GOP where a segment would become longer than this, in "
          "nanoseconds; each segment that begins there decodes the GOP once more. Never less than "
          "segment-duration; 0 or -1 (none) = unlimited, cut at random-access "
          "points only",
          0, G_MAXUINT64, kDefaultMaxSegmentDuration, dist::kSetWhenReady));
  /**
   * GstDistSegmenter:max-decoding:
   *
   * The cuts inside a GOP are then evenly spaced and so few that no frame is decoded more often, on
   * average, unless segments would be longer than 40 s. The whole GOP is waited for, so that a live
   * source needs 0.
   *
   * Since: 0.2
   */
  g_object_class_install_property(
      object_class, PROP_MAX_DECODING,
      g_param_spec_double("max-decoding", "Maximum decoding",
                          "How many times the frames of a GOP may be decoded because it is cut "
                          "inside; 0 = cut as soon as it is longer than max-segment-duration",
                          0, 1000, 0, dist::kSetWhenReady));
  /**
   * GstDistSegmenter:grid:
   *
   * Cuts at even times from the first frame on, inside a GOP where it must be, so that segments add
   * up to those of a packager: with 2 s, three segments are one of 6 s. The distance is rounded to
   * whole frames; a source with keyframes on the grid is cut there, and decoded once.
   *
   * Since: 0.3
   */
  g_object_class_install_property(
      object_class, PROP_GRID,
      g_param_spec_uint64(
          "grid", "Grid",
          "Cut every so many nanoseconds from the first frame on, whatever the GOPs "
          "are; segment-duration, max-segment-duration and max-decoding then do "
          "not count; 0 = no grid",
          0, G_MAXINT64, 0, dist::kSetWhenReady));

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Distributed encoding segmenter",
                                        "Codec/Video", "Cuts a video stream into segments",
                                        "The gst-dist authors");
}
