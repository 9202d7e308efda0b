// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/compare/film_frames.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "gst/base/glib_error.h"
#include "gst/base/text.h"
#include "gst/gstx/report.h"

namespace dist::tool {
namespace {

constexpr GstClockTime kTick = GST_SECOND;
constexpr unsigned kPatience = 30;  // Ticks in which nothing comes.
// Of a frame of a film that does not say.
constexpr Time kDefaultDuration = kSecond / 25;

bool is_wanted(const std::string& wanted, GstPad* pad) {
  if (!wanted.empty())
    return stream_key(take_string(gst_pad_get_stream_id(pad))) == wanted;
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(pad));
  const std::string name =
      caps ? gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)) : "";
  return name.starts_with("video/") || name.starts_with("image/");
}

void link_video(GstElement* parsebin, GstPad* pad, gpointer user_data) {
  const auto& wanted = *static_cast<const std::string*>(user_data);
  const auto pipeline = Ref<GstElement>::adopt(GST_ELEMENT(gst_element_get_parent(parsebin)));
  auto target = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
  auto sink = Ref<GstPad>::adopt(gst_element_get_static_pad(target.get(), "sink"));
  if (!is_wanted(wanted, pad) || gst_pad_is_linked(sink.get())) {
    target = Ref<GstElement>::share(gst_element_factory_make("fakesink", nullptr));
    g_object_set(target.get(), "async", FALSE, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), target.get());
    gst_element_sync_state_with_parent(target.get());
    sink = Ref<GstPad>::adopt(gst_element_get_static_pad(target.get(), "sink"));
  }
  gst_pad_link(pad, sink.get());
}

// Without it nothing would reach the end.
void check_linked(GstElement* parsebin, gpointer) {
  const auto pipeline = Ref<GstElement>::adopt(GST_ELEMENT(gst_element_get_parent(parsebin)));
  const auto target = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
  const auto sink = Ref<GstPad>::adopt(gst_element_get_static_pad(target.get(), "sink"));
  if (!gst_pad_is_linked(sink.get()))
    GST_ELEMENT_ERROR(parsebin, STREAM, FORMAT, ("its video could not be found again"), (NULL));
}

// The means of 8 x 8 samples each.
Brightness brightness_of(const LumaGrid& grid) {
  Brightness brightness{};
  for (std::size_t part = 0; part < brightness.size(); ++part) {
    float sum = 0;
    for (std::size_t y = 0; y < 8; ++y)
      for (std::size_t x = 0; x < 8; ++x)
        sum += grid[part / 8 * 8 + y][part % 8 * 8 + x];
    brightness[part] = static_cast<std::uint8_t>(std::lround(std::clamp(sum / 64, 0.0f, 255.0f)));
  }
  return brightness;
}

}  // namespace

Result<std::unique_ptr<FilmFrames>> FilmFrames::open(const Film& film) {
  const FilmStream* video = film.first(StreamKind::kVideo);
  std::unique_ptr<FilmFrames> frames(new FilmFrames);
  // Films that are turned when they are shown are compared as they are shown.
  const std::string line =
      "decodebin name=in ! " +
      std::string(video->orientation.empty() ? ""
                                             : "videoconvert ! videoflip video-direction=auto ! ") +
      "appsink name=out sync=false max-buffers=4 caps=video/x-raw";
  GLibError error;
  frames->pipeline_ = Ref<GstElement>::adopt(
      gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, error.out()));
  if (error)
    return Error{error.message()};
  BinBuilder build(GST_BIN(frames->pipeline_.get()));
  const auto parsebin = add_reader(build, film);
  if (!build.status())
    return Error{build.status().error()};
  g_signal_connect_data(
      parsebin.get(), "pad-added", G_CALLBACK(link_video), new std::string(video->id),
      [](gpointer data, GClosure*) { delete static_cast<std::string*>(data); }, GConnectFlags(0));
  g_signal_connect(parsebin.get(), "no-more-pads", G_CALLBACK(check_linked), nullptr);
  frames->sink_ = frames->element("out");
  return frames;
}

FilmFrames::~FilmFrames() {
  if (pipeline_)
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

Ref<GstElement> FilmFrames::element(const char* name) const {
  return Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
}

std::optional<Error> FilmFrames::failure() const {
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  const auto message = Ref<GstMessage>::adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
  if (!message)
    return {};
  std::string text = report_of(message.get()).text;
  if (text.ends_with('.'))
    text.pop_back();
  return Error{text};
}

Result<std::optional<FilmFrame>> FilmFrames::next() {
  // Not before: urisourcebin complains when it is stopped while it starts, as it would be if the
  // other film cannot be opened. What goes wrong is on the bus.
  if (!std::exchange(started_, true))
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  for (unsigned idle = 0; idle < kPatience; ++idle) {
    GstSample* pulled = nullptr;
    g_signal_emit_by_name(sink_.get(), "try-pull-sample", kTick, &pulled);
    FilmFrame frame;
    frame.sample = Ref<GstSample>::adopt(pulled);
    // Also when frames go on: what comes behind an error is not the film.
    if (auto error = failure())
      return *error;
    if (!frame.sample) {
      gboolean ended = FALSE;
      g_object_get(sink_.get(), "eos", &ended, nullptr);
      if (ended)
        return std::optional<FilmFrame>();
      continue;
    }
    const GstBuffer* buffer = gst_sample_get_buffer(pulled);
    frame.time = gst_segment_to_running_time(gst_sample_get_segment(pulled), GST_FORMAT_TIME,
                                             GST_BUFFER_PTS(buffer));
    frame.duration = GST_BUFFER_DURATION(buffer);
    if (frame.time == kNoTime)
      frame.time = last_;
    last_ = frame.time + (frame.duration == kNoTime ? kDefaultDuration : frame.duration);
    return std::optional(std::move(frame));
  }
  return Error{"nothing came of it for half a minute"};
}

Status FilmMarker::add(const FilmFrame& frame) {
  GstCaps* const caps = gst_sample_get_caps(frame.sample.get());
  if (caps != caps_.get()) {
    caps_ = Ref<GstCaps>::share(caps);
    if (!gst_video_info_from_caps(&info_, caps))
      return Error{"its frames have an unknown format"};
    hasher_.emplace(static_cast<unsigned>(GST_VIDEO_INFO_WIDTH(&info_)),
                    static_cast<unsigned>(GST_VIDEO_INFO_HEIGHT(&info_)));
  }
  const FrameMap map(info_, gst_sample_get_buffer(frame.sample.get()));
  if (!map)
    return Error{"a frame cannot be read"};
  const LumaGrid& grid = hasher_->reduce(reader_.read_pixels(map.get()));
  const HashedPicture hashed = VisualHasher::hash_of(grid);
  marks_.frames.push_back({.time = frame.time,
                           .hash = hashed.hash,
                           .quality = hashed.quality,
                           .brightness = brightness_of(grid)});
  last_duration_ = frame.duration;
  return {};
}

FilmMarks FilmMarker::finish() {
  auto& frames = marks_.frames;
  if (frames.empty())
    return std::move(marks_);
  std::ranges::stable_sort(frames, {}, &FrameMark::time);
  start_ = frames.front().time;
  for (FrameMark& frame : frames)
    frame.time -= start_;
  const std::size_t count = frames.size();
  const Time mean = count > 1 ? frames.back().time / (count - 1) : kDefaultDuration;
  marks_.end = frames.back().time + (last_duration_ == kNoTime ? mean : last_duration_);
  return std::move(marks_);
}

}  // namespace dist::tool
