// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/join_room.h"

#include "tests/common/support.h"

namespace {

using namespace dist;

constexpr std::size_t kFull = kJoinEnough;
constexpr std::size_t kOverfull = kJoinMost;

}  // namespace

GST_START_TEST(test_join_room_is_for_those_who_wait) {
  const struct {
    const char* what;
    JoinLevel mine;
    std::uint64_t index;
    std::vector<JoinLevel> others;
    bool room;
  } rows[] = {
      {"empty", {.held = 0, .next = 5}, 5, {}, true},
      {"not yet full", {.held = kFull - 1, .next = 5}, 5, {}, true},
      {"full", {.held = kFull, .next = 5}, 5, {}, false},
      {"nobody takes it", {.held = kFull, .next = 5, .taken = false}, 5, {}, true},
      {"nobody took it before",
       {.held = kOverfull, .next = 5, .taken = false},
       5,
       {{.held = 0, .next = 4}},
       false},
      {"the other has some", {.held = kFull, .next = 5}, 5, {{.held = 1, .next = 3}}, false},
      {"the other lacks an earlier one",
       {.held = kFull, .next = 5},
       5,
       {{.held = 0, .next = 4}},
       true},
      {"the other lacks an earlier one for long",
       {.held = 100, .next = 105},
       105,
       {{.held = 0, .next = 0}},
       true},
      {"the other lacks the same one",
       {.held = kFull, .next = 5},
       5,
       {{.held = 0, .next = 5}},
       true},
      {"the other drains whatever comes",
       {.held = kOverfull, .next = 15},
       15,
       {{.held = 0, .next = 15}},
       false},
      {"the other is ahead", {.held = kFull, .next = 5}, 5, {{.held = 0, .next = 6}}, false},
      {"nobody takes the other's",
       {.held = kFull, .next = 5},
       5,
       {{.held = 0, .next = 0, .taken = false}},
       false},
      {"out of order, the other lacks one between",
       {.held = kFull, .next = 5},
       9,
       {{.held = 0, .next = 7}},
       true},
      {"one of many", {.held = kFull, .next = 5}, 5, {{.held = 2, .next = 5}, {.next = 4}}, true},
  };
  for (const auto& row : rows) {
    std::vector<JoinLevel> all = row.others;
    all.push_back(row.mine);
    fail_unless(has_room(row.mine, row.index, all) == row.room, "%s", row.what);
  }
}
GST_END_TEST

static Suite* join_room_suite() {
  Suite* const suite = suite_create("join_room");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_join_room_is_for_those_who_wait);
  return suite;
}

GST_CHECK_MAIN(join_room)
