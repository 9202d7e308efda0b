// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A store as one file, which any reader of CARs can check: `store export` and `store import`
// (docs/design/store.md, "Export"). Both print, and return an exit code.
#pragma once

#include <string>

#include <cstdint>
#include <optional>
#include <string>

#include "tools/gst-dist/store/opened_store.h"

namespace dist::tool {

// Writes all stored results; what is damaged is left out, with a warning. The file gets its name
// once it is complete; after a signal there is none.
int export_store(const OpenedStore& store, const std::string& file, bool replace);
// Puts what the store lacks, and evicts down to the limit, if there is one. Makes the store, if
// need be, once the file was read. Stops at the first that is wrong; what came before stays.
int import_store(const std::string& store, const std::string& file,
                 std::optional<std::uint64_t> limit);

}  // namespace dist::tool
