// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/folder_place.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "gst/base/glib_error.h"
#include "gst/io/locked_file.h"

namespace dist {
namespace {

constexpr char kSubject[] = "output";

StoreError failed(const std::string& path, int error) {
  return errno_error(std::string(kSubject) + ": " + path, error);
}

}  // namespace

StoreResult<std::unique_ptr<FolderPlace>> FolderPlace::open(const std::string& folder) {
  std::unique_ptr<FolderPlace> place(new FolderPlace(folder));
  if (g_mkdir_with_parents(folder.c_str(), 0777) != 0)
    return failed(folder, errno);
  if (::mkdir(place->parts().c_str(), 0700) != 0 && errno != EEXIST)
    return failed(folder, errno);
  LockedFile::remove_abandoned(place->parts());
  return place;
}

// Another process may still write into it; then it is not empty, and stays.
FolderPlace::~FolderPlace() {
  ::rmdir(parts().c_str());
}

StoreStatus FolderPlace::make_folder(const std::string& path) {
  {
    const MutexLock lock(lock_);
    if (made_.contains(path))
      return kStoreOk;
  }
  if (g_mkdir_with_parents(path.c_str(), 0777) != 0)
    return failed(path, errno);
  if (auto status = sync_folder(folder_, kSubject); !status)
    return status;
  const MutexLock lock(lock_);
  made_.insert(path);
  return kStoreOk;
}

StoreStatus FolderPlace::put(const std::string& name, const BytesList& bytes, const FileHeaders&,
                             GCancellable* cancellable) {
  const std::string path = folder_ + "/" + name;
  const std::string above = path.substr(0, path.rfind('/'));
  if (auto status = make_folder(above); !status)
    return status;
  // Another process that ended may have removed it.
  if (::mkdir(parts().c_str(), 0700) != 0 && errno != EEXIST)
    return failed(folder_, errno);
  auto file = LockedFile::create(parts(), kSubject);
  if (!file)
    return file.failure();
  if (auto status = file->write(bytes, cancellable); !status)
    return status;
  if (::fsync(file->fd()) != 0)
    return failed(parts(), errno);
  if (::rename(file->path().c_str(), path.c_str()) != 0)
    return failed(path, errno);
  file->renamed();
  return sync_folder(above, kSubject);
}

StoreStatus FolderPlace::remove(const std::string& name, GCancellable*) {
  const std::string path = folder_ + "/" + name;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return failed(path, errno);
  return kStoreOk;
}

StoreResult<std::optional<std::uint64_t>> FolderPlace::size(const std::string& name,
                                                            GCancellable*) {
  const std::string path = folder_ + "/" + name;
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0)
    return std::optional(static_cast<std::uint64_t>(info.st_size));
  if (errno == ENOENT || errno == ENOTDIR)
    return std::optional<std::uint64_t>();
  return failed(path, errno);
}

StoreResult<std::optional<BytesList>> FolderPlace::get(const std::string& name,
                                                       GCancellable* cancellable) {
  const auto bytes = size(name, cancellable);
  if (!bytes)
    return bytes.failure();
  if (!*bytes)
    return std::optional<BytesList>();
  const std::string path = folder_ + "/" + name;
  if (**bytes > kMaxPlaylist)
    return StoreError{std::string(kSubject) + ": " + path + ": too large for a playlist",
                      StoreFault::kRefused};
  gchar* text = nullptr;
  gsize length = 0;
  GLibError error;
  if (!g_file_get_contents(path.c_str(), &text, &length, error.out()))
    return StoreError{std::string(kSubject) + ": " + error.message()};
  return std::optional(BytesList{Bytes::adopt(g_bytes_new_take(text, length))});
}

}  // namespace dist
