// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/glib_error.h"

#include <gst/check/gstcheck.h>

namespace {

using namespace dist;

GST_START_TEST(test_glib_error_has_what_was_reported) {
  GLibError error;
  fail_unless(!error && !error.is(G_FILE_ERROR, G_FILE_ERROR_NOENT));
  fail_unless_equals_string(error.message().c_str(), "unknown error");
  fail_unless_equals_string(error.message("closed").c_str(), "closed");
  gchar* data = nullptr;
  fail_unless(!g_file_get_contents("/nowhere", &data, nullptr, error.out()));
  fail_unless(error && error.is(G_FILE_ERROR, G_FILE_ERROR_NOENT));
  fail_unless(!error.is(G_FILE_ERROR, G_FILE_ERROR_ISDIR));
  fail_unless(error.message("closed").find("/nowhere") != std::string::npos);
}
GST_END_TEST

Suite* glib_error_suite() {
  Suite* const suite = suite_create("glib-error");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_glib_error_has_what_was_reported);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(glib_error)
