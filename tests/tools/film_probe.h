// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films to transcode, made by ffmpeg, and what ffprobe finds in the results.
#pragma once

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>

namespace tool {

inline constexpr char kPicture[] = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=2 ";
inline constexpr char kH264[] = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 ";

// What the tool said.
inline std::string transcode(const std::string& film, const std::string& out,
                             const std::string& renditions = "-r v:h264:speed=fast") {
  return output_of(command() + "transcode " + film + " -o " + out + " " + renditions);
}

struct Stream {
  std::string kind;
  std::string codec;
  std::string language;
  std::string title;
  std::string layout;  // Of the channels: "5.1".
  gint64 channels = 0;
  std::string rate;
  bool is_default = false;
  bool forced = false;
  std::string pixels;   // "16:11"
  std::string colours;  // "tv/bt709/bt709/bt709": range, space, transfer, primaries.
  gint64 rotation = 0;
};

struct Probe {
  std::vector<Stream> streams;
  std::vector<std::string> chapters;  // "0.000000 First"

  std::vector<Stream> of_kind(const std::string& kind) const {
    std::vector<Stream> found;
    std::ranges::copy_if(streams, std::back_inserter(found),
                         [&](const Stream& stream) { return stream.kind == kind; });
    return found;
  }
};

inline std::string text(JsonObject* object, const char* member) {
  return object ? json_object_get_string_member_with_default(object, member, "") : "";
}

inline JsonObject* inner(JsonObject* object, const char* member) {
  return json_object_has_member(object, member) ? json_object_get_object_member(object, member)
                                                : nullptr;
}

inline Stream stream_of(JsonObject* object) {
  Stream stream{.kind = text(object, "codec_type"),
                .codec = text(object, "codec_name"),
                .language = text(inner(object, "tags"), "language"),
                .title = text(inner(object, "tags"), "title"),
                .layout = text(object, "channel_layout"),
                .channels = json_object_get_int_member_with_default(object, "channels", 0),
                .rate = text(object, "sample_rate"),
                .is_default = json_object_get_int_member_with_default(inner(object, "disposition"),
                                                                      "default", 0) != 0,
                .forced = json_object_get_int_member_with_default(inner(object, "disposition"),
                                                                  "forced", 0) != 0,
                .pixels = text(object, "sample_aspect_ratio"),
                .colours = text(object, "color_range") + "/" + text(object, "color_space") + "/" +
                           text(object, "color_transfer") + "/" + text(object, "color_primaries")};
  if (json_object_has_member(object, "side_data_list")) {
    JsonArray* const list = json_object_get_array_member(object, "side_data_list");
    for (guint i = 0; i < json_array_get_length(list); ++i)
      stream.rotation = json_object_get_int_member_with_default(
          json_array_get_object_element(list, i), "rotation", stream.rotation);
  }
  return stream;
}

inline Probe probe(const std::string& file) {
  const std::string printed =
      output_of("ffprobe -v error -show_streams -show_chapters -of json " + file);
  JsonNode* const node = json_from_string(printed.c_str(), nullptr);
  ck_assert_msg(node && JSON_NODE_HOLDS_OBJECT(node), "%s", printed.c_str());
  JsonObject* const root = json_node_get_object(node);
  Probe probe;
  JsonArray* const streams = json_object_get_array_member(root, "streams");
  for (guint i = 0; i < json_array_get_length(streams); ++i)
    probe.streams.push_back(stream_of(json_array_get_object_element(streams, i)));
  JsonArray* const chapters = json_object_get_array_member(root, "chapters");
  for (guint i = 0; i < json_array_get_length(chapters); ++i) {
    JsonObject* const chapter = json_array_get_object_element(chapters, i);
    probe.chapters.push_back(text(chapter, "start_time") + " " +
                             text(inner(chapter, "tags"), "title"));
  }
  json_node_unref(node);
  return probe;
}

inline void expect_text(const std::string& where, const std::string& what) {
  ck_assert_msg(where.find(what) != std::string::npos, "no '%s' in: %s", what.c_str(),
                where.c_str());
}

// Of the first frame or sample that is shown.
inline double start_of(const std::string& file, const std::string& stream) {
  return std::atof(output_of("ffprobe -v error -select_streams " + stream +
                             ":0 -show_entries frame=pts_time -of csv=p=0 -read_intervals %+#4 " +
                             file)
                       .c_str());
}

}  // namespace tool
