// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/folder_store.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>

#include "gst/io/limited_store.h"
#include "gst/io/sqlite.h"
#include "tests/io/store_helpers.h"

namespace {

using namespace dist;
using namespace dist::test;

// What was synced, from its beginning to the end of the test. By threads of a store too.
Mutex synced_lock;
std::vector<std::string> synced;

}  // namespace

// Stands before that of the C library.
extern "C" int fsync(int fd) {
  char path[4096];
  const ssize_t length =
      readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof(path));
  {
    const MutexLock lock(synced_lock);
    synced.emplace_back(path, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  }
  return static_cast<int>(syscall(SYS_fsync, fd));
}

namespace {

std::int64_t now = 1'000;

std::unique_ptr<FolderStore> open_in(const TemporaryFolder& folder) {
  auto store = FolderStore::open(folder.path() + "/store", [] { return now; });
  fail_unless_ok(store);
  return std::move(*store);
}

std::string path_in(const TemporaryFolder& folder, std::uint64_t number) {
  const std::string name = key_text(key_of(number));
  return folder.path() + "/store/blobs/" + name.substr(0, 2) + "/" + name.substr(2);
}

FolderStore::Report checked(FolderStore& store, bool repair) {
  const auto report = store.check(repair, nullptr);
  fail_unless_ok(report);
  return *report;
}

// A process that does this and then waits for its end.
pid_t fork_to(const std::function<void()>& act) {
  int ready[2];
  fail_unless(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    act();
    if (write(ready[1], "x", 1) != 1)
      _exit(1);
    for (;;)
      pause();
  }
  close(ready[1]);
  char byte = 0;
  fail_unless(read(ready[0], &byte, 1) == 1);
  close(ready[0]);
  return child;
}

void kill_hard(pid_t child) {
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

}  // namespace

GST_START_TEST(test_folder_is_a_store) {
  const TemporaryFolder folder;
  const auto store = open_in(folder);
  check_store(*store, true);
  check_threads(*store);
  fail_unless_equals_uint64(*store->bytes(), 0);
  fail_unless_equals_uint64(files_in(folder.path() + "/store/tmp"), 0);
}
GST_END_TEST

GST_START_TEST(test_blobs_outlive_the_process) {
  const TemporaryFolder folder;
  fail_unless_ok(open_in(folder)->put(key_of(1), blob_of(1, 500), nullptr));
  const auto store = open_in(folder);
  fail_unless(has(*store, 1, 500));
  fail_unless_equals_uint64(*store->bytes(), 500);
}
GST_END_TEST

GST_START_TEST(test_index_follows_the_blobs) {
  const TemporaryFolder folder;
  const auto store = open_in(folder);
  for (std::uint64_t i = 0; i < 4; ++i)
    fail_unless_ok(store->put(key_of(i), blob_of(i, 100), nullptr));
  // Without a blob, and with one that no row knows of: as after kill -9.
  g_remove(path_in(folder, 1).c_str());
  fail_unless(g_rename(path_in(folder, 2).c_str(), (folder.path() + "/kept").c_str()) == 0);
  fail_unless(lacks(*store, 1));
  fail_unless(lacks(*store, 2));
  fail_unless_equals_uint64(*store->bytes(), 200);
  fail_unless(g_rename((folder.path() + "/kept").c_str(), path_in(folder, 2).c_str()) == 0);
  const std::vector<BlobKey> keys{key_of(0), key_of(1), key_of(2), key_of(3)};
  fail_unless(*store->find_missing(keys, nullptr) == std::vector<BlobKey>{key_of(1)});
  fail_unless_equals_uint64(*store->bytes(), 300);
  fail_unless(checked(*store, false).agrees());
}
GST_END_TEST

GST_START_TEST(test_check_finds_and_repair_mends) {
  const TemporaryFolder folder;
  auto store = open_in(folder);
  for (std::uint64_t i = 0; i < 5; ++i)
    fail_unless_ok(store->put(key_of(i), blob_of(i, 100), nullptr));
  g_remove(path_in(folder, 1).c_str());
  fail_unless(truncate(path_in(folder, 3).c_str(), 40) == 0);
  fail_unless(g_file_set_contents((folder.path() + "/store/blobs/notes").c_str(), "x", 1, nullptr));
  auto report = checked(*store, false);
  fail_unless_equals_uint64(report.blobs, 4);
  fail_unless_equals_uint64(report.bytes, 340);
  fail_unless_equals_uint64(report.without_blob, 1);
  fail_unless_equals_uint64(report.other_size, 1);
  fail_unless_equals_uint64(report.without_row, 0);
  fail_unless_equals_uint64(report.strangers, 1);
  fail_if(checked(*store, true).agrees());
  fail_unless(checked(*store, false).agrees());
  fail_unless_equals_uint64(*store->bytes(), 340);
}
GST_END_TEST

// Another process has made the folders, and nobody knows whether it has synced them.
GST_START_TEST(test_names_of_folders_are_synced_once_by_each_process) {
  const TemporaryFolder folder;
  const std::string root = folder.path() + "/store";
  open_in(folder);
  fail_unless(g_mkdir(path_in(folder, 1).substr(0, root.size() + 9).c_str(), 0700) == 0);
  synced.clear();
  const auto store = open_in(folder);
  fail_unless_equals_int(static_cast<int>(std::ranges::count(synced, root)), 1);
  for (int i = 0; i < 2; ++i)
    fail_unless_ok(store->put(key_of(1), blob_of(1, 10), nullptr));
  fail_unless_equals_int(static_cast<int>(std::ranges::count(synced, root + "/blobs")), 1);
}
GST_END_TEST

GST_START_TEST(test_blob_whose_row_failed_stays) {
  const TemporaryFolder folder;
  const auto store = open_in(folder);
  sqlite3* raw = nullptr;
  sqlite3_open((folder.path() + "/store/index.sqlite").c_str(), &raw);
  const sqlite::Database index(raw);
  const auto run = [&](const char* sql) {
    fail_unless(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr) == SQLITE_OK, "%s", sql);
  };
  run("CREATE TRIGGER broken BEFORE INSERT ON blobs BEGIN SELECT RAISE(ABORT, 'broken'); END");
  fail_if(static_cast<bool>(store->put(key_of(1), blob_of(1, 500), nullptr)));
  fail_unless_equals_uint64(*store->bytes(), 0);
  run("DROP TRIGGER broken");
  fail_unless(has(*store, 1, 500));
  fail_unless_equals_uint64(*store->bytes(), 500);
}
GST_END_TEST

GST_START_TEST(test_damaged_index_is_made_anew) {
  const TemporaryFolder folder;
  fail_unless_ok(open_in(folder)->put(key_of(1), blob_of(1, 500), nullptr));
  const std::string path = folder.path() + "/store";
  fail_unless(g_file_set_contents((path + "/index.sqlite").c_str(), std::string(8192, 'x').c_str(),
                                  8192, nullptr));
  fail_unless_error(FolderStore::open(path), "remove it, and it is made anew", "damaged");
  fail_unless_ok(FolderStore::renew_index(path));
  const auto store = open_in(folder);
  fail_unless_equals_uint64(checked(*store, true).without_row, 1);
  fail_unless_equals_uint64(*store->bytes(), 500);
  fail_unless(has(*store, 1, 500));
}
GST_END_TEST

GST_START_TEST(test_least_recently_used_goes_first) {
  const TemporaryFolder folder;
  LimitedStore store(open_in(folder), 1000);
  for (std::uint64_t i = 0; i < 9; ++i) {
    now += 100;
    fail_unless_ok(store.put(key_of(i), blob_of(i, 100), nullptr));
  }
  now += 100;
  fail_unless(has(store, 0, 100));
  fail_unless_ok(store.put(key_of(9), blob_of(9, 100), nullptr));
  fail_unless_equals_uint64(listed(store).size(), 10);
  fail_unless_ok(store.put(key_of(10), blob_of(10, 100), nullptr));
  fail_unless(has(store, 0, 100));
  fail_unless(lacks(store, 1));
  fail_unless(lacks(store, 2));
  fail_unless(has(store, 3, 100));
  fail_unless_equals_uint64(files_in(folder.path() + "/store/tmp"), 0);
  const auto larger = store.put(key_of(11), blob_of(11, 1001), nullptr);
  fail_unless_error(larger, "larger than the limit", "large");
  fail_unless(larger.failure().fault == StoreFault::kTooLarge);
}
GST_END_TEST

GST_START_TEST(test_what_a_living_process_holds_is_not_evicted) {
  const TemporaryFolder folder;
  const auto store = open_in(folder);
  for (std::uint64_t i = 0; i < 6; ++i)
    fail_unless_ok(store->put(key_of(i), blob_of(i, 100), nullptr));
  const pid_t child = fork_to([&] {
    static std::unique_ptr<FolderStore> other = open_in(folder);
    const std::vector<BlobKey> keys{key_of(1), key_of(2), key_of(40)};
    if (!other->hold(keys))
      _exit(1);
  });
  const BlobKey own = key_of(3);
  fail_unless_ok(store->hold({&own, 1}));
  fail_unless_ok(store->evict(0, nullptr));
  fail_unless_equals_uint64(*store->bytes(), 300);
  fail_unless(has(*store, 1, 100) && has(*store, 2, 100) && has(*store, 3, 100));
  kill_hard(child);
  fail_unless_ok(store->evict(0, nullptr));
  fail_unless_equals_uint64(*store->bytes(), 100);
  fail_unless(has(*store, 3, 100));
  fail_unless_equals_uint64(files_in(folder.path() + "/store/holders"), 1);
}
GST_END_TEST

GST_START_TEST(test_hold_ends_with_its_store) {
  const TemporaryFolder folder;
  const auto store = open_in(folder);
  fail_unless_ok(store->put(key_of(1), blob_of(1, 100), nullptr));
  {
    const auto other = open_in(folder);
    const BlobKey key = key_of(1);
    fail_unless_ok(other->hold({&key, 1}));
    fail_unless_ok(store->evict(0, nullptr));
    fail_unless(has(*store, 1, 100));
  }
  fail_unless_ok(store->evict(0, nullptr));
  fail_unless(lacks(*store, 1));
  fail_unless_equals_uint64(files_in(folder.path() + "/store/holders"), 0);
}
GST_END_TEST

GST_START_TEST(test_what_a_killed_process_was_writing_is_removed) {
  const TemporaryFolder folder;
  open_in(folder);
  const std::string tmp = folder.path() + "/store/tmp";
  const pid_t child = fork_to([&] {
    static auto file = LockedFile::create(tmp);
    if (!file || write(file->fd(), "half", 4) != 4)
      _exit(1);
  });
  open_in(folder);
  fail_unless_equals_uint64(files_in(tmp), 1);
  kill_hard(child);
  open_in(folder);
  fail_unless_equals_uint64(files_in(tmp), 0);
}
GST_END_TEST

// Of a disk that is full at this and at that byte.
GST_START_TEST(test_full_disk_leaves_nothing_half_written) {
  const TemporaryFolder folder;
  const std::string small = folder.path() + "/small";
  if (g_mkdir(small.c_str(), 0700) != 0 ||
      mount("none", small.c_str(), "tmpfs", 0, "size=1m") != 0) {
    g_printerr("no right to mount a small disk: the full disk is not tried\n");
    return;
  }
  {
    auto store = FolderStore::open(small + "/store");
    fail_unless_ok(store);
    StoreFault fault = StoreFault::kUnavailable;
    std::size_t size = 300'000;
    std::uint64_t stored = 0;
    for (std::uint64_t i = 0; i < 500 && size > 100; ++i) {
      const auto status = (*store)->put(key_of(i), blob_of(i, size), nullptr);
      if (status) {
        ++stored;
        continue;
      }
      fault = status.failure().fault;
      fail_unless(fault == StoreFault::kFull, "%s", status.error().c_str());
      fail_unless(lacks(**store, i) || has(**store, i, size));
      size /= 2;
    }
    fail_unless(fault == StoreFault::kFull && stored > 2);
    fail_unless_equals_uint64(files_in(small + "/store/tmp"), 0);
    const auto report = (*store)->check(false, nullptr);
    fail_unless_ok(report);
    // A blob is whole that came in when the index had no room for its row.
    fail_unless_equals_uint64(report->other_size + report->without_blob, 0);
    fail_unless(report->blobs >= stored);
  }
  umount(small.c_str());
}
GST_END_TEST

GST_START_TEST(test_a_folder_that_cannot_be_made) {
  const auto store = FolderStore::open("/proc/no/such");
  fail_unless_error(store, "/proc/no/such", "proc");
}
GST_END_TEST

static Suite* folder_store_suite() {
  Suite* suite = suite_create("folder_store");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_folder_is_a_store);
  tcase_add_test(tcase, test_blobs_outlive_the_process);
  tcase_add_test(tcase, test_index_follows_the_blobs);
  tcase_add_test(tcase, test_check_finds_and_repair_mends);
  tcase_add_test(tcase, test_names_of_folders_are_synced_once_by_each_process);
  tcase_add_test(tcase, test_blob_whose_row_failed_stays);
  tcase_add_test(tcase, test_damaged_index_is_made_anew);
  tcase_add_test(tcase, test_least_recently_used_goes_first);
  tcase_add_test(tcase, test_what_a_living_process_holds_is_not_evicted);
  tcase_add_test(tcase, test_hold_ends_with_its_store);
  tcase_add_test(tcase, test_what_a_killed_process_was_writing_is_removed);
  tcase_add_test(tcase, test_full_disk_leaves_nothing_half_written);
  tcase_add_test(tcase, test_a_folder_that_cannot_be_made);
  return suite;
}

GST_CHECK_MAIN(folder_store)
