// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is read as DAG-CBOR is written back as it came, so each value has one encoding. The rest of
// the room's parsers, and the manifest, read the same bytes.
#include "gst/record/dag_cbor.h"

#include "gst/record/dag_walk.h"
#include "gst/record/manifest.h"
#include "gst/record/unixfs.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;
using namespace dist::record;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const auto value = decode_dag_cbor(bytes);
  if (value) {
    const auto again = encode_dag_cbor(*value);
    REQUIRE(again && std::equal(again->begin(), again->end(), bytes.begin(), bytes.end()));
  }
  // Every block of the store is this one.
  for (const auto codec : {record::Codec::kDagCbor, record::Codec::kDagPb}) {
    const Block block = make_block(codec, copy(bytes));
    const GetBlock get = [&](const Cid& cid) {
      return cid == block.cid ? std::optional(block.bytes) : std::optional<Bytes>();
    };
    (void)links_of(block);
    (void)read_manifest(block.cid, get);
    (void)read_file(block.cid, 1000, get, [](const Bytes&) { return Status(); });
  }
  return 0;
}
