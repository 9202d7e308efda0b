// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Index and blobs of a folder store compared.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "gst/io/folder_store.h"

namespace dist {
namespace {

constexpr unsigned kPage = 1000;

struct CloseDir {
  void operator()(GDir* dir) const { g_dir_close(dir); }
};
using Folder = std::unique_ptr<GDir, CloseDir>;

StoreError cancelled() {
  return {"store: check: cancelled", StoreFault::kCancelled};
}

}  // namespace

StoreResult<FolderStore::Report> FolderStore::check(bool repair, GCancellable* cancellable) {
  Report report;
  if (auto status = index_->verify(); !status)
    return status.failure();
  LockedFile::remove_abandoned(folder_ + "/tmp");
  LockedFile::remove_abandoned(folder_ + "/holders");
  if (auto status = check_files(repair, cancellable, report); !status)
    return status.failure();
  if (auto status = check_rows(repair, cancellable, report); !status)
    return status.failure();
  return report;
}

StoreStatus FolderStore::check_files(bool repair, GCancellable* cancellable, Report& report) {
  const std::string root = folder_ + "/blobs";
  const Folder folders(g_dir_open(root.c_str(), 0, nullptr));
  if (!folders)
    return errno_error("store: " + root, errno);
  while (const char* part = g_dir_read_name(folders.get())) {
    const Folder files(g_dir_open((root + "/" + part).c_str(), 0, nullptr));
    if (!files) {
      ++report.strangers;
      continue;
    }
    while (const char* name = g_dir_read_name(files.get())) {
      if (is_cancelled(cancellable))
        return cancelled();
      if (auto status = check_file(part, name, repair, report); !status)
        return status;
    }
  }
  return kStoreOk;
}

StoreStatus FolderStore::check_file(const std::string& folder, const char* name, bool repair,
                                    Report& report) {
  const auto key = key_from_text(folder + name);
  struct stat file {};
  if (!key || ::stat(path_of(*key).c_str(), &file) != 0) {
    // A blob that is not there any more was evicted meanwhile.
    report.strangers += key ? 0 : 1;
    return kStoreOk;
  }
  ++report.blobs;
  report.bytes += static_cast<std::uint64_t>(file.st_size);
  const auto row = index_->find(*key);
  if (!row)
    return row.failure();
  const bool fits = *row && (*row)->size == static_cast<std::uint64_t>(file.st_size);
  if (fits)
    return kStoreOk;
  ++(*row ? report.other_size : report.without_row);
  if (repair)
    if (const auto adopted = adopt(*key); !adopted)
      return adopted.failure();
  return kStoreOk;
}

StoreStatus FolderStore::check_rows(bool repair, GCancellable* cancellable, Report& report) {
  std::optional<BlobKey> after;
  for (;;) {
    if (is_cancelled(cancellable))
      return cancelled();
    const auto rows = index_->page(after, kPage);
    if (!rows)
      return rows.failure();
    for (const BlobInfo& row : *rows) {
      if (::access(path_of(row.key).c_str(), F_OK) == 0)
        continue;
      ++report.without_blob;
      if (repair)
        if (const auto adopted = adopt(row.key); !adopted)
          return adopted.failure();
    }
    if (rows->size() < kPage)
      return kStoreOk;
    after = rows->back().key;
  }
}

}  // namespace dist
