// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/frame_filter.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "gst/gstx/lease.h"
#include "gst/gstx/ref.h"
#include "gst/lease/result_check.h"

namespace dist {
namespace {

// Where the frames lie that pass a pad. Belongs to the pad's streaming thread.
class FrameTimes {
 public:
  FrameTimes() { gst_segment_init(&segment_, GST_FORMAT_TIME); }

  // True with a new lease.
  bool see(GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
      gst_event_copy_segment(event, &segment_);
    const auto lease = lease_from_event(event);
    if (!lease)
      return false;
    lease_ = lease;
    all_ = lease->source().presentation_times();
    return true;
  }

  const std::shared_ptr<Lease>& lease() const { return lease_; }

  // The time in the lease's source, if it has such a frame.
  std::optional<Time> exact(GstBuffer* buffer) const {
    const auto time = seen(buffer);
    return time ? match_times(all_, {&*time, 1}).front() : std::nullopt;
  }
  bool is_inside(GstBuffer* buffer) const { return seen(buffer).has_value(); }

 private:
  // None if it lies outside of the time segment.
  std::optional<Time> seen(GstBuffer* buffer) const {
    guint64 running_time = 0;
    if (!lease_ || gst_segment_to_running_time_full(&segment_, GST_FORMAT_TIME,
                                                    GST_BUFFER_PTS(buffer), &running_time) != 1)
      return std::nullopt;
    return lease_->source().start + running_time;
  }

  GstSegment segment_;
  std::shared_ptr<Lease> lease_;
  std::vector<Time> all_;
};

// Lets each frame through once. Others come of damage: a decoder guesses their times.
class LeaseFilter {
 public:
  explicit LeaseFilter(std::atomic<bool>& shows) : shows_(shows) {}

  Ref<GstEvent> see(GstEvent* event) {
    if (times_.see(event))
      passed_.clear();
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && passed_.empty() && times_.lease())
      times_.lease()->has_no_frame();
    return {};
  }

  bool passes(GstBuffer* buffer) {
    shows_ = true;
    if (!times_.is_inside(buffer))
      return true;
    const auto exact = times_.exact(buffer);
    if (!exact || !passed_.insert(*exact).second)
      return false;
    if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED))
      times_.lease()->damaged(*exact);
    return true;
  }

 private:
  std::atomic<bool>& shows_;
  FrameTimes times_;
  std::set<Time> passed_;
};

// Lets those through that a rendition has.
class RateFilter {
 public:
  explicit RateFilter(RenditionSpec spec) : spec_(std::move(spec)) {}

  // The event to go on instead, or none if this one may.
  Ref<GstEvent> see(GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS)
      return with_reduced_rate(event);
    if (times_.see(event))
      wanted_ = frames_of(times_.lease()->source(), spec_);
    return {};
  }

  bool passes(GstBuffer* buffer) const {
    const auto exact = times_.exact(buffer);
    return !exact || std::binary_search(wanted_.begin(), wanted_.end(), *exact);
  }

 private:
  Ref<GstEvent> with_reduced_rate(GstEvent* event) const {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    const auto num = static_cast<gint>(spec_.fps->num);
    const auto den = static_cast<gint>(spec_.fps->den);
    gint source_num = 0;
    gint source_den = 1;
    const bool known = gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate",
                                                  &source_num, &source_den);
    if (known && source_num > 0 && gst_util_fraction_compare(source_num, source_den, num, den) <= 0)
      return {};
    const auto reduced = Ref<GstCaps>::adopt(gst_caps_copy(caps));
    gst_caps_set_simple(reduced.get(), "framerate", GST_TYPE_FRACTION, num, den, nullptr);
    auto changed = Ref<GstEvent>::adopt(gst_event_new_caps(reduced.get()));
    gst_event_set_seqnum(changed.get(), gst_event_get_seqnum(event));
    return changed;
  }

  const RenditionSpec spec_;
  FrameTimes times_;
  std::vector<Time> wanted_;
};

template <class Filter>
GstPadProbeReturn probe(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* const filter = static_cast<Filter*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    return filter->passes(GST_PAD_PROBE_INFO_BUFFER(info)) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  if (auto changed = filter->see(GST_PAD_PROBE_INFO_EVENT(info))) {
    gst_event_unref(GST_PAD_PROBE_INFO_EVENT(info));
    GST_PAD_PROBE_INFO_DATA(info) = changed.release();
  }
  return GST_PAD_PROBE_OK;
}

template <class Filter>
void install(GstPad* pad, Filter* filter) {
  gst_pad_add_probe(
      pad,
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      probe<Filter>, filter, [](gpointer data) { delete static_cast<Filter*>(data); });
}

}  // namespace

void pass_frames_of_lease(GstPad* sink_pad, std::atomic<bool>& shows) {
  install(sink_pad, new LeaseFilter(shows));
}

void filter_frames(GstPad* sink_pad, const RenditionSpec& spec) {
  install(sink_pad, new RateFilter(spec));
}

}  // namespace dist
