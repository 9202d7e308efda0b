// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Workers that are killed, and workers that do their work badly.

// Before gstcheck.h, which has a macro "fail".
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gst/check/gstcheck.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/faults/jobs.h"
#include "tests/faults/proxy.h"

namespace {

using faults::BadWorker;
using faults::Fault;
using faults::Primary;
using faults::Proxy;
using faults::Seen;

constexpr unsigned kSecondsWithoutWorkers = 20;
// Bytes a second at which a payload of this film takes four seconds and more.
constexpr std::uint64_t kSlowLease = 8 * 1024;
constexpr std::uint64_t kSlowResult = 32 * 1024;
// How often somebody starts a worker again that ends with an error.
constexpr unsigned kStarts = 8;
constexpr unsigned kManyStarts = 40;

// In place of the film, gives nothing until it is fed.
class Pipe {
 public:
  Pipe() : path_(faults::scratch("film.pipe")) {
    ck_assert_int_eq(mkfifo(path_.c_str(), 0600), 0);
    // So that the primary's open() need not wait for the film.
    descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(descriptor_, 0);
  }
  ~Pipe() { unlink(path_.c_str()); }

  const std::string& path() const { return path_; }
  void feed() {
    feeder_ = std::make_unique<farm::Process>("sh -c 'exec cat \"" + faults::film() + "\" > \"" +
                                              path_ + "\"'");
    // It is a writer too, and the film ends with the last one.
    feeder_->on_end([this] { close(descriptor_); });
  }

 private:
  std::string path_;
  int descriptor_ = -1;
  std::unique_ptr<farm::Process> feeder_;
};

// A worker is killed when what the network has seen of it is as demanded, and another one is there.
void kill_when(const char* name, Proxy::Plan plan, const std::function<bool(const Seen&)>& when) {
  Primary primary;
  Proxy network(primary.port(), std::move(plan), faults::wake);
  farm::Process doomed = faults::worker(network.port());
  primary.await([&] { return network.seen().leases > 0; }, "the first lease");
  farm::Process good = faults::worker(primary.port());
  Seen seen;
  primary.await([&] { return when(seen = network.seen()); }, "the moment to kill the worker");
  const Fault fault{.name = name, .affected = seen.held};
  doomed.kill();
  // Its kernel may have the whole result by now and would still send it, if the machine lived on.
  if (seen.results > seen.complete_results)
    network.break_all(Proxy::Breakage::kReset);
  faults::conclude(primary, fault);
  ck_assert(!seen.held.empty());
  ck_assert_uint_ge(primary.count("dist-lease-failed"), 1);
  ck_assert_int_eq(good.exit_code(), 0);
}

// A bad worker is there, and a good one.
void with_bad_worker(const char* name, const char* mode, bool bad_comes_first) {
  Primary primary;
  std::unique_ptr<BadWorker> bad;
  if (bad_comes_first) {
    bad = std::make_unique<BadWorker>(primary.port(), mode);
    primary.await_message("dist-worker-joined");
  }
  farm::Process good = faults::worker(primary.port());
  primary.await_message("dist-worker-joined", bad_comes_first ? 2 : 1);
  if (!bad)
    bad = std::make_unique<BadWorker>(primary.port(), mode);
  bad->keep_starting(kStarts - 1);
  primary.await_message("dist-lease-failed");
  faults::conclude(primary, {.name = name, .at = primary.when("dist-lease-failed")});
  ck_assert_int_eq(good.exit_code(), 0);
}

}  // namespace

GST_START_TEST(test_killed_before_it_has_a_lease) {
  Pipe film;
  Primary primary({.source = "filesrc location=" + film.path() + " ! parsebin"});
  farm::Process doomed = faults::worker(primary.port());
  primary.await_message("dist-worker-joined");
  const Fault fault{.name = "worker killed: before it has a lease"};
  doomed.kill();
  primary.await_message("dist-worker-left");
  farm::Process good = faults::worker(primary.port());
  film.feed();
  faults::conclude(primary, fault);
  ck_assert_uint_eq(primary.count("dist-lease-failed"), 0);
  ck_assert_int_eq(good.exit_code(), 0);
}
GST_END_TEST

GST_START_TEST(test_killed_while_it_receives) {
  kill_when("worker killed: while it receives a segment", {.to_worker = kSlowLease},
            [](const Seen& seen) {
              ck_assert_uint_eq(seen.complete_leases, 0);
              return seen.lease_bytes >= 4096;
            });
}
GST_END_TEST

// With its first result out it is at work on the next segment, which it fetched meanwhile.
GST_START_TEST(test_killed_while_it_encodes) {
  kill_when("worker killed: while it encodes", {}, [](const Seen& seen) {
    return seen.complete_results >= 1 && seen.complete_leases >= 2;
  });
}
GST_END_TEST

GST_START_TEST(test_killed_while_it_sends) {
  kill_when("worker killed: while it sends a result", {.to_primary = kSlowResult},
            [](const Seen& seen) {
              ck_assert_uint_eq(seen.complete_results, 0);
              return seen.result_bytes >= 16384;
            });
}
GST_END_TEST

GST_START_TEST(test_all_killed_and_one_comes_later) {
  Primary primary;
  farm::Process one = faults::worker(primary.port());
  farm::Process two = faults::worker(primary.port());
  primary.await_message("dist-segment-done", 2);
  const Fault fault{.name = "all workers killed, one comes " +
                            std::to_string(kSecondsWithoutWorkers) + " s later"};
  const std::size_t waits = primary.count("dist-waiting");
  one.kill();
  two.kill();
  primary.await_message("dist-waiting", waits + 1);
  primary.pass_time(kSecondsWithoutWorkers);
  farm::Process late = faults::worker(primary.port());
  faults::conclude(primary, fault);
  ck_assert_uint_ge(primary.count("dist-lease-failed"), 1);
  ck_assert_int_eq(late.exit_code(), 0);
}
GST_END_TEST

// It has the first segment, since it is the first to come.
GST_START_TEST(test_encoder_fails_on_one_segment) {
  with_bad_worker("worker's encoder fails: on one segment", "fail 0 1", true);
}
GST_END_TEST

GST_START_TEST(test_encoder_fails_on_all_segments) {
  with_bad_worker("worker's encoder fails: on all segments", "fail", false);
}
GST_END_TEST

// A good worker is there all the time, only that it takes longer for a segment than the bad one for
// many starts: the bad ones must not use up the attempts meanwhile.
GST_START_TEST(test_encoder_fails_beside_a_slow_one) {
  Primary primary;
  faults::Job slow_job = primary.job();
  slow_job.encode = "identity sleep-time=40000 ! " + slow_job.encode;
  farm::Process slow = faults::worker(primary.port(), "", slow_job);
  primary.await_message("dist-worker-joined");
  BadWorker bad(primary.port(), "fail");
  bad.keep_starting(kManyStarts - 1);
  primary.await_message("dist-segment-done");
  farm::Process good = faults::worker(primary.port());
  faults::conclude(primary,
                   {.name = "worker's encoder fails: again and again, while the good one is slow",
                    .at = primary.when("dist-lease-failed")});
  ck_assert_uint_ge(primary.count("dist-lease-failed"), 3);
  ck_assert_int_eq(good.exit_code(), 0);
}
GST_END_TEST

GST_START_TEST(test_worker_drops_frames) {
  with_bad_worker("worker drops a frame of each segment", "drop", false);
}
GST_END_TEST

static Suite* workers_suite() {
  Suite* suite = suite_create("fault-workers");
  TCase* tests = tcase_create("workers");
  tcase_set_timeout(tests, 180);
  tcase_add_test(tests, test_killed_before_it_has_a_lease);
  tcase_add_test(tests, test_killed_while_it_receives);
  tcase_add_test(tests, test_killed_while_it_encodes);
  tcase_add_test(tests, test_killed_while_it_sends);
  tcase_add_test(tests, test_all_killed_and_one_comes_later);
  tcase_add_test(tests, test_encoder_fails_on_one_segment);
  tcase_add_test(tests, test_encoder_fails_on_all_segments);
  tcase_add_test(tests, test_encoder_fails_beside_a_slow_one);
  tcase_add_test(tests, test_worker_drops_frames);
  suite_add_tcase(suite, tests);
  return suite;
}

int main(int argc, char** argv) {
  gst_check_init(&argc, &argv);
  return faults::run(workers_suite(), "fault-workers", __FILE__);
}
