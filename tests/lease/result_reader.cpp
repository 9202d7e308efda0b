// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/result_reader.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/lease/cluster.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr RenditionSet kHd = 1, kSd = 2, kBoth = kHd | kSd;

const std::vector<RenditionSpec>& wanted() {
  static const auto specs = *parse_renditions("hd:h264:64x36,sd:h264:32x18");
  return specs;
}

const std::vector<Ability> kGeneric = {{true, "x264enc", ""}, {true, "x264enc", ""}};
const std::vector<Ability> kByHand = {{true, "", ""}, {true, "", ""}};

BytesList made(const std::string& rendition) {
  return with_payload(answer_header(source_header(3), rendition));
}

std::vector<BytesList> made_all(const std::vector<std::string>& renditions) {
  std::vector<BytesList> parts;
  for (const std::string& rendition : renditions)
    parts.push_back(made(rendition));
  return parts;
}

LeaseTerms terms(RenditionSet leased, const std::vector<Ability>& offer = kGeneric) {
  return {.wanted = wanted(), .leased = leased, .offer = offer};
}

std::string names_of(const std::vector<ResultRendition>& renditions) {
  std::string text;
  for (const ResultRendition& rendition : renditions)
    text += (text.empty() ? "" : " ") + rendition.header->rendition;
  return text;
}

// What a check was asked, and what it finds.
struct Asked {
  std::string caps;
  Data first_unit;
  bool mixed_encoders = false;
  std::string wanted;
};
std::vector<Asked> asked;
constexpr char kMended[] = "video/x-h264, mended=yes, and longer than what the worker said of it";

Result<std::string> mend(const SegmentHeader& rendition, std::span<const std::uint8_t> first_unit,
                         bool mixed_encoders, const RenditionSpec* spec) {
  asked.push_back(
      {rendition.caps, to_data(first_unit), mixed_encoders, spec ? spec->name : "nothing"});
  return std::string(kMended);
}
Result<std::string> approve(const SegmentHeader& rendition, std::span<const std::uint8_t>, bool,
                            const RenditionSpec*) {
  return rendition.caps;
}
Result<std::string> refuse(const SegmentHeader& rendition, std::span<const std::uint8_t>, bool,
                           const RenditionSpec*) {
  if (rendition.rendition == "sd")
    return Error{"too small"};
  return rendition.caps;
}

}  // namespace

GST_START_TEST(test_result_reader_takes_what_was_leased) {
  const struct {
    std::vector<std::string> made;
    RenditionSet leased;
    const char* taken;
  } rows[] = {
      {{"hd", "sd"}, kBoth, "hd sd"},
      {{"sd", "hd"}, kBoth, "sd hd"},
      {{"hd", "sd"}, kSd, "sd"},
      {{"4k", "hd", "sd"}, kBoth, "hd sd"},
  };
  for (const auto& row : rows) {
    const auto result = read_result(made_all(row.made), terms(row.leased));
    fail_unless_ok(result);
    fail_unless_equals_text(names_of(*result), row.taken);
  }
}
GST_END_TEST

GST_START_TEST(test_result_reader_takes_all_where_nothing_is_said) {
  const auto result = read_result(made_all({"4k", "hd"}), {.wanted = {}, .leased = 1, .offer = {}});
  fail_unless_ok(result);
  fail_unless_equals_text(names_of(*result), "4k hd");
  fail_unless_ok(read_result({}, {.wanted = {}, .leased = 1, .offer = {}}));
}
GST_END_TEST

GST_START_TEST(test_result_reader_says_what_is_missing) {
  const struct {
    const char* what;
    std::vector<Ability> offer;
    std::vector<std::string> made;
    RenditionSet leased;
    const char* error;
  } rows[] = {
      {"promised", kGeneric, {"hd"}, kBoth, "rendition 'sd' is missing"},
      {"promised, others made", kGeneric, {"sd"}, kHd, "has 'sd', and rendition 'hd' is wanted"},
      {"unwanted", kGeneric, {"4k", "8k"}, kBoth, "has '4k', '8k', and rendition 'hd' is wanted"},
      {"unwanted by hand", kByHand, {"4k"}, kBoth, "has '4k', and rendition 'hd' is wanted"},
      {"not asked", {}, {"hd"}, kBoth, "rendition 'sd' is missing"},
      {"nothing at all", kByHand, {}, kSd, "has , and rendition 'sd' is wanted"},
  };
  for (const auto& row : rows)
    fail_unless_error(read_result(made_all(row.made), terms(row.leased, row.offer)), row.error,
                      row.what);
}
GST_END_TEST

// The primary learns from the result what such a pipeline makes.
GST_START_TEST(test_result_reader_lets_a_pipeline_by_hand_leave_some_out) {
  const auto some = read_result(made_all({"sd"}), terms(kBoth, kByHand));
  fail_unless_ok(some);
  fail_unless_equals_text(names_of(*some), "sd");
  const auto none = read_result(made_all({"sd"}), terms(kHd, kByHand));
  fail_unless_ok(none);
  fail_unless(none->empty());
}
GST_END_TEST

GST_START_TEST(test_result_reader_refuses_what_is_no_segment) {
  const BytesList whole = made("hd");
  const std::size_t header = whole.front().size();
  for (std::size_t size = 0; size < header; ++size)
    fail_unless_error(read_result({{whole.front().slice(0, size), whole.back()}}, terms(kHd)),
                      "the result is no segment: ", std::to_string(size).c_str());
  const std::size_t payload = whole.back().size();
  for (std::size_t size = 0; size < payload; ++size)
    fail_unless_error(read_result({{whole.front(), whole.back().slice(0, size)}}, terms(kHd)),
                      "the result is no segment: ", std::to_string(size).c_str());
  fail_unless_error(read_result({BytesList{}}, terms(kHd)), "the result is no segment: ", "empty");
  fail_unless_error(read_result({made("hd"), {}}, terms(kHd)),
                    "the result is no segment: ", "the second");
}
GST_END_TEST

GST_START_TEST(test_result_reader_shares_the_bytes) {
  const BytesList part = made("hd");
  for (const CheckRendition check : {CheckRendition{nullptr}, CheckRendition{approve}}) {
    LeaseTerms lease = terms(kHd);
    lease.check = check;
    const auto result = read_result({part}, lease);
    fail_unless_ok(result);
    const BytesList& segment = result->front().segment;
    fail_unless_equals_uint64(segment.size(), part.size());
    for (std::size_t i = 0; i < part.size(); ++i)
      fail_unless(segment[i].span().data() == part[i].span().data());
  }
}
GST_END_TEST

// However the bytes arrived in pieces: the header is another one, and the payload is not copied.
GST_START_TEST(test_result_reader_mends_caps) {
  const BytesList part = made("hd");
  const Data payload = to_data(BytesList{part.back()});
  const Bytes joined = Bytes::take(to_data(part));
  const std::size_t header = part.front().size();
  const std::vector<BytesList> pieces = {
      part,
      {joined},
      {joined.slice(0, header + 3), joined.slice(header + 3, joined.size() - header - 3)},
      {part.front(), part.back().slice(0, 4), part.back().slice(4, 0), part.back().slice(4, 36)},
  };
  for (const BytesList& received : pieces) {
    asked.clear();
    LeaseTerms lease = terms(kHd);
    lease.check = mend;
    lease.mixed_encoders = true;
    const auto result = read_result({received}, lease);
    fail_unless_ok(result);
    fail_unless_equals_uint64(asked.size(), 1);
    fail_unless_equals_text(asked[0].caps, "video/x-h264, rendition=hd");
    fail_unless_equals_text(asked[0].wanted, "hd");
    fail_unless(asked[0].mixed_encoders);
    fail_unless(asked[0].first_unit == Data(payload.begin(), payload.begin() + 10));

    const ResultRendition& mended = result->front();
    fail_unless_equals_text(mended.header->caps, kMended);
    const auto again = parse_header(mended.segment.front().span(), total_size(mended.segment));
    fail_unless_ok(again);
    fail_unless_equals_text(again->caps, kMended);
    fail_unless_equals_uint64(again->units.size(), 4);
    const BytesList rest(mended.segment.begin() + 1, mended.segment.end());
    fail_unless(to_data(rest) == payload);
    fail_unless(rest.back().span().data() + rest.back().size() ==
                received.back().span().data() + received.back().size());
  }
}
GST_END_TEST

GST_START_TEST(test_result_reader_has_renditions_checked) {
  LeaseTerms lease = terms(kBoth);
  lease.check = refuse;
  fail_unless_error(read_result(made_all({"hd", "sd"}), lease), "rendition 'sd': too small", "sd");
  // What was not leased is not, nor is what has no frames.
  lease = terms(kHd);
  lease.check = refuse;
  fail_unless_ok(read_result(made_all({"sd", "hd"}), lease));
  SegmentHeader empty = answer_header(source_header(3), "sd");
  empty.units.clear();
  lease = terms(kSd);
  lease.check = refuse;
  fail_unless_ok(read_result({with_payload(empty)}, lease));
  asked.clear();
  fail_unless_ok(read_result(made_all({"4k"}), {.wanted = {}, .leased = 1, .check = mend}));
  fail_unless_equals_text(asked.at(0).wanted, "nothing");
}
GST_END_TEST

GST_START_TEST(test_result_reader_counts_what_is_made) {
  const auto both = *read_result(made_all({"sd", "hd"}), terms(kBoth));
  const auto one = *read_result(made_all({"sd"}), terms(kSd));
  fail_unless_equals_uint64(made_in(wanted(), both), kBoth);
  fail_unless_equals_uint64(made_in(wanted(), one), kSd);
  fail_unless_equals_uint64(made_in(wanted(), {}), 0);
  fail_unless_equals_uint64(made_in({}, one), ~RenditionSet{0});
  fail_unless_equals_uint64(headers_of(both).size(), 2);
  fail_unless_equals_text(headers_of(both)[0].rendition, "sd");
}
GST_END_TEST

// In the rendition that should have the most frames.
GST_START_TEST(test_result_reader_finds_damage) {
  const auto specs = *parse_renditions("slow:h264:64x36:fps=1,hd:h264:64x36");
  const SegmentHeader source = source_header(3);
  const auto rendition = [](const SegmentHeader& header) {
    return ResultRendition{std::make_shared<const SegmentHeader>(header), with_payload(header)};
  };
  SegmentHeader slow = answer_header(source, "slow"), hd = answer_header(source, "hd");
  slow.units.resize(1);
  fail_if(is_damaged({rendition(slow), rendition(hd)}));
  fail_if(damage_in(source, specs, {rendition(slow), rendition(hd)}).any());
  hd.units[2].flags |= kFlagCorrupted;
  hd.units.pop_back();
  fail_unless(is_damaged({rendition(slow), rendition(hd)}));
  for (const auto& renditions :
       {std::vector{rendition(slow), rendition(hd)}, std::vector{rendition(hd), rendition(slow)}}) {
    const SegmentDamage damage = damage_in(source, specs, renditions);
    fail_unless_equals_uint64(damage.guessed, 1);
    fail_unless_equals_uint64(damage.missing, 1);
  }
  // Where the job has not said what it wants each should have all.
  fail_unless_equals_uint64(damage_in(source, {}, {rendition(slow)}).missing, 3);
}
GST_END_TEST

static Suite* result_reader_suite() {
  Suite* suite = suite_create("result_reader");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_result_reader_takes_what_was_leased);
  tcase_add_test(tcase, test_result_reader_takes_all_where_nothing_is_said);
  tcase_add_test(tcase, test_result_reader_says_what_is_missing);
  tcase_add_test(tcase, test_result_reader_lets_a_pipeline_by_hand_leave_some_out);
  tcase_add_test(tcase, test_result_reader_refuses_what_is_no_segment);
  tcase_add_test(tcase, test_result_reader_shares_the_bytes);
  tcase_add_test(tcase, test_result_reader_mends_caps);
  tcase_add_test(tcase, test_result_reader_has_renditions_checked);
  tcase_add_test(tcase, test_result_reader_counts_what_is_made);
  tcase_add_test(tcase, test_result_reader_finds_damage);
  return suite;
}

GST_CHECK_MAIN(result_reader)
