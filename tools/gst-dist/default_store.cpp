// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/default_store.h"

#include <glib.h>

#include <cerrno>

#include "gst/io/folder_store.h"
#include "gst/io/locked_file.h"
#include "gst/io/open_store.h"

namespace dist::tool {

std::string default_store_folder() {
  return std::string(g_get_user_cache_dir()) + "/gst-dist/results";
}

StoreResult<std::string> prepare_default_store() {
  const std::string folder = default_store_folder();
  if (g_mkdir_with_parents(folder.c_str(), 0700) != 0)
    return errno_error("store: " + folder, errno);
  if (const auto opened = FolderStore::open(folder); !opened)
    return opened.failure();
  return store_of_folder(folder);
}

}  // namespace dist::tool
