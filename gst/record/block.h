// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Blocks: bytes under their content identifier, and how this room asks for them and hands them out.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/record/cid.h"

namespace dist::record {

// What is written has no larger blocks.
inline constexpr std::size_t kMaxBlock = 1u << 20;
// Nor is a larger one read: other software writes up to 2 MiB.
inline constexpr std::size_t kMaxForeignBlock = 2u << 20;

struct Block {
  Cid cid;
  Bytes bytes;
};

// The bytes of that block, which the caller checks; nothing if the store lacks the block; an error
// if the store cannot be read.
using GetBlock = std::function<Result<std::optional<Bytes>>(const Cid&)>;
// Takes a block; an error ends what hands out blocks.
using PutBlock = std::function<Status(const Block&)>;

Block make_block(Codec codec, Bytes bytes);

// The block, whose bytes are those that the CID names and no more than kMaxForeignBlock.
Result<Bytes> get_verified(const GetBlock& get, const Cid& cid);

}  // namespace dist::record
