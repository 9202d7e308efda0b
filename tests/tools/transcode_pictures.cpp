// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The samples of the picture: what is lossless is so to the bit, and depth, range and colours get
// through where the codec has them.

#include "tests/tools/made_film.h"

#include <string>

#include "gst/gstx/ref.h"
#include "tests/common/film.h"

namespace {

using namespace tool;

constexpr char kPicture[] = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=0.4 ";

film::Recording decoded(const std::string& file, const std::string& format = "") {
  return film::record("filesrc location=" + file + " ! decodebin ! " +
                      (format.empty() ? "" : "videoconvert ! ") + "video/x-raw" +
                      (format.empty() ? "" : ",format=" + format) +
                      " ! appsink name=out sync=false");
}

std::string format_of(const film::Recording& recording) {
  ck_assert_msg(!recording.caps.empty(), "nothing decoded: %s", recording.error.c_str());
  const auto caps = dist::Ref<GstCaps>::adopt(gst_caps_from_string(recording.caps[0].c_str()));
  return gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "format");
}

// Frame by frame, in the format in which the source is decoded.
void expect_same_frames(const std::string& source, const std::string& out) {
  const film::Recording before = decoded(source);
  const std::string format = format_of(before);
  const film::Recording after = decoded(out, format);
  ck_assert_uint_eq(before.items.size(), 10);
  ck_assert_msg(after.items.size() == before.items.size(), "%s: %zu frames, %s", source.c_str(),
                after.items.size(), after.error.c_str());
  for (std::size_t i = 0; i < before.items.size(); ++i)
    ck_assert_msg(before.items[i].md5 == after.items[i].md5, "%s: frame %zu differs in %s, from %s",
                  source.c_str(), i, format.c_str(), format_of(decoded(out)).c_str());
}

}  // namespace

GST_START_TEST(test_transcode_lossless_to_the_bit) {
  const struct {
    const char* name;
    const char* encode;
    std::initializer_list<const char*> formats;  // Of ffmpeg.
  } rows[] = {
      {"in.mp4",
       "-c:v libx264",
       {"yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le",
        "gray"}},
      {"in.mp4", "-c:v libx264rgb", {"rgb24"}},
      {"in.mp4",
       "-c:v libx265 -tag:v hvc1 -preset ultrafast -x265-params log-level=error",
       {"yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "yuv422p12le", "yuv444p12le",
        "gray", "gbrp", "gbrp10le", "gbrp12le"}},
      {"in.webm", "-c:v libvpx-vp9 -cpu-used 8", {"yuv420p12le", "yuv444p10le"}},
      {"in.mov", "-c:v rawvideo", {"rgb24"}},
      {"in.mkv", "-c:v mjpeg", {"yuvj420p"}},
      {"in.ts", "-c:v mpeg2video", {"yuv422p"}},
      {"in.mp4",
       "-c:v libx264 -colorspace bt2020nc -color_trc smpte2084 -color_primaries bt2020",
       {"yuv420p10le"}},
  };
  for (const auto& row : rows)
    for (const char* format : row.formats) {
      const Folder folder;
      ffmpeg(std::string(kPicture) + "-pix_fmt " + format + " " + row.encode + " " +
             (folder / row.name));
      transcoded(folder / row.name, folder / "out.mkv", "-r all:ffv1");
      expect_same_frames(folder / row.name, folder / "out.mkv");
    }
}
GST_END_TEST

// As near to the source as that of 8 bits.
GST_START_TEST(test_transcode_chroma_of_ten_bits) {
  const Folder folder;
  ffmpeg(std::string(kPicture) +
         "-pix_fmt yuv420p10le -c:v libx265 -tag:v hvc1 -preset ultrafast "
         "-x265-params log-level=error:lossless=1 " +
         (folder / "in.mp4"));
  for (const char* codec : {"h264", "h265"}) {
    transcoded(folder / "in.mp4", folder / "out.mkv",
               std::string("-r all:") + codec + ":crf=1:maxrate=0");
    for (const char* component : {"y", "u", "v"}) {
      const double found = psnr(folder / "out.mkv", folder / "in.mp4", "yuv420p10le", component);
      ck_assert_msg(found > 45, "%s %s: %.1f dB", codec, component, found);
    }
  }
}
GST_END_TEST

// Gray and full range: as bright as before, whether the codec can say the range or not.
GST_START_TEST(test_transcode_gray_and_full_range) {
  const Folder folder;
  const std::string gray_jpeg =
      "gst-launch-1.0 -q videotestsrc num-buffers=10 ! "
      "video/x-raw,format=GRAY8,width=160,height=120,framerate=25/1 ! jpegenc ! ";
  ffmpeg(std::string(kPicture) + "-pix_fmt gray -c:v libx264 " + (folder / "h264.mp4"));
  ffmpeg(std::string(kPicture) +
         "-pix_fmt gray -c:v libx265 -tag:v hvc1 -preset ultrafast "
         "-x265-params log-level=error " +
         (folder / "h265.mp4"));
  ffmpeg(std::string(kPicture) + "-pix_fmt yuvj420p -c:v libx264 " + (folder / "full.mp4"));
  output_of(gray_jpeg + "matroskamux ! filesink location=" + (folder / "jpeg.mkv"));
  output_of(gray_jpeg + "qtmux ! filesink location=" + (folder / "jpeg.mov"));
  const struct {
    const char* rendition;
    const char* out;
    const char* range;  // Null: the codec does not say.
  } rows[] = {
      {"h264:crf=5:maxrate=0", "out.mp4", "pc"},
      {"h264:crf=5:maxrate=0", "out.ts", "pc"},
      {"h265:crf=5:maxrate=0", "out.mkv", "pc"},
      {"vp9:crf=5:maxrate=0", "out.webm", "pc"},
      {"vp8:crf=5:maxrate=0", "out.webm", "tv"},
      {"av1:crf=5:maxrate=0:speed=fast", "out.mp4", "pc"},
      {"mpeg4:crf=2", "out.ts", nullptr},
  };
  for (const char* film : {"h264.mp4", "h265.mp4", "full.mp4", "jpeg.mkv", "jpeg.mov"})
    for (const auto& row : rows) {
      const std::string out = folder / row.out;
      transcoded(folder / film, out, std::string("-r all:") + row.rendition);
      const double found = psnr(out, folder / film, "gbrp", "average");
      ck_assert_msg(found > 33, "%s to %s: %.1f dB", film, row.rendition, found);
      if (row.range)
        ck_assert_msg(video_fields(out, "color_range")
                          .starts_with(std::string("color_range=") + row.range + "\n"),
                      "%s to %s: %s", film, row.rendition,
                      video_fields(out, "color_range").c_str());
    }
}
GST_END_TEST

// As those of 8 bits, which the element "deinterlace" knows.
GST_START_TEST(test_transcode_deep_interlaced) {
  const Folder folder;
  const std::string fields =
      "-f lavfi -i testsrc2=size=160x120:rate=50:duration=0.4 -vf tinterlace=4 -c:v libx264 -qp 0 "
      "-flags +ilme+ildct -pix_fmt ";
  ffmpeg(fields + "yuv420p " + (folder / "8.mp4"));
  transcoded(folder / "8.mp4", folder / "8.mkv", "-r all:ffv1");
  ffmpeg("-i " + (folder / "8.mp4") + " -vf setfield=tff,format=yuv420p10le -c:v libx264 -qp 0 " +
         "-flags +ilme+ildct " + (folder / "10.mp4"));
  transcoded(folder / "10.mp4", folder / "10.mkv", "-r all:ffv1");
  for (const char* component : {"y", "u", "v"}) {
    const double found = psnr(folder / "10.mkv", folder / "8.mkv", "yuv420p10le", component);
    ck_assert_msg(found > 50, "%s: %.1f dB", component, found);
  }
  transcoded(folder / "10.mp4", folder / "out.mp4", "-r all:h264:64x48");
  ck_assert(video_fields(folder / "out.mp4", "field_order") == "field_order=progressive\n");
}
GST_END_TEST

// An MP4 that says nothing of the shape of its pixels, or that they are square, while the stream
// says what they are: neither squeezed nor of another shape.
GST_START_TEST(test_transcode_pixels_as_the_stream_says) {
  const Folder folder;
  ffmpeg(std::string(kPicture) + "-vf setsar=1 -pix_fmt yuv420p -c:v libx264 -bsf:v " +
         "h264_metadata=sample_aspect_ratio=16/11 " + (folder / "in.mp4"));
  for (const char* out : {"out.mp4", "out.ts"}) {
    transcoded(folder / "in.mp4", folder / out, "-r all:h264:crf=5:maxrate=0");
    ck_assert(video_fields(folder / out, "sample_aspect_ratio")
                  .starts_with("sample_aspect_ratio=16:11\n"));
    ck_assert(psnr(folder / out, folder / "in.mp4", "yuv420p", "average") > 35);
  }
  transcoded(folder / "in.mp4", folder / "out.mkv", "-r all:ffv1");
  expect_same_frames(folder / "in.mp4", folder / "out.mkv");
}
GST_END_TEST

// In the stream, not only in the file around it.
GST_START_TEST(test_transcode_av1_states_colours) {
  const struct {
    const char* flags;
    const char* colours;  // Range, matrix, transfer, primaries.
  } rows[] = {
      {"-color_range tv -colorspace bt709 -color_trc bt709 -color_primaries bt709",
       "tv,bt709,bt709,bt709"},
      {"-color_range pc -colorspace smpte170m -color_trc smpte170m -color_primaries smpte170m",
       "pc,smpte170m,smpte170m,smpte170m"},
      {"-color_range tv -colorspace bt2020nc -color_trc arib-std-b67 -color_primaries bt2020",
       "tv,bt2020nc,arib-std-b67,bt2020"},
  };
  for (const auto& row : rows)
    for (const char* out : {"out.mp4", "out.mkv", "out.webm"}) {
      const Folder folder;
      ffmpeg(std::string(kPicture) + "-pix_fmt yuv420p -c:v libx264 " + row.flags + " " +
             (folder / "in.mp4"));
      transcoded(folder / "in.mp4", folder / out, "-r all:av1:speed=fast");
      ffmpeg("-i " + (folder / out) + " -c copy -f obu " + (folder / "stream.obu"));
      const std::string found = output_of(
          "ffprobe -v error -show_entries "
          "stream=color_range,color_space,color_transfer,color_primaries -of csv=p=0 " +
          (folder / "stream.obu"));
      ck_assert_msg(found == std::string(row.colours) + "\n", "%s: %s", out, found.c_str());
    }
}
GST_END_TEST

static Suite* transcode_pictures_suite() {
  Suite* const suite = suite_create("transcode-pictures");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_lossless_to_the_bit);
  tcase_add_test(tests, test_transcode_chroma_of_ten_bits);
  tcase_add_test(tests, test_transcode_gray_and_full_range);
  tcase_add_test(tests, test_transcode_deep_interlaced);
  tcase_add_test(tests, test_transcode_pixels_as_the_stream_says);
  tcase_add_test(tests, test_transcode_av1_states_colours);
  return suite;
}

GST_CHECK_MAIN(transcode_pictures)
