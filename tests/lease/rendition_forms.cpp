// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/rendition_forms.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr char kSource[] = "video/x-vp8";
constexpr char kOne[] = "video/x-h264, form=one";
constexpr char kOther[] = "video/x-h264, form=other";
constexpr Instant kOneSecond = 1'000 * kMillisecond;
constexpr auto kSaid = RenditionForms::Choice::kSaid;
constexpr auto kUnsaid = RenditionForms::Choice::kUnsaid;

using Names = std::set<std::string>;

SegmentHeader rendition(const std::string& name, const std::string& caps, bool has_frames = true) {
  SegmentHeader header;
  header.rendition = name;
  header.caps = caps;
  if (has_frames)
    header.units.push_back({});
  return header;
}

// The forms of a job, the workers that are there, and a clock. Results have the rendition "hd"
// unless a test says otherwise.
struct House {
  explicit House(Names workers) : there(std::move(workers)) {}

  RenditionForms::Workers workers() const {
    return {[this](const RenditionForms::Vouchers& vouchers) {
              return std::ranges::any_of(
                  there, [&](const std::string& name) { return vouchers.contains(name); });
            },
            [this](const RenditionForms::Vouchers& vouchers, const std::string& made) {
              return std::ranges::any_of(there, [&](const std::string& name) {
                const auto lacks = unable.find(name);
                return !vouchers.contains(name) &&
                       (lacks == unable.end() || !lacks->second.contains(made));
              });
            }};
  }
  static RenditionForms::Made made(const std::string& voucher, const std::string& caps) {
    return {voucher, kSource, {rendition("hd", caps)}};
  }

  void accept(const std::string& voucher, const std::string& caps = kOne, int times = 1) {
    for (int i = 0; i < times; ++i)
      forms.accepted(made(voucher, caps), now);
  }
  void refuse(const std::string& voucher, const std::string& caps = kOther) {
    forms.refused(made(voucher, caps));
  }
  bool may_replace(const std::string& voucher, const std::string& caps = kOther) {
    return forms.may_replace(made(voucher, caps), kSaid, workers(), now);
  }
  bool settle(bool finished = false) { return forms.settle(workers(), finished); }

  RenditionForms forms;
  Names there;
  std::map<std::string, Names> unable;  // Renditions that a worker cannot make.
  Instant now = 1'000 * kOneSecond;
};

}  // namespace

GST_START_TEST(test_rendition_forms_begin_with_an_accepted_result) {
  House house({"anna"});
  const SegmentHeader one = rendition("hd", kOne), other = rendition("hd", kOther);
  fail_unless_ok(house.forms.check_caps(kSource, one));
  fail_unless_ok(house.forms.check_caps(kSource, other));
  house.accept("anna");
  fail_unless_ok(house.forms.check_caps(kSource, one));
  fail_unless_error(house.forms.check_caps(kSource, other),
                    "rendition 'hd': caps video/x-h264, form=other differ from those of the "
                    "segments before, video/x-h264, form=one",
                    "caps");
  fail_unless_ok(house.forms.check_caps(kSource, rendition("sd", kOther)));
  fail_unless_ok(house.forms.check_caps("video/x-vp9", other));
  // What a result without frames says of its caps is nothing.
  fail_unless_ok(house.forms.check_caps(kSource, rendition("hd", kOther, false)));
  house.forms.accepted({"anna", kSource, {rendition("sd", kOther, false)}}, house.now);
  fail_unless_ok(house.forms.check_caps(kSource, rendition("sd", kOne)));
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_are_a_set) {
  House house({"anna"});
  const auto hd = rendition("hd", kOne), sd = rendition("sd", kOne), uhd = rendition("uhd", kOne);
  fail_unless_ok(house.forms.check_set(kSource, {uhd}));
  house.forms.accepted({"anna", kSource, {hd, sd}}, house.now);
  fail_unless_ok(house.forms.check_set(kSource, {sd, hd}));
  fail_unless_ok(house.forms.check_set("video/x-vp9", {uhd}));
  fail_unless_error(house.forms.check_set(kSource, {hd}), "rendition 'sd' is missing", "missing");
  fail_unless_error(house.forms.check_set(kSource, {hd, sd, uhd}),
                    "renditions that the segments before do not have", "one more");
  // Of another set all are others, but only where the job has not said what it wants.
  fail_unless(house.forms.other_than({"bert", kSource, {hd}}, kUnsaid) == Names({"hd", "sd"}));
  fail_unless(house.forms.other_than({"bert", kSource, {hd}}, kSaid).empty());
  const auto other = rendition("sd", kOther);
  fail_unless(house.forms.other_than({"bert", kSource, {hd, other}}, kSaid) == Names({"sd"}));
  fail_unless(house.forms.other_than({"bert", "video/x-vp9", {hd, other}}, kSaid).empty());
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_of_one_voucher_bind_while_it_is_there) {
  House house({"anna", "bert"});
  house.accept("anna");
  fail_if(house.settle());
  fail_if(house.forms.is_settled(kSource, "hd"));
  fail_if(house.may_replace("bert"));
  house.there.erase("anna");
  fail_if(house.settle());
  fail_unless(house.may_replace("bert"));
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_of_a_voucher_that_changes_its_mind) {
  House house({"anna", "bert"});
  house.accept("anna");
  fail_unless(house.may_replace("anna"));
  house.accept("bert");
  fail_if(house.may_replace("anna"));
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_of_two_vouchers_are_settled) {
  House house({"anna", "bert", "cora"});
  house.accept("anna", kOne, 2);
  fail_if(house.settle());
  fail_if(house.forms.is_confirmed("hd"));
  house.accept("bert");
  fail_unless(house.forms.is_confirmed("hd"));
  fail_unless(house.settle());
  fail_unless(house.forms.is_settled(kSource, "hd"));
  house.there = {"cora"};
  fail_unless(house.settle());
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_of_one_voucher_are_believed_in_time) {
  House house({"anna", "bert"});
  house.accept("anna", kOne, 7);
  fail_if(house.settle());
  house.accept("anna");
  house.there = {"bert"};
  fail_if(house.settle());
  house.there = {"anna", "bert"};
  fail_unless(house.settle());
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_of_the_only_worker_are_settled) {
  House house({"anna", "bert"});
  house.accept("anna");
  house.unable["bert"] = {"sd"};
  fail_if(house.settle());
  house.unable["bert"] = {"hd"};
  fail_unless(house.settle());
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_of_this_process_are_settled) {
  House house({"anna"});
  house.accept(RenditionForms::kOwn);
  fail_unless(house.settle());
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_are_settled_when_results_cannot_be_held) {
  for (const bool finished : {true, false}) {
    House house({"anna", "bert"});
    house.accept("anna");
    fail_if(house.settle());
    if (finished)
      fail_unless(house.settle(true));
    else
      house.forms.settle_all();
    fail_unless(house.settle());
    fail_if(house.may_replace("bert"));
  }
}
GST_END_TEST

// A settled form whose vouchers are gone is waited for from the first result of another form on.
GST_START_TEST(test_rendition_forms_wait_for_vouchers_to_come_back) {
  const struct {
    Names vouchers;
    Instant patience;
  } rows[] = {{{"anna"}, 2 * kOneSecond}, {{"anna", "bert"}, 20 * kOneSecond}};
  for (const auto& row : rows) {
    House house(row.vouchers);
    for (const std::string& voucher : row.vouchers)
      house.accept(voucher);
    fail_unless(house.settle());
    house.there = {"cora"};
    house.now += kOneSecond;
    fail_if(house.may_replace("cora"));
    house.now += row.patience - 1;
    fail_if(house.may_replace("cora"));
    house.now += 1;
    fail_unless(house.may_replace("cora"));
    // One that came back is waited for anew.
    house.accept("anna");
    fail_if(house.may_replace("cora"));
    house.now += row.patience;
    fail_unless(house.may_replace("cora"));
  }
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_outlast_vouchers_that_bring_nothing) {
  for (const bool settled : {false, true}) {
    House house({"anna", "bert", "cora"});
    house.accept("anna");
    if (settled)
      house.accept("bert");
    fail_unless(house.settle() == settled);
    house.now += 60 * kOneSecond - 1;
    fail_if(house.may_replace("cora"));
    house.now += 1;
    fail_unless(house.may_replace("cora"));
    house.accept("anna");
    fail_if(house.may_replace("cora"));
  }
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_yield_to_rivals_that_agree) {
  const struct {
    const char* what;
    const char* rival;
    const char* rival_caps;
    bool settled, yields;
  } rows[] = {
      {"two agree", "bert", kOther, false, true},
      {"one says it twice", "cora", kOther, false, false},
      {"each another", "bert", "video/x-h264, form=third", false, false},
      {"settled", "bert", kOther, true, false},
  };
  for (const auto& row : rows) {
    House house({"anna", "bert", "cora"});
    house.accept("anna");
    if (row.settled)
      house.forms.settle_all();
    house.refuse(row.rival, row.rival_caps);
    fail_unless(house.may_replace("cora") == row.yields, "%s", row.what);
  }
}
GST_END_TEST

// Of each rival the latest result counts.
GST_START_TEST(test_rendition_forms_remember_what_a_rival_said_last) {
  House house({"anna", "bert", "cora"});
  house.accept("anna");
  house.refuse("bert", kOther);
  house.refuse("bert", "video/x-h264, form=third");
  fail_if(house.may_replace("cora", kOther));
  fail_unless(house.may_replace("cora", "video/x-h264, form=third"));
}
GST_END_TEST

// A crowd under many names must not take memory without end.
GST_START_TEST(test_rendition_forms_remember_so_many_rivals) {
  House house({"anna", "bert", "cora"});
  house.accept("anna");
  house.refuse("bert");
  for (int i = 0; i < 63; ++i)
    house.refuse("crowd" + std::to_string(i), "video/x-h264, form=" + std::to_string(i));
  fail_unless(house.may_replace("cora"));
  house.refuse("crowd63", "video/x-h264, form=63");
  fail_if(house.may_replace("cora"));
}
GST_END_TEST

// All of a result's forms have to be replaceable.
GST_START_TEST(test_rendition_forms_are_replaced_together) {
  House house({"cora"});
  house.forms.accepted({"anna", kSource, {rendition("hd", kOne), rendition("sd", kOne)}},
                       house.now);
  const RenditionForms::Made other = {
      "cora", kSource, {rendition("hd", kOther), rendition("sd", kOther)}};
  fail_unless(house.forms.may_replace(other, kSaid, house.workers(), house.now));
  house.forms.accepted({"bert", kSource, {rendition("sd", kOne)}}, house.now);
  fail_if(house.forms.may_replace(other, kSaid, house.workers(), house.now));
}
GST_END_TEST

GST_START_TEST(test_rendition_forms_can_be_dropped) {
  House house({"anna", "bert"});
  const auto hd = rendition("hd", kOne), sd = rendition("sd", kOne);
  house.forms.accepted({"anna", kSource, {hd, sd}}, house.now);
  house.forms.accepted({"anna", "video/x-vp9", {hd}}, house.now);
  house.forms.accepted({"bert", kSource, {hd}}, house.now);
  fail_unless_equals_uint64(house.forms.drop({"hd", "uhd"}), 3);
  fail_unless_equals_uint64(house.forms.drop({"hd"}), 0);
  fail_unless_ok(house.forms.check_caps(kSource, rendition("hd", kOther)));
  fail_unless_ok(house.forms.check_caps("video/x-vp9", rendition("hd", kOther)));
  fail_if(static_cast<bool>(house.forms.check_caps(kSource, rendition("sd", kOther))));
  fail_if(house.forms.is_confirmed("hd"));
}
GST_END_TEST

static Suite* rendition_forms_suite() {
  Suite* suite = suite_create("rendition_forms");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_rendition_forms_begin_with_an_accepted_result);
  tcase_add_test(tcase, test_rendition_forms_are_a_set);
  tcase_add_test(tcase, test_rendition_forms_of_one_voucher_bind_while_it_is_there);
  tcase_add_test(tcase, test_rendition_forms_of_a_voucher_that_changes_its_mind);
  tcase_add_test(tcase, test_rendition_forms_of_two_vouchers_are_settled);
  tcase_add_test(tcase, test_rendition_forms_of_one_voucher_are_believed_in_time);
  tcase_add_test(tcase, test_rendition_forms_of_the_only_worker_are_settled);
  tcase_add_test(tcase, test_rendition_forms_of_this_process_are_settled);
  tcase_add_test(tcase, test_rendition_forms_are_settled_when_results_cannot_be_held);
  tcase_add_test(tcase, test_rendition_forms_wait_for_vouchers_to_come_back);
  tcase_add_test(tcase, test_rendition_forms_outlast_vouchers_that_bring_nothing);
  tcase_add_test(tcase, test_rendition_forms_yield_to_rivals_that_agree);
  tcase_add_test(tcase, test_rendition_forms_remember_what_a_rival_said_last);
  tcase_add_test(tcase, test_rendition_forms_remember_so_many_rivals);
  tcase_add_test(tcase, test_rendition_forms_are_replaced_together);
  tcase_add_test(tcase, test_rendition_forms_can_be_dropped);
  return suite;
}

GST_CHECK_MAIN(rendition_forms)
