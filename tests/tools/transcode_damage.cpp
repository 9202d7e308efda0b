// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is not as the film promises is said, once and with its place; what is whole brings no word.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <gst/check/gstcheck.h>

namespace {

using namespace tool;

void make(const std::string& arguments) {
  ffmpeg("-f lavfi -i testsrc2=duration=4:rate=25 -pix_fmt yuv420p " + arguments);
}

Ran transcode(const std::string& input, const std::string& output) {
  return run(command() + "transcode " + input + " -o " + output + " -r a:vp8:64x36:speed=fast");
}

bool says(const Ran& ran, const std::string& text) {
  return ran.output.find(text) != std::string::npos;
}

}  // namespace

// A decoder conceals what it cannot decode, and only its log tells.
GST_START_TEST(test_transcode_says_where_the_film_is_damaged) {
  const Folder folder;
  make("-c:v libx264 -g 25 -bf 0 -x264-params slices=1 " + (folder / "in.ts"));
  const std::string whole = bytes_of(folder / "in.ts");
  const Ran good = transcode(folder / "in.ts", folder / "good.mkv");
  ck_assert_msg(good.code == 0 && !says(good, "damaged"), "%s", good.output.c_str());

  // Packets are lost in the third second.
  constexpr std::size_t kPacket = 188;
  const std::size_t at = whole.size() / kPacket * 6 / 10 * kPacket;
  write_file(folder / "lost.ts", whole.substr(0, at) + whole.substr(at + 12 * kPacket));
  const Ran lost = transcode(folder / "lost.ts", folder / "lost.mkv");
  ck_assert_msg(lost.code == 0, "%s", lost.output.c_str());
  const std::size_t first = lost.output.find("the film is damaged from 0:00:0");
  ck_assert_msg(first != std::string::npos, "%s", lost.output.c_str());
  ck_assert_msg(lost.output.find("the film is damaged", first + 1) == std::string::npos,
                "twice: %s", lost.output.c_str());
}
GST_END_TEST

static Suite* transcode_damage_suite() {
  Suite* suite = suite_create("transcode_damage");
  TCase* tests = tcase_create("transcode_damage");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_transcode_says_where_the_film_is_damaged);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(transcode_damage)
