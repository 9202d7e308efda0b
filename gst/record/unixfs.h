// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files as UnixFS DAGs, written by the profile unixfs-v1-2025 (IPIP-0499), so that equal bytes have
// the CID that other software of that profile gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/record/block.h"
#include "gst/record/cid.h"

namespace dist::record {

inline constexpr std::size_t kLeafSize = 1u << 20;
inline constexpr std::size_t kNodeWidth = 1024;

// Makes the blocks of one file from its bytes in order. Holds a leaf and, for each level above the
// leaves, at most kNodeWidth links. A failure of `put` is for good.
class FileBuilder {
 public:
  explicit FileBuilder(PutBlock put) : put_(std::move(put)) {}

  // Bytes that make a whole leaf are not copied.
  Status write(const Bytes& bytes);
  // The rest of the blocks, and the file's CID; once. A file of up to kLeafSize bytes is one raw
  // block.
  Result<Cid> finish();

 private:
  struct Child {
    Cid cid;
    std::uint64_t file_bytes = 0;
    // Of all its blocks.
    std::uint64_t total = 0;
  };

  Status end_leaf();
  // Adds to what the next node of that level links to; makes that node first if it is full.
  Status add(std::size_t level, const Child& child);
  Result<Child> make_node(std::size_t level);

  PutBlock put_;
  BytesList leaf_;
  std::size_t leaf_size_ = 0;
  std::vector<std::vector<Child>> levels_;
};

// Gives the bytes of a file to `sink` in order, each block checked against its CID, and every size
// against what the node above announced. `max_bytes` is the longest file that is read; a longer one
// is refused before its first byte.
Status read_file(const Cid& root, std::uint64_t max_bytes, const GetBlock& get,
                 const std::function<Status(const Bytes&)>& sink);

// The same into memory; small leaves are joined, so that the list is short. Refuses a file of more
// leaves than max_bytes / 4 KiB + 64 Ki: a leaf may be linked any number of times.
Result<BytesList> read_whole_file(const Cid& root, std::uint64_t max_bytes, const GetBlock& get);

// How long files are, with the checks of read_file(). Asks for each block once, in whatever number
// of places it stands, and remembers it in about 100 bytes.
class FileSizes {
 public:
  explicit FileSizes(GetBlock get) : get_(std::move(get)) {}

  Result<std::uint64_t> size_of(const Cid& root);

 private:
  struct Measured {
    std::uint64_t bytes = 0;
    unsigned levels = 0;  // Of nodes, this one included.
  };

  Result<Measured> measure(const Cid& cid, unsigned level);
  Result<Measured> measure_new(const Cid& cid, unsigned level);

  GetBlock get_;
  std::map<Cid, Measured> known_;
};

}  // namespace dist::record
