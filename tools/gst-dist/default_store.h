// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where results are kept if the user names no store.
#pragma once

#include <cstdint>
#include <string>

#include "gst/io/blob_store.h"

namespace dist::tool {

// Bytes that it may hold at most.
inline constexpr std::uint64_t kDefaultStoreLimit = std::uint64_t{10} << 30;

// A folder in the user's cache; it need not be there.
std::string default_store_folder();

// Bytes that it may hold while it holds `used` and the file system has `free` left: half of these
// stay for the outputs. Never 0, which would be no limit.
std::uint64_t default_store_limit(std::uint64_t used, std::uint64_t free);

struct DefaultStore {
  std::string name;  // As remoteenc takes it.
  std::uint64_t limit = kDefaultStoreLimit;
};
// Makes it if need be. An error if it cannot be used.
StoreResult<DefaultStore> prepare_default_store();

}  // namespace dist::tool
