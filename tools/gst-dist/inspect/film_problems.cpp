// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is to be said of a film, in words.
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/stream_format.h"
#include "tools/gst-dist/inspect/frame_facts.h"

namespace dist::tool {
namespace {

// Without a keyframe for longer than this a segment is cut inside the GOP: the default of
// distsegmenter.
constexpr Time kLongGop = 4 * kSecond;
// A shorter film gains little from a second worker.
constexpr Time kShortFilm = 2 * kSecond;
// Decoding so much more than there is costs a worker noticeably.
constexpr double kMuchDecoding = 1.25;

using Problems = std::vector<std::string>;

std::string ratio_text(double ratio) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", ratio);
  return text;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// Parsers of H.264 and H.265 say it in their own way.
bool is_interlaced(const std::string& caps) {
  for (const char* field : {"interlace-mode=(string)interleaved", "interlace-mode=(string)mixed",
                            "interlace-mode=(string)fields", "interlace-mode=(string)alternate",
                            "coded-picture-structure=(string)field"})
    if (contains(caps, field))
      return true;
  return false;
}

// As the beginning of a sentence.
std::string capital(std::string text) {
  if (!text.empty())
    text[0] = g_ascii_toupper(text[0]);
  return text;
}

void look_at_streams(const Film& film, const std::string& flaw, Problems& problems) {
  const auto videos = std::ranges::count_if(
      film.streams, [](const FilmStream& s) { return s.kind == StreamKind::kVideo; });
  if (!flaw.empty())
    problems.push_back(sentence(capital(flaw)));
  if (videos > 1)
    problems.push_back("There are " + std::to_string(videos) +
                       " video streams; only the first one counts.");
  for (const std::string& sound : film.unread)
    problems.push_back(sentence(capital(sound)));
}

void look_at_damage(const CutSurvey& survey, const FrameFacts& facts, Problems& problems) {
  if (!survey.flaw.empty())
    problems.push_back(
        (survey.segments.empty() ? "The video cannot be cut: " : "It cannot be read to its end: ") +
        sentence(survey.flaw));
  Problems said;
  for (const std::string& warning : survey.warnings)
    if (std::ranges::count(said, warning) == 0)
      said.push_back(warning);
  for (const std::string& warning : said)
    problems.push_back("It seems damaged: " + sentence(warning));
  if (survey.flaw.empty() && facts.frames == 0)
    problems.push_back("There is no frame in its video.");
  if (facts.untimed > 0)
    problems.push_back(std::to_string(facts.untimed) + " of " + count_text(facts.frames, "frame") +
                       " have no presentation time. It is cut only where that does no harm.");
  if (facts.repeated > 0)
    problems.push_back(count_text(facts.repeated, "frame") +
                       " at the same time as the frame before.");
  if (survey.caps_change)
    problems.push_back("The video's format changes in the middle of the film.");
}

void look_at_picture(const CutSurvey& survey, Problems& problems) {
  const SourceFormat format = source_format(survey.caps);
  if (format.width == 0 || format.height == 0) {
    if (!survey.caps.empty())
      problems.push_back("The size of the picture is not known, so no rendition can be made.");
    return;
  }
  if (format.width % 2 != 0 || format.height % 2 != 0) {
    RenditionSpec spec;
    spec.name = "video";
    spec.codec = "h264";
    if (const auto even = resolve({spec}, format, false))
      problems.push_back(
          "The picture has an odd size. Codecs that need even ones, such as H.264, "
          "get " +
          std::to_string((*even)[0].width) + "x" + std::to_string((*even)[0].height) + ".");
  }
  if (is_interlaced(survey.caps))
    problems.push_back(
        "The video is interlaced. Renditions are made of its top fields, one frame "
        "of each two fields.");
}

void look_at_time(const FrameFacts& facts, Problems& problems) {
  if (facts.field_repeats > 0)
    problems.push_back(
        "It is telecined by flags (soft telecine): " + count_text(facts.field_repeats, "picture") +
        " of " + std::to_string(facts.frames) +
        " repeat a field. Renditions have each picture once, at its own time.");
  if (facts.frames < 2 || facts.constant_rate)
    return;
  char text[128];
  std::snprintf(text, sizeof(text),
                "The frame rate varies: frames last from %.1f to %.1f ms. Renditions keep each "
                "frame's time.",
                static_cast<double>(facts.shortest_frame) / 1e6,
                static_cast<double>(facts.longest_frame) / 1e6);
  problems.push_back(text);
}

void look_at_cuts(const CutSurvey& survey, const FrameFacts& facts, Problems& problems) {
  if (facts.keyframes.empty() && facts.frames > 0)
    problems.push_back("There is no keyframe in it, so decoders have no place to begin.");
  else if (facts.before_keyframe > 0 && facts.frames > 0)
    problems.push_back("It begins with " + count_text(facts.before_keyframe, "frame") +
                       " before the first keyframe, which decoders may not show.");
  if (facts.false_keyframes > 0)
    problems.push_back("Marked as keyframes, but none at which decoding can begin: " +
                       count_text(facts.false_keyframes, "picture") + ". It is not cut there.");
  if (facts.longest_gop > kLongGop && !facts.keyframes.empty())
    problems.push_back("There is no keyframe for " + seconds_text(facts.longest_gop) + ", from " +
                       seconds_text(facts.longest_gop_at - facts.start) +
                       " on, so cuts there need preroll.");
  if (facts.with_preroll > 0 && facts.decode_overhead >= kMuchDecoding)
    problems.push_back("Workers decode " + ratio_text(facts.decode_overhead) +
                       " times as many frames as the film has. A larger --max-segment-duration "
                       "makes that less.");
  if (facts.count(KeyframeKind::kRecovery) + facts.count(KeyframeKind::kGradual) > 0)
    problems.push_back(
        "Some keyframes are only recovery points, at which a decoder that begins "
        "there shows other pictures. Segments there begin to be decoded earlier.");
  if (survey.segments.size() == 1 && facts.duration > kShortFilm)
    problems.push_back("All of it is one segment, so only one worker can work on it.");
}

}  // namespace

std::string seconds_text(Time time) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.3f s", static_cast<double>(time) / 1e9);
  return text;
}

std::vector<std::string> problems_of(const Film& film, const std::string& flaw,
                                     const CutSurvey& survey, const FrameFacts& facts) {
  Problems problems;
  look_at_streams(film, flaw, problems);
  if (!flaw.empty())
    return problems;
  look_at_damage(survey, facts, problems);
  look_at_picture(survey, problems);
  look_at_time(facts, problems);
  look_at_cuts(survey, facts, problems);
  return problems;
}

}  // namespace dist::tool
