// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/default_store.h"

#include <glib.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "gst/io/folder_store.h"
#include "gst/io/locked_file.h"
#include "gst/io/open_store.h"

namespace dist::tool {

std::string default_store_folder() {
  return std::string(g_get_user_cache_dir()) + "/gst-dist/results";
}

std::uint64_t default_store_limit(std::uint64_t used, std::uint64_t free) {
  const std::uint64_t room = used < kDefaultStoreLimit ? kDefaultStoreLimit - used : 0;
  const std::uint64_t limit = std::min(used, kDefaultStoreLimit) + std::min(room, free / 2);
  return std::max<std::uint64_t>(limit, 1);
}

StoreResult<DefaultStore> prepare_default_store() {
  const std::string folder = default_store_folder();
  if (g_mkdir_with_parents(folder.c_str(), 0700) != 0)
    return errno_error("store: " + folder, errno);
  const auto opened = FolderStore::open(folder);
  if (!opened)
    return opened.failure();
  const auto used = (*opened)->bytes();
  if (!used)
    return used.failure();
  struct statvfs system {};
  if (::statvfs(folder.c_str(), &system) != 0)
    return errno_error("store: " + folder, errno);
  const std::uint64_t free = std::uint64_t{system.f_bavail} * system.f_frsize;
  return DefaultStore{store_of_folder(folder), default_store_limit(*used, free)};
}

}  // namespace dist::tool
