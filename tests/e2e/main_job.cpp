// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The main job as a user types it, with the scripts in pipelines/, and what the bus tells of it.

// Before gstcheck.h, which has a macro "fail".
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

constexpr char kFast[] =
    "decodebin ! videoconvert ! x264enc threads=1 speed-preset=veryfast ! h264parse ! "
    "remoteencsink";

std::string temporary(const std::string& name) {
  return (std::filesystem::path(g_getenv("DIST_BUILD_ROOT")) / "tests" /
          (std::to_string(getpid()) + "-" + name))
      .string();
}

// The element messages in the output of `gst-launch-1.0 -m`.
std::vector<std::string> messages_in(const std::string& output) {
  std::vector<std::string> messages;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    if (const std::size_t at = line.find("(element): "); at != std::string::npos)
      messages.push_back(line.substr(at + 11));
  return messages;
}

guint64 sum(const std::vector<std::string>& messages, const char* name) {
  guint64 total = 0;
  for (const std::string& message : messages)
    total += farm::field(message, name);
  return total;
}

std::size_t frames_in(const std::string& path) {
  const std::string probed = farm::output_of(
      "ffprobe -v warning -count_frames -select_streams v -show_entries "
      "stream=nb_read_frames -of csv=p=0 " +
      path);
  return std::strtoul(probed.c_str(), nullptr, 10);
}

// The file plays without a complaint and has so many frames and this duration.
void assert_plays(const std::string& path, std::size_t frames, double seconds) {
  ck_assert_uint_eq(frames_in(path), frames);
  const std::string decoded = farm::output_of("ffmpeg -v warning -i " + path + " -f null -");
  ck_assert_msg(decoded.empty(), "%s: %s", path.c_str(), decoded.c_str());
  const double duration = std::strtod(
      farm::output_of("ffprobe -v warning -show_entries format=duration -of csv=p=0 " + path)
          .c_str(),
      nullptr);
  ck_assert_msg(std::fabs(duration - seconds) < 0.05, "%s: %f s instead of %f s", path.c_str(),
                duration, seconds);
}

double duration_of_video(const film::Recording& plain) {
  const film::Item& last = plain.items.back();
  const guint64 shown = last.running_time - plain.items.front().running_time;
  const guint64 frame = GST_CLOCK_TIME_IS_VALID(last.duration) ? last.duration : 0;
  return static_cast<double>(shown + frame) / GST_SECOND;
}

}  // namespace

// Where the framerate of a stream is unknown or wrong, x264enc and h264parse put a wrong duration
// on its last frame, and mp4mux writes an edit list that ends before it: distributed or not.
std::size_t frames_that_mp4_keeps(const std::string& path, const film::Recording& plain) {
  const std::string out = temporary("plain.mp4");
  farm::output_of(
      "gst-launch-1.0 -q filesrc location=" + path +
      " ! decodebin ! videoconvert ! x264enc speed-preset=veryfast ! h264parse ! mp4mux ! "
      "filesink location=" +
      out);
  const std::size_t frames = frames_in(out);
  std::filesystem::remove(out);
  ck_assert_uint_ge(frames + 1, plain.items.size());
  return frames;
}

GST_START_TEST(test_main_job_as_typed) {
  for (const std::string& path : film::clips("h264-")) {
    const film::Recording plain =
        film::record("filesrc location=" + path + " ! decodebin ! appsink name=out");
    const std::string port = std::to_string(farm::free_port());
    const std::string out = temporary("main-job.mp4");
    // One worker comes before the primary, one after it.
    farm::Process early(farm::worker_command(static_cast<unsigned>(std::stoul(port)), kFast));
    farm::Process primary("pipelines/primary.sh " + path + " " + out + " " + port);
    farm::Process late(farm::worker_command(static_cast<unsigned>(std::stoul(port)), kFast));
    ck_assert_msg(primary.exit_code(90) == 0, "%s: %s", path.c_str(), primary.output().c_str());
    ck_assert_msg(early.exit_code() == 0, "%s", early.output().c_str());
    // It may have come when everything was over; then it still waits for a primary.
    late.exit_code(5);

    const auto messages = messages_in(primary.output());
    const auto done = farm::named(messages, "dist-segment-done");
    const auto summary = farm::named(messages, "dist-summary");
    ck_assert_uint_eq(summary.size(), 1);
    ck_assert_uint_eq(farm::field(summary[0], "segments"), done.size());
    ck_assert_uint_eq(farm::field(summary[0], "frames"), sum(done, "frames"));
    ck_assert_uint_eq(farm::field(summary[0], "bytes"), sum(done, "bytes"));
    ck_assert_uint_eq(farm::field(summary[0], "failed-leases"),
                      farm::named(messages, "dist-lease-failed").size());
    ck_assert_uint_eq(farm::field(summary[0], "hedged-leases"),
                      farm::named(messages, "dist-lease-hedged").size());
    ck_assert_uint_eq(sum(done, "frames"), plain.items.size());
    assert_plays(out, frames_that_mp4_keeps(path, plain), duration_of_video(plain));
    std::filesystem::remove(out);
  }
}
GST_END_TEST

GST_START_TEST(test_two_renditions_from_one_worker) {
  const std::string path = film::clips("h264-closed").front();
  const film::Recording plain =
      film::record("filesrc location=" + path + " ! decodebin ! appsink name=out");
  const std::string port = std::to_string(farm::free_port());
  const std::string large = temporary("large.mp4");
  const std::string small = temporary("small.mp4");
  farm::Process worker("pipelines/worker-two-renditions.sh 127.0.0.1 " + port);
  farm::Process primary("pipelines/primary-two-renditions.sh " + path + " " + large + " " + small +
                        " " + port);
  ck_assert_msg(primary.exit_code(90) == 0, "%s", primary.output().c_str());
  ck_assert_msg(worker.exit_code() == 0, "%s", worker.output().c_str());
  for (const std::string& out : {large, small}) {
    assert_plays(out, plain.items.size(), duration_of_video(plain));
    std::filesystem::remove(out);
  }
}
GST_END_TEST

GST_START_TEST(test_scripts_run_as_the_readme_says) {
  const std::string path = film::clips("h264-closed").front();
  const std::string folder = temporary("100%seg%nments");
  farm::output_of("pipelines/identity.sh " + path);
  farm::output_of("pipelines/segments-to-files.sh " + path + " " + folder);
  ck_assert_uint_gt(std::distance(std::filesystem::directory_iterator(folder), {}), 3);
  std::filesystem::remove_all(folder);
  farm::output_of("pipelines/ladder.sh " + path + " " + folder);
  for (const char* rung : {"/720p.mp4", "/360p.mp4"})
    ck_assert_uint_eq(
        film::record("filesrc location=" + folder + rung + " ! decodebin ! appsink name=out")
            .items.size(),
        film::record("filesrc location=" + path + " ! decodebin ! appsink name=out").items.size());
  ck_assert(std::filesystem::exists(folder + "/thumb-003.jpg"));
  std::filesystem::remove_all(folder);

  const std::string port = std::to_string(farm::free_port());
  const std::string out = temporary("scripts.mp4");
  farm::Process scaled("pipelines/worker-720p.sh 127.0.0.1 " + port);
  farm::Process primary("pipelines/primary.sh " + path + " " + out + " " + port);
  ck_assert_msg(primary.exit_code(90) == 0, "%s", primary.output().c_str());
  ck_assert_int_eq(scaled.exit_code(), 0);
  farm::Process lossless("pipelines/worker-lossless.sh 127.0.0.1 " + port);
  farm::Process again("pipelines/primary.sh " + path + " " + out + " " + port);
  ck_assert_msg(again.exit_code(90) == 0, "%s", again.output().c_str());
  ck_assert_int_eq(lossless.exit_code(), 0);
  std::filesystem::remove(out);
}
GST_END_TEST

// What ./dev demo does, with a film that has sound.
GST_START_TEST(test_demo_carries_audio_past) {
  const std::string film = temporary("sound.mp4");
  const std::string out = temporary("demo.mp4");
  farm::ffmpeg(
      "-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -f lavfi -i "
      "sine=duration=4 -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -c:a aac " +
      film);
  const std::string printed = farm::output_of("pipelines/demo.sh " + film + " " + out);
  ck_assert_msg(printed.find("100 frames") != std::string::npos, "%s", printed.c_str());
  const std::string streams =
      farm::output_of("ffprobe -v error -show_entries stream=codec_name -of csv=p=0 " + out);
  ck_assert_msg(
      streams.find("aac") != std::string::npos && streams.find("h264") != std::string::npos, "%s",
      streams.c_str());
  std::filesystem::remove(film);
  std::filesystem::remove(out);
}
GST_END_TEST

// For each encoder: every segment begins with a keyframe, decode times grow strictly and never lie
// after presentation times, and the frames have the source's times.
GST_START_TEST(test_joined_streams_of_many_encoders) {
  const char* const kEncoders[] = {
      "x264enc threads=1 speed-preset=veryfast ! h264parse",
      "x264enc threads=1 tune=zerolatency",
      "x265enc speed-preset=ultrafast ! h265parse",
      "openh264enc ! h264parse",
      "vp8enc deadline=1 cpu-used=8",
      "vp9enc deadline=1 cpu-used=8",
      "theoraenc speed-level=2",
      "jpegenc",
  };
  const std::string path = film::clips("h264-closed").front();
  const std::string source = "filesrc location=" + path + " ! parsebin ";
  const film::Recording plain = film::record(source + "! decodebin ! appsink name=out");
  const film::Recording segments = film::record(source + "! distsegmenter ! appsink name=out");
  for (const char* encoder : kEncoders) {
    const std::string worker =
        "decodebin ! videoconvert ! " + std::string(encoder) + " ! remoteencsink";
    const farm::Outcome outcome = farm::run({.source = source, .workers = {worker, worker}});
    const auto& items = outcome.recording.items;
    ck_assert_msg(outcome.recording.error.empty(), "%s: %s", encoder,
                  outcome.recording.error.c_str());
    ck_assert_msg(items.size() == plain.items.size(), "%s: %zu frames", encoder, items.size());
    std::vector<guint64> times;
    for (std::size_t i = 0; i < items.size(); ++i) {
      times.push_back(items[i].running_time);
      ck_assert_msg(items[i].dts <= items[i].pts && (i == 0 || items[i - 1].dts < items[i].dts),
                    "%s: decode time of unit %zu", encoder, i);
    }
    std::sort(times.begin(), times.end());
    for (std::size_t i = 0; i < times.size(); ++i)
      ck_assert_msg(times[i] == plain.items[i].running_time, "%s: time of frame %zu", encoder, i);
    for (const film::Item& segment : segments.items) {
      const auto first = std::find_if(items.begin(), items.end(), [&](const film::Item& item) {
        return item.running_time == segment.running_time;
      });
      ck_assert_msg(first != items.end() && !(first->flags & GST_BUFFER_FLAG_DELTA_UNIT),
                    "%s: no keyframe at %" GST_TIME_FORMAT, encoder,
                    GST_TIME_ARGS(segment.running_time));
    }
  }
}
GST_END_TEST

static Suite* main_job_suite() {
  Suite* suite = suite_create("main_job");
  TCase* tests = tcase_create("main_job");
  tcase_set_timeout(tests, 900);
  tcase_add_test(tests, test_main_job_as_typed);
  tcase_add_test(tests, test_two_renditions_from_one_worker);
  tcase_add_test(tests, test_scripts_run_as_the_readme_says);
  tcase_add_test(tests, test_demo_carries_audio_past);
  tcase_add_test(tests, test_joined_streams_of_many_encoders);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(main_job)
