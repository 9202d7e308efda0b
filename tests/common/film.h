// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films to test on, and what comes out of a pipeline, buffer by buffer.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace film {

// One buffer that reached the sink.
struct Item {
  std::uint64_t running_time = 0;  // Of the PTS.
  std::uint64_t pts = 0;
  std::uint64_t dts = 0;
  std::int64_t decode_running_time = 0;  // Of the DTS, which may lie before the segment.
  std::uint64_t duration = 0;
  std::uint32_t flags = 0;
  std::string md5;       // Of the visible pixels of a raw frame, else of all bytes.
  std::size_t caps = 0;  // Index into Recording::caps.
};

struct Recording {
  std::vector<Item> items;
  std::vector<std::string> caps;
  std::string error;                  // What the pipeline said, if it failed.
  std::vector<std::string> messages;  // Element messages, serialised.
};

// Runs the pipeline to its end and records what reaches its appsink "out". Fails the test when it
// takes longer than `seconds`. `on_message` sees each element message, serialised, when it comes.
using OnMessage = std::function<void(const std::string& message)>;
Recording record(GstElement* pipeline, unsigned seconds = 90, const OnMessage& on_message = {});
Recording record(const std::string& description, unsigned seconds = 90);

// Paths of all clips: the real ones beside the source tree, where they exist, and those the test
// makes itself, which cover what the codecs can do (made once, in the build folder). `pattern`
// restricts them to names that contain it.
std::vector<std::string> clips(const std::string& pattern = "");

std::string base_name(const std::string& path);

// A limit of so many seconds, multiplied as those of gst-check are for slow builds.
unsigned patience(unsigned seconds);

}  // namespace film
