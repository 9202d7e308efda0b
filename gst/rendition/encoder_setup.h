// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the functions behind the table of encoders share: one function for each element.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#include "gst/rendition/encoder_table.h"

namespace dist::setup {

// What is asked of the encoder, with nothing left open.
struct Request {
  const RenditionSpec& spec;
  double quality;
  bool constant_quality;
  std::uint64_t bitrate;   // Bits a second; 0 with constant quality.
  std::uint64_t max_rate;  // The same; 0: no limit.
  unsigned buffer;         // Milliseconds.
  unsigned keyframe_interval;
  unsigned threads;
  Speed speed;
  bool deep;       // More than 8 bits.
  unsigned depth;  // Bits of the source's samples.
  std::optional<Fraction> framerate;
};

// Sets an encoder's properties.
class Properties {
 public:
  explicit Properties(EncoderSetup& setup) : list_(setup.properties) {}

  void set(const char* name, const std::string& value) { list_.emplace_back(name, value); }
  void set(const char* name, std::uint64_t value) { set(name, std::to_string(value)); }

 private:
  std::vector<std::pair<std::string, std::string>>& list_;
};

// The value for fast, medium or slow.
template <class T>
T by_speed(const Request& r, T fast, T medium, T slow) {
  return std::array<T, 3>{fast, medium, slow}[static_cast<std::size_t>(r.speed)];
}

inline std::uint64_t rounded(double value, double low, double high) {
  return static_cast<std::uint64_t>(std::lround(std::clamp(value, low, high)));
}

// In units of 1000 bits, and what the encoder takes at most.
inline std::uint64_t kilobits(std::uint64_t bits, std::uint64_t most) {
  return std::clamp<std::uint64_t>(bits / 1000, 1, most);
}

// What a buffer of that many milliseconds holds at that rate.
inline std::uint64_t buffer_bits(std::uint64_t rate, unsigned milliseconds) {
  return rate * milliseconds / 1000;
}

inline void set_stream(EncoderSetup& setup, const Request& r, const char* media, const char* parser,
                       const char* packed) {
  setup.parser = parser;
  setup.final_caps = std::string(media) +
                     ",stream-format=" + (r.spec.in_band ? "byte-stream" : packed) +
                     ",alignment=au";
  if (r.spec.in_band)
    setup.parser_properties.emplace_back("config-interval", "-1");
}

inline void set_h264(EncoderSetup& setup, const Request& r) {
  setup.output_caps = "video/x-h264,profile=high";
  set_stream(setup, r, "video/x-h264", "h264parse", "avc");
}

inline void set_h265(EncoderSetup& setup, const Request& r) {
  setup.output_caps = std::string("video/x-h265,profile=") + (r.deep ? "main-10" : "main");
  set_stream(setup, r, "video/x-h265", "h265parse", "hvc1");
}

inline void set_av1(EncoderSetup& setup) {
  setup.parser = "av1parse";
  setup.final_caps = "video/x-av1,stream-format=obu-stream,alignment=tu";
}

// Frames a second; a guess where nobody knows.
double rate_or_guess(const Request& r);
// The lowest H.264 level, from "1" on, that allows the rendition's size and frame rate.
std::string h264_level(const Request& r);

void x264enc(EncoderSetup& setup, const Request& r);
void x265enc(EncoderSetup& setup, const Request& r);
void openh264enc(EncoderSetup& setup, const Request& r);
void vp8enc(EncoderSetup& setup, const Request& r);
void vp9enc(EncoderSetup& setup, const Request& r);
void av1enc(EncoderSetup& setup, const Request& r);
void svtav1enc(EncoderSetup& setup, const Request& r);
void avenc_mpeg4(EncoderSetup& setup, const Request& r);
void avenc_ffv1(EncoderSetup& setup, const Request& r);
void jpegenc(EncoderSetup& setup, const Request& r);
void nvh264enc(EncoderSetup& setup, const Request& r);
void nvh265enc(EncoderSetup& setup, const Request& r);
void vah264enc(EncoderSetup& setup, const Request& r);
void vah265enc(EncoderSetup& setup, const Request& r);
void qsvh264enc(EncoderSetup& setup, const Request& r);
void v4l2h264enc(EncoderSetup& setup, const Request& r);

}  // namespace dist::setup
