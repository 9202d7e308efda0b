// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files that have their names only once they are complete: nothing is lost that was there.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <chrono>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gst/job/output_files.h"

namespace {

using namespace tool;
using dist::check_names;
using dist::OutputFiles;

void expect_content(const std::string& path, const std::string& text) {
  ck_assert_msg(bytes_of(path) == text, "%s: '%s', not '%s'", path.c_str(), bytes_of(path).c_str(),
                text.c_str());
}

void expect_refused(const std::vector<std::string>& names, const std::string& text,
                    bool replace = true) {
  const auto files = OutputFiles::prepare(names, replace);
  ck_assert_msg(!files, "%s", names.back().c_str());
  ck_assert_msg(files.error().find(text) != std::string::npos, "'%s' does not say '%s'",
                files.error().c_str(), text.c_str());
}

OutputFiles prepared(const std::vector<std::string>& names, bool replace = true) {
  auto files = OutputFiles::prepare(names, replace);
  ck_assert_msg(static_cast<bool>(files), "%s", files.error().c_str());
  return std::move(*files);
}

}  // namespace

GST_START_TEST(test_output_files_names) {
  const Folder folder;
  const std::string film = folder / "film.mp4";
  write_file(film, "film");
  fs::create_hard_link(film, folder / "hard.mp4");
  fs::create_symlink(film, folder / "soft.mp4");
  fs::create_directory(folder / "other");
  const struct {
    std::vector<std::string> names;
    const char* refusal;  // Null: they are fine.
  } rows[] = {
      {{folder / "a.mp4", folder / "b.mp4", folder / "thumb/"}, nullptr},
      {{folder / "a.mp4", film}, "is the input"},
      {{folder / "other/../film.mp4"}, "is the input"},
      {{folder / "hard.mp4"}, "is the input"},
      {{folder / "soft.mp4"}, "is the input"},
      {{folder / ""}, "is the input"},
      {{folder / "a.mp4", folder / "b.mp4", folder / "a.mp4"}, "two outputs"},
      {{folder / "audio", folder / "audio/"}, "two outputs"},
      {{folder / "a.mp4", folder / "other/../a.mp4"}, "two outputs"},
  };
  for (const auto& row : rows) {
    const auto status = check_names(row.names, film);
    ck_assert_msg(static_cast<bool>(status) == !row.refusal, "%s", row.names.back().c_str());
    if (row.refusal)
      ck_assert_msg(status.error().find(row.refusal) != std::string::npos, "%s",
                    status.error().c_str());
  }
  write_file(folder / ".x.mp4.gst-dist.part", "a film, too");
  ck_assert(!check_names({folder / "x.mp4"}, folder / ".x.mp4.gst-dist.part"));
  ck_assert(static_cast<bool>(check_names({film}, "")));
}
GST_END_TEST

GST_START_TEST(test_output_files_of_two_runs) {
  const Folder folder;
  for (const std::string name : {"out.mp4", "thumb/"}) {
    OutputFiles first = prepared({folder / name});
    const std::string inside = first.paths()[0] + (name.ends_with('/') ? "00000.jpg" : "");
    write_file(inside, "first");
    expect_refused({folder / name}, "another run");
    expect_content(inside, "first");
    ck_assert(!first.commit());
    expect_content((folder / name) + (name.ends_with('/') ? "00000.jpg" : ""), "first");
  }
  ck_assert_uint_eq(folder.size(), 3);
}
GST_END_TEST

// What an earlier run left is taken away, wherever it leads.
GST_START_TEST(test_output_files_follow_no_link) {
  const Folder folder;
  write_file(folder / "mine", "mine");
  fs::create_symlink(folder / "mine", folder / ".soft.mp4.gst-dist.part");
  fs::create_hard_link(folder / "mine", folder / ".hard.mp4.gst-dist.part");
  fs::create_directory(folder / "pictures");
  fs::create_symlink(folder / "pictures", folder / ".thumb.gst-dist.part");
  {
    const OutputFiles files = prepared({folder / "soft.mp4", folder / "hard.mp4"});
    for (const std::string& path : files.paths())
      write_file(path, "film");
  }
  expect_content(folder / "mine", "mine");
  expect_refused({folder / "thumb/"}, "cannot be written");
  ck_assert_uint_eq(folder.size(), 3);
}
GST_END_TEST

// Whoever may write in the folder may put a link in the place of what is being written.
GST_START_TEST(test_output_files_are_not_led_elsewhere) {
  const Folder folder;
  write_file(folder / "mine", "mine");
  fs::create_directory(folder / "pictures");
  OutputFiles files = prepared({folder / "film.mp4", folder / "thumb/"});
  for (const char* name : {".film.mp4.gst-dist.part", ".thumb.gst-dist.part"})
    fs::rename(folder / name, folder / "away" + name);
  fs::create_symlink(folder / "mine", folder / ".film.mp4.gst-dist.part");
  fs::create_symlink(folder / "pictures", folder / ".thumb.gst-dist.part");
  write_file(files.paths()[0], "film");
  write_file(files.paths()[1] + "00000.jpg", "picture");
  expect_content(folder / "mine", "mine");
  ck_assert(fs::is_empty(folder / "pictures"));
  const auto error = files.commit();
  ck_assert(error && error->message.find("is not what it was") != std::string::npos);
}
GST_END_TEST

// A folder that somebody else has made beforehand is his: he could put links into it.
GST_START_TEST(test_output_files_in_folders_of_others) {
  const Folder folder;
  fs::create_directory(folder / ".thumb.gst-dist.part");
  // Only root can give anything away; whoever else runs this sees that one's own is taken.
  const bool given = chown((folder / ".thumb.gst-dist.part").c_str(), 65534, 65534) == 0;
  ck_assert_int_eq(given, geteuid() == 0);
  if (given)
    expect_refused({folder / "thumb/"}, "belongs to somebody else");
  else
    prepared({folder / "thumb/"});
}
GST_END_TEST

// While it is written a folder is nobody else's, and in the end what the user's mask makes it.
GST_START_TEST(test_output_files_folders_have_the_modes_of_the_user) {
  const Folder folder;
  umask(002);
  const auto mode = [](const std::string& path) {
    struct stat status {};
    ck_assert_int_eq(stat(path.c_str(), &status), 0);
    return status.st_mode & 0777;
  };
  for (unsigned run = 0; run < 2; ++run) {
    OutputFiles files = prepared({folder / "thumb/"});
    ck_assert_uint_eq(mode(folder / ".thumb.gst-dist.part"), 0700);
    ck_assert(!files.commit());
    ck_assert_uint_eq(mode(folder / "thumb"), 0775);
    // As a run that was killed leaves one.
    fs::create_directory(folder / ".thumb.gst-dist.part");
    fs::permissions(folder / ".thumb.gst-dist.part", fs::perms::owner_all);
  }
}
GST_END_TEST

GST_START_TEST(test_output_files_all_or_none) {
  const Folder folder;
  const std::vector<std::string> names = {folder / "new.mp4", folder / "old.mp4", folder / "thumb/",
                                          folder / "last.mp4"};
  write_file(folder / "old.mp4", "old");
  fs::create_directory(folder / "thumb");
  write_file(folder / "thumb/00000.jpg", "old");
  {
    OutputFiles files = prepared(names);
    for (const std::string& path : files.paths())
      write_file(path.ends_with('/') ? path + "00000.jpg" : path, "new");
    fs::create_directory(folder / "last.mp4");
    const auto error = files.commit();
    ck_assert(error && error->message.find("is no file") != std::string::npos);
  }
  expect_content(folder / "old.mp4", "old");
  expect_content(folder / "thumb/00000.jpg", "old");
  ck_assert_uint_eq(folder.size(), 4);
  fs::remove(folder / "last.mp4");
  {
    OutputFiles files = prepared(names);
    for (const std::string& path : files.paths())
      write_file(path.ends_with('/') ? path + "00001.jpg" : path, "new");
    ck_assert(!files.commit());
  }
  for (const char* name : {"new.mp4", "old.mp4", "thumb/00001.jpg", "last.mp4"})
    expect_content(folder / name, "new");
  ck_assert_uint_eq(folder.size(), 5);
}
GST_END_TEST

// Who did not say --yes loses nothing that came meanwhile.
GST_START_TEST(test_output_files_come_meanwhile) {
  const Folder folder;
  {
    OutputFiles files = prepared({folder / "a.mp4"}, false);
    write_file(folder / "a.mp4", "mine");
    const auto error = files.commit();
    ck_assert(error && error->remedy == dist::JobError::Remedy::kReplace);
  }
  expect_content(folder / "a.mp4", "mine");
  ck_assert_uint_eq(folder.size(), 1);
}
GST_END_TEST

GST_START_TEST(test_output_files_keep_what_is_no_output) {
  const Folder folder;
  for (const char* name : {"film.mp4", "thumb", "full", ".part.gst-dist.part"})
    fs::create_directory(folder / name);
  write_file(folder / "full/00000.jpg", "picture");
  write_file(folder / "full/letters.txt", "mine");
  write_file(folder / ".part.gst-dist.part/letters.txt", "mine");
  write_file(folder / "file", "mine");
  fs::create_directory_symlink(folder / "thumb", folder / "link");
  const struct {
    const char* name;
    const char* refusal;
  } rows[] = {
      {"film.mp4", "is no file"},      {"full/", "holds other things"},
      {"file/", "is no folder"},       {"link/", "is no folder"},
      {"file/a.mp4", "cannot be"},     {"file/b/a.mp4", "cannot be"},
      {"part/", "holds other things"},
  };
  const std::size_t before = folder.size();
  for (const auto& row : rows)
    expect_refused({folder / "new/a.mp4", folder / row.name}, row.refusal);
  expect_refused({folder / (std::string(300, 'a') + ".mp4")}, "cannot be written");
  expect_refused({folder / (std::string(300, 'a') + "/a.mp4")}, "cannot be");
  expect_refused({folder / "file"}, "is there already", false);
  ck_assert_uint_eq(folder.size(), before);
}
GST_END_TEST

// What killed runs left goes, whatever it was to be; what is another run's, or no run's, stays.
GST_START_TEST(test_output_files_clean_up) {
  const Folder folder;
  const auto age = [&](const std::string& name) {
    fs::last_write_time(folder / name, fs::file_time_type::clock::now() - std::chrono::minutes(1));
  };
  fs::create_directory(folder / ".thumb.gst-dist.part");
  fs::create_directory(folder / ".letters.gst-dist.part");
  write_file(folder / ".thumb.gst-dist.part/00000.jpg", "left");
  write_file(folder / ".letters.gst-dist.part/letters.txt", "mine");
  for (const char* name :
       {".a.mp4.gst-dist.part", ".b.mkv.gst-dist.part", ".c.mp4.part", ".d.mp4.gst-dist.part"})
    write_file(folder / name, "left");
  fs::create_symlink(folder / ".c.mp4.part", folder / ".link.gst-dist.part");
  const OutputFiles other = prepared({folder / "other.mp4"});
  for (const char* name :
       {".a.mp4.gst-dist.part", ".b.mkv.gst-dist.part", ".c.mp4.part", ".thumb.gst-dist.part",
        ".letters.gst-dist.part", ".other.mp4.gst-dist.part"})
    age(name);
  {
    const OutputFiles files = prepared({folder / "e.mp4"});
    for (const char* name :
         {".a.mp4.gst-dist.part", ".b.mkv.gst-dist.part", ".thumb.gst-dist.part"})
      ck_assert_msg(!fs::exists(folder / name), "%s", name);
  }
  // Also what is so new that its maker may be about to lock it.
  for (const char* name : {".c.mp4.part", ".d.mp4.gst-dist.part", ".link.gst-dist.part",
                           ".letters.gst-dist.part/letters.txt", ".other.mp4.gst-dist.part"})
    ck_assert_msg(fs::exists(folder / name), "%s", name);
}
GST_END_TEST

GST_START_TEST(test_output_files_leave_no_folder) {
  const Folder folder;
  {
    const OutputFiles files = prepared({folder / "new/er/a.mp4", folder / "new/thumb/"});
    ck_assert_uint_eq(folder.size(), 4);
    for (const std::string& path : files.paths())
      ck_assert(fs::exists(path));
    write_file(files.paths()[1] + "00000.jpg", "picture");
  }
  ck_assert_uint_eq(folder.size(), 0);
}
GST_END_TEST

static Suite* output_files_suite() {
  Suite* const suite = suite_create("output-files");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_output_files_names);
  tcase_add_test(tests, test_output_files_of_two_runs);
  tcase_add_test(tests, test_output_files_are_not_led_elsewhere);
  tcase_add_test(tests, test_output_files_in_folders_of_others);
  tcase_add_test(tests, test_output_files_folders_have_the_modes_of_the_user);
  tcase_add_test(tests, test_output_files_follow_no_link);
  tcase_add_test(tests, test_output_files_all_or_none);
  tcase_add_test(tests, test_output_files_come_meanwhile);
  tcase_add_test(tests, test_output_files_keep_what_is_no_output);
  tcase_add_test(tests, test_output_files_clean_up);
  tcase_add_test(tests, test_output_files_leave_no_folder);
  return suite;
}

GST_CHECK_MAIN(output_files)
