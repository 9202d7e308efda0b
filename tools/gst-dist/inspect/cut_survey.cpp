// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/inspect/cut_survey.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "gst/base/text.h"
#include "gst/film/cut_film.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/stream_format.h"

namespace dist::tool {
namespace {

// Filled in by streaming threads, read when they have ended.
struct Watch {
  StreamFormat format;
  CutSurvey seen;
};

// In a picture coding extension (ISO/IEC 13818-2 6.2.3.1). Parsers do not tell.
bool repeats_field(std::span<const std::uint8_t> unit) {
  constexpr std::uint8_t kExtension[] = {0, 0, 1, 0xb5};
  for (auto at = unit.begin();;) {
    at = std::search(at, unit.end(), std::begin(kExtension), std::end(kExtension));
    if (unit.end() - at < 8)
      return false;
    if (at[4] >> 4 == 8)
      return (at[7] & 0x02) != 0;
    at += 4;
  }
}

void note_unit(Watch& watch, GstBuffer* buffer) {
  const bool keyframe = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  UnitKind kind;
  bool repeats = false;
  if (watch.format.codec == Codec::kRaw) {
    kind = classify(watch.format, true, {});
  } else {
    const BufferMap map(buffer);
    kind = classify(watch.format, keyframe, map.span());
    repeats = watch.format.codec == Codec::kMpeg12 && repeats_field(map.span());
  }
  watch.seen.bytes += gst_buffer_get_size(buffer);
  watch.seen.units.push_back({.random_access = kind.random_access,
                              .shown = kind.shown,
                              .has_pts = GST_BUFFER_PTS_IS_VALID(buffer) != FALSE,
                              .marked = keyframe,
                              .repeats_field = repeats});
}

void note_caps(Watch& watch, GstCaps* caps) {
  watch.format = stream_format(gst_caps_get_structure(caps, 0));
  const auto readable = Ref<GstCaps>::adopt(gst_caps_copy(caps));
  gst_structure_remove_fields(gst_caps_get_structure(readable.get(), 0), "codec_data",
                              "streamheader", nullptr);
  std::string text = take_string(gst_caps_to_string(readable.get()));
  CutSurvey& seen = watch.seen;
  seen.caps_change = seen.caps_change || (!seen.caps.empty() && seen.caps != text);
  if (seen.caps.empty())
    seen.caps = std::move(text);
}

void note_segment(Watch& watch, GstBuffer* buffer) {
  const auto header = read_header(buffer);
  if (!header)
    return;
  SurveyedSegment segment{.start = header->start,
                          .stop = header->stop,
                          .first_unit = header->first_unit,
                          .units = header->units.size(),
                          .frames = 0,
                          .preroll = 0,
                          .bytes = header->payload_size()};
  for (std::size_t i = 0; i < header->units.size(); ++i) {
    const Time show = header->units[i].show;
    if (show == kNoTime)
      continue;
    if (segment.frames++ == 0)
      segment.preroll = i;
    if (const std::size_t unit = header->first_unit + i; unit < watch.seen.units.size())
      watch.seen.units[unit].show = show;
  }
  watch.seen.segments.push_back(segment);
}

}  // namespace

CutSurvey survey_cuts(const Film& film, const SegmentLimit& limit) {
  Watch watch;
  Cutting cutting{{"max-decoding", "2"}};
  if (const auto seconds = limit.seconds())
    cutting["max-segment-duration"] =
        std::to_string(static_cast<std::uint64_t>(*seconds * static_cast<double>(kSecond)));
  CutEnd end = cut_film(film, cutting,
                        {.caps = [&watch](GstCaps* caps) { note_caps(watch, caps); },
                         .unit = [&watch](GstBuffer* unit) { note_unit(watch, unit); },
                         .segment =
                             [&watch](GstBuffer* segment) {
                               note_segment(watch, segment);
                               return true;
                             }});
  watch.seen.warnings = std::move(end.warnings);
  watch.seen.flaw = std::move(end.flaw);
  return std::move(watch.seen);
}

}  // namespace dist::tool
