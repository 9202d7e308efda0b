// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Locks: lock_ of the store before that of the index. Neither is held while a blob is read or
// written.
#include "gst/io/folder_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "gst/io/store_jobs.h"

namespace dist {
namespace {

// A use is noted again only when it is so much later: reading shall cost no write.
constexpr std::int64_t kUseGrain = 60;
// Bytes between two looks at the cancellable.
constexpr std::size_t kChunk = 4u << 20;
// Rows in one transaction, so that others need not wait long.
constexpr unsigned kBatch = 64;
constexpr unsigned kPage = 1000;

StoreError cancelled(const std::string& folder) {
  return {"store: " + folder + ": cancelled", StoreFault::kCancelled};
}

StoreStatus make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error("store: " + path, errno);
  return kStoreOk;
}

// Into memory: a mapping would change, or end the process, when somebody changes the file.
StoreResult<BytesList> read_all(int fd, std::uint64_t size, const std::string& path,
                                GCancellable* cancellable) {
  // An empty one, which passes no check.
  if (size > kMaxBlob)
    return BytesList{};
  auto* const data = static_cast<std::uint8_t*>(g_try_malloc(std::max<std::uint64_t>(size, 1)));
  if (!data)
    return StoreError{"store: " + path + ": no memory for " + std::to_string(size) + " bytes"};
  std::uint64_t filled = 0;
  ssize_t got = 1;
  while (filled < size && got != 0) {
    got = is_cancelled(cancellable)
              ? -2
              : ::read(fd, data + filled, std::min<std::uint64_t>(size - filled, kChunk));
    if (got == -1 && errno == EINTR)
      continue;
    if (got < 0) {
      const int error = errno;
      g_free(data);
      return got == -2 ? cancelled(path) : errno_error("store: " + path, error);
    }
    filled += static_cast<std::uint64_t>(got);
  }
  return BytesList{Bytes::adopt(g_bytes_new_take(data, filled))};
}

// One process at a time makes or opens the index.
StoreResult<FileDescriptor> lock_folder(const std::string& folder) {
  const std::string path = folder + "/lock";
  FileDescriptor fd(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666));
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0)
    return errno_error("store: " + path, errno);
  return fd;
}

std::string index_path(const std::string& folder) {
  return folder + "/index.sqlite";
}

// And which file that was.
StoreResult<std::unique_ptr<StoreIndex>> open_index(const std::string& folder, struct stat& file) {
  const auto lock = lock_folder(folder);
  if (!lock)
    return lock.failure();
  auto index = StoreIndex::open(index_path(folder));
  if (::stat(index_path(folder).c_str(), &file) != 0 && index)
    return errno_error("store: " + index_path(folder), errno);
  return index;
}

}  // namespace

std::int64_t FolderStore::wall_clock() {
  return std::time(nullptr);
}

StoreResult<std::unique_ptr<FolderStore>> FolderStore::open(const std::string& folder,
                                                            Clock clock) {
  for (const char* part : {"", "/blobs", "/tmp", "/holders", "/jobs"})
    if (auto status = make_folder(folder + part); !status)
      return status.failure();
  if (auto status = sync_folder(folder); !status)
    return status.failure();
  const auto lock = lock_folder(folder);
  if (!lock)
    return lock.failure();
  auto index = StoreIndex::open(index_path(folder));
  if (!index)
    return index.failure();
  LockedFile::remove_abandoned(folder + "/tmp");
  remove_old_journals(folder, wall_clock());
  return std::unique_ptr<FolderStore>(new FolderStore(folder, std::move(clock), std::move(*index)));
}

// Another process may have made it anew meanwhile.
StoreStatus FolderStore::renew_index(const std::string& folder) {
  const std::string index = index_path(folder);
  struct stat verified {};
  {
    const auto opened = open_index(folder, verified);
    // Without the lock: jobs that open the store would wait until all of the index was read.
    const auto status = opened ? (*opened)->verify() : StoreStatus(opened.failure());
    if (status || status.failure().fault != StoreFault::kDamaged)
      return status;
  }
  const auto lock = lock_folder(folder);
  if (!lock)
    return lock.failure();
  struct stat now {};
  if (::stat(index.c_str(), &now) != 0 || now.st_ino != verified.st_ino ||
      now.st_dev != verified.st_dev)
    return kStoreOk;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string path = index + suffix;
    if (::rename(path.c_str(), (path + ".damaged").c_str()) != 0 && errno != ENOENT)
      return errno_error("store: " + path, errno);
  }
  return kStoreOk;
}

FolderStore::~FolderStore() {
  const MutexLock lock(lock_);
  if (!holder_)
    return;
  // Before the holder: without one it would be that of a killed process.
  ::unlink((folder_ + "/jobs/" + holder_->name()).c_str());
  (void)index_->release(holder_->name());
}

std::string FolderStore::path_of(const BlobKey& key) const {
  const std::string name = key_text(key);
  return folder_ + "/blobs/" + name.substr(0, 2) + "/" + name.substr(2);
}

StoreResult<std::optional<BytesList>> FolderStore::read(const BlobKey& key, std::uint64_t most,
                                                        GCancellable* cancellable) {
  const std::string path = path_of(key);
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT)
    return std::optional<BytesList>();
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0)
    return errno_error("store: " + path, errno);
  auto blob = read_all(fd.get(), std::min(most, static_cast<std::uint64_t>(status.st_size)), path,
                       cancellable);
  if (!blob)
    return blob.failure();
  return std::optional(std::move(*blob));
}

StoreResult<std::optional<BytesList>> FolderStore::get(const BlobKey& key,
                                                       GCancellable* cancellable) {
  auto blob = read(key, UINT64_MAX, cancellable);
  if (!blob)
    return blob.failure();
  if (!*blob) {
    const auto row = index_->find(key);
    if (!row)
      return row.failure();
    if (*row)
      if (const auto found = adopt(key); !found)
        return found.failure();
    return std::optional<BytesList>();
  }
  const std::int64_t now = clock_();
  const auto row = index_->find(key);
  if (!row)
    return row.failure();
  if (!*row)
    (void)adopt(key);
  else if ((*row)->used + kUseGrain <= now)
    (void)index_->touch(key, now);
  return blob;
}

// Makes the row say what the disk says, which is returned.
StoreResult<bool> FolderStore::adopt(const BlobKey& key) {
  bool there = false;
  const auto status =
      index_->update(key, clock_(), [&]() -> StoreResult<std::optional<std::uint64_t>> {
        struct stat file {};
        there = ::stat(path_of(key).c_str(), &file) == 0;
        if (!there)
          return std::optional<std::uint64_t>();
        return std::optional(static_cast<std::uint64_t>(file.st_size));
      });
  if (!status)
    return status.failure();
  return there;
}

StoreStatus FolderStore::put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) {
  auto file = LockedFile::create(folder_ + "/tmp");
  if (!file)
    return file.failure();
  if (auto status = file->write(blob, cancellable); !status)
    return status;
  if (::fsync(file->fd()) != 0)
    return errno_error("store: " + folder_, errno);
  const std::string path = path_of(key);
  const std::string folder = path.substr(0, path.rfind('/'));
  if (auto status = make_prefix(key[0], folder); !status)
    return status;
  if (auto status = move_in(key, *file, total_size(blob)); !status)
    return status;
  return sync_folder(folder);
}

// Whoever made the folder may have been killed before the sync, so that there is a folder says
// nothing of what a power cut leaves.
StoreStatus FolderStore::make_prefix(std::uint8_t first, const std::string& folder) {
  {
    const MutexLock lock(lock_);
    if (synced_.test(first))
      return kStoreOk;
  }
  if (auto status = make_folder(folder); !status)
    return status;
  if (auto status = sync_folder(folder_ + "/blobs"); !status)
    return status;
  const MutexLock lock(lock_);
  synced_.set(first);
  return kStoreOk;
}

// No eviction in another process can come between the name and its row.
StoreStatus FolderStore::move_in(const BlobKey& key, LockedFile& file, std::uint64_t size) {
  const std::string path = path_of(key);
  // The file stays if the row fails: it may be another put's by then, and get() gives it a row.
  return index_->update(key, clock_(), [&]() -> StoreResult<std::optional<std::uint64_t>> {
    if (::rename(file.path().c_str(), path.c_str()) != 0)
      return errno_error("store: " + path, errno);
    file.renamed();
    return std::optional(size);
  });
}

StoreResult<std::vector<BlobKey>> FolderStore::find_missing(std::span<const BlobKey> keys,
                                                            GCancellable* cancellable) {
  std::vector<BlobKey> missing;
  for (const BlobKey& key : keys) {
    if (is_cancelled(cancellable))
      return cancelled(folder_);
    const auto row = index_->find(key);
    if (!row)
      return row.failure();
    if (*row)
      continue;
    // A process that was killed has made no row.
    if (::access(path_of(key).c_str(), F_OK) != 0) {
      missing.push_back(key);
      continue;
    }
    if (const auto there = adopt(key); !there)
      return there.failure();
    else if (!*there)
      missing.push_back(key);
  }
  return missing;
}

StoreStatus FolderStore::list(const Visit& visit, GCancellable* cancellable) {
  std::optional<BlobKey> after;
  for (;;) {
    if (is_cancelled(cancellable))
      return cancelled(folder_);
    const auto rows = index_->page(after, kPage);
    if (!rows)
      return rows.failure();
    for (const BlobInfo& row : *rows)
      if (!visit(row))
        return kStoreOk;
    if (rows->size() < kPage)
      return kStoreOk;
    after = rows->back().key;
  }
}

StoreStatus FolderStore::remove(const BlobKey& key, GCancellable*) {
  const std::string path = path_of(key);
  return index_->update(key, 0, [&]() -> StoreResult<std::optional<std::uint64_t>> {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return errno_error("store: " + path, errno);
    return std::optional<std::uint64_t>();
  });
}

StoreResult<std::string> FolderStore::holder() {
  const MutexLock lock(lock_);
  if (!holder_) {
    auto file = LockedFile::create(folder_ + "/holders");
    if (!file)
      return file.failure();
    holder_.emplace(std::move(*file));
  }
  return holder_->name();
}

StoreStatus FolderStore::hold(std::span<const BlobKey> keys) {
  const auto name = holder();
  return name ? index_->hold(keys, *name) : StoreStatus(name.failure());
}

// Not synced: after a power cut no job runs.
StoreStatus FolderStore::publish(const Bytes& journal) {
  const auto name = holder();
  if (!name)
    return name.failure();
  auto file = LockedFile::create(folder_ + "/tmp");
  if (!file)
    return file.failure();
  if (auto status = file->write({journal}, nullptr); !status)
    return status;
  const std::string path = folder_ + "/jobs/" + *name;
  if (::rename(file->path().c_str(), path.c_str()) != 0)
    return errno_error("store: " + path, errno);
  file->renamed();
  return kStoreOk;
}

StoreResult<std::uint64_t> FolderStore::bytes() {
  const auto totals = index_->totals();
  if (!totals)
    return totals.failure();
  return totals->bytes;
}

StoreStatus FolderStore::evict(std::uint64_t down_to, GCancellable* cancellable) {
  for (;;) {
    if (is_cancelled(cancellable))
      return cancelled(folder_);
    const auto more = index_->evict(
        down_to, kBatch,
        [&](const std::string& holder) {
          return !LockedFile::remove_if_abandoned(folder_ + "/holders", holder);
        },
        [&](const BlobKey& key) { ::unlink(path_of(key).c_str()); });
    if (!more)
      return more.failure();
    if (!*more)
      return kStoreOk;
  }
}

}  // namespace dist
