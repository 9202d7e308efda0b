// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a primary can make a worker spend: memory, threads, and the time of its slot.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <mutex>

#include "gst/base/text.h"
#include "tests/hostile/peer.h"

namespace {

using namespace hostile;

Cut film(const std::string& encoder, unsigned width = 64, unsigned height = 48) {
  return cut("videotestsrc num-buffers=5 ! video/x-raw,format=I420,framerate=25/1,width=" +
             std::to_string(width) + ",height=" + std::to_string(height) + " ! " + encoder)
      .front();
}

constexpr char kH264[] = "x264enc speed-preset=ultrafast threads=1 ! h264parse";

void expect_part(const std::string& text, const std::string& part) {
  fail_unless(text.find(part) != std::string::npos, "'%s' does not say '%s'", text.c_str(),
              part.c_str());
}

// The caps say something smaller than the bytes, or nothing.
std::string without_size(const std::string& text) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  gst_structure_remove_fields(gst_caps_get_structure(caps.get(), 0), "width", "height",
                              "streamheader", nullptr);
  return dist::take_string(gst_caps_to_string(caps.get()));
}

std::size_t threads_here() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

}  // namespace

GST_START_TEST(test_hostile_leases_beyond_the_capacity_end_the_connection) {
  const Cut small = film("jpegenc");
  AttackedWorker w("slots=1 prefetch=1");
  const Cut long_work = film(kH264, 1280, 720);
  for (std::uint64_t lease = 1; lease <= 2; ++lease)
    w.peer.grant(lease, dist::to_bytes(long_work.segment.get()), kWanted);
  w.peer.expect_end();
  w.peer.grant(3, dist::to_bytes(long_work.segment.get()), kWanted);
  expect_text(string_field(w.messages.next("dist-disconnected"), "reason"),
              "lease 3: this worker takes 2 at a time");
  auto again = w.primary.accept();
  again.grant(1, dist::to_bytes(small.segment.get()), kWanted);
  expect_text(answer(again), "small*5");
}
GST_END_TEST

GST_START_TEST(test_hostile_large_pictures_are_refused) {
  AttackedWorker w("slots=1 max-pixels=10000");
  std::uint64_t lease = 0;
  for (const char* encoder : {kH264, "vp8enc deadline=1", "jpegenc", "identity"}) {
    const Cut large = film(encoder, 128, 96);
    w.peer.grant(++lease, dist::to_bytes(large.segment.get()), kWanted);
    expect_part(answer(w.peer), "pictures of 128x96, and max-pixels is 10000");
    const Cut small = film(encoder);
    w.peer.grant(++lease, dist::to_bytes(small.segment.get()), kWanted);
    expect_text(answer(w.peer), "small*5");
  }
}
GST_END_TEST

GST_START_TEST(test_hostile_large_pictures_are_seen_in_the_bytes) {
  AttackedWorker w("slots=1 max-pixels=10000");
  std::uint64_t lease = 0;
  for (const char* encoder : {"x264enc speed-preset=ultrafast threads=1 ! h264parse ! "
                              "video/x-h264,stream-format=byte-stream",
                              "vp8enc deadline=1", "jpegenc"}) {
    const Cut large = film(encoder, 128, 96);
    dist::SegmentHeader header = large.header;
    header.caps = without_size(header.caps);
    w.peer.grant(++lease, segment_of(header, units_of(large)), kWanted);
    expect_part(answer(w.peer), "pictures of 128x96, and max-pixels is 10000");
  }
}
GST_END_TEST

// Of 1280x720 pixels 16x16 are to be shown, but a decoder makes room for all.
GST_START_TEST(test_hostile_large_pictures_are_not_hidden_by_cropping) {
  const std::string path =
      (std::filesystem::path(g_getenv("DIST_BUILD_ROOT")) / "tests" / "cropped.h264").string();
  const std::string command =
      "ffmpeg -v error -y -f lavfi -i testsrc2=size=1280x720:duration=0.2 -pix_fmt yuv420p "
      "-c:v libx264 -bsf:v h264_metadata=crop_right=1264:crop_bottom=704 " +
      path;
  gint status = 0;
  fail_unless(g_spawn_command_line_sync(command.c_str(), nullptr, nullptr, &status, nullptr) &&
              status == 0);
  AttackedWorker w("slots=1 max-pixels=10000");
  std::uint64_t lease = 0;
  for (const char* format : {"avc", "byte-stream"}) {
    const Cut bomb = cut("filesrc location=" + path +
                         " ! h264parse ! video/x-h264,alignment=au,stream-format=" + format)
                         .front();
    expect_part(bomb.header.caps, "width=(int)16, height=(int)16");
    w.peer.grant(++lease, dist::to_bytes(bomb.segment.get()), kWanted);
    expect_part(answer(w.peer), "pictures of 1280x720, and max-pixels is 10000");
  }
}
GST_END_TEST

GST_START_TEST(test_hostile_renditions_do_not_choose_the_number_of_threads) {
  const Cut small = film(kH264, 320, 180);
  std::string wanted;
  for (int i = 0; i < 32; ++i)
    wanted += (i > 0 ? ", " : "") + ("r" + std::to_string(i)) + ":h264:160x90:threads=64";
  AttackedWorker w;
  const std::size_t before = threads_here();
  w.peer.grant(1, dist::to_bytes(small.segment.get()), wanted);
  const std::string said = answer(w.peer);
  expect_part(said, "r31*5");
  // Of each encoder its own, one that looks ahead, and those of the chain.
  const std::size_t most = before + 16 * g_get_num_processors() + 32 * 3;
  fail_unless(threads_here() < most, "%zu threads, %zu before", threads_here(), before);
}
GST_END_TEST

// A decoder that posts an error and then does not come back, until it is flushed, or at all.
struct Wedge {
  GstElement parent;
};
struct WedgeClass {
  GstElementClass parent;
};
G_DEFINE_TYPE(Wedge, wedge, GST_TYPE_ELEMENT)

static GstStaticPadTemplate wedge_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("image/jpeg"));
static GstStaticPadTemplate wedge_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));
static bool wedge_heeds_flush = true;

static GstFlowReturn wedge_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  gst_buffer_unref(buffer);
  GST_ELEMENT_ERROR(parent, STREAM, FAILED, ("Wedged."), (nullptr));
  while (!wedge_heeds_flush || !GST_PAD_IS_FLUSHING(pad))
    g_usleep(1000);
  return GST_FLOW_FLUSHING;
}

static void wedge_init(Wedge* self) {
  GstPad* const sink = gst_pad_new_from_static_template(&wedge_sink, "sink");
  gst_pad_set_chain_function(sink, wedge_chain);
  gst_element_add_pad(&self->parent, sink);
  gst_element_add_pad(&self->parent, gst_pad_new_from_static_template(&wedge_src, "src"));
}

static void wedge_class_init(WedgeClass* klass) {
  gst_element_class_add_static_pad_template(&klass->parent, &wedge_sink);
  gst_element_class_add_static_pad_template(&klass->parent, &wedge_src);
  gst_element_class_set_static_metadata(&klass->parent, "Wedge", "Codec/Decoder/Video", "Of a test",
                                        "gst-dist");
}

static void set_wedge_rank(guint rank) {
  GstPluginFeature* const feature = gst_registry_lookup_feature(gst_registry_get(), "wedge");
  gst_plugin_feature_set_rank(feature, rank);
  gst_object_unref(feature);
}

GST_START_TEST(test_hostile_slot_comes_back_after_an_error_that_hangs) {
  gst_element_register(nullptr, "wedge", GST_RANK_PRIMARY + 100, wedge_get_type());
  const Cut small = film("jpegenc");
  AttackedWorker w("slots=1 stall-timeout=1000000000");
  w.peer.grant(1, dist::to_bytes(small.segment.get()), kWanted);
  expect_part(answer(w.peer), "Wedged.");
  set_wedge_rank(GST_RANK_NONE);
  const gint64 since = g_get_monotonic_time();
  w.peer.grant(2, dist::to_bytes(small.segment.get()), kWanted);
  expect_text(answer(w.peer), "small*5");
  fail_unless(g_get_monotonic_time() - since < 5 * G_USEC_PER_SEC);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

// A thread that nothing brings back cannot be ended: the worker says so, and leaves its primary.
GST_START_TEST(test_hostile_slot_that_is_lost_is_named) {
  gst_element_register(nullptr, "wedge", GST_RANK_PRIMARY + 100, wedge_get_type());
  const Cut small = film("jpegenc");
  AttackedWorker w("slots=1 stall-timeout=1000000000");
  wedge_heeds_flush = false;
  w.peer.grant(1, dist::to_bytes(small.segment.get()), kWanted);
  expect_part(answer(w.peer), "stuck");
  w.messages.expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "stuck");
  w.peer.next<dist::PrimarySession::Left>();
  wedge_heeds_flush = true;
}
GST_END_TEST

static Suite* limits_suite() {
  Suite* const suite = suite_create("hostile-limits");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, test_hostile_leases_beyond_the_capacity_end_the_connection);
  tcase_add_test(tests, test_hostile_large_pictures_are_refused);
  tcase_add_test(tests, test_hostile_large_pictures_are_seen_in_the_bytes);
  tcase_add_test(tests, test_hostile_large_pictures_are_not_hidden_by_cropping);
  tcase_add_test(tests, test_hostile_renditions_do_not_choose_the_number_of_threads);
  tcase_add_test(tests, test_hostile_slot_comes_back_after_an_error_that_hangs);
  tcase_add_test(tests, test_hostile_slot_that_is_lost_is_named);
  return suite;
}

GST_CHECK_MAIN(limits)
