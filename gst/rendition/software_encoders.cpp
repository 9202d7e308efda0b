// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Nothing that depends on the machine, such as the number of threads, may show in the codec's
// configuration: segments of different workers follow one another.
#include "gst/rendition/encoder_setup.h"
#include "gst/rendition/rendition_text.h"

namespace dist::setup {
namespace {

constexpr std::uint64_t kMostInt = 2'147'483'647;

std::string fraction_text(const Fraction& f) {
  return std::to_string(f.num) + "/" + std::to_string(f.den);
}

bool known(const std::optional<Fraction>& framerate) {
  return framerate && framerate->num > 0 && framerate->den > 0;
}

// For encoders whose constant quality is an average rate that a quantiser keeps from being used up:
// how high it may be. Much higher, and libvpx takes the quantiser for too coarse.
std::uint64_t roof(const Request& r) {
  constexpr double kBitsPerPixel = 0.5;
  if (!r.constant_quality)
    return r.bitrate;
  if (r.max_rate != 0)
    return r.max_rate;
  return std::max<std::uint64_t>(
      100'000,
      static_cast<std::uint64_t>(kBitsPerPixel * r.spec.width * r.spec.height * rate_or_guess(r)));
}

// Whether an average is to be kept with a buffer though nobody asked for a cap. x264 and x265 begin
// with a guess at how hard the film is; without a buffer to plan for, a segment of a second is over
// before they have made up for it, 10 to 40 % below its rate.
bool needs_cap(const Request& r) {
  return !r.constant_quality && !r.spec.max_rate;
}

// As a power of two; by the size alone.
std::uint64_t tile_columns(const Request& r) {
  return r.spec.width >= 1920 ? 2 : r.spec.width >= 960 ? 1 : 0;
}

void vpx(EncoderSetup& setup, const Request& r) {
  Properties p(setup);
  if (r.constant_quality) {
    p.set("end-usage", "cq");
    p.set("cq-level", rounded(r.quality, 0, 63));
    p.set("min-quantizer", rounded(r.quality, 0, 63));
  } else {
    p.set("end-usage", "vbr");
    p.set("min-quantizer", 0);
  }
  p.set("target-bitrate", std::min(roof(r), kMostInt));
  p.set("buffer-size", r.buffer);
  p.set("keyframe-max-dist", r.keyframe_interval);
  p.set("cpu-used", by_speed<std::uint64_t>(r, 5, 3, 1));
  p.set("threads", r.threads);
}

}  // namespace

void x264enc(EncoderSetup& setup, const Request& r) {
  constexpr std::uint64_t kMost = 2'048'000;
  constexpr std::uint64_t kMostBuffer = 10'000;
  constexpr unsigned kBitrateBuffer = 1500;
  Properties p(setup);
  setup.input_caps = "video/x-raw,format=I420";
  p.set("speed-preset", by_speed<const char*>(r, "veryfast", "medium", "slow"));
  p.set("threads", r.threads);
  p.set("key-int-max", r.keyframe_interval);
  if (r.spec.b_frames)
    p.set("bframes", *r.spec.b_frames);
  // `bitrate` is what the buffer is filled with in both modes; a buffer of 0 has no limit.
  std::uint64_t buffer = r.max_rate != 0 ? r.buffer : 0;
  if (r.constant_quality) {
    p.set("pass", "qual");
    // 0 would be lossless, which the profile does not allow.
    p.set("quantizer", rounded(r.quality, 1, 50));
    p.set("bitrate", kilobits(r.max_rate != 0 ? r.max_rate : kMostInt, kMost));
  } else {
    p.set("pass", "cbr");
    p.set("bitrate", kilobits(r.bitrate, kMost));
    buffer = r.max_rate != 0 ? buffer * r.max_rate / r.bitrate
             : needs_cap(r)  ? r.spec.buffer.value_or(kBitrateBuffer)
                             : 0;
  }
  p.set("vbv-buf-capacity", std::min(buffer, kMostBuffer));
  set_h264(setup, r);
}

void x265enc(EncoderSetup& setup, const Request& r) {
  constexpr std::uint64_t kMost = 102'400;
  Properties p(setup);
  setup.input_caps = std::string("video/x-raw,format=") + (r.deep ? "I420_10LE" : "I420");
  p.set("speed-preset", by_speed<const char*>(r, "veryfast", "medium", "slow"));
  p.set("key-int-max", r.keyframe_interval);
  // A pool of at least one thread, else wavefronts are turned off, which the parameter sets say.
  std::string options = "pools=" + std::to_string(r.threads) +
                        ":frame-threads=" + std::to_string(std::clamp(r.threads / 2, 1u, 4u)) +
                        ":wpp=1:open-gop=0:info=0";
  // Without a rate the library does not open.
  if (!known(r.framerate))
    options += ":fps=" + fraction_text({30, 1});
  if (r.constant_quality)
    options += ":crf=" + text::number(r.quality);
  else
    p.set("bitrate", kilobits(r.bitrate, kMost));
  const std::uint64_t max_rate = needs_cap(r) ? r.bitrate : r.max_rate;
  if (max_rate != 0)
    options += ":vbv-maxrate=" + std::to_string(kilobits(max_rate, kMostInt)) + ":vbv-bufsize=" +
               std::to_string(kilobits(buffer_bits(max_rate, r.buffer), kMostInt));
  if (r.spec.b_frames)
    options += ":bframes=" + std::to_string(*r.spec.b_frames);
  p.set("option-string", options);
  set_h265(setup, r);
}

void openh264enc(EncoderSetup& setup, const Request& r) {
  // Of the highest level it knows, 5.2; it fails with more.
  constexpr std::uint64_t kMost = 240'000'000;
  // The picture is cut into one slice for each thread, so many at most.
  constexpr unsigned kRowsOfSlice = 128;
  Properties p(setup);
  setup.input_caps = "video/x-raw,format=I420";
  setup.range = Range::kLimited;
  p.set("complexity", by_speed<const char*>(r, "low", "medium", "high"));
  const unsigned slices = std::clamp(r.spec.height / kRowsOfSlice, 1u, std::min(r.threads, 8u));
  p.set("multi-thread", slices);
  p.set("slice-mode", "n-slices");
  p.set("num-slices", slices);
  p.set("gop-size", r.keyframe_interval);
  p.set("enable-frame-skip", "false");
  // Where the frame rate is unknown it takes about twice as much.
  const auto rate = [&](std::uint64_t bits) {
    return std::min(bits / (known(r.framerate) ? 1 : 2), kMost);
  };
  const std::uint64_t quantizer = rounded(r.quality, 1, 51);
  if (r.constant_quality) {
    // An average that is not used up, because the quantiser stops at the quality asked for. Without
    // any rate control the quantiser would be 26 whatever is asked for.
    p.set("rate-control", "quality");
    p.set("bitrate", r.max_rate != 0 ? rate(r.max_rate) : kMost);
    p.set("qp-min", quantizer);
    p.set("qp-max", r.max_rate != 0 ? 51 : quantizer);
  } else {
    p.set("rate-control", "bitrate");
    p.set("bitrate", rate(r.bitrate));
    if (r.max_rate != 0)
      p.set("max-bitrate", rate(r.max_rate));
  }
  set_h264(setup, r);
  if (!known(r.framerate))
    setup.output_caps += ",level=(string)" + h264_level(r);
}

void vp8enc(EncoderSetup& setup, const Request& r) {
  setup.input_caps = "video/x-raw,format=I420";
  setup.range = Range::kLimited;
  vpx(setup, r);
  setup.final_caps = "video/x-vp8";
}

void vp9enc(EncoderSetup& setup, const Request& r) {
  Properties p(setup);
  setup.input_caps = std::string("video/x-raw,format=") + (r.deep ? "I420_10LE" : "I420");
  vpx(setup, r);
  // In one pass it looks ahead without making use of it.
  p.set("lag-in-frames", 0);
  p.set("frame-parallel-decoding", "false");
  p.set("row-mt", "true");
  p.set("tile-columns", tile_columns(r));
  setup.parser = "vp9parse";
  setup.final_caps = "video/x-vp9,alignment=super-frame";
}

void av1enc(EncoderSetup& setup, const Request& r) {
  constexpr std::uint64_t kMost = 4'294'967;
  Properties p(setup);
  setup.input_caps = "video/x-raw,format=I420";
  if (r.constant_quality) {
    p.set("end-usage", r.max_rate != 0 ? "cq" : "q");
    p.set("min-quantizer", rounded(r.quality, 0, 63));
    p.set("max-quantizer", 63);
  } else {
    p.set("end-usage", "vbr");
    p.set("min-quantizer", 0);
    p.set("max-quantizer", 63);
  }
  p.set("target-bitrate", kilobits(roof(r), kMost));
  p.set("buf-sz", r.buffer);
  p.set("keyframe-max-dist", r.keyframe_interval);
  p.set("cpu-used", by_speed<std::uint64_t>(r, 8, 6, 4));
  // With lookahead, its rate control in one pass misses by a factor of ten.
  p.set("lag-in-frames", 0);
  p.set("tile-columns", tile_columns(r));
  p.set("threads", r.threads);
  set_av1(setup);
}

void svtav1enc(EncoderSetup& setup, const Request& r) {
  constexpr std::uint64_t kMost = 100'000;
  Properties p(setup);
  setup.input_caps = std::string("video/x-raw,format=") + (r.deep ? "I420_10LE" : "I420");
  p.set("preset", by_speed<std::uint64_t>(r, 10, 8, 5));
  if (r.constant_quality) {
    // 0 is "not set".
    p.set("crf", rounded(r.quality, 1, 63));
    if (r.max_rate != 0)
      p.set("parameters-string", "mbr=" + std::to_string(kilobits(r.max_rate, kMost)));
  } else {
    p.set("target-bitrate", kilobits(r.bitrate, kMost));
    if (r.max_rate != 0)
      p.set("max-bitrate", kilobits(r.max_rate, kMost));
  }
  p.set("intra-period-length", r.keyframe_interval);
  p.set("logical-processors", r.threads);
  set_av1(setup);
}

void avenc_mpeg4(EncoderSetup& setup, const Request& r) {
  Properties p(setup);
  setup.input_caps = "video/x-raw,format=I420";
  setup.range = Range::kLimited;
  // Neither its constant quantiser nor its rates have the effect they should; the two limits have.
  p.set("qmin", rounded(r.quality, 2, 31));
  p.set("qmax", rounded(r.quality, 2, 31));
  p.set("gop-size", r.keyframe_interval);
  p.set("max-bframes", 0);
  // Each frame by the best of its ways to code a block, not by the quickest.
  p.set("mbd", by_speed<const char*>(r, "simple", "rd", "rd"));
  p.set("threads", r.threads > 1 ? "auto" : "unknown");
  setup.output_caps = "video/mpeg,profile=simple";
  // mpeg4videoparse loses timestamps.
  setup.final_caps = "video/mpeg,mpegversion=4,systemstream=false";
}

void avenc_ffv1(EncoderSetup& setup, const Request& r) {
  Properties p(setup);
  // As deep as the source, and of these videoconvert takes the nearest: nothing is to be lost.
  setup.input_caps = "video/x-raw,format={";
  setup.input_caps += r.depth <= 8 ? "I420,Y42B,Y444,Y41B,YUV9,A420,GRAY8,BGRx,BGRA"
                      : r.depth <= 10
                          ? "I420_10LE,I422_10LE,Y444_10LE,A420_10LE,A422_10LE,"
                            "A444_10LE,GRAY16_LE,GBR_10LE,GBRA_10LE"
                          : "I420_12LE,I422_12LE,Y444_12LE,GRAY16_LE,GBR_12LE,GBRA_12LE";
  setup.input_caps += "}";
  p.set("gop-size", r.spec.keyframe_interval.value_or(1));
  // By itself it would make one for each thread, and say so in the codec's configuration.
  p.set("slices", 4);
  p.set("threads", r.threads > 1 ? "auto" : "unknown");
  // Muxers want the version by a name that the encoder does not use.
  setup.parser = "capssetter";
  setup.parser_properties.emplace_back("caps", "video/x-ffv,ffversion=(int)1");
  setup.final_caps = "video/x-ffv";
}

void jpegenc(EncoderSetup& setup, const Request& r) {
  Properties p(setup);
  // Viewers take JPEG for full range.
  setup.input_caps = "video/x-raw,format=I420,colorimetry=(string)1:4:0:0";
  setup.range = Range::kFull;
  p.set("quality", rounded(r.quality, 1, 100));
  setup.final_caps = "image/jpeg";
}

}  // namespace dist::setup
