// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What would be done for a request, in the library and with --dry-run; and jobs of the library.

// Before gstcheck.h, which has a macro "fail".
#include <json-glib/json-glib.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gst/job/job_runner.h"
#include "gst/job/plan.h"
#include "tests/tools/tool.h"

#include <gst/check/gstcheck.h>

namespace {

using namespace dist;
using ::tool::command;
using ::tool::Folder;
using ::tool::run;

// Six seconds with sound.
std::string make_film(const Folder& folder, const char* name = "film.mp4") {
  const std::string path = folder / name;
  farm::ffmpeg(
      "-f lavfi -i testsrc2=size=320x180:rate=25:duration=6 -f lavfi "
      "-i sine=duration=6 -c:v libx264 -pix_fmt yuv420p -g 25 -c:a aac " +
      path);
  return path;
}

std::vector<std::string> strings_of(JsonArray* array, const char* member) {
  std::vector<std::string> strings;
  for (guint i = 0; i < json_array_get_length(array); ++i)
    strings.emplace_back(
        json_object_get_string_member(json_array_get_object_element(array, i), member));
  return strings;
}

struct Ended {
  std::optional<JobError> error;
  std::size_t segments = 0;
  bool finished = false;
};

// `on_segment` gets how many are done.
Ended play(const Request& request, std::shared_ptr<Farm> farm,
           const std::function<void(JobRunner&, std::size_t)>& on_segment = {}) {
  auto plan = make_plan(request);
  ck_assert_msg(static_cast<bool>(plan), "%s", plan ? "" : plan.error().c_str());
  Ended ended;
  JobRunner* self = nullptr;
  JobRunner job(std::move(*plan), std::move(farm), [&](const JobEvent& event) {
    if (std::holds_alternative<message::SegmentDone>(event) && on_segment)
      on_segment(*self, ended.segments + 1);
    ended.segments += std::holds_alternative<message::SegmentDone>(event) ? 1 : 0;
    ended.finished = ended.finished || std::holds_alternative<Finished>(event);
  });
  self = &job;
  ended.error = job.prepare();
  if (!ended.error)
    ended.error = job.run();
  return ended;
}

}  // namespace

// What it announces is what is made, and it makes nothing.
GST_START_TEST(test_plan_is_what_is_done) {
  const Folder folder;
  const std::string line = command() + "transcode " + make_film(folder) + " -o " +
                           (folder / "out") + " -r a:h264:160x90:speed=fast -r b:vp8:speed=fast " +
                           "--thumbnails=2 --json ";
  const auto dry = run(line + "--dry-run");
  ck_assert_msg(dry.code == 0, "%s", dry.output.c_str());
  ck_assert_uint_eq(folder.size(), 1);
  JsonParser* const parser = json_parser_new();
  ck_assert(json_parser_load_from_data(parser, dry.output.c_str(), -1, nullptr));
  JsonObject* const plan = json_node_get_object(json_parser_get_root(parser));
  const auto paths = strings_of(json_object_get_array_member(plan, "outputs"), "path");
  ck_assert_uint_eq(paths.size(), 3);
  ck_assert_int_eq(json_object_get_int_member(plan, "width"), 320);
  g_object_unref(parser);
  const auto done = run(line);
  ck_assert_msg(done.code == 0, "%s", done.output.c_str());
  for (const std::string& path : paths)
    ck_assert_msg(std::filesystem::exists(path), "%s", path.c_str());
  const auto text = run(command() + "transcode " + (folder / "film.mp4") + " -o " +
                        (folder / "x.mp4") + " --dry-run");
  for (const char* part : {"film.mp4: H.264", "x.mp4: h264 320x180, sound",
                           "on this machine as many as there are cores"})
    ck_assert_msg(text.output.find(part) != std::string::npos, "%s", text.output.c_str());
}
GST_END_TEST

GST_START_TEST(test_plan_errors_have_a_kind) {
  const Folder folder;
  const std::string film = make_film(folder);
  const struct {
    Request request;
    JobError::Kind kind;
    const char* text;
    JobError::Remedy remedy = JobError::Remedy::kNone;
  } rows[] = {
      {{.input = folder / "none.mp4", .output = "x.mp4"}, JobError::Kind::kInput, "none.mp4"},
      {{.input = film, .output = "x.mp4", .renditions = {"a:none"}},
       JobError::Kind::kRequest,
       "none"},
      {{.input = film, .output = "x.mp4", .renditions = {"a:h264", "b:h264"}},
       JobError::Kind::kRequest,
       "is one file, for 2 renditions"},
      {{.input = film, .output = film}, JobError::Kind::kRequest, "film.mp4"},
      {{.input = film, .output = "x.mp4", .listen = Address{"0.0.0.0", 0}},
       JobError::Kind::kNetwork,
       "beyond this machine workers need a secret",
       JobError::Remedy::kSecret},
      {{.input = film, .output = "x.webm", .renditions = {"a:h264"}},
       JobError::Kind::kRequest,
       "does not take h264",
       JobError::Remedy::kVp9},
      {{.input = film, .output = "x.mp4", .renditions = {"thumbnails:h264"}, .thumbnails = true},
       JobError::Kind::kRequest,
       "rendition 'thumbnails'",
       JobError::Remedy::kRename},
  };
  for (const auto& row : rows) {
    const auto plan = make_plan(row.request);
    ck_assert_msg(!plan, "%s: is planned", row.text);
    ck_assert_msg(
        plan.failure().kind == row.kind && plan.error().find(row.text) != std::string::npos,
        "%d, %s", static_cast<int>(plan.failure().kind), plan.error().c_str());
    ck_assert_msg(plan.failure().remedy == row.remedy, "%s: %d", row.text,
                  static_cast<int>(plan.failure().remedy));
  }
}
GST_END_TEST

// Two at once, each with a farm of its own; the cancelled one leaves nothing.
GST_START_TEST(test_jobs_run_beside_each_other) {
  const Folder folder;
  const std::string film = make_film(folder);
  Ended one;
  std::thread beside([&] {
    one = play({.input = film, .output = folder / "one.mp4", .renditions = {"a:h264:speed=fast"}},
               nullptr);
  });
  const Ended other = play({.input = film, .output = folder / "other.mkv", .local_workers = 1},
                           nullptr, [](JobRunner& job, std::size_t) { job.cancel(); });
  beside.join();
  ck_assert_msg(!one.error && one.finished, "%s", one.error ? one.error->message.c_str() : "");
  ck_assert_uint_eq(one.segments, 6);
  ck_assert(other.error && other.error->kind == JobError::Kind::kCancelled && !other.finished);
  ck_assert(std::filesystem::exists(folder / "one.mp4"));
  ck_assert_uint_eq(folder.size(), 2);
  // Before it began, too.
  const Ended never = [&] {
    auto plan = make_plan({.input = film, .output = folder / "never.mp4"});
    JobRunner job(std::move(*plan), nullptr, [](const JobEvent&) {});
    job.cancel();
    Ended ended;
    ended.error = job.prepare();
    if (!ended.error)
      ended.error = job.run();
    return ended;
  }();
  ck_assert(never.error && never.error->kind == JobError::Kind::kCancelled);
  ck_assert_uint_eq(folder.size(), 2);
}
GST_END_TEST

// Of a long film the record, which holds the outputs once more, takes as long as their copy.
GST_START_TEST(test_jobs_are_cancelled_while_their_record_is_completed) {
  const Folder folder;
  const std::string film = make_film(folder);
  for (const bool discards : {false, true}) {
    auto plan = make_plan({.input = film,
                           .output = folder / "out.mp4",
                           .local_workers = 1,
                           .manifest = folder / "job.car"});
    ck_assert_msg(static_cast<bool>(plan), "%s", plan ? "" : plan.error().c_str());
    JobRunner* self = nullptr;
    JobRunner job(std::move(*plan), nullptr, [&](const JobEvent& event) {
      const auto* const progress = std::get_if<Progressed>(&event);
      if (!progress || !progress->last)
        return;
      if (discards)
        ck_assert(self->discard());
      else
        self->cancel();
    });
    self = &job;
    ck_assert(!job.prepare());
    const auto error = job.run();
    ck_assert(error && error->kind == JobError::Kind::kCancelled);
    ck_assert(!std::filesystem::exists(folder / "out.mp4"));
    ck_assert(!std::filesystem::exists(folder / "job.car"));
  }
}
GST_END_TEST

// What a job says of its port.
GST_START_TEST(test_jobs_say_that_a_port_is_in_use) {
  const Folder folder;
  const std::string film = make_film(folder);
  const auto farm = Farm::open({});
  ck_assert(static_cast<bool>(farm));
  const Ended ended = play(
      {.input = film, .output = folder / "x.mp4", .listen = Address{"127.0.0.1", (*farm)->port()}},
      nullptr);
  ck_assert(ended.error && ended.error->kind == JobError::Kind::kPortInUse);
  ck_assert_uint_eq(folder.size(), 1);
}
GST_END_TEST

static Suite* plan_suite() {
  Suite* const suite = suite_create("plan");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_plan_is_what_is_done);
  tcase_add_test(tests, test_plan_errors_have_a_kind);
  tcase_add_test(tests, test_jobs_run_beside_each_other);
  tcase_add_test(tests, test_jobs_are_cancelled_while_their_record_is_completed);
  tcase_add_test(tests, test_jobs_say_that_a_port_is_in_use);
  return suite;
}

GST_CHECK_MAIN(plan)
