// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/mutex.h"

#include <chrono>
#include <thread>

#include <gst/check/gstcheck.h>

namespace {

using namespace dist;

struct Counter {
  // Until it is at least `value`; false if the time comes first.
  bool wait_for(int value, Condition::Clock::time_point end) {
    const MutexLock lock(mutex);
    while (count < value)
      if (!changed.wait_until(mutex, end))
        return false;
    return true;
  }
  void wait_for(int value) {
    const MutexLock lock(mutex);
    while (count < value)
      changed.wait(mutex);
  }
  void add() {
    const MutexLock lock(mutex);
    ++count;
    changed.notify_all();
  }

  Mutex mutex;
  Condition changed;
  int count GUARDED_BY(mutex) = 0;
};

// The lock is free while others wait, and held by one at a time.
GST_START_TEST(test_condition_wakes_who_waits) {
  constexpr int kRounds = 10'000;
  Counter counter;
  const auto run = [&counter] {
    for (int i = 0; i < kRounds; ++i)
      counter.add();
  };
  std::thread one(run);
  std::thread other(run);
  counter.wait_for(2 * kRounds);
  fail_unless(counter.wait_for(2 * kRounds, Condition::Clock::now() + std::chrono::hours(1)));
  one.join();
  other.join();
}
GST_END_TEST

GST_START_TEST(test_condition_waits_no_longer_than_it_is_told) {
  Counter counter;
  const auto end = Condition::Clock::now() + std::chrono::milliseconds(20);
  fail_unless(!counter.wait_for(1, end));
  fail_unless(Condition::Clock::now() >= end);
  // The lock was given back.
  counter.add();
  fail_unless(counter.wait_for(1, end));
}
GST_END_TEST

Suite* mutex_suite() {
  Suite* const suite = suite_create("mutex");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_condition_wakes_who_waits);
  tcase_add_test(tests, test_condition_waits_no_longer_than_it_is_told);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(mutex)
