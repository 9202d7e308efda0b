// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/progress.h"

#include <algorithm>
#include <cmath>

#include "gst/base/text.h"
#include "gst/gstx/json_writer.h"

namespace dist::tool {
namespace {

constexpr unsigned kMinBar = 10;
constexpr unsigned kMaxBar = 60;
constexpr std::size_t kMaxName = 24;
constexpr std::size_t kMaxGone = 3;
// Less is not worth a word.
constexpr double kMuchDecoding = 1.25;

}  // namespace

Progress::Worker& Progress::of(const WorkerId& worker) {
  Worker& found = workers_[worker.number];
  found.name = worker.name;
  return found;
}

void Progress::worker_left(const WorkerId& worker) {
  gone_.push_front(of(worker));
  workers_.erase(worker.number);
  if (gone_.size() > kMaxGone)
    gone_.pop_back();
}

void Progress::segment_done(const WorkerId& worker, std::uint64_t index, std::uint64_t frames,
                            bool whole) {
  Worker& by = of(worker);
  helpers_ += by.segments == 0 ? 1 : 0;
  ++by.segments;
  by.frames += frames;
  segment_found(index, frames, whole);
}

void Progress::segment_found(std::uint64_t index, std::uint64_t frames, bool whole) {
  // One rendition may have fewer frames than another.
  std::uint64_t& most = open_[index];
  most = std::max(most, frames);
  if (!whole)
    return;
  ++segments_;
  frames_ += most;
  open_.erase(index);
}

void Progress::lease_failed(const WorkerId& worker) {
  ++of(worker).failures;
  ++failures_;
}

double Progress::share() const {
  return duration_ > 0 ? std::min(1.0, reached_ / duration_) : 0;
}

double Progress::film_per_second(double now) const {
  return now > began_ ? reached_ / (now - began_) : 0;
}

double Progress::frames_per_second(double frames, double now) const {
  return now > began_ ? frames / (now - began_) : 0;
}

double Progress::left(double now) const {
  const double speed = film_per_second(now);
  return duration_ > 0 && speed > 0 ? std::max(0.0, duration_ - reached_) / speed : -1;
}

std::string Progress::facts(double now) const {
  std::string text = format("%.0f frames/s, %.2f times real time",
                            frames_per_second(all_frames(), now), film_per_second(now));
  if (const double seconds = left(now); seconds >= 0)
    text += ", " + clock_text(seconds) + " left";
  return text;
}

std::vector<std::string> Progress::for_terminal(unsigned width, unsigned height, double now) const {
  const std::string percent =
      duration_ > 0 ? format("%3.0f %% ", 100 * share()) : clock_text(reached_) + " ";
  const std::string text = facts(now);
  std::string line = percent;
  const std::size_t taken = percent.size() + 3 + text.size();
  if (duration_ > 0 && width >= taken + kMinBar) {
    const auto bar = std::min<std::size_t>(width - taken, kMaxBar);
    const auto full = static_cast<std::size_t>(std::floor(share() * static_cast<double>(bar)));
    line += "[" + std::string(full, '#') + std::string(bar - full, '-') + "] ";
  }
  std::vector<std::string> lines = {cut(line + text, width)};

  std::vector<const Worker*> workers;
  for (const auto& [number, worker] : workers_)
    workers.push_back(&worker);
  for (const Worker& worker : gone_)
    workers.push_back(&worker);
  std::size_t longest = 0;
  for (const Worker* worker : workers)
    longest = std::max(longest, width_of(printable(worker->name)));
  longest = std::min(longest, kMaxName);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (lines.size() + 1 >= height && workers.size() > height - 1) {
      lines.push_back(cut(format("  and %zu more", workers.size() - i), width));
      break;
    }
    const Worker& worker = *workers[i];
    std::string row = "  " + padded(cut(printable(worker.name), longest), longest) +
                      format("  %" G_GUINT64_FORMAT " segments, %.0f frames/s", worker.segments,
                             frames_per_second(static_cast<double>(worker.frames), now));
    if (worker.failures > 0)
      row += format(", %" G_GUINT64_FORMAT " failed", worker.failures);
    if (i >= workers_.size())
      row += ", gone";
    lines.push_back(cut(row, width));
  }
  return lines;
}

std::string Progress::for_log(double now) const {
  return (duration_ > 0 ? format("%.0f %%, ", 100 * share()) : "") +
         count_text(segments_, "segment") + ", " + facts(now) + ", " +
         count_text(workers_.size(), "worker");
}

std::string Progress::summary(double now) const {
  return "done in " + clock_text(now - began_) + ": " + count_text(frames_, "frame") + " in " +
         count_text(segments_, "segment") + " by " + count_text(helpers_, "worker") + ", " +
         format("%.2f times real time", film_per_second(now)) +
         (failures_ > 0 ? ", " + count_text(failures_, "attempt") + " failed" : "") +
         (decoding_ >= kMuchDecoding
              ? format("; keyframes are so rare that frames were decoded %.1f times", decoding_)
              : "");
}

std::string Progress::done_for_programs(const std::vector<std::string>& files, double now) const {
  JsonWriter json;
  json.text("event", "done");
  json.texts("files", files);
  json.number("elapsed", now - began_);
  json.count("segments", segments_);
  json.count("frames", frames_);
  json.count("workers", helpers_);
  json.count("failed-leases", failures_);
  json.number("decoded", decoding_);
  return json.finish(false);
}

std::string Progress::for_programs(double now) const {
  JsonWriter json;
  json.text("event", "progress");
  if (duration_ > 0)
    json.number("percent", 100 * share());
  json.number("seconds", reached_);
  json.number("elapsed", now - began_);
  json.count("segments", segments_);
  json.count("frames", frames_);
  json.number("frames-per-second", frames_per_second(all_frames(), now));
  json.number("times-real-time", film_per_second(now));
  if (const double seconds = left(now); seconds >= 0)
    json.number("seconds-left", seconds);
  json.begin_array("workers");
  const auto write = [&json](const Worker& worker, bool here) {
    json.begin_object(nullptr);
    json.text("name", worker.name);
    json.flag("connected", here);
    json.count("segments", worker.segments);
    json.count("frames", worker.frames);
    json.count("failed-leases", worker.failures);
    json.end_object();
  };
  for (const auto& [number, worker] : workers_)
    write(worker, true);
  for (const Worker& worker : gone_)
    write(worker, false);
  json.end_array();
  return json.finish(false);
}

}  // namespace dist::tool
