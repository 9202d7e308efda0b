// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/coded_size.h"

#include <gst/check/gstcheck.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using dist::Codec;
using Unit = std::vector<std::uint8_t>;

Unit bytes_of(std::string_view hex) {
  Unit bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

// Sequence parameter sets of x264 and x265 for 4096x4096, the second one of each cropped to 32x32.
const struct {
  Codec codec;
  Unit set;
} kSets[] = {
    {Codec::kH264, bytes_of("6742c03cda004000201b011000000300100000030320f08042a0")},
    {Codec::kH264, bytes_of("6742c03cda004000201e007f1801fc7011000003000100000300320f08042a")},
    {Codec::kH265,
     bytes_of("4201010160000003009000000300000300b4a0008008004005965654a4c2f0168080000003"
              "008000000c84")},
    {Codec::kH265,
     bytes_of("4201010160000003009000000300000300b4a0008008004007003f8c00fe3965654a4c2f01"
              "6808000003000800000300c840")},
};

Unit joined(Unit head, const Unit& set) {
  head.insert(head.end(), set.begin(), set.end());
  return head;
}

Unit headers_with(Codec codec, const Unit& set) {
  const auto size = static_cast<std::uint8_t>(set.size());
  if (codec == Codec::kH264)
    return joined({1, 66, 0, 60, 0xff, 0xe1, 0, size}, set);
  Unit head(22);
  head.insert(head.end(), {1, 33, 0, 1, 0, size});
  return joined(head, set);
}

void expect_4096(const std::optional<dist::PictureSize>& size) {
  fail_unless(size.has_value());
  fail_unless_equals_int(size->width, 4096);
  fail_unless_equals_int(size->height, 4096);
}

}  // namespace

GST_START_TEST(test_coded_size_is_not_cropped) {
  for (const auto& [codec, set] : kSets) {
    expect_4096(dist::coded_size({codec, 0}, joined({0, 0, 0, 1, 9, 16, 0, 0, 1}, set)));
    const auto size = static_cast<std::uint8_t>(set.size());
    expect_4096(dist::coded_size({codec, 4}, joined({0, 0, 0, 1, 9, 0, 0, 0, size}, set)));
    expect_4096(dist::coded_size_in_headers(codec, headers_with(codec, set)));
  }
}
GST_END_TEST

GST_START_TEST(test_coded_size_is_that_of_a_set) {
  for (const Codec codec : {Codec::kH264, Codec::kH265, Codec::kVp9}) {
    fail_if(dist::coded_size({codec, 0}, Unit{0, 0, 1, 0x65, 1, 2, 3}).has_value());
    fail_if(dist::coded_size({codec, 0}, Unit()).has_value());
    fail_if(dist::coded_size_in_headers(codec, Unit()).has_value());
  }
}
GST_END_TEST

// Whatever is wrong with them, nothing is read beyond their end.
GST_START_TEST(test_coded_size_of_broken_sets) {
  for (const auto& [codec, set] : kSets)
    for (std::size_t i = 0; i < set.size(); ++i) {
      const Unit cut(set.begin(), set.begin() + static_cast<std::ptrdiff_t>(i));
      dist::coded_size({codec, 0}, joined({0, 0, 1}, cut));
      const Unit headers = headers_with(codec, set);
      dist::coded_size_in_headers(codec, std::span(headers).first(headers.size() - i));
      for (const unsigned value : {0u, 1u, 0x7fu, 0xffu}) {
        Unit broken = set;
        broken[i] = static_cast<std::uint8_t>(value);
        dist::coded_size({codec, 0}, joined({0, 0, 1}, broken));
        dist::coded_size_in_headers(codec, headers_with(codec, broken));
      }
    }
}
GST_END_TEST

GST_START_TEST(test_coded_size_fills_up_blocks) {
  const auto shown = dist::least_shown({.width = 1920, .height = 100});
  fail_unless_equals_int(shown.width, 1793);
  fail_unless_equals_int(shown.height, 0);
}
GST_END_TEST

static Suite* coded_size_suite() {
  Suite* const suite = suite_create("coded-size");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_coded_size_is_not_cropped);
  tcase_add_test(tests, test_coded_size_is_that_of_a_set);
  tcase_add_test(tests, test_coded_size_of_broken_sets);
  tcase_add_test(tests, test_coded_size_fills_up_blocks);
  return suite;
}

GST_CHECK_MAIN(coded_size)
