// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/compare/film_marks.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace dist::tool {
namespace {

// Rates are other ones if their frames last so much longer: containers that count milliseconds
// change them by less.
constexpr Time kOtherRate = 1'000'000;
// Nor more than half of a film, for what is left has to tell something.
constexpr Time kMaxShift = 10 * kSecond;
// Frames that tell whether a shift fits; more take time, and tell no more.
constexpr std::size_t kProbes = 250;
constexpr std::size_t kMinProbes = 10;
// Films that are no further apart, in bits, need no shift; another one has to make that so much
// less.
constexpr double kNear = 8;
constexpr double kMuchLess = 0.6;

// The mean distance of frames of `few` to those of `many` that are later by `shift`; none if there
// are not enough.
std::optional<double> distance_at(const FilmMarks& few, const FilmMarks& many, std::int64_t shift) {
  const std::size_t step = few.frames.size() / kProbes + 1;
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < few.frames.size(); i += step) {
    const auto time = static_cast<std::int64_t>(few.frames[i].time) + shift;
    if (time < 0 || static_cast<Time>(time) >= many.end)
      continue;
    const FrameMark& other = many.frames[nearest(many, static_cast<Time>(time))];
    if (are_flat(few.frames[i], other))
      continue;
    sum += distance(few.frames[i].hash, other.hash);
    ++count;
  }
  if (count < kMinProbes)
    return {};
  return sum / static_cast<double>(count);
}

}  // namespace

Time usual_duration(const FilmMarks& film) {
  std::vector<Time> durations;
  for (std::size_t i = 1; i < film.frames.size(); ++i)
    durations.push_back(film.frames[i].time - film.frames[i - 1].time);
  if (durations.empty())
    return film.end;
  const auto middle = durations.begin() + static_cast<std::ptrdiff_t>(durations.size() / 2);
  std::nth_element(durations.begin(), middle, durations.end());
  return *middle;
}

std::size_t first_after(const FilmMarks& film, Time time) {
  const auto found = std::ranges::upper_bound(film.frames, time, {}, &FrameMark::time);
  return static_cast<std::size_t>(found - film.frames.begin());
}

std::size_t shown_at(const FilmMarks& film, Time time) {
  const std::size_t next = first_after(film, time);
  return next == 0 ? 0 : next - 1;
}

std::size_t nearest(const FilmMarks& film, Time time) {
  const std::size_t next = first_after(film, time);
  if (next == 0)
    return 0;
  if (next == film.frames.size())
    return next - 1;
  return film.frames[next].time - time < time - film.frames[next - 1].time ? next : next - 1;
}

bool have_other_rates(const FilmMarks& a, const FilmMarks& b) {
  const auto [less, more] = std::minmax({usual_duration(a), usual_duration(b)});
  return more - less > kOtherRate;
}

bool are_flat(const FrameMark& a, const FrameMark& b) {
  const auto [low, high] = std::minmax({a.quality, b.quality});
  return low < kMinHashQuality && (high < kMinHashQuality || 2 * low >= high);
}

std::int64_t shift_between(const FilmMarks& a, const FilmMarks& b) {
  const bool a_has_more = a.frames.size() > b.frames.size();
  const FilmMarks& few = a_has_more ? b : a;
  const FilmMarks& many = a_has_more ? a : b;
  const std::optional<double> unmoved = distance_at(few, many, 0);
  const Time step = usual_duration(many);
  if (!unmoved || *unmoved <= kNear || step == 0)
    return 0;
  double least = *unmoved * kMuchLess;
  std::int64_t best = 0;
  const Time most = std::min({kMaxShift, a.end / 2, b.end / 2});
  for (Time later = step; later <= most; later += step)
    for (const std::int64_t shift :
         {static_cast<std::int64_t>(later), -static_cast<std::int64_t>(later)})
      if (const auto found = distance_at(few, many, shift); found && *found < least) {
        least = *found;
        best = shift;
      }
  return a_has_more ? -best : best;
}

}  // namespace dist::tool
