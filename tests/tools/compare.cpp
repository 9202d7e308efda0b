// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-dist-1.0 compare on real films.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

using namespace tool;

constexpr char kMoving[] = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=6 ";
constexpr char kH264[] = " -c:v libx264 -preset veryfast -pix_fmt yuv420p ";

Ran compare(const std::string& a, const std::string& b, const std::string& options = "") {
  return run(command() + "compare '" + a + "' '" + b + "' " + options);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What follows the label, in one line.
std::string verdict(const Ran& ran) {
  const auto at = ran.output.find("\nverdict ");
  if (at == std::string::npos)
    return ran.output;
  std::string text = ran.output.substr(ran.output.find_first_not_of(' ', at + 8));
  text.pop_back();
  for (auto line = text.find("\n            "); line != std::string::npos;
       line = text.find("\n            "))
    text.replace(line, 13, " ");
  return text;
}

}  // namespace

GST_START_TEST(test_compare_finds_encodes_the_same) {
  const Folder folder;
  const std::string a = make(folder, "a.mp4", kMoving + std::string(kH264));
  const struct {
    const char* name;
    std::string arguments;
    const char* verdict;
  } rows[] = {
      {"small.webm", "-i " + a + " -vf scale=160:90 -c:v libvpx-vp9 -deadline realtime -cpu-used 8",
       "same"},
      {"large.mkv", "-i " + a + " -vf scale=640:360 -crf 30" + kH264, "same"},
      {"half.mp4", "-i " + a + " -vf fps=12.5" + kH264, "same"},
      {"ntsc.mp4", "-i " + a + " -vf fps=30000/1001" + kH264, "same"},
      {"duplicated.mp4", "-i " + a + " -r 12.5" + kH264, "same, but B is later by 0."},
      {"offset.mkv", "-i " + a + " -c copy -output_ts_offset 5", "same"},
      {"stream.ts", "-i " + a + " -c copy", "same"},
      {"late.mkv",
       "-itsoffset 0.5 -i " + a +
           " -f lavfi -i sine=duration=6 -map 0:v -map 1:a -c:v copy -c:a aac",
       "same"},
      // Frames that show nothing new are left out.
      {"variable.mp4", "-i " + a + " -vf fps=5,fps=25,mpdecimate -fps_mode vfr" + kH264, ""},
      // Turned in the container, and back again in the pictures.
      {"turned.mkv", "-i " + a + " -vf transpose=1" + kH264, ""},
  };
  for (const auto& row : rows) {
    const std::string b = make(folder, row.name, row.arguments);
    if (*row.verdict == 0)
      continue;
    const Ran ran = compare(a, b);
    ck_assert_msg(ran.code == 0 && verdict(ran).starts_with(row.verdict), "%s: %d\n%s", row.name,
                  ran.code, ran.output.c_str());
  }

  const Ran itself = compare(a, a, "--per-frame --csv");
  ck_assert_int_eq(itself.code, 0);
  for (int frame = 0; frame < 150; ++frame) {
    gchar time[32];
    g_snprintf(time, sizeof time, "\n%d.%02d0000,0,", frame / 25, frame % 25 * 4);
    ck_assert_msg(contains(itself.output, time), "no '%s' in\n%s", time + 1, itself.output.c_str());
  }

  const std::string few = make(folder, "few.mp4", "-i " + a + " -vf fps=5,fps=25" + kH264);
  const Ran variable = compare(few, folder / "variable.mp4");
  ck_assert_msg(variable.code == 0, "%s", variable.output.c_str());

  const std::string turned = make(
      folder, "turned.mp4", "-i " + (folder / "turned.mkv") + " -c copy -metadata:s:v:0 rotate=90");
  const Ran upright = compare(a, turned);
  ck_assert_msg(upright.code == 0, "%s", upright.output.c_str());
}
GST_END_TEST

GST_START_TEST(test_compare_says_when_films_differ) {
  const Folder folder;
  const std::string a = make(folder, "a.mp4", kMoving + std::string(kH264));
  const std::string scene =
      "-f lavfi -i mandelbrot=size=320x180:rate=25 -filter_complex "
      "\"[0:v]trim=0:2[x];[1:v]trim=0:2,setpts=PTS-STARTPTS[y];[0:v]trim=4:6,setpts=PTS-STARTPTS[z]"
      ";"
      "[x][y][z]concat=n=3\" ";
  const struct {
    const char* name;
    std::string arguments;
    const char* verdict;
  } rows[] = {
      {"black.mp4",
       "-i " + a + " -vf drawbox=enable=between(t\\\\,2.99\\\\,4.97):color=black:t=fill" + kH264,
       "differ from 0:03.000 to 0:05.000"},
      {"scene.webm", "-i " + a + " " + scene + "-c:v libvpx-vp9 -deadline realtime -cpu-used 8",
       "differ from 0:02.000 to 0:04.000"},
      {"short.mp4", "-i " + a + " -t 4" + kH264,
       "other length: A is longer by 2.000 s; the rest is the same"},
      {"other.mkv", "-f lavfi -i mandelbrot=size=320x180:rate=25 -t 6" + std::string(kH264),
       "differ from 0:00.000 to 0:06.000"},
      {"late.mp4", "-i " + a + " -vf trim=start=0.4,setpts=PTS-STARTPTS" + kH264,
       "other time: B is earlier by 0.400 s"},
  };
  for (const auto& row : rows) {
    const Ran ran = compare(a, make(folder, row.name, row.arguments));
    ck_assert_msg(ran.code == 1 && verdict(ran).starts_with(row.verdict), "%s: %d\n%s", row.name,
                  ran.code, ran.output.c_str());
  }
  const Ran json = compare(a, folder / "short.mp4", "--json");
  ck_assert_int_eq(json.code, 1);
  ck_assert_msg(contains(json.output, "\"verdict\" : \"other-length\""), "%s", json.output.c_str());
}
GST_END_TEST

GST_START_TEST(test_compare_plots) {
  const Folder folder;
  const std::string a = make(folder, "a.mp4", kMoving + std::string(kH264));
  const std::string b = make(
      folder, "b.mp4",
      "-i " + a + " -vf drawbox=enable=between(t\\\\,2.99\\\\,4.97):color=black:t=fill" + kH264);
  for (const char* name : {"plot.svg", "plot.png"}) {
    const Ran ran = compare(a, b, "--plot " + (folder / name));
    ck_assert_msg(ran.code == 1, "%s", ran.output.c_str());
  }
  ck_assert_uint_eq(folder.size(), 4);
  const std::string svg = bytes_of(folder / "plot.svg");
  std::size_t pictures = 0;
  for (auto at = svg.find("data:image/jpeg"); at != std::string::npos;
       at = svg.find("data:image/jpeg", at + 1))
    ++pictures;
  ck_assert_msg(pictures >= 6 && pictures % 2 == 0, "%zu pictures", pictures);
  ck_assert(!contains(svg, "cannot be shown"));
  // What is in the IHDR chunk: the drawing is 1000 wide.
  ck_assert(bytes_of(folder / "plot.png")
                .starts_with(std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\xe8", 20)));

  // Nothing is left of one that fails, and what was there stays.
  const Ran unread = compare(a, folder / "none.mp4", "--plot " + (folder / "plot.svg"));
  ck_assert_int_eq(unread.code, 3);
  ck_assert_uint_eq(folder.size(), 4);
  ck_assert(bytes_of(folder / "plot.svg") == svg);
}
GST_END_TEST

GST_START_TEST(test_compare_says_what_a_plot_needs) {
  const Folder folder;
  const struct {
    std::string environment;
    std::string name;
    int code;
    const char* words;
  } rows[] = {
      {"", "plot.jpg", 2, "write a name that ends in .svg or .png"},
      {"", "/proc/plot.svg", 4, "/proc/plot.svg: cannot be written"},
      {"env GST_PLUGIN_SYSTEM_PATH_1_0=" + (folder / "none") +
           " GST_REGISTRY_1_0=" + (folder / "registry") + " ",
       folder / "plot.png", 4, "needs GStreamer's element rsvgdec; install it, or write .svg."},
  };
  for (const auto& row : rows) {
    const Ran ran = run(row.environment + command() + "compare a b --plot " + row.name);
    ck_assert_msg(ran.code == row.code && contains(ran.output, row.words), "%s: exit code %d\n%s",
                  row.name.c_str(), ran.code, ran.output.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_compare_tells_what_is_wrong) {
  const Folder folder;
  const std::string a =
      make(folder, "a.mp4", "-f lavfi -i testsrc2=duration=1" + std::string(kH264));
  const std::string sound = make(folder, "sound.mp4", "-f lavfi -i sine=duration=1 -c:a aac");
  const std::string film = folder / "film.svg";
  std::filesystem::copy_file(a, film);
  const struct {
    std::string arguments;
    int code;
    const char* words;
  } rows[] = {
      {a + " " + film + " --plot " + film, 2, "film.svg: is the input, which would be lost."},
      {a + " file://" + film + " --plot " + film, 2, "film.svg: is the input"},
      {"'" + a + "' " + sound, 3, "sound.mp4: there is no video in it."},
      {sound + " " + a, 3, "sound.mp4: there is no video in it."},
      {a + " " + (folder / "none.mp4"), 3, "none.mp4: there is no such file."},
      {a, 2, "which films? Give two, A and B"},
      {"a b c", 2, "'c' is one film too many"},
      {"a b --threshold=257", 2, "--threshold: write a number"},
      {"a b --csv --json", 2, "--csv and --json: give one of them"},
      {"a b --per-frames", 2, "did you mean --per-frame?"},
  };
  for (const auto& row : rows) {
    const Ran ran = run(command() + "compare " + row.arguments);
    ck_assert_msg(ran.code == row.code && contains(ran.output, row.words) &&
                      std::ranges::count(ran.output, '\n') == 1,
                  "%s: exit code %d\n%s", row.arguments.c_str(), ran.code, ran.output.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_compare_interrupted) {
  const Folder folder;
  const std::string film =
      make(folder, "film.mp4",
           "-f lavfi -i testsrc2=size=640x360:rate=25:duration=120" + std::string(kH264));
  for (const int number : {SIGINT, SIGTERM}) {
    farm::Process process(command() + "compare " + film + " " + film + " --plot " +
                          (folder / "plots/out.svg"));
    for (int i = 0; i < 3000 && !std::filesystem::exists(folder / "plots/.out.svg.gst-dist.part");
         ++i)
      g_usleep(G_USEC_PER_SEC / 100);
    process.signal(number);
    ck_assert_int_eq(process.exit_code(), 130);
    ck_assert_str_eq(process.output().c_str(), "gst-dist-1.0: interrupted.\n");
    ck_assert_uint_eq(folder.size(), 1);
  }
}
GST_END_TEST

static Suite* compare_suite() {
  Suite* suite = suite_create("compare");
  TCase* tests = tcase_create("compare");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_compare_finds_encodes_the_same);
  tcase_add_test(tests, test_compare_says_when_films_differ);
  tcase_add_test(tests, test_compare_plots);
  tcase_add_test(tests, test_compare_says_what_a_plot_needs);
  tcase_add_test(tests, test_compare_tells_what_is_wrong);
  tcase_add_test(tests, test_compare_interrupted);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(compare)
