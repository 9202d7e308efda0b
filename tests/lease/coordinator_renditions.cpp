// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Jobs that say what they want: workers are asked, get what they can make, and their results are
// taken in parts.
#include "gst/lease/coordinator.h"

#include "tests/lease/studio.h"

using namespace dist;
using namespace dist::test;

GST_START_TEST(test_renditions_workers_are_asked_first) {
  Studio studio;
  studio.submit(0);
  studio.join(1, "anna");
  fail_unless_equals_uint64(studio.worker(1).wanted.size(), 1);
  fail_unless(*parse_renditions(studio.worker(1).wanted[0].renditions) ==
              specs("hd:h264:64x36,sd:h264:32x18"));
  fail_unless_equals_text(studio.leased(1), "");
  studio.offer(1, {kX264, kX264});
  fail_unless_equals_text(studio.wanted_of(1), "0:hd 0:sd");
  studio.told();
  studio.make(1, {"hd", "sd"});
  fail_unless_equals_text(studio.told(), "chosen hd x264enc, chosen sd x264enc, done 1/0 anna");
  fail_unless(studio.done.back().complete);
  fail_unless_equals_uint64(studio.done.back().renditions.size(), 2);
}
GST_END_TEST

GST_START_TEST(test_renditions_come_from_several_workers) {
  Studio studio;
  studio.submit(0);
  studio.join_with(1, "anna", {kX264, ""});
  studio.join_with(2, "bert", {"", kX264});
  fail_unless_equals_text(studio.wanted_of(1), "0:hd");
  fail_unless_equals_text(studio.wanted_of(2), "0:sd");
  const std::uint64_t before = studio.coordinator.bytes_held(1);
  studio.make(2, {"sd"});
  fail_if(studio.done.back().complete);
  // The segment is still needed.
  fail_unless(studio.coordinator.bytes_held(1) > before);
  fail_unless_equals_uint64(studio.done.back().held, studio.coordinator.bytes_held(1));
  studio.make(1, {"hd"});
  fail_unless(studio.done.back().complete);
  fail_unless_equals_uint64(studio.done.back().held, studio.coordinator.bytes_held(1));
  std::uint64_t results = 0;
  for (const auto& done : studio.done)
    results += total_size(done.renditions[0].segment);
  fail_unless_equals_uint64(studio.coordinator.bytes_held(1), results);
  studio.coordinator.delivered(1, 0, studio.now);
  fail_unless_equals_uint64(studio.coordinator.bytes_held(1), 0);
}
GST_END_TEST

// A segment is still needed, and held, when some of its renditions are there.
GST_START_TEST(test_renditions_in_parts_stay_within_the_memory) {
  Studio studio(false, "hd:h264:64x36,sd:h264:32x18", 10'000);
  studio.submit(0, 1, 1000);
  studio.submit(1, 1, 1000);
  studio.join_with(1, "anna", {kX264, ""});
  studio.join_with(2, "bert", {kX264, ""});
  fail_unless_equals_text(studio.wanted_of(2), "1:hd");
  studio.answer(2, {with_payload(answer_header(studio.leased_header(2), "hd", 400))});
  studio.run();
  fail_unless(studio.coordinator.bytes_held(1) <= 10'000);
  fail_unless_equals_text(studio.wanted_of(2), "");
}
GST_END_TEST

// Nor does a result that has no room decide which encoder is right.
GST_START_TEST(test_renditions_put_off_choose_no_encoder) {
  Studio studio(false, "hd:h264:64x36", 10'000);
  studio.submit(0, 1, 1000);
  studio.submit(1, 1, 1000);
  studio.join_with(1, "anna", {kX264});
  studio.join_with(2, "bert", {kOpen});
  const auto with_caps = [&](WorkerId id, const char* encoder, std::uint64_t frame_size) {
    SegmentHeader header = answer_header(studio.leased_header(id), "hd", frame_size);
    header.caps = std::string("video/x-h264, made-by=") + encoder;
    studio.answer(id, {with_payload(header)});
    studio.run();
  };
  studio.told();
  with_caps(2, kOpen, 2000);
  fail_unless_equals_text(studio.told(), "");
  with_caps(1, kX264, 10);
  fail_unless_equals_text(studio.told(), "chosen hd x264enc not bert (openh264enc), done 1/0 anna");
}
GST_END_TEST

// It is found out with its first answer what a pipeline makes, and nobody is to blame for it.
GST_START_TEST(test_renditions_of_a_pipeline_written_by_hand) {
  Studio studio;
  studio.submit(0);
  studio.submit(1);
  studio.join_by_hand(1, "anna");
  studio.told();
  studio.make(1, {"sd"});
  fail_unless_equals_text(studio.told(), "done 1/0 anna");
  fail_unless_equals_text(studio.wanted_of(1), "1:sd");
  studio.join_with(2, "bert", {kX264, kX264});
  fail_unless_equals_text(studio.wanted_of(2), "0:hd");
  studio.make(2, {"hd"});
  fail_unless(studio.done.back().complete);
}
GST_END_TEST

// Also if it was asked for nothing that it makes.
GST_START_TEST(test_renditions_of_a_pipeline_asked_for_the_others) {
  Studio studio;
  studio.submit(0);
  studio.submit(1);
  studio.join_with(1, "anna", {"", kX264});
  studio.join_by_hand(2, "bert");
  fail_unless_equals_text(studio.wanted_of(2), "0:hd");
  studio.told();
  studio.make(2, {"sd"});
  fail_unless_equals_text(studio.told(), "");
  fail_unless_equals_text(studio.wanted_of(2), "1:sd");
  studio.make(1, {"sd"});
  fail_unless_equals_text(studio.told(), "chosen sd x264enc, done 1/0 anna");
  studio.join_with(3, "cora", {kX264, kX264});
  fail_unless_equals_text(studio.wanted_of(3), "0:hd");
}
GST_END_TEST

GST_START_TEST(test_renditions_that_nobody_asked_for) {
  Studio studio;
  studio.submit(0);
  studio.join_by_hand(1, "anna");
  studio.told();
  studio.make(1, {"4k"});
  fail_unless_equals_text(studio.told(),
                          "failed 1/0 anna: the result has '4k', and rendition 'hd' is wanted");
  studio.make(1, {"4k", "hd", "sd"});
  fail_unless_equals_text(studio.told(), "done 1/0 anna");
  fail_unless_equals_uint64(studio.done.back().renditions.size(), 2);
  // Nor are they held.
  std::uint64_t held = 0;
  for (const auto& rendition : studio.done.back().renditions)
    held += total_size(rendition.segment);
  fail_unless_equals_uint64(studio.done.back().held, held);
  fail_unless_equals_uint64(studio.coordinator.bytes_held(1), held);
}
GST_END_TEST

GST_START_TEST(test_renditions_promised_and_missing) {
  Studio studio;
  studio.submit(0);
  studio.join_with(1, "anna", {kX264, kX264});
  studio.told();
  studio.make(1, {"hd"});
  fail_unless_equals_text(studio.told(), "failed 1/0 anna: rendition 'sd' is missing");
}
GST_END_TEST

GST_START_TEST(test_renditions_are_made_with_one_encoder) {
  Studio studio;
  studio.submit(0);
  studio.submit(1);
  studio.submit(2);
  studio.join_with(1, "anna", {kX264, kX264});
  studio.join_with(2, "bert", {kOpen, kX264});
  fail_unless_equals_text(studio.wanted_of(2), "1:hd 1:sd");
  studio.told();
  studio.make(1, {"hd", "sd"});
  // Bert's lease would come to nothing; nobody is to blame.
  fail_unless_equals_text(studio.told(),
                          "chosen hd x264enc not bert (openh264enc), chosen sd x264enc, "
                          "done 1/0 anna");
  fail_unless_equals_text(studio.worker(2).saw, "welcomed, cancelled");
  fail_unless_equals_text(studio.wanted_of(1), "1:hd 1:sd");
  fail_unless_equals_text(studio.wanted_of(2), "2:sd");
}
GST_END_TEST

// Which encoder made it is known, though whoever said so is not there any more.
GST_START_TEST(test_renditions_of_a_worker_that_left) {
  Studio studio(false, "hd:h264:64x36,sd:h264:32x18", 1u << 20, Verify::kAll);
  studio.submit(0);
  studio.join_with(1, "anna", {kX264, kX264});
  studio.make(1, {"hd", "sd"});
  studio.disconnect(1);
  studio.join_with(2, "bert", {kOpen, kX264});
  studio.told();
  studio.look();
  fail_unless_equals_text(studio.told(),
                          "chosen hd x264enc not bert (openh264enc), chosen sd x264enc, "
                          "done 1/0 anna");
  studio.submit(1);
  studio.run();
  fail_unless_equals_text(studio.wanted_of(2), "1:sd");
}
GST_END_TEST

// It was right once, and would bind all others to an encoder that none of them has.
GST_START_TEST(test_renditions_of_a_worker_that_binds_and_leaves) {
  Studio studio(false, "hd:h264:64x36");
  for (std::uint64_t i = 0; i < 3; ++i)
    studio.submit(i);
  studio.join_with(1, "liar", {"nvh264enc"});
  studio.join_with(2, "anna", {kX264});
  studio.make(1, {"hd"});
  fail_unless(studio.done.back().provisional);
  studio.disconnect(1);
  studio.told();
  studio.run_until(studio.now + 5 * 1'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "taken back hd of 0");
  for (const char* segment : {"0:hd", "1:hd", "2:hd"}) {
    fail_unless_equals_text(studio.wanted_of(2), segment);
    studio.make(2, {"hd"});
  }
  fail_unless(!studio.done.back().provisional);
  fail_unless_equals_uint64(studio.coordinator.dispatcher().open_segments(1), 0);
  std::uint64_t held = 0;
  for (const auto& done : studio.done)
    held += done.worker.name == "anna" ? total_size(done.renditions[0].segment) : 0;
  fail_unless_equals_uint64(studio.coordinator.bytes_held(1), held);
}
GST_END_TEST

// Its caps differ in a field, so that nobody else's fit.
GST_START_TEST(test_renditions_with_caps_that_nobody_else_makes) {
  for (const bool stays : {false, true}) {
    Cluster farm;
    farm.add_job();
    for (std::uint64_t i = 0; i < 4; ++i)
      farm.submit(i);
    farm.join(1, "liar");
    farm.join(2, "anna");
    farm.join(3, "bert");
    SegmentHeader lie = answer_header(farm.leased_header(1));
    lie.caps += ", liar=yes";
    farm.answer(1, {with_payload(lie)});
    farm.run();
    fail_unless(farm.done.back().provisional);
    if (!stays)
      farm.disconnect(1);
    farm.told();
    farm.answer(2);
    farm.run();
    if (stays) {
      // One word against another; two speak against one.
      fail_unless(contains(farm.told(), "differ from those of the segments before"));
      farm.answer(3);
      farm.run();
    }
    const std::string told = farm.told();
    fail_unless(contains(told, "taken back hd of 0"), "%s", told.c_str());
    fail_if(contains(told, "some have left"), "%s", told.c_str());
    for (int i = 0; i < 20 && farm.coordinator.dispatcher().open_segments(1) > 0; ++i) {
      for (const WorkerId id : {2, 3})
        if (!farm.leased(id).empty()) {
          farm.answer(id);
          farm.run();
        }
      farm.run_until(farm.now + 1'000 * kMillisecond);
    }
    fail_unless_equals_uint64(farm.coordinator.dispatcher().open_segments(1), 0);
    const std::string rest = farm.told();
    fail_if(contains(rest, "given up"), "%s", rest.c_str());
  }
}
GST_END_TEST

// What has left cannot be made anew. The job goes on all the same.
GST_START_TEST(test_renditions_of_an_encoder_that_is_gone) {
  Studio studio(false, "hd:h264:64x36");
  studio.submit(0);
  studio.join_with(1, "anna", {kOpen});
  studio.make(1, {"hd"});
  fail_if(studio.done.back().provisional);
  studio.coordinator.delivered(1, 0, studio.now);
  studio.submit(1);
  studio.run();
  studio.disconnect(1);
  studio.join_with(2, "bert", {kX264});
  fail_unless_equals_text(studio.wanted_of(2), "");
  studio.told();
  studio.run_until(studio.now + 5 * 1'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "taken back hd of, some have left");
  fail_unless_equals_text(studio.wanted_of(2), "1:hd");
  studio.make(2, {"hd"});
  fail_unless_equals_text(studio.told(), "chosen hd x264enc, done 1/1 bert");
}
GST_END_TEST

// Two workers had it: they may come back.
GST_START_TEST(test_renditions_of_an_encoder_that_several_had) {
  Studio studio(false, "hd:h264:64x36");
  for (std::uint64_t i = 0; i < 3; ++i)
    studio.submit(i);
  studio.join_with(1, "anna", {kOpen});
  studio.join_with(2, "bert", {kOpen});
  studio.make(1, {"hd"});
  fail_unless(studio.done.back().provisional);
  studio.told();
  studio.make(2, {"hd"});
  fail_unless_equals_text(studio.told(), "done 1/1 bert");
  fail_if(studio.done.back().provisional);
  studio.disconnect(1);
  studio.disconnect(2);
  studio.join_with(3, "cora", {kX264});
  studio.told();
  studio.run_until(studio.now + 15 * 1'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "");
  studio.run_until(studio.now + 10 * 1'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "taken back hd of, some have left");
  fail_unless_equals_text(studio.wanted_of(3), "2:hd");
}
GST_END_TEST

GST_START_TEST(test_renditions_of_mixed_encoders) {
  Studio studio(true);
  studio.submit(0);
  studio.submit(1);
  studio.join_with(1, "anna", {kX264, kX264});
  studio.join_with(2, "bert", {kOpen, kOpen});
  studio.told();
  studio.make(1, {"hd", "sd"});
  studio.make(2, {"hd", "sd"});
  fail_unless_equals_text(studio.told(), "done 1/0 anna, done 1/1 bert");
}
GST_END_TEST

GST_START_TEST(test_renditions_that_nobody_can_make) {
  Studio studio;
  studio.submit(0);
  studio.join_with(1, "anna", {"", kX264});
  for (dist::WorkerId worker = 2; worker <= 5; ++worker)
    studio.join_with(worker, "w" + std::to_string(worker), {"", ""});
  studio.make(1, {"sd"});
  studio.told();
  studio.run_until(studio.now + 19'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "");
  studio.run_until(studio.now + 2'000 * kMillisecond);
  fail_unless_equals_text(
      studio.told(), "nobody can: rendition 'hd' (h264): no encoder (anna, w2, w3 and 2 more)");
  studio.run_until(studio.now + 60'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "");
}
GST_END_TEST

GST_START_TEST(test_renditions_that_somebody_can_make_in_time) {
  Studio studio;
  studio.submit(0);
  studio.join_with(1, "anna", {"", kX264});
  studio.make(1, {"sd"});
  studio.run_until(studio.now + 15'000 * kMillisecond);
  studio.join_with(2, "bert", {kX264, kX264});
  studio.told();
  studio.run_until(studio.now + 10'000 * kMillisecond);
  fail_unless(studio.told().find("nobody can") == std::string::npos);
}
GST_END_TEST

// However many come and go who cannot.
GST_START_TEST(test_renditions_that_nobody_can_make_for_long) {
  Studio studio;
  studio.submit(0);
  WorkerId id = 1;
  for (; id <= 4; ++id) {
    studio.join_with(id, "anna", {"", ""});
    studio.join_with(10 + id, "bert", {"", ""});
    studio.run_until(studio.now + 4'000 * kMillisecond);
    studio.disconnect(id);
    studio.run_until(studio.now + 1'500 * kMillisecond);
  }
  fail_unless(studio.told().find("nobody can: rendition 'hd' (h264): no encoder") !=
              std::string::npos);
}
GST_END_TEST

// Nor is it waited for ever until all have said what they can.
GST_START_TEST(test_renditions_of_a_worker_that_does_not_answer) {
  Studio studio;
  studio.submit(0);
  studio.join(1, "anna");
  studio.told();
  studio.run_until(studio.now + 39'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "");
  studio.run_until(studio.now + 2'000 * kMillisecond);
  fail_unless_equals_text(
      studio.told(),
      "nobody can: rendition 'hd' (h264): no answer to what it can make (anna); "
      "rendition 'sd' (h264): no answer to what it can make (anna)");
}
GST_END_TEST

// For each rendition somebody is waited for.
GST_START_TEST(test_renditions_that_nobody_can_make_in_turn) {
  Studio studio;
  studio.submit(0);
  studio.join_with(1, "anna", {"", kX264});
  studio.run_until(studio.now + 15'000 * kMillisecond);
  studio.join_with(2, "bert", {kX264, ""});
  studio.disconnect(1);
  studio.told();
  studio.run_until(studio.now + 19'000 * kMillisecond);
  fail_unless(studio.told().find("nobody can") == std::string::npos);
  studio.run_until(studio.now + 2'000 * kMillisecond);
  fail_unless_equals_text(studio.told(), "nobody can: rendition 'sd' (h264): no encoder (bert)");
}
GST_END_TEST

// Segments last 160 ms; of one frame a second most have none.
GST_START_TEST(test_renditions_without_frames_in_a_segment) {
  Studio studio(false, "hd:h264:64x36,thumb:jpeg:32x18:fps=1");
  studio.submit(0);
  const auto source = source_header(0);
  studio.join_with(1, "anna", {kX264, "jpegenc"});
  const SegmentHeader first = studio.leased_header(1);
  SegmentHeader thumb = answer_header(first, "thumb");
  thumb.units.resize(1);
  studio.answer(1, {with_payload(answer_header(first)), with_payload(thumb)});
  studio.run();
  fail_unless(studio.done.back().complete);

  SegmentHeader later = source_header(1);
  later.start += kSecond / 2;
  later.stop += kSecond / 2;
  for (AccessUnit& unit : later.units) {
    unit.pts += kSecond / 2;
    unit.dts += kSecond / 2;
    unit.show += kSecond / 2;
  }
  const BytesList segment = with_payload(later);
  studio.coordinator.submit(1, std::make_shared<const SegmentHeader>(later), segment,
                            sha256(segment), studio.now);
  studio.run();
  fail_unless_equals_text(studio.wanted_of(1), "1:hd");
  studio.make(1, {"hd"});
  fail_unless(studio.done.back().complete);
  fail_unless_equals_uint64(studio.done.back().renditions.size(), 2);
  const auto& empty = *studio.done.back().renditions[1].header;
  fail_unless_equals_text(empty.rendition, "thumb");
  fail_unless_equals_uint64(empty.index, 1);
  fail_unless(empty.units.empty());
}
GST_END_TEST

// A worker of the same process gets the very bytes, and is one like the others.
GST_START_TEST(test_renditions_by_a_local_worker) {
  struct Port : LeasePort {
    Trust trust() const override { return Trust::kOwn; }
    void want(std::uint64_t id, const std::vector<RenditionSpec>&) override { job = id; }
    void grant(wire::Grant granted, std::uint32_t, BytesList bytes) override {
      lease = granted.lease;
      payload = std::move(bytes);
    }
    void cancel(std::uint64_t) override { ++cancelled; }
    void done(const std::string&) override {}
    void drop_leases() override {}
    std::optional<Incoming> incoming() const override { return std::nullopt; }
    std::uint64_t job = 0;
    std::uint64_t lease = 0;
    BytesList payload;
    unsigned cancelled = 0;
  } port;
  Studio studio;
  studio.submit(0);
  studio.told();
  auto& coordinator = studio.coordinator;
  coordinator.join(9, "local", "here", 1, port, studio.now);
  fail_unless_equals_uint64(port.lease, 0);
  coordinator.said(9, PrimarySession::Offered{port.job, {{true, kX264, ""}, {true, kX264, ""}}},
                   studio.now);
  fail_unless(port.lease != 0);
  const auto header = parse_header(port.payload.front().span(), total_size(port.payload));
  fail_unless_ok(header);
  coordinator.said(9,
                   PrimarySession::ResultReceived{port.lease,
                                                  {with_payload(answer_header(*header, "hd")),
                                                   with_payload(answer_header(*header, "sd"))}},
                   studio.now);
  fail_unless_equals_text(studio.told(),
                          "joined local, chosen hd x264enc, chosen sd x264enc, done 1/0 local");
  studio.submit(1);
  fail_unless(port.cancelled == 0);
  coordinator.disconnected(9, "left", studio.now);
  fail_unless_equals_uint64(coordinator.dispatcher().leases(1), 0);
  studio.join_with(1, "anna", {kX264, kX264});
  fail_unless_equals_text(studio.wanted_of(1), "1:hd 1:sd");
}
GST_END_TEST

GST_START_TEST(test_renditions_outlive_a_flush) {
  Studio studio;
  studio.join_with(1, "anna", {kX264, ""});
  studio.submit(0);
  studio.run();
  studio.coordinator.clear_job(1, studio.now);
  studio.run();
  studio.submit(0);
  studio.run();
  fail_unless_equals_text(studio.wanted_of(1), "0:hd");
}
GST_END_TEST

GST_START_TEST(test_renditions_an_offer_that_nobody_asked_for) {
  Studio studio;
  studio.join(1, "anna");
  studio.worker(1).session.offer(studio.worker(1).wanted[0].job, {{.able = true}});
  studio.run();
  fail_unless(studio.told().find("an offer that nobody asked for") != std::string::npos);
}
GST_END_TEST

static Suite* coordinator_renditions_suite() {
  Suite* suite = suite_create("coordinator-renditions");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_renditions_workers_are_asked_first);
  tcase_add_test(tcase, test_renditions_come_from_several_workers);
  tcase_add_test(tcase, test_renditions_in_parts_stay_within_the_memory);
  tcase_add_test(tcase, test_renditions_put_off_choose_no_encoder);
  tcase_add_test(tcase, test_renditions_of_a_pipeline_written_by_hand);
  tcase_add_test(tcase, test_renditions_of_a_pipeline_asked_for_the_others);
  tcase_add_test(tcase, test_renditions_that_nobody_asked_for);
  tcase_add_test(tcase, test_renditions_promised_and_missing);
  tcase_add_test(tcase, test_renditions_are_made_with_one_encoder);
  tcase_add_test(tcase, test_renditions_of_a_worker_that_left);
  tcase_add_test(tcase, test_renditions_of_a_worker_that_binds_and_leaves);
  tcase_add_test(tcase, test_renditions_with_caps_that_nobody_else_makes);
  tcase_add_test(tcase, test_renditions_of_an_encoder_that_is_gone);
  tcase_add_test(tcase, test_renditions_of_an_encoder_that_several_had);
  tcase_add_test(tcase, test_renditions_of_mixed_encoders);
  tcase_add_test(tcase, test_renditions_that_nobody_can_make);
  tcase_add_test(tcase, test_renditions_that_somebody_can_make_in_time);
  tcase_add_test(tcase, test_renditions_that_nobody_can_make_for_long);
  tcase_add_test(tcase, test_renditions_of_a_worker_that_does_not_answer);
  tcase_add_test(tcase, test_renditions_that_nobody_can_make_in_turn);
  tcase_add_test(tcase, test_renditions_without_frames_in_a_segment);
  tcase_add_test(tcase, test_renditions_by_a_local_worker);
  tcase_add_test(tcase, test_renditions_outlive_a_flush);
  tcase_add_test(tcase, test_renditions_an_offer_that_nobody_asked_for);
  return suite;
}

GST_CHECK_MAIN(coordinator_renditions)
