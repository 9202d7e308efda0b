// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the files that gst-dist-1.0 transcode writes say of their tracks, their subtitles, and the
// length of their frames.

// Before gstcheck.h, which has a macro "fail".
#include <regex>

#include "tests/tools/film_probe.h"

#include <fstream>
#include <string>

#include <gst/check/gstcheck.h>

namespace {

using namespace tool;

// Of the video: "0.000000,0.040000" for each packet, in the order of the times.
std::string frames_of(const std::string& file, const std::string& fields) {
  return output_of("ffprobe -v error -select_streams v:0 -show_entries frame=" + fields +
                   " -of csv=p=0 " + file);
}

double duration_of(const std::string& file) {
  return std::atof(
      output_of("ffprobe -v error -show_entries format=duration -of csv=p=0 " + file).c_str());
}

// What somebody sees, as SubRip, without fonts.
std::string words_of(const std::string& file) {
  return std::regex_replace(output_of("ffmpeg -nostdin -v error -i " + file + " -map s:0 -f srt -"),
                            std::regex("</?font[^>]*>|\r"), "");
}

// As on a Blu-ray: two times nothing, in pictures of 160 by 120.
std::string pgs() {
  using namespace std::string_literals;
  std::string all;
  for (const char* time : {"\x00\x00\xaf\xc8", "\x00\x01\x5f\x90"}) {
    const std::string head = "PG"s + std::string(time, 4) + std::string(4, '\0');
    all += head + "\x16\x00\x0b\x00\xa0\x00\x78\x10\x00\x01\x80\x00\x00\x00"s;
    all += head + "\x80\x00\x00"s;
  }
  return all;
}

}  // namespace

GST_START_TEST(test_transcode_variable_rate) {
  const Folder folder;
  // Frames 0, 3, 6, 7, 9, 12, 14.
  ffmpeg(
      "-f lavfi -i testsrc2=size=160x120:rate=25:duration=0.6 -vf "
      "select='not(mod(n\\,7)*mod(n\\,3))' -vsync vfr -c:v libx264 -preset ultrafast " +
      (folder / "in.mkv"));
  const std::string times = frames_of(folder / "in.mkv", "pts_time");
  for (const char* out : {"out.mp4", "out.mkv"}) {
    transcode(folder / "in.mkv", folder / out);
    const std::string actual = frames_of(folder / out, "pts_time");
    ck_assert_str_eq(actual.c_str(), times.c_str());
    const double seconds = duration_of(folder / out);
    ck_assert_msg(std::abs(seconds - duration_of(folder / "in.mkv")) < 0.002, "%s: %.3f s", out,
                  seconds);
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_keeps_labels) {
  const Folder folder;
  std::ofstream(folder / "text.srt") << "1\n00:00:00,200 --> 00:00:01,000\nhello\n";
  const std::string inputs = std::string(kPicture) +
                             "-f lavfi -i sine=duration=2 -f lavfi -i sine=duration=2 -i " +
                             (folder / "text.srt") + " -i " + (folder / "text.srt") +
                             " -map 0 -map 1 -map 2 -map 3 -map 4 " + kH264 + "-c:a aac ";
  const std::string labels =
      "-metadata:s:a:0 'title=He said \"no\" \\ yes' -metadata:s:a:1 title=Other "
      "-metadata:s:s:1 title=Signs -disposition:a:0 0 -disposition:a:1 default -disposition:s:0 0 "
      "-disposition:s:1 default+forced ";
  ffmpeg(inputs + "-c:s subrip " + labels + (folder / "in.mkv"));
  ffmpeg(inputs + "-c:s mov_text " + labels + (folder / "in.mp4"));
  for (const char* film : {"in.mkv", "in.mp4"})
    for (const char* out : {"out.mp4", "out.mkv"}) {
      transcode(folder / film, folder / out, "--yes -r v:h264:speed=fast");
      const Probe before = probe(folder / film);
      const Probe after = probe(folder / out);
      ck_assert_uint_eq(after.streams.size(), 5);
      ck_assert_str_ne(after.streams[0].language.c_str(), "eng");
      for (const char* kind : {"audio", "subtitle"})
        for (std::size_t i : {0, 1}) {
          const Stream& was = before.of_kind(kind)[i];
          const Stream& is = after.of_kind(kind)[i];
          ck_assert_msg(is.is_default == was.is_default && is.forced == was.forced,
                        "%s to %s: %s %zu has default %d, forced %d", film, out, kind, i,
                        is.is_default, is.forced);
        }
      // Which ffprobe does not find in an MP4.
      const std::string bytes = bytes_of(folder / out);
      for (const std::string title : {"He said \"no\" \\ yes", "Other", "Signs"})
        ck_assert_msg(bytes.find(title) != std::string::npos, "%s to %s: no %s", film, out,
                      title.c_str());
      if (std::string(out) == "out.mkv")
        ck_assert(after.of_kind("audio")[0].title == "He said \"no\" \\ yes");
      ck_assert(after.of_kind("audio")[1].is_default && !after.of_kind("audio")[0].is_default);
    }
}
GST_END_TEST

GST_START_TEST(test_transcode_keeps_pictures_of_subtitles) {
  const Folder folder;
  std::ofstream(folder / "text.sup", std::ios::binary) << pgs();
  ffmpeg(std::string(kPicture) + "-i " + (folder / "text.sup") + " -map 0 -map 1 " + kH264 +
         "-c:s copy " + (folder / "in.mkv"));
  transcode(folder / "in.mkv", folder / "out.mkv");
  const auto subtitles = probe(folder / "out.mkv").of_kind("subtitle");
  ck_assert_uint_eq(subtitles.size(), 1);
  ck_assert_str_eq(subtitles[0].codec.c_str(), "hdmv_pgs_subtitle");
  const auto packets = [&](const char* name) {
    return output_of(
        "ffprobe -v error -select_streams s -show_entries packet=pts_time,size "
        "-of csv=p=0 " +
        (folder / name));
  };
  const std::string expected = packets("in.mkv");
  const std::string actual = packets("out.mkv");
  ck_assert_str_eq(actual.c_str(), expected.c_str());
  for (const char* out : {"out.mp4", "out.webm"})
    expect_text(transcode(folder / "in.mkv", folder / out,
                          std::string("-r v:") + (std::string(out) == "out.mp4" ? "h264" : "vp8") +
                              ":speed=fast"),
                "does not get the subtitles");
}
GST_END_TEST

GST_START_TEST(test_transcode_subtitles_that_overlap) {
  const Folder folder;
  std::ofstream(folder / "text.srt") << "1\n00:00:00,200 --> 00:00:01,500\nR & D <b>bold</b>\n\n"
                                        "2\n00:00:00,800 --> 00:00:01,200\nsecond & last\n";
  ffmpeg(std::string(kPicture) + "-i " + (folder / "text.srt") + " " + kH264 + "-c:s subrip " +
         (folder / "in.mkv"));
  const std::string film = folder / "in.mkv";
  transcode(film, folder / "out.mp4");
  const std::string separate = words_of(folder / "out.mp4");
  expect_text(separate, "00:00:00,200 --> 00:00:00,800\nR & D bold\n");
  expect_text(separate, "00:00:00,800 --> 00:00:01,200\nR & D bold\nsecond & last\n");
  expect_text(separate, "00:00:01,200 --> 00:00:01,500\nR & D bold\n");
  ck_assert_msg(separate.find('<') == std::string::npos, "%s", separate.c_str());
  transcode(film, folder / "out.mkv");
  transcode(film, folder / "out.webm", "-r v:vp8:speed=fast");
  for (const char* out : {"out.mkv", "out.webm"}) {
    const std::string words = words_of(folder / out);
    expect_text(words, "00:00:00,200 --> 00:00:01,500\nR & D bold\n");
    expect_text(words, "00:00:00,800 --> 00:00:01,200\nsecond & last\n");
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_every_codec_into_what_takes_it) {
  const struct {
    const char* codec;
    const char* out;
    const char* name;
  } rows[] = {
      {"h264", "out.mp4", "h264"}, {"h264", "out.mkv", "h264"},   {"h265", "out.mp4", "hevc"},
      {"h265", "out.mkv", "hevc"}, {"vp8", "out.webm", "vp8"},    {"vp9", "out.webm", "vp9"},
      {"vp9", "out.mp4", "vp9"},   {"av1", "out.mp4", "av1"},     {"av1", "out.mkv", "av1"},
      {"av1", "out.webm", "av1"},  {"mpeg4", "out.mp4", "mpeg4"}, {"ffv1", "out.mkv", "ffv1"},
  };
  const Folder folder;
  ffmpeg("-f lavfi -i testsrc2=size=64x48:rate=25:duration=0.4 -f lavfi -i sine=duration=0.4 " +
         std::string(kH264) + "-c:a flac " + (folder / "in.mkv"));
  for (const auto& row : rows) {
    transcode(folder / "in.mkv", folder / row.out,
              std::string("--yes -r v:") + row.codec + ":speed=fast");
    const std::string seen = output_of(
        "ffprobe -v error -count_frames -select_streams v -show_entries "
        "stream=codec_name,nb_read_frames -of csv=p=0 " +
        (folder / row.out));
    ck_assert_msg(seen == std::string(row.name) + ",10\n", "%s in %s: %s", row.codec, row.out,
                  seen.c_str());
  }
}
GST_END_TEST

// Players of Apple's take no "hev1".
GST_START_TEST(test_transcode_calls_h265_in_mp4_hvc1) {
  const Folder folder;
  ffmpeg("-f lavfi -i testsrc2=size=64x48:rate=25:duration=0.4 " + std::string(kH264) +
         (folder / "in.mkv"));
  transcode(folder / "in.mkv", folder / "out.mp4", "-r v:h265:speed=fast");
  const std::string tag = output_of(
      "ffprobe -v error -select_streams v -show_entries stream=codec_tag_string -of csv=p=0 " +
      (folder / "out.mp4"));
  ck_assert_str_eq(tag.c_str(), "hvc1\n");
}
GST_END_TEST

static Suite* transcode_tracks_suite() {
  Suite* const suite = suite_create("transcode-tracks");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_variable_rate);
  tcase_add_test(tests, test_transcode_keeps_labels);
  tcase_add_test(tests, test_transcode_keeps_pictures_of_subtitles);
  tcase_add_test(tests, test_transcode_subtitles_that_overlap);
  tcase_add_test(tests, test_transcode_every_codec_into_what_takes_it);
  tcase_add_test(tests, test_transcode_calls_h265_in_mp4_hvc1);
  return suite;
}

GST_CHECK_MAIN(transcode_tracks)
