// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films with random damage: DIST_DAMAGE_FILES of them (30), from the seed DIST_DAMAGE_SEED (1) on.
// Each line has the seed of its film, with which it can be made again alone.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <filesystem>
#include <map>

#include <gst/check/gstcheck.h>

#include "tests/common/damage.h"
#include "tests/common/parallel.h"
#include "tests/common/proof_clips.h"

namespace {

constexpr const char* kGood[] = {
    "h264-aac.mp4", "h264-aac.mkv",  "h264-aac.ts",     "h264-fragmented-aac.mp4", "hevc-aac.mkv",
    "mpeg2-mp2.ts", "mpeg4-mp3.avi", "vp8-vorbis.webm", "vp9-opus.webm",           "av1-opus.mkv"};

unsigned number(const char* name, unsigned otherwise) {
  const char* const text = g_getenv(name);
  return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

std::vector<film::GoodFilm> good_films() {
  const auto clips = film::proof_clips();
  std::vector<film::GoodFilm> films(std::size(kGood));
  film::for_each_index(films.size(), [&](std::size_t i) {
    const auto clip = std::ranges::find(clips, kGood[i], &film::ProofClip::name);
    if (const auto path =
            clip == clips.end() ? dist::Error{"not in the table"} : film::make_clip(*clip))
      films[i] = film::look_at_good(*path);
  });
  for (std::size_t i = 0; i < films.size(); ++i)
    ck_assert_msg(!films[i].list.frames.empty(), "%s cannot be made or decoded", kGood[i]);
  return films;
}

}  // namespace

GST_START_TEST(test_damage_costs_no_more_than_undistributed) {
  const std::vector<film::GoodFilm> films = good_films();
  const unsigned count = number("DIST_DAMAGE_FILES", 30);
  const unsigned first = number("DIST_DAMAGE_SEED", 1);
  std::vector<film::Verdict> verdicts(count);
  std::vector<std::string> names(count);
  film::for_each_index(count, [&](std::size_t i) {
    const auto seed = static_cast<std::uint32_t>(first + i);
    const film::GoodFilm& good = films[seed % films.size()];
    const std::filesystem::path path = good.path;
    const std::string damaged =
        path.parent_path() / ("damaged-" + std::to_string(seed) + path.extension().string());
    const film::Damage damage = film::write_damaged(good, damaged, seed);
    verdicts[i] = film::judge_damaged(good, damage, damaged, damaged);
    names[i] =
        "seed " + std::to_string(seed) + ", " + path.filename().string() + ", bytes " + damage.text;
    if (verdicts[i].fault.empty())
      std::filesystem::remove(damaged);
  });
  std::map<std::string, unsigned> outcomes;
  std::string failed;
  for (unsigned i = 0; i < count; ++i) {
    ++outcomes[verdicts[i].outcome];
    const std::string known = film::known_fault("damage-" + std::to_string(first + i));
    if (verdicts[i].fault.empty())
      continue;
    g_print("%s: %s%s\n", names[i].c_str(), verdicts[i].fault.c_str(),
            known.empty() ? "" : (" (known: " + known + ")").c_str());
    if (known.empty())
      failed += "\n" + names[i] + ": " + verdicts[i].fault;
  }
  for (const auto& [outcome, times] : outcomes)
    g_print("%5u %s\n", times, outcome.c_str());
  // libcheck ends without a word if a message is too long.
  ck_assert_msg(failed.empty(), "%s", failed.substr(0, 3000).c_str());
}
GST_END_TEST

static Suite* damaged_films_suite() {
  Suite* suite = suite_create("damaged-films");
  TCase* tests = tcase_create("damaged-films");
  tcase_set_timeout(tests, 3600);
  tcase_add_test(tests, test_damage_costs_no_more_than_undistributed);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(damaged_films)
