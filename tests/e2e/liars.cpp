// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that send back other pictures than those of the source, each with an honest one beside
// it. DIST_REPORT=1 prints how soon each is caught.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

const char* const kLies[] = {"black",  "flipped", "blurred",  "colours", "logo",
                             "frozen", "doubled", "previous", "small"};

bool is_of(const std::string& message, const std::string& worker) {
  return message.find("name=(string)" + worker) != std::string::npos;
}

std::size_t count_of(const std::vector<std::string>& messages, const std::string& name,
                     const std::string& worker) {
  std::size_t count = 0;
  for (const std::string& message : farm::named(messages, name))
    count += is_of(message, worker);
  return count;
}

// A job that the worker "first" serves with that lie, and from when its first answer was decided on
// the honest worker "second". Until then it is alone, so the attempts must not be used up.
film::Recording run(const std::string& path, const std::string& properties,
                    const std::string& lie) {
  const std::string port = std::to_string(farm::free_port());
  const std::string worker = std::string(g_getenv("DIST_BUILD_ROOT")) + "/tests/e2e/liar " + port;
  GstElement* const pipeline = gst_parse_launch(
      ("filesrc location=" + path +
       " ! parsebin ! distsegmenter ! remoteenc renditions=v:h264 local-workers=0 "
       "max-attempts=100 port=" +
       port + " " + properties +
       " ! distjoin name=j  j.src_v ! h264parse ! avdec_h264 ! appsink name=out sync=false")
          .c_str(),
      nullptr);
  ck_assert(pipeline);
  farm::Process first(worker + " first " + lie);
  std::unique_ptr<farm::Process> second;
  const film::Recording recording = film::record(pipeline, 120, [&](const std::string& message) {
    for (const char* said : {"dist-segment-done", "dist-pictures-differ", "dist-lease-failed"})
      if (!second && message.find(said) != std::string::npos)
        second = std::make_unique<farm::Process>(worker + " second none");
  });
  ck_assert_msg(recording.error.empty(), "%s: %s", lie.c_str(), recording.error.c_str());
  return recording;
}

void check_same_frames(const film::Recording& seen, const film::Recording& expected,
                       const std::string& lie) {
  ck_assert_msg(seen.items.size() == expected.items.size(), "%s: %zu frames, not %zu", lie.c_str(),
                seen.items.size(), expected.items.size());
  for (std::size_t i = 0; i < seen.items.size(); ++i)
    ck_assert_msg(seen.items[i].md5 == expected.items[i].md5, "%s: frame %zu is another one",
                  lie.c_str(), i);
}

void report(const std::string& mode, const std::string& lie, const film::Recording& recording) {
  const auto failed = farm::named(recording.messages, "dist-lease-failed");
  if (!g_getenv("DIST_REPORT"))
    return;
  std::printf("%-12s %-9s %zu lies told before it was suspended: %s\n", mode.c_str(), lie.c_str(),
              count_of(recording.messages, "dist-lease-failed", "first"),
              failed.empty() ? "" : failed.front().c_str());
}

void check_lies(const std::string& path, const std::string& properties) {
  const film::Recording expected = run(path, "verify=none", "none");
  ck_assert_uint_gt(expected.items.size(), 100);
  for (const char* lie : kLies) {
    const film::Recording seen = run(path, properties, lie);
    report(properties, lie, seen);
    check_same_frames(seen, expected, lie);
    const auto& messages = seen.messages;
    ck_assert_msg(count_of(messages, "dist-segment-done", "first") == 0, "%s: a lie counts", lie);
    // The size is seen without decoding.
    const bool decoded = std::string(lie) != "small";
    ck_assert_msg(
        count_of(messages, decoded ? "dist-pictures-differ" : "dist-lease-failed", "first") > 0,
        "%s: not seen", lie);
    // By the honest one's word, or by its exam: not only because it failed often.
    const auto suspended = farm::named(messages, "dist-worker-suspended");
    ck_assert_msg(std::ranges::any_of(suspended,
                                      [](const std::string& message) {
                                        return is_of(message, "first") &&
                                               (message.find("was\\ wrong") != std::string::npos ||
                                                message.find("its\\ exam") != std::string::npos);
                                      }),
                  "%s: not refuted", lie);
    for (const char* said : {"dist-pictures-differ", "dist-worker-suspended"})
      ck_assert_msg(count_of(messages, said, "second") == 0, "%s: %s of the honest one", lie, said);
  }
}

std::string clip() {
  return film::clips("h264-closed.mp4").front();
}

}  // namespace

GST_START_TEST(test_liars_are_caught_by_samples) {
  check_lies(clip(), "verify=sample");
}
GST_END_TEST;

GST_START_TEST(test_liars_are_caught_where_all_is_looked_at) {
  check_lies(clip(), "verify=all");
}
GST_END_TEST;

GST_START_TEST(test_liars_fail_their_exam) {
  check_lies(clip(), "verify=none verify-golden=true");
}
GST_END_TEST;

GST_START_TEST(test_liars_are_believed_where_nobody_looks) {
  const film::Recording truth = run(clip(), "verify=none", "none");
  const film::Recording seen = run(clip(), "verify=none", "black");
  ck_assert(farm::named(seen.messages, "dist-pictures-differ").empty());
  std::size_t others = 0;
  for (std::size_t i = 0; i < std::min(seen.items.size(), truth.items.size()); ++i)
    others += seen.items[i].md5 != truth.items[i].md5;
  ck_assert_uint_gt(others, 0);
}
GST_END_TEST;

GST_START_TEST(test_honest_workers_raise_no_alarm) {
  // Cuts inside a GOP, frames out of order, fields, other codecs; and real films, if there are any.
  std::vector<std::string> paths;
  for (const char* name : {"h264-one-keyframe", "h264-open-gop.ts", "h264-interlaced", "vfr",
                           "hevc", "mpeg2", "vp9-altref", "cockatoo"})
    for (const std::string& path : film::clips(name))
      paths.push_back(path);
  ck_assert_uint_ge(paths.size(), 4);
  for (const std::string& path : paths) {
    const film::Recording seen = run(path, "verify=all", "none");
    ck_assert_msg(farm::named(seen.messages, "dist-pictures-differ").empty(), "%s: %s",
                  path.c_str(), farm::named(seen.messages, "dist-pictures-differ")[0].c_str());
  }
}
GST_END_TEST;

GST_START_TEST(test_liars_leave_evidence) {
  const std::string folder =
      std::string(g_getenv("DIST_BUILD_ROOT")) + "/tests/evidence-" + std::to_string(getpid());
  const film::Recording seen = run(clip(), "verify-folder=" + folder, "flipped");
  const auto differ = farm::named(seen.messages, "dist-pictures-differ");
  ck_assert(!differ.empty());
  for (const char* field :
       {"rendition=(string)v", "kind=(string)flipped", "distance=(uint)", "source-hash=(string)",
        "answer-hash=(string)", "source-picture=(sample)", "answer-picture=(sample)"})
    ck_assert_msg(differ[0].find(field) != std::string::npos, "no %s", field);
  std::map<std::string, std::size_t> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ck_assert_uint_gt(entry.file_size(), 200);
    ++files[entry.path().extension().string()];
    if (entry.path().extension() != ".json")
      continue;
    std::ifstream file(entry.path());
    const std::string report((std::istreambuf_iterator<char>(file)), {});
    for (const char* member : {"\"worker\" : \"first\"", "\"rendition\" : \"v\"",
                               "\"kind\" : \"flipped\"", "\"distance\" : ", "\"source-hash\" : \""})
      ck_assert_msg(report.find(member) != std::string::npos, "no %s in %s", member,
                    report.c_str());
  }
  ck_assert_uint_ge(files[".json"], 1);
  ck_assert_uint_eq(files[".jpg"], 2 * files[".json"]);
  std::filesystem::remove_all(folder);
}
GST_END_TEST;

// Two looks at a time go on while frames come out. Not H.264: what x264 makes depends on what its
// process made before.
GstElement* looked_at() {
  return gst_parse_launch(("filesrc location=" + clip() +
                           " ! parsebin ! distsegmenter max-segment-duration=1000000000 ! "
                           "remoteenc verify=all local-workers=2 renditions=v:vp8:speed=fast ! "
                           "distjoin name=j  j.src_v ! appsink name=out sync=false")
                              .c_str(),
                          nullptr);
}

GST_START_TEST(test_a_seek_ends_looks) {
  const film::Recording expected = film::record(looked_at());
  ck_assert_uint_gt(expected.items.size(), 100);
  GstElement* const pipeline = looked_at();
  unsigned seeks = 0;
  film::Recording seen = film::record(pipeline, 120, [&](const std::string& message) {
    if (seeks == 5 || message.rfind("dist-segment-done", 0) != 0)
      return;
    // Without a buffer at its sink no pipeline can be sought.
    ck_assert_int_eq(gst_element_get_state(pipeline, nullptr, nullptr, GST_CLOCK_TIME_NONE),
                     GST_STATE_CHANGE_SUCCESS);
    seeks += gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0) ? 1 : 0;
  });
  ck_assert_msg(seen.error.empty(), "%s", seen.error.c_str());
  ck_assert_uint_eq(seeks, 5);
  ck_assert(farm::named(seen.messages, "dist-pictures-differ").empty());
  // What had come out before the last seek is in the recording too.
  ck_assert_uint_ge(seen.items.size(), expected.items.size());
  seen.items.erase(seen.items.begin(),
                   seen.items.end() - static_cast<std::ptrdiff_t>(expected.items.size()));
  check_same_frames(seen, expected, "after a seek");
}
GST_END_TEST;

GST_START_TEST(test_a_stop_ends_looks) {
  for (unsigned round = 0; round < 8; ++round) {
    GstElement* const pipeline = looked_at();
    GstElement* const sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    g_object_set(sink, "drop", TRUE, "max-buffers", 1, nullptr);
    gst_object_unref(sink);
    GstBus* const bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    for (unsigned done = 0; done <= round % 4;) {
      GstMessage* const message =
          gst_bus_timed_pop_filtered(bus, film::patience(60) * GST_SECOND, GST_MESSAGE_ELEMENT);
      ck_assert(message);
      done += gst_structure_has_name(gst_message_get_structure(message), "dist-segment-done");
      gst_message_unref(message);
    }
    gst_object_unref(bus);
    ck_assert_int_eq(gst_element_set_state(pipeline, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    gst_object_unref(pipeline);
  }
}
GST_END_TEST;

// Hashes that a worker makes beside its video, and passes on as a rendition of their own.
GST_START_TEST(test_hashes_travel_as_a_rendition) {
  const std::string port = std::to_string(farm::free_port());
  const auto worker = [&](const std::string& name, const std::string& before_hash) {
    return "gst-launch-1.0 -q remoteencsrc port=" + port + " worker-name=" + name +
           " ! decodebin ! tee name=t  t. ! queue ! x264enc threads=1 speed-preset=veryfast ! "
           "h264parse ! s.sink_v  t. ! queue ! " +
           before_hash +
           "visualhash name=h ! fakesink async=false  h.hash ! s.sink_hash "
           "remoteencsink name=s";
  };
  const film::Recording expected = film::record(
      "filesrc location=" + clip() +
      " ! decodebin ! visualhash name=h ! fakesink  h.hash ! queue ! appsink name=out sync=false");
  ck_assert_uint_gt(expected.items.size(), 100);
  GstElement* const pipeline =
      gst_parse_launch(("filesrc location=" + clip() +
                        " ! parsebin ! distsegmenter ! remoteenc verify=all port=" + port +
                        " ! distjoin name=j  j.src_v ! fakesink async=false  "
                        "j.src_hash ! appsink name=out sync=false")
                           .c_str(),
                       nullptr);
  farm::Process liar(worker("liar", "videoflip video-direction=vert ! "));
  std::unique_ptr<farm::Process> honest;
  const film::Recording seen = film::record(pipeline, 120, [&](const std::string& message) {
    if (!honest && message.find("dist-worker-joined") != std::string::npos)
      honest = std::make_unique<farm::Process>(worker("honest", ""));
  });
  ck_assert_msg(seen.error.empty(), "%s", seen.error.c_str());
  check_same_frames(seen, expected, "hashes");
  ck_assert_uint_gt(count_of(seen.messages, "dist-pictures-differ", "liar"), 0);
  ck_assert_uint_eq(count_of(seen.messages, "dist-pictures-differ", "honest"), 0);
}
GST_END_TEST;

static Suite* liars_suite() {
  Suite* suite = suite_create("liars");
  TCase* tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_set_timeout(tests, film::patience(600));
  tcase_add_test(tests, test_liars_are_caught_by_samples);
  tcase_add_test(tests, test_liars_are_caught_where_all_is_looked_at);
  tcase_add_test(tests, test_liars_fail_their_exam);
  tcase_add_test(tests, test_liars_are_believed_where_nobody_looks);
  tcase_add_test(tests, test_honest_workers_raise_no_alarm);
  tcase_add_test(tests, test_liars_leave_evidence);
  tcase_add_test(tests, test_a_seek_ends_looks);
  tcase_add_test(tests, test_a_stop_ends_looks);
  tcase_add_test(tests, test_hashes_travel_as_a_rendition);
  return suite;
}

GST_CHECK_MAIN(liars)
