// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/result_room.h"

#include "tests/common/support.h"

namespace {

using namespace dist;
using Kind = ResultRoom::Kind;
using Throttle = Dispatcher::Throttle;

// Of 1000 bytes, with the segments 0 to `segments` - 1 of 100 bytes each.
ResultRoom room_with(std::uint64_t segments) {
  ResultRoom room(1000);
  for (std::uint64_t i = 0; i < segments; ++i)
    fail_unless(room.window().accept(i, 100));
  return room;
}

}  // namespace

GST_START_TEST(test_result_room_counts_what_is_held_arrives_and_is_looked_at) {
  ResultRoom room = room_with(3);
  fail_unless_equals_uint64(room.bytes(), 300);
  room.arrived(0, 50);
  room.arrived(50, 250);
  room.look_begun(400);
  fail_unless_equals_uint64(room.bytes(), 950);
  fail_unless(room.fits(50));
  fail_if(room.fits(51));
  room.arrived(250, 0);
  room.look_ended(400);
  fail_unless_equals_uint64(room.bytes(), 300);
}
GST_END_TEST

GST_START_TEST(test_result_room_admits_one_lease_of_each_kind) {
  ResultRoom room = room_with(1);
  fail_unless(room.admit(7, Kind::kSegment));
  fail_unless(room.admit(7, Kind::kSegment));
  fail_if(room.admit(8, Kind::kSegment), "a copy of it");
  fail_unless(room.admit(9, Kind::kExam));
  fail_if(room.admit(10, Kind::kExam));
  room.lease_ended(8);
  fail_if(room.admit(8, Kind::kSegment));
  room.lease_ended(7);
  fail_unless(room.admit(8, Kind::kSegment));
  fail_if(room.admit(10, Kind::kExam), "the other kind goes on");
}
GST_END_TEST

GST_START_TEST(test_result_room_expects_as_much_as_results_had) {
  ResultRoom room = room_with(0);
  room.learn(100);
  fail_unless(room.result_size() == 100);
  room.learn(200);
  fail_unless(room.result_size() == 125);
  fail_unless(room.expected(3) == 500, "three leases and one more");
  room.put_off(60);
  fail_unless(room.result_size() == 125);
  room.put_off(400);
  fail_unless(room.result_size() == 400);
}
GST_END_TEST

// The segments 0 to 3 are there, and results of 100 bytes are expected.
GST_START_TEST(test_result_room_leases_what_finds_room) {
  const struct {
    const char* what;
    std::size_t leases;
    std::uint64_t earliest;
    Throttle throttle;
  } rows[] = {
      {"room for all", 5, 0, Throttle::kNone},
      {"not for one more", 6, 0, Throttle::kEarliestOnly},
      {"what leaves next is done", 6, 1, Throttle::kStopped},
  };
  for (const auto& row : rows) {
    ResultRoom room = room_with(4);
    room.learn(100);
    fail_unless(room.throttle(row.leases, row.earliest, false) == row.throttle, "%s", row.what);
  }
}
GST_END_TEST

GST_START_TEST(test_result_room_waits_for_a_delivery_after_a_result_found_none) {
  ResultRoom room = room_with(4);
  room.put_off(10);
  fail_unless(room.throttle(0, 0, false) == Throttle::kEarliestOnly, "whatever is expected");
  fail_unless(room.throttle(0, 0, true) == Throttle::kStopped, "what may leave is looked at");
  fail_unless(room.throttle(0, 2, false) == Throttle::kStopped);
  fail_unless(room.window().answer(1, 100));
  fail_unless(room.throttle(0, 0, false) == Throttle::kEarliestOnly, "as much as before");
  fail_unless(room.window().answer(2, 50));
  fail_unless(room.throttle(0, 0, false) == Throttle::kNone);
  room.put_off(10);
  fail_unless(room.throttle(0, 0, false) == Throttle::kEarliestOnly);
  room.window().deliver(0);
  fail_unless(room.throttle(0, 3, false) == Throttle::kNone);
}
GST_END_TEST

GST_START_TEST(test_result_room_waits_for_nothing_once_an_arriving_result_is_gone) {
  ResultRoom room = room_with(4);
  room.arrived(0, 900);
  room.put_off(10);
  fail_unless(room.throttle(0, 0, false) == Throttle::kEarliestOnly);
  room.arrived(900, 0);
  fail_unless(room.throttle(0, 0, false) == Throttle::kEarliestOnly);
  room.freed();
  fail_unless(room.throttle(0, 0, false) == Throttle::kNone);
}
GST_END_TEST

GST_START_TEST(test_result_room_holds_exams_one_by_one_where_it_is_tight) {
  ResultRoom room = room_with(4);
  room.learn(150);
  fail_if(room.stops_exams(9, 0), "one may be held in any case");
  fail_if(room.stops_exams(1, 1));
  fail_unless(room.stops_exams(3, 1));
}
GST_END_TEST

static Suite* result_room_suite() {
  Suite* suite = suite_create("result_room");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_result_room_counts_what_is_held_arrives_and_is_looked_at);
  tcase_add_test(tcase, test_result_room_admits_one_lease_of_each_kind);
  tcase_add_test(tcase, test_result_room_expects_as_much_as_results_had);
  tcase_add_test(tcase, test_result_room_leases_what_finds_room);
  tcase_add_test(tcase, test_result_room_waits_for_a_delivery_after_a_result_found_none);
  tcase_add_test(tcase, test_result_room_waits_for_nothing_once_an_arriving_result_is_gone);
  tcase_add_test(tcase, test_result_room_holds_exams_one_by_one_where_it_is_tight);
  return suite;
}

GST_CHECK_MAIN(result_room)
