// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/common/film.h"

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <gst/app/gstappsink.h>
#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

#include "tests/common/pixels.h"

namespace film {
namespace {

struct Clip {
  const char* file;
  // Arguments of ffmpeg between its input and the file.
  const char* encode;
};

// What the real clips do not have, or have only where ../shared is.
constexpr Clip kMadeClips[] = {
    {"h264-closed.mp4", "-c:v libx264 -preset veryfast -g 30 -bf 2 -movflags +faststart"},
    {"h264-open-gop.mp4", "-c:v libx264 -preset veryfast -bf 3 -x264-params open-gop=1:keyint=30"},
    {"h264-open-gop.ts", "-c:v libx264 -preset veryfast -bf 3 -x264-params open-gop=1:keyint=30"},
    {"h264-one-keyframe.mkv", "-c:v libx264 -preset veryfast -g 600 -bf 3"},
    {"h264-interlaced.mp4", "-c:v libx264 -preset veryfast -flags +ilme+ildct -g 30 -bf 2"},
    {"h264-2997.ts", "-r 30000/1001 -c:v libx264 -preset veryfast -g 60 -bf 2"},
    {"h264-intra-refresh.mp4",
     "-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=30:bframes=0"},
    {"h264-raw.h264", "-c:v libx264 -preset veryfast -g 30 -bf 2"},
    {"hevc-raw.h265",
     "-c:v libx265 -preset ultrafast -x265-params keyint=30:open-gop=1:bframes=3:log-level=none"},
    {"hevc-open-gop.mp4",
     "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params "
     "keyint=30:open-gop=1:bframes=3:log-level=none"},
    {"mpeg2-open-gop.ts", "-c:v mpeg2video -g 15 -bf 2 -q:v 4"},
    {"mpeg2-closed.mpg",
     "-c:v mpeg2video -g 15 -bf 2 -flags +cgop -sc_threshold 1000000000 -q:v 4"},
    {"mpeg4-asp.avi", "-c:v mpeg4 -g 25 -bf 0 -q:v 4"},
    {"mpeg4-asp-b.mp4", "-c:v mpeg4 -g 25 -bf 2 -q:v 4"},
    {"vp8-altref.webm",
     "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -g 40 -cpu-used 8 -b:v 500k"},
    {"vp9-altref.webm",
     "-c:v libvpx-vp9 -auto-alt-ref 1 -lag-in-frames 16 -g 40 -cpu-used 8 -b:v 500k"},
    {"av1.mkv", "-t 3 -c:v libaom-av1 -cpu-used 8 -usage realtime -g 25 -b:v 500k"},
    {"mjpeg.avi", "-c:v mjpeg -q:v 4"},
    {"h264-odd-timestamps.mkv",
     "-vf setpts=PTS+random(0)*0.015/TB -c:v libx264 -preset veryfast -bf 2 -g 30 -vsync vfr"},
};

std::string environment(const char* name) {
  const char* value = g_getenv(name);
  ck_assert_msg(value, "%s is not set: run the tests with meson or ./dev test", name);
  return value;
}

std::filesystem::path made_clips() {
  const std::filesystem::path folder =
      std::filesystem::path(environment("DIST_BUILD_ROOT")) / "tests" / "clips";
  std::filesystem::create_directories(folder);
  for (const Clip& clip : kMadeClips) {
    const std::filesystem::path path = folder / clip.file;
    if (std::filesystem::exists(path))
      continue;
    // Under another name first: several tests may run at a time.
    const std::filesystem::path unfinished =
        folder / ("making-" + std::to_string(g_random_int()) + "-" + clip.file);
    const std::string command =
        "ffmpeg -v error -y -f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -pix_fmt "
        "yuv420p " +
        std::string(clip.encode) + " " + unfinished.string();
    gint status = 0;
    ck_assert_msg(g_spawn_command_line_sync(command.c_str(), nullptr, nullptr, &status, nullptr) &&
                      status == 0,
                  "cannot make %s: %s", clip.file, command.c_str());
    std::filesystem::rename(unfinished, path);
  }
  return folder;
}

std::string md5_of_bytes(GstBuffer* buffer) {
  GstMapInfo map;
  ck_assert(gst_buffer_map(buffer, &map, GST_MAP_READ));
  gchar* sum = g_compute_checksum_for_data(G_CHECKSUM_MD5, map.data, map.size);
  gst_buffer_unmap(buffer, &map);
  const std::string result = sum;
  g_free(sum);
  return result;
}

void take(Recording& recording, GstSample* sample) {
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  GstCaps* caps = gst_sample_get_caps(sample);
  gchar* caps_text = gst_caps_to_string(caps);
  if (recording.caps.empty() || recording.caps.back() != caps_text)
    recording.caps.push_back(caps_text);
  g_free(caps_text);

  const GstSegment* segment = gst_sample_get_segment(sample);
  guint64 decode = 0;
  const gint sign =
      gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, GST_BUFFER_DTS(buffer), &decode);
  GstVideoInfo info;
  const bool raw = gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw") &&
                   gst_video_info_from_caps(&info, caps);
  recording.items.push_back(
      {.running_time =
           gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer)),
       .pts = GST_BUFFER_PTS(buffer),
       .dts = GST_BUFFER_DTS(buffer),
       .decode_running_time =
           sign < 0 ? -static_cast<std::int64_t>(decode) : static_cast<std::int64_t>(decode),
       .duration = GST_BUFFER_DURATION(buffer),
       .flags = GST_BUFFER_FLAGS(buffer) & ~static_cast<guint>(GST_BUFFER_FLAG_TAG_MEMORY) & ~0xfu,
       .md5 = raw ? md5_of_pixels(buffer, info) : md5_of_bytes(buffer),
       .caps = recording.caps.size() - 1});
  ck_assert(!recording.items.back().md5.empty());
}

// Empties the bus; true if there was an error.
bool drain(GstBus* bus, Recording& recording, const OnMessage& on_message) {
  while (GstMessage* message = gst_bus_pop(bus)) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT) {
      gchar* text = gst_structure_to_string(gst_message_get_structure(message));
      recording.messages.push_back(text);
      g_free(text);
      if (on_message)
        on_message(recording.messages.back());
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && recording.error.empty()) {
      GError* error = nullptr;
      gchar* debug = nullptr;
      gst_message_parse_error(message, &error, &debug);
      recording.error = std::string(error->message) + " (" + (debug ? debug : "") + ")";
      g_error_free(error);
      g_free(debug);
    }
    gst_message_unref(message);
  }
  return !recording.error.empty();
}

}  // namespace

Recording record(GstElement* pipeline, unsigned seconds, const OnMessage& on_message) {
  Recording recording;
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  ck_assert(sink);
  g_object_set(sink, "sync", FALSE, "max-buffers", 50, nullptr);
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const gint64 deadline = g_get_monotonic_time() + patience(seconds) * G_USEC_PER_SEC;
  while (true) {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), 50 * GST_MSECOND);
    if (sample) {
      take(recording, sample);
      gst_sample_unref(sample);
    }
    if (drain(bus, recording, on_message) || (!sample && gst_app_sink_is_eos(GST_APP_SINK(sink))))
      break;
    ck_assert_msg(g_get_monotonic_time() < deadline, "no end after %u s and %zu buffers", seconds,
                  recording.items.size());
  }
  drain(bus, recording, on_message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(sink);
  return recording;
}

Recording record(const std::string& description, unsigned seconds) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(description.c_str(), &error);
  ck_assert_msg(error == nullptr, "%s: %s", description.c_str(), error ? error->message : "");
  Recording recording = record(pipeline, seconds);
  gst_object_unref(pipeline);
  return recording;
}

std::vector<std::string> clips(const std::string& pattern) {
  std::vector<std::string> paths;
  const auto add = [&](const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      const bool film = entry.is_regular_file() && entry.path().extension() != ".md" &&
                        name.rfind("making-", 0) != 0;
      if (film && name.find(pattern) != std::string::npos)
        paths.push_back(entry.path());
    }
  };
  const std::filesystem::path real =
      std::filesystem::path(environment("DIST_SOURCE_ROOT")) / ".." / "shared" / "media";
  if (std::filesystem::is_directory(real))
    add(real);
  add(made_clips());
  std::sort(paths.begin(), paths.end());
  return paths;
}

unsigned patience(unsigned seconds) {
  const char* factor = g_getenv("CK_TIMEOUT_MULTIPLIER");
  return factor ? seconds * std::max(1u, static_cast<unsigned>(std::atoi(factor))) : seconds;
}

std::string base_name(const std::string& path) {
  return std::filesystem::path(path).filename();
}

}  // namespace film
