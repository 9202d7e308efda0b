// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/thumbnails.h"

#include <algorithm>
#include <cinttypes>
#include <numeric>
#include <utility>
#include <vector>

#include "gst/base/text.h"

namespace dist {
namespace {

constexpr Time kMillisecond = kSecond / 1000;
constexpr unsigned kMinInterval = 10;  // Milliseconds.
constexpr unsigned kMaxInterval = 1'000'000;
// Pictures of a short film.
constexpr unsigned kEnough = 100;

unsigned rounded_up(unsigned size) {
  return (size + 1) & ~1u;
}

unsigned even(double size) {
  return std::max(2u, static_cast<unsigned>(size) & ~1u);
}

std::string time_text(std::uint64_t milliseconds) {
  const std::uint64_t seconds = milliseconds / 1000;
  return format("%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64, seconds / 3600,
                seconds / 60 % 60, seconds % 60, milliseconds % 1000);
}

// The rung as remoteenc makes it if nothing smaller is left: in the film's size.
RenditionSpec as_made(const RenditionSpec& rung, const RenditionSpec& resolved,
                      const SourceFormat& film) {
  const auto alone = resolve({rung}, film, false);
  const bool fits =
      alone && alone->front().width == resolved.width && alone->front().height == resolved.height;
  RenditionSpec made = rung;
  made.width = fits ? rung.width : resolved.width;
  made.height = fits ? rung.height : resolved.height;
  return made;
}

}  // namespace

std::optional<unsigned> parse_interval(std::string_view seconds) {
  const std::size_t dot = std::min(seconds.find('.'), seconds.size());
  const std::string_view decimals = seconds.substr(std::min(dot + 1, seconds.size()));
  std::string digits(seconds.substr(0, dot));
  digits += decimals;
  if (digits.empty() || digits.size() > 9 || decimals.size() > 3 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return {};
  digits.append(3 - decimals.size(), '0');
  const std::uint64_t milliseconds = std::stoull(digits);
  if (milliseconds < kMinInterval || milliseconds > kMaxInterval)
    return {};
  return static_cast<unsigned>(milliseconds);
}

unsigned default_interval(Time duration) {
  constexpr unsigned kUsual = 10'000;
  for (const unsigned interval : {1000u, 2000u, 5000u})
    if (duration > 0 && duration <= kEnough * interval * kMillisecond)
      return interval;
  return kUsual;
}

RenditionSpec thumbnail_rendition(const SourceFormat& film, unsigned interval) {
  const unsigned common = std::gcd(1000u, interval);
  RenditionSpec spec;
  spec.name = kThumbnails;
  spec.codec = "jpeg";
  spec.fps = Fraction{1000 / common, interval / common};
  const Fraction& pixels = film.pixel_aspect_ratio;
  const double shape = pixels.num > 0 && pixels.den > 0 ? 1.0 * pixels.num / pixels.den : 1;
  const double width = film.width * shape;
  const bool larger = std::max<double>(width, film.height) > kThumbnailSide;
  // A box, except where that would leave a small film's odd size as it is.
  spec.width = larger ? kThumbnailSide : even(width);
  spec.height = larger ? kThumbnailSide : even(film.height);
  return spec;
}

Result<std::string, JobError> with_thumbnails(const std::vector<RenditionSpec>& specs,
                                              const RenditionSpec& thumbnails,
                                              const SourceFormat& film, bool ladder) {
  const auto resolved = resolve(specs, film, ladder);
  if (!resolved)
    return JobError{JobError::Kind::kRequest, resolved.error()};
  std::vector<RenditionSpec> all;
  for (const RenditionSpec& spec : *resolved) {
    if (spec.name == thumbnails.name)
      return JobError{.kind = JobError::Kind::kRequest,
                      .message = "rendition '" + spec.name + "': the thumbnails have that name",
                      .remedy = JobError::Remedy::kRename,
                      .rendition = spec.name};
    const auto asked = std::ranges::find(specs, spec.name, &RenditionSpec::name);
    all.push_back(ladder ? as_made(*asked, spec, film) : *asked);
  }
  all.push_back(thumbnails);
  return to_string(all);
}

ThumbnailPlaces::ThumbnailPlaces(unsigned interval) : interval_(interval * kMillisecond) {}

std::size_t ThumbnailPlaces::before(Time time) {
  if (!next_) {
    next_ = 0;
    return 0;
  }
  const std::uint64_t place = std::max(*next_, (time + interval_ - 1) / interval_);
  return static_cast<std::size_t>(place - std::exchange(*next_, place));
}

unsigned ThumbnailSheets::x_of(std::size_t place) const {
  return static_cast<unsigned>(place % kColumns) * rounded_up(width);
}

unsigned ThumbnailSheets::y_of(std::size_t place) const {
  return static_cast<unsigned>(place / kColumns) * rounded_up(height);
}

unsigned ThumbnailSheets::width_of(std::size_t pictures) const {
  return x_of(std::min<std::size_t>(pictures, kColumns) - 1) + rounded_up(width);
}

unsigned ThumbnailSheets::height_of(std::size_t pictures) const {
  return y_of(pictures - 1) + rounded_up(height);
}

std::string sheet_name(std::size_t sheet) {
  return format("sprite-%03zu.jpg", sheet);
}

std::string thumbnail_track(const ThumbnailSheets& sheets, unsigned interval, std::size_t count,
                            const FilmSpan& film) {
  const auto in_film = [&film](Time time) {
    return time > film.begin ? (time - film.begin + kMillisecond / 2) / kMillisecond : 0;
  };
  const Time step = interval * kMillisecond;
  std::string text = "WEBVTT\n";
  for (std::size_t i = 0; i < count; ++i) {
    const Time begin = i * step;
    const Time end = i + 1 == count ? film.end : begin + step;
    // From before the film, or less than a millisecond before its end.
    if (in_film(end) <= in_film(begin))
      continue;
    const std::size_t place = i % ThumbnailSheets::kPlaces;
    text += "\n" + time_text(in_film(begin)) + " --> " + time_text(in_film(end)) + "\n" +
            sheet_name(i / ThumbnailSheets::kPlaces) +
            format("#xywh=%u,%u,%u,%u\n", sheets.x_of(place), sheets.y_of(place), sheets.width,
                   sheets.height);
  }
  return text;
}

}  // namespace dist
