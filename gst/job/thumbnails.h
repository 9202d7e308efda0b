// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pictures for the bar in which viewers of a film seek: which ones, their places on sheets, and the
// WebVTT track that tells players where they are. Pure. Times are running times in nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gst/base/result.h"
#include "gst/cut/segment.h"
#include "gst/job/job_error.h"
#include "gst/rendition/rendition.h"

namespace dist {

// The rendition that workers make of them.
inline constexpr char kThumbnails[] = "thumbnails";
// Beside the pictures, which are 00000.jpg, 00001.jpg, ….
inline constexpr char kThumbnailTrack[] = "thumbnails.vtt";

// Seconds such as "10" or "2.5", of which the result is whole milliseconds; none if it is no such
// number, or nothing that can be done.
std::optional<unsigned> parse_interval(std::string_view seconds);
// In milliseconds, for a film of that duration; 0: unknown.
unsigned default_interval(Time duration);

// Pixels, of the longer side: what fills the hover box of a player twice over, for screens with
// small pixels.
inline constexpr unsigned kThumbnailSide = 320;

// One each `interval` milliseconds, at most so large, and not larger than the film.
RenditionSpec thumbnail_rendition(const SourceFormat& film, unsigned interval);

// `specs` and that one, as text for remoteenc. With `ladder` they are rungs, of which it gets those
// that are no larger than the film. An error if another one has that name, or if the film's size is
// unknown.
Result<std::string, JobError> with_thumbnails(const std::vector<RenditionSpec>& specs,
                                              const RenditionSpec& thumbnails,
                                              const SourceFormat& film, bool ladder);

// Which pictures are on screen at multiples of the interval. There is a place for each of these
// times, and one picture may take several: workers send it once however long it is shown. The last
// one takes one, whose cue goes on to the film's end.
class ThumbnailPlaces {
 public:
  explicit ThumbnailPlaces(unsigned interval);

  // A picture comes that is shown from then on: how many places the one before it takes, which is
  // known by now. 0 for the first picture, which has the places of the time before it too.
  std::size_t before(Time time);

 private:
  Time interval_;
  std::optional<std::uint64_t>
      next_;  // Multiple for which the latest picture is; none: no picture.
};

// Sheets are filled line by line. Sizes are in pixels.
struct ThumbnailSheets {
  static constexpr unsigned kColumns = 5;
  static constexpr unsigned kRows = 5;
  static constexpr unsigned kPlaces = kColumns * kRows;

  unsigned width = 0;  // Of one picture.
  unsigned height = 0;

  // Of the picture in that place of its sheet.
  unsigned x_of(std::size_t place) const;
  unsigned y_of(std::size_t place) const;
  // Of a sheet with so many pictures.
  unsigned width_of(std::size_t pictures) const;
  unsigned height_of(std::size_t pictures) const;
};

// "sprite-000.jpg"
std::string sheet_name(std::size_t sheet);

// From when to when the film is shown, sound included.
struct FilmSpan {
  Time begin = 0;
  Time end = 0;
};

// The track: a cue for each of `count` places, as far as they are in the film. Cues begin at 0
// whenever the film does, since players count from there.
std::string thumbnail_track(const ThumbnailSheets& sheets, unsigned interval, std::size_t count,
                            const FilmSpan& film);

}  // namespace dist
