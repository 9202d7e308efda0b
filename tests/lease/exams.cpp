// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/exams.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/common/support.h"

namespace {

using namespace dist;
using dist::test::contains;

constexpr Instant kSeconds = 1'000 * kMillisecond;

JobSegment segment(std::uint64_t index, std::size_t size = 10, RenditionSet wanted = 3) {
  auto header = std::make_shared<SegmentHeader>();
  header->index = index;
  return {
      .header = header, .bytes = {Bytes::take(std::vector<std::uint8_t>(size))}, .wanted = wanted};
}

// "1 ends able 3 begins 2".
std::string text(const Exams::Step& step) {
  return std::to_string(step.worker) + (step.ends ? " ends" : "") +
         (step.ability ? " able " + std::to_string(*step.ability) : "") +
         (step.begins != 0 ? " begins " + std::to_string(step.begins) : "");
}
std::string text(const std::vector<Exams::Step>& steps) {
  std::string all;
  for (const Exams::Step& step : steps)
    all += (all.empty() ? "" : ", ") + text(step);
  return all;
}

std::string flunk(Exams& exams, WorkerId worker, RenditionSet missing, Instant now) {
  return exams.failed({worker, "anna", "black", 7}, missing, now);
}

}  // namespace

GST_START_TEST(test_exams_are_required_where_asked_for) {
  Exams none(false, 3);
  fail_unless(!none.require(1, 3) && !none.requires_of(1));
  fail_unless_equals_text(text(none.offer(segment(0), false)), "");
  fail_unless_equals_text(text(none.set_able(1, 2)), "1 able 2");
  Exams exams(true, 3);
  fail_unless_equals_text(text(exams.require(1, 3).value()), "1 able 0");
  fail_unless(exams.requires_of(1) && !exams.require(1, 3));
  fail_unless_equals_text(text(exams.offer(segment(0), false)), "1 begins 3");
  fail_unless_equals_text(text(exams.require(2, 1).value()), "2 able 0 begins 1");
  fail_unless_equals_uint64(exams.segment_of(2).header->index, 0);
  fail_unless_equals_text(text(exams.passed(1)), "1 ends able 3");
  fail_unless(!exams.requires_of(1));
  fail_unless_equals_text(text(exams.set_able(1, 1)), "1 able 1");
}
GST_END_TEST

GST_START_TEST(test_exams_follow_what_a_worker_can_make) {
  Exams exams(true, 3);
  (void)exams.offer(segment(0), false);
  fail_unless_equals_text(text(exams.require(1, 0).value()), "1 able 0");
  fail_unless_equals_text(text(exams.set_able(1, 1)), "1 able 0 begins 1");
  fail_unless_equals_text(text(exams.set_able(1, 1)), "1 able 0");
  fail_unless_equals_text(text(exams.set_able(1, 3)), "1 ends able 0 begins 3");
  fail_unless_equals_uint64(exams.able(), 3);
  fail_unless_equals_text(text(exams.set_able(1, 0)), "1 ends able 0");
  // The segment has no frames of the only rendition that it can make.
  fail_unless_equals_text(text(exams.set_able(1, 4)), "1 able 4");
  fail_unless(!exams.requires_of(1));
}
GST_END_TEST

GST_START_TEST(test_exams_prefer_what_is_known_and_large) {
  Exams exams(true, 3);
  const auto index = [&](WorkerId worker) {
    (void)exams.require(worker, 3);
    return exams.segment_of(worker).header->index;
  };
  (void)exams.offer(segment(0), false);
  (void)exams.offer(segment(1, 20), false);
  fail_unless_equals_uint64(index(1), 0);
  (void)exams.offer(segment(2, 20), true);
  (void)exams.offer(segment(3, 15), true);
  (void)exams.offer(segment(4, 30, 1), true);
  fail_unless_equals_uint64(index(2), 2);
  fail_unless_equals_uint64(exams.segment_of(1).header->index, 0);
  exams.forget_segment();
  fail_unless_equals_text(text(exams.set_able(1, 3)), "1 ends able 0");
}
GST_END_TEST

GST_START_TEST(test_exams_are_held_again) {
  Exams exams(true, 3);
  (void)exams.offer(segment(0), false);
  (void)exams.require(1, 3);
  (void)exams.require(2, 1);
  fail_unless_equals_text(text(exams.again(1)), "1 ends begins 3");
  exams.forget(2);
  (void)exams.require(3, 2);
  fail_unless_equals_text(text(exams.begin_anew()), "1 begins 3, 3 begins 2");
}
GST_END_TEST

// As soon as all who are there have failed, or much later, but not within a moment.
GST_START_TEST(test_exams_are_given_up) {
  const struct {
    const char* name;
    bool another;  // Somebody is there who has not failed.
    RenditionSet missing;
    Instant step;
    unsigned given_up;  // At which failure; 0: never.
  } kCases[] = {
      {"alone", false, 1, 6 * kSeconds, 3},
      {"alone, quickly", false, 1, 4 * kSeconds, 4},
      {"beside another", true, 1, 6 * kSeconds, 30},
      {"another can make it", false, 0, 6 * kSeconds, 0},
      {"what it cannot make", false, 4, 6 * kSeconds, 30},
  };
  for (const auto& c : kCases) {
    Exams exams(true, 3);
    (void)exams.offer(segment(7), false);
    (void)exams.require(1, 3);
    if (c.another)
      (void)exams.require(2, 3);
    unsigned given_up = 0;
    for (unsigned i = 1; i <= 40 && given_up == 0; ++i) {
      const std::string reason = flunk(exams, 1, c.missing, 100 * kSeconds + i * c.step);
      given_up = reason.empty() ? 0 : i;
      fail_unless(reason.empty() || contains(reason, "segment 7: given up: " + std::to_string(i) +
                                                         " exams were failed"),
                  "%s", reason.c_str());
    }
    fail_unless(given_up == c.given_up, "%s: %u", c.name, given_up);
  }
}
GST_END_TEST

// Also if no further exam is failed, unless a worker came that has not failed.
GST_START_TEST(test_exams_are_given_up_in_time) {
  for (const bool comes : {false, true}) {
    Exams exams(true, 3);
    (void)exams.offer(segment(7), false);
    (void)exams.require(1, 3);
    for (int i = 0; i < 3; ++i)
      fail_unless_equals_text(flunk(exams, 1, 1, 100 * kSeconds), "");
    fail_unless_equals_uint64(exams.next_wakeup(), 110 * kSeconds);
    fail_unless_equals_text(exams.give_up(1, 109 * kSeconds), "");
    if (comes)
      (void)exams.require(2, 3);
    const std::string reason = exams.give_up(1, 110 * kSeconds);
    fail_unless(contains(reason, "segment 7: given up: 3 exams were failed") == !comes);
    fail_unless_equals_uint64(exams.next_wakeup(), kNever);
    fail_unless_equals_text(exams.give_up(1, 120 * kSeconds), "");
  }
}
GST_END_TEST

GST_START_TEST(test_exams_count_from_the_last_that_was_passed) {
  Exams exams(true, 3);
  (void)exams.offer(segment(7), false);
  (void)exams.require(1, 3);
  (void)exams.require(2, 3);
  for (Instant now = 0; now < 60 * kSeconds; now += 30 * kSeconds)
    fail_unless_equals_text(flunk(exams, 1, 1, now), "");
  (void)exams.passed(2);
  fail_unless_equals_text(flunk(exams, 1, 1, 90 * kSeconds), "");
  // Nor does a worker that is gone stand for those that are there.
  exams.forget(1);
  for (int i = 0; i < 5; ++i)
    fail_unless_equals_text(flunk(exams, 1, 1, 120 * kSeconds), "");
}
GST_END_TEST

static Suite* exams_suite() {
  Suite* suite = suite_create("exams");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_exams_are_required_where_asked_for);
  tcase_add_test(tcase, test_exams_follow_what_a_worker_can_make);
  tcase_add_test(tcase, test_exams_prefer_what_is_known_and_large);
  tcase_add_test(tcase, test_exams_are_held_again);
  tcase_add_test(tcase, test_exams_are_given_up);
  tcase_add_test(tcase, test_exams_are_given_up_in_time);
  tcase_add_test(tcase, test_exams_count_from_the_last_that_was_passed);
  return suite;
}

GST_CHECK_MAIN(exams)
