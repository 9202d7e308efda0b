// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <set>
#include <string>

#include "gst/base/mutex.h"
#include "gst/io/place.h"

namespace dist {

// Files of a folder, which a web server may serve as they are. They are written in its folder
// ".part" first, which is gone when nothing is being written.
class FolderPlace : public Place {
 public:
  // Makes the folder, and those above it, if there are none.
  static StoreResult<std::unique_ptr<FolderPlace>> open(const std::string& folder);
  ~FolderPlace() override;

  StoreStatus put(const std::string& name, const BytesList& bytes, const FileHeaders& headers,
                  GCancellable* cancellable) override;
  StoreStatus remove(const std::string& name, GCancellable* cancellable) override;
  StoreResult<std::optional<std::uint64_t>> size(const std::string& name,
                                                 GCancellable* cancellable) override;
  StoreResult<std::optional<BytesList>> get(const std::string& name,
                                            GCancellable* cancellable) override;

 private:
  explicit FolderPlace(std::string folder) : folder_(std::move(folder)) {}
  std::string parts() const { return folder_ + "/.part"; }
  StoreStatus make_folder(const std::string& path);

  const std::string folder_;
  Mutex lock_;
  std::set<std::string> made_ GUARDED_BY(lock_);  // Folders, whose names the disk has.
};

}  // namespace dist
