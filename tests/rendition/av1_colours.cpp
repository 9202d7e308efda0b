// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sequence headers as libaom writes them with and without colours.
#include "gst/rendition/av1_colours.h"

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Av1Colours kHdr{.primaries = 9, .transfer = 16, .matrix = 9, .full_range = false};
constexpr Av1Colours kFull{.primaries = 1, .transfer = 1, .matrix = 1, .full_range = true};

// A temporal delimiter, and the beginning of a frame.
constexpr char kBefore[] = "1200";
constexpr char kAfter[] = "3203 14002e";

struct Headers {
  const char* unknown;
  const char* hdr;
  const char* full;
};
// 4:2:0 of 8 and 10 bits, monochrome, 4:4:4, 4:2:2 of 10 bits, 4:2:0 of 12 bits.
constexpr Headers kHeaders[] = {
    {"0a0a00000003b4ff736be401", "0a0d00000003b4ff736be442440241",
     "0a0d00000003b4ff736be440404061"},
    {"0a0a00000003b4ff736be501", "0a0d00000003b4ff736be542440241",
     "0a0d00000003b4ff736be540404061"},
    {"0a0a00000003b4ff736be4a8", "0a0d00000003b4ff736be4c2440248",
     "0a0d00000003b4ff736be4c0404068"},
    {"0a0a20000003b4ff736be408", "0a0d20000003b4ff736be484880488",
     "0a0d20000003b4ff736be4808080c8"},
    {"0a0a40000003b4ff736be502", "0a0d40000003b4ff736be521220122",
     "0a0d40000003b4ff736be520202032"},
    {"0a0b40000003b4ff736be58c20", "0a0e40000003b4ff736be5a122012c20",
     "0a0e40000003b4ff736be5a020203c20"},
};

Data unit(const std::string& header) {
  return unhex(kBefore + header + kAfter);
}

void expect_change(const char* from, const Av1Colours& colours, const std::string& to) {
  const auto changed = with_colours(unit(from), colours);
  fail_unless(changed.has_value(), "%s", from);
  fail_unless(*changed == unit(to), "%s: %s, expected %s", from, hex(*changed).c_str(),
              hex(unit(to)).c_str());
}

}  // namespace

GST_START_TEST(test_av1_colours_as_libaom_says_them) {
  for (const Headers& headers : kHeaders)
    for (const char* from : {headers.unknown, headers.hdr, headers.full}) {
      expect_change(from, kHdr, headers.hdr);
      expect_change(from, kFull, headers.full);
    }
}
GST_END_TEST

// Light level, then the display: 0.16 bits for x and y, 24.8 and 18.14 for luminance.
GST_START_TEST(test_av1_colours_metadata) {
  Av1Colours colours = kHdr;
  colours.light = ContentLight{1000, 400};
  colours.display = MasteringDisplay{.primaries = {{{34000, 16000}, {13250, 34500}, {7500, 3000}}},
                                     .white = {15635, 16450},
                                     .max_luminance = 10'000'000,
                                     .min_luminance = 1};
  expect_change(kHeaders[0].unknown, colours,
                std::string(kHeaders[0].hdr) +
                    "2a06 01 03e8 0190 80"
                    "2a1a 02 ae14 51ec 43d7 b0a4 2666 0f5c 500d 5439 0003e800 00000002 80");
}
GST_END_TEST

GST_START_TEST(test_av1_colours_leaves_alone) {
  fail_if(with_colours({}, kHdr).has_value());
  fail_if(with_colours(unit(""), kHdr).has_value(), "no sequence header");
  Av1Colours rgb = kHdr;
  rgb.matrix = 0;
  fail_if(with_colours(unit(kHeaders[3].unknown), rgb).has_value());
  // An RGB stream says its range in another way.
  fail_if(with_colours(unit("0a0d20000003b4ff736be480868010"), kHdr).has_value());
}
GST_END_TEST

GST_START_TEST(test_av1_colours_of_broken_streams) {
  for (const Headers& headers : kHeaders) {
    const Data whole = unit(headers.hdr);
    for (std::size_t size = 0; size < whole.size(); ++size)
      with_colours(std::span(whole).first(size), kFull);
    for (std::size_t i = 0; i < whole.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) {
        Data broken = whole;
        broken[i] ^= static_cast<std::uint8_t>(1 << bit);
        const auto changed = with_colours(broken, kFull);
        fail_unless(!changed || changed->size() < 2 * whole.size());
      }
  }
}
GST_END_TEST

static Suite* av1_colours_suite() {
  Suite* const suite = suite_create("av1_colours");
  TCase* const tests = tcase_create("av1_colours");
  tcase_add_test(tests, test_av1_colours_as_libaom_says_them);
  tcase_add_test(tests, test_av1_colours_metadata);
  tcase_add_test(tests, test_av1_colours_leaves_alone);
  tcase_add_test(tests, test_av1_colours_of_broken_streams);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(av1_colours)
