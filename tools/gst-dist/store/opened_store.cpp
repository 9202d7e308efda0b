// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/store/opened_store.h"

#include <glib.h>

#include <cerrno>
#include <utility>

#include "gst/base/text.h"
#include "gst/io/locked_file.h"
#include "gst/io/open_store.h"
#include "tools/gst-dist/advice.h"

namespace dist::tool {
namespace {

StoreResult<OpenedStore> open_one(const std::string& text) {
  if (text.find(',') != std::string::npos)
    return StoreError{"store '" + shown_store(text) +
                          "': several stores; give one of them, or a folder with a comma as "
                          "file:///FOLDER with %2C",
                      StoreFault::kRefused};
  auto store = open_bare_store(text);
  if (!store)
    return store.failure();
  auto* const folder = dynamic_cast<FolderStore*>(store->get());
  return OpenedStore{shown_store(text), std::move(*store), folder};
}

}  // namespace

StoreResult<std::optional<BytesList>> OpenedStore::read(const BlobKey& key) const {
  return folder ? folder->read(key, UINT64_MAX, nullptr) : store->get(key, nullptr);
}

StoreResult<OpenedStore> open_existing(const std::string& text) {
  const auto folder = folder_of_store(text);
  if (folder && text.find(',') == std::string::npos &&
      !g_file_test((*folder + "/blobs").c_str(), G_FILE_TEST_IS_DIR))
    return StoreError{"store: " + *folder + ": there is no store", StoreFault::kRefused};
  return open_one(text);
}

StoreResult<OpenedStore> open_or_make(const std::string& text) {
  if (const auto folder = folder_of_store(text);
      folder && g_mkdir_with_parents(folder->c_str(), 0700) != 0)
    return errno_error("store: " + *folder, errno);
  return open_one(text);
}

int fail(const StoreError& error) {
  say_error(advised(error));
  switch (error.fault) {
    case StoreFault::kRefused:
      return kNoInput;
    case StoreFault::kFull:
      return kNoOutput;
    default:
      return kFailed;
  }
}

}  // namespace dist::tool
