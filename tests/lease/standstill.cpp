// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/standstill.h"

#include "tests/common/support.h"

namespace {

using namespace dist;
using State = Standstill::State;

constexpr Instant kSeconds = 1'000 * kMillisecond;

// What is told at each second, as "SECOND:DURATION", with a "!" at the end.
class Watched {
 public:
  explicit Watched(Instant limit) : standstill_(limit) {}

  void pass(unsigned seconds, State state) {
    for (unsigned i = 0; i < seconds; ++i, now_ += kSeconds)
      if (const auto told = standstill_.look(state, now_))
        told_ += (told_.empty() ? "" : " ") + std::to_string(now_ / kSeconds) + ":" +
                 std::to_string(told->duration / kSeconds) + (told->given_up ? "!" : "");
  }
  void move() { standstill_.moved(now_); }
  const std::string& told() const { return told_; }
  Instant left() const { return standstill_.next_wakeup() - (now_ - kSeconds); }

 private:
  Standstill standstill_;
  Instant now_ = 0;
  std::string told_;
};

}  // namespace

GST_START_TEST(test_standstill_is_told_on_the_way_and_at_the_end) {
  Watched job(600 * kSeconds);
  job.pass(1000, State::kWorking);
  fail_unless_equals_text(job.told(), "60:60 600:600!");
  Watched short_one(10 * kSeconds);
  short_one.pass(1000, State::kWorking);
  fail_unless_equals_text(short_one.told(), "5:5 10:10!");
  Watched endless(0);
  endless.pass(1000, State::kWorking);
  fail_unless_equals_text(endless.told(), "");
}
GST_END_TEST

GST_START_TEST(test_standstill_begins_anew_with_what_is_done) {
  Watched job(100 * kSeconds);
  job.pass(90, State::kWorking);
  job.move();
  job.pass(90, State::kWorking);
  fail_unless_equals_text(job.told(), "50:50 140:50");
  job.pass(1, State::kNothingToDo);
  job.pass(90, State::kWorking);
  fail_unless_equals_text(job.told(), "50:50 140:50 231:50");
}
GST_END_TEST

GST_START_TEST(test_standstill_does_not_count_pauses) {
  Watched job(100 * kSeconds);
  for (unsigned i = 0; i < 20; ++i) {
    job.pass(10, State::kWorking);
    job.pass(1000, State::kPaused);
  }
  fail_unless_equals_text(job.told(), "5050:50 10100:100!");
}
GST_END_TEST

GST_START_TEST(test_standstill_says_when_to_look_again) {
  Watched job(100 * kSeconds);
  job.pass(11, State::kWorking);
  fail_unless_equals_uint64(job.left(), 40 * kSeconds);
  job.pass(45, State::kWorking);
  fail_unless_equals_uint64(job.left(), 45 * kSeconds);
  job.pass(1, State::kPaused);
  fail_unless(job.left() > 1000 * kSeconds);
}
GST_END_TEST

static Suite* standstill_suite() {
  Suite* suite = suite_create("standstill");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_standstill_is_told_on_the_way_and_at_the_end);
  tcase_add_test(tcase, test_standstill_begins_anew_with_what_is_done);
  tcase_add_test(tcase, test_standstill_does_not_count_pauses);
  tcase_add_test(tcase, test_standstill_says_when_to_look_again);
  return suite;
}

GST_CHECK_MAIN(standstill)
