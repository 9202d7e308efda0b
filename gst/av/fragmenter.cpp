// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/av/fragmenter.h"

#include <gst/audio/audio.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gst/av/av_packet.h"
#include "gst/av/av_parameters.h"
#include "gst/base/text.h"
#include "gst/gstx/running_time.h"
#include "gst/publish/cmaf_brands.h"
#include "gst/publish/mp4_fragment.h"

namespace dist {
namespace {

// Sound whose times are off by less, as those of Matroska are, is where the samples before it end.
constexpr int kMostJitter = 500;  // Of a second.
// libavformat takes no decode time after the presentation time; it moves all by what is between the
// two in the first packet.
constexpr int kLead = 1000;  // Seconds.
constexpr int kBuffer = 1 << 16;

struct FreeFormat {
  void operator()(AVFormatContext* file) const {
    if (file->pb) {
      av_freep(&file->pb->buffer);
      avio_context_free(&file->pb);
    }
    avformat_free_context(file);
  }
};
using Format = std::unique_ptr<AVFormatContext, FreeFormat>;

int append(void* output, std::uint8_t* bytes, int size) {
  auto& all = *static_cast<std::vector<std::uint8_t>*>(output);
  all.insert(all.end(), bytes, bytes + size);
  return size;
}

publish::CmafCodec cmaf_codec(AVCodecID codec) {
  switch (codec) {
    case AV_CODEC_ID_H264:
      return publish::CmafCodec::kH264;
    case AV_CODEC_ID_HEVC:
      return publish::CmafCodec::kH265;
    case AV_CODEC_ID_AV1:
      return publish::CmafCodec::kAv1;
    case AV_CODEC_ID_AAC:
      return publish::CmafCodec::kAac;
    default:
      return publish::CmafCodec::kOther;
  }
}

std::vector<std::string> brands_of(const AVStream* stream) {
  const AVCodecParameters& parameters = *stream->codecpar;
  const AVRational rate = stream->avg_frame_rate;
  return publish::cmaf_brands(
      {.codec = cmaf_codec(parameters.codec_id),
       .configuration = {parameters.extradata, static_cast<std::size_t>(parameters.extradata_size)},
       .width = static_cast<unsigned>(parameters.width),
       .height = static_cast<unsigned>(parameters.height),
       .frame_rate = rate.num > 0 ? av_q2d(rate) : 0,
       .primaries = parameters.color_primaries,
       .transfer = parameters.color_trc,
       .matrix = parameters.color_space});
}

}  // namespace

std::optional<FragmentUnit> fragment_unit(const GstSegment* segment, GstBuffer* buffer, int rate) {
  const auto pts = running_time(segment, GST_BUFFER_PTS(buffer));
  if (!pts || gst_buffer_get_size(buffer) == 0)
    return {};
  FragmentUnit unit{.buffer = Ref<GstBuffer>::share(buffer),
                    .pts = *pts,
                    .duration = GST_BUFFER_DURATION_IS_VALID(buffer)
                                    ? static_cast<std::int64_t>(GST_BUFFER_DURATION(buffer))
                                    : 0,
                    .is_keyframe = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT)};
  // Encoders of sound give the first packet the times of what of it is presented.
  const GstAudioClippingMeta* const clipping = gst_buffer_get_audio_clipping_meta(buffer);
  if (clipping && clipping->format == GST_FORMAT_DEFAULT && rate > 0) {
    const std::int64_t hidden =
        av_rescale(static_cast<std::int64_t>(clipping->start), kNanoseconds.den, rate);
    unit.pts -= hidden;
    unit.duration += hidden;
  }
  return unit;
}

struct Fragmenter::State {
  Beginning beginning;
  std::vector<std::uint8_t> output;  // What the muxer wrote; outlives it.
  Format file;
  AVStream* stream = nullptr;
  std::vector<std::string> brands;
  std::uint32_t sequence_number = 1;
  std::uint64_t priming = 0;
  std::optional<std::int64_t> next;  // Decode time of the next fragment.
  Bytes init;

  bool is_video() const { return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO; }
  std::int64_t jitter() const { return is_video() ? 0 : stream->time_base.den / kMostJitter; }

  Status open(const GstCaps* caps);
  std::vector<FragmentUnit> with_priming(std::span<const FragmentUnit> units) const;
  Status begin(const FragmentUnit& first);
  std::int64_t ticks(std::int64_t nanoseconds) const;
  std::vector<std::int64_t> times_of(std::span<const FragmentUnit> units, std::int64_t& end) const;
  Status write(std::span<const FragmentUnit> units, std::span<const std::int64_t> times,
               std::int64_t stop);
  Status flush();
  Result<CmafFragment> take(std::size_t count, std::int64_t start, std::int64_t stop);
};

Status Fragmenter::State::open(const GstCaps* caps) {
  AVFormatContext* context = nullptr;
  if (const int code = avformat_alloc_output_context2(&context, nullptr, "mp4", nullptr); code < 0)
    return Error{"libavformat: " + text_of_error(code)};
  file.reset(context);
  context->flags |= AVFMT_FLAG_BITEXACT;
  context->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  context->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
  auto* const buffer = static_cast<std::uint8_t*>(av_malloc(kBuffer));
  context->pb = avio_alloc_context(buffer, kBuffer, 1, &output, nullptr, append, nullptr);
  stream = avformat_new_stream(context, nullptr);
  if (!stream || !context->pb || !fill_parameters(stream, caps))
    return Error{"caps: an MP4 cannot hold " + take_string(gst_caps_to_string(caps))};
  set_mp4_tag(stream->codecpar);
  return {};
}

// Parsers of Opus give the first packet the time of its first sample that is presented, and the
// duration of all that it holds.
std::vector<FragmentUnit> Fragmenter::State::with_priming(
    std::span<const FragmentUnit> units) const {
  std::vector<FragmentUnit> primed(units.begin(), units.end());
  if (is_video() || beginning.decode_time || units.size() < 2)
    return primed;
  const std::int64_t begin = units[1].pts - units[0].duration;
  if (units[0].pts - begin > kNanoseconds.den / kMostJitter)
    primed[0].pts = begin;
  return primed;
}

// Once the first unit is there: the caps of AV1 may not tell all.
Status Fragmenter::State::begin(const FragmentUnit& first) {
  const BufferMap map(first.buffer.get());
  if (const Packet packet = packet_of({}, map.span()))
    take_extradata(stream->codecpar, packet.get());
  brands = brands_of(stream);
  const AVRational wanted = stream->time_base;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags",
              "+cmaf+frag_custom+frag_discont+delay_moov+skip_sidx+default_base_moof+write_colr",
              0);
  // The edit list is written here: libavformat's depends on the first fragment.
  av_dict_set(&options, "use_editlist", "0", 0);
  av_dict_set_int(&options, "fragment_index", beginning.sequence_number, 0);
  const int code = avformat_write_header(file.get(), &options);
  av_dict_free(&options);
  if (code < 0)
    return Error{"libavformat: " + text_of_error(code)};
  if (av_cmp_q(wanted, stream->time_base) != 0)
    return Error{"libavformat: changed the timescale"};
  sequence_number = beginning.sequence_number;
  priming = beginning.priming;
  if (beginning.decode_time)
    next = static_cast<std::int64_t>(*beginning.decode_time);
  else if (const std::int64_t time = ticks(first.pts); time < 0)
    priming = static_cast<std::uint64_t>(-time);
  return {};
}

std::int64_t Fragmenter::State::ticks(std::int64_t nanoseconds) const {
  return av_rescale_q(nanoseconds, kNanoseconds, stream->time_base) +
         static_cast<std::int64_t>(priming);
}

// Presentation times of the units, no two alike. `end`: where the last one ends.
std::vector<std::int64_t> Fragmenter::State::times_of(std::span<const FragmentUnit> units,
                                                      std::int64_t& end) const {
  std::vector<std::size_t> order(units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (is_video())
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return units[i].pts; });
  std::vector<std::int64_t> times(units.size());
  std::optional<std::int64_t> expected = next;
  std::optional<std::int64_t> before;
  for (const std::size_t i : order) {
    std::int64_t time = ticks(units[i].pts);
    if (expected && std::abs(time - *expected) <= jitter())
      time = *expected;
    if (before)
      time = std::max(time, *before + 1);
    times[i] = time;
    before = time;
    end = time + av_rescale_q(units[i].duration, kNanoseconds, stream->time_base);
    expected = is_video() ? std::nullopt : std::optional(end);
  }
  return times;
}

// Decode times are the presentation times in their order, so that a fragment is decoded in exactly
// the time in which it is presented.
Status Fragmenter::State::write(std::span<const FragmentUnit> units,
                                std::span<const std::int64_t> times, std::int64_t stop) {
  std::vector<std::int64_t> decode(times.begin(), times.end());
  std::ranges::sort(decode);
  decode.push_back(stop);
  const std::int64_t lead = is_video() ? std::int64_t{kLead} * stream->time_base.den : 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const BufferMap map(units[i].buffer.get());
    const Packet packet = packet_of({}, map.span());
    if (!packet || map.span().empty())
      return Error{"a unit has no bytes"};
    packet->stream_index = stream->index;
    packet->dts = decode[i] - lead;
    packet->pts = times[i];
    packet->duration = decode[i + 1] - decode[i];
    if (!is_video() || units[i].is_keyframe)
      packet->flags |= AV_PKT_FLAG_KEY;
    if (const int code = av_write_frame(file.get(), packet.get()); code < 0)
      return Error{"libavformat: " + text_of_error(code)};
  }
  return {};
}

Status Fragmenter::State::flush() {
  output.clear();
  if (const int code = av_write_frame(file.get(), nullptr); code < 0)
    return Error{"libavformat: " + text_of_error(code)};
  avio_flush(file->pb);
  return {};
}

// What the muxer has, checked against what it should have.
Result<CmafFragment> Fragmenter::State::take(std::size_t count, std::int64_t start,
                                             std::int64_t stop) {
  Bytes bytes = Bytes::take(std::exchange(output, {}));
  const auto boxes = publish::read_fragment(bytes.span());
  if (!boxes)
    return Error{boxes.error()};
  const auto begin = static_cast<std::uint64_t>(start);
  const auto end = static_cast<std::uint64_t>(stop);
  if (boxes->sequence_number != sequence_number || boxes->decode_time != begin ||
      boxes->duration != end - begin || boxes->sizes.size() != count)
    return Error{"libavformat wrote another fragment than it was given"};
  const auto presented = [&](std::uint64_t time) { return time - std::min(time, priming); };
  return CmafFragment{.bytes = std::move(bytes),
                      .decode_time = begin,
                      .start = presented(begin),
                      .duration = presented(end) - presented(begin),
                      .key_size = boxes->data + boxes->sizes[0]};
}

Fragmenter::Fragmenter(std::unique_ptr<State> state) : state_(std::move(state)) {}

Fragmenter::~Fragmenter() = default;

Result<std::unique_ptr<Fragmenter>> Fragmenter::create(const GstCaps* caps,
                                                       const Beginning& beginning) {
  auto state = std::make_unique<State>();
  state->beginning = beginning;
  if (const Status opened = state->open(caps); !opened)
    return Error{opened.error()};
  return std::unique_ptr<Fragmenter>(new Fragmenter(std::move(state)));
}

Result<CmafFragment> Fragmenter::make(std::span<const FragmentUnit> given, std::int64_t stop) {
  State& state = *state_;
  std::span<const FragmentUnit> units = given;
  const auto failed = [&](const std::string& why) {
    return Error{format("fragment %u: ", state.sequence_number) + why};
  };
  if (units.empty())
    return failed("has no units");
  if (state.is_video() && !units[0].is_keyframe)
    return failed("does not begin with a keyframe");
  const bool first = state.init.size() == 0;
  std::vector<FragmentUnit> primed;
  if (first) {
    units = primed = state.with_priming(given);
    if (const Status begun = state.begin(units[0]); !begun)
      return failed(begun.error());
  }
  std::int64_t end = 0;
  const std::vector<std::int64_t> times = state.times_of(units, end);
  const std::int64_t start = *std::ranges::min_element(times);
  const std::int64_t latest = *std::ranges::max_element(times);
  std::int64_t next = state.ticks(stop);
  if (std::abs(next - end) <= state.jitter())
    next = end;
  if (start < 0 || (state.next && start != *state.next))
    return failed("does not begin where the one before ends");
  if (next <= latest)
    return failed("a unit is presented after its end");
  if (const Status written = state.write(units, times, next); !written)
    return failed(written.error());
  // The first flush writes what is before all fragments.
  if (first) {
    if (const Status flushed = state.flush(); !flushed)
      return failed(flushed.error());
    auto init = publish::cmaf_init(state.output, state.brands, state.priming);
    if (!init)
      return failed(init.error());
    state.init = std::move(*init);
  }
  if (const Status flushed = state.flush(); !flushed)
    return failed(flushed.error());
  auto fragment = state.take(units.size(), start, next);
  if (!fragment)
    return failed(fragment.error());
  state.next = next;
  ++state.sequence_number;
  return fragment;
}

Bytes Fragmenter::init() const {
  return state_->init;
}

Bytes Fragmenter::segment_type(bool last) const {
  return publish::segment_type(state_->brands, last);
}

std::uint32_t Fragmenter::timescale() const {
  return static_cast<std::uint32_t>(state_->stream->time_base.den);
}

std::uint64_t Fragmenter::priming() const {
  return state_->priming;
}

}  // namespace dist
