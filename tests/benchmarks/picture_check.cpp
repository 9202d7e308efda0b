// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   picture-check encode FILM RENDITIONS [ENCODER]   makes the renditions in this process, with
//   that
//                                                    encoder where it can
//   picture-check compare FILM OTHER                 takes OTHER, of the same times, for a
//   rendition picture-check cost FILM RENDITIONS               processor time of decoding and
//   looking
//
// Writes a line for each frame with what compare() measures, and one for each segment of a
// rendition with what it finds: words that tests/benchmarks/pictures makes tables of.
#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/segment_look.h"
#include "gst/picture/picture_check.h"

namespace {

using dist::FrameLook;
using dist::Ref;

struct Segment {
  dist::SegmentHeader header;
  Ref<GstBuffer> buffer;
};

// Times of other containers are rounded.
constexpr dist::Time kRounding = 5 * GST_MSECOND;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "picture-check: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T checked(dist::Result<T> result) {
  if (!result)
    give_up(result.error());
  return std::move(*result);
}

double processor_time() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// All segments that reach the sinks of a pipeline.
std::vector<Segment> segments_of(const std::string& description) {
  GError* error = nullptr;
  const auto pipeline = Ref<GstElement>::adopt(gst_parse_launch(description.c_str(), &error));
  if (error)
    give_up(error->message);
  std::vector<Segment> segments;
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  for (const char* name : {"source", "made"}) {
    const auto sink = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
    while (sink) {
      const auto sample = Ref<GstSample>::adopt(
          gst_app_sink_try_pull_sample(GST_APP_SINK(sink.get()), GST_SECOND / 10));
      if (const auto message =
              Ref<GstMessage>::adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR))) {
        gst_message_parse_error(message.get(), &error, nullptr);
        give_up(error->message);
      }
      if (!sample && gst_app_sink_is_eos(GST_APP_SINK(sink.get())))
        break;
      if (!sample)
        continue;
      GstBuffer* const buffer = gst_sample_get_buffer(sample.get());
      segments.push_back({checked(dist::read_header(buffer)), Ref<GstBuffer>::share(buffer)});
    }
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return segments;
}

std::string source_of(const std::string& film) {
  return "filesrc location=\"" + film + "\" ! parsebin ! distsegmenter ";
}

void print(const std::string& label, const std::vector<FrameLook>& source,
           const std::vector<FrameLook>& rendition) {
  for (const dist::FrameMeasures& m : dist::measure(source, rendition))
    std::printf(
        "frame %s time %.3f distance %u quality %u likeness %.3f luma %.2f patch %.2f rest %.2f "
        "detail %.3f colour %.2f swapped %.2f source-colour %.2f motion %.2f follows %.3f "
        "step %.2f steps %.3f stale %.3f elsewhere %.3f contrast %.2f source-structure %.2f\n",
        label.c_str(), static_cast<double>(m.time) / 1e9, m.distance, m.quality,
        static_cast<double>(m.likeness), static_cast<double>(m.luma), static_cast<double>(m.patch),
        static_cast<double>(m.rest), static_cast<double>(m.detail), static_cast<double>(m.colour),
        static_cast<double>(m.swapped_colour), static_cast<double>(m.source_colour),
        static_cast<double>(m.motion), static_cast<double>(m.follows), static_cast<double>(m.step),
        static_cast<double>(m.steps), static_cast<double>(m.stale),
        static_cast<double>(m.elsewhere), static_cast<double>(m.contrast),
        static_cast<double>(m.source_structure));
  for (std::size_t frames : {1u, 2u, 3u, 4u, 6u, 8u, 12u, 16u, 24u, 1000u}) {
    const std::size_t size = std::min(frames, rendition.size());
    const auto mismatch = dist::compare(
        source, {rendition.begin(), rendition.begin() + static_cast<std::ptrdiff_t>(size)});
    if (mismatch) {
      std::printf("segment %s %s %zu %s\n", label.c_str(), dist::to_string(mismatch->kind), size,
                  mismatch->reason.c_str());
      return;
    }
    if (size == rendition.size())
      break;
  }
  std::printf("segment %s good\n", label.c_str());
}

void encode(const std::string& film, const std::string& renditions, const char* encoder) {
  if (encoder)
    if (GstPluginFeature* feature = gst_registry_lookup_feature(gst_registry_get(), encoder))
      gst_plugin_feature_set_rank(feature, GST_RANK_PRIMARY + 100);
  const auto segments =
      segments_of(source_of(film) +
                  "! tee name=t ! queue max-size-bytes=0 max-size-time=0 ! appsink sync=false "
                  "name=source t. ! queue ! remoteenc local-workers=2 renditions=\"" +
                  renditions + "\" ! appsink sync=false name=made");
  dist::SegmentLooker looker;
  std::map<std::uint64_t, dist::SegmentLook> sources;
  for (const auto& [header, buffer] : segments) {
    dist::LookOptions options;
    if (header.is_source()) {
      sources[header.index] = checked(looker.look(buffer.get(), options));
      continue;
    }
    const dist::SegmentLook& source = sources[header.index];
    options.aspect = source.aspect;
    const auto made = checked(looker.look(buffer.get(), options));
    print(header.rendition, source.frames, made.frames);
  }
}

std::vector<dist::SegmentLook> looks_at(const std::string& film, const dist::LookOptions& options) {
  dist::SegmentLooker looker;
  std::vector<dist::SegmentLook> looks;
  for (const Segment& segment : segments_of(source_of(film) + "! appsink sync=false name=source"))
    looks.push_back(checked(looker.look(segment.buffer.get(), options)));
  return looks;
}

void compare(const std::string& film, const std::string& other) {
  const auto sources = looks_at(film, {});
  dist::LookOptions options;
  options.aspect = sources.empty() ? 0 : sources.front().aspect;
  std::vector<FrameLook> rendition;
  for (dist::SegmentLook& look : looks_at(other, options))
    std::ranges::move(look.frames, std::back_inserter(rendition));
  for (const auto& [source, aspect] : sources) {
    std::vector<FrameLook> answer;
    for (const FrameLook& frame : source)
      for (const FrameLook& made : rendition)
        if (std::max(frame.time, made.time) - std::min(frame.time, made.time) < kRounding) {
          answer.push_back(made);
          answer.back().time = frame.time;
          break;
        }
    print("-", source, answer);
  }
}

void cost(const std::string& film, const std::string& renditions) {
  const auto segments =
      segments_of(source_of(film) +
                  "! tee name=t ! queue max-size-bytes=0 max-size-time=0 ! appsink sync=false "
                  "name=source t. ! queue ! remoteenc local-workers=2 renditions=\"" +
                  renditions + "\" ! appsink sync=false name=made");
  std::map<std::string, std::vector<double>> times;
  dist::SegmentLooker looker;
  for (const auto& [header, buffer] : segments) {
    const double began = processor_time();
    const auto look = checked(looker.look(buffer.get(), {}));
    const double spent = processor_time() - began;
    if (!look.frames.empty())
      times[header.is_source() ? "source" : header.rendition].push_back(
          1000 * spent / static_cast<double>(look.frames.size()));
  }
  for (auto& [name, spent] : times) {
    std::ranges::sort(spent);
    std::printf("cost %s %.2f ms a frame\n", name.c_str(), spent[spent.size() / 2]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(nullptr, nullptr);
  const std::string what = argc > 3 ? argv[1] : "";
  if (what == "encode")
    encode(argv[2], argv[3], argc > 4 ? argv[4] : nullptr);
  else if (what == "compare")
    compare(argv[2], argv[3]);
  else if (what == "cost")
    cost(argv[2], argv[3]);
  else
    give_up("usage: picture-check encode|compare|cost FILM WITH-WHAT [ENCODER]");
}
