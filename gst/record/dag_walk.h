// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What belongs to a root: every block that links reach, each checked.
#pragma once

#include <cstdint>
#include <vector>

#include "gst/base/result.h"
#include "gst/record/block.h"
#include "gst/record/cid.h"

namespace dist::record {

// Links above a block, and blocks, beyond which a DAG is refused. The walk remembers each block in
// about 100 bytes.
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::uint64_t kMaxDagBlocks = 4u << 20;

enum class Scope : std::uint8_t {
  kAll,
  // DAG-CBOR blocks only: the manifest without what it lists. Other links are not asked for.
  kManifest,
};

struct DagSize {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
};

// The links of a block, in their order. The bytes must be those that the CID names.
Result<std::vector<Cid>> links_of(const Block& block);

// Gives each block that the root reaches to `visit`, once, depth first in the order of links. Fails
// for a block that is missing, is not what its CID names, or cannot be decoded.
Result<DagSize> walk_dag(const Cid& root, Scope scope, const GetBlock& get, const PutBlock& visit);

}  // namespace dist::record
