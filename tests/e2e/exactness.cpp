// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the workers' encoders see is, frame by frame, what an undistributed decode shows: with
// lossless encoders the joined stream decodes to the same frames at the same times.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

// quantizer=0 alone is not lossless: it takes effect with pass=quant.
constexpr char kX264[] =
    "x264enc pass=quant quantizer=0 speed-preset=ultrafast bframes=2 b-adapt=false trellis=false "
    "threads=1 ! "
    "h264parse ! remoteencsink";
// 4:2:0 pictures of odd size are beyond x264.
constexpr char kFfv1[] = "avenc_ffv1 ! remoteencsink";

struct Lossless {
  std::string worker;
  std::string decoder;
};

Lossless lossless_for(const film::Recording& plain) {
  GstCaps* caps = gst_caps_from_string(plain.caps.front().c_str());
  gint width = 0;
  gint height = 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width);
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "height", &height);
  gst_caps_unref(caps);
  if (width % 2 != 0 || height % 2 != 0)
    return {kFfv1, "avdec_ffv1"};
  return {kX264, "h264parse ! avdec_h264"};
}

// Empty if the joined frames are those of the undistributed decode, at times that differ by at most
// `tolerance` nanoseconds.
std::string difference(const film::Recording& plain, const film::Recording& joined,
                       std::uint64_t tolerance = 0) {
  if (!joined.error.empty())
    return joined.error;
  std::size_t other = 0;
  std::size_t moved = 0;
  std::string first;
  const std::size_t count = std::min(plain.items.size(), joined.items.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t a = plain.items[i].running_time;
    const std::uint64_t b = joined.items[i].running_time;
    const bool same_time = (a > b ? a - b : b - a) <= tolerance;
    const bool same_pixels = plain.items[i].md5 == joined.items[i].md5;
    other += same_pixels ? 0 : 1;
    moved += same_time ? 0 : 1;
    if (first.empty() && !(same_time && same_pixels))
      first = "first at " + std::to_string(i) + ", " + std::to_string(plain.items[i].running_time) +
              " ns against " + std::to_string(joined.items[i].running_time) + " ns";
  }
  if (first.empty() && plain.items.size() == joined.items.size())
    return "";
  return std::to_string(joined.items.size()) + " frames instead of " +
         std::to_string(plain.items.size()) + ", " + std::to_string(other) +
         " with other pixels, " + std::to_string(moved) + " at other times, " + first;
}

// Those lines that tell of something wrong.
std::string complaints(const std::string& output) {
  std::istringstream lines(output);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    for (const char* word : {"ERROR", "WARN", "Sanitizer", "dist-disconnected"})
      if (line.find(word) != std::string::npos) {
        found += line + "\n";
        break;
      }
  return found;
}

// libcheck ends without a word if a message is too long.
constexpr std::size_t kMaxReport = 1000;

struct Way {
  std::string segmenter;
  std::string decoder;
};

// One clip through three workers, once each way. The primary does not look at pictures: all are
// compared here.
std::string try_clip(const std::string& path, const std::vector<Way>& ways,
                     std::uint64_t tolerance = 0) {
  const std::string source = "filesrc location=" + path + " ! parsebin ";
  const film::Recording plain = film::record(source + "! decodebin ! appsink name=out");
  if (plain.items.empty())
    return "nothing decoded: " + plain.error;
  const Lossless lossless = lossless_for(plain);
  std::string text;
  for (const auto& [segmenter, decoder] : ways) {
    const std::string worker = decoder + " ! " + lossless.worker;
    const farm::Outcome outcome = farm::run({.source = source,
                                             .segmenter = segmenter,
                                             .remote = "verify=none",
                                             .workers = {worker, worker, worker},
                                             .after = lossless.decoder});
    std::string fault = difference(plain, outcome.recording, tolerance);
    for (int code : outcome.exit_codes)
      if (code != 0)
        fault += " worker ended with " + std::to_string(code) + "; they said:\n" +
                 complaints(outcome.worker_output);
    if (!fault.empty())
      text += "\n  " + film::base_name(path) + ", " + segmenter + ", " + decoder + ": " +
              fault.substr(0, kMaxReport);
  }
  return text;
}

void assert_exact(const std::string& pattern, const std::vector<Way>& ways) {
  std::string report;
  for (const std::string& path : film::clips(pattern))
    if (!film::base_name(path).starts_with("corrupted"))
      report += try_clip(path, ways);
  ck_assert_msg(report.empty(), "%s", report.substr(0, 3 * kMaxReport).c_str());
}

}  // namespace

GST_START_TEST(test_exact_frames_with_default_cuts_and_with_cuts_inside_gops) {
  const char* const pattern = g_getenv("DIST_CLIP");
  assert_exact(pattern ? pattern : "",
               {{"", "decodebin"}, {"max-segment-duration=1000000000", "decodebin"}});
}
GST_END_TEST

GST_START_TEST(test_exact_frames_with_a_decoder_of_one_thread) {
  assert_exact("h264", {{"", "h264parse ! avdec_h264 max-threads=1"}});
}
GST_END_TEST

// The source decides what a damaged film holds. Its AVI has no presentation times but at keyframes,
// and there they differ from the decode times by a nanosecond of rounding.
GST_START_TEST(test_damaged_films_give_what_an_undistributed_decode_gives) {
  for (const std::string& path : film::clips("corrupted")) {
    const std::string text =
        try_clip(path, {{"", "decodebin"}, {"max-segment-duration=1000000000", "decodebin"}}, 1);
    ck_assert_msg(text.empty(), "%s", text.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_exact_frames_of_raw_video) {
  const auto real = film::clips("h264-360p");
  const std::string path = (real.empty() ? film::clips("h264-closed") : real).front();
  const std::string source = "filesrc location=" + path + " ! decodebin ";
  const film::Recording plain = film::record(source + "! appsink name=out");
  const farm::Outcome outcome = farm::run({.source = source,
                                           .segmenter = "",
                                           .remote = "max-bytes=100000000",
                                           .workers = {kX264, kX264, kX264},
                                           .after = "h264parse ! avdec_h264"});
  const std::string text = difference(plain, outcome.recording);
  ck_assert_msg(text.empty(), "%s: %s", path.c_str(), text.c_str());
}
GST_END_TEST

static Suite* exactness_suite() {
  Suite* suite = suite_create("exactness");
  TCase* tests = tcase_create("exactness");
  tcase_set_timeout(tests, 900);
  tcase_add_test(tests, test_exact_frames_with_default_cuts_and_with_cuts_inside_gops);
  tcase_add_test(tests, test_exact_frames_with_a_decoder_of_one_thread);
  tcase_add_test(tests, test_damaged_films_give_what_an_undistributed_decode_gives);
  tcase_add_test(tests, test_exact_frames_of_raw_video);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(exactness)
