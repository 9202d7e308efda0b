// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sound that a stock pipeline loses or gives up on: gst-dist-1.0 transcode keeps it, or says what
// it leaves out.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/film_probe.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>

#include <gst/check/gstcheck.h>

#include "gst/film/film.h"
#include "gst/film/film_mends.h"

namespace {

using namespace tool;

// Tones of other loudness in each channel, two seconds.
constexpr char kSurround[] =
    "-f lavfi -i sine=frequency=440:duration=2 -filter_complex "
    "[1:a]pan=5.1|c0=c0|c1=0.8*c0|c2=0.6*c0|c3=0.1*c0|c4=0.4*c0|c5=0.3*c0[a] -map 0:v -map [a] ";

// How loud each channel is, in decibels.
std::vector<double> levels_of(const std::string& file, const std::string& filter = "") {
  const std::string said =
      output_of("ffmpeg -nostdin -hide_banner -i " + file + " -map a:0 -af " + filter +
                "astats=measure_overall=none:measure_perchannel=RMS_level -f null -");
  std::vector<double> levels;
  for (std::size_t at = said.find("RMS level dB: "); at != std::string::npos;
       at = said.find("RMS level dB: ", at + 1))
    levels.push_back(std::atof(said.c_str() + at + 14));
  return levels;
}

// Of the buffers of its raw sound, as the demuxer gives them.
std::vector<GstClockTime> times_of_sound(const std::string& file) {
  const auto film = dist::look_at(file);
  ck_assert_msg(static_cast<bool>(film), "%s", file.c_str());
  GstElement* const pipeline = gst_pipeline_new(nullptr);
  dist::BinBuilder build(GST_BIN(pipeline));
  const auto sound = build.add("appsink");
  GstElement* const sink = sound.get();
  const auto raw = dist::Ref<GstCaps>::adopt(gst_caps_from_string("audio/x-raw"));
  g_object_set(sink, "sync", FALSE, "caps", raw.get(), nullptr);
  build.link_later(dist::add_reader(build, *film), sound);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  std::vector<GstClockTime> times;
  GstSample* sample = nullptr;
  for (g_signal_emit_by_name(sink, "pull-sample", &sample); sample;
       g_signal_emit_by_name(sink, "pull-sample", &sample)) {
    times.push_back(GST_BUFFER_PTS(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return times;
}

// Seconds of sound that a decoder makes of it.
double length_of_sound(const Folder& folder, const std::string& file) {
  ffmpeg("-i " + file + " -map a:0 -ac 1 -ar 48000 -f s16le " + (folder / "length.raw"));
  return static_cast<double>(fs::file_size(folder / "length.raw")) / 2 / 48000;
}

}  // namespace

// The rest of the film comes out.
GST_START_TEST(test_transcode_sound_nobody_decodes) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2 " + kH264 + "-c:a aac " +
         (folder / "known.mp4"));
  std::string film = bytes_of(folder / "known.mp4");
  film.replace(film.find("mp4a"), 4, "quux");
  write_file(folder / "in.mp4", film);
  for (const char* out : {"out.mp4", "out.mkv", "out.ts"}) {
    expect_text(transcode(folder / "in.mp4", folder / out), "does not get the sound");
    const Probe seen = probe(folder / out);
    ck_assert_uint_eq(seen.streams.size(), 1);
    ck_assert_str_eq(seen.streams[0].codec.c_str(), "h264");
  }
}
GST_END_TEST

// Whatever order and places the source gives its channels.
GST_START_TEST(test_transcode_keeps_channels) {
  const struct {
    const char* codec;
    const char* film;
    const char* out;
  } rows[] = {
      {"pcm_s16le", "in.mov", "out.mp4"},         {"eac3", "in.mkv", "out.mp4"},
      {"truehd -strict -2", "in.mkv", "out.mp4"}, {"truehd -strict -2", "in.mkv", "out.mkv"},
      {"pcm_s24le", "in.mkv", "out.ts"},          {"flac", "in.mkv", "out.mp4"},
  };
  for (const auto& row : rows) {
    const Folder folder;
    ffmpeg(std::string(kPicture) + kSurround + kH264 + "-c:a " + row.codec + " " +
           (folder / row.film));
    const std::string said = transcode(folder / row.film, folder / row.out);
    ck_assert_msg(said.find("CRITICAL") == std::string::npos, "%s", said.c_str());
    const Stream sound = probe(folder / row.out).of_kind("audio").at(0);
    ck_assert_msg(sound.channels == 6 && sound.layout == "5.1", "%s to %s: %d channels, %s",
                  row.codec, row.out, static_cast<int>(sound.channels), sound.layout.c_str());
    const auto before = levels_of(folder / row.film);
    const auto after = levels_of(folder / row.out);
    ck_assert_uint_eq(before.size(), 6);
    ck_assert_uint_eq(after.size(), 6);
    // Encoders take what is above some Hz from the low-frequency channel.
    for (std::size_t i : {0, 1, 2, 4, 5})
      ck_assert_msg(std::abs(before[i] - after[i]) < 2, "%s to %s: channel %zu, %.1f not %.1f dB",
                    row.codec, row.out, i, after[i], before[i]);
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_says_fewer_channels) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2 " + kH264 +
         "-af pan=7.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0 -c:a pcm_s16le " +
         (folder / "in.mkv"));
  expect_text(transcode(folder / "in.mkv", folder / "out.mp4"), "mixed down from 8 channels to 6");
  ck_assert_int_eq(probe(folder / "out.mp4").of_kind("audio").at(0).channels, 6);
}
GST_END_TEST

// With tables that qtdemux reads beyond their end, wherever the film has its movie box.
GST_START_TEST(test_transcode_times_of_raw_sound) {
  const struct {
    const char* codec;
    const char* rate;
    const char* options;
  } rows[] = {{"pcm_s24le", "192000", ""},
              {"pcm_s24le", "192000", "-movflags faststart "},
              {"pcm_s24le", "96000", ""},
              {"pcm_s16be", "44100", ""},
              {"pcm_f32le", "88200", ""}};
  for (const auto& row : rows) {
    const Folder folder;
    ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2:sample_rate=" + row.rate + " " +
           kH264 + "-c:a " + row.codec + " " + row.options + (folder / "in.mov"));
    const auto times = times_of_sound(folder / "in.mov");
    ck_assert_uint_gt(times.size(), 1);
    ck_assert_msg(std::ranges::adjacent_find(times, std::greater_equal<>()) == times.end(),
                  "%s at %s %s: times that do not rise", row.codec, row.rate, row.options);
    ck_assert_uint_gt(times.back(), 1900 * GST_MSECOND);
  }
}
GST_END_TEST

// Every truncation and every byte flip of the movie box.
GST_START_TEST(test_transcode_damaged_tables_of_raw_sound) {
  const Folder folder;
  const std::string path = folder / "in.mov";
  ffmpeg(
      "-f lavfi -i testsrc2=size=16x16:rate=5:duration=1 -f lavfi -i "
      "sine=duration=1:sample_rate=44100 " +
      std::string(kH264) + "-c:a pcm_s16be " + path);
  const std::string whole = bytes_of(path);
  const std::size_t movie = whole.rfind("moov") - 4;
  ck_assert_uint_eq(dist::find_mends(path).mends.size(), 2);
  const auto check = [&](const std::string& film) {
    write_file(path, film);
    for (const auto& mend : dist::find_mends(path).mends)
      ck_assert(mend.at + mend.replaced <= film.size() && mend.bytes.size() < 2 * whole.size());
  };
  for (std::size_t at = movie; at < whole.size(); ++at) {
    check(whole.substr(0, at));
    std::string flipped = whole;
    flipped[at] = static_cast<char>(~flipped[at]);
    check(flipped);
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_sound_of_high_rates) {
  for (const char* rate : {"44100", "88200", "96000", "176400", "192000"}) {
    const Folder folder;
    ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2:sample_rate=" + rate + " " + kH264 +
           "-c:a pcm_s24le " + (folder / "in.mov"));
    for (const char* out : {"out.mp4", "out.mkv", "out.ts"}) {
      transcode(folder / "in.mov", folder / out);
      const double seconds = length_of_sound(folder, folder / out);
      ck_assert_msg(std::abs(seconds - 2) < 0.05, "%s to %s: %.3f s", rate, out, seconds);
    }
  }
}
GST_END_TEST

// As in broadcasts, between the film and the advertisements.
GST_START_TEST(test_transcode_layout_changes) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + kSurround + kH264 + "-c:a ac3 " + (folder / "a.ts"));
  ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2 " + kH264 + "-ac 2 -c:a ac3 " +
         (folder / "b.ts"));
  write_file(folder / "in.ts", bytes_of(folder / "a.ts") + bytes_of(folder / "b.ts"));
  for (const char* out : {"out.mp4", "out.mkv", "out.ts"}) {
    transcode(folder / "in.ts", folder / out);
    const double seconds = length_of_sound(folder, folder / out);
    ck_assert_msg(std::abs(seconds - 4) < 0.1, "%s: %.3f s", out, seconds);
    // Nothing is in the rear in its second half.
    ck_assert_uint_eq(levels_of(folder / out, "atrim=end=1.9,").size(), 6);
    ck_assert_str_eq(output_of("ffprobe -v error -count_packets -select_streams v "
                               "-show_entries stream=nb_read_packets -of csv=p=0 " +
                               (folder / out))
                         .substr(0, 3)
                         .c_str(),
                     "100");
  }
}
GST_END_TEST

// AAC does not say in each frame what it is.
GST_START_TEST(test_transcode_layout_of_aac_changes) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + kSurround + kH264 + "-c:a aac " + (folder / "a.ts"));
  ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2 " + kH264 + "-ac 2 -c:a aac " +
         (folder / "b.ts"));
  write_file(folder / "in.ts", bytes_of(folder / "a.ts") + bytes_of(folder / "b.ts"));
  for (const char* out : {"out.mp4", "out.mkv", "out.ts"}) {
    const std::string said = transcode(folder / "in.ts", folder / out);
    ck_assert((said.find("it changes on the way") != std::string::npos) ==
              (std::string(out) != "out.ts"));
    const double seconds = length_of_sound(folder, folder / out);
    ck_assert_msg(std::abs(seconds - 4) < 0.2, "%s: %.3f s", out, seconds);
    const auto levels = levels_of(folder / out, "atrim=start=2.5:end=3.5,");
    ck_assert_msg(std::ranges::any_of(levels, [](double level) { return level > -40; }),
                  "%s: nothing to be heard", out);
  }
}
GST_END_TEST

// In a program whose map calls it what it is for ffmpeg only.
GST_START_TEST(test_transcode_dts_in_ts) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + kSurround + kH264 + "-strict -2 -c:a dca " + (folder / "in.ts"));
  expect_text(output_of(command() + "inspect " + (folder / "in.ts")), "DTS");
  for (const char* out : {"out.mp4", "out.mkv", "out.ts"}) {
    transcode(folder / "in.ts", folder / out);
    ck_assert_int_eq(probe(folder / out).of_kind("audio").at(0).channels, 6);
    const double seconds = length_of_sound(folder, folder / out);
    ck_assert_msg(std::abs(seconds - 2) < 0.1, "%s: %.3f s", out, seconds);
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_says_sound_that_nobody_finds) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + kSurround + kH264 + "-strict -2 -c:a truehd " +
         (folder / "in.ts"));
  const std::string said = transcode(folder / "in.ts", folder / "out.mkv");
  expect_text(said, "the sound (TrueHD) is left out");
}
GST_END_TEST

// Against the source, as ffmpeg sees it: sound before the first clock, no time at which the muxer
// was ahead, pictures that begin late, as after a change of channel, and early.
GST_START_TEST(test_transcode_ts_in_sync) {
  const struct {
    const char* inputs;
    const char* options;
  } rows[] = {
      {"-f lavfi -i testsrc2=size=160x120:rate=25:duration=2 -f lavfi -i sine=duration=2 ",
       "-c:a aac -muxdelay 0 "},
      {"-itsoffset 1.5 -f lavfi -i testsrc2=size=160x120:rate=25:duration=2 -f lavfi -i "
       "sine=duration=3.5 ",
       "-c:a aac "},
      {"-itsoffset 1.5 -f lavfi -i testsrc2=size=160x120:rate=25:duration=2 -f lavfi -i "
       "sine=duration=3.5 ",
       "-c:a ac3 -muxdelay 0 "},
      {"-f lavfi -i testsrc2=size=160x120:rate=25:duration=3 -itsoffset 1 -f lavfi -i "
       "sine=duration=2 ",
       "-c:a ac3 -muxdelay 0 "},
      {"-itsoffset 0.3 -f lavfi -i testsrc2=size=160x120:rate=25:duration=2 -f lavfi -i "
       "sine=duration=2 ",
       "-c:a mp2 -output_ts_offset 3600 -muxdelay 0 "},
  };
  for (const auto& row : rows) {
    const Folder folder;
    const std::string film = folder / "in.ts";
    ffmpeg(std::string(row.inputs) + kH264 + row.options + film);
    const double expected = start_of(film, "a") - start_of(film, "v");
    const double length = length_of_sound(folder, film);
    for (const char* name : {"out.mp4", "out.mkv", "out.ts"}) {
      const std::string out = folder / name;
      transcode(film, out);
      const double actual = start_of(out, "a") - start_of(out, "v");
      ck_assert_msg(std::abs(actual - expected) < 0.002, "%s%s to %s: sound at %.3f, not %.3f s",
                    row.inputs, row.options, name, actual, expected);
      const double kept = length_of_sound(folder, out);
      ck_assert_msg(std::abs(kept - length) < 0.03, "%s%s to %s: %.3f s of sound, not %.3f",
                    row.inputs, row.options, name, kept, length);
    }
  }
}
GST_END_TEST

// qtdemux takes video that is much shorter than the rest for a preview.
GST_START_TEST(test_transcode_short_video) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=15 " + kH264 + "-c:a aac " +
         (folder / "in.mp4"));
  transcode(folder / "in.mp4", folder / "out.mp4");
  const Probe seen = probe(folder / "out.mp4");
  ck_assert_uint_eq(seen.of_kind("video").size(), 1);
  ck_assert_uint_eq(seen.of_kind("audio").size(), 1);
  const double seconds = length_of_sound(folder, folder / "out.mp4");
  ck_assert_msg(std::abs(seconds - 15) < 0.1, "%.3f s", seconds);
  ck_assert_int_eq(
      run(command() + "compare " + (folder / "in.mp4") + " " + (folder / "out.mp4")).code, 0);
}
GST_END_TEST

// What is missing is what counts, not how long the film is, nor which of its streams is the
// longest.
GST_START_TEST(test_transcode_film_that_is_cut_off) {
  const Folder folder;
  std::ofstream(folder / "late.srt") << "1\n00:00:01,000 --> 00:00:02,000\nhello\n\n"
                                        "2\n00:00:07,000 --> 00:00:08,000\nworld\n";
  const std::string slow = "-f lavfi -i testsrc2=size=64x64:rate=2:duration=600 " +
                           std::string(kH264) + "-x264-params keyint=4 ";
  const struct {
    std::string film;
    double kept;
    bool is_cut;
  } rows[] = {
      {slow + "-cluster_time_limit 1000 " + (folder / "in.mkv"), 0.985, true},
      {slow + "-movflags faststart " + (folder / "in.mp4"), 0.985, true},
      {slow + (folder / "in.mkv"), 1, false},
      {kPicture + std::string("-f lavfi -i sine=duration=8 ") + kH264 + "-c:a aac " +
           (folder / "in.mkv"),
       1, false},
      {kPicture + std::string("-f lavfi -i sine=duration=8 ") + kH264 + "-c:a aac " +
           (folder / "in.mp4"),
       1, false},
      {kPicture + std::string("-i ") + (folder / "late.srt") + " " + kH264 + "-c:s mov_text " +
           (folder / "in.mp4"),
       1, false},
  };
  for (const auto& row : rows) {
    const std::string film = row.film.substr(row.film.rfind(' ') + 1);
    ffmpeg(row.film);
    fs::resize_file(
        film, static_cast<std::uintmax_t>(row.kept * static_cast<double>(fs::file_size(film))));
    const std::string said = transcode(film, folder / "out.mkv", "--yes -r v:h264:speed=fast");
    ck_assert_msg((said.find("may be cut off") != std::string::npos) == row.is_cut, "%s\n%s",
                  row.film.c_str(), said.c_str());
  }
}
GST_END_TEST

// Sound that is shorter than the film, and states so, is nothing to be said.
GST_START_TEST(test_transcode_says_sound_that_ends_early) {
  for (const std::string sound : {"-c:a aac ", "-c:a pcm_s16le "})
    for (const bool states_more : {false, true}) {
      const Folder folder;
      ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=5:duration=8 -f lavfi -i sine=duration=2 " +
             std::string(kH264) + sound + (folder / "in.mov"));
      std::string film = bytes_of(folder / "in.mov");
      // Behind versions, flags and times: the track's number and 4 bytes, and the unit of time.
      constexpr std::size_t kOfTrack = 4 + 20;
      constexpr std::size_t kOfMedia = 4 + 16;
      if (states_more)
        for (const auto& [header, at] :
             {std::pair("tkhd", kOfTrack), std::pair("mdhd", kOfMedia)}) {
          const std::size_t box = film.rfind(header);
          film.replace(box + at, 4, std::string("\0\x10\0\0", 4));
        }
      write_file(folder / "in.mov", film);
      const std::string said = transcode(folder / "in.mov", folder / "out.mkv");
      ck_assert_msg((said.find("although its track announces") != std::string::npos) == states_more,
                    "%s\n%s", sound.c_str(), said.c_str());
    }
}
GST_END_TEST

static Suite* transcode_sound_suite() {
  Suite* const suite = suite_create("transcode-sound");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_sound_nobody_decodes);
  tcase_add_test(tests, test_transcode_keeps_channels);
  tcase_add_test(tests, test_transcode_says_fewer_channels);
  tcase_add_test(tests, test_transcode_times_of_raw_sound);
  tcase_add_test(tests, test_transcode_damaged_tables_of_raw_sound);
  tcase_add_test(tests, test_transcode_sound_of_high_rates);
  tcase_add_test(tests, test_transcode_layout_changes);
  tcase_add_test(tests, test_transcode_layout_of_aac_changes);
  tcase_add_test(tests, test_transcode_dts_in_ts);
  tcase_add_test(tests, test_transcode_says_sound_that_nobody_finds);
  tcase_add_test(tests, test_transcode_ts_in_sync);
  tcase_add_test(tests, test_transcode_short_video);
  tcase_add_test(tests, test_transcode_film_that_is_cut_off);
  tcase_add_test(tests, test_transcode_says_sound_that_ends_early);
  return suite;
}

GST_CHECK_MAIN(transcode_sound)
