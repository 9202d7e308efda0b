// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-dist-1.0 status --store: what the jobs of a store do, and what became of those that ended.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/stored_film.h"

#include <json-glib/json-glib.h>
#include <sys/stat.h>

#include <csignal>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

namespace {

using namespace tool;

struct FreeNode {
  void operator()(JsonNode* node) const { json_node_unref(node); }
};

// What `status --store DIR --json` says.
class Status {
 public:
  explicit Status(const std::string& store)
      : node_(json_from_string(output_of(command() + "status --json --store " + store).c_str(),
                               nullptr)) {
    ck_assert(node_ != nullptr);
  }
  guint jobs() const { return json_array_get_length(array()); }
  JsonObject* job(guint at) const { return json_array_get_object_element(array(), at); }

 private:
  JsonArray* array() const {
    return json_object_get_array_member(json_node_get_object(node_.get()), "jobs");
  }
  std::unique_ptr<JsonNode, FreeNode> node_;
};

gint64 number(JsonObject* object, const char* name) {
  return json_object_get_int_member(object, name);
}

std::vector<JsonObject*> happenings_of(JsonObject* job) {
  std::vector<JsonObject*> all;
  JsonArray* const array = json_object_get_array_member(job, "happenings");
  for (guint i = 0; i < json_array_get_length(array); ++i)
    all.push_back(json_array_get_object_element(array, i));
  return all;
}

std::string what(JsonObject* happening) {
  return json_object_get_string_member(happening, "what");
}

// They are in order: nothing is leased before it came, nor done before it was leased.
void check_order(const std::vector<JsonObject*>& happenings) {
  std::map<gint64, std::set<std::string>> before;
  gint64 last = 0;
  for (JsonObject* const happening : happenings) {
    auto& seen = before[number(happening, "segment")];
    const std::string now = what(happening);
    ck_assert(now == "waiting" || seen.contains("waiting"));
    ck_assert(now != "done" || seen.contains("leased"));
    ck_assert_int_ge(number(happening, "time"), last);
    last = number(happening, "time");
    seen.insert(now);
  }
}

bool has(const std::vector<JsonObject*>& happenings, const std::string& kind) {
  return std::ranges::any_of(happenings, [&](JsonObject* h) { return what(h) == kind; });
}

// A job that is stopped once its journal, the latest of the store, tells this.
struct Stopped {
  Stopped(const std::string& run, const std::string& store, const std::string& kind)
      : process(run) {
    ck_assert(wait_for(process, "dist-segment-done"));
    // Kept by now, since the journal tells of a result before it is written.
    for (bool told = false; !told;) {
      const Status status(store);
      told = status.jobs() > 0 && has(happenings_of(status.job(status.jobs() - 1)), kind) &&
             !blobs_of(store).empty();
    }
    process.signal(SIGSTOP);
  }
  farm::Process process;
};

// Long enough for a look at it.
constexpr char kSlow[] = "-r slow:h264:bframes=0:speed=slow ";

}  // namespace

GST_START_TEST(test_status_of_a_store_tells_what_its_jobs_do) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string store = folder / "store";
  Stopped job(line(film, folder / "out", kSlow + ("--store " + store)), store, "done");
  const Status status(store);
  ck_assert_uint_eq(status.jobs(), 1);
  JsonObject* const told = status.job(0);
  ck_assert(json_object_get_boolean_member(told, "running"));
  ck_assert_int_eq(number(told, "process"), job.process.pid());
  ck_assert_int_eq(number(told, "earlier"), 0);
  const auto happenings = happenings_of(told);
  check_order(happenings);
  for (const char* kind : {"waiting", "leased", "done"})
    ck_assert(has(happenings, kind));
  const std::string text = output_of(command() + "status --store " + store);
  for (const char* part : {"running", "segments done", " waiting", " leased to ", " done by "})
    ck_assert_msg(text.find(part) != std::string::npos, "'%s' is not in\n%s", part, text.c_str());
  job.process.signal(SIGCONT);
  ck_assert_int_eq(job.process.exit_code(120), 0);
  ck_assert_uint_eq(Status(store).jobs(), 0);
  ck_assert(fs::is_empty(store + "/jobs"));
}
GST_END_TEST

GST_START_TEST(test_status_of_a_store_knows_who_was_killed) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string store = folder / "store";
  const std::string run = line(film, folder / "out", kSlow + ("--yes --store " + store));
  Stopped killed(run, store, "done");
  killed.process.kill();
  // What the killed job has kept is found.
  Stopped running(run, store, "found");
  const auto holders = files_in(store + "/holders").size();
  const Status status(store);
  ck_assert_uint_eq(status.jobs(), 2);
  // A look changes nothing.
  ck_assert_uint_eq(holders, 2);
  ck_assert_uint_eq(files_in(store + "/holders").size(), holders);
  ck_assert(!json_object_get_boolean_member(status.job(0), "running"));
  ck_assert(json_object_get_boolean_member(status.job(1), "running"));
  const std::string text = output_of(command() + "status --store " + store);
  ck_assert_msg(text.find("was killed") != std::string::npos, "%s", text.c_str());
  running.process.kill();
  // A journal that nobody can read tells nothing.
  for (const auto& entry : fs::directory_iterator(store + "/jobs"))
    fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  ck_assert_uint_eq(Status(store).jobs(), 0);
}
GST_END_TEST

// What others have put there makes it neither wait nor read without end.
GST_START_TEST(test_status_of_a_store_passes_over_what_is_no_journal) {
  const Folder folder;
  const std::string store = folder / "store";
  fs::create_directories(store + "/blobs");
  fs::create_directories(store + "/jobs/folder");
  ck_assert_int_eq(mkfifo((store + "/jobs/fifo").c_str(), 0600), 0);
  write_file(store + "/jobs/large", "");
  fs::resize_file(store + "/jobs/large", std::uintmax_t{1} << 40);
  ck_assert_uint_eq(Status(store).jobs(), 0);
}
GST_END_TEST

GST_START_TEST(test_status_of_a_store_refuses) {
  const Folder folder;
  const struct {
    std::string arguments;
    int code;
    const char* text;
  } rows[] = {
      {"--store " + (folder / "none"), 3, "No such file"},
      {"--store http://127.0.0.1:1/x", 2, "write the path of a folder"},
      {"--store x 127.0.0.1:7700", 2, "--store and HOST:PORT: give one of them"},
      {"--store x --secret-file y", 2, "--secret-file: is for HOST:PORT"},
  };
  for (const auto& row : rows) {
    const Ran ran = run(command() + "status " + row.arguments);
    ck_assert_msg(ran.code == row.code && ran.output.find(row.text) != std::string::npos,
                  "%s: exit code %d, '%s'", row.arguments.c_str(), ran.code, ran.output.c_str());
  }
}
GST_END_TEST

static Suite* store_jobs_suite() {
  Suite* const suite = suite_create("store_jobs");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_status_of_a_store_tells_what_its_jobs_do);
  tcase_add_test(tests, test_status_of_a_store_knows_who_was_killed);
  tcase_add_test(tests, test_status_of_a_store_passes_over_what_is_no_journal);
  tcase_add_test(tests, test_status_of_a_store_refuses);
  return suite;
}

GST_CHECK_MAIN(store_jobs)
