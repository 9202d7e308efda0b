// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-remoteencsink
 * @title: remoteencsink
 * @short_description: Where a worker's pipeline ends
 *
 * Collects what the worker's encoders made of a segment and sends it back to the primary. Has a
 * request pad for each rendition; a link without a pad name makes rendition "0".
 *
 * |[
 * gst-launch-1.0 remoteencsrc host=primary ! decodebin ! videoconvert ! tee name=t  t. ! queue !
 * x264enc ! s.sink_h264  t. ! queue ! vp8enc ! s.sink_vp8  remoteencsink name=s
 * ]|
 *
 * Since: 0.2
 */

#include "plugins/gstremoteencsink.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/lease.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/lease/result_check.h"

GST_DEBUG_CATEGORY_STATIC(gst_remote_enc_sink_debug);
#define GST_CAT_DEFAULT gst_remote_enc_sink_debug

// Compressed video in whole access units: one buffer is one frame.
static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink_%s", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS("video/x-h264, alignment = (string) au; "
                    "video/x-h265, alignment = (string) au; "
                    "video/x-av1, alignment = (string) tu; "
                    "video/x-vp8; video/x-vp9; video/x-theora; video/x-dirac; video/x-h263; "
                    "video/mpeg, systemstream = (boolean) false; video/x-divx; video/x-msmpeg; "
                    "video/x-prores; video/x-dnxhd; video/x-ffv; image/jpeg; image/png; "
                    "image/webp; video/x-raw; application/x-visual-hash"));

namespace {

using dist::Ref;
using dist::Time;

// A frame as the encoder gave it.
struct Frame {
  Ref<GstBuffer> buffer;
  Time time = 0;  // Presentation, in the source's timestamps, as good as the pipeline kept it.
  gint64 decode_lead = 0;  // How much earlier it is decoded, nanoseconds.
};

// What has arrived at one pad of the current segment.
struct PadState {
  std::string rendition;
  std::shared_ptr<dist::Lease> lease;
  GstSegment segment;
  std::string caps;
  std::vector<Frame> frames;
  std::string flaw;  // Why the segment cannot be answered, if not empty.
  bool eos = false;
};

}  // namespace

struct _GstRemoteEncSink {
  GstElement parent;
  struct Private {
    dist::Mutex lock;
    std::map<GstPad*, PadState> pads GUARDED_BY(lock);
    unsigned next_number GUARDED_BY(lock) = 0;
  } * priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRemoteEncSink, gst_remote_enc_sink, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_remote_enc_sink_debug, "remoteencsink", 0,
                                                "end of a worker's pipeline"))
GST_ELEMENT_REGISTER_DEFINE(remoteencsink, "remoteencsink", GST_RANK_NONE, GST_TYPE_REMOTE_ENC_SINK)

// --- Helpers

// The caps as they have to be alike in all segments.
static std::string comparable_caps(GstCaps* caps) {
  const auto copy = Ref<GstCaps>::adopt(gst_caps_copy(caps));
  GstStructure* structure = gst_caps_get_structure(copy.get(), 0);
  // VP8 has no configuration; its stream headers, for Ogg, hold comments that come and go.
  if (gst_structure_has_name(structure, "video/x-vp8"))
    gst_structure_remove_field(structure, "streamheader");
  return dist::take_string(gst_caps_to_string(copy.get()));
}

// Frames that the encoder holds back, judged by how far its decode times run ahead.
static std::uint32_t announced_depth(const PadState& pad, const std::vector<Time>& times) {
  const gint64 lead = pad.frames.front().decode_lead;
  if (times.size() < 2 || lead <= 0)
    return 0;
  const gint64 half_frame = static_cast<gint64>(times[1] - times[0]) / 2;
  return static_cast<std::uint32_t>(std::count_if(times.begin(), times.end(), [&](Time time) {
    return static_cast<gint64>(time - times.front()) < lead - half_frame;
  }));
}

// The rendition as a serialised segment, or what is wrong with it.
static dist::Result<dist::BytesList> build_result(const PadState& pad) {
  const dist::SegmentHeader& source = pad.lease->source();
  const std::string subject = "rendition '" + pad.rendition + "': ";
  if (!pad.flaw.empty())
    return dist::Error{subject + pad.flaw};
  if (pad.frames.empty())
    return dist::Error{subject + "no frame came out of the pipeline"};

  std::vector<Time> seen;
  for (const Frame& frame : pad.frames)
    seen.push_back(frame.time);
  const std::vector<Time> expected = source.presentation_times();
  const std::vector<Time> durations = source.frame_durations();
  const auto exact = dist::match_times(expected, seen);

  dist::SegmentHeader header{.stream_id = source.stream_id,
                             .index = source.index,
                             .start = source.start,
                             .stop = source.stop,
                             .last = source.last,
                             .rendition = pad.rendition,
                             .caps = pad.caps,
                             .time_segment = source.time_segment,
                             .first_unit = 0,
                             .reorder_depth = 0,
                             .units = {}};
  dist::BytesList payload;
  std::vector<Time> decode_order;
  for (std::size_t i = 0; i < pad.frames.size(); ++i) {
    if (!exact[i])
      return dist::Error{subject + "a frame at " + std::to_string(seen[i]) +
                         " ns that the segment does not have"};
    GstBuffer* buffer = pad.frames[i].buffer.get();
    const auto position = std::lower_bound(expected.begin(), expected.end(), *exact[i]);
    header.units.push_back(
        {.pts = *exact[i],
         .dts = dist::kNoTime,
         .duration = durations[static_cast<std::size_t>(position - expected.begin())],
         .show = *exact[i],
         .flags = dist::unit_flags(buffer) |
                  (pad.lease->is_damaged(*exact[i]) ? dist::kFlagCorrupted : 0),
         .size = gst_buffer_get_size(buffer)});
    decode_order.push_back(*exact[i]);
    for (dist::Bytes& piece : dist::to_bytes(buffer))
      payload.push_back(std::move(piece));
  }
  header.reorder_depth = std::max(dist::reorder_depth(decode_order),
                                  announced_depth(pad, header.presentation_times()));
  payload.insert(payload.begin(), dist::serialize(header));
  return payload;
}

// A pipeline that is kept may make more than the lease asks for.
static bool is_wanted(const dist::Lease& lease, const std::string& rendition) {
  return lease.renditions().empty() ||
         std::any_of(lease.renditions().begin(), lease.renditions().end(),
                     [&](const dist::RenditionSpec& spec) { return spec.name == rendition; });
}

// Answers the lease once all pads have seen the end of it.
static void answer(GstRemoteEncSink* self, dist::Lease& lease) {
  auto* priv = self->priv;
  std::vector<PadState> pads;
  {
    const dist::MutexLock lock(priv->lock);
    const bool complete = std::all_of(priv->pads.begin(), priv->pads.end(), [&](const auto& entry) {
      return entry.second.eos && entry.second.lease.get() == &lease;
    });
    if (!complete || priv->pads.empty())
      return;
    for (auto& [pad, state] : priv->pads) {
      pads.push_back(state);
      state.frames.clear();
      // Pads that end at the same time all come here; one answers.
      state.eos = false;
    }
  }
  if (lease.without_frames()) {
    lease.settle(dist::answer_without_frames(lease));
    return;
  }
  dist::Lease::Done done;
  for (const PadState& pad : pads) {
    if (!is_wanted(lease, pad.rendition))
      continue;
    auto result = build_result(pad);
    if (!result) {
      GST_WARNING_OBJECT(self, "segment %" G_GUINT64_FORMAT ": %s", lease.source().index,
                         result.error().c_str());
      lease.settle(dist::Lease::Failed{result.error()});
      return;
    }
    done.renditions.push_back(std::move(*result));
  }
  GST_DEBUG_OBJECT(self, "segment %" G_GUINT64_FORMAT ": complete", lease.source().index);
  lease.settle(std::move(done));
}

// --- Streaming

// Null if the pad was released meanwhile.
static PadState* state_of(GstRemoteEncSink* self, GstPad* pad) REQUIRES(self->priv->lock) {
  const auto found = self->priv->pads.find(pad);
  return found != self->priv->pads.end() ? &found->second : nullptr;
}

static GstFlowReturn gst_remote_enc_sink_chain(GstPad* pad, GstObject* parent,
                                               GstBuffer* raw_buffer) {
  GstRemoteEncSink* self = GST_REMOTE_ENC_SINK(parent);
  auto buffer = Ref<GstBuffer>::adopt(raw_buffer);
  const dist::MutexLock lock(self->priv->lock);
  PadState* const known = state_of(self, pad);
  if (!known)
    return GST_FLOW_FLUSHING;
  PadState& state = *known;
  if (!state.lease) {
    GST_WARNING_OBJECT(pad,
                       "dropping a buffer that belongs to no segment; remoteencsink works only "
                       "behind remoteencsrc");
    return GST_FLOW_OK;
  }
  state.lease->frame_came_out();
  // Encoders such as theoraenc repeat their stream headers, which the caps have too.
  if (GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_HEADER) &&
      !GST_BUFFER_PTS_IS_VALID(buffer.get()))
    return GST_FLOW_OK;

  // Encoders move timestamps by hundreds of hours and change the segment to match: only running
  // time is comparable. remoteencsrc lets it begin at the segment's start.
  guint64 presented = 0;
  if (!GST_BUFFER_PTS_IS_VALID(buffer.get()) ||
      gst_segment_to_running_time_full(&state.segment, GST_FORMAT_TIME,
                                       GST_BUFFER_PTS(buffer.get()), &presented) != 1) {
    state.flaw = "an access unit without a presentation time";
    return GST_FLOW_OK;
  }
  gint64 lead = 0;
  guint64 decoded = 0;
  if (GST_BUFFER_DTS_IS_VALID(buffer.get())) {
    const gint sign = gst_segment_to_running_time_full(&state.segment, GST_FORMAT_TIME,
                                                       GST_BUFFER_DTS(buffer.get()), &decoded);
    lead = static_cast<gint64>(presented) -
           (sign < 0 ? -static_cast<gint64>(decoded) : static_cast<gint64>(decoded));
  }
  state.frames.push_back({std::move(buffer), state.lease->source().start + presented, lead});
  return GST_FLOW_OK;
}

static void handle_eos(GstRemoteEncSink* self, GstPad* pad) {
  std::shared_ptr<dist::Lease> lease;
  bool all_ended = false;
  {
    const dist::MutexLock lock(self->priv->lock);
    PadState* const state = state_of(self, pad);
    if (!state)
      return;
    state->eos = true;
    lease = state->lease;
    all_ended = std::all_of(self->priv->pads.begin(), self->priv->pads.end(),
                            [](const auto& entry) { return entry.second.eos; });
  }
  if (lease)
    answer(self, *lease);
  else if (all_ended)
    // Not behind remoteencsrc, or behind one without a segment: an ordinary end.
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_eos(GST_OBJECT(self)));
}

static gboolean gst_remote_enc_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw_event) {
  GstRemoteEncSink* self = GST_REMOTE_ENC_SINK(parent);
  dist::take_over(self);
  const auto event = Ref<GstEvent>::adopt(raw_event);
  if (GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS) {
    handle_eos(self, pad);
    return TRUE;
  }
  const dist::MutexLock lock(self->priv->lock);
  PadState* const known = state_of(self, pad);
  if (!known)
    return FALSE;
  PadState& state = *known;
  switch (GST_EVENT_TYPE(event.get())) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event.get(), &caps);
      const std::string text = comparable_caps(caps);
      if (!state.frames.empty() && text != state.caps)
        state.flaw = "the caps changed within the segment";
      state.caps = text;
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event.get(), &state.segment);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      if (auto lease = dist::lease_from_event(event.get())) {
        lease->arrive();
        state.lease = std::move(lease);
      }
      break;
    case GST_EVENT_FLUSH_STOP:
      state.lease.reset();
      state.frames.clear();
      state.flaw.clear();
      state.eos = false;
      break;
    default:
      break;
  }
  return TRUE;
}

// --- Pads

// The next number that no pad has for a name.
static std::string free_number(GstRemoteEncSink::Private& priv) REQUIRES(priv.lock) {
  std::string number;
  do {
    number = std::to_string(priv.next_number++);
  } while (std::any_of(priv.pads.begin(), priv.pads.end(),
                       [&](const auto& entry) { return entry.second.rendition == number; }));
  return number;
}

static GstPad* gst_remote_enc_sink_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                                   const gchar* name, const GstCaps*) {
  GstRemoteEncSink* self = GST_REMOTE_ENC_SINK(element);
  constexpr char kPrefix[] = "sink_";
  std::string rendition;
  {
    const dist::MutexLock lock(self->priv->lock);
    if (name && g_str_has_prefix(name, kPrefix))
      rendition = name + sizeof(kPrefix) - 1;
    else
      rendition = free_number(*self->priv);
  }
  GstPad* const known = gst_element_get_static_pad(element, (kPrefix + rendition).c_str());
  if (known) {
    GST_WARNING_OBJECT(self, "there is a rendition '%s' already", rendition.c_str());
    gst_object_unref(known);
    return nullptr;
  }
  if (rendition.empty() || rendition == "source") {
    GST_WARNING_OBJECT(self, "'%s' cannot be the name of a rendition", rendition.c_str());
    return nullptr;
  }
  GstPad* pad = gst_pad_new_from_template(templ, (kPrefix + rendition).c_str());
  gst_pad_set_chain_function(pad, gst_remote_enc_sink_chain);
  gst_pad_set_event_function(pad, gst_remote_enc_sink_event);
  {
    const dist::MutexLock lock(self->priv->lock);
    PadState& state = self->priv->pads[pad];
    state.rendition = rendition;
    gst_segment_init(&state.segment, GST_FORMAT_TIME);
  }
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element, pad);
  return pad;
}

static void gst_remote_enc_sink_release_pad(GstElement* element, GstPad* pad) {
  GstRemoteEncSink* self = GST_REMOTE_ENC_SINK(element);
  gst_pad_set_active(pad, FALSE);
  std::shared_ptr<dist::Lease> lease;
  {
    const dist::MutexLock lock(self->priv->lock);
    lease = self->priv->pads.at(pad).lease;
    self->priv->pads.erase(pad);
  }
  // The others may have waited for this one only.
  if (lease)
    answer(self, *lease);
  gst_element_remove_pad(element, pad);
}

// --- Start and stop

static GstStateChangeReturn gst_remote_enc_sink_change_state(GstElement* element,
                                                             GstStateChange transition) {
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_remote_enc_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    auto* priv = GST_REMOTE_ENC_SINK(element)->priv;
    const dist::MutexLock lock(priv->lock);
    for (auto& [pad, state] : priv->pads) {
      const std::string rendition = state.rendition;
      state = PadState();
      state.rendition = rendition;
      gst_segment_init(&state.segment, GST_FORMAT_TIME);
    }
  }
  return result;
}

// --- Type

static void gst_remote_enc_sink_init(GstRemoteEncSink* self) {
  self->priv = new GstRemoteEncSink::Private;
  // The pipeline is at its end when this element says so.
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
  dist::hand_over(self);
}

static void gst_remote_enc_sink_finalize(GObject* object) {
  delete GST_REMOTE_ENC_SINK(object)->priv;
  G_OBJECT_CLASS(gst_remote_enc_sink_parent_class)->finalize(object);
}

static void gst_remote_enc_sink_class_init(GstRemoteEncSinkClass* klass) {
  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  G_OBJECT_CLASS(klass)->finalize = gst_remote_enc_sink_finalize;
  element_class->change_state = gst_remote_enc_sink_change_state;
  element_class->request_new_pad = gst_remote_enc_sink_request_new_pad;
  element_class->release_pad = gst_remote_enc_sink_release_pad;

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "Distributed encoding worker sink",
                                        "Sink/Network", "Sends encoded segments back to remoteenc",
                                        "The gst-dist authors");
}
