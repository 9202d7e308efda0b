// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whoever is stuck is ended by a second signal.

#include <atomic>
#include <csignal>
#include <future>

#include <gst/check/gstcheck.h>

#include "tools/gst-dist/signals.h"

namespace {

using dist::tool::Signals;

void iterate_until(const std::atomic<int>& count, int wanted) {
  while (count < wanted)
    g_main_context_iteration(nullptr, TRUE);
}

}  // namespace

GST_START_TEST(test_signals_first_is_told_in_the_main_context) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    std::signal(SIGHUP, SIG_DFL);
    std::atomic<int> first = 0;
    const Signals signals([&] { ++first; }, [] { fail_unless(false); });
    std::raise(number);
    iterate_until(first, 1);
    fail_unless(first == 1);
  }
}
GST_END_TEST

// The main context does not run at all.
GST_START_TEST(test_signals_second_reaches_who_is_stuck) {
  std::promise<void> ended;
  int first = 0;
  {
    const Signals signals([&] { ++first; }, [&] { ended.set_value(); });
    std::raise(SIGTERM);
    // Until it was taken two of them may be one.
    while (!g_main_context_pending(nullptr))
      g_thread_yield();
    std::raise(SIGINT);
    ended.get_future().wait();
  }
  fail_unless(!g_main_context_pending(nullptr) && first == 0);
}
GST_END_TEST

GST_START_TEST(test_signals_of_nohup) {
  std::signal(SIGHUP, SIG_IGN);
  std::atomic<int> first = 0;
  const Signals signals([&] { ++first; }, [] { fail_unless(false); });
  std::raise(SIGHUP);
  std::raise(SIGTERM);
  iterate_until(first, 1);
  fail_unless(first == 1);
}
GST_END_TEST

static Suite* signals_suite() {
  Suite* const suite = suite_create("signals");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_signals_first_is_told_in_the_main_context);
  tcase_add_test(tests, test_signals_second_reaches_who_is_stuck);
  tcase_add_test(tests, test_signals_of_nohup);
  return suite;
}

GST_CHECK_MAIN(signals)
