// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/inspect/inspect_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "gst/base/text.h"
#include "gst/gstx/json_writer.h"
#include "gst/gstx/stream_format.h"
#include "tools/gst-dist/inspect/picture_format.h"
#include "tools/gst-dist/progress.h"

namespace dist::tool {
namespace {

// Columns of the labels.
constexpr std::size_t kLabel = 12;

std::string fraction_text(const Fraction& fraction) {
  return std::to_string(fraction.num) + "/" + std::to_string(fraction.den);
}

// "25" or "29.97".
std::string rate_text(double rate) {
  return format("%.6g", std::round(rate * 1000) / 1000);
}

double value(const Fraction& fraction) {
  return static_cast<double>(fraction.num) / std::max(fraction.den, 1u);
}

const char* name_of(StreamKind kind) {
  switch (kind) {
    case StreamKind::kVideo:
      return "video";
    case StreamKind::kAudio:
      return "audio";
    default:
      return "subtitles";
  }
}

std::string stream_text(const FilmStream& stream) {
  const bool video = stream.kind == StreamKind::kVideo;
  const bool audio = stream.kind == StreamKind::kAudio;
  const Fraction& aspect = stream.pixel_aspect_ratio;
  return join(
      {stream.codec, video ? format("%ux%u", stream.width, stream.height) : "",
       video && aspect.num != aspect.den ? "pixels " + format("%u:%u", aspect.num, aspect.den) : "",
       video && stream.framerate.num != 0 ? rate_text(value(stream.framerate)) + " frames/s" : "",
       audio ? format("%u Hz", stream.rate) : "",
       audio ? count_text(stream.channels, "channel") : "", stream.language});
}

std::string frames_text(const Inspection& inspection) {
  const FrameFacts& facts = inspection.facts;
  const double seconds = static_cast<double>(facts.duration) / 1e9;
  std::vector<std::string> parts = {std::to_string(facts.frames)};
  if (facts.constant_rate) {
    const Fraction rate = nominal_rate(facts, source_format(inspection.survey.caps));
    parts.push_back("constant rate of " + rate_text(value(rate)) + "/s");
  } else if (facts.frames > 1) {
    parts.push_back("variable rate, " + rate_text(facts.average_rate) + "/s on average");
  }
  if (seconds > 0)
    parts.push_back(
        format("%.2f Mbit/s", static_cast<double>(inspection.survey.bytes) * 8e-6 / seconds));
  return join(parts);
}

std::string keyframes_text(const FrameFacts& facts) {
  const struct {
    KeyframeKind kind;
    const char* words;
  } kinds[] = {{KeyframeKind::kClosed, "closed GOP"},
               {KeyframeKind::kOpen, "open GOP"},
               {KeyframeKind::kRecovery, "recovery point"},
               {KeyframeKind::kGradual, "gradual refresh"}};
  std::vector<std::string> parts;
  for (const auto& [kind, words] : kinds)
    if (const std::uint64_t count = facts.count(kind); count > 0)
      parts.push_back(std::to_string(count) + " " + words);
  std::string text = std::to_string(facts.keyframes.size());
  if (!parts.empty())
    text += " (" + join(parts) + ")";
  return text + "; at most " + seconds_text(facts.longest_gop) + " without one";
}

std::string range_text(Time shortest, Time longest) {
  return shortest == longest
             ? seconds_text(longest)
             : format("%.3f", static_cast<double>(shortest) / 1e9) + " to " + seconds_text(longest);
}

std::string preroll_text(const FrameFacts& facts) {
  const std::string times =
      format("; each frame is decoded %.2f times on average", facts.decode_overhead);
  if (facts.with_preroll == 0)
    return "none: all segments begin with a keyframe" + times;
  return count_text(facts.with_preroll, "segment") + " with " + count_text(facts.preroll, "frame") +
         " that only help decoding" + times;
}

std::string orientation_of(const Film& film) {
  const FilmStream* const video = film.first(StreamKind::kVideo);
  return video ? video->orientation : "";
}

void write_streams(const Film& film, JsonWriter& json) {
  json.objects("streams", film.streams, [&](const FilmStream& stream) {
    json.text("kind", name_of(stream.kind));
    json.text("codec", stream.codec);
    if (!stream.language.empty())
      json.text("language", stream.language);
    if (stream.kind == StreamKind::kVideo) {
      json.count("width", stream.width);
      json.count("height", stream.height);
      json.text("pixel-aspect-ratio", fraction_text(stream.pixel_aspect_ratio));
    } else if (stream.kind == StreamKind::kAudio) {
      json.count("rate", stream.rate);
      json.count("channels", stream.channels);
    }
  });
}

void write_video(const Inspection& inspection, JsonWriter& json) {
  const FrameFacts& facts = inspection.facts;
  json.begin_object("video");
  json.text("caps", inspection.survey.caps);
  json.count("bytes", inspection.survey.bytes);
  json.count("units", inspection.survey.units.size());
  json.count("frames", facts.frames);
  json.count("start", facts.start);
  json.count("duration", facts.duration);
  const PictureFormat picture = picture_format(inspection.survey.caps);
  if (picture.bit_depth > 0)
    json.count("bit-depth", picture.bit_depth);
  if (!picture.colorimetry.empty())
    json.text("colorimetry", picture.colorimetry);
  if (!picture.hdr.empty())
    json.text("hdr", picture.hdr);
  if (const std::string turned = orientation_of(inspection.film); !turned.empty())
    json.text("orientation", turned);
  json.count("field-repeats", facts.field_repeats);
  json.count("false-keyframes", facts.false_keyframes);
  json.flag("constant-frame-rate", facts.constant_rate);
  if (facts.constant_rate)
    json.text("frame-rate",
              fraction_text(nominal_rate(facts, source_format(inspection.survey.caps))));
  json.number("average-frame-rate", facts.average_rate);
  json.count("shortest-frame", facts.shortest_frame);
  json.count("longest-frame", facts.longest_frame);
  json.objects("keyframes", facts.keyframes, [&](const Keyframe& keyframe) {
    json.count("time", keyframe.time);
    json.text("kind", name_of(keyframe.kind));
  });
  json.count("longest-without-keyframe", facts.longest_gop);
  json.end_object();
}

void write_cut(const Inspection& inspection, JsonWriter& json) {
  const FrameFacts& facts = inspection.facts;
  json.begin_object("cut");
  json.count("shortest", facts.shortest_segment);
  json.count("longest", facts.longest_segment);
  json.count("inside-gop", facts.inside_gop);
  json.count("with-preroll", facts.with_preroll);
  json.count("preroll", facts.preroll);
  json.count("decoded", facts.decoded);
  json.number("decode-overhead", facts.decode_overhead);
  json.objects("segments", inspection.survey.segments, [&](const SurveyedSegment& segment) {
    json.count("start", segment.start);
    json.count("stop", segment.stop);
    json.count("frames", segment.frames);
    json.count("first-unit", segment.first_unit);
    json.count("units", segment.units);
    json.count("preroll", segment.preroll);
    json.count("bytes", segment.bytes);
  });
  json.end_object();
}

}  // namespace

std::string report_for_people(const Inspection& inspection) {
  const Film& film = inspection.film;
  const FrameFacts& facts = inspection.facts;
  std::string text = printable(inspection.input) + "\n";
  const std::string length =
      film.duration > 0 ? clock_text(static_cast<double>(film.duration) / 1e9) : "unknown length";
  text += paragraph("film", kLabel, join({film.container, length}));
  for (const FilmStream& stream : film.streams)
    text += paragraph(name_of(stream.kind), kLabel, stream_text(stream));
  if (facts.frames > 0) {
    if (const std::string picture =
            picture_text(picture_format(inspection.survey.caps), orientation_of(inspection.film));
        !picture.empty())
      text += paragraph("picture", kLabel, picture);
    text += paragraph("frames", kLabel, frames_text(inspection));
    text += paragraph("keyframes", kLabel, keyframes_text(facts));
    text += paragraph("segments", kLabel,
                      std::to_string(inspection.survey.segments.size()) + " of " +
                          range_text(facts.shortest_segment, facts.longest_segment));
    text += paragraph("preroll", kLabel, preroll_text(facts));
  }
  std::string label = "encoders";
  for (const CodecEncoders& codec : inspection.encoders)
    text += paragraph(
        std::exchange(label, ""), kLabel,
        codec.codec + ": " + (codec.encoders.empty() ? "none here" : join(codec.encoders)));
  label = "transcode";
  for (const std::string& what : inspection.transcode)
    text += paragraph(std::exchange(label, ""), kLabel, what);
  label = "problems";
  for (const std::string& problem : inspection.problems)
    text += paragraph(std::exchange(label, ""), kLabel, problem);
  if (inspection.problems.empty())
    text += paragraph(label, kLabel, "none");
  return text;
}

std::string report_for_programs(const Inspection& inspection) {
  JsonWriter json;
  json.text("input", inspection.input);
  json.text("uri", inspection.film.uri);
  json.text("container", inspection.film.container);
  if (inspection.film.duration > 0)
    json.count("duration", inspection.film.duration);
  json.flag("seekable", inspection.film.seekable);
  write_streams(inspection.film, json);
  if (inspection.facts.frames > 0) {
    write_video(inspection, json);
    write_cut(inspection, json);
  }
  json.begin_object("encoders");
  for (const CodecEncoders& codec : inspection.encoders)
    json.texts(codec.codec.c_str(), codec.encoders);
  json.end_object();
  json.texts("transcode", inspection.transcode);
  json.texts("problems", inspection.problems);
  return json.finish(true);
}

}  // namespace dist::tool
