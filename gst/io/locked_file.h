// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files whose maker still lives: they are locked (flock) until the descriptor is closed, which the
// kernel does too, however the process ends.
#pragma once

#include <string>
#include <utility>

#include "gst/io/blob_store.h"

namespace dist {

// Closes the descriptor at the end.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

class LockedFile {
 public:
  // A new file with a random name. Errors begin with the subject.
  static StoreResult<LockedFile> create(const std::string& folder,
                                        const std::string& subject = "store");
  LockedFile(LockedFile&&) noexcept = default;
  LockedFile& operator=(LockedFile&&) = delete;
  // Removes the file, unless it has another name by now.
  ~LockedFile();

  int fd() const { return fd_.get(); }
  // Appends. Nothing is synced.
  StoreStatus write(const BytesList& bytes, GCancellable* cancellable);
  const std::string& name() const { return name_; }
  std::string path() const { return folder_ + "/" + name_; }
  // The caller has renamed it.
  void renamed() { name_.clear(); }

  // False if it is not there, or its maker has ended. Changes nothing, and needs no right to write.
  static bool is_alive(const std::string& folder, const std::string& name);
  // Removes it if its maker has ended. False if its maker lives, or that cannot be found out.
  static bool remove_if_abandoned(const std::string& folder, const std::string& name);
  // Removes those whose makers have ended.
  static void remove_abandoned(const std::string& folder);

 private:
  LockedFile(std::string folder, std::string name, std::string subject, FileDescriptor fd)
      : folder_(std::move(folder)),
        name_(std::move(name)),
        subject_(std::move(subject)),
        fd_(std::move(fd)) {}

  std::string folder_;
  std::string name_;
  std::string subject_;  // With the folder.
  FileDescriptor fd_;
};

// Waits until the disk has the names of a folder's files.
StoreStatus sync_folder(const std::string& path, const std::string& subject = "store");

// What the value of errno says of a call that failed; the fault is full for ENOSPC and EDQUOT,
// refused for missing rights and folders.
StoreError errno_error(const std::string& subject, int error);

}  // namespace dist
