// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films whose sound is longer than their pictures.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <random>
#include <sstream>
#include <string>

#include <gst/check/gstcheck.h>

#include "gst/film/film.h"
#include "gst/film/video_length.h"

namespace {

using namespace tool;

double seconds_of(const std::string& path) {
  const auto film = dist::look_at(path);
  ck_assert(static_cast<bool>(film));
  return static_cast<double>(dist::video_length(*film)) / GST_SECOND;
}

}  // namespace

GST_START_TEST(test_video_length) {
  const Folder folder;
  const struct {
    const char* name;
    const char* options;
    double least, most;
  } rows[] = {{"film.mp4", "", 1.9, 2.1},
              {"film.mov", "", 1.9, 2.1},
              {"film.mkv", "", 1.9, 2.1},
              // Nothing in it tells.
              {"fragmented.mp4", "-movflags frag_keyframe+empty_moov", 4.9, 5.2}};
  for (const auto& row : rows) {
    const std::string film = folder / row.name;
    ffmpeg(
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=2 -f lavfi "
        "-i sine=duration=5 -c:v libx264 -pix_fmt yuv420p -c:a aac " +
        std::string(row.options) + " " + film);
    const double seconds = seconds_of(film);
    ck_assert_msg(seconds >= row.least && seconds <= row.most, "%s: %f s", row.name, seconds);
  }
}
GST_END_TEST

GST_START_TEST(test_video_length_in_tags) {
  const struct {
    const char* comment;
    GstClockTime length;
  } rows[] = {{"DURATION=01:02:03.500000000", 3723500 * GST_MSECOND},
              {"DURATION=", 0},
              {"DURATION=-1:00:00", 0},
              {"DURATION=00:00:99", 0},
              {"TITLE=00:00:01", 0}};
  for (const auto& row : rows) {
    GstTagList* const tags = gst_tag_list_new(GST_TAG_EXTENDED_COMMENT, row.comment, nullptr);
    ck_assert_msg(dist::length_in_tags(tags) == row.length, "%s", row.comment);
    gst_tag_list_unref(tags);
  }
  ck_assert(dist::length_in_tags(nullptr) == 0);
}
GST_END_TEST

GST_START_TEST(test_video_length_of_noise) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::string bytes(64, 0);
    for (char& byte : bytes)
      byte = static_cast<char>(random());
    bytes.replace(0, 8, std::string("\0\0\0\x40moov", 8));
    bytes.replace(8, 8, std::string("\0\0\0\x10mvhd", 8));
    bytes.replace(24, 8, std::string("\0\0\0\x28trak", 8));
    std::istringstream file(bytes.substr(0, random() % 65));
    static_cast<void>(dist::length_in_mp4(file));
  }
}
GST_END_TEST

static Suite* video_length_suite() {
  Suite* const suite = suite_create("video-length");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_video_length);
  tcase_add_test(tests, test_video_length_in_tags);
  tcase_add_test(tests, test_video_length_of_noise);
  return suite;
}

GST_CHECK_MAIN(video_length)
