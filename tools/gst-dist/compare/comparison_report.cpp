// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/compare/comparison_report.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/json_writer.h"

namespace dist::tool {
namespace {

// Columns of the labels.
constexpr std::size_t kLabel = 12;
// Differences that are told one by one.
constexpr std::size_t kTold = 8;

// For programs, whatever the language of the terminal is.
std::string number(double value, const char* pattern) {
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, pattern, value);
}

std::string seconds(Time time) {
  return number(static_cast<double>(time) / 1e9, "%.6f");
}

// Frames a second.
double rate_of(const FilmMarks& film) {
  const std::size_t count = film.frames.size();
  if (count < 2 || film.frames.back().time == 0)
    return 0;
  return static_cast<double>(count - 1) * 1e9 / static_cast<double>(film.frames.back().time);
}

bool is_of_hashes(const Comparison& comparison) {
  return comparison.flat < comparison.pairs.size();
}

std::string range_text(const Difference& difference) {
  return "from " + time_text(difference.start) + " to " + time_text(difference.stop);
}

std::string length_text(const Comparison& comparison) {
  const bool a_is_longer = comparison.a_end > comparison.b_end;
  const Time shorter = std::min(comparison.a_end, comparison.b_end);
  return std::string(a_is_longer ? "A" : "B") + " is longer by " +
         format("%.3f s", static_cast<double>(comparison.length() - shorter) / 1e9);
}

std::string shift_text(const Comparison& comparison) {
  return std::string("B is ") + (comparison.shift > 0 ? "later" : "earlier") + " by " +
         format("%.3f s", static_cast<double>(std::abs(comparison.shift)) / 1e9);
}

// What a row is about, if it is not all well.
std::string notes(std::size_t differing, std::size_t flat, std::size_t unpaired) {
  return join({differing > 0
                   ? count_text(differing, "frame") + " differ" + (differing == 1 ? "s" : "")
                   : "",
               flat > 0 ? std::to_string(flat) + " flat" : "",
               unpaired > 0 ? std::to_string(unpaired) + " without partner" : ""});
}

std::string frame_table(const Comparison& comparison) {
  std::string text = right("time", kLabel) + right("bits", 7) + "\n";
  for (const FramePair& pair : comparison.pairs)
    text += right(time_text(pair.time), kLabel) + right(std::to_string(pair.distance), 7) +
            (pair.differs || pair.flat || pair.unpaired ? "  " : "") +
            join({pair.differs ? "differs" : "", pair.flat ? "flat" : "",
                  pair.unpaired ? "without partner" : ""}) +
            "\n";
  return text;
}

std::string second_table(const Comparison& comparison) {
  std::string text =
      right("time", kLabel) + right("frames", 8) + right("mean", 8) + right("worst", 8) + "\n";
  for (const Second& second : seconds_of(comparison)) {
    const bool hashes = second.flat < second.frames;
    const std::string note = notes(second.differing, second.flat, second.unpaired);
    text += right(time_text(second.start), kLabel) + right(std::to_string(second.frames), 8) +
            right(hashes ? format("%.1f", second.mean) : "-", 8) +
            right(hashes ? std::to_string(second.worst) : "-", 8) +
            (note.empty() ? "" : "  " + note) + "\n";
  }
  return text;
}

std::string compared_text(const Comparison& comparison) {
  return join({count_text(comparison.pairs.size(), "frame"),
               comparison.unpaired > 0
                   ? std::to_string(comparison.unpaired) +
                         " of them without a partner in time, against what the other film "
                         "shows then"
                   : "each with a partner in time",
               comparison.flat > 0 ? std::to_string(comparison.flat) +
                                         " too flat for a hash, told by their brightness"
                                   : ""});
}

std::string distance_text(const Comparison& comparison) {
  if (!is_of_hashes(comparison))
    return "none: all frames are flat";
  return "mean " + format("%.1f", comparison.mean) + ", median " +
         std::to_string(comparison.median) + ", 99 % up to " +
         std::to_string(comparison.nearly_all) + ", worst " + std::to_string(comparison.worst) +
         " of 256 bits at " + time_text(comparison.worst_time);
}

// --- For programs

void write_film(const char* name, const ComparedFilm& film, JsonWriter& json) {
  json.begin_object(name);
  json.text("input", film.input);
  json.text("uri", film.uri);
  json.text("container", film.container);
  json.text("codec", film.codec);
  json.count("width", film.width);
  json.count("height", film.height);
  json.count("frames", film.marks.frames.size());
  json.number("average-frame-rate", rate_of(film.marks));
  json.count("start", film.start);
  json.count("duration", film.marks.end);
  json.end_object();
}

void write_frames(const CompareReport& report, JsonWriter& json) {
  json.objects("frames", report.comparison.pairs, [&](const FramePair& pair) {
    const FrameMark& a = report.a.marks.frames[pair.a];
    const FrameMark& b = report.b.marks.frames[pair.b];
    json.count("time", pair.time);
    json.count("distance", pair.distance);
    json.count("a-time", a.time);
    json.count("b-time", b.time);
    json.text("a-hash", to_hex(a.hash));
    json.text("b-hash", to_hex(b.hash));
    json.count("a-quality", a.quality);
    json.count("b-quality", b.quality);
    json.count("contrast", pair.contrast);
    json.flag("flat", pair.flat);
    json.flag("unpaired", pair.unpaired);
    json.flag("differs", pair.differs);
  });
}

void write_seconds(const Comparison& comparison, JsonWriter& json) {
  json.objects("seconds", seconds_of(comparison), [&](const Second& second) {
    json.count("time", second.start);
    json.count("frames", second.frames);
    if (second.flat < second.frames) {
      json.number("mean", second.mean);
      json.count("worst", second.worst);
      json.count("worst-time", second.worst_time);
    }
    json.count("flat", second.flat);
    json.count("unpaired", second.unpaired);
    json.count("differing", second.differing);
  });
}

void write_verdict(const Comparison& comparison, JsonWriter& json) {
  json.text("verdict", comparison.same()                 ? "same"
                       : !comparison.differences.empty() ? "differ"
                       : comparison.other_time           ? "other-time"
                                                         : "other-length");
  json.difference("shift", comparison.shift);
  json.flag("other-time", comparison.other_time);
  json.flag("other-length", comparison.other_length);
  json.objects("differences", comparison.differences, [&](const Difference& difference) {
    json.count("start", difference.start);
    json.count("stop", difference.stop);
    json.count("frames", difference.frames);
    json.count("worst-time", difference.worst_time);
  });
}

}  // namespace

std::string time_text(Time time) {
  const Time milliseconds = (time + 500'000) / 1'000'000;
  const auto whole = static_cast<unsigned>(milliseconds / 1000);
  const auto rest = static_cast<unsigned>(milliseconds % 1000);
  if (whole >= 3600)
    return format("%u:%02u:%02u.%03u", whole / 3600, whole / 60 % 60, whole % 60, rest);
  return format("%u:%02u.%03u", whole / 60, whole % 60, rest);
}

std::string film_text(const ComparedFilm& film) {
  const double rate = std::round(rate_of(film.marks) * 100) / 100;
  return join({std::to_string(film.width) + "x" + std::to_string(film.height),
               rate > 0 ? number(rate, "%.6g") + "/s" : "", film.codec, film.container,
               time_text(film.marks.end)});
}

std::string verdict_text(const Comparison& comparison) {
  if (comparison.same())
    return comparison.shift == 0 ? "same" : "same, but " + shift_text(comparison);
  if (comparison.differences.empty())
    return (comparison.other_time ? "other time: " + shift_text(comparison)
                                  : "other length: " + length_text(comparison)) +
           (comparison.other_time && comparison.other_length ? "; " + length_text(comparison)
                                                             : "") +
           "; the rest is the same";
  std::string text = "differ ";
  const std::size_t told = std::min(comparison.differences.size(), kTold);
  for (std::size_t i = 0; i < told; ++i)
    text += (i == 0 ? "" : ", ") + range_text(comparison.differences[i]);
  if (comparison.differences.size() > told)
    text += ", and in " + std::to_string(comparison.differences.size() - told) + " other places";
  if (comparison.shift != 0)
    text += "; " + shift_text(comparison);
  return comparison.other_length ? text + "; " + length_text(comparison) : text;
}

std::string report_for_people(const CompareReport& report) {
  const Comparison& comparison = report.comparison;
  return (report.per_frame ? frame_table(comparison) : second_table(comparison)) + "\n" +
         paragraph("A", kLabel, report.a.input + ": " + film_text(report.a)) +
         paragraph("B", kLabel, report.b.input + ": " + film_text(report.b)) +
         paragraph("compared", kLabel, compared_text(comparison)) +
         paragraph("distance", kLabel, distance_text(comparison)) +
         paragraph("verdict", kLabel, verdict_text(comparison));
}

std::string report_as_csv(const CompareReport& report) {
  if (!report.per_frame) {
    std::string text = "time,frames,mean,worst,worst_time,flat,unpaired,differing\n";
    for (const Second& second : seconds_of(report.comparison)) {
      const bool hashes = second.flat < second.frames;
      text += seconds(second.start) + "," + std::to_string(second.frames) + "," +
              (hashes ? number(second.mean, "%.3f") + "," + std::to_string(second.worst) + "," +
                            seconds(second.worst_time)
                      : ",,") +
              "," + std::to_string(second.flat) + "," + std::to_string(second.unpaired) + "," +
              std::to_string(second.differing) + "\n";
    }
    return text;
  }
  std::string text =
      "time,distance,a_time,b_time,a_quality,b_quality,contrast,flat,unpaired,differs\n";
  for (const FramePair& pair : report.comparison.pairs) {
    const FrameMark& a = report.a.marks.frames[pair.a];
    const FrameMark& b = report.b.marks.frames[pair.b];
    text += seconds(pair.time) + "," + std::to_string(pair.distance) + "," + seconds(a.time) + "," +
            seconds(b.time);
    for (const unsigned value : {a.quality, b.quality, pair.contrast, unsigned{pair.flat},
                                 unsigned{pair.unpaired}, unsigned{pair.differs}})
      text += "," + std::to_string(value);
    text += "\n";
  }
  return text;
}

std::string report_for_programs(const CompareReport& report) {
  const Comparison& comparison = report.comparison;
  JsonWriter json;
  write_film("a", report.a, json);
  write_film("b", report.b, json);
  json.count("threshold", comparison.threshold);
  json.count("compared", comparison.pairs.size());
  json.count("unpaired", comparison.unpaired);
  json.count("flat", comparison.flat);
  json.count("differing", comparison.differing);
  if (is_of_hashes(comparison)) {
    json.begin_object("distance");
    json.number("mean", comparison.mean);
    json.count("median", comparison.median);
    json.count("percentile-99", comparison.nearly_all);
    json.count("worst", comparison.worst);
    json.count("worst-time", comparison.worst_time);
    json.end_object();
  }
  write_verdict(comparison, json);
  if (report.per_frame)
    write_frames(report, json);
  else
    write_seconds(comparison, json);
  return json.finish(true);
}

}  // namespace dist::tool
