// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/scale_plan.h"

#include <gst/check/gstcheck.h>

#include <string>
#include <utility>
#include <vector>

static std::vector<dist::RenditionSpec> parsed(const std::string& renditions) {
  auto specs = dist::parse_renditions(renditions);
  ck_assert_msg(static_cast<bool>(specs), "%s", specs ? "" : specs.error().c_str());
  return std::move(*specs);
}

// One line: "1280x720 from source for 0 2; 640x360@1/2 from 0 for 1".
static std::string plan(const std::vector<dist::RenditionSpec>& specs, unsigned width,
                        unsigned height) {
  std::string text;
  for (const auto& step : dist::plan_scaling(specs, width, height)) {
    text +=
        (text.empty() ? "" : "; ") + std::to_string(step.width) + "x" + std::to_string(step.height);
    if (step.fps)
      text += "@" + std::to_string(step.fps->num) + "/" + std::to_string(step.fps->den);
    text += step.from ? " from " + std::to_string(*step.from) : " from source";
    text += step.renditions.empty() ? "" : " for";
    for (std::size_t rendition : step.renditions)
      text += " " + std::to_string(rendition);
  }
  return text;
}

static void expect(const std::string& made, const char* expected) {
  ck_assert_msg(made == expected, "%s, not %s", made.c_str(), expected);
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
    std::vector<dist::RenditionSpec> specs = parsed(c.renditions);
    dist::set_scaling_paths(specs, 1280, 720);
    const std::string made = plan(specs, 1280, 720);
    ck_assert_msg(made == c.plan, "%s: %s", c.renditions, made.c_str());
  }
}
GST_END_TEST

// A worker that makes one rendition of a ladder scales it as one that makes all.
GST_START_TEST(test_scale_plan_of_some_renditions) {
  std::vector<dist::RenditionSpec> ladder = parsed(
      "a:h264:1280x720, b:h264:640x360, c:h264:320x180, d:jpeg:160x90:fps=1, e:jpeg:320x180:fps=1");
  dist::set_scaling_paths(ladder, 1920, 1080);
  const struct {
    std::size_t rendition;
    const char* plan;
  } kCases[] = {
      {0, "1280x720 from source for 0"},
      {1, "1280x720 from source; 640x360 from 0 for 0"},
      {2, "1280x720 from source; 640x360 from 0; 320x180 from 1 for 0"},
      {3, "1280x720 from source; 640x360 from 0; 320x180 from 1; 160x90@1/1 from 2 for 0"},
      {4, "1280x720 from source; 640x360 from 0; 320x180 from 1; 320x180@1/1 from 2 for 0"},
  };
  for (const auto& c : kCases)
    expect(plan({ladder[c.rendition]}, 1920, 1080), c.plan);
  // The film became smaller than it was when its sizes were chosen.
  expect(plan({ladder[2]}, 700, 400), "640x360 from source; 320x180 from 0 for 0");
}
GST_END_TEST

GST_START_TEST(test_scale_plan_of_sizes_that_a_peer_made_up) {
  expect(plan(parsed("a:h264:100x100:via=50x50"), 1280, 720),
         "100x100 from source for 0; 50x50 from source");
  expect(plan(parsed("a:h264:100x100:via=100x100+100x100"), 1280, 720),
         "100x100 from source for 0");
  std::string many;
  for (unsigned rendition = 0; rendition < 32; ++rendition) {
    many += (many.empty() ? "a" : ",a") + std::to_string(rendition) + ":h264:2x2:via=";
    for (unsigned size = 1; size <= 32; ++size)
      many += (size > 1 ? "+" : "") + std::to_string(100 + rendition * 32 + size) + "x100";
  }
  ck_assert_uint_le(dist::plan_scaling(parsed(many), 16384, 16384).size(), 1 + 32);
}
GST_END_TEST

static Suite* scale_plan_suite() {
  Suite* const suite = suite_create("scale_plan");
  TCase* const tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_scale_plan);
  tcase_add_test(tests, test_scale_plan_of_some_renditions);
  tcase_add_test(tests, test_scale_plan_of_sizes_that_a_peer_made_up);
  return suite;
}

GST_CHECK_MAIN(scale_plan)
