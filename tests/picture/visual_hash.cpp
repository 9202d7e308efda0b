// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/picture/visual_hash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/common/support.h"

namespace {

using namespace dist;

using Picture = std::vector<std::vector<double>>;  // Rows of samples, 0 to 255.

// Blobs, edges and a slope, the same at every size.
Picture picture(unsigned width, unsigned height) {
  Picture rows(height, std::vector<double>(width));
  for (unsigned y = 0; y < height; ++y)
    for (unsigned x = 0; x < width; ++x) {
      const double u = (x + 0.5) / width;
      const double v = (y + 0.5) / height;
      double sample =
          60 + 60 * u + 40 * std::sin(9 * u + 4 * v * v) + 30 * std::cos(17 * v - 5 * u);
      if (std::hypot(u - 0.3, v - 0.6) < 0.2)
        sample += 70;
      if (u > 0.62 && v < 0.4)
        sample -= 60;
      rows[y][x] = std::round(std::clamp(sample, 0.0, 255.0));
    }
  return rows;
}

// PDQ as its paper defines it, step by step, with nothing in common with the code under test.
std::vector<double> blurred(const std::vector<double>& line) {
  const int size = static_cast<int>(line.size());
  const int box = (size + 127) / 128;
  std::vector<double> out;
  for (int x = 0; x < size; ++x) {
    double sum = 0;
    int count = 0;
    for (int i = x - (box - 1) / 2; i <= x + box / 2; ++i)
      if (i >= 0 && i < size) {
        sum += line[static_cast<std::size_t>(i)];
        ++count;
      }
    out.push_back(sum / count);
  }
  return out;
}

Picture transposed(const Picture& rows) {
  Picture columns(rows[0].size(), std::vector<double>(rows.size()));
  for (std::size_t y = 0; y < rows.size(); ++y)
    for (std::size_t x = 0; x < rows[0].size(); ++x)
      columns[x][y] = rows[y][x];
  return columns;
}

HashedPicture plain_pdq(Picture rows) {
  for (int pass = 0; pass < 4; ++pass) {
    for (auto& row : rows)
      row = blurred(row);
    rows = transposed(rows);
  }
  double grid[64][64];
  for (std::size_t y = 0; y < 64; ++y)
    for (std::size_t x = 0; x < 64; ++x)
      grid[y][x] = rows[(2 * y + 1) * rows.size() / 128][(2 * x + 1) * rows[0].size() / 128];
  double parts[16][16] = {};
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j)
      for (int y = 0; y < 64; ++y)
        for (int x = 0; x < 64; ++x)
          parts[i][j] += grid[y][x] * std::cos(std::numbers::pi * (i + 1) * (2 * y + 1) / 128) *
                         std::cos(std::numbers::pi * (j + 1) * (2 * x + 1) / 128);
  std::vector<double> sorted(&parts[0][0], &parts[0][0] + 256);
  std::sort(sorted.begin(), sorted.end());
  HashedPicture result;
  for (unsigned bit = 0; bit < 256; ++bit)
    if (parts[bit / 16][bit % 16] > sorted[127])
      result.hash[31 - bit / 8] |= static_cast<std::uint8_t>(1 << bit % 8);
  int steps = 0;
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) {
      if (y < 63)
        steps += std::abs(static_cast<int>((grid[y][x] - grid[y + 1][x]) * 100 / 255));
      if (x < 63)
        steps += std::abs(static_cast<int>((grid[y][x] - grid[y][x + 1]) * 100 / 255));
    }
  result.quality = static_cast<unsigned>(std::min(100, steps / 90));
  return result;
}

// Samples as they lie in memory.
template <typename Sample>
std::vector<Sample> samples_of(const Picture& rows, double scale = 1, double offset = 0) {
  std::vector<Sample> samples;
  for (const auto& row : rows)
    for (double sample : row)
      samples.push_back(static_cast<Sample>(std::lround(sample * scale + offset)));
  return samples;
}

HashedPicture hash_of(const Picture& rows) {
  const auto samples = samples_of<std::uint8_t>(rows);
  const auto width = static_cast<unsigned>(rows[0].size());
  const auto height = static_cast<unsigned>(rows.size());
  return VisualHasher(width, height).hash(LumaPlane{samples.data(), width, width, height, 8, true});
}

}  // namespace

GST_START_TEST(test_visual_hash_is_pdq) {
  const struct {
    unsigned width, height;
  } sizes[] = {{5, 5},     {64, 64},   {65, 63},    {128, 128},  {129, 127}, {161, 121}, {320, 240},
               {640, 360}, {720, 576}, {720, 1280}, {1280, 720}, {1, 700},   {700, 4}};
  for (const auto& [width, height] : sizes) {
    const Picture rows = picture(width, height);
    const HashedPicture expected =
        std::min(width, height) < VisualHasher::kMinSize ? HashedPicture{} : plain_pdq(rows);
    const HashedPicture seen = hash_of(rows);
    fail_unless(distance(seen.hash, expected.hash) <= 2, "%ux%u: %u bits differ", width, height,
                distance(seen.hash, expected.hash));
    fail_unless(seen.quality + 1 >= expected.quality && seen.quality <= expected.quality + 1,
                "%ux%u: quality %u, not %u", width, height, seen.quality, expected.quality);
  }
}
GST_END_TEST;

GST_START_TEST(test_visual_hash_stays_when_the_size_changes) {
  const HashedPicture first = hash_of(picture(1280, 720));
  fail_unless(first.quality >= 50, "quality %u", first.quality);
  const struct {
    unsigned width, height;
  } sizes[] = {{320, 180}, {426, 240}, {854, 480}, {1920, 1080}, {3840, 2160}, {1537, 865}};
  for (const auto& [width, height] : sizes) {
    const HashedPicture other = hash_of(picture(width, height));
    fail_unless(distance(first.hash, other.hash) <= 12, "%ux%u: %u bits differ", width, height,
                distance(first.hash, other.hash));
  }
}
GST_END_TEST;

GST_START_TEST(test_visual_hash_tells_pictures_apart) {
  const Picture rows = picture(640, 360);
  Picture flipped = rows;
  std::reverse(flipped.begin(), flipped.end());
  Picture mirrored = rows;
  for (auto& row : mirrored)
    std::reverse(row.begin(), row.end());
  Picture inverted = rows;
  for (auto& row : inverted)
    for (double& sample : row)
      sample = 255 - sample;
  for (const Picture& other : {flipped, mirrored, inverted})
    fail_unless(distance(hash_of(rows).hash, hash_of(other).hash) > 80);
}
GST_END_TEST;

GST_START_TEST(test_visual_hash_takes_all_depths_and_ranges) {
  const Picture rows = picture(640, 360);
  const HashedPicture expected = hash_of(rows);
  for (unsigned depth : {8u, 10u, 12u, 16u}) {
    const double highest = (1u << depth) - 1;
    for (bool full : {true, false}) {
      const double scale = (full ? 1 : 219.0 / 255) * highest / 255;
      const double offset = full ? 0 : 16 * highest / 255;
      const auto wide = samples_of<std::uint16_t>(rows, scale, offset);
      const auto narrow =
          depth == 8 ? samples_of<std::uint8_t>(rows, scale, offset) : std::vector<std::uint8_t>();
      LumaPlane plane{narrow.data(), 640, 640, 360, depth, full};
      if (depth > 8) {
        plane.data = reinterpret_cast<const std::uint8_t*>(wide.data());
        plane.stride = 1280;
      }
      const HashedPicture seen = VisualHasher(640, 360).hash(plane);
      fail_unless(distance(seen.hash, expected.hash) <= 4, "%u bits, %d: %u differ", depth, full,
                  distance(seen.hash, expected.hash));
      fail_unless(seen.quality == expected.quality, "%u bits, %d: quality %u, not %u", depth, full,
                  seen.quality, expected.quality);
    }
  }
}
GST_END_TEST;

GST_START_TEST(test_visual_hash_follows_the_stride) {
  const Picture rows = picture(161, 121);
  const auto samples = samples_of<std::uint8_t>(rows);
  const HashedPicture expected = hash_of(rows);
  // Rows apart, the last first, and whatever lies between them.
  std::vector<std::uint8_t> apart(121 * 200, 99);
  for (std::size_t y = 0; y < 121; ++y)
    std::copy_n(samples.begin() + static_cast<std::ptrdiff_t>(161 * y), 161,
                apart.begin() + static_cast<std::ptrdiff_t>(200 * (120 - y)));
  const LumaPlane plane{apart.data() + 200 * 120, -200, 161, 121, 8, true};
  const HashedPicture seen = VisualHasher(161, 121).hash(plane);
  fail_unless(seen.hash == expected.hash && seen.quality == expected.quality);
}
GST_END_TEST;

GST_START_TEST(test_visual_hash_of_flat_pictures_has_no_quality) {
  fail_unless(hash_of(Picture(360, std::vector<double>(640, 120))).quality == 0);
  Picture dark = picture(640, 360);
  for (auto& row : dark)
    for (double& sample : row)
      sample = std::round(sample / 40);
  fail_unless(hash_of(dark).quality < 50);
}
GST_END_TEST;

GST_START_TEST(test_visual_hash_is_written_in_hex) {
  const VisualHash hash = hash_of(picture(320, 240)).hash;
  const std::string digits = to_hex(hash);
  fail_unless(digits.size() == 64);
  fail_unless(visual_hash_from_hex(digits) == hash);
  std::string upper = digits;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char digit) { return static_cast<char>(g_ascii_toupper(digit)); });
  fail_unless(visual_hash_from_hex(upper) == hash);
  VisualHash high_first{};
  high_first[0] = 0xa5;
  fail_unless(to_hex(high_first).starts_with("a50"));
  for (const std::string& bad : {std::string(), digits.substr(1), digits + "0",
                                 "g" + digits.substr(1), " " + digits.substr(1)})
    fail_unless(!visual_hash_from_hex(bad), "'%s' was taken", bad.c_str());
}
GST_END_TEST;

GST_START_TEST(test_visual_hash_distance_counts_bits) {
  VisualHash a{};
  VisualHash b{};
  fail_unless(distance(a, b) == 0);
  b[3] = 0x81;
  fail_unless(distance(a, b) == 2);
  b.fill(0xff);
  fail_unless(distance(a, b) == 256);
}
GST_END_TEST;

static Suite* visual_hash_suite() {
  Suite* suite = suite_create("visual-hash");
  TCase* tc = tcase_create("general");
  suite_add_tcase(suite, tc);
  tcase_add_test(tc, test_visual_hash_is_pdq);
  tcase_add_test(tc, test_visual_hash_stays_when_the_size_changes);
  tcase_add_test(tc, test_visual_hash_tells_pictures_apart);
  tcase_add_test(tc, test_visual_hash_takes_all_depths_and_ranges);
  tcase_add_test(tc, test_visual_hash_follows_the_stride);
  tcase_add_test(tc, test_visual_hash_of_flat_pictures_has_no_quality);
  tcase_add_test(tc, test_visual_hash_is_written_in_hex);
  tcase_add_test(tc, test_visual_hash_distance_counts_bits);
  return suite;
}

GST_CHECK_MAIN(visual_hash)
