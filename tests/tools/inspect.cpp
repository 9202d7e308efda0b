// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `gst-dist-1.0 inspect` says of films, against what others say of them.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <cstdlib>
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

using tool::command;
using tool::Ran;
using tool::run;

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};

std::string quoted(const std::string& path) {
  gchar* text = g_shell_quote(path.c_str());
  const std::string result = text;
  g_free(text);
  return result;
}

// The object that `inspect --json` prints; an error may follow it.
class Report {
 public:
  Report(const std::string& path, int code) : parser_(json_parser_new()) {
    ran_ = run(command() + "inspect --json " + quoted(path));
    ck_assert_msg(ran_.code == code, "%s: exit code %d\n%s", path.c_str(), ran_.code,
                  ran_.output.c_str());
    const std::string text = ran_.output.substr(0, ran_.output.find("\n}\n") + 3);
    GError* error = nullptr;
    ck_assert_msg(json_parser_load_from_data(parser_.get(), text.c_str(), -1, &error), "%s: %s",
                  path.c_str(), error ? error->message : "");
  }

  JsonObject* root() const { return json_node_get_object(json_parser_get_root(parser_.get())); }
  JsonObject* part(const char* name) const {
    ck_assert_msg(json_object_has_member(root(), name), "no '%s' in %s", name, ran_.output.c_str());
    return json_object_get_object_member(root(), name);
  }
  std::vector<JsonObject*> items(const char* part_name, const char* name) const {
    JsonArray* array = json_object_get_array_member(part(part_name), name);
    std::vector<JsonObject*> result;
    for (guint i = 0; i < json_array_get_length(array); ++i)
      result.push_back(json_array_get_object_element(array, i));
    return result;
  }
  // All sentences.
  std::string problems() const {
    JsonArray* array = json_object_get_array_member(root(), "problems");
    std::string text;
    for (guint i = 0; i < json_array_get_length(array); ++i)
      text += std::string(json_array_get_string_element(array, i)) + "\n";
    return text;
  }
  const std::string& output() const { return ran_.output; }

 private:
  std::unique_ptr<JsonParser, Unref> parser_;
  Ran ran_;
};

guint64 number(JsonObject* object, const char* name) {
  return static_cast<guint64>(json_object_get_int_member(object, name));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Behind the text.
guint64 number_in(const std::string& output, const std::string& before) {
  const std::size_t at = output.find(before);
  ck_assert_msg(at != std::string::npos, "no '%s' in %s", before.c_str(), output.c_str());
  return std::strtoull(output.c_str() + at + before.size(), nullptr, 10);
}

std::string parsed(const std::string& path) {
  return "filesrc location=" + path + " ! parsebin expose-all-streams=false ";
}

std::string clip(const char* name) {
  const auto found = film::clips(name);
  ck_assert_msg(found.size() == 1, "%zu clips are called %s", found.size(), name);
  return found.front();
}

std::string temporary(const std::string& name) {
  return (std::filesystem::path(g_getenv("DIST_BUILD_ROOT")) / "tests" /
          (std::to_string(getpid()) + "-" + name))
      .string();
}

// Damaged ones may end early.
std::vector<std::string> whole_clips() {
  std::vector<std::string> paths = film::clips();
  std::erase_if(paths, [](const std::string& path) { return contains(path, "corrupted"); });
  return paths;
}

// Of the packets of a film: how many ffprobe finds, and how many of them are keyframes.
std::pair<std::size_t, std::size_t> packets(const std::string& path) {
  const Ran ran =
      run("ffprobe -v quiet -select_streams v:0 -show_entries packet=flags -of csv=p=0 " +
          quoted(path));
  std::istringstream lines(ran.output);
  std::pair<std::size_t, std::size_t> counts;
  for (std::string line; std::getline(lines, line);) {
    counts.first += line.empty() ? 0 : 1;
    counts.second += line.front() == 'K' ? 1 : 0;
  }
  return counts;
}

}  // namespace

GST_START_TEST(test_inspect_cuts_as_distsegmenter_does) {
  for (const std::string& path : whole_clips()) {
    const std::string name = film::base_name(path);
    // How its bytes come decides whether its first unit has a time, and so whether it is decoded
    // before it is cut.
    if (contains(name, "-raw."))
      continue;
    const Report report(path, 0);
    const auto segments = report.items("cut", "segments");
    const film::Recording cut =
        film::record(parsed(path) + "! distsegmenter max-decoding=2 ! appsink name=out");
    ck_assert_msg(cut.items.size() == segments.size(), "%s: %zu segments instead of %zu",
                  name.c_str(), segments.size(), cut.items.size());
    guint64 frames = 0;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      ck_assert_msg(number(segments[i], "start") == cut.items[i].pts &&
                        number(segments[i], "stop") == cut.items[i].pts + cut.items[i].duration,
                    "%s: segment %zu is another one", name.c_str(), i);
      frames += number(segments[i], "frames");
    }
    ck_assert_msg(frames == number(report.part("video"), "frames"), "%s: frames do not add up",
                  name.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_inspect_counts_as_ffprobe_does) {
  // What the container calls a keyframe there is none that a decoder could begin with, or the two
  // see the end of the stream in other ways.
  constexpr const char* kOther[] = {"h264-360p-vfr", "mpeg2"};
  for (const std::string& path : whole_clips()) {
    const std::string name = film::base_name(path);
    if (std::any_of(std::begin(kOther), std::end(kOther),
                    [&](const char* other) { return contains(name, other); }))
      continue;
    const Report report(path, 0);
    const auto [all, keyframes] = packets(path);
    const guint64 units = number(report.part("video"), "units");
    ck_assert_msg(units == all, "%s: %" G_GUINT64_FORMAT " units instead of %zu", name.c_str(),
                  units, all);
    const std::size_t found = report.items("video", "keyframes").size();
    ck_assert_msg(found == keyframes, "%s: %zu keyframes instead of %zu", name.c_str(), found,
                  keyframes);
  }
}
GST_END_TEST

GST_START_TEST(test_inspect_tells_kinds_of_keyframes_and_rates) {
  const struct {
    const char* clip;
    const char* kind;  // Of the second keyframe.
    const char* rate;  // Null: variable.
    bool preroll;
  } rows[] = {
      {"h264-closed.mp4", "closed", "25/1", false},
      {"h264-open-gop.mp4", "recovery-point", "25/1", true},
      {"h264-intra-refresh.mp4", "gradual-refresh", "25/1", true},
      {"h264-2997.ts", "closed", nullptr, false},
      {"hevc-open-gop.mp4", "open", "25/1", false},
      {"mpeg2-closed.mpg", "closed", "25/1", false},
      {"vp9-altref.webm", "closed", "25/1", false},
      {"mjpeg.avi", "closed", "25/1", false},
  };
  for (const auto& row : rows) {
    const Report report(clip(row.clip), 0);
    const auto keyframes = report.items("video", "keyframes");
    ck_assert_msg(keyframes.size() > 1, "%s: %zu keyframes", row.clip, keyframes.size());
    ck_assert_str_eq(json_object_get_string_member(keyframes[0], "kind"), "closed");
    ck_assert_msg(g_strcmp0(json_object_get_string_member(keyframes[1], "kind"), row.kind) == 0,
                  "%s: %s", row.clip, json_object_get_string_member(keyframes[1], "kind"));
    JsonObject* video = report.part("video");
    ck_assert_msg(json_object_get_boolean_member(video, "constant-frame-rate") == !!row.rate, "%s",
                  row.clip);
    if (row.rate)
      ck_assert_str_eq(json_object_get_string_member(video, "frame-rate"), row.rate);
    else
      ck_assert_msg(contains(report.problems(), "The frame rate varies"), "%s",
                    report.problems().c_str());
    ck_assert_msg((number(report.part("cut"), "with-preroll") > 0) == row.preroll, "%s: preroll",
                  row.clip);
  }
}
GST_END_TEST

GST_START_TEST(test_inspect_says_what_a_single_keyframe_costs) {
  const Report report(clip("h264-one-keyframe.mkv"), 0);
  JsonObject* cut = report.part("cut");
  ck_assert_uint_eq(number(cut, "inside-gop"), 1);
  // Two segments of 3 s, and the second one decodes the first one too.
  const guint64 shown = 75 + number(cut, "preroll") + 75;
  // The first one may end with frames that only help decoding too.
  ck_assert_uint_ge(number(cut, "decoded"), shown);
  ck_assert_uint_le(number(cut, "decoded"), shown + 4);
  ck_assert_msg(contains(report.problems(), "There is no keyframe for 6.000 s, from 0.000 s on"),
                "%s", report.problems().c_str());
}
GST_END_TEST

// What it proposes there is an option for.
GST_START_TEST(test_inspect_cuts_as_it_is_told) {
  const std::string film = temporary("long-gop.mp4");
  farm::ffmpeg(
      "-f lavfi -i testsrc=size=64x48:rate=25:duration=30 -pix_fmt yuv420p "
      "-c:v libx264 -preset ultrafast -g 1000 " +
      quoted(film));
  const auto cuts = [&](const std::string& option) {
    const Ran ran = run(command() + "inspect --json " + option + " " + quoted(film));
    ck_assert_int_eq(ran.code, 0);
    return number_in(ran.output, "\"inside-gop\" : ");
  };
  // So that decoding at most doubles.
  ck_assert_uint_eq(cuts(""), 2);
  ck_assert_uint_eq(cuts("--max-segment-duration=15"), 1);
  ck_assert_uint_eq(cuts("--max-segment-duration=0"), 0);
  for (const char* command_name : {"inspect", "transcode"}) {
    const Ran help = run(command() + command_name + " --help");
    ck_assert_msg(contains(help.output, "--max-segment-duration=SECONDS"), "%s",
                  help.output.c_str());
  }
  std::filesystem::remove(film);
}
GST_END_TEST

GST_START_TEST(test_inspect_prints_lines_that_fit) {
  const Ran ran = run(command() + "inspect " + quoted(clip("h264-intra-refresh.mp4")));
  ck_assert_int_eq(ran.code, 0);
  std::istringstream lines(ran.output);
  // The first line is the film's name, however long it is.
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line))
    ck_assert_msg(g_utf8_strlen(line.c_str(), -1) <= 80, "%s", line.c_str());
  for (const char* part : {"320x180", "constant rate of 25/s", "gradual refresh", "H.264", "h264:"})
    ck_assert_msg(contains(ran.output, part), "no '%s' in\n%s", part, ran.output.c_str());
}
GST_END_TEST

// Each is told by its exit code and one sentence.
GST_START_TEST(test_inspect_refuses_what_it_cannot_read) {
  const std::string folder = temporary("films");
  std::filesystem::create_directories(folder);
  const auto make = [&](const std::string& name, const std::string& arguments) {
    const std::string path = folder + "/" + name;
    farm::ffmpeg(arguments + " " + quoted(path));
    return path;
  };
  std::ofstream(folder + "/text.mp4") << "This is no film.\n";
  std::ofstream(folder + "/empty.mp4");
  const std::string source = "-f lavfi -i testsrc2=size=64x48:rate=25:duration=1 ";
  const struct {
    std::string input;
    int code;
    const char* words;
  } rows[] = {
      {folder + "/none.mp4", 3, "there is no such file"},
      {folder, 3, "is a folder"},
      {folder + "/text.mp4", 3, ""},
      {folder + "/empty.mp4", 3, ""},
      {make("sound.mp4", "-f lavfi -i sine=duration=1 -c:a aac"), 3, "there is no video in it"},
      {make("encrypted.mp4", source +
                                 "-c:v libx264 -encryption_scheme cenc-aes-ctr -encryption_key "
                                 "76a6c65c5ea762046bd749a2e632ccbb -encryption_kid "
                                 "a7e61c373e219033c21091fa607bf3b8"),
       3, "encrypted"},
  };
  for (const auto& row : rows) {
    const Ran ran = run(command() + "inspect " + quoted(row.input));
    ck_assert_msg(ran.code == row.code, "%s: exit code %d\n%s", row.input.c_str(), ran.code,
                  ran.output.c_str());
    ck_assert_msg(contains(ran.output, row.words), "%s: no '%s' in\n%s", row.input.c_str(),
                  row.words, ran.output.c_str());
    ck_assert_msg(contains(ran.output, "gst-dist-1.0: "), "%s: no error in\n%s", row.input.c_str(),
                  ran.output.c_str());
  }
  std::filesystem::remove_all(folder);
}
GST_END_TEST

GST_START_TEST(test_inspect_names_oddities_of_the_picture) {
  const std::string odd = temporary("odd.webm");
  farm::ffmpeg(
      "-f lavfi -i testsrc=size=161x121:rate=25:duration=1 "
      "-pix_fmt yuv420p -c:v libvpx -deadline realtime " +
      quoted(odd));
  const Report report(odd, 0);
  ck_assert_msg(contains(report.problems(), "odd size"), "%s", report.problems().c_str());
  std::filesystem::remove(odd);
  const Report interlaced(clip("h264-interlaced.mp4"), 0);
  ck_assert_msg(contains(interlaced.problems(), "interlaced"), "%s", interlaced.problems().c_str());
}
GST_END_TEST

GST_START_TEST(test_inspect_names_encoders_that_work) {
  const Report report(clip("h264-closed.mp4"), 0);
  JsonArray* encoders = json_object_get_array_member(report.part("encoders"), "h264");
  ck_assert(json_array_get_length(encoders) > 0);
  bool x264 = false;
  for (guint i = 0; i < json_array_get_length(encoders); ++i)
    x264 = x264 || g_strcmp0(json_array_get_string_element(encoders, i), "x264enc") == 0;
  ck_assert(x264);
}
GST_END_TEST

GST_START_TEST(test_inspect_checks_its_command_line) {
  const struct {
    const char* arguments;
    const char* words;
  } rows[] = {{"", "which film?"},
              {"a b", "'b' is one INPUT too many"},
              {"--jsn a", "did you mean --json?"}};
  for (const auto& row : rows) {
    const Ran ran = run(command() + "inspect " + row.arguments);
    ck_assert_msg(ran.code == 2 && contains(ran.output, row.words), "%s: exit code %d\n%s",
                  row.arguments, ran.code, ran.output.c_str());
  }
}
GST_END_TEST

static Suite* inspect_suite() {
  Suite* suite = suite_create("inspect");
  TCase* tests = tcase_create("inspect");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_inspect_cuts_as_distsegmenter_does);
  tcase_add_test(tests, test_inspect_counts_as_ffprobe_does);
  tcase_add_test(tests, test_inspect_tells_kinds_of_keyframes_and_rates);
  tcase_add_test(tests, test_inspect_says_what_a_single_keyframe_costs);
  tcase_add_test(tests, test_inspect_cuts_as_it_is_told);
  tcase_add_test(tests, test_inspect_prints_lines_that_fit);
  tcase_add_test(tests, test_inspect_refuses_what_it_cannot_read);
  tcase_add_test(tests, test_inspect_names_oddities_of_the_picture);
  tcase_add_test(tests, test_inspect_names_encoders_that_work);
  tcase_add_test(tests, test_inspect_checks_its_command_line);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(inspect)
