// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Results whose pictures are looked at before they count.
#include <algorithm>
#include <map>
#include <set>

#include "gst/lease/coordinator.h"
#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Instant kSeconds = 1'000 * kMillisecond;

struct Farm : Cluster {
  explicit Farm(Verify mode, double ratio = 0, std::uint64_t max_bytes = 1u << 20) {
    coordinator.add_job(
        1, {.max_bytes = max_bytes, .verification = {.mode = mode, .ratio = ratio, .seed = 7}},
        now);
  }
  // The worker makes a segment that is submitted now.
  void make(WorkerId worker, std::uint64_t index) {
    submit(index);
    run();
    answer(worker);
    run();
  }
};

}  // namespace

GST_START_TEST(test_looks_nobody_wants) {
  Farm farm(Verify::kNone);
  farm.join(1, "a");
  farm.told();
  farm.make(1, 0);
  fail_unless_equals_text(farm.told(), "done 1/0 a");
}
GST_END_TEST

GST_START_TEST(test_looks_come_before_the_result_counts) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  farm.told();
  for (std::uint64_t index = 0; index < 5; ++index) {
    farm.make(1, index);
    fail_unless_equals_text(farm.told(), "look at 1/" + std::to_string(index) + " a");
    const LookWanted& look = farm.looks.front();
    fail_unless(look.source->index == index && total_size(look.segment) > 0);
    fail_unless(look.renditions.size() == 1 && look.renditions[0].header->rendition == "hd");
    // One of the last two frames.
    const Time first = look.source->start + 2 * kFrame;
    fail_unless(look.until == first || look.until == first + kFrame);
    farm.look();
    fail_unless_equals_text(farm.told(), "done 1/" + std::to_string(index) + " a");
  }
}
GST_END_TEST

// A fault of the cut, not of the worker: the pictures are those of the segment, but not of the
// film.
GST_START_TEST(test_looks_in_context_find_what_a_segment_lacks) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  for (std::uint64_t index = 0; index < 2; ++index) {
    auto header = std::make_shared<SegmentHeader>(source_header(index));
    header->first_unit = 4 * index;
    const BytesList segment = with_payload(*header);
    farm.coordinator.submit(1, header, segment, sha256(segment), farm.now);
  }
  farm.run();
  farm.answer(1);
  farm.run();
  fail_if(farm.looks.front().context.has_value());
  farm.look();
  farm.run();
  farm.answer(1);
  farm.run();
  farm.told();
  const LookWanted& look = farm.looks.front();
  fail_unless(look.context.has_value());
  fail_unless_equals_uint64(look.source->units.size(), 4);
  fail_unless_equals_uint64(look.context->header->units.size(), 8);
  const LeaseId lease = look.grant.lease;
  farm.looks.clear();
  farm.coordinator.looked(lease, {.some_known = true, .lacks_context = true}, farm.now);
  farm.run();
  const std::string told = farm.told();
  fail_unless(contains(told, "failed 1/1 a: needs what lies before it"), "%s", told.c_str());
  fail_unless_equals_uint64(farm.leased_header(1).units.size(), 8);
  farm.answer(1, {with_payload(answer_header(source_header(1)))});
  farm.run();
  fail_if(farm.looks.front().context.has_value());
  farm.look();
  fail_unless(contains(farm.told(), "done 1/1 a"));
}
GST_END_TEST

GST_START_TEST(test_looks_cannot_be_foreseen) {
  Farm farm(Verify::kSample, 1);
  farm.join(1, "a");
  std::map<Time, int> seen;
  for (std::uint64_t index = 0; index < 80; ++index) {
    farm.make(1, index);
    ++seen[farm.looks.front().until - farm.looks.front().source->start];
    farm.look();
  }
  fail_unless(seen.size() == 2);
  // The last frame is one of those that a liar would change.
  fail_unless(seen[3 * kFrame] > 40);
}
GST_END_TEST

// Where all is looked at, and of whoever was wrong once, each frame is.
GST_START_TEST(test_looks_see_all_frames) {
  for (const Verify mode : {Verify::kAll, Verify::kSample}) {
    Farm farm(mode, 0);
    farm.join(1, "a");
    for (std::uint64_t index = 0; index < 40; ++index) {
      farm.make(1, index);
      const auto& look = farm.looks.front();
      if (mode == Verify::kAll || index > 0)
        fail_unless(look.until == look.source->start + 3 * kFrame);
      farm.look(mode == Verify::kSample && index == 0 ? "black" : "");
    }
  }
}
GST_END_TEST

// A rendition of a lower rate may have one frame in a segment, the last.
GST_START_TEST(test_looks_see_a_frame_of_each_rendition) {
  Farm farm(Verify::kAll);
  const auto specs = *parse_renditions("thumb:jpeg:64x36:fps=7/8");
  farm.coordinator.set_renditions(1, specs, farm.now);
  farm.join(1, "a");
  farm.worker(1).session.offer(farm.worker(1).wanted.front().job, {{true, "jpegenc", ""}});
  farm.run();
  unsigned late = 0;
  for (std::uint64_t index = 0; index < 42; ++index) {
    farm.submit(index);
    farm.run();
    if (farm.leased(1).empty())
      continue;
    const SegmentHeader source = source_header(index);
    const Time shown = frames_of(source, specs.front()).front();
    SegmentHeader header = answer_header(source, "thumb");
    std::erase_if(header.units, [shown](const AccessUnit& unit) { return unit.show != shown; });
    header.units.front().flags = 0;
    farm.answer(1, {with_payload(header)});
    farm.run();
    late += shown == source.units.back().show ? 1 : 0;
    fail_unless(farm.looks.front().until >= shown);
    farm.look();
  }
  fail_unless_equals_uint64(late, 6);
}
GST_END_TEST

GST_START_TEST(test_looks_at_the_first_result_and_some_others) {
  Farm farm(Verify::kSample, 0.25);
  farm.join(1, "a");
  farm.make(1, 0);
  fail_unless(farm.looks.size() == 1);
  farm.look();
  std::size_t looked = 0;
  for (std::uint64_t index = 1; index <= 400; ++index) {
    farm.make(1, index);
    looked += farm.looks.size();
    if (!farm.looks.empty())
      farm.look();
    farm.coordinator.delivered(1, index, farm.now);
  }
  fail_unless(looked > 60 && looked < 140, "%zu of 400", looked);
}
GST_END_TEST

GST_START_TEST(test_looks_are_not_for_this_process) {
  struct Silent : LeasePort {
    explicit Silent(Trust trust) : trust_(trust) {}
    Trust trust() const override { return trust_; }
    void want(std::uint64_t, const std::vector<RenditionSpec>&) override {}
    void grant(wire::Grant granted, std::uint32_t, BytesList) override { lease = granted.lease; }
    void cancel(std::uint64_t) override {}
    void done(const std::string&) override {}
    void drop_leases() override {}
    std::optional<Incoming> incoming() const override { return std::nullopt; }
    LeaseId lease = 0;

   private:
    const Trust trust_;
  };
  for (const Trust trust : {Trust::kOwn, Trust::kChecked})
    for (const Verify mode : {Verify::kSample, Verify::kAll}) {
      Farm farm(mode, 1);
      Silent port(trust);
      farm.coordinator.join(9, "here", "somewhere", 1, port, farm.now);
      farm.submit(0);
      farm.coordinator.said(9,
                            PrimarySession::ResultReceived{
                                port.lease, {with_payload(answer_header(source_header(0)))}},
                            farm.now);
      const bool looked_at = mode == Verify::kAll || trust == Trust::kChecked;
      fail_unless(contains(farm.told(), looked_at ? "look at 1/0 here" : "done 1/0 here"));
    }
}
GST_END_TEST

GST_START_TEST(test_looks_that_differ_refuse_the_result) {
  Farm farm(Verify::kSample);
  farm.join(1, "liar");
  farm.told();
  farm.make(1, 0);
  farm.join(2, "honest");
  farm.told();
  farm.look("black");
  fail_unless_equals_text(farm.told(), "differs 1/0 liar: black, failed 1/0 liar: black");
  // The other one gets it, and nobody is condemned before that answers.
  fail_unless_equals_text(farm.leased(2), "0");
  farm.answer(2);
  farm.run();
  fail_unless_equals_text(farm.told(), "look at 1/0 honest");
  farm.look();
  fail_unless_equals_text(farm.told(), "suspended liar, done 1/0 honest");
  fail_unless(farm.coordinator.dispatcher().suspended_until(1) > farm.now + 50 * kSeconds);
  fail_unless(farm.coordinator.dispatcher().suspended_until(2) == 0);
  fail_unless(farm.done.size() == 1 && farm.done[0].worker.name == "honest");
}
GST_END_TEST

GST_START_TEST(test_looks_go_on_at_all_that_a_doubted_worker_makes) {
  Farm farm(Verify::kSample);
  farm.join(1, "a");
  farm.make(1, 0);
  farm.look();
  farm.make(1, 1);
  fail_unless(farm.looks.empty(), "a ratio of 0, and its first result was good");
  farm.join(2, "b");
  farm.told();
  farm.submit(2);
  farm.run();
  farm.submit(3);
  farm.run();
  // Both hold one; whoever is new is looked at.
  farm.answer(2);
  farm.run();
  farm.look("flipped");
  farm.answer(1);
  farm.run();
  farm.told();
  for (std::uint64_t index = 4; index < 8; ++index) {
    farm.submit(index);
    farm.run();
    for (WorkerId id : {1, 2})
      while (!farm.leased(id).empty()) {
        const std::string segment = farm.leased(id);
        farm.answer(id);
        farm.run();
        const bool looked = !farm.looks.empty();
        fail_unless(looked || id == 1, "segment %s of b counts unseen", segment.c_str());
        if (looked)
          farm.look(id == 2 ? "flipped" : "");
      }
  }
  for (const auto& done : farm.done)
    fail_unless(done.worker.name == "a");
}
GST_END_TEST

GST_START_TEST(test_looks_of_one_worker_alone_give_the_segment_up) {
  Farm farm(Verify::kAll);
  farm.join(1, "liar");
  farm.submit(0);
  farm.run();
  farm.told();
  std::string told;
  for (int round = 0; round < 100 && !contains(told, "given up"); ++round) {
    if (!farm.leased(1).empty())
      farm.answer(1);
    farm.run();
    if (!farm.looks.empty())
      farm.look("black");
    farm.run_until(farm.now + kSeconds);
    told = farm.told();
    fail_if(contains(told, "done"));
  }
  fail_unless(contains(told, "given up 1/0 liar: segment 0: given up after 3"), "%s", told.c_str());
}
GST_END_TEST

GST_START_TEST(test_looks_may_take_long) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  farm.make(1, 0);
  farm.told();
  farm.run_until(60 * kSeconds);
  fail_unless_equals_text(farm.told(), "");
  farm.look("", "nobody could tell");
  fail_unless_equals_text(farm.told(), "unknown 1/0 a: nobody could tell, done 1/0 a");
}
GST_END_TEST

// Nobody will be able to next time.
GST_START_TEST(test_looks_that_tell_nothing_are_not_repeated) {
  Farm farm(Verify::kSample);
  farm.join(1, "a");
  farm.make(1, 0);
  farm.look("", "no decoder");
  farm.make(1, 1);
  fail_unless(farm.looks.empty());
  fail_unless_equals_uint64(farm.done.size(), 2);
}
GST_END_TEST

// Accusations are of segments, which a seek numbers anew.
GST_START_TEST(test_looks_forget_accusations_at_a_seek) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  farm.make(1, 0);
  farm.look("black");
  farm.coordinator.clear_job(1, farm.now);
  farm.join(2, "b");
  farm.told();
  farm.submit(0);
  farm.submit(1);
  farm.run();
  for (const WorkerId id : {1, 2}) {
    farm.answer(id);
    farm.run();
    farm.look();
  }
  const std::string told = farm.told();
  fail_if(contains(told, "suspended"), "%s", told.c_str());
  fail_unless_equals_uint64(farm.done.size(), 2);
}
GST_END_TEST

GST_START_TEST(test_looks_expire_with_the_lease) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  farm.make(1, 0);
  farm.disconnect(1);
  fail_if(farm.looks.front().awaited.expired());
  farm.coordinator.clear_job(1, farm.now);
  fail_unless(farm.looks.front().awaited.expired());
}
GST_END_TEST

GST_START_TEST(test_looks_end_with_the_lease) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  farm.make(1, 0);
  farm.coordinator.clear_job(1, farm.now);
  farm.told();
  farm.look();
  fail_unless_equals_text(farm.told(), "");
  fail_unless_equals_uint64(farm.coordinator.bytes_held(1), 0);
}
GST_END_TEST

// Whoever sends no answer at all is refuted like whoever lies.
GST_START_TEST(test_looks_convict_of_what_is_seen_without_them) {
  Farm farm(Verify::kSample);
  farm.join(1, "broken");
  farm.submit(0);
  farm.run();
  farm.join(2, "honest");
  farm.answer(1, {{Bytes::take({1, 2, 3})}});
  farm.run();
  farm.told();
  fail_unless_equals_text(farm.leased(2), "0");
  farm.answer(2);
  farm.run();
  farm.look();
  const std::string told = farm.told();
  fail_unless(contains(told, "suspended broken"), "%s", told.c_str());
  fail_unless(farm.coordinator.dispatcher().suspended_until(1) > farm.now + 50 * kSeconds);
}
GST_END_TEST

// What it made is here.
GST_START_TEST(test_looks_outlive_the_worker) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  farm.make(1, 0);
  farm.disconnect(1);
  fail_if(contains(farm.told(), "failed"));
  farm.join(2, "b");
  fail_unless_equals_text(farm.leased(2), "");
  farm.told();
  farm.look();
  fail_unless_equals_text(farm.told(), "done 1/0 a");
}
GST_END_TEST

GST_START_TEST(test_looks_that_differ_outlive_the_worker) {
  Farm farm(Verify::kAll);
  farm.join(1, "liar");
  farm.make(1, 0);
  farm.disconnect(1);
  farm.join(2, "b");
  farm.told();
  farm.look("black");
  fail_unless_equals_text(farm.told(), "differs 1/0 liar: black, failed 1/0 liar: black");
  fail_unless_equals_text(farm.leased(2), "0");
  farm.answer(2);
  farm.run();
  farm.look();
  fail_unless_equals_text(farm.told(), "look at 1/0 b, done 1/0 b");
}
GST_END_TEST

// Whoever waits for a look may work meanwhile, but not without end.
GST_START_TEST(test_looks_leave_the_worker_free) {
  Farm farm(Verify::kAll);
  farm.join(1, "a", 2);
  for (std::uint64_t index = 0; index < 5; ++index)
    farm.submit(index);
  farm.run();
  fail_unless_equals_text(farm.leased(1), "0 1");
  farm.answer(1);
  farm.run();
  fail_unless_equals_text(farm.leased(1), "1 2");
  // Observers are told of what is looked at too.
  const FarmStatus status = farm.coordinator.status(farm.now);
  fail_unless_equals_uint64(status.workers[0].leases.size(), 3);
  fail_unless_equals_uint64(status.jobs[0].leased, 3);
  farm.answer(1);
  farm.run();
  fail_unless_equals_text(farm.leased(1), "2");
  farm.look();
  farm.run();
  fail_unless_equals_text(farm.leased(1), "2 3");
}
GST_END_TEST

// Somebody looks at it already.
GST_START_TEST(test_looks_are_not_hedged) {
  Farm farm(Verify::kSample);
  farm.join(1, "a");
  for (std::uint64_t index = 0; index < 6; ++index) {
    farm.make(1, index);
    if (!farm.looks.empty())
      farm.look();
    farm.coordinator.delivered(1, index, farm.now);
  }
  farm.join(2, "b");
  farm.submit(6);
  farm.submit(7);
  farm.run();
  farm.answer(1);
  farm.answer(2);
  farm.run();
  fail_unless_equals_uint64(farm.looks.size(), 1);
  farm.coordinator.set_blocked(1, true, farm.now);
  farm.told();
  farm.run_until(farm.now + 60 * kSeconds);
  fail_if(contains(farm.told(), "hedged"));
}
GST_END_TEST

GST_START_TEST(test_looks_count_as_memory) {
  Farm farm(Verify::kAll);
  farm.join(1, "a");
  farm.submit(0);
  farm.run();
  const std::uint64_t source = farm.coordinator.bytes_held(1);
  farm.answer(1);
  farm.run();
  const std::uint64_t result = total_size(with_payload(answer_header(source_header(0))));
  fail_unless_equals_uint64(farm.coordinator.bytes_held(1), source + result);
  farm.look();
  fail_unless_equals_uint64(farm.coordinator.bytes_held(1), result);
}
GST_END_TEST

GST_START_TEST(test_looks_bind_nobody_before_they_are_good) {
  Farm farm(Verify::kSample);
  farm.join(1, "liar");
  farm.submit(0);
  farm.run();
  SegmentHeader odd = answer_header(source_header(0));
  odd.caps = "video/x-h264, rendition=odd";
  farm.answer(1, {with_payload(odd)});
  farm.run();
  farm.join(2, "honest");
  farm.look("black");
  farm.told();
  farm.answer(2);
  farm.run();
  farm.look();
  fail_unless_equals_text(farm.told(), "look at 1/0 honest, suspended liar, done 1/0 honest");
}
GST_END_TEST

GST_START_TEST(test_looks_doubt_and_convict) {
  Verification verification({.mode = Verify::kSample, .ratio = 0, .seed = 1});
  fail_unless(verification.picks(1, Trust::kChecked, 0), "a first result");
  fail_unless(verification.same(1, 0, 1).empty());
  fail_if(verification.picks(1, Trust::kChecked, 1), "nobody doubts it");
  // Once it was wrong all it makes is looked at, and what others make of that segment.
  verification.differ(1, 2, 0b01);
  fail_unless(verification.picks(1, Trust::kChecked, 3));
  verification.same(2, 1, 1);
  fail_unless(verification.picks(2, Trust::kChecked, 2));
  fail_if(verification.picks(2, Trust::kChecked, 3));
  // Its own answer clears nobody, and one to other renditions says nothing.
  fail_unless(verification.same(1, 2, 0b01).empty());
  fail_unless(verification.same(2, 2, 0b10).empty());
  const auto refuted = verification.same(2, 2, 0b11);
  fail_unless(refuted.size() == 1 && refuted[0] == 1);
  fail_unless(verification.same(3, 2, 0b11).empty(), "once");
  verification.forget_worker(1);
  fail_unless(verification.picks(1, Trust::kChecked, 3), "as if it were new");
}
GST_END_TEST

static Suite* coordinator_looks_suite() {
  Suite* suite = suite_create("coordinator-looks");
  TCase* tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_looks_nobody_wants);
  tcase_add_test(tests, test_looks_come_before_the_result_counts);
  tcase_add_test(tests, test_looks_in_context_find_what_a_segment_lacks);
  tcase_add_test(tests, test_looks_cannot_be_foreseen);
  tcase_add_test(tests, test_looks_see_all_frames);
  tcase_add_test(tests, test_looks_see_a_frame_of_each_rendition);
  tcase_add_test(tests, test_looks_at_the_first_result_and_some_others);
  tcase_add_test(tests, test_looks_are_not_for_this_process);
  tcase_add_test(tests, test_looks_that_differ_refuse_the_result);
  tcase_add_test(tests, test_looks_go_on_at_all_that_a_doubted_worker_makes);
  tcase_add_test(tests, test_looks_of_one_worker_alone_give_the_segment_up);
  tcase_add_test(tests, test_looks_may_take_long);
  tcase_add_test(tests, test_looks_that_tell_nothing_are_not_repeated);
  tcase_add_test(tests, test_looks_forget_accusations_at_a_seek);
  tcase_add_test(tests, test_looks_expire_with_the_lease);
  tcase_add_test(tests, test_looks_end_with_the_lease);
  tcase_add_test(tests, test_looks_convict_of_what_is_seen_without_them);
  tcase_add_test(tests, test_looks_outlive_the_worker);
  tcase_add_test(tests, test_looks_that_differ_outlive_the_worker);
  tcase_add_test(tests, test_looks_leave_the_worker_free);
  tcase_add_test(tests, test_looks_are_not_hedged);
  tcase_add_test(tests, test_looks_count_as_memory);
  tcase_add_test(tests, test_looks_bind_nobody_before_they_are_good);
  tcase_add_test(tests, test_looks_doubt_and_convict);
  return suite;
}

GST_CHECK_MAIN(coordinator_looks)
