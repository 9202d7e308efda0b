// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The store that a command looks after.
#pragma once

#include <memory>
#include <string>

#include "gst/io/folder_store.h"
#include "tools/gst-dist/command.h"

namespace dist::tool {

struct OpenedStore {
  std::string name;  // As messages may show it.
  std::unique_ptr<BlobStore> store;
  FolderStore* folder = nullptr;  // The same, if it is a folder.

  // A look at a blob, which is no use of it where the store knows uses.
  StoreResult<std::optional<BytesList>> read(const BlobKey& key) const;
};

// A store that is there. An error names the store.
StoreResult<OpenedStore> open_existing(const std::string& text);
// The same, and makes the folder if there is none.
StoreResult<OpenedStore> open_or_make(const std::string& text);

// Says it. Returns the exit code of a command that failed because of it.
int fail(const StoreError& error);

}  // namespace dist::tool
