// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a job wants made of its film: renditions, as text and back, and how they fit a source.
// docs/design/ladder.md has the grammar.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gst/base/result.h"
#include "gst/cut/picture_size.h"
#include "gst/cut/segment.h"

namespace dist {

// A positive fraction.
struct Fraction {
  unsigned num = 0;
  unsigned den = 1;
  bool operator==(const Fraction&) const = default;
};

enum class Speed { kFast, kMedium, kSlow };

struct RenditionSpec {
  std::string name;   // Letters, digits, '-' and '_'; unique in its job.
  std::string codec;  // A name of codecs().
  // Pixels. 0: see resolve(). Never more than kMaxSize.
  unsigned width = 0;
  unsigned height = 0;
  // Frames in a second at most: frames of the source are left out, none is invented. None: all.
  std::optional<Fraction> fps;

  // At most one of these is set. Quality is in the codec's own measure, see codecs().
  std::optional<double> quality;         // Text: crf=, or quality= for codecs of single pictures.
  std::optional<std::uint64_t> bitrate;  // Bits a second, on average over each segment.
  // The most bits a second that constant quality may take, over `buffer` milliseconds. 0: no limit.
  std::optional<std::uint64_t> max_rate;
  std::optional<unsigned> buffer;
  std::optional<unsigned> keyframe_interval;  // Frames.
  std::optional<unsigned> b_frames;
  std::optional<unsigned> threads;  // Of the encoder.
  std::optional<Speed> speed;
  // --- Set by the primary, not by users
  // Parameter sets in each segment, so that those of different encoders may follow one another.
  bool in_band = false;
  Fraction pixel_aspect_ratio{1, 1};
  // The sizes, largest first, that the picture passes before it has its own: those of the job's
  // larger renditions. A worker that makes only some of these scales as one that makes all.
  std::vector<PictureSize> via = {};

  bool operator==(const RenditionSpec&) const = default;
};

inline constexpr unsigned kMaxRenditions = 32;
inline constexpr unsigned kMaxSize = 16384;

// What a codec's name stands for.
struct CodecInfo {
  const char* name;        // In a RenditionSpec: "h264".
  const char* media_type;  // Of its caps: "video/x-h264".
  double best_quality;     // Range of the quality measure, and its default.
  double worst_quality;
  double default_quality;
  bool single_pictures;  // Quality is "quality" and grows with it, else "crf" and falls.
  bool odd_sizes;        // Takes odd widths and heights.
  // Default of max_rate, in bits for each pixel; 0: its encoders know no rates.
  double bits_per_pixel;
};
const std::vector<CodecInfo>& codecs();
// Null if there is none of that name.
const CodecInfo* find_codec(std::string_view name);

// "720p:h264:1280x720:crf=23, thumb:jpeg:320x180:fps=1". The error names the rendition, the field
// and what would be right.
Result<std::vector<RenditionSpec>> parse_renditions(std::string_view text);

// Sets the field of that name, as in the text or in a ladder file: codec, size, width, height, fps,
// crf, quality, bitrate, maxrate, buffer, keyint, bframes, threads, speed. The error says what
// would be right and names the field first.
Status set_field(RenditionSpec& spec, std::string_view field, std::string_view value);
// What set_field() cannot see alone: fields missing or excluding each other, names that come twice.
Status check_renditions(const std::vector<RenditionSpec>& specs);

// As parse_renditions() takes it; equal renditions give equal texts.
std::string to_string(const std::vector<RenditionSpec>& specs);

// The built-in ladder of that name as text for parse_renditions(), or null. Names: "h264", "hevc",
// "vp9", "av1", "mezzanine".
const char* built_in_ladder(std::string_view name);
std::string built_in_ladder_names();  // For messages: "h264, hevc, …".

// What is encoded, as its caps say.
struct SourceFormat {
  unsigned width = 0;
  unsigned height = 0;
  Fraction pixel_aspect_ratio{1, 1};
  std::optional<Fraction> framerate;  // None: unknown or variable.
};

// The renditions with everything filled in that depends on the source:
// - Width and height. Those given are a box in which the picture is fitted with its aspect ratio;
//   a name such as "720p" without a size is a height, which is never more than the source's;
//   otherwise the size is the source's. Even, except where the codec takes odd ones and the size is
//   the source's own. Pixels are square, except where the size is the source's own.
// - max_rate, of those without bitrate.
// - via.
// With `ladder`, renditions that are larger than the source are left out, except that the smallest
// one stays, in the source's size. An error if the source's size is unknown (0).
Result<std::vector<RenditionSpec>> resolve(const std::vector<RenditionSpec>& specs,
                                           const SourceFormat& source, bool ladder);

// Both empty: unknown.
struct Encoder {
  std::string name;  // Of its factory.
  std::string version;
  auto operator<=>(const Encoder&) const = default;
};

// What a worker can do for one rendition.
struct Ability {
  bool able = false;
  std::string encoder = {};  // Factory name; empty: a pipeline that somebody wrote.
  std::string reason = {};   // Why not, if it is not able.
  // Of the encoder, and of what stands around it: while this text stays the same, equal segments
  // give results that may stand for each other. Empty: unknown.
  std::string version = {};
  bool operator==(const Ability&) const = default;
};

// The presentation times, of those of `source`, that a rendition has: all of them, or with `fps`
// those of the frames that are on screen when running time is a multiple of 1/fps. The film's first
// frame counts for the time before it too. Ascending.
std::vector<Time> frames_of(const SegmentHeader& source, const RenditionSpec& spec);

}  // namespace dist
