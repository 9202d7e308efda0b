// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pictures that have more than a codec takes: deep ones, HDR, and what says how bright they are.

#include "tests/tools/made_film.h"

#include <string>

#include "tests/common/film.h"

namespace {

using namespace tool;

constexpr char kPicture[] = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=0.4 ";

void make_hdr(const std::string& file) {
  ffmpeg(std::string(kPicture) +
         "-vf format=yuv420p10le -c:v libx265 -tag:v hvc1 -preset ultrafast -color_range tv "
         "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -x265-params "
         "log-level=error:hdr10=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:"
         "'master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)':"
         "max-cll=1000,400 " +
         file);
}

void expect_text(const std::string& text, const std::string& part) {
  ck_assert_msg(text.find(part) != std::string::npos, "'%s' is not in '%s'", part.c_str(),
                text.c_str());
}

void expect_silence(const std::string& text, const std::string& part) {
  ck_assert_msg(text.find(part) == std::string::npos, "%s", text.c_str());
}

// The caps of what is decoded.
std::string decoded_caps(const std::string& file) {
  const film::Recording recording = film::record(
      "filesrc location=" + file + " ! decodebin ! video/x-raw ! appsink name=out sync=false");
  ck_assert_msg(!recording.caps.empty(), "%s: %s", file.c_str(), recording.error.c_str());
  return recording.caps.back();
}

}  // namespace

GST_START_TEST(test_transcode_hdr_in_each_codec) {
  const struct {
    const char* rendition;
    const char* out;
    const char* format;
    const char* said;  // Null: nothing is lost.
  } rows[] = {
      {"h264", "out.mp4", "yuv420p",
       "h264 keeps 8 of the film's 10 bits a sample, in which HDR (PQ)"},
      {"h265", "out.mp4", "yuv420p10le", nullptr},
      {"vp9", "out.webm", "yuv420p10le", nullptr},
      {"vp8", "out.webm", "yuv420p",
       "vp8 keeps 8 of the film's 10 bits a sample, in which HDR (PQ)"},
      {"ffv1", "out.mkv", "yuv420p10le", nullptr},
  };
  const Folder folder;
  make_hdr(folder / "in.mp4");
  for (const auto& row : rows) {
    const std::string out = folder / row.out;
    const std::string said =
        transcoded(folder / "in.mp4", out, std::string("-r all:") + row.rendition);
    if (row.said)
      expect_text(said, row.said);
    else
      expect_silence(said, "keeps");
    const std::string fields = video_fields(out, "pix_fmt,color_transfer,color_primaries");
    expect_text(fields, std::string("pix_fmt=") + row.format + "\n");
    // Truthful, whatever the depth.
    expect_text(fields, "color_transfer=smpte2084\n");
    expect_text(fields, "color_primaries=bt2020\n");
  }
}
GST_END_TEST

// What no ordinary player of a codec would show is said once, however many files have the codec.
GST_START_TEST(test_transcode_says_what_samples_lose) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + "-pix_fmt yuv422p10le -c:v libx264 " + (folder / "in.mp4"));
  const std::string said = transcoded(folder / "in.mp4", folder / "out",
                                      "-r a:h264 -r b:h264:80x60 -r c:h265 -r d:ffv1");
  const std::string depth = "h264 keeps 8 of the film's 10 bits a sample; h265 and vp9 keep 10.";
  expect_text(said, depth);
  ck_assert_uint_eq(said.find(depth), said.rfind(depth));
  expect_silence(said, "h265 keeps 8");
  expect_text(said, "h265 keeps 4:2:0 of the film's 4:2:2 chroma");
  expect_silence(said, "ffv1 keeps 4:2:0");
  ffmpeg(std::string(kPicture) + "-pix_fmt yuv420p -c:v libx264 " + (folder / "plain.mp4"));
  expect_silence(transcoded(folder / "plain.mp4", folder / "out.mp4", "-r a:h264"), "keeps");
}
GST_END_TEST

// In the stream where the codec has a place for it, and in Matroska as bright as it is.
GST_START_TEST(test_transcode_keeps_mastering_display) {
  const Folder folder;
  make_hdr(folder / "in.mp4");
  for (const char* codec : {"h264", "h265"}) {
    transcoded(folder / "in.mp4", folder / "out.ts", std::string("-r all:") + codec);
    const std::string caps = decoded_caps(folder / "out.ts");
    expect_text(caps, "34000:16000:13250:34500:7500:3000:15635:16450:10000000:1");
    expect_text(caps, "content-light-level=(string)1000:400");
  }
  transcoded(folder / "in.mp4", folder / "out.mp4", "-r all:av1:speed=fast");
  const std::string frame = output_of(
      "ffprobe -v error -show_frames -read_intervals %+#1 -of compact " + (folder / "out.mp4"));
  expect_text(frame, "max_luminance=256000/256");
  expect_text(frame, "max_content=1000");
  for (const char* out : {"out.mkv", "out.webm"}) {
    transcoded(folder / "in.mp4", folder / out, "-r all:vp9");
    const std::string seen =
        output_of("ffprobe -v error -show_entries stream_side_data -of compact " + (folder / out));
    expect_text(seen, "max_luminance=1000/1");
    expect_text(seen, "max_content=1000");
  }
  expect_text(transcoded(folder / "in.mp4", folder / "out.mp4", "-r all:vp9"),
              "does not get the film's mastering display and light level");
}
GST_END_TEST

// mp4mux cannot do without a chroma site, which not every film has.
GST_START_TEST(test_transcode_vp9_into_mp4) {
  for (const char* format : {"yuv420p10le", "yuv422p", "gbrp"}) {
    const Folder folder;
    ffmpeg(std::string(kPicture) + "-pix_fmt " + format + " -c:v libvpx-vp9 -cpu-used 8 " +
           (folder / "in.webm"));
    transcoded(folder / "in.webm", folder / "out.mp4", "-r all:vp9:speed=fast");
    expect_text(video_fields(folder / "out.mp4", "codec_name"), "vp9");
  }
}
GST_END_TEST

static Suite* transcode_hdr_suite() {
  Suite* const suite = suite_create("transcode-hdr");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_hdr_in_each_codec);
  tcase_add_test(tests, test_transcode_says_what_samples_lose);
  tcase_add_test(tests, test_transcode_keeps_mastering_display);
  tcase_add_test(tests, test_transcode_vp9_into_mp4);
  return suite;
}

GST_CHECK_MAIN(transcode_hdr)
