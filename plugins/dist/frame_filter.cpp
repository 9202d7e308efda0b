// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/dist/frame_filter.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "gst/dist/core/result_check.h"
#include "gst/dist/gstx/lease.h"
#include "gst/dist/gstx/ref.h"

namespace dist {
namespace {

// Belongs to the pad's streaming thread.
class FrameFilter {
 public:
  explicit FrameFilter(RenditionSpec spec) : spec_(std::move(spec)) {
    gst_segment_init(&segment_, GST_FORMAT_TIME);
  }

  // The event to go on instead, or none if this one may.
  Ref<GstEvent> see(GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS)
      return with_reduced_rate(event);
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
      gst_event_copy_segment(event, &segment_);
    if (const auto lease = lease_from_event(event)) {
      start_ = lease->source().start;
      all_ = lease->source().presentation_times();
      wanted_ = frames_of(lease->source(), spec_);
    }
    return {};
  }

  bool passes(GstBuffer* buffer) const {
    guint64 running_time = 0;
    if (gst_segment_to_running_time_full(&segment_, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer),
                                         &running_time) != 1)
      return true;
    const Time seen = start_ + running_time;
    const auto exact = match_times(all_, {&seen, 1}).front();
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
  GstSegment segment_;
  Time start_ = 0;  // Of the lease's source, where running time is 0.
  std::vector<Time> all_;
  std::vector<Time> wanted_;
};

GstPadProbeReturn probe(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* const filter = static_cast<FrameFilter*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    return filter->passes(GST_PAD_PROBE_INFO_BUFFER(info)) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  if (auto changed = filter->see(GST_PAD_PROBE_INFO_EVENT(info))) {
    gst_event_unref(GST_PAD_PROBE_INFO_EVENT(info));
    GST_PAD_PROBE_INFO_DATA(info) = changed.release();
  }
  return GST_PAD_PROBE_OK;
}

}  // namespace

void filter_frames(GstPad* sink_pad, const RenditionSpec& spec) {
  gst_pad_add_probe(
      sink_pad,
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      probe, new FrameFilter(spec), [](gpointer data) { delete static_cast<FrameFilter*>(data); });
}

}  // namespace dist
