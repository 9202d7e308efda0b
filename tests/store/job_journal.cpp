// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/store/job_journal.h"

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;
using Kind = Happening::Kind;

JobJournal some_journal() {
  JobJournal journal{.host = "farm",
                     .process = 4711,
                     .began = 1'790'000'000'000,
                     .written = 1'790'000'002'500,
                     .status = {},
                     .earlier = 3,
                     .happenings = {}};
  journal.status.jobs.push_back(
      {.id = 1, .elapsed = 2, .done = 3, .leased = 4, .queued = 5, .renditions = {{"a", "b"}}});
  journal.status.all_workers = 7;
  journal.happenings = {{Kind::kWaiting, journal.began, 3},
                        {Kind::kFound, journal.began + 1, 3},
                        {Kind::kLeased, journal.began + 2, 4, 1, "ada"},
                        {Kind::kFailed, journal.began + 3, 4, 1, "ada", "it left"},
                        {Kind::kDone, journal.began + 4, 4, 2, "bert"}};
  return journal;
}

}  // namespace

GST_START_TEST(test_journal_comes_back) {
  const JobJournal journal = some_journal();
  const auto read = read_journal(write_journal(journal));
  fail_unless_ok(read);
  fail_unless(*read == journal);
  fail_unless(*read_journal(write_journal({})) == JobJournal());
}
GST_END_TEST

GST_START_TEST(test_journal_is_cut_where_it_is_too_long) {
  JobJournal journal = some_journal();
  for (std::uint64_t i = 0; i < 2 * JobJournal::kMaxHappenings; ++i)
    journal.happenings.push_back({Kind::kDone, 0, i, 1, std::string(5000, 'w')});
  journal.happenings.back().reason = std::string(5000, 'r');
  const auto read = read_journal(write_journal(journal));
  fail_unless_ok(read);
  fail_unless_equals_uint64(read->happenings.size(), JobJournal::kMaxHappenings);
  fail_unless_equals_uint64(read->earlier, 3 + 5 + JobJournal::kMaxHappenings);
  fail_unless_equals_uint64(read->happenings.back().segment, 2 * JobJournal::kMaxHappenings - 1);
  fail_unless(read->happenings.back().reason.size() < 1000);
}
GST_END_TEST

// A flip may be a journal too, but ends nobody who reads it.
GST_START_TEST(test_journal_truncated_or_flipped) {
  const Bytes bytes = write_journal(some_journal());
  const Data data(bytes.span().begin(), bytes.span().end());
  for (std::size_t at = 0; at < data.size(); ++at) {
    fail_if(static_cast<bool>(read_journal(bytes.slice(0, at))), "%zu", at);
    for (unsigned bit = 0; bit < 8; ++bit) {
      Data flipped = data;
      flipped[at] ^= static_cast<std::uint8_t>(1u << bit);
      (void)read_journal(Bytes::take(std::move(flipped)));
    }
  }
  Data longer = data;
  longer.push_back(0);
  fail_if(static_cast<bool>(read_journal(Bytes::take(std::move(longer)))));
}
GST_END_TEST

static Suite* job_journal_suite() {
  Suite* const suite = suite_create("job-journal");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_journal_comes_back);
  tcase_add_test(tests, test_journal_is_cut_where_it_is_too_long);
  tcase_add_test(tests, test_journal_truncated_or_flipped);
  return suite;
}

GST_CHECK_MAIN(job_journal)
