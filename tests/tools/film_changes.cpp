// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Recordings that were put together, of which demuxers show only the first one, are refused; those
// that they show whole are not.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/made_film.h"

#include <cstdint>
#include <map>
#include <string>

#include <gst/check/gstcheck.h>

#include "gst/film/ts_scan.h"

namespace {

using namespace tool;
using dist::CodecScan;

constexpr std::size_t kPacket = dist::kTsPacket;

bool says(const Ran& ran, const std::string& text) {
  return ran.output.find(text) != std::string::npos;
}

std::string recording(const Folder& folder, const std::string& options, bool sound = true,
                      const std::string& extension = ".ts") {
  const std::string path = folder / ("recording" + extension);
  ffmpeg("-f lavfi -i testsrc2=size=128x96:rate=25:duration=4 " +
         std::string(sound ? "-f lavfi -i sine=sample_rate=48000:duration=4 " : "") +
         "-pix_fmt yuv420p -g 12 " + options + " " + path);
  return bytes_of(path);
}

// With counters that run on where recordings were put together: demuxers then take a map of the
// same version for the one of before.
std::string seamless(std::string stream) {
  std::map<unsigned, unsigned> counters;
  for (std::size_t at = 0; at + kPacket <= stream.size(); at += kPacket) {
    const unsigned pid = (dist::byte(stream, at + 1) & 0x1fu) << 8 | dist::byte(stream, at + 2);
    if ((stream[at + 3] & 0x10) != 0)
      stream[at + 3] =
          static_cast<char>((stream[at + 3] & 0xf0) | static_cast<char>(counters[pid]++ % 16));
  }
  return stream;
}

void expect_refused(const Folder& folder, const std::string& film, const std::string& bytes,
                    const std::string& text) {
  write_file(folder / film, bytes);
  const std::string result = folder / (film + ".mkv");
  const Ran made = run(command() + "transcode " + (folder / film) + " -o " + result +
                       " -r a:vp8:64x48:speed=fast");
  ck_assert_msg(made.code == 3 && says(made, text) && says(made, "encode the parts one by one"),
                "%s: exit code %d: %s", film.c_str(), made.code, made.output.c_str());
  ck_assert_msg(!fs::exists(result), "%s: half of it was written", film.c_str());
  const Ran inspected = run(command() + "inspect --json " + (folder / film));
  ck_assert_msg(inspected.code == 3 && says(inspected, text), "%s: exit code %d: %s", film.c_str(),
                inspected.code, inspected.output.c_str());
}

// What is said of it.
std::string frames_of(const Folder& folder, const std::string& film, const std::string& bytes,
                      const std::string& frames) {
  write_file(folder / film, bytes);
  const std::string result = folder / (film + ".mkv");
  const std::string said = transcoded(folder / film, result, "-r a:vp8:64x48:speed=fast");
  const std::string fields = output_of(
      "ffprobe -v error -count_packets -select_streams v:0 "
      "-show_entries stream=nb_read_packets -of csv=p=0 " +
      result);
  ck_assert_msg(fields == frames + "\n", "%s: %s frames", film.c_str(), fields.c_str());
  return said;
}

constexpr char kH264[] = "-c:v libx264 -bf 0 -c:a aac";
constexpr char kHevc[] = "-c:v libx265 -x265-params log-level=none -c:a aac";

// What is found in the bytes, read in pieces of that size.
std::string changes_in(const std::string& bytes, std::size_t packet, std::size_t piece) {
  CodecScan scan(packet);
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    scan.take(std::string_view(bytes).substr(at, piece));
  std::string found;
  for (const auto& change : scan.changes())
    found += std::to_string(change.pid) + " " + dist::change_text(change) + ";";
  return found;
}

}  // namespace

GST_START_TEST(test_film_changes_of_codec_are_refused) {
  const Folder folder;
  const std::string h264 = recording(folder, kH264);
  const std::string hevc = recording(folder, kHevc);
  const std::string text = "its video changes from H.264 to H.265 at 0:04";
  expect_refused(folder, "sound.ts", h264 + hevc, text);
  expect_refused(folder, "seamless.ts", seamless(h264 + hevc), text);
  const std::string silent =
      recording(folder, "-c:v libx264 -bf 0", false) + recording(folder, "-c:v mpeg2video", false);
  expect_refused(folder, "silent.ts", silent, "its video changes from H.264 to MPEG-2 at 0:04");
}
GST_END_TEST

GST_START_TEST(test_film_changes_of_streams_are_refused) {
  const Folder folder;
  const std::string film = recording(folder, kH264);
  expect_refused(folder, "pids.ts",
                 film + recording(folder, std::string(kH264) + " -mpegts_start_pid 0x200"),
                 "it changes to other streams at 0:0");
  expect_refused(folder, "program.ts",
                 film + recording(folder, std::string(kH264) + " -mpegts_service_id 7"),
                 "it changes to other streams at 0:0");
  expect_refused(folder, "serials.ogv",
                 recording(folder, "-c:v libtheora", false, ".ogv") +
                     recording(folder, "-c:v libtheora -serial_offset 99", false, ".ogv"),
                 "it changes to other streams at 0:04");
}
GST_END_TEST

// Nothing of the video is lost there.
GST_START_TEST(test_film_changes_that_do_no_harm) {
  const Folder folder;
  const std::string h264 = recording(folder, kH264);
  const std::string silent = recording(folder, "-c:v libx264 -bf 0", false);
  for (const auto& [name, second] :
       {std::pair("again.ts", h264), std::pair("sound-ends.ts", silent),
        std::pair("language.ts",
                  recording(folder, std::string(kH264) + " -metadata:s:a:0 language=deu"))}) {
    const std::string said = frames_of(folder, name, h264 + second, "200");
    ck_assert_msg(said.find("changes") == std::string::npos, "%s: %s", name, said.c_str());
  }
  const std::string mpeg =
      recording(folder, "-c:v mpeg1video -c:a mp2") + recording(folder, "-c:v mpeg2video -c:a mp2");
  frames_of(folder, "mpeg.ts", mpeg, "200");
  const std::string said = frames_of(
      folder, "sounds.ts", h264 + recording(folder, "-c:v libx264 -bf 0 -c:a ac3"), "200");
  ck_assert_msg(said.find("changes from AAC to AC-3 at 0:0") != std::string::npos, "%s",
                said.c_str());
}
GST_END_TEST

GST_START_TEST(test_sound_that_begins_late_is_named) {
  const Folder folder;
  const std::string silent = recording(folder, "-c:v libx264 -bf 0", false);
  const std::string said =
      frames_of(folder, "late.ts", silent + recording(folder, std::string(kH264)), "200");
  ck_assert_msg(said.find("the sound (AAC) that begins at 0:0") != std::string::npos, "%s",
                said.c_str());
}
GST_END_TEST

GST_START_TEST(test_codec_scan_in_whatever_pieces) {
  const Folder folder;
  const std::string h264 = recording(folder, kH264);
  const std::string mpeg = recording(folder, "-c:v mpeg2video -c:a mp2");
  const std::string expected =
      "256 changes from H.264 to MPEG-2 at 0:04;257 changes from AAC to MPEG audio at 0:05;";
  const struct {
    std::string bytes;
    std::string found;
  } rows[] = {{h264 + mpeg, expected},
              {h264 + mpeg + h264, expected},
              {h264 + h264, ""},
              // The last packet of the first one is not whole.
              {h264.substr(0, h264.size() - 100) + mpeg, expected}};
  for (const auto& row : rows)
    for (const std::size_t piece : {std::size_t{7}, kPacket, std::size_t{100000}}) {
      const std::string found = changes_in(row.bytes, kPacket, piece);
      ck_assert_msg(found == row.found, "in pieces of %zu: '%s'", piece, found.c_str());
    }
  const std::string other = " -f mpegts -mpegts_m2ts_mode 1";
  const std::string found =
      changes_in(recording(folder, kH264 + other, true, ".m2ts") +
                     recording(folder, "-c:v mpeg2video -c:a mp2" + other, true, ".m2ts"),
                 kPacket + 4, 1000);
  ck_assert_msg(found.find("changes from H.264 to MPEG-2 at 0:04") != std::string::npos, "'%s'",
                found.c_str());
}
GST_END_TEST

// A map whose checksum is wrong counts for nothing, and no bytes do harm.
GST_START_TEST(test_codec_scan_of_broken_bytes) {
  const Folder folder;
  const std::string h264 = recording(folder, kH264);
  std::string mpeg = recording(folder, "-c:v mpeg2video -c:a mp2");
  for (std::size_t at = 0; at + kPacket <= mpeg.size(); at += kPacket)
    if ((mpeg[at + 1] & 0x1f) == 0x10 && mpeg[at + 2] == 0)
      mpeg[at + 16] ^= 1;
  const std::string found = changes_in(h264 + mpeg, kPacket, 4096);
  ck_assert_msg(found.empty(), "'%s'", found.c_str());
  const std::string head = h264.substr(0, 6 * kPacket);
  for (std::size_t i = 0; i < head.size(); ++i)
    for (const char value : {'\0', '\x01', '\x47', '\x7f', '\xff'}) {
      std::string broken = head;
      broken[i] = value;
      changes_in(broken, kPacket, broken.size());
    }
}
GST_END_TEST

static Suite* film_changes_suite() {
  Suite* suite = suite_create("film_changes");
  TCase* tests = tcase_create("film_changes");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_film_changes_of_codec_are_refused);
  tcase_add_test(tests, test_film_changes_of_streams_are_refused);
  tcase_add_test(tests, test_film_changes_that_do_no_harm);
  tcase_add_test(tests, test_sound_that_begins_late_is_named);
  tcase_add_test(tests, test_codec_scan_in_whatever_pieces);
  tcase_add_test(tests, test_codec_scan_of_broken_bytes);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(film_changes)
