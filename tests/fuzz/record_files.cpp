// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Signatures, exports and journals: what is read is written back as it came. The first byte says
// which of them the rest is.
#include <map>

#include "gst/record/dag_walk.h"
#include "gst/record/manifest.h"
#include "gst/record/signature.h"
#include "gst/record/store_export.h"
#include "gst/store/job_journal.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;
using namespace dist::record;

void read_signed(std::span<const std::uint8_t> bytes) {
  const auto signature = read_signature(bytes);
  if (!signature)
    return;
  const auto again = write_signature(*signature);
  REQUIRE(again && std::equal(again->begin(), again->end(), bytes.begin(), bytes.end()));
}

void read_happenings(std::span<const std::uint8_t> bytes) {
  const auto journal = read_journal(copy(bytes));
  if (!journal)
    return;
  const auto again = read_journal(write_journal(*journal));
  REQUIRE(again && *again == *journal);
}

// Blocks with two bytes of length each, the root last; links are to be found by mutation.
void read_blocks(Input& input) {
  std::map<Cid, Bytes> store;
  Cid root;
  while (!input.empty()) {
    const Block block = make_block(record::Codec::kDagCbor, copy(input.take(input.u16())));
    store[block.cid] = block.bytes;
    root = block.cid;
  }
  const GetBlock get = [&](const Cid& cid) {
    const auto found = store.find(cid);
    return found == store.end() ? std::optional<Bytes>() : std::optional(found->second);
  };
  const PutBlock drop = [](const Block&) { return Status(); };
  if (const auto entries = read_export(root, get))
    REQUIRE(write_export(*entries, drop));
  if (const auto manifest = read_manifest(root, get))
    REQUIRE(write_manifest(*manifest, drop));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  switch (input.byte() % 3) {
    case 0:
      read_signed(input.rest());
      break;
    case 1:
      read_happenings(input.rest());
      break;
    default:
      read_blocks(input);
  }
  return 0;
}
