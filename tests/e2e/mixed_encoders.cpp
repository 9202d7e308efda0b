// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Two workers with different encoders serve one job.

// Before gstcheck.h, which has a macro "fail".
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gst/check/gstcheck.h>
#include <unistd.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

constexpr std::size_t kSegments = 6;
constexpr std::size_t kFrames = 150;

// Slow enough that no worker can do the other's share, and as mixed-encoders demands it.
std::string written_by_hand(unsigned port, const std::string& encoder) {
  const std::string settings = encoder == "x264enc" ? " threads=1 speed-preset=veryfast" : "";
  return farm::worker_command(
      port,
      "decodebin ! identity sleep-time=20000 ! videoconvert ! video/x-raw,format=I420 ! " +
          encoder + settings +
          " ! h264parse config-interval=-1 ! "
          "video/x-h264,stream-format=byte-stream,alignment=au ! remoteencsink",
      "worker-name=" + encoder);
}

std::string generic(unsigned port, const std::string& encoder) {
  return "gst-launch-1.0 -q remoteencworker port=" + std::to_string(port) +
         " slots=1 reconnect=false encoders=" + encoder + " worker-name=" + encoder;
}

struct Outcome {
  std::string file;
  std::vector<std::string> messages;
  std::set<std::string> encoders;  // Whose segments were taken.

  ~Outcome() { std::filesystem::remove(file); }
};

// A primary that holds the film back until the workers are there.
class Primary {
 public:
  Primary(const std::string& properties, const std::string& file) {
    const std::string description =
        "filesrc location=" + film::clips("h264-one-keyframe").front() +
        " ! parsebin ! identity name=gate ! distsegmenter max-segment-duration=1000000000 ! "
        "remoteenc "
        "name=remote port=0 " +
        properties + " ! distjoin ! h264parse ! mpegtsmux ! filesink location=" + file;
    pipeline_ = gst_parse_launch(description.c_str(), nullptr);
    ck_assert(pipeline_);
    GstElement* gate = gst_bin_get_by_name(GST_BIN(pipeline_), "gate");
    gate_ = gst_element_get_static_pad(gate, "sink");
    gst_object_unref(gate);
    block_ = gst_pad_add_probe(
        gate_, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
        [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  }
  ~Primary() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(gate_);
    gst_object_unref(pipeline_);
  }
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;

  unsigned port() const { return farm::port_of(pipeline_); }
  // Until the end of the film, which begins with so many workers.
  std::vector<std::string> run(
      std::size_t workers, const std::function<void()>& on_first_segment = [] {}) {
    std::vector<std::string> messages;
    bool first = true;
    GstBus* bus = gst_element_get_bus(pipeline_);
    bool ended = false;
    while (!ended) {
      GstMessage* message = gst_bus_timed_pop(bus, film::patience(60) * GST_SECOND);
      ck_assert_msg(message && GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR, "the job failed");
      ended = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
      if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT) {
        gchar* text = gst_structure_to_string(gst_message_get_structure(message));
        messages.push_back(text);
        g_free(text);
      }
      gst_message_unref(message);
      if (block_ != 0 && farm::named(messages, "dist-worker-joined").size() == workers)
        gst_pad_remove_probe(gate_, std::exchange(block_, 0));
      if (first && !farm::named(messages, "dist-segment-done").empty()) {
        first = false;
        on_first_segment();
      }
    }
    gst_object_unref(bus);
    return messages;
  }

 private:
  GstElement* pipeline_;
  GstPad* gate_;
  gulong block_ = 0;
};

std::unique_ptr<Outcome> new_outcome() {
  auto outcome = std::make_unique<Outcome>();
  outcome->file = std::filesystem::path(g_getenv("DIST_BUILD_ROOT")) / "tests" /
                  (std::to_string(getpid()) + "-mixed.ts");
  return outcome;
}

void count_encoders(Outcome& outcome) {
  const auto done = farm::named(outcome.messages, "dist-segment-done");
  ck_assert_uint_eq(done.size(), kSegments);
  for (const std::string& message : done)
    for (const char* name : {"x264enc", "openh264enc"})
      if (message.find(std::string("name=(string)") + name + ",") != std::string::npos)
        outcome.encoders.insert(name);
}

// With two workers written by hand, side by side.
std::unique_ptr<Outcome> encode(const std::string& properties) {
  auto outcome = new_outcome();
  Primary primary(properties, outcome->file);
  farm::Process x264(written_by_hand(primary.port(), "x264enc"));
  farm::Process openh264(written_by_hand(primary.port(), "openh264enc"));
  outcome->messages = primary.run(2);
  count_encoders(*outcome);
  return outcome;
}

// ffmpeg and GStreamer show each frame of it, and ffmpeg finds nothing to say.
void assert_plays(const std::string& file) {
  const std::string warnings =
      farm::output_of("ffmpeg -nostdin -v warning -i " + file + " -f null -");
  ck_assert_msg(warnings.empty(), "%s", warnings.c_str());
  const std::string probed = farm::output_of(
      "ffprobe -v warning -count_frames -select_streams v -show_entries stream=nb_read_frames -of "
      "default=nk=1:nw=1 " +
      file);
  ck_assert_uint_eq(std::strtoul(probed.c_str(), nullptr, 10), kFrames);
  const film::Recording shown =
      film::record("filesrc location=" + file + " ! decodebin ! appsink name=out");
  ck_assert_msg(shown.error.empty(), "%s", shown.error.c_str());
  ck_assert_uint_eq(shown.items.size(), kFrames);
}

}  // namespace

GST_START_TEST(test_mixed_encoders_make_one_stream) {
  const auto outcome = encode("mixed-encoders=true");
  ck_assert_uint_eq(outcome->encoders.size(), 2);
  ck_assert_uint_eq(farm::named(outcome->messages, "dist-lease-failed").size(), 0);
  assert_plays(outcome->file);
}
GST_END_TEST

// One is killed after its first segment, and the other one goes on.
GST_START_TEST(test_mixed_encoders_of_generic_workers_make_one_stream) {
  const auto outcome = new_outcome();
  Primary primary("mixed-encoders=true local-workers=0 renditions=a:h264:1280x720", outcome->file);
  farm::Process x264(generic(primary.port(), "x264enc"));
  std::optional<farm::Process> openh264;
  outcome->messages = primary.run(1, [&] {
    x264.kill();
    openh264.emplace(generic(primary.port(), "openh264enc"));
  });
  count_encoders(*outcome);
  ck_assert_uint_eq(outcome->encoders.size(), 2);
  assert_plays(outcome->file);
}
GST_END_TEST

GST_START_TEST(test_without_mixed_encoders_the_first_one_does_it_all) {
  const auto outcome = encode("");
  ck_assert_uint_eq(outcome->encoders.size(), 1);
  const auto failed = farm::named(outcome->messages, "dist-lease-failed");
  ck_assert_uint_ge(failed.size(), 1);
  for (const std::string& message : failed)
    ck_assert_msg(message.find("caps") != std::string::npos &&
                      message.find("differ\\ from\\ those\\ of\\ the\\ segments\\ before") !=
                          std::string::npos,
                  "%s", message.c_str());
  assert_plays(outcome->file);
}
GST_END_TEST

static Suite* mixed_encoders_suite() {
  Suite* suite = suite_create("mixed-encoders");
  TCase* tests = tcase_create("mixed-encoders");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, test_mixed_encoders_make_one_stream);
  tcase_add_test(tests, test_mixed_encoders_of_generic_workers_make_one_stream);
  tcase_add_test(tests, test_without_mixed_encoders_the_first_one_does_it_all);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(mixed_encoders)
