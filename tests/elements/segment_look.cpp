// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/segment_look.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/segment_decoder.h"
#include "gst/gstx/stream_format.h"
#include "gst/picture/picture_check.h"
#include "tests/common/film.h"
#include "tests/elements/helpers.h"

namespace {

using namespace test;

using dist::LookOptions;
using dist::SegmentLook;
using dist::SegmentLooker;
using Segments = std::vector<Ref<GstBuffer>>;

// --- Films

std::string scratch(const std::string& name) {
  const auto folder = std::filesystem::path(g_getenv("DIST_BUILD_ROOT")) / "tests" / "looks";
  std::filesystem::create_directories(folder);
  return folder / name;
}

// Everything in it moves, and it is full of edges and colours.
constexpr char kMoving[] = "testsrc2=size=640x360:rate=25:duration=2,scroll=h=0.02:v=0.01";

// A film of one-second segments, through these filters and this encoder of ffmpeg. Made once.
std::string film_of(const std::string& name, const std::string& filters,
                    const std::string& encoder) {
  const std::string path = scratch(name);
  if (std::filesystem::exists(path))
    return path;
  // Under another name first: tests may run at a time.
  const std::string making = scratch("making-" + std::to_string(g_random_int()) + "-" + name);
  const std::string command = std::string("ffmpeg -v error -y -f lavfi -i ") + kMoving + filters +
                              " -pix_fmt yuv420p -g 25 -keyint_min 25 " + encoder + " " + making;
  gint status = 0;
  fail_unless(
      g_spawn_command_line_sync(command.c_str(), nullptr, nullptr, &status, nullptr) && status == 0,
      "%s", command.c_str());
  std::filesystem::rename(making, path);
  return path;
}

std::string x264_film(const std::string& name, const std::string& filters, unsigned crf = 23) {
  return film_of(name + ".mkv", filters,
                 "-c:v libx264 -preset veryfast -sc_threshold 0 -bf 2 -crf " + std::to_string(crf));
}

Segments segments_of(const std::string& source, const std::string& segmenter = "") {
  GError* error = nullptr;
  const auto pipeline = Ref<GstElement>::adopt(gst_parse_launch(
      (source + " ! distsegmenter " + segmenter + " ! appsink name=out sync=false").c_str(),
      &error));
  fail_unless(error == nullptr, "%s", error ? error->message : "");
  const auto sink = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  Segments segments;
  while (const auto sample =
             Ref<GstSample>::adopt(gst_app_sink_pull_sample(GST_APP_SINK(sink.get()))))
    segments.push_back(Ref<GstBuffer>::share(gst_sample_get_buffer(sample.get())));
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  fail_if(segments.empty(), "%s", source.c_str());
  return segments;
}

Segments segments_of_file(const std::string& path, const std::string& segmenter = "") {
  return segments_of("filesrc location=\"" + path + "\" ! parsebin", segmenter);
}

// The access units of a segment, with a header that `change` may change.
template <class Change>
Ref<GstBuffer> changed(const Ref<GstBuffer>& segment, Change change) {
  dist::SegmentHeader header = header_of(segment);
  const std::size_t base = dist::header_size(segment.get(), header);
  std::vector<std::vector<std::uint8_t>> units;
  const dist::BufferMap map(segment.get());
  std::size_t at = base;
  for (const dist::AccessUnit& unit : header.units) {
    const auto bytes = map.span().subspan(at, unit.size);
    units.emplace_back(bytes.begin(), bytes.end());
    at += unit.size;
  }
  change(header, units);
  for (std::size_t i = 0; i < units.size(); ++i)
    header.units[i].size = units[i].size();
  const dist::Bytes written = dist::serialize(header);
  std::vector<std::uint8_t> bytes(written.span().begin(), written.span().end());
  for (const auto& unit : units)
    bytes.insert(bytes.end(), unit.begin(), unit.end());
  return Ref<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
}

using Units = std::vector<std::vector<std::uint8_t>>;

// What a worker would answer whose pictures are those of the segment.
Ref<GstBuffer> as_rendition(const Ref<GstBuffer>& segment) {
  return changed(segment, [](dist::SegmentHeader& header, Units&) {
    header.rendition = "v";
    header.first_unit = 0;
  });
}

SegmentLook look(const Ref<GstBuffer>& segment, const LookOptions& options = {}) {
  SegmentLooker looker;
  auto result = looker.look(segment.get(), options);
  fail_unless(static_cast<bool>(result), "%s", result ? "" : result.error().c_str());
  return std::move(*result);
}

std::string error_of(const Ref<GstBuffer>& segment, const LookOptions& options = {}) {
  SegmentLooker looker;
  const auto result = looker.look(segment.get(), options);
  fail_if(static_cast<bool>(result), "there was no error");
  return result.error();
}

void expect_part(const std::string& text, const std::string& part) {
  fail_unless(text.find(part) != std::string::npos, "'%s' does not say '%s'", text.c_str(),
              part.c_str());
}

const Segments& moving_film() {
  static const Segments segments = segments_of_file(x264_film("moving", "", 16));
  return segments;
}

// What compare() says of the second segment of that film and of another one.
std::optional<dist::Mismatch> verdict(const std::string& path) {
  const Ref<GstBuffer>& source = moving_film().at(1);
  const SegmentLook right = look(source);
  LookOptions options;
  options.aspect = right.aspect;
  return dist::compare(right.frames,
                       look(as_rendition(segments_of_file(path).at(1)), options).frames);
}

// --- A decoder that does not come back

struct Hang {
  std::mutex lock;
  std::condition_variable changed;
  bool entered = false;
  bool released = false;
  bool busy = false;  // It uses a processor meanwhile.

  void wait_until_entered() {
    std::unique_lock guard(lock);
    changed.wait(guard, [this] { return entered; });
  }
  void release() {
    const std::lock_guard guard(lock);
    released = true;
    changed.notify_all();
  }
};
Hang hang;

GstFlowReturn hang_chain(GstPad*, GstObject*, GstBuffer* buffer) {
  gst_buffer_unref(buffer);
  std::unique_lock guard(hang.lock);
  hang.entered = true;
  hang.changed.notify_all();
  while (hang.busy && !hang.released) {
    guard.unlock();
    guard.lock();
  }
  hang.changed.wait(guard, [] { return hang.released; });
  return GST_FLOW_OK;
}

GstStaticPadTemplate hang_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("image/jpeg"));
GstStaticPadTemplate hang_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));

void hang_class_init(gpointer klass, gpointer) {
  auto* element = static_cast<GstElementClass*>(klass);
  gst_element_class_set_static_metadata(element, "Hang", "Codec/Decoder/Video", "Hangs", "test");
  gst_element_class_add_static_pad_template(element, &hang_sink);
  gst_element_class_add_static_pad_template(element, &hang_src);
}

void hang_init(GTypeInstance* instance, gpointer) {
  GstPad* sink = gst_pad_new_from_static_template(&hang_sink, "sink");
  gst_pad_set_chain_function(sink, hang_chain);
  gst_element_add_pad(GST_ELEMENT(instance), sink);
  gst_element_add_pad(GST_ELEMENT(instance), gst_pad_new_from_static_template(&hang_src, "src"));
}

// A segment that the decoder hangs over.
Ref<GstBuffer> hanging_segment() {
  static const GType type = g_type_register_static_simple(
      GST_TYPE_ELEMENT, "DistTestHang", sizeof(GstElementClass), hang_class_init,
      sizeof(GstElement), hang_init, static_cast<GTypeFlags>(0));
  // Before the others that decode this.
  gst_element_register(nullptr, "disttesthang", GST_RANK_PRIMARY + 100, type);
  dist::SegmentHeader header = source_header(0);
  header.caps = "image/jpeg";
  return segment(header);
}

}  // namespace

GST_START_TEST(test_segment_look_honest_renditions_pass) {
  const struct {
    const char* name;
    const char* encoder;
  } rows[] = {
      {"x264-18.mkv", "-c:v libx264 -preset veryfast -crf 18"},
      {"x264-40.mkv", "-c:v libx264 -preset veryfast -crf 40 -bf 3"},
      {"x264-240p.mkv", "-c:v libx264 -preset veryfast -crf 30 -s 426x240"},
      {"x264-10bit.mkv", "-c:v libx264 -preset veryfast -crf 30 -pix_fmt yuv420p10le"},
      {"x265-32.mkv", "-c:v libx265 -preset ultrafast -crf 32 -x265-params log-level=none"},
      {"vp8-30.webm", "-c:v libvpx -crf 30 -b:v 1M -cpu-used 8 -auto-alt-ref 0"},
      {"vp9-40.webm", "-c:v libvpx-vp9 -crf 40 -b:v 0 -cpu-used 8 -auto-alt-ref 0"},
      {"mpeg2.mkv", "-c:v mpeg2video -q:v 12 -bf 2"},
      {"wide.mkv", "-vf pad=854:360:107:0 -c:v libx264 -preset veryfast"},
  };
  for (const auto& row : rows) {
    const auto mismatch = verdict(film_of(row.name, "", row.encoder));
    fail_unless(!mismatch, "%s: %s", row.name, mismatch ? mismatch->reason.c_str() : "");
  }
}
GST_END_TEST

GST_START_TEST(test_segment_look_lies_are_found_and_named) {
  const struct {
    const char* name;
    const char* filters;
    dist::MismatchKind kind;
  } rows[] = {
      {"black", ",drawbox=t=fill:c=black", dist::MismatchKind::kFlat},
      {"mirrored", ",hflip", dist::MismatchKind::kFlipped},
      {"upside-down", ",vflip,hflip", dist::MismatchKind::kFlipped},
      {"frozen", ",trim=end_frame=26,tpad=stop=24:stop_mode=clone", dist::MismatchKind::kFrozen},
      {"doubled", ",shuffleframes=0\\ 0", dist::MismatchKind::kRepeated},
      {"late", ",tpad=start=4:start_mode=clone", dist::MismatchKind::kOtherTime},
      {"segment-before", ",tpad=start=25:start_mode=clone", dist::MismatchKind::kOther},
      {"logo", ",drawbox=x=320:y=180:w=320:h=180:t=fill:c=white", dist::MismatchKind::kPatch},
      {"scaled-up", ",scale=64:64,scale=640:360", dist::MismatchKind::kBlurred},
      {"samples-repeated", ",scale=64:64:flags=area,scale=640:360:flags=neighbor",
       dist::MismatchKind::kBlurred},
      {"swapped", ",swapuv", dist::MismatchKind::kColours},
      {"gray", ",hue=s=0", dist::MismatchKind::kColours},
  };
  for (const auto& row : rows) {
    const auto mismatch = verdict(x264_film(row.name, row.filters));
    fail_unless(mismatch.has_value(), "%s was not found", row.name);
    fail_unless(mismatch->kind == row.kind, "%s: %s, %s", row.name, dist::to_string(mismatch->kind),
                mismatch->reason.c_str());
  }
}
GST_END_TEST

// However a film is cut, its frames look the same as in one piece: with preroll, leading pictures,
// frames that are not shown, and without a constant rate.
GST_START_TEST(test_segment_look_frames_are_those_of_the_undivided_film) {
  for (const char* name :
       {"h264-one-keyframe.mkv", "h264-open-gop.mp4", "hevc-open-gop.mp4", "mpeg2-open-gop.ts",
        "vp8-altref.webm", "vp9-altref.webm", "av1.mkv", "mjpeg.avi", "h264-odd-timestamps.mkv"}) {
    const std::string path = film::clips(name).at(0);
    const auto whole = segments_of_file(path, "segment-duration=99000000000");
    const auto expected = look(whole.at(0)).frames;
    std::size_t at = 0;
    for (const auto& part :
         segments_of_file(path, "segment-duration=1000000000 max-segment-duration=1000000000"))
      for (const dist::FrameLook& frame : look(part).frames) {
        fail_unless(at < expected.size(), "%s: too many frames", name);
        fail_unless(frame.time == expected[at].time, "%s: frame %zu", name, at);
        fail_unless(frame.luma == expected[at].luma, "%s: frame %zu", name, at);
        ++at;
      }
    fail_unless(at == expected.size() && at > 50, "%s: %zu frames", name, at);
  }
}
GST_END_TEST

GST_START_TEST(test_segment_look_ends_with_the_frame_asked_for) {
  const auto& segment = moving_film().at(1);
  const auto all = look(segment).frames;
  fail_unless(all.size() == 25);
  for (std::size_t last : {0u, 1u, 2u, 7u, 24u}) {
    LookOptions options;
    // Between this frame and the next.
    options.until = all[last].time + GST_MSECOND;
    const auto some = look(segment, options).frames;
    expect_equal(some.size(), last + 1);
    fail_unless(some.back().time == all[last].time && some.back().luma == all[last].luma);
  }
  LookOptions options;
  options.until = all[0].time - 1;
  fail_unless(look(segment, options).frames.empty());
}
GST_END_TEST

GST_START_TEST(test_segment_look_takes_bytes) {
  const dist::BufferMap map(moving_film().at(1).get());
  const auto bytes = dist::Bytes::take({map.span().begin(), map.span().end()});
  SegmentLooker looker;
  const auto result = looker.look(dist::BytesList{bytes}, LookOptions());
  fail_unless(result && result->frames.size() == 25);
}
GST_END_TEST

GST_START_TEST(test_segment_look_takes_raw_video) {
  const auto raw = [](const std::string& format) {
    return look(segments_of("videotestsrc pattern=smpte75 num-buffers=10 ! video/x-raw,format=" +
                            format + ",width=320,height=240,framerate=10/1")
                    .at(0))
        .frames;
  };
  const auto expected = raw("I420");
  fail_unless(expected.size() == 10 && expected[0].has_chroma);
  for (const char* format : {"NV12", "YUY2", "RGBA", "I420_10LE", "P010_10LE", "Y444"}) {
    const auto mismatch = dist::compare(expected, raw(format));
    fail_unless(!mismatch, "%s: %s", format, mismatch ? mismatch->reason.c_str() : "");
  }
  fail_if(raw("GRAY8").at(0).has_chroma);
}
GST_END_TEST

GST_START_TEST(test_segment_look_sizes_are_those_of_the_caps) {
  const auto small = changed(as_rendition(moving_film().at(1)), [](auto& header, Units&) {
    const std::string width = "width=(int)640";
    header.caps.replace(header.caps.find(width), width.size(), "width=(int)64");
  });
  const std::string error = error_of(small);
  expect_part(error, "segment 1, rendition 'v': ");
  expect_part(error, "640x368 pixels, not 64x360");
}
GST_END_TEST

// What a decoder makes room for is not what is to be shown.
GST_START_TEST(test_segment_look_sizes_are_those_before_cropping) {
  const std::string path = film_of(
      "cropped.h264", ",scale=1280:720",
      "-c:v libx264 -preset ultrafast -bsf:v h264_metadata=crop_right=1264:crop_bottom=704");
  const auto segment = segments_of("filesrc location=\"" + path + "\" ! h264parse").front();
  expect_part(header_of(segment).caps, "width=(int)16, height=(int)16");
  expect_part(error_of(as_rendition(segment)), "its pictures have 1280x720 pixels, not 16x16");
}
GST_END_TEST

GST_START_TEST(test_segment_look_sizes_are_those_that_parsers_see) {
  for (const char* encoder :
       {"-c:v libvpx-vp9 -cpu-used 8 -deadline realtime", "-c:v mpeg2video", "-c:v mpeg4"}) {
    const std::string name = std::string(encoder).substr(5, std::string(encoder).find(' ', 5) - 5);
    const auto large = as_rendition(
        segments_of_file(film_of("large-" + name + ".mkv", ",scale=640:360", encoder)).front());
    look(large);
    const auto lying = changed(large, [](auto& header, Units&) {
      for (const char* field : {"width=(int)640", "height=(int)360"})
        header.caps.replace(header.caps.find(field), std::string_view(field).size(),
                            field[0] == 'w' ? "width=(int)64" : "height=(int)36");
    });
    expect_part(error_of(lying), "its pictures have 640x360 pixels, not 64x36");
  }
}
GST_END_TEST

// A sequence of another size follows within the segment.
GST_START_TEST(test_segment_look_sizes_do_not_grow_on_the_way) {
  const auto film = [](const std::string& size) {
    return segments_of_file(
               film_of("mpeg2-" + size + ".mkv", ",scale=" + size, "-c:v mpeg2video -bf 0"))
        .front();
  };
  Units large;
  changed(film("1280:720"), [&](auto&, Units& units) { large = units; });
  const auto growing = changed(as_rendition(film("320:180")), [&](auto&, Units& units) {
    std::copy(large.begin(), large.begin() + 12, units.end() - 12);
  });
  expect_part(error_of(growing), "its pictures have 1280x720 pixels, not 320x180");
}
GST_END_TEST

GST_START_TEST(test_segment_look_damaged_renditions_are_errors) {
  const auto rendition = as_rendition(moving_film().at(1));
  expect_part(error_of(changed(rendition,
                               [](auto&, Units& units) {
                                 for (auto& unit : units)
                                   std::ranges::fill(unit, std::uint8_t{0});
                               })),
              "rendition 'v'");
  expect_part(error_of(changed(rendition,
                               [](auto&, Units& units) {
                                 for (auto& unit : units)
                                   unit.resize(std::min<std::size_t>(unit.size(), 6));
                               })),
              "rendition 'v'");
  expect_part(error_of(changed(rendition,
                               [](auto& header, Units&) { header.caps = "video/x-unheard-of"; })),
              "no kind of video");
  expect_part(error_of(changed(rendition, [](auto& header, Units&) { header.caps = "!"; })),
              "cannot be read");
  const auto cut = Ref<GstBuffer>::adopt(gst_buffer_copy_region(
      rendition.get(), GST_BUFFER_COPY_ALL, 0, gst_buffer_get_size(rendition.get()) - 1));
  error_of(cut);
}
GST_END_TEST

// Whatever is wrong with them, there is an answer.
GST_START_TEST(test_segment_look_survives_noise) {
  const auto rendition = as_rendition(moving_film().at(1));
  GRand* const random = g_rand_new_with_seed(41);
  for (unsigned round = 0; round < 30; ++round) {
    const auto damaged = changed(rendition, [&](auto&, Units& units) {
      for (auto& unit : units)
        for (unsigned i = 0; i < round; ++i)
          unit[static_cast<std::size_t>(
              g_rand_int_range(random, 0, static_cast<gint>(unit.size())))] =
              static_cast<std::uint8_t>(g_rand_int(random));
    });
    SegmentLooker looker;
    const auto result = looker.look(damaged.get(), LookOptions());
    fail_unless(!result || result->frames.size() == 25);
  }
  g_rand_free(random);
}
GST_END_TEST

GST_START_TEST(test_segment_look_a_decoder_that_hangs_is_an_error) {
  const auto segment = hanging_segment();
  SegmentLooker looker;
  LookOptions options;
  options.time_limit = 50 * GST_MSECOND;
  const auto result = looker.look(segment.get(), options);
  fail_if(static_cast<bool>(result));
  expect_part(result.error(), "segment 0: decoding takes longer than 50 ms");
  // Another one can be looked at nevertheless.
  fail_unless(static_cast<bool>(looker.look(moving_film().at(1).get(), LookOptions())));
  hang.release();
}
GST_END_TEST

GST_START_TEST(test_segment_look_a_slow_rendition_is_an_error) {
  hang.busy = true;
  const auto slow = changed(hanging_segment(), [](auto& header, Units&) {
    header.rendition = "v";
    header.caps = "image/jpeg,width=64,height=48";
  });
  SegmentLooker looker;
  const auto result = looker.look(slow.get(), LookOptions());
  hang.release();
  fail_if(static_cast<bool>(result));
  expect_part(result.error(), "ms of processor time, which no frames of its size need");
}
GST_END_TEST

GST_START_TEST(test_segment_look_cancel_ends_a_decode) {
  const auto segment = hanging_segment();
  SegmentLooker looker;
  std::thread other([&looker] {
    hang.wait_until_entered();
    looker.cancel();
  });
  const auto result = looker.look(segment.get(), LookOptions());
  other.join();
  fail_if(static_cast<bool>(result));
  expect_text(result.error(), "segment 0: cancelled");
  hang.release();
  const auto later = looker.look(moving_film().at(1).get(), LookOptions());
  fail_if(static_cast<bool>(later));
  expect_text(later.error(), "segment 1: cancelled");
}
GST_END_TEST

GST_START_TEST(test_segment_look_gives_a_picture) {
  const std::string path = scratch("worst-" + std::to_string(g_random_int()) + ".jpg");
  SegmentLooker looker;
  LookOptions options;
  options.until = 1200 * GST_MSECOND;
  const auto picture = looker.picture(moving_film().at(1).get(), options);
  fail_unless(static_cast<bool>(picture), "%s", picture ? "" : picture.error().c_str());
  fail_unless(g_file_set_contents(path.c_str(), reinterpret_cast<const gchar*>(picture->data()),
                                  static_cast<gssize>(picture->size()), nullptr));
  const auto recording =
      film::record("filesrc location=" + path +
                   " ! jpegdec ! video/x-raw,width=320,height=180 ! appsink name=out");
  fail_unless(recording.error.empty() && recording.items.size() == 1, "%s",
              recording.error.c_str());
  std::filesystem::remove(path);
}
GST_END_TEST

// What a worker says of its video must not keep it from being looked at.
GST_START_TEST(test_segment_look_lacks_a_decoder_of_a_codec_only) {
  dist::SegmentHeader header;
  for (const char* caps : {"video/x-h264, stream-format=(string)avc3, alignment=(string)au",
                           "video/x-h264, profile=(string)nonsense", "image/jpeg", ""}) {
    header.caps = caps;
    fail_if(dist::lacks_decoder(header), "%s", caps);
  }
  header.caps = "video/x-nobody-knows";
  fail_unless(dist::lacks_decoder(header));
}
GST_END_TEST

GST_START_TEST(test_segment_look_caps_are_those_of_the_codec_that_was_asked_for) {
  const auto wanted = dist::parse_renditions("v:jpeg:640x360")->front();
  const std::uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F'};
  const auto check = [&](const char* caps) {
    dist::SegmentHeader header;
    header.caps = caps;
    header.units = {{.size = sizeof(jpeg)}};
    const auto checked = dist::check_rendition(header, jpeg, false, &wanted);
    return checked ? std::string() : checked.error();
  };
  expect_text(check("image/jpeg, width=(int)640, height=(int)360"), "");
  expect_text(check("image/jpeg"), "is 0x0, and 640x360 is wanted");
  expect_text(check("image/jpeg, width=(int)320, height=(int)180"),
              "is 320x180, and 640x360 is wanted");
  expect_text(check("application/x-visual-hash, width=(int)640, height=(int)360"),
              "is application/x-visual-hash, and image/jpeg is wanted");
}
GST_END_TEST

GST_START_TEST(test_segment_look_frames_have_plausible_sizes) {
  const std::uint8_t key[] = {0, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0, 0, 0};
  dist::SegmentHeader header;
  header.caps = "video/x-vp8, width=(int)64, height=(int)64";
  const auto check = [&](std::vector<std::uint32_t> sizes) {
    header.units.clear();
    for (const std::uint32_t size : sizes)
      header.units.push_back({.size = size});
    const auto checked = dist::check_rendition(header, key, false);
    return checked ? std::string() : checked.error();
  };
  expect_text(check({12, 1, 1}), "");
  expect_text(check({7, 1}), "its first frame has 7 bytes, fewer than any keyframe");
  expect_text(check({12, 0, 5}), "some of its frames are empty");
  const std::uint32_t most = 64 * 64 * 6 + 65536;
  expect_text(check({most, 100, 2 * most - 100}), "");
  expect_text(check({most, 100, 2 * most - 99}),
              "has 270337 bytes, more than 3 uncompressed frames of 64x64");
}
GST_END_TEST

// Borders hold nothing, or the whole frame is looked at.
GST_START_TEST(test_segment_look_borders_are_black) {
  const auto film = [](const std::string& name, const std::string& colour) {
    return x264_film(name, ",scale=320:360,pad=640:360:160:0:" + colour + ",setsar=2");
  };
  fail_unless(!verdict(film("black-borders", "black")).has_value());
  fail_unless(verdict(film("white-borders", "white")).has_value());
}
GST_END_TEST

static Suite* segment_look_suite() {
  Suite* const suite = suite_create("segment_look");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_segment_look_honest_renditions_pass);
  tcase_add_test(tests, test_segment_look_lies_are_found_and_named);
  tcase_add_test(tests, test_segment_look_frames_are_those_of_the_undivided_film);
  tcase_add_test(tests, test_segment_look_ends_with_the_frame_asked_for);
  tcase_add_test(tests, test_segment_look_takes_bytes);
  tcase_add_test(tests, test_segment_look_takes_raw_video);
  tcase_add_test(tests, test_segment_look_sizes_are_those_of_the_caps);
  tcase_add_test(tests, test_segment_look_sizes_are_those_before_cropping);
  tcase_add_test(tests, test_segment_look_sizes_are_those_that_parsers_see);
  tcase_add_test(tests, test_segment_look_sizes_do_not_grow_on_the_way);
  tcase_add_test(tests, test_segment_look_damaged_renditions_are_errors);
  tcase_add_test(tests, test_segment_look_survives_noise);
  tcase_add_test(tests, test_segment_look_a_decoder_that_hangs_is_an_error);
  tcase_add_test(tests, test_segment_look_a_slow_rendition_is_an_error);
  tcase_add_test(tests, test_segment_look_cancel_ends_a_decode);
  tcase_add_test(tests, test_segment_look_gives_a_picture);
  tcase_add_test(tests, test_segment_look_lacks_a_decoder_of_a_codec_only);
  tcase_add_test(tests, test_segment_look_caps_are_those_of_the_codec_that_was_asked_for);
  tcase_add_test(tests, test_segment_look_frames_have_plausible_sizes);
  tcase_add_test(tests, test_segment_look_borders_are_black);
  return suite;
}

GST_CHECK_MAIN(segment_look)
