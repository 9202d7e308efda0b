// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// distsegmenter ! distjoin gives back what it was given.

#include <gst/check/gstcheck.h>

#include <string>

#include "tests/common/film.h"

namespace {

// The audio of a clip is not of interest; parsebin would end in an error without a sink for it.
std::string parsed(const std::string& path) {
  return "filesrc location=" + path + " ! parsebin name=p expose-all-streams=false ";
}

void assert_same(const film::Recording& expected, const film::Recording& seen,
                 const std::string& what) {
  ck_assert_msg(seen.error.empty() == expected.error.empty(), "%s: '%s' instead of '%s'",
                what.c_str(), seen.error.c_str(), expected.error.c_str());
  ck_assert_msg(seen.items.size() == expected.items.size(), "%s: %zu units instead of %zu",
                what.c_str(), seen.items.size(), expected.items.size());
  for (std::size_t i = 0; i < expected.items.size(); ++i) {
    const film::Item& a = expected.items[i];
    const film::Item& b = seen.items[i];
    ck_assert_msg(a.md5 == b.md5, "%s: unit %zu has other bytes", what.c_str(), i);
    ck_assert_msg(a.pts == b.pts && a.dts == b.dts && a.duration == b.duration &&
                      a.running_time == b.running_time,
                  "%s: unit %zu has other times", what.c_str(), i);
    ck_assert_msg(a.flags == b.flags, "%s: unit %zu has flags %x instead of %x", what.c_str(), i,
                  b.flags, a.flags);
    ck_assert_msg(expected.caps[a.caps] == seen.caps[b.caps],
                  "%s: unit %zu has caps %s instead of %s", what.c_str(), i,
                  seen.caps[b.caps].c_str(), expected.caps[a.caps].c_str());
  }
}

}  // namespace

GST_START_TEST(test_identity_of_every_clip) {
  constexpr const char* kSettings[] = {"max-segment-duration=1000000000",
                                       "max-segment-duration=4000000000",
                                       "max-segment-duration=-1"};
  // The same element, so that both pipelines negotiate alike, but with nothing in between.
  const std::string accepted =
      "capsfilter caps=\"video/x-h264,alignment=au;video/x-h265,alignment=au;video/x-vp8;"
      "video/x-vp9,alignment=super-frame;video/x-av1,alignment=tu,stream-format=obu-stream;"
      "video/mpeg,parsed=true,systemstream=false;image/jpeg\"";
  for (const std::string& path : film::clips()) {
    const film::Recording plain =
        film::record(parsed(path) + "! " + accepted + " ! appsink name=out");
    ck_assert_msg(!plain.items.empty(), "%s: nothing parsed", path.c_str());
    for (const char* setting : kSettings) {
      const film::Recording cut = film::record(parsed(path) + "! distsegmenter " + setting +
                                               " ! distjoin ! appsink name=out");
      // Pictures of AVI have no presentation times but at keyframes: they are decoded first.
      if (g_str_has_suffix(path.c_str(), ".avi") && !cut.caps.empty() &&
          g_str_has_prefix(cut.caps.front().c_str(), "video/x-raw"))
        continue;
      assert_same(plain, cut, film::base_name(path) + " with " + setting);
    }
  }
}
GST_END_TEST

static Suite* identity_suite() {
  Suite* suite = suite_create("identity");
  TCase* tests = tcase_create("identity");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_identity_of_every_clip);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(identity)
