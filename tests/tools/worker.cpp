// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `gst-dist-1.0 worker` as a process, and primaries in this one.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gio/gunixinputstream.h>
#include <gst/check/gstcheck.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"
#include "tools/gst-dist/worker/machine.h"

namespace {

class Tool {
 public:
  explicit Tool(const std::string& arguments)
      : process_(std::string(g_getenv("DIST_BUILD_ROOT")) + "/tools/gst-dist-1.0 worker " +
                 arguments) {}

  farm::Process& process() { return process_; }

  // Waits until this was printed since the last call.
  void wait_for(const std::string& text, unsigned seconds = 30) {
    const gint64 deadline =
        g_get_monotonic_time() + gint64{film::patience(seconds)} * G_USEC_PER_SEC;
    std::size_t found = std::string::npos;
    while ((found = output_.find(text, read_)) == std::string::npos)
      ck_assert_msg(g_get_monotonic_time() < deadline && more(), "no '%s' in: %s", text.c_str(),
                    output_.c_str());
    read_ = found + text.size();
  }
  int end(int signal = SIGTERM, unsigned seconds = 40) {
    process_.signal(signal);
    return exit_code(seconds);
  }
  int exit_code(unsigned seconds = 40) {
    const int code = process_.exit_code(seconds);
    output_ += process_.output();
    return code;
  }
  // All that was printed, once it has ended.
  const std::string& output() const { return output_; }
  std::size_t count(const std::string& text) const {
    std::size_t times = 0;
    for (std::size_t at = output_.find(text); at != std::string::npos;
         at = output_.find(text, at + 1))
      ++times;
    return times;
  }

 private:
  // False if nothing more will come.
  bool more() {
    pollfd input{.fd = g_unix_input_stream_get_fd(G_UNIX_INPUT_STREAM(process_.stream())),
                 .events = POLLIN,
                 .revents = 0};
    if (poll(&input, 1, 100) <= 0)
      return true;
    char buffer[4096];
    const ssize_t size = read(input.fd, buffer, sizeof(buffer));
    output_.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return size > 0;
  }

  farm::Process process_;
  std::string output_;
  std::size_t read_ = 0;  // How far wait_for() came.
};

std::string connect(unsigned port) {
  return "--connect 127.0.0.1:" + std::to_string(port) + " ";
}

// Noise, which takes an encoder long: `seconds` segments of one second.
farm::Job noise(unsigned port, unsigned seconds, const std::string& rendition,
                const std::string& size = "160,height=90") {
  farm::Job job;
  job.source = "videotestsrc pattern=snow num-buffers=" + std::to_string(10 * seconds) +
               " ! video/x-raw,framerate=10/1,width=" + size;
  job.remote = "renditions=\"v:" + rendition + "\" local-workers=0 port=" + std::to_string(port);
  return job;
}
constexpr char kFast[] = "h264:speed=fast";
// Seconds for a segment of noise in this size.
constexpr char kSlow[] = "h264:speed=slow:crf=10";
constexpr char kLarge[] = "1280,height=720";

film::Recording play(const farm::Job& job, const film::OnMessage& on_message = {}) {
  return film::record(farm::primary_new(job), 120, on_message);
}

void assert_whole(const film::Recording& recording, std::size_t frames) {
  ck_assert_msg(recording.error.empty(), "%s", recording.error.c_str());
  ck_assert_uint_eq(recording.items.size(), frames);
  const auto failed = farm::named(recording.messages, "dist-lease-failed");
  ck_assert_msg(failed.empty(), "%s", failed.empty() ? "" : failed[0].c_str());
}

bool begins(const std::string& text, const char* with) {
  return text.rfind(with, 0) == 0;
}

// What others use of this machine, in cores.
double others() {
  const auto before = dist::tool::processor_time();
  g_usleep(2 * G_USEC_PER_SEC);
  const auto after = dist::tool::processor_time();
  return ((after->all - before->all) - (after->own - before->own)) / 2;
}

}  // namespace

GST_START_TEST(test_worker_serves_one_job_after_another) {
  const unsigned port = farm::free_port();
  Tool worker(connect(port) + "--slots 1 --name bee");
  worker.wait_for("cannot reach a primary at 127.0.0.1:");
  for (int i = 0; i < 2; ++i) {
    const film::Recording seen = play(noise(port, 3, kFast));
    assert_whole(seen, 30);
    const std::string joined = farm::named(seen.messages, "dist-worker-joined").at(0);
    ck_assert_msg(joined.find("name=(string)bee") != std::string::npos, "%s", joined.c_str());
    worker.wait_for("connected to 127.0.0.1:");
    worker.wait_for("has no more work");
  }
  ck_assert_int_eq(worker.end(), 0);
  ck_assert_uint_eq(worker.count("cannot reach"), 1);
}
GST_END_TEST

// It works for whichever of its primaries is there, and one that never is keeps it from none.
GST_START_TEST(test_worker_serves_several_primaries) {
  const unsigned first = farm::free_port();
  const unsigned second = farm::free_port();
  const unsigned never = farm::free_port();
  Tool worker(connect(never) + connect(first) + connect(second) + "--slots 2 --name bee");
  for (const unsigned port : {second, first, second}) {
    const film::Recording seen = play(noise(port, 3, kFast));
    assert_whole(seen, 30);
    worker.wait_for("connected to 127.0.0.1:" + std::to_string(port));
    worker.wait_for("127.0.0.1:" + std::to_string(port) + " has no more work");
  }
  ck_assert_int_eq(worker.end(), 0);
  ck_assert_uint_eq(worker.count("cannot reach a primary at 127.0.0.1:" + std::to_string(never)),
                    1);
}
GST_END_TEST

// Other than a kill: the segment it has is its last, and none fails.
GST_START_TEST(test_worker_finishes_its_segment_at_sigterm) {
  const unsigned port = farm::free_port();
  Tool first(connect(port) + "--slots 1 --name first");
  std::optional<Tool> second;
  std::size_t done = 0;
  const film::Recording seen = play(noise(port, 4, kSlow, kLarge), [&](const std::string& message) {
    // It has begun with the next one.
    if (begins(message, "dist-segment-done") && ++done == 1) {
      first.process().signal(SIGTERM);
      second.emplace(connect(port) + "--slots 1 --name second");
    }
  });
  assert_whole(seen, 40);
  ck_assert_int_eq(first.exit_code(), 0);
  ck_assert_int_eq(second->end(), 0);
  std::size_t by_first = 0;
  for (const std::string& message : farm::named(seen.messages, "dist-segment-done"))
    by_first += message.find("first") != std::string::npos ? 1 : 0;
  ck_assert_uint_eq(by_first, 2);
  ck_assert_uint_eq(first.count("finishes what it has begun"), 1);
}
GST_END_TEST

GST_START_TEST(test_worker_hands_its_segment_back_at_a_second_signal) {
  const unsigned port = farm::free_port();
  Tool first(connect(port) + "--slots 1");
  std::optional<Tool> second;
  std::size_t done = 0;
  bool again = false;
  const film::Recording seen = play(noise(port, 3, kSlow, kLarge), [&](const std::string& message) {
    if (begins(message, "dist-segment-done") && ++done == 1) {
      first.process().signal(SIGTERM);
      first.wait_for("finishes what it has begun");
      first.process().signal(SIGTERM);
      again = true;
    }
    if (begins(message, "dist-worker-left") && !second)
      second.emplace(connect(port) + "--slots 1");
  });
  ck_assert(again);
  ck_assert_msg(seen.error.empty(), "%s", seen.error.c_str());
  ck_assert_uint_eq(seen.items.size(), 30);
  ck_assert_int_eq(first.exit_code(), 0);
  for (const std::string& message : farm::named(seen.messages, "dist-lease-failed"))
    ck_assert_msg(message.find("reason=(string)left") != std::string::npos, "%s", message.c_str());
  ck_assert_uint_eq(farm::named(seen.messages, "dist-lease-failed").size(), 1);
}
GST_END_TEST

GST_START_TEST(test_worker_ends_without_a_primary) {
  const unsigned port = farm::free_port();
  std::signal(SIGHUP, SIG_DFL);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    Tool worker(connect(port));
    worker.wait_for("goes on trying");
    ck_assert_int_eq(worker.end(signal, 10), 0);
    ck_assert_uint_eq(worker.count("\n"), 1);
  }
}
GST_END_TEST

GST_START_TEST(test_worker_says_once_that_its_secret_is_wrong) {
  const unsigned port = farm::free_port();
  farm::Job job = noise(port, 2, kFast);
  job.remote += " secret=bear";
  GstElement* const primary = farm::primary_new(job);
  gst_element_set_state(primary, GST_STATE_PLAYING);
  g_setenv("GST_DIST_SECRET", "owl", TRUE);
  Tool wrong(connect(port) + "--slots 2");
  g_unsetenv("GST_DIST_SECRET");
  GstBus* const bus = gst_element_get_bus(primary);
  // At the third attempt at least.
  for (int refused = 0; refused < 5;) {
    GstMessage* const message =
        gst_bus_timed_pop_filtered(bus, film::patience(60) * GST_SECOND, GST_MESSAGE_ELEMENT);
    ck_assert(message);
    refused += gst_message_has_name(message, "dist-connection-refused") ? 1 : 0;
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  gst_element_set_state(primary, GST_STATE_NULL);
  gst_object_unref(primary);
  ck_assert_int_eq(wrong.end(), 0);
  ck_assert_msg(wrong.count("the secret is wrong. Give it the primary's secret with --secret-file"),
                "%s", wrong.output().c_str());
  ck_assert_uint_eq(wrong.count("the secret is wrong"), 1);
}
GST_END_TEST

GST_START_TEST(test_worker_refuses_wrong_command_lines) {
  const struct {
    const char* arguments;
    const char* text;
  } rows[] = {
      {"", "Give --connect HOST:PORT"},
      {"--conect farm:1", "did you mean --connect?"},
      {"--connect farm:1 --idle-prioritty", "did you mean --idle-priority?"},
      {"--connect farm:1 more", "'more' is not an option"},
      {"--connect :", "write HOST:PORT"},
      {"--connect farm:0", "write HOST:PORT"},
      {"--connect farm:99999", "write HOST:PORT"},
      {"--connect farm --slots 0", "--slots: write a number from 1 to 64"},
      {"--connect farm --slots many", "many"},
      {"--connect farm --pause-when-busy -1", "--pause-when-busy: write a number of cores"},
      {"--connect farm --pause-when-busy nan", "--pause-when-busy: write a number of cores"},
      {"--connect farm --pause-when-busy 0", "--pause-when-busy: write a number of cores"},
      {"--connect farm --max-memory 0.0001K", "--max-memory=0.0001K: write a number"},
      {"--connect ::1", "write HOST:PORT"},
      {"--connect farm --max-memory 2", "--max-memory=2: write a number with its unit"},
      {"--connect farm --encoders x999enc", "'x999enc' is not one of"},
      {"--connect farm --secret-file /none/here", "/none/here"},
  };
  for (const auto& row : rows) {
    Tool worker(row.arguments);
    ck_assert_msg(worker.exit_code() == 2, "%s: %s", row.arguments, worker.output().c_str());
    ck_assert_msg(worker.count(row.text) == 1, "%s: %s", row.arguments, worker.output().c_str());
    ck_assert_msg(worker.count("\n") == 1, "%s: %s", row.arguments, worker.output().c_str());
  }
}
GST_END_TEST

// All of its threads, while it encodes.
GST_START_TEST(test_worker_has_idle_priority) {
  constexpr int kIoprioWhoProcess = 1;
  constexpr int kIoprioClassIdle = 3;
  const unsigned port = farm::free_port();
  Tool worker(connect(port) + "--slots 2 --idle-priority");
  std::size_t threads = 0;
  const film::Recording seen = play(noise(port, 4, kFast), [&](const std::string& message) {
    if (!begins(message, "dist-segment-done"))
      return;
    const std::string tasks = "/proc/" + std::to_string(worker.process().pid()) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      const int id = std::stoi(task.path().filename());
      const int policy = sched_getscheduler(id);
      // Threads come and go.
      if (policy < 0)
        continue;
      ++threads;
      ck_assert_int_eq(policy, SCHED_IDLE);
      ck_assert_int_eq(syscall(SYS_ioprio_get, kIoprioWhoProcess, id) >> 13, kIoprioClassIdle);
    }
  });
  assert_whole(seen, 40);
  ck_assert_uint_ge(threads, 4);
  ck_assert_int_eq(worker.end(), 0);
}
GST_END_TEST

GST_START_TEST(test_worker_with_too_little_memory_uses_fewer_slots) {
  Tool worker(connect(farm::free_port()) + "--slots 3 --max-memory 1M");
  worker.wait_for("more than 1 MiB: finishes what it has begun and begins anew with 1 slot\n");
  ck_assert_int_eq(worker.exit_code(), 1);
  ck_assert_uint_eq(worker.count("Raise --max-memory"), 1);
}
GST_END_TEST

// A process of the owner that takes a core, for a minute at most.
GST_START_TEST(test_worker_gives_way_to_the_owner) {
  // What others use anyway counts as nothing; where they use all, nobody can use more.
  const double usual = others();
  if (usual > 1) {
    g_printerr("this machine is busy; not tested\n");
    return;
  }
  const unsigned port = farm::free_port();
  Tool worker(connect(port) + "--slots 1 --pause-when-busy " + std::to_string(usual + 0.7));
  std::optional<farm::Process> owner;
  std::size_t done = 0;
  const film::Recording seen = play(noise(port, 4, kSlow, kLarge), [&](const std::string& message) {
    if (begins(message, "dist-segment-done") && ++done == 1)
      owner.emplace("sh -c 'ulimit -t 60; while :; do :; done'");
    if (begins(message, "dist-worker-left") && owner) {
      worker.wait_for("gives way");
      owner.reset();
      worker.wait_for("takes up again", 120);
      worker.wait_for("connected to", 120);
    }
  });
  ck_assert_msg(seen.error.empty(), "%s", seen.error.c_str());
  ck_assert_uint_eq(seen.items.size(), 40);
  ck_assert_uint_ge(farm::named(seen.messages, "dist-worker-joined").size(), 2);
  ck_assert_int_eq(worker.end(), 0);
}
GST_END_TEST

static Suite* worker_suite() {
  Suite* suite = suite_create("worker");
  TCase* tests = tcase_create("worker");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_worker_serves_one_job_after_another);
  tcase_add_test(tests, test_worker_serves_several_primaries);
  tcase_add_test(tests, test_worker_finishes_its_segment_at_sigterm);
  tcase_add_test(tests, test_worker_hands_its_segment_back_at_a_second_signal);
  tcase_add_test(tests, test_worker_ends_without_a_primary);
  tcase_add_test(tests, test_worker_says_once_that_its_secret_is_wrong);
  tcase_add_test(tests, test_worker_refuses_wrong_command_lines);
  tcase_add_test(tests, test_worker_has_idle_priority);
  tcase_add_test(tests, test_worker_with_too_little_memory_uses_fewer_slots);
  tcase_add_test(tests, test_worker_gives_way_to_the_owner);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(worker)
