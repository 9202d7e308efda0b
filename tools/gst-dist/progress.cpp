// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/progress.h"

#include <glib.h>

#include <algorithm>
#include <cmath>

#include "gst/dist/gstx/ref.h"
#include "tools/gst-dist/json_writer.h"

namespace dist::tool {
namespace {

constexpr unsigned kMinBar = 10;
constexpr unsigned kMaxBar = 60;
constexpr std::size_t kMaxName = 24;

template <class... Args>
std::string format(const char* pattern, Args... args) {
  return take_string(g_strdup_printf(pattern, args...));
}

// By characters, not bytes.
std::string cut(const std::string& text, std::size_t width) {
  if (static_cast<std::size_t>(g_utf8_strlen(text.c_str(), -1)) <= width)
    return text;
  if (width == 0)
    return "";
  const gchar* end = g_utf8_offset_to_pointer(text.c_str(), static_cast<glong>(width) - 1);
  return text.substr(0, static_cast<std::size_t>(end - text.c_str())) + "…";
}

std::string padded(const std::string& text, std::size_t width) {
  const auto length = static_cast<std::size_t>(g_utf8_strlen(text.c_str(), -1));
  return text + std::string(width > length ? width - length : 0, ' ');
}

}  // namespace

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::ceil(std::max(0.0, seconds)));
  if (whole >= 3600)
    return format("%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  return format("%ld:%02ld", whole / 60, whole % 60);
}

void Progress::segment_done(const std::string& worker, std::uint64_t index, std::uint64_t frames,
                            double seconds) {
  Worker& by = workers_[worker];
  ++by.segments;
  by.frames += frames;
  // One rendition may have fewer frames than another.
  std::uint64_t& most = open_[index];
  most = std::max(most, frames);
  if (seconds <= 0)
    return;
  ++segments_;
  done_ += seconds;
  frames_ += most;
  open_.erase(index);
}

double Progress::share() const {
  return duration_ > 0 ? std::min(1.0, done_ / duration_) : 0;
}

double Progress::film_per_second(double now) const {
  return now > began_ ? done_ / (now - began_) : 0;
}

double Progress::frames_per_second(std::uint64_t frames, double now) const {
  return now > began_ ? static_cast<double>(frames) / (now - began_) : 0;
}

double Progress::left(double now) const {
  const double speed = film_per_second(now);
  return duration_ > 0 && speed > 0 ? std::max(0.0, duration_ - done_) / speed : -1;
}

std::string Progress::facts(double now) const {
  std::string text = format("%.0f frames/s, %.2f times real time", frames_per_second(frames_, now),
                            film_per_second(now));
  if (const double seconds = left(now); seconds >= 0)
    text += ", " + clock_text(seconds) + " left";
  return text;
}

std::vector<std::string> Progress::for_terminal(unsigned width, unsigned height, double now) const {
  const std::string percent =
      duration_ > 0 ? format("%3.0f %% ", 100 * share()) : clock_text(done_) + " ";
  const std::string text = facts(now);
  std::string line = percent;
  const std::size_t taken = percent.size() + 3 + text.size();
  if (duration_ > 0 && width >= taken + kMinBar) {
    const auto bar = std::min<std::size_t>(width - taken, kMaxBar);
    const auto full = static_cast<std::size_t>(std::floor(share() * static_cast<double>(bar)));
    line += "[" + std::string(full, '#') + std::string(bar - full, '-') + "] ";
  }
  std::vector<std::string> lines = {cut(line + text, width)};

  std::size_t longest = 0;
  for (const auto& [name, worker] : workers_)
    longest = std::max(longest, static_cast<std::size_t>(g_utf8_strlen(name.c_str(), -1)));
  longest = std::min(longest, kMaxName);
  for (const auto& [name, worker] : workers_) {
    if (lines.size() + 1 >= height && workers_.size() > height - 1) {
      lines.push_back(cut(format("  and %zu more", workers_.size() + 1 - lines.size()), width));
      break;
    }
    std::string row = "  " + padded(cut(name, longest), longest) +
                      format("  %" G_GUINT64_FORMAT " segments, %.0f frames/s", worker.segments,
                             frames_per_second(worker.frames, now));
    if (worker.failures > 0)
      row += format(", %" G_GUINT64_FORMAT " failed", worker.failures);
    if (!worker.here)
      row += ", gone";
    lines.push_back(cut(row, width));
  }
  return lines;
}

std::string Progress::for_log(double now) const {
  const auto here = std::ranges::count_if(workers_, [](const auto& w) { return w.second.here; });
  return (duration_ > 0 ? format("%.0f %%, ", 100 * share()) : "") +
         format("%" G_GUINT64_FORMAT " segments, ", segments_) + facts(now) +
         format(", %ld workers", static_cast<long>(here));
}

std::string Progress::for_programs(double now) const {
  JsonWriter json;
  json.text("event", "progress");
  if (duration_ > 0)
    json.number("percent", 100 * share());
  json.number("seconds", done_);
  json.number("elapsed", now - began_);
  json.count("segments", segments_);
  json.count("frames", frames_);
  json.number("frames-per-second", frames_per_second(frames_, now));
  json.number("times-real-time", film_per_second(now));
  if (const double seconds = left(now); seconds >= 0)
    json.number("seconds-left", seconds);
  json.begin_array("workers");
  for (const auto& [name, worker] : workers_) {
    json.begin_object(nullptr);
    json.text("name", name);
    json.flag("connected", worker.here);
    json.count("segments", worker.segments);
    json.count("frames", worker.frames);
    json.count("failed-leases", worker.failures);
    json.end_object();
  }
  json.end_array();
  return json.finish(false);
}

}  // namespace dist::tool
