// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ten processes at once on one folder, three of which are killed.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "gst/io/folder_store.h"
#include "gst/io/limited_store.h"
#include "tests/io/store_helpers.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr std::uint64_t kSeed = 17;
constexpr int kProcesses = 10;
constexpr int kKilled = 3;
constexpr int kOperations = 1000;
constexpr std::uint64_t kKeys = 200;
constexpr std::uint64_t kLimit = 300'000;

std::size_t size_of(std::uint64_t number) {
  return 500 + number * 37;
}

// Ends the process with 1 if the store says or gives what is wrong. Writes a byte to `progress`
// after each operation; an endless one goes on until it is killed.
void work(const std::string& folder, std::uint64_t seed, int progress, bool endless) {
  Random random(seed);
  auto opened = FolderStore::open(folder);
  if (!opened)
    _exit(1);
  FolderStore* const plain = opened->get();
  LimitedStore store(std::move(*opened), kLimit);
  for (int i = 0; endless || i < kOperations; ++i) {
    const std::uint64_t number = random.below(kKeys);
    const BlobKey key = key_of(number);
    bool good = true;
    switch (random.below(10)) {
      case 0:
        good = static_cast<bool>(store.remove(key, nullptr));
        break;
      case 1:
        good = static_cast<bool>(store.find_missing({&key, 1}, nullptr));
        break;
      case 2:
        good = random.chance(90) || static_cast<bool>(plain->evict(kLimit / 2, nullptr));
        break;
      case 3:
        good = random.chance(98) || static_cast<bool>(store.hold({&key, 1}));
        break;
      case 4:
      case 5:
      case 6: {
        const auto blob = store.get(key, nullptr);
        good = blob && (!*blob || to_data(**blob) == to_data(blob_of(number, size_of(number))));
        break;
      }
      default: {
        const auto status = store.put(key, blob_of(number, size_of(number)), nullptr);
        if (!status)
          g_printerr("%s\n", status.error().c_str());
        good = static_cast<bool>(status);
      }
    }
    if (!good || write(progress, "x", 1) != 1)
      _exit(1);
  }
}

struct Process {
  pid_t pid = 0;
  int progress = -1;
};

Process begin(const std::string& folder, std::uint64_t seed, bool endless) {
  int ends[2];
  fail_unless(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    work(folder, seed, ends[1], endless);
    _exit(0);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

}  // namespace

GST_START_TEST(test_index_and_blobs_agree_whoever_is_killed) {
  const char* const given = g_getenv("DIST_STORE_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : kSeed;
  g_printerr("seed %" G_GUINT64_FORMAT "\n", seed);
  Random random(seed);
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/store";
  std::vector<Process> processes;
  for (int i = 0; i < kProcesses; ++i)
    processes.push_back(begin(path, seed * 100 + static_cast<std::uint64_t>(i), i < kKilled));
  for (int i = 0; i < kProcesses; ++i) {
    char byte = 0;
    std::uint64_t left = i < kKilled ? random.between(20, 500) : UINT64_MAX;
    while (left-- > 0 && read(processes[static_cast<std::size_t>(i)].progress, &byte, 1) == 1) {
    }
    const pid_t pid = processes[static_cast<std::size_t>(i)].pid;
    if (i < kKilled)
      kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    if (i < kKilled)
      fail_unless(WIFSIGNALED(status));
    else
      fail_unless(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d failed", i);
  }

  const auto store = FolderStore::open(path);
  fail_unless_ok(store);
  fail_unless_ok((*store)->check(true, nullptr));
  const auto report = (*store)->check(false, nullptr);
  fail_unless_ok(report);
  fail_unless(report->agrees());
  fail_unless_equals_uint64(*(*store)->bytes(), report->bytes);
  fail_unless_equals_uint64(files_in(path + "/tmp"), 0);
  const auto all = listed(**store);
  fail_unless_equals_uint64(all.size(), report->blobs);
  fail_unless(!all.empty());
  for (std::uint64_t number = 0; number < kKeys; ++number)
    if (all.count(key_of(number)) != 0)
      fail_unless(has(**store, number, size_of(number)));
  // No hold is left.
  fail_unless_ok((*store)->evict(0, nullptr));
  fail_unless_equals_uint64(*(*store)->bytes(), 0);
}
GST_END_TEST

static Suite* folder_processes_suite() {
  Suite* suite = suite_create("folder_processes");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 110);
  tcase_add_test(tcase, test_index_and_blobs_agree_whoever_is_killed);
  return suite;
}

GST_CHECK_MAIN(folder_processes)
