// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/rendition.h"

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr const char* kFields =
    "codec, size, width, height, fps, crf, quality, bitrate, maxrate, buffer, keyint, bframes, "
    "threads, speed";

RenditionSpec random_spec(Random& random, unsigned n) {
  const CodecInfo& codec = codecs()[random.below(codecs().size())];
  RenditionSpec spec;
  spec.name = "r" + std::to_string(n) + (random.chance(50) ? "-x_Y" : "");
  spec.codec = codec.name;
  if (random.chance(70))
    spec.width = static_cast<unsigned>(2 * random.between(1, kMaxSize / 2));
  if (random.chance(70))
    spec.height = static_cast<unsigned>(2 * random.between(1, kMaxSize / 2));
  if (random.chance(30))
    spec.fps =
        std::array<Fraction, 4>{{{30000, 1001}, {1, 60}, {25, 1}, {2997, 100}}}[random.below(4)];
  const bool rated = codec.bits_per_pixel != 0;
  if (codec.best_quality != codec.worst_quality && random.chance(50)) {
    const double low = std::min(codec.best_quality, codec.worst_quality);
    const double high = std::max(codec.best_quality, codec.worst_quality);
    spec.quality = low + (high - low) * static_cast<double>(random.below(1'000'000'007)) / 1e9;
    spec.quality = std::min(*spec.quality, high);
  } else if (rated && random.chance(50)) {
    spec.bitrate = random.between(1000, 1'000'000'000);
  }
  if (rated && random.chance(50))
    spec.max_rate = random.between(spec.bitrate.value_or(1000), 1'000'000'000);
  if (rated && !spec.bitrate && random.chance(10))
    spec.max_rate = 0;
  if (rated && random.chance(50))
    spec.buffer = static_cast<unsigned>(random.between(1, 10'000));
  if (!codec.single_pictures && random.chance(50))
    spec.keyframe_interval = static_cast<unsigned>(random.between(1, 100'000));
  if (spec.codec == "h264" && random.chance(50))
    spec.b_frames = static_cast<unsigned>(random.below(17));
  if (random.chance(50))
    spec.threads = static_cast<unsigned>(random.between(1, 64));
  if (random.chance(50))
    spec.speed = static_cast<Speed>(random.below(3));
  spec.in_band = random.chance(50);
  if (random.chance(50))
    spec.pixel_aspect_ratio = {static_cast<unsigned>(random.between(1, 100)),
                               static_cast<unsigned>(random.between(1, 100))};
  for (std::uint64_t sizes = random.below(4); sizes > 0; --sizes)
    spec.via.push_back({static_cast<unsigned>(random.between(1, kMaxSize)),
                        static_cast<unsigned>(random.between(1, kMaxSize))});
  return spec;
}

}  // namespace

GST_START_TEST(test_rendition_reads_and_writes) {
  const struct {
    const char* text;
    const char* canonical;
  } rows[] = {
      {"720p:h264", "720p:h264"},
      {"720p:h264:", "720p:h264"},
      {"720p:hevc", "720p:h265"},
      {" 720p : h264 : 1280x720 : crf = 23 , a:vp9 ", "720p:h264:1280x720:crf=23,a:vp9"},
      {"a:h264:crf=23.50:fps=50/2", "a:h264:fps=25:crf=23.5"},
      {"a:h264:fps=29.97", "a:h264:fps=2997/100"},
      {"a:h264:fps=0.5", "a:h264:fps=1/2"},
      {"a:h264:maxrate=3M", "a:h264:maxrate=3M"},
      {"a:h264:maxrate=2500K", "a:h264:maxrate=2500k"},
      {"a:h264:maxrate=2.5M", "a:h264:maxrate=2500k"},
      {"a:h264:bitrate=800000:maxrate=800001", "a:h264:bitrate=800k:maxrate=800001"},
      {"a:h264:maxrate=0", "a:h264:maxrate=0"},
      {"a:h264:width=640", "a:h264:width=640"},
      {"a:h264:height=360:width=640", "a:h264:640x360"},
      {"a:jpeg:quality=90:161x121", "a:jpeg:161x121:quality=90"},
      {"a:h264:speed=slow:threads=2:bframes=0:keyint=48:buffer=1500:in-band=1",
       "a:h264:buffer=1500:keyint=48:bframes=0:threads=2:speed=slow:in-band=1"},
      {"a:h264:pixels=16/15", "a:h264:pixels=16/15"},
      {"a:h264:pixels=1/1", "a:h264"},
      {"mezzanine:ffv1", "mezzanine:ffv1"},
  };
  for (const auto& row : rows) {
    const auto specs = parse_renditions(row.text);
    fail_unless_ok(specs);
    fail_unless_equals_text(to_string(*specs), row.canonical);
    fail_unless(*parse_renditions(to_string(*specs)) == *specs);
  }
}
GST_END_TEST

GST_START_TEST(test_rendition_says_what_is_wrong) {
  const std::string unknown = std::string("unknown; known are ") + kFields;
  const std::string many(kMaxRenditions * 3, ',');
  const struct {
    std::string text;
    std::string error;
  } rows[] = {
      {"", "renditions: none; write name:codec, such as 720p:h264"},
      {" ", "renditions: none; write name:codec, such as 720p:h264"},
      {"720p", "rendition '720p': has no codec; write name:codec, such as 720p:h264"},
      {"720p:", "rendition '720p': has no codec; write name:codec, such as 720p:h264"},
      {":h264", "rendition 1: has no name; write name:codec, such as 720p:h264"},
      {"a:h264,", "rendition 2: is empty; write name:codec, such as 720p:h264"},
      {"a:h264,a:vp8", "rendition 'a': the name comes twice"},
      {"source:h264", "rendition 'source': this name stands for the film itself; take another"},
      {"a/b:h264", "rendition 'a/b': a name has letters, digits, '-' and '_' only"},
      {"720p:h263",
       "rendition '720p': codec 'h263': unknown; known are h264, h265, vp8, vp9, av1, mpeg4, jpeg, "
       "ffv1"},
      {"360p:h264:641x360", "rendition '360p': size 641x360: width and height must be even"},
      {"360p:h264:width=641", "rendition '360p': width=641: must be even"},
      {"a:h264:640x", "rendition 'a': size 640x: write width and height, such as 1280x720"},
      {"a:h264:0x360", "rendition 'a': size 0x360: width and height must be from 1 to 16384"},
      {"a:h264:99999x2", "rendition 'a': size 99999x2: width and height must be from 1 to 16384"},
      {"a:h264:1x1:1x1", "rendition 'a': size: comes twice"},
      {"a:h264:640x360:width=640", "rendition 'a': width: comes twice"},
      {"a:h264:fps=0",
       "rendition 'a': fps=0: write frames a second above 0, such as 25, 29.97 or 30000/1001"},
      {"a:h264:fps=1/0",
       "rendition 'a': fps=1/0: write frames a second above 0, such as 25, 29.97 or 30000/1001"},
      {"a:h264:fps=5000",
       "rendition 'a': fps=5000: write at most 1000 frames a second, and numbers up to 1000000"},
      {"a:h264:crf=high", "rendition 'a': crf=high: write a number from 0 to 51"},
      {"a:h264:crf=52", "rendition 'a': crf=52: write a number from 0 to 51"},
      {"a:h264:crf=-1", "rendition 'a': crf=-1: write a number from 0 to 51"},
      {"a:h264:crf=nan", "rendition 'a': crf=nan: write a number from 0 to 51"},
      {"a:vp9:crf=1e99", "rendition 'a': crf=1e99: write a number from 0 to 63"},
      {"a:h264:quality=80", "rendition 'a': quality=80: h264 has crf instead, from 0 to 51"},
      {"a:jpeg:crf=20", "rendition 'a': crf=20: jpeg has quality instead, from 1 to 100"},
      {"a:jpeg:bitrate=1M", "rendition 'a': bitrate: jpeg has none; leave it out"},
      {"a:mpeg4:maxrate=1M", "rendition 'a': maxrate: mpeg4 has none; leave it out"},
      {"a:jpeg:keyint=1", "rendition 'a': keyint: jpeg has none; leave it out"},
      {"a:vp9:bframes=2", "rendition 'a': bframes: vp9 has none; leave it out"},
      {"a:mpeg4:bframes=2", "rendition 'a': bframes: mpeg4 has none; leave it out"},
      {"a:ffv1:crf=1", "rendition 'a': crf=1: ffv1 is lossless; leave it out"},
      {"a:h264:crf=23:bitrate=1M",
       "rendition 'a': crf and bitrate exclude each other; write crf with maxrate for quality with "
       "a limit"},
      {"a:h264:bitrate=3M:maxrate=2M", "rendition 'a': maxrate=2M: less than bitrate=3M"},
      {"a:h264:bitrate=0", "rendition 'a': bitrate=0: write from 1k to 1000M bits a second"},
      {"a:h264:maxrate=10",
       "rendition 'a': maxrate=10: write from 1k to 1000M bits a second, or 0 for no limit"},
      {"a:h264:buffer=0",
       "rendition 'a': buffer=0: write a number of milliseconds from 1 to 10000"},
      {"a:h264:keyint=0", "rendition 'a': keyint=0: write a number of frames from 1 to 100000"},
      {"a:h264:bframes=17", "rendition 'a': bframes=17: write a number from 0 to 16"},
      {"a:h264:threads=0", "rendition 'a': threads=0: write a number from 1 to 64"},
      {"a:h264:threads=99999999999",
       "rendition 'a': threads=99999999999: write a number from 1 to 64"},
      {"a:h264:speed=warp", "rendition 'a': speed=warp: write fast, medium or slow"},
      {"a:h264:pixels=16:15",
       "rendition 'a': pixels=16: write width/height of a pixel, such as 16/15"},
      {"a:h264:pixels=0/1",
       "rendition 'a': pixels=0/1: write width/height of a pixel, such as 16/15"},
      {"a:h264:in-band=0", "rendition 'a': in-band=0: write 1"},
      {"a:h264:crf=2:crf=3", "rendition 'a': crf: comes twice"},
      {"a:h264:preset=slow", "rendition 'a': 'preset': " + unknown},
      {"a:h264:codec=vp8", "rendition 'a': 'codec': " + unknown},
      {"a:h264:slow",
       "rendition 'a': 'slow': neither a size such as 1280x720 nor a field such as crf=23"},
      {"a:h264:crf=\xff\x01", "rendition 'a': crf=\?\?: write a number from 0 to 51"},
      {many, "renditions: more than 32"},
      {std::string(20000, 'a'), "renditions: text of 20000 bytes, more than 16384"},
  };
  for (const auto& row : rows) {
    const auto specs = parse_renditions(row.text);
    fail_if(static_cast<bool>(specs), "%s", row.text.c_str());
    fail_unless_equals_text(specs.error(), row.error);
  }
  for (const char* rate : {"3Mbps", "3m", "3000kb", "3 M", "M", "", "-1M", "1.5", "0x10",
                           "1.1234567M", "99999999999999999999M"}) {
    const auto specs = parse_renditions(std::string("a:h264:maxrate=") + rate);
    fail_unless_error(specs,
                      std::string("rendition 'a': maxrate=") + rate +
                          ": write bits a second, such as 3M or 2500k",
                      rate);
  }
}
GST_END_TEST

GST_START_TEST(test_rendition_text_is_the_same_again) {
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<RenditionSpec> specs;
    for (unsigned n = 0; n < random.between(1, 4); ++n)
      specs.push_back(random_spec(random, n));
    const std::string text = to_string(specs);
    const auto again = parse_renditions(text);
    require_often(static_cast<bool>(again), "%s: %s", text.c_str(),
                  again ? "" : again.error().c_str());
    require_often(*again == specs, "%s", text.c_str());
    require_often(to_string(*again) == text, "%s", text.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_rendition_reads_broken_text) {
  Random random(11);
  const std::string good =
      "720p:h264:1280x720:fps=30000/1001:crf=23.5:maxrate=3M:speed=slow,"
      "thumb:jpeg:320x180:quality=80";
  for (std::size_t size = 0; size <= good.size(); ++size)
    (void)parse_renditions(good.substr(0, size));
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      std::string text = good;
      text[at] = static_cast<char>(value);
      const auto specs = parse_renditions(text);
      if (specs)
        require_often(*parse_renditions(to_string(*specs)) == *specs, "%s", text.c_str());
      else
        require_often(g_utf8_validate(specs.error().c_str(), -1, nullptr), "byte %zu: %d", at,
                      value);
    }
}
GST_END_TEST

GST_START_TEST(test_rendition_built_in_ladders) {
  fail_unless_equals_text(built_in_ladder_names(), "h264, hevc, vp9, av1, mezzanine");
  for (const char* name : {"h264", "hevc", "vp9", "av1", "mezzanine"}) {
    fail_unless(built_in_ladder(name) != nullptr);
    fail_unless_ok(parse_renditions(built_in_ladder(name)));
  }
  fail_unless(built_in_ladder("h263") == nullptr);
}
GST_END_TEST

static Suite* rendition_suite() {
  Suite* suite = suite_create("rendition");
  TCase* tests = tcase_create("rendition");
  tcase_add_test(tests, test_rendition_reads_and_writes);
  tcase_add_test(tests, test_rendition_says_what_is_wrong);
  tcase_add_test(tests, test_rendition_text_is_the_same_again);
  tcase_add_test(tests, test_rendition_reads_broken_text);
  tcase_add_test(tests, test_rendition_built_in_ladders);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(rendition)
