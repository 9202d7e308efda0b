// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/scale_plan.h"

#include <gst/check/gstcheck.h>

#include <string>

// One line: "1280x720 from source for 0 2; 640x360@1/2 from 0 for 1".
static std::string plan(const std::string& renditions, unsigned width, unsigned height) {
  const auto specs = dist::parse_renditions(renditions);
  ck_assert_msg(static_cast<bool>(specs), "%s", specs ? "" : specs.error().c_str());
  std::string text;
  for (const auto& step : dist::plan_scaling(*specs, width, height)) {
    text +=
        (text.empty() ? "" : "; ") + std::to_string(step.width) + "x" + std::to_string(step.height);
    if (step.fps)
      text += "@" + std::to_string(step.fps->num) + "/" + std::to_string(step.fps->den);
    text += step.from ? " from " + std::to_string(*step.from) : " from source";
    text += " for";
    for (std::size_t rendition : step.renditions)
      text += " " + std::to_string(rendition);
  }
  return text;
}

GST_START_TEST(test_scale_plan) {
  const struct {
    const char* renditions;
    const char* plan;  // From 1280x720.
  } kCases[] = {
      {"a:h264:640x360", "640x360 from source for 0"},
      // Each from the next larger one, whatever the order they are asked for.
      {"a:h264:320x180, b:h264:1280x720, c:h264:640x360",
       "1280x720 from source for 1; 640x360 from 0 for 2; 320x180 from 1 for 0"},
      {"a:h264:640x360, b:vp9:640x360, c:vp9:320x180",
       "640x360 from source for 0 1; 320x180 from 0 for 2"},
      // What has not all frames gives to nobody.
      {"a:h264:320x180, b:jpeg:640x360:fps=1",
       "320x180 from source for 0; 640x360@1/1 from source for 1"},
      {"a:jpeg:640x360:fps=1, b:h264:640x360, c:jpeg:160x90:fps=1",
       "640x360 from source for 1; 640x360@1/1 from 0 for 0; 160x90@1/1 from 0 for 2"},
      {"a:jpeg:160x90:fps=1, b:jpeg:160x90:fps=1/2, c:jpeg:160x90:fps=1",
       "160x90@1/1 from source for 0 2; 160x90@1/2 from source for 1"},
      // Larger in both directions.
      {"a:h264:640x360, b:h264:400x600", "400x600 from source for 1; 640x360 from source for 0"},
      // What was scaled up gives to nobody either.
      {"a:h264:1920x1080, b:h264:640x360",
       "1920x1080 from source for 0; 640x360 from source for 1"},
      {"a:h264:2560x1440, b:h264:1920x1080, c:h264:1280x720, d:h264:640x360",
       "2560x1440 from source for 0; 1920x1080 from source for 1; 1280x720 from source for 2; "
       "640x360 from 2 for 3"},
  };
  for (const auto& c : kCases) {
    const std::string made = plan(c.renditions, 1280, 720);
    ck_assert_msg(made == c.plan, "%s: %s", c.renditions, made.c_str());
  }
}
GST_END_TEST

static Suite* scale_plan_suite() {
  Suite* const suite = suite_create("scale_plan");
  TCase* const tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_scale_plan);
  return suite;
}

GST_CHECK_MAIN(scale_plan)
