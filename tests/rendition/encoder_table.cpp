// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What each encoder is told, installed or not. tests/elements/encoder_table.cpp runs those that
// are.
#include "gst/rendition/encoder_table.h"

#include <algorithm>
#include <set>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

EncoderSetup setup(const char* element, const std::string& fields, unsigned depth = 8,
                   std::optional<Fraction> framerate = Fraction{30, 1}, unsigned threads = 1) {
  const auto info = std::find_if(encoders().begin(), encoders().end(), [&](const EncoderInfo& e) {
    return std::string(e.element) == element;
  });
  fail_unless(info != encoders().end(), "%s", element);
  const auto specs = parse_renditions("r:" + std::string(info->codec) + ":1280x720:" + fields);
  fail_unless_ok(specs);
  return setup_encoder(element, specs->front(), threads, framerate, depth);
}

// "name=value name=value".
std::string text(const EncoderSetup& setup) {
  std::string result;
  for (const auto& [name, value] : setup.properties)
    result += (result.empty() ? "" : " ") + name + "=" + value;
  return result;
}

std::string value_of(const EncoderSetup& setup, const std::string& property) {
  for (const auto& [name, value] : setup.properties)
    if (name == property)
      return value;
  return "none";
}

}  // namespace

GST_START_TEST(test_encoder_table_knows_its_encoders) {
  std::set<std::string> names;
  for (const EncoderInfo& info : encoders()) {
    fail_unless(names.insert(info.element).second);
    fail_unless(find_codec(info.codec) != nullptr, "%s", info.element);
    const EncoderSetup s = setup(info.element, "");
    fail_if(s.input_caps.empty() || s.final_caps.empty() || s.properties.empty(), "%s",
            info.element);
    const std::string media = s.final_caps.substr(0, s.final_caps.find(','));
    fail_unless_equals_text(media, find_codec(info.codec)->media_type);
    std::set<std::string> properties;
    for (const auto& property : s.properties)
      fail_unless(properties.insert(property.first).second, "%s %s", info.element,
                  property.first.c_str());
  }
  fail_unless(setup_encoder("fooenc", {}, 1, {}, 8).final_caps.empty());
}
GST_END_TEST

GST_START_TEST(test_encoder_table_maps_rates) {
  const struct {
    const char* element;
    const char* fields;
    const char* properties;
  } rows[] = {
      {"x264enc", "maxrate=0",
       "speed-preset=medium threads=1 key-int-max=250 pass=qual quantizer=23 bitrate=2048000 "
       "vbv-buf-capacity=0"},
      {"x264enc", "crf=30:maxrate=3M:buffer=500:keyint=60:bframes=2:threads=4:speed=slow",
       "speed-preset=slow threads=4 key-int-max=60 bframes=2 pass=qual quantizer=30 bitrate=3000 "
       "vbv-buf-capacity=500"},
      {"x264enc", "bitrate=2M",
       "speed-preset=medium threads=1 key-int-max=250 pass=cbr bitrate=2000 vbv-buf-capacity=1500"},
      {"x264enc", "bitrate=2M:buffer=800",
       "speed-preset=medium threads=1 key-int-max=250 pass=cbr bitrate=2000 vbv-buf-capacity=800"},
      {"x264enc", "bitrate=2M:maxrate=0",
       "speed-preset=medium threads=1 key-int-max=250 pass=cbr bitrate=2000 vbv-buf-capacity=0"},
      {"x264enc", "bitrate=2M:maxrate=4M",
       "speed-preset=medium threads=1 key-int-max=250 pass=cbr bitrate=2000 vbv-buf-capacity=2000"},
      {"x264enc", "crf=0:maxrate=0:speed=fast",
       "speed-preset=veryfast threads=1 key-int-max=250 pass=qual quantizer=1 bitrate=2048000 "
       "vbv-buf-capacity=0"},
      {"x265enc", "crf=22.5:maxrate=3M:bframes=3",
       "speed-preset=medium key-int-max=250 option-string=pools=1:frame-threads=1:wpp=1:open-gop=0:"
       "info=0:crf=22.5:vbv-maxrate=3000:vbv-bufsize=3000:bframes=3"},
      {"x265enc", "bitrate=2M",
       "speed-preset=medium key-int-max=250 bitrate=2000 option-string=pools=1:frame-threads=1:"
       "wpp=1:open-gop=0:info=0:vbv-maxrate=2000:vbv-bufsize=2000"},
      {"x265enc", "bitrate=2M:maxrate=0",
       "speed-preset=medium key-int-max=250 bitrate=2000 option-string=pools=1:frame-threads=1:"
       "wpp=1:open-gop=0:info=0"},
      {"x265enc", "bitrate=2M:maxrate=3M:threads=6",
       "speed-preset=medium key-int-max=250 bitrate=2000 option-string=pools=6:frame-threads=3:"
       "wpp=1:open-gop=0:info=0:vbv-maxrate=3000:vbv-bufsize=3000"},
      {"openh264enc", "crf=28:maxrate=3M:threads=4",
       "complexity=medium multi-thread=4 slice-mode=n-slices num-slices=4 gop-size=250 "
       "enable-frame-skip=false rate-control=quality bitrate=3000000 qp-min=28 qp-max=51"},
      {"openh264enc", "crf=28:maxrate=0",
       "complexity=medium multi-thread=1 slice-mode=n-slices num-slices=1 gop-size=250 "
       "enable-frame-skip=false rate-control=quality bitrate=240000000 qp-min=28 qp-max=28"},
      {"openh264enc", "bitrate=2M",
       "complexity=medium multi-thread=1 slice-mode=n-slices num-slices=1 gop-size=250 "
       "enable-frame-skip=false rate-control=bitrate bitrate=2000000"},
      {"vp8enc", "crf=20:maxrate=2M",
       "end-usage=cq cq-level=20 min-quantizer=20 target-bitrate=2000000 buffer-size=1000 "
       "keyframe-max-dist=250 cpu-used=3 threads=1"},
      {"vp8enc", "bitrate=2M:speed=slow",
       "end-usage=vbr min-quantizer=0 target-bitrate=2000000 buffer-size=1000 "
       "keyframe-max-dist=250 cpu-used=1 threads=1"},
      {"vp9enc", "crf=30:maxrate=0:threads=2",
       "end-usage=cq cq-level=30 min-quantizer=30 target-bitrate=13824000 buffer-size=1000 "
       "keyframe-max-dist=250 cpu-used=3 threads=2 lag-in-frames=0 frame-parallel-decoding=false "
       "row-mt=true tile-columns=1"},
      {"av1enc", "crf=30:maxrate=2M",
       "end-usage=cq min-quantizer=30 max-quantizer=63 target-bitrate=2000 buf-sz=1000 "
       "keyframe-max-dist=250 cpu-used=6 lag-in-frames=0 tile-columns=1 threads=1"},
      {"av1enc", "crf=30:maxrate=0",
       "end-usage=q min-quantizer=30 max-quantizer=63 target-bitrate=13824 buf-sz=1000 "
       "keyframe-max-dist=250 cpu-used=6 lag-in-frames=0 tile-columns=1 threads=1"},
      {"svtav1enc", "crf=0:maxrate=2M",
       "preset=8 crf=1 parameters-string=mbr=2000 intra-period-length=250 logical-processors=1"},
      {"svtav1enc", "bitrate=2M:maxrate=900M:speed=fast",
       "preset=10 target-bitrate=2000 max-bitrate=100000 intra-period-length=250 "
       "logical-processors=1"},
      {"avenc_mpeg4", "crf=5", "qmin=5 qmax=5 gop-size=250 max-bframes=0 mbd=rd threads=unknown"},
      {"avenc_ffv1", "threads=2", "gop-size=1 slices=4 threads=auto"},
      {"jpegenc", "quality=70", "quality=70"},
      {"nvh264enc", "crf=23:maxrate=3M:bframes=9",
       "preset=default ?rc-mode=vbr ?rate-control=vbr const-quality=23 max-bitrate=3000 "
       "vbv-buffer-size=3000 gop-size=250 ?bframes=4 ?b-frames=4"},
      {"nvh265enc", "bitrate=2M:speed=slow",
       "preset=hq ?rc-mode=vbr ?rate-control=vbr bitrate=2000 gop-size=250"},
      {"vah264enc", "crf=23:keyint=5000",
       "?rate-control=cqp qpi=23 qpp=25 qpb=27 target-usage=4 key-int-max=1024"},
      {"vah265enc", "bitrate=2M:maxrate=3M:bframes=2",
       "?rate-control=vbr bitrate=2000 target-percentage=66 cpb-size=3000 target-usage=4 "
       "key-int-max=250 b-frames=2"},
      {"qsvh264enc", "crf=23:maxrate=0",
       "rate-control=icq icq-quality=23 target-usage=4 gop-size=250"},
      {"qsvh264enc", "crf=23:maxrate=3M:speed=fast",
       "rate-control=qvbr qvbr-quality=23 bitrate=3000 max-bitrate=3000 target-usage=7 "
       "gop-size=250"},
      {"qsvh264enc", "bitrate=2M",
       "rate-control=vbr bitrate=2000 max-bitrate=2000 target-usage=4 gop-size=250"},
      {"v4l2h264enc", "crf=23:maxrate=3M",
       "extra-controls=controls,video_bitrate=3000000,h264_i_frame_period=250,video_gop_size=250,"
       "repeat_sequence_header=1,h264_minimum_qp_value=23"},
  };
  for (const auto& row : rows)
    fail_unless_equals_text(std::string(row.element) + " " + text(setup(row.element, row.fields)),
                            std::string(row.element) + " " + row.properties);
}
GST_END_TEST

GST_START_TEST(test_encoder_table_makes_streams) {
  const struct {
    const char* element;
    const char* fields;
    unsigned depth;
    const char* caps;  // Input, behind the encoder, parser, at the end.
  } rows[] = {
      {"x264enc", "", 10,
       "video/x-raw,format=I420 | video/x-h264,profile=high | h264parse | "
       "video/x-h264,stream-format=avc,alignment=au"},
      {"x264enc", "in-band=1", 8,
       "video/x-raw,format=I420 | video/x-h264,profile=high | h264parse config-interval=-1 | "
       "video/x-h264,stream-format=byte-stream,alignment=au"},
      {"x265enc", "", 8,
       "video/x-raw,format=I420 | video/x-h265,profile=main | h265parse | "
       "video/x-h265,stream-format=hvc1,alignment=au"},
      {"x265enc", "in-band=1", 10,
       "video/x-raw,format=I420_10LE | video/x-h265,profile=main-10 | h265parse config-interval=-1 "
       "| "
       "video/x-h265,stream-format=byte-stream,alignment=au"},
      {"nvh265enc", "", 10,
       "video/x-raw,format=P010_10LE | video/x-h265,profile=main-10 | h265parse | "
       "video/x-h265,stream-format=hvc1,alignment=au"},
      {"vah264enc", "", 10,
       "video/x-raw,format=NV12 | video/x-h264,profile=high | h264parse | "
       "video/x-h264,stream-format=avc,alignment=au"},
      {"v4l2h264enc", "", 8,
       "video/x-raw,format=NV12 | video/x-h264,profile=high,level=(string)3.1 | h264parse | "
       "video/x-h264,stream-format=avc,alignment=au"},
      {"vp8enc", "in-band=1", 8, "video/x-raw,format=I420 |  |  | video/x-vp8"},
      {"vp9enc", "", 10,
       "video/x-raw,format=I420_10LE |  | vp9parse | video/x-vp9,alignment=super-frame"},
      {"av1enc", "", 10,
       "video/x-raw,format=I420 |  | av1parse | video/x-av1,stream-format=obu-stream,alignment=tu"},
      {"svtav1enc", "", 10,
       "video/x-raw,format=I420_10LE |  | av1parse | "
       "video/x-av1,stream-format=obu-stream,alignment=tu"},
      {"jpegenc", "", 8, "video/x-raw,format=I420,colorimetry=(string)1:4:0:0 |  |  | image/jpeg"},
      {"avenc_mpeg4", "", 8,
       "video/x-raw,format=I420 | video/mpeg,profile=simple |  | "
       "video/mpeg,mpegversion=4,systemstream=false"},
  };
  for (const auto& row : rows) {
    const EncoderSetup s = setup(row.element, row.fields, row.depth);
    std::string parser = s.parser;
    for (const auto& [name, value] : s.parser_properties)
      parser += " " + name + "=" + value;
    fail_unless_equals_text(
        s.input_caps + " | " + s.output_caps + " | " + parser + " | " + s.final_caps, row.caps);
  }
}
GST_END_TEST

// Nothing is lost of what is lossless.
GST_START_TEST(test_encoder_table_lossless_depth) {
  const struct {
    unsigned depth;
    const char* format;
    const char* too_shallow;
  } rows[] = {{8, "I420,", "none"}, {10, "I420_10LE,", "I420,"}, {12, "I420_12LE,", "_10LE"}};
  for (const auto& row : rows) {
    const std::string caps = setup("avenc_ffv1", "", row.depth).input_caps;
    fail_unless(contains(caps, row.format) && !contains(caps, row.too_shallow), "%s", caps.c_str());
  }
}
GST_END_TEST

// The range is the source's only where the stream says which it is.
GST_START_TEST(test_encoder_table_range) {
  for (const char* element : {"x264enc", "x265enc", "vp9enc", "avenc_ffv1"})
    fail_unless(setup(element, "").range == Range::kSource, "%s", element);
  for (const char* element : {"vp8enc", "openh264enc", "avenc_mpeg4", "vah264enc"})
    fail_unless(setup(element, "").range == Range::kLimited, "%s", element);
  fail_unless(setup("jpegenc", "").range == Range::kFull);
}
GST_END_TEST

GST_START_TEST(test_encoder_table_unknown_framerate) {
  fail_unless(contains(value_of(setup("x265enc", "", 8, {}), "option-string"), ":fps=30/1"));
  fail_unless(
      contains(value_of(setup("x265enc", "", 8, Fraction{0, 1}), "option-string"), ":fps="));
  fail_unless_equals_text(value_of(setup("openh264enc", "bitrate=2M", 8, {}), "bitrate"),
                          "1000000");
  fail_unless(contains(setup("openh264enc", "", 8, {}).output_caps, "level=(string)3.1"));
}
GST_END_TEST

// What a worker brings along shows nowhere but in the number of threads.
GST_START_TEST(test_encoder_table_threads_of_the_worker) {
  fail_unless_equals_text(value_of(setup("x264enc", "", 8, {}, 8), "threads"), "8");
  fail_unless_equals_text(value_of(setup("x264enc", "threads=2", 8, {}, 8), "threads"), "2");
  for (const EncoderInfo& info : encoders())
    fail_unless(setup(info.element, "", 8, {}, 0).final_caps ==
                setup(info.element, "", 8, {}, 64).final_caps);
}
GST_END_TEST

static Suite* encoder_table_suite() {
  Suite* suite = suite_create("encoder_table");
  TCase* tests = tcase_create("encoder_table");
  tcase_add_test(tests, test_encoder_table_knows_its_encoders);
  tcase_add_test(tests, test_encoder_table_maps_rates);
  tcase_add_test(tests, test_encoder_table_makes_streams);
  tcase_add_test(tests, test_encoder_table_lossless_depth);
  tcase_add_test(tests, test_encoder_table_range);
  tcase_add_test(tests, test_encoder_table_unknown_framerate);
  tcase_add_test(tests, test_encoder_table_threads_of_the_worker);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(encoder_table)
