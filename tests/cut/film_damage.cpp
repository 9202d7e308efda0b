// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/film_damage.h"

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

SegmentDamage stretch(double start, double stop, std::uint64_t guessed, std::uint64_t missing = 0) {
  const auto time = [](double seconds) { return static_cast<Time>(seconds * kSecond); };
  return {.guessed = guessed, .missing = missing, .start = time(start), .stop = time(stop)};
}

}  // namespace

GST_START_TEST(test_damage_of_a_segment_is_what_was_guessed_or_is_missing) {
  const SegmentHeader source = source_header(2);
  SegmentHeader answer = answer_header(source);
  fail_if(damage_of(source, source.presentation_times(), answer).any());
  answer.units[1].flags |= kFlagCorrupted;
  answer.units.erase(answer.units.begin() + 2);
  const SegmentDamage damage = damage_of(source, source.presentation_times(), answer);
  fail_unless_equals_uint64(damage.guessed, 1);
  fail_unless_equals_uint64(damage.missing, 1);
  fail_unless_equals_uint64(damage.start, source.start + kFrame);
  fail_unless_equals_uint64(damage.stop, source.start + 3 * kFrame);
  answer.units.clear();
  fail_unless_equals_uint64(damage_of(source, source.presentation_times(), answer).missing, 4);
  fail_unless_equals_uint64(damage_of(source, source.presentation_times(), answer).stop,
                            source.stop);
}
GST_END_TEST

GST_START_TEST(test_damage_of_a_film_is_said_once) {
  FilmDamage none;
  none.add(3, {});
  fail_unless_equals_text(none.text(), "");
  FilmDamage one;
  one.add(7, stretch(65.25, 66, 1));
  fail_unless_equals_text(
      one.text(),
      "the film is damaged from 0:01:05.2 to 0:01:06.0: decoders had to guess at 1 frame");
  // Segments are done in any order; those that touch are one stretch.
  one.add(8, stretch(66, 66.5, 2));
  one.add(2, stretch(3600, 3601, 0, 25));
  fail_unless_equals_text(
      one.text(),
      "the film is damaged from 1:00:00.0 to 1:00:01.0, from 0:01:05.2 to 0:01:06.5: decoders had "
      "to guess at 3 frames, and 25 frames could not be decoded");
  FilmDamage all_over;
  for (std::uint64_t i = 0; i < 8; ++i)
    all_over.add(i, stretch(static_cast<double>(2 * i), static_cast<double>(2 * i + 1), 1));
  fail_unless(contains(all_over.text(), "to 0:00:09.0 and in 3 more places: "), "%s",
              all_over.text().c_str());
}
GST_END_TEST

static Suite* film_damage_suite() {
  Suite* suite = suite_create("film_damage");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_damage_of_a_segment_is_what_was_guessed_or_is_missing);
  tcase_add_test(tcase, test_damage_of_a_film_is_said_once);
  return suite;
}

GST_CHECK_MAIN(film_damage)
