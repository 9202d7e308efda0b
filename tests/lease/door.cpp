// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/door.h"

#include <map>
#include <random>
#include <string>

#include "tests/common/support.h"

using dist::Door;
using dist::Instant;
using dist::kMillisecond;

namespace {

constexpr Instant kSecond = 1'000 * kMillisecond;

// Strangers come from 200 addresses, 100 each second, and never greet.
class Crowd {
 public:
  // False if that crowds out `honest`.
  bool come(const std::string& address) {
    now_ += 10 * kMillisecond;
    fail_unless_equals_text(door_.enter(++last_, address, now_), "");
    addresses_[last_] = address;
    const auto out = door_.crowded_out(random_());
    return !out || leave(*out) != honest_;
  }
  bool stranger_comes() { return come("10.1." + std::to_string(strangers_++ % 200) + ".9"); }

  // One who needs 50 ms to greet. False if it is crowded out.
  bool let_in(const std::string& address) {
    honest_ = address;
    bool here = come(address);
    const Door::Id id = last_;
    for (unsigned i = 0; i < 5 && here; ++i)
      here = stranger_comes();
    if (here)
      leave(id);
    return here;
  }

 private:
  std::string leave(Door::Id id) {
    const std::string address = addresses_.at(id);
    addresses_.erase(id);
    door_.greeted(id, address);
    door_.leave(address);
    return address;
  }

  Door door_{{}};
  std::mt19937_64 random_{7};
  std::map<Door::Id, std::string> addresses_;
  std::string honest_;
  Door::Id last_ = 0;
  Instant now_ = 0;
  unsigned strangers_ = 0;
};

}  // namespace

// 64 may be there at a time, so that each that comes crowds out an honest one with a chance of 1 in
// 65.
GST_START_TEST(test_door_a_crowd_from_many_addresses_keeps_nobody_out) {
  // Before, among and behind those of the strangers.
  for (const char* honest : {"10.0.0.1", "10.1.50.1", "10.2.0.1"}) {
    Crowd crowd;
    for (unsigned i = 0; i < 100; ++i)
      crowd.stranger_comes();
    unsigned in = 0;
    for (unsigned i = 0; i < 200; ++i)
      in += crowd.let_in(honest) ? 1 : 0;
    fail_unless(in >= 170, "%s: %u of 200", honest, in);
  }
}
GST_END_TEST

GST_START_TEST(test_door_closes_the_oldest_of_the_address_with_most) {
  Door door({.max_greeting = 3});
  fail_unless_equals_text(door.enter(1, "a", 0), "");
  for (Door::Id id = 2; id <= 4; ++id)
    fail_unless_equals_text(door.enter(id, "b", 0), "");
  for (std::uint64_t random = 0; random < 5; ++random)
    fail_unless(door.crowded_out(random) == Door::Id{2});
  door.greeted(2, "b");
  fail_unless(!door.crowded_out(0));
}
GST_END_TEST

GST_START_TEST(test_door_slows_down_who_guesses) {
  Door door({.max_guesses = 4, .guess_interval = kSecond});
  Instant now = 100 * kSecond;
  unsigned guesses = 0;
  // A hundred times a second, for a minute.
  for (Door::Id id = 1; id <= 6000; ++id, now += 10 * kMillisecond) {
    if (door.enter(id, "a", now).empty()) {
      door.guessed_wrong("a", now);
      ++guesses;
    }
    door.greeted(id, "a");
    door.leave("a");
  }
  fail_unless(guesses >= 60 && guesses <= 66, "%u guesses", guesses);
}
GST_END_TEST

GST_START_TEST(test_door_forgets_wrong_guesses) {
  Door door({.max_guesses = 2, .guess_interval = kSecond});
  const Instant now = 100 * kSecond;
  for (unsigned i = 0; i < 3; ++i)
    door.guessed_wrong("a", now);
  fail_unless(!door.enter(1, "a", now).empty());
  fail_unless_equals_text(door.enter(2, "b", now), "");
  fail_unless(!door.enter(3, "a", now + kSecond).empty());
  fail_unless_equals_text(door.enter(4, "a", now + 2 * kSecond), "");
}
GST_END_TEST

GST_START_TEST(test_door_tells_a_few_of_a_flood) {
  Door door({.max_told = 3});
  std::string told;
  for (Instant now = 10 * kSecond; now < 12 * kSecond; now += kSecond / 5)
    if (const auto untold = door.tells(now))
      told += std::to_string(*untold) + " ";
  fail_unless_equals_text(told, "0 0 0 2 0 0 ");
}
GST_END_TEST

static Suite* door_suite() {
  Suite* const suite = suite_create("door");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_door_a_crowd_from_many_addresses_keeps_nobody_out);
  tcase_add_test(tests, test_door_closes_the_oldest_of_the_address_with_most);
  tcase_add_test(tests, test_door_slows_down_who_guesses);
  tcase_add_test(tests, test_door_forgets_wrong_guesses);
  tcase_add_test(tests, test_door_tells_a_few_of_a_flood);
  return suite;
}

GST_CHECK_MAIN(door)
