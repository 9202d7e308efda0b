// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Segments whose results are looked for in a store before they are leased.
#include <memory>

#include "tests/lease/studio.h"

namespace {

using namespace dist;
using namespace dist::test;

struct StoreStudio : Studio {
  explicit StoreStudio(std::uint64_t max_bytes = 1u << 20)
      : Studio(false, "hd:h264:64x36,sd:h264:32x18", max_bytes, Verify::kNone, true) {}

  static ResultRendition result(const SegmentHeader& source, const std::string& rendition,
                                const std::string& encoder = kX264) {
    const SegmentHeader header = answer_header(source, rendition);
    return {std::make_shared<const SegmentHeader>(header), with_payload(header), {encoder, "1"}};
  }
  // Answers the oldest question: these are in the store.
  void find(const std::vector<std::string>& renditions, const std::string& encoder = kX264) {
    fail_if(sought.empty(), "nothing is sought");
    std::vector<ResultRendition> results;
    for (const std::string& rendition : renditions)
      results.push_back(result(*sought.front().source, rendition, encoder));
    answer_store(std::move(results));
  }
  // All of the oldest question, with other caps than workers make.
  void find_in_other_form() {
    std::vector<ResultRendition> results;
    for (const char* rendition : {"hd", "sd"}) {
      SegmentHeader header = answer_header(*sought.front().source, rendition);
      header.caps += ", profile=other";
      results.push_back(
          {std::make_shared<const SegmentHeader>(header), with_payload(header), {kX264, "1"}});
    }
    answer_store(std::move(results));
  }
  void answer_store(std::vector<ResultRendition> results) {
    const std::uint64_t question = sought.front().question;
    sought.erase(sought.begin());
    coordinator.found(1, question, std::move(results), now);
    run();
  }
};

}  // namespace

GST_START_TEST(test_store_is_asked_before_a_segment_is_leased) {
  StoreStudio studio;
  studio.submit(0);
  studio.run();
  // Which results fit depends on what workers would encode with.
  fail_unless_equals_text(studio.told(), "waiting 1: 1");
  studio.join_with(1, "anna", {kX264, kX264});
  fail_unless_equals_text(studio.told(), "joined anna, sought 1/0 hd by x264enc sd by x264enc");
  fail_unless_equals_text(studio.wanted_of(1), "");
  studio.find({});
  fail_unless_equals_text(studio.wanted_of(1), "0:hd 0:sd");
  // Later segments are sought at once.
  studio.submit(1);
  studio.run();
  fail_unless_equals_uint64(studio.sought.size(), 1);
  fail_unless_equals_uint64(studio.sought.front().source->index, 1);
}
GST_END_TEST

GST_START_TEST(test_store_has_all_of_a_segment) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  studio.submit(0);
  studio.run();
  studio.told();
  studio.find({"hd", "sd"});
  fail_unless_equals_text(studio.told(),
                          "chosen hd x264enc, chosen sd x264enc, done 1/0 the store");
  fail_unless(studio.done.back().complete);
  fail_unless_equals_uint64(studio.done.back().grant.attempt, 0);
  fail_unless_equals_text(studio.wanted_of(1), "");
  // A worker that makes another form could still come into play.
  fail_unless(studio.done.back().provisional);
  studio.coordinator.set_blocked(1, true, studio.now);
  studio.submit(1);
  studio.run();
  studio.find({"hd", "sd"});
  fail_if(studio.done.back().provisional);
  studio.coordinator.delivered(1, 1, studio.now);
  studio.coordinator.delivered(1, 0, studio.now);
  fail_unless_equals_uint64(studio.coordinator.bytes_held(1), 0);
}
GST_END_TEST

GST_START_TEST(test_store_has_some_of_a_segment) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  studio.submit(0);
  studio.run();
  studio.find({"sd"});
  fail_unless_equals_text(studio.wanted_of(1), "0:hd");
  fail_if(studio.done.back().complete);
  studio.make(1, {"hd"});
  fail_unless(studio.done.back().complete);
  fail_unless_equals_text(studio.done.back().renditions.front().encoder.name, kX264);
  fail_unless_equals_uint64(studio.done.size(), 2);
}
GST_END_TEST

GST_START_TEST(test_store_has_results_of_other_encoders) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  studio.join_with(2, "bert", {kOpen, kOpen});
  studio.submit(0);
  studio.submit(1);
  studio.run();
  studio.told();
  studio.find({"hd", "sd"}, kOpen);
  fail_unless_equals_text(studio.told(),
                          "chosen hd openh264enc not anna (x264enc), chosen sd openh264enc not "
                          "anna (x264enc), done 1/0 the store");
  // The question was asked before, and now only one encoder's results fit.
  studio.find({"hd", "sd"}, kX264);
  fail_unless_equals_text(studio.wanted_of(1), "");
  fail_unless_equals_text(studio.wanted_of(2), "1:hd 1:sd");
  studio.submit(2);
  studio.run();
  fail_unless_equals_uint64(studio.sought.front().renditions.front().encoders.size(), 1);
}
GST_END_TEST

GST_START_TEST(test_store_has_results_that_do_not_fit) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  const SegmentHeader source = source_header(0);
  SegmentHeader short_one = answer_header(source, "hd");
  short_one.units.pop_back();
  const std::vector<std::vector<ResultRendition>> cases = {
      {{std::make_shared<const SegmentHeader>(short_one), with_payload(short_one), {kX264, "1"}}},
      {StoreStudio::result(source, "other")},
      {StoreStudio::result(source_header(7), "hd")},
  };
  for (std::uint64_t index = 0; index < cases.size(); ++index) {
    studio.submit(index);
    studio.run();
    studio.answer_store(cases[index]);
    fail_unless_equals_text(studio.wanted_of(1),
                            std::to_string(index) + ":hd " + std::to_string(index) + ":sd");
    studio.make(1, {"hd", "sd"});
  }
  // Twice the same is one.
  studio.submit(3);
  studio.run();
  studio.answer_store(
      {StoreStudio::result(source_header(3), "hd"), StoreStudio::result(source_header(3), "hd")});
  fail_unless_equals_text(studio.wanted_of(1), "3:sd");
}
GST_END_TEST

// Results of the store are held back until a worker shows that it goes on with their form.
GST_START_TEST(test_store_has_results_of_a_form_that_no_worker_makes) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  studio.submit(0);
  studio.submit(1);
  studio.run();
  studio.find_in_other_form();
  fail_unless(studio.done.back().provisional);
  studio.find({});
  studio.told();
  studio.make(1, {"hd", "sd"});
  fail_unless_equals_text(studio.told(), "taken back hd sd of 0, done 1/1 anna");
  fail_unless_equals_text(studio.wanted_of(1), "0:hd 0:sd");
}
GST_END_TEST

// They have left, because nothing else was to be made; no attempt fails for it.
GST_START_TEST(test_store_had_results_of_a_form_that_no_worker_makes) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  studio.submit(0);
  studio.run();
  studio.coordinator.set_blocked(1, true, studio.now);
  studio.find_in_other_form();
  fail_if(studio.done.back().provisional);
  studio.coordinator.delivered(1, 0, studio.now);
  studio.coordinator.set_blocked(1, false, studio.now);
  studio.submit(1);
  studio.run();
  studio.find({});
  studio.told();
  studio.make(1, {"hd", "sd"});
  const std::string told = studio.told();
  fail_unless(told.ends_with("done 1/1 anna") && !contains(told, "failed"), "%s", told.c_str());
}
GST_END_TEST

GST_START_TEST(test_store_answers_too_late) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  studio.submit(0);
  studio.run();
  studio.coordinator.clear_job(1, studio.now);
  studio.submit(0);
  studio.run();
  studio.told();
  // The first question.
  studio.find({"hd", "sd"});
  fail_unless_equals_text(studio.told(), "");
  studio.find({});
  fail_unless_equals_text(studio.wanted_of(1), "0:hd 0:sd");
}
GST_END_TEST

GST_START_TEST(test_store_is_told_what_no_worker_can_make_yet) {
  StoreStudio studio;
  studio.join_by_hand(1, "anna");
  studio.submit(0);
  studio.run();
  fail_unless_equals_uint64(studio.sought.front().renditions.size(), 2);
  fail_unless(studio.sought.front().renditions.front().encoders.empty());
  studio.find({});
  fail_unless_equals_text(studio.wanted_of(1), "0:hd 0:sd");
}
GST_END_TEST

GST_START_TEST(test_store_that_does_not_answer) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  studio.submit(0);
  studio.run();
  studio.run_until(studio.now + 4'999 * kMillisecond);
  fail_unless_equals_text(studio.wanted_of(1), "");
  studio.run_until(studio.now + 1 * kMillisecond);
  fail_unless_equals_text(studio.wanted_of(1), "0:hd 0:sd");
  studio.told();
  studio.find({"hd", "sd"});
  fail_unless_equals_text(studio.told(), "");
}
GST_END_TEST

GST_START_TEST(test_store_has_more_than_there_is_room_for) {
  const std::uint64_t source = total_size(with_payload(source_header(0)));
  StoreStudio studio(3 * source + total_size(StoreStudio::result(source_header(0), "hd").segment));
  studio.join_with(1, "anna", {kX264, kX264});
  for (std::uint64_t index = 0; index < 3; ++index)
    studio.submit(index);
  studio.run();
  studio.told();
  std::swap(studio.sought[0], studio.sought[1]);
  // Not leased instead.
  studio.find({"hd", "sd"});
  fail_unless_equals_text(studio.told(), "");
  fail_unless_equals_text(studio.wanted_of(1), "");
  // The segment that leaves next makes room.
  studio.find({"hd", "sd"});
  fail_unless_equals_text(studio.told(),
                          "chosen hd x264enc, chosen sd x264enc, done 1/0 the store");
  studio.coordinator.delivered(1, 0, studio.now);
  studio.run();
  fail_unless_equals_text(studio.told(), "sought 1/1 hd by x264enc sd by x264enc");
  std::swap(studio.sought[0], studio.sought[1]);
  studio.find({"hd", "sd"});
  fail_unless_equals_text(studio.told(), "done 1/1 the store");
}
GST_END_TEST

// Before it has, the store is not asked, and nothing is queued.
GST_START_TEST(test_store_and_a_worker_that_does_not_say_what_it_can_make) {
  StoreStudio studio;
  studio.join(1, "anna");
  studio.submit(0);
  studio.run();
  studio.told();
  studio.run_until(studio.now + 60'000 * kMillisecond);
  const std::string told = studio.told();
  fail_unless(contains(told, "nobody can"), "%s", told.c_str());
}
GST_END_TEST

// Their bytes depend on more than the segment.
GST_START_TEST(test_store_gets_no_results_made_in_context) {
  StoreStudio studio;
  studio.join_with(1, "anna", {kX264, kX264});
  for (std::uint64_t index = 0; index < 2; ++index) {
    auto header = std::make_shared<SegmentHeader>(source_header(index));
    header->first_unit = header->units.size() * index;
    const BytesList segment = with_payload(*header);
    studio.coordinator.submit(1, header, segment, sha256(segment), studio.now);
    studio.run();
    studio.find({});
  }
  studio.make(1, {"hd", "sd"});
  fail_unless_equals_text(studio.done.back().renditions.front().encoder.name, kX264);
  std::vector<BytesList> damaged;
  for (const char* rendition : {"hd", "sd"}) {
    SegmentHeader header = answer_header(studio.leased_header(1), rendition);
    header.units.front().flags |= kFlagCorrupted;
    damaged.push_back(with_payload(header));
  }
  studio.answer(1, std::move(damaged));
  studio.run();
  const SegmentHeader both = studio.leased_header(1);
  fail_unless_equals_uint64(both.units.size(), 8);
  std::vector<BytesList> whole;
  for (const char* rendition : {"hd", "sd"})
    whole.push_back(with_payload(answer_header(source_header(1), rendition)));
  studio.answer(1, std::move(whole));
  studio.run();
  fail_unless_equals_uint64(studio.done.back().grant.segment.index, 1);
  fail_unless_equals_text(studio.done.back().renditions.front().encoder.name, "");
}
GST_END_TEST

static Suite* coordinator_store_suite() {
  Suite* const suite = suite_create("coordinator_store");
  TCase* const tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_store_is_asked_before_a_segment_is_leased);
  tcase_add_test(tests, test_store_has_all_of_a_segment);
  tcase_add_test(tests, test_store_has_some_of_a_segment);
  tcase_add_test(tests, test_store_has_results_of_other_encoders);
  tcase_add_test(tests, test_store_has_results_that_do_not_fit);
  tcase_add_test(tests, test_store_has_results_of_a_form_that_no_worker_makes);
  tcase_add_test(tests, test_store_had_results_of_a_form_that_no_worker_makes);
  tcase_add_test(tests, test_store_answers_too_late);
  tcase_add_test(tests, test_store_is_told_what_no_worker_can_make_yet);
  tcase_add_test(tests, test_store_that_does_not_answer);
  tcase_add_test(tests, test_store_has_more_than_there_is_room_for);
  tcase_add_test(tests, test_store_and_a_worker_that_does_not_say_what_it_can_make);
  tcase_add_test(tests, test_store_gets_no_results_made_in_context);
  return suite;
}

GST_CHECK_MAIN(coordinator_store)
