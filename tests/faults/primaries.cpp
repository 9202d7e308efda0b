// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Primaries that do not finish their job, and what becomes of their workers.

// Before gstcheck.h, which has a macro "fail".
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gio/gio.h>
#include <gst/check/gstcheck.h>

#include "tests/common/quiet_port.h"
#include "tests/faults/jobs.h"

namespace {

using faults::Fault;
using faults::Primary;

// How many objects the tracer of leaks finds when the process ends.
unsigned leaks_in(const std::vector<std::string>& log) {
  bool traced = false;
  unsigned leaks = 0;
  for (const std::string& line : log) {
    const bool announced = line.find("new format string: object-alive, ") != std::string::npos;
    traced = traced || announced;
    if (announced || line.find("object-alive, ") == std::string::npos)
      continue;
    ++leaks;
    std::fprintf(stderr, "leaked: %s\n", line.c_str());
  }
  ck_assert_msg(traced, "the tracer of leaks is not there");
  return leaks;
}

// How one primary ends in the middle of its job.
struct End {
  const char* name;
  std::function<void(Primary&)> happen;
  int primary_code;  // -1: by a signal.
  int worker_code;   // Of a worker without reconnect.
};

// Another one begins on its port.
void primary_ends(const End& end) {
  const unsigned port = test::quiet_port();
  ck_assert_msg(port != 0, "no free port");
  farm::Process faithful = faults::worker(port, "worker-name=faithful reconnect=true");
  farm::Process other = faults::worker(port);
  Fault fault{.name = end.name};
  {
    Primary first({.port = port,
                   .output = "first",
                   .environment = "GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1"});
    first.await_message("dist-worker-joined", 2);
    first.await_message("dist-segment-done", 3);
    fault.at = g_get_monotonic_time();
    fault.peak_kib = first.peak_kib();
    end.happen(first);
    ck_assert_int_eq(first.exit_code(), end.primary_code);
    ck_assert_uint_eq(first.count("dist-summary"), 0);
    ck_assert_uint_eq(leaks_in(first.log()), 0);
  }
  const int code = other.exit_code();
  fault.seen = "worker without reconnect: exit code " + std::to_string(code);
  Primary second({.port = port});
  second.await_message("dist-worker-joined");
  const std::string joined = second.said().back().text;
  ck_assert_msg(joined.find("name=(string)faithful") != std::string::npos, "%s", joined.c_str());
  faults::conclude(second, fault);
  ck_assert_uint_eq(second.count("dist-worker-joined"), 1);
  ck_assert_int_eq(code, end.worker_code);
}

}  // namespace

GST_START_TEST(test_primary_killed) {
  primary_ends({.name = "primary killed; another on its port",
                .happen = [](Primary& primary) { primary.kill(); },
                .primary_code = -1,
                .worker_code = 1});
}
GST_END_TEST

GST_START_TEST(test_primary_stopped) {
  // It says goodbye, and a worker that is told to go has not failed.
  primary_ends({.name = "primary set to NULL; another on its port",
                .happen = [](Primary& primary) { primary.interrupt(); },
                .primary_code = 0,
                .worker_code = 0});
}
GST_END_TEST

static Suite* primaries_suite() {
  Suite* suite = suite_create("fault-primaries");
  TCase* tests = tcase_create("primaries");
  tcase_set_timeout(tests, 180);
  tcase_add_test(tests, test_primary_killed);
  tcase_add_test(tests, test_primary_stopped);
  suite_add_tcase(suite, tests);
  return suite;
}

int main(int argc, char** argv) {
  gst_check_init(&argc, &argv);
  return faults::run(primaries_suite(), "fault-primaries", __FILE__);
}
