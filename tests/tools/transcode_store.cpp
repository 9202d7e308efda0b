// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-dist-1.0 transcode --store: what was encoded once is not encoded again, whatever happened
// to the run before or to the store.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/stored_film.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "tests/common/farm.h"

using namespace tool;

GST_START_TEST(test_transcode_store_resumes_killed_runs) {
  constexpr unsigned kKills = 10;
  constexpr unsigned kLanes = 2;
  const Folder folder;
  const std::string film = film_of(folder);
  ck_assert_uint_eq(encoded(output_of(line(film, folder / "whole", ""))), kSegments * kRungs);
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  unsigned sum = 0;
  const std::string resumed = line(film, folder / "resumed", "--yes --store " + (folder / "store"));
  for (unsigned kill = 0; kill < kKills; ++kill)
    // Nothing comes of those killed before their first segment.
    sum += encoded(killed_after(resumed, static_cast<unsigned>(random() % (kSegments + 1))));
  const std::string last = output_of(resumed);
  sum += encoded(last);
  expect_same(folder / "whole", folder / "resumed");
  const unsigned in_flight = kKills * kLanes * kRungs;
  ck_assert_msg(sum <= kSegments * kRungs + in_flight, "seed %u: %u results were made", seed, sum);
  ck_assert_msg(encoded(last) < kSegments * kRungs, "seed %u: nothing was found", seed);
}
GST_END_TEST

GST_START_TEST(test_transcode_store_encodes_nothing_twice) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string store = " --store " + (folder / "store") + " ";
  const auto encoded_of = [&](const std::string& of, const std::string& out,
                              const std::string& more) {
    return encoded(output_of(line(of, folder / out, store + more)));
  };
  ck_assert_uint_eq(encoded_of(film, "first", ""), kSegments * kRungs);
  ck_assert_uint_eq(encoded_of(film, "again", ""), 0);
  expect_same(folder / "first", folder / "again");
  // A rung more costs that rung.
  ck_assert_uint_eq(encoded_of(film, "more", "-r tiny:h264:80x44:bframes=0:speed=fast"),
                    kSegments * 1);
  // Another name and another container; the sound would move the film by its priming, and with it
  // the moments of the thumbnails.
  const std::string copy = make(folder, "copy.mkv", "-i '" + film + "' -c copy -an");
  ck_assert_uint_eq(encoded_of(copy, "copy", ""), 0);
}
GST_END_TEST

GST_START_TEST(test_transcode_store_never_gives_damaged_results) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string run = " --yes --store " + (folder / "store");
  output_of(line(film, folder / "first", run));
  const auto blobs = blobs_of(folder / "store");
  ck_assert_uint_eq(blobs.size(), kSegments * kRungs);
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    std::string bytes = bytes_of(blobs[i].string());
    switch (i % 4) {
      case 0:
        bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
        break;
      case 1:
        bytes.resize(random() % bytes.size());
        break;
      case 2:  // A valid one, of something else.
        bytes = bytes_of(blobs[i + 1].string());
        break;
      default:
        fs::remove(blobs[i]);
        continue;
    }
    write_file(blobs[i].string(), bytes);
  }
  const unsigned made = encoded(output_of(line(film, folder / "second", run)));
  ck_assert_msg(made == kSegments * kRungs, "seed %u: %u results were made", seed, made);
  expect_same(folder / "first", folder / "second");
  ck_assert_uint_eq(encoded(output_of(line(film, folder / "third", run))), 0);
}
GST_END_TEST

GST_START_TEST(test_transcode_store_is_shared_by_two_runs) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string store = " --store " + (folder / "store");
  output_of(line(film, folder / "alone", ""));
  farm::Process first(line(film, folder / "first", store));
  farm::Process second(line(film, folder / "second", store));
  ck_assert_int_eq(first.exit_code(120), 0);
  ck_assert_int_eq(second.exit_code(120), 0);
  expect_same(folder / "alone", folder / "first");
  expect_same(folder / "alone", folder / "second");
  ck_assert_uint_eq(blobs_of(folder / "store").size(), kSegments * kRungs);
  ck_assert_uint_eq(encoded(output_of(line(film, folder / "third", store))), 0);
}
GST_END_TEST

GST_START_TEST(test_transcode_store_that_cannot_be_used) {
  const Folder folder;
  const std::string film = film_of(folder);
  write_file(folder / "file", "mine");
  const struct {
    std::string arguments;
    int code;
    const char* text;
  } rows[] = {
      {"--store-limit 2G", 2, "--store-limit: is for the folders of --store"},
      {"--store x --store-limit 2X", 2, "write a size, such as 500M or 20G"},
      {"--store " + (folder / "file"), 2, "Not a directory"},
      {"--store gopher://x/y", 2, "gopher"},
      {"--store x --no-store", 2, "--store and --no-store: give one of them"},
  };
  for (const auto& row : rows) {
    const Ran ran = run(line(film, folder / "out", row.arguments));
    ck_assert_msg(ran.code == row.code, "%s: exit code %d\n%s", row.arguments.c_str(), ran.code,
                  ran.output.c_str());
    ck_assert_msg(ran.output.find(row.text) != std::string::npos, "%s", ran.output.c_str());
  }
  ck_assert(!fs::exists(folder / "out/big.mp4"));
}
GST_END_TEST

// Nobody listens there.
GST_START_TEST(test_transcode_store_that_is_away) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string said = output_of(
      line(film, folder / "out",
           "--store http://user:word@127.0.0.1:" + std::to_string(farm::free_port()) + "/results"));
  const std::string warning = "The store is not used any more";
  const std::size_t at = said.find(warning);
  ck_assert_msg(at != std::string::npos, "%s", said.c_str());
  ck_assert(said.find(warning, at + 1) == std::string::npos);
  ck_assert_msg(said.find("word") == std::string::npos, "%s", said.c_str());
  ck_assert_uint_eq(encoded(said), kSegments * kRungs);
}
GST_END_TEST

GST_START_TEST(test_transcode_keeps_results_in_the_users_cache) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string with_cache = "env XDG_CACHE_HOME='" + (folder / "cache, mine") + "' ";
  const auto encoded_of = [&](const std::string& more) {
    return encoded(output_of(with_cache + line(film, folder / "out", "--yes " + more)));
  };
  ck_assert_uint_eq(encoded_of("--no-store"), kSegments * kRungs);
  ck_assert(!fs::exists(folder / "cache, mine"));
  ck_assert_uint_eq(encoded_of("--store " + (folder / "store")), kSegments * kRungs);
  ck_assert(!fs::exists(folder / "cache, mine"));
  ck_assert_uint_eq(encoded_of(""), kSegments * kRungs);
  ck_assert_uint_eq(encoded_of(""), 0);
  const std::string results = folder / "cache, mine/gst-dist/results";
  ck_assert_uint_eq(blobs_of(results).size(), kSegments * kRungs);
  ck_assert(fs::status(results).permissions() == fs::perms::owner_all);
  const std::string whole = output_of(with_cache + command() + "store check");
  ck_assert_msg(whole.find("36 blobs") != std::string::npos, "%s", whole.c_str());

  // A damaged index costs a warning and the use of the store, not the film.
  write_file(results + "/index.sqlite", std::string(8192, 'x'));
  const std::string said = output_of(with_cache + line(film, folder / "out", "--yes"));
  ck_assert_msg(said.find("Results are not kept: store: ") != std::string::npos &&
                    said.find("store check --repair STORE' does that.") != std::string::npos,
                "%s", said.c_str());
  ck_assert_uint_eq(encoded(said), kSegments * kRungs);
}
GST_END_TEST

// No folder can be made there.
GST_START_TEST(test_transcode_without_a_cache_says_nothing) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string run = "env XDG_CACHE_HOME=/dev/null " + line(film, folder / "out", "--yes ");
  const std::string said = output_of(run);
  ck_assert_msg(said.find("esults are not kept") == std::string::npos, "%s", said.c_str());
  ck_assert_uint_eq(encoded(said), kSegments * kRungs);
  const std::string more = output_of(run + "-v");
  ck_assert_msg(
      more.find("Results are not kept: store: /dev/null/gst-dist/results") != std::string::npos,
      "%s", more.c_str());
}
GST_END_TEST

static Suite* transcode_store_suite() {
  Suite* const suite = suite_create("transcode_store");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_store_resumes_killed_runs);
  tcase_add_test(tests, test_transcode_store_encodes_nothing_twice);
  tcase_add_test(tests, test_transcode_store_never_gives_damaged_results);
  tcase_add_test(tests, test_transcode_store_is_shared_by_two_runs);
  tcase_add_test(tests, test_transcode_store_that_cannot_be_used);
  tcase_add_test(tests, test_transcode_store_that_is_away);
  tcase_add_test(tests, test_transcode_keeps_results_in_the_users_cache);
  tcase_add_test(tests, test_transcode_without_a_cache_says_nothing);
  return suite;
}

GST_CHECK_MAIN(transcode_store)
