// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-distjoin
 * @title: distjoin
 * @short_description: Joins segments back into plain streams
 *
 * Takes segments in any order and gives each rendition on a pad of its own as a plain stream, in
 * order, with the exact timestamps of the source. A missing, repeated or contradicting segment is
 * an error that names it. A segment in which a rendition with few frames has none is a GAP event.
 *
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! parsebin ! distsegmenter ! distjoin ! h264parse ! mp4mux
 * ! filesink location=out.mp4
 * ]|
 *
 * Since: 0.2
 */

#include "plugins/gstdistjoin.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst/cut/join_order.h"
#include "gst/gstx/segment_buffer.h"
#include "plugins/join_outputs.h"

GST_DEBUG_CATEGORY(gst_dist_join_debug);
#define GST_CAT_DEFAULT gst_dist_join_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src_%s", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

namespace {

using dist::JoinedSegment;
using dist::Ref;
using dist::SegmentHeader;
using dist::Time;

// One rendition, or the source.
struct Stream {
  explicit Stream(const std::string& rendition) : order(rendition) {}

  bool has_pad = false;  // From the first segment in order with frames on.
  dist::JoinOrder order;
  std::map<std::uint64_t, Ref<GstBuffer>> segments;
  dist::DecodeTimes decode_times;
  std::uint64_t next_unit = 0;  // Source only: its position in decode order.
  std::string caps;
  std::optional<dist::TimeSegment> time_segment;
};

}  // namespace

// Everything but `outputs`, which has a lock, belongs to the streaming thread.
struct _GstDistJoin {
  GstElement parent;
  GstPad* sinkpad;
  struct Private {
    std::map<std::string, Stream> streams;  // By rendition.
    std::unique_ptr<dist::JoinOutputs> outputs;
    std::vector<Ref<GstEvent>> sticky;  // For pads still to come.
    guint group_id = GST_GROUP_ID_INVALID;
    bool error_posted = false;
    bool announced = false;     // All streams are known, if not their pads.
    bool no_more_pads = false;  // Said.
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstDistJoin, gst_dist_join, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_dist_join_debug, "distjoin", 0,
                                                "joins segments back into streams"))
GST_ELEMENT_REGISTER_DEFINE(distjoin, "distjoin", GST_RANK_NONE, GST_TYPE_DIST_JOIN)

// --- Helpers

// Upstream sends EOS after an error too: what is missing then is no news.
static GstFlowReturn post_error(GstDistJoin* self, const std::string& text) {
  if (!std::exchange(self->priv->error_posted, true))
    GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("Cannot join the segments: %s", text.c_str()), (NULL));
  return GST_FLOW_ERROR;
}

// What upstream says of the source's encoding is not true of a rendition. None if nothing is left.
static Ref<GstEvent> event_for(const Ref<GstEvent>& event, const std::string& rendition) {
  if (GST_EVENT_TYPE(event.get()) != GST_EVENT_TAG || rendition.empty())
    return event;
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event.get(), &tags);
  if (gst_tag_list_get_scope(tags) == GST_TAG_SCOPE_GLOBAL)
    return event;
  auto kept = Ref<GstTagList>::adopt(gst_tag_list_copy(tags));
  for (const char* tag :
       {GST_TAG_CODEC, GST_TAG_VIDEO_CODEC, GST_TAG_CONTAINER_FORMAT, GST_TAG_ENCODER,
        GST_TAG_ENCODER_VERSION, GST_TAG_BITRATE, GST_TAG_NOMINAL_BITRATE, GST_TAG_MINIMUM_BITRATE,
        GST_TAG_MAXIMUM_BITRATE})
    gst_tag_list_remove_tag(kept.get(), tag);
  if (gst_tag_list_is_empty(kept.get()))
    return {};
  return Ref<GstEvent>::adopt(gst_event_new_tag(kept.release()));
}

// The last one of its kind, as pads do.
static void keep_sticky(GstDistJoin* self, const Ref<GstEvent>& event) {
  const auto same_kind = [&](const Ref<GstEvent>& other) {
    if (GST_EVENT_TYPE(other.get()) != GST_EVENT_TYPE(event.get()))
      return false;
    if (GST_EVENT_TYPE(event.get()) != GST_EVENT_TAG)
      return gst_event_get_structure(other.get()) == nullptr ||
             gst_event_has_name(other.get(),
                                gst_structure_get_name(gst_event_get_structure(event.get())));
    GstTagList* a = nullptr;
    GstTagList* b = nullptr;
    gst_event_parse_tag(other.get(), &a);
    gst_event_parse_tag(event.get(), &b);
    return gst_tag_list_get_scope(a) == gst_tag_list_get_scope(b);
  };
  std::erase_if(self->priv->sticky, same_kind);
  self->priv->sticky.push_back(event);
}

static void give_event(GstDistJoin* self, const std::string& rendition,
                       const Ref<GstEvent>& event) {
  if (auto fitting = event_for(event, rendition))
    self->priv->outputs->give(rendition, std::move(fitting));
}

// --- Streaming

// Sends what has changed since the segment before. Timestamps are moved up by `shift`.
static bool give_events(GstDistJoin* self, Stream& stream, const SegmentHeader& header,
                        Time shift) {
  auto* priv = self->priv;
  std::vector<Ref<GstEvent>> events;
  if (stream.caps != header.caps) {
    const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(header.caps.c_str()));
    if (!caps) {
      post_error(self, "segment " + std::to_string(header.index) + ": unreadable caps");
      return false;
    }
    stream.caps = header.caps;
    events.push_back(Ref<GstEvent>::adopt(gst_event_new_caps(caps.get())));
  }
  if (!stream.time_segment || !(*stream.time_segment == header.time_segment)) {
    stream.time_segment = header.time_segment;
    GstSegment segment = dist::to_gst_segment(header.time_segment);
    segment.start += shift;
    segment.position += shift;
    if (GST_CLOCK_TIME_IS_VALID(segment.stop))
      segment.stop += shift;
    events.push_back(Ref<GstEvent>::adopt(gst_event_new_segment(&segment)));
  }
  if (!std::exchange(stream.has_pad, true)) {
    // With caps and segment, so that whoever links the pad knows what comes.
    const std::string name = header.is_source() ? "source" : header.rendition;
    GstEvent* const start = gst_event_new_stream_start((header.stream_id + "/" + name).c_str());
    if (priv->group_id != GST_GROUP_ID_INVALID)
      gst_event_set_group_id(start, priv->group_id);
    events.insert(events.begin(), Ref<GstEvent>::adopt(start));
    priv->outputs->open(header.rendition, "src_" + name, std::exchange(events, priv->sticky));
  }
  for (const auto& event : events)
    give_event(self, header.rendition, event);
  return true;
}

// Units that the segment before already gave are skipped: neighbours overlap.
static bool give_source(GstDistJoin* self, Stream& stream, JoinedSegment segment) {
  const SegmentHeader& header = *segment.header;
  if (!give_events(self, stream, header, 0))
    return false;
  if (header.first_unit > stream.next_unit) {
    post_error(self, "segment " + std::to_string(header.index) + ": access units " +
                         std::to_string(stream.next_unit) + " to " +
                         std::to_string(header.first_unit - 1) + " are in no segment");
    return false;
  }
  segment.skipped = stream.next_unit - header.first_unit;
  stream.next_unit = std::max(stream.next_unit, header.first_unit + header.units.size());
  self->priv->outputs->give(header.rendition, std::move(segment));
  return true;
}

// A rendition with fewer frames than the source may have none in a segment, which then has no caps
// either.
static bool give_rendition(GstDistJoin* self, Stream& stream, JoinedSegment segment) {
  const SegmentHeader& header = *segment.header;
  if (!header.units.empty()) {
    if (stream.time_segment && !(*stream.time_segment == header.time_segment))
      stream.decode_times = dist::DecodeTimes();
    auto decode_times = stream.decode_times.next(header);
    if (!decode_times) {
      post_error(self, decode_times.error());
      return false;
    }
    segment.decode_times = std::move(*decode_times);
  }
  segment.shift = stream.decode_times.shift();
  // Its times are those of a segment event that has not been sent yet.
  segment.silent =
      header.units.empty() && !(stream.time_segment && *stream.time_segment == header.time_segment);
  if (!header.units.empty() && !give_events(self, stream, header, segment.shift))
    return false;
  self->priv->outputs->give(header.rendition, std::move(segment));
  return true;
}

// Gives the segments that are next in order to their pad.
static GstFlowReturn give_ready(GstDistJoin* self, Stream& stream) {
  while (true) {
    const auto next = stream.order.next();
    if (!next)
      return post_error(self, next.error());
    if (!*next)
      return GST_FLOW_OK;
    const std::shared_ptr<const SegmentHeader>& header = *next;
    JoinedSegment segment;
    segment.buffer = std::move(stream.segments.extract(header->index).mapped());
    segment.header = header;
    const bool given = header->is_source() ? give_source(self, stream, std::move(segment))
                                           : give_rendition(self, stream, std::move(segment));
    if (!given)
      return GST_FLOW_ERROR;
  }
}

static void say_if_all_are_there(GstDistJoin* self) {
  auto* priv = self->priv;
  const bool all =
      std::ranges::all_of(priv->streams, [](const auto& s) { return s.second.has_pad; });
  if (priv->announced && all && !std::exchange(priv->no_more_pads, true))
    gst_element_no_more_pads(GST_ELEMENT(self));
}

static Stream& stream_of(GstDistJoin* self, const std::string& rendition) {
  auto* priv = self->priv;
  const auto [found, is_new] = priv->streams.try_emplace(rendition, rendition);
  if (is_new)
    priv->outputs->expect(rendition);
  return found->second;
}

static GstFlowReturn gst_dist_join_chain(GstPad*, GstObject* parent, GstBuffer* raw_buffer) {
  GstDistJoin* self = GST_DIST_JOIN(parent);
  const auto buffer = Ref<GstBuffer>::adopt(raw_buffer);
  auto parsed = dist::read_header(buffer.get());
  if (!parsed)
    return post_error(self, parsed.error());
  const auto header = std::make_shared<const SegmentHeader>(std::move(*parsed));
  Stream& stream = stream_of(self, header->rendition);
  const GstFlowReturn room = self->priv->outputs->wait_for_room(header->rendition, header->index);
  if (room != GST_FLOW_OK)
    return room;
  if (const auto status = stream.order.add(header); !status)
    return post_error(self, status.error());
  stream.segments.emplace(header->index, buffer);
  const GstFlowReturn flow = give_ready(self, stream);
  say_if_all_are_there(self);
  return flow;
}

// remoteenc names in its caps what it is going to make.
static void expect_renditions(GstDistJoin* self, GstEvent* event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  const GValue* const renditions =
      gst_structure_get_value(gst_caps_get_structure(caps, 0), dist::kRenditionsField);
  if (!renditions || !GST_VALUE_HOLDS_ARRAY(renditions))
    return;
  self->priv->announced = true;
  for (guint i = 0; i < gst_value_array_get_size(renditions); ++i) {
    const GValue* const rendition = gst_value_array_get_value(renditions, i);
    if (G_VALUE_HOLDS_STRING(rendition))
      stream_of(self, g_value_get_string(rendition));
  }
}

static bool check_complete(GstDistJoin* self) {
  if (self->priv->streams.empty()) {
    post_error(self, "the stream ended before the first one");
    return false;
  }
  for (const auto& [rendition, stream] : self->priv->streams) {
    if (const auto status = stream.order.finish(); !status) {
      post_error(self, status.error());
      return false;
    }
  }
  return true;
}

static gboolean gst_dist_join_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw_event) {
  GstDistJoin* self = GST_DIST_JOIN(parent);
  auto* priv = self->priv;
  auto event = Ref<GstEvent>::adopt(raw_event);
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_STREAM_START:
      gst_event_parse_group_id(event.get(), &priv->group_id);
      return TRUE;
    // Each pad gets its own.
    case GST_EVENT_CAPS:
      expect_renditions(self, event.get());
      return TRUE;
    case GST_EVENT_SEGMENT:
      return TRUE;
    case GST_EVENT_EOS: {
      const GstFlowReturn flow = priv->outputs->flow();
      const bool wanted = flow == GST_FLOW_OK || flow == GST_FLOW_NOT_LINKED;
      if (priv->error_posted || (wanted && !check_complete(self)))
        return FALSE;
      priv->outputs->end(event);
      return TRUE;
    }
    case GST_EVENT_FLUSH_START:
      priv->outputs->begin_flush(event);
      return TRUE;
    case GST_EVENT_FLUSH_STOP:
      for (auto& [rendition, stream] : priv->streams) {
        const bool has_pad = stream.has_pad;
        stream = Stream(rendition);
        stream.has_pad = has_pad;
      }
      priv->error_posted = false;
      priv->outputs->end_flush(event);
      return TRUE;
    default:
      if (!GST_EVENT_IS_SERIALIZED(event.get()))
        return gst_pad_event_default(pad, parent, event.release());
      if (GST_EVENT_IS_STICKY(event.get()))
        keep_sticky(self, event);
      for (const auto& [rendition, stream] : priv->streams)
        give_event(self, rendition, event);
      return TRUE;
  }
}

// --- Start and stop

static GstStateChangeReturn gst_dist_join_change_state(GstElement* element,
                                                       GstStateChange transition) {
  auto* priv = GST_DIST_JOIN(element)->priv;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    priv->outputs->stop();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_dist_join_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)) {
    priv->outputs->clear();
    priv->streams.clear();
    priv->sticky.clear();
    priv->error_posted = false;
    priv->announced = false;
    priv->no_more_pads = false;
  }
  return result;
}

// --- Type

static void gst_dist_join_init(GstDistJoin* self) {
  self->priv = new GstDistJoin::Private;
  self->priv->outputs = std::make_unique<dist::JoinOutputs>(GST_ELEMENT(self));
  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, gst_dist_join_chain);
  gst_pad_set_event_function(self->sinkpad, gst_dist_join_sink_event);
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);
}

static void gst_dist_join_finalize(GObject* object) {
  delete GST_DIST_JOIN(object)->priv;
  G_OBJECT_CLASS(gst_dist_join_parent_class)->finalize(object);
}

static void gst_dist_join_class_init(GstDistJoinClass* klass) {
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  G_OBJECT_CLASS(klass)->finalize = gst_dist_join_finalize;
  element_class->change_state = gst_dist_join_change_state;

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Distributed encoding joiner", "Codec/Video",
                                        "Joins segments back into plain streams",
                                        "The gst-dist authors");
}
