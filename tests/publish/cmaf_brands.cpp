// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/cmaf_brands.h"

#include "tests/common/support.h"

using namespace dist::publish;

GST_START_TEST(test_cmaf_brands_are_those_of_the_profiles) {
  const auto avc = [](unsigned profile, unsigned level) {
    return dist::test::Data{1, static_cast<std::uint8_t>(profile), 0,
                            static_cast<std::uint8_t>(level)};
  };
  const auto hvc = [](unsigned profile, unsigned level) {
    dist::test::Data bytes(23);
    bytes[1] = static_cast<std::uint8_t>(profile);
    bytes[12] = static_cast<std::uint8_t>(level);
    return bytes;
  };
  const struct {
    CmafCodec codec;
    dist::test::Data configuration;
    unsigned width;
    unsigned height;
    double rate;
    int primaries;
    int transfer;
    int matrix;
    const char* brand;
  } rows[] = {
      {CmafCodec::kH264, avc(77, 31), 640, 360, 25, 2, 2, 2, "cfsd"},
      {CmafCodec::kH264, avc(100, 31), 1280, 720, 30, 1, 1, 1, "cfhd"},
      {CmafCodec::kH264, avc(100, 31), 640, 360, 30, 5, 6, 5, "cfsd"},
      {CmafCodec::kH264, avc(100, 31), 1280, 720, 30, 5, 6, 5, ""},
      {CmafCodec::kH264, avc(100, 40), 640, 360, 0, 1, 1, 1, "cfhd"},
      {CmafCodec::kH264, avc(100, 42), 1920, 1080, 60, 1, 1, 1, "chdf"},
      {CmafCodec::kH264, avc(100, 42), 1920, 1080, 120, 1, 1, 1, ""},
      {CmafCodec::kH264, avc(110, 40), 1280, 720, 30, 1, 1, 1, ""},
      {CmafCodec::kH264, avc(100, 51), 3840, 2160, 30, 1, 1, 1, ""},
      {CmafCodec::kH264, {}, 640, 360, 25, 2, 2, 2, ""},
      {CmafCodec::kH265, hvc(1, 123), 1920, 1080, 60, 2, 2, 2, "chhd"},
      {CmafCodec::kH265, hvc(1, 150), 3840, 2160, 30, 1, 1, 1, "cud8"},
      {CmafCodec::kH265, hvc(0x21, 123), 1920, 1080, 60, 2, 2, 2, ""},
      {CmafCodec::kH265, hvc(2, 120), 1920, 1080, 60, 1, 1, 1, "chh1"},
      {CmafCodec::kH265, hvc(2, 153), 3840, 2160, 60, 9, 14, 9, "cud1"},
      {CmafCodec::kH265, hvc(2, 153), 3840, 2160, 60, 9, 16, 9, "chd1"},
      {CmafCodec::kH265, hvc(2, 120), 1920, 1080, 25, 9, 18, 9, "clg1"},
      {CmafCodec::kH265, hvc(2, 156), 3840, 2160, 120, 9, 18, 9, ""},
      {CmafCodec::kAac, {}, 0, 0, 0, 2, 2, 2, "caac"},
      {CmafCodec::kAv1, {}, 320, 180, 30, 2, 2, 2, "av01"},
      {CmafCodec::kOther, {}, 320, 180, 30, 2, 2, 2, ""},
  };
  for (const auto& row : rows) {
    const std::vector<std::string> brands = cmaf_brands({.codec = row.codec,
                                                         .configuration = row.configuration,
                                                         .width = row.width,
                                                         .height = row.height,
                                                         .frame_rate = row.rate,
                                                         .primaries = row.primaries,
                                                         .transfer = row.transfer,
                                                         .matrix = row.matrix});
    fail_unless_equals_string(brands.empty() ? "" : brands[0].c_str(), row.brand);
    fail_unless(brands.size() <= 1);
  }
}
GST_END_TEST

static Suite* cmaf_brands_suite() {
  Suite* const suite = suite_create("cmaf-brands");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_cmaf_brands_are_those_of_the_profiles);
  return suite;
}

GST_CHECK_MAIN(cmaf_brands)
