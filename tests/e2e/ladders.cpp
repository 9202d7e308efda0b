// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Jobs that name their renditions, and workers that make whatever that is.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <cstdio>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gst/base/mutex.h"

#include <gst/app/gstappsink.h>
#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

using Times = std::vector<std::uint64_t>;

constexpr char kLadder[] =
    "big:h264:320x180:speed=fast, small:h264:160x90:speed=fast, thumb:jpeg:160x90:fps=1";

// What passed a pad: running times, sorted.
class TimeLog {
 public:
  // Has to outlive the pad.
  void attach(GstPad* pad) {
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad* p, GstPadProbeInfo* info, gpointer self) {
          static_cast<TimeLog*>(self)->note(p, GST_PAD_PROBE_INFO_BUFFER(info));
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
  }
  Times times() {
    const dist::MutexLock lock(lock_);
    std::sort(times_.begin(), times_.end());
    return times_;
  }

 private:
  void note(GstPad* pad, GstBuffer* buffer) {
    GstEvent* const event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event, &segment);
    const guint64 time =
        gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    gst_event_unref(event);
    const dist::MutexLock lock(lock_);
    times_.push_back(time);
  }

  dist::Mutex lock_;
  Times times_ GUARDED_BY(lock_);
};

// One film and what shall be made of it.
struct Task {
  std::string clip;
  std::string renditions;
  std::string segmenter = "";
  std::string remote = "";
  unsigned local_workers = 0;
};

// What came of it: for each rendition the access units, and the frames that a decoder finds there.
struct Rung {
  Times units;
  Times frames;
};
struct Outcome {
  std::vector<std::map<std::string, Rung>> tasks;
  std::vector<std::string> messages;
  std::string error;
  double seconds = 0;
};

std::vector<std::string> names_of(const std::string& renditions) {
  std::vector<std::string> names;
  gchar** const parts = g_strsplit(renditions.c_str(), ",", -1);
  for (gchar** part = parts; *part; ++part) {
    const std::string text = g_strstrip(*part);
    names.push_back(text.substr(0, text.find(':')));
  }
  g_strfreev(parts);
  return names;
}

std::string text_of_error(GstMessage* message) {
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const std::string text = error->message;
  g_error_free(error);
  return text;
}

// Plays it to its end.
void play(GstElement* pipeline, unsigned seconds, Outcome& outcome) {
  const gint64 begin = g_get_monotonic_time();
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* const bus = gst_element_get_bus(pipeline);
  bool ended = false;
  while (!ended) {
    GstMessage* const message = gst_bus_timed_pop_filtered(
        bus, film::patience(seconds) * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
    ck_assert_msg(message != nullptr, "no end after %u s", seconds);
    ended = GST_MESSAGE_TYPE(message) != GST_MESSAGE_ELEMENT;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
      outcome.error = text_of_error(message);
    if (!ended) {
      gchar* const text = gst_structure_to_string(gst_message_get_structure(message));
      outcome.messages.push_back(text);
      g_free(text);
    }
    gst_message_unref(message);
  }
  outcome.seconds = static_cast<double>(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
}

// Does the tasks in one pipeline, all with the workers that dial this port.
Outcome run(unsigned port, const std::vector<Task>& tasks, unsigned seconds = 120) {
  std::string line;
  std::map<std::string, TimeLog> logs;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const Task& task = tasks[i];
    const std::string join = "join" + std::to_string(i);
    line += "filesrc location=" + task.clip + " ! parsebin ! distsegmenter " + task.segmenter +
            " ! remoteenc renditions=\"" + task.renditions + "\" port=" + std::to_string(port) +
            " local-workers=" + std::to_string(task.local_workers) + " " + task.remote +
            " ! distjoin name=" + join + " ";
    for (const std::string& name : names_of(task.renditions)) {
      const std::string id = std::to_string(i) + "-" + name;
      line += join + ".src_" + name + " ! identity name=units-" + id +
              " ! decodebin ! fakesink name=frames-" + id + " ";
    }
  }
  GError* error = nullptr;
  GstElement* const pipeline = gst_parse_launch(line.c_str(), &error);
  ck_assert_msg(error == nullptr, "%s: %s", line.c_str(), error ? error->message : "");
  for (std::size_t i = 0; i < tasks.size(); ++i)
    for (const std::string& name : names_of(tasks[i].renditions))
      for (const char* what : {"units-", "frames-"}) {
        const std::string id = what + std::to_string(i) + "-" + name;
        GstElement* const element = gst_bin_get_by_name(GST_BIN(pipeline), id.c_str());
        GstPad* const pad = gst_element_get_static_pad(element, "sink");
        logs[id].attach(pad);
        gst_object_unref(pad);
        gst_object_unref(element);
      }

  Outcome outcome;
  play(pipeline, seconds, outcome);
  gst_object_unref(pipeline);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    auto& rungs = outcome.tasks.emplace_back();
    for (const std::string& name : names_of(tasks[i].renditions)) {
      const std::string id = std::to_string(i) + "-" + name;
      rungs[name] = {logs["units-" + id].times(), logs["frames-" + id].times()};
    }
  }
  return outcome;
}

// Running times of the frames of an undistributed decode.
Times frames_of(const std::string& clip) {
  Times times;
  for (const film::Item& item :
       film::record("filesrc location=" + clip + " ! parsebin ! decodebin ! appsink name=out")
           .items)
    times.push_back(item.running_time);
  std::sort(times.begin(), times.end());
  return times;
}

// Of these, the ones on the screen at full seconds; the first counts for the time before it too.
Times thumbnails_of(const Times& frames) {
  Times times = {frames.front()};
  for (std::uint64_t second = 0; second <= frames.back(); second += GST_SECOND) {
    const auto after = std::upper_bound(frames.begin(), frames.end(), second);
    if (after != frames.begin() && *(after - 1) != times.back())
      times.push_back(*(after - 1));
  }
  return times;
}

void assert_times(const Times& expected, const Times& seen, const std::string& what) {
  for (std::size_t i = 0; i < std::min(expected.size(), seen.size()); ++i)
    ck_assert_msg(seen[i] == expected[i],
                  "%s: frame %zu at %" G_GUINT64_FORMAT " instead of %" G_GUINT64_FORMAT,
                  what.c_str(), i, seen[i], expected[i]);
  ck_assert_msg(seen.size() == expected.size(), "%s: %zu frames instead of %zu", what.c_str(),
                seen.size(), expected.size());
}

// All frames in each rung, and those of each second in thumbnails.
void assert_complete(const Outcome& outcome, const std::vector<Task>& tasks) {
  const auto failed = farm::named(outcome.messages, "dist-lease-failed");
  ck_assert_msg(outcome.error.empty(), "%s: %s (%s)", tasks.front().clip.c_str(),
                outcome.error.c_str(), failed.empty() ? "" : failed.back().c_str());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const Times frames = frames_of(tasks[i].clip);
    ck_assert(!frames.empty());
    for (const auto& [name, rung] : outcome.tasks[i]) {
      const std::string what = film::base_name(tasks[i].clip) + ", " + name;
      Times expected = frames;
      if (name == "thumb") {
        expected = thumbnails_of(frames);
        // The last one may be on the screen at a full second after it began.
        if (rung.units.size() == expected.size() + 1)
          expected.push_back(frames.back());
      }
      assert_times(expected, rung.units, what);
      ck_assert_msg(rung.frames.size() == expected.size(), "%s: %zu of %zu frames can be decoded",
                    what.c_str(), rung.frames.size(), expected.size());
    }
  }
}

std::string clip(const char* pattern) {
  return film::clips(pattern).front();
}

std::string generic_worker(unsigned port, const std::string& properties = "slots=1") {
  return "gst-launch-1.0 -m remoteencworker port=" + std::to_string(port) + " " + properties;
}

// Small gray pictures by running time.
using Pictures = std::map<std::uint64_t, std::vector<std::uint8_t>>;

Pictures pictures_of(const std::string& path) {
  const std::string line =
      "filesrc location=" + path +
      " ! parsebin ! decodebin ! videoconvertscale add-borders=false ! "
      "video/x-raw,format=GRAY8,width=32,height=18 ! appsink name=out sync=false";
  GstElement* const pipeline = gst_parse_launch(line.c_str(), nullptr);
  GstElement* const sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  Pictures pictures;
  while (GstSample* const sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))) {
    GstBuffer* const buffer = gst_sample_get_buffer(sample);
    const std::uint64_t time = gst_segment_to_running_time(gst_sample_get_segment(sample),
                                                           GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    std::vector<std::uint8_t>& picture = pictures[time];
    picture.resize(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, picture.data(), picture.size());
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  return pictures;
}

Pictures::const_iterator nearest(const Pictures& pictures, std::uint64_t time) {
  const auto after = pictures.lower_bound(time);
  if (after == pictures.begin())
    return after;
  const auto before = std::prev(after);
  return after == pictures.end() || time - before->first < after->first - time ? before : after;
}

// Mean of squares.
double difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// Two generic workers that stay for all jobs on a port.
struct Farm {
  unsigned port = farm::free_port();
  std::deque<farm::Process> workers;

  explicit Farm(const std::vector<std::string>& properties = {"slots=1", "slots=1"}) {
    for (const std::string& one : properties)
      workers.emplace_back(generic_worker(port, one));
  }
  void assert_alive() const {
    for (const farm::Process& worker : workers)
      ck_assert_int_ne(worker.pid(), 0);
  }
};

}  // namespace

// Each looks like the frame it says it is, more than like those half a second before and after.
GST_START_TEST(test_ladder_thumbnails_show_their_frames) {
  Farm workers;
  for (const char* name : {"h264-480p-3-keyframes", "h264-360p-vfr", "h264-one-keyframe"}) {
    if (film::clips(name).empty())
      continue;
    const std::string path = clip(name);
    const std::string jpegs =
        std::string(g_getenv("DIST_BUILD_ROOT")) + "/tests/clips/making-" + name + ".mkv";
    const std::string line =
        "filesrc location=" + path +
        " ! parsebin ! distsegmenter ! remoteenc port=" + std::to_string(workers.port) +
        " local-workers=0 renditions=thumb:jpeg:160x90:fps=1 ! distjoin ! matroskamux ! "
        "filesink location=" +
        jpegs;
    GstElement* const pipeline = gst_parse_launch(line.c_str(), nullptr);
    Outcome outcome;
    play(pipeline, 120, outcome);
    gst_object_unref(pipeline);
    ck_assert_msg(outcome.error.empty(), "%s: %s", name, outcome.error.c_str());
    const Pictures film = pictures_of(path);
    const Pictures thumbnails = pictures_of(jpegs);
    ck_assert_uint_ge(thumbnails.size(), 5);
    for (const auto& [time, picture] : thumbnails) {
      // Matroska has milliseconds.
      const auto frame = nearest(film, time);
      for (const auto& [other_time, other] : film) {
        const std::uint64_t distance =
            other_time > frame->first ? other_time - frame->first : frame->first - other_time;
        if (distance < GST_SECOND / 2 || distance > 3 * GST_SECOND)
          continue;
        ck_assert_msg(difference(picture, frame->second) <= difference(picture, other) + 1,
                      "%s: the thumbnail at %" G_GUINT64_FORMAT
                      " looks like the frame at "
                      "%" G_GUINT64_FORMAT,
                      name, time, other_time);
      }
    }
    std::remove(jpegs.c_str());
  }
}
GST_END_TEST

// One worker is in the primary's process, two are elsewhere.
GST_START_TEST(test_ladder_of_each_clip) {
  Farm workers;
  std::map<bool, unsigned> done;  // By local workers, and by others.
  const char* const pattern = g_getenv("DIST_CLIP");
  for (const std::string& path : film::clips(pattern ? pattern : "")) {
    const std::string name = film::base_name(path);
    if (name.rfind("corrupted", 0) == 0 || name.find("truncated") != std::string::npos)
      continue;
    std::vector<Task> tasks = {{path, kLadder}};
    tasks[0].local_workers = 1;
    const Outcome outcome = run(workers.port, tasks);
    for (const std::string& text : farm::named(outcome.messages, "dist-segment-done"))
      ++done[text.find("name=(string)local") != std::string::npos];
    g_print("%s: %.1f s, %zu leases failed\n", name.c_str(), outcome.seconds,
            farm::named(outcome.messages, "dist-lease-failed").size());
    assert_complete(outcome, tasks);
    workers.assert_alive();
  }
  ck_assert_uint_gt(done[true], 0);
  ck_assert_uint_gt(done[false], 0);
}
GST_END_TEST

// Without any worker elsewhere, and without a port that anybody chose.
GST_START_TEST(test_ladder_of_one_machine) {
  std::vector<Task> tasks = {{clip("h264-closed"), kLadder}};
  tasks[0].local_workers = 2;
  const Outcome outcome = run(0, tasks);
  assert_complete(outcome, tasks);
  ck_assert_uint_eq(farm::named(outcome.messages, "dist-lease-failed").size(), 0);
}
GST_END_TEST

// Most segments have no thumbnail then.
GST_START_TEST(test_ladder_in_segments_shorter_than_the_distance_of_thumbnails) {
  Farm workers;
  const std::vector<Task> tasks = {{clip("h264-one-keyframe"), kLadder,
                                    "segment-duration=300000000 max-segment-duration=300000000"}};
  const Outcome outcome = run(workers.port, tasks);
  assert_complete(outcome, tasks);
  ck_assert_uint_eq(farm::named(outcome.messages, "dist-lease-failed").size(), 0);
}
GST_END_TEST

GST_START_TEST(test_ladder_three_jobs_one_after_another) {
  Farm workers;
  const std::vector<Task> jobs = {
      {clip("h264-closed"), kLadder},
      {clip("vp8-altref"), "hd:vp8:176x98:speed=fast, thumb:jpeg:fps=1"},
      {clip("hevc-open-gop"),
       "big:h264:speed=fast, tiny:mpeg4:96x54, small:h264:160x90:speed=fast"},
  };
  for (const Task& job : jobs) {
    assert_complete(run(workers.port, {job}), {job});
    workers.assert_alive();
  }
}
GST_END_TEST

GST_START_TEST(test_ladder_two_jobs_at_once) {
  Farm workers({"slots=2"});
  const std::vector<Task> jobs = {
      {clip("h264-closed"), kLadder},
      {clip("mpeg2-open-gop"), "hd:vp8:176x98:speed=fast, thumb:jpeg:fps=1"},
  };
  const Outcome outcome = run(workers.port, jobs);
  assert_complete(outcome, jobs);
  workers.assert_alive();
  ck_assert_uint_eq(farm::named(outcome.messages, "dist-summary").size(), 2);
}
GST_END_TEST

// Each makes the part that its encoders can.
GST_START_TEST(test_ladder_of_workers_with_different_encoders) {
  Farm workers({"slots=1 encoders=x264enc worker-name=h264", "slots=1 encoders=jpegenc"});
  const std::vector<Task> jobs = {{clip("h264-closed"), kLadder}};
  const Outcome outcome = run(workers.port, jobs);
  assert_complete(outcome, jobs);
  ck_assert_uint_eq(farm::named(outcome.messages, "dist-lease-failed").size(), 0);
}
GST_END_TEST

// Nobody told the primary that its pipeline makes one of the two only.
GST_START_TEST(test_ladder_with_a_pipeline_written_by_hand) {
  Farm workers({"slots=1 encoders=x264enc"});
  farm::Process by_hand(farm::worker_command(
      workers.port,
      "decodebin ! videoconvertscale ! video/x-raw,width=160,height=90 ! jpegenc ! "
      "sink.sink_small remoteencsink name=sink"));
  const std::vector<Task> jobs = {{clip("h264-closed"), "big:h264:speed=fast, small:jpeg:160x90"}};
  const Outcome outcome = run(workers.port, jobs);
  assert_complete(outcome, jobs);
  ck_assert_uint_eq(farm::named(outcome.messages, "dist-lease-failed").size(), 0);
  ck_assert_int_eq(by_hand.exit_code(), 0);
}
GST_END_TEST

// Their streams have different parameter sets. One of them makes all of it, and the primary says
// so; or both do, if that is wanted.
GST_START_TEST(test_ladder_of_two_h264_encoders) {
  for (const bool mixed : {false, true}) {
    Farm workers({"slots=1 encoders=x264enc worker-name=anna",
                  "slots=1 encoders=openh264enc worker-name=bert"});
    std::vector<Task> jobs = {{clip("h264-one-keyframe"), "small:h264:160x90",
                               // As a camera brings them, so that there is one for each.
                               "max-segment-duration=1000000000 ! identity sleep-time=500000"}};
    jobs[0].remote = mixed ? "mixed-encoders=true" : "";
    const Outcome outcome = run(workers.port, jobs);
    assert_complete(outcome, jobs);
    std::set<std::string> names;
    for (const std::string& text : farm::named(outcome.messages, "dist-segment-done"))
      names.insert(text.find("anna") != std::string::npos ? "anna" : "bert");
    ck_assert_uint_eq(names.size(), (mixed ? 2 : 1));
    ck_assert_uint_eq(farm::named(outcome.messages, "dist-encoder-chosen").size(), (mixed ? 0 : 1));
  }
}
GST_END_TEST

GST_START_TEST(test_ladder_that_nobody_can_make) {
  Farm workers({"slots=1 encoders=jpegenc"});
  const Outcome outcome = run(workers.port, {{clip("h264-closed"), kLadder}});
  for (const char* text : {"rendition 'big' (h264)", "rendition 'small'", "x264enc", "not allowed"})
    ck_assert_msg(outcome.error.find(text) != std::string::npos, "%s: %s", text,
                  outcome.error.c_str());
  ck_assert_msg(outcome.error.find("'thumb'") == std::string::npos, "%s", outcome.error.c_str());
  workers.assert_alive();
  // The next job is none of that.
  const std::vector<Task> jobs = {{clip("h264-closed"), "thumb:jpeg:160x90:fps=1"}};
  assert_complete(run(workers.port, jobs), jobs);
}
GST_END_TEST

GST_START_TEST(test_ladder_worker_for_one_job_ends_with_it) {
  for (const char* slots : {"slots=1", "slots=3"}) {
    const unsigned port = farm::free_port();
    farm::Process worker(generic_worker(port, std::string(slots) + " reconnect=false"));
    const std::vector<Task> jobs = {{clip("h264-closed"), kLadder}};
    assert_complete(run(port, jobs), jobs);
    ck_assert_int_eq(worker.exit_code(), 0);
  }
}
GST_END_TEST

static Suite* ladders_suite() {
  Suite* suite = suite_create("ladders");
  TCase* tests = tcase_create("ladders");
  tcase_set_timeout(tests, 600);
  tcase_add_test(tests, test_ladder_of_each_clip);
  tcase_add_test(tests, test_ladder_of_one_machine);
  tcase_add_test(tests, test_ladder_thumbnails_show_their_frames);
  tcase_add_test(tests, test_ladder_in_segments_shorter_than_the_distance_of_thumbnails);
  tcase_add_test(tests, test_ladder_three_jobs_one_after_another);
  tcase_add_test(tests, test_ladder_two_jobs_at_once);
  tcase_add_test(tests, test_ladder_of_workers_with_different_encoders);
  tcase_add_test(tests, test_ladder_with_a_pipeline_written_by_hand);
  tcase_add_test(tests, test_ladder_of_two_h264_encoders);
  tcase_add_test(tests, test_ladder_that_nobody_can_make);
  tcase_add_test(tests, test_ladder_worker_for_one_job_ends_with_it);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(ladders)
