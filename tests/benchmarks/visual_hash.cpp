// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   visual-hash [WIDTH HEIGHT]   how many frames are hashed in a second of one core's time
//   (1920x1080),
//                                for a format with 8 bits, one with 10, and one without a luma
//                                plane
#include <gst/video/video.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

#include "gst/gstx/luma_reader.h"
#include "gst/gstx/ref.h"
#include "gst/picture/visual_hash.h"

namespace {

constexpr double kSeconds = 1;
constexpr unsigned kRounds = 5;
// Together more than the caches hold, as frames that come from a decoder.
constexpr unsigned kFrames = 24;

double now() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::vector<dist::Ref<GstBuffer>> make_frames(const GstVideoInfo& info) {
  std::mt19937 random(1);
  std::vector<dist::Ref<GstBuffer>> frames;
  for (unsigned i = 0; i < kFrames; ++i) {
    std::vector<std::uint8_t> bytes(GST_VIDEO_INFO_SIZE(&info));
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random()); });
    // The upper byte of a sample.
    if (GST_VIDEO_INFO_COMP_DEPTH(&info, 0) == 10)
      for (std::size_t at = 1; at < bytes.size(); at += 2)
        bytes[at] &= 3;
    frames.push_back(
        dist::Ref<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size())));
  }
  return frames;
}

double frames_per_second(GstVideoFormat format, unsigned width, unsigned height) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, format, width, height);
  const auto frames = make_frames(info);
  dist::VisualHasher hasher(width, height);
  dist::LumaReader reader;
  std::vector<double> rates;
  unsigned bits = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    const double began = now();
    unsigned count = 0;
    for (; now() - began < kSeconds; ++count) {
      const dist::FrameMap frame(info, frames[count % kFrames].get());
      bits += hasher.hash(reader.read_pixels(frame.get())).hash[0];
    }
    rates.push_back(count / (now() - began));
  }
  if (bits == 0)
    std::fprintf(stderr, "nothing was hashed\n");
  std::sort(rates.begin(), rates.end());
  return rates[kRounds / 2];
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(nullptr, nullptr);
  const unsigned width = argc > 2 ? static_cast<unsigned>(std::atoi(argv[1])) : 1920;
  const unsigned height = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1080;
  for (GstVideoFormat format :
       {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_I420_10LE,
        GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_RGB, GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_v210})
    std::printf("%-9s %ux%u: %.0f frames/s\n", gst_video_format_to_string(format), width, height,
                frames_per_second(format, width, height));
}
