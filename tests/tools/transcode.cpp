// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-dist-1.0 transcode, as somebody uses it who does not write pipelines.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

using namespace tool;

constexpr double kMaxOffset = 0.005;  // Seconds between sound and picture.

// Of the first stream of a kind, "v" or "a"; not a number where it is unknown.
double probe(const std::string& file, const std::string& stream, const std::string& field) {
  const std::string text = output_of("ffprobe -v error -select_streams " + stream +
                                     ":0 -show_entries " + field + " -of csv=p=0 '" + file + "'");
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end == text.c_str() ? std::nan("") : value;
}

bool has_sound(const std::string& file) {
  return output_of("ffprobe -v error -show_entries stream=codec_type -of csv=p=0 '" + file + "'")
             .find("audio") != std::string::npos;
}

// Its packets' times, of the last one with its duration.
double end_of_sound(const std::string& file) {
  const std::string text = output_of(
      "ffprobe -v error -select_streams a:0 -show_entries packet=pts_time,duration_time "
      "-of csv=p=0 '" +
      file + "'");
  double end = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    char* comma = nullptr;
    const double time = std::strtod(text.c_str() + at, &comma);
    if (*comma == ',')
      end = std::max(end, time + std::strtod(comma + 1, nullptr));
    if (text.find('\n', at) == std::string::npos)
      break;
  }
  return end;
}

std::size_t silences(const std::string& file) {
  const std::string text = output_of("ffmpeg -nostdin -v info -i '" + file +
                                     "' -vn -af silencedetect=noise=-60dB:d=0.05 -f null -");
  std::size_t count = 0;
  for (auto at = text.find("silence_start"); at != std::string::npos;
       at = text.find("silence_start", at + 1))
    ++count;
  return count;
}

std::size_t frames_of(const std::string& file) {
  return film::record("filesrc location=" + file +
                      " ! decodebin ! video/x-raw(ANY) ! appsink name=out")
      .items.size();
}

std::string worker(unsigned port) {
  return command() + "worker --slots 1 --connect 127.0.0.1:" + std::to_string(port);
}

// What each rung has in common with its film.
struct Facts {
  std::size_t frames = 0;
  double offset = 0;  // Seconds from the picture to the sound.
  double length = 0;  // Of the sound.
  std::size_t silences = 0;
};

Facts facts_of(const std::string& file) {
  const double sound = probe(file, "a", "stream=start_time");
  return {.frames = frames_of(file),
          .offset = sound - probe(file, "v", "stream=start_time"),
          .length = end_of_sound(file) - sound,
          .silences = silences(file)};
}

// All rungs have each frame of the film, and its sound as it was.
void assert_like_source(const Facts& source, const std::string& file) {
  const Facts made = facts_of(file);
  ck_assert_msg(made.frames == source.frames, "%s: %zu frames, not %zu", file.c_str(), made.frames,
                source.frames);
  const std::string warnings = output_of("ffprobe -v warning '" + file + "'");
  ck_assert_msg(warnings.empty(), "%s: %s", file.c_str(), warnings.c_str());
  ck_assert_msg(std::abs(made.offset - source.offset) <= kMaxOffset,
                "%s: sound is %.4f s after the picture, not %.4f s", file.c_str(), made.offset,
                source.offset);
  ck_assert_msg(std::abs(made.length - source.length) <= 0.03, "%s: %.3f s of sound, not %.3f s",
                file.c_str(), made.length, source.length);
  ck_assert_msg(made.silences <= source.silences, "%s: gaps in the sound", file.c_str());
}

}  // namespace

GST_START_TEST(test_transcode_to_a_ladder) {
  const Folder sources;
  ffmpeg(
      "-f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -f lavfi "
      "-i sine=duration=6 -c:v libx264 -pix_fmt yuv420p -g 50 -c:a aac " +
      (sources / "made.mp4"));
  std::vector<std::string> clips = film::clips();
  std::erase_if(clips, [](const std::string& clip) { return !has_sound(clip); });
  clips.push_back(sources / "made.mp4");
  for (const std::string& clip : clips) {
    const Folder folder;
    const unsigned port = farm::free_port();
    farm::Process first(worker(port));
    farm::Process second(worker(port));
    output_of(command() + "transcode " + clip + " -o " + (folder / "out") +
              " -r a:h264:640x360:speed=fast -r b:h264:320x180:speed=fast "
              "-r c:h264:160x90:speed=fast --local-workers 1 --listen 127.0.0.1:" +
              std::to_string(port));
    const Facts source = facts_of(clip);
    for (const char* rung : {"out/a.mp4", "out/b.mp4", "out/c.mp4"})
      assert_like_source(source, folder / rung);
    ck_assert_uint_eq(folder.size(), 4);
    // They stay for another job.
    for (farm::Process* process : {&first, &second}) {
      process->signal(SIGTERM);
      ck_assert_int_eq(process->exit_code(), 0);
    }
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_to_a_lossless_copy) {
  const Folder folder;
  ffmpeg(
      "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 "
      "-c:v libx264 -pix_fmt yuv420p -g 25 " +
      (folder / "in.mp4"));
  output_of(command() + "transcode " + (folder / "in.mp4") + " -o " + (folder / "out.mkv") +
            " --ladder mezzanine");
  ck_assert_uint_eq(frames_of(folder / "out.mkv"), frames_of(folder / "in.mp4"));
}
GST_END_TEST

static Suite* transcode_suite() {
  Suite* const suite = suite_create("transcode");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 900);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_to_a_ladder);
  tcase_add_test(tests, test_transcode_to_a_lossless_copy);
  return suite;
}

GST_CHECK_MAIN(transcode)
