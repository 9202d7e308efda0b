// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/segment_stream.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "gst/base/text.h"
#include "gst/gstx/segment_buffer.h"

GST_DEBUG_CATEGORY_EXTERN(gst_dist_segmenter_debug);
#define GST_CAT_DEFAULT gst_dist_segmenter_debug

namespace dist {
namespace {

Time frame_duration(const GstCaps* caps) {
  gint numerator = 0;
  gint denominator = 0;
  if (!gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &numerator,
                                  &denominator) ||
      numerator <= 0)
    return 0;
  return gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(denominator),
                               static_cast<guint64>(numerator));
}

// Whether a decoder needs nothing new: the others of their fields only describe the pictures.
bool same_decoding(const GstCaps* a, const GstCaps* b) {
  const GstStructure* const one = gst_caps_get_structure(a, 0);
  const GstStructure* const other = gst_caps_get_structure(b, 0);
  if (!gst_structure_has_name(one, gst_structure_get_name(other)))
    return false;
  const auto same = [&](const char* field) {
    const GValue* const x = gst_structure_get_value(one, field);
    const GValue* const y = gst_structure_get_value(other, field);
    return x && y ? gst_value_compare(x, y) == GST_VALUE_EQUAL : x == y;
  };
  return std::ranges::all_of(
      std::initializer_list<const char*>{"stream-format", "alignment", "codec_data", "streamheader",
                                         "mpegversion", "format", "width", "height",
                                         "chroma-format", "bit-depth-luma", "bit-depth-chroma"},
      same);
}

// Added to a time in `from` it gives the time in `to` that runs alike.
std::int64_t shift_between(const TimeSegment& from, const TimeSegment& to) {
  if (from.rate != 1.0 || to.rate != 1.0)
    return 0;
  return static_cast<std::int64_t>((to.start + to.offset - to.base) -
                                   (from.start + from.offset - from.base));
}

}  // namespace

Cutter::Unit describe_unit(const StreamFormat& format, GstBuffer* buffer) {
  Cutter::Unit unit{.pts = GST_BUFFER_PTS(buffer),
                    .dts = GST_BUFFER_DTS(buffer),
                    .duration = GST_BUFFER_DURATION(buffer),
                    .flags = unit_flags(buffer),
                    .size = gst_buffer_get_size(buffer),
                    .kind = {}};
  if (format.codec == Codec::kRaw) {
    unit.kind = classify(format, true, {});
  } else {
    const BufferMap map(buffer);
    unit.kind = classify(format, (unit.flags & kFlagDeltaUnit) == 0, map.span());
  }
  return unit;
}

void SegmentStream::set_stream_id(const std::string& id) {
  if (stream_id_.empty())
    stream_id_ = id;
}

void SegmentStream::set_caps(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_.get(), caps))
    return;
  caps_ = Ref<GstCaps>::share(caps);
  format_ = stream_format(gst_caps_get_structure(caps, 0));
  changed_ = true;
}

void SegmentStream::set_time_segment(const TimeSegment& segment) {
  // One that differs only in what is known of the whole does not interrupt the stream.
  TimeSegment next = segment;
  if (time_segment_) {
    next.position = time_segment_->position;
    next.duration = time_segment_->duration;
  }
  if (time_segment_ == next)
    return;
  time_segment_ = next;
  changed_ = true;
}

Cutter::Config SegmentStream::config() const {
  return {.segment_duration = durations_.segment,
          .max_segment_duration = durations_.max_segment,
          .max_decoding = durations_.max_decoding,
          .grid = durations_.grid,
          .max_reorder = max_reorder_depth(format_.codec),
          .clip_start = time_segment_->start,
          .clip_stop = time_segment_->stop,
          .frame_duration = frame_duration(caps_.get())};
}

// Decoding goes on unless the caps say that a decoder has to begin anew.
GstFlowReturn SegmentStream::enter_part() {
  changed_ = false;
  if (!std::exchange(caps_pushed_, true)) {
    const auto caps = Ref<GstCaps>::adopt(gst_caps_new_empty_simple(kSegmentCaps));
    gst_pad_push_event(srcpad_, gst_event_new_caps(caps.get()));
  }
  Part part{.caps = take_string(gst_caps_to_string(caps_.get())), .time_segment = *time_segment_};
  const bool goes_on = cut_caps_ && !parts_.empty() && same_decoding(cut_caps_.get(), caps_.get());
  cut_caps_ = caps_;
  if (goes_on) {
    const std::int64_t shift =
        shift_between(parts_.rbegin()->second.time_segment, part.time_segment);
    parts_.emplace(cutter_.go_on(config(), shift), std::move(part));
    return GST_FLOW_OK;
  }
  const GstFlowReturn flow = push_cuts(cutter_.finish(false));
  if (flow == GST_FLOW_OK)
    parts_.emplace(cutter_.begin(config()), std::move(part));
  return flow;
}

GstFlowReturn SegmentStream::push(Ref<GstBuffer> buffer, const Cutter::Unit& unit) {
  if (changed_ || !cut_caps_) {
    const GstFlowReturn flow = enter_part();
    if (flow != GST_FLOW_OK)
      return flow;
  }
  units_.push_back({std::move(buffer), *time_segment_});
  return push_cuts(cutter_.push(unit));
}

GstFlowReturn SegmentStream::finish(bool last) {
  cut_caps_ = {};
  return push_cuts(cutter_.finish(last));
}

std::vector<SegmentStream::Unit> SegmentStream::take_back() {
  std::vector<Unit> units{std::make_move_iterator(units_.begin()),
                          std::make_move_iterator(units_.end())};
  units_.clear();
  parts_.clear();
  cutter_.abandon();
  first_unit_ = cutter_.first_needed_unit();
  cut_caps_ = {};
  return units;
}

void SegmentStream::flush() {
  cutter_.reset();
  units_.clear();
  first_unit_ = 0;
  parts_.clear();
  cut_caps_ = {};
  time_segment_.reset();
  pushed_segment_.reset();
  pushed_until_ = 0;
}

GstFlowReturn SegmentStream::push_cuts(const std::vector<Cutter::Cut>& cuts) {
  GstFlowReturn flow = GST_FLOW_OK;
  for (const Cutter::Cut& cut : cuts) {
    flow = push_cut(cut);
    if (flow != GST_FLOW_OK)
      break;
  }
  while (first_unit_ < cutter_.first_needed_unit() && !units_.empty()) {
    units_.pop_front();
    ++first_unit_;
  }
  return flow;
}

GstFlowReturn SegmentStream::push_cut(const Cutter::Cut& cut) {
  parts_.erase(parts_.begin(), parts_.find(cut.section));
  const Part& part = parts_.at(cut.section);
  if (pushed_segment_ != part.time_segment) {
    pushed_segment_ = part.time_segment;
    const GstSegment segment = to_gst_segment(part.time_segment);
    gst_pad_push_event(srcpad_, gst_event_new_segment(&segment));
  }
  SegmentHeader header{.stream_id = stream_id_,
                       .index = cut.index,
                       .start = cut.start,
                       .stop = cut.stop,
                       .last = cut.last,
                       .rendition = {},
                       .caps = part.caps,
                       .time_segment = part.time_segment,
                       .first_unit = cut.first_unit,
                       .reorder_depth = 0,
                       .units = cut.units};
  const auto begin = units_.begin() + static_cast<std::ptrdiff_t>(cut.first_unit - first_unit_);
  std::vector<Ref<GstBuffer>> units;
  std::transform(begin, begin + static_cast<std::ptrdiff_t>(cut.units.size()),
                 std::back_inserter(units), [](const Unit& unit) { return unit.buffer; });
  const GstSegment time = to_gst_segment(part.time_segment);
  const Time until = gst_segment_to_running_time(&time, GST_FORMAT_TIME, cut.stop);
  if (until != kNoTime)
    pushed_until_ = std::max(pushed_until_, until);
  GST_DEBUG_OBJECT(srcpad_,
                   "segment %" G_GUINT64_FORMAT ": %" GST_TIME_FORMAT " to %" GST_TIME_FORMAT
                   ", %zu units from %" G_GUINT64_FORMAT,
                   cut.index, GST_TIME_ARGS(cut.start), GST_TIME_ARGS(cut.stop), cut.units.size(),
                   cut.first_unit);
  return gst_pad_push(srcpad_, make_segment_buffer(header, std::move(units)).release());
}

}  // namespace dist
