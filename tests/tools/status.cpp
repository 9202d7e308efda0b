// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `gst-dist-1.0 status` of a primary and its workers, all of them processes of their own.

// Before gstcheck.h, which has a macro "fail".
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"
#include "tests/tools/tool.h"

namespace {

using tool::Ran;
using tool::run;

// Slow enough to be watched.
constexpr char kSlow[] =
    "decodebin ! identity sleep-time=20000 ! videoconvert ! x264enc threads=1 "
    "speed-preset=ultrafast ! h264parse ! remoteencsink";

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A primary that waits for workers, and its secret.
class Primary {
 public:
  Primary()
      : port_(farm::free_port()),
        secret_file_((std::filesystem::path(g_getenv("DIST_BUILD_ROOT")) / "tests" /
                      (std::to_string(getpid()) + "-secret"))
                         .string()) {
    farm::write_secret(secret_file_, "film");
    process_ = std::make_unique<farm::Process>(
        "gst-launch-1.0 filesrc location=" + film::clips("h264-closed.mp4").front() +
        " ! parsebin ! distsegmenter ! remoteenc port=" + std::to_string(port_) +
        " secret-file=" + secret_file_ + " ! distjoin ! h264parse ! fakesink");
  }
  ~Primary() { std::filesystem::remove(secret_file_); }

  std::string status(const std::string& options) const {
    return std::string(g_getenv("DIST_BUILD_ROOT")) +
           "/tools/gst-dist-1.0 status 127.0.0.1:" + std::to_string(port_) + " " + options;
  }
  std::string with_secret(const std::string& options = "") const {
    return status("--secret-file " + secret_file_ + " " + options);
  }
  farm::Process worker(const std::string& name) const {
    return farm::Process(
        farm::worker_command(port_, kSlow, "worker-name=" + name + " secret-file=" + secret_file_));
  }
  int exit_code() { return process_->exit_code(60); }

 private:
  unsigned port_;
  std::string secret_file_;
  std::unique_ptr<farm::Process> process_;
};

// What one object of `status --json` says.
class Answer {
 public:
  explicit Answer(const std::string& text) : parser_(json_parser_new()) {
    GError* error = nullptr;
    ck_assert_msg(json_parser_load_from_data(parser_.get(), text.c_str(), -1, &error), "%s: %s",
                  error ? error->message : "", text.c_str());
  }
  std::vector<JsonObject*> list(const char* name) const {
    JsonObject* root = json_node_get_object(json_parser_get_root(parser_.get()));
    JsonArray* array = json_object_get_array_member(root, name);
    std::vector<JsonObject*> result;
    for (guint i = 0; i < json_array_get_length(array); ++i)
      result.push_back(json_array_get_object_element(array, i));
    return result;
  }
  gint64 job(const char* field) const {
    return json_object_get_int_member(list("jobs").at(0), field);
  }
  gint64 sum(const char* field) const {
    gint64 total = 0;
    for (JsonObject* worker : list("workers"))
      total += json_object_get_int_member(worker, field);
    return total;
  }
  guint leases() const {
    guint total = 0;
    for (JsonObject* worker : list("workers"))
      total += json_array_get_length(json_object_get_array_member(worker, "leases"));
    return total;
  }

 private:
  std::unique_ptr<JsonParser, Unref> parser_;
};

// Asks until it is so.
std::unique_ptr<Answer> ask_until(const Primary& primary,
                                  const std::function<bool(const Answer&)>& is_so) {
  const gint64 until = g_get_monotonic_time() + film::patience(60) * G_USEC_PER_SEC;
  std::string last;
  while (g_get_monotonic_time() < until) {
    const Ran ran = run(primary.with_secret("--json"));
    last = ran.output;
    if (ran.code != 0)
      continue;
    auto answer = std::make_unique<Answer>(ran.output);
    if (!answer->list("jobs").empty() && is_so(*answer))
      return answer;
  }
  ck_abort_msg("it never was so: %s", last.c_str());
  return nullptr;
}

}  // namespace

GST_START_TEST(test_status_tells_who_does_what) {
  Primary primary;
  const auto waiting =
      ask_until(primary, [](const Answer& answer) { return answer.job("queued") == 5; });
  ck_assert_uint_eq(waiting->list("workers").size(), 0);
  ck_assert_int_eq(waiting->job("leased"), 0);
  farm::Process alpha = primary.worker("alpha");
  farm::Process beta = primary.worker("beta");
  const auto working = ask_until(primary, [](const Answer& answer) {
    return answer.list("workers").size() == 2 && answer.job("done") > 0;
  });
  // Segments are of 30 frames, and there are 5 in all.
  ck_assert_int_eq(working->job("done") + working->job("leased") + working->job("queued"), 5);
  ck_assert_int_eq(working->sum("done"), working->job("done"));
  ck_assert_int_eq(working->sum("frames"), working->job("frames"));
  ck_assert_int_eq(working->job("frames"), 30 * working->job("done"));
  ck_assert_int_eq(working->sum("failed-leases"), working->job("failed-leases"));
  ck_assert_int_le(working->job("leased"), working->leases());
  const Ran table = run(primary.with_secret());
  ck_assert_int_eq(table.code, 0);
  for (const char* part : {"alpha", "beta", "2 workers, 1 job", "segments done", "WORKER"})
    ck_assert_msg(contains(table.output, part), "no '%s' in\n%s", part, table.output.c_str());
  std::istringstream lines(table.output);
  for (std::string line; std::getline(lines, line);)
    ck_assert_msg(g_utf8_strlen(line.c_str(), -1) <= 80, "%s", line.c_str());
  // Nobody was disturbed.
  ck_assert_int_eq(primary.exit_code(), 0);
  ck_assert_int_eq(alpha.exit_code(), 0);
  ck_assert_int_eq(beta.exit_code(), 0);
}
GST_END_TEST

GST_START_TEST(test_status_watches_until_the_job_ends) {
  Primary primary;
  ask_until(primary, [](const Answer&) { return true; });
  farm::Process watch(primary.with_secret("--watch --json"));
  farm::Process worker = primary.worker("alpha");
  ck_assert_int_eq(primary.exit_code(), 0);
  ck_assert_int_eq(watch.exit_code(), 0);
  std::istringstream lines(watch.output());
  gint64 done = -1;
  unsigned count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const Answer answer(line);
    ck_assert_int_ge(answer.job("done"), done);
    done = answer.job("done");
  }
  ck_assert_msg(count > 1, "%s", watch.output().c_str());
}
GST_END_TEST

GST_START_TEST(test_status_ends_with_an_interrupt) {
  Primary primary;
  ask_until(primary, [](const Answer&) { return true; });
  farm::Process watch(primary.with_secret("--watch"));
  char bytes[16];
  ck_assert_int_gt(g_input_stream_read(watch.stream(), bytes, sizeof(bytes), nullptr, nullptr), 0);
  watch.signal(SIGINT);
  ck_assert_int_eq(watch.exit_code(), 130);
}
GST_END_TEST

GST_START_TEST(test_status_needs_the_secret) {
  Primary primary;
  ask_until(primary, [](const Answer&) { return true; });
  const std::string wrong = (std::filesystem::path(g_getenv("DIST_BUILD_ROOT")) / "tests" /
                             (std::to_string(getpid()) + "-wrong"))
                                .string();
  farm::write_secret(wrong, "other");
  const struct {
    std::string options;
    const char* words;
  } rows[] = {{"--secret-file " + wrong, "the secret is wrong"},
              {"", "the primary asks for a secret"},
              {"--json", "the primary asks for a secret"}};
  for (const auto& row : rows) {
    const Ran ran = run(primary.status(row.options));
    ck_assert_msg(ran.code == 5 && contains(ran.output, row.words), "exit code %d: %s", ran.code,
                  ran.output.c_str());
    ck_assert_msg(!contains(ran.output, "job"), "%s", ran.output.c_str());
  }
  std::filesystem::remove(wrong);
}
GST_END_TEST

GST_START_TEST(test_status_says_that_nobody_is_there) {
  const std::string tool = std::string(g_getenv("DIST_BUILD_ROOT")) + "/tools/gst-dist-1.0 status ";
  const struct {
    std::string arguments;
    int code;
    const char* words;
  } rows[] = {
      {"127.0.0.1:" + std::to_string(farm::free_port()), 5, "nobody answers there"},
      {"", 2, "of which primary?"},
      {"some:where", 2, "write HOST:PORT"},
      {"somewhere:0", 2, "write HOST:PORT"},
      {"a:1 b", 2, "'b' is one argument too many"},
      {"127.0.0.1:1 --secret-file /nowhere", 2, "cannot be read"},
      {"127.0.0.1:1 --wach", 2, "did you mean --watch?"},
  };
  for (const auto& row : rows) {
    const Ran ran = run(tool + row.arguments);
    ck_assert_msg(ran.code == row.code && contains(ran.output, row.words), "%s: exit code %d: %s",
                  row.arguments.c_str(), ran.code, ran.output.c_str());
  }
}
GST_END_TEST

static Suite* status_suite() {
  Suite* suite = suite_create("status");
  TCase* tests = tcase_create("status");
  tcase_set_timeout(tests, 180);
  tcase_add_test(tests, test_status_tells_who_does_what);
  tcase_add_test(tests, test_status_watches_until_the_job_ends);
  tcase_add_test(tests, test_status_ends_with_an_interrupt);
  tcase_add_test(tests, test_status_needs_the_secret);
  tcase_add_test(tests, test_status_says_that_nobody_is_there);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(status)
