// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-distsegmenter
 * @title: distsegmenter
 * @short_description: Cuts a video stream into segments
 *
 * Turns a stream of raw or parsed compressed video into segments of about a second, each one buffer
 * that can be decoded by itself. Compressed video is never decoded: a segment begins at a
 * random-access point, or carries along the access units that a decoder needs first.
 *
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! parsebin ! distsegmenter ! multifilesink
 * location=%05d.seg
 * ]|
 */

#include "plugins/dist/gstdistsegmenter.h"

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "gst/dist/core/cutter.h"
#include "gst/dist/core/handover.h"
#include "gst/dist/gstx/segment_buffer.h"
#include "gst/dist/gstx/stream_format.h"

GST_DEBUG_CATEGORY_STATIC(gst_dist_segmenter_debug);
#define GST_CAT_DEFAULT gst_dist_segmenter_debug

#define ACCEPTED_CAPS                                                                             \
  "video/x-raw; "                                                                                 \
  "video/x-h264, stream-format = (string) { avc, avc3, byte-stream }, alignment = (string) au; "  \
  "video/x-h265, stream-format = (string) { hvc1, hev1, byte-stream }, alignment = (string) au; " \
  "video/x-vp8; "                                                                                 \
  "video/x-vp9, alignment = (string) super-frame; "                                               \
  "video/x-av1, stream-format = (string) obu-stream, alignment = (string) tu; "                   \
  "video/mpeg, mpegversion = (int) { 1, 2, 4 }, systemstream = (boolean) false, "                 \
  "parsed = (boolean) true; "                                                                     \
  "image/jpeg"

// Video that cannot be cut. It is in the template all the same: a demuxer that cannot link its pad
// says only "not linked", while this element can say what would be right.
#define REFUSED_CAPS                                                                         \
  "video/x-theora; video/x-dirac; video/x-divx; video/x-msmpeg; video/x-wmv; video/x-h263; " \
  "video/x-flash-video; video/x-vp6; video/x-cinepak; video/x-indeo; video/x-svq; "          \
  "video/x-prores; video/x-dnxhd; video/x-huffyuv; video/x-ffv; video/x-dv; image/x-j2c; "   \
  "image/png"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(ACCEPTED_CAPS "; " REFUSED_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));

enum { PROP_0, PROP_SEGMENT_DURATION, PROP_MAX_SEGMENT_DURATION };
constexpr guint64 kDefaultSegmentDuration = GST_SECOND;
constexpr guint64 kDefaultMaxSegmentDuration = 4 * GST_SECOND;

namespace {

using dist::Cutter;
using dist::Ref;

struct Settings {
  guint64 segment_duration = kDefaultSegmentDuration;
  guint64 max_segment_duration = kDefaultMaxSegmentDuration;
};

// A run of the stream with the same caps and time segment.
struct Part {
  Ref<GstCaps> caps;
  dist::StreamFormat format;
  dist::Time frame_duration = 0;
  std::optional<dist::TimeSegment> time_segment;
};

// Belongs to the streaming thread.
struct State {
  Settings settings;
  std::string stream_id;
  Part part;       // What the units in the cutter belong to.
  Part next_part;  // What the next buffer belongs to.
  bool part_ended = false;
  bool caps_sent = false;
  bool error_posted = false;  // Upstream offers refused events again with each buffer.
  Cutter cutter;
  std::deque<Ref<GstBuffer>> buffers;  // The units the cutter may still need.
  std::uint64_t first_buffer = 0;      // Unit number of buffers[0].
};

}  // namespace

struct _GstDistSegmenter {
  GstElement parent;
  GstPad* sinkpad;
  GstPad* srcpad;
  struct Private {
    std::mutex settings_lock;
    Settings settings;  // Guarded by settings_lock.
    State state;
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstDistSegmenter, gst_dist_segmenter, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_dist_segmenter_debug, "distsegmenter", 0,
                                                "cuts video into segments"))
GST_ELEMENT_REGISTER_DEFINE(distsegmenter, "distsegmenter", GST_RANK_NONE, GST_TYPE_DIST_SEGMENTER)

// --- Helpers

static void post_unsupported(GstDistSegmenter* self, const std::string& found) {
  if (std::exchange(self->priv->state.error_posted, true))
    return;
  GST_ELEMENT_ERROR(
      self, STREAM, FORMAT,
      ("Cannot cut %s into segments. Accepted are raw video in system memory and, "
       "behind a parser such as parsebin, H.264, H.265, VP8, VP9, AV1, MPEG-1, MPEG-2, "
       "MPEG-4 part 2 and JPEG in whole access units.",
       found.c_str()),
      ("accepted caps: %s", ACCEPTED_CAPS));
}

// --- Streaming

static GstFlowReturn push_cut(GstDistSegmenter* self, const Cutter::Cut& cut) {
  State& state = self->priv->state;
  dist::SegmentHeader header{.stream_id = state.stream_id,
                             .index = cut.index,
                             .start = cut.start,
                             .stop = cut.stop,
                             .last = cut.last,
                             .rendition = {},
                             .caps = dist::take_string(gst_caps_to_string(state.part.caps.get())),
                             .time_segment = *state.part.time_segment,
                             .first_unit = cut.first_unit,
                             .reorder_depth = 0,
                             .units = cut.units};
  const auto begin =
      state.buffers.begin() + static_cast<std::ptrdiff_t>(cut.first_unit - state.first_buffer);
  std::vector<Ref<GstBuffer>> units(begin, begin + static_cast<std::ptrdiff_t>(cut.units.size()));
  GST_DEBUG_OBJECT(self,
                   "segment %" G_GUINT64_FORMAT ": %" GST_TIME_FORMAT " to %" GST_TIME_FORMAT
                   ", %zu units from %" G_GUINT64_FORMAT,
                   cut.index, GST_TIME_ARGS(cut.start), GST_TIME_ARGS(cut.stop), cut.units.size(),
                   cut.first_unit);
  return gst_pad_push(self->srcpad, dist::make_segment_buffer(header, std::move(units)).release());
}

static GstFlowReturn push_cuts(GstDistSegmenter* self, const std::vector<Cutter::Cut>& cuts) {
  State& state = self->priv->state;
  GstFlowReturn flow = GST_FLOW_OK;
  for (const Cutter::Cut& cut : cuts) {
    flow = push_cut(self, cut);
    if (flow != GST_FLOW_OK)
      break;
  }
  while (state.first_buffer < state.cutter.first_needed_unit() && !state.buffers.empty()) {
    state.buffers.pop_front();
    ++state.first_buffer;
  }
  return flow;
}

static GstFlowReturn begin_part(GstDistSegmenter* self) {
  State& state = self->priv->state;
  const GstFlowReturn flow = push_cuts(self, state.cutter.finish(false));
  if (flow != GST_FLOW_OK)
    return flow;
  state.part_ended = false;
  const bool new_segment = state.part.time_segment != state.next_part.time_segment;
  state.part = state.next_part;
  if (!state.caps_sent) {
    state.caps_sent = true;
    gst_pad_push_event(self->srcpad,
                       gst_event_new_caps(gst_static_pad_template_get_caps(&src_template)));
  }
  if (new_segment) {
    const GstSegment segment = dist::to_gst_segment(*state.part.time_segment);
    gst_pad_push_event(self->srcpad, gst_event_new_segment(&segment));
  }
  state.cutter.begin({.segment_duration = state.settings.segment_duration,
                      .max_segment_duration = state.settings.max_segment_duration,
                      .max_reorder = dist::max_reorder_depth(state.part.format.codec),
                      .clip_start = state.part.time_segment->start,
                      .clip_stop = state.part.time_segment->stop,
                      .frame_duration = state.part.frame_duration});
  return GST_FLOW_OK;
}

static GstFlowReturn gst_dist_segmenter_chain(GstPad*, GstObject* parent, GstBuffer* raw_buffer) {
  GstDistSegmenter* self = GST_DIST_SEGMENTER(parent);
  const auto buffer = Ref<GstBuffer>::adopt(raw_buffer);
  State& state = self->priv->state;
  if (!state.next_part.caps || !state.next_part.time_segment) {
    post_unsupported(self, "a stream without caps or time segment");
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (state.part_ended || !state.part.caps) {
    const GstFlowReturn flow = begin_part(self);
    if (flow != GST_FLOW_OK)
      return flow;
  }

  Cutter::Unit unit{.pts = GST_BUFFER_PTS(buffer.get()),
                    .dts = GST_BUFFER_DTS(buffer.get()),
                    .duration = GST_BUFFER_DURATION(buffer.get()),
                    .flags = dist::unit_flags(buffer.get()),
                    .size = gst_buffer_get_size(buffer.get()),
                    .kind = {}};
  const bool keyframe = (unit.flags & dist::kFlagDeltaUnit) == 0;
  if (state.part.format.codec == dist::Codec::kRaw) {
    unit.kind = dist::classify(state.part.format, true, {});
  } else {
    const dist::BufferMap map(buffer.get());
    unit.kind = dist::classify(state.part.format, keyframe, map.span());
  }
  state.buffers.push_back(buffer);
  return push_cuts(self, state.cutter.push(unit));
}

static bool handle_caps(GstDistSegmenter* self, GstCaps* caps) {
  State& state = self->priv->state;
  const auto accepted = Ref<GstCaps>::adopt(gst_caps_from_string(ACCEPTED_CAPS));
  if (!gst_caps_is_subset(caps, accepted.get())) {
    const auto readable = Ref<GstCaps>::adopt(gst_caps_copy(caps));
    gst_structure_remove_fields(gst_caps_get_structure(readable.get(), 0), "codec_data",
                                "streamheader", nullptr);
    post_unsupported(self, dist::take_string(gst_caps_to_string(readable.get())));
    return false;
  }
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  Part& part = state.next_part;
  if (part.caps && gst_caps_is_equal(part.caps.get(), caps))
    return true;
  part.caps = Ref<GstCaps>::share(caps);
  part.format = dist::stream_format(structure);
  part.frame_duration = 0;
  gint numerator = 0;
  gint denominator = 0;
  if (gst_structure_get_fraction(structure, "framerate", &numerator, &denominator) && numerator > 0)
    part.frame_duration = gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(denominator),
                                                static_cast<guint64>(numerator));
  state.part_ended = true;
  return true;
}

static bool handle_segment(GstDistSegmenter* self, const GstSegment* segment) {
  State& state = self->priv->state;
  if (segment->format != GST_FORMAT_TIME || segment->rate <= 0) {
    if (std::exchange(state.error_posted, true))
      return false;
    GST_ELEMENT_ERROR(
        self, STREAM, FORMAT,
        ("Cannot cut a stream that %s. Put a demuxer or parser before distsegmenter.",
         segment->format != GST_FORMAT_TIME ? "is not in time format" : "plays backwards"),
        ("format %s, rate %f", gst_format_get_name(segment->format), segment->rate));
    return false;
  }
  dist::TimeSegment time_segment = dist::to_time_segment(*segment);
  // A segment that differs only in what is known of the whole does not interrupt the stream.
  if (state.next_part.time_segment) {
    time_segment.position = state.next_part.time_segment->position;
    time_segment.duration = state.next_part.time_segment->duration;
  }
  if (state.next_part.time_segment == time_segment)
    return true;
  state.next_part.time_segment = time_segment;
  state.part_ended = true;
  return true;
}

static void reset(State& state) {
  state.cutter.reset();
  state.buffers.clear();
  state.first_buffer = 0;
  state.next_part.time_segment.reset();
  state.part = Part();
  state.error_posted = false;
}

static gboolean gst_dist_segmenter_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw_event) {
  GstDistSegmenter* self = GST_DIST_SEGMENTER(parent);
  auto event = Ref<GstEvent>::adopt(raw_event);
  State& state = self->priv->state;
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_STREAM_START: {
      const gchar* stream_id = nullptr;
      gst_event_parse_stream_start(event.get(), &stream_id);
      if (state.stream_id.empty())
        state.stream_id = stream_id;
      break;
    }
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event.get(), &caps);
      return handle_caps(self, caps);
    }
    case GST_EVENT_SEGMENT: {
      const GstSegment* segment = nullptr;
      gst_event_parse_segment(event.get(), &segment);
      return handle_segment(self, segment);
    }
    case GST_EVENT_GAP:
      // The timestamps of the segments say it.
      return TRUE;
    case GST_EVENT_EOS: {
      const GstFlowReturn flow = push_cuts(self, state.cutter.finish(true));
      if (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)
        GST_ELEMENT_FLOW_ERROR(self, flow);
      break;
    }
    case GST_EVENT_FLUSH_STOP:
      reset(state);
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
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    self->priv->state = State();
    const std::lock_guard lock(self->priv->settings_lock);
    self->priv->state.settings = self->priv->settings;
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_dist_segmenter_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    self->priv->state = State();
  dist::hand_over(self);
  return result;
}

// --- Properties

static void gst_dist_segmenter_set_property(GObject* object, guint id, const GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_DIST_SEGMENTER(object)->priv;
  const std::lock_guard lock(priv->settings_lock);
  switch (id) {
    case PROP_SEGMENT_DURATION:
      priv->settings.segment_duration = g_value_get_uint64(value);
      break;
    case PROP_MAX_SEGMENT_DURATION:
      priv->settings.max_segment_duration = g_value_get_uint64(value);
      if (priv->settings.max_segment_duration == 0)
        priv->settings.max_segment_duration = GST_CLOCK_TIME_NONE;
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_dist_segmenter_get_property(GObject* object, guint id, GValue* value,
                                            GParamSpec* pspec) {
  auto* priv = GST_DIST_SEGMENTER(object)->priv;
  const std::lock_guard lock(priv->settings_lock);
  switch (id) {
    case PROP_SEGMENT_DURATION:
      g_value_set_uint64(value, priv->settings.segment_duration);
      break;
    case PROP_MAX_SEGMENT_DURATION:
      g_value_set_uint64(value, priv->settings.max_segment_duration);
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

  constexpr auto kFlags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY);
  /**
   * GstDistSegmenter:segment-duration:
   *
   * A segment is at least this long and, in compressed video, begins at a random-access point.
   */
  g_object_class_install_property(
      object_class, PROP_SEGMENT_DURATION,
      g_param_spec_uint64("segment-duration", "Segment duration",
                          "Least duration of a segment in nanoseconds; 0 cuts at every "
                          "random-access point",
                          0, G_MAXINT64, kDefaultSegmentDuration, kFlags));
  /**
   * GstDistSegmenter:max-segment-duration:
   *
   * Where the next random-access point is further away, the stream is cut inside the GOP. The
   * segment then carries the access units from the random-access point on, which are decoded once
   * more.
   */
  g_object_class_install_property(
      object_class, PROP_MAX_SEGMENT_DURATION,
      g_param_spec_uint64("max-segment-duration", "Maximum segment duration",
                          "Cut inside a GOP where a segment would become longer than this, in "
                          "nanoseconds; such cuts are decoded twice. Never less than "
                          "segment-duration; 0 or -1 (none) = unlimited, cut at random-access "
                          "points only",
                          0, G_MAXUINT64, kDefaultMaxSegmentDuration, kFlags));

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Distributed encoding segmenter",
                                        "Codec/Video", "Cuts a video stream into segments",
                                        "The gst-dist authors");
}
