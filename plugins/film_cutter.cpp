// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/film_cutter.h"

#include <string_view>
#include <utility>

#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/segment_kind.h"

GST_DEBUG_CATEGORY_EXTERN(gst_dist_segmenter_debug);
#define GST_CAT_DEFAULT gst_dist_segmenter_debug

namespace dist {
namespace {

// Units with good times before a film that was decoded is cut as it is again: more than the largest
// decoded picture buffer holds.
constexpr unsigned kCalm = 32;

// Caps that are cut as they are.
GstStaticCaps cut_caps = GST_STATIC_CAPS(kCutCaps);

// A unit's transparency is not among its bytes, but in a meta.
bool has_alpha(const GstCaps* caps) {
  gboolean alpha = FALSE;
  return gst_structure_get_boolean(gst_caps_get_structure(caps, 0), "codec-alpha", &alpha) && alpha;
}

std::string readable(const GstCaps* caps) {
  const auto copy = Ref<GstCaps>::adopt(gst_caps_copy(caps));
  gst_structure_remove_fields(gst_caps_get_structure(copy.get(), 0), "codec_data", "streamheader",
                              nullptr);
  return take_string(gst_caps_to_string(copy.get()));
}

}  // namespace

// `what` cannot be cut, and is no video that could be decoded first.
bool FilmCutter::refuse(const std::string& what) {
  if (!std::exchange(error_posted_, true))
    GST_ELEMENT_ERROR(element_, STREAM, FORMAT,
                      ("Cannot cut %s into segments. Accepted is video, raw in system memory or "
                       "compressed, behind a demuxer or a parser such as parsebin.",
                       what.c_str()),
                      (NULL));
  return false;
}

bool FilmCutter::set_caps(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_.get(), caps))
    return true;
  // What came before them is of the caps before.
  if (!feed_restart())
    return false;
  const bool other =
      caps_ && !gst_structure_has_name(gst_caps_get_structure(caps_.get(), 0),
                                       gst_structure_get_name(gst_caps_get_structure(caps, 0)));
  if (decoder_ && other && (end_decoding() != GST_FLOW_OK || stream_.finish(false) != GST_FLOW_OK))
    return false;
  caps_ = {};
  const auto cuttable = Ref<GstCaps>::adopt(gst_static_caps_get(&cut_caps));
  const bool can_cut = gst_caps_is_subset(caps, cuttable.get()) && !has_alpha(caps);
  const std::string_view name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  const bool video = name.starts_with("video/") || name.starts_with("image/");
  if (!can_cut && (!video || name == "video/x-raw")) {
    caps_refused_ = !error_posted_;
    return refuse(readable(caps));
  }
  error_posted_ = std::exchange(caps_refused_, false) ? false : error_posted_;
  caps_ = Ref<GstCaps>::share(caps);
  can_cut_ = can_cut;
  format_ = stream_format(gst_caps_get_structure(caps, 0));
  times_ = UnitTimes(max_reorder_depth(format_.codec));
  calm_ = 0;
  if (!decoder_ && can_cut_)
    stream_.set_caps(caps);
  return true;
}

bool FilmCutter::set_time_segment(const GstSegment& segment) {
  if (segment.format != GST_FORMAT_TIME || segment.rate <= 0) {
    if (!std::exchange(error_posted_, true))
      GST_ELEMENT_ERROR(
          element_, STREAM, FORMAT,
          ("Cannot cut a stream that %s. Put a demuxer or parser before distsegmenter.",
           segment.format != GST_FORMAT_TIME ? "is not in time format" : "plays backwards"),
          ("format %s, rate %f", gst_format_get_name(segment.format), segment.rate));
    return false;
  }
  if (!feed_restart())
    return false;
  time_segment_ = to_time_segment(segment);
  if (!decoder_)
    stream_.set_time_segment(*time_segment_);
  return true;
}

GstFlowReturn FilmCutter::push(Ref<GstBuffer> unit) {
  if (!caps_ || !time_segment_) {
    refuse("a stream without caps or time segment");
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (decoder_)
    return push_decoding(std::move(unit));
  if (!can_cut_) {
    // What came before has caps of its own, by which it can be cut.
    GstFlowReturn flow = stream_.finish(false);
    if (flow == GST_FLOW_OK)
      flow = decode_from_here(std::string("no rule cuts ") +
                              gst_structure_get_name(gst_caps_get_structure(caps_.get(), 0)));
    return flow == GST_FLOW_OK ? push_decoding(std::move(unit)) : flow;
  }
  const Cutter::Unit described = describe_unit(format_, unit.get());
  if (format_.codec == Codec::kRaw || times_.trusts(described))
    return stream_.push(std::move(unit), described);
  const GstFlowReturn flow = decode_from_here("its timestamps do not tell when frames are shown");
  return flow == GST_FLOW_OK ? push_decoding(std::move(unit)) : flow;
}

GstFlowReturn FilmCutter::finish() {
  // What was made of a film that failed must not look like all of it.
  if (error_posted_)
    return GST_FLOW_ERROR;
  if (decoder_) {
    const GstFlowReturn flow = end_decoding();
    if (flow != GST_FLOW_OK)
      return flow;
  }
  return stream_.finish(true);
}

void FilmCutter::flush() {
  use(nullptr);
  {
    const MutexLock lock(lock_);
    interrupted_ = false;
  }
  restart_ = {};
  stream_.flush();
  if (caps_ && can_cut_)
    stream_.set_caps(caps_.get());
  time_segment_.reset();
  times_ = UnitTimes(max_reorder_depth(format_.codec));
  error_posted_ = false;
}

void FilmCutter::interrupt() {
  const MutexLock lock(lock_);
  interrupted_ = true;
  if (decoder_)
    decoder_->stop();
}

// --- Decoding

// False if it was interrupted before.
bool FilmCutter::use(std::shared_ptr<SourceDecoder> decoder) {
  // The last one ends without the lock.
  const MutexLock lock(lock_);
  decoder_.swap(decoder);
  return !interrupted_;
}

// What is in no segment yet is decoded again from where a decoder can start.
GstFlowReturn FilmCutter::decode_from_here(const std::string& reason) {
  GST_INFO_OBJECT(element_, "decoding before cutting: %s", reason.c_str());
  auto made = SourceDecoder::make(*this);
  if (!made) {
    if (!std::exchange(error_posted_, true))
      GST_ELEMENT_ERROR(element_, CORE, MISSING_PLUGIN,
                        ("Cannot decode the film: %s.", made.error().c_str()), (NULL));
    return GST_FLOW_ERROR;
  }
  if (!use(std::move(*made)))
    return GST_FLOW_FLUSHING;
  fed_caps_ = {};
  fed_segment_.reset();
  last_frame_.reset();
  any_frame_ = false;
  calm_ = 0;
  downstream_ = GST_FLOW_OK;
  resume_ = stream_.pushed_until();
  decoder_->push_event(Ref<GstEvent>::adopt(gst_event_new_stream_start("film")));
  for (const SegmentStream::Unit& unit : stream_.take_back())
    if (const GstFlowReturn flow = feed(unit); flow != GST_FLOW_OK)
      return flow;
  return GST_FLOW_OK;
}

// A keyframe that was held back goes where all others go. False if that failed.
bool FilmCutter::feed_restart() {
  const auto restart = std::exchange(restart_, {});
  return !restart || feed({restart, *time_segment_}) == GST_FLOW_OK;
}

GstFlowReturn FilmCutter::feed(const SegmentStream::Unit& unit) {
  if (!fed_caps_ || !gst_caps_is_equal(fed_caps_.get(), caps_.get())) {
    fed_caps_ = caps_;
    decoder_->push_event(Ref<GstEvent>::adopt(gst_event_new_caps(caps_.get())));
  }
  if (fed_segment_ != unit.time_segment) {
    fed_segment_ = unit.time_segment;
    const GstSegment segment = to_gst_segment(unit.time_segment);
    decoder_->push_event(Ref<GstEvent>::adopt(gst_event_new_segment(&segment)));
  }
  return check(decoder_->push(unit.buffer));
}

// Says why the decoder does not go on, unless it is downstream that does not.
GstFlowReturn FilmCutter::check(GstFlowReturn flow) {
  if (downstream_ != GST_FLOW_OK)
    return downstream_;
  if (flow == GST_FLOW_OK || flow == GST_FLOW_FLUSHING || flow == GST_FLOW_EOS)
    return flow;
  const std::string text = decoder_->failure();
  if (!std::exchange(error_posted_, true))
    GST_ELEMENT_ERROR(
        element_, STREAM, DECODE,
        ("Cannot cut %s into segments without decoding it, and that failed: %s.",
         readable(caps_.get()).c_str(), text.empty() ? gst_flow_get_name(flow) : text.c_str()),
        ("%s", gst_flow_get_name(flow)));
  return GST_FLOW_ERROR;
}

// Goes back to cutting at a keyframe that nothing before needs or follows, once all times have been
// good for a while.
GstFlowReturn FilmCutter::push_decoding(Ref<GstBuffer> buffer) {
  const SegmentStream::Unit next{buffer, *time_segment_};
  if (!can_cut_)
    return feed(next);
  const Cutter::Unit unit = describe_unit(format_, buffer.get());
  const bool good = times_.trusts(unit);
  calm_ = good ? calm_ + 1 : 0;
  // What was wrong is behind.
  if (!good)
    times_ = UnitTimes(max_reorder_depth(format_.codec));
  if (restart_) {
    const auto restart = std::exchange(restart_, {});
    if (good && unit.pts != kNoTime && unit.pts > GST_BUFFER_PTS(restart.get()))
      return cut_from(restart, buffer);
    if (const GstFlowReturn flow = feed({restart, *time_segment_}); flow != GST_FLOW_OK)
      return flow;
  }
  const bool same = fed_segment_ == time_segment_;
  if (calm_ < kCalm || !same || unit.pts == kNoTime || !unit.kind.shown ||
      unit.kind.random_access != RandomAccess::kClean)
    return feed(next);
  restart_ = std::move(buffer);
  return GST_FLOW_OK;
}

GstFlowReturn FilmCutter::cut_from(Ref<GstBuffer> first, Ref<GstBuffer> second) {
  GST_INFO_OBJECT(element_, "cutting again without decoding");
  GstFlowReturn flow = end_decoding();
  if (flow == GST_FLOW_OK)
    flow = stream_.finish(false);
  stream_.set_caps(caps_.get());
  stream_.set_time_segment(*time_segment_);
  for (Ref<GstBuffer>* buffer : {&first, &second})
    if (flow == GST_FLOW_OK) {
      const Cutter::Unit unit = describe_unit(format_, buffer->get());
      flow = stream_.push(std::move(*buffer), unit);
    }
  return flow;
}

GstFlowReturn FilmCutter::end_decoding() {
  GstFlowReturn flow = GST_FLOW_OK;
  if (const auto restart = std::exchange(restart_, {}))
    flow = feed({restart, *time_segment_});
  if (flow == GST_FLOW_OK) {
    flow = decoder_->drain();
    flow = check(flow == GST_FLOW_OK && !any_frame_ ? GST_FLOW_ERROR : flow);
  }
  use(nullptr);
  return flow;
}

void FilmCutter::decoded_caps(GstCaps* caps) {
  stream_.set_caps(caps);
}

void FilmCutter::decoded_segment(const GstSegment& segment) {
  decoded_segment_ = segment;
  last_frame_.reset();
  stream_.set_time_segment(to_time_segment(segment));
}

GstFlowReturn FilmCutter::decoded(Ref<GstBuffer> frame) {
  any_frame_ = true;
  // What a decoder gives no time is shown after the frame before.
  if (!GST_BUFFER_PTS_IS_VALID(frame.get())) {
    frame = Ref<GstBuffer>::adopt(gst_buffer_make_writable(frame.release()));
    GST_BUFFER_PTS(frame.get()) = last_frame_ ? *last_frame_ + 1 : decoded_segment_.start;
  }
  const Time running =
      gst_segment_to_running_time(&decoded_segment_, GST_FORMAT_TIME, GST_BUFFER_PTS(frame.get()));
  if (running == kNoTime || running < resume_ || downstream_ != GST_FLOW_OK)
    return downstream_;
  // Two frames at one time would be taken for one.
  if (last_frame_ && GST_BUFFER_PTS(frame.get()) <= *last_frame_) {
    frame = Ref<GstBuffer>::adopt(gst_buffer_make_writable(frame.release()));
    GST_BUFFER_PTS(frame.get()) = *last_frame_ + 1;
  }
  last_frame_ = GST_BUFFER_PTS(frame.get());
  // A later time segment may run earlier.
  resume_ = 0;
  const Cutter::Unit unit = describe_unit({}, frame.get());
  downstream_ = stream_.push(std::move(frame), unit);
  return downstream_;
}

}  // namespace dist
