// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The programs in examples/, as processes.

// Before gstcheck.h, which has a macro "fail".
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/examples/command.h"

namespace {

using command::assert_refused;
using command::lines_of;
using command::output_of;
using tool::Folder;

std::string example(const char* name) {
  return std::string(g_getenv("DIST_BUILD_ROOT")) + "/examples/" + name + " ";
}

// Lines such as " 24 % …segment 3 by local/1": shares grow up to 100, each segment comes once.
void assert_progress(const std::string& output, std::size_t segments) {
  std::set<unsigned> seen;
  unsigned share = 0;
  for (const std::string& line : lines_of(output)) {
    unsigned now = 0;
    unsigned segment = 0;
    const std::size_t at = line.find("segment ");
    if (at == std::string::npos || std::sscanf(line.c_str(), "%u %%", &now) != 1 ||
        std::sscanf(line.c_str() + at, "segment %u by ", &segment) != 1)
      continue;
    ck_assert_msg(now > share, "%s", output.c_str());
    ck_assert_msg(seen.insert(segment).second, "%s", output.c_str());
    share = now;
  }
  // A film may be a little shorter than its container says.
  ck_assert_msg(share >= 99, "%s", output.c_str());
  ck_assert_uint_eq(seen.size(), segments);
}

std::size_t segments_of(const std::string& path) {
  return film::record("filesrc location=" + path + " ! parsebin ! distsegmenter ! appsink name=out")
      .items.size();
}

// The numbers that frames.cpp draws, of all frames that ffmpeg decodes.
std::vector<unsigned> numbers_in(const std::string& stream, const std::string& raw) {
  output_of("ffmpeg -v error -y -f h264 -i " + stream +
            " -vsync passthrough -pix_fmt gray -f rawvideo " + raw);
  constexpr std::size_t kWidth = 320;
  constexpr std::size_t kSize = kWidth * 180;
  std::ifstream file(raw, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<unsigned> numbers;
  for (std::size_t frame = 0; frame + kSize <= bytes.size(); frame += kSize) {
    unsigned number = 0;
    for (unsigned bar = 0; bar < 16; ++bar)
      if (static_cast<unsigned char>(bytes[frame + kSize / 2 + bar * 20 + 10]) > 128)
        number |= 1u << bar;
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

GST_START_TEST(test_transcode_tells_progress) {
  const Folder folder;
  const std::string film = command::film_like("h264-480p-3-keyframes");
  const std::string out = folder / "with a space.mp4";
  assert_progress(output_of(example("transcode") + film + " '" + out + "'"), segments_of(film));
  std::filesystem::rename(out, folder / "out.mp4");
  ck_assert_uint_eq(command::frames_in(folder / "out.mp4"), command::frames_in(film));
}
GST_END_TEST

// Each once, in order, at its time, and no piece needs another one.
GST_START_TEST(test_frames_come_back_in_pieces) {
  constexpr unsigned kFrames = 130;
  const Folder folder;
  const std::string output =
      output_of(example("frames") + std::to_string(kFrames) + " " + (folder / ""));
  unsigned next = 0;
  for (const std::string& line : lines_of(output)) {
    unsigned piece = 0;
    unsigned frames = 0;
    unsigned start = 0;
    ck_assert_msg(
        std::sscanf(line.c_str(), "%u.h264: %u frames from %u ms", &piece, &frames, &start) == 3,
        "%s", line.c_str());
    ck_assert_uint_eq(piece, next / 25);
    ck_assert_uint_eq(start, next * 40);
    const auto numbers = numbers_in(folder / line.substr(0, line.find(':')), folder / "raw");
    ck_assert_uint_eq(numbers.size(), frames);
    for (const unsigned number : numbers)
      ck_assert_uint_eq(number, next++);
  }
  ck_assert_uint_eq(next, kFrames);
}
GST_END_TEST

static std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return count;
}

// Two at the same time by one set of workers; the one that is cancelled leaves nothing behind.
GST_START_TEST(test_two_jobs_share_a_farm) {
  const Folder folder;
  const std::string film = command::film_like("h264-720p20-cockatoo");
  const std::string other = folder / "other-film.mkv";
  output_of("gst-launch-1.0 -q filesrc location=" + film +
            " ! parsebin ! h264parse ! matroskamux ! filesink location=" + other);
  const std::string output =
      output_of(example("two_jobs") + film + " " + other + " " + (folder / "out"));
  std::printf("%s", output.c_str());
  const std::string out = folder / "out/film.mp4";
  const std::size_t wrote = output.find(film + ": wrote " + out);
  const std::size_t first = output.find(other + ": segment ");
  ck_assert_msg(wrote != std::string::npos && first < wrote, "%s", output.c_str());
  ck_assert_uint_eq(count_of(output, film + ": segment "), segments_of(film));
  ck_assert_msg(output.find(other + ": cancelled") < wrote, "%s", output.c_str());
  ck_assert_uint_lt(count_of(output, other + ": segment "), segments_of(film));
  ck_assert_uint_eq(command::frames_in(out), command::frames_in(film));
  ck_assert(!std::filesystem::exists(folder / "out/other.mp4"));
}
GST_END_TEST

// A job that comes later finds the workers still there.
GST_START_TEST(test_later_job_finds_the_workers) {
  const Folder folder;
  const std::string film = command::film_like("h264-720p20-cockatoo");
  const std::string port = std::to_string(farm::free_port());
  farm::Process worker(std::string(g_getenv("DIST_BUILD_ROOT")) +
                       "/tools/gst-dist-1.0 worker --connect 127.0.0.1:" + port);
  const std::string line = example("later_job") + port + " " + (folder / "out") + " ";
  const std::string output = output_of(line + film + " " + film + " " + film);
  std::printf("%s", output.c_str());
  const std::string slots = std::to_string(g_get_num_processors());
  const std::size_t wait = output.find(slots + " workers wait for the next job");
  ck_assert_msg(wait != std::string::npos, "%s", output.c_str());
  ck_assert_msg(output.find(" joined\n", wait) == std::string::npos, "%s", output.c_str());
  ck_assert_uint_eq(count_of(output, " left\n"), 0);
  for (const char* name : {"out/0.mp4", "out/1.mp4", "out/2.mp4"}) {
    ck_assert_msg(output.find((folder / name) + ": done") != std::string::npos, "%s",
                  output.c_str());
    ck_assert_uint_eq(command::frames_in(folder / name), command::frames_in(film));
  }
}
GST_END_TEST

// SIGTERM in the middle of a job: the daemon finishes what it has begun, its primary counts nothing
// as failed, and another one does the rest.
GST_START_TEST(test_worker_daemon_ends_in_good_order) {
  const std::string port = std::to_string(farm::free_port());
  const std::string line = example("worker_daemon") + "127.0.0.1 " + port;
  // More than it takes at a time.
  const unsigned segments = 4 * g_get_num_processors() + 4;
  farm::Job job;
  job.source = "videotestsrc pattern=snow num-buffers=" + std::to_string(10 * segments) +
               " ! video/x-raw,framerate=10/1,width=640,height=360";
  job.remote = "renditions=v:h264:speed=fast local-workers=0 port=" + port;
  farm::Process first(line);
  std::optional<farm::Process> second;
  const film::Recording seen =
      film::record(farm::primary_new(job), 120, [&](const std::string& message) {
        if (message.rfind("dist-segment-done", 0) != 0 || second)
          return;
        first.signal(SIGTERM);
        second.emplace(line);
      });
  ck_assert_msg(seen.error.empty(), "%s", seen.error.c_str());
  ck_assert_uint_eq(seen.items.size(), 10 * segments);
  ck_assert_int_eq(first.exit_code(), 0);
  for (const char* text : {": connected", "ending: finishes what it has begun"})
    ck_assert_msg(first.output().find(text) != std::string::npos, "%s", first.output().c_str());
  const auto failed = farm::named(seen.messages, "dist-lease-failed");
  ck_assert_msg(failed.empty(), "%s", failed.empty() ? "" : failed[0].c_str());
  const auto left = farm::named(seen.messages, "dist-worker-left");
  ck_assert_uint_ge(left.size(), g_get_num_processors());
  // It serves the next job, too, until somebody ends it.
  tool::wait_for(*second, "disconnected, the job is done");
  second->signal(SIGTERM);
  ck_assert_int_eq(second->exit_code(), 0);
}
GST_END_TEST

GST_START_TEST(test_programs_say_what_is_wrong) {
  const Folder folder;
  const std::string film = film::clips("h264-closed.mp4").front();
  assert_refused(example("transcode"), 2, "usage: ");
  assert_refused(example("transcode") + "/none/here " + (folder / "out.mp4"), 1,
                 "No such file \"/none/here\"");
  assert_refused(example("frames") + "many " + (folder / ""), 2, "usage: ");
  assert_refused(example("frames") + "200 /none/here", 1,
                 "frames: Cannot write /none/here/00000.h264.");
  assert_refused(example("worker_daemon") + "farm 0", 2, "usage: ");
  assert_refused(
      "env GST_DIST_SECRET=x GST_PLUGIN_PATH_1_0=/none " + example("worker_daemon") + "farm", 1,
      "no element remoteencworker");
  ck_assert_uint_eq(folder.size(), 0);
}
GST_END_TEST

// The interpreter is not instrumented and cannot load a plugin that is.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {
// Debian's Python, which is the one that python3-gi is for.
bool has_gi() {
  if (command::run("/usr/bin/python3 -c 'import gi; gi.require_version(\"Gst\", \"1.0\")'").code ==
      0)
    return true;
  g_printerr("there is no python3-gi or gir1.2-gstreamer-1.0; not tested\n");
  return false;
}
}  // namespace

GST_START_TEST(test_python_makes_a_ladder) {
  if (!has_gi())
    return;
  const Folder folder;
  const std::string film = command::film_like("h264-720p20-cockatoo");
  assert_progress(output_of("examples/ladder.py " + film + " " + (folder / "") +
                            " large:h264:320x180:speed=fast small:h264:160x90:speed=fast"),
                  segments_of(film));
  for (const char* name : {"large.mp4", "small.mp4"})
    ck_assert_uint_eq(command::frames_in(folder / name), command::frames_in(film));
  ck_assert_uint_eq(folder.size(), 2);
}
GST_END_TEST

GST_START_TEST(test_python_leaves_no_half_files) {
  if (!has_gi())
    return;
  const Folder folder;
  const std::string film = command::film_like("h264-720p20-cockatoo");
  farm::Process ladder("examples/ladder.py " + film + " " + (folder / "") + " a:h264:640x360");
  ck_assert(tool::wait_for(ladder, "segment "));
  ck_assert_uint_eq(folder.size(), 1);
  ladder.signal(SIGINT);
  ck_assert_int_eq(ladder.exit_code(), 130);
  ck_assert_uint_eq(folder.size(), 0);
  assert_refused("examples/ladder.py " + film, 2, "usage: ");
  assert_refused(
      "examples/ladder.py " + film + " " + (folder / "") + " 'a ! fakesink  j.src_b:h264'", 2,
      "a name has letters, digits");
  assert_refused("examples/ladder.py /none/here " + (folder / ""), 1, "No such file");
  assert_refused("examples/ladder.py " + film + " " + (folder / "") + " a:h999", 1,
                 "codec 'h999': unknown");
  ck_assert_uint_eq(folder.size(), 0);
}
GST_END_TEST
#endif

static Suite* programs_suite() {
  Suite* suite = suite_create("programs");
  TCase* tests = tcase_create("programs");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_transcode_tells_progress);
  tcase_add_test(tests, test_frames_come_back_in_pieces);
  tcase_add_test(tests, test_two_jobs_share_a_farm);
  tcase_add_test(tests, test_later_job_finds_the_workers);
  tcase_add_test(tests, test_worker_daemon_ends_in_good_order);
  tcase_add_test(tests, test_programs_say_what_is_wrong);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  tcase_add_test(tests, test_python_makes_a_ladder);
  tcase_add_test(tests, test_python_leaves_no_half_files);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(programs)
