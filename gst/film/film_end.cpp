// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/film_end.h"

#include <algorithm>
#include <map>

#include "gst/base/mutex.h"
#include "gst/base/text.h"

namespace dist {
namespace {

// That nobody wonders about.
constexpr GstClockTime kMaxMissing = 3 * GST_SECOND;
// Of what is announced where that is a guess from sizes and bit rates.
constexpr GstClockTime kGuessed = 50;

}  // namespace

struct LatestTime {
  Mutex mutex;
  std::map<std::string, GstClockTime> of_stream GUARDED_BY(mutex);  // By its id.

  void add(const std::string& id, GstClockTime end) {
    const MutexLock lock(mutex);
    GstClockTime& time = of_stream[id];
    time = std::max(time, end);
  }
};

namespace {

struct Watch {
  std::shared_ptr<LatestTime> latest;
  std::string id;
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
    watch.latest->add(watch.id, end);
  return GST_PAD_PROBE_OK;
}

std::string clock_of(GstClockTime time) {
  return clock_text(static_cast<double>(time) / GST_SECOND);
}

// How much may be missing of what is announced, where that may be a guess.
GstClockTime allowed_of(GstClockTime announced) {
  return std::max(kMaxMissing, announced / kGuessed);
}

std::string early_end(const Film& film, GstClockTime end) {
  const GstClockTime allowed = film.states_duration ? kMaxMissing : allowed_of(film.duration);
  if (!GST_CLOCK_TIME_IS_VALID(film.duration) || film.duration <= end + allowed)
    return "";
  return "the film ends at " + clock_of(end) + " although it announces " + clock_of(film.duration) +
         "; it may be cut off";
}

// Compared with its own track: a film may well have less sound than pictures.
std::string early_end(const FilmStream& sound, GstClockTime end) {
  if (sound.length <= end + allowed_of(sound.length))
    return "";
  return "the sound" + (sound.language.empty() ? "" : " in '" + sound.language + "'") + " (" +
         sound.codec + ") ends at " + clock_of(end) + " although its track announces " +
         clock_of(sound.length) + "; some of it may be missing";
}

}  // namespace

FilmEnd::FilmEnd() : latest_(std::make_shared<LatestTime>()) {}

void FilmEnd::watch(GstPad* pad, const std::string& id) const {
  gst_pad_add_probe(
      pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM), note,
      new Watch{.latest = latest_, .id = id},
      [](gpointer data) { delete static_cast<Watch*>(data); });
}

GstClockTime FilmEnd::latest() const {
  const MutexLock lock(latest_->mutex);
  GstClockTime latest = 0;
  for (const auto& [id, time] : latest_->of_stream)
    latest = std::max(latest, time);
  return latest;
}

GstClockTime FilmEnd::of(const std::string& id) const {
  const MutexLock lock(latest_->mutex);
  const auto found = latest_->of_stream.find(id);
  return found == latest_->of_stream.end() ? 0 : found->second;
}

std::vector<std::string> early_ends(const Film& film, const std::set<std::size_t>& taken,
                                    const FilmEnd& end) {
  if (const std::string early = early_end(film, end.latest()); !early.empty())
    return {early};
  std::vector<std::string> found;
  for (const std::size_t i : taken)
    if (const FilmStream& stream = film.streams[i]; stream.kind == StreamKind::kAudio)
      if (const std::string early = early_end(stream, end.of(stream.id)); !early.empty())
        found.push_back(early);
  return found;
}

void refuse_next_film(GstElement* parsebin, GstPad* pad, const FilmEnd& end) {
  const auto caps = Ref<GstCaps>::adopt(gst_pad_query_caps(pad, nullptr));
  const bool is_video =
      !gst_caps_is_any(caps.get()) && !gst_caps_is_empty(caps.get()) &&
      g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)), "video/");
  // Nothing comes before all streams of a film are there.
  if (!is_video || end.latest() == 0)
    return;
  const std::string at = clock_text(static_cast<double>(end.latest()) / GST_SECOND);
  GST_ELEMENT_ERROR(parsebin, STREAM, FORMAT,
                    ("it changes to other streams at %s, as where two recordings were put "
                     "together; encode the parts one by one",
                     at.c_str()),
                    (NULL));
}

}  // namespace dist
