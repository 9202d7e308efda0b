// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an survey of a film tells: its frame rate, its keyframes, what cutting it costs, and
// what is wrong with it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst/rendition/rendition.h"
#include "tools/gst-dist/inspect/cut_survey.h"

namespace dist::tool {

enum class KeyframeKind {
  kClosed,    // Nothing that is shown before it follows it: an IDR picture, a closed GOP.
  kOpen,      // Frames that are shown before it follow it (H.265: CRA).
  kRecovery,  // H.264: a recovery point. Decoding begins one keyframe earlier, to be exact.
  kGradual,   // H.264: the picture is refreshed over many frames. Two keyframes earlier.
};
// "closed", "open", "recovery-point" or "gradual-refresh".
const char* name_of(KeyframeKind kind);

struct Keyframe {
  Time time = 0;
  KeyframeKind kind = KeyframeKind::kClosed;
};

// Times are those of the stream, in nanoseconds.
struct FrameFacts {
  std::uint64_t frames = 0;  // Presented.
  Time start = 0;            // Of the first frame.
  Time duration = 0;         // From there to the end.
  bool constant_rate = false;
  double average_rate = 0;  // Frames a second.
  Time shortest_frame = 0;  // Between the times of two frames that follow one another.
  Time longest_frame = 0;

  std::vector<Keyframe> keyframes;  // Of those that are presented, by time.
  // The longest time without one, and when that begins.
  Time longest_gop = 0;
  Time longest_gop_at = 0;
  std::uint64_t before_keyframe = 0;  // Units before the first keyframe, in decode order.

  Time shortest_segment = 0;  // The last one counts only if it is the only one.
  Time longest_segment = 0;
  std::uint64_t inside_gop = 0;    // Segments that do not begin with a keyframe.
  std::uint64_t with_preroll = 0;  // Segments that begin with units that are not presented.
  std::uint64_t preroll = 0;       // These units.
  std::uint64_t decoded = 0;       // Units of all segments.
  double decode_overhead = 0;      // How many times a unit is decoded, on average.

  std::uint64_t untimed = 0;   // Frames without a PTS.
  std::uint64_t repeated = 0;  // Frames at the time of another.
  // Pictures that are called keyframes, and with which decoding cannot begin.
  std::uint64_t false_keyframes = 0;
  std::uint64_t field_repeats = 0;  // Pictures that repeat a field: soft telecine.

  std::uint64_t count(KeyframeKind kind) const;
};

FrameFacts facts_of(const CutSurvey& survey);

// The rate as a fraction: that of the caps if the frames keep to it, else the nearest usual one.
Fraction nominal_rate(const FrameFacts& facts, const SourceFormat& format);

// A sentence for each thing that a user should know. `flaw`: why it has no video to work on; empty:
// it has.
std::vector<std::string> problems_of(const Film& film, const std::string& flaw,
                                     const CutSurvey& survey, const FrameFacts& facts);

// "4.000 s".
std::string seconds_text(Time time);

}  // namespace dist::tool
