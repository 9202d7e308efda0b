// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What somebody writes on a command line.

// Before gstcheck.h, which has a macro "fail".
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "gst/base/address.h"
#include "gst/base/text.h"
#include "gst/job/containers.h"
#include "gst/wire/default_port.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/default_store.h"

namespace {

using namespace dist;
using namespace dist::tool;

}  // namespace

GST_START_TEST(test_command_line_addresses) {
  const struct {
    const char* text;
    const char* address;  // With the port 7700 where there is none; null: it is none.
    bool has_port;
  } rows[] = {
      {"farm:1", "farm:1", true},
      {"192.168.1.5:65535", "192.168.1.5:65535", true},
      {"0.0.0.0:0", "0.0.0.0:0", true},
      {"[::1]:7000", "[::1]:7000", true},
      {"farm", "farm:7700", false},
      {"[fe80::1]", "[fe80::1]:7700", false},
      {"", nullptr, false},
      {":", nullptr, false},
      {":7700", nullptr, false},
      {"farm:", nullptr, false},
      {"farm:65536", nullptr, false},
      {"farm:-1", nullptr, false},
      {"farm:http", nullptr, false},
      {"farm:1:2", nullptr, false},
      {"::1", nullptr, false},
      {"::1:7700", nullptr, false},
      {"[::1", nullptr, false},
      {"[]:1", nullptr, false},
      {"[::1]7700", nullptr, false},
      {"[::1]:", nullptr, false},
      {"far m:1", nullptr, false},
  };
  for (const auto& row : rows) {
    const auto address = parse_address(row.text, dist::kDefaultPort);
    fail_unless(address.has_value() == (row.address != nullptr), "%s", row.text);
    if (address)
      fail_unless(address_text(*address) == row.address, "%s: %s", row.text,
                  address_text(*address).c_str());
    fail_unless(parse_address(row.text).has_value() == row.has_port, "%s", row.text);
  }
}
GST_END_TEST

GST_START_TEST(test_command_line_nearest) {
  const std::vector<std::string> known = {"--help", "--version", "secret-file", "verbose", "yes"};
  const struct {
    const char* word;
    const char* meant;
  } rows[] = {
      {"--verison", "--version"},
      {"secret", "secret-file"},
      {"verb", "verbose"},
      {"ys", "yes"},
      {"--", ""},
      {"unlike", ""},
      {"", ""},
  };
  for (const auto& row : rows)
    fail_unless(nearest(row.word, known) == row.meant, "%s: %s", row.word,
                nearest(row.word, known).c_str());
}
GST_END_TEST

GST_START_TEST(test_command_line_extensions) {
  const struct {
    const char* file;
    const char* extension;  // Null: of none.
  } rows[] = {
      {"a.mp4", ".mp4"}, {"U.MP4", ".mp4"},      {"a.b/c.WebM", ".webm"},
      {"mp4", nullptr},  {"a.mp4/out", nullptr}, {"a.avi", nullptr},
  };
  for (const auto& row : rows) {
    const Container* const container = container_of(row.file);
    fail_unless((container != nullptr) == (row.extension != nullptr), "%s", row.file);
    if (container)
      fail_unless_equals_string(container->extension, row.extension);
  }
}
GST_END_TEST

GST_START_TEST(test_command_line_sentences) {
  for (const char* text : {"It failed", "It failed."})
    fail_unless_equals_string(sentence(text).c_str(), "It failed.");
  fail_unless_equals_string(sentence("").c_str(), "");
  fail_unless_equals_string(dist::printable("a\033[31m\nb\302\205c").c_str(), "a?[31m b?c");
}
GST_END_TEST

GST_START_TEST(test_default_store_leaves_room_on_the_disk) {
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
  const struct {
    std::uint64_t used;
    std::uint64_t free;
    std::uint64_t limit;
  } rows[] = {
      {0, 100 * kGiB, 10 * kGiB},
      {0, 4 * kGiB, 2 * kGiB},
      {3 * kGiB, 4 * kGiB, 5 * kGiB},
      {9 * kGiB, 4 * kGiB, 10 * kGiB},
      {12 * kGiB, 4 * kGiB, 10 * kGiB},
      {3 * kGiB, 0, 3 * kGiB},
      {0, 0, 1},
      {UINT64_MAX, UINT64_MAX, 10 * kGiB},
  };
  for (const auto& row : rows)
    ck_assert_uint_eq(dist::tool::default_store_limit(row.used, row.free), row.limit);
}
GST_END_TEST

static Suite* command_line_suite() {
  Suite* const suite = suite_create("command-line");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_command_line_addresses);
  tcase_add_test(tests, test_command_line_nearest);
  tcase_add_test(tests, test_command_line_extensions);
  tcase_add_test(tests, test_command_line_sentences);
  tcase_add_test(tests, test_default_store_leaves_room_on_the_disk);
  return suite;
}

GST_CHECK_MAIN(command_line)
