// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/unit_times.h"

#include <sstream>

#include "tests/common/support.h"

namespace {

using namespace dist;

// Units in decode order: P5 has presentation time 5, D5 only the decode time 5, N none, and H is
// not shown. Returns a letter for each: "." trusted, "!" not.
std::string judged(unsigned max_reorder, const std::string& text) {
  UnitTimes times(max_reorder);
  std::istringstream words(text);
  std::string verdicts;
  for (std::string word; words >> word;) {
    Cutter::Unit unit;
    const Time time = word.size() > 1 ? std::stoul(word.substr(1)) : kNoTime;
    (word[0] == 'P' ? unit.pts : unit.dts) = time;
    unit.kind.shown = word[0] != 'H';
    verdicts += times.trusts(unit) ? "." : "!";
  }
  return verdicts;
}

}  // namespace

GST_START_TEST(test_unit_times_are_trusted_where_they_tell_when_frames_are_shown) {
  const struct {
    const char* what;
    unsigned max_reorder;
    const char* stream;
    const char* verdicts;
  } rows[] = {
      {"all presentation times", 16, "P0 P3 P1 P2", "...."},
      {"decode times only, as in elementary streams", 16, "D0 D1 D2", "..."},
      {"some lack a presentation time", 16, "P0 D1 P2", ".!!"},
      {"the first lack them", 16, "D0 P1 P2", ".!!"},
      {"two frames at one time", 16, "P0 P2 P1 P2", "...!"},
      {"at one time, far apart", 0, "P0 P1 P0", "..!"},
      {"before what was shown", 2, "P0 P3 P1 P2 P6 P4 P5 P2 P3 P6", ".......!!."},
      {"reordered as far as can be", 2, "P2 P0 P1 P5 P3 P4", "......"},
      {"no reordering: decode times are as good", 0, "P0 D1 P2 D3", "...."},
      {"no times at all", 0, "N N N", "..."},
      {"some have no time at all", 0, "P0 N P2", ".!."},
      {"what is not shown needs none", 0, "P0 H P1", "..."},
  };
  for (const auto& row : rows)
    fail_unless_equals_text(judged(row.max_reorder, row.stream), row.verdicts);
}
GST_END_TEST

static Suite* unit_times_suite() {
  Suite* suite = suite_create("unit_times");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_unit_times_are_trusted_where_they_tell_when_frames_are_shown);
  return suite;
}

GST_CHECK_MAIN(unit_times)
