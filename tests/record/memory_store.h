// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Blocks in memory, for the tests of gst/record.
#pragma once

#include <map>
#include <vector>

#include "gst/record/block.h"
#include "tests/common/support.h"

namespace dist::test {

class MemoryStore {
 public:
  // They refer to the store.
  record::GetBlock get() const {
    return [this](const record::Cid& cid) -> Result<std::optional<Bytes>> {
      const auto found = blocks_.find(cid);
      return found == blocks_.end() ? std::optional<Bytes>() : std::optional(found->second);
    };
  }
  record::PutBlock put() {
    return [this](const record::Block& block) {
      keep(block);
      return Status();
    };
  }

  record::Cid add(record::Codec codec, Data bytes) {
    const record::Block block = record::make_block(codec, Bytes::take(std::move(bytes)));
    keep(block);
    return block.cid;
  }
  void remove(const record::Cid& cid) { blocks_.erase(cid); }
  // Other bytes under the same name.
  void replace(const record::Cid& cid, Data bytes) { blocks_[cid] = Bytes::take(std::move(bytes)); }

  const std::map<record::Cid, Bytes>& blocks() const { return blocks_; }
  // In which they were put.
  const std::vector<record::Cid>& order() const { return order_; }

 private:
  void keep(const record::Block& block) {
    order_.push_back(block.cid);
    blocks_[block.cid] = block.bytes;
  }

  std::map<record::Cid, Bytes> blocks_;
  std::vector<record::Cid> order_;
};

}  // namespace dist::test
