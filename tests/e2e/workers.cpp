// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that come, leave and come back, and strangers on the port: the joined stream is always
// the same.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gio/gio.h>
#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

// x264 reads memory that it did not write when mb-tree meets B-frames in a process that has encoded
// before; without it each segment's bytes are the same every time.
constexpr char kSlow[] =
    "decodebin ! videoconvert ! x264enc threads=1 speed-preset=slower mb-tree=false ! h264parse ! "
    "remoteencsink";
constexpr char kFast[] =
    "decodebin ! videoconvert ! x264enc threads=1 speed-preset=veryfast mb-tree=false ! h264parse "
    "! "
    "remoteencsink";

std::string source() {
  return "filesrc location=" + film::clips("h264-one-keyframe").front() + " ! parsebin ";
}

// One-second cuts, so that there is time for something to happen.
farm::Job job() {
  farm::Job one;
  one.source = source();
  one.segmenter = "max-segment-duration=1000000000";
  return one;
}

void assert_same_units(const film::Recording& expected, const film::Recording& seen) {
  ck_assert_msg(seen.error.empty(), "%s", seen.error.c_str());
  ck_assert_uint_eq(seen.items.size(), expected.items.size());
  for (std::size_t i = 0; i < expected.items.size(); ++i) {
    ck_assert_str_eq(seen.items[i].md5.c_str(), expected.items[i].md5.c_str());
    ck_assert_uint_eq(seen.items[i].pts, expected.items[i].pts);
    ck_assert_uint_eq(seen.items[i].dts, expected.items[i].dts);
  }
}

film::Recording undisturbed(const char* worker) {
  farm::Job calm = job();
  calm.workers = {worker};
  return farm::run(calm).recording;
}

// A primary that waits for whatever the test sends it.
struct Primary {
  GstElement* pipeline;
  unsigned port;

  explicit Primary(const farm::Job& description) : pipeline(farm::primary_new(description)) {
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    port = farm::port_of(pipeline);
  }
  ~Primary() {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }
};

// Connects, sends the bytes, and returns all that comes back until the primary closes.
std::string talk(unsigned port, const std::string& bytes) {
  GSocketClient* client = g_socket_client_new();
  g_socket_client_set_timeout(client, 10);
  GSocketConnection* connection = g_socket_client_connect_to_host(
      client, "127.0.0.1", static_cast<guint16>(port), nullptr, nullptr);
  ck_assert(connection);
  GOutputStream* out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
  g_output_stream_write_all(out, bytes.data(), bytes.size(), nullptr, nullptr, nullptr);
  GInputStream* in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
  std::string answer;
  gchar buffer[4096];
  gssize size = 0;
  while ((size = g_input_stream_read(in, buffer, sizeof(buffer), nullptr, nullptr)) > 0)
    answer.append(buffer, static_cast<std::size_t>(size));
  g_object_unref(connection);
  g_object_unref(client);
  return answer;
}

}  // namespace

GST_START_TEST(test_worker_killed_and_another_comes) {
  const film::Recording expected = undisturbed(kSlow);
  Primary primary(job());
  auto doomed = std::make_unique<farm::Process>(farm::worker_command(primary.port, kSlow));
  std::unique_ptr<farm::Process> heir;
  const film::Recording seen = film::record(primary.pipeline, 90, [&](const std::string& message) {
    if (message.rfind("dist-segment-done", 0) == 0 && doomed) {
      doomed->kill();
      doomed.reset();
    }
    if (message.rfind("dist-worker-left", 0) == 0 && !heir)
      heir = std::make_unique<farm::Process>(farm::worker_command(primary.port, kSlow));
  });
  assert_same_units(expected, seen);
  ck_assert(heir);
  ck_assert_int_eq(heir->exit_code(), 0);
  ck_assert_uint_ge(farm::named(seen.messages, "dist-lease-failed").size(), 1);
  const auto summary = farm::named(seen.messages, "dist-summary");
  ck_assert_uint_eq(summary.size(), 1);
  ck_assert_uint_eq(farm::field(summary[0], "segments"),
                    farm::named(seen.messages, "dist-segment-done").size());
  ck_assert_uint_eq(farm::field(summary[0], "failed-leases"),
                    farm::named(seen.messages, "dist-lease-failed").size());
  ck_assert_uint_eq(farm::field(summary[0], "workers"), 2);
}
GST_END_TEST

GST_START_TEST(test_worker_serves_one_job_after_another) {
  const film::Recording expected = undisturbed(kFast);
  const unsigned port = farm::free_port();
  farm::Process worker(farm::worker_command(port, kFast, "reconnect=true"));
  for (int i = 0; i < 3; ++i) {
    farm::Job description = job();
    description.remote = "port=" + std::to_string(port);
    Primary primary(description);
    assert_same_units(expected, film::record(primary.pipeline));
  }
}
GST_END_TEST

// It never gets a segment, so its pipeline is never complete; it ends well nevertheless.
GST_START_TEST(test_late_worker_is_told_that_the_job_is_done) {
  Primary primary(job());
  farm::Process worker(farm::worker_command(primary.port, kFast));
  GstElement* sink = gst_bin_get_by_name(GST_BIN(primary.pipeline), "out");
  g_object_set(sink, "sync", FALSE, "drop", TRUE, "max-buffers", 1, "wait-on-eos", FALSE, nullptr);
  gst_object_unref(sink);
  gst_element_set_state(primary.pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(primary.pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  ck_assert(end && GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS);
  gst_message_unref(end);
  gst_object_unref(bus);
  ck_assert_int_eq(worker.exit_code(), 0);
  farm::Process late(farm::worker_command(primary.port, kFast));
  ck_assert_int_eq(late.exit_code(), 0);
}
GST_END_TEST

// After its end an application seeks back: the same pipeline does the same job once more.
GST_START_TEST(test_seek_after_the_end_does_the_job_again) {
  Primary primary(job());
  farm::Process worker(farm::worker_command(primary.port, kFast, "reconnect=true"));
  GstElement* sink = gst_bin_get_by_name(GST_BIN(primary.pipeline), "out");
  g_object_set(sink, "sync", FALSE, "drop", TRUE, "max-buffers", 1, "wait-on-eos", FALSE, nullptr);
  gst_object_unref(sink);
  GstBus* bus = gst_element_get_bus(primary.pipeline);
  gst_element_set_state(primary.pipeline, GST_STATE_PLAYING);
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> messages;
    bool ended = false;
    while (!ended) {
      GstMessage* message = gst_bus_timed_pop(bus, 60 * GST_SECOND);
      ck_assert_msg(message && GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR, "round %d", round);
      if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT) {
        gchar* text = gst_structure_to_string(gst_message_get_structure(message));
        messages.push_back(text);
        g_free(text);
      }
      ended = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
      gst_message_unref(message);
    }
    ck_assert_uint_eq(farm::named(messages, "dist-segment-done").size(), 6);
    const auto summary = farm::named(messages, "dist-summary");
    ck_assert_uint_eq(summary.size(), 1);
    ck_assert_uint_eq(farm::field(summary[0], "segments"), 6);
    if (round == 0)
      ck_assert(gst_element_seek_simple(primary.pipeline, GST_FORMAT_TIME,
                                        static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH), 0));
  }
  gst_object_unref(bus);
}
GST_END_TEST

// Leases are out and results on their way; none of them may turn up after the seek.
GST_START_TEST(test_seek_in_the_middle_begins_the_job_anew) {
  const film::Recording expected = undisturbed(kFast);
  Primary primary(job());
  farm::Process worker(farm::worker_command(primary.port, kFast));
  bool sought = false;
  const film::Recording seen = film::record(primary.pipeline, 90, [&](const std::string& message) {
    if (sought || message.rfind("dist-segment-done, segment=(guint64)1", 0) != 0)
      return;
    // Without a buffer at its sink no pipeline can be sought, and the first may still be on its
    // way.
    ck_assert_int_eq(gst_element_get_state(primary.pipeline, nullptr, nullptr, GST_CLOCK_TIME_NONE),
                     GST_STATE_CHANGE_SUCCESS);
    sought = gst_element_seek_simple(primary.pipeline, GST_FORMAT_TIME,
                                     static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH), 0);
  });
  ck_assert(sought);
  ck_assert_int_eq(worker.exit_code(), 0);
  // What had come out before the seek is in the recording too.
  film::Recording after = seen;
  ck_assert_uint_ge(after.items.size(), expected.items.size());
  after.items.erase(after.items.begin(),
                    after.items.end() - static_cast<std::ptrdiff_t>(expected.items.size()));
  assert_same_units(expected, after);
}
GST_END_TEST

GST_START_TEST(test_strangers_change_nothing) {
  const film::Recording expected = undisturbed(kFast);
  Primary primary(job());
  const std::string silence = talk(primary.port, "GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  ck_assert_str_eq(silence.c_str(), "");
  std::string noise;
  GRand* random = g_rand_new_with_seed(1);
  for (int i = 0; i < 100000; ++i)
    noise += static_cast<char>(g_rand_int_range(random, 0, 256));
  g_rand_free(random);
  talk(primary.port, noise);
  // A greeting of protocol versions 7 to 9: type, reserved, length, magic, versions, capacity,
  // nonce, name.
  const std::string greeting =
      std::string("\x01\0\0\0\x2e\0\0\0GDST\x07\0\x09\0\x01\0", 18) + std::string(36, '\0');
  const std::string answer = talk(primary.port, greeting);
  ck_assert_msg(answer.find("versions 7 to 9") != std::string::npos &&
                    answer.find("version 1") != std::string::npos,
                "%s", answer.c_str());
  farm::Process worker(farm::worker_command(primary.port, kFast));
  const film::Recording seen = film::record(primary.pipeline);
  assert_same_units(expected, seen);
  ck_assert_int_eq(worker.exit_code(), 0);
  const auto refused = farm::named(seen.messages, "dist-connection-refused");
  ck_assert_uint_eq(refused.size(), 3);
  ck_assert_msg(refused[2].find("versions\\ 7\\ to\\ 9") != std::string::npos, "%s",
                refused[2].c_str());
}
GST_END_TEST

// What is left of a file that was cut off: the frames, or the error, of the undistributed pipeline.
GST_START_TEST(test_truncated_films) {
  for (const char* name :
       {"h264-open-gop.ts", "vp8-altref.webm", "h264-one-keyframe.mkv", "h264-closed.mp4"}) {
    const std::string whole = film::clips(name).front();
    const std::string path = whole + ".truncated";
    std::filesystem::copy_file(whole, path, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(path, std::filesystem::file_size(whole) * 6 / 10);
    const std::string truncated = "filesrc location=" + path + " ! parsebin ";
    const film::Recording plain = film::record(truncated + "! decodebin ! appsink name=out");
    farm::Job description;
    description.source = truncated;
    Primary primary(description);
    farm::Process worker(farm::worker_command(primary.port, kFast));
    const film::Recording seen = film::record(primary.pipeline);
    ck_assert_msg(seen.error.empty() == plain.error.empty(), "%s: '%s' instead of '%s'", name,
                  seen.error.c_str(), plain.error.c_str());
    if (plain.error.empty())
      ck_assert_msg(seen.items.size() == plain.items.size(), "%s: %zu frames instead of %zu", name,
                    seen.items.size(), plain.items.size());
    std::filesystem::remove(path);
  }
}
GST_END_TEST

static Suite* workers_suite() {
  Suite* suite = suite_create("workers");
  TCase* tests = tcase_create("workers");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_worker_killed_and_another_comes);
  tcase_add_test(tests, test_worker_serves_one_job_after_another);
  tcase_add_test(tests, test_late_worker_is_told_that_the_job_is_done);
  tcase_add_test(tests, test_seek_after_the_end_does_the_job_again);
  tcase_add_test(tests, test_seek_in_the_middle_begins_the_job_anew);
  tcase_add_test(tests, test_strangers_change_nothing);
  tcase_add_test(tests, test_truncated_films);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(workers)
