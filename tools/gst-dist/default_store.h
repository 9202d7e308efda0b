// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where results are kept if the user names no store.
#pragma once

#include <cstdint>
#include <string>

#include "gst/io/blob_store.h"

namespace dist::tool {

// Bytes that it may hold.
inline constexpr std::uint64_t kDefaultStoreLimit = std::uint64_t{10} << 30;

// A folder in the user's cache; it need not be there.
std::string default_store_folder();
// Makes it if need be. Returns its name as remoteenc takes it; an error if it cannot be used.
StoreResult<std::string> prepare_default_store();

}  // namespace dist::tool
