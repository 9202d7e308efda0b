// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The generic worker's chain, fed as remoteencsrc does.

#include <algorithm>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include "gst/base/text.h"
#include "gst/gstx/encoder_choice.h"
#include "gst/gstx/luma_reader.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/rendition/encoder_table.h"
#include "tests/common/film.h"
#include "tests/elements/chain_player.h"

using test::ChainPlayer;
using test::Cut;
using test::Output;
using test::Ref;

static constexpr char kLadder[] =
    "big:h264:320x180, middle:h264:224x126, small:h264:112x64, thumb:jpeg:80x46:fps=1";

static std::string field(const Output& output, const std::string& name) {
  if (output.caps.empty())
    return "";
  const auto caps = dist::Ref<GstCaps>::adopt(gst_caps_from_string(output.caps.c_str()));
  const GValue* const value =
      gst_structure_get_value(gst_caps_get_structure(caps.get(), 0), name.c_str());
  return value ? dist::take_string(gst_value_serialize(value)) : "";
}

static std::string size_of(const Output& output) {
  return field(output, "width") + "x" + field(output, "height");
}

GST_START_TEST(test_encode_chain_ladder_over_many_cycles) {
  const auto cuts = test::cut_h264(320, 180, 4);
  ChainPlayer player(cuts.front(), kLadder);
  std::vector<Output> first;
  std::vector<std::string> thumbs(cuts.size());
  // 24 segments, none after its predecessor.
  for (std::size_t i = 0; i < 6 * cuts.size(); ++i) {
    const std::size_t n = (i * 3 + i / cuts.size()) % cuts.size();
    const auto outputs = player.play_well(cuts[n]);
    expect_text(size_of(outputs[0]), "320x180");
    expect_text(size_of(outputs[1]), "224x126");
    expect_text(size_of(outputs[2]), "112x64");
    expect_text(size_of(outputs[3]), "80x46");
    for (const Output& output : outputs)
      expect_text(field(output, "pixel-aspect-ratio"), "1/1");
    // Caps hold the codec_data.
    if (first.empty())
      first = outputs;
    for (std::size_t r = 0; r < outputs.size(); ++r)
      expect_text(outputs[r].caps, first[r].caps);
    auto& thumb = thumbs[n].empty() ? thumbs[n] = outputs[3].frames.front().bytes : thumbs[n];
    fail_unless(outputs[3].frames.front().bytes == thumb, "another picture than before");
  }
}
GST_END_TEST

GST_START_TEST(test_encode_chain_with_each_encoder_over_many_cycles) {
  const auto cuts = test::cut_h264(160, 90, 3);
  std::string report;
  for (const auto& info : dist::encoders()) {
    if (!dist::EncoderChoice::parse(info.element))
      continue;
    std::string rendition = std::string(info.element) + ":" + info.codec + ":160x90";
    if (dist::find_codec(info.codec)->bits_per_pixel > 0)
      rendition += ":maxrate=500k";
    ChainPlayer player(cuts.front(), rendition, {{true, info.element, ""}});
    std::string caps;
    for (std::size_t n : {1u, 0u, 2u, 2u, 1u, 0u}) {
      const auto outputs = player.play_well(cuts[n]);
      const std::string now = test::without_stream_headers(outputs[0].caps);
      if (!caps.empty() && now != caps)
        report += std::string(info.element) + ": " + caps + "\n" + now + "\n";
      caps = now;
    }
  }
  fail_unless(report.empty(), "%s", report.c_str());
}
GST_END_TEST

// Frames that a decoder makes which has seen nothing but this.
static std::size_t decoded_frames(const Output& output) {
  GstElement* const pipeline = gst_parse_launch(
      "appsrc name=in format=time ! decodebin ! video/x-raw ! appsink name=out sync=false",
      nullptr);
  const auto in = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "in"));
  const auto out = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
  gst_util_set_object_arg(G_OBJECT(in.get()), "caps", output.caps.c_str());
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  for (const auto& frame : output.frames) {
    GstBuffer* const buffer = gst_buffer_new_memdup(frame.bytes.data(), frame.bytes.size());
    GST_BUFFER_PTS(buffer) = frame.time;
    gst_app_src_push_buffer(GST_APP_SRC(in.get()), buffer);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  std::size_t frames = 0;
  while (GstSample* const sample = gst_app_sink_pull_sample(GST_APP_SINK(out.get()))) {
    ++frames;
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return frames;
}

GST_START_TEST(test_encode_chain_makes_segments_that_decode_alone) {
  const auto cuts = test::cut_h264(160, 90, 3);
  for (const auto& info : dist::encoders()) {
    if (!dist::EncoderChoice::parse(info.element))
      continue;
    std::string rendition = std::string(info.element) + ":" + info.codec + ":160x90";
    if (const std::string codec = info.codec; codec == "h264" || codec == "h265")
      rendition += ":bframes=3";
    ChainPlayer player(cuts.front(), rendition, {{true, info.element, ""}});
    for (std::size_t n : {2u, 0u, 1u, 0u}) {
      const auto outputs = player.play_well(cuts[n]);
      fail_unless(decoded_frames(outputs[0]) == 25, "%s: %zu frames", rendition.c_str(),
                  decoded_frames(outputs[0]));
    }
  }
}
GST_END_TEST

GST_START_TEST(test_encode_chain_scales_from_the_next_larger_size) {
  const auto cuts = test::cut_h264(320, 180, 1);
  ChainPlayer player(cuts.front(),
                     "thumb:jpeg:80x46:fps=1, small:h264:112x64, big:h264:224x126, "
                     "poster:jpeg:160x90:fps=2, own:h264:320x180, same:jpeg:112x64");
  player.play_well(cuts.front());
  expect_text(player.sizes_before("own"), "320x180 320x180 ");
  expect_text(player.sizes_before("big"), "320x180 320x180 224x126 ");
  expect_text(player.sizes_before("small"), "320x180 320x180 224x126 112x64 ");
  expect_text(player.sizes_before("same"), "320x180 320x180 224x126 112x64 ");
  expect_text(player.sizes_before("poster"), "320x180 320x180 224x126 160x90 ");
  expect_text(player.sizes_before("thumb"), "320x180 320x180 224x126 112x64 80x46 ");
}
GST_END_TEST

GST_START_TEST(test_encode_chain_with_a_branch_that_gets_no_frame) {
  const auto cuts = test::cut_h264(320, 180, 5);
  ChainPlayer player(cuts.front(),
                     "all:h264:160x90, few:jpeg:80x46:fps=1/3, film:h264:160x90:fps=1/3");
  std::size_t few = 0;
  for (std::size_t n : {4u, 1u, 0u, 2u, 3u, 1u}) {
    const auto outputs = player.play_well(cuts[n]);
    expect_equal(outputs[0].frames.size(), 25);
    few += outputs[1].frames.size();
    if (!outputs[1].frames.empty())
      expect_text(field(outputs[2], "framerate"), "1/3");
  }
  expect_equal(few, 2);
}
GST_END_TEST

GST_START_TEST(test_encode_chain_raw_video_of_odd_size) {
  const auto cuts = test::cut(
      "videotestsrc num-buffers=50 ! video/x-raw,format=I420,width=161,height=121,framerate=20/1");
  ChainPlayer player(cuts.front(), "own:jpeg:161x121, h:h264:160x120, thumb:jpeg:80x60:fps=2");
  for (std::size_t n : {1u, 0u, 2u, 1u}) {
    const auto outputs = player.play_well(cuts[n]);
    expect_text(size_of(outputs[0]), "161x121");
    expect_text(size_of(outputs[1]), "160x120");
    expect_text(size_of(outputs[2]), "80x60");
  }
}
GST_END_TEST

GST_START_TEST(test_encode_chain_of_ten_bits) {
  const auto cuts = test::cut(
      "videotestsrc num-buffers=50 ! video/x-raw,format=I420_10LE,width=320,height=180,"
      "framerate=25/1 ! x265enc speed-preset=ultrafast key-int-max=5 ! h265parse ! "
      "video/x-h265,stream-format=hvc1");
  ChainPlayer player(cuts.front(), "big:h264:320x180, deep:vp9:160x90, thumb:jpeg:80x46:fps=1");
  for (std::size_t n : {1u, 0u, 1u}) {
    const auto outputs = player.play_well(cuts[n]);
    expect_text(size_of(outputs[1]), "160x90");
  }
}
GST_END_TEST

// As the job says, whatever shape those of a segment have; no border comes of rounding.
GST_START_TEST(test_encode_chain_of_pixels_that_are_not_square) {
  const auto cuts = test::cut_h264(180, 144, 1, ",pixel-aspect-ratio=16/15");
  ChainPlayer player(cuts.front(),
                     "own:h264:180x144:pixels=16/15, wide:h264:192x144, small:jpeg:96x72");
  const auto outputs = player.play_well(cuts.front());
  expect_text(field(outputs[0], "pixel-aspect-ratio"), "16/15");
  expect_text(field(outputs[1], "pixel-aspect-ratio"), "1/1");
  expect_text(field(outputs[2], "pixel-aspect-ratio"), "1/1");
  const auto others = player.play_well(test::cut_h264(180, 144, 1).front());
  expect_text(others[0].caps, outputs[0].caps);
}
GST_END_TEST

// The least luma in the first frame, which is white in the source.
static guint8 darkest_of(const Output& output) {
  GstElement* const pipeline = gst_parse_launch(
      "appsrc name=in format=time caps=image/jpeg ! jpegdec ! videoconvert ! "
      "video/x-raw,format=GRAY8 ! appsink name=out sync=false",
      nullptr);
  const auto in = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "in"));
  const auto out = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const std::string& bytes = output.frames.front().bytes;
  gst_app_src_push_buffer(GST_APP_SRC(in.get()), gst_buffer_new_memdup(bytes.data(), bytes.size()));
  gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  GstSample* const sample = gst_app_sink_pull_sample(GST_APP_SINK(out.get()));
  fail_unless(sample != nullptr);
  GstVideoInfo info;
  fail_unless(gst_video_info_from_caps(&info, gst_sample_get_caps(sample)));
  guint8 luma = 255;
  {
    const dist::FrameMap frame(info, gst_sample_get_buffer(sample));
    for (gint y = 0; y < info.height; ++y) {
      const auto* row = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame.get(), 0)) +
                        y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame.get(), 0);
      luma = std::min(luma, *std::min_element(row, row + info.width));
    }
  }
  gst_sample_unref(sample);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return luma;
}

static std::vector<Cut> cut_white(unsigned width, unsigned height) {
  return test::cut("videotestsrc pattern=white num-buffers=10 ! video/x-raw,format=I420,width=" +
                   std::to_string(width) + ",height=" + std::to_string(height) +
                   ",framerate=10/1 ! x264enc speed-preset=ultrafast threads=1 ! h264parse");
}

GST_START_TEST(test_encode_chain_follows_other_sizes) {
  const auto wide = cut_white(320, 180);
  const auto small = cut_white(176, 98);
  const auto square = cut_white(200, 200);
  // So large that a percent, by which 176x98 differs, would be borders.
  ChainPlayer player(wide.front(), "big:jpeg:1280x720, small:jpeg:160x90");
  for (const auto* cuts : {&small, &wide, &square, &small, &square, &wide}) {
    fail_unless(player.chain().fits(dist::Lease(cuts->front().header, player.specs())));
    const auto outputs = player.play_well(cuts->front());
    expect_text(size_of(outputs[0]), "1280x720");
    expect_text(size_of(outputs[1]), "160x90");
    const bool bordered = cuts == &square;
    for (const Output& output : outputs)
      fail_unless((darkest_of(output) < 64) == bordered, "%s: %d in %s",
                  cuts->front().header.caps.c_str(), darkest_of(output), output.caps.c_str());
  }
}
GST_END_TEST

// A box that a portrait film does not fill makes each size a percent wider or narrower than the
// one that it is scaled from.
GST_START_TEST(test_encode_chain_has_no_borders_for_rounding) {
  const auto portrait = cut_white(720, 1280);
  ChainPlayer player(portrait.front(), "a:jpeg:202x360, b:jpeg:136x240, c:jpeg:80x144");
  const auto outputs = player.play_well(portrait.front());
  expect_text(player.sizes_before("c"), "720x1280 202x360 136x240 80x144 ");
  for (const Output& output : outputs)
    fail_unless(darkest_of(output) > 200, "%d in %s", darkest_of(output), output.caps.c_str());
}
GST_END_TEST

GST_START_TEST(test_encode_chain_fits) {
  const auto cuts = test::cut_h264(320, 180, 1);
  ChainPlayer player(cuts.front(), kLadder);
  const auto fits = [&](const std::string& caps, const std::vector<dist::RenditionSpec>& specs) {
    dist::SegmentHeader header = cuts.front().header;
    if (!caps.empty())
      header.caps = caps;
    return player.chain().fits(dist::Lease(header, specs));
  };
  auto specs = player.specs();
  fail_unless(fits("", specs));
  fail_if(fits("video/x-vp8, width=(int)320, height=(int)180, framerate=(fraction)25/1", specs));
  fail_if(fits("what is this", specs));
  specs.front().quality = 30;
  fail_if(fits("", specs));
  specs = player.specs();
  specs.pop_back();
  fail_if(fits("", specs));
}
GST_END_TEST

// A lease leaves those out, and the chain is worth keeping.
GST_START_TEST(test_encode_chain_fits_without_renditions_that_have_no_frame) {
  const auto cuts = test::cut(
      "videotestsrc num-buffers=30 ! video/x-raw,format=I420,framerate=25/1,width=96,height=64 ! "
      "x264enc speed-preset=ultrafast key-int-max=5 threads=1 ! h264parse",
      "segment-duration=400000000");
  expect_equal(cuts.size(), 3);
  ChainPlayer player(cuts.front(), "big:h264:64x48, thumb:jpeg:32x24:fps=1");
  auto specs = player.specs();
  for (const Cut& cut : cuts)
    fail_unless(player.chain().fits(dist::Lease(cut.header, specs)));
  specs.pop_back();
  fail_if(player.chain().fits(dist::Lease(cuts[0].header, specs)));
  fail_unless(player.chain().fits(dist::Lease(cuts[1].header, specs)));
  specs.clear();
  fail_if(player.chain().fits(dist::Lease(cuts[1].header, specs)));
}
GST_END_TEST

// JPEG is full range, and one picture is made for both.
GST_START_TEST(test_encode_chain_keeps_the_colours_beside_jpeg) {
  const auto cuts = test::cut_h264(320, 180, 1, ",colorimetry=bt709");
  for (const char* ladder :
       {"a:h264:160x90", "a:h264:160x90, thumb:jpeg:160x90", "thumb:jpeg:160x90, a:h264:160x90"}) {
    ChainPlayer player(cuts.front(), ladder);
    const auto outputs = player.play_well(cuts.front());
    const Output& h264 = outputs[std::string(ladder).front() == 'a' ? 0 : 1];
    expect_text(field(h264, "colorimetry"), "bt709");
  }
}
GST_END_TEST

GST_START_TEST(test_encode_chain_limits_the_threads_of_the_decoder) {
  const auto cuts = test::cut_h264(320, 180, 1);
  ChainPlayer player(cuts.front(), kLadder, {}, 3);
  player.play_well(cuts.front());
  GstIterator* const elements =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(player.chain().bin()), "avdec_h264");
  GValue value = G_VALUE_INIT;
  fail_unless(gst_iterator_next(elements, &value) == GST_ITERATOR_OK, "no avdec_h264");
  gint threads = 0;
  g_object_get(g_value_get_object(&value), "max-threads", &threads, nullptr);
  expect_equal(threads, 3);
  g_value_unset(&value);
  gst_iterator_free(elements);
}
GST_END_TEST

GST_START_TEST(test_encode_chain_on_each_clip) {
  const char* const pattern = g_getenv("DIST_CLIP");
  for (const std::string& path : film::clips(pattern ? pattern : "")) {
    const std::string name = film::base_name(path);
    if (name.rfind("corrupted", 0) == 0)
      continue;
    auto cuts = test::cut("filesrc location=" + path + " ! parsebin");
    ChainPlayer player(cuts.front(), "big:h264:160x90, small:h264:112x64, thumb:jpeg:80x46:fps=1");
    std::reverse(cuts.begin(), cuts.end());
    for (const Cut& cut : cuts) {
      const auto outputs = player.play_well(cut);
      expect_text(field(outputs[0], "interlace-mode"), "progressive");
    }
  }
}
GST_END_TEST

static Suite* encode_chain_suite() {
  Suite* const suite = suite_create("encode_chain");
  TCase* const tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_encode_chain_ladder_over_many_cycles);
  tcase_add_test(tests, test_encode_chain_with_each_encoder_over_many_cycles);
  tcase_add_test(tests, test_encode_chain_makes_segments_that_decode_alone);
  tcase_add_test(tests, test_encode_chain_scales_from_the_next_larger_size);
  tcase_add_test(tests, test_encode_chain_with_a_branch_that_gets_no_frame);
  tcase_add_test(tests, test_encode_chain_raw_video_of_odd_size);
  tcase_add_test(tests, test_encode_chain_of_ten_bits);
  tcase_add_test(tests, test_encode_chain_of_pixels_that_are_not_square);
  tcase_add_test(tests, test_encode_chain_follows_other_sizes);
  tcase_add_test(tests, test_encode_chain_has_no_borders_for_rounding);
  tcase_add_test(tests, test_encode_chain_fits);
  tcase_add_test(tests, test_encode_chain_fits_without_renditions_that_have_no_frame);
  tcase_add_test(tests, test_encode_chain_keeps_the_colours_beside_jpeg);
  tcase_add_test(tests, test_encode_chain_limits_the_threads_of_the_decoder);
  tcase_add_test(tests, test_encode_chain_on_each_clip);
  return suite;
}

GST_CHECK_MAIN(encode_chain)
