// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `gst-dist-1.0 inspect` tells of a film's pictures, and of what transcode would do with it.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <fstream>
#include <iterator>
#include <string>

#include <gst/check/gstcheck.h>

namespace {

using namespace tool;

constexpr char kSource[] = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=2 ";

std::string made(const std::string& path, const std::string& arguments) {
  ffmpeg(arguments + " " + path);
  return path;
}

void expect(const std::string& film, std::initializer_list<const char*> texts) {
  const Ran ran = run(command() + "inspect " + film);
  const Ran json = run(command() + "inspect --json " + film);
  ck_assert_msg(ran.code == 0 && json.code == 0, "%s", ran.output.c_str());
  for (const char* text : texts)
    ck_assert_msg((ran.output + json.output).find(text) != std::string::npos, "no '%s' in %s%s",
                  text, ran.output.c_str(), json.output.c_str());
}

}  // namespace

GST_START_TEST(test_inspect_tells_hdr_and_depth) {
  const Folder folder;
  expect(made(folder / "hlg.mp4",
              kSource + std::string("-pix_fmt yuv420p10le -c:v libx265 -x265-params "
                                    "log-level=error:colorprim=bt2020:transfer=arib-std-b67:"
                                    "colormatrix=bt2020nc")),
         {"picture     10 bits a sample, HDR (HLG), colours of bt2100-hlg", "\"bit-depth\" : 10",
          "\"hdr\" : \"hlg\"", "\"colorimetry\" : \"bt2100-hlg\""});
}
GST_END_TEST

GST_START_TEST(test_inspect_tells_rotation) {
  const Folder folder;
  const std::string upright =
      made(folder / "upright.mp4", kSource + std::string("-pix_fmt yuv420p -c:v libx264"));
  expect(made(folder / "turned.mp4", "-i " + upright + " -c copy -metadata:s:v rotate=90"),
         {"8 bits a sample, turned by 270 degrees", "\"orientation\" : \"rotate-270\""});
}
GST_END_TEST

GST_START_TEST(test_inspect_tells_soft_telecine) {
  const Folder folder;
  const std::string film = made(folder / "film.mpg", kSource + std::string("-c:v mpeg2video"));
  std::ifstream file(film, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  // repeat_first_field of each second picture.
  const std::string extension("\0\0\1\xb5", 4);
  int pictures = 0;
  for (auto at = bytes.find(extension); at != std::string::npos; at = bytes.find(extension, at + 4))
    if (static_cast<unsigned char>(bytes[at + 4]) >> 4 == 8 && ++pictures % 2 == 0)
      bytes[at + 7] = static_cast<char>(bytes[at + 7] | 2);
  std::ofstream(film, std::ios::binary) << bytes;
  expect(film, {"soft telecine): 25 pictures of 50 repeat a", "\"field-repeats\" : 25"});
}
GST_END_TEST

// A cut to another scene, sooner after the IDR picture than another one may follow.
GST_START_TEST(test_inspect_tells_false_keyframes) {
  const Folder folder;
  expect(made(folder / "film.mp4",
              "-f lavfi -i 'testsrc2=size=160x120:rate=25:duration=1[a];mandelbrot=size=160x120:"
              "rate=25,trim=duration=1[b];[a][b]concat' -pix_fmt yuv420p -c:v libx264 -x264-params "
              "keyint=250:min-keyint=120:scenecut=400"),
         {"none at which decoding can begin: 1", "\"false-keyframes\" : 1"});
}
GST_END_TEST

GST_START_TEST(test_inspect_tells_what_transcode_would_do) {
  const Folder folder;
  expect(made(folder / "film.mkv", kSource + std::string("-f lavfi -i sine=duration=2 -pix_fmt "
                                                         "yuv420p -c:v libx264 -c:a flac")),
         {"transcode   -o out.mp4 makes h264 of 160x120 in 1 segment, encodes the sound",
          "\"transcode\" : ["});
}
GST_END_TEST

static Suite* inspect_pictures_suite() {
  Suite* const suite = suite_create("inspect-pictures");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 120);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_inspect_tells_hdr_and_depth);
  tcase_add_test(tests, test_inspect_tells_rotation);
  tcase_add_test(tests, test_inspect_tells_soft_telecine);
  tcase_add_test(tests, test_inspect_tells_false_keyframes);
  tcase_add_test(tests, test_inspect_tells_what_transcode_would_do);
  return suite;
}

GST_CHECK_MAIN(inspect_pictures)
