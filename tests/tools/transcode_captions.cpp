// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Closed captions that come with the pictures of a film.

#include "tests/tools/made_film.h"

#include <fstream>
#include <string>
#include <vector>

#include <gst/video/video.h>

#include "gst/gstx/ref.h"
#include "tests/common/film.h"

namespace {

using namespace tool;

// A triplet of CEA-708 for each frame, another one each time.
GstPadProbeReturn add_captions(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& count = *static_cast<unsigned*>(data);
  GstBuffer* const buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  const guint8 triplets[] = {0xfc, 0x80, 0x80, 0xfe, 0x00, static_cast<guint8>(count++)};
  gst_buffer_add_video_caption_meta(buffer, GST_VIDEO_CAPTION_TYPE_CEA708_RAW, triplets,
                                    sizeof triplets);
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  return GST_PAD_PROBE_OK;
}

void run_to_end(GstElement* pipeline) {
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* const bus = gst_element_get_bus(pipeline);
  GstMessage* const message = gst_bus_timed_pop_filtered(
      bus, film::patience(60) * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  ck_assert(message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
  gst_message_unref(message);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

// 50 frames with B-frames.
void make_captioned(const std::string& file) {
  GstElement* const pipeline = gst_parse_launch(
      ("videotestsrc num-buffers=50 name=source ! "
       "video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! "
       "x264enc bframes=2 key-int-max=25 ! h264parse ! mp4mux ! filesink location=" +
       file)
          .c_str(),
      nullptr);
  const auto source =
      dist::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "source"));
  const auto pad = dist::Ref<GstPad>::adopt(gst_element_get_static_pad(source.get(), "src"));
  unsigned count = 0;
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, add_captions, &count, nullptr);
  run_to_end(pipeline);
  ck_assert_uint_eq(count, 50);
}

void collect(GstElement*, GstBuffer* buffer, gpointer data) {
  std::string text;
  gpointer state = nullptr;
  while (const GstMeta* const meta =
             gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_CAPTION_META_API_TYPE)) {
    const auto* captions = reinterpret_cast<const GstVideoCaptionMeta*>(meta);
    for (gsize i = 0; i < captions->size; ++i)
      text += std::to_string(captions->data[i]) + " ";
  }
  static_cast<std::vector<std::string>*>(data)->push_back(text);
}

// Of each frame, as they are shown.
std::vector<std::string> captions_of(const std::string& file) {
  std::vector<std::string> captions;
  GstElement* const pipeline =
      gst_parse_launch(("filesrc location=" + file +
                        " ! decodebin ! identity name=all signal-handoffs=true ! fakesink")
                           .c_str(),
                       nullptr);
  const auto all = dist::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "all"));
  g_signal_connect(all.get(), "handoff", G_CALLBACK(collect), &captions);
  run_to_end(pipeline);
  return captions;
}

}  // namespace

GST_START_TEST(test_transcode_keeps_captions) {
  const Folder folder;
  make_captioned(folder / "in.mp4");
  const std::vector<std::string> before = captions_of(folder / "in.mp4");
  ck_assert_uint_eq(before.size(), 50);
  ck_assert_str_eq(before.back().c_str(), "252 128 128 254 0 49 ");
  const struct {
    const char* rendition;
    const char* out;
  } rows[] = {{"h264", "out.mp4"},
              {"h265", "out.mp4"},
              {"h265:80x60:bframes=3", "out.mkv"},
              {"h265", "out.ts"}};
  for (const auto& row : rows) {
    transcoded(folder / "in.mp4", folder / row.out,
               std::string("-r all:") + row.rendition + ":speed=fast");
    ck_assert_msg(captions_of(folder / row.out) == before, "%s into %s", row.rendition, row.out);
  }
  // No decoder of GStreamer 1.22 gives those of AV1.
  transcoded(folder / "in.mp4", folder / "out.mp4", "-r all:av1:speed=fast");
  const std::string frames =
      output_of("ffprobe -v error -show_frames -of compact " + (folder / "out.mp4"));
  std::size_t found = 0;
  for (std::size_t at = 0; (at = frames.find("Closed Captions", at)) != std::string::npos; ++at)
    ++found;
  ck_assert_uint_eq(found, 50);
}
GST_END_TEST

// A picture codec without a place for them, and a track of its own.
GST_START_TEST(test_transcode_says_which_captions_are_lost) {
  const Folder folder;
  make_captioned(folder / "in.mp4");
  const auto said = [&](const std::string& film, const char* rendition) {
    return transcoded(folder / film, folder / "out.mkv",
                      std::string("-r all:") + rendition + ":speed=fast");
  };
  const std::string lost = "does not get the film's closed captions";
  ck_assert(said("in.mp4", "vp8").find(lost) != std::string::npos);
  ck_assert(said("in.mp4", "h264").find(lost) == std::string::npos);
  ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -c:v libx264 " +
         (folder / "plain.mp4"));
  ck_assert(said("plain.mp4", "vp8").find("caption") == std::string::npos);

  std::ofstream(folder / "captions.scc") << "Scenarist_SCC V1.0\n\n00:00:00:05\t9420 9420 94ae "
                                            "94ae 9470 9470 c8e5 ecec ef80 942f 942f\n";
  ffmpeg("-i " + (folder / "plain.mp4") + " -i " + (folder / "captions.scc") +
         " -map 0 -map 1 -c copy " + (folder / "track.mov"));
  ck_assert(said("track.mov", "h264").find("track of closed captions is left out") !=
            std::string::npos);
}
GST_END_TEST

static Suite* transcode_captions_suite() {
  Suite* const suite = suite_create("transcode-captions");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_keeps_captions);
  tcase_add_test(tests, test_transcode_says_which_captions_are_lost);
  return suite;
}

GST_CHECK_MAIN(transcode_captions)
