// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/compare/comparison.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace dist::tool {
namespace {

// Of 255. Encoders change the mean of a part by a few, fades from one frame to the next by ten.
constexpr unsigned kSameContrast = 24;
// Containers that count milliseconds move frames by no more than this.
constexpr Time kRounding = 2'000'000;
// Differences with less than this between them are one.
constexpr Time kPause = kSecond / 2;

Time apart(Time a, Time b) {
  return a > b ? a - b : b - a;
}

unsigned contrast(const Brightness& a, const Brightness& b) {
  unsigned largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, static_cast<unsigned>(std::abs(int{a[i]} - int{b[i]})));
  return largest;
}

std::size_t frames_before(const FilmMarks& film, Time time) {
  return time == 0 ? 0 : first_after(film, time - 1);
}

FilmMarks without_beginning(const FilmMarks& film, Time time) {
  const auto first = static_cast<std::ptrdiff_t>(frames_before(film, time));
  FilmMarks rest;
  rest.frames.assign(film.frames.begin() + first, film.frames.end());
  for (FrameMark& frame : rest.frames)
    frame.time -= time;
  rest.end = film.end - time;
  return rest;
}

class Comparer {
 public:
  Comparer(const FilmMarks& a, const FilmMarks& b, unsigned threshold)
      : a_(a), b_(b), end_(std::min(a.end, b.end)) {
    result_.threshold = threshold;
    const bool a_has_more = first_after(a, end_) > first_after(b, end_);
    fewer_ = a_has_more ? &b : &a;
    more_ = a_has_more ? &a : &b;
    duration_ = usual_duration(*fewer_);
    more_duration_ = usual_duration(*more_);
    other_rate_ = have_other_rates(a, b);
  }

  Comparison run() {
    const auto& frames = fewer_->frames;
    for (std::size_t i = 0; i < frames.size() && frames[i].time < end_; ++i) {
      compare_frame(i);
      const bool last = i + 1 == frames.size() || frames[i + 1].time >= end_;
      compare_gap(i, last ? end_ : frames[i + 1].time);
    }
    // Half a frame, or what converters add or leave out at the end.
    const Time longer = apart(a_.end, b_.end);
    result_.other_length = longer > (other_rate_ ? 2 * duration_ : 3 * duration_ / 4);
    return std::move(result_);
  }

 private:
  // `i` is of the film with fewer frames, `j` of the other one.
  FramePair pair(std::size_t i, std::size_t j) const {
    FramePair pair;
    pair.a = fewer_ == &a_ ? i : j;
    pair.b = fewer_ == &a_ ? j : i;
    const FrameMark& a = a_.frames[pair.a];
    const FrameMark& b = b_.frames[pair.b];
    pair.distance = distance(a.hash, b.hash);
    pair.contrast = contrast(a.brightness, b.brightness);
    pair.flat = are_flat(a, b);
    const bool other_brightness = pair.contrast > kSameContrast;
    if (pair.flat)
      pair.differs = other_brightness;
    else
      pair.differs = pair.distance > 2 * result_.threshold ||
                     (pair.distance > result_.threshold && other_brightness);
    return pair;
  }

  void compare_frame(std::size_t i) {
    const Time time = fewer_->frames[i].time;
    const std::size_t near = nearest(*more_, time);
    const Time off = apart(more_->frames[near].time, time);
    FramePair best = pair(i, off <= duration_ / 2 ? near : shown_at(*more_, time));
    if (other_rate_ || off > kRounding)
      for (std::size_t j = near - std::min<std::size_t>(near, 1);
           j <= near + 1 && j < more_->frames.size(); ++j)
        if (apart(more_->frames[j].time, time) <= more_duration_ + kRounding)
          take_better(best, pair(i, j));
    best.unpaired = off > duration_ / 2;
    best.time = time;
    result_.pairs.push_back(best);
  }

  // Where frame `i` stays for long, it has to be what the other film shows meanwhile.
  void compare_gap(std::size_t i, Time next) {
    const Time margin = duration_ / 2;
    const Time time = fewer_->frames[i].time;
    if (next - time <= duration_ + margin)
      return;
    for (std::size_t j = first_after(*more_, time + margin); j < more_->frames.size(); ++j) {
      const Time at = more_->frames[j].time;
      if (at + margin >= next)
        break;
      FramePair best = pair(i, j);
      if (i + 1 < fewer_->frames.size() && fewer_->frames[i + 1].time - at <= duration_)
        take_better(best, pair(i + 1, j));
      best.unpaired = true;
      best.time = at;
      result_.pairs.push_back(best);
    }
  }

  static void take_better(FramePair& best, const FramePair& other) {
    if (std::pair(other.differs, other.score()) < std::pair(best.differs, best.score()))
      best = other;
  }

  const FilmMarks& a_;
  const FilmMarks& b_;
  const Time end_;
  const FilmMarks* fewer_ = nullptr;
  const FilmMarks* more_ = nullptr;
  Time duration_ = 0;  // Of a usual frame of the film with fewer.
  Time more_duration_ = 0;
  bool other_rate_ = false;
  Comparison result_;
};

void count(Comparison& comparison) {
  std::vector<unsigned> distances;
  double sum = 0;
  for (const FramePair& pair : comparison.pairs) {
    comparison.unpaired += pair.unpaired ? 1 : 0;
    comparison.flat += pair.flat ? 1 : 0;
    comparison.differing += pair.differs ? 1 : 0;
    if (pair.flat)
      continue;
    if (distances.empty() || pair.distance > comparison.worst) {
      comparison.worst = pair.distance;
      comparison.worst_time = pair.time;
    }
    distances.push_back(pair.distance);
    sum += pair.distance;
  }
  if (distances.empty())
    return;
  std::ranges::sort(distances);
  comparison.mean = sum / static_cast<double>(distances.size());
  comparison.median = distances[distances.size() / 2];
  comparison.nearly_all = distances[(distances.size() - 1) * 99 / 100];
}

void find_differences(Comparison& comparison) {
  std::vector<Difference>& found = comparison.differences;
  for (std::size_t i = 0; i < comparison.pairs.size(); ++i) {
    const FramePair& pair = comparison.pairs[i];
    if (!pair.differs)
      continue;
    if (found.empty() || pair.time > found.back().stop + kPause)
      found.push_back({.start = pair.time, .worst_time = pair.time});
    Difference& difference = found.back();
    difference.stop = i + 1 < comparison.pairs.size()
                          ? comparison.pairs[i + 1].time
                          : std::min(comparison.a_end, comparison.b_end);
    ++difference.frames;
    if (pair.score() > difference.worst) {
      difference.worst = pair.score();
      difference.worst_time = pair.time;
    }
  }
}

}  // namespace

unsigned FramePair::score() const {
  if (!flat)
    return distance;
  return differs ? contrast : 0;
}

Comparison compare(const FilmMarks& a, const FilmMarks& b, unsigned threshold) {
  const std::int64_t shift = shift_between(a, b);
  const Time later = shift > 0 ? static_cast<Time>(shift) : 0;
  const Time earlier = shift < 0 ? static_cast<Time>(-shift) : 0;
  Comparison comparison = later > 0 ? Comparer(a, without_beginning(b, later), threshold).run()
                          : earlier > 0
                              ? Comparer(without_beginning(a, earlier), b, threshold).run()
                              : Comparer(a, b, threshold).run();
  for (FramePair& pair : comparison.pairs) {
    pair.time += earlier;
    pair.a += frames_before(a, earlier);
    pair.b += frames_before(b, later);
  }
  comparison.shift = shift;
  comparison.a_end = a.end;
  comparison.b_end = b.end + earlier - later;
  const Time frame = std::max(usual_duration(a), usual_duration(b));
  comparison.other_time = later + earlier > (have_other_rates(a, b) ? 2 * frame : frame / 2);
  count(comparison);
  find_differences(comparison);
  return comparison;
}

std::vector<Second> seconds_of(const Comparison& comparison) {
  std::vector<Second> seconds;
  std::size_t hashed = 0;
  for (const FramePair& pair : comparison.pairs) {
    const Time start = pair.time / kSecond * kSecond;
    if (seconds.empty() || seconds.back().start != start) {
      seconds.push_back({.start = start, .worst_time = pair.time});
      hashed = 0;
    }
    Second& second = seconds.back();
    ++second.frames;
    second.flat += pair.flat ? 1 : 0;
    second.unpaired += pair.unpaired ? 1 : 0;
    second.differing += pair.differs ? 1 : 0;
    if (pair.flat)
      continue;
    ++hashed;
    second.mean += (pair.distance - second.mean) / static_cast<double>(hashed);
    if (hashed == 1 || pair.distance > second.worst) {
      second.worst = pair.distance;
      second.worst_time = pair.time;
    }
  }
  return seconds;
}

std::vector<std::size_t> worst_pairs(const Comparison& comparison, std::size_t count) {
  const auto score = [&](std::size_t i) { return comparison.pairs[i].score(); };
  std::vector<std::size_t> order(comparison.pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), score);
  // One of each difference, before there are two of any.
  std::stable_partition(order.begin(), order.end(), [&](std::size_t i) {
    return std::ranges::any_of(comparison.differences, [&](const Difference& difference) {
      return difference.worst_time == comparison.pairs[i].time;
    });
  });
  // Neighbours show the same thing once more.
  const Time least = comparison.length() / (4 * std::max<std::size_t>(count, 1));
  std::vector<std::size_t> worst;
  for (const std::size_t i : order) {
    if (worst.size() == count || score(i) == 0)
      break;
    if (std::ranges::all_of(worst, [&](std::size_t other) {
          return apart(comparison.pairs[i].time, comparison.pairs[other].time) >= least;
        }))
      worst.push_back(i);
  }
  std::ranges::sort(worst);
  return worst;
}

}  // namespace dist::tool
