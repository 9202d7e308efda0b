// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The matrix of an MP4's video track, subtitles without markup, and files that are read as others.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "gst/film/mended_file.h"
#include "gst/film/mp4_rotation.h"
#include "gst/film/ts_head.h"
#include "gst/gstx/ref.h"
#include "gst/job/markup.h"
#include "gst/job/subtitle_cues.h"

namespace {

using dist::display_matrix;
using dist::plain_text;
using dist::set_rotation;

std::string number(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string box(const std::string& type, const std::string& content) {
  return number(static_cast<std::uint32_t>(8 + content.size())) + type + content;
}

// A track header of that version, 160 by 120, and a handler.
std::string track(const std::string& handler, int version) {
  const std::string before(version == 0 ? 40 : 52, 'x');
  return box(
      "trak",
      box("tkhd", before + std::string(36, 'm') + number(160 << 16) + number(120 << 16)) +
          box("mdia", box("mdhd", "....") + box("hdlr", std::string(8, '\0') + handler + "....")));
}

std::string movie(int version = 0) {
  return box("ftyp", "isom") + box("mdat", "moov") +
         box("moov", box("mvhd", "....") + track("soun", version) + track("vide", version));
}

std::string turned(const std::string& file, const std::string& orientation, bool expected = true) {
  std::stringstream stream(file);
  fail_unless(static_cast<bool>(set_rotation(stream, orientation)) == expected);
  return stream.str();
}

}  // namespace

GST_START_TEST(test_rotation_changes_the_matrix_of_the_video) {
  const std::uint32_t one = 0x10000;
  const std::string matrix = number(0) + number(one) + number(0) + number(-one) + number(0) +
                             number(0) + number(120 << 16) + number(0) + number(0x40000000);
  for (int version : {0, 1}) {
    std::string expected = movie(version);
    expected.replace(expected.rfind(std::string(36, 'm')), 36, matrix);
    fail_unless(turned(movie(version), "rotate-90") == expected);
  }
}
GST_END_TEST

// Each corner of the picture stays between 0 and its size.
GST_START_TEST(test_rotation_keeps_the_picture_in_view) {
  for (const char* name : {"rotate-0", "rotate-90", "rotate-180", "rotate-270", "flip-rotate-0",
                           "flip-rotate-90", "flip-rotate-180", "flip-rotate-270"}) {
    const auto matrix = display_matrix(name, 160 << 16, 120 << 16);
    fail_unless(matrix.has_value());
    const auto& m = *matrix;
    int area = 0;
    for (int x : {0, 160})
      for (int y : {0, 120}) {
        const int right = x * (m[0] >> 16) + y * (m[3] >> 16) + (m[6] >> 16);
        const int down = x * (m[1] >> 16) + y * (m[4] >> 16) + (m[7] >> 16);
        fail_unless(right >= 0 && down >= 0, "%s", name);
        area = std::max(area, right * down);
      }
    fail_unless(area == 160 * 120, "%s", name);
  }
  fail_unless(!display_matrix("upside-down", 1, 1));
}
GST_END_TEST

// Whatever the file, nothing is read or written beyond it, and a failure changes nothing.
GST_START_TEST(test_rotation_of_broken_files) {
  const std::string whole = movie();
  for (std::size_t size = 0; size < whole.size(); ++size)
    fail_unless(turned(whole.substr(0, size), "rotate-90", false) == whole.substr(0, size));
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (int value : {0, 1, 7, 0x7f, 0xff}) {
      std::string broken = whole;
      broken[i] = static_cast<char>(value);
      std::stringstream stream(broken);
      const bool done = static_cast<bool>(set_rotation(stream, "rotate-90"));
      fail_unless(stream.str().size() == whole.size());
      fail_unless(done || stream.str() == broken);
    }
  turned(whole, "sideways", false);
}
GST_END_TEST

GST_START_TEST(test_markup_is_removed) {
  const struct {
    const char* markup;
    const char* words;
  } rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"<i>R&amp;D</i> &lt; <span color=\"red\">3 &#169;</span>\ntwo", "R&D < 3 ©\ntwo"},
      {"not <markup", "not <markup"},
      {"R&D", "R&D"},
      {"<b>R & D", "R & D"},
      {"</FONT>1 < 2 &gt; &bogus; &#0; &#x41;<br/>", "1 < 2 > &bogus; &#0; A"},
      {"<i", "<i"},
      {"&", "&"},
      {"&amp;lt;", "&lt;"},
      {"</markup>", "</markup>"},
  };
  for (const auto& row : rows)
    fail_unless(plain_text(row.markup) == row.words, "%s", row.markup);
}
GST_END_TEST

// Whatever is asked for, and in whatever pieces.
GST_START_TEST(test_mended_file) {
  const tool::Folder folder;
  const std::string path = folder / "file";
  std::ofstream(path) << "0123456789";
  const struct {
    std::vector<dist::Mend> mends;
    const char* content;
  } rows[] = {
      {{}, "0123456789"},
      {{{0, 0, "ab"}}, "ab0123456789"},
      {{{3, 2, "xy"}}, "012xy56789"},
      {{{3, 2, "xyz"}, {5, 0, "-"}, {10, 0, "end"}}, "012xyz-56789end"},
      {{{0, 10, ""}}, ""},
  };
  for (const auto& row : rows) {
    const std::string expected = row.content;
    dist::MendedFile file(path, row.mends);
    fail_unless(file.size() == expected.size());
    for (std::size_t at = 0; at <= expected.size() + 1; ++at)
      for (std::size_t count = 1; count <= expected.size() + 1; ++count) {
        const std::string part = at < expected.size() ? expected.substr(at, count) : "";
        fail_unless(file.read(at, count) == part, "%s: %zu at %zu", row.content, count, at);
      }
  }
  fail_unless(dist::MendedFile(folder / "none", {}).size() == 0);
}
GST_END_TEST

// As on a disk that fails: what comes out is no film that ends there.
GST_START_TEST(test_mended_file_that_cannot_be_read_to_its_end) {
  const tool::Folder folder;
  const std::string path = folder / "file";
  std::ofstream(path) << std::string(200'000, 'x');
  for (const bool whole : {true, false}) {
    const auto pipeline = dist::Ref<GstElement>::adopt(
        gst_parse_launch("appsrc name=source ! fakesink sync=false", nullptr));
    const auto source =
        dist::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "source"));
    dist::set_mended_source(source.get(), path, {{0, 0, "head"}});
    if (!whole)
      std::filesystem::resize_file(path, 100'000);
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto bus = dist::Ref<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
    const auto message = dist::Ref<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus.get(), 10 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    fail_unless(message &&
                GST_MESSAGE_TYPE(message.get()) == (whole ? GST_MESSAGE_EOS : GST_MESSAGE_ERROR));
  }
}
GST_END_TEST

namespace {

std::string ts_packet(unsigned pid, const std::string& adaptation, const std::string& payload) {
  std::string packet{'\x47', static_cast<char>(0x40 | pid >> 8), static_cast<char>(pid), '\x30'};
  const std::size_t room = 188 - 5 - payload.size();
  packet += static_cast<char>(room);
  packet += adaptation + std::string(room - adaptation.size(), '\xff') + payload;
  return packet;
}

// A program of one stream, whose first PES packet comes before its clock.
std::string ts_film() {
  using namespace std::string_literals;
  const std::string tables =
      ts_packet(0, "\0"s, "\0\0\xb0\x0d\0\1\xc1\0\0\0\1\xf0\0crc."s) +
      ts_packet(0x1000, "\0"s, "\0\2\xb0\x12\0\1\xc1\0\0\xe1\0\xf0\0\x82\xe1\0\xf0\0crc."s);
  const std::string sound = "\0\0\1\xbd\0\0\x80\x80\x05\x21\0\1\0\1\x7f\xfe\x80\1...."s;
  return tables + ts_packet(0x100, "\0"s, sound) + ts_packet(0x100, "\x10\0\0\x60\0\x7e\0"s, sound);
}

}  // namespace

GST_START_TEST(test_ts_head) {
  const auto found = dist::mend_ts_head(ts_film());
  fail_unless(found.mends.size() == 2);
  // DTS is named in a way that is known to all.
  fail_unless(found.mends[0].at == 188 && found.mends[0].replaced == 188);
  fail_unless(found.mends[0].bytes.find("\x8a\xe1") != std::string::npos);
  // A clock before everything else.
  fail_unless(found.mends[1].at == 376 && found.mends[1].replaced == 0);
  fail_unless(found.mends[1].bytes.size() % 188 == 0 && !found.mends[1].bytes.empty());
  fail_unless(dist::mend_ts_head("").mends.empty());
}
GST_END_TEST

GST_START_TEST(test_ts_head_of_broken_files) {
  const std::string whole = ts_film();
  for (std::size_t size = 0; size < whole.size(); ++size)
    dist::mend_ts_head(whole.substr(0, size));
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (int value : {0, 1, 0x3f, 0x7f, 0x80, 0xff}) {
      std::string broken = whole;
      broken[i] = static_cast<char>(value);
      for (const auto& mend : dist::mend_ts_head(broken).mends)
        fail_unless(mend.at + mend.replaced <= whole.size() && mend.bytes.size() < 8 << 20);
    }
}
GST_END_TEST

GST_START_TEST(test_cues_are_separate) {
  using Cues = std::vector<dist::Cue>;
  const struct {
    Cues cues;
    std::string separate;
  } rows[] = {
      {{}, ""},
      {{{0, 2, "a"}, {2, 3, "b"}}, "0-2 a;2-3 b;"},
      {{{0, 9, "a"}, {2, 3, "b"}}, "0-2 a;2-3 a+b;3-9 a;"},
      {{{0, 5, "a"}, {2, 8, "b"}, {4, 6, "c"}}, "0-2 a;2-4 a+b;4-5 a+b+c;5-6 b+c;6-8 b;"},
      {{{1, 4, "a"}, {1, 4, "b"}}, "1-4 a+b;"},
      {{{3, 4, "a"}, {1, 5, "b"}}, "3-4 a+b;4-5 b;"},
      {{{2, 2, "a"}, {4, 3, "b"}, {5, 6, "c"}}, "5-6 c;"},
  };
  for (const auto& row : rows) {
    dist::SeparateCues cues;
    std::string seen;
    const auto see = [&](const Cues& some) {
      for (const auto& cue : some) {
        std::string text = cue.text;
        std::ranges::replace(text, '\n', '+');
        seen += std::to_string(cue.start) + "-" + std::to_string(cue.end) + " " + text + ";";
      }
    };
    for (const auto& cue : row.cues)
      see(cues.add(cue));
    see(cues.finish());
    fail_unless(seen == row.separate, "%s, not %s", seen.c_str(), row.separate.c_str());
  }
}
GST_END_TEST

static Suite* details_suite() {
  Suite* const suite = suite_create("details");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_rotation_changes_the_matrix_of_the_video);
  tcase_add_test(tests, test_rotation_keeps_the_picture_in_view);
  tcase_add_test(tests, test_rotation_of_broken_files);
  tcase_add_test(tests, test_markup_is_removed);
  tcase_add_test(tests, test_mended_file);
  tcase_add_test(tests, test_mended_file_that_cannot_be_read_to_its_end);
  tcase_add_test(tests, test_cues_are_separate);
  tcase_add_test(tests, test_ts_head);
  tcase_add_test(tests, test_ts_head_of_broken_files);
  return suite;
}

GST_CHECK_MAIN(details)
