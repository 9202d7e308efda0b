// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/av/av_parameters.h"

#include <gst/audio/audio.h>
#include <gst/pbutils/pbutils.h>
#include <gst/video/video-hdr.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "gst/gstx/ref.h"

extern "C" {
#include <libavutil/mastering_display_metadata.h>
}

namespace dist {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Codec {
  const char* caps;
  AVCodecID id;
};
constexpr Codec kCodecs[] = {
    {"video/x-h264", AV_CODEC_ID_H264},
    {"video/x-h265", AV_CODEC_ID_HEVC},
    {"video/x-vp8", AV_CODEC_ID_VP8},
    {"video/x-vp9", AV_CODEC_ID_VP9},
    {"video/x-av1", AV_CODEC_ID_AV1},
    {"video/mpeg,mpegversion=4", AV_CODEC_ID_MPEG4},
    {"video/x-ffv", AV_CODEC_ID_FFV1},
    {"image/jpeg", AV_CODEC_ID_MJPEG},
    {"audio/mpeg,mpegversion={2,4}", AV_CODEC_ID_AAC},
    {"audio/mpeg,mpegversion=1,layer=3", AV_CODEC_ID_MP3},
    {"audio/mpeg,mpegversion=1,layer=2", AV_CODEC_ID_MP2},
    {"audio/mpeg,mpegversion=1,layer=1", AV_CODEC_ID_MP1},
    {"audio/x-ac3", AV_CODEC_ID_AC3},
    {"audio/x-eac3", AV_CODEC_ID_EAC3},
    {"audio/x-dts", AV_CODEC_ID_DTS},
    {"audio/x-flac", AV_CODEC_ID_FLAC},
    {"audio/x-vorbis", AV_CODEC_ID_VORBIS},
    {"audio/x-opus", AV_CODEC_ID_OPUS},
    {"audio/x-alac", AV_CODEC_ID_ALAC},
    {"audio/x-raw,format=U8", AV_CODEC_ID_PCM_U8},
    {"audio/x-raw,format=S16LE", AV_CODEC_ID_PCM_S16LE},
    {"audio/x-raw,format=S16BE", AV_CODEC_ID_PCM_S16BE},
    {"audio/x-raw,format=S24LE", AV_CODEC_ID_PCM_S24LE},
    {"audio/x-raw,format=S24BE", AV_CODEC_ID_PCM_S24BE},
    {"audio/x-raw,format=S32LE", AV_CODEC_ID_PCM_S32LE},
    {"audio/x-raw,format=S32BE", AV_CODEC_ID_PCM_S32BE},
    {"audio/x-raw,format=F32LE", AV_CODEC_ID_PCM_F32LE},
    {"audio/x-raw,format=F64LE", AV_CODEC_ID_PCM_F64LE},
    {"subpicture/x-dvd", AV_CODEC_ID_DVD_SUBTITLE},
    {"subpicture/x-pgs", AV_CODEC_ID_HDMV_PGS_SUBTITLE},
};

AVCodecID codec_of(const GstCaps* caps) {
  const auto* found = std::ranges::find_if(kCodecs, [caps](const Codec& codec) {
    const auto any = Ref<GstCaps>::adopt(gst_caps_from_string(codec.caps));
    return gst_caps_can_intersect(any.get(), caps);
  });
  return found == std::end(kCodecs) ? AV_CODEC_ID_NONE : found->id;
}

Bytes bytes_of(const GValue* value) {
  GstBuffer* const buffer =
      value && GST_VALUE_HOLDS_BUFFER(value) ? gst_value_get_buffer(value) : nullptr;
  if (!buffer)
    return {};
  const BufferMap map(buffer);
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(map.span().data());
  return {begin, begin + map.span().size()};
}

std::vector<Bytes> headers_of(const GstStructure* caps) {
  std::vector<Bytes> headers;
  const GValue* const list = gst_structure_get_value(caps, "streamheader");
  for (guint i = 0; list && i < gst_value_array_get_size(list); ++i)
    headers.push_back(bytes_of(gst_value_array_get_value(list, i)));
  return headers;
}

// As Vorbis has them in Matroska.
Bytes laced(const std::vector<Bytes>& headers) {
  if (headers.size() != 3)
    return {};
  Bytes all{2};
  for (std::size_t i = 0; i < 2; ++i) {
    all.insert(all.end(), headers[i].size() / 255, 255);
    all.push_back(static_cast<std::uint8_t>(headers[i].size() % 255));
  }
  for (const Bytes& header : headers)
    all.insert(all.end(), header.begin(), header.end());
  return all;
}

Bytes opus_header(const GstCaps* caps, const std::vector<Bytes>& headers) {
  if (!headers.empty())
    return headers[0];
  guint32 rate = 0;
  guint8 channels = 0;
  guint8 family = 0;
  guint8 streams = 0;
  guint8 coupled = 0;
  guint8 mapping[256] = {};
  if (!gst_codec_utils_opus_parse_caps(const_cast<GstCaps*>(caps), &rate, &channels, &family,
                                       &streams, &coupled, mapping))
    return {};
  // How much only starts the decoder is not in the stream.
  const auto buffer = Ref<GstBuffer>::adopt(gst_codec_utils_opus_create_header(
      rate, channels, family, streams, coupled, family > 0 ? mapping : nullptr, 0, 0));
  if (!buffer)
    return {};
  const BufferMap map(buffer.get());
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(map.span().data());
  return {begin, begin + map.span().size()};
}

Bytes extradata_of(AVCodecID codec, const GstCaps* caps) {
  const GstStructure* const structure = gst_caps_get_structure(caps, 0);
  const std::vector<Bytes> headers = headers_of(structure);
  // In Ogg's header: its own 9 bytes, "fLaC", and the head of the block.
  constexpr std::size_t kFlacBlock = 17;
  constexpr std::size_t kFlacSize = 34;
  switch (codec) {
    case AV_CODEC_ID_FLAC:
      if (headers.empty() || headers[0].size() < kFlacBlock + kFlacSize)
        return {};
      return {headers[0].begin() + kFlacBlock, headers[0].begin() + kFlacBlock + kFlacSize};
    case AV_CODEC_ID_VORBIS:
      return laced(headers);
    case AV_CODEC_ID_OPUS:
      return opus_header(caps, headers);
    default:
      return bytes_of(gst_structure_get_value(structure, "codec_data"));
  }
}

void set_extradata(AVCodecParameters* parameters, const Bytes& bytes) {
  if (bytes.empty())
    return;
  parameters->extradata =
      static_cast<std::uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::memcpy(parameters->extradata, bytes.data(), bytes.size());
  parameters->extradata_size = static_cast<int>(bytes.size());
}

int int_field(const GstStructure* structure, const char* name) {
  gint value = 0;
  gst_structure_get_int(structure, name, &value);
  return value;
}

void fill_colours(AVCodecParameters* parameters, const GstStructure* caps) {
  GstVideoColorimetry colours{};
  const char* text = gst_structure_get_string(caps, "colorimetry");
  if (!text || !gst_video_colorimetry_from_string(&colours, text))
    return;
  parameters->color_range = colours.range == GST_VIDEO_COLOR_RANGE_0_255 ? AVCOL_RANGE_JPEG
                            : colours.range == GST_VIDEO_COLOR_RANGE_16_235
                                ? AVCOL_RANGE_MPEG
                                : AVCOL_RANGE_UNSPECIFIED;
  parameters->color_space =
      static_cast<AVColorSpace>(gst_video_color_matrix_to_iso(colours.matrix));
  parameters->color_trc = static_cast<AVColorTransferCharacteristic>(
      gst_video_transfer_function_to_iso(colours.transfer));
  parameters->color_primaries =
      static_cast<AVColorPrimaries>(gst_video_color_primaries_to_iso(colours.primaries));
}

template <typename T>
T* add_side_data(AVStream* stream, AVPacketSideDataType type, T* data, std::size_t size) {
  if (av_stream_add_side_data(stream, type, reinterpret_cast<std::uint8_t*>(data), size) < 0)
    av_freep(&data);
  return data;
}

void fill_light(AVStream* stream, const GstCaps* caps) {
  GstVideoMasteringDisplayInfo display;
  if (gst_video_mastering_display_info_from_caps(&display, caps)) {
    auto* const data = av_mastering_display_metadata_alloc();
    constexpr int kPlace = 50000;
    constexpr int kLight = 10000;
    for (std::size_t i = 0; i < 3; ++i) {
      data->display_primaries[i][0] = {display.display_primaries[i].x, kPlace};
      data->display_primaries[i][1] = {display.display_primaries[i].y, kPlace};
    }
    data->white_point[0] = {display.white_point.x, kPlace};
    data->white_point[1] = {display.white_point.y, kPlace};
    data->max_luminance = {static_cast<int>(display.max_display_mastering_luminance), kLight};
    data->min_luminance = {static_cast<int>(display.min_display_mastering_luminance), kLight};
    data->has_primaries = data->has_luminance = 1;
    add_side_data(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, data, sizeof *data);
  }
  GstVideoContentLightLevel light;
  if (gst_video_content_light_level_from_caps(&light, caps)) {
    std::size_t size = 0;
    auto* const data = av_content_light_metadata_alloc(&size);
    data->MaxCLL = light.max_content_light_level;
    data->MaxFALL = light.max_frame_average_light_level;
    add_side_data(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, data, size);
  }
}

// Muxers want the format of pixels of those codecs whose headers do not say it.
int pixels_of(const GstStructure* caps) {
  guint depth = 8;
  gst_structure_get_uint(caps, "bit-depth-luma", &depth);
  const char* const chroma = gst_structure_get_string(caps, "chroma-format");
  const std::string_view format = chroma ? chroma : "4:2:0";
  if (format == "4:4:4")
    return depth == 12   ? AV_PIX_FMT_YUV444P12
           : depth == 10 ? AV_PIX_FMT_YUV444P10
                         : AV_PIX_FMT_YUV444P;
  if (format == "4:2:2")
    return depth == 12   ? AV_PIX_FMT_YUV422P12
           : depth == 10 ? AV_PIX_FMT_YUV422P10
                         : AV_PIX_FMT_YUV422P;
  return depth == 12   ? AV_PIX_FMT_YUV420P12
         : depth == 10 ? AV_PIX_FMT_YUV420P10
                       : AV_PIX_FMT_YUV420P;
}

// Fine enough for any time, and exact where the rate is constant.
int ticks_of(const GstStructure* caps) {
  gint numerator = 0;
  gint denominator = 1;
  if (!gst_structure_get_fraction(caps, "framerate", &numerator, &denominator) || numerator <= 0)
    return 90000;
  while (numerator < 90000)
    numerator *= 2;
  return numerator;
}

void fill_video(AVStream* stream, const GstCaps* caps) {
  const GstStructure* const structure = gst_caps_get_structure(caps, 0);
  AVCodecParameters* const parameters = stream->codecpar;
  parameters->codec_type = AVMEDIA_TYPE_VIDEO;
  parameters->width = int_field(structure, "width");
  parameters->height = int_field(structure, "height");
  parameters->format = pixels_of(structure);
  AVRational shape{1, 1};
  gst_structure_get_fraction(structure, "pixel-aspect-ratio", &shape.num, &shape.den);
  parameters->sample_aspect_ratio = stream->sample_aspect_ratio = shape;
  AVRational rate{0, 1};
  if (gst_structure_get_fraction(structure, "framerate", &rate.num, &rate.den) && rate.num > 0)
    stream->avg_frame_rate = rate;
  fill_colours(parameters, structure);
  fill_light(stream, caps);
  stream->time_base = {1, ticks_of(structure)};
}

void fill_audio(AVStream* stream, const GstCaps* caps) {
  const GstStructure* const structure = gst_caps_get_structure(caps, 0);
  AVCodecParameters* const parameters = stream->codecpar;
  parameters->codec_type = AVMEDIA_TYPE_AUDIO;
  parameters->sample_rate =
      parameters->codec_id == AV_CODEC_ID_OPUS ? 48000 : int_field(structure, "rate");
  av_channel_layout_default(&parameters->ch_layout, int_field(structure, "channels"));
  guint64 mask = 0;
  if (gst_structure_get(structure, "channel-mask", GST_TYPE_BITMASK, &mask, nullptr) && mask != 0) {
    AVChannelLayout layout{};
    if (av_channel_layout_from_mask(&layout, mask) == 0 &&
        layout.nb_channels == parameters->ch_layout.nb_channels)
      av_channel_layout_copy(&parameters->ch_layout, &layout);
  }
  if (const int bits = av_get_bits_per_sample(parameters->codec_id); bits > 0) {
    parameters->bits_per_coded_sample = bits;
    parameters->block_align = bits / 8 * parameters->ch_layout.nb_channels;
  }
  if (parameters->codec_id == AV_CODEC_ID_OPUS && parameters->extradata_size >= 12) {
    parameters->initial_padding = parameters->extradata[10] | parameters->extradata[11] << 8;
    parameters->seek_preroll = 3840;
  }
  const int spf = int_field(structure, "samples-per-frame");
  parameters->frame_size = spf > 0 ? spf : 0;
  stream->time_base = {1, std::max(1, parameters->sample_rate)};
}

}  // namespace

bool has_parameters(const GstCaps* caps) {
  return gst_caps_get_size(caps) > 0 && codec_of(caps) != AV_CODEC_ID_NONE;
}

bool fill_parameters(AVStream* stream, const GstCaps* caps) {
  AVCodecParameters* const parameters = stream->codecpar;
  parameters->codec_id = codec_of(caps);
  if (parameters->codec_id == AV_CODEC_ID_NONE)
    return false;
  set_extradata(parameters, extradata_of(parameters->codec_id, caps));
  const std::string_view name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  if (name.starts_with("audio/")) {
    fill_audio(stream, caps);
  } else if (name.starts_with("subpicture/")) {
    parameters->codec_type = AVMEDIA_TYPE_SUBTITLE;
    stream->time_base = {1, 1000};
  } else {
    fill_video(stream, caps);
  }
  return true;
}

void set_mp4_tag(AVCodecParameters* parameters) {
  if (parameters->codec_id == AV_CODEC_ID_HEVC)
    parameters->codec_tag = MKTAG('h', 'v', 'c', '1');
}

void fill_text_parameters(AVStream* stream, AVCodecID codec, unsigned width, unsigned height) {
  AVCodecParameters* const parameters = stream->codecpar;
  parameters->codec_type = AVMEDIA_TYPE_SUBTITLE;
  parameters->codec_id = codec;
  stream->time_base = {1, 1000};
  if (codec != AV_CODEC_ID_MOV_TEXT)
    return;
  parameters->width = static_cast<int>(width);
  parameters->height = static_cast<int>(height);
  // 3GPP TS 26.245, 5.16: below in the middle, no background, white, a twentieth of the height.
  const auto size = static_cast<std::uint8_t>(std::clamp(height / 20, 8u, 255u));
  const auto low = [](unsigned value) { return static_cast<std::uint8_t>(value & 0xff); };
  const std::string font = "Sans-Serif";
  Bytes entry{0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0};
  for (const unsigned value : {0u, 0u, height, width}) {
    entry.push_back(low(value >> 8));
    entry.push_back(low(value));
  }
  for (const std::uint8_t value : Bytes{0, 0, 0, 0, 0, 1, 0, size, 255, 255, 255, 255})
    entry.push_back(value);
  for (const std::uint8_t value :
       Bytes{0, 0, 0, low(13 + static_cast<unsigned>(font.size())), 'f', 't', 'a', 'b', 0, 1, 0, 1,
             low(static_cast<unsigned>(font.size()))})
    entry.push_back(value);
  entry.insert(entry.end(), font.begin(), font.end());
  set_extradata(parameters, entry);
}

}  // namespace dist
