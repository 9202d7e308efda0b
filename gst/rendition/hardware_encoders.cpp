// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Encoders of graphics cards and processors. They limit what constant quality takes as far as their
// elements let them; docs/design/ladder.md says which do not.
#include "gst/rendition/encoder_setup.h"

namespace dist::setup {
namespace {

const char* raw_caps(bool deep) {
  return deep ? "video/x-raw,format=P010_10LE" : "video/x-raw,format=NV12";
}

void nvenc(EncoderSetup& setup, const Request& r) {
  constexpr std::uint64_t kMost = 2'048'000;
  constexpr unsigned kMostBFrames = 4;
  Properties p(setup);
  p.set("preset", by_speed<const char*>(r, "hp", "default", "hq"));
  // Later versions have the second name of each.
  p.set("?rc-mode", "vbr");
  p.set("?rate-control", "vbr");
  if (r.constant_quality)
    p.set("const-quality", std::to_string(rounded(r.quality, 1, 51)));
  else
    p.set("bitrate", kilobits(r.bitrate, kMost));
  if (r.max_rate != 0) {
    p.set("max-bitrate", kilobits(r.max_rate, kMost));
    p.set("vbv-buffer-size", kilobits(buffer_bits(r.max_rate, r.buffer), kMost));
  }
  p.set("gop-size", r.keyframe_interval);
  if (r.spec.b_frames) {
    p.set("?bframes", std::min(*r.spec.b_frames, kMostBFrames));
    p.set("?b-frames", std::min(*r.spec.b_frames, kMostBFrames));
  }
}

void va(EncoderSetup& setup, const Request& r) {
  constexpr std::uint64_t kMost = 2'048'000;
  constexpr unsigned kMostFrames = 1024;
  Properties p(setup);
  setup.range = Range::kLimited;
  // The property is there if the driver knows several modes.
  if (r.constant_quality) {
    const std::uint64_t quantizer = rounded(r.quality, 1, 47);
    p.set("?rate-control", "cqp");
    p.set("qpi", quantizer);
    p.set("qpp", quantizer + 2);
    p.set("qpb", quantizer + 4);
  } else {
    p.set("?rate-control", "vbr");
    p.set("bitrate", kilobits(r.bitrate, kMost));
    if (r.max_rate != 0) {
      p.set("target-percentage", std::clamp<std::uint64_t>(100 * r.bitrate / r.max_rate, 50, 100));
      p.set("cpb-size", kilobits(buffer_bits(r.max_rate, r.buffer), kMost));
    }
  }
  p.set("target-usage", by_speed<std::uint64_t>(r, 7, 4, 1));
  p.set("key-int-max", std::min(r.keyframe_interval, kMostFrames));
  if (r.spec.b_frames)
    p.set("b-frames", *r.spec.b_frames);
}

}  // namespace

void nvh264enc(EncoderSetup& setup, const Request& r) {
  setup.input_caps = raw_caps(false);
  nvenc(setup, r);
  set_h264(setup, r);
}

void nvh265enc(EncoderSetup& setup, const Request& r) {
  setup.input_caps = raw_caps(r.deep);
  nvenc(setup, r);
  set_h265(setup, r);
}

void vah264enc(EncoderSetup& setup, const Request& r) {
  setup.input_caps = raw_caps(false);
  va(setup, r);
  set_h264(setup, r);
}

void vah265enc(EncoderSetup& setup, const Request& r) {
  setup.input_caps = raw_caps(r.deep);
  va(setup, r);
  set_h265(setup, r);
}

void qsvh264enc(EncoderSetup& setup, const Request& r) {
  constexpr std::uint64_t kMost = 2'147'483'647;
  Properties p(setup);
  setup.input_caps = raw_caps(false);
  if (r.constant_quality && r.max_rate == 0) {
    p.set("rate-control", "icq");
    p.set("icq-quality", rounded(r.quality, 1, 51));
  } else if (r.constant_quality) {
    p.set("rate-control", "qvbr");
    p.set("qvbr-quality", rounded(r.quality, 1, 51));
    p.set("bitrate", kilobits(r.max_rate, kMost));
    p.set("max-bitrate", kilobits(r.max_rate, kMost));
  } else {
    p.set("rate-control", "vbr");
    p.set("bitrate", kilobits(r.bitrate, kMost));
    p.set("max-bitrate", kilobits(std::max(r.bitrate, r.max_rate), kMost));
  }
  p.set("target-usage", by_speed<std::uint64_t>(r, 7, 4, 1));
  p.set("gop-size", std::min(r.keyframe_interval, 65'535u));
  if (r.spec.b_frames)
    p.set("b-frames", *r.spec.b_frames);
  set_h264(setup, r);
}

void v4l2h264enc(EncoderSetup& setup, const Request& r) {
  // The kernel's encoders know rates and limits of the quantiser, but no constant quality.
  constexpr double kBitsPerPixel = 0.2;
  std::uint64_t rate = r.constant_quality ? r.max_rate : r.bitrate;
  if (rate == 0)
    rate =
        static_cast<std::uint64_t>(kBitsPerPixel * r.spec.width * r.spec.height * rate_or_guess(r));
  std::string controls =
      "controls,video_bitrate=" + std::to_string(std::max<std::uint64_t>(rate, 25'000)) +
      ",h264_i_frame_period=" + std::to_string(r.keyframe_interval) +
      ",video_gop_size=" + std::to_string(r.keyframe_interval) + ",repeat_sequence_header=1";
  if (r.constant_quality)
    controls += ",h264_minimum_qp_value=" + std::to_string(rounded(r.quality, 1, 51));
  if (r.spec.b_frames)
    controls += ",video_b_frames=" + std::to_string(*r.spec.b_frames);
  Properties p(setup);
  setup.input_caps = raw_caps(false);
  setup.range = Range::kLimited;
  p.set("extra-controls", controls);
  set_h264(setup, r);
  // Drivers default to a level that is too low for HD and refuse it.
  setup.output_caps += ",level=(string)" + h264_level(r);
}

}  // namespace dist::setup
