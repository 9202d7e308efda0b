// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/compare/plot_files.h"

#include <gst/gst.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "gst/base/glib_error.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/report.h"
#include "tools/gst-dist/compare/film_frames.h"

namespace dist::tool {
namespace {

// Twice what they have on the drawing, for those who look closely.
constexpr double kWidth = 350;
constexpr double kHeight = 264;
constexpr GstClockTime kPatience = 30 * GST_SECOND;

// Even sizes, which all scalers and encoders take.
unsigned even(double size) {
  return std::max(2u, static_cast<unsigned>(size / 2 + 0.5) * 2);
}

Thumbnail thumbnail_of(GstSample* sample) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)))
    return {};
  const double width = static_cast<double>(info.width) * info.par_n / std::max(info.par_d, 1);
  const double by = std::min({kWidth / width, kHeight / info.height, 1.0});
  Thumbnail thumbnail;
  thumbnail.width = even(width * by);
  thumbnail.height = even(info.height * by);
  const auto caps = Ref<GstCaps>::adopt(gst_caps_new_simple(
      "image/jpeg", "width", G_TYPE_INT, static_cast<gint>(thumbnail.width), "height", G_TYPE_INT,
      static_cast<gint>(thumbnail.height), "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr));
  const auto jpeg =
      Ref<GstSample>::adopt(gst_video_convert_sample(sample, caps.get(), kPatience, nullptr));
  if (!jpeg)
    return {};
  const BufferMap map(gst_sample_get_buffer(jpeg.get()));
  thumbnail.jpeg.assign(reinterpret_cast<const char*>(map.span().data()), map.span().size());
  return thumbnail;
}

// `wanted` are times since the film's first frame.
void take_from(const Film& film, Time start, std::vector<std::pair<Time, Thumbnail*>> wanted) {
  auto frames = FilmFrames::open(film);
  while (frames && !wanted.empty()) {
    const auto frame = (*frames)->next();
    if (!frame || !*frame)
      return;
    std::erase_if(wanted, [&](const auto& one) {
      if (start + one.first != (*frame)->time)
        return false;
      *one.second = thumbnail_of((*frame)->sample.get());
      return true;
    });
  }
}

Status render(const std::string& svg, const std::string& path) {
  GLibError error;
  const auto pipeline = Ref<GstElement>::adopt(gst_parse_launch_full(
      "appsrc name=in caps=image/svg+xml ! rsvgdec ! videoconvert ! pngenc snapshot=true ! "
      "filesink name=out",
      nullptr, GST_PARSE_FLAG_FATAL_ERRORS, error.out()));
  if (error)
    return Error{error.message()};
  const auto element = [&](const char* name) {
    return Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
  };
  g_object_set(element("out").get(), "location", path.c_str(), nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  const auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new_memdup(svg.data(), svg.size()));
  GstFlowReturn flow = GST_FLOW_OK;
  g_signal_emit_by_name(element("in").get(), "push-buffer", buffer.get(), &flow);
  g_signal_emit_by_name(element("in").get(), "end-of-stream", &flow);
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  const auto message = Ref<GstMessage>::adopt(gst_bus_timed_pop_filtered(
      bus.get(), kPatience, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  if (!message)
    return Error{"the picture was not drawn in half a minute"};
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR)
    return Error{report_of(message.get()).text};
  return {};
}

}  // namespace

std::vector<Specimen> take_specimens(const CompareReport& report, const Film& a, const Film& b,
                                     const std::vector<std::size_t>& pairs) {
  std::vector<Specimen> specimens(pairs.size());
  std::vector<std::pair<Time, Thumbnail*>> of_a;
  std::vector<std::pair<Time, Thumbnail*>> of_b;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const FramePair& pair = report.comparison.pairs[pairs[i]];
    specimens[i].pair = pairs[i];
    of_a.emplace_back(report.a.marks.frames[pair.a].time, &specimens[i].a);
    of_b.emplace_back(report.b.marks.frames[pair.b].time, &specimens[i].b);
  }
  take_from(a, report.a.start, std::move(of_a));
  take_from(b, report.b.start, std::move(of_b));
  return specimens;
}

bool is_png(const std::string& name) {
  return name.ends_with(".png");
}

Status check_plot(const std::string& name) {
  if (!is_png(name))
    return {};
  for (const char* needed : {"rsvgdec", "videoconvert", "pngenc"})
    if (!Ref<GstElementFactory>::adopt(gst_element_factory_find(needed)))
      return Error{name + ": drawing a PNG needs GStreamer's element " + needed +
                   "; install it, or write .svg"};
  return {};
}

Status write_plot(const std::string& svg, const std::string& name, const std::string& path) {
  if (is_png(name)) {
    if (const Status status = render(svg, path); !status)
      return Error{name + ": cannot be drawn: " + status.error()};
    return {};
  }
  // Into the file that is there, which has a lock.
  std::ofstream file(path, std::ios::binary);
  if (!file.write(svg.data(), static_cast<std::streamsize>(svg.size())).flush())
    return Error{name + ": cannot be written: " + std::strerror(errno)};
  return {};
}

}  // namespace dist::tool
