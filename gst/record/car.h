// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// CARv1: a header that names the root, then blocks, one section each. Its end proves nothing:
// whether all blocks are there is what walk_dag() (dag_walk.h) tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/record/block.h"
#include "gst/record/cid.h"

namespace dist::record {

// A longer header is refused; one with a single root has 59 bytes.
inline constexpr std::size_t kMaxCarHeader = 4096;

// What a CAR begins with.
Bytes car_header(const Cid& root);

// A block's section. The block's bytes are the last piece, not copied.
BytesList car_section(const Block& block);

// Fills the beginning of the span and tells how many bytes; 0 is the end.
using ByteSource = std::function<Result<std::size_t>(std::span<std::uint8_t>)>;

// Reads the sections of a CAR one after another, in memory for one block. After an error nothing
// more is read.
class CarReader {
 public:
  explicit CarReader(ByteSource source) : source_(std::move(source)) {}

  // Reads the header; once, before any block. The root need not be among the blocks.
  Result<Cid> read_root();
  // The next block, whose bytes are those that its CID names; nothing at the end. A block may come
  // more than once.
  Result<std::optional<Block>> next();

 private:
  // How many bytes of `out` could be filled before the end.
  Result<std::size_t> fill(std::span<std::uint8_t> out);
  // Nothing at the end.
  Result<std::optional<std::uint64_t>> read_length();
  // "CAR: section 3: …"; the header is section 0.
  Error fault(const std::string& why) const;

  ByteSource source_;
  std::uint64_t section_ = 0;
};

}  // namespace dist::record
