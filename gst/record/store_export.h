// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the root of an exported store lists: docs/design/store.md, "Export".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gst/base/result.h"
#include "gst/record/block.h"
#include "gst/record/manifest.h"

namespace dist::record {

inline constexpr char kExportFormat[] = "gst-dist store";
inline constexpr std::uint64_t kExportVersion = 1;
// Of an export that is read.
inline constexpr std::size_t kMaxExported = 4u << 20;

struct Exported {
  std::array<std::uint8_t, 32> key = {};
  Blob blob;

  bool operator==(const Exported&) const = default;
};

// Hands out the blocks that list these, the root last, and gives the root's CID.
Result<Cid> write_export(const std::vector<Exported>& entries, const PutBlock& put);

// Refuses whatever write_export() would not have written. Does not ask for the blobs.
Result<std::vector<Exported>> read_export(const Cid& root, const GetBlock& get);

}  // namespace dist::record
