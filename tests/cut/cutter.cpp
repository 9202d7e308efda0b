// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/cutter.h"

#include <sstream>
#include <utility>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

// Time is counted in frames.
constexpr Time kFrame = kSecond / 10;

Cutter::Config config(Time least, Time most = kNoTime, unsigned max_reorder = 2) {
  return {.segment_duration = least * kFrame,
          .max_segment_duration = most == kNoTime ? kNoTime : most * kFrame,
          .max_reorder = max_reorder};
}

// Streams are written in decode order, each unit as its kind and the number of the frame:
//   K  can be decoded without what came before
//   R  recovery point
//   G  recovery point of a gradual refresh
//   D  needs what came before
//   B  the same, and is presented before the unit that it follows
//   H  needs what came before, and is not shown
struct Named {
  std::string name;
  Cutter::Unit unit;
};

std::vector<Named> stream(const std::string& text) {
  std::vector<Named> units;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    Cutter::Unit unit;
    unit.pts = std::stoul(word.substr(1)) * kFrame;
    unit.duration = kFrame;
    unit.kind.shown = word[0] != 'H';
    unit.kind.leading = word[0] == 'B';
    unit.kind.random_access = word[0] == 'K'   ? RandomAccess::kClean
                              : word[0] == 'R' ? RandomAccess::kRecovery
                              : word[0] == 'G' ? RandomAccess::kGradual
                                               : RandomAccess::kNone;
    units.push_back({word, unit});
  }
  return units;
}

std::string frames(Time time) {
  std::ostringstream out;
  out << static_cast<double>(time) / static_cast<double>(kFrame);
  return out.str();
}

// "0-3: K0 D1 D2 | 3-6: (K0) D3 …": from and to, and the units; in brackets what only helps
// decoding. The mark "last" shows as a full stop.
class Notes {
 public:
  explicit Notes(std::vector<Named> units) : units_(std::move(units)) {}

  void take(const std::vector<Cutter::Cut>& cuts) {
    for (const Cutter::Cut& cut : cuts) {
      fail_unless_equals_uint64(cut.index, count_++);
      text_ += (text_.empty() ? "" : " | ") + frames(cut.start) + "-" + frames(cut.stop) + ":";
      for (std::size_t i = 0; i < cut.units.size(); ++i) {
        const std::string& name = units_[cut.first_unit + i].name;
        text_ += cut.units[i].show == kNoTime ? " (" + name + ")" : " " + name;
      }
      text_ += cut.last ? " ." : "";
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::vector<Named> units_;
  std::uint64_t count_ = 0;
  std::string text_;
};

std::string cuts(const Cutter::Config& config, const std::vector<Named>& units) {
  Cutter cutter;
  cutter.begin(config);
  Notes notes(units);
  for (const Named& named : units)
    notes.take(cutter.push(named.unit));
  notes.take(cutter.finish(true));
  return notes.text();
}

struct Row {
  const char* what;
  Cutter::Config config;
  const char* stream;
  const char* cuts;
};

void check(std::span<const Row> rows) {
  for (const Row& row : rows) {
    const std::string text = cuts(row.config, stream(row.stream));
    fail_unless(text == row.cuts, "%s:\n  %s\ninstead of\n  %s", row.what, text.c_str(), row.cuts);
  }
}

}  // namespace

GST_START_TEST(test_cutter_cuts_at_random_access_points) {
  const Row rows[] = {
      {"closed GOPs", config(3), "K0 D1 D2 K3 D4 D5", "0-3: K0 D1 D2 | 3-6: K3 D4 D5 ."},
      {"short GOPs", config(3), "K0 D1 K2 D3 K4 D5", "0-4: K0 D1 K2 D3 | 4-6: K4 D5 ."},
      {"GOPs longer than a segment", config(2), "K0 D1 D2 K3 D4", "0-3: K0 D1 D2 | 3-5: K3 D4 ."},
      {"every unit", config(1), "K0 K1 K2", "0-1: K0 | 1-2: K1 | 2-3: K2 ."},
      {"reordered", config(3), "K0 D2 D1 K3 D5 D4", "0-3: K0 D2 D1 | 3-6: K3 D5 D4 ."},
      {"one unit", config(3), "K0", "0-1: K0 ."},
      {"late first frame", config(3), "K50 D51 D52 K53", "50-53: K50 D51 D52 | 53-54: K53 ."},
      {"no limit", config(1), "K0 D1 D2 D3 D4 D5", "0-6: K0 D1 D2 D3 D4 D5 ."},
      {"at every one", config(0), "K0 D1 K2 K3 D4", "0-2: K0 D1 | 2-3: K2 | 3-5: K3 D4 ."},
  };
  check(rows);
}
GST_END_TEST

// The pictures that lead K5 come after it in decode order and before it in presentation.
GST_START_TEST(test_cutter_gives_leading_pictures_to_the_segment_before) {
  const Row rows[] = {
      {"open GOP", config(3), "K0 D1 D2 K5 D3 D4 D6 D7",
       "0-5: K0 D1 D2 (K5) D3 D4 | 5-8: K5 (D3) (D4) D6 D7 ."},
      {"at the beginning", config(3), "K2 D0 D1 D3 K4", "0-4: K2 D0 D1 D3 | 4-5: K4 ."},
      {"cut between leading pictures", config(3, 3), "K0 D1 D2 K5 D3 D4 D6 D7",
       "0-3: K0 D1 D2 | 3-6: (K0) (D1) (D2) K5 D3 D4 | 6-8: (K5) (D3) (D4) D6 D7 ."},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_cuts_inside_long_gops) {
  const Row rows[] = {
      {"one GOP", config(2, 2), "K0 D1 D2 D3 D4",
       "0-2: K0 D1 | 2-4: (K0) (D1) D2 D3 | 4-5: (K0) (D1) (D2) (D3) D4 ."},
      {"the next random-access point is near", config(2, 4), "K0 D1 D2 D3 K4 D5",
       "0-4: K0 D1 D2 D3 | 4-6: K4 D5 ."},
      {"the next one is too far", config(2, 3), "K0 D1 D2 D3 K4 D5",
       "0-3: K0 D1 D2 | 3-6: (K0) (D1) (D2) D3 K4 D5 ."},
      {"reordered around the cut", config(2, 2), "K0 D3 D1 D2 D4",
       "0-2: K0 (D3) D1 | 2-4: (K0) D3 (D1) D2 | 4-5: (K0) (D3) (D1) (D2) D4 ."},
      {"a limit below the least duration", config(3, 1), "K0 D1 D2 D3 K4",
       "0-3: K0 D1 D2 | 3-5: (K0) (D1) (D2) D3 K4 ."},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_goes_one_further_back_for_recovery_points) {
  const Row rows[] = {
      {"from keyframe to recovery point", config(2), "K0 D1 R2 D3 R4 D5",
       "0-2: K0 D1 | 2-4: (K0) (D1) R2 D3 | 4-6: (R2) (D3) R4 D5 ."},
      {"a keyframe needs nothing", config(2), "R0 D1 K2 D3 R4 D5",
       "0-2: R0 D1 | 2-4: K2 D3 | 4-6: (K2) (D3) R4 D5 ."},
      {"inside the GOP of a recovery point", config(2, 2), "K0 D1 R2 D3 D4 D5",
       "0-2: K0 D1 | 2-4: (K0) (D1) R2 D3 | 4-6: (K0) (D1) (R2) (D3) D4 D5 ."},
      {"the stream begins with one", config(2, 2), "R0 D1 D2 D3",
       "0-2: R0 D1 | 2-4: (R0) (D1) D2 D3 ."},
      {"open GOP", config(2), "K0 D1 R4 D2 D3 D5",
       "0-4: K0 D1 (R4) D2 D3 | 4-6: (K0) (D1) R4 (D2) (D3) D5 ."},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_goes_two_further_back_for_gradual_refresh) {
  const Row rows[] = {
      {"as far as there are any", config(2), "K0 D1 G2 D3 G4 D5 G6 D7",
       "0-2: K0 D1 | 2-4: (K0) (D1) G2 D3 | 4-6: (K0) (D1) (G2) (D3) G4 D5 | "
       "6-8: (G2) (D3) (G4) (D5) G6 D7 ."},
      {"but not beyond a keyframe", config(2), "G0 D1 K2 D3 G4 D5",
       "0-2: G0 D1 | 2-4: K2 D3 | 4-6: (K2) (D3) G4 D5 ."},
      {"not beyond a keyframe in the segment before", config(4), "R0 D1 K2 D3 G4 D5",
       "0-4: R0 D1 K2 D3 | 4-6: (K2) (D3) G4 D5 ."},
      {"mixed", config(2), "R0 D1 R2 D3 G4 D5 R6 D7",
       "0-2: R0 D1 | 2-4: (R0) (D1) R2 D3 | 4-6: (R0) (D1) (R2) (D3) G4 D5 | "
       "6-8: (G4) (D5) R6 D7 ."},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_begins_with_the_first_unit_whatever_it_is) {
  const Row rows[] = {
      {"no keyframe", config(2), "D0 D1 K2 D3", "0-2: D0 D1 | 2-4: K2 D3 ."},
      {"no keyframe at all", config(2, 2), "D0 D1 D2 D3", "0-2: D0 D1 | 2-4: (D0) (D1) D2 D3 ."},
      {"hidden", config(2), "H0 K0 D1 K2", "0-2: (H0) K0 D1 | 2-3: K2 ."},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_carries_hidden_units_along) {
  const Row rows[] = {
      {"in the GOP", config(2), "K0 H1 D1 K2", "0-2: K0 (H1) D1 | 2-3: K2 ."},
      {"before a keyframe", config(2), "K0 D1 H1 K2 D3", "0-2: K0 D1 (H1) | 2-4: K2 D3 ."},
      {"around a cut inside the GOP", config(2, 2), "K0 D1 H1 D2 D3",
       "0-2: K0 D1 | 2-4: (K0) (D1) (H1) D2 D3 ."},
      {"at the end", config(2), "K0 D1 H1", "0-2: K0 D1 (H1) ."},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_presents_only_what_the_stream_presents) {
  Cutter::Config clipped = config(2);
  clipped.clip_start = 2 * kFrame + kFrame / 2;
  clipped.clip_stop = 6 * kFrame;
  const Row rows[] = {
      // Frame 2 is on the screen when the stream's segment begins. No unit is left out, so that the
      // segments together are still the whole stream.
      {"begin", clipped, "K0 D1 D2 D3", "2.5-4: (K0) (D1) D2 D3 ."},
      {"begin behind a keyframe", clipped, "K0 D1 K2 D3", "2.5-4: (K0) (D1) K2 D3 ."},
      {"end", clipped, "K3 D4 D5 D6 D7", "3-6: K3 D4 D5 (D6) (D7) ."},
      {"nothing", clipped, "K0 D1 D7", ""},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_estimates_missing_times) {
  const auto spoil = [](const char* text, void (*change)(Cutter::Unit&)) {
    std::vector<Named> units = stream(text);
    for (Named& named : units)
      change(named.unit);
    return units;
  };
  const auto dts_only =
      spoil("K0 D1 K2 D3", [](Cutter::Unit& unit) { unit.dts = std::exchange(unit.pts, kNoTime); });
  fail_unless_equals_text(cuts(config(2), dts_only), "0-2: K0 D1 | 2-4: K2 D3 .");

  const auto durations_only = spoil("K0 D1 K2 D3", [](Cutter::Unit& unit) { unit.pts = kNoTime; });
  fail_unless_equals_text(cuts(config(2), durations_only), "0-2: K0 D1 | 2-4: K2 D3 .");

  const auto nothing =
      spoil("K0 D1 K2 D3", [](Cutter::Unit& unit) { unit.pts = unit.duration = kNoTime; });
  Cutter::Config known_rate = config(2);
  known_rate.frame_duration = kFrame;
  fail_unless_equals_text(cuts(known_rate, nothing), "0-2: K0 D1 | 2-4: K2 D3 .");
}
GST_END_TEST

// Decode times do not tell which frames lie before a cut inside a GOP with B-frames, and before a
// keyframe only if none lead it.
GST_START_TEST(test_cutter_without_pts_cuts_at_closed_gops_only) {
  const struct {
    const char* what;
    unsigned max_reorder;
    const char* stream;
    const char* cuts;
  } rows[] = {
      {"closed", 2, "K0 D1 B2 B3 D4 K5 D6", "0-5: K0 D1 B2 B3 D4 | 5-7: K5 D6 ."},
      {"closed, and nothing follows", 2, "K0 D1 B2 K3", "0-3: K0 D1 B2 | 3-4: K3 ."},
      {"open", 2, "K0 D1 B2 K3 B4 D5", "0-6: K0 D1 B2 K3 B4 D5 ."},
      {"recovery point", 2, "K0 D1 B2 R3 D4 D5", "0-6: K0 D1 B2 R3 D4 D5 ."},
      {"no reordering", 0, "K0 D1 D2 D3 D4 K5",
       "0-2: K0 D1 | 2-4: (K0) (D1) D2 D3 | 4-6: (K0) (D1) (D2) (D3) D4 K5 ."},
  };
  for (const auto& row : rows) {
    std::vector<Named> units = stream(row.stream);
    for (Named& named : units)
      named.unit.dts = std::exchange(named.unit.pts, kNoTime);
    const std::string text = cuts(config(2, 2, row.max_reorder), units);
    fail_unless(text == row.cuts, "%s: %s", row.what, text.c_str());
  }
}
GST_END_TEST

// "|" before a unit: another time segment begins with it.
GST_START_TEST(test_cutter_goes_on_in_the_next_section) {
  const struct {
    const char* what;
    const char* stream;
    const char* cuts;
  } rows[] = {
      {"inside a GOP", "K0 D1 D2 |D3 D4 D5", "0-3: K0 D1 D2 | 3-6: (K0) (D1) (D2) D3 D4 D5 ."},
      {"at a keyframe", "K0 D1 |K2 D3 D4", "0-2: K0 D1 | 2-5: K2 D3 D4 ."},
      {"the next GOP needs nothing of it", "K0 D1 |D2 K3 D4 D5",
       "0-2: K0 D1 | 2-6: (K0) (D1) D2 K3 D4 D5 ."},
      {"frames that are shown later belong to it too", "K0 D4 |D2 D1 D3 D5",
       "0-1: K0 | 1-6: (K0) D4 D2 D1 D3 D5 ."},
      {"leading pictures", "K0 D1 K4 |D2 D3 D5 D6", "0-2: K0 D1 | 2-7: (K0) (D1) K4 D2 D3 D5 D6 ."},
      {"one after the other", "K0 D1 |D2 |D3 D4 D5",
       "0-2: K0 D1 | 2-3: (K0) (D1) D2 | 3-6: (K0) (D1) (D2) D3 D4 D5 ."},
      {"nothing in it", "K0 D1 D2 |", "0-3: K0 D1 D2 ."},
  };
  for (const auto& row : rows) {
    Cutter cutter;
    const Cutter::Config all = config(9);
    const std::uint64_t begun = cutter.begin(all);
    std::string plain = row.stream;
    std::erase(plain, '|');
    const std::vector<Named> units = stream(plain);
    Notes notes(units);
    std::istringstream words(row.stream);
    std::string word;
    std::uint64_t sections = 0;
    for (auto unit = units.begin(); words >> word;) {
      if (word[0] == '|') {
        const std::uint64_t number = cutter.go_on(all, 0);
        ++sections;
        fail_unless_equals_uint64(number, begun + sections);
      }
      if (word != "|")
        notes.take(cutter.push((unit++)->unit));
    }
    notes.take(cutter.finish(true));
    fail_unless(notes.text() == row.cuts, "%s: %s", row.what, notes.text().c_str());
  }
}
GST_END_TEST

// What was shown under another clock has no time in this one, only its place before it.
GST_START_TEST(test_cutter_moves_what_helps_into_the_clock_of_the_section) {
  Cutter cutter;
  cutter.begin(config(9));
  std::vector<Named> units = stream("K50 D51 D1 D2 D3 D4");
  std::vector<Cutter::Cut> cuts;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i == 2)
      cutter.go_on(config(9), -51 * static_cast<std::int64_t>(kFrame));
    for (Cutter::Cut& cut : cutter.push(units[i].unit))
      cuts.push_back(std::move(cut));
  }
  for (Cutter::Cut& cut : cutter.finish(true))
    cuts.push_back(std::move(cut));
  fail_unless_equals_uint64(cuts.size(), 2);
  fail_unless_equals_uint64(cuts[1].start, 1 * kFrame);
  fail_unless_equals_uint64(cuts[1].units.size(), 6);
  for (std::size_t i = 0; i < 2; ++i) {
    fail_unless_equals_uint64(cuts[1].units[i].pts, 0);
    fail_unless(cuts[1].units[i].show == kNoTime);
  }
}
GST_END_TEST

// One keyframe in five minutes: the film is not held until its end.
GST_START_TEST(test_cutter_does_not_wait_for_the_end_of_an_endless_gop) {
  Cutter cutter;
  Cutter::Config endless = config(10, 40);
  endless.max_decoding = 2;
  cutter.begin(endless);
  std::size_t cuts = 0;
  for (Time frame = 0; frame < 3000; ++frame) {
    Cutter::Unit unit{.pts = frame * kFrame, .duration = kFrame, .kind = {}};
    unit.kind.random_access = frame == 0 ? RandomAccess::kClean : RandomAccess::kNone;
    for (const Cutter::Cut& cut : cutter.push(unit)) {
      fail_unless_equals_uint64(cut.stop - cut.start, 40 * kSecond);
      ++cuts;
    }
  }
  fail_unless_equals_uint64(cuts, 5);
}
GST_END_TEST

GST_START_TEST(test_cutter_takes_a_duration_of_0_for_unknown) {
  std::vector<Named> units = stream("K0 D1 D2");
  for (Named& named : units)
    named.unit.duration = 0;
  fail_unless_equals_text(cuts(config(9), units), "0-3: K0 D1 D2 .");
  units.resize(1);
  Cutter cutter;
  cutter.begin(config(9));
  cutter.push(units[0].unit);
  const auto only = cutter.finish(true);
  fail_unless(only.front().stop > only.front().start);
}
GST_END_TEST

GST_START_TEST(test_cutter_ends_with_the_last_frame) {
  std::vector<Named> units = stream("K0 D3 D1 D2");
  fail_unless_equals_text(cuts(config(9), units), "0-4: K0 D3 D1 D2 .");
  // As long as the one before it, if nobody says how long it is.
  units[1].unit.duration = kNoTime;
  fail_unless_equals_text(cuts(config(9), units), "0-4: K0 D3 D1 D2 .");
  Cutter::Config known_rate = config(9);
  known_rate.frame_duration = kFrame / 2;
  fail_unless_equals_text(cuts(known_rate, units), "0-3.5: K0 D3 D1 D2 .");
  Cutter::Config clipped = config(9);
  clipped.clip_stop = 3 * kFrame + kFrame / 4;
  fail_unless_equals_text(cuts(clipped, units), "0-3.25: K0 D3 D1 D2 .");
}
GST_END_TEST

GST_START_TEST(test_cutter_keeps_late_frames) {
  const Row rows[] = {
      // Frame 1 comes when its segment is long gone.
      {"a frame too late", config(2, kNoTime, 0), "K0 K2 D3 D1 K4",
       "0-2: K0 | 1-4: K2 D3 D1 | 4-5: K4 ."},
      {"a frame far ahead", config(2, kNoTime, 0), "K0 D9 D1 K2 D3",
       "0-2: K0 (D9) D1 | 2-10: (K0) D9 (D1) K2 D3 ."},
  };
  check(rows);
}
GST_END_TEST

GST_START_TEST(test_cutter_copies_what_it_does_not_judge) {
  Cutter cutter;
  cutter.begin(config(2));
  cutter.push({.pts = 7, .dts = 3, .duration = 4, .flags = 0x2040, .size = 99, .kind = {}});
  const auto cut = cutter.finish(true);
  fail_unless_equals_uint64(cut.size(), 1);
  const AccessUnit expected{
      .pts = 7, .dts = 3, .duration = 4, .show = 7, .flags = 0x2040, .size = 99};
  fail_unless(cut[0].units == std::vector<AccessUnit>({expected}));
}
GST_END_TEST

GST_START_TEST(test_cutter_waits_no_longer_than_reordering_makes_it) {
  const std::vector<Named> units = stream("K0 D1 K2 D3 D4 D5");
  for (unsigned max_reorder : {0u, 1u, 3u}) {
    Cutter cutter;
    cutter.begin(config(2, kNoTime, max_reorder));
    std::size_t pushed = 0;
    while (cutter.push(units[pushed++].unit).empty())
      continue;
    fail_unless_equals_uint64(pushed, 3 + max_reorder);
  }
  // Without presentation times the unit after the keyframe decides.
  Cutter cutter;
  cutter.begin(config(2, kNoTime, 1));
  std::size_t pushed = 0;
  for (bool cut = false; !cut; ++pushed) {
    Cutter::Unit unit = units[pushed].unit;
    unit.dts = std::exchange(unit.pts, kNoTime);
    cut = !cutter.push(unit).empty();
  }
  fail_unless_equals_uint64(pushed, 4);
}
GST_END_TEST

GST_START_TEST(test_cutter_lets_go_of_what_it_does_not_need) {
  const std::vector<Named> units = stream("K0 D1 K2 D3 R4 D5 R6 D7 K8");
  const std::uint64_t needed[] = {0, 0, 2, 2, 2, 2, 4, 4, 8};
  Cutter cutter;
  cutter.begin(config(2, kNoTime, 0));
  for (std::size_t i = 0; i < units.size(); ++i) {
    cutter.push(units[i].unit);
    fail_unless_equals_uint64(cutter.first_needed_unit(), needed[i]);
  }
  cutter.finish(true);
  fail_unless_equals_uint64(cutter.first_needed_unit(), units.size());
}
GST_END_TEST

GST_START_TEST(test_cutter_goes_on_in_the_next_part) {
  const std::vector<Named> units = stream("K0 D1 K2 D0 K1");
  Cutter cutter;
  Notes notes(units);
  cutter.begin(config(2));
  for (std::size_t i = 0; i < 3; ++i)
    notes.take(cutter.push(units[i].unit));
  notes.take(cutter.finish(false));
  cutter.begin(config(9));
  for (std::size_t i = 3; i < 5; ++i)
    notes.take(cutter.push(units[i].unit));
  notes.take(cutter.finish(true));
  fail_unless_equals_text(notes.text(), "0-2: K0 D1 | 2-3: K2 | 0-2: D0 K1 .");
}
GST_END_TEST

GST_START_TEST(test_cutter_forgets_everything_at_reset) {
  const std::vector<Named> units = stream("K0 D1 K2");
  Cutter cutter;
  cutter.begin(config(2, kNoTime, 0));
  for (const Named& named : units)
    cutter.push(named.unit);
  cutter.reset();
  fail_unless_equals_uint64(cutter.first_needed_unit(), 0);
  cutter.begin(config(2, kNoTime, 0));
  Notes notes(units);
  for (const Named& named : units)
    notes.take(cutter.push(named.unit));
  notes.take(cutter.finish(true));
  fail_unless_equals_text(notes.text(), "0-2: K0 D1 | 2-3: K2 .");
}
GST_END_TEST

GST_START_TEST(test_cutter_makes_nothing_of_nothing) {
  Cutter cutter;
  cutter.begin(config(2));
  fail_unless(cutter.finish(true).empty());
  fail_unless(cutter.finish(true).empty());
}
GST_END_TEST

// However long it is, all of it is here before it is cut, and decoding at most doubles.
GST_START_TEST(test_cutter_cuts_whole_gops_evenly) {
  auto whole = config(1, 4, 0);
  whole.max_decoding = 2;
  auto after_short = config(3, 4, 0);
  after_short.max_decoding = 2;
  auto reordered = config(1, 4, 2);
  reordered.max_decoding = 2;
  const Row rows[] = {
      {"no longer than that", whole, "K0 D1 D2 D3 K4 D5", "0-4: K0 D1 D2 D3 | 4-6: K4 D5 ."},
      {"in two", whole, "K0 D1 D2 D3 D4 D5 K6 D7",
       "0-3: K0 D1 D2 | 3-6: (K0) (D1) (D2) D3 D4 D5 | 6-8: K6 D7 ."},
      {"the last one", whole, "K0 D1 D2 D3 D4", "0-3: K0 D1 D2 | 3-5: (K0) (D1) (D2) D3 D4 ."},
      {"in three at most", whole, "K0 D1 D2 D3 D4 D5 D6 D7 D8 D9 D10 D11 D12 D13 D14 K15",
       "0-5: K0 D1 D2 D3 D4 | 5-10: (K0) (D1) (D2) (D3) (D4) D5 D6 D7 D8 D9 | 10-15: (K0) (D1) "
       "(D2) (D3) (D4) (D5) (D6) (D7) (D8) (D9) D10 D11 D12 D13 D14 | 15-16: K15 ."},
      {"behind one that is too short for a segment", after_short, "K0 D1 K2 D3 D4 D5 D6 D7 K8",
       "0-5: K0 D1 K2 D3 D4 | 5-8: (K2) (D3) (D4) D5 D6 D7 | 8-9: K8 ."},
      {"reordered", reordered, "K0 D2 B1 D4 B3 D6 B5 K8 B7 D9",
       "0-4: K0 D2 B1 (D4) B3 | 4-8: (K0) (D2) (B1) D4 (B3) D6 B5 (K8) B7 | 8-10: K8 (B7) D9 ."},
  };
  check(rows);
}
GST_END_TEST

// The same times whatever the GOPs are.
GST_START_TEST(test_cutter_cuts_on_a_grid) {
  auto grid = config(1, 4, 0);
  grid.grid = 3 * kFrame;
  auto reordered = config(1, 4, 2);
  reordered.grid = 3 * kFrame;
  const Row rows[] = {
      {"keyframes on it", grid, "K0 D1 D2 K3 D4 D5 K6",
       "0-3: K0 D1 D2 | 3-6: K3 D4 D5 | 6-7: K6 ."},
      {"from the first frame", grid, "K2 D3 D4 K5 D6", "2-5: K2 D3 D4 | 5-7: K5 D6 ."},
      {"keyframes between", grid, "K0 D1 K2 D3 D4 K5 D6",
       "0-3: K0 D1 K2 | 3-6: (K2) D3 D4 K5 | 6-7: (K5) D6 ."},
      {"one keyframe", grid, "K0 D1 D2 D3 D4 D5 D6",
       "0-3: K0 D1 D2 | 3-6: (K0) (D1) (D2) D3 D4 D5 | 6-7: (K0) (D1) (D2) (D3) (D4) (D5) D6 ."},
      {"a frame that lasts", grid, "K0 D1 D5 D6",
       "0-5: K0 D1 | 5-6: (K0) (D1) D5 | 6-7: (K0) (D1) (D5) D6 ."},
      {"open GOP", reordered, "K0 D2 B1 K5 B3 B4 D7 B6 K8",
       "0-3: K0 D2 B1 | 3-6: (K0) (D2) (B1) K5 B3 B4 | 6-9: (K5) (B3) (B4) D7 B6 K8 ."},
  };
  check(rows);
}
GST_END_TEST

static Suite* cutter_suite() {
  Suite* suite = suite_create("cutter");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_cutter_cuts_whole_gops_evenly);
  tcase_add_test(tcase, test_cutter_cuts_on_a_grid);
  tcase_add_test(tcase, test_cutter_cuts_at_random_access_points);
  tcase_add_test(tcase, test_cutter_gives_leading_pictures_to_the_segment_before);
  tcase_add_test(tcase, test_cutter_cuts_inside_long_gops);
  tcase_add_test(tcase, test_cutter_goes_one_further_back_for_recovery_points);
  tcase_add_test(tcase, test_cutter_goes_two_further_back_for_gradual_refresh);
  tcase_add_test(tcase, test_cutter_begins_with_the_first_unit_whatever_it_is);
  tcase_add_test(tcase, test_cutter_carries_hidden_units_along);
  tcase_add_test(tcase, test_cutter_presents_only_what_the_stream_presents);
  tcase_add_test(tcase, test_cutter_estimates_missing_times);
  tcase_add_test(tcase, test_cutter_without_pts_cuts_at_closed_gops_only);
  tcase_add_test(tcase, test_cutter_goes_on_in_the_next_section);
  tcase_add_test(tcase, test_cutter_moves_what_helps_into_the_clock_of_the_section);
  tcase_add_test(tcase, test_cutter_does_not_wait_for_the_end_of_an_endless_gop);
  tcase_add_test(tcase, test_cutter_takes_a_duration_of_0_for_unknown);
  tcase_add_test(tcase, test_cutter_ends_with_the_last_frame);
  tcase_add_test(tcase, test_cutter_keeps_late_frames);
  tcase_add_test(tcase, test_cutter_copies_what_it_does_not_judge);
  tcase_add_test(tcase, test_cutter_waits_no_longer_than_reordering_makes_it);
  tcase_add_test(tcase, test_cutter_lets_go_of_what_it_does_not_need);
  tcase_add_test(tcase, test_cutter_goes_on_in_the_next_part);
  tcase_add_test(tcase, test_cutter_forgets_everything_at_reset);
  tcase_add_test(tcase, test_cutter_makes_nothing_of_nothing);
  return suite;
}

GST_CHECK_MAIN(cutter)
