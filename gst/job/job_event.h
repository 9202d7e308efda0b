// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a job tells while it runs: one variant, and one serialiser.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "gst/gstx/messages.h"

namespace dist {

// How far the job is; about four times a second, and at its end.
struct Progressed {
  double duration = 0;      // Of the film, in seconds; 0: unknown.
  double done = 0;          // Seconds of film in whole segments.
  double begun = 0;         // Seconds of film that are done of other segments, and their frames.
  double begun_frames = 0;  //
  double decoding = 1;      // How many times workers decode a frame, on average.
  bool last = false;
};

// A sentence that a user should read.
struct Remarked {
  std::string text;
};

// What an element of the pipeline warned of.
struct Warned {
  std::string text;
  std::string details;           // For programmers; may be empty.
  bool of_our_elements = false;  // Else it is for people who write pipelines.
};

// The outputs have their names.
struct Finished {
  std::vector<std::string> files;
};

template <class Messages, class... More>
struct Joined;
template <class... Messages, class... More>
struct Joined<std::variant<Messages...>, More...> {
  using Type = std::variant<Messages..., More...>;
};
using JobEvent = Joined<message::Any, Progressed, Remarked, Warned, Finished>::Type;

// One JSON object, on one line: its "event" and what that has.
std::string to_json(const message::Any& message);

}  // namespace dist
