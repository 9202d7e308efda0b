// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/input_watch.h"

#include <gst/app/gstappsrc.h>
#include <gst/check/gstcheck.h>

#include <condition_variable>
#include <mutex>

namespace {

// A film that comes when the test says so, and outputs that are written when it says so.
struct Film {
  GstElement* pipeline = gst_parse_launch(
      "appsrc name=source ! identity name=cut ! identity name=join ! fakesink name=out sync=false "
      "async=false signal-handoffs=true",
      nullptr);
  GstElement* source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
  std::mutex lock;
  std::condition_variable changed;
  bool blocks = false;
  unsigned written = 0;  // Begun.

  Film() {
    GstElement* const out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    g_signal_connect(out, "handoff", G_CALLBACK(write), this);
    gst_object_unref(out);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
  }
  ~Film() {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(source);
    gst_object_unref(pipeline);
  }
  dist::Ref<GstElement> element(const char* name) const {
    return dist::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), name));
  }
  static void write(GstElement*, GstBuffer*, GstPad*, Film* self) {
    std::unique_lock guard(self->lock);
    ++self->written;
    self->changed.notify_all();
    self->changed.wait(guard, [self] { return !self->blocks; });
  }
  // Returns when the buffer is being written: while outputs block the streaming thread stays in the
  // pads, otherwise it has left them.
  void push() {
    std::unique_lock guard(lock);
    const unsigned before = written;
    gst_app_src_push_buffer(GST_APP_SRC(source), gst_buffer_new_allocate(nullptr, 1, nullptr));
    changed.wait(guard, [&] { return written > before; });
    if (blocks)
      return;
    guard.unlock();
    const auto cut = element("cut");
    GstPad* const pad = gst_element_get_static_pad(cut.get(), "sink");
    GST_PAD_STREAM_LOCK(pad);
    GST_PAD_STREAM_UNLOCK(pad);
    gst_object_unref(pad);
  }
  void unblock() {
    const std::lock_guard guard(lock);
    blocks = false;
    changed.notify_all();
  }
};

// Asked each second for so long.
bool is_silent_after(dist::InputWatch& watch, double& now, int seconds) {
  bool silent = false;
  for (; seconds > 0; --seconds)
    silent = watch.is_silent(now += 1, true);
  return silent;
}

}  // namespace

// The process was stopped for an hour, say.
GST_START_TEST(test_input_watch_does_not_count_time_in_which_it_was_not_asked) {
  Film film;
  dist::InputWatch watch(film.element("cut"), film.element("join"));
  ck_assert(!watch.is_silent(100, true));
  ck_assert(!watch.is_silent(3700, true));
}
GST_END_TEST

GST_START_TEST(test_input_watch_hears_nothing_for_a_minute) {
  Film film;
  dist::InputWatch watch(film.element("cut"), film.element("join"));
  film.push();
  double now = 100;
  ck_assert(!is_silent_after(watch, now, 59));
  film.push();
  ck_assert(!is_silent_after(watch, now, 60));
  ck_assert(is_silent_after(watch, now, 1));
}
GST_END_TEST

GST_START_TEST(test_input_watch_waits_for_work) {
  Film film;
  dist::InputWatch watch(film.element("cut"), film.element("join"));
  double now = 100;
  ck_assert(!is_silent_after(watch, now, 50));
  ck_assert(!watch.is_silent(now += 1, false));
  ck_assert(!is_silent_after(watch, now, 59));
  ck_assert(is_silent_after(watch, now, 1));
}
GST_END_TEST

GST_START_TEST(test_input_watch_waits_for_what_is_written) {
  Film film;
  dist::InputWatch watch(film.element("cut"), film.element("join"));
  film.blocks = true;
  film.push();
  double now = 100;
  ck_assert(!is_silent_after(watch, now, 200));
  film.unblock();
}
GST_END_TEST

GST_START_TEST(test_input_watch_knows_the_end) {
  Film film;
  dist::InputWatch watch(film.element("cut"), film.element("join"));
  film.push();
  gst_app_src_end_of_stream(GST_APP_SRC(film.source));
  GstBus* const bus = gst_element_get_bus(film.pipeline);
  gst_message_unref(gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS));
  gst_object_unref(bus);
  double now = 100;
  ck_assert(!is_silent_after(watch, now, 200));
}
GST_END_TEST

static Suite* input_watch_suite() {
  Suite* const suite = suite_create("input_watch");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_input_watch_does_not_count_time_in_which_it_was_not_asked);
  tcase_add_test(tests, test_input_watch_hears_nothing_for_a_minute);
  tcase_add_test(tests, test_input_watch_waits_for_work);
  tcase_add_test(tests, test_input_watch_waits_for_what_is_written);
  tcase_add_test(tests, test_input_watch_knows_the_end);
  return suite;
}

GST_CHECK_MAIN(input_watch)
