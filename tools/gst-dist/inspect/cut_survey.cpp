// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/inspect/cut_survey.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <span>
#include <utility>

#include "gst/base/glib_error.h"
#include "gst/base/text.h"
#include "gst/film/film_end.h"
#include "gst/gstx/report.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/stream_format.h"

namespace dist::tool {
namespace {

constexpr char kCutting[] =
    "distsegmenter name=cut max-decoding=2 ! fakesink name=out async=false sync=false";
constexpr GstClockTime kTick = GST_SECOND;
constexpr unsigned kPatience = 30;  // Ticks in which nothing comes.

// Filled in by streaming threads, read when they have ended.
struct Watch {
  std::string wanted;  // Stream id of the video; empty: the first one counts.
  bool linked = false;
  StreamFormat format;
  CutSurvey seen;
  std::atomic<std::uint64_t> buffers = 0;  // Of any stream.
  FilmEnd end;
};

// In a picture coding extension (ISO/IEC 13818-2 6.2.3.1). Parsers do not tell.
bool repeats_field(std::span<const std::uint8_t> unit) {
  constexpr std::uint8_t kExtension[] = {0, 0, 1, 0xb5};
  for (auto at = unit.begin();;) {
    at = std::search(at, unit.end(), std::begin(kExtension), std::end(kExtension));
    if (unit.end() - at < 8)
      return false;
    if (at[4] >> 4 == 8)
      return (at[7] & 0x02) != 0;
    at += 4;
  }
}

void note_unit(Watch& watch, GstBuffer* buffer) {
  const bool keyframe = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  UnitKind kind;
  bool repeats = false;
  if (watch.format.codec == Codec::kRaw) {
    kind = classify(watch.format, true, {});
  } else {
    const BufferMap map(buffer);
    kind = classify(watch.format, keyframe, map.span());
    repeats = watch.format.codec == Codec::kMpeg12 && repeats_field(map.span());
  }
  watch.seen.bytes += gst_buffer_get_size(buffer);
  watch.seen.units.push_back({.random_access = kind.random_access,
                              .shown = kind.shown,
                              .has_pts = GST_BUFFER_PTS_IS_VALID(buffer) != FALSE,
                              .marked = keyframe,
                              .repeats_field = repeats});
}

void note_caps(Watch& watch, GstCaps* caps) {
  watch.format = stream_format(gst_caps_get_structure(caps, 0));
  const auto readable = Ref<GstCaps>::adopt(gst_caps_copy(caps));
  gst_structure_remove_fields(gst_caps_get_structure(readable.get(), 0), "codec_data",
                              "streamheader", nullptr);
  std::string text = take_string(gst_caps_to_string(readable.get()));
  CutSurvey& seen = watch.seen;
  seen.caps_change = seen.caps_change || (!seen.caps.empty() && seen.caps != text);
  if (seen.caps.empty())
    seen.caps = std::move(text);
}

void note_segment(Watch& watch, GstBuffer* buffer) {
  const auto header = read_header(buffer);
  if (!header)
    return;
  SurveyedSegment segment{.start = header->start,
                          .stop = header->stop,
                          .first_unit = header->first_unit,
                          .units = header->units.size(),
                          .frames = 0,
                          .preroll = 0,
                          .bytes = header->payload_size()};
  for (std::size_t i = 0; i < header->units.size(); ++i) {
    const Time show = header->units[i].show;
    if (show == kNoTime)
      continue;
    if (segment.frames++ == 0)
      segment.preroll = i;
    if (const std::size_t unit = header->first_unit + i; unit < watch.seen.units.size())
      watch.seen.units[unit].show = show;
  }
  watch.seen.segments.push_back(segment);
}

// --- Called by GStreamer

GstPadProbeReturn on_unit(GstPad*, GstPadProbeInfo* info, gpointer user_data) {
  auto& watch = *static_cast<Watch*>(user_data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    note_unit(watch, GST_PAD_PROBE_INFO_BUFFER(info));
  } else if (GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
             GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    note_caps(watch, caps);
  }
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_segment(GstPad*, GstPadProbeInfo* info, gpointer user_data) {
  note_segment(*static_cast<Watch*>(user_data), GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_any(GstPad*, GstPadProbeInfo*, gpointer user_data) {
  ++static_cast<Watch*>(user_data)->buffers;
  return GST_PAD_PROBE_OK;
}

bool is_wanted(const Watch& watch, GstPad* pad) {
  if (!watch.wanted.empty())
    return stream_key(take_string(gst_pad_get_stream_id(pad))) == watch.wanted;
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(pad));
  const std::string name =
      caps ? gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)) : "";
  return name.starts_with("video/") || name == "image/jpeg";
}

void on_pad(GstElement* parsebin, GstPad* pad, gpointer user_data) {
  auto& watch = *static_cast<Watch*>(user_data);
  const auto pipeline = Ref<GstElement>::adopt(GST_ELEMENT(gst_element_get_parent(parsebin)));
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_any, &watch, nullptr);
  Ref<GstElement> target;
  if (!watch.linked && is_wanted(watch, pad)) {
    watch.linked = true;
    target = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "cut"));
  } else {
    refuse_next_film(parsebin, pad, watch.end);
    target = Ref<GstElement>::share(gst_element_factory_make("fakesink", nullptr));
    g_object_set(target.get(), "async", FALSE, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), target.get());
    gst_element_sync_state_with_parent(target.get());
  }
  const auto sink = Ref<GstPad>::adopt(gst_element_get_static_pad(target.get(), "sink"));
  watch.end.watch(sink.get(), stream_key(take_string(gst_pad_get_stream_id(pad))));
  gst_pad_link(pad, sink.get());
}

// Without it nothing would reach the end.
void on_no_more_pads(GstElement* parsebin, gpointer user_data) {
  if (!static_cast<Watch*>(user_data)->linked)
    GST_ELEMENT_ERROR(parsebin, STREAM, FORMAT, ("The video could not be found again."), (NULL));
}

void probe(GstElement* pipeline, const char* element, const char* pad_name, int types,
           GstPadProbeCallback callback, Watch& watch) {
  const auto owner = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), element));
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(owner.get(), pad_name));
  gst_pad_add_probe(pad.get(), static_cast<GstPadProbeType>(types), callback, &watch, nullptr);
}

// --- The main thread

// Until the end, an error, or until nothing comes any more. Returns what went wrong.
std::string play(GstElement* pipeline, Watch& watch, std::vector<std::string>& warnings) {
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline));
  constexpr auto kTypes =
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  std::uint64_t before = 0;
  unsigned idle = 0;
  while (true) {
    const auto message =
        Ref<GstMessage>::adopt(gst_bus_timed_pop_filtered(bus.get(), kTick, kTypes));
    if (!message) {
      idle = watch.buffers == before ? idle + 1 : 0;
      before = watch.buffers;
      if (idle == kPatience)
        return "Nothing came of it for half a minute.";
      continue;
    }
    const GstMessageType type = GST_MESSAGE_TYPE(message.get());
    std::string text = type == GST_MESSAGE_EOS ? "" : report_of(message.get()).text;
    if (type != GST_MESSAGE_WARNING)
      return text;
    warnings.push_back(std::move(text));
  }
}

}  // namespace

CutSurvey survey_cuts(const Film& film, const SegmentLimit& limit) {
  Watch watch;
  watch.wanted = film.first(StreamKind::kVideo)->id;
  GLibError error;
  const auto pipeline = Ref<GstElement>::adopt(gst_parse_launch(kCutting, error.out()));
  if (error) {
    watch.seen.flaw = error.message();
    return std::move(watch.seen);
  }
  BinBuilder build(GST_BIN(pipeline.get()));
  const auto parsebin = add_reader(build, film);
  if (!build.status()) {
    watch.seen.flaw = build.status().error();
    return std::move(watch.seen);
  }
  limit.apply(pipeline.get());
  g_signal_connect(parsebin.get(), "pad-added", G_CALLBACK(on_pad), &watch);
  g_signal_connect(parsebin.get(), "no-more-pads", G_CALLBACK(on_no_more_pads), &watch);
  probe(pipeline.get(), "cut", "sink",
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_unit, watch);
  probe(pipeline.get(), "out", "sink", GST_PAD_PROBE_TYPE_BUFFER, on_segment, watch);

  std::vector<std::string> warnings;
  std::string flaw = play(pipeline.get(), watch, warnings);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  watch.seen.warnings = std::move(warnings);
  watch.seen.flaw = std::move(flaw);
  return std::move(watch.seen);
}

}  // namespace dist::tool
