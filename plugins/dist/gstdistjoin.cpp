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
 */

#include "plugins/dist/gstdistjoin.h"

#include <gst/base/gstflowcombiner.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gst/dist/core/join_order.h"
#include "gst/dist/gstx/segment_buffer.h"

GST_DEBUG_CATEGORY_STATIC(gst_dist_join_debug);
#define GST_CAT_DEFAULT gst_dist_join_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-dist-segment"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src_%s", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

namespace {

using dist::Ref;
using dist::SegmentHeader;
using dist::Time;

// One rendition, or the source.
struct Stream {
  GstPad* pad = nullptr;  // Owned by the element; null before the first segment is in order.
  dist::JoinOrder order;
  std::map<std::uint64_t, Ref<GstBuffer>> segments;
  dist::DecodeTimes decode_times;
  std::uint64_t next_unit = 0;  // Source only: its position in decode order.
  std::string caps;
  dist::TimeSegment time_segment;
  bool segment_sent = false;
};

}  // namespace

// Everything belongs to the streaming thread.
struct _GstDistJoin {
  GstElement parent;
  GstPad* sinkpad;
  struct Private {
    std::map<std::string, Stream> streams;  // By rendition.
    std::vector<Ref<GstEvent>> tags;        // For pads still to come.
    guint group_id = GST_GROUP_ID_INVALID;
    GstFlowCombiner* combiner = gst_flow_combiner_new();
    bool error_posted = false;
    bool downstream_done = false;  // It takes no more, so that the stream need not be complete.
    ~Private() { gst_flow_combiner_free(combiner); }
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

// What upstream says of the source's encoding is not true of a rendition.
static bool tag_fits(GstEvent* event, const std::string& rendition) {
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event, &tags);
  return rendition.empty() || gst_tag_list_get_scope(tags) == GST_TAG_SCOPE_GLOBAL;
}

static void add_pad(GstDistJoin* self, Stream& stream, const SegmentHeader& header) {
  const std::string suffix = header.is_source() ? "source" : header.rendition;
  stream.pad = gst_pad_new_from_static_template(&src_template, ("src_" + suffix).c_str());
  gst_pad_use_fixed_caps(stream.pad);
  gst_pad_set_active(stream.pad, TRUE);
  const std::string stream_id = header.stream_id + "/" + suffix;
  GstEvent* start = gst_event_new_stream_start(stream_id.c_str());
  if (self->priv->group_id != GST_GROUP_ID_INVALID)
    gst_event_set_group_id(start, self->priv->group_id);
  gst_pad_push_event(stream.pad, start);
  gst_flow_combiner_add_pad(self->priv->combiner, stream.pad);
}

// --- Streaming

// Sends what has changed since the segment before. Timestamps are moved up by `shift`.
static bool push_events(GstDistJoin* self, Stream& stream, const SegmentHeader& header,
                        Time shift) {
  Ref<GstCaps> caps;
  if (stream.caps != header.caps) {
    caps = Ref<GstCaps>::adopt(gst_caps_from_string(header.caps.c_str()));
    if (!caps) {
      post_error(self, "segment " + std::to_string(header.index) + ": unreadable caps");
      return false;
    }
  }
  const bool new_pad = stream.pad == nullptr;
  if (new_pad)
    add_pad(self, stream, header);
  if (caps) {
    stream.caps = header.caps;
    gst_pad_push_event(stream.pad, gst_event_new_caps(caps.get()));
  }
  if (!stream.segment_sent || !(stream.time_segment == header.time_segment)) {
    stream.segment_sent = true;
    stream.time_segment = header.time_segment;
    GstSegment segment = dist::to_gst_segment(header.time_segment);
    segment.start += shift;
    segment.position += shift;
    if (GST_CLOCK_TIME_IS_VALID(segment.stop))
      segment.stop += shift;
    gst_pad_push_event(stream.pad, gst_event_new_segment(&segment));
  }
  if (new_pad) {
    // With caps set, so that whoever links now can see what comes.
    gst_element_add_pad(GST_ELEMENT(self), stream.pad);
    for (const auto& tag : self->priv->tags)
      if (tag_fits(tag.get(), header.rendition))
        gst_pad_push_event(stream.pad, Ref<GstEvent>(tag).release());
  }
  return true;
}

// Units that the segment before already gave are skipped: neighbours overlap.
static GstFlowReturn push_source(GstDistJoin* self, Stream& stream, const SegmentHeader& header,
                                 GstBuffer* segment) {
  if (!push_events(self, stream, header, 0))
    return GST_FLOW_ERROR;
  if (header.first_unit > stream.next_unit)
    return post_error(self, "segment " + std::to_string(header.index) + ": access units " +
                                std::to_string(stream.next_unit) + " to " +
                                std::to_string(header.first_unit - 1) + " are in no segment");
  const std::size_t base = dist::header_size(segment, header);
  std::uint64_t offset = 0;
  std::uint64_t number = header.first_unit;
  for (const dist::AccessUnit& unit : header.units) {
    if (number++ >= stream.next_unit) {
      const GstFlowReturn flow =
          gst_pad_push(stream.pad, dist::unit_buffer(segment, base, offset, unit).release());
      if (flow != GST_FLOW_OK)
        return flow;
    }
    offset += unit.size;
  }
  stream.next_unit = std::max(stream.next_unit, number);
  return GST_FLOW_OK;
}

// A rendition with fewer frames than the source may have none in a segment, which then has no caps
// either. Whoever waits for the stream, such as a muxer, has to know that nothing comes.
static void push_gap(Stream& stream, const SegmentHeader& header) {
  if (!stream.segment_sent || !(stream.time_segment == header.time_segment))
    return;
  GST_DEBUG_OBJECT(stream.pad, "segment %" G_GUINT64_FORMAT " has no frames", header.index);
  gst_pad_push_event(stream.pad, gst_event_new_gap(header.start + stream.decode_times.shift(),
                                                   header.stop - header.start));
}

static GstFlowReturn push_rendition(GstDistJoin* self, Stream& stream, const SegmentHeader& header,
                                    GstBuffer* segment) {
  if (header.units.empty()) {
    push_gap(stream, header);
    return GST_FLOW_OK;
  }
  if (stream.segment_sent && !(stream.time_segment == header.time_segment))
    stream.decode_times = dist::DecodeTimes();
  const auto decode_times = stream.decode_times.next(header);
  if (!decode_times)
    return post_error(self, decode_times.error());
  const Time shift = stream.decode_times.shift();
  if (!push_events(self, stream, header, shift))
    return GST_FLOW_ERROR;
  const std::size_t base = dist::header_size(segment, header);
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < header.units.size(); ++i) {
    dist::AccessUnit unit = header.units[i];
    unit.pts = unit.show + shift;
    unit.dts = (*decode_times)[i];
    // Each segment came from an encoder that began anew; the stream goes on.
    if (header.index > 0)
      unit.flags &= ~static_cast<std::uint32_t>(GST_BUFFER_FLAG_DISCONT);
    const GstFlowReturn flow =
        gst_pad_push(stream.pad, dist::unit_buffer(segment, base, offset, unit).release());
    if (flow != GST_FLOW_OK)
      return flow;
    offset += unit.size;
  }
  return GST_FLOW_OK;
}

// Pushes the segments that are next in order.
static GstFlowReturn push_ready(GstDistJoin* self, Stream& stream) {
  while (true) {
    const auto next = stream.order.next();
    if (!next)
      return post_error(self, next.error());
    if (!*next)
      return GST_FLOW_OK;
    const SegmentHeader& header = **next;
    const auto segment = stream.segments.extract(header.index);
    GstFlowReturn flow = header.is_source()
                             ? push_source(self, stream, header, segment.mapped().get())
                             : push_rendition(self, stream, header, segment.mapped().get());
    if (stream.pad)
      flow = gst_flow_combiner_update_pad_flow(self->priv->combiner, stream.pad, flow);
    if (flow != GST_FLOW_OK) {
      self->priv->downstream_done = flow != GST_FLOW_FLUSHING;
      return flow;
    }
  }
}

static GstFlowReturn gst_dist_join_chain(GstPad*, GstObject* parent, GstBuffer* raw_buffer) {
  GstDistJoin* self = GST_DIST_JOIN(parent);
  const auto buffer = Ref<GstBuffer>::adopt(raw_buffer);
  auto parsed = dist::read_header(buffer.get());
  if (!parsed)
    return post_error(self, parsed.error());
  const auto header = std::make_shared<const SegmentHeader>(std::move(*parsed));
  Stream& stream = self->priv->streams[header->rendition];
  if (const auto status = stream.order.add(header); !status)
    return post_error(self, status.error());
  stream.segments.emplace(header->index, buffer);
  return push_ready(self, stream);
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

static gboolean push_to_all(GstDistJoin* self, Ref<GstEvent> event) {
  for (auto& [rendition, stream] : self->priv->streams)
    if (stream.pad)
      gst_pad_push_event(stream.pad, Ref<GstEvent>(event).release());
  return TRUE;
}

static gboolean gst_dist_join_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw_event) {
  GstDistJoin* self = GST_DIST_JOIN(parent);
  auto event = Ref<GstEvent>::adopt(raw_event);
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_STREAM_START:
      gst_event_parse_group_id(event.get(), &self->priv->group_id);
      return TRUE;
    // Each pad gets its own.
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT:
      return TRUE;
    case GST_EVENT_TAG:
      self->priv->tags.push_back(event);
      for (auto& [rendition, stream] : self->priv->streams)
        if (stream.pad && tag_fits(event.get(), rendition))
          gst_pad_push_event(stream.pad, Ref<GstEvent>(event).release());
      return TRUE;
    case GST_EVENT_EOS:
      if (self->priv->error_posted || (!self->priv->downstream_done && !check_complete(self)))
        return FALSE;
      return push_to_all(self, std::move(event));
    case GST_EVENT_FLUSH_STOP:
      for (auto& [rendition, stream] : self->priv->streams) {
        GstPad* const kept = stream.pad;
        stream = Stream();
        stream.pad = kept;
      }
      gst_flow_combiner_reset(self->priv->combiner);
      self->priv->error_posted = false;
      self->priv->downstream_done = false;
      return push_to_all(self, std::move(event));
    default:
      return gst_pad_event_default(pad, parent, event.release());
  }
}

// --- Start and stop

static void remove_pads(GstDistJoin* self) {
  for (auto& [rendition, stream] : self->priv->streams) {
    if (!stream.pad)
      continue;
    gst_flow_combiner_remove_pad(self->priv->combiner, stream.pad);
    gst_pad_set_active(stream.pad, FALSE);
    gst_element_remove_pad(GST_ELEMENT(self), stream.pad);
  }
  self->priv->streams.clear();
  self->priv->tags.clear();
  self->priv->error_posted = false;
  self->priv->downstream_done = false;
}

static GstStateChangeReturn gst_dist_join_change_state(GstElement* element,
                                                       GstStateChange transition) {
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_dist_join_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    remove_pads(GST_DIST_JOIN(element));
  return result;
}

// --- Type

static void gst_dist_join_init(GstDistJoin* self) {
  self->priv = new GstDistJoin::Private;
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
