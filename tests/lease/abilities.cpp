// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/abilities.h"

#include <string>
#include <vector>

#include "tests/common/support.h"

namespace {

using namespace dist;

constexpr Instant kSeconds = 1'000 * kMillisecond;
constexpr RenditionSet kHd = 1;
constexpr RenditionSet kSd = 2;
constexpr RenditionSet kBoth = kHd | kSd;

const std::vector<Ability> kX264 = {{true, "x264enc", ""}, {true, "x264enc", ""}};
const std::vector<Ability> kOpen = {{true, "openh264enc", ""}, {true, "openh264enc", ""}};
const std::vector<Ability> kHdOnly = {{true, "x264enc", ""}, {false, "", "no encoder"}};
const std::vector<Ability> kByHand = {{true, "", ""}, {true, "", ""}};

struct Ladder : Abilities {
  Ladder() { want(*parse_renditions("hd:h264:64x36,sd:h264:32x18")); }

  // The worker makes these of both; "0 x264enc, 1 x264enc not 2 3; 1 2 3" are the encoders chosen,
  // and whose abilities change.
  std::string make(WorkerId worker, RenditionSet made, bool mixed = false) {
    const auto learnt = learn({worker, *offer_of(worker), kBoth, made, made}, mixed);
    std::string text;
    for (const Chosen& chosen : learnt.chosen) {
      text += (text.empty() ? "" : ", ") + std::to_string(chosen.rendition) + " " + chosen.encoder;
      for (const WorkerId other : chosen.excluded)
        text += " not " + std::to_string(other);
    }
    text += ";";
    for (const WorkerId changed : learnt.changed)
      text += " " + std::to_string(changed);
    return text;
  }
  // Looks each second. The second in which it is told that nobody can, or something is dropped;
  // 0: neither in two minutes.
  unsigned patience(RenditionSet missing, RenditionSet confirmed, std::size_t workers,
                    std::string* dropped = nullptr) {
    for (unsigned second = 1; second <= 120; ++second) {
      const Look seen = look(missing, confirmed, workers, second * kSeconds);
      if (dropped)
        *dropped = seen.encoders;
      if (seen.unable || seen.dropped != 0)
        return second;
      fail_unless(missing == 0 || next_wakeup() > second * kSeconds);
    }
    return 0;
  }
};

}  // namespace

GST_START_TEST(test_abilities_weigh_what_is_wanted) {
  Abilities abilities;
  fail_unless(abilities.weights() == std::vector<double>{1});
  abilities.want(*parse_renditions("hd:h264:64x36,sd:h264:32x18"));
  fail_unless(abilities.weights() == (std::vector<double>{64 * 36, 32 * 18}));
  fail_unless_equals_uint64(abilities.find("sd"), 1);
  fail_unless_equals_uint64(abilities.find("uhd"), 2);
  fail_unless_equals_text(abilities.some(kSd).at(0).name, "sd");
}
GST_END_TEST

GST_START_TEST(test_abilities_are_those_of_the_chosen_encoder) {
  Ladder ladder;
  fail_unless(!ladder.offer_of(1));
  ladder.offered(1, kX264);
  ladder.offered(2, kOpen);
  ladder.offered(3, kByHand);
  fail_unless(ladder.able(1) == kBoth && ladder.able(2) == kBoth);
  fail_unless_equals_text(ladder.make(1, kHd | kSd), "0 x264enc not 2, 1 x264enc not 2; 1 2 3");
  fail_unless_equals_text(ladder.encoder(0), "x264enc");
  fail_unless(ladder.able(1) == kBoth && ladder.able(2) == 0 && ladder.able(3) == kBoth);
  // Chosen once.
  fail_unless_equals_text(ladder.make(1, kBoth), ";");
  ladder.want(*parse_renditions("hd:h264:64x36"));
  fail_unless(ladder.encoder(0).empty() && ladder.workers().empty());
}
GST_END_TEST

GST_START_TEST(test_abilities_let_encoders_mix) {
  Ladder ladder;
  ladder.offered(1, kX264);
  ladder.offered(2, kOpen);
  fail_unless_equals_text(ladder.make(1, kBoth, true), ";");
  fail_unless(ladder.able(2) == kBoth);
}
GST_END_TEST

// Without frames nothing was encoded.
GST_START_TEST(test_abilities_take_no_encoder_from_what_is_empty) {
  Ladder ladder;
  ladder.offered(1, kX264);
  const auto learnt = ladder.learn({1, kX264, kBoth, kBoth, kHd}, false);
  fail_unless(learnt.chosen.size() == 1 && learnt.chosen[0].rendition == 0);
}
GST_END_TEST

GST_START_TEST(test_abilities_learn_what_a_pipeline_makes) {
  Ladder ladder;
  ladder.offered(1, kByHand);
  ladder.offered(2, kByHand);
  fail_unless_equals_text(ladder.make(1, kHd), "; 1");
  fail_unless(ladder.able(1) == kHd && ladder.able(2) == kBoth);
  // The worker left meanwhile.
  ladder.forget(2);
  const auto learnt = ladder.learn({2, kByHand, kBoth, kHd, kHd}, false);
  fail_unless(learnt.chosen.empty() && learnt.changed.empty());
}
GST_END_TEST

GST_START_TEST(test_abilities_tell_what_nobody_can) {
  const struct {
    const char* name;
    RenditionSet missing;
    std::size_t workers;
    unsigned told;
  } kCases[] = {
      {"all have answered", kSd, 1, 21},
      {"one has not answered", kSd, 2, 41},
      {"nothing is missing", 0, 1, 0},
  };
  for (const auto& c : kCases) {
    Ladder ladder;
    ladder.offered(1, kHdOnly);
    const unsigned told = ladder.patience(c.missing, 0, c.workers);
    fail_unless(told == c.told, "%s: %u", c.name, told);
    // Once, until the job begins anew.
    fail_unless_equals_uint64(ladder.patience(c.missing, 0, c.workers), 0);
    ladder.begin_anew();
    fail_unless_equals_uint64(ladder.patience(c.missing, 0, c.workers), c.told);
  }
}
GST_END_TEST

GST_START_TEST(test_abilities_wait_anew_after_somebody_could) {
  Ladder ladder;
  ladder.offered(1, kHdOnly);
  fail_unless(!ladder.look(kSd, 0, 1, 0).unable);
  fail_unless_equals_uint64(ladder.next_wakeup(), 20 * kSeconds);
  fail_unless(!ladder.look(0, 0, 1, 15 * kSeconds).unable);
  fail_unless_equals_uint64(ladder.next_wakeup(), kNever);
  fail_unless(!ladder.look(kSd, 0, 1, 30 * kSeconds).unable);
  fail_unless(ladder.look(kSd, 0, 1, 50 * kSeconds).unable);
}
GST_END_TEST

GST_START_TEST(test_abilities_drop_an_encoder_that_is_gone) {
  const struct {
    const char* name;
    RenditionSet confirmed;
    unsigned dropped;
  } kCases[] = {{"of one worker", 0, 3}, {"of several", kBoth, 21}};
  for (const auto& c : kCases) {
    Ladder ladder;
    ladder.offered(1, kX264);
    ladder.offered(2, kOpen);
    (void)ladder.make(1, kBoth);
    ladder.forget(1);
    std::string encoders;
    const unsigned dropped = ladder.patience(kHd, c.confirmed, 1, &encoders);
    fail_unless(dropped == c.dropped, "%s: %u", c.name, dropped);
    fail_unless_equals_text(encoders, "x264enc");
    fail_unless(ladder.able(2) == kHd && ladder.encoder(1) == "x264enc");
  }
}
GST_END_TEST

GST_START_TEST(test_abilities_keep_an_encoder_without_another) {
  Ladder ladder;
  ladder.offered(1, kX264);
  ladder.offered(2, {{false, "", "no encoder"}, {false, "", "no encoder"}});
  (void)ladder.make(1, kBoth);
  ladder.forget(1);
  fail_unless(ladder.look(kHd, 0, 1, 0).dropped == 0);
  const auto look = ladder.look(kHd, 0, 1, 20 * kSeconds);
  fail_unless(look.dropped == 0 && look.unable);
}
GST_END_TEST

GST_START_TEST(test_abilities_describe_what_is_missing) {
  Ladder ladder;
  ladder.offered(1, kX264);
  (void)ladder.make(1, kBoth);
  ladder.offered(2, kOpen);
  ladder.offered(3, {{false, "", "no encoder"}, {true, "x264enc", ""}});
  ladder.forget(1);
  fail_unless_equals_text(ladder.describe(kHd, {{2, "bert"}, {3, "cora"}, {4, "dora"}}),
                          "rendition 'hd' (h264): it would be made with openh264enc, the segments "
                          "before with x264enc (bert) no answer to what it can make (dora) no "
                          "encoder (cora)");
}
GST_END_TEST

static Suite* abilities_suite() {
  Suite* suite = suite_create("abilities");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_abilities_weigh_what_is_wanted);
  tcase_add_test(tcase, test_abilities_are_those_of_the_chosen_encoder);
  tcase_add_test(tcase, test_abilities_let_encoders_mix);
  tcase_add_test(tcase, test_abilities_take_no_encoder_from_what_is_empty);
  tcase_add_test(tcase, test_abilities_learn_what_a_pipeline_makes);
  tcase_add_test(tcase, test_abilities_tell_what_nobody_can);
  tcase_add_test(tcase, test_abilities_wait_anew_after_somebody_could);
  tcase_add_test(tcase, test_abilities_drop_an_encoder_that_is_gone);
  tcase_add_test(tcase, test_abilities_keep_an_encoder_without_another);
  tcase_add_test(tcase, test_abilities_describe_what_is_missing);
  return suite;
}

GST_CHECK_MAIN(abilities)
