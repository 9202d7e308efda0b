// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// remoteenc with a store on a server that is slow, or does not answer at all.

// Before gstcheck.h, which has a variable "mutex".
#include "tests/io/test_server.h"

#include <chrono>
#include <set>
#include <thread>

#include "tests/elements/helpers.h"

namespace {

using namespace test;
using dist::test::EmptyStoreServer;
using Clock = std::chrono::steady_clock;

// remoteenc waits five seconds for a store that does not answer.
constexpr std::chrono::seconds kSoon{4};
constexpr unsigned kAskers = 8;
constexpr unsigned kWindow = 16;
const dist::Encoder kEncoder{"x264enc", "1"};

std::string with_store(const EmptyStoreServer& server) {
  return "local-workers=0 renditions=hd:h264:4x2 max-segments=" + std::to_string(kWindow) +
         " store=" + server.url();
}

void answer(FakeWorker& worker, const FakeWorker::Leased& lease) {
  const auto source = dist::parse_header(lease.payload.span(), lease.payload.size());
  fail_unless(static_cast<bool>(source));
  auto header = rendition_header(*source, "hd");
  header.caps += ", width=(int)4, height=(int)2";
  worker.answer(lease, {header});
}

}  // namespace

GST_START_TEST(test_remoteenc_store_does_not_answer_before_a_flush) {
  EmptyStoreServer server;
  RemoteEnc h(with_store(server));
  for (std::uint64_t index = 0; index < kWindow; ++index)
    h.push_segment(index);
  FakeWorker worker(h.element());
  server.hold(true);
  worker.offer(kEncoder);
  wait_until([&] { return server.asked() == kAskers; });
  const auto begin = Clock::now();
  h.flush();
  // What comes now does not wait for those who asked before.
  server.hold(false);
  h.start("application/x-dist-segment");
  h.push_segment(0, true);
  const auto lease = worker.lease();
  expect_equal(lease.segment, 0);
  fail_unless(Clock::now() - begin < kSoon);
  expect_equal(server.asked(), kAskers + 1);
  answer(worker, lease);
  expect_equal(h.pull_header().index, 0);
}
GST_END_TEST

GST_START_TEST(test_remoteenc_store_does_not_answer_before_the_end) {
  EmptyStoreServer server;
  auto begin = Clock::now();
  {
    RemoteEnc h(with_store(server));
    for (std::uint64_t index = 0; index < kWindow; ++index)
      h.push_segment(index);
    FakeWorker worker(h.element());
    server.hold(true);
    worker.offer(kEncoder);
    wait_until([&] { return server.asked() == kAskers; });
    begin = Clock::now();
    gst_element_set_state(h.element(), GST_STATE_NULL);
  }
  fail_unless(Clock::now() - begin < kSoon);
  expect_equal(server.answered(), 0);
}
GST_END_TEST

// The store is asked for all segments of the window while a worker makes the first: from then on
// that worker gets one after the other, although the store does not say a word any more.
GST_START_TEST(test_remoteenc_store_is_asked_ahead_of_the_leases) {
  EmptyStoreServer server;
  RemoteEnc h(with_store(server));
  std::thread upstream([&] {
    for (std::uint64_t index = 0; index < 2 * kWindow; ++index)
      h.push_segment(index, index + 1 == 2 * kWindow);
  });
  FakeWorker worker(h.element());
  worker.offer(kEncoder);
  auto lease = worker.lease();
  std::set<std::uint64_t> leased = {lease.segment};
  for (unsigned round = 1; round <= 2; ++round) {
    // The worker holds one segment, and the window has no room for more.
    wait_until([&] { return server.answered() == round * kWindow; });
    server.hold(true);
    const auto begin = Clock::now();
    for (unsigned i = 1; i < kWindow; ++i) {
      answer(worker, lease);
      lease = worker.lease();
      leased.insert(lease.segment);
    }
    fail_unless(Clock::now() - begin < kSoon);
    expect_equal(server.answered(), round * kWindow);
    expect_equal(leased.size(), round * kWindow);
    server.hold(false);
    answer(worker, lease);
    if (round == 1) {
      lease = worker.lease();
      leased.insert(lease.segment);
    }
  }
  upstream.join();
  for (unsigned i = 0; i < 2 * kWindow; ++i)
    leased.erase(h.pull_header().index);
  fail_unless(leased.empty());
}
GST_END_TEST

static Suite* remoteenc_store_suite() {
  Suite* const suite = suite_create("remoteenc_store");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_remoteenc_store_does_not_answer_before_a_flush);
  tcase_add_test(tests, test_remoteenc_store_does_not_answer_before_the_end);
  tcase_add_test(tests, test_remoteenc_store_is_asked_ahead_of_the_leases);
  return suite;
}

GST_CHECK_MAIN(remoteenc_store)
