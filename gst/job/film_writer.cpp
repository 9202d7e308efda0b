// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/film_writer.h"

#include <gst/tag/tag.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "gst/av/av_packet.h"
#include "gst/av/av_parameters.h"
#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "gst/cut/nal_units.h"
#include "gst/gstx/running_time.h"
#include "gst/gstx/stream_format.h"
#include "gst/job/subtitle_cues.h"

namespace dist {
namespace {

// Sound whose times are off by less, as those of Matroska are, is where the samples before it end.
constexpr int kMostJitter = 500;  // Of a second.
// Bytes that wait for a stream that is behind.
constexpr std::uint64_t kMostWaiting = 256u << 20;

using ParameterSets = std::vector<std::uint8_t>;

struct Track {
  WrittenTrack wanted;
  AVStream* stream = nullptr;  // Null before the file has begun, and of one that stays empty.
  Ref<GstCaps> caps;           // Of which the file says what is said once.
  Ref<GstCaps> latest_caps;
  ParameterSets in_band;       // What keyframes say because of the latest ones.
  std::deque<Packet> waiting;  // In nanoseconds.
  bool ended = false;
  std::optional<std::int64_t> latest;  // Decode time in its time base.
  std::optional<std::int64_t> next;    // Of sound: where the samples so far end, in its time base.
  SeparateCues cues;

  // Others are written without waiting for it.
  bool is_sparse() const { return wanted.kind == StreamKind::kSubtitles; }
};

const GValue* codec_data_of(const GstCaps* caps) {
  return gst_structure_get_value(gst_caps_get_structure(caps, 0), "codec_data");
}

// What codec data say, as an access unit can carry it. None where a decoder does not look for it
// there, or if the pictures are of another size or form.
std::optional<ParameterSets> in_band_of(const GstCaps* caps, const GstCaps* before) {
  const GstStructure* const fields = gst_caps_get_structure(caps, 0);
  const GstStructure* const earlier = gst_caps_get_structure(before, 0);
  const StreamFormat format = stream_format(fields);
  const StreamFormat first = stream_format(earlier);
  for (const char* field : {"width", "height", "stream-format"}) {
    const GValue* const a = gst_structure_get_value(fields, field);
    const GValue* const b = gst_structure_get_value(earlier, field);
    if (!a != !b || (a && gst_value_compare(a, b) != GST_VALUE_EQUAL))
      return std::nullopt;
  }
  // Its keyframes carry it anyway.
  if (format.codec == Codec::kAv1 && first.codec == Codec::kAv1)
    return ParameterSets();
  const bool h265 = format.codec == Codec::kH265;
  if (format.codec != first.codec || (format.codec != Codec::kH264 && !h265) ||
      format.nal_length_size == 0 || format.nal_length_size != first.nal_length_size)
    return std::nullopt;
  ParameterSets bytes;
  const BufferMap data(gst_value_get_buffer(codec_data_of(caps)));
  for_each_parameter_set(data.span(), h265, [&](std::span<const std::uint8_t> nal) {
    for (unsigned i = format.nal_length_size; i > 0; --i)
      bytes.push_back(static_cast<std::uint8_t>(nal.size() >> 8 * (i - 1) & 0xff));
    bytes.insert(bytes.end(), nal.begin(), nal.end());
  });
  return bytes;
}

void add_chapters(AVFormatContext* file, GList* entries, int& count) {
  for (GList* item = entries; item; item = item->next) {
    auto* const entry = static_cast<GstTocEntry*>(item->data);
    add_chapters(file, gst_toc_entry_get_sub_entries(entry), count);
    gint64 start = 0;
    gint64 stop = 0;
    if (gst_toc_entry_get_entry_type(entry) != GST_TOC_ENTRY_TYPE_CHAPTER ||
        !gst_toc_entry_get_start_stop_times(entry, &start, &stop))
      continue;
    auto* const chapter = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    *chapter = {.id = ++count,
                .time_base = kNanoseconds,
                .start = start,
                .end = std::max(start, stop),
                .metadata = nullptr};
    gchar* title = nullptr;
    if (GstTagList* const tags = gst_toc_entry_get_tags(entry))
      gst_tag_list_get_string(tags, GST_TAG_TITLE, &title);
    if (title)
      av_dict_set(&chapter->metadata, "title", title, 0);
    g_free(title);
    int chapters = static_cast<int>(file->nb_chapters);
    av_dynarray_add(&file->chapters, &chapters, chapter);
    file->nb_chapters = static_cast<unsigned>(chapters);
  }
}

}  // namespace

struct FilmWriter::State {
  State(std::string path_of_file, const std::string& format, const GstToc* chapters);
  ~State();

  // Whether it cannot be decoded any more, neither by what the file says of its track nor by what
  // its keyframes can say.
  bool changes(std::size_t index, GstSample* sample);
  // These return what went wrong, as libavformat says it; at least 0: nothing did.
  int take(std::size_t index, GstSample* sample);
  int end(std::size_t index);
  // The index of the track.
  std::size_t add(std::unique_ptr<Track> track);

 private:
  int begin() REQUIRES(mutex_);
  void add_stream(Track& track) REQUIRES(mutex_);
  int take_cue(Track& track, Cue cue) REQUIRES(mutex_);
  void queue_cues(Track& track, const std::vector<Cue>& cues) REQUIRES(mutex_);
  int write_ready() REQUIRES(mutex_);
  int write(Track& track, Packet packet) REQUIRES(mutex_);
  bool is_ready() const REQUIRES(mutex_);
  Track* first_waiting() const REQUIRES(mutex_);
  bool is_mp4() const { return std::string_view(file_->oformat->name) == "mp4"; }
  AVCodecID text_codec() const;

  const std::string path_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Track>> tracks_ GUARDED_BY(mutex_);
  AVFormatContext* file_ = nullptr;
  bool begun_ GUARDED_BY(mutex_) = false;
  std::int64_t beginning_ GUARDED_BY(mutex_) = 0;  // What is time 0 in the file.
  std::uint64_t waiting_ GUARDED_BY(mutex_) = 0;   // Bytes.
  int failure_ GUARDED_BY(mutex_) = 0;
};

FilmWriter::State::State(std::string path_of_file, const std::string& format,
                         const GstToc* chapters)
    : path_(std::move(path_of_file)) {
  failure_ = avformat_alloc_output_context2(&file_, nullptr, format.c_str(), path_.c_str());
  if (failure_ < 0)
    return;
  // The same film makes the same file.
  file_->flags |= AVFMT_FLAG_BITEXACT;
  file_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  // Times stay as they are: all that is earlier than the beginning is left to edit lists, or out.
  file_->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
  int count = 0;
  if (chapters)
    add_chapters(file_, gst_toc_get_entries(chapters), count);
  failure_ = std::min(0, avio_open(&file_->pb, ("file:" + path_).c_str(), AVIO_FLAG_WRITE));
}

FilmWriter::State::~State() {
  if (file_ && file_->pb)
    avio_closep(&file_->pb);
  avformat_free_context(file_);
}

AVCodecID FilmWriter::State::text_codec() const {
  const std::string_view format = file_->oformat->name;
  return format == "mp4"    ? AV_CODEC_ID_MOV_TEXT
         : format == "webm" ? AV_CODEC_ID_WEBVTT
                            : AV_CODEC_ID_SUBRIP;
}

void FilmWriter::State::add_stream(Track& track) {
  if (!track.caps && !track.wanted.is_text)
    return;
  AVStream* const stream = avformat_new_stream(file_, nullptr);
  track.stream = stream;
  stream->id = static_cast<int>(file_->nb_streams);
  if (track.wanted.is_text)
    fill_text_parameters(stream, text_codec(), track.wanted.width, track.wanted.height);
  else if (!fill_parameters(stream, track.caps.get()))
    failure_ = AVERROR_MUXER_NOT_FOUND;
  if (is_mp4())
    set_mp4_tag(stream->codecpar);
  if (!track.waiting.empty())
    take_extradata(stream->codecpar, track.waiting.front().get());
  const gchar* const language =
      track.wanted.language.empty()
          ? nullptr
          : gst_tag_get_language_code_iso_639_2B(track.wanted.language.c_str());
  av_dict_set(&stream->metadata, "language",
              language                        ? language
              : track.wanted.language.empty() ? "und"
                                              : track.wanted.language.c_str(),
              0);
  if (!track.wanted.title.empty())
    av_dict_set(&stream->metadata, "title", track.wanted.title.c_str(), 0);
  stream->disposition = (track.wanted.is_default ? AV_DISPOSITION_DEFAULT : 0) |
                        (track.wanted.forced ? AV_DISPOSITION_FORCED : 0);
}

// Once it is known what all streams are.
int FilmWriter::State::begin() {
  for (const auto& track : tracks_)
    add_stream(*track);
  if (failure_ < 0)
    return failure_;
  // Players of MP4 would wait for what begins later.
  if (is_mp4()) {
    std::optional<std::int64_t> earliest;
    for (const auto& track : tracks_)
      if (!track->is_sparse() && !track->waiting.empty())
        earliest =
            std::min(earliest.value_or(track->waiting.front()->pts), track->waiting.front()->pts);
    beginning_ = std::max<std::int64_t>(0, earliest.value_or(0));
  }
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+write_colr", 0);
  // Edit lists would be rounded to milliseconds.
  av_dict_set(&options, "movie_timescale", "90000", 0);
  av_dict_set(&options, "default_mode", "passthrough", 0);
  const int result = avformat_write_header(file_, &options);
  av_dict_free(&options);
  begun_ = true;
  return result;
}

bool FilmWriter::State::changes(std::size_t index, GstSample* sample) {
  const MutexLock lock(mutex_);
  Track& track = *tracks_[index];
  GstCaps* const now = gst_sample_get_caps(sample);
  if (track.is_sparse() || !track.caps || track.latest_caps.get() == now)
    return false;
  track.latest_caps = Ref<GstCaps>::share(now);
  const GValue* const first = codec_data_of(track.caps.get());
  const GValue* const later = codec_data_of(now);
  // Once keyframes have said something else they have to say this again, too.
  if (!first || !later ||
      (track.in_band.empty() && gst_value_compare(first, later) == GST_VALUE_EQUAL))
    return false;
  const auto in_band = in_band_of(now, track.caps.get());
  track.in_band = in_band.value_or(ParameterSets());
  return !in_band;
}

int FilmWriter::State::take(std::size_t index, GstSample* sample) {
  const MutexLock lock(mutex_);
  Track& track = *tracks_[index];
  GstBuffer* const buffer = gst_sample_get_buffer(sample);
  const GstSegment* const segment = gst_sample_get_segment(sample);
  if (!track.caps)
    track.caps = track.latest_caps = Ref<GstCaps>::share(gst_sample_get_caps(sample));
  const auto shown = running_time(segment, GST_BUFFER_PTS(buffer));
  // Headers in the stream have none.
  if (failure_ < 0 || !shown || gst_buffer_get_size(buffer) == 0)
    return failure_;
  const std::int64_t duration = GST_BUFFER_DURATION_IS_VALID(buffer)
                                    ? static_cast<std::int64_t>(GST_BUFFER_DURATION(buffer))
                                    : 0;
  const BufferMap map(buffer);
  if (track.wanted.is_text) {
    // Some end their words with a zero.
    std::string text(reinterpret_cast<const char*>(map.span().data()), map.span().size());
    text.resize(std::min(text.size(), text.find('\0')));
    return take_cue(track, {.start = *shown, .end = *shown + duration, .text = std::move(text)});
  }
  const bool is_key = track.wanted.kind != StreamKind::kVideo ||
                      !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  Packet packet = packet_of(is_key ? track.in_band : ParameterSets(), map.span());
  if (!packet)
    return failure_ = AVERROR(ENOMEM);
  packet->pts = *shown;
  packet->dts = track.wanted.kind == StreamKind::kVideo
                    ? running_time(segment, GST_BUFFER_DTS(buffer)).value_or(*shown)
                    : *shown;
  packet->duration = duration;
  if (is_key)
    packet->flags |= AV_PKT_FLAG_KEY;
  waiting_ += static_cast<std::uint64_t>(packet->size);
  track.waiting.push_back(std::move(packet));
  return write_ready();
}

int FilmWriter::State::take_cue(Track& track, Cue cue) {
  if (is_mp4())
    queue_cues(track, track.cues.add(std::move(cue)));
  else
    queue_cues(track, {std::move(cue)});
  return write_ready();
}

void FilmWriter::State::queue_cues(Track& track, const std::vector<Cue>& cues) {
  for (const Cue& cue : cues) {
    const std::string bytes = text_codec() == AV_CODEC_ID_MOV_TEXT ? as_mp4_sample(cue.text)
                              : text_codec() == AV_CODEC_ID_WEBVTT ? as_webvtt(cue.text)
                                                                   : cue.text;
    Packet packet =
        packet_of({}, std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
    if (!packet)
      continue;
    packet->pts = packet->dts = cue.start;
    packet->duration = cue.end - cue.start;
    packet->flags |= AV_PKT_FLAG_KEY;
    waiting_ += static_cast<std::uint64_t>(packet->size);
    track.waiting.push_back(std::move(packet));
  }
}

bool FilmWriter::State::is_ready() const {
  // Where one stream has a hole the others do not wait for its end: the file need not be in order.
  if (begun_ && waiting_ > kMostWaiting)
    return true;
  return std::ranges::all_of(tracks_, [](const auto& track) {
    return track->ended || track->is_sparse() || !track->waiting.empty();
  });
}

Track* FilmWriter::State::first_waiting() const {
  Track* first = nullptr;
  for (const auto& track : tracks_)
    if (!track->waiting.empty() &&
        (!first || track->waiting.front()->dts < first->waiting.front()->dts))
      first = track.get();
  return first;
}

// In the order of their times. What one stream is ahead of another waits here, up to kMostWaiting.
int FilmWriter::State::write_ready() {
  while (failure_ >= 0 && is_ready()) {
    if (!begun_)
      failure_ = std::min(0, begin());
    Track* const track = first_waiting();
    if (!track || failure_ < 0)
      break;
    Packet packet = std::move(track->waiting.front());
    track->waiting.pop_front();
    waiting_ -= static_cast<std::uint64_t>(packet->size);
    failure_ = std::min(0, write(*track, std::move(packet)));
  }
  return failure_;
}

int FilmWriter::State::write(Track& track, Packet packet) {
  AVStream* const stream = track.stream;
  if (!stream)
    return 0;
  packet->stream_index = stream->index;
  packet->pts -= beginning_;
  packet->dts -= beginning_;
  av_packet_rescale_ts(packet.get(), kNanoseconds, stream->time_base);
  const AVCodecParameters* const parameters = stream->codecpar;
  if (track.wanted.kind == StreamKind::kAudio && is_mp4()) {
    if (track.next && std::abs(packet->pts - *track.next) <= parameters->sample_rate / kMostJitter)
      packet->pts = packet->dts = *track.next;
    track.next = packet->pts + packet->duration;
  }
  // Copied streams may step back where recordings were put together, and frames of damaged films be
  // shown at one time; a file may have neither.
  if (const int step = is_mp4() ? 1 : 0; track.latest && packet->dts < *track.latest + step) {
    packet->dts = *track.latest + step;
    packet->pts = std::max(packet->pts, packet->dts);
  }
  track.latest = packet->dts;
  // Matroska has nothing before 0.
  if (!is_mp4() && packet->pts < 0)
    return 0;
  const int result = av_write_frame(file_, packet.get());
  return result < 0 ? result : file_->pb->error;
}

std::size_t FilmWriter::State::add(std::unique_ptr<Track> track) {
  const MutexLock lock(mutex_);
  tracks_.push_back(std::move(track));
  return tracks_.size() - 1;
}

int FilmWriter::State::end(std::size_t index) {
  const MutexLock lock(mutex_);
  Track& track = *tracks_[index];
  if (std::exchange(track.ended, true) || failure_ < 0)
    return failure_;
  if (track.wanted.is_text && is_mp4())
    queue_cues(track, track.cues.finish());
  write_ready();
  if (failure_ < 0 || !std::ranges::all_of(tracks_, [](const auto& t) { return t->ended; }))
    return failure_;
  failure_ = std::min(0, av_write_trailer(file_));
  const int closed = avio_closep(&file_->pb);
  if (failure_ >= 0)
    failure_ = std::min(0, closed);
  return failure_;
}

namespace {

template <typename State>
struct Input {
  std::shared_ptr<State> state;
  std::size_t track = 0;
};

void post(GstAppSink* sink, int code) {
  const std::string text = text_of_error(code) + ".";
  if (code == AVERROR(ENOSPC))
    GST_ELEMENT_ERROR(sink, RESOURCE, NO_SPACE_LEFT, ("%s", text.c_str()), (nullptr));
  else if (code == AVERROR(EINVAL) || code == AVERROR_INVALIDDATA ||
           code == AVERROR_MUXER_NOT_FOUND)
    GST_ELEMENT_ERROR(sink, STREAM, MUX, ("%s", text.c_str()), (nullptr));
  else
    GST_ELEMENT_ERROR(sink, RESOURCE, WRITE, ("%s", text.c_str()), (nullptr));
}

template <typename State>
GstFlowReturn on_sample(GstAppSink* sink, gpointer data) {
  take_over(data);
  auto& input = *static_cast<Input<State>*>(data);
  const auto sample = Ref<GstSample>::adopt(gst_app_sink_pull_sample(sink));
  if (!sample)
    return GST_FLOW_EOS;
  if (input.state->changes(input.track, sample.get())) {
    GST_ELEMENT_ERROR(sink, STREAM, FORMAT,
                      ("a stream changes on the way what is said of it once."), (nullptr));
    return GST_FLOW_ERROR;
  }
  if (const int result = input.state->take(input.track, sample.get()); result < 0) {
    post(sink, result);
    return GST_FLOW_ERROR;
  }
  return GST_FLOW_OK;
}

template <typename State>
void on_end(GstAppSink* sink, gpointer data) {
  take_over(data);
  auto& input = *static_cast<Input<State>*>(data);
  if (const int result = input.state->end(input.track); result < 0)
    post(sink, result);
}

}  // namespace

FilmWriter::FilmWriter(const std::string& path, const std::string& format, const GstToc* chapters)
    : state_(std::make_shared<State>(path, format, chapters)) {}

void FilmWriter::add(GstAppSink* sink, const WrittenTrack& wanted) {
  auto track = std::make_unique<Track>();
  track->wanted = wanted;
  track->caps = wanted.kind == StreamKind::kSubtitles ? wanted.caps : Ref<GstCaps>();
  const std::size_t index = state_->add(std::move(track));
  g_object_set(sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_sample<State>;
  callbacks.eos = on_end<State>;
  auto* const input = new Input<State>{state_, index};
  hand_over(input);
  gst_app_sink_set_callbacks(sink, &callbacks, input,
                             [](gpointer data) { delete static_cast<Input<State>*>(data); });
}

}  // namespace dist
