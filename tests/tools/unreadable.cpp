// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films whose video nobody here reads: they are told by name, and at once.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <cstdint>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "gst/film/unsupported_video.h"

namespace {

using namespace tool;

// All of them.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at))
    text.replace(at, from.size(), to);
  return text;
}

std::uint32_t checksum(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= std::uint32_t{static_cast<std::uint8_t>(byte)} << 24;
    for (int i = 0; i < 8; ++i)
      crc = crc << 1 ^ ((crc & 0x80000000) != 0 ? 0x04c11db7 : 0);
  }
  return crc;
}

// The packets that ffmpeg gives these PIDs.
void for_packets(std::string& stream, unsigned pid, const std::function<void(std::size_t)>& visit) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(stream[i]); };
  for (std::size_t i = 0; i + 188 <= stream.size(); i += 188)
    if (((at(i + 1) & 0x1fu) << 8 | at(i + 2)) == pid)
      visit(i);
}

std::string scrambled(std::string stream) {
  for_packets(stream, 0x100, [&](std::size_t packet) { stream[packet + 3] |= '\x80'; });
  return stream;
}

// With another stream_type in place of H.264's.
std::string retyped(std::string stream, char type) {
  for_packets(stream, 0x1000, [&](std::size_t packet) {
    const std::size_t begin = packet + 5;
    const auto size = static_cast<std::size_t>(static_cast<std::uint8_t>(stream[begin + 2])) + 3;
    const std::size_t entry = stream.find("\x1b\xe1", begin);
    ck_assert(entry != std::string::npos && entry < begin + size);
    stream[entry] = type;
    const std::uint32_t crc = checksum(stream.substr(begin, size - 4));
    for (std::size_t i = 0; i < 4; ++i)
      stream[begin + size - 4 + i] = static_cast<char>(crc >> (24 - 8 * i) & 0xff);
  });
  return stream;
}

std::string source_of(const Folder& folder) {
  const std::string film = folder / "film.mp4";
  ffmpeg(
      "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 -c:v "
      "libx264 -pix_fmt yuv420p -c:a aac " +
      film);
  return film;
}

void expect_named(const std::string& film, const std::string& bytes, const std::string& text) {
  std::ofstream(film, std::ios::binary) << bytes;
  for (const std::string& line :
       {"transcode " + film + " --yes -o " + film + ".mp4", "inspect " + film}) {
    const Ran ran = run(command() + line);
    ck_assert_msg(ran.code == 3 && ran.output.find(": its video is " + text) != std::string::npos,
                  "%s: exit code %d: %s", line.c_str(), ran.code, ran.output.c_str());
    ck_assert_msg(ran.output.find("half a minute") == std::string::npos, "%s", ran.output.c_str());
  }
}

}  // namespace

GST_START_TEST(test_unreadable_video_in_mp4) {
  const Folder folder;
  const std::string film = bytes_of(source_of(folder));
  expect_named(folder / "a.mp4", replaced(replaced(film, "avc1", "vvc1"), "avcC", "vvcC"),
               "VVC (H.266), which nothing here decodes");
  expect_named(folder / "b.mp4", replaced(replaced(film, "avc1", "dav1"), "avcC", "av1C"),
               "AV1 with Dolby Vision (dav1)");
  expect_named(folder / "c.mp4", replaced(film, "avc1", "abcd"), "of an unknown kind ('abcd')");
}
GST_END_TEST

GST_START_TEST(test_unreadable_video_in_matroska) {
  const Folder folder;
  ffmpeg("-i " + source_of(folder) + " -c copy " + (folder / "film.mkv"));
  expect_named(folder / "a.mkv",
               replaced(bytes_of(folder / "film.mkv"), "V_MPEG4/ISO/AVC", "V_MPEGI/ISO/VVC"),
               "VVC (H.266), which nothing here decodes");
}
GST_END_TEST

// Its demuxer gives no pad for them.
GST_START_TEST(test_unreadable_video_in_a_transport_stream) {
  const Folder folder;
  ffmpeg("-i " + source_of(folder) + " -c copy " + (folder / "film.ts"));
  const std::string film = bytes_of(folder / "film.ts");
  expect_named(folder / "a.ts", retyped(film, '\x33'), "VVC (H.266), which nothing here decodes");
  expect_named(folder / "b.ts", scrambled(film), "encrypted");
}
GST_END_TEST

GST_START_TEST(test_unreadable_encrypted_video) {
  const Folder folder;
  ffmpeg(
      "-i " + source_of(folder) +
      " -c copy -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb "
      "-encryption_kid a7e61c373e219033c21091fa607bf3b8 " +
      (folder / "encrypted.mp4"));
  expect_named(folder / "a.mp4", bytes_of(folder / "encrypted.mp4"), "encrypted");
}
GST_END_TEST

// Whatever the bytes are.
GST_START_TEST(test_unreadable_transport_stream_of_noise) {
  constexpr unsigned kSeed = 1;
  std::mt19937 random(kSeed);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::uint8_t> bytes(188 * 4);
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>(random());
    for (std::size_t packet = 0; packet < bytes.size(); packet += 188) {
      bytes[packet] = 0x47;
      // Mostly a table.
      bytes[packet + 1] = 0x40;
      bytes[packet + 2] = packet == 0 ? 0 : static_cast<std::uint8_t>(random() % 2);
      bytes[packet + 3] = static_cast<std::uint8_t>(random() | 0x10);
      bytes[packet + 4] = static_cast<std::uint8_t>(random() % 3);
    }
    bytes.resize(random() % bytes.size());
    static_cast<void>(dist::flaw_of_transport_stream(bytes));
  }
}
GST_END_TEST

static Suite* unreadable_suite() {
  Suite* const suite = suite_create("unreadable");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_unreadable_video_in_mp4);
  tcase_add_test(tests, test_unreadable_video_in_matroska);
  tcase_add_test(tests, test_unreadable_video_in_a_transport_stream);
  tcase_add_test(tests, test_unreadable_encrypted_video);
  tcase_add_test(tests, test_unreadable_transport_stream_of_noise);
  return suite;
}

GST_CHECK_MAIN(unreadable)
