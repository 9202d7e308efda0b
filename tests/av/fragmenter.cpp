// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Fragments of films, as a strict reader and ffmpeg read them.

// Before gstcheck.h, which has a macro "fail".
#include "tests/common/farm.h"
#include "tests/common/files.h"
#include "tests/common/frame_list.h"

#include <gst/app/gstappsink.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "gst/av/fragmenter.h"
#include "gst/base/text.h"
#include "tests/common/temporary_folder.h"
#include "tests/publish/boxes.h"

namespace {

using dist::CmafFragment;
using dist::Fragmenter;
using dist::FragmentUnit;
using dist::Ref;
using namespace dist::test;

constexpr std::int64_t kSecond = 1'000'000'000;

struct Stream {
  Ref<GstCaps> caps;
  std::vector<FragmentUnit> units;
};

const char* parser_of(const std::string& codec) {
  return codec == "h264"   ? "h264parse ! video/x-h264,stream-format=avc,alignment=au"
         : codec == "h265" ? "h265parse ! video/x-h265,stream-format=hvc1,alignment=au"
         : codec == "vp9"  ? "vp9parse ! video/x-vp9,alignment=super-frame"
         : codec == "av1"  ? "av1parse ! video/x-av1,alignment=tu"
         : codec == "aac"  ? "aacparse ! audio/mpeg,stream-format=raw"
                           : "opusparse";
}

// Access units of a film, as parsers give them.
Stream read_stream(const std::string& path, const std::string& codec) {
  const std::string line = "filesrc location=" + path + " ! parsebin ! " + parser_of(codec) +
                           " ! appsink name=out sync=false";
  GError* error = nullptr;
  const auto pipeline = Ref<GstElement>::sink(gst_parse_launch(line.c_str(), &error));
  fail_unless(error == nullptr, "%s", line.c_str());
  const auto sink = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  // What is before the segment starts decoders of sound.
  gst_base_sink_set_drop_out_of_segment(GST_BASE_SINK(sink.get()), FALSE);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  Stream stream;
  while (const auto sample =
             Ref<GstSample>::adopt(gst_app_sink_pull_sample(GST_APP_SINK(sink.get())))) {
    if (!stream.caps)
      stream.caps = Ref<GstCaps>::share(gst_sample_get_caps(sample.get()));
    if (auto unit = dist::fragment_unit(gst_sample_get_segment(sample.get()),
                                        gst_sample_get_buffer(sample.get()), 0))
      stream.units.push_back(std::move(*unit));
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return stream;
}

// Where each fragment begins: at keyframes about a second apart, and the end.
std::vector<std::size_t> cuts_of(const Stream& stream) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < stream.units.size(); ++i)
    if (stream.units[i].is_keyframe &&
        (cuts.empty() || stream.units[i].pts >= stream.units[cuts.back()].pts + kSecond))
      cuts.push_back(i);
  cuts.push_back(stream.units.size());
  return cuts;
}

std::span<const FragmentUnit> units_between(const Stream& stream, std::size_t begin,
                                            std::size_t end) {
  return std::span(stream.units).subspan(begin, end - begin);
}

std::int64_t earliest(std::span<const FragmentUnit> units) {
  return std::ranges::min_element(units, {}, &FragmentUnit::pts)->pts;
}

std::int64_t end_of(std::span<const FragmentUnit> units) {
  const auto last = std::ranges::max_element(units, {}, &FragmentUnit::pts);
  return last->pts + std::max<std::int64_t>(last->duration, kSecond / 100);
}

struct Track {
  Data init;
  std::vector<Data> segments;
  std::vector<CmafFragment> fragments;
  std::uint32_t timescale = 0;
  std::uint64_t priming = 0;
};

// Two fragments a media segment; from the fragment `first` on.
Track make_track(const Stream& stream, std::size_t first = 0,
                 const Fragmenter::Beginning& beginning = {}) {
  auto made = Fragmenter::create(stream.caps.get(), beginning);
  fail_unless(static_cast<bool>(made), "%s", made ? "" : made.error().c_str());
  Fragmenter& fragmenter = **made;
  const std::vector<std::size_t> cuts = cuts_of(stream);
  Track track;
  for (std::size_t i = first; i + 1 < cuts.size(); ++i) {
    const auto units = units_between(stream, cuts[i], cuts[i + 1]);
    const bool last = i + 2 == cuts.size();
    const std::int64_t stop =
        last ? end_of(units) : earliest(units_between(stream, cuts[i + 1], cuts[i + 2]));
    const auto fragment = fragmenter.make(units, stop);
    fail_unless(static_cast<bool>(fragment), "%s", fragment ? "" : fragment.error().c_str());
    if ((i - first) % 2 == 0)
      track.segments.push_back(to_data(fragmenter.segment_type(i + 3 >= cuts.size()).span()));
    const auto bytes = fragment->bytes.span();
    track.segments.back().insert(track.segments.back().end(), bytes.begin(), bytes.end());
    track.fragments.push_back(*fragment);
  }
  track.init = to_data(fragmenter.init().span());
  track.timescale = fragmenter.timescale();
  track.priming = fragmenter.priming();
  return track;
}

Data bytes_of(GstBuffer* buffer, const std::string& codec) {
  const dist::BufferMap map(buffer);
  // A temporal delimiter is not in MP4 (AV1 in ISO base media file format, 2.4).
  const bool delimited = codec == "av1" && map.span()[0] == 0x12 && map.span()[1] == 0;
  return to_data(map.span().subspan(delimited ? 2 : 0));
}

// The same access units at the same times come out as went in.
void check_samples(const Stream& stream, const Track& track, const InitSegment& init,
                   const std::vector<Mp4Sample>& samples, const std::string& codec) {
  fail_unless_equals_uint64(samples.size(), stream.units.size());
  fail_unless(codec != "opus" || init.media_time == 312);
  const std::int64_t tick = kSecond / init.timescale + 1;
  const std::int64_t jitter = init.handler == "vide" ? tick : kSecond / 500;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const FragmentUnit& unit = stream.units[i];
    fail_unless(samples[i].bytes == bytes_of(unit.buffer.get(), codec), "unit %zu", i);
    fail_unless(!unit.is_keyframe || samples[i].keyframe, "keyframe %zu", i);
    const auto media = static_cast<std::int64_t>(init.media_time);
    const auto time = static_cast<std::int64_t>(gst_util_uint64_scale(
        static_cast<guint64>(std::abs(samples[i].pts - media)), kSecond, init.timescale));
    const std::int64_t pts = samples[i].pts < media ? -time : time;
    // The parser gives the first packet of Opus the time of what is presented of it.
    fail_unless(std::abs(pts - unit.pts) <= jitter || (codec == "opus" && i == 0),
                "unit %zu: at %" G_GINT64_FORMAT " instead of %" G_GINT64_FORMAT, i, pts, unit.pts);
  }
  fail_unless_equals_uint64(init.media_time, track.priming);
  std::uint64_t next = track.fragments[0].start;
  for (const CmafFragment& fragment : track.fragments) {
    fail_unless_equals_uint64(fragment.start, next);
    next += fragment.duration;
  }
}

std::string decode_sound(const std::string& options, const std::string& path, const char* filter) {
  return farm::output_of("ffmpeg -nostdin -v error " + options + " -copyts -i '" + path +
                         "' -map 0:a:0 -af " + filter + " -f md5 -");
}

// When ffmpeg presents the first packet.
double start_of_sound(const std::string& path) {
  return std::stod(
      farm::output_of("ffprobe -v error -select_streams a:0 -read_intervals %+#1 "
                      "-show_entries packet=pts_time -of default=noprint_wrappers=1:nokey=1 '" +
                      path + "'"));
}

// In the order of presentation.
std::vector<double> picture_times(const std::string& path) {
  std::istringstream text(
      farm::output_of("ffprobe -v error -select_streams v:0 -show_entries packet=pts_time "
                      "-of default=noprint_wrappers=1:nokey=1 '" +
                      path + "'"));
  std::vector<double> times;
  for (double time = 0; text >> time;)
    times.push_back(time);
  std::ranges::sort(times);
  return times;
}

void check_decoding(const std::string& path, const std::string& made, bool video, double first) {
  if (video) {
    const film::FrameList expected = film::list_frames_by_ffmpeg(path, "I420");
    const film::FrameList list = film::list_frames_by_ffmpeg(made, "I420");
    fail_unless(expected.decodes() && list.frames.size() == expected.frames.size(),
                "%s: %zu frames instead of %zu", path.c_str(), list.frames.size(),
                expected.frames.size());
    const std::vector<double> wanted = picture_times(path);
    const std::vector<double> times = picture_times(made);
    fail_unless(times.size() == wanted.size());
    for (std::size_t i = 0; i < list.frames.size(); ++i)
      fail_unless(list.frames[i].md5 == expected.frames[i].md5, "%s: frame %zu", path.c_str(), i);
    for (std::size_t i = 0; i < times.size(); ++i)
      fail_unless(std::abs(times[i] - times[0] - wanted[i] + wanted[0]) < 0.001,
                  "%s: picture %zu at %f instead of %f", path.c_str(), i, times[i], wanted[i]);
    return;
  }
  // GStreamer's demuxers lose the end of sound in MP4, and where it is to end in Matroska.
  const char* const filter = path.ends_with(".ts") ? "anull" : "atrim=end=4";
  // ffmpeg leaves out what is before the edit list of an MP4; of one with fragments only so.
  const char* const options = path.ends_with(".mp4") ? "-advanced_editlist 0" : "";
  fail_unless(decode_sound("", path, filter) == decode_sound(options, made, filter),
              "%s: other sound", path.c_str());
  const double start = start_of_sound(made);
  fail_unless(std::abs(start - first) < 0.005, "%s: sound at %f instead of %f", path.c_str(), start,
              first);
}

// In a folder of this process.
std::string path_of(const std::string& name) {
  static const TemporaryFolder folder;
  return folder.path() + "/" + name;
}

void check_film(const std::string& path, const std::string& codec) {
  const Stream stream = read_stream(path, codec);
  fail_unless(!stream.units.empty(), "%s: no %s", path.c_str(), codec.c_str());
  const Track track = make_track(stream);
  const auto init = read_init(track.init);
  fail_unless(static_cast<bool>(init), "%s: %s", path.c_str(), init ? "" : init.error().c_str());
  TrackReader reader(*init);
  Data file = track.init;
  for (const Data& segment : track.segments) {
    const dist::Status read = reader.read_segment(segment);
    fail_unless(static_cast<bool>(read), "%s: %s", path.c_str(), read.error().c_str());
    file.insert(file.end(), segment.begin(), segment.end());
  }
  fail_unless(reader.ended());
  check_samples(stream, track, *init, reader.samples(), codec);
  const Track again = make_track(stream);
  fail_unless(again.init == track.init && again.segments == track.segments, "%s: two runs differ",
              path.c_str());
  const std::string made = path_of("fragmenter-" + codec + ".mp4");
  test::write_file(made, {file.begin(), file.end()});
  const double first =
      codec == "opus" ? -312. / 48000 : static_cast<double>(stream.units[0].pts) / kSecond;
  check_decoding(path, made, init->handler == "vide", first);
  std::remove(made.c_str());
}

std::string made_film(const std::string& name, const std::string& line) {
  farm::output_of("gst-launch-1.0 -q " + line + " ! filesink location=" + path_of(name));
  return path_of(name);
}

constexpr char kPictures[] =
    "videotestsrc num-buffers=120 pattern=ball ! "
    "video/x-raw,width=320,height=180,framerate=30000/1001,format=I420 ! ";
constexpr char kTone[] =
    "audiotestsrc num-buffers=200 wave=ticks ! audio/x-raw,rate=44100,channels=2 ! ";

}  // namespace

GST_START_TEST(test_fragmenter_keeps_made_films) {
  const std::string h264 =
      std::string(kPictures) + "x264enc key-int-max=30 bframes=3 ! h264parse ! mp4mux";
  check_film(made_film("fragmenter-h264-source.mp4", h264), "h264");
  const std::string h265 = std::string(kPictures) + "x265enc key-int-max=30 ! h265parse ! mp4mux";
  check_film(made_film("fragmenter-h265-source.mp4", h265), "h265");
  const std::string vp9 =
      std::string(kPictures) + "vp9enc keyframe-max-dist=30 deadline=1 cpu-used=8 ! webmmux";
  check_film(made_film("fragmenter-vp9-source.webm", vp9), "vp9");
  const std::string av1 = std::string(kPictures) +
                          "av1enc keyframe-max-dist=30 cpu-used=8 usage-profile=realtime ! "
                          "av1parse ! matroskamux";
  check_film(made_film("fragmenter-av1-source.mkv", av1), "av1");
}
GST_END_TEST

GST_START_TEST(test_fragmenter_keeps_made_sound) {
  check_film(
      made_film("fragmenter-aac-source.mp4", std::string(kTone) + "avenc_aac ! aacparse ! mp4mux"),
      "aac");
  check_film(
      made_film("fragmenter-opus-source.mkv",
                "audiotestsrc num-buffers=200 wave=ticks ! audio/x-raw,rate=48000,channels=2 ! "
                "opusenc ! matroskamux"),
      "opus");
}
GST_END_TEST

GST_START_TEST(test_fragmenter_keeps_real_films) {
  const struct {
    const char* name;
    const char* codec;
  } rows[] = {
      {"h264-720p60-aac-longgop.ts", "h264"},
      {"h264-720p60-aac-longgop.ts", "aac"},
      {"h264-1080p30-baseline-aac.ts", "h264"},
      {"h264-1080p30-baseline-aac.ts", "aac"},
      {"h264-720p20-cockatoo.mp4", "h264"},
      {"h264-480p-3-keyframes.mp4", "h264"},
      {"h264-360p-vfr.mp4", "h264"},
      {"hevc-1080p30-opengop-aac.mp4", "h265"},
      {"hevc-1080p30-opengop-aac.mp4", "aac"},
      {"vp9-odd-161x121.webm", "vp9"},
  };
  for (const auto& row : rows) {
    const std::string path =
        std::string(g_getenv("DIST_SOURCE_ROOT")) + "/../shared/media/" + row.name;
    if (!g_file_test(path.c_str(), G_FILE_TEST_EXISTS)) {
      g_print("skipped: no %s\n", row.name);
      continue;
    }
    check_film(path, row.codec);
  }
}
GST_END_TEST

// A run that begins at the third fragment makes the same bytes from there on.
GST_START_TEST(test_fragmenter_goes_on) {
  const std::string films[][2] = {
      {made_film("fragmenter-go-on.mp4",
                 std::string(kPictures) + "x264enc key-int-max=30 ! h264parse ! mp4mux"),
       "h264"},
      {made_film("fragmenter-go-on-sound.mkv",
                 "audiotestsrc num-buffers=200 ! audio/x-raw,rate=48000,channels=2 ! opusenc ! "
                 "matroskamux"),
       "opus"}};
  for (const auto& [path, codec] : films) {
    const Stream stream = read_stream(path, codec);
    const Track whole = make_track(stream);
    fail_unless(whole.fragments.size() > 3);
    const Track rest = make_track(stream, 2,
                                  {.sequence_number = 3,
                                   .decode_time = whole.fragments[2].decode_time,
                                   .priming = whole.priming});
    fail_unless(rest.init == whole.init, "%s: another init segment", codec.c_str());
    fail_unless(std::equal(rest.segments.begin(), rest.segments.end(), whole.segments.begin() + 1));
  }
}
GST_END_TEST

// The init segment says all that a decoder needs, and what the track is.
GST_START_TEST(test_fragmenter_says_what_the_track_is) {
  const std::string path =
      made_film("fragmenter-brands.mp4",
                std::string(kPictures) + "x264enc key-int-max=30 ! h264parse ! mp4mux");
  const Stream stream = read_stream(path, "h264");
  const Track track = make_track(stream);
  const auto init = read_init(track.init);
  fail_unless(static_cast<bool>(init));
  const std::vector<std::string> brands{"cmf2", "cmf2", "iso6", "cmfc", "cfsd"};
  fail_unless(init->brands == brands);
  fail_unless_equals_string(init->entry.c_str(), "avc1");
  fail_unless_equals_string(init->inside[0].c_str(), "avcC");
  const GValue* const data =
      gst_structure_get_value(gst_caps_get_structure(stream.caps.get(), 0), "codec_data");
  const dist::BufferMap map(gst_value_get_buffer(data));
  fail_unless(init->configuration == to_data(map.span()));
  fail_unless_equals_uint64(init->timescale, 120000);
  // The keyframe by itself: moof, the head of the mdat, and the picture.
  const CmafFragment& first = track.fragments[0];
  fail_unless(first.key_size > gst_buffer_get_size(stream.units[0].buffer.get()) &&
              first.key_size < first.bytes.size());
}
GST_END_TEST

GST_START_TEST(test_fragmenter_refuses_what_does_not_fit) {
  const std::string path =
      made_film("fragmenter-refuses.mp4",
                std::string(kPictures) + "x264enc key-int-max=30 ! h264parse ! mp4mux");
  const Stream stream = read_stream(path, "h264");
  const std::span<const FragmentUnit> units(stream.units);
  const auto expect = [&](std::size_t begin, std::size_t count, std::int64_t stop,
                          const char* error) {
    const auto made = Fragmenter::create(stream.caps.get());
    fail_unless(static_cast<bool>(made));
    const auto first = (*made)->make(units.first(30), units[30].pts);
    fail_unless(static_cast<bool>(first));
    const auto second = (*made)->make(units.subspan(begin, count), stop);
    fail_unless_equals_string(second ? "" : second.error().c_str(), error);
  };
  expect(30, 30, units[60].pts, "");
  expect(30, 0, 0, "fragment 2: has no units");
  expect(31, 29, units[60].pts, "fragment 2: does not begin with a keyframe");
  expect(60, 30, units[90].pts, "fragment 2: does not begin where the one before ends");
  expect(30, 30, units[50].pts, "fragment 2: a unit is presented after its end");
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string("text/x-raw"));
  fail_unless(!Fragmenter::create(caps.get()));
}
GST_END_TEST

// That the reader is strict: whatever is changed in a good segment, it is refused.
GST_START_TEST(test_fragmenter_is_checked_by_a_strict_reader) {
  const std::string path =
      made_film("fragmenter-strict.mp4",
                std::string(kPictures) + "x264enc key-int-max=30 ! h264parse ! mp4mux");
  const Track track = make_track(read_stream(path, "h264"));
  const auto init = read_init(track.init);
  fail_unless(static_cast<bool>(init));
  const Data& good = track.segments[0];
  const auto refused = [&](const Data& segment) {
    TrackReader reader(*init);
    return !reader.read_segment(segment);
  };
  fail_unless(!refused(good));
  // A byte of the first such box, so far behind its type.
  const auto changed = [&](const char* type, std::size_t offset) {
    Data segment = good;
    const std::string name(type);
    const auto at = std::ranges::search(segment, name).begin();
    fail_unless(at != segment.end());
    *(at + 4 + static_cast<std::ptrdiff_t>(offset)) ^= 1;
    return refused(segment);
  };
  fail_unless(changed("styp", 0), "another brand");
  fail_unless(changed("tfhd", 1), "the base of its offsets");
  fail_unless(changed("tfdt", 11), "it does not follow, or is not the earliest time");
  fail_unless(changed("trun", 11), "its data are elsewhere");
  fail_unless(changed("trun", 13), "a first sample that is no sync sample");
  fail_unless(changed("trun", 12), "a sync sample that depends on others");
  fail_unless(changed("mdat", std::size_t{0} - 5), "the size of the mdat");
  Data twice = to_data(std::span(good).first(good[3]));
  twice.insert(twice.end(), good.begin(), good.end());
  fail_unless(refused(twice), "two styp");
  Data indexed = good;
  const Data sidx = unhex("00 00 00 08 73 69 64 78");
  indexed.insert(indexed.end(), sidx.begin(), sidx.end());
  fail_unless(refused(indexed), "sidx");
  for (std::size_t size = 0; size < good.size(); size += 101)
    fail_unless(refused(to_data(std::span(good).first(size))), "%zu bytes", size);
  TrackReader reader(*init);
  fail_unless(reader.read_segment(good) && !reader.read_segment(good), "the same again");
}
GST_END_TEST

static Suite* fragmenter_suite() {
  Suite* suite = suite_create("fragmenter");
  TCase* tests = tcase_create("fragmenter");
  suite_add_tcase(suite, tests);
  tcase_set_timeout(tests, 600);
  tcase_add_test(tests, test_fragmenter_keeps_made_films);
  tcase_add_test(tests, test_fragmenter_keeps_made_sound);
  tcase_add_test(tests, test_fragmenter_keeps_real_films);
  tcase_add_test(tests, test_fragmenter_is_checked_by_a_strict_reader);
  tcase_add_test(tests, test_fragmenter_goes_on);
  tcase_add_test(tests, test_fragmenter_says_what_the_track_is);
  tcase_add_test(tests, test_fragmenter_refuses_what_does_not_fit);
  return suite;
}

GST_CHECK_MAIN(fragmenter)
