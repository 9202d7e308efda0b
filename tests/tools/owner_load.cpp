// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/worker/owner_load.h"

#include <string>
#include <vector>

#include "tests/common/support.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/worker/machine.h"

namespace {

using namespace dist;
using namespace dist::test;
using tool::OwnerLoad;

// Seconds in which others, and the worker, use so many cores.
struct Span {
  int seconds = 0;
  double others = 0;
  double own = 0;
};

// Which seconds change its mind, as "5 busy 17 calm".
std::string changes(double limit, const std::vector<Span>& spans) {
  OwnerLoad load(limit);
  OwnerLoad::Sample sample{.at = 100, .busy = 5000, .own = 70};
  std::string text;
  load.add(sample);
  for (const Span& span : spans)
    for (int i = 0; i < span.seconds; ++i) {
      sample.at += 1;
      sample.busy += span.others + span.own;
      sample.own += span.own;
      if (load.add(sample))
        text += (text.empty() ? "" : " ") + std::to_string(static_cast<int>(sample.at) - 100) +
                (load.is_busy() ? " busy" : " calm");
    }
  return text;
}

}  // namespace

GST_START_TEST(test_owner_load_gives_way_and_takes_up_again) {
  const struct {
    const char* what;
    double limit;
    std::vector<Span> spans;
    const char* changes;
  } rows[] = {
      {"nobody is there", 1, {{60, 0, 2}}, ""},
      {"the worker's own work", 0.5, {{60, 0.1, 8}}, ""},
      {"just the limit", 1, {{60, 1, 0}}, ""},
      {"always busy", 1, {{60, 1.5, 0}}, "5 busy"},
      {"a moment", 1, {{20, 0, 2}, {2, 2, 0}, {20, 0, 2}}, ""},
      {"a while", 1, {{20, 0, 2}, {20, 2, 0}, {20, 0, 0}}, "23 busy 46 calm"},
      {"moments that go on", 1, {{5, 2, 0}, {5, 0, 0}, {5, 2, 0}, {5, 0, 0}, {5, 2, 0}}, "5 busy"},
      {"not much below", 1, {{10, 2, 0}, {60, 0.9, 0}}, "5 busy"},
      {"four fifths", 1, {{5, 2, 0}, {60, 0.79, 0}}, "5 busy 15 calm"},
      {"again",
       1,
       {{5, 2, 0}, {10, 0, 0}, {30, 2, 0}, {30, 0, 0}},
       "5 busy 15 calm 20 busy 51 calm"},
  };
  for (const auto& row : rows)
    fail_unless(changes(row.limit, row.spans) == row.changes, "%s: %s", row.what,
                changes(row.limit, row.spans).c_str());
}
GST_END_TEST

// The machine slept, or a counter began anew.
GST_START_TEST(test_owner_load_survives_jumps) {
  OwnerLoad load(1);
  fail_if(load.add({.at = 0, .busy = 100, .own = 50}));
  fail_if(load.add({.at = 5, .busy = 7, .own = 0}));
  fail_if(load.add({.at = 5, .busy = 99, .own = 0}));
  fail_if(load.add({.at = 4, .busy = 100, .own = 0}));
  fail_if(load.add({.at = 3600, .busy = 200, .own = 0}));
  fail_unless(load.load() < 0.1);
  fail_unless(load.add({.at = 3605, .busy = 210, .own = 0}));
  fail_unless(load.load() > 1.9 && load.load() < 2.1);
}
GST_END_TEST

GST_START_TEST(test_machine_reads_the_time_of_processors) {
  const struct {
    const char* stat;
    std::optional<std::uint64_t> ticks;
  } rows[] = {
      {"cpu  10 20 30 4000 5000 6 7 8000 900 90\ncpu0 1 1 1 1 1 1 1\n", 10 + 20 + 30 + 6 + 7},
      {"cpu 1 2 3 4 5 6 7", 1 + 2 + 3 + 6 + 7},
      {"cpu0 1 2 3 4 5 6 7", std::nullopt},
      {"cpu 1 2 3 4", std::nullopt},
      {"cpu a b", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& row : rows)
    fail_unless(tool::busy_ticks(row.stat) == row.ticks, "%s", row.stat);
}
GST_END_TEST

GST_START_TEST(test_machine_knows_this_process) {
  const auto before = tool::processor_time();
  fail_unless(before.has_value());
  volatile unsigned work = 0;
  const gint64 until = g_get_monotonic_time() + G_USEC_PER_SEC / 10;
  while (g_get_monotonic_time() < until)
    work = work + 1;
  const auto after = tool::processor_time();
  fail_unless(after->own > before->own && after->all >= before->all);
  const auto resident = tool::resident_bytes();
  fail_unless(resident && *resident > 1u << 20 && *resident < std::uint64_t{1} << 40);
}
GST_END_TEST

GST_START_TEST(test_machine_reads_sizes) {
  constexpr std::uint64_t kMiB = 1u << 20;
  const struct {
    const char* text;
    std::optional<std::uint64_t> bytes;
  } rows[] = {
      {"800M", 800 * kMiB},   {"2G", 2048 * kMiB},        {"1.5G", 1536 * kMiB},
      {"4096K", 4 * kMiB},    {"1T", kMiB * kMiB},        {"2", std::nullopt},
      {"", std::nullopt},     {"G", std::nullopt},        {"0M", std::nullopt},
      {"-1M", std::nullopt},  {"2GB", std::nullopt},      {"2 G", std::nullopt},
      {"2g", std::nullopt},   {"1e9G", std::nullopt},     {"nanG", std::nullopt},
      {"infG", std::nullopt}, {"9999999T", std::nullopt},
  };
  for (const auto& row : rows)
    fail_unless(tool::parse_bytes(row.text) == row.bytes, "%s", row.text);
  fail_unless_equals_text(tool::bytes_text(800 * kMiB), "800 MiB");
  fail_unless_equals_text(tool::bytes_text(1536 * kMiB), "1.5 GiB");
}
GST_END_TEST

static Suite* owner_load_suite() {
  Suite* suite = suite_create("owner_load");
  TCase* tests = tcase_create("owner_load");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_owner_load_gives_way_and_takes_up_again);
  tcase_add_test(tests, test_owner_load_survives_jumps);
  tcase_add_test(tests, test_machine_reads_the_time_of_processors);
  tcase_add_test(tests, test_machine_knows_this_process);
  tcase_add_test(tests, test_machine_reads_sizes);
  return suite;
}

GST_CHECK_MAIN(owner_load)
