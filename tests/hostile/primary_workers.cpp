// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Jobs beside workers that know the secret and mean no good, and honest farms that look like it:
// each job ends well, and its frames are those of a job without them.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <unistd.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

constexpr char kX264[] = "x264enc";
constexpr char kOpen[] = "openh264enc";
constexpr char kSixSegments[] = "max-segment-duration=300000000";
constexpr char kTwentySegments[] = "segment-duration=300000000 max-segment-duration=300000000";

std::string encode_with(const std::string& encoder, const std::string& after = "") {
  return "decodebin ! videoconvert ! video/x-raw,format=I420 ! " + encoder +
         (encoder == kX264 ? " threads=1 speed-preset=veryfast mb-tree=false" : "") +
         " ! h264parse ! " + after + "remoteencsink";
}

farm::Process worker(unsigned port, const std::string& name, const std::string& line) {
  return farm::Process(farm::worker_command(port, line, "worker-name=" + name));
}

farm::Process generic(unsigned port, const std::string& encoder) {
  return farm::Process("gst-launch-1.0 -q remoteencworker port=" + std::to_string(port) +
                       " slots=1 reconnect=false encoders=" + encoder + " worker-name=" + encoder);
}

farm::Process hostile(unsigned port, const std::string& mode, unsigned count,
                      const std::string& more = "") {
  return farm::Process(std::string(g_getenv("DIST_BUILD_ROOT")) + "/tests/hostile/hostile-client " +
                       std::to_string(port) + " " + mode + " " + std::to_string(count) + " " +
                       more);
}

// Takes long enough for each segment that others have time for what they do.
farm::Process slow(unsigned port, const std::string& name) {
  return worker(port, name, "identity sleep-time=4000 ! " + encode_with(kX264));
}

bool joins(const std::string& message, const std::string& name) {
  return message.starts_with("dist-worker-joined") &&
         message.find("name=(string)" + name) != std::string::npos;
}

std::size_t count_with(const std::vector<std::string>& messages, const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      messages, [&](const std::string& m) { return m.find(text) != std::string::npos; }));
}

struct Outcome {
  film::Recording shown;
  double seconds = 0;
};

// Holds the film back until so many workers are there.
class Gate {
 public:
  Gate(GstElement* pipeline, unsigned workers) : missing_(workers) {
    GstElement* const remote = gst_bin_get_by_name(GST_BIN(pipeline), "remote");
    pad_ = gst_element_get_static_pad(remote, "sink");
    gst_object_unref(remote);
    if (missing_ > 0)
      probe_ = gst_pad_add_probe(
          pad_, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
          [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  }
  ~Gate() { gst_object_unref(pad_); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void hear(const std::string& message) {
    if (missing_ > 0 && message.starts_with("dist-worker-joined") && --missing_ == 0)
      gst_pad_remove_probe(pad_, probe_);
  }

 private:
  GstPad* pad_ = nullptr;
  gulong probe_ = 0;
  unsigned missing_;
};

// A job whose frames are decoded again. `begin` starts the workers, of which `awaited` have to be
// there before the film comes.
Outcome run(const std::string& remote, const std::function<void(unsigned port)>& begin,
            const film::OnMessage& on_message = {}, const std::string& segmenter = kSixSegments,
            unsigned awaited = 0) {
  GstElement* pipeline = farm::primary_new(
      {.source = "filesrc location=" + film::clips("h264-one-keyframe").front() + " ! parsebin",
       .segmenter = segmenter,
       .remote = remote,
       .workers = {},
       .after = "decodebin ! videoconvert ! video/x-raw,format=I420"});
  Gate gate(pipeline, awaited);
  gst_element_set_state(pipeline, GST_STATE_PAUSED);
  const gint64 began = g_get_monotonic_time();
  begin(farm::port_of(pipeline));
  Outcome outcome;
  outcome.shown = film::record(pipeline, 100, [&](const std::string& message) {
    gate.hear(message);
    if (on_message)
      on_message(message);
  });
  outcome.seconds = static_cast<double>(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
  gst_object_unref(pipeline);
  return outcome;
}

std::vector<std::string> frames(const Outcome& outcome) {
  std::vector<std::string> md5;
  for (const auto& item : outcome.shown.items)
    md5.push_back(item.md5);
  return md5;
}

// That of honest workers alone.
Outcome undisturbed(const std::string& remote, unsigned workers, const std::string& encoder,
                    const std::string& segmenter = kSixSegments) {
  std::vector<farm::Process> honest;
  const auto begin = [&](unsigned port) {
    for (unsigned i = 0; i < workers; ++i)
      honest.push_back(remote.empty()
                           ? worker(port, "honest" + std::to_string(i), encode_with(encoder))
                           : generic(port, encoder));
  };
  return run(remote, begin, {}, segmenter);
}

void assert_same(const char* what, const Outcome& outcome, const Outcome& calm) {
  std::printf("%s: %.1f s, undisturbed %.1f s\n", what, outcome.seconds, calm.seconds);
  std::fflush(stdout);
  ck_assert_msg(outcome.shown.error.empty(), "%s: %s", what, outcome.shown.error.c_str());
  ck_assert_msg(calm.shown.error.empty(), "%s", calm.shown.error.c_str());
  ck_assert_uint_eq(frames(outcome).size(), 150);
  std::string others;
  for (std::size_t i = 0; i < frames(outcome).size(); ++i)
    if (frames(outcome)[i] != frames(calm)[i])
      others += " " + std::to_string(i);
  std::string said;
  for (const std::string& message : farm::named(outcome.shown.messages, "dist-results-taken-back"))
    said += message + "\n";
  ck_assert_msg(others.empty(), "%s: other frames:%s\n%s", what, others.c_str(), said.c_str());
}

}  // namespace

// It is right once, with a field in its caps that nobody else has, and leaves.
GST_START_TEST(test_primary_outlives_who_binds_its_caps) {
  std::optional<farm::Process> liar;
  std::optional<farm::Process> honest;
  const Outcome outcome = run(
      "",
      [&](unsigned port) {
        liar.emplace(worker(port, "liar",
                            encode_with(kX264, "capssetter caps=video/x-h264,liar=(int)1 ! ")));
        honest.emplace(worker(port, "honest", encode_with(kX264)));
      },
      [&](const std::string& message) {
        const bool binds =
            message.find("differ") != std::string::npos || message.starts_with("dist-segment-done");
        if (binds && liar->pid() != 0)
          liar->kill();
      });
  assert_same("caps of one who left", outcome, undisturbed("", 1, kX264));
}
GST_END_TEST

// It is alone, so its first result is in the output already.
GST_START_TEST(test_primary_outlives_who_bound_its_caps_alone) {
  std::optional<farm::Process> liar;
  std::optional<farm::Process> honest;
  unsigned at = 0;
  const Outcome outcome = run(
      "",
      [&](unsigned port) {
        at = port;
        liar.emplace(worker(port, "liar",
                            encode_with(kX264, "capssetter caps=video/x-h264,liar=(int)1 ! ")));
      },
      [&](const std::string& message) {
        if (!message.starts_with("dist-segment-done") || honest)
          return;
        liar->kill();
        honest.emplace(worker(at, "honest", encode_with(kX264)));
      });
  ck_assert_uint_eq(farm::named(outcome.shown.messages, "dist-results-taken-back").size(), 1);
  assert_same("caps of one who was alone", outcome, undisturbed("", 1, kX264));
}
GST_END_TEST

// An honest farm: whose encoder was chosen leaves in good order, and another one is there.
GST_START_TEST(test_primary_outlives_the_encoder_that_it_chose) {
  const std::string remote = "local-workers=0 renditions=a:h264:640x360";
  std::map<std::string, std::unique_ptr<farm::Process>> workers;
  std::string left;
  const Outcome outcome = run(
      remote,
      [&](unsigned port) {
        for (const char* encoder : {kOpen, kX264})
          workers[encoder] = std::make_unique<farm::Process>(generic(port, encoder));
      },
      [&](const std::string& message) {
        if (!message.starts_with("dist-encoder-chosen") || !left.empty())
          return;
        left = message.find(kOpen) < message.find("excluded") ? kOpen : kX264;
        workers[left]->signal(SIGINT);
      },
      kSixSegments, 2);
  ck_assert(!left.empty());
  std::printf("%s left; taken back: %zu\n", left.c_str(),
              farm::named(outcome.shown.messages, "dist-results-taken-back").size());
  ck_assert_uint_eq(count_with(outcome.shown.messages, "some-left=(boolean)true"), 0);
  if (left == kOpen)
    return assert_same("encoder of one who left", outcome, undisturbed(remote, 1, kX264));
  // What openh264enc makes depends on what it has made before, which is another thing here.
  ck_assert_msg(outcome.shown.error.empty(), "%s", outcome.shown.error.c_str());
  ck_assert_uint_eq(frames(outcome).size(), 150);
}
GST_END_TEST

GST_START_TEST(test_primary_outlives_those_that_vanish) {
  std::optional<farm::Process> ghosts;
  std::optional<farm::Process> honest;
  const Outcome outcome = run("", [&](unsigned port) {
    ghosts.emplace(hostile(port, "vanish", 40));
    // All are gone before the honest one comes.
    ghosts->exit_code(30);
    honest.emplace(worker(port, "honest", encode_with(kX264)));
  });
  assert_same("40 that vanish", outcome, undisturbed("", 1, kX264));
}
GST_END_TEST

// They go on with it while the honest one, which comes late, does the job.
GST_START_TEST(test_primary_outlasts_those_that_vanish_without_end) {
  std::optional<farm::Process> ghosts;
  std::optional<farm::Process> honest;
  unsigned at = 0;
  unsigned left = 0;
  const Outcome outcome = run(
      "",
      [&](unsigned port) {
        at = port;
        ghosts.emplace(hostile(port, "vanish", 0));
      },
      [&](const std::string& message) {
        left += message.starts_with("dist-worker-left") ? 1 : 0;
        if (left == 100 && !honest)
          honest.emplace(slow(at, "honest"));
      },
      kTwentySegments);
  std::printf("%u vanished\n", left);
  ck_assert_uint_ge(left, 100);
  assert_same("those that vanish without end", outcome, undisturbed("", 1, kX264, kTwentySegments));
}
GST_END_TEST

// Each makes a segment as an honest worker would, and from then on fails all.
static void outlast_turncoats(const char* mode, unsigned count) {
  std::optional<farm::Process> turncoats;
  std::optional<farm::Process> accomplice;
  std::optional<farm::Process> honest;
  const unsigned via = farm::free_port();
  unsigned at = 0;
  const Outcome outcome = run(
      "",
      [&](unsigned port) {
        at = port;
        honest.emplace(slow(port, "honest"));
      },
      [&](const std::string& message) {
        if (turncoats || !joins(message, "honest"))
          return;
        turncoats.emplace(hostile(at, mode, count, std::to_string(via)));
        accomplice.emplace(worker(via, "accomplice", encode_with(kX264)));
      },
      kTwentySegments);
  const auto failed = farm::named(outcome.shown.messages, "dist-lease-failed");
  const auto done = farm::named(outcome.shown.messages, "dist-segment-done");
  const std::string name = std::string("name=(string)") + mode;
  std::printf("%s: right %zu times, failed %zu times\n", mode, count_with(done, name),
              count_with(failed, name));
  ck_assert_uint_eq(count_with(done, name), count);
  ck_assert_uint_ge(count_with(failed, name), count);
  assert_same(mode, outcome, undisturbed("", 1, kX264, kTwentySegments));
}

GST_START_TEST(test_primary_outlasts_turncoats) {
  outlast_turncoats("turncoat", 3);
}
GST_END_TEST

GST_START_TEST(test_primary_outlasts_turncoats_of_one_name) {
  outlast_turncoats("namesakes", 3);
}
GST_END_TEST

GST_START_TEST(test_primary_outlasts_pretenders) {
  for (const unsigned count : {12u, 100u}) {
    std::optional<farm::Process> pretenders;
    std::vector<farm::Process> honest;
    const Outcome outcome = run("", [&](unsigned port) {
      pretenders.emplace(hostile(port, "pretend", count));
      honest.push_back(worker(port, "anna", encode_with(kX264)));
      honest.push_back(worker(port, "bert", encode_with(kX264)));
    });
    assert_same((std::to_string(count) + " pretenders").c_str(), outcome,
                undisturbed("", 2, kX264));
  }
}
GST_END_TEST

// One is enough, where it is alone.
// Every worker that is there has failed it when the honest one comes.
GST_START_TEST(test_primary_keeps_what_all_failed_for_newcomers) {
  std::optional<farm::Process> failing;
  std::optional<farm::Process> honest;
  unsigned at = 0;
  unsigned failed = 0;
  const Outcome outcome = run(
      "max-attempts=3",
      [&](unsigned port) {
        at = port;
        failing.emplace(hostile(port, "rude", 3));
      },
      [&](const std::string& message) {
        failed += message.starts_with("dist-lease-failed") &&
                  message.find("segment=(guint64)0") != std::string::npos;
        if (failed == 3 && !honest)
          honest.emplace(worker(at, "honest", encode_with(kX264)));
      });
  assert_same("all failed before", outcome, undisturbed("", 1, kX264));
  ck_assert_uint_ge(failed, 3);
}
GST_END_TEST

GST_START_TEST(test_primary_ends_a_job_that_stands_still) {
  std::optional<farm::Process> pretender;
  const Outcome outcome = run("stall-timeout=5000000000", [&](unsigned port) {
    pretender.emplace(hostile(port, "pretend", 1));
  });
  ck_assert_msg(outcome.shown.error.find("No segment was done for 5 s") != std::string::npos, "%s",
                outcome.shown.error.c_str());
  ck_assert_uint_ge(farm::named(outcome.shown.messages, "dist-stalled").size(), 2);
}
GST_END_TEST

GST_START_TEST(test_primary_shows_no_escapes) {
  std::optional<farm::Process> rude;
  std::optional<farm::Process> honest;
  unsigned at = 0;
  const Outcome outcome = run(
      "",
      [&](unsigned port) {
        at = port;
        honest.emplace(slow(port, "honest"));
      },
      [&](const std::string& message) {
        if (!rude && joins(message, "honest"))
          rude.emplace(hostile(at, "rude", 3));
      });
  assert_same("names with escapes", outcome, undisturbed("", 1, kX264));
  ck_assert_uint_gt(farm::named(outcome.shown.messages, "dist-lease-failed").size(), 0);
  for (const std::string& message : outcome.shown.messages)
    ck_assert_msg(message.find_first_of("\x1b\x07\n") == std::string::npos &&
                      message.find("\xc2\x9b") == std::string::npos &&
                      message.find("\\033") == std::string::npos &&
                      message.find("\\007") == std::string::npos &&
                      message.find("\\012") == std::string::npos &&
                      message.find("\\302\\233") == std::string::npos,
                  "%s", message.c_str());
}
GST_END_TEST

// --- Memory

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Their own memory is many times that of the program.
constexpr bool kMemoryIsBounded = false;
#else
constexpr bool kMemoryIsBounded = true;
#endif

static std::uint64_t peak_kib(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  std::uint64_t kib = 0;
  while (status >> word)
    if (word == "VmHWM:")
      status >> kib;
  return kib;
}

struct Launched {
  int pid = 0;
  int code = -1;
  std::uint64_t calm_kib = 0;  // Before there are workers.
  std::uint64_t peak_kib = 0;
  std::string output;
};

// The same film as a process, so that its memory is its own, into a file. `begin` starts the
// workers, and may look at the process.
static Launched launch(const std::string& name,
                       const std::function<void(unsigned port, Launched& launched)>& begin) {
  const std::string path = std::string(g_getenv("DIST_BUILD_ROOT")) + "/tests/hostile/" + name +
                           "-" + std::to_string(getpid());
  // Else malloc() writes into what it gives, under meson, and all that is reserved is resident.
  farm::Process primary("env -u MALLOC_PERTURB_ gst-launch-1.0 -m filesrc location=" +
                        film::clips("h264-one-keyframe").front() +
                        " ! parsebin ! distsegmenter segment-duration=200000000"
                        " max-segment-duration=200000000"
                        " ! remoteenc port=0 ! distjoin ! h264parse ! filesink location=" +
                        path);
  GDataInputStream* lines = g_data_input_stream_new(primary.stream());
  Launched launched;
  launched.pid = primary.pid();
  while (gchar* line = g_data_input_stream_read_line(lines, nullptr, nullptr, nullptr)) {
    const std::string text = line;
    g_free(line);
    launched.peak_kib = std::max(launched.peak_kib, peak_kib(launched.pid));
    const std::size_t listening = text.find("dist-listening,");
    if (listening == std::string::npos)
      continue;
    launched.calm_kib = launched.peak_kib;
    begin(static_cast<unsigned>(farm::field(text.substr(listening), "port")), launched);
  }
  g_object_unref(lines);
  launched.code = primary.exit_code();
  std::ifstream file(path, std::ios::binary);
  launched.output.assign(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(path);
  return launched;
}

// Twenty send 60 MiB each of what never comes to its end, whatever the primary wants of it. Once
// they have gone there is room again.
GST_START_TEST(test_primary_bounds_unfinished_results) {
  constexpr std::uint64_t kAllowedMib = 256;  // max-bytes, as it is set by default.
  constexpr std::uint64_t kResultMib = 60;    // The one result that may exceed it in any case.
  constexpr std::uint64_t kBesidesMib = 96;   // As in docs/faults.md.
  std::uint64_t while_sent_kib = 0;
  std::optional<farm::Process> honest;
  const Launched attacked = launch("attacked", [&](unsigned port, Launched& launched) {
    farm::Process senders = hostile(port, "unfinished", 20);
    // They print one word, when all that they have to send has been taken.
    char byte = 0;
    ck_assert_int_eq(g_input_stream_read(senders.stream(), &byte, 1, nullptr, nullptr), 1);
    while_sent_kib = peak_kib(launched.pid);
    senders.kill();
    honest.emplace(worker(port, "honest", encode_with(kX264)));
  });
  const Launched calm = launch("calm", [&](unsigned port, Launched&) {
    honest.emplace(worker(port, "honest", encode_with(kX264)));
  });
  const auto mib = [](std::uint64_t kib) { return static_cast<double>(kib) / 1024; };
  std::printf("unfinished results: %.0f MiB, before %.0f, until the end %.0f, undisturbed %.0f\n",
              mib(while_sent_kib), mib(attacked.calm_kib), mib(attacked.peak_kib),
              mib(calm.peak_kib));
  ck_assert_int_eq(attacked.code, 0);
  ck_assert_int_eq(calm.code, 0);
  ck_assert_msg(!calm.output.empty() && attacked.output == calm.output, "another output");
  if (!kMemoryIsBounded)
    return;
  // As much was taken as may be, else this has tested nothing.
  ck_assert_uint_ge(while_sent_kib, (kAllowedMib - kResultMib) * 1024);
  ck_assert_uint_le(attacked.peak_kib, (kAllowedMib + kResultMib + kBesidesMib) * 1024);
}
GST_END_TEST

// They stay, and take leases again whenever they are given some.
GST_START_TEST(test_primary_outlasts_unfinished_results) {
  for (const unsigned count : {8u, 20u}) {
    std::optional<farm::Process> senders;
    std::optional<farm::Process> honest;
    const Outcome outcome = run(
        "",
        [&](unsigned port) {
          senders.emplace(hostile(port, "unfinished", count));
          char byte = 0;
          ck_assert_int_eq(g_input_stream_read(senders->stream(), &byte, 1, nullptr, nullptr), 1);
          honest.emplace(worker(port, "honest", encode_with(kX264)));
        },
        {}, kTwentySegments);
    assert_same("unfinished results", outcome, undisturbed("", 1, kX264, kTwentySegments));
  }
}
GST_END_TEST

static Suite* primary_workers_suite() {
  Suite* suite = suite_create("hostile-workers");
  TCase* tests = tcase_create("primary");
  tcase_set_timeout(tests, 240);
  tcase_add_test(tests, test_primary_outlives_who_binds_its_caps);
  tcase_add_test(tests, test_primary_outlives_who_bound_its_caps_alone);
  tcase_add_test(tests, test_primary_outlives_the_encoder_that_it_chose);
  tcase_add_test(tests, test_primary_outlives_those_that_vanish);
  tcase_add_test(tests, test_primary_outlasts_those_that_vanish_without_end);
  tcase_add_test(tests, test_primary_outlasts_turncoats);
  tcase_add_test(tests, test_primary_outlasts_turncoats_of_one_name);
  tcase_add_test(tests, test_primary_outlasts_pretenders);
  tcase_add_test(tests, test_primary_keeps_what_all_failed_for_newcomers);
  tcase_add_test(tests, test_primary_ends_a_job_that_stands_still);
  tcase_add_test(tests, test_primary_shows_no_escapes);
  tcase_add_test(tests, test_primary_bounds_unfinished_results);
  tcase_add_test(tests, test_primary_outlasts_unfinished_results);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(primary_workers)
