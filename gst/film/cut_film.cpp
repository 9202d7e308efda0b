// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/cut_film.h"

#include <atomic>
#include <utility>

#include "gst/base/glib_error.h"
#include "gst/base/text.h"
#include "gst/film/film_end.h"
#include "gst/gstx/bin_builder.h"
#include "gst/gstx/report.h"

namespace dist {
namespace {

constexpr char kPipeline[] = "distsegmenter name=cut ! fakesink name=out async=false sync=false";
constexpr GstClockTime kTick = GST_SECOND;
constexpr unsigned kPatience = 30;  // Ticks in which nothing comes.

// Filled in by streaming threads.
struct Watch {
  const CutWatcher& watcher;
  std::string wanted;  // Stream id of the video; empty: the first one counts.
  bool linked = false;
  std::atomic<std::uint64_t> buffers = 0;  // Of any stream.
  std::atomic<bool> over = false;          // No more is wanted.
  FilmEnd end = {};
};

// --- Called by GStreamer

GstPadProbeReturn on_unit(GstPad*, GstPadProbeInfo* info, gpointer user_data) {
  const CutWatcher& watcher = static_cast<Watch*>(user_data)->watcher;
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    if (watcher.unit)
      watcher.unit(GST_PAD_PROBE_INFO_BUFFER(info));
  } else if (GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
             watcher.caps && GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    watcher.caps(caps);
  }
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_segment(GstPad* pad, GstPadProbeInfo* info, gpointer user_data) {
  auto& watch = *static_cast<Watch*>(user_data);
  if (watch.over || watch.watcher.segment(GST_PAD_PROBE_INFO_BUFFER(info)))
    return GST_PAD_PROBE_OK;
  watch.over = true;
  const auto sink = Ref<GstElement>::adopt(gst_pad_get_parent_element(pad));
  gst_element_post_message(
      sink.get(),
      gst_message_new_application(GST_OBJECT(sink.get()), gst_structure_new_empty("no-more")));
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

// --- The caller's thread

// What does not fit; empty if all does.
std::string set_cutting(GstElement* segmenter, const Cutting& cutting) {
  for (const auto& [name, value] : cutting) {
    const GParamSpec* const spec =
        g_object_class_find_property(G_OBJECT_GET_CLASS(segmenter), name.c_str());
    if (!spec || spec->owner_type != G_OBJECT_TYPE(segmenter))
      return "distsegmenter has no property " + name;
    gst_util_set_object_arg(G_OBJECT(segmenter), name.c_str(), value.c_str());
  }
  return "";
}

// Until the end, an error, or until nothing comes any more. Returns what went wrong.
std::string play(GstElement* pipeline, Watch& watch, std::vector<std::string>& warnings) {
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline));
  constexpr auto kTypes = static_cast<GstMessageType>(
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_APPLICATION);
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
    if (type == GST_MESSAGE_EOS || type == GST_MESSAGE_APPLICATION)
      return "";
    std::string text = report_of(message.get()).text;
    if (type == GST_MESSAGE_ERROR)
      return text;
    warnings.push_back(std::move(text));
  }
}

}  // namespace

CutEnd cut_film(const Film& film, const Cutting& cutting, const CutWatcher& watcher) {
  Watch watch{.watcher = watcher, .wanted = film.first(StreamKind::kVideo)->id};
  CutEnd end;
  GLibError error;
  const auto pipeline = Ref<GstElement>::adopt(gst_parse_launch(kPipeline, error.out()));
  if (error) {
    end.flaw = error.message();
    return end;
  }
  BinBuilder build(GST_BIN(pipeline.get()));
  const auto parsebin = add_reader(build, film);
  const auto segmenter =
      Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "cut"));
  end.flaw = build.status() ? set_cutting(segmenter.get(), cutting) : build.status().error();
  if (!end.flaw.empty())
    return end;
  g_signal_connect(parsebin.get(), "pad-added", G_CALLBACK(on_pad), &watch);
  g_signal_connect(parsebin.get(), "no-more-pads", G_CALLBACK(on_no_more_pads), &watch);
  probe(pipeline.get(), "cut", "sink",
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_unit, watch);
  probe(pipeline.get(), "out", "sink", GST_PAD_PROBE_TYPE_BUFFER, on_segment, watch);
  end.flaw = play(pipeline.get(), watch, end.warnings);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return end;
}

}  // namespace dist
