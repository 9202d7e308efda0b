// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/inspect/frame_facts.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dist::tool {
namespace {

// Containers that count milliseconds, or in 600ths, move each time by that much.
constexpr double kRounding = 2e6;
// A frame rate in the caps is the film's if it is as near as this.
constexpr double kSameRate = 0.002;

std::vector<Time> times_of(const CutSurvey& survey) {
  std::vector<Time> times;
  for (const SurveyedUnit& unit : survey.units)
    if (unit.show != kNoTime)
      times.push_back(unit.show);
  std::ranges::sort(times);
  return times;
}

void add_rate(const std::vector<Time>& times, FrameFacts& facts) {
  if (times.size() < 2)
    return;
  const auto span = static_cast<double>(times.back() - times.front());
  const double interval = span / static_cast<double>(times.size() - 1);
  facts.average_rate = interval > 0 ? 1e9 / interval : 0;
  facts.shortest_frame = kNoTime;
  facts.constant_rate = true;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const Time frame = times[i] - times[i - 1];
    facts.shortest_frame = std::min(facts.shortest_frame, frame);
    facts.longest_frame = std::max(facts.longest_frame, frame);
    facts.repeated += frame == 0 ? 1 : 0;
    const double expected = static_cast<double>(i) * interval;
    const double off = std::abs(static_cast<double>(times[i] - times.front()) - expected);
    facts.constant_rate = facts.constant_rate && off <= std::min(kRounding, interval / 4);
  }
}

KeyframeKind kind_of(const std::vector<SurveyedUnit>& units, std::size_t keyframe) {
  switch (units[keyframe].random_access) {
    case RandomAccess::kRecovery:
      return KeyframeKind::kRecovery;
    case RandomAccess::kGradual:
      return KeyframeKind::kGradual;
    default:
      break;
  }
  for (std::size_t i = keyframe + 1; i < units.size(); ++i) {
    if (units[i].random_access != RandomAccess::kNone)
      break;
    if (units[i].show < units[keyframe].show)
      return KeyframeKind::kOpen;
  }
  return KeyframeKind::kClosed;
}

void add_keyframes(const std::vector<SurveyedUnit>& units, FrameFacts& facts) {
  const auto first = std::ranges::find_if(
      units, [](const SurveyedUnit& u) { return u.random_access != RandomAccess::kNone; });
  facts.before_keyframe = static_cast<std::uint64_t>(first - units.begin());
  for (std::size_t i = 0; i < units.size(); ++i)
    if (units[i].random_access != RandomAccess::kNone && units[i].show != kNoTime)
      facts.keyframes.push_back({units[i].show, kind_of(units, i)});
  std::ranges::sort(facts.keyframes, {}, &Keyframe::time);
  Time since = facts.start;
  const auto end_gop = [&](Time at) {
    if (at - since > facts.longest_gop) {
      facts.longest_gop = at - since;
      facts.longest_gop_at = since;
    }
    since = at;
  };
  for (const Keyframe& keyframe : facts.keyframes)
    end_gop(keyframe.time);
  end_gop(facts.start + facts.duration);
}

void add_segments(const CutSurvey& survey, FrameFacts& facts) {
  const auto& segments = survey.segments;
  facts.shortest_segment = kNoTime;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const SurveyedSegment& segment = segments[i];
    const Time duration = segment.stop - segment.start;
    if (i + 1 < segments.size() || i == 0)
      facts.shortest_segment = std::min(facts.shortest_segment, duration);
    facts.longest_segment = std::max(facts.longest_segment, duration);
    facts.decoded += segment.units;
    // What the film begins with has to be decoded in any case.
    if (i == 0)
      continue;
    facts.with_preroll += segment.preroll > 0 ? 1 : 0;
    facts.preroll += segment.preroll;
    facts.inside_gop +=
        std::ranges::binary_search(facts.keyframes, segment.start, {}, &Keyframe::time) ? 0 : 1;
  }
  if (!survey.units.empty())
    facts.decode_overhead =
        static_cast<double>(facts.decoded) / static_cast<double>(survey.units.size());
}

}  // namespace

const char* name_of(KeyframeKind kind) {
  switch (kind) {
    case KeyframeKind::kOpen:
      return "open";
    case KeyframeKind::kRecovery:
      return "recovery-point";
    case KeyframeKind::kGradual:
      return "gradual-refresh";
    default:
      return "closed";
  }
}

std::uint64_t FrameFacts::count(KeyframeKind kind) const {
  return static_cast<std::uint64_t>(std::ranges::count(keyframes, kind, &Keyframe::kind));
}

FrameFacts facts_of(const CutSurvey& survey) {
  FrameFacts facts;
  const std::vector<Time> times = times_of(survey);
  facts.frames = times.size();
  if (survey.segments.empty() || times.empty())
    return facts;
  facts.start = times.front();
  facts.duration = std::max(survey.segments.back().stop, times.back()) - facts.start;
  facts.untimed = static_cast<std::uint64_t>(std::ranges::count_if(
      survey.units, [](const SurveyedUnit& u) { return u.shown && !u.has_pts; }));
  facts.false_keyframes =
      static_cast<std::uint64_t>(std::ranges::count_if(survey.units, [](const SurveyedUnit& u) {
        return u.marked && u.random_access == RandomAccess::kNone;
      }));
  facts.field_repeats =
      static_cast<std::uint64_t>(std::ranges::count_if(survey.units, &SurveyedUnit::repeats_field));
  add_rate(times, facts);
  add_keyframes(survey.units, facts);
  add_segments(survey, facts);
  return facts;
}

Fraction nominal_rate(const FrameFacts& facts, const SourceFormat& format) {
  if (facts.average_rate <= 0)
    return {0, 1};
  if (format.framerate) {
    const double rate = static_cast<double>(format.framerate->num) / format.framerate->den;
    if (std::abs(rate / facts.average_rate - 1) < kSameRate)
      return *format.framerate;
  }
  int num = 0;
  int den = 1;
  if (!gst_video_guess_framerate(static_cast<GstClockTime>(std::llround(1e9 / facts.average_rate)),
                                 &num, &den))
    gst_util_double_to_fraction(facts.average_rate, &num, &den);
  return {static_cast<unsigned>(num), static_cast<unsigned>(den)};
}

}  // namespace dist::tool
