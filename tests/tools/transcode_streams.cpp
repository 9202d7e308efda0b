// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is in a film beside its frames, and whether gst-dist-1.0 transcode keeps it: tracks,
// languages, shape and rotation of the picture, colours, chapters, and the sound's place.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/film_probe.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

namespace {

using namespace tool;

void expect_colours(const std::string& file, const std::string& expected) {
  const std::string actual = probe(file).streams.at(0).colours;
  ck_assert_msg(actual == expected, "%s: %s, not %s", file.c_str(), actual.c_str(),
                expected.c_str());
}

// Matroska and MPEG write "ger" for what MP4 calls "deu".
void expect_languages(const std::string& file, const std::vector<Stream>& streams) {
  ck_assert_msg(streams.size() == 2, "%s: %zu streams", file.c_str(), streams.size());
  ck_assert_msg(streams[0].language == "eng", "%s: '%s'", file.c_str(),
                streams[0].language.c_str());
  ck_assert_msg(streams[1].language == "deu" || streams[1].language == "ger", "%s: '%s'",
                file.c_str(), streams[1].language.c_str());
}

// Two tracks of sound and two of subtitles, pixels of 16:11.
std::string film_with_tracks(const Folder& folder, const std::string& name,
                             const std::string& codecs) {
  std::ofstream(folder / "text.srt") << "1\n00:00:00,200 --> 00:00:01,000\nhello\n\n"
                                        "2\n00:00:01,200 --> 00:00:01,600\nworld\n";
  ffmpeg(std::string(kPicture) +
         "-f lavfi -i sine=frequency=440:duration=2 -f lavfi -i sine=frequency=880:duration=2 -i " +
         (folder / "text.srt") + " -i " + (folder / "text.srt") +
         " -map 0 -map 1 -map 2 -map 3 -map 4 " + kH264 + "-vf setsar=16/11 " + codecs +
         " -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:s:0 language=eng "
         "-metadata:s:s:1 language=deu " +
         (folder / name));
  return folder / name;
}

}  // namespace

GST_START_TEST(test_transcode_keeps_tracks) {
  const struct {
    const char* out;
    const char* rendition;
    const char* sound;
    const char* subtitles;  // Null: it cannot have them.
    bool exact_pixels;      // Matroska has the size of the picture on the screen, in whole pixels.
  } rows[] = {
      {"out.mp4", "-r v:h264:speed=fast", "aac", "mov_text", true},
      {"out.mkv", "-r v:h264:speed=fast", "aac", "subrip", false},
      {"out.webm", "-r v:vp8:speed=fast", "opus", "webvtt", false},
      {"out.ts", "-r v:h264:speed=fast", "aac", nullptr, true},
  };
  const struct {
    const char* name;
    const char* codecs;
  } films[] = {{"in.mp4", "-c:a aac -c:s mov_text"},
               {"in.mkv", "-c:a aac -c:s subrip"},
               {"ass.mkv", "-c:a aac -c:s ass"}};
  for (const auto& source : films) {
    const Folder folder;
    const std::string film = film_with_tracks(folder, source.name, source.codecs);
    for (const auto& row : rows) {
      const std::string out = folder / row.out;
      const std::string said = transcode(film, out, row.rendition);
      const Probe seen = probe(out);
      const auto video = seen.of_kind("video");
      ck_assert_uint_ge(video.size(), 1);
      char* colon = nullptr;
      const double shape = std::strtod(video[0].pixels.c_str(), &colon);
      const double pixels = shape / std::atof(colon + 1);
      ck_assert_msg(std::abs(pixels - 16 / 11.) < (row.exact_pixels ? 1e-6 : 1. / 160), "%s: %s",
                    row.out, video[0].pixels.c_str());
      const auto sound = seen.of_kind("audio");
      expect_languages(out, sound);
      ck_assert_str_eq(sound[0].codec.c_str(), row.sound);
      if (!row.subtitles) {
        ck_assert(seen.of_kind("subtitle").empty());
        expect_text(said, "out.ts does not get the subtitles");
        continue;
      }
      ck_assert_msg(said.find("does not get the subtitles") == std::string::npos, "%s",
                    said.c_str());
      expect_languages(out, seen.of_kind("subtitle"));
      ck_assert_str_eq(seen.of_kind("subtitle")[0].codec.c_str(), row.subtitles);
      const std::string words =
          output_of("ffmpeg -nostdin -v error -i " + out + " -map s:1 -f srt -");
      expect_text(words, "hello");
      expect_text(words, "world");
      // Their end.
      expect_text(words, "--> 00:00:01,0");
    }
  }
}
GST_END_TEST

// Whose sound is found twice, as it is in the film and parsed.
GST_START_TEST(test_transcode_dvd) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2 -c:v mpeg2video -b:v 1M -c:a ac3 " +
         "-f vob " + (folder / "in.vob"));
  transcode(folder / "in.vob", folder / "out.mkv");
  const Probe seen = probe(folder / "out.mkv");
  ck_assert_uint_eq(seen.streams.size(), 2);
  ck_assert_str_eq(seen.of_kind("audio").at(0).codec.c_str(), "ac3");
}
GST_END_TEST

// What the demuxer has no name for is left out, and the rest is made.
GST_START_TEST(test_transcode_unknown_subtitles) {
  const Folder folder;
  std::ofstream(folder / "text.srt") << "1\n00:00:00,200 --> 00:00:01,000\nhello\n";
  ffmpeg(std::string(kPicture) + "-i " + (folder / "text.srt") + " -c:v libvpx -c:s webvtt " +
         (folder / "in.webm"));
  expect_text(transcode(folder / "in.webm", folder / "out.mkv"), "does not get the subtitles");
  ck_assert_uint_eq(probe(folder / "out.mkv").streams.size(), 1);
}
GST_END_TEST

GST_START_TEST(test_transcode_separate_audio) {
  const Folder folder;
  const std::string film = film_with_tracks(folder, "in.mp4", "-c:a aac -c:s mov_text");
  transcode(film, folder / "out",
            "-r a:h264:speed=fast -r b:h264:80x60:speed=fast --audio separate");
  for (const char* name : {"out/a.mp4", "out/b.mp4"}) {
    const Probe seen = probe(folder / name);
    ck_assert_uint_eq(seen.of_kind("video").size(), 1);
    ck_assert(seen.of_kind("audio").empty());
    expect_languages(name, seen.of_kind("subtitle"));
  }
  const Probe sound = probe(folder / "out/audio.mp4");
  ck_assert_uint_eq(sound.streams.size(), 2);
  expect_languages("audio.mp4", sound.of_kind("audio"));
}
GST_END_TEST

// Nobody says that it is English.
GST_START_TEST(test_transcode_sound_without_language) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + "-f lavfi -i sine=duration=2 " + kH264 + "-c:a aac " +
         (folder / "in.mp4"));
  transcode(folder / "in.mp4", folder / "out.mkv");
  const std::string language = probe(folder / "out.mkv").of_kind("audio").at(0).language;
  ck_assert_msg(language.empty() || language == "und", "%s", language.c_str());
}
GST_END_TEST

GST_START_TEST(test_transcode_keeps_rotation) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + kH264 + (folder / "upright.mp4"));
  for (const char* degrees : {"0", "90", "180", "270"}) {
    const std::string film = folder / "in.mp4";
    ffmpeg("-i " + (folder / "upright.mp4") + " -c copy -metadata:s:v rotate=" + degrees + " " +
           film);
    const gint64 expected = probe(film).streams.at(0).rotation;
    ck_assert((expected != 0) == (std::string(degrees) != "0"));
    const std::string said = transcode(film, folder / "out.mp4", "--yes -r v:h264:speed=fast");
    ck_assert_msg(said.find("turned") == std::string::npos, "%s", said.c_str());
    ck_assert_int_eq(probe(folder / "out.mp4").streams.at(0).rotation, expected);
    if (expected != 0)
      expect_text(transcode(film, folder / "out.mkv", "--yes -r v:h264:speed=fast"),
                  "does not say that its picture has to be turned");
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_keeps_colours) {
  const struct {
    const char* flags;
    const char* colours;
  } rows[] = {
      {"-color_range tv -colorspace bt709 -color_trc bt709 -color_primaries bt709",
       "tv/bt709/bt709/bt709"},
      {"-color_range tv -colorspace smpte170m -color_trc smpte170m -color_primaries smpte170m",
       "tv/smpte170m/smpte170m/smpte170m"},
      {"-color_range pc -colorspace bt709 -color_trc bt709 -color_primaries bt709",
       "pc/bt709/bt709/bt709"},
  };
  for (const auto& row : rows) {
    const Folder folder;
    ffmpeg(std::string(kPicture) + kH264 + row.flags + " " + (folder / "in.mp4"));
    for (const char* out : {"out.mp4", "out.mkv"}) {
      transcode(folder / "in.mp4", folder / out);
      expect_colours(folder / out, row.colours);
    }
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_keeps_hdr) {
  const Folder folder;
  ffmpeg(std::string(kPicture) +
         "-vf format=yuv420p10le -c:v libx265 -tag:v hvc1 -preset ultrafast -color_range tv "
         "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -x265-params "
         "log-level=error:hdr10=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:"
         "'master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)':"
         "max-cll=1000,400 " +
         (folder / "in.mp4"));
  for (const char* out : {"out.mp4", "out.mkv", "out.ts"}) {
    transcode(folder / "in.mp4", folder / out, "-r v:h265:speed=fast");
    expect_colours(folder / out, "tv/bt2020nc/smpte2084/bt2020");
    const std::string frame = output_of(
        "ffprobe -v error -select_streams v:0 -read_intervals %+#1 -show_frames "
        "-of compact " +
        (folder / out));
    for (const char* field :
         {"pix_fmt=yuv420p10le", "red_x=34000/50000", "white_point_y=16450",
          "max_luminance=10000000/10000", "max_content=1000", "max_average=400"})
      expect_text(frame, field);
  }
}
GST_END_TEST

GST_START_TEST(test_transcode_keeps_chapters) {
  const Folder folder;
  std::ofstream(folder / "chapters") << ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\n"
                                        "END=1000\ntitle=First\n[CHAPTER]\nTIMEBASE=1/1000\n"
                                        "START=1000\nEND=2000\ntitle=Second\n";
  ffmpeg(std::string(kPicture) + "-i " + (folder / "chapters") + " -map 0 -map_metadata 1 " +
         kH264 + (folder / "in.mkv"));
  transcode(folder / "in.mkv", folder / "out.mkv");
  const std::vector<std::string> expected = {"0.000000 First", "1.000000 Second"};
  ck_assert(probe(folder / "in.mkv").chapters == expected);
  ck_assert(probe(folder / "out.mkv").chapters == expected);
  expect_text(transcode(folder / "in.mkv", folder / "out.mp4"), "does not get the chapters");
}
GST_END_TEST

GST_START_TEST(test_transcode_cover_is_no_film) {
  const Folder folder;
  ffmpeg("-f lavfi -i color=red:size=64x64 -frames:v 1 " + (folder / "cover.jpg"));
  ffmpeg(std::string(kPicture) + kH264 + (folder / "plain.mp4"));
  const struct {
    const char* name;
    std::string arguments;
    const char* said;
  } rows[] = {
      {"tag.mp4",
       "-i " + (folder / "cover.jpg") + " -i " + (folder / "plain.mp4") +
           " -map 0 -map 1 -c copy -disposition:v:0 attached_pic ",
       ""},
      {"attached.mkv",
       "-i " + (folder / "plain.mp4") + " -c copy -attach " + (folder / "cover.jpg") +
           " -metadata:s:t mimetype=image/jpeg ",
       ""},
      {"stream.mkv",
       "-i " + (folder / "cover.jpg") + " -i " + (folder / "plain.mp4") + " -map 0 -map 1 -c copy ",
       "the picture that comes with the film"},
      {"two.mp4",
       "-i " + (folder / "plain.mp4") + " -i " + (folder / "plain.mp4") + " -map 0 -map 1 -c copy ",
       "of the 2 video streams only the first one is encoded"},
  };
  for (const auto& row : rows) {
    ffmpeg(row.arguments + (folder / row.name));
    expect_text(transcode(folder / row.name, folder / "out.mp4", "--yes -r v:h264:speed=fast"),
                row.said);
    ck_assert_str_eq(output_of("ffprobe -v error -count_packets -select_streams v:0 -show_entries "
                               "stream=width,nb_read_packets -of csv=p=0 " +
                               (folder / "out.mp4"))
                         .c_str(),
                     "160,50\n");
  }
}
GST_END_TEST

namespace {

constexpr int kRate = 48000;
constexpr int kBurst = 480;  // Samples of noise, at each half second.

void write_little_endian(std::ofstream& file, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    file.put(static_cast<char>(value >> 8 * i & 0xff));
}

// Two seconds, mono.
std::vector<std::int16_t> bursts() {
  std::vector<std::int16_t> samples(2 * kRate);
  std::uint32_t state = 1;
  for (std::size_t at = kRate / 2; at < samples.size(); at += kRate / 2)
    for (std::size_t i = at; i < at + kBurst; ++i) {
      state = state * 1664525 + 1013904223;
      samples[i] = static_cast<std::int16_t>(static_cast<int>(state >> 16) % 24000 - 12000);
    }
  return samples;
}

std::vector<std::int16_t> decoded(const Folder& folder, const std::string& file) {
  const std::string raw = folder / "decoded.raw";
  ffmpeg("-i " + file + " -map a:0 -ac 1 -ar 48000 -f s16le " + raw);
  std::vector<std::int16_t> samples(fs::file_size(raw) / 2);
  std::ifstream(raw, std::ios::binary)
      .read(reinterpret_cast<char*>(samples.data()),
            static_cast<std::streamsize>(samples.size() * 2));
  return samples;
}

// By how many samples the bursts come late, where they fit best.
int lateness(const std::vector<std::int16_t>& source, const std::vector<std::int16_t>& samples) {
  constexpr int kFarthest = 3000;
  const int at = kRate / 2;
  double best = 0;
  int late = kFarthest;
  for (int shift = -kFarthest; shift < kFarthest; ++shift) {
    double sum = 0;
    for (int i = 0; i < kBurst; ++i)
      sum += double{1} * source[at + i] * samples.at(static_cast<std::size_t>(at + shift + i));
    if (sum > best) {
      best = sum;
      late = shift;
    }
  }
  return late;
}

}  // namespace

GST_START_TEST(test_transcode_sound_in_sync) {
  const Folder folder;
  const auto source = bursts();
  std::ofstream raw(folder / "bursts.raw", std::ios::binary);
  for (const std::int16_t sample : source)
    write_little_endian(raw, static_cast<std::uint16_t>(sample), 2);
  raw.close();
  const struct {
    const char* codec;
    const char* film;
    const char* out;
    const char* sound;
  } rows[] = {
      {"flac", "in.mkv", "out.mp4", "aac"},      {"pcm_s16le", "in.mkv", "out.ts", "aac"},
      {"libvorbis", "in.mkv", "out.mp4", "aac"}, {"flac", "in.mkv", "out.webm", "opus"},
      {"aac", "in.mp4", "out.mp4", "aac"},       {"aac", "in.mp4", "out.webm", "opus"},
      {"libopus", "in.mp4", "out.mp4", "aac"},
  };
  for (const auto& row : rows) {
    const std::string film = folder / row.film;
    const std::string out = folder / row.out;
    ffmpeg(std::string(kPicture) + "-f s16le -ar 48000 -ac 1 -i " + (folder / "bursts.raw") + " " +
           kH264 + "-c:a " + row.codec + " " + film);
    const bool webm = std::string(row.out).ends_with(".webm");
    transcode(film, out, std::string("--yes -r v:") + (webm ? "vp8" : "h264") + ":speed=fast");
    ck_assert_str_eq(probe(out).of_kind("audio").at(0).codec.c_str(), row.sound);
    const auto offset = [](const std::string& file) {
      return (start_of(file, "a") - start_of(file, "v")) * kRate;
    };
    const double late = lateness(source, decoded(folder, out)) + offset(out) -
                        lateness(source, decoded(folder, film)) - offset(film);
    ck_assert_msg(std::abs(late) <= 1, "%s in %s to %s: %.1f samples late", row.codec, row.film,
                  row.out, late);
  }
}
GST_END_TEST

static Suite* transcode_streams_suite() {
  Suite* const suite = suite_create("transcode-streams");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_keeps_tracks);
  tcase_add_test(tests, test_transcode_dvd);
  tcase_add_test(tests, test_transcode_unknown_subtitles);
  tcase_add_test(tests, test_transcode_separate_audio);
  tcase_add_test(tests, test_transcode_sound_without_language);
  tcase_add_test(tests, test_transcode_keeps_rotation);
  tcase_add_test(tests, test_transcode_keeps_colours);
  tcase_add_test(tests, test_transcode_keeps_hdr);
  tcase_add_test(tests, test_transcode_keeps_chapters);
  tcase_add_test(tests, test_transcode_cover_is_no_film);
  tcase_add_test(tests, test_transcode_sound_in_sync);
  return suite;
}

GST_CHECK_MAIN(transcode_streams)
