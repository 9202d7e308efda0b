// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/thumbnail_files.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "gst/base/glib_error.h"
#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/luma_reader.h"
#include "gst/job/thumbnails.h"

namespace dist {
namespace {

constexpr GstClockTime kPatience = 30 * GST_SECOND;

class Folder {
 public:
  Folder(std::string path, std::string name) : path_(std::move(path)), name_(std::move(name)) {}

  Status write(const std::string& file, std::span<const std::uint8_t> bytes) const {
    int reason = 0;
    std::FILE* const opened = std::fopen((path_ + file).c_str(), "wb");
    if (!opened || std::fwrite(bytes.data(), 1, bytes.size(), opened) != bytes.size())
      reason = errno;
    if (opened && std::fclose(opened) != 0 && reason == 0)
      reason = errno;
    return reason == 0 ? Status() : failure(file, std::strerror(reason));
  }

  Error failure(const std::string& file, const std::string& cause) const {
    return Error{name_ + file + ": cannot be written: " + cause};
  }

 private:
  const std::string path_;
  const std::string name_;
};

// The pictures, each in a file for each of its places.
class PictureFiles {
 public:
  explicit PictureFiles(const Folder& folder) : folder_(folder) {}

  Status put(GstSample* sample, std::size_t times) {
    const BufferMap map(gst_sample_get_buffer(sample));
    for (; times > 0; --times)
      if (Status status = folder_.write(format("%05zu.jpg", count_++), map.span()); !status)
        return status;
    return {};
  }
  Status end() { return {}; }
  std::size_t count() const { return count_; }

 private:
  const Folder& folder_;
  std::size_t count_ = 0;
};

// Copies a picture of 4:2:0, whose position on the sheet is even.
void copy(const GstVideoFrame& from, GstVideoFrame& to, unsigned x, unsigned y) {
  for (unsigned plane = 0; plane < 3; ++plane) {
    const unsigned by = plane == 0 ? 1 : 2;
    const auto rows = static_cast<unsigned>(GST_VIDEO_FRAME_COMP_HEIGHT(&from, plane));
    const auto bytes = static_cast<std::size_t>(GST_VIDEO_FRAME_COMP_WIDTH(&from, plane));
    const auto* source = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&from, plane));
    auto* target = static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&to, plane));
    const std::ptrdiff_t source_stride = GST_VIDEO_FRAME_PLANE_STRIDE(&from, plane);
    const std::ptrdiff_t target_stride = GST_VIDEO_FRAME_PLANE_STRIDE(&to, plane);
    target += std::ptrdiff_t{y / by} * target_stride + x / by;
    for (unsigned row = 0; row < rows; ++row)
      std::copy_n(source + row * source_stride, bytes, target + row * target_stride);
  }
}

void blacken(GstVideoFrame& frame) {
  for (unsigned plane = 0; plane < 3; ++plane)
    std::fill_n(
        static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane)),
        GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane) * GST_VIDEO_FRAME_COMP_HEIGHT(&frame, plane),
        plane == 0 ? guint8{0} : guint8{128});
}

// The pictures, decoded, on sheets.
class SheetFiles {
 public:
  explicit SheetFiles(const Folder& folder) : folder_(folder) {}

  Status put(GstSample* sample, std::size_t times) {
    // A worker that errs may send any.
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        std::max(info.width, info.height) > static_cast<gint>(kThumbnailSide) ||
        (size_ && *size_ != std::pair(info.width, info.height)))
      return folder_.failure(sheet_name(count_), "a picture has another size than was asked for");
    size_ = std::pair(info.width, info.height);
    for (; times > 0; --times) {
      waiting_.push_back(Ref<GstSample>::share(sample));
      if (waiting_.size() < ThumbnailSheets::kPlaces)
        continue;
      if (Status status = end(); !status)
        return status;
    }
    return {};
  }

  Status end() {
    if (waiting_.empty())
      return {};
    const auto jpeg = encoded();
    waiting_.clear();
    const std::string name = sheet_name(count_++);
    if (!jpeg)
      return folder_.failure(name, jpeg.error());
    const BufferMap map(gst_sample_get_buffer(jpeg->get()));
    return folder_.write(name, map.span());
  }

  const ThumbnailSheets& sheets() const { return sheets_; }

 private:
  Result<Ref<GstSample>> encoded() {
    GstVideoInfo picture;
    if (!gst_video_info_from_caps(&picture, gst_sample_get_caps(waiting_.front().get())))
      return Error{"the format of a picture is unknown"};
    sheets_.width = static_cast<unsigned>(picture.width);
    sheets_.height = static_cast<unsigned>(picture.height);
    GstVideoInfo info;
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, sheets_.width_of(waiting_.size()),
                              sheets_.height_of(waiting_.size()));
    info.colorimetry = picture.colorimetry;
    info.chroma_site = picture.chroma_site;
    const auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, info.size, nullptr));
    GstVideoFrame sheet;
    if (!gst_video_frame_map(&sheet, &info, buffer.get(), GST_MAP_WRITE))
      return Error{"there is no memory for it"};
    blacken(sheet);
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const FrameMap map(picture, gst_sample_get_buffer(waiting_[i].get()));
      if (map)
        copy(map.get(), sheet, sheets_.x_of(i), sheets_.y_of(i));
    }
    gst_video_frame_unmap(&sheet);
    return compress(info, buffer.get());
  }

  static Result<Ref<GstSample>> compress(const GstVideoInfo& info, GstBuffer* buffer) {
    const auto raw = Ref<GstCaps>::adopt(gst_video_info_to_caps(&info));
    const auto wanted = Ref<GstCaps>::adopt(gst_caps_new_empty_simple("image/jpeg"));
    const auto sheet = Ref<GstSample>::adopt(gst_sample_new(buffer, raw.get(), nullptr, nullptr));
    GLibError error;
    auto jpeg = Ref<GstSample>::adopt(
        gst_video_convert_sample(sheet.get(), wanted.get(), kPatience, error.out()));
    if (jpeg)
      return jpeg;
    return Error{error.message("it cannot be encoded")};
  }

  const Folder& folder_;
  ThumbnailSheets sheets_;
  std::optional<std::pair<gint, gint>> size_;
  std::vector<Ref<GstSample>> waiting_;  // For the next sheet.
  std::size_t count_ = 0;
};

Time running_time(GstSample* sample) {
  const GstClockTime time =
      gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                  GST_BUFFER_PTS(gst_sample_get_buffer(sample)));
  return GST_CLOCK_TIME_IS_VALID(time) ? time : 0;
}

// Gives each picture the places that it has, which are known when the next one comes. In the thread
// of its sink, and after that in the one that ends it.
template <class Files>
class Placer {
 public:
  Placer(const Folder& folder, unsigned interval) : files_(folder), places_(interval) {}

  void attach(GstElement* sink) {
    g_object_set(sink, "emit-signals", TRUE, nullptr);
    g_signal_connect(sink, "new-sample", G_CALLBACK(take), this);
  }
  Status finish() {
    if (last_)
      if (Status status = files_.put(last_.get(), 1); !status)
        return status;
    return files_.end();
  }
  const Files& files() const { return files_; }

 private:
  static GstFlowReturn take(GstElement* sink, Placer* self) {
    GstSample* sample = nullptr;
    g_signal_emit_by_name(sink, "pull-sample", &sample);
    if (!sample)
      return GST_FLOW_EOS;
    const Status written = self->put(Ref<GstSample>::adopt(sample));
    if (written)
      return GST_FLOW_OK;
    GST_ELEMENT_ERROR(sink, RESOURCE, WRITE, ("%s.", written.error().c_str()), (NULL));
    return GST_FLOW_ERROR;
  }

  Status put(Ref<GstSample> sample) {
    const std::size_t before = places_.before(running_time(sample.get()));
    const Ref<GstSample> done = std::exchange(last_, std::move(sample));
    return done ? files_.put(done.get(), before) : Status();
  }

  Files files_;
  ThumbnailPlaces places_;
  Ref<GstSample> last_;
};

// What gets into any output.
class SpanWatcher {
 public:
  void attach(GstPad* pad) {
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, look, this, nullptr);
  }
  FilmSpan span() const {
    const MutexLock lock(mutex_);
    return span_.value_or(FilmSpan());
  }

 private:
  static GstPadProbeReturn look(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
    GstBuffer* const buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    const auto event = Ref<GstEvent>::adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
    if (!event)
      return GST_PAD_PROBE_OK;
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event.get(), &segment);
    const GstClockTime begin =
        gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (GST_CLOCK_TIME_IS_VALID(begin))
      static_cast<SpanWatcher*>(self)->add(
          begin, GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0);
    return GST_PAD_PROBE_OK;
  }

  void add(Time begin, Time duration) {
    const MutexLock lock(mutex_);
    if (!span_)
      span_ = {begin, begin};
    span_->begin = std::min(span_->begin, begin);
    span_->end = std::max(span_->end, begin + duration);
  }

  mutable Mutex mutex_;
  std::optional<FilmSpan> span_ GUARDED_BY(mutex_);
};

}  // namespace

struct ThumbnailFiles::Private {
  Private(const Plan& for_plan, const std::string& path, const std::string& name)
      : plan(for_plan),
        folder(path, name),
        pictures(folder, for_plan.thumbnail_interval),
        sheets(folder, for_plan.thumbnail_interval) {}

  const Plan& plan;
  const Folder folder;
  SpanWatcher span;
  Placer<PictureFiles> pictures;
  Placer<SheetFiles> sheets;
};

ThumbnailFiles::ThumbnailFiles(const Plan& plan, const std::vector<std::string>& paths) {
  const auto output = std::ranges::find(plan.outputs, true, &Output::thumbnails);
  const auto index = static_cast<std::size_t>(output - plan.outputs.begin());
  private_ = std::make_unique<Private>(plan, paths[index], output->path);
}

ThumbnailFiles::~ThumbnailFiles() = default;

void ThumbnailFiles::attach(const TranscodePipeline& made) {
  private_->pictures.attach(made.pictures.get());
  private_->sheets.attach(made.tiles.get());
  for (const auto& output : made.ends)
    for (const auto& end : output)
      private_->span.attach(end.get());
}

Status ThumbnailFiles::finish() {
  if (Status status = private_->pictures.finish(); !status)
    return status;
  if (Status status = private_->sheets.finish(); !status)
    return status;
  const std::string track =
      thumbnail_track(private_->sheets.files().sheets(), private_->plan.thumbnail_interval,
                      private_->pictures.files().count(), private_->span.span());
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(track.data()), track.size());
  return private_->folder.write(kThumbnailTrack, bytes);
}

ThumbnailFiles::Pictures ThumbnailFiles::pictures() const {
  const ThumbnailSheets& sheets = private_->sheets.files().sheets();
  return {private_->pictures.files().count(), sheets.width, sheets.height};
}

}  // namespace dist
