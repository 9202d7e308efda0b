// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/film_end.h"

#include <algorithm>
#include <mutex>

#include "tools/gst-dist/progress.h"

namespace dist::tool {
namespace {

// That nobody wonders about.
constexpr GstClockTime kMaxMissing = 3 * GST_SECOND;
// Of what is announced where that is a guess from sizes and bit rates.
constexpr GstClockTime kGuessed = 50;

}  // namespace

struct LatestTime {
  std::mutex mutex;
  GstClockTime time = 0;

  void add(GstClockTime end) {
    const std::lock_guard lock(mutex);
    time = std::max(time, end);
  }
};

namespace {

struct Watch {
  std::shared_ptr<LatestTime> latest;
  GstSegment segment{};
};

GstPadProbeReturn note(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& watch = *static_cast<Watch*>(data);
  if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) != 0) {
    GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
      gst_event_copy_segment(event, &watch.segment);
    return GST_PAD_PROBE_OK;
  }
  const GstBuffer* const buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstClockTime end = GST_BUFFER_PTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(end) || watch.segment.format != GST_FORMAT_TIME)
    return GST_PAD_PROBE_OK;
  if (GST_BUFFER_DURATION_IS_VALID(buffer))
    end += GST_BUFFER_DURATION(buffer);
  end = std::min(end, watch.segment.stop);
  if (end = gst_segment_to_stream_time(&watch.segment, GST_FORMAT_TIME, end);
      GST_CLOCK_TIME_IS_VALID(end))
    watch.latest->add(end);
  return GST_PAD_PROBE_OK;
}

}  // namespace

FilmEnd::FilmEnd() : latest_(std::make_shared<LatestTime>()) {}

void FilmEnd::watch(GstPad* pad) const {
  gst_pad_add_probe(
      pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM), note,
      new Watch{.latest = latest_}, [](gpointer data) { delete static_cast<Watch*>(data); });
}

GstClockTime FilmEnd::latest() const {
  const std::lock_guard lock(latest_->mutex);
  return latest_->time;
}

std::string early_end(const Film& film, GstClockTime end) {
  const GstClockTime allowed =
      film.states_duration ? kMaxMissing : std::max(kMaxMissing, film.duration / kGuessed);
  if (!GST_CLOCK_TIME_IS_VALID(film.duration) || film.duration <= end + allowed)
    return "";
  const auto seconds = [](GstClockTime time) { return static_cast<double>(time) / GST_SECOND; };
  return "the film ends at " + clock_text(seconds(end)) + " although it announces " +
         clock_text(seconds(film.duration)) + "; it may be cut off";
}

}  // namespace dist::tool
