// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that say nothing any more, though their connections are open.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <csignal>
#include <functional>
#include <memory>
#include <set>

#include <gst/check/gstcheck.h>

#include "tests/faults/jobs.h"
#include "tests/faults/proxy.h"

namespace {

using faults::Fault;
using faults::Primary;
using faults::Proxy;
using faults::Said;
using faults::Seen;

// How long it may take until a hung worker is noticed, or somebody else has done its segments.
constexpr unsigned kLongestHang = 60;

bool at_work(const Seen& seen) {
  return seen.complete_results >= 1 && seen.complete_leases >= 2;
}

bool all_done(const Primary& primary, const std::set<std::uint64_t>& segments) {
  std::set<std::uint64_t> missing = segments;
  for (const Said& said : primary.said())
    if (said.text.rfind("dist-segment-done,", 0) == 0)
      missing.erase(farm::field(said.text, "segment"));
  return missing.empty();
}

// A worker hangs while it encodes, and another one is there, which does what the first was given.
void hang_beside_another(const char* name,
                         const std::function<void(farm::Process&, Proxy&)>& hang) {
  Primary primary;
  Proxy network(primary.port(), {}, faults::wake);
  farm::Process hung = faults::worker(network.port());
  primary.await([&] { return network.seen().leases > 0; }, "the first lease");
  farm::Process good = faults::worker(primary.port());
  Seen seen;
  primary.await([&] { return at_work(seen = network.seen()); }, "the worker encodes");
  const Fault fault{.name = name, .affected = seen.held};
  hang(hung, network);
  primary.await([&] { return all_done(primary, seen.held); }, "the segments of the hung worker",
                kLongestHang);
  // Before its connection was given up, that is.
  ck_assert_uint_eq(primary.count("dist-worker-left"), 0);
  faults::conclude(primary, fault);
  ck_assert_int_eq(good.exit_code(), 0);
}

}  // namespace

// It has been suspended, and does the rest alone when that is over.
GST_START_TEST(test_stopped_and_continued) {
  Primary primary;
  Proxy network(primary.port(), {}, faults::wake);
  farm::Process worker = faults::worker(network.port());
  Seen seen;
  primary.await([&] { return at_work(seen = network.seen()); }, "the worker encodes");
  const Fault fault{.name = "worker stopped (SIGSTOP): past its deadline, then continued",
                    .affected = seen.held};
  worker.signal(SIGSTOP);
  primary.await([&] { return primary.count("dist-lease-failed") > 0; }, "the deadline",
                kLongestHang);
  ck_assert_uint_eq(primary.count("dist-worker-left"), 0);
  worker.signal(SIGCONT);
  faults::conclude(primary, fault);
  ck_assert_uint_eq(primary.count("dist-worker-joined"), 1);
  ck_assert_int_eq(worker.exit_code(), 0);
}
GST_END_TEST

GST_START_TEST(test_stopped_beside_another) {
  hang_beside_another("worker stopped (SIGSTOP): another one is there",
                      [](farm::Process& worker, Proxy&) { worker.signal(SIGSTOP); });
}
GST_END_TEST

// Both ends notice that they hear nothing, and the worker dials again.
GST_START_TEST(test_half_open_connection) {
  Primary primary;
  Proxy network(primary.port(), {}, faults::wake);
  farm::Process worker = faults::worker(network.port(), "reconnect=true");
  Seen seen;
  primary.await([&] { return at_work(seen = network.seen()); }, "the worker encodes");
  const Fault fault{.name = "connection half open: until the worker dials again",
                    .affected = seen.held};
  network.break_all(Proxy::Breakage::kSilence);
  primary.await([&] { return primary.count("dist-worker-joined") == 2; }, "the worker comes back",
                kLongestHang);
  faults::conclude(primary, fault);
  ck_assert_uint_ge(primary.count("dist-lease-failed"), 1);
}
GST_END_TEST

GST_START_TEST(test_half_open_connection_beside_another) {
  hang_beside_another(
      "connection half open: another worker is there",
      [](farm::Process&, Proxy& network) { network.break_all(Proxy::Breakage::kSilence); });
}
GST_END_TEST

// The film is larger than what the primary may hold, and its beginning is missing.
GST_START_TEST(test_half_open_connection_in_a_large_film) {
  Primary primary({.job = faults::large_job()});
  Proxy network(primary.port(),
                {.fault = Proxy::Fault{.way = faults::Way::kToWorker,
                                       .payload = 5'000'000,
                                       .breakage = Proxy::Breakage::kSilence}},
                faults::wake);
  farm::Process hung = faults::worker(network.port(), "", primary.job());
  Seen seen;
  primary.await([&] { return (seen = network.seen()).broken_at != 0; }, "half a segment");
  const Fault fault{.name = "connection half open: in the first segment of a large film",
                    .at = seen.broken_at,
                    .affected = seen.held};
  farm::Process good = faults::worker(primary.port(), "", primary.job());
  faults::conclude(primary, fault);
  ck_assert_int_eq(good.exit_code(), 0);
}
GST_END_TEST

static Suite* hung_suite() {
  Suite* suite = suite_create("fault-hung");
  TCase* tests = tcase_create("hung");
  tcase_set_timeout(tests, 180);
  tcase_add_test(tests, test_stopped_and_continued);
  tcase_add_test(tests, test_stopped_beside_another);
  tcase_add_test(tests, test_half_open_connection);
  tcase_add_test(tests, test_half_open_connection_beside_another);
  tcase_add_test(tests, test_half_open_connection_in_a_large_film);
  suite_add_tcase(suite, tests);
  return suite;
}

int main(int argc, char** argv) {
  gst_check_init(&argc, &argv);
  return faults::run(hung_suite(), "fault-hung", __FILE__);
}
