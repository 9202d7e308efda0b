// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Video of kinds that distsegmenter does not make, and broken video of those that it makes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "gst/base/text.h"
#include "gst/gstx/segment_kind.h"
#include "tests/elements/remoteencsrc.h"
#include "tests/hostile/peer.h"

namespace {

using namespace hostile;
using Units = std::vector<std::vector<std::uint8_t>>;

// A few frames of each kind.
const struct {
  const char* name;
  const char* encoder;
} kFilms[] = {
    {"H.264", "x264enc speed-preset=ultrafast threads=1 ! h264parse"},
    {"H.265", "x265enc speed-preset=ultrafast log-level=none ! h265parse"},
    {"VP8", "vp8enc deadline=1"},
    {"VP9", "vp9enc deadline=1 cpu-used=8 ! vp9parse ! video/x-vp9,alignment=super-frame"},
    {"AV1",
     "av1enc cpu-used=8 threads=1 usage-profile=realtime ! av1parse ! "
     "video/x-av1,stream-format=obu-stream,alignment=tu"},
    {"MPEG-2", "ffmpeg -c:v mpeg2video"},
    {"MPEG-4", "ffmpeg -c:v mpeg4"},
    {"JPEG", "jpegenc"},
    {"raw", "identity"},
};

// With timestamps that GStreamer's encoders of MPEG do not give.
Cut film_of_ffmpeg(const std::string& arguments) {
  const std::string path = std::filesystem::temp_directory_path() /
                           ("dist-hostile-" + std::to_string(getpid()) + ".mkv");
  const std::string command =
      "ffmpeg -v error -y -f lavfi -i testsrc2=size=64x48:rate=25 -frames:v 5" +
      arguments.substr(std::string("ffmpeg").size()) + " " + path;
  gint status = 0;
  fail_unless(
      g_spawn_command_line_sync(command.c_str(), nullptr, nullptr, &status, nullptr) && status == 0,
      "%s", command.c_str());
  Cut first = cut("filesrc location=" + path + " ! parsebin").front();
  std::filesystem::remove(path);
  return first;
}

Cut film(const std::string& encoder) {
  if (encoder.starts_with("ffmpeg"))
    return film_of_ffmpeg(encoder);
  return cut(std::string("videotestsrc num-buffers=5 ! "
                         "video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! ") +
             encoder)
      .front();
}

std::string refusal(AttackedWorker& w, const Cut& model, const std::string& caps) {
  static std::uint64_t lease = 1000;
  dist::SegmentHeader header = model.header;
  header.caps = caps;
  w.peer.grant(++lease, segment_of(header, units_of(model)), kWanted);
  return answer(w.peer);
}

void expect_refused(const std::string& reason, const std::string& what) {
  fail_unless(reason.find("the worker does not take this video: ") == 0, "%s: %s", what.c_str(),
              reason.c_str());
}

// A listening socket and a FIFO, which tell whether somebody wanted what is there.
struct Bait {
  std::string fifo =
      std::filesystem::temp_directory_path() / ("dist-bait-" + std::to_string(getpid()));
  FakePrimary server;

  Bait() { fail_unless(mkfifo(fifo.c_str(), 0600) == 0); }
  ~Bait() { std::filesystem::remove(fifo); }

  std::vector<std::uint8_t> playlist(const std::string& uri) const {
    const std::string text =
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + uri + "\n#EXT-X-ENDLIST\n";
    return {text.begin(), text.end()};
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port()) + "/a.ts"; }
  // Opening a FIFO for writing fails as long as nobody reads it.
  bool file_opened() const {
    const int file = open(fifo.c_str(), O_WRONLY | O_NONBLOCK);
    if (file >= 0)
      close(file);
    return file >= 0;
  }
};

}  // namespace

GST_START_TEST(test_hostile_playlist_opens_nothing) {
  Bait bait;
  AttackedWorker w;
  dist::SegmentHeader header = film("jpegenc").header;
  header.caps = "application/x-hls";
  header.units.resize(1);
  std::uint64_t lease = 0;
  for (const std::string& uri : {bait.url(), "file://" + bait.fifo}) {
    w.peer.grant(++lease, segment_of(header, {bait.playlist(uri)}), kWanted);
    for (int i = 0; i < 5; ++i) {
      fail_unless(bait.server.quiet(), "the worker dialled");
      fail_if(bait.file_opened(), "the worker opened a file");
    }
    expect_refused(answer(w.peer), uri);
  }
}
GST_END_TEST

GST_START_TEST(test_hostile_other_media_types_are_refused) {
  const Cut model = film("jpegenc");
  AttackedWorker w;
  for (const char* caps :
       {"application/x-hls",
        "application/dash+xml",
        "application/vnd.ms-sstr+xml",
        "application/sdp",
        "application/x-rtp, media=(string)video",
        "application/x-rtsp",
        "application/x-ogm-video",
        "application/ogg",
        "application/x-id3",
        "application/x-apetag",
        "application/x-3gp",
        "application/mxf",
        "application/x-gst-av-wsaud",
        "application/x-xges",
        "application/x-icy, metadata-interval=(int)16",
        "application/x-dist-segment",
        "application/vnd.rn-realmedia",
        "application/x-subtitle-vtt",
        "application/xml",
        "video/x-nsv",
        "video/quicktime",
        "video/webm",
        "video/x-matroska",
        "video/x-flv",
        "video/x-msvideo",
        "video/mpegts, systemstream=(boolean)true",
        "video/x-ms-asf",
        "video/x-ivf",
        "video/x-ffv, ffversion=(int)1",
        "video/x-theora",
        "video/x-wmv",
        "video/x-vp6",
        "video/x-dv, systemstream=(boolean)true",
        "video/x-h263",
        "video/mpeg, mpegversion=(int)2, systemstream=(boolean)true, parsed=(boolean)true",
        "video/mpeg, systemstream=(boolean)false, parsed=(boolean)true",
        "video/x-bayer",
        "image/svg+xml",
        "image/png",
        "image/webp",
        "image/gif",
        "image/tiff",
        "audio/mpeg, mpegversion=(int)1",
        "audio/x-wav",
        "text/uri-list",
        "text/x-raw",
        "multipart/x-mixed-replace",
        "subpicture/x-dvd"})
    expect_refused(refusal(w, model, caps), caps);
  w.peer.grant(1, dist::to_bytes(model.segment.get()), kWanted);
  expect_text(answer(w.peer), "small*5");
}
GST_END_TEST

// The media type is right, and something else is not.
GST_START_TEST(test_hostile_caps_of_known_kinds_are_checked) {
  const Cut model = film("jpegenc");
  AttackedWorker w;
  const std::string h264 = "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au";
  const std::vector<std::string> rows = {
      "ANY",
      "EMPTY",
      "NONE",
      "",
      "image/jpeg; image/jpeg",
      "image/jpeg, width=(int)[ 1, 9 ]",
      "image/jpeg(ANY), width=(int)64",
      "image/jpeg(memory:VAMemory)",
      "image/jpeg(meta:GstVideoMeta)",
      "image/jpeg, width=(int)-1",
      "image/jpeg, width=(int)16385",
      "image/jpeg, width=(string)64",
      "image/jpeg, framerate=(int)25",
      "image/jpeg, colorimetry=(int)25",
      "image/jpeg, pixel-aspect-ratio=(fraction)0/1",
      "image/jpeg, codec_data=(string)00",
      "image/jpeg, colorimetry=(string)" + std::string(257, 'a'),
      "image/jpeg, codec_data=(buffer)" + std::string(65'538, '0'),
      "image/jpeg, x=(int)" + std::string(40, '<'),
      "image/jpeg, streamheader=(buffer)< 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, "
      "00, 00, 00 >",
      "video/x-h264",
      "video/x-h264, alignment=(string)au",
      h264 + "; " + h264,
      "video/x-h264, stream-format=(string)avc, alignment=(string)nal",
      // Decoders go by the codec data.
      h264 + ", codec_data=(buffer)01640015ffe1000467640015",
      "video/x-h264, stream-format=(string)avc, alignment=(string)au",
      "video/x-h264, stream-format=(string)avc, alignment=(string)au, "
      "codec_data=(buffer)000000016764",
      "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au, "
      "codec_data=(buffer)01016000000090000000",
      "video/x-h265, stream-format=(string)hvc1, alignment=(string)au, codec_data=(buffer)00000001",
      "video/x-vp8, codec-alpha=(boolean)true",
      "video/x-raw",
      "video/x-raw, format=(string)I420",
      "video/x-raw, format=(string)ENCODED, width=(int)8, height=(int)8",
      "video/x-raw(memory:GLMemory), format=(string)I420, width=(int)8, height=(int)8",
  };
  for (const std::string& caps : rows)
    expect_refused(refusal(w, model, caps), caps.substr(0, 100));
  w.peer.grant(1, dist::to_bytes(model.segment.get()), kWanted);
  expect_text(answer(w.peer), "small*5");
}
GST_END_TEST

// Nothing of it comes into a pipeline that somebody wrote, which may have a decodebin.
GST_START_TEST(test_hostile_pipelines_by_hand_are_spared) {
  Source s;
  auto worker = s.primary.accept();
  auto header = source_header(0);
  header.caps = "application/x-hls";
  worker.grant(1, header);
  expect_refused(worker.next<FakePrimary::Failure>().reason, header.caps);
  expect_text(s.log.text(), "");
}
GST_END_TEST

// Fields that are not known do not make honest video strange, and no element sees them.
GST_START_TEST(test_hostile_unknown_fields_are_left_out) {
  const auto kind = dist::kind_of_source(
      "image/jpeg, width=(int)64, height=(int)48, location=(string)/etc/passwd, "
      "framerate=(fraction)25/1");
  fail_unless(static_cast<bool>(kind));
  const auto wanted = Ref<GstCaps>::adopt(
      gst_caps_from_string("image/jpeg, width=(int)64, height=(int)48, framerate=(fraction)25/1"));
  fail_unless(gst_caps_is_equal(kind->caps.get(), wanted.get()));
}
GST_END_TEST

// What is honest passes as it is.
GST_START_TEST(test_hostile_what_is_cut_is_taken) {
  for (const auto& row : kFilms) {
    const Cut whole = film(row.encoder);
    const auto kind = dist::kind_of_source(whole.header.caps);
    fail_unless(static_cast<bool>(kind), "%s: %s", row.name, kind ? "" : kind.error().c_str());
    const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(whole.header.caps.c_str()));
    fail_unless(gst_caps_is_equal(kind->caps.get(), caps.get()), "%s: %s", row.name,
                whole.header.caps.c_str());
  }
}
GST_END_TEST

namespace {

using Random = std::mt19937;

unsigned below(Random& random, std::size_t limit) {
  return static_cast<unsigned>(random() % std::max<std::size_t>(limit, 1));
}

void spoil(Random& random, Units& units) {
  for (auto& unit : units) {
    switch (below(random, 4)) {
      case 0:
        unit.resize(below(random, unit.size()));
        break;
      case 1:
        for (auto& byte : unit)
          byte = static_cast<std::uint8_t>(random());
        break;
      default:
        for (unsigned i = below(random, 12); i > 0 && !unit.empty(); --i)
          unit[below(random, unit.size())] = static_cast<std::uint8_t>(random());
    }
  }
}

// Other values for some fields, and other media types now and then.
std::string spoiled_caps(Random& random, const std::string& text) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  GstStructure* const fields = gst_caps_get_structure(caps.get(), 0);
  for (const char* field : {"width", "height", "bit-depth-luma", "profile", "level", "codec_data",
                            "streamheader", "chroma-format", "framerate", "interlace-mode"}) {
    switch (below(random, 6)) {
      case 0:
        gst_structure_remove_field(fields, field);
        break;
      case 1:
        gst_structure_set(fields, field, G_TYPE_INT, static_cast<gint>(below(random, 5000)),
                          nullptr);
        break;
      case 2:
        gst_structure_set(fields, field, G_TYPE_STRING, "high", nullptr);
        break;
      default:
        break;
    }
  }
  return dist::take_string(gst_caps_to_string(caps.get()));
}

}  // namespace

GST_START_TEST(test_hostile_random_segments_do_no_harm) {
  const auto& row = kFilms[__i__];
  const Cut whole = film(row.encoder);
  Random random(static_cast<unsigned>(__i__) + 1);
  AttackedWorker w("slots=1 stall-timeout=5000000000");
  std::uint64_t lease = 0;
  for (int round = 0; round < 30; ++round) {
    Units units = units_of(whole);
    dist::SegmentHeader header = whole.header;
    if (round % 3 != 0)
      spoil(random, units);
    if (round % 3 != 1)
      header.caps = spoiled_caps(random, header.caps);
    w.peer.grant(++lease, segment_of(header, units), kWanted);
    const std::string said = answer(w.peer);
    fail_if(said.empty(), "%s, round %d", row.name, round);
    fail_if(said.find("stall-timeout") != std::string::npos, "%s, round %d: %s", row.name, round,
            said.c_str());
  }
  w.peer.grant(++lease, dist::to_bytes(whole.segment.get()), kWanted);
  expect_text(answer(w.peer), "small*5");
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

static Suite* kinds_suite() {
  Suite* const suite = suite_create("hostile-kinds");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_set_timeout(tests, 180);
  tcase_add_test(tests, test_hostile_playlist_opens_nothing);
  tcase_add_test(tests, test_hostile_other_media_types_are_refused);
  tcase_add_test(tests, test_hostile_caps_of_known_kinds_are_checked);
  tcase_add_test(tests, test_hostile_pipelines_by_hand_are_spared);
  tcase_add_test(tests, test_hostile_unknown_fields_are_left_out);
  tcase_add_test(tests, test_hostile_what_is_cut_is_taken);
  tcase_add_loop_test(tests, test_hostile_random_segments_do_no_harm, 0,
                      static_cast<int>(std::size(kFilms)));
  return suite;
}

GST_CHECK_MAIN(kinds)
