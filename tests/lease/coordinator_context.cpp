// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Segments that are leased again with what lies before them.
#include "gst/lease/coordinator.h"
#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr std::size_t kAlone = 4;   // Units of a segment.
constexpr std::size_t kBehind = 8;  // With those of the one before.
constexpr char kAgain[] = "decoded again with what lies before it";

// Segments of a film that lie behind each other.
struct Farm : Cluster {
  Farm() { add_job(); }
  void submit_film(std::uint64_t index) {
    auto header = std::make_shared<SegmentHeader>(source_header(index));
    header->first_unit = kAlone * index;
    const BytesList segment = with_payload(*header);
    coordinator.submit(1, header, segment, sha256(segment), now);
    run();
  }
  void answer_damaged(WorkerId id, const std::string& rendition = "hd") {
    SegmentHeader header = answer_header(leased_header(id), rendition);
    header.units[1].flags |= kFlagCorrupted;
    answer(id, {with_payload(header)});
    run();
  }
};

}  // namespace

GST_START_TEST(test_context_is_asked_for_by_missing_frames) {
  Farm farm;
  farm.join(1, "a");
  farm.submit_film(0);
  farm.answer(1);
  farm.submit_film(1);
  fail_unless_equals_uint64(farm.leased_header(1).units.size(), kAlone);
  SegmentHeader lacking = answer_header(source_header(1));
  lacking.units.pop_back();
  farm.told();
  farm.answer(1, {with_payload(lacking)});
  farm.run();
  const std::string told = farm.told();
  fail_unless(contains(told, "failed 1/1 a: "), "%s", told.c_str());
  fail_unless_equals_uint64(farm.leased_header(1).units.size(), kBehind);
  farm.answer(1, {with_payload(answer_header(source_header(1)))});
  farm.run();
  fail_unless_equals_text(farm.told(), "done 1/1 a");
}
GST_END_TEST

// Two workers make a rendition each of a segment, and have it without context.
struct Pair : Farm {
  Pair() {
    coordinator.set_renditions(1, *parse_renditions("hd:h264:64x36,sd:h264:32x18"), now);
    for (const WorkerId id : {1, 2}) {
      join(id, id == 1 ? "a" : "b");
      const Ability able{.able = true, .encoder = "x264enc", .reason = ""};
      const Ability unable{.able = false, .encoder = "", .reason = "no encoder"};
      worker(id).session.offer(worker(id).wanted.front().job,
                               id == 1 ? std::vector{able, unable} : std::vector{unable, able});
      run();
    }
    submit_film(0);
    make(1, "hd");
    make(2, "sd");
    submit_film(1);
    fail_unless_equals_text(leased(1) + leased(2), "11");
    told();
  }
  void make(WorkerId id, const std::string& rendition) {
    answer(id, {with_payload(answer_header(leased_header(id), rendition))});
    run();
  }
};

// What it says is not of the segment as it is leased now.
GST_START_TEST(test_context_is_not_denied_by_an_answer_of_before) {
  Pair farm;
  farm.answer_damaged(1, "hd");
  std::string told = farm.told();
  fail_unless(contains(told, "failed 1/1 a") && contains(told, kAgain), "%s", told.c_str());
  farm.answer_damaged(2, "sd");
  told = farm.told();
  fail_unless(contains(told, "failed 1/1 b") && contains(told, kAgain), "%s", told.c_str());
  fail_unless_equals_uint64(farm.leased_header(2).units.size(), kBehind);
}
GST_END_TEST

GST_START_TEST(test_context_does_not_spoil_a_good_answer_of_before) {
  Pair farm;
  farm.answer_damaged(1, "hd");
  farm.told();
  farm.make(2, "sd");
  const std::string told = farm.told();
  fail_unless(contains(told, "done 1/1 b"), "%s", told.c_str());
}
GST_END_TEST

// It is damaged with context too, so the film is.
GST_START_TEST(test_context_is_given_once) {
  Farm farm;
  farm.join(1, "a");
  farm.submit_film(0);
  farm.answer(1);
  farm.submit_film(1);
  farm.told();
  farm.answer_damaged(1);
  const std::string told = farm.told();
  fail_unless(contains(told, kAgain), "%s", told.c_str());
  SegmentHeader damaged = answer_header(source_header(1));
  damaged.units[1].flags |= kFlagCorrupted;
  farm.answer(1, {with_payload(damaged)});
  farm.run();
  fail_unless_equals_text(farm.told(), "done 1/1 a");
  fail_unless_equals_uint64(farm.done.back().damage.guessed, 1);
}
GST_END_TEST

// Nothing before a raw frame changes it.
GST_START_TEST(test_context_is_not_for_raw_frames) {
  Farm farm;
  farm.join(1, "a");
  for (std::uint64_t index = 0; index < 2; ++index) {
    auto header = std::make_shared<SegmentHeader>(source_header(index));
    header->first_unit = kAlone * index;
    header->caps = "video/x-raw, format=I420";
    const BytesList segment = with_payload(*header);
    farm.coordinator.submit(1, header, segment, sha256(segment), farm.now);
    farm.run();
    farm.told();
    farm.answer_damaged(1);
    fail_unless_equals_text(farm.told(), "done 1/" + std::to_string(index) + " a");
  }
}
GST_END_TEST

static Suite* coordinator_context_suite() {
  Suite* suite = suite_create("coordinator-context");
  TCase* tests = tcase_create("coordinator-context");
  tcase_add_test(tests, test_context_is_asked_for_by_missing_frames);
  tcase_add_test(tests, test_context_is_not_denied_by_an_answer_of_before);
  tcase_add_test(tests, test_context_does_not_spoil_a_good_answer_of_before);
  tcase_add_test(tests, test_context_is_given_once);
  tcase_add_test(tests, test_context_is_not_for_raw_frames);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(coordinator_context)
