// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Order of locks: SegmentLooker's, then Work's.
#include "gst/gstx/segment_look.h"

#include <gst/video/video.h>
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "gst/base/glib_error.h"
#include "gst/base/mutex.h"
#include "gst/gstx/luma_reader.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/segment_decoder.h"
#include "gst/gstx/stream_format.h"

namespace dist {
namespace {

constexpr std::size_t kMaxFrames = 4096;
constexpr gint kPictureWidth = 320;
constexpr Time kPictureTime = kSecond;
// How long a decoder that has overrun its time is waited for before its thread is given up, and how
// many there may be of these.
constexpr std::chrono::seconds kGrace(5);
constexpr std::size_t kMaxStuck = 16;
// Samples of a border are not brighter, but for those next to the picture.
constexpr unsigned kMaxBlack = 40;
constexpr unsigned kSmear = 8;
// Of pictures whose aspect ratio differs by less no borders are looked for.
constexpr double kAspectTolerance = 0.015;

std::string subject_of(const SegmentHeader& header) {
  std::string subject = "segment " + std::to_string(header.index);
  if (!header.is_source())
    subject += ", rendition '" + header.rendition + "'";
  return subject + ": ";
}

double aspect_of(const GstVideoInfo& info) {
  return static_cast<double>(GST_VIDEO_INFO_WIDTH(&info)) * GST_VIDEO_INFO_PAR_N(&info) /
         (static_cast<double>(GST_VIDEO_INFO_HEIGHT(&info)) * GST_VIDEO_INFO_PAR_D(&info));
}

// The part of a frame that is looked at, in pixels.
struct Area {
  unsigned x = 0;
  unsigned y = 0;
  unsigned width = 0;
  unsigned height = 0;
};

// Where a picture of this aspect ratio lies in the frame; 0: it fills it.
Area picture_area(const GstVideoInfo& info, double aspect) {
  Area area{0, 0, static_cast<unsigned>(GST_VIDEO_INFO_WIDTH(&info)),
            static_cast<unsigned>(GST_VIDEO_INFO_HEIGHT(&info))};
  if (aspect <= 0)
    return area;
  const double wider = aspect_of(info) / aspect;
  const auto part = [](unsigned size, double factor) {
    return std::clamp(static_cast<unsigned>(std::lround(size * factor)), 1u, size);
  };
  if (wider > 1 + kAspectTolerance) {
    const unsigned width = part(area.width, 1 / wider);
    area.x = (area.width - width) / 2;
    area.width = width;
  } else if (wider < 1 - kAspectTolerance) {
    const unsigned height = part(area.height, wider);
    area.y = (area.height - height) / 2;
    area.height = height;
  }
  return area;
}

// The mean of a row's samples in columns [from, to), as 8 bits.
unsigned row_mean(const LumaPlane& luma, unsigned y, unsigned from, unsigned to) {
  const std::uint8_t* const row = luma.data + static_cast<std::ptrdiff_t>(y) * luma.stride;
  std::uint64_t sum = 0;
  for (unsigned x = from; x < to; ++x)
    sum += luma.depth > 8 ? sample_at<std::uint16_t>(row, x) : row[x];
  return from < to ? static_cast<unsigned>((sum / (to - from)) >> (luma.depth - 8)) : 0;
}

bool is_black_around(const LumaPlane& luma, const Area& area) {
  const unsigned right = area.x + area.width;
  const unsigned below = area.y + area.height;
  for (unsigned y = 0; y < luma.height; ++y) {
    const bool beside = y >= area.y && y < below;
    // Encoders smear the picture's edge into the border.
    const unsigned end = beside ? area.x - std::min(area.x, kSmear) : luma.width;
    const unsigned begin = beside ? std::min(right + kSmear, luma.width) : luma.width;
    const bool smeared = !beside && (y + kSmear >= area.y && y < below + kSmear);
    if (!smeared &&
        std::max(row_mean(luma, y, 0, end), row_mean(luma, y, begin, luma.width)) > kMaxBlack)
      return false;
  }
  return true;
}

// Component 1 or 2 of a format with planes, within the area.
ChromaPlane chroma_of(const GstVideoFrame& frame, guint component, const Area& area) {
  const GstVideoFormatInfo* format = frame.info.finfo;
  const unsigned bytes = GST_VIDEO_FORMAT_INFO_DEPTH(format, component) > 8 ? 2 : 1;
  const auto sub_x = static_cast<unsigned>(GST_VIDEO_FORMAT_INFO_W_SUB(format, component));
  const auto sub_y = static_cast<unsigned>(GST_VIDEO_FORMAT_INFO_H_SUB(format, component));
  const auto pixel = static_cast<unsigned>(GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component));
  ChromaPlane plane;
  plane.stride = GST_VIDEO_FRAME_COMP_STRIDE(&frame, component);
  plane.data = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_COMP_DATA(&frame, component)) +
               static_cast<std::ptrdiff_t>(area.y >> sub_y) * plane.stride +
               static_cast<std::ptrdiff_t>((area.x >> sub_x) * pixel);
  plane.step = pixel / bytes;
  plane.width = std::max(1u, area.width >> sub_x);
  plane.height = std::max(1u, area.height >> sub_y);
  plane.depth = GST_VIDEO_FORMAT_INFO_DEPTH(format, component) +
                GST_VIDEO_FORMAT_INFO_SHIFT(format, component);
  plane.full_range = frame.info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  return plane;
}

// Of processor time that a rendition's decoder may use: what none needs, even under a debugger. The
// slowest one, of AV1, shows some ten million pixels a second.
constexpr Time kLeastWork = 2 * kSecond;
constexpr double kSlowestPixels = 2e6;  // A second.

Time most_work(const SegmentHeader& header) {
  if (header.is_source())
    return kNoTime;
  const SourceFormat format = source_format(header.caps);
  const double pixels = static_cast<double>(format.width) * static_cast<double>(format.height) *
                        static_cast<double>(header.units.size());
  return kLeastWork + static_cast<Time>(pixels / kSlowestPixels * static_cast<double>(kSecond));
}

// That the thread has used; 0 if it is over.
Time processor_time(clockid_t clock) {
  timespec used{};
  if (clock_gettime(clock, &used) != 0)
    return 0;
  return static_cast<Time>(used.tv_sec) * kSecond + static_cast<Time>(used.tv_nsec);
}

// Index of the time that is nearest. `times` ascend and are not empty.
std::size_t nearest(const std::vector<Time>& times, Time time) {
  const auto after = std::ranges::lower_bound(times, time);
  if (after == times.begin())
    return 0;
  const auto at = static_cast<std::size_t>(after - times.begin());
  if (after == times.end() || time - times[at - 1] <= *after - time)
    return at - 1;
  return at;
}

}  // namespace

// --- In its thread

// A decode, which may go on when nobody waits for it any more.
class SegmentLooker::Work {
 public:
  Work(SegmentHeader header, GstBuffer* segment, const LookOptions& options, bool keep)
      : header_(std::move(header)),
        segment_(Ref<GstBuffer>::share(segment)),
        options_(options),
        keep_(keep),
        times_(header_.presentation_times()) {
    std::erase_if(times_, [this](Time time) { return time > options_.until; });
  }

  const SegmentHeader& header() const { return header_; }

  void decode() {
    pthread_setname_np(pthread_self(), "dist-look");
    Status status = times_.size() > kMaxFrames ? Status(Error{"it has too many frames to look at"})
                                               : decode_frames();
    const MutexLock lock(lock_);
    status_ = std::move(status);
    finished_ = true;
    changed_.notify_all();
  }

  // --- From other threads

  void stop() {
    stop_ = true;
    const MutexLock lock(lock_);
    changed_.notify_all();
  }
  bool stopped() const { return stop_; }
  // Until it has finished, or, unless `stopping`, is to stop. Whether it has finished.
  bool wait(std::chrono::nanoseconds limit, bool stopping) {
    const MutexLock lock(lock_);
    const auto end = Condition::Clock::now() + limit;
    while (!finished_ && (stopping || !stop_) && changed_.wait_until(lock_, end)) {
    }
    return finished_;
  }

  // --- Once it has finished

  Status status() {
    const MutexLock lock(lock_);
    return status_;
  }
  SegmentLook& look() { return look_; }
  GstSample* last_frame() const { return last_frame_.get(); }

 private:
  Status decode_frames() {
    if (times_.empty())
      return {};
    SegmentDecoder decoder(
        header_,
        [this](const GstVideoInfo& info, GstBuffer* frame, Time time) {
          return take(info, frame, time);
        },
        stop_);
    if (Status run = decoder.run(segment_.get(), times_.back()); !run)
      return run;
    if (!header_.is_source() && look_.frames.size() < times_.size())
      return Error{"of " + std::to_string(times_.size()) + " frames only " +
                   std::to_string(look_.frames.size()) + " can be decoded"};
    return {};
  }

  bool take(const GstVideoInfo& info, GstBuffer* frame, Time time) {
    const std::size_t at = nearest(times_, time);
    if (at < next_)
      return true;
    if (at + 1 == times_.size() && is_later(time))
      return false;
    const FrameMap map(info, frame);
    if (!map)
      return true;
    look_.frames.push_back(look_at(map.get(), times_[at]));
    next_ = at + 1;
    look_.aspect = aspect_of(info);
    if (keep_ && at + 1 == times_.size()) {
      const auto caps = Ref<GstCaps>::adopt(gst_video_info_to_caps(&info));
      last_frame_ = Ref<GstSample>::adopt(gst_sample_new(frame, caps.get(), nullptr, nullptr));
    }
    return true;
  }

  // Nearer to the frame after the last one that is wanted.
  bool is_later(Time time) const {
    const auto all = header_.presentation_times();
    return all[nearest(all, time)] > times_.back();
  }

  FrameLook look_at(const GstVideoFrame& frame, Time time) {
    LumaPlane luma = reader_.read(frame);
    Area area = picture_area(frame.info, options_.aspect);
    // Borders are what a pipeline adds that keeps the shape; nothing is to be seen in them.
    if (!is_black_around(luma, area))
      area = {0, 0, luma.width, luma.height};
    if (!looker_ || area.width != area_.width || area.height != area_.height)
      looker_.emplace(area.width, area.height);
    area_ = area;
    luma.data += static_cast<std::ptrdiff_t>(area.y) * luma.stride +
                 static_cast<std::ptrdiff_t>(area.x * (luma.depth > 8 ? 2u : 1u));
    luma.width = area.width;
    luma.height = area.height;
    if (GST_VIDEO_FORMAT_INFO_N_COMPONENTS(frame.info.finfo) < 3)
      return looker_->look(time, luma, nullptr, nullptr);
    const ChromaPlane u = chroma_of(frame, 1, area);
    const ChromaPlane v = chroma_of(frame, 2, area);
    return looker_->look(time, luma, &u, &v);
  }

  const SegmentHeader header_;
  const Ref<GstBuffer> segment_;
  const LookOptions options_;
  const bool keep_;
  std::vector<Time> times_;  // Of the frames that are looked at.

  // Belong to the thread until it has finished.
  LumaReader reader_;
  std::optional<FrameLooker> looker_;
  Area area_;
  std::size_t next_ = 0;  // Index of the time that is looked for.
  SegmentLook look_;
  Ref<GstSample> last_frame_;

  std::atomic<bool> stop_ = false;
  Mutex lock_;
  Condition changed_;
  bool finished_ GUARDED_BY(lock_) = false;
  Status status_ GUARDED_BY(lock_);
};

// --- The caller's thread

SegmentLooker::~SegmentLooker() {
  cancel();
  if (!thread_.joinable())
    return;
  // It holds all that it needs.
  if (work_->wait(kGrace, true))
    thread_.join();
  else
    thread_.detach();
}

void SegmentLooker::cancel() {
  const MutexLock lock(lock_);
  cancelled_ = true;
  if (work_)
    work_->stop();
}

// A decoder that does not stop is left to itself: one answer must not keep the others from being
// looked at.
Status SegmentLooker::leave_last() {
  std::shared_ptr<Work> last;
  {
    const MutexLock lock(lock_);
    last = work_;
  }
  if (thread_.joinable()) {
    if (last->wait(kGrace, true)) {
      thread_.join();
    } else {
      thread_.detach();
      stuck_.push_back(std::move(last));
    }
  }
  std::erase_if(stuck_, [](const auto& work) { return work->wait({}, true); });
  if (stuck_.size() < kMaxStuck)
    return {};
  return Error{"too many decoders do not stop, the last with " +
               subject_of(stuck_.back()->header()) + "nothing more can be looked at"};
}

// Until it has finished; else why it is not waited for any longer.
Status SegmentLooker::await(Work& work, const LookOptions& options) {
  constexpr Time kLeastWait = 10 * GST_MSECOND;
  const Time most = most_work(work.header());
  clockid_t clock{};
  const bool has_clock = pthread_getcpuclockid(thread_.native_handle(), &clock) == 0;
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    const auto elapsed = static_cast<Time>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - began).count());
    const Time used = has_clock ? processor_time(clock) : 0;
    if (elapsed >= options.time_limit)
      return Error{"decoding takes longer than " +
                   std::to_string(options.time_limit / GST_MSECOND) + " ms"};
    if (used >= most)
      return Error{"decoding takes more than " + std::to_string(most / GST_MSECOND) +
                   " ms of processor time, which no frames of its size need"};
    const Time wait = std::max(std::min(options.time_limit - elapsed, most - used), kLeastWait);
    if (work.wait(std::chrono::nanoseconds(wait), false))
      return {};
    if (work.stopped())
      return Error{"stopped"};
  }
}

Result<std::shared_ptr<SegmentLooker::Work>> SegmentLooker::run(GstBuffer* segment,
                                                                const LookOptions& options,
                                                                bool keep) {
  auto header = read_header(segment);
  if (!header)
    return Error{header.error()};
  const std::string subject = subject_of(*header);
  if (Status free = leave_last(); !free)
    return Error{subject + free.error()};
  const auto work = std::make_shared<Work>(std::move(*header), segment, options, keep);
  {
    const MutexLock lock(lock_);
    if (cancelled_)
      return Error{subject + "cancelled"};
    work_ = work;
  }
  thread_ = std::thread([work] { work->decode(); });
  const Status finished = await(*work, options);
  if (finished)
    thread_.join();
  else
    work->stop();
  {
    const MutexLock lock(lock_);
    if (cancelled_)
      return Error{subject + "cancelled"};
  }
  if (!finished)
    return Error{subject + finished.error()};
  if (!work->status())
    return Error{subject + work->status().error()};
  return work;
}

Result<SegmentLook> SegmentLooker::look(GstBuffer* segment, const LookOptions& options) {
  auto work = run(segment, options, false);
  if (!work)
    return Error{work.error()};
  return std::move((*work)->look());
}

Result<SegmentLook> SegmentLooker::look(const BytesList& segment, const LookOptions& options) {
  return look(to_buffer(segment).get(), options);
}

Result<std::vector<std::uint8_t>> SegmentLooker::picture(GstBuffer* segment,
                                                         const LookOptions& options) {
  auto work = run(segment, options, true);
  if (!work)
    return Error{work.error()};
  const std::string subject = subject_of((*work)->header());
  GstSample* const frame = (*work)->last_frame();
  if (!frame)
    return Error{subject + "there is no such frame"};
  GstVideoInfo info;
  gst_video_info_from_caps(&info, gst_sample_get_caps(frame));
  const gint width = std::min(kPictureWidth, GST_VIDEO_INFO_WIDTH(&info));
  const gint height = std::max(1, static_cast<gint>(std::lround(width / aspect_of(info))));
  const auto caps = Ref<GstCaps>::adopt(
      gst_caps_new_simple("image/jpeg", "width", G_TYPE_INT, width, "height", G_TYPE_INT, height,
                          "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr));
  GLibError error;
  const auto made =
      Ref<GstSample>::adopt(gst_video_convert_sample(frame, caps.get(), kPictureTime, error.out()));
  if (!made)
    return Error{subject + "cannot make a picture: " + error.message("failed")};
  const BufferMap map(gst_sample_get_buffer(made.get()));
  return std::vector<std::uint8_t>(map.span().begin(), map.span().end());
}

Result<std::vector<std::uint8_t>> SegmentLooker::picture(const BytesList& segment,
                                                         const LookOptions& options) {
  return picture(to_buffer(segment).get(), options);
}

}  // namespace dist
