// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/folder_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gst/io/open_place.h"
#include "tests/io/place_helpers.h"

namespace {

using namespace dist;
using namespace dist::test;

bool exists(const std::string& path) {
  return g_file_test(path.c_str(), G_FILE_TEST_EXISTS);
}

}  // namespace

GST_START_TEST(test_folder_is_a_place) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a/b c";
  {
    auto place = open_place(path);
    fail_unless_ok(place);
    check_place(**place, false);
    check_replacement(**place);
    fail_unless(exists(path + "/720p"));
  }
  // Nothing else is left in it.
  fail_unless_equals_int(static_cast<int>(files_in(path)), 2);
  auto by_uri = open_place("file://" + folder.path() + "/a/b%20c");
  fail_unless_ok(by_uri);
  fail_unless_ok((*by_uri)->put("x.mpd", blob_of(1, 1), kPlaylistHeaders, nullptr));
  fail_unless(exists(path + "/x.mpd"));
}
GST_END_TEST

// As the umask says, not for the owner only.
GST_START_TEST(test_files_can_be_served) {
  const TemporaryFolder folder;
  auto place = FolderPlace::open(folder.path() + "/hls");
  fail_unless_ok(place);
  const mode_t mask = umask(022);
  fail_unless_ok((*place)->put("v/init.mp4", blob_of(1, 10), kSegmentHeaders, nullptr));
  umask(mask);
  struct stat info {};
  fail_unless(stat((folder.path() + "/hls/v/init.mp4").c_str(), &info) == 0);
  fail_unless_equals_int(static_cast<int>(info.st_mode & 0777), 0644);
}
GST_END_TEST

GST_START_TEST(test_what_a_killed_process_left_is_removed) {
  const TemporaryFolder folder;
  const std::string part = folder.path() + "/.part";
  fail_unless(g_mkdir(part.c_str(), 0700) == 0);
  fail_unless(g_file_set_contents((part + "/half").c_str(), "x", 1, nullptr));
  auto place = FolderPlace::open(folder.path());
  fail_unless_ok(place);
  fail_if(exists(part + "/half"));
}
GST_END_TEST

// Two processes that write into one folder do not take each other's parts.
GST_START_TEST(test_end_of_another_place_disturbs_nothing) {
  const TemporaryFolder folder;
  auto one = FolderPlace::open(folder.path());
  fail_unless_ok(one);
  { fail_unless_ok(FolderPlace::open(folder.path())); }
  fail_unless_ok((*one)->put("v/init.mp4", blob_of(1, 10), kSegmentHeaders, nullptr));
}
GST_END_TEST

GST_START_TEST(test_what_a_folder_refuses) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/file";
  fail_unless(g_file_set_contents(file.c_str(), "x", 1, nullptr));
  const auto in_file = open_place(file + "/hls");
  fail_unless_error(in_file, "output: " + file, "a file above");
  fail_unless(in_file.failure().fault == StoreFault::kRefused);
  auto place = FolderPlace::open(folder.path() + "/hls");
  fail_unless_ok(place);
  fail_unless(g_mkdir((folder.path() + "/hls/index.m3u8").c_str(), 0700) == 0);
  fail_unless_error((*place)->put("index.m3u8", blob_of(1, 10), kPlaylistHeaders, nullptr),
                    "output: ", "a folder of that name");
  fail_unless_error(open_place(""), "write a folder", "nothing");
  fail_unless_error(open_place("ftp://host/x"), "no such kind of place", "ftp");
  fail_unless_error(open_place("http://ann:s3cret@host/?x"), "has a query", "query");
  fail_if(contains(open_place("http://ann:s3cret@host/?x").error(), "s3cret"));
}
GST_END_TEST

static Suite* folder_place_suite() {
  Suite* suite = suite_create("folder_place");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_folder_is_a_place);
  tcase_add_test(tcase, test_files_can_be_served);
  tcase_add_test(tcase, test_what_a_killed_process_left_is_removed);
  tcase_add_test(tcase, test_end_of_another_place_disturbs_nothing);
  tcase_add_test(tcase, test_what_a_folder_refuses);
  return suite;
}

GST_CHECK_MAIN(folder_place)
