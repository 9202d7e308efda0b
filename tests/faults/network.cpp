// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Connections that break, and answers that are damaged or not those that were asked for.

// Before gstcheck.h, which has a macro "fail".
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gst/check/gstcheck.h>

#include "tests/faults/jobs.h"
#include "tests/faults/proxy.h"

namespace {

using faults::Fault;
using faults::Frame;
using faults::Primary;
using faults::Proxy;
using faults::Seen;
using faults::Way;

// The connection of the only worker is reset, and it comes back by itself.
void reset_in(const char* name, Way way, std::uint64_t payload) {
  Primary primary;
  Proxy network(primary.port(), {.fault = Proxy::Fault{.way = way, .payload = payload}},
                faults::wake);
  farm::Process worker = faults::worker(network.port(), "reconnect=true");
  Seen seen;
  primary.await([&] { return (seen = network.seen()).broken_at != 0; }, "reset of the connection");
  const Fault fault{.name = name, .at = seen.broken_at, .affected = seen.held};
  ck_assert_uint_eq(way == Way::kToWorker ? seen.lease_bytes : seen.result_bytes, payload);
  ck_assert_uint_eq(way == Way::kToWorker ? seen.complete_leases : seen.complete_results, 0);
  faults::conclude(primary, fault);
  ck_assert_uint_ge(primary.count("dist-lease-failed"), 1);
  ck_assert_uint_eq(primary.count("dist-worker-joined"), 2);
}

// One lease of the only worker fails because of what becomes of its answer.
void answer_edited(const char* name, const char* reason,
                   std::function<std::vector<Frame>(Way, Frame)> edit) {
  Primary primary;
  Proxy network(primary.port(), {.edit = std::move(edit)}, faults::wake);
  farm::Process worker = faults::worker(network.port());
  primary.await_message("dist-lease-failed");
  const Fault fault{.name = name, .at = primary.when("dist-lease-failed")};
  ck_assert_msg(primary.said().back().text.find(reason) != std::string::npos, "%s",
                primary.said().back().text.c_str());
  faults::conclude(primary, fault);
  ck_assert_uint_eq(primary.count("dist-lease-failed"), 1);
  ck_assert_uint_eq(primary.count("dist-worker-joined"), 1);
  ck_assert_int_eq(worker.exit_code(), 0);
}

// Answers the second lease with the answer to the first.
class Mixer {
 public:
  std::vector<Frame> operator()(Way way, Frame frame) {
    const std::uint16_t type = faults::type_of(frame);
    if (way != Way::kToPrimary || (type != faults::kResultPart && type != faults::kData))
      return {std::move(frame)};
    const std::uint64_t lease = faults::lease_of(frame);
    if (!first_)
      first_ = lease;
    if (lease == *first_) {
      answer_.push_back(frame);
      return {std::move(frame)};
    }
    if (!second_) {
      second_ = lease;
      for (Frame& recorded : answer_)
        faults::set_lease(recorded, lease);
      return std::exchange(answer_, {});
    }
    if (lease == *second_)
      return {};
    return {std::move(frame)};
  }

 private:
  std::optional<std::uint64_t> first_;
  std::optional<std::uint64_t> second_;
  std::vector<Frame> answer_;
};

// Changes a bit in the middle of the first result.
class Damage {
 public:
  std::vector<Frame> operator()(Way way, Frame frame) {
    if (way == Way::kToPrimary && faults::type_of(frame) == faults::kData && !done_) {
      done_ = true;
      frame.at((faults::kPayload + frame.size()) / 2) ^= 0x10;
    }
    return {std::move(frame)};
  }

 private:
  bool done_ = false;
};

}  // namespace

GST_START_TEST(test_reset_in_a_lease) {
  reset_in("connection reset: in a segment to the worker", Way::kToWorker, 10'000);
}
GST_END_TEST

GST_START_TEST(test_reset_in_a_result) {
  reset_in("connection reset: in a result to the primary", Way::kToPrimary, 50'000);
}
GST_END_TEST

GST_START_TEST(test_answer_to_another_lease) {
  answer_edited("result: that of another segment", "segment", Mixer());
}
GST_END_TEST

GST_START_TEST(test_damaged_answer) {
  answer_edited("result: damaged on its way", "damaged\\ on\\ its\\ way", Damage());
}
GST_END_TEST

static Suite* network_suite() {
  Suite* suite = suite_create("fault-network");
  TCase* tests = tcase_create("network");
  tcase_set_timeout(tests, 180);
  tcase_add_test(tests, test_reset_in_a_lease);
  tcase_add_test(tests, test_reset_in_a_result);
  tcase_add_test(tests, test_answer_to_another_lease);
  tcase_add_test(tests, test_damaged_answer);
  suite_add_tcase(suite, tests);
  return suite;
}

int main(int argc, char** argv) {
  gst_check_init(&argc, &argv);
  return faults::run(network_suite(), "fault-network", __FILE__);
}
