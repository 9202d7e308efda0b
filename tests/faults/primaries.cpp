// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Primaries that do not finish their job, and what becomes of their workers.

// Before gstcheck.h, which has a macro "fail".
#include <functional>
#include <memory>
#include <string>

#include <gio/gio.h>
#include <gst/check/gstcheck.h>

#include "tests/faults/jobs.h"

namespace {

using faults::Fault;
using faults::Primary;

// Outside the range that systems take the ports of dialled connections from: nobody takes it while
// one primary has gone and the other has not come.
unsigned quiet_port() {
  for (int tries = 0; tries < 100; ++tries) {
    GSocketListener* listener = g_socket_listener_new();
    const auto port = static_cast<guint16>(g_random_int_range(20'000, 30'000));
    const bool free = g_socket_listener_add_inet_port(listener, port, nullptr, nullptr);
    g_socket_listener_close(listener);
    g_object_unref(listener);
    if (free)
      return port;
  }
  ck_abort_msg("no free port");
}

// A primary ends in the middle of its job, and another one begins on its port.
// A worker without reconnect ends with `expected_code`.
void primary_ends(const char* name, int expected_code, const std::function<void(Primary&)>& end) {
  const unsigned port = quiet_port();
  farm::Process faithful = faults::worker(port, "worker-name=faithful reconnect=true");
  farm::Process other = faults::worker(port);
  Fault fault{.name = name};
  {
    Primary first({.port = port, .output = "first"});
    first.await_message("dist-worker-joined", 2);
    first.await_message("dist-segment-done", 3);
    fault.at = g_get_monotonic_time();
    fault.peak_kib = first.peak_kib();
    end(first);
    first.exit_code();
    ck_assert_uint_eq(first.count("dist-summary"), 0);
  }
  const int code = other.exit_code();
  fault.seen = "worker without reconnect: exit code " + std::to_string(code);
  Primary second({.port = port});
  second.await_message("dist-worker-joined");
  const std::string joined = second.said().back().text;
  ck_assert_msg(joined.find("name=(string)faithful") != std::string::npos, "%s", joined.c_str());
  faults::conclude(second, fault);
  ck_assert_uint_eq(second.count("dist-worker-joined"), 1);
  ck_assert_int_eq(code, expected_code);
}

}  // namespace

GST_START_TEST(test_primary_killed) {
  primary_ends("primary killed; another on its port", 1, [](Primary& primary) { primary.kill(); });
}
GST_END_TEST

GST_START_TEST(test_primary_stopped) {
  // It says goodbye, and a worker that is told to go has not failed.
  primary_ends("primary set to NULL; another on its port", 0,
               [](Primary& primary) { primary.interrupt(); });
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
