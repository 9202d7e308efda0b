// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What real elements post, and what becomes of it.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include "gst/gstx/ref.h"
#include "gst/job/job_error.h"
#include "tools/gst-dist/command.h"

#include <gst/check/gstcheck.h>

namespace {

using namespace dist;
using namespace dist::tool;

const JobNames kNames{"in.mkv", {"a.mp4", "b.mp4"}};

void expect(const JobError& error, JobError::Kind kind, const std::string& text) {
  fail_unless(error.kind == kind && error.message.find(text) == 0, "kind %d: %s",
              static_cast<int>(error.kind), error.message.c_str());
}

Ref<GstElement> parsed(const std::string& line) {
  GError* error = nullptr;
  auto pipeline = Ref<GstElement>::adopt(gst_parse_launch(line.c_str(), &error));
  fail_unless(!error, "%s", error ? error->message : "");
  return pipeline;
}

// One that a pipeline writes.
class Film {
 public:
  explicit Film(const std::string& line) {
    const auto pipeline = parsed(line);
    const auto sink = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
    g_object_set(sink.get(), "location", path().c_str(), nullptr);
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
    const auto message = Ref<GstMessage>::adopt(
        gst_bus_timed_pop_filtered(bus.get(), 20 * GST_SECOND, GST_MESSAGE_EOS));
    fail_unless(static_cast<bool>(message));
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
  std::string path() const { return folder_ / "film"; }

 private:
  ::tool::Folder folder_;
};

// The first error of the pipeline, while it is still as it failed.
JobError error_in(GstElement* pipeline) {
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline));
  const auto message = Ref<GstMessage>::adopt(
      gst_bus_timed_pop_filtered(bus.get(), 20 * GST_SECOND, GST_MESSAGE_ERROR));
  fail_unless(static_cast<bool>(message));
  const JobError error = error_of(pipeline, message.get(), kNames);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return error;
}

JobError error_in(const std::string& line) {
  return error_in(parsed(line).get());
}

}  // namespace

GST_START_TEST(test_trouble_with_a_full_disk) {
  expect(error_in("videotestsrc num-buffers=100 ! filesink name=file1 location=/dev/full"),
         JobError::Kind::kOutput, "b.mp4: cannot be written: No space left on device.");
}
GST_END_TEST

GST_START_TEST(test_trouble_with_a_folder_that_is_not_there) {
  expect(error_in("videotestsrc ! filesink name=file0 location=/nowhere/a.mp4"),
         JobError::Kind::kOutput, "a.mp4: cannot be written: No such file or directory.");
}
GST_END_TEST

GST_START_TEST(test_trouble_with_a_muxer) {
  const ::tool::Folder folder;
  expect(error_in("videotestsrc num-buffers=200 ! jpegenc ! qtmux name=mux0 "
                  "reserved-max-duration=1000000000 reserved-moov-update-period=100000000 "
                  "reserved-bytes-per-sec=1 ! filesink name=file0 location=" +
                  (folder / "out")),
         JobError::Kind::kFailed,
         "a.mp4: qtmux cannot put it together: Not enough free reserved space.");
}
GST_END_TEST

// The muxer refuses without a word; only the demuxer tells that something stopped. It has more than
// the queue takes, since mp4mux does not expect an end before it has caps.
GST_START_TEST(test_trouble_with_caps) {
  const Film film(
      "videotestsrc num-buffers=600 ! x264enc speed-preset=ultrafast ! matroskamux ! filesink "
      "name=out");
  expect(error_in("filesrc location=" + film.path() +
                  " ! matroskademux ! queue ! capssetter replace=true "
                  "caps=video/x-h264,stream-format=avc,alignment=au,width=320,height=240 ! "
                  "mp4mux name=mux1 ! fakesink"),
         JobError::Kind::kFailed, "b.mp4: mp4mux cannot put it together: it does not take H.264");
}
GST_END_TEST

GST_START_TEST(test_trouble_with_the_input) {
  expect(error_in("filesrc name=source location=/nowhere/in.mkv ! fakesink"),
         JobError::Kind::kInput, "in.mkv: cannot be read");
}
GST_END_TEST

static Suite* trouble_suite() {
  Suite* const suite = suite_create("trouble");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_trouble_with_a_full_disk);
  tcase_add_test(tests, test_trouble_with_a_folder_that_is_not_there);
  tcase_add_test(tests, test_trouble_with_a_muxer);
  tcase_add_test(tests, test_trouble_with_caps);
  tcase_add_test(tests, test_trouble_with_the_input);
  return suite;
}

GST_CHECK_MAIN(trouble)
