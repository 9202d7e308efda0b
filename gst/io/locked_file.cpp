// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gst/base/text.h"

namespace dist {
namespace {

// Bytes between two looks at the cancellable.
constexpr std::size_t kChunk = 4u << 20;

// Whether the open file is still the one of that name.
bool has_name(int fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

StoreResult<LockedFile> LockedFile::create(const std::string& folder, const std::string& subject) {
  const std::string where = subject + ": " + folder;
  for (;;) {
    const std::string name = take_string(g_uuid_string_random());
    const std::string path = folder + "/" + name;
    FileDescriptor fd(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666));
    // Processes that were forked draw the same names.
    if (!fd && errno == EEXIST)
      continue;
    if (!fd)
      return errno_error(where, errno);
    if (::flock(fd.get(), LOCK_EX) != 0)
      return errno_error(where + ": lock", errno);
    // Before it was locked somebody may have taken it for an abandoned one.
    if (has_name(fd.get(), path))
      return LockedFile(folder, name, where, std::move(fd));
  }
}

LockedFile::~LockedFile() {
  if (fd_ && !name_.empty())
    ::unlink(path().c_str());
}

StoreStatus LockedFile::write(const BytesList& bytes, GCancellable* cancellable) {
  for (const Bytes& piece : bytes) {
    auto rest = piece.span();
    while (!rest.empty()) {
      if (is_cancelled(cancellable))
        return StoreError{subject_ + ": cancelled", StoreFault::kCancelled};
      const ssize_t written = ::write(fd_.get(), rest.data(), std::min(rest.size(), kChunk));
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return errno_error(subject_, errno);
      rest = rest.subspan(static_cast<std::size_t>(written));
    }
  }
  return kStoreOk;
}

bool LockedFile::is_alive(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  // Shared: those who look at the same time must not take each other for the maker.
  return fd ? ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 : errno != ENOENT;
}

bool LockedFile::remove_if_abandoned(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  const FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd)
    return errno == ENOENT;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return false;
  if (has_name(fd.get(), path))
    ::unlink(path.c_str());
  return true;
}

void LockedFile::remove_abandoned(const std::string& folder) {
  GDir* const dir = g_dir_open(folder.c_str(), 0, nullptr);
  if (!dir)
    return;
  while (const char* name = g_dir_read_name(dir))
    remove_if_abandoned(folder, name);
  g_dir_close(dir);
}

StoreStatus sync_folder(const std::string& path, const std::string& subject) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0)
    return errno_error(subject + ": " + path, errno);
  return kStoreOk;
}

StoreError errno_error(const std::string& subject, int error) {
  StoreFault fault = StoreFault::kUnavailable;
  if (error == ENOSPC || error == EDQUOT)
    fault = StoreFault::kFull;
  else if (error == EACCES || error == EPERM || error == EROFS || error == ENOTDIR ||
           error == ENOENT)
    fault = StoreFault::kRefused;
  return {subject + ": " + g_strerror(error), fault};
}

}  // namespace dist
