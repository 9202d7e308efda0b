// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// docs/design/ladder.md shows this as a table. What an encoder takes was read off GStreamer 1.22.
#include "gst/rendition/encoder_table.h"

#include "gst/rendition/encoder_setup.h"

namespace dist {
namespace {

// Where nothing else is asked: a segment is about a second, so this is one GOP in each.
constexpr unsigned kKeyframeInterval = 250;
// Milliseconds. Each segment begins with a full buffer, so one longer than a segment limits little.
constexpr unsigned kBuffer = 1000;
// Frames a second where nobody knows.
constexpr double kGuessedRate = 30;

struct Row {
  EncoderInfo info;
  void (*setup)(EncoderSetup& setup, const setup::Request& r);
};

const Row kRows[] = {
    {{"x264enc", "h264", false}, setup::x264enc},
    {{"openh264enc", "h264", false}, setup::openh264enc},
    {{"nvh264enc", "h264", true}, setup::nvh264enc},
    {{"vah264enc", "h264", true}, setup::vah264enc},
    {{"qsvh264enc", "h264", true}, setup::qsvh264enc},
    {{"v4l2h264enc", "h264", true}, setup::v4l2h264enc},
    {{"x265enc", "h265", false}, setup::x265enc},
    {{"nvh265enc", "h265", true}, setup::nvh265enc},
    {{"vah265enc", "h265", true}, setup::vah265enc},
    {{"vp8enc", "vp8", false}, setup::vp8enc},
    {{"vp9enc", "vp9", false}, setup::vp9enc},
    {{"av1enc", "av1", false}, setup::av1enc},
    {{"svtav1enc", "av1", false}, setup::svtav1enc},
    {{"avenc_mpeg4", "mpeg4", false}, setup::avenc_mpeg4},
    {{"jpegenc", "jpeg", false}, setup::jpegenc},
    {{"avenc_ffv1", "ffv1", false}, setup::avenc_ffv1},
};

}  // namespace

const std::vector<EncoderInfo>& encoders() {
  static const std::vector<EncoderInfo> list = [] {
    std::vector<EncoderInfo> result;
    for (const Row& row : kRows)
      result.push_back(row.info);
    return result;
  }();
  return list;
}

EncoderSetup setup_encoder(std::string_view element, const RenditionSpec& spec, unsigned threads,
                           const std::optional<Fraction>& framerate, unsigned depth) {
  const CodecInfo* codec = find_codec(spec.codec);
  const setup::Request request{
      .spec = spec,
      .quality = spec.quality.value_or(codec ? codec->default_quality : 0),
      .constant_quality = !spec.bitrate || *spec.bitrate == 0,
      .bitrate = spec.bitrate.value_or(0),
      .max_rate = spec.max_rate.value_or(0),
      .buffer = spec.buffer.value_or(kBuffer),
      .keyframe_interval = spec.keyframe_interval.value_or(kKeyframeInterval),
      .threads = std::max(1u, spec.threads.value_or(threads)),
      .speed = spec.speed.value_or(Speed::kMedium),
      .deep = depth > 8,
      .depth = depth,
      .framerate = framerate};
  EncoderSetup result;
  for (const Row& row : kRows)
    if (element == row.info.element)
      row.setup(result, request);
  return result;
}

namespace setup {

double rate_or_guess(const Request& r) {
  double rate = kGuessedRate;
  if (r.framerate && r.framerate->num > 0 && r.framerate->den > 0)
    rate = static_cast<double>(r.framerate->num) / r.framerate->den;
  if (r.spec.fps && r.spec.fps->den > 0)
    rate = std::min(rate, static_cast<double>(r.spec.fps->num) / r.spec.fps->den);
  return std::max(rate, 1.0);
}

std::string h264_level(const Request& r) {
  // ITU-T H.264, table A-1: macroblocks a second and in a frame.
  constexpr struct {
    const char* name;
    double rate;
    unsigned size;
  } kLevels[] = {
      {"1", 1485, 99},        {"1.1", 3000, 396},      {"1.2", 6000, 396},
      {"1.3", 11880, 396},    {"2.1", 19800, 792},     {"2.2", 20250, 1620},
      {"3", 40500, 1620},     {"3.1", 108000, 3600},   {"3.2", 216000, 5120},
      {"4", 245760, 8192},    {"4.2", 522240, 8704},   {"5", 589824, 22080},
      {"5.1", 983040, 36864}, {"5.2", 2073600, 36864}, {"6", 4177920, 139264},
  };
  const unsigned size = ((r.spec.width + 15) / 16) * ((r.spec.height + 15) / 16);
  for (const auto& level : kLevels)
    if (size <= level.size && size * rate_or_guess(r) <= level.rate)
      return level.name;
  return "6.2";
}

}  // namespace setup
}  // namespace dist
