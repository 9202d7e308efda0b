// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films for Dolby Vision: refused where the base layer is no picture by itself, else said.

#include "tests/tools/made_film.h"

#include <cstdint>
#include <sstream>
#include <string>

#include "gst/film/dolby_vision.h"

namespace {

using namespace tool;
using dist::DolbyVision;

// A 'dvcC' of that profile, as the last box of the sample entry; all that hold it grow.
std::string with_dolby_vision(std::string film, unsigned profile, unsigned compatibility) {
  std::string box(32, '\0');
  box.replace(0, 8,
              std::string("\0\0\0\x20"
                          "dvcC",
                          8));
  box[8] = 1;
  box[10] = static_cast<char>(profile << 1);
  box[11] = 0x0d;
  box[12] = static_cast<char>(compatibility << 4);
  std::size_t at = 0;
  std::size_t end = 0;
  for (const char* type : {"moov", "trak", "mdia", "minf", "stbl", "stsd", "hvc1"}) {
    at = film.find(type, at == 0 ? film.rfind("moov") : at);
    ck_assert(at != std::string::npos && at >= 4);
    std::uint32_t size = 0;
    for (std::size_t i = at - 4; i < at; ++i)
      size = size << 8 | static_cast<std::uint8_t>(film[i]);
    end = at - 4 + size;
    size += static_cast<std::uint32_t>(box.size());
    for (int i = 0; i < 4; ++i)
      film[at - 4 + static_cast<std::size_t>(i)] = static_cast<char>(size >> (24 - 8 * i) & 0xff);
  }
  return film.insert(end, box);
}

std::string plain_film(const Folder& folder) {
  ffmpeg(
      "-f lavfi -i testsrc2=size=160x120:rate=25:duration=0.4 -pix_fmt yuv420p10le -c:v libx265 "
      "-tag:v hvc1 -preset ultrafast -x265-params log-level=error " +
      (folder / "plain.mp4"));
  return bytes_of(folder / "plain.mp4");
}

}  // namespace

GST_START_TEST(test_dolby_vision_without_base_layer_is_refused) {
  const Folder folder;
  write_file(folder / "in.mp4", with_dolby_vision(plain_film(folder), 5, 0));
  ffmpeg("-i " + (folder / "in.mp4") + " -c copy -strict unofficial " + (folder / "in.mkv"));
  for (const char* film : {"in.mp4", "in.mkv"}) {
    const Ran ran = run(command() + "transcode " + (folder / film) + " -o " + (folder / "out.mp4"));
    ck_assert_int_eq(ran.code, 3);
    ck_assert_msg(ran.output.find("Dolby Vision of profile 5") != std::string::npos, "%s",
                  ran.output.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_dolby_vision_with_base_layer_is_said) {
  const Folder folder;
  write_file(folder / "in.mp4", with_dolby_vision(plain_film(folder), 8, 1));
  ffmpeg("-i " + (folder / "in.mp4") + " -c copy -strict unofficial " + (folder / "in.mkv"));
  for (const char* film : {"in.mp4", "in.mkv"}) {
    const std::string said =
        transcoded(folder / film, folder / "out.mp4", "-r all:h265:speed=fast");
    ck_assert_msg(said.find("only the base layer is encoded, which is HDR10") != std::string::npos,
                  "%s", said.c_str());
  }
  const std::string said =
      transcoded(folder / "plain.mp4", folder / "out.mp4", "-r all:h265:speed=fast");
  ck_assert(said.find("Dolby") == std::string::npos);
}
GST_END_TEST

// Whatever the file, nothing is read beyond it.
GST_START_TEST(test_dolby_vision_of_broken_files) {
  const Folder folder;
  const std::string mp4 = with_dolby_vision(plain_film(folder), 5, 0);
  write_file(folder / "in.mp4", mp4);
  ffmpeg("-i " + (folder / "in.mp4") + " -c copy -strict unofficial " + (folder / "in.mkv"));
  const std::string mkv = bytes_of(folder / "in.mkv");
  const std::string movie = mp4.substr(mp4.rfind("moov") - 4);
  for (const std::string& whole : {movie, mkv.substr(0, 1000)}) {
    std::stringstream good(whole);
    ck_assert((dist::dolby_vision_of(good) == DolbyVision{5, 0}));
    for (std::size_t size = 0; size < whole.size(); size += 3) {
      std::stringstream cut(whole.substr(0, size));
      dist::dolby_vision_of(cut);
    }
    for (std::size_t i = 0; i < whole.size(); ++i)
      for (const int value : {0, 1, 0x7f, 0xff}) {
        std::string broken = whole;
        broken[i] = static_cast<char>(value);
        std::stringstream stream(broken);
        dist::dolby_vision_of(stream);
      }
  }
}
GST_END_TEST

// What lies behind a table that ends before its first entry is no entry of it.
GST_START_TEST(test_dolby_vision_of_an_empty_table) {
  const auto box = [](const std::string& type, const std::string& content) {
    const auto size = static_cast<std::uint32_t>(content.size() + 8);
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(size >> shift & 0xff);
    return bytes + type + content;
  };
  const std::string record("\1\0\x0a\x0d\x10", 5);
  const std::string entry = box("hvc1", std::string(78, '\0') + box("dvcC", record));
  const auto film = [&](const std::string& table, const std::string& behind) {
    const std::string media =
        box("hdlr", std::string(8, '\0') + "vide") + box("minf", box("stbl", box("stsd", table)));
    return box("moov", box("trak", box("mdia", media))) + behind;
  };
  std::stringstream good(film(std::string(8, '\0') + entry, ""));
  ck_assert((dist::dolby_vision_of(good) == DolbyVision{5, 1}));
  std::stringstream empty(film("", box("free", entry)));
  ck_assert(!dist::dolby_vision_of(empty));
}
GST_END_TEST

static Suite* dolby_vision_suite() {
  Suite* const suite = suite_create("dolby-vision");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_dolby_vision_without_base_layer_is_refused);
  tcase_add_test(tests, test_dolby_vision_with_base_layer_is_said);
  tcase_add_test(tests, test_dolby_vision_of_broken_files);
  tcase_add_test(tests, test_dolby_vision_of_an_empty_table);
  return suite;
}

GST_CHECK_MAIN(dolby_vision)
