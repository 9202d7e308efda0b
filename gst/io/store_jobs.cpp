// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/store_jobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "gst/io/locked_file.h"

namespace dist {
namespace {

constexpr std::int64_t kKept = 24 * 3600;  // Seconds.
// No journal is larger.
constexpr off_t kMaxJournal = 4 << 20;

struct CloseDir {
  void operator()(GDir* dir) const { g_dir_close(dir); }
};

// The journals' names, which are those of the holders.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<GDir, CloseDir> dir(g_dir_open(folder.c_str(), 0, nullptr));
  while (const char* name = dir ? g_dir_read_name(dir.get()) : nullptr)
    names.emplace_back(name);
  return names;
}

// None if there is none, or it is nothing that a job has written.
std::optional<Bytes> read_file(const std::string& path) {
  // A FIFO would wait for a writer.
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat file {};
  if (!fd || ::fstat(fd.get(), &file) != 0 || !S_ISREG(file.st_mode) || file.st_size > kMaxJournal)
    return std::nullopt;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(file.st_size));
  for (std::size_t filled = 0; filled < bytes.size();) {
    const ssize_t got = ::read(fd.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return std::nullopt;
    filled += static_cast<std::size_t>(got);
  }
  return Bytes::take(std::move(bytes));
}

}  // namespace

StoreResult<std::vector<StoreJob>> jobs_of_store(const std::string& folder) {
  if (::access((folder + "/blobs").c_str(), R_OK) != 0)
    return errno_error("store: " + folder, errno);
  std::vector<StoreJob> jobs;
  for (const std::string& name : names_in(folder + "/jobs")) {
    const auto bytes = read_file(folder + "/jobs/" + name);
    // Its job may have ended meanwhile.
    if (!bytes)
      continue;
    auto journal = read_journal(*bytes);
    // After the read: a job that ends removes the journal first.
    const bool runs = LockedFile::is_alive(folder + "/holders", name);
    if (journal && (runs || ::access((folder + "/jobs/" + name).c_str(), F_OK) == 0))
      jobs.push_back({runs, std::move(*journal)});
  }
  std::ranges::stable_sort(jobs, {}, [](const StoreJob& job) { return job.journal.began; });
  return jobs;
}

void remove_old_journals(const std::string& folder, std::int64_t now) {
  for (const std::string& name : names_in(folder + "/jobs")) {
    const std::string path = folder + "/jobs/" + name;
    struct stat file {};
    if (::stat(path.c_str(), &file) == 0 && file.st_mtime + kKept < now &&
        LockedFile::remove_if_abandoned(folder + "/holders", name))
      ::unlink(path.c_str());
  }
}

}  // namespace dist
