// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture/picture_check.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "tests/common/support.h"

namespace {

using namespace dist;

constexpr unsigned kFrames = 10;
constexpr Time kFrame = kSecond / 25;

// What a picture shows at a place of it, each from 0 to 1, at a time of the film: luma, U and V.
struct Colour {
  double y = 0;
  double u = 128;
  double v = 128;
};
using Scene = std::function<Colour(double x, double y, double frame)>;

// The same at the same place, from -1 to 1.
double texture(double x, double y) {
  auto seed = static_cast<std::uint32_t>(static_cast<int>(std::floor(x * 230)) * 7919 +
                                         static_cast<int>(std::floor(y * 170)) * 104729);
  seed = (seed ^ (seed >> 15)) * 0x2c1b3c6du;
  seed = (seed ^ (seed >> 12)) * 0x297a2d39u;
  return static_cast<double>(seed >> 16) / 32768 - 1;
}

// Blobs and edges that move, with a fine texture and colours.
Colour moving(double x, double y, double frame) {
  const double at = x - frame * 0.03;
  double luma = 110 + 50 * std::sin(9 * at + 4 * y * y) + 30 * std::cos(17 * y - 5 * at);
  if (std::hypot(std::fmod(at + 3, 1.0) - 0.3, y - 0.6) < 0.2)
    luma += 60;
  luma += 25 * texture(at, y);
  return {luma, 128 + 40 * std::sin(5 * x), 128 + 40 * std::cos(4 * y + x)};
}

Colour flat(double, double, double) {
  return {90, 128, 128};
}

struct Size {
  unsigned width = 400;
  unsigned height = 300;
};

std::uint8_t to_sample(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

// What a film of the scene looks like in that size; `noise` is what a coarse encoder leaves.
std::vector<FrameLook> film(const Scene& scene, Size size = {}, unsigned noise = 0,
                            bool colours = true) {
  std::vector<FrameLook> looks;
  FrameLooker looker(size.width, size.height);
  test::Random random(7);
  std::vector<std::uint8_t> planes[3];
  for (auto& plane : planes)
    plane.resize(std::size_t{size.width} * size.height);
  for (unsigned frame = 0; frame < kFrames; ++frame) {
    for (unsigned y = 0; y < size.height; ++y)
      for (unsigned x = 0; x < size.width; ++x) {
        const std::size_t i = std::size_t{y} * size.width + x;
        const Colour colour = scene((x + 0.5) / size.width, (y + 0.5) / size.height, frame);
        planes[0][i] = to_sample(
            colour.y + (noise ? static_cast<double>(random.below(2 * noise)) - noise : 0));
        planes[1][i] = to_sample(colour.u);
        planes[2][i] = to_sample(colour.v);
      }
    const LumaPlane luma{planes[0].data(), size.width, size.width, size.height, 8, true};
    const auto chroma = [&](unsigned i) {
      return ChromaPlane{planes[i].data(), size.width, 1, size.width, size.height, 8, true};
    };
    const ChromaPlane u = chroma(1);
    const ChromaPlane v = chroma(2);
    looks.push_back(
        looker.look(frame * kFrame, luma, colours ? &u : nullptr, colours ? &v : nullptr));
  }
  return looks;
}

const std::vector<FrameLook>& source() {
  static const auto looks = film(moving);
  return looks;
}

void expect_good(const std::vector<FrameLook>& rendition, const char* what) {
  const auto mismatch = compare(source(), rendition);
  fail_unless(!mismatch, "%s: %s", what, mismatch ? mismatch->reason.c_str() : "");
}

// The scene that a lie makes of the film's.
struct Lie {
  const char* name;
  MismatchKind kind;
  const char* words;
  Scene scene;
};

// The samples of a much smaller picture, on each side.
constexpr double kSamples = 64;

// The mean of a sample's cell, about.
double sample(double i, double j, double frame) {
  double sum = 0;
  for (double dx : {0.125, 0.375, 0.625, 0.875})
    for (double dy : {0.125, 0.375, 0.625, 0.875})
      sum += moving((i + dx) / kSamples, (j + dy) / kSamples, frame).y / 16;
  return sum;
}

// Each repeated.
Colour repeated(double x, double y, double frame) {
  Colour colour = moving(x, y, frame);
  colour.y = sample(std::floor(x * kSamples), std::floor(y * kSamples), frame);
  return colour;
}

// Spread smoothly.
Colour scaled_up(double x, double y, double frame) {
  const double column = std::floor(x * kSamples - 0.5);
  const double row = std::floor(y * kSamples - 0.5);
  const double right = x * kSamples - 0.5 - column;
  const double below = y * kSamples - 0.5 - row;
  Colour colour = moving(x, y, frame);
  const auto at = [&](double dx, double dy) { return sample(column + dx, row + dy, frame); };
  colour.y = (1 - below) * ((1 - right) * at(0, 0) + right * at(1, 0)) +
             below * ((1 - right) * at(0, 1) + right * at(1, 1));
  return colour;
}

const Lie kLies[] = {
    {"black", MismatchKind::kFlat, "is black",
     [](double, double, double) {
       return Colour{0, 128, 128};
     }},
    {"one colour", MismatchKind::kFlat, "is of one colour", flat},
    {"mirrored", MismatchKind::kFlipped, "is mirrored at",
     [](double x, double y, double frame) { return moving(1 - x, y, frame); }},
    {"top to bottom", MismatchKind::kFlipped, "from top to bottom",
     [](double x, double y, double frame) { return moving(x, 1 - y, frame); }},
    {"turned", MismatchKind::kFlipped, "is upside down",
     [](double x, double y, double frame) { return moving(1 - x, 1 - y, frame); }},
    {"frozen", MismatchKind::kFrozen, "stands still",
     [](double x, double y, double) { return moving(x, y, 0); }},
    {"doubled", MismatchKind::kRepeated, "again",
     [](double x, double y, double frame) { return moving(x, y, std::floor(frame / 2) * 2); }},
    {"late", MismatchKind::kOtherTime, "shows the picture of",
     [](double x, double y, double frame) { return moving(x, y, frame - 3); }},
    {"logo", MismatchKind::kPatch, "in a part of the picture",
     [](double x, double y, double frame) {
       return x > 0.5 && y > 0.5 ? Colour{235, 128, 128} : moving(x, y, frame);
     }},
    {"scaled up", MismatchKind::kBlurred, "much smaller", scaled_up},
    {"repeated", MismatchKind::kBlurred, "much smaller", repeated},
    {"swapped", MismatchKind::kColours, "swapped",
     [](double x, double y, double frame) {
       const Colour colour = moving(x, y, frame);
       return Colour{colour.y, colour.v, colour.u};
     }},
    {"gray", MismatchKind::kColours, "other colours",
     [](double x, double y, double frame) {
       return Colour{moving(x, y, frame).y, 128, 128};
     }},
    {"something else", MismatchKind::kOther, "something else",
     [](double x, double y, double frame) {
       return Colour{128 + 90 * std::sin(23 * x * y + frame) + 30 * std::sin(31 * (y - x)), 128,
                     128};
     }},
};

}  // namespace

GST_START_TEST(test_picture_check_finds_and_names_lies) {
  for (const Lie& lie : kLies) {
    const auto mismatch = compare(source(), film(lie.scene));
    fail_unless(mismatch.has_value(), "%s was not found", lie.name);
    fail_unless(mismatch->kind == lie.kind, "%s: %s, %s", lie.name, to_string(mismatch->kind),
                mismatch->reason.c_str());
    fail_unless(test::contains(mismatch->reason, lie.words), "%s: '%s'", lie.name,
                mismatch->reason.c_str());
  }
}
GST_END_TEST;

GST_START_TEST(test_picture_check_passes_other_sizes_and_noise) {
  const struct {
    const char* name;
    Size size;
    unsigned noise;
  } rows[] = {{"the same", {}, 0},      {"noise", {}, 12},
              {"small", {320, 200}, 0}, {"small with noise", {320, 200}, 12},
              {"large", {480, 270}, 0}, {"odd", {161, 121}, 0},
              {"narrow", {160, 240}, 0}};
  for (const auto& row : rows)
    expect_good(film(moving, row.size, row.noise), row.name);
}
GST_END_TEST;

// Of fewer samples than the structure needs that pictures scaled up lack.
GST_START_TEST(test_picture_check_passes_thumbnails) {
  const auto woven = [](double x, double y, double frame) {
    Colour colour = moving(x, y, frame);
    for (const double half_waves : {38, 74})
      colour.y += 20 * (std::sin(half_waves * std::numbers::pi * x) +
                        std::sin(half_waves * std::numbers::pi * y));
    return colour;
  };
  const auto whole = film(woven);
  for (const Size size : {Size{160, 90}, Size{50, 90}, Size{64, 64}}) {
    // What of the scene falls into a pixel.
    const auto scaled = [&](double x, double y, double frame) {
      constexpr unsigned kParts = 4;
      Colour mean = {0, 0, 0};
      for (unsigned i = 0; i < kParts * kParts; ++i) {
        const Colour part = woven(x + ((i % kParts + 0.5) / kParts - 0.5) / size.width,
                                  y + ((i / kParts + 0.5) / kParts - 0.5) / size.height, frame);
        mean.y += part.y / (kParts * kParts);
        mean.u += part.u / (kParts * kParts);
        mean.v += part.v / (kParts * kParts);
      }
      return mean;
    };
    const auto mismatch = compare(whole, film(scaled, size));
    fail_unless(!mismatch, "%ux%u: %s", size.width, size.height,
                mismatch ? mismatch->reason.c_str() : "");
  }
}
GST_END_TEST;

GST_START_TEST(test_picture_check_passes_a_mistaken_range) {
  expect_good(film([](double x, double y, double frame) {
                Colour colour = moving(x, y, frame);
                colour.y = 16 + colour.y * 219 / 255;
                return colour;
              }),
              "range");
}
GST_END_TEST;

GST_START_TEST(test_picture_check_passes_still_and_flat_films) {
  const Scene scenes[] = {
      flat, [](double x, double y, double) { return moving(x, y, 0); },
      // A fade to black.
      [](double x, double y, double frame) {
        Colour colour = moving(x, y, 0);
        colour.y *= 1 - frame / (kFrames - 1);
        return colour;
      },
      // Letters on black.
      [](double x, double y, double) {
        return Colour{std::abs(y - 0.5) < 0.03 && std::fmod(x * 20, 1) < 0.4 ? 220.0 : 0.0};
      }};
  for (const Scene& scene : scenes)
    for (unsigned noise : {0u, 6u}) {
      const auto mismatch = compare(film(scene), film(scene, {320, 200}, noise));
      fail_unless(!mismatch, "%s", mismatch ? mismatch->reason.c_str() : "");
    }
}
GST_END_TEST;

// At a low rate little is left of what is hardly to be seen.
GST_START_TEST(test_picture_check_passes_pale_pictures_made_paler) {
  const auto faint = [](double contrast) {
    return [contrast](double x, double y, double frame) {
      return Colour{200 + contrast * (moving(x, y, frame).y - 110) / 110};
    };
  };
  for (double left : {0.2, 0.5, 1.5}) {
    const auto mismatch = compare(film(faint(8)), film(faint(8 * left)));
    fail_unless(!mismatch, "%.1f: %s", left, mismatch ? mismatch->reason.c_str() : "");
  }
}
GST_END_TEST;

GST_START_TEST(test_picture_check_finds_black_in_place_of_flat) {
  const auto mismatch = compare(film(flat), film(kLies[0].scene));
  fail_unless(mismatch && mismatch->kind == MismatchKind::kFlat);
}
GST_END_TEST;

GST_START_TEST(test_picture_check_matches_by_time) {
  std::vector<FrameLook> some;
  for (const FrameLook& frame : source())
    if (frame.time % (4 * kFrame) == 0)
      some.push_back(frame);
  expect_good(some, "every fourth");
  // The same pictures, each at the time of another.
  for (FrameLook& frame : some)
    frame.time += 3 * kFrame;
  const auto mismatch = compare(source(), some);
  fail_unless(mismatch && mismatch->kind == MismatchKind::kOtherTime);
}
GST_END_TEST;

// What an encoder leaves of noise is other noise.
GST_START_TEST(test_picture_check_takes_noise_for_noise) {
  const auto noise = [](double seed) {
    return film(
        [seed](double x, double y, double frame) {
          const double wild = std::sin(x * 1299.898 + y * 7823.3 + frame * 37.7 + seed) * 43758.5;
          return Colour{255 * (wild - std::floor(wild)), 128, 128};
        },
        {160, 90});
  };
  const auto mismatch = compare(noise(1), noise(2));
  fail_unless(!mismatch, "%s", mismatch ? mismatch->reason.c_str() : "");
  fail_unless(compare(noise(1), film(kLies[0].scene, {160, 90})).has_value());
}
GST_END_TEST;

GST_START_TEST(test_picture_check_needs_frames_in_common) {
  expect_good({}, "no frames");
  auto apart = source();
  for (FrameLook& frame : apart)
    frame.time += 1;
  const auto mismatch = compare(source(), apart);
  fail_unless(mismatch && mismatch->kind == MismatchKind::kNoFrames);
}
GST_END_TEST;

GST_START_TEST(test_picture_check_reports_the_worst_frame) {
  auto rendition = source();
  rendition[7] = film(flat)[7];
  const auto mismatch = compare(source(), rendition);
  fail_unless(mismatch && mismatch->time == 7 * kFrame);
  fail_unless(mismatch->source_hash == source()[7].hash);
  fail_unless(mismatch->rendition_hash == rendition[7].hash);
  fail_unless(mismatch->distance == distance(source()[7].hash, rendition[7].hash));
  fail_unless(test::contains(mismatch->reason, "0.280 s"), "%s", mismatch->reason.c_str());
}
GST_END_TEST;

GST_START_TEST(test_picture_check_takes_films_without_colours) {
  const auto gray = film(moving, {}, 0, false);
  fail_unless(!compare(gray, source()) && !compare(gray, gray));
  const auto mismatch = compare(source(), gray);
  fail_unless(mismatch && mismatch->kind == MismatchKind::kColours);
}
GST_END_TEST;

GST_START_TEST(test_picture_check_takes_pale_films_for_what_they_are) {
  const auto pale = [](double share) {
    return film([share](double x, double y, double frame) {
      Colour colour = moving(x, y, frame);
      colour.u = 128 + (colour.u - 128) * share;
      colour.v = 128 + (colour.v - 128) * share;
      return colour;
    });
  };
  // What is lost is less than the limit for all films, but most of what there is.
  const auto mismatch = compare(pale(0.4), pale(0));
  fail_unless(mismatch && mismatch->kind == MismatchKind::kColours);
  fail_unless(!compare(pale(0.4), pale(0.3)));
}
GST_END_TEST;

// Cells are means, whatever the layout of the samples.
GST_START_TEST(test_picture_check_reads_all_layouts) {
  constexpr unsigned kWidth = 322;
  constexpr unsigned kHeight = 130;
  std::vector<std::uint8_t> luma(std::size_t{kWidth} * kHeight);
  std::vector<std::uint16_t> wide(luma.size());
  std::vector<std::uint8_t> pairs(2 * luma.size());
  for (unsigned i = 0; i < luma.size(); ++i) {
    luma[i] = static_cast<std::uint8_t>(16 + (i % kWidth) * 219 / (kWidth - 1));
    wide[i] = static_cast<std::uint16_t>(luma[i] * 4);
    pairs[2 * i] = 128;
    pairs[2 * i + 1] = luma[i];
  }
  FrameLooker looker(kWidth, kHeight);
  const ChromaPlane u{pairs.data(), 2 * kWidth, 2, kWidth, kHeight, 8, false};
  const ChromaPlane v{pairs.data() + 1, 2 * kWidth, 2, kWidth, kHeight, 8, false};
  const FrameLook narrow = looker.look(0, {luma.data(), kWidth, kWidth, kHeight, 8, false}, &u, &v);
  const FrameLook deep = looker.look(
      0,
      {reinterpret_cast<const std::uint8_t*>(wide.data()), 2 * kWidth, kWidth, kHeight, 10, false},
      nullptr, nullptr);
  fail_unless(narrow.has_chroma && !deep.has_chroma);
  for (unsigned i = 0; i < narrow.luma.size(); ++i) {
    const unsigned expected = (2 * (i % kLumaCells) + 1) * 255 / (2 * kLumaCells);
    require_often(std::abs(narrow.luma[i] - static_cast<int>(expected)) <= 2, "cell %u is %u", i,
                  narrow.luma[i]);
    require_often(std::abs(narrow.luma[i] - deep.luma[i]) <= 1, "cell %u: %u, %u", i,
                  narrow.luma[i], deep.luma[i]);
  }
  for (unsigned i = 0; i < narrow.u.size(); ++i) {
    fail_unless(narrow.u[i] == 128);
    fail_unless((i % kChromaCells < kChromaCells / 2) == (narrow.v[i] < 126), "cell %u is %u", i,
                narrow.v[i]);
  }
}
GST_END_TEST;

static Suite* picture_check_suite() {
  Suite* suite = suite_create("picture-check");
  TCase* tc = tcase_create("general");
  suite_add_tcase(suite, tc);
  tcase_add_test(tc, test_picture_check_finds_and_names_lies);
  tcase_add_test(tc, test_picture_check_passes_other_sizes_and_noise);
  tcase_add_test(tc, test_picture_check_passes_thumbnails);
  tcase_add_test(tc, test_picture_check_passes_a_mistaken_range);
  tcase_add_test(tc, test_picture_check_passes_still_and_flat_films);
  tcase_add_test(tc, test_picture_check_passes_pale_pictures_made_paler);
  tcase_add_test(tc, test_picture_check_finds_black_in_place_of_flat);
  tcase_add_test(tc, test_picture_check_matches_by_time);
  tcase_add_test(tc, test_picture_check_takes_noise_for_noise);
  tcase_add_test(tc, test_picture_check_needs_frames_in_common);
  tcase_add_test(tc, test_picture_check_reports_the_worst_frame);
  tcase_add_test(tc, test_picture_check_takes_films_without_colours);
  tcase_add_test(tc, test_picture_check_takes_pale_films_for_what_they_are);
  tcase_add_test(tc, test_picture_check_reads_all_layouts);
  return suite;
}

GST_CHECK_MAIN(picture_check)
