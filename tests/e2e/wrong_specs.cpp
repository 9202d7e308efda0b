// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What somebody sees who gets a rendition, a ladder or a list of encoders wrong.
#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

// A file for one test.
class File {
 public:
  explicit File(const std::string& text) {
    gchar* path = nullptr;
    const gint handle = g_file_open_tmp("ladder-XXXXXX.json", &path, nullptr);
    ck_assert_int_ge(handle, 0);
    g_close(handle, nullptr);
    path_ = path;
    g_free(path);
    ck_assert(g_file_set_contents(path_.c_str(), text.c_str(), -1, nullptr));
  }
  ~File() { g_unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string primary(const std::string& properties) {
  return "gst-launch-1.0 -q filesrc location=" + film::clips("h264-closed").front() +
         " ! parsebin ! distsegmenter ! remoteenc " + properties + " ! distjoin ! fakesink";
}

// It ends at once, with one error of its own; that which gst-launch adds has no element.
void expect_refusal(const std::string& command, const std::string& text) {
  farm::Process process(command);
  ck_assert_int_gt(process.exit_code(), 0);
  const std::string& output = process.output();
  constexpr char kError[] = "ERROR: from element";
  const std::size_t first = output.find(kError);
  ck_assert_msg(first != std::string::npos, "%s: %s", command.c_str(), output.c_str());
  ck_assert_msg(output.find(kError, first + 1) == std::string::npos, "%s", output.c_str());
  const std::string line = output.substr(first, output.find('\n', first) - first);
  ck_assert_msg(line.find(text) != std::string::npos, "'%s' does not say '%s'", line.c_str(),
                text.c_str());
}

}  // namespace

GST_START_TEST(test_wrong_rendition_is_refused) {
  const struct {
    const char* properties;
    const char* error;
  } rows[] = {
      {"renditions=720p:h263", "rendition '720p': codec 'h263': unknown; known are h264, h265"},
      {"renditions=360p:h264:641x360",
       "rendition '360p': size 641x360: width and height must be even"},
      {"renditions=a:h264:bitrate=3Mbps",
       "rendition 'a': bitrate=3Mbps: write bits a second, such as 3M or 2500k"},
      {"renditions=a:h264:crf=60", "rendition 'a': crf=60: write a number from 0 to 51"},
      {"renditions=a:h264,a:vp9", "rendition 'a': the name comes twice"},
      {"renditions=a:h264 ladder=h264", "renditions and ladder are both set: set one of them"},
      {"ladder=nonesuch", "ladder 'nonesuch': there is none of that name; there are h264, hevc"},
  };
  for (const auto& row : rows)
    expect_refusal(primary(row.properties), row.error);
}
GST_END_TEST

GST_START_TEST(test_wrong_ladder_file_is_refused) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"{\"renditions\": [{\"name\": \"a\", \"codec\": \"h264\", \"width\": \"wide\"}]}",
       "renditions[0].width: \"wide\": write a number of pixels from 1 to 16384"},
      {"{\"renditions\": {\"name\": \"a\"}}", "renditions: an object: write a list"},
      {"[1,", "line 1: not JSON"},
  };
  for (const auto& row : rows) {
    const File file(row.text);
    expect_refusal(primary("ladder=" + file.path()), file.path() + ": " + row.error);
  }
}
GST_END_TEST

GST_START_TEST(test_wrong_list_of_encoders_is_refused) {
  const struct {
    const char* encoders;
    const char* error;
  } rows[] = {
      {"x264", "encoders: 'x264' is not one of av1enc,"},
      {"x264enc,-vp8enc", "encoders: '-vp8enc' mixes the two kinds of lists"},
  };
  for (const auto& row : rows)
    expect_refusal("gst-launch-1.0 -q remoteencworker encoders=" + std::string(row.encoders),
                   row.error);
  for (const std::string encoder : {"nvh264enc", "vah264enc", "qsvh264enc", "svtav1enc"})
    if (!gst_registry_check_feature_version(gst_registry_get(), encoder.c_str(), 0, 0, 0))
      expect_refusal("gst-launch-1.0 -q remoteencworker encoders=x264enc," + encoder,
                     "encoders: '" + encoder + "' is not installed; install its plugin");
}
GST_END_TEST

static Suite* wrong_specs_suite() {
  Suite* const suite = suite_create("wrong_specs");
  TCase* const tests = tcase_create("wrong_specs");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_wrong_rendition_is_refused);
  tcase_add_test(tests, test_wrong_ladder_file_is_refused);
  tcase_add_test(tests, test_wrong_list_of_encoders_is_refused);
  return suite;
}

GST_CHECK_MAIN(wrong_specs)
